//! JPEG XL in (ISO/IEC 18181), by jxl-oxide: still pictures, layers and animations.
//!
//! - `container`: from boxes to the codestream and to metadata, in our own code, because a box may be compressed and
//!   the library unpacks without a bound.
//! - `head`: what stands before the first frame: size, samples, colour encoding, ICC profile.
//! - `count`: how many frames there are.
//! - `frames`: the library, fed bit by bit, with a bound on frames and a bound on memory.
//! - `color`: which colours to ask the library for, and what is left to convert.
//! - `pixels`: its samples to ours.
//! - `decode`, `animation`: a header, a picture, frames.

mod animation;
mod color;
mod container;
mod count;
mod decode;
mod frames;
mod head;
mod pixels;

pub(crate) use animation::decode_animation;
pub(crate) use decode::{decode, probe};

#[cfg(test)]
mod tests;
