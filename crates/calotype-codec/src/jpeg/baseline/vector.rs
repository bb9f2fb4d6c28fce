//! The inverse transforms with the vectors of x86-64: SSE2, which every such processor has, so nothing is chosen at run
//! time. The same numbers as `inverse`, eight or four columns at a time.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::inverse::*;

/// Two constants for `_mm_madd_epi16`: the weights of the first and the second of a pair.
const fn weights(first: i32, second: i32) -> i32 {
    second << 16 | (first & 0xffff)
}

/// Numbers of 32 bits for eight columns.
type Wide = (__m128i, __m128i);

#[inline(always)]
fn pair(first: __m128i, second: __m128i) -> Wide {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { (_mm_unpacklo_epi16(first, second), _mm_unpackhi_epi16(first, second)) }
}

/// The weighted sum of each pair.
#[inline(always)]
fn dot(pairs: Wide, weights: __m128i) -> Wide {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { (_mm_madd_epi16(pairs.0, weights), _mm_madd_epi16(pairs.1, weights)) }
}

#[inline(always)]
fn add(a: Wide, b: Wide) -> Wide {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { (_mm_add_epi32(a.0, b.0), _mm_add_epi32(a.1, b.1)) }
}

#[inline(always)]
fn subtract(a: Wide, b: Wide) -> Wide {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { (_mm_sub_epi32(a.0, b.0), _mm_sub_epi32(a.1, b.1)) }
}

/// Numbers of 16 bits times 1 << `CONST_BITS`, and half of what the shift by `SHIFT` will leave out.
#[inline(always)]
fn widen<const SHIFT: i32>(values: __m128i) -> Wide {
    const DOWN: i32 = 16 - CONST_BITS as i32;
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        let half = _mm_set1_epi32(1 << (SHIFT - 1));
        let zero = _mm_setzero_si128();
        (
            _mm_add_epi32(_mm_srai_epi32::<DOWN>(_mm_unpacklo_epi16(zero, values)), half),
            _mm_add_epi32(_mm_srai_epi32::<DOWN>(_mm_unpackhi_epi16(zero, values)), half),
        )
    }
}

/// Shifts down, to 16 bits.
#[inline(always)]
fn narrow<const SHIFT: i32>(values: Wide) -> __m128i {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { _mm_packs_epi32(_mm_srai_epi32::<SHIFT>(values.0), _mm_srai_epi32::<SHIFT>(values.1)) }
}

/// `inverse::pass_8` for eight columns, with the shift after it.
#[inline(always)]
fn pass_8<const SHIFT: i32>(x: [__m128i; 8]) -> [__m128i; 8] {
    // SAFETY: SSE2 is part of x86-64.
    let (sum, difference, z3, z4, w) = unsafe {
        (
            _mm_add_epi16(x[0], x[4]),
            _mm_sub_epi16(x[0], x[4]),
            _mm_add_epi16(x[3], x[7]),
            _mm_add_epi16(x[1], x[5]),
            [
                _mm_set1_epi32(weights(F_0_541 + F_0_765, F_0_541)),
                _mm_set1_epi32(weights(F_0_541, F_0_541 - F_1_847)),
                _mm_set1_epi32(weights(F_1_175 - F_1_961, F_1_175)),
                _mm_set1_epi32(weights(F_1_175, F_1_175 - F_0_390)),
                _mm_set1_epi32(weights(-F_0_899, F_1_501 - F_0_899)),
                _mm_set1_epi32(weights(-F_2_562, F_3_072 - F_2_562)),
                _mm_set1_epi32(weights(F_2_053 - F_2_562, -F_2_562)),
                _mm_set1_epi32(weights(F_0_298 - F_0_899, -F_0_899)),
            ],
        )
    };
    let (sum, difference) = (widen::<SHIFT>(sum), widen::<SHIFT>(difference));
    let x26 = pair(x[2], x[6]);
    let rotated = [dot(x26, w[0]), dot(x26, w[1])];
    let even = [
        add(sum, rotated[0]),
        add(difference, rotated[1]),
        subtract(difference, rotated[1]),
        subtract(sum, rotated[0]),
    ];
    let z34 = pair(z3, z4);
    let (w3, w4) = (dot(z34, w[2]), dot(z34, w[3]));
    let (x71, x53) = (pair(x[7], x[1]), pair(x[5], x[3]));
    let odd = [
        add(dot(x71, w[4]), w4),
        add(dot(x53, w[5]), w3),
        add(dot(x53, w[6]), w4),
        add(dot(x71, w[7]), w3),
    ];
    [
        narrow::<SHIFT>(add(even[0], odd[0])),
        narrow::<SHIFT>(add(even[1], odd[1])),
        narrow::<SHIFT>(add(even[2], odd[2])),
        narrow::<SHIFT>(add(even[3], odd[3])),
        narrow::<SHIFT>(subtract(even[3], odd[3])),
        narrow::<SHIFT>(subtract(even[2], odd[2])),
        narrow::<SHIFT>(subtract(even[1], odd[1])),
        narrow::<SHIFT>(subtract(even[0], odd[0])),
    ]
}

/// Rows to columns.
#[inline(always)]
fn transpose_8(x: [__m128i; 8]) -> [__m128i; 8] {
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        let (a0, a1) = pair(x[0], x[4]);
        let (b0, b1) = pair(x[1], x[5]);
        let (c0, c1) = pair(x[2], x[6]);
        let (d0, d1) = pair(x[3], x[7]);
        let (e0, e1) = pair(a0, c0);
        let (e2, e3) = pair(a1, c1);
        let (f0, f1) = pair(b0, d0);
        let (f2, f3) = pair(b1, d1);
        [
            _mm_unpacklo_epi16(e0, f0),
            _mm_unpackhi_epi16(e0, f0),
            _mm_unpacklo_epi16(e1, f1),
            _mm_unpackhi_epi16(e1, f1),
            _mm_unpacklo_epi16(e2, f2),
            _mm_unpackhi_epi16(e2, f2),
            _mm_unpacklo_epi16(e3, f3),
            _mm_unpackhi_epi16(e3, f3),
        ]
    }
}

/// `pass_8` where the last four of the eight are 0: the same sums, with constants put together.
#[inline(always)]
fn pass_8_of_4<const SHIFT: i32>(x02: Wide, x13: Wide) -> [Wide; 8] {
    const ONE: i32 = 1 << CONST_BITS;
    // SAFETY: SSE2 is part of x86-64.
    let (half, even_weights, odd_weights) = unsafe {
        (
            _mm_set1_epi32(1 << (SHIFT - 1)),
            [
                _mm_set1_epi32(weights(ONE, F_0_541 + F_0_765)),
                _mm_set1_epi32(weights(ONE, F_0_541)),
                _mm_set1_epi32(weights(ONE, -F_0_541)),
                _mm_set1_epi32(weights(ONE, -F_0_541 - F_0_765)),
            ],
            [
                _mm_set1_epi32(weights(F_1_501 - F_0_899 + F_1_175 - F_0_390, F_1_175)),
                _mm_set1_epi32(weights(F_1_175, F_3_072 - F_2_562 + F_1_175 - F_1_961)),
                _mm_set1_epi32(weights(F_1_175 - F_0_390, -F_2_562 + F_1_175)),
                _mm_set1_epi32(weights(-F_0_899 + F_1_175, F_1_175 - F_1_961)),
            ],
        )
    };
    let even = even_weights.map(|weights| add(dot(x02, weights), (half, half)));
    let odd = odd_weights.map(|weights| dot(x13, weights));
    [
        add(even[0], odd[0]),
        add(even[1], odd[1]),
        add(even[2], odd[2]),
        add(even[3], odd[3]),
        subtract(even[3], odd[3]),
        subtract(even[2], odd[2]),
        subtract(even[1], odd[1]),
        subtract(even[0], odd[0]),
    ]
}

const FIRST: i32 = (CONST_BITS - PASS_BITS) as i32;
const SECOND: i32 = (CONST_BITS + PASS_BITS + 3) as i32;

/// Puts the samples of 8x8 coefficients at the beginning of `out`, rows `stride` apart. `last` is the place in the zigzag
/// behind which all are 0.
#[inline(always)]
pub(super) fn put_8(coefficients: &[i16; 64], last: usize, out: &mut [u8], stride: usize) {
    if out.len() < stride.saturating_mul(7).saturating_add(8) {
        return;
    }
    // SAFETY: SSE2 is part of x86-64. Reads are of the 64 coefficients, eight at a time; rows of 8 samples that begin
    // at 0 to 7 times `stride` are within `out`, as was checked. No access needs alignment.
    unsafe {
        let from = coefficients.as_ptr().cast::<__m128i>();
        let first = _mm_loadu_si128(from);
        // Whether the first row can be doubled twice, as all numbers of pictures can.
        let doubled = _mm_adds_epi16(first, first);
        let is_small = _mm_movemask_epi8(_mm_cmpeq_epi16(
            _mm_adds_epi16(doubled, doubled),
            _mm_slli_epi16::<{ PASS_BITS as i32 }>(first),
        )) == 0xffff;
        // Places up to 9 of the zigzag are in the first four rows and columns.
        let rows = if last <= 9 && is_small {
            let x: [__m128i; 4] = std::array::from_fn(|row| _mm_loadl_epi64(from.add(row).cast()));
            let x02 = _mm_unpacklo_epi16(x[0], x[2]);
            let x13 = _mm_unpacklo_epi16(x[1], x[3]);
            // Columns 0 to 3 of each row, two rows in a vector.
            let wide = pass_8_of_4::<FIRST>((x02, x02), (x13, x13));
            let r01 = narrow::<FIRST>((wide[0].0, wide[1].0));
            let r23 = narrow::<FIRST>((wide[2].0, wide[3].0));
            let r45 = narrow::<FIRST>((wide[4].0, wide[5].0));
            let r67 = narrow::<FIRST>((wide[6].0, wide[7].0));
            // Pairs of columns 0 and 2, and 1 and 3, for rows 0 to 3 and 4 to 7.
            let low = transpose_4(r01, r23);
            let high = transpose_4(r45, r67);
            let x02 = (_mm_unpacklo_epi16(low.0, low.1), _mm_unpacklo_epi16(high.0, high.1));
            let x13 = (_mm_unpackhi_epi16(low.0, low.1), _mm_unpackhi_epi16(high.0, high.1));
            transpose_8(pass_8_of_4::<SECOND>(x02, x13).map(narrow::<SECOND>))
        } else {
            let x: [__m128i; 8] = std::array::from_fn(|row| _mm_loadu_si128(from.add(row)));
            let lower = _mm_or_si128(
                _mm_or_si128(_mm_or_si128(x[1], x[2]), _mm_or_si128(x[3], x[4])),
                _mm_or_si128(_mm_or_si128(x[5], x[6]), x[7]),
            );
            let is_one_row = _mm_movemask_epi8(_mm_cmpeq_epi16(lower, _mm_setzero_si128())) == 0xffff;
            let half = if is_one_row {
                [_mm_slli_epi16::<{ PASS_BITS as i32 }>(first); 8]
            } else {
                pass_8::<FIRST>(x)
            };
            transpose_8(pass_8::<SECOND>(transpose_8(half)))
        };
        let middle = _mm_set1_epi8(-128);
        let to = out.as_mut_ptr();
        for (index, two) in rows.as_chunks::<2>().0.iter().enumerate() {
            let samples = _mm_xor_si128(_mm_packs_epi16(two[0], two[1]), middle);
            _mm_storel_epi64(to.add(2 * index * stride).cast(), samples);
            _mm_storel_epi64(
                to.add((2 * index + 1) * stride).cast(),
                _mm_unpackhi_epi64(samples, samples),
            );
        }
    }
}

/// `inverse::pass_4` for four columns, with the shift after it. Two rows in a vector.
#[inline(always)]
fn pass_4<const SHIFT: i32>(x01: __m128i, x23: __m128i) -> (__m128i, __m128i) {
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        let (sum, _) = widen::<SHIFT>(_mm_add_epi16(x01, x23));
        let (difference, _) = widen::<SHIFT>(_mm_sub_epi16(x01, x23));
        let x13 = _mm_unpackhi_epi16(x01, x23);
        let outer = _mm_madd_epi16(x13, _mm_set1_epi32(weights(F_1_306, F_0_541)));
        let inner = _mm_madd_epi16(x13, _mm_set1_epi32(weights(F_0_541, -F_1_306)));
        (
            narrow::<SHIFT>((_mm_add_epi32(sum, outer), _mm_add_epi32(difference, inner))),
            narrow::<SHIFT>((_mm_sub_epi32(difference, inner), _mm_sub_epi32(sum, outer))),
        )
    }
}

/// Rows to columns.
#[inline(always)]
fn transpose_4(x01: __m128i, x23: __m128i) -> (__m128i, __m128i) {
    let (x02, x13) = pair(x01, x23);
    pair(x02, x13)
}

/// Puts the samples of 4x4 coefficients at the beginning of `out`, rows `stride` apart.
#[inline(always)]
pub(super) fn put_4(coefficients: &[i16; 16], out: &mut [u8], stride: usize) {
    // SAFETY: SSE2 is part of x86-64. Reads are of the 16 coefficients, eight at a time; nothing needs alignment.
    let samples: [[u8; 4]; 4] = unsafe {
        let from = coefficients.as_ptr().cast::<__m128i>();
        let (x01, x23) = pass_4::<FIRST>(_mm_loadu_si128(from), _mm_loadu_si128(from.add(1)));
        let (x01, x23) = transpose_4(x01, x23);
        let (x01, x23) = pass_4::<SECOND>(x01, x23);
        let (x01, x23) = transpose_4(x01, x23);
        let samples = _mm_xor_si128(_mm_packs_epi16(x01, x23), _mm_set1_epi8(-128));
        std::mem::transmute(samples)
    };
    put(&samples, out, stride);
}

#[cfg(test)]
mod tests {
    use super::super::block::ZIGZAG;
    use super::super::tests::writer::Random;
    use super::*;

    #[test]
    fn vectors_give_what_plain_code_gives_whatever_the_coefficients() {
        let mut random = Random(17);
        for turn in 0..20_000 {
            // From quiet blocks to numbers that wrap and saturate everywhere.
            let most = [30, 300, 3000, 32_767][turn % 4];
            let rows = 1 + random.below(8) as usize;
            let mut block = [0i16; 64];
            for value in block.iter_mut().take(rows * 8) {
                if random.below(3) > 0 {
                    *value = random.within(most) as i16;
                }
            }
            let last = if turn % 8 < 4 {
                63
            } else {
                let last = random.below(10) as usize;
                ZIGZAG[last + 1..].iter().for_each(|&at| block[usize::from(at)] = 0);
                last
            };
            let mut out = [7; 7 * 11 + 8];
            put_8(&block, last, &mut out, 11);
            let mut expected = [7; 7 * 11 + 8];
            put(&inverse_8(&block), &mut expected, 11);
            assert_eq!(out, expected, "{block:?}");

            let block = block.first_chunk::<16>().unwrap();
            let mut out = [7; 3 * 5 + 4];
            put_4(block, &mut out, 5);
            let mut expected = [7; 3 * 5 + 4];
            put(&inverse_4(block), &mut expected, 5);
            assert_eq!(out, expected, "{block:?}");
        }
    }
}
