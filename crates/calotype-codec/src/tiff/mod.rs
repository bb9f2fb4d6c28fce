//! TIFF in: the first page of TIFF and BigTIFF files.
//!
//! - `ifd`: byte order, directories and values. `facts`: what a directory says about its picture.
//! - `chunks`: strips and tiles. They are decoded by `coding` (LZW, deflate, PackBits, zstd), `ccitt` (fax) and `jpeg`,
//!   and put right by `predictor`.
//! - `samples`: numbers of every width and kind to 16 bits. `paint`: samples to pixels, with `ycbcr` and `lab`.
//! - `decode`: the whole way. `metadata`: EXIF, XMP, IPTC and the profile.

pub(crate) mod ccitt;
mod chunks;
mod coding;
mod decode;
mod facts;
mod ifd;
mod jpeg;
mod lab;
mod metadata;
mod paint;
mod predictor;
mod samples;
mod ycbcr;

use calotype_plan::{ImageFormat, Limits};

use crate::{CodecError, ColorProfile, Header};
pub(crate) use decode::decode;
use facts::Facts;
use ifd::File;

/// Reads the first directory.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let file = File::new(bytes).ok_or_else(|| CodecError::corrupt("its header is cut or damaged"))?;
    let facts = Facts::read(file.first_directory(limits)?)?;
    let mut header = Header::new(ImageFormat::Tiff, facts.size);
    header.orientation = facts.orientation;
    header.has_alpha = facts.alpha.is_some();
    header.bit_depth = facts.bits.and_then(|bits| u8::try_from(bits).ok()).unwrap_or(8);
    header.profile = metadata::icc(&facts.directory, limits).map_or(ColorProfile::Untagged, ColorProfile::from_icc);
    Ok(header)
}

#[cfg(test)]
mod tests;
