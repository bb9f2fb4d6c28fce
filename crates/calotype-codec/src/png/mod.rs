//! PNG by the `png` crate: every colour type and depth in, as 8 bits; truecolour or a palette out.
//!
//! - `chunks`: the structure of a file (PNG 3rd edition, section 5), read here: header facts, colour, metadata,
//!   animation.
//! - `decode` and `encode`: pixels of stills; `stream`: rows, for pictures that are wanted smaller.
//! - `parts`, `animation`: where the frames of an APNG are, and frames in.

mod animation;
mod chunks;
mod decode;
mod encode;
mod parts;
mod stream;

use calotype_plan::{ImageFormat, Limits, Orientation};

pub(crate) use animation::decode_animation;
pub(crate) use decode::decode;
pub(crate) use encode::{encode, metadata_chunks};
pub(crate) use stream::stream;

use crate::metadata::exif_orientation;
use crate::{CodecError, Header};
use chunks::Chunks;

/// Name, version and settings of the encoder, for the cache key.
pub(crate) const ENCODER_VERSION: &str = "png 0.18.1 fast, palette balanced, weights 3 5 2";

/// Reads the chunks.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let chunks = Chunks::read(bytes, limits)?;
    let mut header = Header::new(ImageFormat::Png, chunks.size);
    header.bit_depth = chunks.bit_depth;
    header.has_alpha = chunks.has_alpha();
    header.progressive = chunks.interlaced;
    header.frames = chunks.frames();
    header.frames_area = chunks.size.area().saturating_mul(u64::from(header.frames));
    header.orientation = chunks.exif.map_or(Orientation::Upright, exif_orientation);
    header.profile = chunks.color_profile(limits);
    Ok(header)
}

#[cfg(test)]
mod tests;
