//! Originals as files that are named by what is in them.

mod collect;
mod incoming;
mod local;
mod originals;
mod remote;

pub use collect::{Collected, Report};
pub use incoming::{Incoming, Received};
pub use originals::BlobReader;
pub use remote::RemoteSettings;

pub(crate) use incoming::Spool;
pub(crate) use originals::Originals;

use std::ops::Range;

use sqlx::{AnyConnection, Row};

use crate::clock::Position;
use crate::{Result, Store, StoreError};

/// The SHA-256 of an original, as 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobHash(String);

impl BlobHash {
    pub(crate) const fn new(hex: String) -> Self {
        Self(hex)
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of an object. When bytes come back after their object was given up they get another epoch, and so a name that nobody is about to delete;
/// an epoch is a position, so none comes twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobName {
    pub(crate) hash: BlobHash,
    pub(crate) epoch: i64,
}

impl BlobName {
    /// `<hash>-<epoch>`
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}", self.hash.0, self.epoch)
    }

    pub(crate) fn parse(file_name: &str) -> Option<Self> {
        let (hash, epoch) = file_name.split_once('-')?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let epoch: i64 = epoch.parse().ok()?;
        is_hash.then(|| Self {
            hash: BlobHash(hash.to_owned()),
            epoch,
        })
    }
}

impl Store {
    /// A place for bytes that arrive.
    ///
    /// # Errors
    /// When no file can be made.
    pub async fn receive(&self) -> Result<Incoming> {
        Ok(self.spool.receive().await?)
    }

    /// Puts a file where originals are, before any row names it.
    ///
    /// The row of the blob is there first, so that whatever is found later without one is garbage. Whether the file may be named is asked again by
    /// [`hold`] in the transaction that names it.
    pub(crate) async fn put(&self, received: Received) -> Result<BlobName> {
        let now_ms = self.clock.now_ms();
        let bytes = i64::try_from(received.bytes()).unwrap_or(i64::MAX);
        // In a transaction of its own: a statement that gives rows is left after the first one, and whether it could be committed is not heard.
        let mut write = self.database.write().await?;
        let row = sqlx::query(
            "INSERT INTO blobs (hash, epoch, bytes, touched_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (hash) DO UPDATE SET epoch = CASE WHEN blobs.is_leaving = 1 THEN $2 ELSE blobs.epoch END, is_leaving = 0, touched_ms = $4
             RETURNING epoch",
        )
        .bind(received.hash().as_str())
        .bind(Position::at(now_ms).0)
        .bind(bytes)
        .bind(now_ms)
        .fetch_one(write.connection())
        .await?;
        write.commit().await?;
        let name = BlobName {
            hash: received.hash().clone(),
            epoch: row.try_get("epoch")?,
        };
        // Written even if it is there: that costs little, and mends a file that was lost.
        self.originals.put(&name, received).await?;
        Ok(name)
    }

    /// The bytes of an original.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is no longer there, or it cannot be read.
    pub async fn open_blob(&self, hash: &BlobHash) -> Result<BlobReader> {
        self.open_part(hash, None).await
    }

    /// Some of the bytes of an original.
    ///
    /// # Errors
    /// As [`Self::open_blob`].
    pub async fn open_blob_part(&self, hash: &BlobHash, range: Range<u64>) -> Result<BlobReader> {
        self.open_part(hash, Some(range)).await
    }

    async fn open_part(&self, hash: &BlobHash, range: Option<Range<u64>>) -> Result<BlobReader> {
        let row = sqlx::query("SELECT epoch, bytes FROM blobs WHERE hash = $1")
            .bind(hash.as_str())
            .fetch_optional(self.database.pool())
            .await?
            .ok_or(StoreError::Missing("original"))?;
        let name = BlobName {
            hash: hash.clone(),
            epoch: row.try_get("epoch")?,
        };
        let bytes = u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or_default();
        Ok(self.originals.open(&name, bytes, range).await?)
    }

    /// Whether originals can be written, read, listed and deleted where they are. In an object store this is tried with an object of its own, so that
    /// a wrong name, key or permission is found at the start and not by the first upload.
    ///
    /// # Errors
    /// When one of it fails, with what to change.
    pub async fn reach_originals(&self) -> Result<()> {
        self.originals.reach(self.clock.now_ms()).await
    }
}

/// Makes sure, in the transaction that names a blob, that it is not being given up: `false` when it is, and has to be put once more.
pub(crate) async fn hold(connection: &mut AnyConnection, name: &BlobName, now_ms: i64) -> Result<bool> {
    let held = sqlx::query("UPDATE blobs SET touched_ms = $3 WHERE hash = $1 AND epoch = $2 AND is_leaving = 0")
        .bind(name.hash.as_str())
        .bind(name.epoch)
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(held.rows_affected() > 0)
}

/// From now on the blob's grace runs, if nobody else names it.
pub(crate) async fn release(connection: &mut AnyConnection, hash: &str, now_ms: i64) -> Result<()> {
    sqlx::query("UPDATE blobs SET touched_ms = $2 WHERE hash = $1")
        .bind(hash)
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}
