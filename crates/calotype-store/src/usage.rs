//! What was delivered: counted in memory, added to the database now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sqlx::Row;

use crate::account::{Account, AccountNumber};
use crate::{Result, Store};

const DAY_MS: i64 = 86_400_000;
/// How long days are kept (hosted images specification, D89).
const DAYS_KEPT: i64 = 400;
/// Kinds of answers that wait to be added. What is asked for under the variants of accounts that exist is far below; beyond it nothing is counted.
const WAITING_MAX: usize = 100_000;

/// One kind of answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// The variant; empty for options in the URL.
    pub variant: String,
    /// The type of the picture; empty for an answer without one.
    pub media_type: &'static str,
    /// The status of the answer: 200, 206 or 304.
    pub status: u16,
}

/// What a day had of one kind of answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Days since 1970, in UTC.
    pub day: i64,
    /// The variant; empty for options in the URL.
    pub variant: String,
    /// The type of the pictures; empty for answers without one.
    pub media_type: String,
    /// The status of the answers.
    pub status: u16,
    /// How many.
    pub requests: u64,
    /// Bytes of their pictures.
    pub bytes: u64,
}

/// Answers that are not in the database yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<(AccountNumber, i64, Delivery), Sums>>);

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    requests: i64,
    bytes: i64,
}

impl Waiting {
    fn add(&self, key: (AccountNumber, i64, Delivery), more: Sums) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX && !waiting.contains_key(&key) {
            return;
        }
        let sums = waiting.entry(key).or_default();
        sums.requests = sums.requests.saturating_add(more.requests);
        sums.bytes = sums.bytes.saturating_add(more.bytes);
    }

    fn take(&self) -> Taken<'_> {
        let sums = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Taken { waiting: self, sums }
    }
}

/// What is being added to the database. Dropped before it is, by an error or because nobody waits any longer, it waits again.
struct Taken<'w> {
    waiting: &'w Waiting,
    sums: HashMap<(AccountNumber, i64, Delivery), Sums>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.sums.drain().for_each(|(key, sums)| self.waiting.add(key, sums));
    }
}

impl Store {
    /// Counts one answer of delivery with a picture of so many bytes. It is in the database after the next [`Store::write_usage`].
    pub fn count_delivery(&self, account: &Account, delivery: Delivery, bytes: u64) {
        let day = self.clock.now_ms().div_euclid(DAY_MS);
        let one = Sums {
            requests: 1,
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        };
        self.usage.add((account.number, day, delivery), one);
    }

    /// Adds what was counted to the database. A process that dies loses what it counted since the last time.
    ///
    /// # Errors
    /// When the database fails; then everything waits for the next time.
    pub async fn write_usage(&self) -> Result<()> {
        let mut taken = self.usage.take();
        if taken.sums.is_empty() {
            return Ok(());
        }
        let mut write = self.database.write().await?;
        // In one order, so that two servers wait for each other's rows and never in a circle.
        let mut rows: Vec<_> = taken.sums.iter().collect();
        rows.sort_by_key(|((account, day, delivery), _)| {
            (account.0, *day, &delivery.variant, delivery.media_type, delivery.status)
        });
        for ((account, day, delivery), sums) in rows {
            sqlx::query(
                "INSERT INTO usage_days (account, day, variant, media_type, status, requests, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (account, day, variant, media_type, status)
                 DO UPDATE SET requests = usage_days.requests + excluded.requests, bytes = usage_days.bytes + excluded.bytes",
            )
            .bind(account.0)
            .bind(*day)
            .bind(&delivery.variant)
            .bind(delivery.media_type)
            .bind(i64::from(delivery.status))
            .bind(sums.requests)
            .bind(sums.bytes)
            .execute(write.connection())
            .await?;
        }
        write.commit().await?;
        taken.sums.clear();
        Ok(())
    }

    /// What was delivered in the last `days` days, today included, oldest first. What waits to be added is not in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn usage(&self, account: &Account, days: u32) -> Result<Vec<Usage>> {
        let today = self.clock.now_ms().div_euclid(DAY_MS);
        let rows = sqlx::query(
            "SELECT day, variant, media_type, status, requests, bytes FROM usage_days
             WHERE account = $1 AND day > $2 ORDER BY day, variant, media_type, status",
        )
        .bind(account.number.0)
        .bind(today.saturating_sub(i64::from(days)))
        .fetch_all(self.database.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let number =
                    |name| -> Result<u64> { Ok(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or_default()) };
                Ok(Usage {
                    day: row.try_get("day")?,
                    variant: row.try_get("variant")?,
                    media_type: row.try_get("media_type")?,
                    status: u16::try_from(row.try_get::<i64, _>("status")?).unwrap_or_default(),
                    requests: number("requests")?,
                    bytes: number("bytes")?,
                })
            })
            .collect()
    }

    /// Forgets days that are no longer kept.
    pub(crate) async fn end_usage(&self) -> Result<u64> {
        let today = self.clock.now_ms().div_euclid(DAY_MS);
        let done = sqlx::query("DELETE FROM usage_days WHERE day <= $1")
            .bind(today.saturating_sub(DAYS_KEPT))
            .execute(&mut *self.database.write_alone().await?)
            .await?;
        Ok(done.rows_affected())
    }
}
