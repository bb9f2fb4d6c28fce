//! Entropy-coded data without its stuffed bytes, and the bits of it (ITU-T T.81 B.1.1.5, F.2.2.5).
//!
//! A piece of the file is copied with the stuffed zeroes left out, so that the hot loops read whole words and look at
//! no byte. Where the data ends (a marker follows, or nothing) zeroes are put behind it: they are decoded without harm,
//! and [`Window::advance`] sees that more was taken than there was.

use super::Irregular;

/// Bytes that one MCU can take at most, and the word that is read ahead: 10 blocks of 64 symbols, each a code of 16
/// bits and a value of 15.
const MCU_BYTES_MAX: usize = 10 * 64 * 31 / 8 + 80;
const PLACES: usize = 1 << 15;

/// The copied piece.
pub(super) type Piece = [u8; PLACES + 8];

/// Where the reader is, and the bits that it holds: cheap to copy, so that loops keep it in registers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bits {
    /// The next bit is the highest one. Bits below those that are held are zero or the true ones.
    buffer: u64,
    /// At most 63.
    held: u32,
    /// The byte of the piece behind those that are held.
    at: u32,
}

impl Bits {
    /// Fills up to at least 56 bits.
    #[inline(always)]
    pub(super) fn fill(&mut self, piece: &Piece) {
        let at = self.at as usize & (PLACES - 1);
        let word = piece
            .get(at..at + 8)
            .and_then(|bytes| bytes.first_chunk())
            .map_or(0, |&bytes| u64::from_be_bytes(bytes));
        self.buffer |= word >> (self.held & 63);
        self.at = self.at.wrapping_add((63 - (self.held & 63)) >> 3);
        self.held |= 56;
    }

    /// The next `COUNT` bits as a number, without taking them.
    #[inline(always)]
    pub(super) fn peek<const COUNT: u32>(&self) -> usize {
        (self.buffer >> (64 - COUNT)) as usize
    }

    /// Passes over bits that are held.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count & 63;
        self.held = self.held.wrapping_sub(count);
    }

    /// The number behind the next `ahead` bits, where `63 - size` is given for its size, 0 to 15: a difference or
    /// coefficient (T.81 F.2.2.1, EXTEND).
    #[inline(always)]
    pub(super) fn signed(&self, ahead: u32, rest: u32) -> i32 {
        let from = self.buffer << (ahead & 63);
        // Numbers that begin with 0 are negative, and their bits are inverted. Of size 0, no bit is left.
        let inverted = !((from as i64) >> 63);
        let magnitude = ((from ^ inverted as u64) >> 1 >> (rest & 63)) as i32;
        (magnitude ^ inverted as i32).wrapping_sub(inverted as i32)
    }
}

/// The entropy-coded data of one scan.
#[derive(Debug)]
pub(super) struct Window<'a> {
    piece: Box<Piece>,
    /// Bytes of the piece that are data.
    end: usize,
    /// Nothing follows the piece up to the next marker or the end of the file.
    is_last: bool,
    rest: &'a [u8],
}

impl<'a> Window<'a> {
    /// Bytes that it allocates.
    pub(super) const BYTES: u64 = size_of::<Piece>() as u64;

    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            piece: Box::new([0; PLACES + 8]),
            end: 0,
            is_last: false,
            rest: data,
        }
    }

    pub(super) fn piece(&self) -> &Piece {
        &self.piece
    }

    /// Sees to it that the next MCU is in the piece, and that there was data for the ones before.
    #[inline(always)]
    pub(super) fn advance(&mut self, bits: &mut Bits) -> Result<(), Irregular> {
        if bits.at as usize + MCU_BYTES_MAX <= self.end {
            return Ok(());
        }
        self.slide(bits)
    }

    #[inline(never)]
    fn slide(&mut self, bits: &mut Bits) -> Result<(), Irregular> {
        if self.is_last {
            return self.left(bits).map(|_| ());
        }
        let at = (bits.at as usize).min(self.end);
        self.piece.copy_within(at..self.end, 0);
        (self.end, bits.at) = (self.end - at, 0);
        let most = PLACES - MCU_BYTES_MAX;
        while self.end < most && !self.is_last {
            let ahead = self.rest.get(..most - self.end).unwrap_or(self.rest);
            let plain = memchr::memchr(0xff, ahead).unwrap_or(ahead.len());
            let (data, rest) = self.rest.split_at(plain);
            if let Some(place) = self.piece.get_mut(self.end..self.end + plain) {
                place.copy_from_slice(data);
            }
            self.end += plain;
            self.rest = rest;
            match rest {
                [0xff, 0, rest @ ..] if plain < ahead.len() => {
                    if let Some(place) = self.piece.get_mut(self.end) {
                        *place = 0xff;
                    }
                    self.end += 1;
                    self.rest = rest;
                }
                [] | [0xff, ..] if plain < ahead.len() || rest.is_empty() => self.is_last = true,
                _ => {}
            }
        }
        if self.is_last
            && let Some(behind) = self.piece.get_mut(self.end..self.end + MCU_BYTES_MAX + 8)
        {
            behind.fill(0);
        }
        bits.fill(&self.piece);
        Ok(())
    }

    /// The bits of the piece that were not taken.
    fn left(&self, bits: &Bits) -> Result<usize, Irregular> {
        let taken = (bits.at as usize * 8).saturating_sub(bits.held as usize);
        (self.end * 8).checked_sub(taken).ok_or(Irregular)
    }

    /// The marker behind the data, all of which must have been taken, up to the bits that fill the last byte. Reading
    /// goes on behind the marker.
    pub(super) fn marker(&mut self, bits: &mut Bits) -> Result<u8, Irregular> {
        if !self.is_last {
            self.slide(bits)?;
        }
        if !self.is_last || self.left(bits)? >= 8 {
            return Err(Irregular);
        }
        let mut rest = self.rest;
        while let [0xff, after @ ..] = rest {
            match after {
                // Fill bytes.
                [0xff, ..] => rest = after,
                &[marker, ref after @ ..] if marker != 0 => {
                    *bits = Bits::default();
                    (self.rest, self.end, self.is_last) = (after, 0, false);
                    return Ok(marker);
                }
                _ => break,
            }
        }
        Err(Irregular)
    }
}
