//! Huffman 1D of OS/2: ITU-T T.4 in one dimension. Black pixels have index 1.

use super::{Bitmap, rows};
use crate::tiff::ccitt;
use crate::{Budget, CodecError, Layout, Picture};

/// Decodes the rows to bits, and those as plain rows.
pub(super) fn decode(bitmap: &Bitmap<'_>, layout: Layout, budget: &Budget) -> Result<Picture, CodecError> {
    let row_bytes = u64::from(bitmap.size.width).div_ceil(8);
    let bytes = row_bytes.saturating_mul(bitmap.size.height.into());
    let _charged = budget.reserve(bytes)?;
    let too_long = |_| CodecError::corrupt("its rows are too long");
    let mut bits = vec![0; usize::try_from(bytes).map_err(too_long)?];
    let row_bytes = usize::try_from(row_bytes).map_err(too_long)?;
    ccitt::decode(bitmap.data, ccitt::Coding::T4, bitmap.size.width, row_bytes, &mut bits)?;
    let mut picture = Picture::new(bitmap.size, layout, [255; 4], budget)?;
    rows::paint(bitmap, &bits, row_bytes, &mut picture);
    Ok(picture)
}
