//! From the bytes of a file to text: gzip and character encodings.

use std::borrow::Cow;
use std::io::Read as _;

use calotype_plan::Limits;

use crate::{Budget, CodecError, Reservation};

/// The text of a document, and what it was charged.
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    _charged: Reservation,
}

/// Unpacks a gzipped document and turns UTF-16 and Latin-1 into UTF-8.
///
/// # Errors
/// [`CodecError::Limit`] above [`Limits::svg_bytes_max`], found while it inflates; [`CodecError::Corrupt`] if the stream
/// is cut or the text is not in the encoding that it declares; [`CodecError::Unsupported`] for any other encoding.
pub(super) fn text<'a>(bytes: &'a [u8], limits: &Limits, budget: &Budget) -> Result<Text<'a>, CodecError> {
    let (bytes, charged) = unpacked(bytes, limits, budget)?;
    let text = match bytes {
        Cow::Borrowed(bytes) => decoded(bytes)?,
        Cow::Owned(bytes) => Cow::Owned(decoded(&bytes)?.into_owned()),
    };
    Ok(Text {
        text,
        _charged: charged,
    })
}

fn unpacked<'a>(bytes: &'a [u8], limits: &Limits, budget: &Budget) -> Result<(Cow<'a, [u8]>, Reservation), CodecError> {
    let max = limits.svg_bytes_max as u64;
    let too_long = |length: u64| CodecError::limit("the length of the SVG, in bytes,", length, max);
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        let length = bytes.len() as u64;
        if length > max {
            return Err(too_long(length));
        }
        // UTF-16 and Latin-1 may grow by half and by one.
        return Ok((Cow::Borrowed(bytes), budget.reserve(length.saturating_mul(2))?));
    }
    // A gzip stream expands at most 1032 times.
    let worst = (bytes.len() as u64).saturating_mul(1032).min(max).saturating_add(1);
    let mut charged = budget.reserve(worst.saturating_mul(2))?;
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(max.saturating_add(1))
        .read_to_end(&mut out)
        .map_err(|_| CodecError::corrupt("its gzip stream is cut or damaged"))?;
    let length = out.len() as u64;
    if length > max {
        return Err(too_long(length));
    }
    charged.shrink_to(length.saturating_mul(2));
    Ok((Cow::Owned(out), charged))
}

/// The text by its byte order mark, else by the encoding in its XML declaration, else UTF-8 (XML 1.0, appendix F).
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, CodecError> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        _ => match declared_encoding(bytes).as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => utf8(bytes),
            Some("iso-8859-1" | "latin1" | "iso_8859-1") => {
                Ok(Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()))
            }
            Some(_) => Err(CodecError::unsupported(
                "the character encoding of this SVG (use UTF-8, UTF-16 or ISO-8859-1)",
            )),
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, CodecError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| CodecError::corrupt("its text is not UTF-8"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, CodecError> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(units.iter().map(|&pair| unit(pair))).collect();
    match (text, rest) {
        (Ok(text), []) => Ok(Cow::Owned(text)),
        _ => Err(CodecError::corrupt("its text is not UTF-16")),
    }
}

/// The encoding in an XML declaration, in lower case.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let declaration = bytes.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = declaration.iter().take(1024).position(|&byte| byte == b'>')?;
    let declaration = std::str::from_utf8(declaration.get(..end)?).ok()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?;
    let value = value.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let name = value.get(1..)?.split(quote).next()?;
    Some(name.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn read(bytes: &[u8]) -> Result<String, CodecError> {
        text(bytes, &Limits::default(), &Budget::unlimited()).map(|text| text.text.into_owned())
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn encodings_come_out_as_the_same_text() {
        let want = "<svg>é</svg>";
        let wide = |unit: fn(u16) -> [u8; 2], mark: &[u8]| -> Vec<u8> {
            let units = want.encode_utf16().flat_map(unit);
            mark.iter().copied().chain(units).collect()
        };
        assert_eq!(read(want.as_bytes()).unwrap(), want);
        assert_eq!(read(format!("\u{feff}{want}").as_bytes()).unwrap(), want);
        assert_eq!(read(&wide(u16::to_le_bytes, &[0xff, 0xfe])).unwrap(), want);
        assert_eq!(read(&wide(u16::to_be_bytes, &[0xfe, 0xff])).unwrap(), want);
        assert_eq!(read(&wide(u16::to_le_bytes, &[])).unwrap(), want);
        assert_eq!(read(&gzipped(want.as_bytes())).unwrap(), want);
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><svg>\xe9</svg>";
        assert!(read(latin).unwrap().ends_with(want));
        assert!(matches!(read(b"<svg>\xe9</svg>"), Err(CodecError::Corrupt { .. })));
        // In UTF-7 a script hides behind plain ASCII.
        let hidden = b"<?xml version='1.0' encoding='UTF-7'?>+ADw-svg/+AD4-";
        assert!(matches!(read(hidden), Err(CodecError::Unsupported { .. })));
    }

    #[test]
    fn a_bomb_stops_at_the_limit_and_a_cut_stream_is_an_error() {
        let limits = Limits {
            svg_bytes_max: 1000,
            ..Limits::default()
        };
        let bomb = gzipped(&vec![b' '; 50_000_000]);
        let budget = Budget::unlimited();
        assert!(matches!(
            text(&bomb, &limits, &budget),
            Err(CodecError::Limit {
                value: 1001,
                max: 1000,
                ..
            })
        ));
        assert!(budget.peak() < 4000);
        let mut cut = gzipped(b"<svg></svg>");
        cut.truncate(cut.len() - 6);
        assert!(matches!(read(&cut), Err(CodecError::Corrupt { .. })));
        let long = vec![b' '; 1001];
        assert!(matches!(
            text(&long, &limits, &Budget::unlimited()),
            Err(CodecError::Limit { .. })
        ));
    }
}
