//! Pixels to planes and back, for 64-bit ARM processors. See `neon.rs`.
#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::portable;

/// Pixels that are done at a time.
const PIXELS: usize = 16;

/// Numbers of 16 bits in a vector.
const EIGHT: usize = 8;

/// Pixels that are divided at a time.
const FOUR: usize = 4;

/// Whether `count` planes a `stride` apart have a place for every pixel, in whole steps of [`PIXELS`].
fn fits(pixels: usize, stride: usize, count: usize, places: usize) -> bool {
    stride.checked_mul(count).is_some_and(|all| all <= places) && pixels.next_multiple_of(PIXELS) <= stride
}

pub(super) fn split3(mixed: &[i16], planes: &mut [i16], stride: usize) {
    if !mixed.len().is_multiple_of(3 * EIGHT) || !fits(mixed.len() / 3, stride, 3, planes.len()) {
        return portable::split3(mixed, planes, stride);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { split3_checked(mixed, planes, stride) }
}

pub(super) fn split4(mixed: &[i16], planes: &mut [i16], stride: usize) {
    if !mixed.len().is_multiple_of(4 * EIGHT) || !fits(mixed.len() / 4, stride, 4, planes.len()) {
        return portable::split4(mixed, planes, stride);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { split4_checked(mixed, planes, stride) }
}

pub(super) fn premultiply(pixels: &[u8], planes: &mut [i16], stride: usize) {
    if !fits(pixels.len().div_ceil(4), stride, 4, planes.len()) {
        return portable::premultiply(pixels, planes, stride);
    }
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { premultiply_checked(pixels, planes, stride) }
}

pub(super) fn join3(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    let whole = mixed.len() / (3 * PIXELS) * PIXELS;
    let fits = fits(whole, stride, 3, planes.len());
    let (Some(rest), true) = (planes.get(whole..), fits) else {
        return portable::join3(planes, stride, mixed);
    };
    let (vector, tail) = mixed.split_at_mut(whole * 3);
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
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
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { join4_checked(planes, stride, vector) }
    portable::join4(rest, stride, tail);
}

pub(super) fn divide(sums: &[i32], stride: usize, shift: u32, mixed: &mut [u8]) {
    let whole = mixed.len() / (4 * FOUR) * FOUR;
    let fits = stride.checked_mul(4).is_some_and(|all| all <= sums.len()) && whole <= stride;
    let (Some(rest), true) = (sums.get(whole..), fits) else {
        return portable::divide(sums, stride, shift, mixed);
    };
    let (vector, tail) = mixed.split_at_mut(whole * 4);
    // SAFETY: every processor of this architecture has NEON, and the lengths have been checked.
    unsafe { divide_checked(sums, stride, shift, vector) }
    portable::divide(rest, stride, shift, tail);
}

/// # Safety
///
/// NEON; `mixed` in whole steps of 8 pixels; three planes in `planes` that have places for them.
#[target_feature(enable = "neon")]
unsafe fn split3_checked(mixed: &[i16], planes: &mut [i16], stride: usize) {
    for (step, eight) in mixed.as_chunks::<{ 3 * EIGHT }>().0.iter().enumerate() {
        // SAFETY: 24 numbers to read, and 8 places in each of three planes to write, by the caller.
        unsafe {
            let int16x8x3_t(first, second, third) = vld3q_s16(eight.as_ptr());
            let to = planes.as_mut_ptr().add(step * EIGHT);
            vst1q_s16(to, first);
            vst1q_s16(to.add(stride), second);
            vst1q_s16(to.add(2 * stride), third);
        }
    }
}

/// # Safety
///
/// NEON; `mixed` in whole steps of 8 pixels; four planes in `planes` that have places for them.
#[target_feature(enable = "neon")]
unsafe fn split4_checked(mixed: &[i16], planes: &mut [i16], stride: usize) {
    for (step, eight) in mixed.as_chunks::<{ 4 * EIGHT }>().0.iter().enumerate() {
        // SAFETY: 32 numbers to read, and 8 places in each of four planes to write, by the caller.
        unsafe {
            let int16x8x4_t(first, second, third, fourth) = vld4q_s16(eight.as_ptr());
            let to = planes.as_mut_ptr().add(step * EIGHT);
            vst1q_s16(to, first);
            vst1q_s16(to.add(stride), second);
            vst1q_s16(to.add(2 * stride), third);
            vst1q_s16(to.add(3 * stride), fourth);
        }
    }
}

/// # Safety
///
/// NEON; four planes in `planes` that have places for whole steps of 16 pixels, the last one included.
#[target_feature(enable = "neon")]
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
/// NEON; four planes in `planes` that have 16 places at `place`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn premultiply_sixteen(pixels: &[u8; 4 * PIXELS], planes: &mut [i16], place: usize, stride: usize) {
    let sign = vdupq_n_u16(0x8000);
    // The steps of `portable::times`; none leaves 16 bits.
    let deep = |product: uint16x8_t| {
        let near = vaddq_u16(product, vdupq_n_u16(128));
        let more = vshrq_n_u16::<8>(vsraq_n_u16::<8>(near, near));
        vreinterpretq_s16_u16(veorq_u16(vaddq_u16(product, more), sign))
    };
    let opaque = |alpha: uint8x8_t| vreinterpretq_s16_u16(veorq_u16(vshll_n_u8::<8>(alpha), sign));
    // SAFETY: 64 bytes are read, and 16 places in each of four planes are written, by the caller.
    unsafe {
        let uint8x16x4_t(red, green, blue, alpha) = vld4q_u8(pixels.as_ptr());
        let to = planes.as_mut_ptr().add(place);
        for (channel, color) in [red, green, blue].into_iter().enumerate() {
            let near = vmull_u8(vget_low_u8(color), vget_low_u8(alpha));
            vst1q_s16(to.add(channel * stride), deep(near));
            vst1q_s16(to.add(channel * stride + EIGHT), deep(vmull_high_u8(color, alpha)));
        }
        vst1q_s16(to.add(3 * stride), opaque(vget_low_u8(alpha)));
        vst1q_s16(to.add(3 * stride + EIGHT), opaque(vget_high_u8(alpha)));
    }
}

/// # Safety
///
/// NEON; `mixed` in whole steps of 16 pixels; three planes in `planes` that have them.
#[target_feature(enable = "neon")]
unsafe fn join3_checked(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    for (step, sixteen) in mixed.as_chunks_mut::<{ 3 * PIXELS }>().0.iter_mut().enumerate() {
        // SAFETY: 16 bytes of each of three planes to read, by the caller, and 48 places to write.
        unsafe {
            let from = planes.as_ptr().add(step * PIXELS);
            let load = |channel: usize| vld1q_u8(from.add(channel * stride));
            vst3q_u8(sixteen.as_mut_ptr(), uint8x16x3_t(load(0), load(1), load(2)));
        }
    }
}

/// # Safety
///
/// NEON; `mixed` in whole steps of 16 pixels; four planes in `planes` that have them.
#[target_feature(enable = "neon")]
unsafe fn join4_checked(planes: &[u8], stride: usize, mixed: &mut [u8]) {
    for (step, sixteen) in mixed.as_chunks_mut::<{ 4 * PIXELS }>().0.iter_mut().enumerate() {
        // SAFETY: 16 bytes of each of four planes to read, by the caller, and 64 places to write.
        unsafe {
            let from = planes.as_ptr().add(step * PIXELS);
            let load = |channel: usize| vld1q_u8(from.add(channel * stride));
            vst4q_u8(sixteen.as_mut_ptr(), uint8x16x4_t(load(0), load(1), load(2), load(3)));
        }
    }
}

/// # Safety
///
/// NEON; `mixed` in whole steps of 4 pixels; four planes in `sums` that have them.
#[target_feature(enable = "neon")]
unsafe fn divide_checked(sums: &[i32], stride: usize, shift: u32, mixed: &mut [u8]) {
    let (zero, most) = (vdupq_n_s32(0), vdupq_n_s32(255));
    let (none, full) = (vdupq_n_f32(0.0), vdupq_n_f32(255.0));
    let opaque = vdupq_n_s32(255 << shift);
    let half = vdupq_n_s32(1 << (shift - 1));
    let shift = vdupq_n_s32(-shift.cast_signed());
    let level = |sum: int32x4_t| {
        let level = vshlq_s32(vaddq_s32(sum, half), shift);
        vminq_s32(vmaxq_s32(level, zero), most)
    };
    for (step, four) in mixed.as_chunks_mut::<{ 4 * FOUR }>().0.iter_mut().enumerate() {
        // SAFETY: 4 numbers of each of four planes to read, by the caller, and 16 places to write.
        unsafe {
            let from = sums.as_ptr().add(step * FOUR);
            let load = |channel: usize| vld1q_s32(from.add(channel * stride));
            let alpha = load(3);
            let exact = vceqq_s32(alpha, opaque);
            let opacity = level(alpha);
            let factor = vdivq_f32(full, vcvtq_f32_s32(alpha));
            let color = |channel: usize| {
                let sum = load(channel);
                // The same steps as the portable ones: each is rounded on its own.
                let value = vmulq_f32(vcvtq_f32_s32(sum), factor);
                let value = vaddq_f32(value, vdupq_n_f32(0.5));
                let value = vminq_f32(vmaxq_f32(value, none), full);
                vbslq_s32(exact, level(sum), vcvtq_s32_f32(value))
            };
            let (red, green, blue) = (color(0), color(1), color(2));
            // Each byte above those before.
            let pixels = vsliq_n_s32::<8>(red, green);
            let pixels = vsliq_n_s32::<16>(pixels, blue);
            let pixels = vsliq_n_s32::<24>(pixels, opacity);
            let pixels = vbicq_s32(pixels, vreinterpretq_s32_u32(vceqq_s32(opacity, zero)));
            vst1q_u8(four.as_mut_ptr(), vreinterpretq_u8_s32(pixels));
        }
    }
}
