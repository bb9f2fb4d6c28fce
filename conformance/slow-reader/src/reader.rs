//! How an answer is read.

use std::io::{self, Read};
use std::thread::sleep;
use std::time::Duration;

use crate::numbers::Numbers;

const PIECE: usize = 64 << 10;

/// A kind of reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Reads as fast as it can.
    Eager,
    /// Pauses for up to 50 ms before every 64 KiB.
    Pausing,
    /// Stops for 2 seconds somewhere.
    Stopping,
    /// Reads the first 64 KiB byte by byte.
    ByteByByte,
    /// Leaves somewhere.
    Vanishing,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Eager,
        Self::Pausing,
        Self::Stopping,
        Self::ByteByByte,
        Self::Vanishing,
    ];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Eager => "reads at once",
            Self::Pausing => "pauses 0 to 50 ms before every 64 KiB",
            Self::Stopping => "stops for 2 s",
            Self::ByteByByte => "first 64 KiB byte by byte",
            Self::Vanishing => "vanishes",
        }
    }
}

/// What became of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Whole,
    /// The connection ended after so many bytes.
    Short(usize),
    /// Another byte than expected came at this place.
    Differs(usize),
    /// Nothing came any more after so many bytes.
    Stalled(usize),
    /// The reader left.
    Left,
}

/// Reads a body that must be these bytes.
pub(crate) fn read(stream: &mut impl Read, expected: &[u8], kind: Kind, numbers: &mut Numbers) -> Body {
    // A stop or a leave after all has come would be none.
    let place = numbers.below(expected.len().max(2) - 1);
    let mut buffer = vec![0; PIECE];
    let (mut at, mut next_pause, mut has_stopped) = (0, 0, false);
    while at < expected.len() {
        let wanted = match kind {
            Kind::ByteByByte if at < PIECE => 1,
            Kind::Stopping | Kind::Vanishing if at < place => PIECE.min(place - at),
            _ => PIECE,
        };
        match kind {
            Kind::Pausing if at >= next_pause => {
                next_pause = at + PIECE;
                sleep(Duration::from_millis(numbers.below(51) as u64));
            }
            Kind::Stopping if at >= place && !has_stopped => {
                has_stopped = true;
                sleep(Duration::from_secs(2));
            }
            Kind::Vanishing if at >= place => return Body::Left,
            _ => {}
        }
        let left = expected.len() - at;
        match stream.read(&mut buffer[..wanted.min(left)]) {
            Ok(0) => return Body::Short(at),
            Ok(count) => {
                if buffer[..count] != expected[at..at + count] {
                    return Body::Differs(at);
                }
                at += count;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Body::Stalled(at);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Body::Short(at),
        }
    }
    Body::Whole
}
