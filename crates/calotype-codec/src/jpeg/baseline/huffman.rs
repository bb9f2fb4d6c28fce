//! Tables of Huffman codes (ITU-T T.81 annex C), made for two ways of reading: with values, and passing over.

use super::Irregular;
use super::window::{Bits, Piece};

/// Bits that a table is looked up with.
const AHEAD: u32 = 11;
const PLACES: usize = 1 << AHEAD;
/// The same for tables that only pass over symbols, which are a quarter as large.
const PASSING_AHEAD: u32 = 12;
const PASSING_PLACES: usize = 1 << PASSING_AHEAD;

/// What a symbol that ends the block adds to the place in the zigzag.
pub(super) const END: usize = 128;

/// The longest code and value together that are taken at once: two of them and the bits of a third look-up are 56 bits.
const LENGTH_MAX: u32 = 22;

/// What the coming bits begin with: a code, and how long its value is.
///
/// Bits 0 to 7: length of code and value together, 0 if more bits than were looked up have to be; 8 to 15: how far the
/// place in the zigzag advances ([`END`]: the block ends; without a length behind the end of every block); 16 to 23:
/// length of the code; 24 to 31: 63 less the size of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    const LONGER: Self = Self(64 << 8 | 63 << 24);

    fn new(code_length: u32, symbol: u8) -> Self {
        let size = u32::from(symbol & 15);
        let length = code_length + size;
        Self(length | advance(symbol) << 8 | code_length << 16 | (63 - size) << 24)
    }

    #[inline(always)]
    pub(super) fn is_longer(self) -> bool {
        self.0 & 255 == 0
    }

    #[inline(always)]
    pub(super) fn advance(self) -> usize {
        (self.0 >> 8 & 255) as usize
    }

    /// Takes code and value. The value is 0 where it has no bits (T.81 F.2.2.1, EXTEND).
    #[inline(always)]
    pub(super) fn take(self, bits: &mut Bits) -> i32 {
        let value = bits.signed(self.0 >> 16 & 63, self.0 >> 24);
        bits.skip(self.0 & 63);
        value
    }
}

/// The codes of a DHT segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes<'a> {
    counts: [u8; 16],
    values: &'a [u8],
}

impl<'a> Codes<'a> {
    /// None if the codes are too many for their lengths. The code of ones alone is kept free (T.81 C.2).
    pub(super) fn new(counts: [u8; 16], values: &'a [u8]) -> Option<Self> {
        let mut code = 0u32;
        for (length, &count) in (1u32..).zip(&counts) {
            code += u32::from(count);
            if count > 0 && code >= 1 << length {
                return None;
            }
            code <<= 1;
        }
        let all: usize = counts.iter().map(|&count| usize::from(count)).sum();
        (all == values.len()).then_some(Self { counts, values })
    }

    /// Whether all values are sizes of differences.
    pub(super) fn are_sizes(&self) -> bool {
        self.values.iter().all(|&value| value <= 15)
    }

    /// Length, code and value of each.
    fn each(&self) -> impl Iterator<Item = (u32, u32, u8)> {
        let lengths = (1u32..)
            .zip(self.counts)
            .flat_map(|(length, count)| (0..count).map(move |_| length));
        let mut code = 0u32;
        let mut before = 0u32;
        lengths.zip(self.values).map(move |(length, &value)| {
            code <<= length - before;
            before = length;
            code += 1;
            (length, code - 1, value)
        })
    }
}

/// How to read values.
#[derive(Debug)]
pub(super) struct Values {
    entries: Box<[Entry; PLACES]>,
    /// For each length: the first 16 bits behind its last code, and what to add to a code for its place in `symbols`.
    ends: [(u32, i32); 17],
    symbols: [u8; 256],
}

impl Values {
    pub(super) const BYTES: u64 = (PLACES * size_of::<Entry>()) as u64;

    pub(super) fn new(codes: &Codes<'_>) -> Self {
        let mut entries = Box::new([Entry::LONGER; PLACES]);
        let mut ends = [(0, 0); 17];
        let mut symbols = [0; 256];
        for (place, (length, code, symbol)) in (0i32..).zip(codes.each()) {
            if let (Some(end), Some(to)) = (ends.get_mut(length as usize), symbols.get_mut(place as usize & 255)) {
                *end = ((code + 1) << (16 - length), place - code as i32);
                *to = symbol;
            }
            if length <= AHEAD && length + u32::from(symbol & 15) <= LENGTH_MAX {
                let first = (code << (AHEAD - length)) as usize;
                let all = entries
                    .get_mut(first..first + (1 << (AHEAD - length)))
                    .unwrap_or_default();
                all.fill(Entry::new(length, symbol));
            }
        }
        Self { entries, ends, symbols }
    }

    /// The entry for the coming bits.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: &Bits) -> Entry {
        self.entries[bits.peek::<AHEAD>() & (PLACES - 1)]
    }

    /// Takes a symbol and its value: how far it advances, and the value. At least 34 bits are held after it.
    #[inline(always)]
    pub(super) fn take(&self, bits: &mut Bits, piece: &Piece) -> Result<(usize, i32), Irregular> {
        bits.fill(piece);
        let mut entry = self.look_up(bits);
        if entry.is_longer() {
            entry = self.search(bits.peek::<16>() as u32)?;
            let taken = (entry.advance(), entry.take(bits));
            bits.fill(piece);
            return Ok(taken);
        }
        Ok((entry.advance(), entry.take(bits)))
    }

    /// The code that 16 bits begin with.
    #[inline(never)]
    fn search(&self, ahead: u32) -> Result<Entry, Irregular> {
        for (length, &(end, offset)) in (0u32..).zip(&self.ends).skip(1) {
            if ahead < end {
                let place = (ahead >> (16 - length)) as i32 + offset;
                let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
                return symbol.map(|&symbol| Entry::new(length, symbol)).ok_or(Irregular);
            }
        }
        Err(Irregular)
    }
}

/// How far a symbol advances: its run of zeroes and the coefficient itself. Without value bits, only a run of 15 does.
fn advance(symbol: u8) -> u32 {
    match (symbol >> 4, symbol & 15) {
        (15, 0) => 16,
        (_, 0) => END as u32,
        (run, _) => u32::from(run) + 1,
    }
}

/// One or two symbols that the coming bits begin with: their codes, and the value of the first, are among the bits that
/// were looked up.
///
/// The low half is an [`Entry`], with the length of both symbols. Bits 32 to 39: how far the second advances, 0 if there
/// is none; 40 to 47: the bits before its value; 48 to 55: 63 less its size. Without a second, its value is the first's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair(u64);

impl Pair {
    fn new(first: Entry, second: Option<Entry>) -> Self {
        let length = first.0 & 255;
        let (all, advance, before, rest) = match second {
            Some(Entry(second)) => (
                second & 255,
                second >> 8 & 255,
                length + (second >> 16 & 255),
                second >> 24,
            ),
            None => (0, 0, first.0 >> 16 & 255, first.0 >> 24),
        };
        Self(u64::from(first.0 + all) | u64::from(advance | before << 8 | rest << 16) << 32)
    }

    /// Whether the first symbol ends the block.
    #[inline(always)]
    pub(super) fn is_end(self) -> bool {
        Entry(self.0 as u32).advance() == END
    }

    /// How far both advance.
    #[inline(always)]
    pub(super) fn advances(self) -> (usize, usize) {
        (Entry(self.0 as u32).advance(), (self.0 >> 32 & 255) as usize)
    }

    /// Takes both; their values.
    #[inline(always)]
    pub(super) fn take(self, bits: &mut Bits) -> (i16, i16) {
        let second = bits.signed((self.0 >> 40) as u32 & 63, (self.0 >> 48) as u32);
        let first = Entry(self.0 as u32).take(bits);
        (first as i16, second as i16)
    }
}

/// How to read values, two at a time where they are short.
#[derive(Debug)]
pub(super) struct Pairs {
    entries: Box<[Pair; PLACES]>,
}

impl Pairs {
    pub(super) const BYTES: u64 = (PLACES * size_of::<Pair>()) as u64;

    pub(super) fn new(values: &Values) -> Self {
        let mut entries = Box::new([Pair(0); PLACES]);
        for (start, (pair, &first)) in entries.iter_mut().zip(values.entries.iter()).enumerate() {
            let length = first.0 & 255;
            let second = values.entries.get((start << length) & (PLACES - 1));
            let second = second.copied().filter(|&Entry(second)| {
                !first.is_longer()
                    && first.advance() < END
                    && second & 255 > 0
                    && length + (second >> 16 & 255) <= AHEAD
                    && length + (second & 255) <= LENGTH_MAX
            });
            *pair = Pair::new(first, second);
        }
        Self { entries }
    }

    /// The entry for the coming bits.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: &Bits) -> Pair {
        self.entries[bits.peek::<AHEAD>() & (PLACES - 1)]
    }
}

/// How to pass over values: as many whole symbols at once as the coming bits hold codes of.
///
/// An entry's bits 0 to 7: length; 8 to 15: how far the place in the zigzag advances, and 128 more if the block ends.
/// 64 and no length where the first code is longer than the bits that were looked up.
#[derive(Debug)]
pub(super) struct Passing {
    entries: Box<[u16; PASSING_PLACES]>,
}

impl Passing {
    /// With what it takes to make it.
    pub(super) const BYTES: u64 = (PASSING_PLACES * (size_of::<u16>() + 3)) as u64;

    pub(super) fn new(codes: &Codes<'_>) -> Self {
        // Length, size and advance of the code that the bits begin with.
        let mut first = vec![[0u8; 3]; PASSING_PLACES];
        for (length, code, symbol) in codes.each().take_while(|&(length, ..)| length <= PASSING_AHEAD) {
            let start = (code << (PASSING_AHEAD - length)) as usize;
            if let Some(all) = first.get_mut(start..start + (1 << (PASSING_AHEAD - length))) {
                all.fill([length as u8, symbol & 15, advance(symbol) as u8]);
            }
        }
        let mut entries = Box::new([64 << 8; PASSING_PLACES]);
        for (start, entry) in entries.iter_mut().enumerate() {
            let (mut taken, mut advanced) = (0u32, 0u32);
            while taken < PASSING_AHEAD && advanced < 64 {
                let ahead = start << taken & (PASSING_PLACES - 1);
                let Some([length, size, advance]) = first.get(ahead).map(|entry| entry.map(u32::from)) else {
                    break;
                };
                if length == 0 || taken + length > PASSING_AHEAD || taken + length + size > LENGTH_MAX {
                    break;
                }
                taken += length + size;
                advanced += advance;
            }
            if taken > 0 {
                *entry = (taken | advanced << 8) as u16;
            }
        }
        Self { entries }
    }

    /// The entry for the coming bits: length and advance.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: &Bits) -> (u32, usize) {
        let entry = self.entries[bits.peek::<PASSING_AHEAD>() & (PASSING_PLACES - 1)];
        (u32::from(entry & 255), usize::from(entry >> 8))
    }
}
