//! Originals below a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::fs::File;

use super::incoming::{is_older, off_thread};
use super::{BlobName, Received};

/// `originals/ab/cd/<hash>-<epoch>`
#[derive(Debug, Clone)]
pub(crate) struct LocalBlobs {
    originals: PathBuf,
}

/// The names of files, folder by folder.
#[derive(Debug)]
pub(crate) struct LocalNames {
    /// Folders of folders that were not looked into.
    outer: Vec<PathBuf>,
    /// Folders of files that were not.
    inner: Vec<PathBuf>,
    grace: Duration,
}

impl LocalBlobs {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let originals = directory.join("originals");
        fs::create_dir_all(&originals)?;
        fs::File::open(directory)?.sync_all()?;
        Ok(Self { originals })
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
    pub(super) async fn put(&self, name: &BlobName, received: Received) -> io::Result<()> {
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

    /// A file and its length.
    pub(super) async fn open(&self, name: &BlobName) -> io::Result<(File, u64)> {
        let file = File::open(self.path(name)).await?;
        let bytes = file.metadata().await?.len();
        Ok((file, bytes))
    }

    /// The length of a file; `None` when it is not there.
    pub(super) async fn length(&self, name: &BlobName) -> io::Result<Option<u64>> {
        match tokio::fs::metadata(self.path(name)).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a file, if it is there.
    pub(super) async fn delete(&self, name: &BlobName) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(name)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names of all files that were not written within this time.
    pub(super) async fn names(&self, grace: Duration) -> io::Result<LocalNames> {
        let originals = self.originals.clone();
        Ok(LocalNames {
            outer: off_thread(move || directories(&originals)).await?,
            inner: Vec::new(),
            grace,
        })
    }
}

impl LocalNames {
    /// Those of the next folder that has any; `None` after the last.
    pub(super) async fn next_page(&mut self) -> io::Result<Option<Vec<BlobName>>> {
        loop {
            if let Some(folder) = self.inner.pop() {
                let grace = self.grace;
                let names = off_thread(move || names_in(&folder, grace)).await?;
                if !names.is_empty() {
                    return Ok(Some(names));
                }
            } else if let Some(folder) = self.outer.pop() {
                self.inner = off_thread(move || directories(&folder)).await?;
            } else {
                return Ok(None);
            }
        }
    }
}

fn names_in(folder: &Path, grace: Duration) -> io::Result<Vec<BlobName>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_str().and_then(BlobName::parse);
        found.extend(name.filter(|_| is_older(&entry, grace)));
    }
    Ok(found)
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
