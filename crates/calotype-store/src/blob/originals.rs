//! Where originals are: below a directory, or in an object store.

use std::fmt;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::AsyncSeekExt as _;

use super::local::{LocalBlobs, LocalNames};
use super::remote::{Pieces, RemoteBlobs, RemoteNames, RemoteSettings};
use super::{BlobName, Received, incoming};
use crate::Result;

/// Where originals are.
#[derive(Debug, Clone)]
pub(crate) enum Originals {
    /// Below a directory.
    Local(LocalBlobs),
    /// In an object store.
    Remote(RemoteBlobs),
}

/// The names of originals, page by page.
pub(crate) enum Names {
    Local(LocalNames),
    Remote(RemoteNames),
}

/// An original that is read, or a part of it.
pub struct BlobReader {
    source: Source,
    bytes: u64,
    left: u64,
}

enum Source {
    File(File),
    Object(Pieces, RemoteBlobs),
}

impl Originals {
    pub(crate) fn new(directory: &Path, remote: Option<&RemoteSettings>) -> Result<Self> {
        Ok(match remote {
            None => Self::Local(LocalBlobs::new(directory)?),
            Some(settings) => Self::Remote(RemoteBlobs::new(settings)?),
        })
    }

    /// Puts a file under its name; it is there for good when this returns.
    pub(crate) async fn put(&self, name: &BlobName, received: Received) -> io::Result<()> {
        match self {
            Self::Local(blobs) => blobs.put(name, received).await,
            Self::Remote(blobs) => blobs.put(name, received).await,
        }
    }

    /// Opens an original of this length, or a part of one.
    pub(crate) async fn open(&self, name: &BlobName, length: u64, range: Option<Range<u64>>) -> io::Result<BlobReader> {
        let part = range.clone().unwrap_or(0..length);
        let (source, found) = match self {
            Self::Local(blobs) => {
                let (mut file, found) = blobs.open(name).await?;
                if part.start > 0 {
                    file.seek(SeekFrom::Start(part.start)).await?;
                }
                (Source::File(file), found)
            }
            Self::Remote(blobs) => {
                let (pieces, found) = blobs.open(name, range).await?;
                (Source::Object(pieces, blobs.clone()), found)
            }
        };
        if found != length {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "an original has another length than it had",
            ));
        }
        let bytes = part.end.min(length).saturating_sub(part.start);
        Ok(BlobReader {
            source,
            bytes,
            left: bytes,
        })
    }

    /// The length of an original; `None` when it is not there.
    pub(crate) async fn length(&self, name: &BlobName) -> io::Result<Option<u64>> {
        match self {
            Self::Local(blobs) => blobs.length(name).await,
            Self::Remote(blobs) => blobs.length(name).await,
        }
    }

    /// Deletes an original, if it is there.
    pub(crate) async fn delete(&self, name: &BlobName) -> io::Result<()> {
        match self {
            Self::Local(blobs) => blobs.delete(name).await,
            Self::Remote(blobs) => blobs.delete(name).await,
        }
    }

    /// The names of all that were not written within this time.
    pub(crate) async fn names(&self, grace: Duration) -> io::Result<Names> {
        Ok(match self {
            Self::Local(blobs) => Names::Local(blobs.names(grace).await?),
            Self::Remote(blobs) => Names::Remote(blobs.names(grace)),
        })
    }

    /// Whether originals can be written, read, listed and deleted.
    pub(crate) async fn reach(&self, now_ms: i64) -> Result<()> {
        match self {
            // Its folders were made a moment ago.
            Self::Local(_) => Ok(()),
            Self::Remote(blobs) => blobs.reach(now_ms).await,
        }
    }
}

impl Names {
    /// The next names; `None` after the last.
    pub(crate) async fn next_page(&mut self) -> io::Result<Option<Vec<BlobName>>> {
        match self {
            Self::Local(names) => names.next_page().await,
            Self::Remote(names) => names.next_page().await,
        }
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl BlobReader {
    /// How long it is, or the part that was asked for.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece; `None` at its end.
    ///
    /// # Errors
    /// When it cannot be read, or ends too early: what was read then is not the original.
    pub async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let piece = match &mut self.source {
            Source::File(file) => incoming::next_piece(file).await?,
            Source::Object(pieces, blobs) => blobs.next_piece(pieces).await?,
        };
        let Some(mut piece) = piece else {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "an original is shorter than it was",
            ));
        };
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left = self.left.saturating_sub(piece.len() as u64);
        Ok(Some(piece))
    }
}
