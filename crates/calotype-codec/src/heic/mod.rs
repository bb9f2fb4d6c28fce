//! HEIC in: the header always, by the parser that AVIF has; pixels by libheif where the operator has installed it.
//!
//! HEVC is covered by patents, so no decoder of it is part of this program. Nothing is linked: the library is looked for
//! when the first picture comes.
//!
//! - `still`: the picture that the file stands for, how it is cut and turned.
//! - `hevc`: sizes in the bitstream, which decide what a decoder allocates.
//! - `sys`: libheif, found at run time. The only unsafe code.
//! - `decode`: a header, a picture.

mod decode;
mod hevc;
mod still;
mod sys;

pub(crate) use decode::{decode, probe};
pub use sys::decoder;

#[cfg(test)]
mod tests;
