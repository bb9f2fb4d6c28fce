//! The best picture of an icon to pixels.

use calotype_plan::Limits;

use super::directory::{Content, best};
use super::png_header;
use crate::bmp::{self, Bitmap};
use crate::{Budget, CodecError, DecodeRequest, Decoded, Header, Layout, Picture, png};

/// Decodes the best picture: a bitmap to RGBA, a PNG to what it holds.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let changed = || CodecError::corrupt("its header changes");
    match best(bytes, limits)?.content {
        Content::Png(file) => {
            let inner = png_header(file, limits)?;
            if inner.size != header.size {
                return Err(changed());
            }
            png::decode(file, &inner, request, limits, budget)
        }
        Content::Bitmap(bitmap, length) => {
            if bitmap.size != header.size {
                return Err(changed());
            }
            let mut picture = bmp::pixels(&bitmap, Layout::Rgba, budget)?;
            apply_transparency(&bitmap, length, &mut picture)?;
            Ok(bmp::finish(&bitmap, picture, limits))
        }
    }
}

/// The alpha of 32 bits counts if any pixel shows by it, and then the mask does not; else the mask does, one bit per
/// pixel behind the rows, 1 for transparent. So do browsers.
fn apply_transparency(bitmap: &Bitmap<'_>, length: u32, picture: &mut Picture) -> Result<(), CodecError> {
    let by_alpha = bitmap.bits == 32 && !bmp::show_if_nothing_shows(picture);
    if by_alpha || bitmap.has_profile_for_mask() {
        return Ok(());
    }
    let Some(mask) = bitmap.mask(length) else {
        // Some writers leave the mask of a bitmap with alpha out.
        return if bitmap.bits == 32 {
            Ok(())
        } else {
            Err(CodecError::corrupt("the file ends before the picture's mask does"))
        };
    };
    let Some(row_bytes) = usize::try_from(mask.row_bytes).ok().filter(|&bytes| bytes > 0) else {
        return Ok(());
    };
    let hide = |(row, bits): (&mut [u8], &[u8])| {
        let bits = bits
            .iter()
            .flat_map(|&byte| (0..8).map(move |at| byte & (0x80 >> at) != 0));
        for (pixel, hidden) in row.as_chunks_mut::<4>().0.iter_mut().zip(bits) {
            if hidden {
                pixel[3] = 0;
            }
        }
    };
    let from = mask.bytes.chunks(row_bytes);
    if bitmap.top_down {
        picture.rows_mut().zip(from).for_each(hide);
    } else {
        picture.rows_mut().rev().zip(from).for_each(hide);
    }
    Ok(())
}
