//! WebP by libwebp, lossy and lossless, stills and animations in and out.
//!
//! - `container`: the RIFF chunks (RFC 9649, section 2), read and written here, in safe code.
//! - `decode` and `encode`: what is asked of libwebp for stills; `stream`: planes, for pictures that are wanted smaller.
//! - `animation` and `animate`: frames in and out; `mux`: the container of the latter.
//! - `sys`: the only place that calls it.

mod animate;
mod animation;
mod container;
mod decode;
mod encode;
mod mux;
mod stream;
mod sys;

pub(crate) use animate::AnimationWriter;
pub(crate) use animation::decode_animation;
pub(crate) use decode::{decode, probe};
pub(crate) use encode::{encode, encode_planes, halves_with_care};
pub(crate) use stream::stream;

/// The format's own limit on a side, in pixels (RFC 9649, section 3.1).
pub(crate) const SIDE_PX_MAX: u32 = 16_383;

/// Name, version and settings of the encoder, for the cache key.
pub(crate) const ENCODER_VERSION: &str = encode::VERSION;

#[cfg(test)]
mod tests;
