//! The inner loops: portable ones, and their twins in the vector instructions of a processor.
//!
//! All of them add whole numbers that cannot overflow, so the order does not matter, and twins are equal bit for bit.
//!
//! Between the passes a sample is a number of 16 bits: 128 steps a level, minus 16384, so that what a filter overshoots has room at both ends. The rows
//! of deep sources, of light and of colours times opacity are 16 bits too: 256 steps a level, minus 32768.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_planes;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon_planes;
mod portable;
#[cfg(test)]
mod tests;

use crate::weights::Narrow;

/// Samples that rows are a multiple of.
pub(crate) const BLOCK: usize = 64;

/// Bits behind the point of a sample between the passes.
pub(crate) const BETWEEN_BITS: u32 = 7;

/// Zero between the passes.
pub(crate) const BETWEEN_BIAS: i32 = 16384;

/// Lowest and highest number between the passes: a bit more than filters overshoot. 32-bit sums of the second pass rely on it.
const BETWEEN_LOW: i32 = -26624;
const BETWEEN_HIGH: i32 = 26623;

/// Bits behind the point of a sample of a deep row.
pub(crate) const DEEP_BITS: u32 = 8;

/// The last step of a channel that stands on its own: `(sum + offset) >> shift`, within bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounding {
    pub(crate) offset: i32,
    pub(crate) shift: u32,
    pub(crate) low: i32,
    pub(crate) high: i32,
}

impl Rounding {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn apply(self, sum: i32) -> u8 {
        ((sum + self.offset) >> self.shift).clamp(self.low, self.high) as u8
    }
}

/// Which inner loops are used. All give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon,
}

impl Kernel {
    /// Those that every processor has.
    #[must_use]
    pub fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The fastest that this processor has.
    #[must_use]
    pub fn fastest() -> Self {
        // The standard library remembers the answer.
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self(Kind::Avx2);
        }
        // What every processor of the architecture has.
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        let always = Self(Kind::Neon);
        #[cfg(not(all(target_arch = "aarch64", target_endian = "little")))]
        let always = Self::portable();
        always
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon => "neon",
        }
    }
}

/// A function of the kernel, by what the processor has.
macro_rules! twins {
    ($avx2:ident, $neon:ident: $(#[doc = $doc:literal] fn $name:ident($($argument:ident: $kind:ty),*);)*) => {
        impl Kernel {
            $(
                #[doc = $doc]
                #[allow(clippy::too_many_arguments)]
                pub(crate) fn $name(self, $($argument: $kind),*) {
                    match self.0 {
                        Kind::Portable => portable::$name($($argument),*),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx2 => $avx2::$name($($argument),*),
                        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
                        Kind::Neon => $neon::$name($($argument),*),
                    }
                }
            )*
        }
    };
}

twins! {
    avx2, neon:

    /// Rows of 8 bits, weighted, to one between the passes. Rows and weights come in pairs, and weights add up to `1 << bits`, 8 to 15.
    fn vertical_bytes(rows: &[&[u8]], weights: &[i16], bits: u32, out: &mut [i16]);

    /// The same of deep rows.
    fn vertical_words(rows: &[&[i16]], weights: &[i16], bits: u32, out: &mut [i16]);

    /// Rows of 8 bits, weighted, added to sums.
    fn partial_bytes(rows: &[&[u8]], weights: &[i16], sums: &mut [i64]);

    /// The same of deep rows.
    fn partial_words(rows: &[&[i16]], weights: &[i16], sums: &mut [i64]);

    /// Columns between the passes, weighted, rounded to 8 bits. `out` has a place for every start.
    fn horizontal_bytes(plane: &[i16], weights: &Narrow, rounding: Rounding, out: &mut [u8]);

    /// Columns between the passes, weighted, plus an offset.
    fn horizontal_sums(plane: &[i16], weights: &Narrow, offset: i32, out: &mut [i32]);
}

twins! {
    avx2_planes, neon_planes:

    /// Interleaved pixels of three samples into three planes of equal length.
    fn split3(mixed: &[i16], planes: &mut [i16], stride: usize);

    /// Interleaved pixels of four samples into four planes of equal length.
    fn split4(mixed: &[i16], planes: &mut [i16], stride: usize);

    /// Interleaved RGBA to four deep planes: colours times opacity, and opacity. Up to 15 places behind the last pixel may be written too.
    fn premultiply(pixels: &[u8], planes: &mut [i16], stride: usize);

    /// Three planes of bytes to interleaved pixels.
    fn join3(planes: &[u8], stride: usize, mixed: &mut [u8]);

    /// Four planes of bytes to interleaved pixels.
    fn join4(planes: &[u8], stride: usize, mixed: &mut [u8]);

    /// Four planes of sums, colours times opacity and opacity, to interleaved pixels. Levels are `1 << shift` apart.
    fn divide(sums: &[i32], stride: usize, shift: u32, mixed: &mut [u8]);
}

/// Rounds the sum of bytes times weights to a number between the passes.
#[allow(clippy::cast_possible_truncation)]
fn between_bytes(sum: i32, bits: u32) -> i16 {
    let shift = bits - BETWEEN_BITS;
    let value = ((sum + (1 << (shift - 1))) >> shift) - BETWEEN_BIAS;
    value.clamp(BETWEEN_LOW, BETWEEN_HIGH) as i16
}

/// Rounds the sum of deep samples times weights to a number between the passes.
#[allow(clippy::cast_possible_truncation)]
fn between_words(sum: i32, bits: u32) -> i16 {
    let shift = bits + DEEP_BITS - BETWEEN_BITS;
    let value = (sum + (1 << (shift - 1))) >> shift;
    value.clamp(BETWEEN_LOW, BETWEEN_HIGH) as i16
}

/// What the sums of [`Kernel::partial_bytes`] come to.
pub(crate) fn total_bytes(sums: &[i64], bits: u32, out: &mut [i16]) {
    total(sums, bits - BETWEEN_BITS, BETWEEN_BIAS, out);
}

/// What the sums of [`Kernel::partial_words`] come to.
pub(crate) fn total_words(sums: &[i64], bits: u32, out: &mut [i16]) {
    total(sums, bits + DEEP_BITS - BETWEEN_BITS, 0, out);
}

#[allow(clippy::cast_possible_truncation)]
fn total(sums: &[i64], shift: u32, bias: i32, out: &mut [i16]) {
    for (out, &sum) in out.iter_mut().zip(sums) {
        let value = ((sum + (1 << (shift - 1))) >> shift) - i64::from(bias);
        *out = value.clamp(BETWEEN_LOW.into(), BETWEEN_HIGH.into()) as i16;
    }
}

/// A level from its sum.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn level(sum: i32, shift: u32) -> u8 {
    ((sum + (1 << (shift - 1))) >> shift).clamp(0, 255) as u8
}

/// A row of 8 bits as one between the passes.
pub(crate) fn widen_bytes(row: &[u8], out: &mut [i16]) {
    for (out, &sample) in out.iter_mut().zip(row) {
        *out = (i16::from(sample) << BETWEEN_BITS) - 16384;
    }
}

/// A deep row as one between the passes.
pub(crate) fn widen_words(row: &[i16], out: &mut [i16]) {
    for (out, &sample) in out.iter_mut().zip(row) {
        *out = between_words(sample.into(), 0);
    }
}
