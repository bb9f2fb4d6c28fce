//! Every inner loop of the fastest kernel against its portable twin: lengths that are no whole number of vectors, slices that begin anywhere, samples and
//! weights at their bounds. What lies around a slice stays as it is.

use super::{BETWEEN_HIGH, BETWEEN_LOW, Kernel, Rounding};
use crate::spec::{Axis, Filter};
use crate::weights::{BLOCK_ROWS, GROUP, Horizontal, Narrow, RING_TAPS_MAX, Weights};

/// What lies before and behind a slice.
const AROUND: usize = 70;

/// Numbers that are the same every time (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// Both included.
    fn within(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % u64::try_from(high - low + 1).unwrap()).cast_signed()
    }

    fn length(&mut self, low: usize, high: usize) -> usize {
        usize::try_from(self.within(low as i64, high as i64)).unwrap()
    }

    /// One in three at a bound.
    fn sample(&mut self, low: i64, high: i64) -> i64 {
        match self.next() % 6 {
            0 => low,
            1 => high,
            _ => self.within(low, high),
        }
    }

    fn samples<T: TryFrom<i64, Error: std::fmt::Debug>>(&mut self, count: usize, low: i64, high: i64) -> Vec<T> {
        (0..count)
            .map(|_| T::try_from(self.sample(low, high)).unwrap())
            .collect()
    }

    /// Weights of either sign whose absolute values stay below what filters have: no sum can overflow then.
    fn weights(&mut self, count: usize, absolute_sum: i64, most: i64) -> Vec<i16> {
        let most = (absolute_sum / count as i64).min(most);
        self.samples(count, -most, most)
    }
}

/// Runs a loop with both kernels on equal slices that begin `AROUND` plus a few samples after an allocation does, and compares these and what is around them.
fn twins<T: Clone + PartialEq + std::fmt::Debug>(
    case: &dyn std::fmt::Debug,
    random: &mut Random,
    before: &[T],
    run: impl Fn(Kernel, &mut [T]),
) {
    let shift = random.length(0, 33);
    let mut whole = before.iter().cycle().take(AROUND + shift).cloned().collect::<Vec<T>>();
    let begin = whole.len();
    whole.extend_from_slice(before);
    let end = whole.len();
    whole.extend(before.iter().cycle().take(AROUND).cloned());
    let [portable, fastest] = [Kernel::portable(), Kernel::fastest()].map(|kernel| {
        let mut out = whole.clone();
        run(kernel, &mut out[begin..end]);
        assert_eq!(out[..begin], whole[..begin], "{case:?}: before the slice");
        assert_eq!(out[end..], whole[end..], "{case:?}: behind the slice");
        out
    });
    assert_eq!(fastest[begin..end], portable[begin..end], "{case:?}");
    assert_ne!(portable, whole, "{case:?}: nothing was done");
}

/// Rows for the vertical loops: their samples, and where each begins.
fn rows<'a, T>(data: &'a [T], starts: &[usize], length: usize) -> Vec<&'a [T]> {
    starts.iter().map(|&start| &data[start..start + length]).collect()
}

/// The length of rows, of what is made of them, how many they are, and where each begins.
#[derive(Debug)]
struct Layout {
    length: usize,
    output: usize,
    starts: Vec<usize>,
    samples: usize,
}

/// Rows are whole blocks, what is made of them may be shorter, and neither number nor place of rows is even.
fn layout(random: &mut Random, rows_max: usize) -> Layout {
    let length = random.length(1, 5) * super::BLOCK;
    let output = if random.next().is_multiple_of(3) {
        random.length(1, length)
    } else {
        length
    };
    let count = random.length(1, rows_max);
    let samples = length + 100;
    let starts = (0..count).map(|_| random.length(0, 100)).collect();
    Layout {
        length,
        output,
        starts,
        samples,
    }
}

#[test]
fn the_fastest_kernel_is_that_of_the_processor() {
    #[cfg(target_arch = "x86_64")]
    assert_eq!(
        Kernel::fastest().name() == "avx2",
        std::arch::is_x86_feature_detected!("avx2")
    );
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    assert_eq!(Kernel::fastest().name(), "neon");
    assert_eq!(Kernel::portable().name(), "portable");
}

#[test]
fn vertical_loops_equal_their_twins() {
    let random = &mut Random(1);
    for _ in 0..600 {
        let case = layout(random, RING_TAPS_MAX);
        let weights = random.weights(case.starts.len(), 57_000, 32_767);
        let bits = u32::try_from(random.within(8, 15)).unwrap();
        let before = random.samples(case.output, -5, 5);
        let bytes: Vec<u8> = random.samples(case.samples, 0, 255);
        twins(&case, random, &before, |kernel, out: &mut [i16]| {
            kernel.vertical_bytes(&rows(&bytes, &case.starts, case.length), &weights, bits, out);
        });
        let words: Vec<i16> = random.samples(case.samples, -32_768, 32_767);
        twins(&case, random, &before, |kernel, out: &mut [i16]| {
            kernel.vertical_words(&rows(&words, &case.starts, case.length), &weights, bits, out);
        });
    }
}

#[test]
fn sums_of_long_filters_equal_their_twins() {
    let random = &mut Random(2);
    for _ in 0..600 {
        let case = layout(random, BLOCK_ROWS);
        let mut weights = random.weights(case.starts.len(), i64::MAX, 2047);
        weights[0] = 2047;
        let before = random.samples(case.output, -(1 << 45), 1 << 45);
        let bytes: Vec<u8> = random.samples(case.samples, 0, 255);
        twins(&case, random, &before, |kernel, sums: &mut [i64]| {
            kernel.partial_bytes(&rows(&bytes, &case.starts, case.length), &weights, sums);
        });
        let words: Vec<i16> = random.samples(case.samples, -32_768, 32_767);
        twins(&case, random, &before, |kernel, sums: &mut [i64]| {
            kernel.partial_words(&rows(&words, &case.starts, case.length), &weights, sums);
        });
    }
}

fn narrow(axis: &Axis) -> (Narrow, u32) {
    let horizontal = Horizontal::new(axis, 1.0);
    let bits = horizontal.bits;
    match horizontal.kind {
        Weights::Narrow(narrow) => (narrow, bits),
        Weights::Wide(_) => panic!("{axis:?} has a long filter"),
    }
}

#[test]
fn horizontal_loops_equal_their_twins() {
    let random = &mut Random(3);
    for _ in 0..600 {
        let source = random.length(1, 900);
        let output = random.length(source.div_ceil(40), 300);
        let axis = Axis {
            filter: [Filter::Lanczos3, Filter::CatmullRom][random.length(0, 1)],
            ..Axis::whole(u32::try_from(source).unwrap(), u32::try_from(output).unwrap())
        };
        let (weights, bits) = narrow(&axis);
        let begin = random.length(0, 33);
        // Now and then one sample less than the vector loops read.
        let length = weights.reach() - usize::from(random.next().is_multiple_of(4));
        let samples: Vec<i16> = random.samples(begin + length, BETWEEN_LOW.into(), BETWEEN_HIGH.into());
        let plane = &samples[begin..];
        let shift = bits + super::BETWEEN_BITS;
        let rounding = Rounding {
            offset: (super::BETWEEN_BIAS << bits) + (1 << (shift - 1)),
            shift,
            low: [0, 16][random.length(0, 1)],
            high: [255, 235, 240][random.length(0, 2)],
        };
        // A place for every start, or, which the vector loops leave to the portable ones, fewer.
        let places = weights.starts().len() - random.length(0, GROUP - 1) * random.length(0, 1);
        let before = random.samples(places, 0, 15);
        twins(&axis, random, &before, |kernel, out: &mut [u8]| {
            kernel.horizontal_bytes(plane, &weights, rounding, out);
        });
        let before = random.samples(places, -9, 9);
        twins(&axis, random, &before, |kernel, out: &mut [i32]| {
            kernel.horizontal_sums(plane, &weights, rounding.offset, out);
        });
    }
}

#[test]
fn pixels_come_into_planes_as_with_the_twin() {
    let random = &mut Random(4);
    for round in 0..600 {
        let pixels = if round % 2 == 0 {
            random.length(1, 20) * 16
        } else {
            random.length(1, 320)
        };
        // Sometimes without room for whole steps behind the last pixel.
        let stride = pixels + random.length(0, 40) * random.length(0, 1);
        let case = (pixels, stride);
        let begin = random.length(0, 33);
        let mixed: Vec<i16> = random.samples(begin + pixels * 4, -32_768, 32_767);
        let before = random.samples(stride * 3, -9, 9);
        twins(&case, random, &before, |kernel, planes: &mut [i16]| {
            kernel.split3(&mixed[begin..begin + pixels * 3], planes, stride);
        });
        let before = random.samples(stride * 4, -9, 9);
        twins(&case, random, &before, |kernel, planes: &mut [i16]| {
            kernel.split4(&mixed[begin..], planes, stride);
        });
        // Now and then the last pixel is not whole.
        let lacking = random.length(0, 3) * random.length(0, 1);
        let bytes: Vec<u8> = random.samples(begin + pixels * 4 - lacking, 0, 255);
        twins(&case, random, &before, |kernel, planes: &mut [i16]| {
            kernel.premultiply(&bytes[begin..], planes, stride);
            // A whole step may be written, of which only whole pixels matter.
            let step = pixels.next_multiple_of(16).min(stride);
            let pixels = bytes[begin..].len() / 4;
            for (plane, before) in planes.chunks_exact_mut(stride).zip(before.chunks_exact(stride)) {
                assert_eq!(plane[step..], before[step..], "{case:?}");
                plane[pixels..step].fill(0);
            }
        });
    }
}

#[test]
fn planes_come_into_pixels_as_with_the_twin() {
    let random = &mut Random(5);
    for _ in 0..600 {
        let pixels = random.length(1, 300);
        let stride = pixels + random.length(0, 40) * random.length(0, 1);
        let case = (pixels, stride);
        let begin = random.length(0, 33);
        let planes: Vec<u8> = random.samples(begin + stride * 4, 0, 255);
        let planes = &planes[begin..];
        let before = random.samples(pixels * 3, 0, 255);
        twins(&case, random, &before, |kernel, mixed: &mut [u8]| {
            kernel.join3(&planes[..stride * 3], stride, mixed);
        });
        let before = random.samples(pixels * 4, 0, 255);
        twins(&case, random, &before, |kernel, mixed: &mut [u8]| {
            kernel.join4(planes, stride, mixed);
        });
    }
}

#[test]
fn division_by_opacity_equals_its_twin() {
    let random = &mut Random(6);
    for _ in 0..1500 {
        let pixels = random.length(1, 100);
        let stride = pixels + random.length(0, 40) * random.length(0, 1);
        let shift = u32::try_from(random.within(15, 22)).unwrap();
        let full = 255_i64 << shift;
        let begin = random.length(0, 33);
        // Colours and opacity overshoot both ends.
        let mut sums: Vec<i32> = random.samples(begin + stride * 4, -full / 4, full + full / 4);
        for alpha in &mut sums[begin + stride * 3..] {
            // Full, none, around half a level, and faint ones.
            *alpha = match random.next() % 8 {
                0 | 1 => i32::try_from(full).unwrap(),
                2 => 0,
                3 => (1 << (shift - 1)) - i32::from(random.next().is_multiple_of(2)),
                4 => i32::try_from(random.within(0, 3 << shift)).unwrap(),
                _ => *alpha,
            };
        }
        // Colours that lie where a level becomes the next, or a step beside: there the last bit of every rounding counts.
        let (colors, alphas) = sums[begin..].split_at_mut(stride * 3);
        for (color, &alpha) in colors.iter_mut().zip(alphas.iter().cycle()) {
            if random.next().is_multiple_of(2) && alpha > 0 {
                let halves = random.within(0, 254) * 2 + 1;
                *color = i32::try_from(halves * i64::from(alpha) / 510 + random.within(-1, 1)).unwrap();
            }
        }
        let before = random.samples(pixels * 4, 0, 255);
        twins(&(pixels, stride, shift), random, &before, |kernel, mixed: &mut [u8]| {
            kernel.divide(&sums[begin..], stride, shift, mixed);
        });
    }
}
