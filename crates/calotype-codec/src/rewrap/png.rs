//! PNG: the chunks that pixels and their colours need (PNG 3rd edition, section 11), APNG's included.

use crate::OutputMetadata;
use crate::png::metadata_chunks;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn rewrap(bytes: &[u8], metadata: &OutputMetadata) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(SIGNATURE)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(SIGNATURE);
    let mut has_data = false;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let name: &[u8; 4] = rest.get(4..)?.first_chunk()?;
        let whole = length.checked_add(12)?;
        let chunk = rest.get(..whole)?;
        rest = rest.get(whole..)?;
        match name {
            b"IHDR" => {
                out.extend_from_slice(chunk);
                for (name, content) in metadata_chunks(metadata).ok()? {
                    push(&mut out, name, &content)?;
                }
            }
            b"IEND" => {
                out.extend_from_slice(chunk);
                break;
            }
            b"PLTE" | b"tRNS" | b"sRGB" | b"gAMA" | b"cHRM" | b"cICP" | b"sBIT" | b"acTL" | b"fcTL" | b"fdAT" => {
                out.extend_from_slice(chunk);
            }
            b"IDAT" => {
                has_data = true;
                out.extend_from_slice(chunk);
            }
            // Nothing else is needed to show the picture, unless its name says that it is.
            [b'A'..=b'Z', ..] => return None,
            _ => {}
        }
    }
    has_data.then_some(out)
}

fn push(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) -> Option<()> {
    out.extend_from_slice(&u32::try_from(content.len()).ok()?.to_be_bytes());
    let start = out.len();
    out.extend_from_slice(&name);
    out.extend_from_slice(content);
    let mut sum = flate2::Crc::new();
    sum.update(out.get(start..)?);
    out.extend_from_slice(&sum.sum().to_be_bytes());
    Some(())
}
