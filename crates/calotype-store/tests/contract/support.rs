//! Stores to test with.

use calotype_store::{Account, Clock, Facts, Image, Metadata, NewImage, Store, StoreSettings};
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
}

/// Where rows are kept.
pub(crate) enum Backend {
    /// In a file beside the originals.
    #[allow(dead_code, reason = "one of the two suites has it")]
    Sqlite,
    /// In a database of this URL.
    #[allow(dead_code, reason = "one of the two suites has it")]
    Postgres(String),
    /// Nowhere: the test is left out.
    #[allow(dead_code, reason = "one of the two suites has it")]
    Missing,
}

/// An empty store, if there is a place for one.
pub(crate) async fn place() -> Option<Place> {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(NOW_MS);
    let database = match crate::backend::database().await {
        Backend::Sqlite => None,
        Backend::Postgres(url) => Some(url),
        Backend::Missing => return None,
    };
    let settings = StoreSettings {
        database,
        clock: clock.clone(),
        ..StoreSettings::in_directory(directory.path())
    };
    let store = Store::open(settings.clone()).await.unwrap();
    let account = store.default_account().await.unwrap();
    Some(Place {
        store,
        account,
        clock,
        settings,
        directory,
    })
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

    /// Files of originals on the disk.
    pub(crate) fn files(&self) -> usize {
        let mut folders = vec![self.directory.path().join("originals")];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    count += 1;
                }
            }
        }
        count
    }
}
