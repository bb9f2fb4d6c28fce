//! The inner loops for 64-bit ARM processors, all of which have NEON.
//!
//! The safe functions here check lengths, and leave what does not fit to the portable ones.
#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::{BETWEEN_BIAS, BETWEEN_BITS, BETWEEN_HIGH, BETWEEN_LOW, BLOCK, DEEP_BITS, Rounding, portable};
use crate::near::Near;
use crate::weights::{GROUP, Narrow};

/// Whether rows can be read in whole blocks.
fn fits<T>(rows: &[&[T]], length: usize) -> bool {
    length.is_multiple_of(BLOCK) && rows.iter().all(|row| row.len() >= length)
}

pub(super) fn vertical_bytes(rows: &[&[u8]], weights: &[i16], bits: u32, out: &mut [i16]) {
    if !fits(rows, out.len()) {
        return portable::vertical_bytes(rows, weights, bits, out);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { vertical_bytes_checked(rows, weights, bits, out) }
}

pub(super) fn vertical_words(rows: &[&[i16]], weights: &[i16], bits: u32, out: &mut [i16]) {
    if !fits(rows, out.len()) {
        return portable::vertical_words(rows, weights, bits, out);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { vertical_words_checked(rows, weights, bits, out) }
}

pub(super) fn partial_bytes(rows: &[&[u8]], weights: &[i16], sums: &mut [i64]) {
    if !fits(rows, sums.len()) {
        return portable::partial_bytes(rows, weights, sums);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { partial_bytes_checked(rows, weights, sums) }
}

pub(super) fn partial_words(rows: &[&[i16]], weights: &[i16], sums: &mut [i64]) {
    if !fits(rows, sums.len()) {
        return portable::partial_words(rows, weights, sums);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { partial_words_checked(rows, weights, sums) }
}

/// # Safety
///
/// NEON; what [`fits`] tells of the rows and the length of `out`.
#[target_feature(enable = "neon")]
unsafe fn vertical_bytes_checked(rows: &[&[u8]], weights: &[i16], bits: u32, out: &mut [i16]) {
    let shift = bits - BETWEEN_BITS;
    // The bias is a whole number of steps, so that it can be taken off before the shift.
    let offset = (1 << (shift - 1)) - (BETWEEN_BIAS << shift);
    for begin in (0..out.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one.
        let sums = unsafe { weighted_bytes(rows, weights, begin, offset) };
        // SAFETY: `out` has a whole block at `begin`.
        unsafe { store_between(sums, shift, out, begin) };
    }
}

/// # Safety
///
/// NEON; what [`fits`] tells of the rows and the length of `out`.
#[target_feature(enable = "neon")]
unsafe fn vertical_words_checked(rows: &[&[i16]], weights: &[i16], bits: u32, out: &mut [i16]) {
    let shift = bits + DEEP_BITS - BETWEEN_BITS;
    for begin in (0..out.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one.
        let sums = unsafe { weighted_words(rows, weights, begin, 1 << (shift - 1)) };
        // SAFETY: `out` has a whole block at `begin`.
        unsafe { store_between(sums, shift, out, begin) };
    }
}

/// # Safety
///
/// NEON; what [`fits`] tells of the rows and the length of `sums`.
#[target_feature(enable = "neon")]
unsafe fn partial_bytes_checked(rows: &[&[u8]], weights: &[i16], sums: &mut [i64]) {
    for begin in (0..sums.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one.
        let more = unsafe { weighted_bytes(rows, weights, begin, 0) };
        // SAFETY: `sums` has a whole block at `begin`.
        unsafe { add_to(more, sums, begin) };
    }
}

/// # Safety
///
/// NEON; what [`fits`] tells of the rows and the length of `sums`.
#[target_feature(enable = "neon")]
unsafe fn partial_words_checked(rows: &[&[i16]], weights: &[i16], sums: &mut [i64]) {
    for begin in (0..sums.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one.
        let more = unsafe { weighted_words(rows, weights, begin, 0) };
        // SAFETY: `sums` has a whole block at `begin`.
        unsafe { add_to(more, sums, begin) };
    }
}

/// Sums, which have their offset, as numbers between the passes.
///
/// # Safety
///
/// NEON; `out` has 64 places at `begin`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn store_between(sums: [int32x4_t; 16], shift: u32, out: &mut [i16], begin: usize) {
    // To the left by less than nothing is to the right.
    let shift = vdupq_n_s32(-shift.cast_signed());
    let (low, high) = (vdupq_n_s16(BETWEEN_LOW as i16), vdupq_n_s16(BETWEEN_HIGH as i16));
    for (step, &[near, far]) in sums.as_chunks::<2>().0.iter().enumerate() {
        let near = vqmovn_s32(vshlq_s32(near, shift));
        let both = vqmovn_high_s32(near, vshlq_s32(far, shift));
        let both = vminq_s16(vmaxq_s16(both, low), high);
        // SAFETY: 8 of the 64 places.
        unsafe { vst1q_s16(out.as_mut_ptr().add(begin + step * 8), both) };
    }
}

/// # Safety
///
/// NEON; `sums` has 64 places at `begin`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn add_to(more: [int32x4_t; 16], sums: &mut [i64], begin: usize) {
    for (step, more) in more.into_iter().enumerate() {
        // SAFETY: 4 of the 64 places.
        unsafe {
            let at = sums.as_mut_ptr().add(begin + step * 4);
            vst1q_s64(at, vaddw_s32(vld1q_s64(at), vget_low_s32(more)));
            vst1q_s64(at.add(2), vaddw_high_s32(vld1q_s64(at.add(2)), more));
        }
    }
}

/// The weighted sums of 64 columns and an offset, in their order.
///
/// # Safety
///
/// NEON; every row has 64 samples at `begin`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn weighted_bytes(rows: &[&[u8]], weights: &[i16], begin: usize, offset: i32) -> [int32x4_t; 16] {
    let mut sums = [vdupq_n_s32(offset); 16];
    for (row, &weight) in rows.iter().zip(weights) {
        for quarter in 0..4 {
            // SAFETY: 64 bytes at `begin` are within each row.
            let samples = unsafe { vld1q_u8(row.as_ptr().add(begin + quarter * 16)) };
            let near = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(samples)));
            let far = vreinterpretq_s16_u16(vmovl_high_u8(samples));
            let at = quarter * 4;
            sums[at] = vmlal_n_s16(sums[at], vget_low_s16(near), weight);
            sums[at + 1] = vmlal_high_n_s16(sums[at + 1], near, weight);
            sums[at + 2] = vmlal_n_s16(sums[at + 2], vget_low_s16(far), weight);
            sums[at + 3] = vmlal_high_n_s16(sums[at + 3], far, weight);
        }
    }
    sums
}

/// The weighted sums of 64 columns and an offset, in their order.
///
/// # Safety
///
/// NEON; every row has 64 samples at `begin`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn weighted_words(rows: &[&[i16]], weights: &[i16], begin: usize, offset: i32) -> [int32x4_t; 16] {
    let mut sums = [vdupq_n_s32(offset); 16];
    for (row, &weight) in rows.iter().zip(weights) {
        for eighth in 0..8 {
            // SAFETY: 64 samples at `begin` are within each row.
            let samples = unsafe { vld1q_s16(row.as_ptr().add(begin + eighth * 8)) };
            let at = eighth * 2;
            sums[at] = vmlal_n_s16(sums[at], vget_low_s16(samples), weight);
            sums[at + 1] = vmlal_high_n_s16(sums[at + 1], samples, weight);
        }
    }
    sums
}

/// Whether starts and weights stay within `plane`, and results are whole groups, no more than the weights have.
fn takes(plane: &[i16], weights: &Narrow, length: usize) -> bool {
    plane.len() >= weights.reach() && length.is_multiple_of(GROUP) && length <= weights.starts().len()
}

pub(super) fn horizontal_bytes(plane: &[i16], weights: &Narrow, rounding: Rounding, out: &mut [u8]) {
    if !takes(plane, weights, out.len()) {
        return portable::horizontal_bytes(plane, weights, rounding, out);
    }
    match weights.near() {
        // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
        Some(near) if plane.len() >= near.reach() => unsafe { near_bytes(plane, near, rounding, out) },
        // SAFETY: the same.
        _ => unsafe { far_bytes(plane, weights, rounding, out) },
    }
}

pub(super) fn horizontal_sums(plane: &[i16], weights: &Narrow, offset: i32, out: &mut [i32]) {
    if !takes(plane, weights, out.len()) {
        return portable::horizontal_sums(plane, weights, offset, out);
    }
    match weights.near() {
        // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
        Some(near) if plane.len() >= near.reach() => unsafe { near_sums(plane, near, offset, out) },
        // SAFETY: the same.
        _ => unsafe { far_sums(plane, weights, offset, out) },
    }
}

/// # Safety
///
/// NEON; no window of the weights goes beyond `plane`; `out` in whole groups, no more than the weights have.
#[target_feature(enable = "neon")]
unsafe fn near_bytes(plane: &[i16], weights: &Near, rounding: Rounding, out: &mut [u8]) {
    // SAFETY: as required of the caller.
    unsafe {
        if weights.close() {
            round_groups(rounding, out, |number| near_group::<true>(plane, weights, number));
        } else {
            round_groups(rounding, out, |number| near_group::<false>(plane, weights, number));
        }
    }
}

/// # Safety
///
/// NEON; no start and unit of the weights goes beyond `plane`; `out` in whole groups, no more than the weights have.
#[target_feature(enable = "neon")]
unsafe fn far_bytes(plane: &[i16], weights: &Narrow, rounding: Rounding, out: &mut [u8]) {
    // SAFETY: as required of the caller.
    round_groups(rounding, out, |number| unsafe { far_group(plane, weights, number) });
}

/// # Safety
///
/// As [`near_bytes`].
#[target_feature(enable = "neon")]
unsafe fn near_sums(plane: &[i16], weights: &Near, offset: i32, out: &mut [i32]) {
    // SAFETY: as required of the caller.
    unsafe {
        if weights.close() {
            offset_groups(offset, out, |number| near_group::<true>(plane, weights, number));
        } else {
            offset_groups(offset, out, |number| near_group::<false>(plane, weights, number));
        }
    }
}

/// # Safety
///
/// As [`far_bytes`].
#[target_feature(enable = "neon")]
unsafe fn far_sums(plane: &[i16], weights: &Narrow, offset: i32, out: &mut [i32]) {
    // SAFETY: as required of the caller.
    offset_groups(offset, out, |number| unsafe { far_group(plane, weights, number) });
}

/// Rounds the sums of whole groups.
#[target_feature(enable = "neon")]
#[inline]
fn round_groups(rounding: Rounding, out: &mut [u8], sums: impl Fn(usize) -> [int32x4_t; 2]) {
    let offset = vdupq_n_s32(rounding.offset);
    let shift = vdupq_n_s32(-rounding.shift.cast_signed());
    let (low, high) = (vdupq_n_s32(rounding.low), vdupq_n_s32(rounding.high));
    let round = |sums: int32x4_t| {
        let rounded = vshlq_s32(vaddq_s32(sums, offset), shift);
        vminq_s32(vmaxq_s32(rounded, low), high)
    };
    for (number, out) in out.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
        let [near, far] = sums(number);
        let both = vmovn_high_s32(vmovn_s32(round(near)), round(far));
        // SAFETY: eight bytes, and the store needs no alignment.
        unsafe { vst1_u8(out.as_mut_ptr(), vmovn_u16(vreinterpretq_u16_s16(both))) };
    }
}

/// The sums of whole groups, plus an offset.
#[target_feature(enable = "neon")]
#[inline]
fn offset_groups(offset: i32, out: &mut [i32], sums: impl Fn(usize) -> [int32x4_t; 2]) {
    let offset = vdupq_n_s32(offset);
    for (number, out) in out.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
        let [near, far] = sums(number);
        // SAFETY: eight numbers.
        unsafe {
            vst1q_s32(out.as_mut_ptr(), vaddq_s32(near, offset));
            vst1q_s32(out.as_mut_ptr().add(4), vaddq_s32(far, offset));
        }
    }
}

/// The weighted sums of a group of outputs that lie close together, in their order.
///
/// # Safety
///
/// NEON; the weights have such a group, and as close; no window of theirs goes beyond `plane`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn near_group<const CLOSE: bool>(plane: &[i16], weights: &Near, number: usize) -> [int32x4_t; 2] {
    let pairs = weights.pairs();
    // SAFETY: each group has two bases, two vectors of places, and two vectors of weights for each pair.
    let (bases, places, weights) = unsafe {
        (
            weights.bases().get_unchecked(number),
            weights.places().get_unchecked(number).as_ptr(),
            weights.weights().as_ptr().add(number * pairs * GROUP * 2),
        )
    };
    let half = |half: usize| {
        // SAFETY: 16 bytes of 32.
        let places = unsafe { vld1q_u8(places.add(half * 16)) };
        // Of two outputs each, the products of either weight.
        let mut sums = [vdupq_n_s32(0); 2];
        let next = vaddq_u8(places, vdupq_n_u8(4));
        let mut window = places;
        for pair in 0..pairs {
            let places = if CLOSE && pair % 2 == 1 {
                next
            } else {
                // SAFETY: a window is within `plane`, by the caller.
                window = unsafe { vld1q_u8(plane.as_ptr().add(bases[half] as usize + pair * 2).cast()) };
                places
            };
            // SAFETY: 8 of the 16 weights of a pair.
            let weights = unsafe { vld1q_s16(weights.add(pair * GROUP * 2 + half * 8)) };
            let samples = vreinterpretq_s16_u8(vqtbl1q_u8(window, places));
            sums[0] = vmlal_s16(sums[0], vget_low_s16(samples), vget_low_s16(weights));
            sums[1] = vmlal_high_s16(sums[1], samples, weights);
        }
        vpaddq_s32(sums[0], sums[1])
    };
    [half(0), half(1)]
}

/// The weighted sums of a group of outputs, in their order.
///
/// # Safety
///
/// NEON; the weights have such a group; `plane` has as many samples at each start as they have units times eight.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn far_group(plane: &[i16], weights: &Narrow, number: usize) -> [int32x4_t; 2] {
    let length = weights.units() * GROUP * 8;
    // SAFETY: each group has eight starts, and eight weights for each unit of each.
    let (starts, weights) = unsafe {
        (
            weights.starts().as_chunks::<GROUP>().0.get_unchecked(number),
            weights.weights().get_unchecked(number * length..(number + 1) * length),
        )
    };
    let mut sums = [vdupq_n_s32(0); GROUP];
    for (unit, weights) in weights.as_chunks::<{ GROUP * 8 }>().0.iter().enumerate() {
        for (output, sum) in sums.iter_mut().enumerate() {
            // As `Narrow::position` has it.
            let place = ((output % 4) * 2 + output / 4) * 8;
            // SAFETY: eight samples at each start and unit, by the caller; 8 weights at each of 8 places of the 64.
            let (samples, weights) = unsafe {
                let samples = plane.as_ptr().add(starts[output] as usize + unit * 8);
                (vld1q_s16(samples), vld1q_s16(weights.as_ptr().add(place)))
            };
            *sum = vmlal_s16(*sum, vget_low_s16(samples), vget_low_s16(weights));
            *sum = vmlal_high_s16(*sum, samples, weights);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    [
        vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)),
        vpaddq_s32(vpaddq_s32(e, f), vpaddq_s32(g, h)),
    ]
}
