//! The horizontal pass, and the last rounding.

use std::ops::Range;
use std::sync::Arc;

use crate::cache;
use crate::curve::{ENCODED, FULL};
use crate::kernel::{BETWEEN_BIAS, BETWEEN_BITS, Kernel, Rounding, level};
use crate::plan::Plan;
use crate::spec::{Channels, Levels, Light, Spec};
use crate::weights::{Horizontal, WIDE_BITS, Weights};

/// Bits behind the point of the weights where there is no filter, and of the sums of long ones.
const BITS: u32 = 15;

/// From a row between the passes to a row of the result.
#[derive(Debug)]
pub(crate) struct Finish {
    across: Across,
    channels: Channels,
    light: Light,
    /// Samples of a row of a channel of the result.
    output: usize,
    /// Bits behind the point of `sums`.
    shift: u32,
    rounding: Rounding,
    /// The channels of a row of the result as sums, one after another, each in whole groups.
    sums: Vec<i32>,
    /// The same, as bytes.
    bytes: Vec<u8>,
    group_length: usize,
    line: Vec<u8>,
}

/// The horizontal pass.
#[derive(Debug)]
enum Across {
    /// Every sample as it is, times a factor.
    Copy {
        factor: i32,
    },
    Filter(Arc<Horizontal>),
}

impl Finish {
    /// And the columns of the source that are looked at. `copied` are those that need no filter.
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn new(spec: &Spec, plan: &Plan, copied: Option<Range<u32>>) -> (Self, Range<u32>) {
        // An 8-bit value v becomes v * factor + base.
        let (factor, base, low, high) = match spec.levels {
            Levels::Full => (1.0, 0.0, 0, 255),
            Levels::LimitedLuma => (219.0 / 255.0, 16.0, 16, 235),
            Levels::LimitedChroma => (224.0 / 255.0, 128.0 - 128.0 * 224.0 / 255.0, 16, 240),
        };
        let (across, columns, bits, sum) = match copied {
            Some(columns) => {
                let factor = (factor * f64::from(1 << BITS) + 0.5) as i32;
                (Across::Copy { factor }, columns, BITS, i64::from(factor))
            }
            None => {
                let weights = cache::horizontal(&spec.horizontal, factor);
                let columns = weights.first..weights.first + weights.columns;
                let (bits, sum) = match weights.kind {
                    Weights::Narrow(_) => (weights.bits, weights.sum),
                    // Their sums are rounded to 15 bits, and their bias is gone then.
                    Weights::Wide(_) => (BITS, 0),
                };
                (Across::Filter(weights), columns, bits, sum)
            }
        };
        let shift = bits + BETWEEN_BITS;
        // Sums carry the bias of the numbers between the passes.
        let bias = BETWEEN_BIAS * sum as i32;
        let offset = bias + (base * f64::from(1 << shift) + 0.5) as i32 + (1 << (shift - 1));
        let plain = spec.channels != Channels::Alpha && spec.light == Light::Encoded;
        let channels = spec.channels.count();
        let finish = Self {
            across,
            channels: spec.channels,
            light: spec.light,
            output: spec.horizontal.output as usize,
            shift,
            rounding: Rounding {
                offset: if plain { offset } else { bias },
                shift,
                low,
                high,
            },
            sums: vec![0; plan.line * channels],
            bytes: vec![0; if plain { plan.line * channels } else { 0 }],
            group_length: plan.line,
            line: vec![
                0;
                if channels == 1 {
                    0
                } else {
                    spec.horizontal.output as usize * channels
                }
            ],
        };
        (finish, columns)
    }

    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        let weights = match &self.across {
            Across::Copy { .. } => 0,
            Across::Filter(weights) => weights.bytes(),
        };
        weights + self.sums.capacity() * 4 + self.bytes.capacity() + self.line.capacity()
    }

    /// A row that is the result as it is, with zeros for what it lacks.
    pub(crate) fn completed(&mut self, part: &[u8]) -> &[u8] {
        let length = self.output * self.channels.count();
        let line = if self.channels.count() == 1 {
            &mut self.bytes
        } else {
            &mut self.line
        };
        let samples = part.iter().copied().chain(std::iter::repeat(0));
        line.iter_mut().zip(samples).for_each(|(place, sample)| *place = sample);
        line.get(..length).unwrap_or_default()
    }

    /// A row of the result from the planes between the passes.
    pub(crate) fn line(&mut self, kernel: Kernel, planes: &[i16], stride: usize) -> &[u8] {
        if self.channels == Channels::Alpha || self.light == Light::Linear {
            self.light_or_opacity(kernel, planes, stride)
        } else {
            self.plain(kernel, planes, stride)
        }
    }

    fn plain(&mut self, kernel: Kernel, planes: &[i16], stride: usize) -> &[u8] {
        let channels = self.channels.count();
        for channel in 0..channels {
            let plane = planes.get(channel * stride..(channel + 1) * stride).unwrap_or_default();
            let place = channel * self.group_length..(channel + 1) * self.group_length;
            let Some(bytes) = self.bytes.get_mut(place.clone()) else {
                continue;
            };
            match &self.across {
                Across::Copy { factor } => {
                    for (byte, &sample) in bytes.iter_mut().zip(plane).take(self.output) {
                        *byte = self.rounding.apply(i32::from(sample) * factor);
                    }
                }
                Across::Filter(weights) => match &weights.kind {
                    Weights::Narrow(narrow) => kernel.horizontal_bytes(plane, narrow, self.rounding, bytes),
                    Weights::Wide(wide) => {
                        let Some(sums) = self.sums.get_mut(place) else { continue };
                        wide_sums(plane, wide, weights.sum, sums);
                        for (byte, &sum) in bytes.iter_mut().zip(&*sums) {
                            *byte = self.rounding.apply(sum);
                        }
                    }
                },
            }
        }
        if channels == 1 {
            return self.bytes.get(..self.output).unwrap_or_default();
        }
        if channels == 3 {
            kernel.join3(&self.bytes, self.group_length, &mut self.line);
            return &self.line;
        }
        kernel.join4(&self.bytes, self.group_length, &mut self.line);
        &self.line
    }

    fn light_or_opacity(&mut self, kernel: Kernel, planes: &[i16], stride: usize) -> &[u8] {
        let channels = self.channels.count();
        for channel in 0..channels {
            let plane = planes.get(channel * stride..(channel + 1) * stride).unwrap_or_default();
            let place = channel * self.group_length..(channel + 1) * self.group_length;
            let Some(sums) = self.sums.get_mut(place) else { continue };
            match &self.across {
                Across::Copy { factor } => {
                    for (sum, &sample) in sums.iter_mut().zip(plane).take(self.output) {
                        *sum = i32::from(sample) * factor + self.rounding.offset;
                    }
                }
                Across::Filter(weights) => match &weights.kind {
                    Weights::Narrow(narrow) => kernel.horizontal_sums(plane, narrow, self.rounding.offset, sums),
                    Weights::Wide(wide) => wide_sums(plane, wide, weights.sum, sums),
                },
            }
        }
        if self.light == Light::Encoded {
            kernel.divide(&self.sums, self.group_length, self.shift, &mut self.line);
            return &self.line;
        }
        let shift = self.shift;
        let encoded = ENCODED.as_slice();
        let mut planes = self.sums.chunks_exact(self.group_length);
        match (planes.next(), planes.next(), planes.next(), planes.next()) {
            (Some(reds), Some(greens), Some(blues), Some(alphas)) => {
                let sums = reds.iter().zip(greens).zip(blues).zip(alphas);
                for (pixel, (((&r, &g), &b), &a)) in self.line.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
                    *pixel = divided([r, g, b], a, shift, encoded);
                }
            }
            (Some(reds), Some(greens), Some(blues), None) => {
                let sums = reds.iter().zip(greens).zip(blues);
                for (pixel, ((&r, &g), &b)) in self.line.as_chunks_mut::<3>().0.iter_mut().zip(sums) {
                    *pixel = [r, g, b].map(|sum| lit(sum, shift, encoded));
                }
            }
            _ => {}
        }
        &self.line
    }
}

/// A level from a sum of light: 256 steps of the table for each level that `shift` stands for.
#[allow(clippy::cast_sign_loss)]
fn lit(sum: i32, shift: u32, encoded: &[u8]) -> u8 {
    let amount = (sum + (1 << (shift - 9))) >> (shift - 8);
    lookup(encoded, amount.max(0) as u32)
}

fn lookup(encoded: &[u8], amount: u32) -> u8 {
    encoded.get(amount.min(FULL) as usize).copied().unwrap_or(255)
}

/// A pixel from sums of light times opacity, and of opacity.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn divided(colors: [i32; 3], alpha: i32, shift: u32, encoded: &[u8]) -> [u8; 4] {
    let opacity = level(alpha, shift);
    if opacity == 0 {
        return [0; 4];
    }
    let [r, g, b] = if alpha == 255 << shift {
        // Exactly what three channels give.
        colors.map(|sum| lit(sum, shift, encoded))
    } else {
        let factor = f64::from(FULL) / f64::from(alpha);
        // `as` saturates.
        colors.map(|sum| lookup(encoded, (f64::from(sum) * factor + 0.5) as u32))
    };
    [r, g, b, opacity]
}

/// The sums of long filters, without the bias, with [`BITS`] + [`BETWEEN_BITS`] bits behind the point.
#[allow(clippy::cast_possible_truncation)]
fn wide_sums(plane: &[i16], wide: &crate::weights::Wide, weight: i64, out: &mut [i32]) {
    const SHIFT: u32 = WIDE_BITS - BITS;
    for (out, (start, weights)) in out.iter_mut().zip(wide.iter()) {
        let samples = plane.get(start as usize..).unwrap_or_default();
        let products = samples.iter().zip(weights);
        let sum: i64 = products
            .map(|(&sample, &weight)| i64::from(sample) * i64::from(weight))
            .sum();
        let sum = sum + i64::from(BETWEEN_BIAS) * weight;
        let rounded = (sum + (1 << (SHIFT - 1))) >> SHIFT;
        *out = rounded.clamp(-(1 << 30), (1 << 30) + (1 << 29)) as i32;
    }
}
