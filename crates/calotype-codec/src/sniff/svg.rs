//! Recognising SVG: a text format without a magic number, plain or gzipped.

use std::io::Read;

/// Bytes of text that are looked at. A document whose root comes later is not recognised.
const PROLOG_BYTES_MAX: usize = 16 << 10;

/// Whether the bytes begin an SVG document: byte order mark, white space, XML declaration, comments, processing
/// instructions and document type in any order, then `<svg`, possibly with a namespace prefix. Gzipped documents (SVGZ)
/// are unpacked as far as that needs.
pub(super) fn is_svg(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut text = Vec::new();
        // What came before an error in the stream counts: the decoder will report the error.
        let _ = flate2::read::GzDecoder::new(bytes)
            .take(PROLOG_BYTES_MAX as u64)
            .read_to_end(&mut text);
        return has_svg_root(&text);
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => has_svg_root(&utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => has_svg_root(&utf16(rest, u16::from_be_bytes)),
        _ => has_svg_root(bytes.get(..PROLOG_BYTES_MAX).unwrap_or(bytes)),
    }
}

/// The ASCII of a UTF-16 text; other characters become `?`, which no prolog's mark-up contains.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.as_chunks::<2>().0.iter().take(PROLOG_BYTES_MAX);
    units
        .map(|&pair| u8::try_from(unit(pair)).ok().filter(u8::is_ascii).unwrap_or(b'?'))
        .collect()
}

fn has_svg_root(text: &[u8]) -> bool {
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    loop {
        rest = rest.trim_ascii_start();
        let after = if let Some(comment) = rest.strip_prefix(b"<!--") {
            find(comment, b"-->").and_then(|end| comment.get(end + 3..))
        } else if let Some(instruction) = rest.strip_prefix(b"<?") {
            find(instruction, b"?>").and_then(|end| instruction.get(end + 2..))
        } else if rest
            .get(..9)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"<!doctype"))
        {
            after_doctype(rest)
        } else {
            return is_svg_element(rest);
        };
        match after {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

/// What follows a document type, whose internal subset may hold `>` in brackets and quotes.
fn after_doctype(rest: &[u8]) -> Option<&[u8]> {
    let (mut depth, mut quote, mut comment_end) = (0u32, None, 0);
    for (index, &byte) in rest.iter().enumerate() {
        match (quote, byte) {
            _ if index < comment_end => {}
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'<') if rest.get(index..)?.starts_with(b"<!--") => {
                comment_end = index + 7 + find(rest.get(index + 4..)?, b"-->")?;
            }
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'>') if depth == 0 => return rest.get(index + 1..),
            _ => {}
        }
    }
    None
}

/// Whether an element named `svg`, or `prefix:svg`, begins here.
fn is_svg_element(rest: &[u8]) -> bool {
    let Some(tag) = rest.strip_prefix(b"<") else {
        return false;
    };
    let end = tag
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
        .unwrap_or(tag.len());
    let name = tag.get(..end).unwrap_or_default();
    let local = name
        .iter()
        .rposition(|&b| b == b':')
        .and_then(|colon| name.get(colon + 1..))
        .unwrap_or(name);
    local == b"svg"
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn prologs_of_all_kinds_are_passed_over() {
        for text in [
            "<svg/>",
            "\u{feff}<svg>",
            "  \n<?xml version=\"1.0\"?>\n<!-- a > comment --><!-- two --><svg width='1'>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://x/svg11.dtd\"><svg>",
            "<?xml version='1.0'?><!DOCTYPE svg [ <!ENTITY a \"]>\"> <!-- don't ]> --> <!ENTITY b 'c'> ]><svg>",
            "<?xml-stylesheet href='a'?><s:svg xmlns:s='http://www.w3.org/2000/svg'>",
        ] {
            assert!(is_svg(text.as_bytes()), "{text}");
            let wide: Vec<u8> = [0xff, 0xfe]
                .into_iter()
                .chain(text.replace('\u{feff}', "").encode_utf16().flat_map(u16::to_le_bytes))
                .collect();
            assert!(is_svg(&wide), "UTF-16: {text}");
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(text.as_bytes()).unwrap();
            assert!(is_svg(&packer.finish().unwrap()), "gzipped: {text}");
        }
        for text in [
            "",
            "<",
            "<svgx>",
            "<html><svg>",
            "svg",
            "<!-- <svg> ",
            "<!DOCTYPE svg [",
            "<?xml",
            "text <svg>",
        ] {
            assert!(!is_svg(text.as_bytes()), "{text}");
        }
    }
}
