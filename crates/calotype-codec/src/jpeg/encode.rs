//! Pixels to JPEG.

use calotype_plan::Size;

use super::sys::{Compressor, Input, Settings};
use crate::{Budget, Chroma, CodecError, Layout, OutputMetadata, Picture, Range, Reservation, YccPicture};

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
    let settings = settings(quality, progressive, chroma(quality));
    let _coefficients = charge(picture.size(), settings, budget)?;
    let mut library = start(picture.size(), settings, Input::Rows, metadata)?;
    library.rows(picture.data(), picture.stride())?;
    library.finish()
}

/// As [`encode`], of planes. They decide how much chroma there is; those in limited range are brought to full.
pub(crate) fn encode_planes(
    picture: &YccPicture,
    quality: u8,
    progressive: bool,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    let reshaped = picture.reshaped(picture.chroma(), Range::Full, budget)?;
    let picture = reshaped.as_ref().unwrap_or(picture);
    let settings = settings(quality, progressive, picture.chroma());
    let _coefficients = charge(picture.size(), settings, budget)?;
    let mut library = start(picture.size(), settings, Input::Planes, metadata)?;
    library.planes(picture, settings.full_chroma)?;
    library.finish()
}

/// How much chroma a quality has.
pub(crate) const fn chroma(quality: u8) -> Chroma {
    if quality >= FULL_CHROMA_QUALITY {
        Chroma::Full
    } else {
        Chroma::Half
    }
}

fn settings(quality: u8, progressive: bool, chroma: Chroma) -> Settings {
    Settings {
        quality: quality.clamp(1, 100),
        progressive,
        full_chroma: chroma == Chroma::Full,
    }
}

/// Charges what the library will hold, after a look at the size.
fn charge(size: Size, settings: Settings, budget: &Budget) -> Result<Reservation, CodecError> {
    if size.longest() > SIDE_PX_MAX {
        return Err(CodecError::encode("JPEG sides are at most 65,500 pixels"));
    }
    // Optimised codes need two passes over the coefficients: 2 bytes each, for 3 or 1.5 samples per pixel, in whole
    // blocks. mozjpeg keeps them twice, quantised and not, trellis or no trellis.
    let blocks = u64::from(size.width).div_ceil(16) * u64::from(size.height).div_ceil(16);
    budget.reserve(blocks * 256 * if settings.full_chroma { 12 } else { 6 })
}

fn start(size: Size, settings: Settings, input: Input, metadata: &OutputMetadata) -> Result<Compressor, CodecError> {
    let mut library = Compressor::start(size, settings, input)?;
    for (marker, segment) in segments(metadata) {
        library.marker(marker, &segment)?;
    }
    Ok(library)
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
