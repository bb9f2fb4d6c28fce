//! Pixels to JPEG.

use super::sys::{Compressor, Settings};
use crate::{Budget, CodecError, Layout, OutputMetadata, Picture};

/// From this quality on chroma keeps its full resolution, as in libvips: who asks for so much does not want soft reds.
const FULL_CHROMA_QUALITY: u8 = 90;

/// The library's own limit on a side, in pixels.
const SIDE_PX_MAX: u32 = 65_500;

/// Bytes of one segment's content.
const SEGMENT_BYTES_MAX: usize = 65_533;

/// Encodes with mozjpeg's tables and optimised Huffman codes; progressive by mozjpeg's fixed script. Neither trellis
/// quantisation nor a search over scripts: at equal perceived quality they gain next to nothing for several times the
/// time.
pub(crate) fn encode(
    picture: &Picture,
    quality: u8,
    progressive: bool,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    if picture.layout() != Layout::Rgb {
        return Err(CodecError::encode("JPEG has no transparency"));
    }
    let size = picture.size();
    if size.longest() > SIDE_PX_MAX {
        return Err(CodecError::encode("JPEG sides are at most 65,500 pixels"));
    }
    let full_chroma = quality >= FULL_CHROMA_QUALITY;
    // Optimised codes need two passes over the coefficients: 2 bytes each, for 3 or 1.5 samples per pixel, in whole
    // blocks. mozjpeg keeps them twice, quantised and not, trellis or no trellis.
    let blocks = u64::from(size.width).div_ceil(16) * u64::from(size.height).div_ceil(16);
    let _coefficients = budget.reserve(blocks * 256 * if full_chroma { 12 } else { 6 })?;

    let settings = Settings {
        quality: quality.clamp(1, 100),
        progressive,
        full_chroma,
    };
    let mut library = Compressor::start(size, settings)?;
    for (marker, segment) in segments(metadata) {
        library.marker(marker, &segment)?;
    }
    library.rows(picture.data(), picture.stride())?;
    library.finish()
}

/// The metadata as segments, in the order that readers expect: EXIF first. What cannot be split and does not fit is
/// left out.
pub(crate) fn segments(metadata: &OutputMetadata) -> Vec<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    let mut whole = |marker: u8, name: &[u8], content: &Option<Vec<u8>>| {
        if let Some(content) = content
            .as_ref()
            .filter(|content| content.len() + name.len() <= SEGMENT_BYTES_MAX)
        {
            out.push((marker, [name, content].concat()));
        }
    };
    whole(0xe1, b"Exif\0\0", &metadata.exif);
    whole(0xe1, b"http://ns.adobe.com/xap/1.0/\0", &metadata.xmp);
    if let Some(icc) = &metadata.icc {
        let pieces = icc.chunks(SEGMENT_BYTES_MAX - 14);
        if let Ok(count) = u8::try_from(pieces.len()) {
            for (number, piece) in (1..=count).zip(pieces) {
                out.push((0xe2, [b"ICC_PROFILE\0", &[number, count][..], piece].concat()));
            }
        }
    }
    if let Some(iptc) = &metadata.iptc {
        for piece in iptc.chunks(SEGMENT_BYTES_MAX - 14) {
            out.push((0xed, [b"Photoshop 3.0\0", piece].concat()));
        }
    }
    out
}
