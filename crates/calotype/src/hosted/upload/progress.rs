//! What a run tells while it lasts: one line that changes on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytesize::ByteSize;

const EVERY_ON_TERMINAL: Duration = Duration::from_millis(200);
const EVERY_ELSEWHERE: Duration = Duration::from_secs(10);

/// Files and bytes of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) stored: u64,
    pub(super) present: u64,
    pub(super) failed: u64,
    /// Of what was stored.
    pub(super) bytes: u64,
}

impl Counts {
    const fn done(self) -> u64 {
        self.stored + self.present + self.failed
    }
}

/// Counts, and tells.
#[derive(Debug)]
pub(super) struct Progress {
    total: u64,
    started: Instant,
    is_terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    counts: Counts,
    told: Instant,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let started = Instant::now();
        Self {
            total,
            started,
            is_terminal: io::stderr().is_terminal(),
            state: Mutex::new(State {
                counts: Counts::default(),
                told: started,
            }),
        }
    }

    /// Adds what became of a file, and tells why one failed.
    pub(super) fn add(&self, file: &Path, outcome: &Result<Option<u64>, String>) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match outcome {
            Ok(Some(bytes)) => {
                state.counts.stored += 1;
                state.counts.bytes = state.counts.bytes.saturating_add(*bytes);
            }
            Ok(None) => state.counts.present += 1,
            Err(why) => {
                state.counts.failed += 1;
                let clear = if self.is_terminal { "\r\x1b[K" } else { "" };
                let _ = writeln!(io::stderr(), "{clear}failed  {}: {why}", file.display());
            }
        }
        let every = if self.is_terminal {
            EVERY_ON_TERMINAL
        } else {
            EVERY_ELSEWHERE
        };
        if state.told.elapsed() >= every {
            state.told = Instant::now();
            let line = line(state.counts, self.total, self.started.elapsed());
            let _ = if self.is_terminal {
                write!(io::stderr(), "\r\x1b[K{line}")
            } else {
                writeln!(io::stderr(), "{line}")
            };
        }
    }

    /// The last counts; the line that changed is gone.
    pub(super) fn end(self) -> Counts {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        self.state
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .counts
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for eyes"
)]
fn line(counts: Counts, total: u64, elapsed: Duration) -> String {
    let rate = (counts.bytes as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
    format!(
        "{} of {total}  {} stored ({}, {}/s)  {} there already  {} failed",
        counts.done(),
        counts.stored,
        ByteSize::b(counts.bytes),
        ByteSize::b(rate),
        counts.present,
        counts.failed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_counts_bytes_and_rate() {
        let counts = Counts {
            stored: 3,
            present: 2,
            failed: 1,
            bytes: 4_096,
        };
        let line = line(counts, 10, Duration::from_secs(2));
        assert_eq!(
            line,
            "6 of 10  3 stored (4.0 KiB, 2.0 KiB/s)  2 there already  1 failed"
        );
    }
}
