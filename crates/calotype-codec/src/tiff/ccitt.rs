//! Bilevel coding of fax machines: ITU-T T.4 and T.6, and TIFF's own variant without line ends (TIFF 6.0 sections 10
//! and 11). The code tables are those of the `fax` crate.

use fax::BitReader;
use fax::maps::{Mode, black, mode, white};

use crate::CodecError;

/// Which coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// One-dimensional rows that begin at multiples of so many bits.
    Aligned(usize),
    /// T.4, one-dimensional, with or without line ends.
    T4,
    /// T.4, where a bit behind each line end says whether the row is coded by the one above.
    T4TwoDimensional,
    /// T.6: every row by the one above.
    T6,
}

/// Decodes rows into `out`, `row_bytes` each: a bit per pixel, the leftmost highest, 1 for black.
///
/// Rows behind an end mark are white.
pub(crate) fn decode(
    bytes: &[u8],
    coding: Coding,
    width: u32,
    row_bytes: usize,
    out: &mut [u8],
) -> Result<(), CodecError> {
    out.fill(0);
    let mut bits = Bits { bytes, at: 0 };
    let (mut reference, mut current) = (Vec::new(), Vec::new());
    for row in out.chunks_exact_mut(row_bytes.max(1)) {
        current.clear();
        let more = match coding {
            Coding::Aligned(to) => {
                bits.at = bits.at.next_multiple_of(to);
                bits.row_by_itself(width, &mut current)?;
                true
            }
            Coding::T4 | Coding::T4TwoDimensional => match bits.line_ends()? {
                // Two line ends in a row end the page.
                2.. => false,
                ends => {
                    let by_itself = coding == Coding::T4 || ends == 0 || bits.take(1) == 1;
                    if by_itself {
                        bits.row_by_itself(width, &mut current)?;
                        true
                    } else {
                        bits.row_by_the_last(width, &reference, &mut current)?
                    }
                }
            },
            Coding::T6 => bits.row_by_the_last(width, &reference, &mut current)?,
        };
        if !more {
            break;
        }
        if bits.at > bytes.len().saturating_mul(8) {
            return Err(CodecError::corrupt("the file ends before the picture does"));
        }
        paint(&current, width, row);
        std::mem::swap(&mut reference, &mut current);
    }
    Ok(())
}

/// Sets the bits between the first and second, third and fourth change, and so on.
fn paint(changes: &[u32], width: u32, row: &mut [u8]) {
    for run in changes.chunks(2) {
        let from = run.first().copied().unwrap_or(width).min(width) as usize;
        let to = run.get(1).copied().unwrap_or(width).min(width) as usize;
        let mut x = from;
        while x < to {
            let Some(byte) = row.get_mut(x / 8) else { break };
            if x.is_multiple_of(8) && to - x >= 8 {
                *byte = 0xff;
                x += 8;
            } else {
                *byte |= 0x80 >> (x % 8);
                x += 1;
            }
        }
    }
}

fn bad() -> CodecError {
    CodecError::corrupt("its fax data has a code that does not exist")
}

/// Runs of nothing could make a row as long as the file.
fn too_many(changes: &[u32], width: u32) -> Result<(), CodecError> {
    if changes.len() as u64 > 2 * u64::from(width) + 4 {
        return Err(bad());
    }
    Ok(())
}

/// Bits of the data, the highest first; zeros behind the end.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
}

impl BitReader for Bits<'_> {
    type Error = std::convert::Infallible;

    fn peek(&self, bits: u8) -> Option<u16> {
        let start = self.at / 8;
        let window = (0..3).fold(0u32, |sum, next| {
            sum << 8 | u32::from(self.bytes.get(start + next).copied().unwrap_or(0))
        });
        let shift = 24u32.checked_sub((self.at % 8) as u32 + u32::from(bits))?;
        let mask = 1u32.checked_shl(bits.into())? - 1;
        u16::try_from(window >> shift & mask).ok()
    }

    fn consume(&mut self, bits: u8) -> Result<(), Self::Error> {
        self.at += usize::from(bits);
        Ok(())
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        (self.at.next_multiple_of(8) - self.at) as u8
    }
}

impl Bits<'_> {
    fn is_over(&self) -> bool {
        self.at > self.bytes.len() * 8
    }

    fn take(&mut self, bits: u8) -> u16 {
        let value = self.peek(bits).unwrap_or(0);
        self.at += usize::from(bits);
        value
    }

    /// Passes over line ends: eleven zeros or more, then a one. Gives how many there were.
    fn line_ends(&mut self) -> Result<u32, CodecError> {
        let mut ends = 0;
        while self.peek(11) == Some(0) {
            self.at += 11;
            while self.take(1) == 0 {
                if self.is_over() {
                    return Err(CodecError::corrupt("the file ends before the picture does"));
                }
            }
            ends += 1;
            // Behind the second there can only be the end of the page.
            if ends == 2 {
                break;
            }
            // In two-dimensional coding the bit behind the line end stands between two line ends.
            if self.peek(13).is_some_and(|next| next & 0xfff == 1 && next >> 12 == 1) {
                return Ok(2);
            }
        }
        Ok(ends)
    }

    /// The length of a run: codes of 64 and more, then one below.
    fn run(&mut self, is_black: bool) -> Result<u32, CodecError> {
        let mut length = 0u32;
        loop {
            let code = if is_black {
                black::decode(self)
            } else {
                white::decode(self)
            };
            let code = u32::from(code.ok_or_else(bad)?);
            length = length.checked_add(code).ok_or_else(bad)?;
            if code < 64 {
                return Ok(length);
            }
            if self.is_over() {
                return Err(CodecError::corrupt("the file ends before the picture does"));
            }
        }
    }

    /// A row as runs of white and black in turn; gives where colours change.
    fn row_by_itself(&mut self, width: u32, changes: &mut Vec<u32>) -> Result<(), CodecError> {
        let (mut x, mut is_black) = (0u32, false);
        while x < width {
            let run = self.run(is_black)?;
            x = x.checked_add(run).filter(|&x| x <= width).ok_or_else(bad)?;
            changes.push(x);
            is_black = !is_black;
            too_many(changes, width)?;
            if self.is_over() {
                return Err(CodecError::corrupt("the file ends before the picture does"));
            }
        }
        Ok(())
    }

    /// A row by the changes of the one above (T.4 section 4.2). Gives `false` at the end mark.
    fn row_by_the_last(&mut self, width: u32, reference: &[u32], changes: &mut Vec<u32>) -> Result<bool, CodecError> {
        // The names of the standard: a0 is where the row stands, b1 the next change above to the other colour, b2 the
        // one behind it.
        let mut a0 = None;
        let mut is_black = false;
        let mut next = 0;
        let above = |index: usize| reference.get(index).copied().unwrap_or(width);
        while a0.unwrap_or(0) < width {
            let is_behind = |change: u32| a0.is_none_or(|a0| change > a0);
            while next > 0 && is_behind(above(next - 1)) {
                next -= 1;
            }
            while next < reference.len() && (!is_behind(above(next)) || (next % 2 == 1) != is_black) {
                next += 1;
            }
            let (b1, b2) = (above(next), above(next.saturating_add(1)));
            // The table looks at seven zeros; the mark has eleven and a one.
            let has_mark = self.peek(12) == Some(1);
            match mode::decode(self).ok_or_else(bad)? {
                Mode::Pass => a0 = Some(b2),
                Mode::Vertical(by) => {
                    let a1 = b1
                        .checked_add_signed(by.into())
                        .filter(|&a1| a1 <= width && a1 >= a0.unwrap_or(0))
                        .ok_or_else(bad)?;
                    changes.push(a1);
                    is_black = !is_black;
                    a0 = Some(a1);
                }
                Mode::Horizontal => {
                    let a1 = a0.unwrap_or(0).checked_add(self.run(is_black)?).ok_or_else(bad)?;
                    let a2 = a1.checked_add(self.run(!is_black)?).ok_or_else(bad)?;
                    if a2 > width {
                        return Err(bad());
                    }
                    changes.extend([a1, a2]);
                    a0 = Some(a2);
                }
                Mode::Extension => return Err(CodecError::unsupported("uncompressed mode in fax data")),
                Mode::EOF if has_mark && !self.is_over() => return Ok(false),
                Mode::EOF if !self.is_over() => return Err(bad()),
                Mode::EOF => {}
            }
            too_many(changes, width)?;
            if self.is_over() {
                return Err(CodecError::corrupt("the file ends before the picture does"));
            }
        }
        Ok(true)
    }
}
