//! Rows in, rows out.

use std::ops::Range;
use std::sync::Arc;

use crate::cache;
use crate::curve::{self, LINEAR};
use crate::deepen::{DEEP_ZERO, at, deepen, deepen_alpha, rounded};
use crate::finish::Finish;
use crate::kernel::{BLOCK, Kernel, total_bytes, total_words, widen_bytes, widen_words};
use crate::plan::Plan;
use crate::spec::{Axis, Channels, Levels, Light, Spec, SpecError};
use crate::store::Ring;
use crate::weights::{BLOCK_ROWS, RING_TAPS_MAX, Row, Vertical};

/// Makes a picture of another size out of rows, from top to bottom, and holds only as many rows as its filter looks at.
#[derive(Debug)]
pub struct Resampler {
    kernel: Kernel,
    channels: Channels,
    light: Light,
    /// Columns of the source that are looked at.
    columns: Range<usize>,
    /// Rows of the source that are looked at.
    needed: Range<u32>,
    /// The next row of the source.
    row: u32,
    pass: Pass,
    /// Rows are the result.
    same: bool,
    store: Store,
    /// Samples between the passes, interleaved.
    mixed: Vec<i16>,
    /// The same in planes.
    planes: Vec<i16>,
    stride: usize,
    finish: Finish,
}

/// The vertical pass.
#[derive(Debug)]
enum Pass {
    Copy,
    Filter(Filter),
}

#[derive(Debug)]
struct Filter {
    weights: Arc<Vertical>,
    /// The next row of `weights`.
    next: usize,
    /// Of a filter whose rows are not all held: sums of the rows that are begun, each at its number modulo how many there are.
    sums: Vec<Vec<i64>>,
}

#[derive(Debug)]
enum Store {
    Bytes(Ring<u8>),
    Words(Ring<i16>),
}

impl Resampler {
    /// Bytes that [`Resampler::new`] takes, weights included. None are taken later.
    ///
    /// Weights that another resampler made are shared, and counted all the same.
    #[must_use]
    pub fn working_bytes(spec: &Spec) -> u64 {
        Self::bytes(spec, false)
    }

    /// Bytes that [`Resampler::deep`] takes.
    #[must_use]
    pub fn working_bytes_deep(spec: &Spec) -> u64 {
        Self::bytes(spec, true)
    }

    fn bytes(spec: &Spec, deep: bool) -> u64 {
        if spec.check().is_err() {
            return 0;
        }
        Plan::new(spec, deep).bytes(spec)
    }

    /// For rows of 8 bits a sample.
    ///
    /// # Errors
    ///
    /// What is asked for makes no sense.
    pub fn new(spec: &Spec) -> Result<Self, SpecError> {
        Self::build(spec, false, Kernel::fastest())
    }

    /// For rows of 9 to 16 bits a sample. Takes those of 8 bits too.
    ///
    /// # Errors
    ///
    /// As [`Resampler::new`].
    pub fn deep(spec: &Spec) -> Result<Self, SpecError> {
        Self::build(spec, true, Kernel::fastest())
    }

    /// The same with other inner loops. The result is the same.
    #[must_use]
    pub fn with_kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    fn build(spec: &Spec, deep: bool, kernel: Kernel) -> Result<Self, SpecError> {
        spec.check()?;
        let plan = Plan::new(spec, deep);
        let channels = spec.channels.count();
        let row = plan.row(channels);
        let across = inner(&spec.horizontal);
        let down = inner(&spec.vertical);
        let (finish, columns) = Finish::new(spec, &plan, across.clone());
        let (pass, needed) = match &down {
            Some(rows) => (Pass::Copy, rows.clone()),
            None => {
                let weights = cache::vertical(&spec.vertical);
                let first = weights.rows.iter().map(|row| row.first).min().unwrap_or(0);
                let end = weights.rows.iter().map(Row::end).max().unwrap_or(0);
                let sums = (0..plan.sums).map(|_| vec![0; row]).collect();
                let next = 0;
                (Pass::Filter(Filter { weights, next, sums }), first..end)
            }
        };
        let same = across.is_some() && down.is_some() && !deep && spec.levels == Levels::Full;
        Ok(Self {
            kernel,
            channels: spec.channels,
            light: spec.light,
            columns: columns.start as usize..columns.end as usize,
            needed,
            row: 0,
            pass,
            same,
            store: if plan.deep {
                Store::Words(Ring::new(plan.rows, row))
            } else {
                Store::Bytes(Ring::new(plan.rows, row))
            },
            mixed: vec![0; plan.mixed],
            planes: vec![0; plan.plane * channels],
            stride: plan.plane,
            finish,
        })
    }

    /// The rows of the source that are looked at. Of the others, those before can be [skipped](Self::skip), and those behind need not come.
    #[must_use]
    pub fn rows_needed(&self) -> Range<u32> {
        self.needed.clone()
    }

    /// Whether every row of the result has been given.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.row >= self.needed.end
    }

    /// Passes over the next row of the source, which is not [needed](Self::rows_needed). One that is needed but cannot be had is pushed empty.
    pub fn skip(&mut self) {
        debug_assert!(!self.needed.contains(&self.row), "row {} is needed", self.row);
        self.row = self.row.saturating_add(1);
    }

    /// Takes the next row of the source, interleaved, and gives the rows of the result that are complete with it, in order.
    ///
    /// Long filters (more than 96 rows) give them up to 31 rows late. Samples that a row lacks are 0; those behind its end are not looked at.
    pub fn push(&mut self, row: &[u8], out: &mut dyn FnMut(&[u8])) {
        let number = self.row;
        self.row = self.row.saturating_add(1);
        if !self.needed.contains(&number) {
            return;
        }
        let channels = self.channels.count();
        let part = part(row, &self.columns, channels);
        let whole = part.len() == self.columns.len() * channels;
        if self.same {
            out(if whole { part } else { self.finish.completed(part) });
            return;
        }
        match &mut self.store {
            Store::Bytes(ring) => {
                let place = ring.row_mut(number);
                let (held, lacking) = place.split_at_mut(part.len().min(place.len()));
                if let Some(part) = part.get(..held.len()) {
                    held.copy_from_slice(part);
                }
                if !whole {
                    lacking.fill(0);
                }
            }
            Store::Words(ring) => {
                let place = ring.row_mut(number);
                if !whole {
                    place.fill(DEEP_ZERO);
                }
                match (self.channels, self.light) {
                    (Channels::Alpha, Light::Encoded) => self.kernel.premultiply(part, place, self.stride),
                    (_, Light::Encoded) => deepen(part, channels, place, self.stride, |sample| u16::from(sample) << 8),
                    (Channels::Alpha, Light::Linear) => {
                        let light = &*LINEAR;
                        deepen_alpha(
                            part,
                            place,
                            self.stride,
                            |c| light[usize::from(c)],
                            |a| u16::from(a) << 8,
                        );
                    }
                    (_, Light::Linear) => {
                        let light = &*LINEAR;
                        deepen(part, channels, place, self.stride, |sample| light[usize::from(sample)]);
                    }
                }
            }
        }
        self.advance(number, out);
    }

    /// The same for a row of 8 to 16 bits a sample, in the low bits; numbers above the highest are taken as the highest. For [`Resampler::deep`]: another
    /// resampler rounds them to 8 bits first.
    ///
    /// They are filtered with 16 bits, and rounded to 8 once, at the end.
    pub fn push_deep(&mut self, row: &[u16], bits: u8, out: &mut dyn FnMut(&[u8])) {
        debug_assert!((8..=16).contains(&bits), "{bits} bits");
        let encoded = curve::deep(bits, false);
        let number = self.row;
        let Store::Words(ring) = &mut self.store else {
            let bytes: Vec<u8> = row.iter().map(|&sample| rounded(at(encoded, sample))).collect();
            return self.push(&bytes, out);
        };
        if self.same {
            let bytes: Vec<u8> = row.iter().map(|&sample| rounded(at(encoded, sample))).collect();
            return self.push(&bytes, out);
        }
        self.row = self.row.saturating_add(1);
        if !self.needed.contains(&number) {
            return;
        }
        let channels = self.channels.count();
        let part = part(row, &self.columns, channels);
        let color = if self.light == Light::Linear {
            curve::deep(bits, true)
        } else {
            encoded
        };
        let place = ring.row_mut(number);
        if part.len() < self.columns.len() * channels {
            place.fill(DEEP_ZERO);
        }
        if self.channels == Channels::Alpha {
            deepen_alpha(
                part,
                place,
                self.stride,
                |sample| at(color, sample),
                |sample| at(encoded, sample),
            );
        } else {
            deepen(part, channels, place, self.stride, |sample| at(color, sample));
        }
        self.advance(number, out);
    }

    /// What a row that has come completes.
    fn advance(&mut self, number: u32, out: &mut dyn FnMut(&[u8])) {
        match &mut self.pass {
            Pass::Copy => {
                let between = if self.mixed.is_empty() {
                    &mut self.planes
                } else {
                    &mut self.mixed
                };
                match &self.store {
                    Store::Bytes(ring) => widen_bytes(ring.row(number), between),
                    Store::Words(ring) => widen_words(ring.row(number), between),
                }
                self.give(1, out);
            }
            Pass::Filter(filter) if filter.sums.is_empty() => {
                let weights = Arc::clone(&filter.weights);
                let mut next = filter.next;
                while let Some(row) = weights.rows.get(next).filter(|row| row.end() <= number + 1) {
                    next += 1;
                    let between = if self.mixed.is_empty() {
                        &mut self.planes
                    } else {
                        &mut self.mixed
                    };
                    let (pairs, bits) = (weights.pairs(row), weights.bits);
                    match &self.store {
                        Store::Bytes(ring) => {
                            let rows: Rows<'_, u8> = rows(ring, row.first, row.taps);
                            self.kernel.vertical_bytes(rows.get(), pairs, bits, between);
                        }
                        Store::Words(ring) => {
                            let rows: Rows<'_, i16> = rows(ring, row.first, row.taps);
                            self.kernel.vertical_words(rows.get(), pairs, bits, between);
                        }
                    }
                    self.give(row.repeat, out);
                }
                if let Pass::Filter(filter) = &mut self.pass {
                    filter.next = next;
                }
            }
            Pass::Filter(_) => self.advance_block(number, out),
        }
    }

    /// Of a long filter: adds the rows that are held to the sums of the result's rows they are part of, once there are as many as can be held.
    fn advance_block(&mut self, number: u32, out: &mut dyn FnMut(&[u8])) {
        let rows_held = BLOCK_ROWS as u32;
        let end = number + 1;
        if !end.is_multiple_of(rows_held) && end != self.needed.end {
            return;
        }
        let begin = (number - number % rows_held).max(self.needed.start);
        let Pass::Filter(filter) = &mut self.pass else { return };
        let weights = Arc::clone(&filter.weights);
        let mut complete = filter.next;
        for index in filter.next.. {
            let Some(row) = weights.rows.get(index).filter(|row| row.first < end) else {
                break;
            };
            let held = filter.sums.len();
            let Some(sums) = filter.sums.get_mut(index % held) else {
                return;
            };
            if row.first >= begin {
                sums.fill(0);
            }
            let (first, last) = (row.first.max(begin), row.end().min(end));
            if first < last {
                let taps = (last - first) as usize;
                let own = weights
                    .pairs(row)
                    .get((first - row.first) as usize..)
                    .unwrap_or_default();
                // With a zero behind them where their number is odd.
                let mut pairs = [0; BLOCK_ROWS];
                pairs
                    .iter_mut()
                    .zip(own)
                    .take(taps)
                    .for_each(|(place, &weight)| *place = weight);
                let pairs = pairs.get(..taps.next_multiple_of(2)).unwrap_or_default();
                match &self.store {
                    Store::Bytes(ring) => {
                        let rows: Rows<'_, u8> = rows(ring, first, last - first);
                        self.kernel.partial_bytes(rows.get(), pairs, sums);
                    }
                    Store::Words(ring) => {
                        let rows: Rows<'_, i16> = rows(ring, first, last - first);
                        self.kernel.partial_words(rows.get(), pairs, sums);
                    }
                }
            }
            if row.end() <= end && index == complete {
                complete += 1;
            }
        }
        let first = std::mem::replace(&mut filter.next, complete);
        for index in first..complete {
            let between = if self.mixed.is_empty() {
                &mut self.planes
            } else {
                &mut self.mixed
            };
            let Pass::Filter(filter) = &self.pass else { return };
            let Some(sums) = filter.sums.get(index % filter.sums.len()) else {
                return;
            };
            match &self.store {
                Store::Bytes(_) => total_bytes(sums, weights.bits, between),
                Store::Words(_) => total_words(sums, weights.bits, between),
            }
            self.give(weights.rows.get(index).map_or(0, |row| row.repeat), out);
        }
    }

    /// The horizontal pass, and a row of the result.
    fn give(&mut self, repeat: u32, out: &mut dyn FnMut(&[u8])) {
        if !self.mixed.is_empty() {
            let pixels = self.columns.len().next_multiple_of(BLOCK) * self.channels.count();
            let mixed = self.mixed.get(..pixels).unwrap_or_default();
            if self.channels == Channels::Three {
                self.kernel.split3(mixed, &mut self.planes, self.stride);
            } else {
                self.kernel.split4(mixed, &mut self.planes, self.stride);
            }
        }
        let line = self.finish.line(self.kernel, &self.planes, self.stride);
        for _ in 0..repeat {
            out(line);
        }
    }
}

/// The samples of the source that those of the result are, where no filter is needed and none lies outside.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn inner(axis: &Axis) -> Option<Range<u32>> {
    let inside = axis.is_copy() && axis.start >= 0.0 && axis.start + axis.length <= f64::from(axis.source);
    inside.then_some(axis.start as u32..(axis.start + axis.length) as u32)
}

/// The samples of the columns that are looked at, or those of them that a row has.
fn part<'a, T>(row: &'a [T], columns: &Range<usize>, channels: usize) -> &'a [T] {
    let end = (columns.end * channels).min(row.len());
    row.get(columns.start * channels..end).unwrap_or_default()
}

/// Rows of a ring, in their order; the last one twice where their number is odd.
struct Rows<'a, T> {
    rows: [&'a [T]; RING_TAPS_MAX],
    count: usize,
}

impl<'a, T> Rows<'a, T> {
    fn get(&self) -> &[&'a [T]] {
        self.rows.get(..self.count).unwrap_or_default()
    }
}

fn rows<T: Copy + Default>(ring: &Ring<T>, first: u32, count: u32) -> Rows<'_, T> {
    let mut rows = Rows {
        rows: [&[]; RING_TAPS_MAX],
        count: (count as usize).min(ring.rows()).next_multiple_of(2),
    };
    for (place, number) in rows.rows.iter_mut().take(rows.count).zip(first..) {
        *place = ring.row(number.min(first + count - 1));
    }
    rows
}

/// A whole picture at once: rows in, the samples of the result into `out`, row after row.
///
/// What `out` has no place for is left out.
///
/// # Errors
///
/// As [`Resampler::new`].
pub fn resample<'a>(spec: &Spec, rows: impl Iterator<Item = &'a [u8]>, out: &mut [u8]) -> Result<(), SpecError> {
    let mut resampler = Resampler::new(spec)?;
    let length = spec.horizontal.output as usize * spec.channels.count();
    let mut places = out.chunks_exact_mut(length);
    for row in rows {
        if resampler.is_complete() {
            break;
        }
        resampler.push(row, &mut |line| {
            if let Some(place) = places.next() {
                place.copy_from_slice(line);
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::building_bytes;

    impl Resampler {
        fn held_bytes(&self) -> u64 {
            let store = match &self.store {
                Store::Bytes(ring) => ring.held_bytes(),
                Store::Words(ring) => ring.held_bytes(),
            };
            let pass = match &self.pass {
                Pass::Copy => 0,
                Pass::Filter(filter) => {
                    let sums: usize = filter.sums.iter().map(|sums| sums.capacity() * 8).sum();
                    filter.weights.bytes() + sums
                }
            };
            (store + pass + (self.mixed.capacity() + self.planes.capacity()) * 2 + self.finish.held_bytes()) as u64
        }
    }

    #[test]
    fn no_more_memory_is_taken_than_was_said_and_not_far_less() {
        for channels in [Channels::One, Channels::Three, Channels::Four, Channels::Alpha] {
            for across in [
                Axis::whole(4032, 800),
                Axis::whole(5000, 3),
                Axis::whole(1, 900),
                Axis::whole(70, 70),
            ] {
                for down in [
                    Axis::whole(3024, 600),
                    Axis::whole(9000, 4),
                    Axis::whole(3, 500),
                    Axis::whole(40, 40),
                ] {
                    let spec = Spec::new(across, down, channels);
                    for (said, resampler) in [
                        (Resampler::working_bytes(&spec), Resampler::new(&spec)),
                        (Resampler::working_bytes_deep(&spec), Resampler::deep(&spec)),
                    ] {
                        let held = resampler.unwrap().held_bytes();
                        // What was said holds what making the weights takes for a moment.
                        let moment = building_bytes(&across).max(building_bytes(&down));
                        assert!(
                            held <= said && said < held * 3 + moment + 100_000,
                            "{spec:?}: {held} of {said}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn sums_suffice_for_all_rows_that_a_block_has_a_part_in() {
        for axis in [
            Axis::whole(9000, 4),
            Axis::whole(3000, 170),
            Axis::part(3000, -900.0, 4800.0, 200),
            Axis::part(2000, 100.3, 1850.1, 110),
        ] {
            let weights = Vertical::new(&axis);
            let held = crate::weights::active_max(&axis);
            for begin in (0..axis.source).step_by(BLOCK_ROWS) {
                let end = begin + BLOCK_ROWS as u32;
                let active = weights
                    .rows
                    .iter()
                    .filter(|row| row.first < end && row.end() > begin)
                    .count();
                assert!(active <= held, "{axis:?}: {active} of {held} at {begin}");
            }
        }
    }
}
