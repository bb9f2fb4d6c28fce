//! What was sent, for some time.

use sqlx::Row;

use super::{COLUMNS, Message};
use crate::account::Account;
use crate::{Result, Store};

/// How long history is kept: 30 days.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Messages of one webhook that are kept.
const KEPT_OF_WEBHOOK: i64 = 1_000;

/// Which messages to tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Sent at this time or later, in milliseconds since 1970.
    pub since_ms: i64,
    /// Sent before this time.
    pub before_ms: i64,
    /// How many are left out, from the newest.
    pub skip: u32,
    /// How many are told of.
    pub max: u32,
}

/// A message that was delivered or given up.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What was sent.
    pub message: Message,
    /// When it was settled, in milliseconds since 1970.
    pub done_ms: i64,
    /// Whether the receiver has it.
    pub is_delivered: bool,
    /// How often it was tried.
    pub tries: u32,
    /// How the last try went.
    pub outcome: String,
}

impl Store {
    /// Messages that were delivered or given up, newest first, and how many there are in all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sent_messages(&self, account: &Account, query: &HistoryQuery) -> Result<(Vec<Sent>, u64)> {
        let text = format!(
            "SELECT {COLUMNS}, o.done_ms, o.is_delivered, o.tries, o.outcome FROM outbox o JOIN accounts a ON a.number = o.account
             WHERE o.account = $1 AND o.done_ms >= $2 AND o.done_ms < $3 ORDER BY o.done_ms DESC, o.id LIMIT $4 OFFSET $5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(account.number.0)
            .bind(query.since_ms)
            .bind(query.before_ms)
            .bind(i64::from(query.max))
            .bind(i64::from(query.skip))
            .fetch_all(self.database.pool())
            .await?;
        let mut sent = Vec::with_capacity(rows.len());
        for row in &rows {
            sent.push(Sent {
                message: Message::from_row(row)?,
                done_ms: row.try_get("done_ms")?,
                is_delivered: row.try_get::<i64, _>("is_delivered")? != 0,
                tries: u32::try_from(row.try_get::<i64, _>("tries")?).unwrap_or_default(),
                outcome: row.try_get::<Option<String>, _>("outcome")?.unwrap_or_default(),
            });
        }
        let count: i64 = sqlx::query(
            "SELECT COUNT(*) AS messages FROM outbox WHERE account = $1 AND done_ms >= $2 AND done_ms < $3",
        )
        .bind(account.number.0)
        .bind(query.since_ms)
        .bind(query.before_ms)
        .fetch_one(self.database.pool())
        .await?
        .try_get("messages")?;
        Ok((sent, u64::try_from(count).unwrap_or_default()))
    }

    /// Forgets history that is older than 30 days, or more than the newest 1,000 messages of a webhook; and what waits for a webhook that is gone. How many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trim_messages(&self) -> Result<u64> {
        let mut gone = sqlx::query(
            "DELETE FROM outbox WHERE done_ms < $1 OR (done_ms IS NULL AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = outbox.webhook))",
        )
        .bind(self.clock.now_ms().saturating_sub(KEPT_MS))
        .execute(&mut *self.database.write_alone().await?)
        .await?
        .rows_affected();
        let full =
            sqlx::query("SELECT webhook FROM outbox WHERE done_ms IS NOT NULL GROUP BY webhook HAVING COUNT(*) > $1")
                .bind(KEPT_OF_WEBHOOK)
                .fetch_all(self.database.pool())
                .await?;
        for row in full {
            let webhook: String = row.try_get("webhook")?;
            let trimmed = sqlx::query(
                "DELETE FROM outbox WHERE webhook = $1 AND done_ms IS NOT NULL AND id NOT IN
                 (SELECT id FROM outbox WHERE webhook = $1 AND done_ms IS NOT NULL ORDER BY done_ms DESC, id LIMIT $2)",
            )
            .bind(&webhook)
            .bind(KEPT_OF_WEBHOOK)
            .execute(&mut *self.database.write_alone().await?)
            .await?;
            gone = gone.saturating_add(trimmed.rows_affected());
        }
        Ok(gone)
    }
}
