//! Stores to test with.

use std::path::PathBuf;

use calotype_store::{Account, Clock, Facts, Image, Metadata, NewImage, RemoteSettings, Store, StoreSettings};
use tempfile::TempDir;

/// The time at which tests begin.
pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

/// A store of its own, with an account.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) account: Account,
    pub(crate) clock: Clock,
    pub(crate) settings: StoreSettings,
    pub(crate) directory: TempDir,
    /// The directory in which originals are, however they come there.
    pub(crate) files: PathBuf,
}

/// Where a store is.
pub(crate) struct Backend {
    /// The URL of an empty database; a file beside the originals if none.
    pub(crate) database: Option<String>,
    /// An empty object store, and the directory in which it has its objects; files beside the database if none.
    pub(crate) originals: Option<(RemoteSettings, PathBuf)>,
}

/// An empty store, if there is a place for one.
pub(crate) async fn place() -> Option<Place> {
    let backend = crate::backend::backend()?;
    Some(Place::new(backend.database, backend.originals).await)
}

impl Place {
    /// An empty store in this database and this object store.
    pub(crate) async fn new(database: Option<String>, originals: Option<(RemoteSettings, PathBuf)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (originals, files) = match originals {
            Some((settings, files)) => (Some(settings), files),
            None => (None, directory.path().join("originals")),
        };
        let settings = StoreSettings {
            database,
            originals,
            clock: Clock::standing_at(NOW_MS),
            ..StoreSettings::in_directory(directory.path())
        };
        Self::reopened(settings, directory, files).await
    }

    /// A store that may have been there before.
    pub(crate) async fn reopened(settings: StoreSettings, directory: TempDir, files: PathBuf) -> Self {
        let store = Store::open(settings.clone()).await.unwrap();
        let account = store.default_account().await.unwrap();
        Self {
            store,
            account,
            clock: settings.clock.clone(),
            settings,
            directory,
            files,
        }
    }
}

/// What is known of a public image of nobody in particular.
pub(crate) fn plain() -> NewImage {
    NewImage {
        id: None,
        is_private: false,
        creator: None,
        metadata: None,
    }
}

/// The same with metadata.
pub(crate) fn described(metadata: serde_json::Value) -> NewImage {
    NewImage {
        metadata: Metadata::new(metadata).unwrap(),
        ..plain()
    }
}

/// What was seen of a small PNG.
pub(crate) fn facts() -> Facts {
    Facts {
        filename: "a.png".to_owned(),
        media_type: "image/png".to_owned(),
        width: Some(4),
        height: Some(3),
    }
}

impl Place {
    /// Stores an image of these bytes.
    pub(crate) async fn keep(&self, new: NewImage, bytes: &[u8]) -> calotype_store::Result<Image> {
        let mut incoming = self.store.receive().await?;
        incoming.write(bytes).await?;
        let received = incoming.finish().await?;
        self.store.create_image(&self.account, new, received, &facts()).await
    }

    /// The bytes of an image.
    pub(crate) async fn bytes(&self, image: &Image) -> calotype_store::Result<Vec<u8>> {
        let mut reader = self.store.open_blob(&image.original.as_ref().unwrap().blob).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next_piece().await? {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes.len() as u64, reader.bytes());
        Ok(bytes)
    }

    /// The files of originals.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.files.clone()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    /// The file of the original of this hash.
    pub(crate) fn file_of(&self, hash: &str) -> PathBuf {
        let is_it = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with(hash);
        self.files().into_iter().find(is_it).unwrap()
    }
}
