//! The inverse discrete cosine transform (ITU-T T.81 A.3.3) of 8x8 coefficients and of the lowest 4x4, 2x2 and 1x1 of
//! them, in whole numbers.
//!
//! - Of 8x8: the flow graph of Loeffler, Ligtenberg and Moschytz (Practical fast 1-D DCT algorithms with 11
//!   multiplications, ICASSP 1989) with constants of 13 bits, columns before rows, two more bits between the passes. So
//!   it is libjpeg's accurate integer method; as in its vector code, numbers between the passes and sums of inputs have
//!   16 bits.
//! - Of fewer: the transform of that size of the low frequencies, that is the picture without its high ones. libjpeg's own
//!   reduced transforms average instead, and need more coefficients; of six photographs, made smaller by 2 more with
//!   Lanczos3, these came closer to the one from the full decode (SSIMULACRA2: by 0.1 to 1.3 points at 1/2, 0 to 0.8 at 1/4).
//!
//! Coefficients come dequantised, in rows.

/// Fraction bits of the constants.
pub(super) const CONST_BITS: u32 = 13;
/// Fraction bits between the passes.
pub(super) const PASS_BITS: u32 = 2;

/// A constant with 13 bits of fraction.
const fn fix(value: f64) -> i32 {
    (value * (1 << CONST_BITS) as f64 + 0.5) as i32
}

pub(super) const F_0_298: i32 = fix(0.298_631_336);
pub(super) const F_0_390: i32 = fix(0.390_180_644);
pub(super) const F_0_541: i32 = fix(0.541_196_100);
pub(super) const F_0_765: i32 = fix(0.765_366_865);
pub(super) const F_0_899: i32 = fix(0.899_976_223);
pub(super) const F_1_175: i32 = fix(1.175_875_602);
pub(super) const F_1_306: i32 = fix(1.306_562_965);
pub(super) const F_1_501: i32 = fix(1.501_321_110);
pub(super) const F_1_847: i32 = fix(1.847_759_065);
pub(super) const F_1_961: i32 = fix(1.961_570_560);
pub(super) const F_2_053: i32 = fix(2.053_119_869);
pub(super) const F_2_562: i32 = fix(2.562_915_447);
pub(super) const F_3_072: i32 = fix(3.072_711_026);

/// The sample of a value around 0.
fn sample(value: i32) -> u8 {
    (value + 128).clamp(0, 255) as u8
}

/// The sample of a block whose first coefficient alone is not 0.
#[inline(always)]
pub(super) fn flat(first: i16) -> u8 {
    sample((i32::from(first) + 4) >> 3)
}

/// Shifts `value` down by `bits` with rounding, to 16 bits.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn descale(value: i32, bits: u32) -> i16 {
    (value.wrapping_add(1 << (bits - 1)) >> bits).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// Eight values, without the last shift.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn pass_8(x: [i16; 8]) -> [i32; 8] {
    let wide = |value: i16| i32::from(value);
    let (x2, x6) = (wide(x[2]), wide(x[6]));
    let sum = wide(x[0].wrapping_add(x[4])) << CONST_BITS;
    let difference = wide(x[0].wrapping_sub(x[4])) << CONST_BITS;
    let rotated = [
        x2 * (F_0_541 + F_0_765) + x6 * F_0_541,
        x2 * F_0_541 + x6 * (F_0_541 - F_1_847),
    ];
    let even = [
        sum.wrapping_add(rotated[0]),
        difference.wrapping_add(rotated[1]),
        difference.wrapping_sub(rotated[1]),
        sum.wrapping_sub(rotated[0]),
    ];
    let (x1, x3, x5, x7) = (wide(x[1]), wide(x[3]), wide(x[5]), wide(x[7]));
    let (z3, z4) = (wide(x[3].wrapping_add(x[7])), wide(x[1].wrapping_add(x[5])));
    let (w3, w4) = (
        z3 * (F_1_175 - F_1_961) + z4 * F_1_175,
        z3 * F_1_175 + z4 * (F_1_175 - F_0_390),
    );
    let odd = [
        (x7 * -F_0_899 + x1 * (F_1_501 - F_0_899)).wrapping_add(w4),
        (x5 * -F_2_562 + x3 * (F_3_072 - F_2_562)).wrapping_add(w3),
        (x5 * (F_2_053 - F_2_562) + x3 * -F_2_562).wrapping_add(w4),
        (x7 * (F_0_298 - F_0_899) + x1 * -F_0_899).wrapping_add(w3),
    ];
    let mut out = [0; 8];
    for (at, (even, odd)) in even.into_iter().zip(odd).enumerate() {
        out[at & 7] = even.wrapping_add(odd);
        out[(7 - at) & 7] = even.wrapping_sub(odd);
    }
    out
}

/// Puts the samples of 8x8 coefficients at the beginning of `out`, rows `stride` apart. `last` is the place in the zigzag
/// behind which all are 0.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn put_8(coefficients: &[i16; 64], _last: usize, out: &mut [u8], stride: usize) {
    put(&inverse_8(coefficients), out, stride);
}

/// Puts the samples of 4x4 coefficients at the beginning of `out`, rows `stride` apart.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn put_4(coefficients: &[i16; 16], out: &mut [u8], stride: usize) {
    put(&inverse_4(coefficients), out, stride);
}

/// Puts the samples of a block at the beginning of `out`, rows `stride` apart.
#[inline(always)]
pub(super) fn put<const SIDE: usize>(samples: &[[u8; SIDE]; SIDE], out: &mut [u8], stride: usize) {
    for (row, samples) in samples.iter().enumerate() {
        let at = row.wrapping_mul(stride);
        if let Some(place) = out.get_mut(at..at.wrapping_add(SIDE)) {
            place.copy_from_slice(samples);
        }
    }
}

/// Samples of 8x8 coefficients.
#[cfg(any(test, not(target_arch = "x86_64")))]
pub(super) fn inverse_8(coefficients: &[i16; 64]) -> [[u8; 8]; 8] {
    let mut half = [[0i16; 8]; 8];
    let rows = coefficients.as_chunks::<8>().0;
    if coefficients[8..].iter().all(|&c| c == 0) {
        let first = std::array::from_fn(|column| coefficients[column & 7] << PASS_BITS);
        half = [first; 8];
    } else {
        for column in 0..8 {
            let of_column = std::array::from_fn(|row| rows[row][column]);
            for (row, value) in half.iter_mut().zip(pass_8(of_column)) {
                row[column] = descale(value, CONST_BITS - PASS_BITS);
            }
        }
    }
    half.map(|row| pass_8(row).map(|value| sample(descale(value, CONST_BITS + PASS_BITS + 3).into())))
}

/// Four values, without the last shift.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn pass_4(x: [i16; 4]) -> [i32; 4] {
    let wide = |value: i16| i32::from(value);
    let sum = wide(x[0].wrapping_add(x[2])) << CONST_BITS;
    let difference = wide(x[0].wrapping_sub(x[2])) << CONST_BITS;
    let (x1, x3) = (wide(x[1]), wide(x[3]));
    let (outer, inner) = (x1 * F_1_306 + x3 * F_0_541, x1 * F_0_541 - x3 * F_1_306);
    [
        sum.wrapping_add(outer),
        difference.wrapping_add(inner),
        difference.wrapping_sub(inner),
        sum.wrapping_sub(outer),
    ]
}

/// Samples of the lowest 4x4 coefficients.
#[cfg(any(test, not(target_arch = "x86_64")))]
pub(super) fn inverse_4(coefficients: &[i16; 16]) -> [[u8; 4]; 4] {
    let rows = coefficients.as_chunks::<4>().0;
    let mut half = [[0i16; 4]; 4];
    for column in 0..4 {
        let of_column = std::array::from_fn(|row| rows[row][column]);
        for (row, value) in half.iter_mut().zip(pass_4(of_column)) {
            row[column] = descale(value, CONST_BITS - PASS_BITS);
        }
    }
    half.map(|row| pass_4(row).map(|value| sample(descale(value, CONST_BITS + PASS_BITS + 3).into())))
}

/// Samples of the lowest 2x2 coefficients. All weights are 1.
#[inline(always)]
pub(super) fn inverse_2(coefficients: [i16; 4]) -> [[u8; 2]; 2] {
    let [a, b, c, d] = coefficients.map(i32::from);
    let place = |value: i32| sample((value + 4) >> 3);
    [
        [place(a + b + c + d), place(a - b + c - d)],
        [place(a + b - c - d), place(a - b - c + d)],
    ]
}
