//! What a resampler will hold, from its order alone: known before anything is allocated.

use crate::kernel::BLOCK;
use crate::spec::{Channels, Light, Spec};
use crate::store::Ring;
use crate::weights::{BLOCK_ROWS, GROUP, NARROW_TAPS_MAX, RING_TAPS_MAX, active_max, building_bytes, taps_max};

/// Lengths in samples, of bounds and not of the weights themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Rows are deep: 16 bits a sample, and in planes.
    pub(crate) deep: bool,
    /// Rows of the source that are held.
    pub(crate) rows: usize,
    /// Sums of long filters that are held.
    pub(crate) sums: usize,
    /// Samples of an interleaved row, or 0 where there is none.
    pub(crate) mixed: usize,
    /// Samples from one plane to the next.
    pub(crate) plane: usize,
    /// Samples of a row of the result, in whole groups.
    pub(crate) line: usize,
}

impl Plan {
    pub(crate) fn new(spec: &Spec, deep_rows: bool) -> Self {
        let channels = spec.channels.count();
        let deep = deep_rows || spec.channels == Channels::Alpha || spec.light == Light::Linear;
        let taps = taps_max(&spec.horizontal);
        let columns = (spec.horizontal.source as usize).next_multiple_of(BLOCK);
        let reach = if taps > NARROW_TAPS_MAX {
            0
        } else {
            taps.next_multiple_of(8)
        };
        let vertical = taps_max(&spec.vertical);
        let blocks = vertical > RING_TAPS_MAX;
        Self {
            deep,
            rows: if blocks { BLOCK_ROWS } else { vertical },
            sums: if blocks { active_max(&spec.vertical) } else { 0 },
            mixed: if deep || channels == 1 { 0 } else { columns * channels },
            plane: columns + reach.next_multiple_of(BLOCK),
            line: (spec.horizontal.output as usize).next_multiple_of(GROUP),
        }
    }

    /// Samples of a row that is held.
    pub(crate) fn row(&self, channels: usize) -> usize {
        if self.deep {
            self.plane * channels
        } else if channels == 1 {
            self.plane
        } else {
            self.mixed
        }
    }

    /// Bytes of everything.
    pub(crate) fn bytes(&self, spec: &Spec) -> u64 {
        let channels = spec.channels.count();
        let row = self.row(channels);
        let ring = if self.deep {
            Ring::<i16>::bytes(self.rows as u64, row)
        } else {
            Ring::<u8>::bytes(self.rows as u64, row)
        };
        let lines = self.line as u64 * channels as u64 * 6;
        let planes = (self.mixed + self.plane * channels) as u64 * 2;
        let sums = self.sums as u64 * row as u64 * 8;
        // Up to 4 bytes a weight, and what whole groups of outputs and of weights have more.
        let weights = |taps: usize, outputs: u32| {
            let outputs = u64::from(outputs);
            taps as u64 * 4 * outputs + (outputs + 8) * 64 + taps.min(NARROW_TAPS_MAX) as u64 * 16
        };
        let horizontal = weights(taps_max(&spec.horizontal), spec.horizontal.output);
        let vertical = weights(taps_max(&spec.vertical), spec.vertical.output);
        // One axis after the other.
        let building = building_bytes(&spec.horizontal).max(building_bytes(&spec.vertical));
        ring + lines + planes + sums + horizontal + vertical + building
    }
}
