//! Originals below a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::fs::File;

use super::incoming::{self, off_thread};
use super::{BlobName, Received};

/// `originals/ab/cd/<hash>-<epoch>`, and `incoming/` for what is on its way, on the same disk so that it can be renamed.
#[derive(Debug, Clone)]
pub(crate) struct LocalBlobs {
    originals: PathBuf,
    incoming: PathBuf,
}

/// An original that is read.
#[derive(Debug)]
pub struct BlobReader {
    file: File,
    bytes: u64,
}

impl BlobReader {
    /// How long it is.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece; `None` at its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        incoming::next_piece(&mut self.file).await
    }
}

impl LocalBlobs {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let blobs = Self {
            originals: directory.join("originals"),
            incoming: directory.join("incoming"),
        };
        fs::create_dir_all(&blobs.originals)?;
        fs::create_dir_all(&blobs.incoming)?;
        fs::File::open(directory)?.sync_all()?;
        Ok(blobs)
    }

    pub(crate) fn incoming(&self) -> &Path {
        &self.incoming
    }

    fn path(&self, name: &BlobName) -> PathBuf {
        let hash = name.hash.as_str();
        let level = |range| hash.get(range).unwrap_or("00");
        self.originals
            .join(level(0..2))
            .join(level(2..4))
            .join(name.file_name())
    }

    /// The file under its name: on the disk whole before the name is, and the name before this returns.
    pub(crate) async fn put(&self, name: &BlobName, received: Received) -> io::Result<()> {
        let file = received.into_synced().await?;
        let path = self.path(name);
        let top = self.originals.clone();
        off_thread(move || {
            let directory = path.parent().unwrap_or(&top);
            fs::create_dir_all(directory)?;
            file.persist(&path).map_err(|error| error.error)?;
            // Those above too, even if they are not new: whoever made them may not have got so far, and to sync what is clean costs nothing.
            for folder in directory.ancestors().take_while(|folder| folder.starts_with(&top)) {
                fs::File::open(folder)?.sync_all()?;
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn open(&self, name: &BlobName) -> io::Result<BlobReader> {
        let file = File::open(self.path(name)).await?;
        let bytes = file.metadata().await?.len();
        Ok(BlobReader { file, bytes })
    }

    /// The length of a file; `None` when it is not there.
    pub(crate) async fn length(&self, name: &BlobName) -> io::Result<Option<u64>> {
        match tokio::fs::metadata(self.path(name)).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a file, if it is there.
    pub(crate) async fn delete(&self, name: &BlobName) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(name)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names of all files that were not written within this time, folder by folder.
    pub(crate) async fn older_than(&self, grace: Duration) -> io::Result<Vec<BlobName>> {
        let originals = self.originals.clone();
        off_thread(move || {
            let mut found = Vec::new();
            for first in directories(&originals)? {
                for second in directories(&first)? {
                    for entry in fs::read_dir(second)? {
                        let entry = entry?;
                        let name = entry.file_name().to_str().and_then(BlobName::parse);
                        if let Some(name) = name
                            && is_older(&entry, grace)
                        {
                            found.push(name);
                        }
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    /// Removes what began to arrive long ago and never did: left by a process that died.
    pub(crate) async fn sweep_incoming(&self, grace: Duration) -> io::Result<u64> {
        let incoming = self.incoming.clone();
        off_thread(move || {
            let mut count = 0;
            for entry in fs::read_dir(incoming)? {
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

fn directories(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether a file was last written longer ago than this. One that has just vanished was not.
fn is_older(entry: &fs::DirEntry, grace: Duration) -> bool {
    let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
    written.is_some_and(|written| SystemTime::now().duration_since(written).is_ok_and(|age| age >= grace))
}
