//! Subscriptions: which webhook hears of which events.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{check_name, check_room, check_webhook, is_id};
use crate::account::{self, Account};
use crate::{Result, Store, StoreError, secret};

/// Subscriptions of an account.
const SUBSCRIPTIONS_MAX: u64 = 100;
const COLUMNS: &str =
    "SELECT id, name, is_enabled, events, webhook, created_ms, modified_ms FROM event_subscriptions WHERE account = $1";

/// What can happen to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageEvent {
    /// It is there, by whichever door.
    Uploaded,
    /// Its metadata, creator or access is another.
    Updated,
    /// It is gone.
    Deleted,
}

impl ImageEvent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Uploaded, Self::Updated, Self::Deleted];

    /// As subscriptions name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uploaded => "image.uploaded",
            Self::Updated => "image.updated",
            Self::Deleted => "image.deleted",
        }
    }

    /// The event of a name.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] names those that there are.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|event| event.name() == name);
        found.ok_or_else(|| {
            StoreError::Invalid(format!(
                "unknown event `{name:.64}`; use image.uploaded, image.updated or image.deleted"
            ))
        })
    }
}

/// A subscription to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscription {
    /// For people.
    pub name: String,
    /// Whether it does anything.
    pub is_enabled: bool,
    /// Of what.
    pub events: Vec<ImageEvent>,
    /// The id of the webhook that hears of it.
    pub webhook: String,
}

/// What to change; `None` is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionChanges {
    /// For people.
    pub name: Option<String>,
    /// Whether it does anything.
    pub is_enabled: Option<bool>,
    /// Of what.
    pub events: Option<Vec<ImageEvent>>,
    /// The id of the webhook that hears of it.
    pub webhook: Option<String>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// 32 hex digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether it does anything.
    pub is_enabled: bool,
    /// Of what.
    pub events: Vec<ImageEvent>,
    /// The id of the webhook that hears of it.
    pub webhook: String,
    /// In milliseconds since 1970.
    pub created_ms: i64,
    /// In milliseconds since 1970.
    pub modified_ms: i64,
}

impl Subscription {
    fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            is_enabled: row.try_get::<i64, _>("is_enabled")? != 0,
            events: stored_events(&row.try_get::<String, _>("events")?),
            webhook: row.try_get("webhook")?,
            created_ms: row.try_get("created_ms")?,
            modified_ms: row.try_get("modified_ms")?,
        })
    }
}

/// The events of a row; a later version may have written more.
pub(crate) fn stored_events(text: &str) -> Vec<ImageEvent> {
    text.split(' ')
        .filter_map(|name| ImageEvent::parse(name).ok())
        .collect()
}

/// Each event once, in their own order.
fn written(events: &[ImageEvent]) -> Result<String> {
    if events.is_empty() {
        return Err(StoreError::Invalid(
            "events must name at least one of image.uploaded, image.updated and image.deleted".to_owned(),
        ));
    }
    let names = ImageEvent::ALL.into_iter().filter(|event| events.contains(event));
    Ok(names.map(ImageEvent::name).collect::<Vec<_>>().join(" "))
}

impl Store {
    /// The subscriptions of an account, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscriptions(&self, account: &Account) -> Result<Vec<Subscription>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY created_ms, id")))
            .bind(account.number.0)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(Subscription::from_row).collect()
    }

    /// The subscription of an id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscription(&self, account: &Account, id: &str) -> Result<Option<Subscription>> {
        if !is_id(id) {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = $2")))
            .bind(account.number.0)
            .bind(id)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(Subscription::from_row).transpose()
    }

    /// Makes a subscription. An account has at most 100.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a name, no events, or a webhook that is not there, [`StoreError::Full`], or the database fails.
    pub async fn create_subscription(&self, account: &Account, new: &NewSubscription) -> Result<Subscription> {
        check_name(&new.name)?;
        let events = written(&new.events)?;
        let id = secret::hex(&secret::random::<16>());
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let count = "SELECT COUNT(*) AS rows_ FROM event_subscriptions WHERE account = $1";
        check_room(
            connection,
            count,
            account.number,
            "event subscriptions",
            SUBSCRIPTIONS_MAX,
        )
        .await?;
        check_webhook(connection, account.number, &new.webhook).await?;
        sqlx::query(
            "INSERT INTO event_subscriptions (id, account, name, is_enabled, events, webhook, created_ms, modified_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        )
        .bind(&id)
        .bind(account.number.0)
        .bind(&new.name)
        .bind(i64::from(new.is_enabled))
        .bind(events)
        .bind(&new.webhook)
        .bind(self.clock.now_ms())
        .execute(&mut *connection)
        .await?;
        write.commit().await?;
        let made = self.subscription(account, &id).await?;
        made.ok_or(StoreError::Missing("event subscription"))
    }

    /// Changes a subscription. What waits because of it is sent as it was meant.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Invalid`] as for new ones, or the database fails.
    pub async fn update_subscription(
        &self,
        account: &Account,
        id: &str,
        changes: &SubscriptionChanges,
    ) -> Result<Subscription> {
        let missing = StoreError::Missing("event subscription");
        let old = self.subscription(account, id).await?.ok_or(missing)?;
        if let Some(name) = &changes.name {
            check_name(name)?;
        }
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        if let Some(webhook) = &changes.webhook {
            check_webhook(connection, account.number, webhook).await?;
        }
        let done = sqlx::query(
            "UPDATE event_subscriptions SET name = $3, is_enabled = $4, events = $5, webhook = $6, modified_ms = $7
             WHERE account = $1 AND id = $2",
        )
        .bind(account.number.0)
        .bind(id)
        .bind(changes.name.as_deref().unwrap_or(&old.name))
        .bind(i64::from(changes.is_enabled.unwrap_or(old.is_enabled)))
        .bind(written(changes.events.as_ref().unwrap_or(&old.events))?)
        .bind(changes.webhook.as_deref().unwrap_or(&old.webhook))
        .bind(self.clock.now_ms())
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("event subscription"));
        }
        write.commit().await?;
        let changed = self.subscription(account, id).await?;
        changed.ok_or(StoreError::Missing("event subscription"))
    }

    /// Deletes a subscription, and what waits because of it.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or the database fails.
    pub async fn delete_subscription(&self, account: &Account, id: &str) -> Result<()> {
        if !is_id(id) {
            return Err(StoreError::Missing("event subscription"));
        }
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let done = sqlx::query("DELETE FROM event_subscriptions WHERE account = $1 AND id = $2")
            .bind(account.number.0)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Missing("event subscription"));
        }
        sqlx::query("DELETE FROM outbox WHERE route = $1 AND done_ms IS NULL")
            .bind(id)
            .execute(&mut *connection)
            .await?;
        write.commit().await
    }
}
