//! IPTC records among the image resources of Photoshop (IIM 4.2; Adobe Photoshop file formats, "Image resource
//! blocks").

/// The resource that holds IPTC records. The others hold thumbnails, profiles, paths, printer settings, and EXIF and
/// XMP a second time.
const IPTC_NAA: u16 = 0x0404;

/// The image resources reduced to the IPTC records, without the preview pictures that these may hold. `None` if no
/// record is left.
pub(super) fn kept(resources: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = resources;
    while let Some((id, content, after)) = resource(rest) {
        rest = after;
        if id != IPTC_NAA {
            continue;
        }
        let records = records(content);
        let Some(length) = u32::try_from(records.len()).ok().filter(|&length| length > 0) else {
            continue;
        };
        out.extend_from_slice(b"8BIM\x04\x04\0\0");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&records);
        if !records.len().is_multiple_of(2) {
            out.push(0);
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Number and content of the first resource, and what follows it.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"8BIM")?;
    let (&id, rest) = rest.split_first_chunk::<2>()?;
    // A name with its length in front, and the content, are both padded to even lengths.
    let name = usize::from(*rest.first()?);
    let rest = rest.get((name + 1).next_multiple_of(2)..)?;
    let (&length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let content = rest.get(..length)?;
    let after = rest.get(length.checked_next_multiple_of(2)?..).unwrap_or_default();
    Some((u16::from_be_bytes(id), content, after))
}

/// The records up to the first that is broken, without pictures: datasets 2:200 to 2:202 hold a preview, records from 7
/// on the object itself (IIM 4.2, sections 6 and 7).
fn records(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let &[0x1c, record, dataset, high, low, ref rest @ ..] = bytes {
        let short = usize::from(u16::from_be_bytes([high, low]));
        // With the high bit set the rest says how many bytes the length has.
        let (of_length, length) = if short & 0x8000 == 0 {
            (0, Some(short))
        } else {
            let digits = short & 0x7fff;
            let value = rest
                .get(..digits)
                .filter(|_| digits <= 4)
                .map(|digits| digits.iter().fold(0usize, |sum, &digit| sum << 8 | usize::from(digit)));
            (digits, value)
        };
        let end = length.and_then(|length| length.checked_add(5 + of_length));
        let Some((whole, after)) = end.and_then(|end| bytes.split_at_checked(end)) else {
            break;
        };
        if record < 7 && !(record == 2 && (200..=202).contains(&dataset)) {
            out.extend_from_slice(whole);
        }
        bytes = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(id: u16, name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut out = b"8BIM".to_vec();
        out.extend(id.to_be_bytes());
        out.push(name.len() as u8);
        out.extend(name);
        if name.len().is_multiple_of(2) {
            out.push(0);
        }
        out.extend((content.len() as u32).to_be_bytes());
        out.extend(content);
        if !content.len().is_multiple_of(2) {
            out.push(0);
        }
        out
    }

    #[test]
    fn only_iptc_records_stay() {
        let caption = b"\x1c\x02\x78\0\x05Hello";
        let preview = b"\x1c\x02\xca\0\x07preview";
        let long = b"\x1c\x08\x0a\x80\x04\0\0\0\x06object";
        let source = [
            block(0x040c, b"", b"thumbnail"),
            block(
                IPTC_NAA,
                b"name",
                &[&caption[..], preview, long, b"\x1c\x02\x05\0\x03abc"].concat(),
            ),
            block(0x0424, b"", b"<xmp/>"),
        ]
        .concat();
        let want = block(IPTC_NAA, b"", &[&caption[..], b"\x1c\x02\x05\0\x03abc"].concat());
        assert_eq!(kept(&source), Some(want.clone()));
        assert_eq!(kept(&want), Some(want));
        assert_eq!(kept(&block(0x040c, b"", b"thumbnail")), None);
    }

    #[test]
    fn cut_resources_are_survived() {
        let source = [
            block(
                IPTC_NAA,
                b"n",
                b"\x1c\x02\x78\0\x05Hello\x1c\x08\x0a\x80\x04\xff\xff\xff\xffobject",
            ),
            block(1, b"", b"x"),
        ]
        .concat();
        for length in 0..source.len() {
            let _ = kept(&source[..length]);
        }
        assert_eq!(kept(b"8BIM\x04\x04\xff"), None);
    }
}
