//! The library's samples to 8-bit RGB or RGBA.

use std::sync::Arc;

use calotype_plan::Size;
use jxl_oxide::{ImageStream, Render};

use super::color::Samples;
use super::frames::{Failure, call, damaged};
use crate::color::{CmykToSrgb, Conversion, narrow};
use crate::{Budget, CodecError, ColorSource, Layout, Picture};

/// How to write the pictures of a file.
pub(super) struct Writer {
    size: Size,
    has_alpha: bool,
    is_premultiplied: bool,
    kind: Kind,
}

enum Kind {
    /// Samples as they are, in 8 bits.
    Shallow,
    /// Through 16 bits, with a conversion to sRGB if there is one.
    Deep(Option<Arc<Conversion>>),
    /// Four inks, in 8 bits.
    Inks(CmykToSrgb),
}

/// What a conversion left of the file's colours.
pub(super) struct Left {
    pub(super) color: ColorSource,
    pub(super) icc: Option<Vec<u8>>,
}

impl Writer {
    /// Settles the way once for all frames. Samples of more than 8 bits are converted to sRGB while they have them.
    pub(super) fn new(
        size: Size,
        samples: Samples,
        bit_depth: u8,
        has_alpha: bool,
        is_premultiplied: bool,
        keep_colors: bool,
    ) -> (Self, Left) {
        let nothing = Left {
            color: ColorSource::Srgb,
            icc: None,
        };
        let (kind, left) = match samples {
            Samples::Inks(icc) => (Kind::Inks(CmykToSrgb::new(Some(&icc))), nothing),
            // There is nothing to gain from more bits where nothing is computed.
            Samples::Light(ColorSource::Srgb) if !(has_alpha && is_premultiplied) => (Kind::Shallow, nothing),
            Samples::Light(color) if bit_depth > 8 && color.deep_conversion(keep_colors).is_some() => {
                (Kind::Deep(color.deep_conversion(keep_colors)), nothing)
            }
            Samples::Light(color) => {
                let icc = match &color {
                    ColorSource::Icc(icc) => Some(icc.clone()),
                    _ => None,
                };
                let kind = if has_alpha && is_premultiplied {
                    Kind::Deep(None)
                } else {
                    Kind::Shallow
                };
                (kind, Left { color, icc })
            }
        };
        let this = Self {
            size,
            has_alpha,
            is_premultiplied,
            kind,
        };
        (this, left)
    }

    /// Writes a rendered frame, upright.
    pub(super) fn picture(&self, render: &Render, budget: &Budget) -> Result<Picture, Failure> {
        let layout = if self.has_alpha { Layout::Rgba } else { Layout::Rgb };
        let mut picture = Picture::new(self.size, layout, [0; 4], budget)?;
        call(|| Ok(self.write(render, &mut picture)))??;
        Ok(picture)
    }

    fn write(&self, render: &Render, picture: &mut Picture) -> Result<(), CodecError> {
        let mut stream = render.stream();
        let colors = render.color_channels().len();
        let inks = usize::from(matches!(self.kind, Kind::Inks(_)));
        let channels = stream.channels() as usize;
        if (stream.width(), stream.height()) != (self.size.width, self.size.height)
            || !matches!(colors, 1 | 3)
            || channels != colors + inks + usize::from(self.has_alpha)
            || (inks == 1 && colors != 3)
        {
            return Err(damaged());
        }
        let samples = self.size.width as usize * channels;
        match &self.kind {
            Kind::Shallow => {
                let mut row = vec![0u8; samples];
                for to in picture.rows_mut() {
                    fill(&mut stream, &mut row)?;
                    shallow(&row, colors, self.has_alpha, to);
                }
            }
            Kind::Deep(conversion) => {
                let mut row = vec![0u16; samples];
                let mut deep = Deep {
                    colors,
                    has_alpha: self.has_alpha,
                    is_premultiplied: self.is_premultiplied,
                    conversion: conversion.as_deref(),
                    rgb: vec![0; self.size.width as usize * 3],
                    converted: vec![0; self.size.width as usize * 3],
                };
                for to in picture.rows_mut() {
                    fill(&mut stream, &mut row)?;
                    deep.convert(&row, to)?;
                }
            }
            Kind::Inks(conversion) => {
                let mut row = vec![0u8; samples];
                let mut inks = vec![0; self.size.width as usize * 4];
                let mut rgb = vec![0; self.size.width as usize * 3];
                for to in picture.rows_mut() {
                    fill(&mut stream, &mut row)?;
                    for (inks, from) in inks.as_chunks_mut::<4>().0.iter_mut().zip(row.chunks_exact(channels)) {
                        for (ink, &light) in inks.iter_mut().zip(from) {
                            *ink = 255 - light;
                        }
                    }
                    conversion.convert(&inks, &mut rgb)?;
                    let width = if self.has_alpha { 4 } else { 3 };
                    for ((to, rgb), from) in to
                        .chunks_exact_mut(width)
                        .zip(rgb.as_chunks::<3>().0)
                        .zip(row.chunks_exact(channels))
                    {
                        let pixel = [rgb[0], rgb[1], rgb[2], from.last().copied().unwrap_or(255)];
                        to.copy_from_slice(pixel.get(..width).unwrap_or(&pixel));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The next row of the library's samples.
fn fill<S: jxl_oxide::FrameBufferSample>(stream: &mut ImageStream<'_>, row: &mut [S]) -> Result<(), CodecError> {
    if stream.write_to_buffer(row) == row.len() {
        Ok(())
    } else {
        Err(damaged())
    }
}

/// A row of 8-bit samples, grey or RGB.
fn shallow(from: &[u8], colors: usize, has_alpha: bool, to: &mut [u8]) {
    match (colors, has_alpha) {
        (1, false) => {
            for (to, &v) in to.as_chunks_mut::<3>().0.iter_mut().zip(from) {
                *to = [v; 3];
            }
        }
        (1, true) => {
            for (to, &[v, a]) in to.as_chunks_mut::<4>().0.iter_mut().zip(from.as_chunks::<2>().0) {
                *to = [v, v, v, a];
            }
        }
        _ => to.copy_from_slice(from),
    }
}

/// Rows of 16-bit samples.
struct Deep<'a> {
    colors: usize,
    has_alpha: bool,
    is_premultiplied: bool,
    conversion: Option<&'a Conversion>,
    rgb: Vec<u16>,
    converted: Vec<u16>,
}

impl Deep<'_> {
    fn convert(&mut self, from: &[u16], to: &mut [u8]) -> Result<(), CodecError> {
        let channels = self.colors + usize::from(self.has_alpha);
        for (rgb, from) in self
            .rgb
            .as_chunks_mut::<3>()
            .0
            .iter_mut()
            .zip(from.chunks_exact(channels))
        {
            *rgb = match *from {
                [v] | [v, _] => [v; 3],
                [r, g, b, ..] => [r, g, b],
                [] => [0; 3],
            };
            if let (true, true, Some(&alpha)) = (self.has_alpha, self.is_premultiplied, from.last()) {
                // A colour above its alpha is none; it is held at full.
                *rgb = rgb.map(|v| {
                    let whole = u32::from(v) * 65_535 / u32::from(alpha.max(1));
                    u16::try_from(whole).unwrap_or(u16::MAX)
                });
            }
        }
        let rgb = match self.conversion {
            Some(conversion) => {
                conversion.rgb16(&self.rgb, &mut self.converted)?;
                &self.converted
            }
            None => &self.rgb,
        };
        let width = if self.has_alpha { 4 } else { 3 };
        for ((to, rgb), from) in to
            .chunks_exact_mut(width)
            .zip(rgb.as_chunks::<3>().0)
            .zip(from.chunks_exact(channels))
        {
            let alpha = from.last().copied().unwrap_or(u16::MAX);
            let pixel = [narrow(rgb[0]), narrow(rgb[1]), narrow(rgb[2]), narrow(alpha)];
            to.copy_from_slice(pixel.get(..width).unwrap_or(&pixel));
        }
        Ok(())
    }
}
