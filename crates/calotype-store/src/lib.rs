//! Hosted images, kept.
//!
//! A [`Store`] holds accounts, tokens, images and drafts, variants and signing keys in a database, SQLite or PostgreSQL, and originals as files that are
//! named by their content, below a directory or in an object store. What a transaction has promised is there after a crash: a file is there whole before
//! the row that names it, and what no row names is collected later. docs/design/hosted.md has the tables and the states.
//!
//! It knows nothing of HTTP, and of images only what it is told.

mod account;
mod blob;
mod clock;
mod database;
mod error;
mod event;
mod image;
mod networks;
mod secret;
mod signing_key;
mod token;
mod usage;
mod variant;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use account::{Account, AccountNumber, Config};
pub use blob::{BlobHash, BlobReader, Collected, Incoming, Received, RemoteSettings, Report};
pub use clock::{Clock, Position};
pub use error::{Result, StoreError, is_full_disk};
pub use event::{Event, EventKind};
pub use image::{
    Changes, CreatorIs, Facts, FieldPath, Filter, FilterTest, IMPORT_MAX, Image, ImageId, Imported, ImportedImage,
    KeptOriginal, ListQuery, Metadata, NewDraft, NewImage, Order, Original, Page,
};
pub use networks::Networks;
pub use secret::Secret;
pub use signing_key::{DEFAULT_NAME as DEFAULT_SIGNING_KEY, SigningKey};
pub use token::{BATCH_TOKEN_LIFE_MS, BatchToken, NewToken, Scope, Token};
pub use usage::{Delivery, Usage};
pub use variant::{PUBLIC as PUBLIC_VARIANT, Variant, VariantOptions, browser_ttl_s, check_name as check_variant_name};

use blob::{Originals, Spool};
use database::Database;
use secret::Sealer;

/// How long an original stays after the last image that names it, unless it is said otherwise: an hour, longer than any request lasts.
pub const GRACE: Duration = Duration::from_secs(3_600);

/// Where a store is.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The directory of originals, of the SQLite database, of the key that seals secrets, and of uploads on their way. Made if it is not there.
    pub directory: PathBuf,
    /// The object store of originals; they are in the directory if none. Several servers need one together.
    pub originals: Option<RemoteSettings>,
    /// `postgres://…`; SQLite in the directory if none.
    pub database: Option<String>,
    /// The key that seals secrets, as 64 hex digits; a file in the directory if none. Several servers with one database need the same.
    pub sealing_key: Option<String>,
    /// What time it is.
    pub clock: Clock,
}

impl StoreSettings {
    /// SQLite and everything else in one directory.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            originals: None,
            database: None,
            sealing_key: None,
            clock: Clock::system(),
        }
    }
}

/// Everything that is kept of hosted images.
#[derive(Debug)]
pub struct Store {
    database: Database,
    originals: Originals,
    spool: Spool,
    sealer: Sealer,
    clock: Clock,
    usage: usage::Waiting,
}

/// Makes the directory of a store if it is not there, for its owner alone: private originals and keys are in it. One that is there stays as the operator made it.
///
/// # Errors
/// Those of the file system.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

impl Store {
    /// Opens a store, and brings its tables to this version's.
    ///
    /// # Errors
    /// When the directory or the database cannot be used, or the database is of a later version.
    pub async fn open(settings: StoreSettings) -> Result<Self> {
        make_directory(&settings.directory)?;
        let sealer = match &settings.sealing_key {
            Some(key) => Sealer::from_hex(key)?,
            None => Sealer::from_file(&settings.directory.join("sealing.key"))?,
        };
        let database = match &settings.database {
            Some(url) => Database::postgres(url).await?,
            None => Database::sqlite(&settings.directory.join("calotype.db")).await?,
        };
        Ok(Self {
            database,
            originals: Originals::new(&settings.directory, settings.originals.as_ref())?,
            spool: Spool::new(&settings.directory)?,
            sealer,
            clock: settings.clock,
            usage: usage::Waiting::default(),
        })
    }

    /// What time it is for the store.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        self.database.ping().await
    }

    /// Closes the connections; what SQLite keeps beside its file is put into it.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
