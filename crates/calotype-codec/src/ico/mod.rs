//! ICO and CUR in: the best picture of an icon or cursor.
//!
//! - `directory`: which pictures there are, by their own headers: the directory's sizes and depths are often wrong.
//! - `decode`: PNG pictures as they are; bitmaps with their transparency mask.

mod decode;
mod directory;

use calotype_plan::{ImageFormat, Limits};

use crate::bmp::Bitmap;
use crate::{CodecError, Header, png};
pub(crate) use decode::decode;
use directory::{Content, best};

/// Reads the directory and the header of the best picture.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    match best(bytes, limits)?.content {
        Content::Png(file) => png_header(file, limits),
        Content::Bitmap(bitmap, _) => Ok(bitmap_header(&bitmap, limits)),
    }
}

/// The header of a PNG inside an icon. An icon does not move.
fn png_header(file: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let mut header = png::probe(file, limits)?;
    header.format = ImageFormat::Ico;
    (header.frames, header.frames_area) = (1, header.size.area());
    Ok(header)
}

/// The header of a bitmap inside an icon: its mask can make every pixel transparent.
fn bitmap_header(bitmap: &Bitmap<'_>, limits: &Limits) -> Header {
    let mut header = bitmap.image_header(ImageFormat::Ico, limits);
    header.has_alpha = true;
    header
}

#[cfg(test)]
mod tests;
