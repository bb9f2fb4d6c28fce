//! `event_subscriptions/subscriptions`: events of images (spec 11, D85). The reference leads them to queues; here they lead to webhooks.

use calotype_store::{ImageEvent, NewSubscription, StoreError, Subscription, SubscriptionChanges};
use http::Method;
use serde_json::{Map, Value, json};

use super::members::{boolean, page, page_info, required, text};
use super::path::decoded;
use super::{Call, body, query};
use crate::hosted::{Outcome, Problem, success, success_with, timestamp};
use crate::router::RequestBytes;

/// Subscriptions on a page unless it is said otherwise.
const PER_PAGE: u32 = 20;

/// A path below `event_subscriptions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subscriptions {
    All,
    One(String),
}

impl Subscriptions {
    /// The meaning of what follows the account; `None` if it is of something else.
    pub(super) fn parse(rest: &str) -> Result<Option<Self>, Problem> {
        let Some(rest) = rest.strip_prefix("event_subscriptions/") else {
            return Ok(None);
        };
        let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        match segments.as_slice() {
            ["subscriptions"] => Ok(Some(Self::All)),
            ["subscriptions", id] => Ok(Some(Self::One(decoded(id)?))),
            _ => Err(Problem::no_route()),
        }
    }

    /// Its path in the table of endpoints.
    pub(super) const fn endpoint(&self) -> &'static str {
        match self {
            Self::All => "/event_subscriptions/subscriptions",
            Self::One(_) => "/event_subscriptions/subscriptions/{subscription_id}",
        }
    }
}

impl Call<'_> {
    pub(super) async fn subscriptions(&self, path: Subscriptions, body: RequestBytes) -> Outcome {
        let (store, account) = (&self.hosted.store, &self.account);
        match (path, &self.parts.method) {
            (Subscriptions::All, &Method::POST) => self.create_subscription(body).await,
            (Subscriptions::All, _) => self.list_subscriptions().await,
            (Subscriptions::One(id), &Method::GET) => success(&told(&self.find_subscription(&id).await?)),
            (Subscriptions::One(id), &Method::PATCH) => {
                let members = body::json(body).await?;
                let changes = SubscriptionChanges {
                    name: text(&members, "name")?.map(str::to_owned),
                    is_enabled: boolean(&members, "enabled")?,
                    events: events(&members)?,
                    webhook: destination(&members)?,
                };
                success(&told(&store.update_subscription(account, &id, &changes).await?))
            }
            (Subscriptions::One(id), _) => {
                let gone = self.find_subscription(&id).await?;
                store.delete_subscription(account, &id).await?;
                success(&told(&gone))
            }
        }
    }

    async fn create_subscription(&self, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        let source = members
            .get("source")
            .and_then(|source| source.get("type"))
            .and_then(Value::as_str);
        if source != Some("images") {
            return Err(Problem::bad_request(
                "source must be {\"type\": \"images\"}; this server has no other",
            ));
        }
        let new = NewSubscription {
            name: required(&members, "name")?.to_owned(),
            is_enabled: boolean(&members, "enabled")?.unwrap_or(true),
            events: events(&members)?.unwrap_or_default(),
            webhook: destination(&members)?.ok_or_else(no_destination)?,
        };
        success(&told(
            &self.hosted.store.create_subscription(&self.account, &new).await?,
        ))
    }

    async fn list_subscriptions(&self) -> Outcome {
        let parameters = query::parameters(self.parts.uri.query().unwrap_or_default())?;
        let (page, per_page) = page(&parameters, PER_PAGE)?;
        let mut all = self.hosted.store.subscriptions(&self.account).await?;
        match query::single(&parameters, "order")? {
            // There is one source, and the store's order is that of time.
            None | Some("created_at" | "source") => {}
            Some("name") => all.sort_by(|one, other| one.name.cmp(&other.name)),
            Some("enabled") => all.sort_by_key(|one| one.is_enabled),
            Some(_) => {
                return Err(Problem::bad_request(
                    "order must be created_at, name, enabled or source",
                ));
            }
        }
        match query::single(&parameters, "direction")? {
            None | Some("asc") => {}
            Some("desc") => all.reverse(),
            Some(_) => return Err(Problem::bad_request("direction must be asc or desc")),
        }
        let skip = usize::try_from(page.saturating_sub(1).saturating_mul(per_page)).unwrap_or(usize::MAX);
        let max = usize::try_from(per_page).unwrap_or(usize::MAX);
        let result: Vec<Value> = all.iter().skip(skip).take(max).map(told).collect();
        success_with(
            &result,
            Some(&page_info(page, per_page, result.len(), all.len() as u64)),
        )
    }

    async fn find_subscription(&self, id: &str) -> Result<Subscription, Problem> {
        let found = self.hosted.store.subscription(&self.account, id).await?;
        Ok(found.ok_or(StoreError::Missing("event subscription"))?)
    }
}

fn told(subscription: &Subscription) -> Value {
    let events: Vec<_> = subscription.events.iter().map(|event| event.name()).collect();
    json!({
        "id": subscription.id,
        "name": subscription.name,
        "enabled": subscription.is_enabled,
        "source": { "type": "images" },
        "events": events,
        "destination": { "type": "webhook", "webhook_id": subscription.webhook },
        "created_at": timestamp(subscription.created_ms),
        "modified_at": timestamp(subscription.modified_ms),
    })
}

fn events(members: &Map<String, Value>) -> Result<Option<Vec<ImageEvent>>, Problem> {
    let wrong = || Problem::bad_request("events must be a list of names, for example [\"image.uploaded\"]");
    let events = match members.get("events") {
        None | Some(Value::Null) => return Ok(None),
        Some(events) => events.as_array().ok_or_else(wrong)?,
    };
    let events = events
        .iter()
        .map(|event| Ok(ImageEvent::parse(event.as_str().ok_or_else(wrong)?)?));
    Ok(Some(events.collect::<Result<_, Problem>>()?))
}

fn no_destination() -> Problem {
    Problem::bad_request(
        "destination must be {\"type\": \"webhook\", \"webhook_id\": …} with a webhook of alerting/v3/destinations/webhooks; there are no queues here",
    )
}

fn destination(members: &Map<String, Value>) -> Result<Option<String>, Problem> {
    let destination = match members.get("destination") {
        None | Some(Value::Null) => return Ok(None),
        Some(destination) => destination,
    };
    let text = |name: &str| destination.get(name).and_then(Value::as_str);
    match (text("type"), text("webhook_id")) {
        (Some("webhook"), Some(id)) => Ok(Some(id.to_owned())),
        _ => Err(no_destination()),
    }
}
