//! Bytes on their way in: a file that is hashed while it is written.

use std::fs;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::BlobHash;
use crate::secret;

const READ_BYTES: usize = 256 << 10;

/// `incoming/`, where files are while they arrive: on the disk of local originals, so that they can be renamed.
#[derive(Debug, Clone)]
pub(crate) struct Spool(PathBuf);

/// A file that arrives. Dropped before it is kept, it is gone.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    path: TempPath,
    hash: Sha256,
    bytes: u64,
}

/// A file that has arrived.
#[derive(Debug)]
pub struct Received {
    file: File,
    path: TempPath,
    hash: BlobHash,
    bytes: u64,
}

impl Spool {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let spool = directory.join("incoming");
        fs::create_dir_all(&spool)?;
        Ok(Self(spool))
    }

    pub(crate) async fn receive(&self) -> io::Result<Incoming> {
        Incoming::new(&self.0).await
    }

    /// Removes what began to arrive long ago and never did: left by a process that died.
    pub(crate) async fn sweep(&self, grace: Duration) -> io::Result<u64> {
        let spool = self.0.clone();
        off_thread(move || {
            let mut count = 0;
            for entry in fs::read_dir(spool)? {
                let entry = entry?;
                if is_older(&entry, grace) && fs::remove_file(entry.path()).is_ok() {
                    count += 1;
                }
            }
            Ok(count)
        })
        .await
    }
}

/// Whether a file was last written longer ago than this. One that has just vanished was not.
pub(super) fn is_older(entry: &fs::DirEntry, grace: Duration) -> bool {
    let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
    written.is_some_and(|written| has_passed(written, grace))
}

/// Whether something was longer ago than this.
pub(super) fn has_passed(then: SystemTime, grace: Duration) -> bool {
    SystemTime::now().duration_since(then).is_ok_and(|age| age >= grace)
}

impl Incoming {
    async fn new(directory: &Path) -> io::Result<Self> {
        let directory = directory.to_owned();
        let (file, path) = off_thread(move || NamedTempFile::new_in(directory)).await?.into_parts();
        Ok(Self {
            file: File::from_std(file),
            path,
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    /// Bytes that have come.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.hash.update(piece);
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        self.file.write_all(piece).await
    }

    /// All has come.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn finish(mut self) -> io::Result<Received> {
        self.file.flush().await?;
        self.file.seek(SeekFrom::Start(0)).await?;
        Ok(Received {
            file: self.file,
            path: self.path,
            hash: BlobHash::new(secret::hex(&self.hash.finalize())),
            bytes: self.bytes,
        })
    }
}

impl Received {
    /// What is in it.
    #[must_use]
    pub const fn hash(&self) -> &BlobHash {
        &self.hash
    }

    /// How long it is.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece, from its beginning on; `None` at its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        next_piece(&mut self.file).await
    }

    /// So many bytes as pieces, or all that are left.
    pub(super) async fn next_part(&mut self, bytes: u64) -> io::Result<Vec<Bytes>> {
        let mut pieces = Vec::new();
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        while left > 0 {
            let mut piece = vec![0; READ_BYTES.min(left)];
            let count = self.file.read(&mut piece).await?;
            if count == 0 {
                break;
            }
            piece.truncate(count);
            left = left.saturating_sub(count);
            pieces.push(piece.into());
        }
        Ok(pieces)
    }

    /// From its beginning again.
    pub(super) async fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0)).await.map(|_| ())
    }

    /// The file, on the disk whole.
    pub(super) async fn into_synced(self) -> io::Result<TempPath> {
        self.file.sync_all().await?;
        Ok(self.path)
    }
}

/// The next piece of a file.
pub(super) async fn next_piece(file: &mut File) -> io::Result<Option<Bytes>> {
    let mut piece = vec![0; READ_BYTES];
    let count = file.read(&mut piece).await?;
    piece.truncate(count);
    Ok((count > 0).then(|| piece.into()))
}

/// Work that waits for a disk.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
