//! The bytes that all sources together may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};

/// A bound on the bytes of originals that are in memory at once: being downloaded, waiting for a worker, or in work. Clones share one bound.
///
/// Every buffer is charged before it grows and gives its bytes back when the last [`Bytes`] that shows them is dropped.
#[derive(Debug, Clone)]
pub struct SourceMemory(Arc<Account>);

#[derive(Debug)]
struct Account {
    bytes_max: u64,
    bytes_in_use: AtomicU64,
}

impl SourceMemory {
    /// A bound of this many bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Account {
            bytes_max,
            bytes_in_use: AtomicU64::new(0),
        }))
    }

    /// Bytes charged now.
    #[must_use]
    pub fn bytes_in_use(&self) -> u64 {
        self.0.bytes_in_use.load(Ordering::Relaxed)
    }

    fn charge(&self, bytes: u64) -> Result<(), Fault> {
        let account = &self.0;
        let admit = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= account.bytes_max);
        match account
            .bytes_in_use
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit)
        {
            Ok(_) => Ok(()),
            Err(used) => Err(Fault::new(
                FaultKind::Busy,
                "too many originals are in memory at once; try again shortly",
            )
            .with_detail(format!(
                "source memory: {used} of {} bytes in use, {bytes} more wanted",
                account.bytes_max
            ))),
        }
    }
}

/// A buffer that grows with what arrives, never past its bound, and pays for its capacity before it takes it.
#[derive(Debug)]
pub struct GrowingBuffer {
    bytes: Vec<u8>,
    bytes_bound: usize,
    charge: Charge,
}

/// What a buffer has been charged; given back on drop.
#[derive(Debug)]
struct Charge {
    memory: SourceMemory,
    bytes: u64,
}

impl GrowingBuffer {
    const FIRST_BYTES: usize = 16 << 10;

    /// An empty buffer that will never hold more than `bytes_bound`.
    #[must_use]
    pub fn new(memory: &SourceMemory, bytes_bound: usize) -> Self {
        Self {
            bytes: Vec::new(),
            bytes_bound,
            charge: Charge {
                memory: memory.clone(),
                bytes: 0,
            },
        }
    }

    /// Bytes held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that still fit under the bound.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes_bound.saturating_sub(self.bytes.len())
    }

    /// Appends a piece that fits into [`GrowingBuffer::room`].
    ///
    /// # Errors
    /// 9522 when the shared memory has no room; nothing is appended then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Fault> {
        debug_assert!(piece.len() <= self.room());
        let needed = self.bytes.len().saturating_add(piece.len());
        if needed > self.bytes.capacity() {
            let doubled = self
                .bytes
                .capacity()
                .saturating_mul(2)
                .max(Self::FIRST_BYTES)
                .min(self.bytes_bound);
            let capacity = doubled.max(needed);
            self.charge.grow_to(capacity as u64)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The bytes, which stay charged until the last clone is dropped.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        // Without a declared length the last doubling may have left much unused.
        if self.bytes.capacity() - self.bytes.len() > self.bytes.len() / 4 {
            self.bytes.shrink_to_fit();
            self.charge.shrink_to(self.bytes.capacity() as u64);
        }
        if self.bytes.is_empty() {
            Bytes::new()
        } else {
            Bytes::from_owner(self)
        }
    }
}

impl AsRef<[u8]> for GrowingBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Charge {
    fn grow_to(&mut self, bytes: u64) -> Result<(), Fault> {
        self.memory.charge(bytes.saturating_sub(self.bytes))?;
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    fn shrink_to(&mut self, bytes: u64) {
        let freed = self.bytes.saturating_sub(bytes);
        self.memory.0.bytes_in_use.fetch_sub(freed, Ordering::Relaxed);
        self.bytes -= freed;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_charged_until_the_last_clone_is_dropped() {
        let memory = SourceMemory::new(1_000_000);
        let mut buffer = GrowingBuffer::new(&memory, 100_000);
        buffer.push(&[7; 100_000]).expect("room");
        assert_eq!(memory.bytes_in_use(), 100_000);
        let bytes = buffer.into_bytes();
        let clone = bytes.slice(10..20);
        drop(bytes);
        assert_eq!(memory.bytes_in_use(), 100_000);
        assert_eq!(&clone[..], &[7; 10]);
        drop(clone);
        assert_eq!(memory.bytes_in_use(), 0);
    }

    #[test]
    fn a_buffer_that_would_pass_the_bound_is_refused_before_it_grows() {
        let memory = SourceMemory::new(150_000);
        let mut first = GrowingBuffer::new(&memory, 100_000);
        first.push(&[0; 100_000]).expect("room");
        let mut second = GrowingBuffer::new(&memory, 100_000);
        let fault = second.push(&[0; 60_000]).expect_err("over the bound");
        assert_eq!((fault.code(), fault.status()), (9522, 503));
        assert_eq!(memory.bytes_in_use(), 100_000);
        second.push(&[0; 50_000]).expect("exactly the bound");
    }

    #[test]
    fn capacity_follows_arrival_and_not_the_declared_length() {
        let memory = SourceMemory::new(1 << 30);
        let mut buffer = GrowingBuffer::new(&memory, 100_000_000);
        buffer.push(&[0; 10]).expect("room");
        assert_eq!(memory.bytes_in_use(), 16 << 10);
        let bytes = buffer.into_bytes();
        assert_eq!(memory.bytes_in_use(), 10);
        drop(bytes);
    }
}
