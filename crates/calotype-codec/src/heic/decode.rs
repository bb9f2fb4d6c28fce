//! Header and picture.

use calotype_plan::{ImageFormat, Limits, Size};

use super::still::Still;
use super::sys::{self, Wanted};
use crate::avif::container::Nclx;
use crate::color::{Conversion, narrow};
use crate::{
    Budget, CodecError, ColorProfile, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata,
    avif,
};

/// Memory of the library beside samples: contexts, threads, tables.
const LIBRARY_BYTES: u64 = 8 << 20;

/// Header facts, without any library. No limit is checked. An image sequence counts as one picture, its cover.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    if Still::is_av1(bytes) {
        let mut header = avif::probe(bytes, limits)?;
        header.format = ImageFormat::Heic;
        return Ok(header);
    }
    let still = Still::parse(bytes, limits)?;
    let mut header = Header::new(ImageFormat::Heic, still.crop.size());
    header.orientation = still.orientation;
    header.has_alpha = still.has_alpha;
    header.bit_depth = still.bit_depth;
    header.profile = match (still.icc, still.nclx) {
        (Some(icc), _) => ColorProfile::from_icc(icc),
        (None, None) => ColorProfile::Untagged,
        (None, Some(nclx)) => avif::named(nclx),
    };
    Ok(header)
}

/// Decodes the picture. There is no scaled decode.
///
/// # Errors
/// [`CodecError::NotInstalled`] where there is no decoder of HEVC.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    if Still::is_av1(bytes) {
        return avif::decode(bytes, header, request, limits, budget);
    }
    let still = Still::parse(bytes, limits)?;
    if still.crop.size() != header.size {
        return Err(CodecError::corrupt("the HEIC size changed after it was read"));
    }
    sys::check_installed()?;
    // A small cut from a giant costs as much as the giant, and a bitstream may be larger than its box says.
    let (data_bytes, coded) = still.weigh()?;
    for size in [still.size, coded] {
        Header::new(ImageFormat::Heic, size).check(limits)?;
    }
    let is_deep = still.bit_depth > 8;
    let layout = if still.has_alpha { Layout::Rgba } else { Layout::Rgb };
    let mut picture = Picture::new(header.size, layout, [0; 4], budget)?;
    let working = budget.reserve(working_bytes(still.size, coded, is_deep, data_bytes))?;
    let samples = sys::decode(
        bytes,
        &Wanted {
            size: still.size,
            has_alpha: still.has_alpha,
            is_deep,
            side_px_max: limits.side_px_max.max(still.size.longest()).max(coded.longest()),
        },
    )?;
    let mut icc = still.icc.map(<[u8]>::to_vec);
    let mut color = match (&icc, still.nclx) {
        (Some(icc), _) => ColorSource::from_icc(icc.clone()),
        (None, Some(nclx)) => from_nclx(nclx),
        (None, None) => ColorSource::Srgb,
    };
    let (left, top) = (still.crop.left as usize, still.crop.top as usize);
    let rows = samples.rows().skip(top).zip(picture.rows_mut());
    if is_deep {
        let conversion = color.deep_conversion(request.keep_colors);
        let mut deep = Deep {
            channels: layout.channels(),
            bits: samples.bits,
            conversion: conversion.as_deref(),
            rgb: vec![0; header.size.width as usize * 3],
            converted: vec![0; header.size.width as usize * 3],
        };
        for (from, to) in rows {
            let from = from.get(left * layout.channels() * 2..).unwrap_or_default();
            deep.convert(from, to)?;
        }
        if conversion.is_some() {
            (color, icc) = (ColorSource::Srgb, None);
        }
    } else {
        for (from, to) in rows {
            let cut = from
                .get(left * layout.channels()..)
                .and_then(|from| from.get(..to.len()));
            to.copy_from_slice(cut.ok_or_else(|| CodecError::corrupt("its rows are too short"))?);
        }
    }
    drop((samples, working));
    if still.is_premultiplied {
        avif::unpremultiply(&mut picture);
    }
    let (exif, xmp) = still.metadata(limits);
    Ok(Decoded {
        picture,
        scale: 1,
        color,
        metadata: SourceMetadata {
            exif,
            xmp,
            iptc: None,
            icc,
        },
    })
}

/// What the library holds: planes of the whole, a planar and an interleaved copy in RGB; planes and block data of the
/// decoder for one cell, twice; the bitstreams.
fn working_bytes(size: Size, coded: Size, is_deep: bool, data_bytes: u64) -> u64 {
    let sample = if is_deep { 2 } else { 1 };
    size.area()
        .saturating_mul((3 + 4 + 4) * sample)
        .saturating_add(coded.area().saturating_mul(2 * 3 * sample + 2))
        .saturating_add(data_bytes)
        .saturating_add(LIBRARY_BYTES)
}

/// Code points; all that are defined fit a byte, and 2 is "unspecified".
fn from_nclx(nclx: Nclx) -> ColorSource {
    let byte = |code: u16| u8::try_from(code).unwrap_or(2);
    ColorSource::from_cicp(byte(nclx.primaries), byte(nclx.transfer))
}

/// Rows of samples of more than 8 bits.
struct Deep<'a> {
    channels: usize,
    bits: u32,
    conversion: Option<&'a Conversion>,
    rgb: Vec<u16>,
    converted: Vec<u16>,
}

impl Deep<'_> {
    /// Converts to sRGB while there are more than 8 bits, then rounds.
    fn convert(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), CodecError> {
        let most = (1u32 << self.bits.min(16)) - 1;
        let wide = |pair: &[u8; 2]| {
            let value = u32::from(u16::from_le_bytes(*pair)).min(most);
            u16::try_from((value * 65_535 + most / 2) / most).unwrap_or(u16::MAX)
        };
        let pixels = from.chunks_exact(self.channels * 2);
        for (rgb, from) in self.rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels.clone()) {
            if let [r, g, b, ..] = from.as_chunks::<2>().0 {
                *rgb = [wide(r), wide(g), wide(b)];
            }
        }
        let rgb = match self.conversion {
            Some(conversion) => {
                conversion.rgb16(&self.rgb, &mut self.converted)?;
                &self.converted
            }
            None => &self.rgb,
        };
        let rgb = rgb.as_chunks::<3>().0;
        for ((to, rgb), from) in to.chunks_exact_mut(self.channels).zip(rgb).zip(pixels) {
            let alpha = from.as_chunks::<2>().0.last().map_or(u16::MAX, wide);
            let pixel = [narrow(rgb[0]), narrow(rgb[1]), narrow(rgb[2]), narrow(alpha)];
            to.copy_from_slice(pixel.get(..self.channels).unwrap_or(&pixel));
        }
        Ok(())
    }
}
