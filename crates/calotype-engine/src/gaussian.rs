//! The Gaussian as a kernel, and separable convolution with it.

use calotype_codec::{Budget, Picture};
use calotype_plan::Fault;

use crate::error::fault;

/// Standard deviations on each side of the kernel's middle. What lies outside is below a ten-thousandth of the whole.
const REACH_SIGMAS: f64 = 4.0;

/// The sampled Gaussian, normalised: `2k + 1` weights.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn kernel(sigma: f64) -> Vec<f32> {
    // A few dozen at most, so the cast is exact.
    let reach = (sigma * REACH_SIGMAS).ceil().clamp(1.0, 4096.0) as i32;
    let weight = |x: i32| (-f64::from(x * x) / (2.0 * sigma * sigma)).exp();
    let sum: f64 = (-reach..=reach).map(weight).sum();
    (-reach..=reach).map(|x| (weight(x) / sum) as f32).collect()
}

/// Convolves a picture with `kernel` along both axes, edges extended, and hands each row to `finish`: the premultiplied row before, the one after,
/// and where the result goes.
///
/// Works in place with a ring of as many rows as the kernel has weights.
pub(crate) fn convolve(
    picture: &mut Picture,
    kernel: &[f32],
    budget: &Budget,
    finish: impl Fn(&[f32], &mut [f32], &mut [u8]),
) -> Result<(), Fault> {
    let (channels, stride, height) = (picture.channels(), picture.stride(), picture.size().height as usize);
    let (taps, reach) = (kernel.len(), kernel.len() / 2);
    let padded_length = stride + 2 * reach * channels;
    let floats = (taps * stride + padded_length + stride) as u64;
    let _held = budget.reserve(floats.saturating_mul(4)).map_err(fault)?;
    let mut ring = vec![0.0_f32; taps * stride];
    let mut padded = vec![0.0_f32; padded_length];
    let mut blurred = vec![0.0_f32; stride];

    for y in 0..reach.min(height) {
        load(picture, y, slot(&mut ring, y, taps, stride), channels);
    }
    for y in 0..height {
        if y + reach < height {
            load(picture, y + reach, slot(&mut ring, y + reach, taps, stride), channels);
        }
        let column = padded
            .get_mut(reach * channels..reach * channels + stride)
            .unwrap_or_default();
        column.fill(0.0);
        for (tap, &weight) in kernel.iter().enumerate() {
            let from = (y + tap).saturating_sub(reach).min(height - 1);
            add_scaled(column, slot(&mut ring, from, taps, stride), weight);
        }
        extend_edges(&mut padded, reach, channels);
        blurred.fill(0.0);
        for (tap, &weight) in kernel.iter().enumerate() {
            add_scaled(&mut blurred, padded.get(tap * channels..).unwrap_or_default(), weight);
        }
        let out = picture
            .data_mut()
            .get_mut(y * stride..(y + 1) * stride)
            .unwrap_or_default();
        finish(slot(&mut ring, y, taps, stride), &mut blurred, out);
    }
    Ok(())
}

/// Premultiplied floats of 0..=255 become samples, rounded and clamped.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn store(values: &[f32], out: &mut [u8], channels: usize) {
    // Casts from floats saturate.
    if channels == 4 {
        for (out, &[r, g, b, a]) in out.as_chunks_mut::<4>().0.iter_mut().zip(values.as_chunks::<4>().0) {
            let alpha = (a + 0.5) as u8;
            *out = if alpha == 0 {
                [0; 4]
            } else {
                [
                    (r * 255.0 / a + 0.5) as u8,
                    (g * 255.0 / a + 0.5) as u8,
                    (b * 255.0 / a + 0.5) as u8,
                    alpha,
                ]
            };
        }
    } else {
        for (out, value) in out.iter_mut().zip(values) {
            *out = (value + 0.5) as u8;
        }
    }
}

/// The place of a row in the ring.
fn slot(ring: &mut [f32], y: usize, taps: usize, stride: usize) -> &mut [f32] {
    let start = (y % taps) * stride;
    ring.get_mut(start..start + stride).unwrap_or_default()
}

/// Reads a row as premultiplied floats.
fn load(picture: &Picture, y: usize, to: &mut [f32], channels: usize) {
    let stride = picture.stride();
    let row = picture.data().get(y * stride..(y + 1) * stride).unwrap_or_default();
    if channels == 4 {
        for (to, &[r, g, b, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(row.as_chunks::<4>().0) {
            let alpha = f32::from(a);
            let share = alpha / 255.0;
            *to = [f32::from(r) * share, f32::from(g) * share, f32::from(b) * share, alpha];
        }
    } else {
        for (to, &from) in to.iter_mut().zip(row) {
            *to = f32::from(from);
        }
    }
}

fn add_scaled(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from * weight;
    }
}

/// Repeats the first and the last pixel to both sides.
fn extend_edges(padded: &mut [f32], reach: usize, channels: usize) {
    let edge = reach * channels;
    let last = padded.len() - edge - channels;
    let (mut first_pixel, mut last_pixel) = ([0.0; 4], [0.0; 4]);
    for (channel, (first, end)) in first_pixel.iter_mut().zip(&mut last_pixel).enumerate().take(channels) {
        *first = padded.get(edge + channel).copied().unwrap_or(0.0);
        *end = padded.get(last + channel).copied().unwrap_or(0.0);
    }
    let fill = |part: &mut [f32], pixel: &[f32; 4]| {
        for out in part.chunks_exact_mut(channels) {
            out.iter_mut().zip(pixel).for_each(|(out, value)| *out = *value);
        }
    };
    fill(padded.get_mut(..edge).unwrap_or_default(), &first_pixel);
    fill(padded.get_mut(last + channels..).unwrap_or_default(), &last_pixel);
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;
    use calotype_plan::Size;

    use super::*;

    /// Some picture with structure.
    pub(crate) fn texture(size: Size, layout: Layout) -> Picture {
        let mut picture = Picture::new(size, layout, [0; 4], &Budget::unlimited()).unwrap();
        let mut state = 12345_u32;
        for value in picture.data_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = (state >> 24) as u8;
        }
        picture
    }

    /// The convolution in doubles, straight from the definition, with the same reach.
    fn slow(picture: &Picture, sigma: f64) -> Vec<[f64; 4]> {
        let reach = (sigma * REACH_SIGMAS).ceil() as i64;
        let weight = |d: i64| (-(d * d) as f64 / (2.0 * sigma * sigma)).exp();
        let total: f64 = (-reach..=reach).map(weight).sum();
        let (w, h) = (i64::from(picture.size().width), i64::from(picture.size().height));
        let mut out = Vec::new();
        for y in 0..h {
            for x in 0..w {
                let mut sum = [0.0; 4];
                for dy in -reach..=reach {
                    for dx in -reach..=reach {
                        let (sx, sy) = ((x + dx).clamp(0, w - 1), (y + dy).clamp(0, h - 1));
                        let pixel = picture
                            .pixel(u32::try_from(sx).unwrap(), u32::try_from(sy).unwrap())
                            .unwrap();
                        let weight = weight(dx) * weight(dy) / total / total;
                        let alpha = f64::from(pixel[3]) / 255.0;
                        (0..3).for_each(|c| sum[c] += f64::from(pixel[c]) * alpha * weight);
                        sum[3] += f64::from(pixel[3]) * weight;
                    }
                }
                out.push(sum);
            }
        }
        out
    }

    #[test]
    fn convolution_equals_its_definition() {
        for layout in [Layout::Rgb, Layout::Rgba] {
            for (size, sigma) in [
                (Size::new(13, 9), 0.6),
                (Size::new(1, 7), 1.0),
                (Size::new(6, 2), 2.5),
                (Size::new(1, 1), 4.0),
            ] {
                let source = texture(size, layout);
                let mut picture = source.duplicate(&Budget::unlimited()).unwrap();
                let channels = picture.channels();
                convolve(&mut picture, &kernel(sigma), &Budget::unlimited(), |_, blurred, out| {
                    store(blurred, out, channels);
                })
                .unwrap();
                for (got, want) in picture.data().chunks_exact(channels).zip(slow(&source, sigma)) {
                    let alpha = want[3] / 255.0;
                    for c in 0..3 {
                        assert!(
                            (f64::from(got[c]) - want[c] / alpha).abs() < 0.502,
                            "{size} {sigma}: {got:?} {want:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_flat_picture_stays_exactly_as_it_is() {
        for value in [0, 1, 77, 254, 255] {
            let mut picture = Picture::new(Size::new(9, 5), Layout::Rgb, [value; 4], &Budget::unlimited()).unwrap();
            convolve(&mut picture, &kernel(3.3), &Budget::unlimited(), |_, blurred, out| {
                store(blurred, out, 3);
            })
            .unwrap();
            assert!(picture.data().iter().all(|&v| v == value));
        }
    }
}
