//! What the targets share: small limits, and what must hold of everything that was read.
//!
//! A target that only looked for crashes would miss the wrong answers. These functions panic on those too.

#[cfg(feature = "pixels")]
pub mod pixels;
pub mod plans;
#[cfg(feature = "pixels")]
pub mod theirs;

use std::time::{Duration, Instant};

use calotype_plan::Limits;

/// Bounds that keep one input cheap: thousands of runs a second are worth more than large pictures.
#[must_use]
pub fn small_limits() -> Limits {
    Limits {
        source_bytes_max: 1 << 20,
        source_area_px_max: 1_000_000,
        side_px_max: 2_000,
        animation_area_px_max: 1_000_000,
        animation_area_px_refused: 2_000_000,
        metadata_bytes_max: 1 << 18,
        job_memory_bytes_max: 64 << 20,
        ..Limits::default()
    }
}

/// When a job that starts now must have given up.
#[must_use]
pub fn deadline() -> Option<Instant> {
    Instant::now().checked_add(Duration::from_secs(2))
}
