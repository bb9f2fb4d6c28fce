//! Weights of one axis: exact, then as whole numbers that add up to exactly one.

use crate::near::Near;
use crate::sine::sin_pi;
use crate::spec::{Axis, Filter};

/// Longest filter of the vertical pass whose rows are all held. Longer ones are summed up in blocks of [`BLOCK_ROWS`].
pub(crate) const RING_TAPS_MAX: usize = 96;

/// Rows of a block of a long filter.
pub(crate) const BLOCK_ROWS: usize = 32;

/// Longest filter of the horizontal pass with weights of 16 bits. Those of longer ones would have too few digits.
pub(crate) const NARROW_TAPS_MAX: usize = 256;

/// Outputs that the horizontal kernels make at a time, and weights they take at a time.
pub(crate) const GROUP: usize = 8;

/// Bits behind the point of the weights of long horizontal filters.
pub(crate) const WIDE_BITS: u32 = 30;

/// Largest weight in a block: 32 rows of 16-bit samples times this stay within 31 bits.
const BLOCK_WEIGHT_MAX: f64 = 2047.0;

/// Most that the absolute weights of a sample may add up to where 32-bit sums hold a whole filter: with it neither pass can overflow.
const ABSOLUTE_SUM_MAX: f64 = 57_000.0;

/// Most samples that one sample of the result is made of. What is allocated follows from it alone, so that it is known before any weight is.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn taps_max(axis: &Axis) -> usize {
    if axis.is_copy() {
        return 1;
    }
    let width = 2.0 * axis.filter.radius() * axis.step().max(1.0);
    // `as` saturates.
    ((width as usize).saturating_add(2)).min(axis.source as usize)
}

/// Most samples of the result that one block of rows has a part in, repeated ones counted once.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn active_max(axis: &Axis) -> usize {
    let step = axis.step();
    let reach = 2.0 * axis.filter.radius() * step.max(1.0) + 34.0;
    // One more at either end of the window, and those at either edge of the source.
    (((reach / step) as usize).saturating_add(4)).min(axis.output as usize)
}

/// Bytes that making the weights of an axis takes for a moment.
pub(crate) fn building_bytes(axis: &Axis) -> u64 {
    let taps = taps_max(axis) as u64;
    // The exact weights of all, and of one with the order of its remainders.
    u64::from(axis.output) * (taps * 8 + 24) + taps * 16
}

/// The weights of every sample of the result, as floating-point numbers that add up to 1 but for rounding.
struct Exact {
    /// First sample of the source, and where its weights end in `weights`.
    outputs: Vec<(u32, usize)>,
    weights: Vec<f64>,
}

impl Exact {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn new(axis: &Axis) -> Self {
        let last = f64::from(axis.source - 1);
        let copy = axis.is_copy();
        let step = axis.step();
        let scale = step.max(1.0);
        let support = axis.filter.radius() * scale;
        let mut exact = Self {
            outputs: Vec::with_capacity(axis.output as usize),
            weights: Vec::with_capacity(axis.output as usize * taps_max(axis)),
        };
        for output in 0..axis.output {
            let middle = (axis.start + (f64::from(output) + 0.5) * step).clamp(0.0, last + 1.0);
            let nearest = middle.floor().min(last);
            // Middles of samples at half numbers. The sample at the very end of the filter has no weight.
            let (first, end) = if copy {
                (nearest, nearest)
            } else {
                (
                    (middle - support - 0.5).ceil().clamp(0.0, nearest),
                    (middle + support - 0.5).floor().clamp(nearest, last),
                )
            };
            let begin = exact.weights.len();
            let mut sum = 0.0;
            for sample in first as u32..=end as u32 {
                let weight = value(axis.filter, (f64::from(sample) + 0.5 - middle) / scale);
                sum += weight;
                exact.weights.push(weight);
            }
            let own = exact.weights.get_mut(begin..).unwrap_or_default();
            if own.len() == 1 {
                own.fill(1.0);
            } else {
                own.iter_mut().for_each(|weight| *weight /= sum);
            }
            exact.outputs.push((first as u32, exact.weights.len()));
        }
        exact
    }

    /// First sample and weights of every output.
    fn iter(&self) -> impl Iterator<Item = (u32, &[f64])> {
        let mut begin = 0;
        self.outputs.iter().map(move |&(first, end)| {
            let own = self.weights.get(begin..end).unwrap_or_default();
            begin = end;
            (first, own)
        })
    }

    fn largest(&self) -> f64 {
        self.weights.iter().fold(0.0, |most, weight| weight.abs().max(most))
    }

    /// The most bits behind the point with which weights fit into 16 bits, and a whole filter into sums of 32.
    fn bits(&self, factor: f64) -> u32 {
        let sum = self.iter().map(|(_, own)| own.iter().map(|weight| weight.abs()).sum());
        let sum = sum.fold(0.0, f64::max) * factor;
        let largest = self.largest() * factor;
        let fits = |bits: &u32| {
            let one = f64::from(1_u32 << bits);
            largest * one <= 32_766.0 && sum * one <= ABSOLUTE_SUM_MAX
        };
        (8..=15).rev().find(fits).unwrap_or(8)
    }

    /// The most bits behind the point with which no weight exceeds what a block allows.
    fn block_bits(&self) -> u32 {
        let largest = self.largest();
        let fits = |bits: &u32| largest * f64::from(1_u32 << bits) <= BLOCK_WEIGHT_MAX - 1.0;
        (8..=30).rev().find(fits).unwrap_or(8)
    }
}

/// A filter at a distance.
fn value(filter: Filter, x: f64) -> f64 {
    let x = x.abs();
    match filter {
        Filter::Lanczos3 if x < 1e-9 => 1.0,
        Filter::Lanczos3 if x < 3.0 => {
            let pi = std::f64::consts::PI;
            3.0 * sin_pi(x) * sin_pi(x / 3.0) / (pi * pi * x * x)
        }
        Filter::CatmullRom if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        Filter::CatmullRom if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}

/// Turns weights into whole numbers that add up to `sum`, none further than 1 from its exact value: all are rounded down, and what is missing then goes to
/// those that lost most.
#[allow(clippy::cast_possible_truncation)]
fn whole_numbers(exact: &[f64], one: f64, sum: i64, order: &mut Vec<usize>, out: &mut Vec<i32>) {
    out.clear();
    out.extend(exact.iter().map(|weight| (weight * one).floor() as i32));
    let missing = sum - out.iter().map(|&weight| i64::from(weight)).sum::<i64>();
    let lost = |index: usize| {
        let weight = exact.get(index).copied().unwrap_or_default() * one;
        weight - weight.floor()
    };
    order.clear();
    order.extend(0..exact.len());
    order.sort_unstable_by(|&a, &b| lost(b).total_cmp(&lost(a)).then(a.cmp(&b)));
    for &index in order.iter().cycle().take(usize::try_from(missing).unwrap_or(0)) {
        if let Some(weight) = out.get_mut(index) {
            *weight += 1;
        }
    }
}

/// Part of a row of the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// First row of the source.
    pub(crate) first: u32,
    /// How many rows of the source.
    pub(crate) taps: u32,
    /// How many equal rows of the result come one after another.
    pub(crate) repeat: u32,
    begin: usize,
}

impl Row {
    /// The row of the source behind the last one.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.taps
    }
}

/// The weights of the vertical pass.
#[derive(Debug)]
pub(crate) struct Vertical {
    pub(crate) rows: Vec<Row>,
    /// Bits behind the point.
    pub(crate) bits: u32,
    weights: Vec<i16>,
}

impl Vertical {
    pub(crate) fn new(axis: &Axis) -> Self {
        let exact = Exact::new(axis);
        let blocks = taps_max(axis) > RING_TAPS_MAX;
        let bits = if blocks { exact.block_bits() } else { exact.bits(1.0) };
        let one = 1_i64 << bits;
        let mut vertical = Self {
            rows: Vec::with_capacity(exact.outputs.len()),
            bits,
            weights: Vec::with_capacity(exact.weights.len() + exact.outputs.len()),
        };
        let (mut order, mut whole) = (Vec::new(), Vec::new());
        let mut before: Option<(u32, &[f64])> = None;
        for (first, own) in exact.iter() {
            if let Some(row) = vertical.rows.last_mut()
                && before == Some((first, own))
            {
                row.repeat += 1;
                continue;
            }
            before = Some((first, own));
            #[allow(clippy::cast_precision_loss)]
            whole_numbers(own, one as f64, one, &mut order, &mut whole);
            // Blocks need the first rows in order, so they keep the weights that came out as zero.
            let (skipped, kept) = if blocks { (0, whole.as_slice()) } else { trim(&whole) };
            let begin = vertical.weights.len();
            // Both conversions are within range by the choice of `bits`.
            vertical
                .weights
                .extend(kept.iter().map(|&weight| i16::try_from(weight).unwrap_or_default()));
            if vertical.weights.len() % 2 == 1 {
                vertical.weights.push(0);
            }
            vertical.rows.push(Row {
                first: first + skipped,
                taps: u32::try_from(kept.len()).unwrap_or_default(),
                repeat: 1,
                begin,
            });
        }
        vertical
    }

    /// The weights of a row, with a zero more where their number is odd.
    pub(crate) fn pairs(&self, row: &Row) -> &[i16] {
        let taps = (row.taps as usize).next_multiple_of(2);
        self.weights.get(row.begin..row.begin + taps).unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * size_of::<Row>() + self.weights.len() * 2
    }
}

/// Weights without the zeros around them, and how many were before.
fn trim(whole: &[i32]) -> (u32, &[i32]) {
    let first = whole.iter().position(|&weight| weight != 0).unwrap_or(0);
    let end = whole
        .iter()
        .rposition(|&weight| weight != 0)
        .map_or(whole.len(), |last| last + 1);
    let kept = whole.get(first..end).unwrap_or_default();
    (u32::try_from(first).unwrap_or_default(), kept)
}

/// The weights of the horizontal pass.
#[derive(Debug)]
pub(crate) struct Horizontal {
    /// First column of the source that is looked at. The others are counted from it.
    pub(crate) first: u32,
    /// How many columns of the source are looked at.
    pub(crate) columns: u32,
    /// Bits behind the point.
    pub(crate) bits: u32,
    /// What the weights of every sample add up to.
    pub(crate) sum: i64,
    pub(crate) kind: Weights,
}

#[derive(Debug)]
pub(crate) enum Weights {
    Narrow(Narrow),
    Wide(Wide),
}

/// Weights of 16 bits, in groups of [`GROUP`] outputs, each with `units` times 8 weights, as the vector kernels take them: unit by unit, and of each unit
/// those of outputs 0, 4, 1, 5, 2, 6, 3 and 7.
#[derive(Debug)]
pub(crate) struct Narrow {
    /// First column of every output; as many as whole groups have.
    starts: Vec<u32>,
    units: usize,
    weights: Vec<i16>,
    /// Samples that a plane must have.
    reach: usize,
    /// The same for vector kernels, where outputs lie close together.
    near: Option<Near>,
}

impl Narrow {
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }

    pub(crate) fn units(&self) -> usize {
        self.units
    }

    /// `starts().len() * units() * 8` weights.
    pub(crate) fn weights(&self) -> &[i16] {
        &self.weights
    }

    /// No start and no unit goes beyond this many samples. For kernels that read without looking.
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
    pub(crate) fn near(&self) -> Option<&Near> {
        self.near.as_ref()
    }

    /// Where the 8 weights of a unit of an output are.
    pub(crate) fn position(&self, output: usize, unit: usize) -> usize {
        let (group, place) = (output / GROUP, output % GROUP);
        ((group * self.units + unit) * GROUP + (place % 4) * 2 + place / 4) * 8
    }
}

/// Weights of 32 bits, for long filters.
#[derive(Debug)]
pub(crate) struct Wide {
    /// First column of every output, and where its weights end.
    outputs: Vec<(u32, usize)>,
    weights: Vec<i32>,
}

impl Wide {
    /// First column and weights of every output.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[i32])> {
        let mut begin = 0;
        self.outputs.iter().map(move |&(first, end)| {
            let own = self.weights.get(begin..end).unwrap_or_default();
            begin = end;
            (first, own)
        })
    }
}

impl Horizontal {
    /// Weights that add up to `factor`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub(crate) fn new(axis: &Axis, factor: f64) -> Self {
        let exact = Exact::new(axis);
        let wide = taps_max(axis) > NARROW_TAPS_MAX;
        let bits = if wide { WIDE_BITS } else { exact.bits(factor) };
        let one = factor * (1_i64 << bits) as f64;
        let sum = (one + 0.5).floor() as i64;
        let (mut order, mut whole) = (Vec::new(), Vec::new());
        let mut outputs = Vec::with_capacity(exact.outputs.len());
        let mut weights: Vec<i32> = Vec::with_capacity(exact.weights.len());
        for (first, own) in exact.iter() {
            whole_numbers(own, one, sum, &mut order, &mut whole);
            let (skipped, kept) = trim(&whole);
            weights.extend(kept);
            outputs.push((first + skipped, weights.len()));
        }
        drop(exact);
        let mut begin = 0;
        let (mut first, mut end, mut longest) = (u32::MAX, 0, 1);
        for &(start, to) in &outputs {
            let taps = to - begin;
            first = first.min(start);
            end = end.max(start + u32::try_from(taps).unwrap_or_default());
            longest = longest.max(taps);
            begin = to;
        }
        for output in &mut outputs {
            output.0 -= first;
        }
        let exact = Wide { outputs, weights };
        Self {
            first,
            columns: end - first,
            bits,
            sum,
            kind: if wide {
                Weights::Wide(exact)
            } else {
                Weights::Narrow(grouped(&exact, longest))
            },
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match &self.kind {
            Weights::Narrow(narrow) => {
                let near = narrow.near.as_ref().map_or(0, Near::bytes);
                narrow.starts.len() * 4 + narrow.weights.len() * 2 + near
            }
            Weights::Wide(wide) => wide.outputs.len() * 16 + wide.weights.len() * 4,
        }
    }
}

fn grouped(wide: &Wide, longest: usize) -> Narrow {
    let units = longest.div_ceil(8);
    let padded = wide.outputs.len().next_multiple_of(GROUP);
    let mut narrow = Narrow {
        starts: Vec::with_capacity(padded),
        units,
        weights: vec![0; padded * units * 8],
        reach: 0,
        near: Near::new(wide, longest),
    };
    for (output, (start, own)) in wide.iter().enumerate() {
        narrow.starts.push(start);
        for (unit, eight) in own.chunks(8).enumerate() {
            let position = narrow.position(output, unit);
            if let Some(places) = narrow.weights.get_mut(position..position + eight.len()) {
                for (place, &weight) in places.iter_mut().zip(eight) {
                    // Within range by the choice of `bits`.
                    *place = i16::try_from(weight).unwrap_or_default();
                }
            }
        }
    }
    narrow.starts.resize(padded, 0);
    let most = narrow.starts.iter().max().copied().unwrap_or_default();
    narrow.reach = most as usize + units * 8;
    narrow
}
