//! The time, and positions made of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::secret;

/// Bits of a position below its milliseconds.
const RANDOM_BITS: u32 = 20;

/// What time it is, in milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands until it is set: for tests of what ends.
    #[must_use]
    pub fn standing_at(now_ms: i64) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(now_ms))))
    }

    /// Moves a standing clock; the system's does not care.
    pub fn advance_ms(&self, by_ms: i64) {
        if let Source::Set(now) = &self.0 {
            now.fetch_add(by_ms, Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Source::Set(now) => now.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::System => f.write_str("Clock::system"),
            Source::Set(now) => write!(f, "Clock::standing_at({})", now.load(Ordering::Relaxed)),
        }
    }
}

/// When something happened, made unique by random bits. Positions order as their times do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

impl Position {
    /// A new position at this time.
    pub(crate) fn at(now_ms: i64) -> Self {
        let [a, b, c, ..] = secret::random::<4>();
        let low = i64::from(u32::from_le_bytes([a, b, c, 0]) & ((1 << RANDOM_BITS) - 1));
        Self((now_ms.max(0) << RANDOM_BITS) | low)
    }

    /// The least position of a time.
    pub(crate) const fn start_of(ms: i64) -> Self {
        Self(ms << RANDOM_BITS)
    }

    /// Its time, in milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0 >> RANDOM_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_keep_their_time_and_its_order() {
        let (early, late) = (Position::at(1_800_000_000_000), Position::at(1_800_000_000_001));
        assert_eq!(early.ms(), 1_800_000_000_000);
        assert!(early < late);
        assert!(Position::start_of(early.ms()) <= early);
    }
}
