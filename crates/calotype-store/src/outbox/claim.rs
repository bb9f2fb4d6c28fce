//! Taking messages to send, one server each, and writing down how it went.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::Row;

use super::{COLUMNS, Message};
use crate::account::AccountNumber;
use crate::secret::Secret;
use crate::webhook::place;
use crate::{Result, Store};

/// How long a message is its taker's: longer than a try lasts, and than clocks of servers differ.
const LEASE_MS: i64 = 60_000;
/// Takings of one message. More than tries: a server may die with a message in its hands.
const CLAIMS_MAX: i64 = 10;
/// After the first failed try, after the second; a third is the last.
const AGAIN_AFTER_MS: [i64; 2] = [30_000, 300_000];
/// Messages under way to one webhook, in one server.
const AT_ONCE: usize = 4;

/// A message that this server has taken for a minute.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What to send.
    pub message: Message,
    /// Where to.
    pub url: String,
    /// What the receiver looks for; an error if this server's key does not open it.
    pub secret: std::result::Result<Option<Secret>, ()>,
    /// Which of the takings this is.
    claim: i64,
    tries: i64,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is there.
    Delivered,
    /// It is tried again after so long.
    Again(Duration),
    /// It was the last try.
    GivenUp,
    /// It was another server's meanwhile, or nobody's.
    Lost,
}

/// A webhook that something is due for.
struct Due {
    webhook: String,
    is_failing: bool,
}

impl Store {
    /// Takes messages that are due: at most `max`, and no more of one webhook than may be under way to it beside those of `under_way`.
    ///
    /// # Errors
    /// When the database fails; what was taken comes back in a minute.
    pub async fn claim_messages(&self, under_way: &HashMap<String, usize>, max: usize) -> Result<Vec<Claim>> {
        let now_ms = self.clock.now_ms();
        let mut claims = Vec::new();
        for due in self.due_webhooks(now_ms).await? {
            let bound = if due.is_failing { 1 } else { AT_ONCE };
            let room = bound
                .saturating_sub(under_way.get(&due.webhook).copied().unwrap_or_default())
                .min(max.saturating_sub(claims.len()));
            if room == 0 {
                continue;
            }
            let rows = sqlx::query(
                "SELECT id, claims FROM outbox WHERE webhook = $1 AND done_ms IS NULL AND due_ms <= $2 ORDER BY due_ms, id LIMIT $3",
            )
            .bind(&due.webhook)
            .bind(now_ms)
            .bind(i64::try_from(room).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool())
            .await?;
            for row in rows {
                claims.extend(self.claim(row.try_get("id")?, row.try_get("claims")?, now_ms).await?);
            }
        }
        Ok(claims)
    }

    /// The webhooks that something is due for: those that answer first, so that those that do not delay nobody.
    async fn due_webhooks(&self, now_ms: i64) -> Result<Vec<Due>> {
        let rows = sqlx::query(
            "SELECT o.webhook, w.last_success_ms, w.last_failure_ms, MIN(o.due_ms) AS first_ms FROM outbox o JOIN webhooks w ON w.id = o.webhook
             WHERE o.done_ms IS NULL AND o.due_ms <= $1 GROUP BY o.webhook, w.last_success_ms, w.last_failure_ms ORDER BY first_ms",
        )
        .bind(now_ms)
        .fetch_all(self.database.pool())
        .await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let succeeded: Option<i64> = row.try_get("last_success_ms")?;
            let failed: Option<i64> = row.try_get("last_failure_ms")?;
            due.push(Due {
                webhook: row.try_get("webhook")?,
                is_failing: failed.is_some_and(|failed| succeeded.is_none_or(|succeeded| succeeded < failed)),
            });
        }
        due.sort_by_key(|due| due.is_failing);
        Ok(due)
    }

    /// Takes one message, unless another server was faster.
    async fn claim(&self, id: String, seen: i64, now_ms: i64) -> Result<Option<Claim>> {
        if seen >= CLAIMS_MAX {
            sqlx::query(
                "UPDATE outbox SET done_ms = $3, outcome = 'the server ended in each of the tries' WHERE id = $1 AND claims = $2 AND done_ms IS NULL",
            )
            .bind(&id)
            .bind(seen)
            .bind(now_ms)
            .execute(&mut *self.database.write_alone().await?)
            .await?;
            return Ok(None);
        }
        let taken = sqlx::query(
            "UPDATE outbox SET claims = claims + 1, due_ms = $3 WHERE id = $1 AND claims = $2 AND done_ms IS NULL AND due_ms <= $4",
        )
        .bind(&id)
        .bind(seen)
        .bind(now_ms.saturating_add(LEASE_MS))
        .bind(now_ms)
        .execute(&mut *self.database.write_alone().await?)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(None);
        }
        let text = format!(
            "SELECT {COLUMNS}, o.account, o.claims, o.tries, w.url, w.sealed_secret FROM outbox o
             JOIN accounts a ON a.number = o.account JOIN webhooks w ON w.id = o.webhook WHERE o.id = $1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&id)
            .fetch_optional(self.database.pool())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let message = Message::from_row(&row)?;
        let sealed: Option<String> = row.try_get("sealed_secret")?;
        let place = place(AccountNumber(row.try_get("account")?), &message.webhook);
        Ok(Some(Claim {
            secret: sealed
                .map(|sealed| self.sealer.open(&sealed, &place))
                .transpose()
                .map_err(|_| ()),
            message,
            url: row.try_get("url")?,
            claim: row.try_get("claims")?,
            tries: row.try_get("tries")?,
        }))
    }

    /// Writes down how a try went; `outcome` is for people.
    ///
    /// # Errors
    /// When the database fails; the message is then tried again.
    pub async fn settle_message(&self, claim: &Claim, is_delivered: bool, outcome: &str) -> Result<Settled> {
        let now_ms = self.clock.now_ms();
        let tries = claim.tries.saturating_add(1);
        let wait_ms = usize::try_from(claim.tries)
            .ok()
            .and_then(|failed| AGAIN_AFTER_MS.get(failed))
            .filter(|_| !is_delivered);
        let mut write = self.database.write().await?;
        let connection = write.connection();
        // The webhook first, as where it is deleted.
        let seen = if is_delivered {
            "UPDATE webhooks SET last_success_ms = $2 WHERE id = $1"
        } else {
            "UPDATE webhooks SET last_failure_ms = $2 WHERE id = $1"
        };
        sqlx::query(seen)
            .bind(&claim.message.webhook)
            .bind(now_ms)
            .execute(&mut *connection)
            .await?;
        let done = sqlx::query(
            "UPDATE outbox SET tries = $3, outcome = $4, is_delivered = $5, due_ms = $6, done_ms = $7
             WHERE id = $1 AND claims = $2 AND done_ms IS NULL",
        )
        .bind(&claim.message.id)
        .bind(claim.claim)
        .bind(tries)
        .bind(outcome)
        .bind(i64::from(is_delivered))
        .bind(now_ms.saturating_add(wait_ms.copied().unwrap_or_default()))
        .bind(wait_ms.is_none().then_some(now_ms))
        .execute(&mut *connection)
        .await?;
        write.commit().await?;
        Ok(match (done.rows_affected(), is_delivered, wait_ms) {
            (0, ..) => Settled::Lost,
            (_, true, _) => Settled::Delivered,
            (_, false, Some(ms)) => Settled::Again(Duration::from_millis(u64::try_from(*ms).unwrap_or_default())),
            (_, false, None) => Settled::GivenUp,
        })
    }

    /// Returns when something was written that is to be sent, by this process; what others write is seen by looking now and then.
    pub async fn message_written(&self) {
        self.bell.notified().await;
    }

    /// Wakes whoever sends.
    pub(crate) fn ring(&self, queued: bool) {
        if queued {
            self.bell.notify_one();
        }
    }
}
