//! Planes of deep samples to a picture of 8 bits.

use calotype_plan::Size;

use super::super::markers::Structure;
use crate::color::narrow;
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Layout, Picture};

/// What three components are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Gray,
    Rgb,
    /// JFIF's Y, Cb and Cr.
    Ycc,
}

/// How samples become colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colors {
    meaning: Meaning,
    /// The largest sample.
    most: u16,
}

impl Colors {
    /// By the markers, as libjpeg tells: JFIF is YCbCr, Adobe says what it is, then the names of the components tell. A
    /// lossless file that says nothing is RGB.
    pub(super) fn of(structure: &Structure<'_>, is_lossless: bool) -> Result<Self, CodecError> {
        let frame = structure.frame()?;
        let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
        let meaning = match (ids.as_slice(), structure.adobe) {
            ([_], _) => Meaning::Gray,
            _ if structure.is_jfif => Meaning::Ycc,
            (_, Some(0)) => Meaning::Rgb,
            (_, Some(_)) => Meaning::Ycc,
            (b"RGB", None) => Meaning::Rgb,
            _ if is_lossless => Meaning::Rgb,
            _ => Meaning::Ycc,
        };
        let most = u16::MAX >> 16u32.saturating_sub(frame.precision.into()).min(15);
        Ok(Self { meaning, most })
    }
}

/// One component.
#[derive(Debug)]
pub(super) struct Plane {
    /// Samples from one row to the next.
    pub(super) stride: usize,
    /// Samples that belong to the picture.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Low bits that were cut off.
    pub(super) shift: u8,
    /// Samples for one pixel, across and down: 1 or less.
    pub(super) scale: (f32, f32),
    pub(super) samples: Vec<u16>,
}

impl Plane {
    /// A row of the picture, enlarged where the component is smaller: linear between the
    /// centres of samples, as libjpeg's "fancy" enlarging.
    fn row(&self, y: usize, out: &mut [f32]) {
        let (top, bottom, down) = between(y, self.scale.1, self.height);
        let row = |y: usize| self.samples.get(y * self.stride..).unwrap_or_default();
        let (above, below) = (row(top), row(bottom));
        let value = |row: &[u16], x: usize| f32::from(row.get(x).copied().unwrap_or(0) << self.shift);
        if self.scale == (1.0, 1.0) {
            out.iter_mut().enumerate().for_each(|(x, out)| *out = value(above, x));
            return;
        }
        for (x, out) in out.iter_mut().enumerate() {
            let (left, right, along) = between(x, self.scale.0, self.width);
            let mix = |row: &[u16]| value(row, left) * (1.0 - along) + value(row, right) * along;
            *out = mix(above) * (1.0 - down) + mix(below) * down;
        }
    }
}

/// The two samples around a place, and how far it is from the first to the second.
fn between(at: usize, scale: f32, count: usize) -> (usize, usize, f32) {
    let place = ((at as f32 + 0.5) * scale - 0.5).clamp(0.0, count.saturating_sub(1) as f32);
    let first = place as usize;
    (first, (first + 1).min(count.saturating_sub(1)), place - first as f32)
}

/// The picture, and how its samples become sRGB. Colours that are not sRGB are converted while the samples are deep,
/// unless they are to be kept and 8 bits do.
pub(super) fn picture(
    size: Size,
    planes: &[Plane],
    colors: Colors,
    icc: Option<Vec<u8>>,
    request: &DecodeRequest,
    budget: &Budget,
) -> Result<(Picture, ColorSource), CodecError> {
    let mut color = icc.map_or(ColorSource::Srgb, ColorSource::from_icc);
    let conversion = color.deep_conversion(request.keep_colors);
    let mut picture = Picture::new(size, Layout::Rgb, [0; 4], budget)?;
    let width = size.width as usize;
    let mut rows = vec![vec![0.0f32; width]; planes.len()];
    let (mut wide, mut converted) = (vec![0u16; width * 3], vec![0u16; width * 3]);
    let most = f32::from(colors.most);
    let middle = f32::from(colors.most / 2 + 1);
    let level = |value: f32| (value.clamp(0.0, most) / most * 65_535.0).round() as u16;
    for (y, out) in picture.rows_mut().enumerate() {
        for (plane, row) in planes.iter().zip(&mut rows) {
            plane.row(y, row);
        }
        match rows.as_slice() {
            [a, b, c] => {
                for (to, ((&a, &b), &c)) in wide.as_chunks_mut::<3>().0.iter_mut().zip(a.iter().zip(b).zip(c)) {
                    *to = if colors.meaning == Meaning::Ycc {
                        // JFIF 1.02, as ITU-T T.871 section 7 writes it for any number of bits.
                        let (blue, red) = (b - middle, c - middle);
                        [
                            level(a + 1.402 * red),
                            level(a - 0.344_136 * blue - 0.714_136 * red),
                            level(a + 1.772 * blue),
                        ]
                    } else {
                        [level(a), level(b), level(c)]
                    };
                }
            }
            _ => {
                let gray = rows.first().map(Vec::as_slice).unwrap_or_default();
                for (to, &value) in wide.as_chunks_mut::<3>().0.iter_mut().zip(gray) {
                    *to = [level(value); 3];
                }
            }
        }
        let samples = match &conversion {
            Some(conversion) => {
                conversion.rgb16(&wide, &mut converted)?;
                &converted
            }
            None => &wide,
        };
        out.iter_mut().zip(samples).for_each(|(to, &from)| *to = narrow(from));
    }
    if conversion.is_some() {
        color = ColorSource::Srgb;
    }
    Ok((picture, color))
}
