//! Originals from one directory (`--root`).

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use http::header::{ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};
use percent_encoding::percent_decode_str;

use crate::body::too_large;
use crate::headers::SourceHeaders;
use crate::memory::{GrowingBuffer, SourceMemory};

const PIECE_BYTES: usize = 256 << 10;

/// A directory whose files can be read by URL path; nothing outside it can, whatever the path says and wherever links in it lead.
///
/// Files and directories whose name begins with a dot do not exist for it. A directory is no file; there is no index.
#[derive(Debug, Clone)]
pub struct LocalRoot {
    directory: PathBuf,
    source_bytes_max: u64,
    memory: SourceMemory,
}

/// A whole file.
#[derive(Debug, Clone)]
pub struct LocalFile {
    /// Its bytes, at least one.
    pub bytes: Bytes,
    /// `ETag` (strong, from length and modification time) and `Last-Modified`.
    pub headers: SourceHeaders,
}

/// A file that is open and not read yet.
#[derive(Debug)]
pub struct OpenFile {
    /// The file, at its beginning.
    pub file: File,
    /// Its length when it was opened.
    pub length_bytes: u64,
    /// When it was last changed.
    pub modified: Option<SystemTime>,
    /// `ETag` (strong, from length and modification time) and `Last-Modified`.
    pub headers: SourceHeaders,
}

impl LocalRoot {
    /// The directory at `path`. Originals of more than `source_bytes_max` bytes are refused.
    ///
    /// # Errors
    /// When it does not exist, is no directory, or cannot be read.
    pub fn new(path: &Path, source_bytes_max: u64, memory: SourceMemory) -> io::Result<Self> {
        let directory = path.canonicalize()?;
        // Reading the listing shows now, and not at the first request, that the directory is one and may be read.
        fs::read_dir(&directory)?;
        Ok(Self {
            directory,
            source_bytes_max,
            memory,
        })
    }

    /// The whole file at a URL path, percent-encoded as it came.
    ///
    /// # Errors
    /// 9404 for whatever is not a readable file below the directory; 9402/413 over the size cap; 9402/502 when the file changes while it is read;
    /// 9412 when it is empty; 9522 when the memory for sources is used up.
    pub async fn read(&self, url_path: &str) -> Result<LocalFile, Fault> {
        let (root, url_path) = (self.clone(), url_path.to_owned());
        off_thread(move || root.read_now(&url_path)).await
    }

    /// The file at a URL path, open, for those who stream it. No size cap.
    ///
    /// # Errors
    /// 9404 for whatever is not a readable file below the directory.
    pub async fn open(&self, url_path: &str) -> Result<OpenFile, Fault> {
        let (root, url_path) = (self.clone(), url_path.to_owned());
        off_thread(move || root.open_now(&url_path)).await
    }

    fn read_now(&self, url_path: &str) -> Result<LocalFile, Fault> {
        let OpenFile {
            mut file,
            length_bytes,
            headers,
            ..
        } = self.open_now(url_path)?;
        if length_bytes > self.source_bytes_max {
            return Err(too_large(self.source_bytes_max));
        }
        let mut buffer = GrowingBuffer::new(&self.memory, usize::try_from(length_bytes).unwrap_or(usize::MAX));
        let mut piece = vec![0; PIECE_BYTES.min(buffer.room().max(1))];
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => piece.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(changed(&error.to_string())),
            };
            if read.len() > buffer.room() {
                return Err(changed("it grew while it was read"));
            }
            buffer.push(read)?;
        }
        // The ETag names these bytes only if length and time are still those that it was made from.
        let now = file.metadata().map_err(|error| changed(&error.to_string()))?;
        if buffer.len() as u64 != length_bytes || headers_of(&now) != headers {
            return Err(changed("length or modification time changed while it was read"));
        }
        if length_bytes == 0 {
            return Err(Fault::new(FaultKind::NotAnImage, "the source is empty"));
        }
        Ok(LocalFile {
            bytes: buffer.into_bytes(),
            headers,
        })
    }

    fn open_now(&self, url_path: &str) -> Result<OpenFile, Fault> {
        let path = self.locate(url_path).ok_or_else(|| missing(url_path))?;
        // Asked before opening, because opening a named pipe would wait for a writer.
        let is_file = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
        if !is_file {
            return Err(missing(url_path));
        }
        let file =
            File::open(&path).map_err(|error| missing(url_path).with_detail(format!("{}: {error}", path.display())))?;
        let metadata = file
            .metadata()
            .map_err(|error| missing(url_path).with_detail(error.to_string()))?;
        if !metadata.is_file() {
            return Err(missing(url_path));
        }
        Ok(OpenFile {
            file,
            length_bytes: metadata.len(),
            modified: metadata.modified().ok(),
            headers: headers_of(&metadata),
        })
    }

    /// The real path of an existing thing below the directory.
    fn locate(&self, url_path: &str) -> Option<PathBuf> {
        let mut wanted = self.directory.clone();
        for segment in url_path.split('/').filter(|segment| !segment.is_empty()) {
            // Decoded once, segment by segment, so that an encoded slash cannot make two of one.
            let name = percent_decode_str(segment).decode_utf8().ok()?;
            wanted.push(plain_name(&name)?);
        }
        // Links are followed, and where they end must be below the directory and as visible as any other file.
        let real = wanted.canonicalize().ok()?;
        let below = real.strip_prefix(&self.directory).ok()?;
        let visible = below
            .components()
            .all(|part| part.as_os_str().to_str().is_some_and(|name| plain_name(name).is_some()));
        visible.then_some(real)
    }
}

/// A file name that is one visible component of a path on every system.
fn plain_name(name: &str) -> Option<&str> {
    let mut components = Path::new(name).components();
    let is_one =
        matches!(components.next(), Some(Component::Normal(part)) if part == name) && components.next().is_none();
    (is_one && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])).then_some(name)
}

fn headers_of(metadata: &Metadata) -> SourceHeaders {
    let mut headers = HeaderMap::new();
    if let Ok(modified) = metadata.modified() {
        // Nanoseconds: two versions of one length within a second must not share a strong tag.
        let nanos = modified.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
        let etag = format!("\"{:x}-{nanos:x}\"", metadata.len());
        if let (Ok(etag), Ok(date)) = (
            HeaderValue::try_from(etag),
            HeaderValue::try_from(httpdate::fmt_http_date(modified)),
        ) {
            headers.insert(ETAG, etag);
            headers.insert(LAST_MODIFIED, date);
        }
    }
    SourceHeaders::from_map(headers)
}

/// One answer for everything that cannot be had, so that nobody can ask what lies outside.
fn missing(url_path: &str) -> Fault {
    Fault::new(FaultKind::SourceNotFound, "there is no such file").with_detail(format!("path {url_path:?}"))
}

fn changed(detail: &str) -> Fault {
    Fault::new(FaultKind::SourceBroken, "the file could not be read whole; try again").with_detail(detail)
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::new(FaultKind::Internal, "reading the file failed").with_detail(error.to_string()))?
}

#[cfg(test)]
mod tests;
