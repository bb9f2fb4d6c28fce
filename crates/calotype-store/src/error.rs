//! What can go wrong in the store.

/// Why the store did not do what it was asked. Nothing of a database's or system's text is for clients.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The name is taken.
    #[error("there is a {0} of this name already")]
    Taken(&'static str),
    /// As many as may be are there.
    #[error("no more than {max} {of} are allowed")]
    Full {
        /// What is full.
        of: &'static str,
        /// How many there may be.
        max: u64,
    },
    /// The value is not one that may be stored; the text says what to change and may be shown.
    #[error("{0}")]
    Invalid(String),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database could not be brought to this version's tables.
    #[error("database: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A file of an original could not be written, read or removed.
    #[error("originals: {0}")]
    Blob(#[from] std::io::Error),
    /// What is stored cannot be read: damaged, or sealed with another key.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// What the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// Whether the disk of the originals or of the database has no room left.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        match self {
            Self::Blob(error) => is_full_disk(error),
            // SQLITE_FULL; disk_full of PostgreSQL.
            Self::Database(sqlx::Error::Database(error)) => matches!(error.code().as_deref(), Some("13" | "53100")),
            Self::Database(sqlx::Error::Io(error)) => is_full_disk(error),
            _ => false,
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

/// Whether a file could not grow because its disk, or its owner's share of it, has no room left.
#[must_use]
pub fn is_full_disk(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}
