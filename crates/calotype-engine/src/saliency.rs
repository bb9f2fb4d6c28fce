//! Where a cut should lie: `gravity=auto` and `entropy` (spec 5.6).
//!
//! `auto` is maximum symmetric surround saliency (R. Achanta, S. Süsstrunk: *Saliency Detection using Maximum Symmetric Surround*, ICIP 2010). After
//! the conversion to CIELAB all sums are integers, so the window that wins does not depend on the machine.

use std::sync::OnceLock;

use calotype_codec::Picture;
use calotype_plan::{Size, Window, rhu};

/// The longest side of the copy that is looked at.
const COPY_SIDE_PX: u32 = 128;

/// Parts of a CIELAB unit that are kept.
const LAB_SCALE: f64 = 128.0;

/// Pixels from the middle to the edge of the square whose luminance entropy is taken.
const ENTROPY_RADIUS: usize = 4;

/// The size of the copy for a picture of `size`: no side above 128, at least 1, the ratio kept.
pub(crate) fn copy_size(size: Size) -> Size {
    let longest = size.longest();
    if longest <= COPY_SIDE_PX {
        return size;
    }
    let side = |px: u32| {
        let scaled = rhu(i128::from(px) * i128::from(COPY_SIDE_PX), i128::from(longest));
        u32::try_from(scaled).unwrap_or(COPY_SIDE_PX).clamp(1, COPY_SIDE_PX)
    };
    Size::new(side(size.width), side(size.height))
}

/// How much each pixel of the copy draws the eye.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    size: Size,
    values: Vec<u64>,
}

impl Weights {
    /// The position of the window of `crop` in a picture of `scaled`, which the weights are a small copy of, with the greatest sum. The nearest to the
    /// centre among equals.
    pub(crate) fn best(&self, crop: Size, scaled: Size) -> Window {
        let width = self.size.width.max(1) as usize;
        let mut columns = vec![0_u64; width];
        let mut rows = Vec::with_capacity(self.size.height as usize);
        for row in self.values.chunks_exact(width) {
            rows.push(row.iter().sum());
            for (sum, value) in columns.iter_mut().zip(row) {
                *sum += value;
            }
        }
        Window {
            left: best_start(&columns, crop.width, scaled.width),
            top: best_start(&rows, crop.height, scaled.height),
        }
    }
}

/// The start of the span of `length` in `0..dimension` with the greatest sum; `weights` are spread evenly over the dimension.
fn best_start(weights: &[u64], length: u32, dimension: u32) -> u32 {
    let free = u64::from(dimension.saturating_sub(length));
    let (count, dimension, length) = (weights.len() as u64, u64::from(dimension.max(1)), u64::from(length));
    let mut before = Vec::with_capacity(weights.len() + 1);
    let mut sum = 0_u64;
    for &weight in weights {
        before.push(sum);
        sum += weight;
    }
    before.push(sum);
    // The sum of everything left of `x`, in units of 1 / dimension: exact, with the pixel that x lies in counted by its part.
    let until = |x: u64| {
        let scaled = x * count;
        let index = usize::try_from(scaled / dimension).unwrap_or(usize::MAX);
        let part = u128::from(weights.get(index).copied().unwrap_or(0)) * u128::from(scaled % dimension);
        u128::from(before.get(index).copied().unwrap_or(sum)) * u128::from(dimension) + part
    };
    let mut best = (0_u64, 0_u128, u64::MAX);
    for start in 0..=free {
        let weight = until(start + length) - until(start);
        // Distance from the centre in half pixels.
        let off_centre = (2 * start).abs_diff(free);
        if weight > best.1 || (weight == best.1 && off_centre < best.2) {
            best = (start, weight, off_centre);
        }
    }
    u32::try_from(best.0).unwrap_or(0)
}

/// Maximum symmetric surround saliency of an sRGB picture.
pub(crate) fn salience(copy: &Picture) -> Weights {
    let size = copy.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let alphas = alphas(copy);
    let lab: Vec<[i64; 3]> = pixels(copy).map(lab).collect();
    let blurred = blur(&lab, width, height);
    let sums = Integral::of(&lab, width, height);
    let mut values = Vec::with_capacity(lab.len());
    for y in 0..height {
        // The largest window that is symmetric about the pixel and inside the picture.
        let reach_y = y.min(height - 1 - y);
        for x in 0..width {
            let reach_x = x.min(width - 1 - x);
            let (sum, count) = sums.window(x - reach_x, y - reach_y, x + reach_x + 1, y + reach_y + 1);
            let pixel = blurred.get(y * width + x).copied().unwrap_or_default();
            let mut distance = 0.0;
            for (sum, value) in sum.into_iter().zip(pixel) {
                // The blurred value is 256 times too large: the binomial weights sum to 256.
                let difference = to_f64(sum * 256 - value * count) / to_f64(count) / 256.0;
                distance += difference * difference;
            }
            values.push(distance);
        }
    }
    let values = values
        .into_iter()
        .zip(alphas)
        .map(|(distance, alpha)| whole(distance) * u64::from(alpha))
        .collect();
    Weights { size, values }
}

/// Entropy of the luminance around each pixel.
pub(crate) fn entropy(copy: &Picture) -> Weights {
    /// Brightness levels that are told apart.
    const LEVELS: usize = 32;
    let size = copy.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let levels: Vec<usize> = pixels(copy)
        .map(|[r, g, b]| (2126 * usize::from(r) + 7152 * usize::from(g) + 722 * usize::from(b)) / 10_000 * LEVELS / 256)
        .collect();
    // n * log2(n) in thousandths, for every count that can occur.
    let most = (2 * ENTROPY_RADIUS + 1) * (2 * ENTROPY_RADIUS + 1);
    let n_log_n: Vec<u64> = (0..=most as u64)
        .map(|n| {
            if n < 2 {
                0
            } else {
                whole(1000.0 * to_f64(n.cast_signed()) * to_f64(n.cast_signed()).log2())
            }
        })
        .collect();
    let look = |n: usize| n_log_n.get(n).copied().unwrap_or(0);
    let mut values = Vec::with_capacity(levels.len());
    for y in 0..height {
        let (top, bottom) = (y.saturating_sub(ENTROPY_RADIUS), (y + ENTROPY_RADIUS + 1).min(height));
        for x in 0..width {
            let (left, right) = (x.saturating_sub(ENTROPY_RADIUS), (x + ENTROPY_RADIUS + 1).min(width));
            let mut counts = [0_usize; LEVELS];
            for row in levels.chunks_exact(width).take(bottom).skip(top) {
                for &level in row.iter().take(right).skip(left) {
                    if let Some(count) = counts.get_mut(level) {
                        *count += 1;
                    }
                }
            }
            // H = log2(N) - sum(n log2 n) / N, in thousandths.
            let total = (bottom - top) * (right - left);
            let sum: u64 = counts.into_iter().map(look).sum();
            values.push(look(total).saturating_sub(sum) / (total as u64).max(1));
        }
    }
    let values = values
        .into_iter()
        .zip(alphas(copy))
        .map(|(bits, alpha)| bits * u64::from(alpha))
        .collect();
    Weights { size, values }
}

/// Colours on white, as most pages show what is transparent.
fn pixels(picture: &Picture) -> impl Iterator<Item = [u8; 3]> + '_ {
    picture
        .data()
        .chunks_exact(picture.channels())
        .map(|pixel| match *pixel {
            [r, g, b] => [r, g, b],
            [r, g, b, a] => [r, g, b].map(|v| {
                let sum = u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a));
                u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
            }),
            _ => [255; 3],
        })
}

/// What is transparent draws no eye.
fn alphas(picture: &Picture) -> Vec<u8> {
    picture
        .data()
        .chunks_exact(picture.channels())
        .map(|pixel| pixel.get(3).copied().unwrap_or(255))
        .collect()
}

/// CIELAB of an sRGB colour under D65 (CIE 15:2004; sRGB matrix and curve of IEC 61966-2-1), in whole parts of a unit.
#[allow(clippy::cast_possible_truncation)]
fn lab([r, g, b]: [u8; 3]) -> [i64; 3] {
    static LINEAR: OnceLock<Vec<f64>> = OnceLock::new();
    let curve = LINEAR.get_or_init(|| {
        let decode = |v: f64| {
            if v <= 0.04045 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            }
        };
        (0..=255_u8).map(|v| decode(f64::from(v) / 255.0)).collect()
    });
    let [r, g, b] = [r, g, b].map(|v| curve.get(usize::from(v)).copied().unwrap_or(0.0));
    let x = (0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47;
    let y = 0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b;
    let z = (0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83;
    let [x, y, z] = [x, y, z].map(|t| {
        if t > 216.0 / 24389.0 {
            t.cbrt()
        } else {
            (24389.0 / 27.0 * t + 16.0) / 116.0
        }
    });
    // Within a few hundred units, so the casts are exact.
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)].map(|v| (v * LAB_SCALE).round() as i64)
}

/// The 5x5 binomial blur, edges extended, times 256.
fn blur(lab: &[[i64; 3]], width: usize, height: usize) -> Vec<[i64; 3]> {
    let across = (0..height).flat_map(|y| {
        (0..width).map(move |x| {
            binomial(|offset| {
                lab.get(y * width + clamped(x, offset, width))
                    .copied()
                    .unwrap_or_default()
            })
        })
    });
    let across: Vec<_> = across.collect();
    let at = |x: usize, y: usize| across.get(y * width + x).copied().unwrap_or_default();
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| binomial(|offset| at(x, clamped(y, offset, height))))
        .collect()
}

/// 1 4 6 4 1 over the values at -2 to 2.
fn binomial(at: impl Fn(isize) -> [i64; 3]) -> [i64; 3] {
    let mut sum = [0; 3];
    for (offset, weight) in [(-2, 1), (-1, 4), (0, 6), (1, 4), (2, 1)] {
        for (sum, value) in sum.iter_mut().zip(at(offset)) {
            *sum += weight * value;
        }
    }
    sum
}

fn clamped(at: usize, offset: isize, length: usize) -> usize {
    at.saturating_add_signed(offset).min(length.saturating_sub(1))
}

/// Sums over everything above and left of each point.
struct Integral {
    sums: Vec<[i64; 3]>,
    stride: usize,
}

impl Integral {
    fn of(values: &[[i64; 3]], width: usize, height: usize) -> Self {
        let stride = width + 1;
        let mut sums = vec![[0; 3]; stride * (height + 1)];
        for (y, row) in values.chunks_exact(width.max(1)).enumerate() {
            let mut run = [0; 3];
            for (x, value) in row.iter().enumerate() {
                for (run, value) in run.iter_mut().zip(value) {
                    *run += value;
                }
                let above = sums[y * stride + x + 1];
                sums[(y + 1) * stride + x + 1] = [above[0] + run[0], above[1] + run[1], above[2] + run[2]];
            }
        }
        Self { sums, stride }
    }

    /// Sum and number of the values in a box; right and bottom exclusive.
    fn window(&self, left: usize, top: usize, right: usize, bottom: usize) -> ([i64; 3], i64) {
        let at = |x: usize, y: usize| self.sums.get(y * self.stride + x).copied().unwrap_or_default();
        let (a, b, c, d) = (at(left, top), at(right, top), at(left, bottom), at(right, bottom));
        let sum = [0, 1, 2].map(|channel: usize| d[channel] - b[channel] - c[channel] + a[channel]);
        (sum, i64::try_from((right - left) * (bottom - top)).unwrap_or(1).max(1))
    }
}

#[allow(clippy::cast_precision_loss)]
fn to_f64(value: i64) -> f64 {
    value as f64
}

/// The nearest whole number of something that is not negative and far below 2^52.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use calotype_codec::{Budget, Layout};

    use super::*;

    fn gray_with_spot(size: Size, spot: (u32, u32), radius: u32) -> Picture {
        let mut picture = Picture::new(size, Layout::Rgb, [128; 4], &Budget::unlimited()).unwrap();
        for y in 0..size.height {
            for x in 0..size.width {
                if x.abs_diff(spot.0) <= radius && y.abs_diff(spot.1) <= radius {
                    let at = (x as usize) * 3;
                    picture.row_mut(y)[at..at + 3].copy_from_slice(&[220, 30, 30]);
                }
            }
        }
        picture
    }

    #[test]
    fn lab_values_are_those_of_the_tables() {
        // White, and the sRGB primaries as published by Bruce Lindbloom's calculator (D65).
        for (color, want) in [
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
            ([0, 255, 0], [87.73, -86.18, 83.18]),
            ([0, 0, 255], [32.30, 79.19, -107.86]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
        ] {
            for (got, want) in lab(color).into_iter().zip(want) {
                assert!((to_f64(got) / LAB_SCALE - want).abs() < 0.03, "{color:?}: {got} {want}");
            }
        }
    }

    #[test]
    fn the_window_holds_what_stands_out() {
        for (spot, range) in [(20, 0..=12), (64, 30..=60), (110, 74..=88)] {
            let copy = gray_with_spot(Size::new(128, 40), (spot, 20), 5);
            for weights in [salience(&copy), entropy(&copy)] {
                let window = weights.best(Size::new(40, 40), Size::new(128, 40));
                assert!(range.contains(&window.left), "{spot}: {window:?}");
                assert!(
                    window.left <= spot - 5 && window.left + 40 > spot + 5,
                    "{spot}: {window:?}"
                );
                assert_eq!(window.top, 0);
            }
        }
    }

    #[test]
    fn nothing_to_see_is_cut_at_the_centre() {
        let copy = Picture::new(Size::new(100, 50), Layout::Rgb, [90; 4], &Budget::unlimited()).unwrap();
        for weights in [salience(&copy), entropy(&copy)] {
            assert_eq!(weights.best(Size::new(500, 500), Size::new(1000, 500)).left, 250);
        }
        // Of two equals that are equally near, the first.
        assert_eq!(best_start(&[1, 1, 1, 1], 1, 4), 1);
    }

    #[test]
    fn what_is_transparent_counts_for_nothing() {
        let mut copy = gray_with_spot(Size::new(100, 20), (10, 10), 5)
            .into_rgba(&Budget::unlimited())
            .unwrap();
        for row in copy.rows_mut() {
            row[..40 * 4].chunks_exact_mut(4).for_each(|pixel| pixel[3] = 0);
        }
        let weights = salience(&copy);
        assert!(
            weights
                .values
                .chunks_exact(100)
                .all(|row| row[..40].iter().all(|&v| v == 0))
        );
    }

    #[test]
    fn windows_are_placed_between_the_pixels_of_the_copy() {
        // All weight in the third of four pixels: the window of one and a half pixels starts anywhere from 1.5 to 2 of 4, nearest the centre at 1.5.
        assert_eq!(best_start(&[0, 0, 9, 0], 150, 400), 150);
        assert_eq!(best_start(&[0, 0, 0, 9], 100, 400), 300);
        assert_eq!(best_start(&[5], 100, 300), 100);
    }

    #[test]
    fn salience_equals_the_paper_computed_slowly() {
        let mut copy = gray_with_spot(Size::new(9, 7), (3, 4), 1);
        for (index, value) in copy.data_mut().iter_mut().enumerate() {
            *value = value.wrapping_add(u8::try_from(index * 37 % 61).unwrap());
        }
        let (w, h) = (9_usize, 7_usize);
        let lab: Vec<[f64; 3]> = pixels(&copy).map(|p| lab(p).map(|v| v as f64)).collect();
        let weights = [1.0, 4.0, 6.0, 4.0, 1.0];
        for y in 0..h {
            for x in 0..w {
                let (rx, ry) = (x.min(w - 1 - x), y.min(h - 1 - y));
                let (mut mean, mut blurred, mut n) = ([0.0; 3], [0.0; 3], 0.0);
                for yy in y - ry..=y + ry {
                    for xx in x - rx..=x + rx {
                        n += 1.0;
                        (0..3).for_each(|c| mean[c] += lab[yy * w + xx][c]);
                    }
                }
                for (j, wy) in weights.iter().enumerate() {
                    for (i, wx) in weights.iter().enumerate() {
                        let yy = (y + j).saturating_sub(2).min(h - 1);
                        let xx = (x + i).saturating_sub(2).min(w - 1);
                        (0..3).for_each(|c| blurred[c] += lab[yy * w + xx][c] * wx * wy / 256.0);
                    }
                }
                let want: f64 = (0..3).map(|c| (mean[c] / n - blurred[c]).powi(2)).sum();
                let got = to_f64(salience(&copy).values[y * w + x].cast_signed()) / 255.0;
                assert!((got - want).abs() <= 0.51, "{x},{y}: {got} {want}");
            }
        }
    }
}
