//! A resampler of floating-point numbers, written from the formulas, and rows to try.
#![allow(dead_code, clippy::needless_range_loop)]

use calotype_resample::{Axis, Channels, Filter, Levels, Light, Resampler, Spec};

/// A generator of numbers that are the same every time (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    /// 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() & 0xFFFF_FFFF) as f64 / 4_294_967_296.0
    }
}

/// What a picture is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Every sample on its own.
    Noise,
    /// Black or white.
    Extremes,
    /// Slopes, edges, grain: like a photograph.
    Scene,
    /// One colour.
    Flat,
}

pub(crate) fn picture(kind: Kind, width: usize, height: usize, channels: usize, random: &mut Random) -> Vec<u8> {
    let flat: Vec<u8> = (0..channels).map(|_| random.byte()).collect();
    let mut data = Vec::with_capacity(width * height * channels);
    let (a, b, c) = (random.share() * 0.2, random.share() * 0.2, random.share() * 40.0);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                let (x, y) = (x as f64, y as f64);
                data.push(match kind {
                    Kind::Noise => random.byte(),
                    Kind::Extremes => 255 * (random.byte() & 1),
                    Kind::Flat => flat[channel],
                    Kind::Scene => {
                        let slope = 128.0 + 90.0 * (x * a + c + channel as f64).sin() * (y * b + 1.0).cos();
                        let edge = if (x * 0.7 + y * 0.31) % 61.0 < 17.0 { 50.0 } else { 0.0 };
                        (slope + edge + random.share() * 12.0 - 6.0).round().clamp(0.0, 255.0) as u8
                    }
                });
            }
        }
    }
    data
}

/// Rows through a resampler.
pub(crate) fn run(mut resampler: Resampler, spec: &Spec, data: &[u8]) -> Vec<u8> {
    let length = spec.horizontal.source as usize * spec.channels.count();
    let mut out = Vec::new();
    let needed = resampler.rows_needed();
    for (number, row) in data.chunks_exact(length).enumerate() {
        if needed.contains(&(number as u32)) {
            resampler.push(row, &mut |line| out.extend_from_slice(line));
        } else if !resampler.is_complete() {
            resampler.skip();
        }
    }
    assert!(resampler.is_complete());
    let expected = spec.horizontal.output as usize * spec.vertical.output as usize * spec.channels.count();
    assert_eq!(out.len(), expected, "{spec:?}");
    out
}

fn kernel(filter: Filter, x: f64) -> f64 {
    let sinc = |x: f64| {
        if x == 0.0 {
            1.0
        } else {
            (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI)
        }
    };
    let x = x.abs();
    match filter {
        Filter::Lanczos3 => {
            if x < 3.0 {
                sinc(x) * sinc(x / 3.0)
            } else {
                0.0
            }
        }
        // Keys 1981, a = -1/2.
        Filter::CatmullRom if x <= 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
        Filter::CatmullRom if x < 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
        Filter::CatmullRom => 0.0,
    }
}

/// For every output, all weights.
pub(crate) fn weights(axis: &Axis) -> Vec<Vec<(usize, f64)>> {
    let ratio = axis.length / f64::from(axis.output);
    let width = if ratio > 1.0 { ratio } else { 1.0 };
    (0..axis.output)
        .map(|output| {
            let middle = axis.start + (f64::from(output) + 0.5) * ratio;
            let middle = middle.max(0.0).min(f64::from(axis.source));
            if ratio == 1.0 && axis.start.fract() == 0.0 {
                return vec![((middle as usize).min(axis.source as usize - 1), 1.0)];
            }
            let all: Vec<(usize, f64)> = (0..axis.source)
                .map(|k| (k as usize, kernel(axis.filter, (f64::from(k) + 0.5 - middle) / width)))
                .filter(|&(_, weight)| weight != 0.0)
                .collect();
            let sum: f64 = all.iter().map(|&(_, weight)| weight).sum();
            all.into_iter().map(|(k, weight)| (k, weight / sum)).collect()
        })
        .collect()
}

/// Both passes, of one channel, unrounded.
pub(crate) fn filtered(spec: &Spec, plane: &[f64]) -> Vec<f64> {
    let (across, down) = (weights(&spec.horizontal), weights(&spec.vertical));
    let width = spec.horizontal.source as usize;
    let mut out = Vec::new();
    for rows in &down {
        let mut row = vec![0.0; width];
        for &(k, weight) in rows {
            for (place, sample) in row.iter_mut().zip(&plane[k * width..(k + 1) * width]) {
                *place += sample * weight;
            }
        }
        for columns in &across {
            out.push(columns.iter().map(|&(k, weight)| row[k] * weight).sum());
        }
    }
    out
}

pub(crate) fn decode(encoded: f64) -> f64 {
    if encoded <= 0.04045 {
        encoded / 12.92
    } else {
        ((encoded + 0.055) / 1.055).powf(2.4)
    }
}

pub(crate) fn encode(light: f64) -> f64 {
    if light <= 0.0031308 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    }
}

/// The result, unrounded, in levels, but within their range. `data` is 0 to 255.
pub(crate) fn reference(spec: &Spec, data: &[f64]) -> Vec<f64> {
    let channels = spec.channels.count();
    let alpha = spec.channels == Channels::Alpha;
    let linear = spec.light == Light::Linear;
    let planes: Vec<Vec<f64>> = (0..channels)
        .map(|channel| {
            let plane: Vec<f64> = data
                .chunks_exact(channels)
                .map(|pixel| {
                    if alpha && channel == 3 {
                        return pixel[3];
                    }
                    let value = if linear {
                        decode(pixel[channel] / 255.0) * 255.0
                    } else {
                        pixel[channel]
                    };
                    if alpha { value * pixel[3] / 255.0 } else { value }
                })
                .collect();
            filtered(spec, &plane)
        })
        .collect();
    let mut out = Vec::new();
    for index in 0..planes[0].len() {
        for channel in 0..channels {
            let mut value = planes[channel][index];
            if alpha && channel < 3 {
                let opacity = planes[3][index];
                value = if opacity < 0.5 { 0.0 } else { value * 255.0 / opacity };
            }
            if linear && !(alpha && channel == 3) {
                value = encode(value.max(0.0) / 255.0) * 255.0;
            }
            let value = value.clamp(0.0, 255.0);
            out.push(match spec.levels {
                Levels::Full => value,
                Levels::LimitedLuma => 16.0 + value * 219.0 / 255.0,
                Levels::LimitedChroma => 128.0 + (value - 128.0) * 224.0 / 255.0,
            });
        }
    }
    out
}

/// How far a result is from the unrounded one.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Distance {
    /// Largest distance from the exact value, in levels. Correct rounding gives 0.5.
    pub(crate) most: f64,
    /// Mean distance from the exact value. Correct rounding gives about 0.25.
    pub(crate) mean: f64,
    /// Mean distance of the correctly rounded value.
    pub(crate) mean_rounded: f64,
    /// Share of samples that are not the correctly rounded ones.
    pub(crate) off: f64,
}

pub(crate) fn distance(out: &[u8], exact: &[f64]) -> Distance {
    assert_eq!(out.len(), exact.len());
    let mut distance = Distance::default();
    for (&sample, &exact) in out.iter().zip(exact) {
        let error = (f64::from(sample) - exact).abs();
        distance.most = distance.most.max(error);
        distance.mean += error;
        distance.mean_rounded += (exact.round() - exact).abs();
        distance.off += f64::from(u8::from(f64::from(sample) != exact.round()));
    }
    let count = out.len() as f64;
    distance.mean /= count;
    distance.mean_rounded /= count;
    distance.off /= count;
    distance
}
