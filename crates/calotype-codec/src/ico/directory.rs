//! The directory of an icon.

use calotype_plan::{Limits, Size};

use crate::CodecError;
use crate::bmp::{Bitmap, Place};

/// How a PNG file begins.
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture of an icon.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) content: Content<'a>,
    size: Size,
    /// Bits of a pixel.
    depth: u32,
}

/// What a picture is written as.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// A PNG file, and what follows it.
    Png(&'a [u8]),
    /// A bitmap without its file header, with a mask behind it; and its length as the directory has it.
    Bitmap(Bitmap<'a>, u32),
}

/// The picture with the largest area; among equals the one with the most bits per pixel, then the first. Pictures
/// whose header cannot be read do not count.
///
/// # Errors
/// [`CodecError::Corrupt`] if there is none, [`CodecError::Limit`] if the directory is too long.
pub(super) fn best<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Entry<'a>, CodecError> {
    // Reserved 0, kind (1 icon, 2 cursor), number of pictures.
    let cut = || CodecError::corrupt("its directory is cut or damaged");
    let count = bytes
        .get(4..6)
        .and_then(|b| b.try_into().ok())
        .map(u16::from_le_bytes)
        .ok_or_else(cut)?;
    if usize::from(count) > limits.container_items_max {
        return Err(CodecError::limit(
            "number of pictures in the icon",
            count.into(),
            limits.container_items_max as u64,
        ));
    }
    let entries = bytes.get(6..).unwrap_or_default().as_chunks::<16>().0;
    let mut best: Option<Entry<'_>> = None;
    for entry in entries.iter().take(count.into()).filter_map(|entry| read(bytes, entry)) {
        let better = best
            .as_ref()
            .is_none_or(|best| (entry.size.area(), entry.depth) > (best.size.area(), best.depth));
        if better {
            best = Some(entry);
        }
    }
    best.ok_or_else(|| CodecError::corrupt("no picture of the icon can be read"))
}

/// Reads the header of one picture. Of the directory only the offset is believed: lengths, sizes and depths are often
/// wrong, and every picture says them itself.
fn read<'a>(bytes: &'a [u8], entry: &[u8; 16]) -> Option<Entry<'a>> {
    let [.., l0, l1, l2, l3, o0, o1, o2, o3] = *entry;
    let (length, at) = (
        u32::from_le_bytes([l0, l1, l2, l3]),
        u32::from_le_bytes([o0, o1, o2, o3]),
    );
    let picture = bytes.get(usize::try_from(at).ok()?..)?;
    if picture.starts_with(PNG_SIGNATURE) {
        // Only the first chunk, so that a long directory costs no more than its length.
        let header: &[u8; 13] = picture.get(16..)?.first_chunk()?;
        if picture.get(12..16)? != b"IHDR" {
            return None;
        }
        let [w0, w1, w2, w3, h0, h1, h2, h3, bits, color_type, ..] = *header;
        let channels = match color_type {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        return Some(Entry {
            content: Content::Png(picture),
            size: Size::new(
                u32::from_be_bytes([w0, w1, w2, w3]),
                u32::from_be_bytes([h0, h1, h2, h3]),
            ),
            depth: u32::from(bits) * channels,
        });
    }
    let bitmap = Bitmap::read(picture, Place::Icon).ok()?;
    Some(Entry {
        size: bitmap.size,
        depth: bitmap.bits.into(),
        content: Content::Bitmap(bitmap, length),
    })
}
