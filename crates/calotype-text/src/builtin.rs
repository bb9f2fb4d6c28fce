//! The font of the build: Noto Sans, in parts that each hold some scripts, unpacked when first needed.

use std::sync::OnceLock;

use crate::face::Face;
use crate::woff;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/font.rs"));
}

/// Whether the build has a font of its own.
#[must_use]
pub const fn has_builtin_font() -> bool {
    !embedded::FILES.is_empty()
}

/// The licence of the built-in font; empty without one.
#[must_use]
pub const fn license() -> &'static str {
    embedded::LICENSE
}

/// What the pixels of a text depend on besides text and font: the way they are made, and the built-in font. Part of every tag.
#[must_use]
pub fn version() -> String {
    // The first number grows with every change of ours that changes pixels.
    format!("text-1 harfrust-0.12 skrifa-0.44 font-{}", embedded::VERSION)
}

/// Parts of the built-in font.
pub(crate) const fn parts() -> usize {
    embedded::FILES.len()
}

/// A part of the built-in font, parsed.
pub(crate) fn face(index: usize) -> Option<Face<'static>> {
    static UNPACKED: OnceLock<Vec<OnceLock<Vec<u8>>>> = OnceLock::new();
    let packed = embedded::FILES.get(index)?;
    let cell = UNPACKED
        .get_or_init(|| embedded::FILES.iter().map(|_| OnceLock::new()).collect())
        .get(index)?;
    // A part that cannot be read is one that has no characters; a test reads them all.
    let bytes = cell.get_or_init(|| woff::unpack(packed).unwrap_or_default());
    Face::parse(bytes).ok()
}
