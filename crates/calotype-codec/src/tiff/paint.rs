//! Samples to pixels, by what they mean (TIFF 6.0, PhotometricInterpretation).

use std::sync::Arc;

use super::chunks::Chunks;
use super::facts::{Alpha, Colors, Facts, Kind, tag};
use super::lab;
use super::ycbcr::YCbCrToRgb;
use crate::color::{CmykToSrgb, Conversion, narrow};
use crate::{CodecError, ColorSource};

/// Makes rows of pixels out of rows of samples.
pub(super) struct Painter {
    colors: Colors,
    palette: Vec<[u16; 3]>,
    inks: Option<CmykToSrgb>,
    ycbcr: Option<YCbCrToRgb>,
    alpha: Option<Alpha>,
    /// Whether samples have more than 8 bits.
    wide: bool,
    /// Whether fractions are linear light: floating point without a profile.
    light: Option<Vec<u16>>,
    /// What is done to colours while they have 16 bits.
    conversion: Option<Arc<Conversion>>,
    channels: usize,
    rgb: Vec<u16>,
    converted: Vec<u16>,
    inks_row: Vec<u8>,
    inks_out: Vec<u8>,
}

impl Painter {
    /// Prepares for a picture. `color` is what its profile asks for, which `keep_colors` wants left alone where 8 bits
    /// can hold it.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`] if the meaning of its samples is not read here.
    pub(super) fn new(
        facts: &Facts<'_>,
        chunks: &Chunks<'_>,
        icc: Option<&[u8]>,
        color: &ColorSource,
        keep_colors: bool,
    ) -> Result<Self, CodecError> {
        let colors = chunks.colors();
        let bits = chunks.bits();
        let wide = bits > 8;
        let unsupported = |what: &'static str| Err(CodecError::unsupported(what));
        match colors {
            Colors::Other(32_803 | 34_892) => return unsupported("TIFF with raw camera samples"),
            Colors::Other(32_844 | 32_845) => return unsupported("TIFF with LogLuv samples"),
            Colors::Other(_) => return unsupported("TIFF with this kind of colours"),
            Colors::Cmyk if facts.directory.short(tag::INK_SET).unwrap_or(1) != 1 => {
                return unsupported("TIFF with inks other than cyan, magenta, yellow and black");
            }
            Colors::YCbCr if bits != 8 => return unsupported("TIFF with YCbCr samples of this width"),
            Colors::Lab { .. } if !matches!(bits, 8 | 16) || chunks.kind() == Kind::Float => {
                return unsupported("TIFF with L*a*b* samples of this width");
            }
            Colors::Palette if bits > 16 || chunks.kind() != Kind::Unsigned => {
                return Err(CodecError::corrupt("its palette is larger than a palette can be"));
            }
            _ => {}
        }
        let fractions = chunks.kind() == Kind::Float && color.is_srgb();
        let light = matches!(colors, Colors::Rgb | Colors::WhiteIsZero | Colors::BlackIsZero) && fractions;
        Ok(Self {
            colors,
            palette: if colors == Colors::Palette {
                palette(facts, bits)?
            } else {
                Vec::new()
            },
            inks: (colors == Colors::Cmyk).then(|| CmykToSrgb::new(icc)),
            ycbcr: (colors == Colors::YCbCr).then(|| YCbCrToRgb::new(&facts.directory)),
            alpha: facts.alpha,
            wide,
            light: light.then(|| (0..=u16::MAX).map(|v| lab::encoded(f32::from(v) / 65_535.0)).collect()),
            conversion: if wide { color.deep_conversion(keep_colors) } else { None },
            channels: chunks.channels(),
            rgb: Vec::new(),
            converted: Vec::new(),
            inks_row: Vec::new(),
            inks_out: Vec::new(),
        })
    }

    /// Whether colours are sRGB when they come from here, whatever the profile says.
    pub(super) fn converts(&self) -> bool {
        self.conversion.is_some() || matches!(self.colors, Colors::Cmyk | Colors::Lab { .. })
    }

    /// Paints a row of bytes that are the pixels already, and says whether they are.
    pub(super) fn paint_bytes(&self, bytes: &[u8], out: &mut [u8]) -> bool {
        let same = self.colors == Colors::Rgb && self.alpha.is_none_or(|alpha| !alpha.associated && alpha.index == 3);
        match bytes.get(..out.len()) {
            Some(bytes) if same => {
                out.copy_from_slice(bytes);
                true
            }
            _ => false,
        }
    }

    /// Paints `samples`, a row of pixels of as many channels as the strips bring, to RGB or, with alpha, RGBA.
    pub(super) fn paint(&mut self, samples: &[u16], out: &mut [u8]) -> Result<(), CodecError> {
        let mut rgb = std::mem::take(&mut self.rgb);
        rgb.clear();
        self.colors_of(samples, &mut rgb)?;
        let alpha_at = self.channels.saturating_sub(1);
        let associated = self
            .alpha
            .filter(|alpha| alpha.associated && self.colors != Colors::Cmyk);
        if associated.is_some() && self.wide {
            for (rgb, pixel) in rgb
                .as_chunks_mut::<3>()
                .0
                .iter_mut()
                .zip(samples.chunks_exact(self.channels))
            {
                let alpha = u32::from(pixel.get(alpha_at).copied().unwrap_or(u16::MAX));
                if alpha != 0 {
                    *rgb = rgb.map(|v| ((u32::from(v) * 65_535 + alpha / 2) / alpha).min(65_535) as u16);
                }
            }
        }
        if let Some(curve) = &self.light {
            for v in &mut rgb {
                *v = curve.get(usize::from(*v)).copied().unwrap_or(u16::MAX);
            }
        }
        if let Some(conversion) = &self.conversion {
            self.converted.resize(rgb.len(), 0);
            conversion.rgb16(&rgb, &mut self.converted)?;
            std::mem::swap(&mut rgb, &mut self.converted);
        }
        if self.alpha.is_none() {
            out.iter_mut().zip(&rgb).for_each(|(to, &v)| *to = narrow(v));
        } else {
            let unmultiply = associated.is_some() && !self.wide;
            for ((to, rgb), pixel) in out
                .as_chunks_mut::<4>()
                .0
                .iter_mut()
                .zip(rgb.as_chunks::<3>().0)
                .zip(samples.chunks_exact(self.channels))
            {
                let alpha = narrow(pixel.get(alpha_at).copied().unwrap_or(u16::MAX));
                let [mut r, mut g, mut b] = rgb.map(narrow);
                if unmultiply && alpha != 0 {
                    // Rounded down, as in the references: then what they read and what we read is the same.
                    let divide = |v: u8| (u32::from(v) * 255 / u32::from(alpha)).min(255) as u8;
                    (r, g, b) = (divide(r), divide(g), divide(b));
                }
                *to = [r, g, b, alpha];
            }
        }
        self.rgb = rgb;
        Ok(())
    }

    /// The colours of a row in 16 bits.
    fn colors_of(&mut self, samples: &[u16], rgb: &mut Vec<u16>) -> Result<(), CodecError> {
        let pixels = samples.chunks_exact(self.channels.max(1));
        let three = |pixel: &[u16]| pixel.first_chunk::<3>().copied().unwrap_or_default();
        match self.colors {
            Colors::WhiteIsZero => rgb.extend(pixels.flat_map(|p| [65_535 - p.first().copied().unwrap_or(0); 3])),
            Colors::BlackIsZero => rgb.extend(pixels.flat_map(|p| [p.first().copied().unwrap_or(0); 3])),
            Colors::Rgb => rgb.extend(pixels.flat_map(three)),
            Colors::Palette => rgb.extend(pixels.flat_map(|p| {
                let index = usize::from(p.first().copied().unwrap_or(0));
                self.palette.get(index).copied().unwrap_or_default()
            })),
            Colors::YCbCr => {
                if let Some(tables) = &self.ycbcr {
                    rgb.extend(pixels.flat_map(|p| tables.convert(three(p).map(narrow)).map(|v| u16::from(v) * 257)));
                }
            }
            Colors::Lab { offset } => {
                rgb.extend(pixels.flat_map(|p| lab::to_srgb(lab_of(three(p), offset, self.wide))));
            }
            Colors::Cmyk => {
                self.inks_row.clear();
                self.inks_row
                    .extend(pixels.flat_map(|p| p.first_chunk::<4>().copied().unwrap_or_default().map(narrow)));
                self.inks_out.resize(self.inks_row.len() / 4 * 3, 0);
                if let Some(inks) = &self.inks {
                    inks.convert(&self.inks_row, &mut self.inks_out)?;
                }
                rgb.extend(self.inks_out.iter().map(|&v| u16::from(v) * 257));
            }
            Colors::Other(_) => {}
        }
        Ok(())
    }
}

/// L*, a* and b* of samples. L* takes the whole range; a* and b* are signed, or have an offset as in ICC profiles.
fn lab_of([l, a, b]: [u16; 3], offset: bool, wide: bool) -> [f32; 3] {
    let l = f32::from(l) / 65_535.0 * 100.0;
    let axis = |v: u16| match (offset, wide) {
        (true, true) => f32::from(v) / 256.0 - 128.0,
        (true, false) => f32::from(narrow(v)) - 128.0,
        (false, true) => f32::from(v.cast_signed()) / 256.0,
        (false, false) => f32::from(narrow(v).cast_signed()),
    };
    [l, axis(a), axis(b)]
}

/// The colours of indices of `bits`: all reds, then all greens, then all blues, 16 bits each. Many writers put 8 bits
/// into the upper half and nothing into the lower, some put them into the lower: both count as 8 bits.
fn palette(facts: &Facts<'_>, bits: u16) -> Result<Vec<[u16; 3]>, CodecError> {
    let missing = || CodecError::corrupt("its palette is missing or cut");
    let map = facts.directory.numbers(tag::COLOR_MAP).ok_or_else(missing)?;
    let colors = 1u64 << bits;
    let level = |index| map.get(index).and_then(|v| u16::try_from(v).ok()).ok_or_else(missing);
    let mut palette = Vec::new();
    for index in 0..colors {
        palette.push([level(index)?, level(colors + index)?, level(2 * colors + index)?]);
    }
    let high = palette.iter().flatten().any(|&v| v > 255);
    for color in &mut palette {
        *color = color.map(|v| if high { (v >> 8) * 257 } else { v * 257 });
    }
    Ok(palette)
}
