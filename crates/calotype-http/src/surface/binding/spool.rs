//! Where the parts of a form wait until it is whole: in memory first, then in files without a name.

use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use calotype_source::{GrowingBuffer, SourceMemory};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

/// Bytes of one call that may wait in memory.
const CALL_MEMORY_BYTES: usize = 4 << 20;
const READ_BYTES: usize = 256 << 10;

/// The room for the parts of all calls.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) directory: PathBuf,
    pub(super) memory: SourceMemory,
    pub(super) file_bytes_max: u64,
    pub(super) file_bytes: Arc<AtomicU64>,
}

/// The room for the parts of one call.
#[derive(Debug)]
pub(super) struct CallSpool<'s> {
    spool: &'s Spool,
    memory_left: usize,
}

/// One part, as far as it has come.
#[derive(Debug)]
pub(super) struct Part {
    kept: Kept,
    length: u64,
}

#[derive(Debug)]
enum Kept {
    Memory(GrowingBuffer),
    File(SpoolFile),
}

/// A file without a name, which is gone with its descriptor, and what it has been charged.
#[derive(Debug)]
struct SpoolFile {
    file: File,
    charge: FileCharge,
}

#[derive(Debug)]
struct FileCharge {
    account: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for FileCharge {
    fn drop(&mut self) {
        self.account.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Spool {
    /// Room for another call.
    pub(super) fn call(&self) -> CallSpool<'_> {
        CallSpool {
            spool: self,
            memory_left: CALL_MEMORY_BYTES,
        }
    }

    /// Whether files can be made where they shall be.
    pub(super) fn check(&self) -> io::Result<()> {
        tempfile::tempfile_in(&self.directory).map(drop)
    }

    /// The bytes of a whole part, in the shared memory.
    pub(super) async fn bytes_of(&self, part: Part) -> Result<Bytes, Fault> {
        match part.kept {
            Kept::Memory(buffer) => Ok(buffer.into_bytes()),
            Kept::File(file) => file.read(&self.memory, part.length).await,
        }
    }

    async fn file(&self) -> Result<SpoolFile, Fault> {
        let directory = self.directory.clone();
        let made = tokio::task::spawn_blocking(move || tempfile::tempfile_in(directory))
            .await
            .map_err(io::Error::other)
            .and_then(|made| made)
            .map_err(|error| no_room(&error))?;
        Ok(SpoolFile {
            file: File::from_std(made),
            charge: FileCharge {
                account: self.file_bytes.clone(),
                bytes: 0,
            },
        })
    }
}

impl CallSpool<'_> {
    /// An empty part.
    pub(super) fn part(&self) -> Part {
        Part {
            kept: Kept::Memory(GrowingBuffer::new(&self.spool.memory, self.memory_left)),
            length: 0,
        }
    }

    /// Appends to the part that is arriving.
    pub(super) async fn push(&mut self, part: &mut Part, piece: &[u8]) -> Result<(), Fault> {
        if let Kept::Memory(buffer) = &mut part.kept {
            // Without room in the shared memory it goes to a file as well.
            if piece.len() > buffer.room() || buffer.push(piece).is_err() {
                let mut file = self.spool.file().await?;
                file.write(buffer.as_ref(), self.spool.file_bytes_max).await?;
                file.write(piece, self.spool.file_bytes_max).await?;
                part.kept = Kept::File(file);
            }
        } else if let Kept::File(file) = &mut part.kept {
            file.write(piece, self.spool.file_bytes_max).await?;
        }
        part.length = part.length.saturating_add(piece.len() as u64);
        Ok(())
    }

    /// The part is whole: what it has taken of the call's memory is not there for others.
    pub(super) fn finish(&mut self, part: &Part) {
        if let Kept::Memory(buffer) = &part.kept {
            self.memory_left = self.memory_left.saturating_sub(buffer.len());
        }
    }
}

impl SpoolFile {
    async fn write(&mut self, piece: &[u8], bytes_max: u64) -> Result<(), Fault> {
        let more = piece.len() as u64;
        let admit = |used: u64| used.checked_add(more).filter(|sum| *sum <= bytes_max);
        let account = &self.charge.account;
        if account
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit)
            .is_err()
        {
            return Err(Fault::new(
                FaultKind::Busy,
                "too many images are arriving at once; try again shortly",
            )
            .with_detail("the spool files of all calls have reached binding_spool_bytes"));
        }
        self.charge.bytes = self.charge.bytes.saturating_add(more);
        self.file.write_all(piece).await.map_err(|error| no_room(&error))
    }

    async fn read(mut self, memory: &SourceMemory, length: u64) -> Result<Bytes, Fault> {
        let bound = usize::try_from(length).unwrap_or(usize::MAX);
        let mut buffer = GrowingBuffer::new(memory, bound);
        let mut piece = vec![0; READ_BYTES.min(bound.max(1))];
        self.file.flush().await.map_err(|error| no_room(&error))?;
        self.file
            .seek(SeekFrom::Start(0))
            .await
            .map_err(|error| no_room(&error))?;
        while buffer.room() > 0 {
            let count = self.file.read(&mut piece).await.map_err(|error| no_room(&error))?;
            let read = piece.get(..count.min(buffer.room())).unwrap_or_default();
            if read.is_empty() {
                return Err(no_room(&io::ErrorKind::UnexpectedEof.into()));
            }
            buffer.push(read)?;
        }
        Ok(buffer.into_bytes())
    }
}

fn no_room(error: &io::Error) -> Fault {
    Fault::new(FaultKind::Internal, "the image could not be kept while it arrived")
        .with_detail(format!("spool file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(directory: PathBuf, memory_bytes: u64, file_bytes_max: u64) -> Spool {
        Spool {
            directory,
            memory: SourceMemory::new(memory_bytes),
            file_bytes_max,
            file_bytes: Arc::default(),
        }
    }

    async fn kept(spool: &Spool, pieces: &[&[u8]]) -> Result<Part, Fault> {
        let mut call = spool.call();
        let mut part = call.part();
        for piece in pieces {
            call.push(&mut part, piece).await?;
        }
        call.finish(&part);
        Ok(part)
    }

    fn is_in_file(part: &Part) -> bool {
        matches!(part.kept, Kept::File(_))
    }

    #[tokio::test]
    async fn small_parts_stay_in_memory_and_large_ones_come_back_from_a_nameless_file() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().to_owned(), 64 << 20, 64 << 20);
        let large: Vec<u8> = (0..9_000_001_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        let pieces: Vec<&[u8]> = large.chunks(70_001).collect();
        for (pieces, in_file) in [(&[b"ab".as_slice(), b"c"][..], false), (&pieces[..], true)] {
            let part = kept(&spool, pieces).await.unwrap();
            assert_eq!(is_in_file(&part), in_file);
            assert_eq!(
                std::fs::read_dir(directory.path()).unwrap().count(),
                0,
                "the file has no name"
            );
            let bytes = spool.bytes_of(part).await.unwrap();
            assert!(bytes == pieces.concat());
            assert_eq!(spool.file_bytes.load(Ordering::Relaxed), 0, "the file is given back");
            drop(bytes);
            assert_eq!(spool.memory.bytes_in_use(), 0);
        }
    }

    #[tokio::test]
    async fn the_parts_of_one_call_share_its_memory() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().to_owned(), 64 << 20, 64 << 20);
        let piece = vec![1; 3 << 20];
        let mut call = spool.call();
        for in_file in [false, true] {
            let mut part = call.part();
            call.push(&mut part, &piece).await.unwrap();
            call.finish(&part);
            assert_eq!(is_in_file(&part), in_file);
        }
    }

    #[tokio::test]
    async fn without_room_in_memory_a_small_part_goes_to_a_file_too() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().to_owned(), 2, 1_000);
        let part = kept(&spool, &[b"abc"]).await.unwrap();
        assert!(is_in_file(&part));
        assert_eq!(spool.file_bytes.load(Ordering::Relaxed), 3);
        assert_eq!(
            spool.bytes_of(part).await.unwrap_err().kind(),
            FaultKind::Busy,
            "and waits in vain for memory"
        );
        assert_eq!(spool.file_bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn files_of_all_calls_share_one_bound() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool(directory.path().to_owned(), 0, 5);
        let first = kept(&spool, &[b"abc"]).await.unwrap();
        assert_eq!(kept(&spool, &[b"abc"]).await.unwrap_err().kind(), FaultKind::Busy);
        drop(first);
        assert!(kept(&spool, &[b"abc"]).await.is_ok());
    }
}
