//! One block of coefficients (ITU-T T.81 F.2.2), of which only the low frequencies are kept.

use super::Irregular;
use super::huffman::{END, Passing, Values};
use super::window::{Bits, Piece};

/// Rows and columns of the coefficients in the order of the zigzag (T.81 figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The largest first coefficient, dequantised, that any picture has is 1024 and a quantisation step more; what
/// decoders make of numbers out of all range differs.
const FIRST_MAX: i32 = 4080;

/// Where coefficients go and what they are multiplied with, by their place in the zigzag.
///
/// Places behind the last kept one, and kept ones that are of no use, go to a place of no meaning.
#[derive(Debug)]
pub(super) struct Dequantizer {
    /// Place in the low 8 bits, quantisation step in the high 16.
    steps: Box<[u32; 256]>,
}

impl Dequantizer {
    pub(super) const BYTES: u64 = 4 * 256;

    /// For a transform of `side` by `side`: 1, 2, 4, 8. Places are those of a square of that side.
    pub(super) fn new(table: &[u16; 64], side: usize) -> Self {
        let nowhere = (side * side) as u32;
        let mut steps = Box::new([nowhere; 256]);
        for ((step, &quantum), &at) in steps.iter_mut().zip(table).zip(&ZIGZAG) {
            let (row, column) = (usize::from(at) / 8, usize::from(at) % 8);
            let place = if row < side && column < side {
                (row * side + column) as u32
            } else {
                nowhere
            };
            *step = place | u32::from(quantum) << 16;
        }
        Self { steps }
    }

    #[inline(always)]
    fn first(&self) -> i32 {
        (self.steps[0] >> 16) as i32
    }
}

/// The tables that a component is read with.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) differences: &'a Values,
    pub(super) values: &'a Values,
    pub(super) passing: &'a Passing,
    pub(super) dequantizer: &'a Dequantizer,
}

impl Reader<'_> {
    /// Reads the first coefficient, dequantised. Bits for three more symbols are held after it.
    #[inline(always)]
    fn first(&self, previous: &mut i32, bits: &mut Bits, piece: &Piece) -> Result<i32, Irregular> {
        let entry = self.differences.look_up(bits);
        bits.fill(piece);
        let difference = if entry.is_longer() {
            self.differences.take_longer(entry, bits, piece)?.1
        } else {
            bits.skip(entry.length());
            entry.value()
        };
        *previous = previous.wrapping_add(difference);
        let value = previous.wrapping_mul(self.dequantizer.first());
        // The second comparison is for products that wrapped.
        if value.unsigned_abs() > FIRST_MAX as u32 || previous.unsigned_abs() > FIRST_MAX as u32 {
            return Err(Irregular);
        }
        Ok(value)
    }

    /// Reads the first coefficient and passes over the others.
    #[inline(always)]
    pub(super) fn read_first(&self, previous: &mut i32, bits: &mut Bits, piece: &Piece) -> Result<i16, Irregular> {
        let first = self.first(previous, bits, piece)?;
        self.pass(0, bits, piece)?;
        Ok(first as i16)
    }

    /// Reads the coefficients up to the place `LAST` of the zigzag and passes over those behind. `kept` has `PLACES`
    /// places, a power of two larger than what the dequantizer uses; those that it uses must be 0 before. Whether
    /// there are others than the first.
    #[inline(always)]
    pub(super) fn read<const LAST: usize, const PLACES: usize>(
        &self,
        kept: &mut [i16; PLACES],
        previous: &mut i32,
        bits: &mut Bits,
        piece: &Piece,
    ) -> Result<bool, Irregular> {
        kept[0] = self.first(previous, bits, piece)? as i16;
        let mut at = 0usize;
        'kept: loop {
            for turn in 0..4 {
                let entry = self.values.look_up(bits);
                if turn == 3 {
                    // While the table is looked up.
                    bits.fill(piece);
                }
                bits.skip(entry.length());
                let next = at + entry.advance();
                let step = self.dequantizer.steps[next & 255];
                kept[step as usize & (PLACES - 1)] = (entry.value() as i16).wrapping_mul((step >> 16) as i16);
                if next < LAST {
                    at = next;
                    continue;
                }
                // One test for all that is not the common case.
                if !entry.is_longer() {
                    at = next;
                    break 'kept;
                }
                let (advance, value) = self.values.take_longer(entry, bits, piece)?;
                at += advance;
                let step = self.dequantizer.steps[at & 255];
                kept[step as usize & (PLACES - 1)] = (value as i16).wrapping_mul((step >> 16) as i16);
                if at >= LAST {
                    break 'kept;
                }
            }
        }
        if at < 63 {
            self.pass(at, bits, piece)?;
        } else if at > 63 && at < END {
            return Err(Irregular);
        }
        Ok(at != END)
    }

    /// Passes over the coefficients behind the place `at`, which is not the last one.
    #[inline(always)]
    fn pass(&self, mut at: usize, bits: &mut Bits, piece: &Piece) -> Result<(), Irregular> {
        loop {
            for turn in 0..2 {
                let (length, advance) = self.passing.look_up(bits);
                if turn == 1 {
                    // While the table is looked up.
                    bits.fill(piece);
                }
                let next = at + advance;
                if next < 63 {
                    bits.skip(length);
                    at = next;
                    continue;
                }
                // The block ends: with its last coefficient, or by a symbol before that.
                if next == 63 || (END..END + 63).contains(&next) {
                    bits.skip(length);
                    return Ok(());
                }
                // The entry goes on into the next block, or does not hold a whole code.
                let (advance, _) = self.values.take(bits, piece)?;
                at += advance;
                match at {
                    0..63 => {}
                    63 | END.. => return Ok(()),
                    _ => return Err(Irregular),
                }
            }
        }
    }
}
