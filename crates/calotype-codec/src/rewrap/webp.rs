//! WebP: the chunks of pictures and frames (RFC 9649, section 2.7), under a new `VP8X` where one is needed.

use crate::OutputMetadata;

const FLAG_ANIMATION: u8 = 0x02;
const FLAG_XMP: u8 = 0x04;
const FLAG_EXIF: u8 = 0x08;
const FLAG_ALPHA: u8 = 0x10;
const FLAG_ICC: u8 = 0x20;

pub(super) fn rewrap(bytes: &[u8], metadata: &OutputMetadata) -> Option<Vec<u8>> {
    let (head, body) = bytes.split_first_chunk::<12>()?;
    let length = usize::try_from(u32::from_le_bytes(*head.get(4..)?.first_chunk()?)).ok()?;
    let mut rest = body.get(..length.checked_sub(4)?)?;
    let mut extended = None;
    let mut picture = Vec::with_capacity(bytes.len());
    while !rest.is_empty() {
        let name: [u8; 4] = *rest.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?)).ok()?;
        let content = rest.get(8..length.checked_add(8)?)?;
        // The last pad byte of a file is often missing.
        rest = rest.get(8 + length + length % 2..).unwrap_or_default();
        match &name {
            b"VP8X" => extended = Some(*content.first_chunk::<10>()?),
            b"ANIM" | b"ANMF" | b"ALPH" | b"VP8 " | b"VP8L" => push(&mut picture, name, content)?,
            _ => {}
        }
    }
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    let wanted = [
        (FLAG_ICC, &metadata.icc),
        (FLAG_EXIF, &metadata.exif),
        (FLAG_XMP, &metadata.xmp),
    ];
    match extended {
        Some(mut header) => {
            let flags = header.first_mut()?;
            *flags &= FLAG_ALPHA | FLAG_ANIMATION;
            for (flag, block) in wanted {
                *flags |= if block.is_some() { flag } else { 0 };
            }
            push(&mut out, *b"VP8X", &header)?;
        }
        // A simple file has no place for metadata, and nothing to leave behind.
        None if wanted.iter().any(|(_, block)| block.is_some()) => return None,
        None => {}
    }
    if let Some(icc) = &metadata.icc {
        push(&mut out, *b"ICCP", icc)?;
    }
    out.extend_from_slice(&picture);
    if let Some(exif) = &metadata.exif {
        push(&mut out, *b"EXIF", exif)?;
    }
    if let Some(xmp) = &metadata.xmp {
        push(&mut out, *b"XMP ", xmp)?;
    }
    let length = u32::try_from(out.len().checked_sub(8)?).ok()?;
    out.get_mut(4..8)?.copy_from_slice(&length.to_le_bytes());
    (!picture.is_empty()).then_some(out)
}

fn push(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) -> Option<()> {
    out.extend_from_slice(&name);
    out.extend_from_slice(&u32::try_from(content.len()).ok()?.to_le_bytes());
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
    Some(())
}
