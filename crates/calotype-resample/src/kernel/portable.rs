//! The inner loops in plain Rust, in pieces of a fixed size that compilers turn into vector code.

use super::{Rounding, between_bytes, between_words, level};
use crate::weights::{GROUP, Narrow};

/// Samples that sums are held of at a time.
const PIECE: usize = 32;

pub(super) fn vertical_bytes(rows: &[&[u8]], weights: &[i16], bits: u32, out: &mut [i16]) {
    vertical(rows, weights, out, |sum| between_bytes(sum, bits));
}

pub(super) fn vertical_words(rows: &[&[i16]], weights: &[i16], bits: u32, out: &mut [i16]) {
    vertical(rows, weights, out, |sum| between_words(sum, bits));
}

fn vertical<T: Copy + Into<i32>>(rows: &[&[T]], weights: &[i16], out: &mut [i16], round: impl Fn(i32) -> i16) {
    for (index, piece) in out.chunks_mut(PIECE).enumerate() {
        let sums = weighted(rows, weights, index * PIECE);
        for (out, sum) in piece.iter_mut().zip(sums) {
            *out = round(sum);
        }
    }
}

pub(super) fn partial_bytes(rows: &[&[u8]], weights: &[i16], sums: &mut [i64]) {
    partial(rows, weights, sums);
}

pub(super) fn partial_words(rows: &[&[i16]], weights: &[i16], sums: &mut [i64]) {
    partial(rows, weights, sums);
}

fn partial<T: Copy + Into<i32>>(rows: &[&[T]], weights: &[i16], sums: &mut [i64]) {
    for (index, piece) in sums.chunks_mut(PIECE).enumerate() {
        for (sum, more) in piece.iter_mut().zip(weighted(rows, weights, index * PIECE)) {
            *sum += i64::from(more);
        }
    }
}

/// The weighted sums of a piece of rows.
fn weighted<T: Copy + Into<i32>>(rows: &[&[T]], weights: &[i16], begin: usize) -> [i32; PIECE] {
    let mut sums = [0; PIECE];
    for (row, &weight) in rows.iter().zip(weights) {
        let weight = i32::from(weight);
        // Rows are whole pieces.
        let Some(piece) = row.get(begin..).and_then(<[T]>::first_chunk::<PIECE>) else {
            continue;
        };
        for (sum, &sample) in sums.iter_mut().zip(piece) {
            *sum += sample.into() * weight;
        }
    }
    sums
}

pub(super) fn horizontal_bytes(plane: &[i16], weights: &Narrow, rounding: Rounding, out: &mut [u8]) {
    for (output, out) in out.iter_mut().enumerate() {
        *out = rounding.apply(sum(plane, weights, output));
    }
}

pub(super) fn horizontal_sums(plane: &[i16], weights: &Narrow, offset: i32, out: &mut [i32]) {
    for (output, out) in out.iter_mut().enumerate() {
        *out = sum(plane, weights, output) + offset;
    }
}

/// The weighted sum that makes one sample.
fn sum(plane: &[i16], weights: &Narrow, output: usize) -> i32 {
    let start = weights.starts().get(output).map_or(0, |&start| start as usize);
    let samples = plane.get(start..start + weights.units() * 8).unwrap_or_default();
    let first = weights.position(output, 0);
    let all = weights.weights().get(first..).unwrap_or_default();
    let mut sum = 0;
    // The weights of one output are a group's worth apart.
    for (eight, their) in samples.as_chunks::<8>().0.iter().zip(all.chunks(GROUP * 8)) {
        let Some(weights) = their.first_chunk::<8>() else {
            continue;
        };
        let products = eight
            .iter()
            .zip(weights)
            .map(|(&sample, &weight)| i32::from(sample) * i32::from(weight));
        sum += products.sum::<i32>();
    }
    sum
}

pub(super) fn split3(mixed: &[i16], planes: &mut [i16], stride: usize) {
    let mut planes = planes.chunks_exact_mut(stride.max(1));
    let (Some(first), Some(second), Some(third)) = (planes.next(), planes.next(), planes.next()) else {
        return;
    };
    let places = first.iter_mut().zip(second).zip(third);
    for (pixel, ((a, b), c)) in mixed.as_chunks::<3>().0.iter().zip(places) {
        [*a, *b, *c] = *pixel;
    }
}

pub(super) fn split4(mixed: &[i16], planes: &mut [i16], stride: usize) {
    let mut planes = planes.chunks_exact_mut(stride.max(1));
    let (Some(first), Some(second), Some(third), Some(fourth)) =
        (planes.next(), planes.next(), planes.next(), planes.next())
    else {
        return;
    };
    let places = first.iter_mut().zip(second).zip(third).zip(fourth);
    for (pixel, (((a, b), c), d)) in mixed.as_chunks::<4>().0.iter().zip(places) {
        [*a, *b, *c, *d] = *pixel;
    }
}

pub(super) fn premultiply(pixels: &[u8], planes: &mut [i16], stride: usize) {
    let mut planes = planes.chunks_exact_mut(stride.max(1));
    let (Some(reds), Some(greens), Some(blues), Some(alphas)) =
        (planes.next(), planes.next(), planes.next(), planes.next())
    else {
        return;
    };
    let places = reds.iter_mut().zip(greens).zip(blues).zip(alphas);
    for (&[red, green, blue, alpha], (((r, g), b), a)) in pixels.as_chunks::<4>().0.iter().zip(places) {
        *r = times(red, alpha);
        *g = times(green, alpha);
        *b = times(blue, alpha);
        *a = deep(u16::from(alpha) << 8);
    }
}

pub(super) fn join3(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    let (first, second) = (planes.get(..stride), planes.get(stride..));
    let third = planes.get(2 * stride..);
    let (Some(first), Some(second), Some(third)) = (first, second, third) else {
        return;
    };
    let samples = first.iter().zip(second).zip(third);
    for (pixel, ((&a, &b), &c)) in mixed.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
        *pixel = [a, b, c];
    }
}

pub(super) fn join4(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    let (first, second) = (planes.get(..stride), planes.get(stride..));
    let (third, fourth) = (planes.get(2 * stride..), planes.get(3 * stride..));
    let (Some(first), Some(second), Some(third), Some(fourth)) = (first, second, third, fourth) else {
        return;
    };
    let samples = first.iter().zip(second).zip(third).zip(fourth);
    for (pixel, (((&a, &b), &c), &d)) in mixed.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
        *pixel = [a, b, c, d];
    }
}

pub(super) fn divide(sums: &[i32], stride: usize, shift: u32, mixed: &mut [u8]) {
    let (reds, greens) = (sums.get(..stride), sums.get(stride..));
    let (blues, alphas) = (sums.get(2 * stride..), sums.get(3 * stride..));
    let (Some(reds), Some(greens), Some(blues), Some(alphas)) = (reds, greens, blues, alphas) else {
        return;
    };
    let samples = reds.iter().zip(greens).zip(blues).zip(alphas);
    for (pixel, (((&r, &g), &b), &a)) in mixed.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
        *pixel = divided([r, g, b], a, shift);
    }
}

/// A pixel from sums of colours times opacity, and of opacity.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn divided(colors: [i32; 3], alpha: i32, shift: u32) -> [u8; 4] {
    let opacity = level(alpha, shift);
    if opacity == 0 {
        return [0; 4];
    }
    let [r, g, b] = if alpha == 255 << shift {
        // Exactly what three channels give.
        colors.map(|sum| level(sum, shift))
    } else {
        // 24 bits are far more than the 8 that are left, and every processor rounds them the same.
        let factor = 255.0 / alpha as f32;
        colors.map(|sum| (sum as f32 * factor + 0.5).clamp(0.0, 255.0) as u8)
    };
    [r, g, b, opacity]
}

/// A colour times an opacity as a deep sample: c·a·256/255, rounded.
fn times(color: u8, alpha: u8) -> i16 {
    let product = u16::from(color) * u16::from(alpha);
    // 256/255 of a number is the number and a 255th of it; the 255th is rounded exactly (Blinn 1994).
    let near = u32::from(product) + 128;
    let more = (near + (near >> 8)) >> 8;
    #[allow(clippy::cast_possible_truncation)]
    deep(product + more as u16)
}

/// An unsigned number as a deep sample.
fn deep(value: u16) -> i16 {
    (value ^ 0x8000).cast_signed()
}
