//! The same picture in another wrapping: compressed data copied bit by bit, metadata replaced.
//!
//! For files that are best left as they are, but whose metadata must not go out. What is kept is what a decoder needs;
//! everything else (private segments, text, thumbnails, appended files) is left behind, known or not.

mod gif;
mod jpeg;
mod png;
mod webp;

use calotype_plan::ImageFormat;

use crate::{Budget, CodecError, OutputMetadata};

/// The file with `metadata` and no other. `None` for formats that are not rewrapped here, and for files whose structure
/// is too odd to be sure of.
///
/// # Errors
/// [`CodecError::Limit`] if the budget does not allow a second copy of the file.
pub fn rewrap(
    bytes: &[u8],
    format: ImageFormat,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Option<Vec<u8>>, CodecError> {
    let _held = budget.reserve(bytes.len() as u64)?;
    Ok(match format {
        ImageFormat::Jpeg => jpeg::rewrap(bytes, metadata),
        ImageFormat::Png => png::rewrap(bytes, metadata),
        ImageFormat::Webp => webp::rewrap(bytes, metadata),
        ImageFormat::Gif => gif::rewrap(bytes),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
