//! Entropy-coded data: bits and Huffman codes (ITU-T T.81 annexes C and F.2.2).

use crate::CodecError;

/// Reads the bits of a scan. At a marker it stops: bits behind it are missing.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    buffer: u64,
    held: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            buffer: 0,
            held: 0,
        }
    }

    /// The next `count` bits, at most 16, as a number.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, CodecError> {
        self.fill();
        if self.held < count {
            return Err(ends_early());
        }
        self.held -= count;
        Ok((self.buffer >> self.held) as u32 & ((1 << count) - 1))
    }

    /// One bit.
    pub(super) fn flag(&mut self) -> Result<bool, CodecError> {
        Ok(self.take(1)? == 1)
    }

    /// The next 16 bits without taking them; what is missing is 0.
    fn peek(&mut self) -> u32 {
        self.fill();
        let missing = 16u32.saturating_sub(self.held);
        ((self.buffer << missing) >> self.held.saturating_sub(16)) as u32 & 0xffff
    }

    /// A difference or coefficient of `size` bits (T.81 F.2.2.1, EXTEND).
    pub(super) fn signed(&mut self, size: u32) -> Result<i32, CodecError> {
        if size == 0 {
            return Ok(0);
        }
        // 16 bits stand for 32768 alone, and none follow (T.81 H.1.2.2).
        if size >= 16 {
            return Ok(32_768);
        }
        let value = self.take(size)? as i32;
        Ok(if value < 1 << (size - 1) {
            value + 1 - (1 << size)
        } else {
            value
        })
    }

    /// A coded value.
    pub(super) fn decode(&mut self, table: &Huffman) -> Result<u8, CodecError> {
        let ahead = self.peek();
        let (value, length) = table.look_up(ahead)?;
        if self.held < length {
            return Err(ends_early());
        }
        self.held -= length;
        Ok(value)
    }

    /// Passes over a restart marker.
    pub(super) fn restart(&mut self) -> Result<(), CodecError> {
        // Whole bytes that were read ahead would be data that nobody took.
        if self.held >= 8 {
            return Err(CodecError::corrupt("a restart marker is not where it should be"));
        }
        (self.buffer, self.held) = (0, 0);
        while let [0xff, rest @ ..] = self.rest {
            match rest {
                [0xd0..=0xd7, rest @ ..] => {
                    self.rest = rest;
                    return Ok(());
                }
                // Fill bytes.
                [0xff, ..] => self.rest = rest,
                _ => break,
            }
        }
        Err(if self.rest.is_empty() {
            ends_early()
        } else {
            CodecError::corrupt("a restart marker is not where it should be")
        })
    }

    /// What follows the data that was looked at.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn fill(&mut self) {
        while self.held <= 48 {
            let byte = match self.rest {
                [0xff, 0, rest @ ..] => {
                    self.rest = rest;
                    0xff
                }
                [0xff, ..] | [] => return,
                [byte, rest @ ..] => {
                    self.rest = rest;
                    *byte
                }
            };
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.held += 8;
        }
    }
}

fn ends_early() -> CodecError {
    CodecError::corrupt("the file ends before the picture does")
}

/// A table of Huffman codes.
#[derive(Debug, Clone)]
pub(super) struct Huffman {
    /// Value and length for every beginning of 8 bits; length 0 where the code is longer.
    short: Box<[(u8, u8); 256]>,
    /// For each length: the first code behind the last one of this length, aligned to 16 bits, and what to add to a code
    /// for its place among the values.
    ends: [(u32, i32); 17],
    values: Vec<u8>,
}

impl Huffman {
    /// The table of a DHT segment: how many codes each length has, and the values in order.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Result<Self, CodecError> {
        let bad = || CodecError::corrupt("a Huffman table is bad or missing");
        let mut table = Self {
            short: Box::new([(0, 0); 256]),
            ends: [(0, 0); 17],
            values: values.to_vec(),
        };
        let (mut code, mut place) = (0u32, 0u32);
        for (length, &count) in (1u32..).zip(counts) {
            let count = u32::from(count);
            if code + count > 1 << length {
                return Err(bad());
            }
            if let Some(end) = table.ends.get_mut(length as usize) {
                *end = ((code + count) << (16 - length), place as i32 - code as i32);
            }
            for _ in 0..count {
                let &value = values.get(place as usize).ok_or_else(bad)?;
                if length <= 8 {
                    let first = (code << (8 - length)) as usize;
                    let all = table
                        .short
                        .get_mut(first..first + (1 << (8 - length)))
                        .ok_or_else(bad)?;
                    all.fill((value, length as u8));
                }
                (code, place) = (code + 1, place + 1);
            }
            code <<= 1;
        }
        Ok(table)
    }

    /// Value and length of the code that 16 bits begin with.
    fn look_up(&self, ahead: u32) -> Result<(u8, u32), CodecError> {
        let &(value, length) = self.short.get((ahead >> 8) as usize).unwrap_or(&(0, 0));
        if length > 0 {
            return Ok((value, u32::from(length)));
        }
        for (length, &(end, offset)) in (0u32..).zip(&self.ends).skip(9) {
            if ahead < end {
                let place = (ahead >> (16 - length)) as i32 + offset;
                let value = usize::try_from(place).ok().and_then(|place| self.values.get(place));
                return value
                    .map(|&value| (value, length))
                    .ok_or_else(|| CodecError::corrupt("a Huffman code is none of its table"));
            }
        }
        Err(CodecError::corrupt("a Huffman code is none of its table"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_all_lengths_are_read() {
        // 0 -> a; 10 -> b; then 110000000 (9 bits) -> c, and 16 ones less one -> d.
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[8], counts[15]) = (1, 1, 1, 1);
        let table = Huffman::new(&counts, b"abcd").unwrap();
        // The code of 16 bits follows the 9-bit one: 1100 0000 1 000 0000.
        let data = [0b0101_1000, 0b0000_1100, 0b0000_1000, 0b0000_0000];
        let mut bits = Bits::new(&data);
        let read: Vec<u8> = (0..4).map(|_| bits.decode(&table).unwrap()).collect();
        assert_eq!(read, b"abcd");
        assert!(Huffman::new(&[3; 16], &[0; 48]).is_err());
        assert!(Huffman::new(&counts, b"abc").is_err());
    }

    #[test]
    fn stuffing_is_taken_out_and_markers_end_the_data() {
        let mut bits = Bits::new(&[0xff, 0, 0x81, 0xff, 0xd3, 0x40, 0xff, 0xd9]);
        assert_eq!(bits.take(16).unwrap(), 0xff81);
        assert!(bits.take(1).is_err());
        bits.restart().unwrap();
        assert_eq!(bits.take(2).unwrap(), 1);
        assert!(bits.restart().is_err());
        assert_eq!(bits.rest(), [0xff, 0xd9]);
    }

    #[test]
    fn differences_extend_their_sign() {
        let mut bits = Bits::new(&[0b0100_1101, 0b1000_0000]);
        let read: Vec<i32> = [1, 1, 2, 2, 3].iter().map(|&n| bits.signed(n).unwrap()).collect();
        // T.81 table F.1: 0 -> -1, 1 -> 1; 00 -> -3, 11 -> 3; 011 -> -4.
        assert_eq!(read, [-1, 1, -3, 3, -4]);
        assert_eq!((bits.signed(0).unwrap(), bits.signed(16).unwrap()), (0, 32_768));
    }
}
