//! JPEG by mozjpeg: every Huffman and arithmetic coding of 8 bits in, at full size, 1/2, 1/4 or 1/8; baseline and
//! progressive out.
//!
//! - `markers`: the structure of a file (ITU-T T.81 annex B), read here in safe code: header facts, metadata, passes.
//! - `decode` and `encode`: what is asked of the library.
//! - `stream`: planes in rows, for pictures that are wanted smaller.
//! - `raw`: samples of a JPEG that is a part of another file.
//! - `baseline`: the common files at a small size, in safe code of our own; `compare` holds it against the library.
//! - `deep`: 12 bits and lossless, in safe code of our own.
//! - `sys`: the only place that calls it.

mod baseline;
mod compare;
mod decode;
mod deep;
mod encode;
mod markers;
mod raw;
mod stream;
mod sys;

use calotype_plan::{ImageFormat, Limits, Orientation};

#[doc(hidden)]
pub use compare::{jpeg_planes_libjpeg, jpeg_planes_ours};
pub(crate) use decode::decode;
pub(crate) use encode::{chroma, encode, encode_planes, segments};
pub(crate) use raw::decode_samples;
pub(crate) use stream::{can_stream, stream};

use crate::metadata::exif_orientation;
use crate::{CodecError, ColorProfile, Header};
use markers::{Coding, Structure};

/// Name, version and settings of the encoder, for the cache key.
pub(crate) const ENCODER_VERSION: &str =
    "mozjpeg-sys 2.2.3 tables 3, optimised, no trellis, no scan search, 4:2:0 below q90";

/// Reads the markers up to the first scan.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let structure = Structure::read_header(bytes, limits)?;
    let frame = structure.frame()?;
    let mut header = Header::new(ImageFormat::Jpeg, frame.size);
    header.bit_depth = frame.precision;
    header.progressive = frame.coding == Coding::Progressive;
    header.orientation = structure.exif.map_or(Orientation::Upright, exif_orientation);
    let icc = structure.icc();
    header.profile = match icc.as_deref() {
        icc if frame.components.len() == 4 => ColorProfile::of_inks(icc),
        Some(icc) => ColorProfile::from_icc(icc),
        None => ColorProfile::Untagged,
    };
    Ok(header)
}

#[cfg(test)]
mod tests;
