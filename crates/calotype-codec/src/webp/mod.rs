//! WebP by libwebp: still pictures and the first frame of animations in; lossy and lossless pictures out.
//!
//! - `container`: the RIFF chunks (RFC 9649, section 2), read and written here, in safe code.
//! - `decode` and `encode`: what is asked of libwebp.
//! - `sys`: the only place that calls it.

mod container;
mod decode;
mod encode;
mod sys;

pub(crate) use decode::{decode, probe};
pub(crate) use encode::encode;

/// The format's own limit on a side, in pixels (RFC 9649, section 3.1).
pub(crate) const SIDE_PX_MAX: u32 = 16_383;

/// Name, version and settings of the encoder, for the cache key.
pub(crate) const ENCODER_VERSION: &str = encode::VERSION;

#[cfg(test)]
mod tests;
