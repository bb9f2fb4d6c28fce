//! Originals in an object store: S3 and what speaks like it, Google Cloud Storage, Azure.

mod failure;
mod http;
mod settings;

use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub use settings::RemoteSettings;

use super::incoming::has_passed;
use super::{BlobHash, BlobName, Received};
use crate::clock::Position;
use crate::secret;
use crate::{Result, StoreError};
use failure::{Cause, Failure};

/// What goes up in one request; longer files go in parts of this length. S3 takes parts of 5 MiB and more, and 10,000 of them.
const PART_BYTES: u64 = 8 << 20;
/// Bytes of all uploads that are in memory at once: a request that fails is sent again from there.
const UPLOAD_MEMORY_BYTES: u64 = 128 << 20;
/// The memory is counted in these.
const UNIT_BYTES: u64 = 64 << 10;
/// An upload of an original, however many parts it has.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Names of a page.
const PAGE: usize = 500;

/// `PREFIX/<hash>-<epoch>`
#[derive(Clone)]
pub(crate) struct RemoteBlobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where it is, for whoever runs the server.
    shown: Arc<str>,
    secrets: Arc<[String]>,
    memory: Arc<Semaphore>,
}

/// An object's bytes as they come.
pub(super) type Pieces = BoxStream<'static, object_store::Result<Bytes>>;

/// The names of objects, page by page.
pub(crate) struct RemoteNames {
    listed: Pin<Box<futures_util::stream::Chunks<BoxStream<'static, object_store::Result<ObjectMeta>>>>>,
    blobs: RemoteBlobs,
    grace: Duration,
}

impl fmt::Debug for RemoteBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteBlobs({})", self.shown)
    }
}

impl RemoteBlobs {
    pub(super) fn new(settings: &RemoteSettings) -> Result<Self> {
        let opened = settings.open()?;
        Ok(Self {
            store: opened.store.into(),
            prefix: opened.prefix,
            shown: opened.shown.into(),
            secrets: opened.secrets.into(),
            memory: Arc::new(Semaphore::new(units(UPLOAD_MEMORY_BYTES) as usize)),
        })
    }

    fn path(&self, name: &BlobName) -> Path {
        self.prefix.clone().join(name.file_name())
    }

    fn failure(&self, error: &object_store::Error) -> Failure {
        Failure::of(error, |text| settings::hide(&self.secrets, text))
    }

    fn io(&self, error: &object_store::Error) -> io::Error {
        self.failure(error).into()
    }

    /// The object under its name. It is there whole when this returns, and not at all before.
    pub(super) async fn put(&self, name: &BlobName, received: Received) -> io::Result<()> {
        let (blobs, path) = (self.clone(), self.path(name));
        // A task of its own: it ends what it began, and takes parts back that are of no use, also when whoever uploads is gone.
        tokio::spawn(async move { blobs.upload(&path, received).await })
            .await
            .map_err(io::Error::other)?
    }

    async fn upload(&self, path: &Path, mut received: Received) -> io::Result<()> {
        let slow = || io::Error::from(Failure::new(Cause::Slow));
        received.rewind().await?;
        if received.bytes() <= PART_BYTES {
            let put = async {
                let (payload, _memory) = self.part(&mut received).await?;
                self.store.put(path, payload).await.map_err(|error| self.io(&error))
            };
            return timeout(UPLOAD_TIMEOUT, put).await.map_err(|_| slow())?.map(|_| ());
        }
        let begun = self.store.put_multipart(path).await;
        let mut upload = begun.map_err(|error| self.io(&error))?;
        let parts = self.upload_parts(upload.as_mut(), &mut received);
        let done = timeout(UPLOAD_TIMEOUT, parts).await.map_err(|_| slow()).flatten();
        if done.is_err()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(error = %self.failure(&error), "the parts of an upload that failed could not be taken back");
        }
        done
    }

    async fn upload_parts(&self, upload: &mut dyn MultipartUpload, received: &mut Received) -> io::Result<()> {
        let mut left = received.bytes();
        while left > 0 {
            let (payload, _memory) = self.part(received).await?;
            left = left.saturating_sub(payload.content_length() as u64);
            upload.put_part(payload).await.map_err(|error| self.io(&error))?;
        }
        upload.complete().await.map(|_| ()).map_err(|error| self.io(&error))
    }

    /// What goes up next, in memory that was asked for before.
    async fn part(&self, received: &mut Received) -> io::Result<(PutPayload, OwnedSemaphorePermit)> {
        let memory = self
            .memory
            .clone()
            .acquire_many_owned(units(received.bytes().min(PART_BYTES)));
        let memory = memory.await.map_err(io::Error::other)?;
        let payload = received.next_part(PART_BYTES).await?;
        if payload.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a file that arrived is shorter than it was",
            ));
        }
        Ok((payload.into_iter().collect(), memory))
    }

    /// An object's bytes, or some of them, and how many the whole has.
    pub(super) async fn open(&self, name: &BlobName, range: Option<Range<u64>>) -> io::Result<(Pieces, u64)> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let got = self.store.get_opts(&self.path(name), options).await;
        let got = got.map_err(|error| self.io(&error))?;
        let bytes = got.meta.size;
        Ok((got.into_stream(), bytes))
    }

    /// The next piece of an object.
    pub(super) async fn next_piece(&self, pieces: &mut Pieces) -> io::Result<Option<Bytes>> {
        pieces.next().await.transpose().map_err(|error| self.io(&error))
    }

    /// The length of an object; `None` when it is not there.
    pub(super) async fn length(&self, name: &BlobName) -> io::Result<Option<u64>> {
        match self.store.head(&self.path(name)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(error) => match self.io(&error) {
                error if error.kind() == io::ErrorKind::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Deletes an object, if it is there.
    pub(super) async fn delete(&self, name: &BlobName) -> io::Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) => Ok(()),
            Err(error) => match self.io(&error) {
                error if error.kind() == io::ErrorKind::NotFound => Ok(()),
                error => Err(error),
            },
        }
    }

    /// The names of all objects that were not written within this time.
    pub(super) fn names(&self, grace: Duration) -> RemoteNames {
        let prefix = (!self.prefix.is_root()).then_some(&self.prefix);
        RemoteNames {
            listed: Box::pin(self.store.list(prefix).chunks(PAGE)),
            blobs: self.clone(),
            grace,
        }
    }

    /// Does once what will be done every day: writes, reads, lists and deletes an object that nothing names.
    pub(super) async fn reach(&self, now_ms: i64) -> Result<()> {
        let bytes = Bytes::from_static(b"Calotype wrote this to see whether it may; it can be deleted.");
        let name = BlobName {
            hash: BlobHash::new(secret::hex(&Sha256::digest(&bytes))),
            epoch: Position::at(now_ms).0,
        };
        let path = self.path(&name);
        let wrong = |step: &str| {
            let step = step.to_owned();
            move |error: object_store::Error| {
                let failure = self.failure(&error);
                let kind = io::Error::from(failure.clone()).kind();
                let text = format!("{}: {step} failed: {failure}; {}", self.shown, failure.advice());
                StoreError::Blob(io::Error::new(kind, text))
            }
        };
        self.store.put(&path, bytes.into()).await.map_err(wrong("writing"))?;
        self.store.get_range(&path, 0..1).await.map_err(wrong("reading"))?;
        let prefix = (!self.prefix.is_root()).then_some(&self.prefix);
        self.store
            .list(prefix)
            .next()
            .await
            .transpose()
            .map_err(wrong("listing"))?;
        self.store.delete(&path).await.map_err(wrong("deleting"))
    }
}

impl RemoteNames {
    /// The next page that has any; `None` after the last. Objects of other names are somebody else's.
    pub(super) async fn next_page(&mut self) -> io::Result<Option<Vec<BlobName>>> {
        while let Some(page) = self.listed.next().await {
            let mut names = Vec::new();
            for object in page {
                let object = object.map_err(|error| self.blobs.io(&error))?;
                let is_older = has_passed(SystemTime::from(object.last_modified), self.grace);
                let is_ours = object.location.parts_count() == self.blobs.prefix.parts_count().saturating_add(1);
                let name = object.location.filename().and_then(BlobName::parse);
                names.extend(name.filter(|_| is_older && is_ours));
            }
            if !names.is_empty() {
                return Ok(Some(names));
            }
        }
        Ok(None)
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}
