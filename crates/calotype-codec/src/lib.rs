//! Image formats: sniff, probe, decode, encode, colour and metadata.
//!
//! Bytes to pictures and back, a folder per format. The crate knows nothing of plans beyond the shared vocabulary
//! (sizes, formats, orientation, limits), and does no I/O.
//!
//! - Formats are told by content alone ([`sniff`]).
//! - [`probe`] reads headers and no pixels; limits are checked on its facts before pixels are allocated.
//! - Every large buffer is charged to the job's [`Budget`] before it exists.
//! - C libraries are entered behind one safe function per format.

mod animation;
mod avif;
mod bmp;
mod budget;
mod canvas;
mod codec;
mod color;
mod error;
mod frames;
mod gif;
mod header;
mod heic;
mod ico;
mod jpeg;
mod jxl;
mod metadata;
mod palette;
mod picture;
mod png;
mod rewrap;
mod sniff;
mod stream;
mod svg;
mod tiff;
mod webp;
mod ycc;

pub use animation::{Animation, AnimationEncoder, AnimationRequest, Frame, Loops, decode_animation};
pub use avif::encoder as avif_encoder;
pub use budget::{Budget, Reservation};
pub use codec::{
    DecodeRequest, Decoded, EncodeRequest, PaletteUse, decode, encode, encode_planes, encoder_version, probe,
};
pub use color::{ColorSource, to_srgb};
pub use error::CodecError;
pub use header::{ColorProfile, Header};
pub use heic::decoder as heic_decoder;
#[doc(hidden)]
pub use jpeg::{jpeg_planes_libjpeg, jpeg_planes_ours};
pub use metadata::{OutputMetadata, SourceMetadata, exif_orientation, holds_nothing_but};
pub use picture::{Layout, Picture};
pub use rewrap::rewrap;
pub use sniff::sniff;
pub use stream::{Row, RowSink, Samples, StreamLayout, StreamPlane, Streamed, can_stream, stream};
pub use svg::{IntrinsicSize, filter_svg, render_svg, svg_size};
pub use ycc::{Chroma, Range, YccPicture};
