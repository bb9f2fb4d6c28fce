//! Plain rows to pixels.

use super::Bitmap;
use crate::{Budget, CodecError, Layout, Picture};

/// Decodes rows that are there in full.
pub(super) fn decode(bitmap: &Bitmap<'_>, layout: Layout, budget: &Budget) -> Result<Picture, CodecError> {
    let row_bytes = bitmap.row_bytes();
    let lines = u64::from(bitmap.size.height);
    // The last row need not be padded.
    let last = (u64::from(bitmap.size.width) * u64::from(bitmap.bits)).div_ceil(8);
    let needed = row_bytes.saturating_mul(lines.saturating_sub(1)).saturating_add(last);
    if !bitmap.size.is_empty() && (bitmap.data.len() as u64) < needed {
        return Err(CodecError::corrupt("the file ends before the picture does"));
    }
    let mut picture = Picture::new(bitmap.size, layout, [255; 4], budget)?;
    let row_bytes = usize::try_from(row_bytes).map_err(|_| CodecError::corrupt("its rows are too long"))?;
    paint(bitmap, bitmap.data, row_bytes, &mut picture);
    Ok(picture)
}

/// Paints rows of `row_bytes`, which lie in stored order.
pub(super) fn paint(bitmap: &Bitmap<'_>, data: &[u8], row_bytes: usize, picture: &mut Picture) {
    let layout = picture.layout();
    let from = data.chunks(row_bytes.max(1));
    if bitmap.top_down {
        picture
            .rows_mut()
            .zip(from)
            .for_each(|(to, from)| row(bitmap, layout, from, to));
    } else {
        picture
            .rows_mut()
            .rev()
            .zip(from)
            .for_each(|(to, from)| row(bitmap, layout, from, to));
    }
}

fn row(bitmap: &Bitmap<'_>, layout: Layout, from: &[u8], to: &mut [u8]) {
    let pixels = to.chunks_exact_mut(layout.channels());
    let paint = |to: &mut [u8], [r, g, b]: [u8; 3]| {
        if let [red, green, blue, ..] = to {
            (*red, *green, *blue) = (r, g, b);
        }
    };
    let color = |index: u8| bitmap.palette.get(usize::from(index)).copied().unwrap_or_default();
    match bitmap.bits {
        bits @ (1 | 2 | 4) => {
            // The leftmost pixel has the highest bits.
            let per_byte = 8 / usize::from(bits);
            let highest = 8 - u32::from(bits);
            let indices = from
                .iter()
                .flat_map(|&byte| (0..per_byte).map(move |at| (byte << (at * usize::from(bits))) >> highest));
            pixels.zip(indices).for_each(|(to, index)| paint(to, color(index)));
        }
        8 => pixels.zip(from).for_each(|(to, &index)| paint(to, color(index))),
        24 => pixels
            .zip(from.as_chunks::<3>().0)
            .for_each(|(to, &[b, g, r])| paint(to, [r, g, b])),
        16 => pixels
            .zip(from.as_chunks::<2>().0)
            .for_each(|(to, &pixel)| masked(bitmap, u16::from_le_bytes(pixel).into(), to)),
        _ => pixels
            .zip(from.as_chunks::<4>().0)
            .for_each(|(to, &pixel)| masked(bitmap, u32::from_le_bytes(pixel), to)),
    }
}

fn masked(bitmap: &Bitmap<'_>, pixel: u32, to: &mut [u8]) {
    let masks = &bitmap.masks;
    if let [red, green, blue, alpha @ ..] = to {
        (*red, *green, *blue) = (masks.red.of(pixel), masks.green.of(pixel), masks.blue.of(pixel));
        if let (Some(mask), [alpha]) = (masks.alpha, alpha) {
            *alpha = mask.of(pixel);
        }
    }
}
