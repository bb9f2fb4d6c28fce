//! JPEG: the segments that decoding needs (ITU-T T.81, annex B), and the entropy-coded data between them.

use crate::OutputMetadata;
use crate::jpeg::segments;

/// Bytes of a JFIF segment's content without a thumbnail (JFIF 1.02).
const JFIF_BYTES: usize = 14;

pub(super) fn rewrap(bytes: &[u8], metadata: &OutputMetadata) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&[0xff, 0xd8]);
    // JFIF must come first, and readers expect the metadata next.
    let mut tables = Vec::new();
    let mut jfif = None;
    let mut has_scan = false;
    loop {
        let (marker, after) = marker(rest)?;
        if marker == 0xd9 {
            break;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let content = after.get(2..length)?;
        rest = after.get(length..)?;
        match marker {
            0xe0 if content.starts_with(b"JFIF\0") && jfif.is_none() => jfif = content.get(..JFIF_BYTES),
            // Adobe's segment says which colours the components are.
            0xee if content.starts_with(b"Adobe") => push(&mut tables, marker, content)?,
            // Frame headers, tables, restart intervals, scans.
            0xc0..=0xcf | 0xda..=0xdd => {
                push(&mut tables, marker, content)?;
                if marker == 0xda {
                    has_scan = true;
                    let data = entropy_coded(rest)?;
                    tables.extend_from_slice(rest.get(..data)?);
                    rest = rest.get(data..)?;
                }
            }
            // Application data, comments and what is reserved.
            0xe0..=0xfe => {}
            // Hierarchical files, and markers that have no place here.
            _ => return None,
        }
    }
    if !has_scan {
        return None;
    }
    if let Some(jfif) = jfif {
        let mut jfif = jfif.to_vec();
        // No thumbnail.
        jfif.get_mut(12..14)?.fill(0);
        push(&mut out, 0xe0, &jfif)?;
    }
    for (marker, content) in segments(metadata) {
        push(&mut out, marker, &content)?;
    }
    out.extend_from_slice(&tables);
    out.extend_from_slice(&[0xff, 0xd9]);
    Some(out)
}

/// The next marker, which fill bytes may precede; nothing else may.
fn marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let start = bytes.iter().position(|&byte| byte != 0xff)?;
    (start > 0).then_some(())?;
    Some((*bytes.get(start)?, bytes.get(start + 1..)?))
}

/// Length of the data up to the next marker that is not a restart.
fn entropy_coded(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(0xff, bytes.get(from..)?)?;
        match bytes.get(at + 1)? {
            // A stuffed byte, a restart, or a fill byte whose successor decides.
            0 | 0xd0..=0xd7 => from = at + 2,
            0xff => from = at + 1,
            _ => return Some(at),
        }
    }
}

fn push(out: &mut Vec<u8>, marker: u8, content: &[u8]) -> Option<()> {
    let length = u16::try_from(content.len() + 2).ok()?;
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
    Some(())
}
