//! Pixels to planes and back, for x86-64 processors with AVX2. See `avx2.rs`.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::portable;

/// Pixels that are done at a time.
const PIXELS: usize = 16;

/// Pixels that are divided at a time.
const EIGHT: usize = 8;

/// Whether `count` planes a `stride` apart have a place for every pixel, in whole steps of [`PIXELS`].
fn fits(pixels: usize, stride: usize, count: usize, places: usize) -> bool {
    stride.checked_mul(count).is_some_and(|all| all <= places) && pixels.next_multiple_of(PIXELS) <= stride
}

pub(super) fn split3(mixed: &[i16], planes: &mut [i16], stride: usize) {
    if !mixed.len().is_multiple_of(3 * PIXELS) || !fits(mixed.len() / 3, stride, 3, planes.len()) {
        return portable::split3(mixed, planes, stride);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { split3_checked(mixed, planes, stride) }
}

pub(super) fn split4(mixed: &[i16], planes: &mut [i16], stride: usize) {
    if !mixed.len().is_multiple_of(4 * PIXELS) || !fits(mixed.len() / 4, stride, 4, planes.len()) {
        return portable::split4(mixed, planes, stride);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { split4_checked(mixed, planes, stride) }
}

pub(super) fn premultiply(pixels: &[u8], planes: &mut [i16], stride: usize) {
    if !fits(pixels.len().div_ceil(4), stride, 4, planes.len()) {
        return portable::premultiply(pixels, planes, stride);
    }
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { premultiply_checked(pixels, planes, stride) }
}

pub(super) fn join3(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    let whole = mixed.len() / (3 * PIXELS) * PIXELS;
    let fits = fits(whole, stride, 3, planes.len());
    let (Some(rest), true) = (planes.get(whole..), fits) else {
        return portable::join3(planes, stride, mixed);
    };
    let (vector, tail) = mixed.split_at_mut(whole * 3);
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { join3_checked(planes, stride, vector) }
    portable::join3(rest, stride, tail);
}

pub(super) fn join4(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    let whole = mixed.len() / (4 * PIXELS) * PIXELS;
    let fits = fits(whole, stride, 4, planes.len());
    let (Some(rest), true) = (planes.get(whole..), fits) else {
        return portable::join4(planes, stride, mixed);
    };
    let (vector, tail) = mixed.split_at_mut(whole * 4);
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { join4_checked(planes, stride, vector) }
    portable::join4(rest, stride, tail);
}

pub(super) fn divide(sums: &[i32], stride: usize, shift: u32, mixed: &mut [u8]) {
    let whole = mixed.len() / (4 * EIGHT) * EIGHT;
    let fits = stride.checked_mul(4).is_some_and(|all| all <= sums.len()) && whole <= stride;
    let (Some(rest), true) = (sums.get(whole..), fits) else {
        return portable::divide(sums, stride, shift, mixed);
    };
    let (vector, tail) = mixed.split_at_mut(whole * 4);
    // SAFETY: the processor has AVX2 (this kernel was chosen by `Kernel::fastest`), and the lengths have been checked.
    unsafe { divide_checked(sums, stride, shift, vector) }
    portable::divide(rest, stride, shift, tail);
}

/// # Safety
///
/// AVX2; `mixed` in whole steps of 16 pixels; three planes in `planes` that have places for them.
#[target_feature(enable = "avx2")]
unsafe fn split3_checked(mixed: &[i16], planes: &mut [i16], stride: usize) {
    // Each takes every number of its channel out of three vectors, none at another's place, and this brings them into order.
    let order = |[a, b, c, d, e, f, g, h]: [i8; 8]| {
        let half = [a, b, c, d, e, f, g, h].map(|place| i16::from(place * 2) | i16::from(place * 2 + 1) << 8);
        let [a, b, c, d, e, f, g, h] = half;
        _mm256_setr_epi16(a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h)
    };
    let red_order = order([0, 3, 6, 1, 4, 7, 2, 5]);
    let green_order = order([1, 4, 7, 2, 5, 0, 3, 6]);
    let blue_order = order([2, 5, 0, 3, 6, 1, 4, 7]);
    for (step, sixteen) in mixed.as_chunks::<{ 3 * PIXELS }>().0.iter().enumerate() {
        // SAFETY: 48 numbers to read, and 16 places in each of three planes to write, by the caller.
        unsafe {
            let from = sixteen.as_ptr();
            let load = |at: usize| _mm256_loadu2_m128i(from.add(at + 24).cast(), from.add(at).cast());
            let (a, b, c) = (load(0), load(8), load(16));
            let red = _mm256_blend_epi16::<0x24>(_mm256_blend_epi16::<0x92>(a, b), c);
            let green = _mm256_blend_epi16::<0x49>(_mm256_blend_epi16::<0x24>(a, b), c);
            let blue = _mm256_blend_epi16::<0x92>(_mm256_blend_epi16::<0x49>(a, b), c);
            let to = planes.as_mut_ptr().add(step * PIXELS);
            _mm256_storeu_si256(to.cast(), _mm256_shuffle_epi8(red, red_order));
            _mm256_storeu_si256(to.add(stride).cast(), _mm256_shuffle_epi8(green, green_order));
            _mm256_storeu_si256(to.add(2 * stride).cast(), _mm256_shuffle_epi8(blue, blue_order));
        }
    }
}

/// # Safety
///
/// AVX2; `mixed` in whole steps of 16 pixels; four planes in `planes` that have places for them.
#[target_feature(enable = "avx2")]
unsafe fn split4_checked(mixed: &[i16], planes: &mut [i16], stride: usize) {
    // Of two pixels, the numbers of each channel side by side.
    let pairs = _mm256_setr_epi8(
        0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
    );
    for (step, sixteen) in mixed.as_chunks::<{ 4 * PIXELS }>().0.iter().enumerate() {
        // SAFETY: 64 numbers to read, and 16 places in each of four planes to write, by the caller.
        unsafe {
            let from = sixteen.as_ptr();
            // Two pixels of the first eight, and two of the last eight.
            let load = |at: usize| {
                let both = _mm256_loadu2_m128i(from.add(at + 32).cast(), from.add(at).cast());
                _mm256_shuffle_epi8(both, pairs)
            };
            let (a, b, c, d) = (load(0), load(8), load(16), load(24));
            let (ab_near, ab_far) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
            let (cd_near, cd_far) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
            let to = planes.as_mut_ptr().add(step * PIXELS);
            _mm256_storeu_si256(to.cast(), _mm256_unpacklo_epi64(ab_near, cd_near));
            _mm256_storeu_si256(to.add(stride).cast(), _mm256_unpackhi_epi64(ab_near, cd_near));
            _mm256_storeu_si256(to.add(2 * stride).cast(), _mm256_unpacklo_epi64(ab_far, cd_far));
            _mm256_storeu_si256(to.add(3 * stride).cast(), _mm256_unpackhi_epi64(ab_far, cd_far));
        }
    }
}

/// # Safety
///
/// AVX2; four planes in `planes` that have places for whole steps of 16 pixels, the last one included.
#[target_feature(enable = "avx2")]
unsafe fn premultiply_checked(pixels: &[u8], planes: &mut [i16], stride: usize) {
    let (whole, rest) = pixels.as_chunks::<{ 4 * PIXELS }>();
    for (step, sixteen) in whole.iter().enumerate() {
        // SAFETY: as required of the caller.
        unsafe { premultiply_sixteen(sixteen, planes, step * PIXELS, stride) };
    }
    if !rest.is_empty() {
        let mut last = [0; 4 * PIXELS];
        last.iter_mut().zip(rest).for_each(|(place, &sample)| *place = sample);
        // SAFETY: as required of the caller.
        unsafe { premultiply_sixteen(&last, planes, whole.len() * PIXELS, stride) };
    }
}

/// # Safety
///
/// AVX2; four planes in `planes` that have 16 places at `place`.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn premultiply_sixteen(pixels: &[u8; 4 * PIXELS], planes: &mut [i16], place: usize, stride: usize) {
    let zero = _mm256_setzero_si256();
    let sign = _mm256_set1_epi16(i16::MIN);
    // Of four pixels, the bytes of each channel side by side.
    let fours = _mm256_setr_epi8(
        0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
    );
    let from = pixels.as_ptr();
    // SAFETY: 64 bytes are read in all.
    let (near, far) = unsafe {
        (
            _mm256_loadu2_m128i(from.add(32).cast(), from.cast()),
            _mm256_loadu2_m128i(from.add(48).cast(), from.add(16).cast()),
        )
    };
    let (near, far) = (_mm256_shuffle_epi8(near, fours), _mm256_shuffle_epi8(far, fours));
    let (red_green, blue_alpha) = (_mm256_unpacklo_epi32(near, far), _mm256_unpackhi_epi32(near, far));
    let alpha = _mm256_unpackhi_epi8(blue_alpha, zero);
    let times = |color: __m256i| {
        let product = _mm256_mullo_epi16(color, alpha);
        let near = _mm256_add_epi16(product, _mm256_set1_epi16(128));
        let more = _mm256_srli_epi16::<8>(_mm256_add_epi16(near, _mm256_srli_epi16::<8>(near)));
        _mm256_xor_si256(_mm256_add_epi16(product, more), sign)
    };
    // SAFETY: 16 places in each of four planes, by the caller.
    unsafe {
        let to = planes.as_mut_ptr().add(place);
        _mm256_storeu_si256(to.cast(), times(_mm256_unpacklo_epi8(red_green, zero)));
        _mm256_storeu_si256(to.add(stride).cast(), times(_mm256_unpackhi_epi8(red_green, zero)));
        _mm256_storeu_si256(to.add(2 * stride).cast(), times(_mm256_unpacklo_epi8(blue_alpha, zero)));
        _mm256_storeu_si256(
            to.add(3 * stride).cast(),
            _mm256_xor_si256(_mm256_slli_epi16::<8>(alpha), sign),
        );
    }
}

/// # Safety
///
/// AVX2; `mixed` in whole steps of 16 pixels; three planes in `planes` that have them.
#[target_feature(enable = "avx2")]
unsafe fn join3_checked(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    // Where each byte of the 48 comes from in its channel, or nowhere.
    let place = |vector: i8, channel: i8| {
        let places: [i8; 16] = std::array::from_fn(|index| {
            let byte = vector * 16 + i8::try_from(index).unwrap_or_default();
            if byte % 3 == channel { byte / 3 } else { -1 }
        });
        // SAFETY: 16 bytes, and the load needs no alignment.
        unsafe { _mm_loadu_si128(places.as_ptr().cast()) }
    };
    let places: [[__m128i; 3]; 3] = [0, 1, 2].map(|vector| [0, 1, 2].map(|channel| place(vector, channel)));
    for (step, sixteen) in mixed.as_chunks_mut::<{ 3 * PIXELS }>().0.iter_mut().enumerate() {
        // SAFETY: 16 bytes of each of three planes to read, by the caller, and 48 places to write.
        unsafe {
            let from = planes.as_ptr().add(step * PIXELS);
            let red = _mm_loadu_si128(from.cast());
            let green = _mm_loadu_si128(from.add(stride).cast());
            let blue = _mm_loadu_si128(from.add(2 * stride).cast());
            for (vector, [r, g, b]) in places.iter().enumerate() {
                let red = _mm_shuffle_epi8(red, *r);
                let green = _mm_shuffle_epi8(green, *g);
                let blue = _mm_shuffle_epi8(blue, *b);
                let all = _mm_or_si128(_mm_or_si128(red, green), blue);
                _mm_storeu_si128(sixteen.as_mut_ptr().add(vector * 16).cast(), all);
            }
        }
    }
}

/// # Safety
///
/// AVX2; `mixed` in whole steps of 16 pixels; four planes in `planes` that have them.
#[target_feature(enable = "avx2")]
unsafe fn join4_checked(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    for (step, sixteen) in mixed.as_chunks_mut::<{ 4 * PIXELS }>().0.iter_mut().enumerate() {
        // SAFETY: 16 bytes of each of four planes to read, by the caller, and 64 places to write.
        unsafe {
            let from = planes.as_ptr().add(step * PIXELS);
            let load = |channel: usize| _mm_loadu_si128(from.add(channel * stride).cast());
            let (a, b, c, d) = (load(0), load(1), load(2), load(3));
            let (ab, ab_far) = (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b));
            let (cd, cd_far) = (_mm_unpacklo_epi8(c, d), _mm_unpackhi_epi8(c, d));
            let to = sixteen.as_mut_ptr();
            _mm_storeu_si128(to.cast(), _mm_unpacklo_epi16(ab, cd));
            _mm_storeu_si128(to.add(16).cast(), _mm_unpackhi_epi16(ab, cd));
            _mm_storeu_si128(to.add(32).cast(), _mm_unpacklo_epi16(ab_far, cd_far));
            _mm_storeu_si128(to.add(48).cast(), _mm_unpackhi_epi16(ab_far, cd_far));
        }
    }
}

/// # Safety
///
/// AVX2; `mixed` in whole steps of 8 pixels; four planes in `sums` that have them.
#[target_feature(enable = "avx2")]
unsafe fn divide_checked(sums: &[i32], stride: usize, shift: u32, mixed: &mut [u8]) {
    let zero = _mm256_setzero_si256();
    let most = _mm256_set1_epi32(255);
    let opaque = _mm256_set1_epi32(255 << shift);
    let half = _mm256_set1_epi32(1 << (shift - 1));
    let count = _mm_cvtsi32_si128(shift.cast_signed());
    let level = |sum: __m256i| {
        let level = _mm256_sra_epi32(_mm256_add_epi32(sum, half), count);
        _mm256_min_epi32(_mm256_max_epi32(level, zero), most)
    };
    for (step, eight) in mixed.as_chunks_mut::<{ 4 * EIGHT }>().0.iter_mut().enumerate() {
        // SAFETY: 8 numbers of each of four planes to read, by the caller, and 32 places to write.
        unsafe {
            let from = sums.as_ptr().add(step * EIGHT);
            let load = |channel: usize| _mm256_loadu_si256(from.add(channel * stride).cast());
            let alpha = load(3);
            let full = _mm256_cmpeq_epi32(alpha, opaque);
            let opacity = level(alpha);
            let factor = _mm256_div_ps(_mm256_set1_ps(255.0), _mm256_cvtepi32_ps(alpha));
            let color = |channel: usize| {
                let sum = load(channel);
                // The same steps as the portable ones: each is rounded on its own.
                let value = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), factor);
                let value = _mm256_add_ps(value, _mm256_set1_ps(0.5));
                let value = _mm256_min_ps(_mm256_max_ps(value, _mm256_setzero_ps()), _mm256_set1_ps(255.0));
                _mm256_blendv_epi8(_mm256_cvttps_epi32(value), level(sum), full)
            };
            let (red, green, blue) = (color(0), color(1), color(2));
            let low = _mm256_or_si256(red, _mm256_slli_epi32::<8>(green));
            let high = _mm256_or_si256(_mm256_slli_epi32::<16>(blue), _mm256_slli_epi32::<24>(opacity));
            let clear = _mm256_cmpeq_epi32(opacity, zero);
            let pixels = _mm256_andnot_si256(clear, _mm256_or_si256(low, high));
            _mm256_storeu_si256(eight.as_mut_ptr().cast(), pixels);
        }
    }
}
