//! Telling formats apart by content. Neither names nor `Content-Type` count (spec 9.2).

mod svg;

use calotype_plan::ImageFormat;

/// The format of a file, by its first bytes alone; `None` if it is no image of a kind we know by name.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        // SOI and the 0xff that begins the next marker.
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(ImageFormat::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(ImageFormat::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::Webp),
        // TIFF and BigTIFF in both byte orders.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(ImageFormat::Tiff),
        // JPEG XL: bare codestream, and the signature box of the container (ISO/IEC 18181-2).
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', 0x0d, 0x0a, 0x87, 0x0a, ..] => Some(ImageFormat::Jxl),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => brand(bytes),
        // ICO and CUR: reserved 0, type 1 or 2, at least one picture, whose entry has a reserved 0 too.
        [0, 0, 1 | 2, 0, low, high, _, _, _, 0, ..] if (*low, *high) != (0, 0) => Some(ImageFormat::Ico),
        [b'B', b'M', ..] if is_bmp(bytes) => Some(ImageFormat::Bmp),
        _ if svg::is_svg(bytes) => Some(ImageFormat::Svg),
        _ => None,
    }
}

/// A bitmap says the size of its second header, and only certain sizes exist; `BM` alone begins many a text.
fn is_bmp(bytes: &[u8]) -> bool {
    let size = bytes
        .get(14..18)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_le_bytes);
    matches!(size, Some(12 | 16..=64 | 108 | 124))
}

/// The kind of an ISO base media file: AVIF if any brand is AVIF's, else HEIF if any brand is HEIF's (ISO/IEC 23008-12,
/// AV1 Image File Format).
///
/// Brands of both may be there (`mif1` is in most AVIF files), so AVIF's go first.
fn brand(bytes: &[u8]) -> Option<ImageFormat> {
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    // 8 bytes of box header, the major brand, its version, then compatible brands. The bound is far above what files
    // have.
    let brands = bytes.get(8..length.clamp(12, 8 + 4 * 64).min(bytes.len()))?;
    let has = |wanted: &[&[u8; 4]]| {
        brands
            .as_chunks::<4>()
            .0
            .iter()
            .enumerate()
            .any(|(index, brand)| index != 1 && wanted.contains(&brand))
    };
    if has(&[b"avif", b"avis"]) {
        Some(ImageFormat::Avif)
    } else if has(&[
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"miaf",
    ]) {
        Some(ImageFormat::Heic)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let cases: &[(&[u8], Option<ImageFormat>)] = &[
            (b"\xff\xd8\xff\xe0", Some(ImageFormat::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(ImageFormat::Png)),
            (b"GIF87a", Some(ImageFormat::Gif)),
            (b"GIF89a;", Some(ImageFormat::Gif)),
            (b"GIF90a", None),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(ImageFormat::Webp)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"II*\0\x08\0\0\0", Some(ImageFormat::Tiff)),
            (b"MM\0+\0\x08\0\0", Some(ImageFormat::Tiff)),
            (b"\xff\x0a\xfa\x1f", Some(ImageFormat::Jxl)),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Some(ImageFormat::Jxl)),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", Some(ImageFormat::Avif)),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", Some(ImageFormat::Avif)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some(ImageFormat::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(ImageFormat::Heic)),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp41avc1", None),
            // `avif` as the minor version is no brand, and neither is what lies behind the box.
            (b"\0\0\0\x10ftypisomavifavif", None),
            (b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0", Some(ImageFormat::Ico)),
            (b"\0\0\x02\0\x01\0\x10\x10\0\0\x01\0", Some(ImageFormat::Ico)),
            (b"\0\0\x01\0\0\0\x10\x10\0\0", None),
            (b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", Some(ImageFormat::Bmp)),
            (b"BMW is a maker of cars", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some(ImageFormat::Svg)),
            (b"\x1f\x8b\x08\0", None),
            (b"<!doctype html><html>", None),
            (b"%PDF-1.7", None),
            (b"", None),
            (b"\xff\xd8", None),
        ];
        for (bytes, want) in cases {
            assert_eq!(sniff(bytes), *want, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
