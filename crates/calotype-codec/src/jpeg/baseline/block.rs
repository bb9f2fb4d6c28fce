//! One block of coefficients (ITU-T T.81 F.2.2), of which only the low frequencies are kept.

use super::Irregular;
use super::huffman::{END, Pairs, Passing, Values};
use super::window::{Bits, Piece};

/// Rows and columns of the coefficients in the order of the zigzag (T.81 figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The largest first coefficient, dequantised, that any picture has is 1024 and a quantisation step more; what
/// decoders make of numbers out of all range differs.
const FIRST_MAX: u64 = 4080;

/// Where coefficients go and what they are multiplied with, by their place in the zigzag.
///
/// Places behind the last kept one, and kept ones that are of no use, go to a place of no meaning, times 0.
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
            if row < side && column < side {
                *step = (row * side + column) as u32 | u32::from(quantum) << 16;
            }
        }
        Self { steps }
    }

    #[inline(always)]
    fn first(&self) -> i32 {
        (self.steps[0] >> 16) as i32
    }
}

/// Where the coefficients of a block are put, dequantised.
pub(super) trait Kept {
    /// Begins a block: all coefficients but the first are 0.
    fn start(&mut self, first: i16);

    /// Puts the first coefficient of a block that has no others, and is not looked at for them.
    fn put_alone(&mut self, first: i16);

    /// Puts a coefficient to a place of the dequantizer.
    fn put(&mut self, place: u32, value: i16);

    /// The first coefficient.
    fn lowest(&self) -> i16;
}

/// For blocks of half as many places; a power of two.
impl<const PLACES: usize> Kept for [i16; PLACES] {
    #[inline(always)]
    fn start(&mut self, first: i16) {
        if let Some(used) = self.get_mut(..PLACES / 2) {
            used.fill(0);
        }
        self[0] = first;
    }

    #[inline(always)]
    fn put_alone(&mut self, first: i16) {
        self[0] = first;
    }

    #[inline(always)]
    fn put(&mut self, place: u32, value: i16) {
        self[place as usize & (PLACES - 1)] = value;
    }

    #[inline(always)]
    fn lowest(&self) -> i16 {
        self[0]
    }
}

/// A block of four places, 16 bits each: in a register, because what was just written in pieces is read late as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Four(u64);

impl Four {
    #[inline(always)]
    pub(super) fn coefficients(self) -> [i16; 4] {
        [0, 16, 32, 48].map(|shift| (self.0 >> shift) as i16)
    }
}

impl Kept for Four {
    #[inline(always)]
    fn start(&mut self, first: i16) {
        self.0 = u64::from(first as u16);
    }

    #[inline(always)]
    fn put_alone(&mut self, first: i16) {
        self.start(first);
    }

    #[inline(always)]
    fn put(&mut self, place: u32, value: i16) {
        // Places come once; 0 comes to a place of no meaning.
        self.0 |= u64::from(value as u16) << ((place * 16) & 63);
    }

    #[inline(always)]
    fn lowest(&self) -> i16 {
        self.0 as i16
    }
}

/// The tables that a component is read with.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) differences: &'a Values,
    pub(super) values: &'a Values,
    pub(super) pairs: &'a Pairs,
    pub(super) passing: &'a Passing,
    pub(super) dequantizer: &'a Dequantizer,
}

impl Reader<'_> {
    /// Reads the first coefficient, dequantised. At least 34 bits are held after it, and 12 after any other symbol: those
    /// that the next look-up needs.
    #[inline(always)]
    fn first(&self, previous: &mut i32, bits: &mut Bits, piece: &Piece) -> Result<i32, Irregular> {
        let entry = self.differences.look_up(bits);
        bits.fill(piece);
        let difference = if entry.is_longer() {
            self.differences.take(bits, piece)?.1
        } else {
            entry.take(bits)
        };
        *previous = previous.wrapping_add(difference);
        let value = i64::from(*previous) * i64::from(self.dequantizer.first());
        if value.unsigned_abs() > FIRST_MAX {
            return Err(Irregular);
        }
        Ok(value as i32)
    }

    /// Reads the first coefficient and passes over the others.
    #[inline(always)]
    pub(super) fn read_first(&self, previous: &mut i32, bits: &mut Bits, piece: &Piece) -> Result<i16, Irregular> {
        let first = self.first(previous, bits, piece)?;
        self.pass(0, bits, piece)?;
        Ok(first as i16)
    }

    /// Reads the coefficients up to the place `LAST` of the zigzag and passes over those behind. Gives the last place that
    /// is not 0, or one behind it.
    #[inline(always)]
    pub(super) fn read<const LAST: usize>(
        &self,
        kept: &mut impl Kept,
        previous: &mut i32,
        bits: &mut Bits,
        piece: &Piece,
    ) -> Result<usize, Irregular> {
        let first = self.first(previous, bits, piece)? as i16;
        // Many blocks are flat, and a branch of their own is well predicted.
        let pair = self.pairs.look_up(bits);
        if pair.is_end() {
            pair.take(bits);
            kept.put_alone(first);
            return Ok(0);
        }
        kept.start(first);
        let mut at = 0usize;
        loop {
            if self.keep::<LAST, false>(kept, &mut at, bits, piece)?
                || self.keep::<LAST, true>(kept, &mut at, bits, piece)?
            {
                break;
            }
        }
        match at {
            END.. => Ok(at - END),
            63 => Ok(at),
            64.. => Err(Irregular),
            _ => self.pass(at, bits, piece).map(|()| at),
        }
    }

    /// Takes a symbol or two behind the place `at`, and moves it on. Whether that is `LAST` or behind. With `FILL`, bits are
    /// filled up: every second time.
    #[inline(always)]
    fn keep<const LAST: usize, const FILL: bool>(
        &self,
        kept: &mut impl Kept,
        at: &mut usize,
        bits: &mut Bits,
        piece: &Piece,
    ) -> Result<bool, Irregular> {
        let mut put = |at: usize, value: i16| {
            let step = self.dequantizer.steps[at & 255];
            kept.put(step & 0xffff, value.wrapping_mul((step >> 16) as i16));
        };
        let before = *bits;
        let pair = self.pairs.look_up(bits);
        if FILL {
            // While the table is looked up.
            bits.fill(piece);
        }
        let (first, second) = pair.advances();
        let (first, second) = (*at + first, *at + first + second);
        let values = pair.take(bits);
        put(first, values.0);
        put(second, values.1);
        // One test for all that is not the common case.
        if second < LAST {
            *at = second;
            return Ok(false);
        }
        if first < 63 || pair.is_end() {
            *at = second;
            return Ok(true);
        }
        // The first symbol is the last of the block, or is longer than what was looked up: it is taken alone.
        *bits = before;
        let (advance, value) = self.values.take(bits, piece)?;
        *at += advance;
        put(*at, value as i16);
        Ok(*at >= LAST)
    }

    /// Passes over the coefficients behind the place `at`, which is not the last one.
    #[inline(always)]
    fn pass(&self, mut at: usize, bits: &mut Bits, piece: &Piece) -> Result<(), Irregular> {
        loop {
            if self.pass_some::<true>(&mut at, bits, piece)? || self.pass_some::<false>(&mut at, bits, piece)? {
                return Ok(());
            }
        }
    }

    /// Passes over some symbols behind the place `at`, and moves it on. Whether the block ends with them.
    #[inline(always)]
    fn pass_some<const FILL: bool>(&self, at: &mut usize, bits: &mut Bits, piece: &Piece) -> Result<bool, Irregular> {
        let (length, advance) = self.passing.look_up(bits);
        if FILL {
            // While the table is looked up.
            bits.fill(piece);
        }
        let next = *at + advance;
        if next < 63 {
            bits.skip(length);
            *at = next;
            return Ok(false);
        }
        // The block ends: with its last coefficient, or by a symbol before that.
        if next == 63 || (END..END + 63).contains(&next) {
            bits.skip(length);
            return Ok(true);
        }
        // The entry goes on into the next block, or does not hold a whole code.
        let (advance, _) = self.values.take(bits, piece)?;
        *at += advance;
        match *at {
            0..63 => Ok(false),
            63 | END.. => Ok(true),
            _ => Err(Irregular),
        }
    }
}
