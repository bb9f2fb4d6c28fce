//! AVIF: still pictures, grids and image sequences in, by re_rav1d; still pictures out, by libaom.
//!
//! - `boxes`, `container`, `still`: from boxes to items to the picture that the file stands for, in safe code. HEIC, which
//!   is the same container, reads it by them too.
//! - `decode`, `yuv`: planes to pixels; `stream`: planes in rows, for pictures that are wanted smaller.
//! - `movie`, `animation`: from tracks to the frames of image sequences in.
//! - `encode`, `planes`, `mux`: pixels to planes to a file.
//! - `library`: which libaom it is, the one built in or a newer one of the system.
//! - `rav1d`, `aom`: the only places that call the libraries.

mod animation;
mod aom;
pub(crate) mod boxes;
pub(crate) mod container;
mod decode;
mod encode;
mod library;
mod movie;
mod mux;
mod planes;
mod rav1d;
pub(crate) mod still;
mod stream;
mod yuv;

pub(crate) use animation::decode_animation;
pub(crate) use decode::{decode, named, probe};
pub(crate) use encode::{encode, encode_planes};
pub use library::encoder;
pub(crate) use stream::stream;
pub(crate) use yuv::{PlaneConverter, unpremultiply};

/// Names, versions and settings of the encoder, for the cache key.
pub(crate) use encode::version as encoder_version;

#[cfg(test)]
mod tests;
