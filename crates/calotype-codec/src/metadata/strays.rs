//! Whether a file holds a picture and nothing else: what may be sent on as it is.
//!
//! Written as a list of what is allowed, so that whatever nobody thought of (comments, thumbnails, credentials, further
//! pictures, bytes behind the end) counts as a stray.

use calotype_plan::ImageFormat;

use super::SourceMetadata;

/// Whether a file of this format holds its picture, the metadata blocks that `known` has, each once, and nothing else:
/// no comments, no other metadata, no further pictures, no bytes behind the end. False also for files and formats that
/// are not understood here.
#[must_use]
pub fn holds_nothing_but(bytes: &[u8], format: ImageFormat, known: &SourceMetadata) -> bool {
    let mut allowed = Allowed::from(known);
    match format {
        ImageFormat::Jpeg => jpeg(bytes, &mut allowed),
        ImageFormat::Png => png(bytes, &mut allowed),
        ImageFormat::Gif => gif(bytes),
        ImageFormat::Webp => webp(bytes, &mut allowed),
        ImageFormat::Avif => isobmff::avif(bytes, &allowed),
        _ => None,
    }
    .is_some()
}

/// The blocks that may still come.
struct Allowed {
    exif: bool,
    xmp: bool,
    iptc: bool,
    icc: bool,
}

impl From<&SourceMetadata> for Allowed {
    fn from(known: &SourceMetadata) -> Self {
        Self {
            exif: known.exif.is_some(),
            xmp: known.xmp.is_some(),
            iptc: known.iptc.is_some(),
            icc: known.icc.is_some(),
        }
    }
}

/// A block that may come once.
fn once(allowed: &mut bool) -> Option<()> {
    std::mem::take(allowed).then_some(())
}

fn jpeg(bytes: &[u8], allowed: &mut Allowed) -> Option<()> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let (&[fill, marker], after) = rest.split_first_chunk::<2>()?;
        if fill != 0xff {
            return None;
        }
        rest = after;
        if marker == 0xd9 {
            return rest.is_empty().then_some(());
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let segment = rest.get(2..length)?;
        rest = rest.get(length..)?;
        match marker {
            // Tables, restart interval, number of lines, and the frames that browsers read.
            0xc0..=0xc2 | 0xc4 | 0xdb..=0xdd => {}
            // JFIF without a thumbnail.
            0xe0 if segment.len() == 14 && segment.starts_with(b"JFIF\0") && segment.ends_with(&[0, 0]) => {}
            0xee if segment.len() == 12 && segment.starts_with(b"Adobe") => {}
            0xe1 if segment.starts_with(b"Exif\0") => once(&mut allowed.exif)?,
            0xe1 if segment.starts_with(b"http://ns.adobe.com/xap/1.0/\0") => once(&mut allowed.xmp)?,
            // These two may be split over segments.
            0xe2 if allowed.icc && segment.starts_with(b"ICC_PROFILE\0") => {}
            0xed if allowed.iptc && segment.starts_with(b"Photoshop 3.0\0") => {}
            0xda => rest = behind_scan(rest)?,
            _ => return None,
        }
    }
}

/// What follows the entropy-coded data: a marker that is neither a stuffed byte nor a restart.
fn behind_scan(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        rest = rest.get(memchr::memchr(0xff, rest)?..)?;
        match rest.get(1)? {
            0 | 0xd0..=0xd7 => rest = rest.get(2..)?,
            _ => return Some(rest),
        }
    }
}

fn png(bytes: &[u8], allowed: &mut Allowed) -> Option<()> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    loop {
        let (&length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let content = after.get(..length)?;
        rest = after.get(length..)?.get(4..)?;
        match name {
            b"IEND" => return (rest.is_empty() && content.is_empty()).then_some(()),
            // Few bytes of fixed meaning.
            b"IHDR" | b"PLTE" | b"IDAT" | b"tRNS" | b"sRGB" | b"gAMA" | b"cHRM" | b"cICP" | b"sBIT" | b"bKGD"
            | b"pHYs" => {}
            b"iCCP" => once(&mut allowed.icc)?,
            b"eXIf" => once(&mut allowed.exif)?,
            b"iTXt" if content.starts_with(b"XML:com.adobe.xmp\0") => once(&mut allowed.xmp)?,
            _ => return None,
        }
    }
}

fn gif(bytes: &[u8]) -> Option<()> {
    let head = bytes.get(..13)?;
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3usize << ((flags & 7) + 1)
        }
    };
    let mut rest = bytes.get(13 + table(*head.get(10)?)..)?;
    loop {
        let (&kind, after) = rest.split_first()?;
        rest = match kind {
            0x3b => return after.is_empty().then_some(()),
            // The only extension that belongs to a picture is the one that says how to show it.
            0x21 => behind_blocks(after.strip_prefix(&[0xf9])?)?,
            0x2c => {
                let flags = *after.get(8)?;
                behind_blocks(after.get(9 + table(flags) + 1..)?)?
            }
            _ => return None,
        };
    }
}

/// What follows a chain of blocks, each with its length in front, the last of length 0.
fn behind_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, after) = rest.split_first()?;
        rest = after.get(usize::from(length)..)?;
        if length == 0 {
            return Some(rest);
        }
    }
}

fn webp(bytes: &[u8], allowed: &mut Allowed) -> Option<()> {
    let (head, mut rest) = bytes.split_first_chunk::<12>()?;
    let riff = u32::from_le_bytes(*head.get(4..)?.first_chunk()?);
    if usize::try_from(riff).ok()?.checked_add(8)? != bytes.len() {
        return None;
    }
    while !rest.is_empty() {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (&length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
        rest = after.get(length.checked_next_multiple_of(2)?..)?;
        match name {
            b"VP8X" | b"VP8 " | b"VP8L" | b"ALPH" => {}
            b"ICCP" => once(&mut allowed.icc)?,
            b"EXIF" => once(&mut allowed.exif)?,
            b"XMP " => once(&mut allowed.xmp)?,
            _ => return None,
        }
    }
    Some(())
}

/// AVIF as encoders write stills: `ftyp`, `meta` and `mdat`, the last all used by the items of the first.
mod isobmff {
    use super::Allowed;

    pub(super) fn avif(bytes: &[u8], allowed: &Allowed) -> Option<()> {
        let [(b"ftyp", _), (b"meta", meta), (b"mdat", data)] = *boxes(bytes)?.as_slice() else {
            return None;
        };
        let mut stored = None;
        for (name, content) in boxes(meta.get(4..)?)? {
            match name {
                b"pitm" | b"iref" => {}
                // Version, flags, a reserved word, the kind, reserved words, and a name that says nothing.
                b"hdlr" => {
                    let name = content.get(24..)?;
                    let empty = name.iter().all(|&b| b == 0);
                    (empty || matches!(name, b"libavif\0" | b"PictureHandler\0")).then_some(())?;
                }
                b"iinf" => items(content, allowed)?,
                b"iprp" => properties(content, allowed)?,
                b"iloc" => stored = Some(stored_bytes(content)?),
                _ => return None,
            }
        }
        (stored? == data.len() as u64).then_some(())
    }

    /// Names and contents of boxes that fill `bytes`.
    fn boxes(mut bytes: &[u8]) -> Option<Vec<(&[u8; 4], &[u8])>> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let (&length, _) = bytes.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
            let content = bytes.get(8..length)?;
            all.push((bytes.get(4..)?.first_chunk()?, content));
            bytes = bytes.get(length..)?;
        }
        Some(all)
    }

    fn items(content: &[u8], allowed: &Allowed) -> Option<()> {
        let (&[version, _, _, _, _, _], infos) = content.split_first_chunk::<6>()?;
        if version != 0 {
            return None;
        }
        for (name, info) in boxes(infos)? {
            // Version 2: flags, an id of 16 bits, protection, the kind, a name.
            let (&[2, _, _, _, _, _, 0, 0], rest) = info.split_first_chunk::<8>()? else {
                return None;
            };
            let (kind, called) = rest.split_first_chunk::<4>()?;
            let plain = matches!(called, b"\0" | b"Color\0" | b"Alpha\0");
            let known = match kind {
                b"av01" | b"grid" => plain,
                b"Exif" => allowed.exif,
                b"mime" => allowed.xmp && called.ends_with(b"application/rdf+xml\0"),
                _ => false,
            };
            (name == b"infe" && known).then_some(())?;
        }
        Some(())
    }

    fn properties(content: &[u8], allowed: &Allowed) -> Option<()> {
        for (name, content) in boxes(content)? {
            match name {
                b"ipma" => {}
                b"ipco" => {
                    for (name, content) in boxes(content)? {
                        let known = match name {
                            b"ispe" | b"av1C" | b"pixi" | b"pasp" | b"clli" | b"irot" | b"imir" => true,
                            b"auxC" => content.ends_with(b":alpha\0"),
                            b"colr" => content.starts_with(b"nclx") || allowed.icc,
                            _ => false,
                        };
                        known.then_some(())?;
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// Bytes that version 0 of `iloc` speaks of, with offsets and lengths of 32 bits: all that encoders of stills use.
    fn stored_bytes(content: &[u8]) -> Option<u64> {
        let (&[0, _, _, _, 0x44, 0, count1, count0], mut rest) = content.split_first_chunk::<8>()? else {
            return None;
        };
        let mut sum = 0u64;
        for _ in 0..u16::from_be_bytes([count1, count0]) {
            let (&[_, _, _, _, many1, many0], extents) = rest.split_first_chunk::<6>()?;
            rest = extents;
            for _ in 0..u16::from_be_bytes([many1, many0]) {
                let (extent, after) = rest.split_first_chunk::<8>()?;
                sum = sum.checked_add(u64::from(u32::from_be_bytes(*extent.last_chunk()?)))?;
                rest = after;
            }
        }
        rest.is_empty().then_some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, EncodeRequest, Layout, OutputMetadata, Picture, encode};
    use calotype_plan::Size;

    fn every_format() -> Vec<(ImageFormat, EncodeRequest)> {
        vec![
            (
                ImageFormat::Jpeg,
                EncodeRequest::Jpeg {
                    quality: 80,
                    progressive: true,
                },
            ),
            (
                ImageFormat::Png,
                EncodeRequest::Png {
                    palette: crate::PaletteUse::Never,
                    fast: true,
                    quality: 80,
                },
            ),
            (
                ImageFormat::Webp,
                EncodeRequest::Webp {
                    quality: 80,
                    lossless: false,
                },
            ),
            (ImageFormat::Avif, EncodeRequest::Avif { quality: 80 }),
            (ImageFormat::Gif, EncodeRequest::Gif),
        ]
    }

    #[test]
    fn a_bare_picture_holds_nothing_else_and_one_byte_more_is_noticed() {
        let budget = Budget::unlimited();
        let picture = Picture::new(Size::new(40, 30), Layout::Rgb, [90, 40, 200, 0], &budget).unwrap();
        let known = SourceMetadata {
            exif: Some(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
            xmp: Some(b"<x/>".to_vec()),
            iptc: None,
            icc: Some(moxcms::ColorProfile::new_display_p3().encode().unwrap()),
        };
        let metadata = OutputMetadata {
            exif: known.exif.clone(),
            xmp: known.xmp.clone(),
            iptc: None,
            icc: known.icc.clone(),
        };
        let none = SourceMetadata::default();
        for (format, request) in every_format() {
            let mut bare = encode(&picture, &request, &OutputMetadata::default(), &budget).unwrap();
            assert!(holds_nothing_but(&bare, format, &none), "{format:?}");
            assert!(holds_nothing_but(&bare, format, &known), "{format:?}");
            bare.push(0);
            assert!(!holds_nothing_but(&bare, format, &known), "{format:?}: trailing byte");
            for length in 0..bare.len() - 1 {
                assert!(
                    !holds_nothing_but(&bare[..length], format, &none),
                    "{format:?}: cut at {length}"
                );
            }
            if format == ImageFormat::Gif {
                continue;
            }
            let full = encode(&picture, &request, &metadata, &budget).unwrap();
            assert!(holds_nothing_but(&full, format, &known), "{format:?}");
            for part in [
                SourceMetadata {
                    exif: None,
                    ..known.clone()
                },
                SourceMetadata {
                    xmp: None,
                    ..known.clone()
                },
                SourceMetadata {
                    icc: None,
                    ..known.clone()
                },
            ] {
                assert!(!holds_nothing_but(&full, format, &part), "{format:?}");
            }
        }
    }

    #[test]
    fn comments_are_noticed() {
        let budget = Budget::unlimited();
        let picture = Picture::new(Size::new(4, 4), Layout::Rgb, [9; 4], &budget).unwrap();
        let none = SourceMetadata::default();
        let [(_, jpeg), (_, png), .., (_, gif)] = *every_format().as_slice() else {
            panic!()
        };
        let [jpeg, png, gif] =
            [jpeg, png, gif].map(|r| encode(&picture, &r, &OutputMetadata::default(), &budget).unwrap());
        let insert = |file: &[u8], at: usize, piece: &[u8]| [&file[..at], piece, &file[at..]].concat();
        let commented = insert(&jpeg, 2, b"\xff\xfe\0\x06note");
        assert!(!holds_nothing_but(&commented, ImageFormat::Jpeg, &none));
        let commented = insert(&png, 33, b"\0\0\0\x06tEXta\0note????");
        assert!(!holds_nothing_but(&commented, ImageFormat::Png, &none));
        let commented = insert(&gif, gif.len() - 1, b"\x21\xfe\x04note\0");
        assert!(!holds_nothing_but(&commented, ImageFormat::Gif, &none));
    }
}
