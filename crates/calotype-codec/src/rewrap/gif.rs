//! GIF: the screen, the frames, how to show them and how often (GIF89a specification); no comments, no text, no other
//! application's blocks.

const COMMENT: u8 = 0xfe;
const GRAPHIC_CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;

pub(super) fn rewrap(bytes: &[u8]) -> Option<Vec<u8>> {
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3usize << ((flags & 7) + 1)
        }
    };
    let head = 13 + table(*bytes.get(10)?);
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes.get(..head)?);
    let mut at = head;
    let mut has_frame = false;
    loop {
        let end = match *bytes.get(at)? {
            0x3b => break,
            0x21 => {
                let kind = *bytes.get(at + 1)?;
                let end = behind_blocks(bytes, at + 2)?;
                let block = bytes.get(at..end)?;
                let is_loop = || {
                    // A block of 11 bytes that names the application, and one of 3: 1 and the count.
                    let name = block.get(2..14);
                    let is_known = matches!(name, Some(b"\x0bNETSCAPE2.0" | b"\x0bANIMEXTS1.0"));
                    is_known && block.len() == 19
                };
                match kind {
                    GRAPHIC_CONTROL => out.extend_from_slice(block),
                    APPLICATION if is_loop() => out.extend_from_slice(block),
                    APPLICATION | COMMENT => {}
                    // Plain text, which some readers paint, and what nobody knows.
                    _ => return None,
                }
                end
            }
            0x2c => {
                let flags = *bytes.get(at + 9)?;
                // The table, and a byte of code size.
                let end = behind_blocks(bytes, at + 10 + table(flags) + 1)?;
                out.extend_from_slice(bytes.get(at..end)?);
                has_frame = true;
                end
            }
            _ => return None,
        };
        at = end;
    }
    out.push(0x3b);
    has_frame.then_some(out)
}

/// Where a chain of blocks ends: each has its length in front, the last has length 0.
fn behind_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
