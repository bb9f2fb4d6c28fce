//! `alerting/v3`: webhooks, the policies that lead to them, and what was sent (spec 11). Shapes are those of the official SDKs.

use calotype_store::{
    HistoryQuery, NewPolicy, NewWebhook, Policy, PolicyChanges, Sent, StoreError, Webhook, WebhookChanges,
    WebhookSecret, WebhookUrl,
};
use http::Method;
use serde_json::{Map, Value, json};

use super::members::{boolean, page, page_info, required, text};
use super::path::decoded;
use super::{Call, body, query};
use crate::hosted::{
    ALERT_TYPE, Outcome, Problem, message_body, message_type, parse_timestamp, success, success_with, timestamp,
};
use crate::router::RequestBytes;

/// Messages on a page of the history unless it is said otherwise.
const PER_PAGE: u32 = 25;

/// A path below `alerting/v3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Alerting {
    Webhooks,
    Webhook(String),
    WebhookTest(String),
    Policies,
    Policy(String),
    AvailableAlerts,
    History,
}

impl Alerting {
    /// The meaning of what follows the account; `None` if it is of something else.
    pub(super) fn parse(rest: &str) -> Result<Option<Self>, Problem> {
        let Some(rest) = rest.strip_prefix("alerting/") else {
            return Ok(None);
        };
        let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        Ok(Some(match segments.as_slice() {
            ["v3", "destinations", "webhooks"] => Self::Webhooks,
            ["v3", "destinations", "webhooks", id] => Self::Webhook(decoded(id)?),
            ["v3", "destinations", "webhooks", id, "test"] => Self::WebhookTest(decoded(id)?),
            ["v3", "policies"] => Self::Policies,
            ["v3", "policies", id] => Self::Policy(decoded(id)?),
            ["v3", "available_alerts"] => Self::AvailableAlerts,
            ["v3", "history"] => Self::History,
            _ => return Err(Problem::no_route()),
        }))
    }

    /// Its path in the table of endpoints.
    pub(super) const fn endpoint(&self) -> &'static str {
        match self {
            Self::Webhooks => "/alerting/v3/destinations/webhooks",
            Self::Webhook(_) => "/alerting/v3/destinations/webhooks/{webhook_id}",
            Self::WebhookTest(_) => "/alerting/v3/destinations/webhooks/{webhook_id}/test",
            Self::Policies => "/alerting/v3/policies",
            Self::Policy(_) => "/alerting/v3/policies/{policy_id}",
            Self::AvailableAlerts => "/alerting/v3/available_alerts",
            Self::History => "/alerting/v3/history",
        }
    }
}

impl Call<'_> {
    pub(super) async fn alerting(&self, path: Alerting, body: RequestBytes) -> Outcome {
        let method = &self.parts.method;
        match path {
            Alerting::Webhooks if method == Method::POST => self.create_webhook(body).await,
            Alerting::Webhooks => self.webhooks().await,
            Alerting::Webhook(id) if method == Method::GET => success(&told_webhook(&self.find_webhook(&id).await?)),
            Alerting::Webhook(id) if method == Method::PUT => self.update_webhook(&id, body).await,
            Alerting::Webhook(id) => {
                self.hosted.store.delete_webhook(&self.account, &id).await?;
                success(&Map::new())
            }
            Alerting::WebhookTest(id) => self.test_webhook(&id).await,
            Alerting::Policies if method == Method::POST => self.create_policy(body).await,
            Alerting::Policies => self.policies().await,
            Alerting::Policy(id) if method == Method::GET => success(&told_policy(&self.find_policy(&id).await?)),
            Alerting::Policy(id) if method == Method::PUT => self.update_policy(&id, body).await,
            Alerting::Policy(id) => {
                self.hosted.store.delete_policy(&self.account, &id).await?;
                success(&Map::new())
            }
            Alerting::AvailableAlerts => available_alerts(),
            Alerting::History => self.history().await,
        }
    }

    async fn webhooks(&self) -> Outcome {
        let webhooks = self.hosted.store.webhooks(&self.account).await?;
        success(&webhooks.iter().map(told_webhook).collect::<Vec<_>>())
    }

    /// Posts a sample first, as the reference does: a webhook that does not answer is not made.
    async fn create_webhook(&self, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        let new = NewWebhook {
            name: required(&members, "name")?.to_owned(),
            url: WebhookUrl::parse(required(&members, "url")?)?,
            secret: secret(&members)?.flatten(),
        };
        let secret = new.secret.as_ref().map(WebhookSecret::reveal);
        self.try_webhook(&new.name, &new.url, secret).await?;
        let made = self.hosted.store.create_webhook(&self.account, &new).await?;
        success(&json!({ "id": made.id }))
    }

    async fn update_webhook(&self, id: &str, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        let old = self.find_webhook(id).await?;
        let changes = WebhookChanges {
            name: text(&members, "name")?.map(str::to_owned),
            url: text(&members, "url")?.map(WebhookUrl::parse).transpose()?,
            secret: secret(&members)?,
        };
        let store = &self.hosted.store;
        if changes.url.is_some() || changes.secret.is_some() {
            let kept = match changes.secret {
                None => store.webhook_secret(&self.account, id).await?,
                Some(_) => None,
            };
            let secret = match &changes.secret {
                None => kept.as_ref().map(calotype_store::Secret::reveal),
                Some(secret) => secret.as_ref().map(WebhookSecret::reveal),
            };
            let name = changes.name.as_ref().unwrap_or(&old.name);
            self.try_webhook(name, changes.url.as_ref().unwrap_or(&old.url), secret)
                .await?;
        }
        let changed = store.update_webhook(&self.account, id, &changes).await?;
        success(&json!({ "id": changed.id }))
    }

    /// Posts a sample; 5400 if the receiver does not take it.
    async fn try_webhook(&self, name: &str, url: &WebhookUrl, secret: Option<&str>) -> Result<u16, Problem> {
        let _place = self
            .hosted
            .webhook_tests
            .try_acquire()
            .map_err(|_| Problem::busy("webhooks are being tested"))?;
        let tested = self
            .hosted
            .webhooks
            .test(&self.account, name, url.as_str(), secret)
            .await;
        tested.map_err(|why| {
            Problem::bad_request(format!(
                "error connecting webhooks destination {name}: Webhook test failed: {why}"
            ))
        })
    }

    /// An endpoint of ours: posts a sample to a webhook that is there.
    async fn test_webhook(&self, id: &str) -> Outcome {
        let webhook = self.find_webhook(id).await?;
        let secret = self.hosted.store.webhook_secret(&self.account, id).await?;
        let secret = secret.as_ref().map(calotype_store::Secret::reveal);
        let status = self.try_webhook(&webhook.name, &webhook.url, secret).await?;
        success(&json!({ "id": webhook.id, "status": status }))
    }

    async fn find_webhook(&self, id: &str) -> Result<Webhook, Problem> {
        let found = self.hosted.store.webhook(&self.account, id).await?;
        Ok(found.ok_or(StoreError::Missing("webhook"))?)
    }

    async fn find_policy(&self, id: &str) -> Result<Policy, Problem> {
        let found = self.hosted.store.policy(&self.account, id).await?;
        Ok(found.ok_or(StoreError::Missing("policy"))?)
    }

    async fn policies(&self) -> Outcome {
        let policies = self.hosted.store.policies(&self.account).await?;
        success(&policies.iter().map(told_policy).collect::<Vec<_>>())
    }

    async fn create_policy(&self, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        required(&members, "alert_type")?;
        check_alert_type(&members)?;
        let new = NewPolicy {
            name: required(&members, "name")?.to_owned(),
            description: text(&members, "description")?.unwrap_or_default().to_owned(),
            is_enabled: boolean(&members, "enabled")?.unwrap_or(true),
            webhooks: mechanisms(&members)?.unwrap_or_default(),
        };
        let made = self.hosted.store.create_policy(&self.account, &new).await?;
        success(&json!({ "id": made.id }))
    }

    async fn update_policy(&self, id: &str, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        check_alert_type(&members)?;
        let changes = PolicyChanges {
            name: text(&members, "name")?.map(str::to_owned),
            description: text(&members, "description")?.map(str::to_owned),
            is_enabled: boolean(&members, "enabled")?,
            webhooks: mechanisms(&members)?,
        };
        let changed = self.hosted.store.update_policy(&self.account, id, &changes).await?;
        success(&json!({ "id": changed.id }))
    }

    async fn history(&self) -> Outcome {
        let parameters = query::parameters(self.parts.uri.query().unwrap_or_default())?;
        let (page, per_page) = page(&parameters, PER_PAGE)?;
        let time = |name: &str| -> Result<Option<i64>, Problem> {
            let Some(text) = query::single(&parameters, name)? else {
                return Ok(None);
            };
            let time = parse_timestamp(text);
            let time = time.ok_or_else(|| Problem::bad_request(format!("{name} must be an RFC 3339 time")))?;
            Ok(Some(time))
        };
        let asked = HistoryQuery {
            since_ms: time("since")?.unwrap_or_default(),
            before_ms: time("before")?.unwrap_or(i64::MAX),
            skip: page.saturating_sub(1).saturating_mul(per_page),
            max: per_page,
        };
        let (sent, total) = self.hosted.store.sent_messages(&self.account, &asked).await?;
        let result: Vec<Value> = sent.iter().map(told_sent).collect();
        success_with(&result, Some(&page_info(page, per_page, result.len(), total)))
    }
}

fn told_webhook(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url.as_str(),
        "type": "generic",
        "created_at": timestamp(webhook.created_ms),
        "last_success": webhook.last_success_ms.map(timestamp),
        "last_failure": webhook.last_failure_ms.map(timestamp),
    })
}

fn told_policy(policy: &Policy) -> Value {
    let webhooks: Vec<_> = policy.webhooks.iter().map(|id| json!({ "id": id })).collect();
    json!({
        "id": policy.id,
        "name": policy.name,
        "description": policy.description,
        "enabled": policy.is_enabled,
        "alert_type": ALERT_TYPE,
        "mechanisms": { "webhooks": webhooks },
        "filters": {},
        "created": timestamp(policy.created_ms),
        "modified": timestamp(policy.modified_ms),
    })
}

/// `status`, `tries` and `outcome` are ours.
fn told_sent(sent: &Sent) -> Value {
    let message = &sent.message;
    json!({
        "id": message.id,
        "name": message.route_name,
        "description": "",
        "policy_id": message.route,
        "alert_type": message_type(message.kind),
        "alert_body": message_body(message).to_string(),
        "mechanism": message.webhook,
        "mechanism_type": "webhook",
        "sent": timestamp(sent.done_ms),
        "status": if sent.is_delivered { "delivered" } else { "failed" },
        "tries": sent.tries,
        "outcome": sent.outcome,
    })
}

fn available_alerts() -> Outcome {
    success(&json!({
        "Images": [{
            "type": ALERT_TYPE,
            "display_name": "Image Notification",
            "description": "A direct creator upload has succeeded or has failed.",
            "filter_options": [],
        }],
    }))
}

/// The webhooks of `mechanisms`. The other ways of the reference are refused: who asks for an email would wait for it.
fn mechanisms(members: &Map<String, Value>) -> Result<Option<Vec<String>>, Problem> {
    let mechanisms = match members.get("mechanisms") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(mechanisms)) => mechanisms,
        Some(_) => return Err(Problem::bad_request("mechanisms must be an object")),
    };
    for other in ["email", "pagerduty"] {
        if mechanisms
            .get(other)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
        {
            return Err(Problem::bad_request(format!(
                "mechanisms.{other} is not there on this server; use mechanisms.webhooks"
            )));
        }
    }
    let wrong = || Problem::bad_request("mechanisms.webhooks must be a list of {\"id\": …}");
    let webhooks = match mechanisms.get("webhooks") {
        None | Some(Value::Null) => return Ok(Some(Vec::new())),
        Some(webhooks) => webhooks.as_array().ok_or_else(wrong)?,
    };
    let ids = webhooks.iter().map(|webhook| {
        let id = webhook.get("id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(wrong)
    });
    Ok(Some(ids.collect::<Result<_, _>>()?))
}

fn check_alert_type(members: &Map<String, Value>) -> Result<(), Problem> {
    match text(members, "alert_type")? {
        Some(other) if other != ALERT_TYPE => Err(Problem::bad_request(format!(
            "alert_type must be {ALERT_TYPE}; this server has no other"
        ))),
        _ => Ok(()),
    }
}

/// `Some(None)` for one that is taken away: it is said and empty.
fn secret(members: &Map<String, Value>) -> Result<Option<Option<WebhookSecret>>, Problem> {
    match text(members, "secret")? {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(secret) => Ok(Some(Some(WebhookSecret::parse(secret)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_its_path() {
        let id = || "b115d5ec15c641ee8b7692c449b5227b".to_owned();
        for (rest, want) in [
            ("alerting/v3/destinations/webhooks", Alerting::Webhooks),
            (
                "alerting/v3/destinations/webhooks/b115d5ec15c641ee8b7692c449b5227b",
                Alerting::Webhook(id()),
            ),
            (
                "alerting/v3/destinations/webhooks/b115d5ec15c641ee8b7692c449b5227b/test",
                Alerting::WebhookTest(id()),
            ),
            ("alerting/v3/policies", Alerting::Policies),
            (
                "alerting/v3/policies/b115d5ec15c641ee8b7692c449b5227b",
                Alerting::Policy(id()),
            ),
            ("alerting/v3/available_alerts", Alerting::AvailableAlerts),
            ("alerting/v3/history", Alerting::History),
        ] {
            assert_eq!(Alerting::parse(rest).ok().flatten(), Some(want), "{rest}");
        }
        assert!(Alerting::parse("images/v1").is_ok_and(|path| path.is_none()));
        for rest in ["alerting/v3/silences", "alerting/v3", "alerting/v2/policies"] {
            assert!(Alerting::parse(rest).is_err(), "{rest}");
        }
    }
}
