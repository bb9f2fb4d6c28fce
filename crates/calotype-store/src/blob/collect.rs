//! Giving up what nobody names any more, and looking whether all that is named is there.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};

use super::{BlobHash, BlobName};
use crate::clock::Position;
use crate::{Result, Store, StoreError};

/// Blobs looked at in one go.
const BATCH: i64 = 500;
/// Names looked up in one question.
const PAGE: usize = 500;
/// How long the log of events is kept: 30 days.
const EVENTS_MS: i64 = 30 * 24 * 3_600_000;

/// What a collection took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Originals that no image names.
    pub originals: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that no row knows, and uploads that never ended.
    pub strays: u64,
    /// Drafts whose time is over.
    pub drafts: u64,
    /// Batch tokens that have ended.
    pub batch_tokens: u64,
    /// Lines of the log.
    pub events: u64,
    /// Rows of days whose usage is no longer kept.
    pub usage_days: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Originals that images name.
    pub originals: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Hashes of originals that images name and that are not there.
    pub missing: Vec<String>,
    /// Hashes of originals that have another length than they should, or, when all bytes were read, other bytes.
    pub damaged: Vec<String>,
    /// Files that no row knows: a collection takes them away.
    pub strays: u64,
}

impl Store {
    /// Takes away what nobody names and was not touched within `grace`.
    ///
    /// An original leaves in three steps: its row says that it leaves, its file is deleted, its row is deleted. Whoever uploads the same bytes meanwhile
    /// gets the next epoch, and so another file.
    ///
    /// # Errors
    /// When the database or the disk fails; what was not done is done the next time.
    pub async fn collect(&self, grace: Duration) -> Result<Collected> {
        let now_ms = self.clock.now_ms();
        let mut collected = Collected {
            drafts: self.end_drafts().await?,
            ..Collected::default()
        };
        collected.batch_tokens = sqlx::query("DELETE FROM batch_tokens WHERE expires_ms <= $1")
            .bind(now_ms)
            .execute(&mut *self.database.write_alone().await?)
            .await?
            .rows_affected();
        collected.events = sqlx::query("DELETE FROM events WHERE position < $1")
            .bind(Position::start_of(now_ms.saturating_sub(EVENTS_MS)).0)
            .execute(&mut *self.database.write_alone().await?)
            .await?
            .rows_affected();
        collected.usage_days = self.end_usage().await?;
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        self.collect_originals(now_ms.saturating_sub(grace_ms), &mut collected)
            .await?;
        let mut names = self.originals.names(grace).await?;
        while let Some(page) = names.next_page().await? {
            for name in self.strays_of(page).await? {
                self.originals.delete(&name).await?;
                collected.strays = collected.strays.saturating_add(1);
            }
        }
        let ended = self.spool.sweep(grace).await?;
        collected.strays = collected.strays.saturating_add(ended);
        Ok(collected)
    }

    async fn collect_originals(&self, touched_before_ms: i64, collected: &mut Collected) -> Result<()> {
        loop {
            let mut write = self.database.write().await?;
            sqlx::query(
                "UPDATE blobs SET is_leaving = 1 WHERE hash IN (
                     SELECT b.hash FROM blobs b WHERE b.is_leaving = 0 AND b.touched_ms < $1
                     AND NOT EXISTS (SELECT 1 FROM images i WHERE i.blob = b.hash) ORDER BY b.touched_ms LIMIT $2)
                 AND is_leaving = 0 AND touched_ms < $1",
            )
            .bind(touched_before_ms)
            .bind(BATCH)
            .execute(write.connection())
            .await?;
            // That looked at the images as they were when it began, and may have waited for an upload since. The rows are locked now, and whoever names
            // one has to have locked it before: this look sees them all.
            sqlx::query(
                "UPDATE blobs SET is_leaving = 0 WHERE is_leaving = 1 AND EXISTS (SELECT 1 FROM images i WHERE i.blob = blobs.hash)",
            )
            .execute(write.connection())
            .await?;
            write.commit().await?;
            let rows = sqlx::query("SELECT hash, epoch, bytes FROM blobs WHERE is_leaving = 1 LIMIT $1")
                .bind(BATCH)
                .fetch_all(self.database.pool())
                .await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let name = BlobName {
                    hash: BlobHash::new(row.try_get("hash")?),
                    epoch: row.try_get("epoch")?,
                };
                self.originals.delete(&name).await?;
                let gone = sqlx::query("DELETE FROM blobs WHERE hash = $1 AND epoch = $2 AND is_leaving = 1")
                    .bind(name.hash.as_str())
                    .bind(name.epoch)
                    .execute(&mut *self.database.write_alone().await?)
                    .await?;
                collected.originals = collected.originals.saturating_add(gone.rows_affected());
                let bytes = u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or_default();
                collected.bytes = collected.bytes.saturating_add(bytes);
            }
        }
    }

    /// Those of the files that no row knows. The epoch of a row only grows, so a file that is a stray now is one for ever.
    async fn strays_of(&self, page: Vec<BlobName>) -> Result<Vec<BlobName>> {
        let mut strays = Vec::new();
        for names in page.chunks(PAGE) {
            let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
            let sql = format!("SELECT hash, epoch FROM blobs WHERE hash IN ({})", places.join(", "));
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = names.iter().fold(query, |query, name| query.bind(name.hash.as_str()));
            let mut known = HashSet::new();
            for row in query.fetch_all(self.database.pool()).await? {
                known.insert((row.try_get::<String, _>("hash")?, row.try_get::<i64, _>("epoch")?));
            }
            let is_stray = |name: &&BlobName| !known.contains(&(name.hash.as_str().to_owned(), name.epoch));
            strays.extend(names.iter().filter(is_stray).cloned());
        }
        Ok(strays)
    }

    /// Looks whether every original that an image names is there and has its length; with `reads_bytes` also whether it has its bytes.
    ///
    /// # Errors
    /// When the database or the disk fails.
    pub async fn check(&self, reads_bytes: bool) -> Result<Report> {
        let mut report = Report::default();
        let mut after = String::new();
        loop {
            let rows = sqlx::query(
                "SELECT hash, epoch, bytes FROM blobs b WHERE hash > $1
                 AND EXISTS (SELECT 1 FROM images i WHERE i.blob = b.hash) ORDER BY hash LIMIT $2",
            )
            .bind(after.as_str())
            .bind(BATCH)
            .fetch_all(self.database.pool())
            .await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let name = BlobName {
                    hash: BlobHash::new(row.try_get("hash")?),
                    epoch: row.try_get("epoch")?,
                };
                let bytes = u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or_default();
                name.hash.as_str().clone_into(&mut after);
                report.originals = report.originals.saturating_add(1);
                report.bytes = report.bytes.saturating_add(bytes);
                match self.originals.length(&name).await? {
                    None => report.missing.push(after.clone()),
                    Some(length) if length != bytes => report.damaged.push(after.clone()),
                    Some(_) if reads_bytes && !self.has_its_bytes(&name, bytes).await? => {
                        report.damaged.push(after.clone());
                    }
                    Some(_) => {}
                }
            }
        }
        let mut names = self.originals.names(Duration::ZERO).await?;
        while let Some(page) = names.next_page().await? {
            let strays = self.strays_of(page).await?.len();
            report.strays = report.strays.saturating_add(strays as u64);
        }
        Ok(report)
    }

    async fn has_its_bytes(&self, name: &BlobName, bytes: u64) -> Result<bool> {
        use sha2::{Digest, Sha256};
        let mut reader = self.originals.open(name, bytes, None).await?;
        let mut hash = Sha256::new();
        while let Some(piece) = reader.next_piece().await.map_err(StoreError::from)? {
            hash.update(&piece);
        }
        Ok(crate::secret::hex(&hash.finalize()) == name.hash.as_str())
    }
}
