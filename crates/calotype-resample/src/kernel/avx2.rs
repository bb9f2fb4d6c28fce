//! The inner loops for x86-64 processors with AVX2.
//!
//! The safe functions here check lengths, and are called only where the processor has the instructions ([`super::Kernel::fastest`]).
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{BETWEEN_BIAS, BETWEEN_BITS, BETWEEN_HIGH, BETWEEN_LOW, BLOCK, DEEP_BITS, Rounding, portable};
use crate::near::Near;
use crate::weights::{GROUP, Narrow};

/// Whether rows of a length can be read in whole blocks, two at a time.
fn fits<T>(rows: &[&[T]], weights: &[i16], length: usize) -> bool {
    rows.len().is_multiple_of(2)
        && weights.len() == rows.len()
        && length.is_multiple_of(BLOCK)
        && rows.iter().all(|row| row.len() >= length)
}

pub(super) fn vertical_bytes(rows: &[&[u8]], weights: &[i16], bits: u32, out: &mut [i16]) {
    if !fits(rows, weights, out.len()) {
        return portable::vertical_bytes(rows, weights, bits, out);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { vertical_bytes_checked(rows, weights, bits, out) }
}

pub(super) fn vertical_words(rows: &[&[i16]], weights: &[i16], bits: u32, out: &mut [i16]) {
    if !fits(rows, weights, out.len()) {
        return portable::vertical_words(rows, weights, bits, out);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { vertical_words_checked(rows, weights, bits, out) }
}

pub(super) fn partial_bytes(rows: &[&[u8]], weights: &[i16], sums: &mut [i64]) {
    if !fits(rows, weights, sums.len()) {
        return portable::partial_bytes(rows, weights, sums);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { partial_bytes_checked(rows, weights, sums) }
}

pub(super) fn partial_words(rows: &[&[i16]], weights: &[i16], sums: &mut [i64]) {
    if !fits(rows, weights, sums.len()) {
        return portable::partial_words(rows, weights, sums);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { partial_words_checked(rows, weights, sums) }
}

/// Rounds sums to numbers between the passes.
#[derive(Clone, Copy)]
struct Between {
    offset: __m256i,
    shift: __m128i,
    low: __m256i,
    high: __m256i,
}

impl Between {
    #[target_feature(enable = "avx2")]
    fn new(offset: i32, shift: u32) -> Self {
        Self {
            offset: _mm256_set1_epi32(offset),
            shift: _mm_cvtsi32_si128(shift.cast_signed()),
            low: _mm256_set1_epi16(BETWEEN_LOW as i16),
            high: _mm256_set1_epi16(BETWEEN_HIGH as i16),
        }
    }

    /// Of each half, four numbers of the first and four of the second.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn round(self, first: __m256i, second: __m256i) -> __m256i {
        let first = _mm256_sra_epi32(_mm256_add_epi32(first, self.offset), self.shift);
        let second = _mm256_sra_epi32(_mm256_add_epi32(second, self.offset), self.shift);
        let both = _mm256_packs_epi32(first, second);
        _mm256_min_epi16(_mm256_max_epi16(both, self.low), self.high)
    }
}

/// # Safety
///
/// AVX2; what [`fits`] tells of the rows, the weights and the length of `out`.
#[target_feature(enable = "avx2")]
unsafe fn vertical_bytes_checked(rows: &[&[u8]], weights: &[i16], bits: u32, out: &mut [i16]) {
    let shift = bits - BETWEEN_BITS;
    // The bias is a whole number of steps, so that it can be taken off before the shift.
    let between = Between::new((1 << (shift - 1)) - (BETWEEN_BIAS << shift), shift);
    // Even columns are in the first four places of a half, odd ones in the last.
    let order = _mm256_setr_epi8(
        0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
    );
    for begin in (0..out.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one; weights come in pairs.
        let sums = unsafe { weighted_bytes(rows, weights, begin) };
        for (half, sums) in sums.as_chunks::<4>().0.iter().enumerate() {
            let [even, odd, even_high, odd_high] = *sums;
            let first = _mm256_shuffle_epi8(between.round(even, odd), order);
            let second = _mm256_shuffle_epi8(between.round(even_high, odd_high), order);
            // SAFETY: `out` has a whole block at `begin`.
            unsafe {
                let out = out.as_mut_ptr().add(begin + half * 32);
                _mm256_storeu_si256(out.cast(), _mm256_permute2x128_si256::<0x20>(first, second));
                _mm256_storeu_si256(out.add(16).cast(), _mm256_permute2x128_si256::<0x31>(first, second));
            }
        }
    }
}

/// # Safety
///
/// AVX2; what [`fits`] tells of the rows, the weights and the length of `out`.
#[target_feature(enable = "avx2")]
unsafe fn vertical_words_checked(rows: &[&[i16]], weights: &[i16], bits: u32, out: &mut [i16]) {
    let shift = bits + DEEP_BITS - BETWEEN_BITS;
    let between = Between::new(1 << (shift - 1), shift);
    for begin in (0..out.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one; weights come in pairs.
        let sums = unsafe { weighted_words(rows, weights, begin) };
        for (quarter, &[near, far]) in sums.as_chunks::<2>().0.iter().enumerate() {
            // SAFETY: `out` has a whole block at `begin`.
            unsafe {
                let out = out.as_mut_ptr().add(begin + quarter * 16);
                _mm256_storeu_si256(out.cast(), between.round(near, far));
            }
        }
    }
}

/// # Safety
///
/// AVX2; what [`fits`] tells of the rows, the weights and the length of `sums`.
#[target_feature(enable = "avx2")]
unsafe fn partial_bytes_checked(rows: &[&[u8]], weights: &[i16], sums: &mut [i64]) {
    for begin in (0..sums.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one; weights come in pairs.
        let more = unsafe { weighted_bytes(rows, weights, begin) };
        for (quarter, &[even, odd]) in more.as_chunks::<2>().0.iter().enumerate() {
            let place = begin + quarter / 2 * 32 + quarter % 2 * 8;
            let (near, far) = (_mm256_unpacklo_epi32(even, odd), _mm256_unpackhi_epi32(even, odd));
            // SAFETY: `sums` has a whole block at `begin`.
            unsafe {
                add_four(sums, place, _mm256_castsi256_si128(near));
                add_four(sums, place + 4, _mm256_castsi256_si128(far));
                add_four(sums, place + 16, _mm256_extracti128_si256::<1>(near));
                add_four(sums, place + 20, _mm256_extracti128_si256::<1>(far));
            }
        }
    }
}

/// # Safety
///
/// AVX2; what [`fits`] tells of the rows, the weights and the length of `sums`.
#[target_feature(enable = "avx2")]
unsafe fn partial_words_checked(rows: &[&[i16]], weights: &[i16], sums: &mut [i64]) {
    for begin in (0..sums.len()).step_by(BLOCK) {
        // SAFETY: every row has a whole block at `begin`, for their length is a multiple of one; weights come in pairs.
        let more = unsafe { weighted_words(rows, weights, begin) };
        for (quarter, &[near, far]) in more.as_chunks::<2>().0.iter().enumerate() {
            let place = begin + quarter * 16;
            // SAFETY: `sums` has a whole block at `begin`.
            unsafe {
                add_four(sums, place, _mm256_castsi256_si128(near));
                add_four(sums, place + 4, _mm256_castsi256_si128(far));
                add_four(sums, place + 8, _mm256_extracti128_si256::<1>(near));
                add_four(sums, place + 12, _mm256_extracti128_si256::<1>(far));
            }
        }
    }
}

/// # Safety
///
/// AVX2; `sums` has four places at `place`.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn add_four(sums: &mut [i64], place: usize, more: __m128i) {
    // SAFETY: 32 bytes at `place` are within `sums`.
    unsafe {
        let at = sums.as_mut_ptr().add(place).cast();
        _mm256_storeu_si256(
            at,
            _mm256_add_epi64(_mm256_loadu_si256(at), _mm256_cvtepi32_epi64(more)),
        );
    }
}

/// Brings the cache line two further on. Rows are more streams than processors foresee.
#[target_feature(enable = "avx2")]
#[inline]
fn ahead<T>(row: &[T], begin: usize) {
    let place = row.as_ptr().wrapping_add(begin).wrapping_byte_add(128);
    // A hint, which reads nothing and allows any address.
    _mm_prefetch::<_MM_HINT_T0>(place.cast());
}

/// A pair of weights in every place.
#[target_feature(enable = "avx2")]
#[inline]
fn both(weights: [i16; 2]) -> __m256i {
    let [one, other] = weights.map(|weight| u32::from(weight.cast_unsigned()));
    _mm256_set1_epi32((one | other << 16).cast_signed())
}

/// The weighted sums of 64 columns. Of each 32: columns 0, 2, 4, 6 and 16, 18, 20, 22; 1, 3, 5, 7 and 17, ...; 8, 10, ... and 24, ...; 9, ... and 25, ....
///
/// # Safety
///
/// AVX2; every row has 64 samples at `begin`; weights are as many as rows, in pairs.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn weighted_bytes(rows: &[&[u8]], weights: &[i16], begin: usize) -> [__m256i; 8] {
    let low = _mm256_set1_epi16(0x00FF);
    let mut sums = [_mm256_setzero_si256(); 8];
    for (&[first, second], weights) in rows.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0) {
        let weights = both(*weights);
        ahead(first, begin);
        ahead(second, begin);
        for half in 0..2 {
            // SAFETY: 64 bytes at `begin` are within each row.
            let (a, b) = unsafe {
                (
                    _mm256_loadu_si256(first.as_ptr().add(begin + half * 32).cast()),
                    _mm256_loadu_si256(second.as_ptr().add(begin + half * 32).cast()),
                )
            };
            // Two columns of one row, then of the other: a mask gives the first column of both as 16-bit numbers, a shift the second. That is fewer shuffles
            // than to widen all.
            let near = _mm256_unpacklo_epi16(a, b);
            let far = _mm256_unpackhi_epi16(a, b);
            let at = half * 4;
            add(&mut sums[at], _mm256_and_si256(near, low), weights);
            add(&mut sums[at + 1], _mm256_srli_epi16::<8>(near), weights);
            add(&mut sums[at + 2], _mm256_and_si256(far, low), weights);
            add(&mut sums[at + 3], _mm256_srli_epi16::<8>(far), weights);
        }
    }
    sums
}

/// The weighted sums of 64 columns. Of each 16: columns 0 to 3 and 8 to 11; 4 to 7 and 12 to 15.
///
/// # Safety
///
/// AVX2; every row has 64 samples at `begin`; weights are as many as rows, in pairs.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn weighted_words(rows: &[&[i16]], weights: &[i16], begin: usize) -> [__m256i; 8] {
    let mut sums = [_mm256_setzero_si256(); 8];
    for (&[first, second], weights) in rows.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0) {
        let weights = both(*weights);
        for row in [first, second] {
            ahead(row, begin);
            ahead(row, begin + 32);
        }
        for quarter in 0..4 {
            // SAFETY: 64 samples at `begin` are within each row.
            let (a, b) = unsafe {
                (
                    _mm256_loadu_si256(first.as_ptr().add(begin + quarter * 16).cast()),
                    _mm256_loadu_si256(second.as_ptr().add(begin + quarter * 16).cast()),
                )
            };
            add(&mut sums[quarter * 2], _mm256_unpacklo_epi16(a, b), weights);
            add(&mut sums[quarter * 2 + 1], _mm256_unpackhi_epi16(a, b), weights);
        }
    }
    sums
}

#[target_feature(enable = "avx2")]
#[inline]
fn add(sum: &mut __m256i, samples: __m256i, weights: __m256i) {
    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(samples, weights));
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
        // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
        Some(near) if plane.len() >= near.reach() => unsafe { near_bytes(plane, near, rounding, out) },
        // SAFETY: the same.
        _ => unsafe { far_bytes(plane, weights, rounding, out) },
    }
}

/// # Safety
///
/// AVX2; no window of the weights goes beyond `plane`; `out` in whole groups, no more than the weights have.
#[target_feature(enable = "avx2")]
unsafe fn near_bytes(plane: &[i16], weights: &Near, rounding: Rounding, out: &mut [u8]) {
    // SAFETY: as required of the caller.
    unsafe {
        match (weights.pairs(), weights.close()) {
            (2, true) => round_groups(rounding, out, |number| near_group::<2, true>(plane, weights, number)),
            (3, true) => round_groups(rounding, out, |number| near_group::<3, true>(plane, weights, number)),
            (4, true) => round_groups(rounding, out, |number| near_group::<4, true>(plane, weights, number)),
            (4, false) => round_groups(rounding, out, |number| near_group::<4, false>(plane, weights, number)),
            (5, false) => round_groups(rounding, out, |number| near_group::<5, false>(plane, weights, number)),
            (6, false) => round_groups(rounding, out, |number| near_group::<6, false>(plane, weights, number)),
            _ => round_groups(rounding, out, |number| near_group::<0, false>(plane, weights, number)),
        }
    }
}

/// # Safety
///
/// AVX2; no start and unit of the weights goes beyond `plane`; `out` in whole groups, no more than the weights have.
#[target_feature(enable = "avx2")]
unsafe fn far_bytes(plane: &[i16], weights: &Narrow, rounding: Rounding, out: &mut [u8]) {
    // SAFETY: as required of the caller.
    round_groups(rounding, out, |number| unsafe { far_group(plane, weights, number) });
}

/// Rounds the sums of whole groups.
#[target_feature(enable = "avx2")]
#[inline]
fn round_groups(rounding: Rounding, out: &mut [u8], sums: impl Fn(usize) -> __m256i) {
    let offset = _mm256_set1_epi32(rounding.offset);
    let shift = _mm_cvtsi32_si128(rounding.shift.cast_signed());
    // Both are 0 to 255, as the packing below makes the numbers.
    let (low, high) = (_mm_set1_epi8(rounding.low as i8), _mm_set1_epi8(rounding.high as i8));
    let round = |first: __m256i, second: __m256i| {
        let first = _mm256_sra_epi32(_mm256_add_epi32(first, offset), shift);
        let second = _mm256_sra_epi32(_mm256_add_epi32(second, offset), shift);
        let words = _mm256_packs_epi32(first, second);
        let bytes = _mm256_packus_epi16(words, words);
        // Four of the first group and four of the second are in each half.
        let bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
        _mm_min_epu8(_mm_max_epu8(bytes, low), high)
    };
    let (pairs, last) = out.as_chunks_mut::<{ 2 * GROUP }>();
    let count = pairs.len();
    for (number, out) in pairs.iter_mut().enumerate() {
        let bytes = round(sums(number * 2), sums(number * 2 + 1));
        // SAFETY: sixteen bytes, and the store needs no alignment.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), bytes) };
    }
    if let Some(out) = last.first_chunk_mut::<GROUP>() {
        let bytes = round(sums(count * 2), _mm256_setzero_si256());
        // SAFETY: eight bytes, and the store needs no alignment.
        unsafe { _mm_storel_epi64(out.as_mut_ptr().cast(), bytes) };
    }
}

pub(super) fn horizontal_sums(plane: &[i16], weights: &Narrow, offset: i32, out: &mut [i32]) {
    if !takes(plane, weights, out.len()) {
        return portable::horizontal_sums(plane, weights, offset, out);
    }
    match weights.near() {
        // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
        Some(near) if plane.len() >= near.reach() => unsafe { near_sums(plane, near, offset, out) },
        // SAFETY: the same.
        _ => unsafe { far_sums(plane, weights, offset, out) },
    }
}

/// # Safety
///
/// As [`near_bytes`].
#[target_feature(enable = "avx2")]
unsafe fn near_sums(plane: &[i16], weights: &Near, offset: i32, out: &mut [i32]) {
    // SAFETY: as required of the caller.
    unsafe {
        match (weights.pairs(), weights.close()) {
            (2, true) => offset_groups(offset, out, |number| near_group::<2, true>(plane, weights, number)),
            (3, true) => offset_groups(offset, out, |number| near_group::<3, true>(plane, weights, number)),
            (4, true) => offset_groups(offset, out, |number| near_group::<4, true>(plane, weights, number)),
            (4, false) => offset_groups(offset, out, |number| near_group::<4, false>(plane, weights, number)),
            (5, false) => offset_groups(offset, out, |number| near_group::<5, false>(plane, weights, number)),
            (6, false) => offset_groups(offset, out, |number| near_group::<6, false>(plane, weights, number)),
            _ => offset_groups(offset, out, |number| near_group::<0, false>(plane, weights, number)),
        }
    }
}

/// # Safety
///
/// As [`far_bytes`].
#[target_feature(enable = "avx2")]
unsafe fn far_sums(plane: &[i16], weights: &Narrow, offset: i32, out: &mut [i32]) {
    // SAFETY: as required of the caller.
    offset_groups(offset, out, |number| unsafe { far_group(plane, weights, number) });
}

/// The sums of whole groups, plus an offset.
#[target_feature(enable = "avx2")]
#[inline]
fn offset_groups(offset: i32, out: &mut [i32], sums: impl Fn(usize) -> __m256i) {
    let offset = _mm256_set1_epi32(offset);
    for (number, out) in out.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
        let sums = _mm256_add_epi32(sums(number), offset);
        // SAFETY: eight numbers of four bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) };
    }
}

/// The weighted sums of a group of outputs that lie close together, in their order.
///
/// # Safety
///
/// AVX2; the weights have such a group, of as many pairs, or any number where that is 0, and as close; no window of theirs goes beyond `plane`.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn near_group<const PAIRS: usize, const CLOSE: bool>(plane: &[i16], weights: &Near, number: usize) -> __m256i {
    let pairs = if PAIRS == 0 { weights.pairs() } else { PAIRS };
    // SAFETY: each group has two bases, a vector of places, and a vector of weights for each pair.
    let ([near, far], places, weights) = unsafe {
        (
            *weights.bases().get_unchecked(number),
            _mm256_loadu_si256(weights.places().as_ptr().add(number).cast()),
            weights.weights().as_ptr().add(number * pairs * GROUP * 2),
        )
    };
    let next = _mm256_add_epi8(places, _mm256_set1_epi8(4));
    let mut sums = _mm256_setzero_si256();
    let mut window = sums;
    for pair in 0..pairs {
        let places = if CLOSE && pair % 2 == 1 {
            next
        } else {
            // SAFETY: a window is within `plane`, by the caller.
            window = unsafe {
                let near = plane.as_ptr().add(near as usize + pair * 2);
                let far = plane.as_ptr().add(far as usize + pair * 2);
                _mm256_loadu2_m128i(far.cast(), near.cast())
            };
            places
        };
        // SAFETY: 16 weights of a pair.
        let weights = unsafe { _mm256_loadu_si256(weights.add(pair * GROUP * 2).cast()) };
        add(&mut sums, _mm256_shuffle_epi8(window, places), weights);
    }
    sums
}

/// The weighted sums of a group of outputs, in their order.
///
/// # Safety
///
/// AVX2; the weights have such a group; `plane` has as many samples at each start as they have units times eight.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn far_group(plane: &[i16], weights: &Narrow, number: usize) -> __m256i {
    let length = weights.units() * GROUP * 8;
    // SAFETY: each group has eight starts, and eight weights for each unit of each.
    let (starts, weights) = unsafe {
        (
            weights.starts().as_chunks::<GROUP>().0.get_unchecked(number),
            weights.weights().get_unchecked(number * length..(number + 1) * length),
        )
    };
    let mut sums = [_mm256_setzero_si256(); 4];
    for (unit, weights) in weights.as_chunks::<{ GROUP * 8 }>().0.iter().enumerate() {
        for (pair, sum) in sums.iter_mut().enumerate() {
            // SAFETY: eight samples at each start and unit, by the caller; 16 weights at each of 4 pairs of the 64.
            unsafe {
                let near = plane.as_ptr().add(starts[pair] as usize + unit * 8);
                let far = plane.as_ptr().add(starts[pair + 4] as usize + unit * 8);
                let samples = _mm256_loadu2_m128i(far.cast(), near.cast());
                let weights = _mm256_loadu_si256(weights.as_ptr().add(pair * 16).cast());
                add(sum, samples, weights);
            }
        }
    }
    // Four partial sums of outputs 0 and 4, of 1 and 5, of 2 and 6, of 3 and 7.
    let first = _mm256_hadd_epi32(sums[0], sums[1]);
    let second = _mm256_hadd_epi32(sums[2], sums[3]);
    _mm256_hadd_epi32(first, second)
}
