//! GIF, stills and animations in and out: read by our own blocks and the LZW of `weezl`, written by the `gif` crate.
//!
//! - `blocks`: the structure of a file (GIF89a specification), read here: header facts and where the frames are.
//! - `decode` and `encode`: pixels of one frame and of stills.
//! - `alpha`: one bit of opacity out of eight, for both kinds of output.
//! - `animation` and `animate`: frames in and out. For the latter: `difference` (what must be drawn, and how the frame
//!   before is disposed of), `paint` (which colours it gets), `table` (the colours that frames share).

mod alpha;
mod animate;
mod animation;
mod blocks;
mod decode;
mod difference;
mod encode;
mod paint;
mod table;

use calotype_plan::{ImageFormat, Limits};

pub(crate) use animate::AnimationWriter;
pub(crate) use animation::decode_animation;
pub(crate) use decode::decode;
pub(crate) use encode::encode;

use crate::{CodecError, Header};
use blocks::Blocks;

/// Name, version and settings of the encoder, for the cache key.
pub(crate) const ENCODER_VERSION: &str = "gif 0.14.2, 256 colours by cut and 3 rounds, weights 3 5 2, half of Floyd-Steinberg, shadows dithered, animated by difference with a shared table";

/// Walks the blocks without decoding pixels.
pub(crate) fn probe(bytes: &[u8], _limits: &Limits) -> Result<Header, CodecError> {
    let blocks = Blocks::read(bytes)?;
    let mut header = Header::new(ImageFormat::Gif, blocks.screen);
    header.frames = blocks.frames.max(1);
    header.frames_area = blocks.frames_area.max(blocks.screen.area());
    header.has_alpha = blocks.has_transparency;
    header.progressive = blocks.interlaced;
    Ok(header)
}

#[cfg(test)]
mod tests;
