//! BMP in: every bitmap of OS/2 and Windows, and the bitmaps inside icons.
//!
//! - `header`: the second header in all its sizes, and what it says about the rows (Microsoft: BITMAPCOREHEADER to
//!   BITMAPV5HEADER; IBM: OS/2 2.x bitmap file format).
//! - `masks`: where the channels of a 16- or 32-bit pixel lie.
//! - `color`: colour spaces of versions 4 and 5.
//! - `rows`: plain rows to pixels. `rle`: run-length coding. `fax`: Huffman 1D.

mod color;
mod fax;
mod header;
mod masks;
mod rle;
mod rows;

use calotype_plan::{ImageFormat, Limits, Size};

use crate::{Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata};
use crate::{jpeg, png};
use header::Coding;
pub(crate) use header::{Bitmap, Place};

/// Reads the headers.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let bitmap = in_file(bytes)?;
    if let Some((inner, format)) = bitmap.embedded()? {
        return embedded_header(inner, format, &bitmap, limits);
    }
    Ok(bitmap.image_header(ImageFormat::Bmp, limits))
}

/// Decodes the picture to RGB, or to RGBA if the headers name a place for alpha.
///
/// What run-length coding leaves out has the first colour of the palette, as in the references; a file that ends
/// before its picture is refused.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let bitmap = in_file(bytes)?;
    if let Some((inner, format)) = bitmap.embedded()? {
        let header = embedded_header(inner, format, &bitmap, limits)?;
        return match format {
            ImageFormat::Jpeg => jpeg::decode(inner, &header, request, limits, budget),
            _ => png::decode(inner, &header, request, limits, budget),
        };
    }
    if bitmap.size != header.size {
        return Err(CodecError::corrupt("its header changes"));
    }
    let layout = if bitmap.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let mut picture = pixels(&bitmap, layout, budget)?;
    if bitmap.has_alpha() {
        show_if_nothing_shows(&mut picture);
    }
    Ok(finish(&bitmap, picture, limits))
}

/// The bitmap of a file.
fn in_file(bytes: &[u8]) -> Result<Bitmap<'_>, CodecError> {
    // The file header: `BM`, the file's size (often wrong), two reserved words, and where the pixels are.
    let cut = || CodecError::corrupt("its header is cut or damaged");
    let pixels_at = bytes
        .get(10..14)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or_else(cut)?;
    let rest = bytes.get(14..).ok_or_else(cut)?;
    Bitmap::read(rest, Place::File { pixels_at })
}

/// The pixels of a bitmap that holds no other file.
///
/// The picture is charged to `budget` only after what can be known of the data's length was checked.
pub(crate) fn pixels(bitmap: &Bitmap<'_>, layout: Layout, budget: &Budget) -> Result<Picture, CodecError> {
    match bitmap.coding {
        Coding::Plain => rows::decode(bitmap, layout, budget),
        Coding::Rle4 | Coding::Rle8 | Coding::Rle24 => rle::decode(bitmap, layout, budget),
        Coding::Huffman1d => fax::decode(bitmap, layout, budget),
        Coding::Jpeg | Coding::Png => Err(CodecError::unsupported("JPEG or PNG data inside an icon's bitmap")),
    }
}

/// Colours and profile around decoded pixels.
pub(crate) fn finish(bitmap: &Bitmap<'_>, picture: Picture, limits: &Limits) -> Decoded {
    let color = color::source(bitmap, limits);
    let icc = match &color {
        ColorSource::Icc(icc) => Some(icc.clone()),
        _ => None,
    };
    Decoded {
        picture,
        scale: 1,
        color,
        metadata: SourceMetadata {
            icc,
            ..SourceMetadata::default()
        },
    }
}

/// Makes a picture opaque whose every pixel is transparent: its writer left the fourth byte at 0 and meant nothing by
/// it. Browsers do the same. Says whether it had to.
pub(crate) fn show_if_nothing_shows(picture: &mut Picture) -> bool {
    let pixels = picture.data_mut().as_chunks_mut::<4>().0;
    let hidden = pixels.iter().all(|pixel| pixel[3] == 0);
    if hidden {
        pixels.iter_mut().for_each(|pixel| pixel[3] = 255);
    }
    hidden
}

/// The header of a JPEG or PNG inside a bitmap, which must have the bitmap's size.
fn embedded_header(
    inner: &[u8],
    format: ImageFormat,
    bitmap: &Bitmap<'_>,
    limits: &Limits,
) -> Result<Header, CodecError> {
    let mut header = match format {
        ImageFormat::Jpeg => jpeg::probe(inner, limits)?,
        _ => png::probe(inner, limits)?,
    };
    if header.size != bitmap.size {
        return Err(CodecError::corrupt(format!(
            "it says {}, but the picture inside is {}",
            bitmap.size, header.size
        )));
    }
    header.format = ImageFormat::Bmp;
    (header.frames, header.frames_area) = (1, Size::area(header.size));
    Ok(header)
}

#[cfg(test)]
mod tests;
