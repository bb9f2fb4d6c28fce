//! Sending messages to webhooks (spec 11, docs/design/events.md).

mod body;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use calotype_source::{PostFailure, Poster};
use calotype_store::{Account, Claim, Secret, Settled, Store, StoreError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

pub(crate) use body::{ALERT_TYPE, body, type_of};

/// Where the reference sends the secret.
const CF_WEBHOOK_AUTH: HeaderName = HeaderName::from_static("cf-webhook-auth");
/// The same in every try.
const MESSAGE_ID: HeaderName = HeaderName::from_static("calotype-message-id");
/// Messages under way at once.
const AT_ONCE_MAX: usize = 64;
/// How often it is looked for what other processes wrote, and for what is to be tried again.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Sends what is due, until it is told to stop. Several servers over one database may each have one.
#[derive(Debug, Clone)]
pub struct Webhooks {
    store: Arc<Store>,
    poster: Arc<Poster>,
    /// How many messages are under way, by webhook.
    under_way: Arc<Mutex<HashMap<String, usize>>>,
}

/// How a try went, in words for users.
type Tried = Result<StatusCode, String>;

impl Webhooks {
    /// Over this store, with this way to post.
    #[must_use]
    pub fn new(store: Arc<Store>, poster: Arc<Poster>) -> Self {
        Self {
            store,
            poster,
            under_way: Arc::default(),
        }
    }

    /// Sends whatever is due, now and later. What is under way when `stop` comes is waited for.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut sending = JoinSet::new();
        loop {
            let room = AT_ONCE_MAX.saturating_sub(sending.len());
            let taken = self.take(room).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "messages to webhooks could not be read; it is tried again shortly");
                Vec::new()
            });
            let is_empty = taken.is_empty();
            for claim in taken {
                sending.spawn(self.clone().deliver(claim));
            }
            if !is_empty {
                continue;
            }
            tokio::select! {
                () = &mut stop => break,
                // Another of the same webhook may be waiting for this one to end.
                Some(_) = sending.join_next() => {}
                () = self.store.message_written() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Sends what is due now, and returns when there is no more. How many tries were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn send_due(&self) -> Result<usize, StoreError> {
        let (mut sending, mut tries) = (JoinSet::new(), 0_usize);
        loop {
            let taken = self.take(AT_ONCE_MAX.saturating_sub(sending.len())).await?;
            if taken.is_empty() && sending.join_next().await.is_none() {
                return Ok(tries);
            }
            tries = tries.saturating_add(taken.len());
            for claim in taken {
                sending.spawn(self.clone().deliver(claim));
            }
        }
    }

    /// Takes messages, and counts them as under way.
    async fn take(&self, room: usize) -> Result<Vec<Claim>, StoreError> {
        let under_way = self.counts().clone();
        let claims = self.store.claim_messages(&under_way, room).await?;
        let mut counts = self.counts();
        for claim in &claims {
            let count = counts.entry(claim.message.webhook.clone()).or_default();
            *count = count.saturating_add(1);
        }
        Ok(claims)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver(self, claim: Claim) {
        let message = &claim.message;
        let tried = match &claim.secret {
            Ok(secret) => {
                let secret = secret.as_ref().map(Secret::reveal);
                self.post(&claim.url, secret, &message.id, &body(message)).await
            }
            Err(()) => Err("the webhook's secret does not open with this server's sealing key".to_owned()),
        };
        let (is_delivered, outcome) = judged(tried);
        let (id, webhook) = (message.id.as_str(), message.webhook.as_str());
        match self.store.settle_message(&claim, is_delivered, &outcome).await {
            Ok(Settled::Delivered) => tracing::debug!(id, webhook, "a message was delivered"),
            Ok(Settled::Again(after)) => {
                tracing::info!(
                    id,
                    webhook,
                    outcome,
                    again_s = after.as_secs(),
                    "a message was not delivered"
                );
            }
            Ok(Settled::GivenUp) => tracing::warn!(id, webhook, outcome, "a message was given up"),
            Ok(Settled::Lost) => {
                tracing::info!(id, webhook, "a message was settled elsewhere, or its webhook is gone");
            }
            Err(error) => {
                tracing::warn!(id, webhook, %error, "how a message went could not be written; it is tried again");
            }
        }
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(webhook) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(webhook);
            }
        }
    }

    /// Posts a sample now. The error is in words for users.
    ///
    /// # Errors
    /// When the receiver does not answer with a 2xx.
    pub async fn test(&self, account: &Account, name: &str, url: &str, secret: Option<&str>) -> Result<u16, String> {
        let id = random_id();
        let sample = body::sample(&account.id, name, &id, self.store.clock().now_ms());
        let tried = self.post(url, secret, &id, &sample).await;
        match tried {
            Ok(status) if status.is_success() => Ok(status.as_u16()),
            tried => Err(judged(tried).1),
        }
    }

    async fn post(&self, url: &str, secret: Option<&str>, id: &str, body: &Value) -> Tried {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            MESSAGE_ID,
            HeaderValue::from_str(id).map_err(|error| error.to_string())?,
        );
        if let Some(secret) = secret {
            let mut value =
                HeaderValue::from_str(secret).map_err(|_| "the secret cannot stand in a header".to_owned())?;
            value.set_sensitive(true);
            headers.insert(CF_WEBHOOK_AUTH, value);
        }
        let body = Bytes::from(body.to_string());
        self.poster
            .post(url, headers, body)
            .await
            .map_err(|failure| match failure {
                PostFailure::Forbidden => {
                    format!("{failure}; the operator can allow a private network with allow_networks")
                }
                failure => failure.to_string(),
            })
    }
}

/// Whether a try delivered, and what is written of it.
fn judged(tried: Tried) -> (bool, String) {
    match tried {
        Ok(status) if status.is_redirection() => {
            (false, format!("HTTP {}; redirects are not followed", status.as_u16()))
        }
        Ok(status) => (status.is_success(), format!("HTTP {}", status.as_u16())),
        Err(why) => (false, why),
    }
}

/// 32 hex digits.
fn random_id() -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; 16];
    // It only tells samples apart.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
