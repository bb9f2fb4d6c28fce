//! Telling of a change, in its own transaction: a line in the log that caches follow, and a message to every webhook that wants to know.

use sqlx::{AnyConnection, Row};

use super::facts::{ImageFacts, MessageKind, UploadError};
use crate::account::{Account, AccountNumber};
use crate::clock::Position;
use crate::event::{self, EventKind};
use crate::webhook::{ImageEvent, stored_events};
use crate::{Result, Store, StoreError, secret};

/// Messages that wait for one webhook; what comes then is dropped.
const WAITING_MAX: i64 = 10_000;
/// Notifications of refused uploads that one draft makes.
const REFUSALS_MAX: i64 = 5;

/// What happened to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    /// It is there.
    Uploaded {
        /// By a one-time URL.
        is_direct: bool,
    },
    /// It is another; with another id if its facts have a previous one.
    Updated,
    /// It is gone.
    Deleted,
}

/// Tells of a change. True if there is something to send.
pub(crate) async fn announce(
    connection: &mut AnyConnection,
    at: Position,
    account: AccountNumber,
    happening: Happening,
    image: &ImageFacts,
) -> Result<bool> {
    let line = match happening {
        Happening::Uploaded { .. } => Some((EventKind::ImageUploaded, image.id.as_str())),
        Happening::Updated => image.previous_id.as_deref().map(|id| (EventKind::ImageRemoved, id)),
        Happening::Deleted => Some((EventKind::ImageRemoved, image.id.as_str())),
    };
    if let Some((kind, subject)) = line {
        event::record(connection, at, account, kind, subject).await?;
    }
    let event = match happening {
        Happening::Uploaded { .. } => ImageEvent::Uploaded,
        Happening::Updated => ImageEvent::Updated,
        Happening::Deleted => ImageEvent::Deleted,
    };
    let mut routes = subscribed(connection, account, event).await?;
    if happening == (Happening::Uploaded { is_direct: true }) {
        routes.extend(notified(connection, account, MessageKind::UploadSucceeded).await?);
    }
    queue(connection, at.ms(), account, &routes, image).await
}

/// Who wants a message.
struct Route {
    kind: MessageKind,
    id: String,
    name: String,
    webhook: String,
}

async fn subscribed(connection: &mut AnyConnection, account: AccountNumber, event: ImageEvent) -> Result<Vec<Route>> {
    let rows =
        sqlx::query("SELECT id, name, events, webhook FROM event_subscriptions WHERE account = $1 AND is_enabled = 1")
            .bind(account.0)
            .fetch_all(connection)
            .await?;
    let mut routes = Vec::new();
    for row in rows {
        if stored_events(&row.try_get::<String, _>("events")?).contains(&event) {
            routes.push(Route {
                kind: MessageKind::Event(event),
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                webhook: row.try_get("webhook")?,
            });
        }
    }
    Ok(routes)
}

async fn notified(connection: &mut AnyConnection, account: AccountNumber, kind: MessageKind) -> Result<Vec<Route>> {
    let rows = sqlx::query(
        "SELECT p.id, p.name, w.webhook FROM notification_policies p JOIN policy_webhooks w ON w.policy = p.id
         WHERE p.account = $1 AND p.is_enabled = 1",
    )
    .bind(account.0)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Route {
                kind,
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                webhook: row.try_get("webhook")?,
            })
        })
        .collect()
}

async fn queue(
    connection: &mut AnyConnection,
    now_ms: i64,
    account: AccountNumber,
    routes: &[Route],
    image: &ImageFacts,
) -> Result<bool> {
    if routes.is_empty() {
        return Ok(false);
    }
    let (facts, correlation) = (image.text(), secret::hex(&secret::random::<16>()));
    for route in routes {
        let waiting: i64 = sqlx::query(
            "SELECT COUNT(*) AS waiting FROM (SELECT 1 AS one FROM outbox WHERE webhook = $1 AND done_ms IS NULL LIMIT $2) AS w",
        )
        .bind(&route.webhook)
        .bind(WAITING_MAX)
        .fetch_one(&mut *connection)
        .await?
        .try_get("waiting")?;
        if waiting >= WAITING_MAX {
            tracing::warn!(
                webhook = route.webhook,
                kind = route.kind.name(),
                "{WAITING_MAX} messages wait for this webhook; one more is dropped. Does its receiver answer?"
            );
            continue;
        }
        sqlx::query(
            "INSERT INTO outbox (id, correlation, account, webhook, route, route_name, kind, facts, happened_ms, due_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        )
        .bind(secret::hex(&secret::random::<16>()))
        .bind(&correlation)
        .bind(account.0)
        .bind(&route.webhook)
        .bind(&route.id)
        .bind(&route.name)
        .bind(route.kind.name())
        .bind(&facts)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    }
    Ok(true)
}

/// Tells of a refused upload, if the draft still waits and has not made too many notifications.
async fn announce_refusal(
    connection: &mut AnyConnection,
    now_ms: i64,
    account: AccountNumber,
    id: &str,
    filename: Option<&str>,
    error: UploadError,
) -> Result<bool> {
    let routes = notified(connection, account, MessageKind::UploadFailed).await?;
    if routes.is_empty() {
        return Ok(false);
    }
    let counted = sqlx::query(
        "UPDATE images SET draft_refusals = draft_refusals + 1
         WHERE account = $1 AND id = $2 AND draft_ends_ms > $3 AND draft_refusals < $4 RETURNING filename, is_private, creator, metadata",
    )
    .bind(account.0)
    .bind(id)
    .bind(now_ms)
    .bind(REFUSALS_MAX)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = counted else {
        return Ok(false);
    };
    let image = ImageFacts {
        filename: filename.map(str::to_owned),
        error: Some(error),
        ..ImageFacts::of_row(id, None, &row)?
    };
    queue(connection, now_ms, account, &routes, &image).await
}

impl Store {
    /// Tells the account's policies that the upload of a draft was refused. Each draft makes five notifications at most; an account without policies
    /// writes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refuse_draft(
        &self,
        account: &Account,
        id: &str,
        filename: Option<&str>,
        error: UploadError,
    ) -> Result<()> {
        if id.contains('\0') || filename.is_some_and(|filename| filename.contains('\0')) {
            return Err(StoreError::Missing("draft"));
        }
        let mut write = self.database.write().await?;
        let now_ms = self.clock.now_ms();
        let queued = announce_refusal(write.connection(), now_ms, account.number, id, filename, error).await?;
        write.commit().await?;
        self.ring(queued);
        Ok(())
    }
}
