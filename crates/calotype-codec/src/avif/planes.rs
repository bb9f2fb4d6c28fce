//! From 8-bit RGB to the planes that are encoded: BT.601, full range, 4:2:0, as in JPEG (JFIF 1.02), in integers.

use calotype_plan::Size;

use super::aom::Source;
use crate::{Layout, Picture};

/// Planes of a picture, rows without padding. Without chroma they are a mask.
#[derive(Debug)]
pub(super) struct Planes {
    /// Size of the luma plane; chroma is half of it, rounded up.
    pub(super) size: Size,
    /// Luma.
    pub(super) luma: Vec<u8>,
    /// Cb.
    pub(super) chroma_blue: Vec<u8>,
    /// Cr.
    pub(super) chroma_red: Vec<u8>,
}

impl Planes {
    /// The planes as the encoder takes them.
    pub(super) fn source(&self) -> Source<'_> {
        let is_mask = self.chroma_blue.is_empty();
        Source {
            size: self.size,
            luma: &self.luma,
            chroma: (!is_mask).then_some([&self.chroma_blue, &self.chroma_red]),
        }
    }

    /// Bytes of the planes of a picture of `size`, with those of its mask.
    pub(super) const fn bytes(size: Size) -> u64 {
        size.area().saturating_mul(3)
    }

    /// The colours of a picture. Chroma is the mean of 2x2 pixels, of which each counts by its alpha, so that invisible colours do not bleed.
    pub(super) fn color(picture: &Picture) -> Self {
        let size = picture.size();
        let (channels, has_alpha) = (picture.channels(), picture.layout() == Layout::Rgba);
        let luma = picture
            .data()
            .chunks_exact(channels)
            .map(|pixel| luma(rgb(pixel)))
            .collect();
        let chroma_px = size.width.div_ceil(2) as usize * size.height.div_ceil(2) as usize;
        let mut this = Self {
            size,
            luma,
            chroma_blue: Vec::with_capacity(chroma_px),
            chroma_red: Vec::with_capacity(chroma_px),
        };
        for y in (0..size.height).step_by(2) {
            let upper = picture.row(y).chunks(2 * channels);
            // The last row of an odd height has none below, and stands for both.
            let below = if y.saturating_add(1) < size.height {
                picture.row(y + 1)
            } else {
                picture.row(y)
            };
            for (upper, lower) in upper.zip(below.chunks(2 * channels)) {
                let pixels = || upper.chunks_exact(channels).chain(lower.chunks_exact(channels));
                let weight = |pixel: &[u8]| {
                    if has_alpha {
                        pixel.get(3).copied().map_or(0, i64::from)
                    } else {
                        1
                    }
                };
                let visible: i64 = pixels().map(weight).sum();
                let (mut sums, mut total) = ([0i64; 3], 0);
                for pixel in pixels() {
                    let weight = if visible == 0 { 1 } else { weight(pixel) };
                    total += weight;
                    for (sum, sample) in sums.iter_mut().zip(rgb(pixel)) {
                        *sum += weight * i64::from(sample);
                    }
                }
                this.chroma_blue.push(chroma(sums, total, [-11_058, -21_710, 32_768]));
                this.chroma_red.push(chroma(sums, total, [32_768, -27_439, -5_329]));
            }
        }
        this
    }

    /// The alpha of a picture, as a mask.
    pub(super) fn alpha(picture: &Picture) -> Self {
        let luma = picture
            .data()
            .chunks_exact(picture.channels())
            .map(|pixel| pixel.get(3).copied().unwrap_or(u8::MAX))
            .collect();
        Self {
            size: picture.size(),
            luma,
            chroma_blue: Vec::new(),
            chroma_red: Vec::new(),
        }
    }
}

fn rgb(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [r, g, b, ..] => [r, g, b],
        _ => [0; 3],
    }
}

/// 0.299 R + 0.587 G + 0.114 B in 1/65536, which add up to 1.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
    u8::try_from((sum + 32_768) >> 16).unwrap_or(u8::MAX)
}

/// 128 plus the weighted sum of the mean colour, with weights in 1/65536, rounded to nearest.
fn chroma(sums: [i64; 3], total: i64, weights: [i64; 3]) -> u8 {
    let sum: i64 = sums.iter().zip(weights).map(|(sum, weight)| sum * weight).sum();
    let denominator = total.max(1) * 65_536;
    let value = (sum + 128 * denominator + denominator / 2).div_euclid(denominator);
    u8::try_from(value.clamp(0, 255)).unwrap_or(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_colours_have_the_planes_of_jfif() {
        // JFIF 1.02: Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772 + 128, Cr = (R - Y) / 1.402 + 128, rounded by hand.
        for (rgb, ycc) in [
            ([255, 0, 0], [76, 85, 255]),
            ([0, 255, 0], [150, 44, 21]),
            ([0, 0, 255], [29, 255, 107]),
            ([255, 255, 255], [255, 128, 128]),
            ([10, 200, 90], [131, 105, 42]),
        ] {
            let picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, rgb.to_vec()).unwrap();
            let planes = Planes::color(&picture);
            assert_eq!(
                [planes.luma[0], planes.chroma_blue[0], planes.chroma_red[0]],
                ycc,
                "{rgb:?}"
            );
        }
    }

    #[test]
    fn invisible_pixels_do_not_colour_their_neighbours() {
        let pixels = [[255, 0, 0, 255], [0, 255, 0, 0], [0, 0, 255, 0]];
        let picture = Picture::from_raw(Size::new(3, 1), Layout::Rgba, pixels.concat()).unwrap();
        let planes = Planes::color(&picture);
        // Red alone, then blue alone, although invisible: there is nothing else.
        assert_eq!(
            (planes.chroma_blue.as_slice(), planes.chroma_red.as_slice()),
            (&[85, 255][..], &[255, 107][..])
        );
        assert_eq!(Planes::alpha(&picture).luma, [255, 0, 0]);
    }
}
