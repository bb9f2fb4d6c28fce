//! Bytes on their way in: a file that is hashed while it is written.

use std::io::{self, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::BlobHash;
use crate::secret;

const READ_BYTES: usize = 256 << 10;

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

impl Incoming {
    pub(crate) async fn new(directory: &Path) -> io::Result<Self> {
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
