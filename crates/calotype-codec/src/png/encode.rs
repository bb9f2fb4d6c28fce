//! Pixels to PNG.

use std::io::Write;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use crate::palette::{Indexed, lossless, quantize};
use crate::{Budget, CodecError, Layout, OutputMetadata, PaletteUse, Picture};

/// Entries of a palette (PNG 3rd edition, section 11.2.2).
const COLORS_MAX: usize = 256;

/// Encodes as truecolour, without alpha if the picture is opaque, or with a palette where `palette` allows it and the
/// file becomes smaller.
pub(crate) fn encode(
    picture: &Picture,
    palette: PaletteUse,
    fast: bool,
    quality: u8,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    // The encoder filters into a second picture and compresses into a third that is rarely longer.
    let _held = budget.reserve((picture.data().len() as u64).saturating_mul(2))?;
    let indexed = match palette {
        PaletteUse::Never => None,
        PaletteUse::Exact => lossless(picture, COLORS_MAX, budget)?,
        PaletteUse::Fitted => Some(quantize(picture, colors(quality), budget)?),
    };
    let truecolor = truecolor(picture, fast, metadata)?;
    let Some(indexed) = indexed else { return Ok(truecolor) };
    let indexed = self::indexed(picture, &indexed, metadata)?;
    Ok(if indexed.len() < truecolor.len() {
        indexed
    } else {
        truecolor
    })
}

/// How many colours a quality buys: all 256 from 80 on, falling evenly to 8.
fn colors(quality: u8) -> usize {
    (usize::from(quality) * COLORS_MAX).div_ceil(80).clamp(8, COLORS_MAX)
}

fn truecolor(picture: &Picture, fast: bool, metadata: &OutputMetadata) -> Result<Vec<u8>, CodecError> {
    let compression = if fast { Compression::Fastest } else { Compression::Fast };
    let strip;
    let (color_type, samples) = match picture.layout() {
        Layout::Rgb => (ColorType::Rgb, picture.data()),
        Layout::Rgba if picture.has_transparency() => (ColorType::Rgba, picture.data()),
        Layout::Rgba => {
            strip = picture
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|&[r, g, b, _]| [r, g, b])
                .collect::<Vec<u8>>();
            (ColorType::Rgb, strip.as_slice())
        }
    };
    write(picture, metadata, samples, |encoder| {
        encoder.set_color(color_type);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(compression);
        encoder.set_filter(Filter::Adaptive);
    })
}

fn indexed(picture: &Picture, indexed: &Indexed, metadata: &OutputMetadata) -> Result<Vec<u8>, CodecError> {
    let depth = match indexed.colors.len() {
        0..=2 => BitDepth::One,
        3..=4 => BitDepth::Two,
        5..=16 => BitDepth::Four,
        _ => BitDepth::Eight,
    };
    let bits = depth as usize;
    let mut packed = Vec::with_capacity(indexed.indices.len());
    for row in indexed.indices.chunks_exact(picture.size().width as usize) {
        for pixels in row.chunks(8 / bits) {
            let byte = pixels.iter().fold(0u32, |byte, &index| byte << bits | u32::from(index));
            packed.push((byte << (bits * (8 / bits - pixels.len()))) as u8);
        }
    }
    let plte: Vec<u8> = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    // Opaque entries at the end may be left out; the quantiser puts translucent ones first.
    let trns: Vec<u8> = indexed.colors.iter().map(|c| c[3]).take_while(|&a| a != 255).collect();
    write(picture, metadata, &packed, |encoder| {
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(depth);
        encoder.set_palette(plte);
        if !trns.is_empty() {
            encoder.set_trns(trns);
        }
        encoder.set_compression(Compression::Balanced);
        encoder.set_filter(Filter::NoFilter);
    })
}

fn write(
    picture: &Picture,
    metadata: &OutputMetadata,
    samples: &[u8],
    set: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    let size = picture.size();
    let mut encoder = Encoder::new(&mut out, size.width, size.height);
    set(&mut encoder);
    let failed = |_: EncodingError| CodecError::encode("the PNG encoder refused the picture");
    let mut writer = encoder.write_header().map_err(failed)?;
    for (name, content) in metadata_chunks(metadata)? {
        writer
            .write_chunk(png::chunk::ChunkType(name), &content)
            .map_err(failed)?;
    }
    writer.write_image_data(samples).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// The four letters of a chunk.
pub(crate) type ChunkName = [u8; 4];

/// The metadata as chunks, which go between the header and the data.
pub(crate) fn metadata_chunks(metadata: &OutputMetadata) -> Result<Vec<(ChunkName, Vec<u8>)>, CodecError> {
    let mut chunks = Vec::new();
    if let Some(icc) = &metadata.icc {
        let mut content = b"ICC profile\0\0".to_vec();
        content.extend(deflate(icc)?);
        chunks.push((*b"iCCP", content));
    }
    if let Some(exif) = &metadata.exif {
        chunks.push((*b"eXIf", exif.clone()));
    }
    if let Some(xmp) = &metadata.xmp {
        // Keyword, not compressed, no language, no translation (XMP specification part 3, section 1.1.5).
        chunks.push((*b"iTXt", [b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_slice()].concat()));
    }
    Ok(chunks)
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer
        .write_all(bytes)
        .and_then(|()| packer.finish())
        .map_err(|_| CodecError::encode("the colour profile cannot be packed"))
}
