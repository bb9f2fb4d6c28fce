//! The life of a Unix socket's file: taken over without a gap, never wider open than asked, removed only by its owner.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

/// Connections that wait to be accepted. The system may have a lower bound.
const BACKLOG: u32 = 1_024;

/// A listener and its file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file, which tell whether a name still leads to it.
    identity: (u64, u64),
}

impl SocketFile {
    /// Listens at a path. A socket that is there is replaced, whether somebody listens on it or not: its own server goes on with what it has accepted.
    ///
    /// The mode is set before anybody can connect.
    pub(crate) fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "something else than a socket has this name",
                ));
            }
            _ => {}
        }
        let temporary = temporary_name(path)?;
        // What an earlier process of this number left when it was killed between the two names.
        let _ = fs::remove_file(&temporary);
        let socket = UnixSocket::new_stream()?;
        socket.bind(&temporary)?;
        let bound = (|| {
            fs::set_permissions(&temporary, Permissions::from_mode(mode))?;
            // Until here connecting fails.
            let listener = socket.listen(BACKLOG)?;
            let identity = identity(&temporary)?;
            let _directory = lock_directory(path)?;
            fs::rename(&temporary, path)?;
            Ok(Self {
                listener,
                path: path.to_owned(),
                identity,
            })
        })();
        if bound.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        bound
    }

    /// Takes the name away, if it is still this socket's.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let _directory = lock_directory(&self.path)?;
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

/// A name in the same directory, so that it can be exchanged for the real one.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no name of a file"))?;
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(temporary))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Taking a name and removing it exclude each other. The lock ends with the file.
fn lock_directory(path: &Path) -> io::Result<File> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(directory.unwrap_or(Path::new(".")))?;
    directory.lock()?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    fn names(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).unwrap();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn the_file_has_the_mode_that_was_asked_for_and_no_other_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let socket = SocketFile::bind(&path, 0o620).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        assert_eq!(names(directory.path()), ["s.sock"]);
        socket.remove().unwrap();
        assert!(names(directory.path()).is_empty());
    }

    #[tokio::test]
    async fn a_stale_file_is_replaced_and_another_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        drop(SocketFile::bind(&path, 0o600).unwrap());
        assert!(
            UnixStream::connect(&path).await.is_err(),
            "a file that nobody listens on"
        );
        let _socket = SocketFile::bind(&path, 0o600).unwrap();
        assert!(UnixStream::connect(&path).await.is_ok());

        let letter = directory.path().join("letter.txt");
        fs::write(&letter, "dear").unwrap();
        assert!(SocketFile::bind(&letter, 0o600).is_err());
        assert_eq!(fs::read(&letter).unwrap(), b"dear");
    }

    #[tokio::test]
    async fn the_old_owner_does_not_remove_the_new_owners_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let old = SocketFile::bind(&path, 0o600).unwrap();
        let new = SocketFile::bind(&path, 0o600).unwrap();
        old.remove().unwrap();
        drop(old);
        assert!(UnixStream::connect(&path).await.is_ok());
        new.remove().unwrap();
        assert!(!path.exists());
    }
}
