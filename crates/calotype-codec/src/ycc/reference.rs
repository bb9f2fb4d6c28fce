//! The planes of a picture by the definition, in f64: what tests of the encoders feed and compare with.

use super::{Chroma, Range, YccPicture};
use crate::{Budget, Picture};

/// Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402 (JFIF 1.02; ITU-R BT.601, section 2.5), each the mean of the pixels that the
/// sample stands for, rounded to nearest once.
pub(crate) fn planes(picture: &Picture, chroma: Chroma, range: Range) -> YccPicture {
    let size = picture.size();
    let mut out = YccPicture::new(size, chroma, range, &Budget::unlimited()).unwrap();
    let (luma_scale, chroma_scale, black) = match range {
        Range::Full => (1.0, 1.0, 0.0),
        Range::Limited => (219.0 / 255.0, 224.0 / 255.0, 16.0),
    };
    let ycc = |x: u32, y: u32| {
        let [r, g, b, _] = picture.pixel(x, y).unwrap().map(f64::from);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        [
            black + luma_scale * luma,
            128.0 + chroma_scale * (b - luma) / 1.772,
            128.0 + chroma_scale * (r - luma) / 1.402,
        ]
    };
    for plane in 0..3 {
        let step = if plane > 0 && chroma == Chroma::Half { 2 } else { 1 };
        let plane_size = out.plane_size(plane);
        let mut samples = Vec::new();
        for y in 0..plane_size.height {
            for x in 0..plane_size.width {
                let across = x * step..(x * step + step).min(size.width);
                let pixels: Vec<_> = across
                    .flat_map(|x| (y * step..(y * step + step).min(size.height)).map(move |y| (x, y)))
                    .collect();
                let sum: f64 = pixels.iter().map(|&(x, y)| ycc(x, y)[plane]).sum();
                samples.push((sum / pixels.len() as f64).round() as u8);
            }
        }
        out.plane_mut(plane).copy_from_slice(&samples);
    }
    out
}
