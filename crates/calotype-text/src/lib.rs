//! A text and a font in, the coverage of its pixels out.
//!
//! [`Setting::lay_out`] breaks a text into lines, orders each by the Unicode bidirectional algorithm, shapes it (ligatures, kerning, marks, joined
//! letters) and says how large its picture is; [`Layout::paint`] fills that picture with coverage. There is no I/O here and no font of the system: the same text
//! and font give the same bytes on every machine.
//!
//! Fonts are strangers' bytes. What they can make us do is bounded in [`bounds`], and the libraries that read them are entered in [`contained`].

mod bounds;
mod builtin;
mod contained;
mod error;
mod face;
mod layout;
mod outline;
mod paragraph;
mod raster;
mod shape;
mod woff;

pub use bounds::{FONT_BYTES_MAX, SIDE_PX_MAX};
pub use builtin::{has_builtin_font, license, version};
pub use error::TextError;
pub use layout::{Layout, Setting};
pub use woff::{unpack, unpacked_bytes};
