//! From the planes of a decoded frame to 8-bit RGB, by the equations of ITU-T H.273, section 8.3, in single precision: results are those of exact
//! arithmetic, rounded to nearest, except within 1/1000 of a tie. No fused operations are used, so every machine gives the same.
//!
//! Chroma is upsampled bilinearly with its samples between luma samples, whatever position the file claims, as libavif does by default. The cells of
//! a grid are upsampled one by one: at their seams chroma is repeated instead of blended, at most a quarter of the step between two samples.
//!
//! 10 and 12 bits are rounded to 8 here, before any conversion of colour; for PQ and HLG that is coarser than the file is.

use super::container::Nclx;
use super::rav1d::{Frame, Sampling};
use crate::{CodecError, Layout, Picture};

/// The matrix of a frame, with its scaling to 0..=255 worked in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Converter {
    luma_bias: f32,
    luma_scale: f32,
    chroma_bias: f32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// R = Y + rv V, G = Y + gu U + gv V, B = Y + bu U.
    Difference { rv: f32, gu: f32, gv: f32, bu: f32 },
    /// The planes are G, B, R.
    Identity,
    /// R = Y - U + V, G = Y + U, B = Y - U - V, with this scale on U and V.
    YCgCo(f32),
}

impl Converter {
    /// The conversion for these code points at this depth.
    pub(super) fn new(cicp: Nclx, depth: u8, sampling: Sampling) -> Result<Self, CodecError> {
        let (luma_bias, luma_range, chroma_range, chroma_bias) = ranges(depth, cicp.full_range);
        let chroma_scale = 255.0 / chroma_range;
        let kind = match cicp.matrix {
            // Without chroma there is nothing that a matrix could do.
            _ if sampling == Sampling::Monochrome => difference(0.299, 0.114, chroma_scale),
            0 if sampling == Sampling::Full => Kind::Identity,
            8 => Kind::YCgCo(chroma_scale as f32),
            matrix => {
                let (kr, kb) = luma_weights(matrix, cicp.primaries).ok_or_else(|| {
                    CodecError::unsupported(format!("an AVIF picture with matrix coefficients {matrix}"))
                })?;
                difference(kr, kb, chroma_scale)
            }
        };
        Ok(Self {
            luma_bias: luma_bias as f32,
            luma_scale: (255.0 / luma_range) as f32,
            chroma_bias: chroma_bias as f32,
            kind,
        })
    }
}

/// The conversion of planes that have been resampled to one size and to 8 bits.
#[derive(Debug)]
pub(crate) struct PlaneConverter(Converter);

impl PlaneConverter {
    /// For planes of `depth` bits whose samples were multiplied by `255 / (2^depth - 1)`.
    pub(super) fn new(cicp: Nclx, depth: u8, sampling: Sampling) -> Result<Self, CodecError> {
        let mut by = Converter::new(cicp, depth, sampling)?;
        let step = ((f64::from(1u32 << depth.clamp(8, 16)) - 1.0) / 255.0) as f32;
        by.luma_bias /= step;
        by.luma_scale *= step;
        by.chroma_bias /= step;
        match &mut by.kind {
            Kind::Difference { rv, gu, gv, bu } => [rv, gu, gv, bu].into_iter().for_each(|factor| *factor *= step),
            Kind::Identity => {}
            Kind::YCgCo(scale) => *scale *= step,
        }
        Ok(Self(by))
    }

    /// For the planes of a lossy WebP: BT.601, limited range, 8 bits.
    pub(crate) fn limited_bt601() -> Result<Self, CodecError> {
        let cicp = Nclx {
            primaries: 1,
            transfer: 13,
            matrix: 6,
            full_range: false,
        };
        Self::new(cicp, 8, Sampling::Half)
    }

    /// Whether the planes are what JPEG has: BT.601, full range, 8 bits.
    pub(super) fn is_jfif(&self) -> bool {
        let jfif = difference(0.299, 0.114, 1.0);
        let by = &self.0;
        by.luma_bias == 0.0 && by.luma_scale == 1.0 && by.chroma_bias == 128.0 && by.kind == jfif
    }

    /// Converts a row to RGB.
    pub(crate) fn row(&self, luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
        let float = |row: &[u8]| row.iter().map(|&sample| f32::from(sample)).collect::<Vec<_>>();
        paint(
            rgb.as_chunks_mut::<3>().0,
            &self.0,
            false,
            [&float(luma), &float(blue), &float(red)],
        );
    }
}

/// Bias and range of luma, range and bias of chroma (H.273, equations 20 to 31).
fn ranges(depth: u8, full_range: bool) -> (f64, f64, f64, f64) {
    let unit = f64::from(1u32 << (depth.clamp(8, 16) - 8));
    let max = unit * 256.0 - 1.0;
    if full_range {
        (0.0, max, max, unit * 128.0)
    } else {
        (unit * 16.0, unit * 219.0, unit * 224.0, unit * 128.0)
    }
}

fn difference(kr: f64, kb: f64, scale: f64) -> Kind {
    let kg = 1.0 - kr - kb;
    Kind::Difference {
        rv: (2.0 * (1.0 - kr) * scale) as f32,
        gu: (-2.0 * kb * (1.0 - kb) / kg * scale) as f32,
        gv: (-2.0 * kr * (1.0 - kr) / kg * scale) as f32,
        bu: (2.0 * (1.0 - kb) * scale) as f32,
    }
}

/// The weights of red and blue in luma (H.273, table 4). An unspecified matrix is read as BT.601, as libavif and browsers do.
fn luma_weights(matrix: u16, primaries: u16) -> Option<(f64, f64)> {
    match matrix {
        1 => Some((0.2126, 0.0722)),
        4 => Some((0.30, 0.11)),
        2 | 5 | 6 => Some((0.299, 0.114)),
        7 => Some((0.212, 0.087)),
        9 => Some((0.2627, 0.0593)),
        // Derived from the primaries; these are the ones in use.
        12 => match primaries {
            1 | 2 => Some((0.2126, 0.0722)),
            9 => Some((0.2627, 0.0593)),
            // H.273, equations 32 to 37, for the primaries of Display P3 with white D65.
            12 => Some((0.228_975, 0.079_287)),
            _ => None,
        },
        _ => None,
    }
}

/// Writes a frame into a picture, its corner at `left`, `top` of the picture; what lies outside is left out. Alpha is not touched.
pub(super) fn write_color(frame: &Frame, converter: &Converter, picture: &mut Picture, left: i64, top: i64) {
    let width = frame.size.width as usize;
    let chroma = frame.sampling.chroma(frame.size);
    let (chroma_width, halved) = (chroma.width as usize, frame.sampling != Sampling::Full);
    let mut luma = vec![0.0; width];
    let mut planes = [vec![0.0; width], vec![0.0; width]];
    let mut blended = vec![0.0; chroma_width];
    for y in 0..frame.size.height {
        let Some(mut out) = Target::row(picture, left, top, y, width) else {
            continue;
        };
        read(frame, 0, y, &mut luma);
        if frame.sampling != Sampling::Monochrome {
            for (index, plane) in planes.iter_mut().enumerate() {
                let upsampled = if halved { &mut blended } else { &mut *plane };
                read_chroma(frame, index + 1, y, chroma.height, upsampled);
                if halved {
                    double(&blended, plane);
                }
            }
        }
        out.color(
            converter,
            frame.sampling == Sampling::Monochrome,
            &luma,
            &planes[0],
            &planes[1],
        );
    }
}

/// Writes the luma of a frame into the alpha channel of a picture.
pub(super) fn write_alpha(frame: &Frame, full_range: bool, picture: &mut Picture, left: i64, top: i64) {
    let (bias, range, _, _) = ranges(frame.depth, full_range);
    let (bias, scale) = (bias as f32, (255.0 / range) as f32);
    let width = frame.size.width as usize;
    let mut luma = vec![0.0; width];
    for y in 0..frame.size.height {
        let Some(out) = Target::row(picture, left, top, y, width) else {
            continue;
        };
        read(frame, 0, y, &mut luma);
        for (pixel, &sample) in out
            .pixels
            .chunks_exact_mut(out.channels)
            .zip(luma.get(out.skip..).unwrap_or_default())
        {
            if let Some(alpha) = pixel.get_mut(3) {
                *alpha = to_u8((sample - bias) * scale);
            }
        }
    }
}

/// Divides colours by alpha, rounding to nearest.
pub(crate) fn unpremultiply(picture: &mut Picture) {
    if picture.layout() != Layout::Rgba {
        return;
    }
    for [r, g, b, a] in picture.data_mut().as_chunks_mut::<4>().0 {
        let alpha = u32::from(*a);
        for sample in [r, g, b] {
            *sample = match alpha {
                0 => 0,
                _ => u8::try_from((u32::from(*sample) * 255 + alpha / 2) / alpha).unwrap_or(255),
            };
        }
    }
}

/// The part of a picture's row that a frame's row falls on.
struct Target<'a> {
    pixels: &'a mut [u8],
    channels: usize,
    /// Samples of the frame's row that lie left of the picture.
    skip: usize,
}

impl<'a> Target<'a> {
    fn row(picture: &'a mut Picture, left: i64, top: i64, y: u32, width: usize) -> Option<Self> {
        let (size, channels, stride) = (picture.size(), picture.channels(), picture.stride());
        let row = usize::try_from(top.checked_add(i64::from(y))?)
            .ok()
            .filter(|&row| row < size.height as usize)?;
        let skip = usize::try_from(left.min(0).unsigned_abs()).ok()?;
        let start = usize::try_from(left.max(0)).ok()?;
        let count = width.checked_sub(skip)?.min((size.width as usize).checked_sub(start)?);
        let from = row.checked_mul(stride)?.checked_add(start.checked_mul(channels)?)?;
        let pixels = picture
            .data_mut()
            .get_mut(from..from.checked_add(count.checked_mul(channels)?)?)?;
        (count > 0).then_some(Self { pixels, channels, skip })
    }

    fn color(&mut self, by: &Converter, is_gray: bool, luma: &[f32], u: &[f32], v: &[f32]) {
        let rows = [luma, u, v].map(|row| row.get(self.skip..).unwrap_or_default());
        // The number of channels is known to the compiler in each branch, which makes the loops twice as fast.
        match self.channels {
            3 => paint(self.pixels.as_chunks_mut::<3>().0, by, is_gray, rows),
            _ => paint(self.pixels.as_chunks_mut::<4>().0, by, is_gray, rows),
        }
    }
}

/// Sets red, green and blue of a row of pixels.
fn paint<const N: usize>(pixels: &mut [[u8; N]], by: &Converter, is_gray: bool, [luma, u, v]: [&[f32]; 3]) {
    const { assert!(N >= 3) };
    let scaled = |y: f32| (y - by.luma_bias) * by.luma_scale;
    let pixels = pixels.iter_mut().zip(luma.iter().zip(u).zip(v));
    let set = |pixel: &mut [u8; N], r: f32, g: f32, b: f32| {
        (pixel[0], pixel[1], pixel[2]) = (to_u8(r), to_u8(g), to_u8(b));
    };
    match by.kind {
        _ if is_gray => pixels.for_each(|(pixel, ((&y, _), _))| set(pixel, scaled(y), scaled(y), scaled(y))),
        Kind::Difference { rv, gu, gv, bu } => pixels.for_each(|(pixel, ((&y, &u), &v))| {
            let (y, u, v) = (scaled(y), u - by.chroma_bias, v - by.chroma_bias);
            set(pixel, y + rv * v, y + gu * u + gv * v, y + bu * u);
        }),
        Kind::Identity => pixels.for_each(|(pixel, ((&y, &u), &v))| set(pixel, scaled(v), scaled(y), scaled(u))),
        Kind::YCgCo(scale) => pixels.for_each(|(pixel, ((&y, &u), &v))| {
            let (y, u, v) = (scaled(y), (u - by.chroma_bias) * scale, (v - by.chroma_bias) * scale);
            set(pixel, y - u + v, y + u, y - u - v);
        }),
    }
}

/// A row of a plane, as floats. What the frame does not have stays as it was.
fn read(frame: &Frame, plane: usize, y: u32, out: &mut [f32]) {
    if frame.depth == 8 {
        out.iter_mut()
            .zip(frame.row8(plane, y))
            .for_each(|(out, &sample)| *out = f32::from(sample));
    } else {
        out.iter_mut()
            .zip(frame.row16(plane, y))
            .for_each(|(out, &sample)| *out = f32::from(sample));
    }
}

/// The chroma row that lies at luma row `y`: three parts of the nearer row and one of the farther, where rows are halved. Exact in floats.
fn read_chroma(frame: &Frame, plane: usize, y: u32, height: u32, out: &mut [f32]) {
    if frame.sampling != Sampling::Half {
        return read(frame, plane, y, out);
    }
    let near = y / 2;
    let far = if y % 2 == 1 {
        near.saturating_add(1).min(height.saturating_sub(1))
    } else {
        near.saturating_sub(1)
    };
    if frame.depth == 8 {
        let rows = frame.row8(plane, near).iter().zip(frame.row8(plane, far));
        out.iter_mut()
            .zip(rows)
            .for_each(|(out, (&a, &b))| *out = f32::from(u16::from(a) * 3 + u16::from(b)) * 0.25);
    } else {
        let rows = frame.row16(plane, near).iter().zip(frame.row16(plane, far));
        out.iter_mut()
            .zip(rows)
            .for_each(|(out, (&a, &b))| *out = (f32::from(a) * 3.0 + f32::from(b)) * 0.25);
    }
}

/// Doubles a row: each output lies a quarter of a sample from the nearer input. Exact in floats.
fn double(row: &[f32], out: &mut [f32]) {
    let (Some(&first), Some(&last)) = (row.first(), row.last()) else {
        return;
    };
    debug_assert_eq!(out.len().div_ceil(2), row.len());
    for ((pair, &here), (&before, &after)) in out.chunks_mut(2).zip(row).zip(
        std::iter::once(&first)
            .chain(row)
            .zip(row.iter().skip(1).chain(std::iter::once(&last))),
    ) {
        if let [even, rest @ ..] = pair {
            *even = here * 0.75 + before * 0.25;
            if let [odd] = rest {
                *odd = here * 0.75 + after * 0.25;
            }
        }
    }
}

/// Rounds to nearest within 0..=255.
fn to_u8(value: f32) -> u8 {
    // Adding 2^23 leaves the rounded integer in the low bits of the float; the clamp makes them fit a byte.
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits().to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use calotype_plan::Size;

    fn rgb(cicp: Nclx, depth: u8, [y, u, v]: [f32; 3]) -> [u8; 3] {
        let converter = Converter::new(cicp, depth, Sampling::Full).unwrap();
        let mut picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![7; 3]).unwrap();
        Target::row(&mut picture, 0, 0, 0, 1)
            .unwrap()
            .color(&converter, false, &[y], &[u], &[v]);
        [picture.data()[0], picture.data()[1], picture.data()[2]]
    }

    const fn cicp(matrix: u16, full_range: bool) -> Nclx {
        Nclx {
            primaries: 1,
            transfer: 13,
            matrix,
            full_range,
        }
    }

    #[test]
    fn known_colours_come_out_of_every_matrix_range_and_depth() {
        // White, black and the primaries by H.273, equations 20 to 31, worked by hand: limited BT.709 red is 16 + 219 * 0.2126 = 62.6, 128 - 224 * 0.2126
        // / 1.8556 = 102.3 and 128 + 112 = 240; BT.2020 red is 73.5, 96.7 and 240; at 10 bits four times that.
        assert_eq!(rgb(cicp(1, false), 8, [235.0, 128.0, 128.0]), [255, 255, 255]);
        assert_eq!(rgb(cicp(1, false), 8, [16.0, 128.0, 128.0]), [0, 0, 0]);
        assert_eq!(rgb(cicp(1, false), 8, [62.559, 102.336, 240.0]), [255, 0, 0]);
        assert_eq!(rgb(cicp(9, false), 10, [294.13, 386.92, 960.0]), [255, 0, 0]);
        assert_eq!(rgb(cicp(6, true), 8, [76.245, 84.972, 255.5]), [255, 0, 0]);
        assert_eq!(rgb(cicp(2, true), 8, [29.07, 255.5, 107.265]), [0, 0, 255]);
        assert_eq!(rgb(cicp(6, true), 12, [4095.0, 2048.0, 2048.0]), [255, 255, 255]);
        assert_eq!(rgb(cicp(6, true), 10, [512.0, 512.0, 512.0]), [128, 128, 128]);
        assert_eq!(rgb(cicp(0, true), 8, [1.0, 2.0, 3.0]), [3, 1, 2]);
        assert_eq!(rgb(cicp(0, false), 8, [235.0, 16.0, 16.0]), [0, 255, 0]);
        // YCgCo: Y = 0.25 R + 0.5 G + 0.25 B, Cg = -0.25 R + 0.5 G - 0.25 B, Co = 0.5 R - 0.5 B.
        assert_eq!(rgb(cicp(8, true), 8, [110.0, 138.0, 98.0]), [70, 120, 130]);
        let converter = Converter::new(cicp(10, true), 8, Sampling::Full);
        assert!(matches!(converter, Err(CodecError::Unsupported { .. })));
        assert!(Converter::new(cicp(0, true), 8, Sampling::Half).is_err());
        assert!(Converter::new(cicp(0, true), 8, Sampling::Monochrome).is_ok());
    }

    #[test]
    fn planes_that_were_made_8_bits_keep_their_black_white_and_grey() {
        for (cicp, depth) in [
            (cicp(1, false), 10),
            (cicp(9, false), 12),
            (cicp(6, true), 10),
            (cicp(1, false), 8),
        ] {
            let converter = PlaneConverter::new(cicp, depth, Sampling::Half).unwrap();
            let max = f64::from((1u32 << depth) - 1);
            let unit = f64::from(1u32 << (depth - 8));
            let eight = |value: f64| (value * 255.0 / max).round() as u8;
            let white = if cicp.full_range { max } else { 235.0 * unit };
            let mut out = [0; 3];
            converter.row(
                &[eight(white)],
                &[eight(128.0 * unit)],
                &[eight(128.0 * unit)],
                &mut out,
            );
            assert!(out.iter().all(|&sample| sample >= 254), "{depth} bits: {out:?}");
            assert!(!converter.is_jfif());
        }
        assert!(PlaneConverter::new(cicp(6, true), 8, Sampling::Half).unwrap().is_jfif());
        assert!(!PlaneConverter::new(cicp(1, true), 8, Sampling::Half).unwrap().is_jfif());
    }

    #[test]
    fn values_are_rounded_to_nearest_and_clamped() {
        for (value, expected) in [
            (-7.0, 0),
            (0.49, 0),
            (0.51, 1),
            (127.499, 127),
            (254.51, 255),
            (400.0, 255),
            (f32::NAN, 0),
        ] {
            assert_eq!(to_u8(value), expected, "{value}");
        }
    }

    #[test]
    fn chroma_between_samples_is_three_parts_near_and_one_far() {
        let mut out = [0.0; 5];
        double(&[0.0, 8.0, 4.0], &mut out);
        assert_eq!(out, [0.0, 2.0, 6.0, 7.0, 5.0]);
        let mut one = [9.0];
        double(&[3.0], &mut one);
        assert_eq!(one, [3.0]);
    }

    #[test]
    fn rows_that_lie_partly_outside_are_cut() {
        let mut picture = Picture::from_raw(Size::new(3, 2), Layout::Rgb, vec![0; 18]).unwrap();
        let mut shape = |left, top, y, width| {
            Target::row(&mut picture, left, top, y, width).map(|row| (row.pixels.len() / row.channels, row.skip))
        };
        assert_eq!(shape(0, 0, 0, 3), Some((3, 0)));
        assert_eq!(shape(-2, -1, 1, 4), Some((2, 2)));
        assert_eq!(shape(2, 0, 1, 9), Some((1, 0)));
        assert_eq!(shape(3, 0, 0, 1), None);
        assert_eq!(shape(-4, 0, 0, 4), None);
        assert_eq!(shape(0, -1, 0, 3), None);
        assert_eq!(shape(0, 1, 1, 3), None);
    }

    #[test]
    fn dividing_by_alpha_rounds_and_saturates() {
        let pixels = vec![64, 0, 128, 128, 9, 9, 9, 0, 10, 20, 30, 255, 200, 1, 2, 3];
        let mut picture = Picture::from_raw(Size::new(4, 1), Layout::Rgba, pixels).unwrap();
        unpremultiply(&mut picture);
        // 64 * 255 / 128 = 127.5; 255 / 3 = 85; 2 * 255 / 3 = 170.
        assert_eq!(
            picture.data(),
            [128, 0, 255, 128, 0, 0, 0, 0, 10, 20, 30, 255, 255, 85, 170, 3]
        );
    }
}
