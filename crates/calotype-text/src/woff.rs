//! WOFF (<https://www.w3.org/TR/WOFF/>) and WOFF2 (<https://www.w3.org/TR/WOFF2/>): compressed fonts.
//!
//! What a file announces is read first, by our own hand, and bounds what the library may make of it: both formats can name gigabytes in a few bytes.

use crate::TextError;
use crate::bounds::{TABLES_MAX, UNPACKED_BYTES_MAX, UNPACKING_FACTOR};
use crate::contained::contained;

/// Bytes that [`unpack`] will hold at its worst moment, for a packed font; `None` for any other file.
///
/// # Errors
/// When the file is cut or announces more than is taken.
pub fn unpacked_bytes(file: &[u8]) -> Result<Option<u64>, TextError> {
    let Some(kind) = Kind::of(file) else { return Ok(None) };
    kind.announced(file)
        .map(|bytes| Some(bytes.saturating_mul(UNPACKING_FACTOR)))
}

/// The font inside a WOFF or WOFF2 file.
///
/// # Errors
/// When the file is none of them, is damaged, or announces more than is taken.
pub fn unpack(file: &[u8]) -> Result<Vec<u8>, TextError> {
    let kind = Kind::of(file).ok_or(TextError::NotAFont)?;
    kind.announced(file)?;
    let font = contained(|| {
        let font = match kind {
            Kind::Woff => wuff::decompress_woff1(file),
            Kind::Woff2 => wuff::decompress_woff2(file),
        };
        font.map_err(|_| TextError::Broken("what it packs cannot be unpacked"))
    })?;
    if font.len() as u64 > UNPACKED_BYTES_MAX {
        return Err(too_large());
    }
    Ok(font)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Woff,
    Woff2,
}

impl Kind {
    fn of(file: &[u8]) -> Option<Self> {
        match file.get(..4)? {
            b"wOFF" => Some(Self::Woff),
            b"wOF2" => Some(Self::Woff2),
            _ => None,
        }
    }

    /// Bytes of the font inside, as far as anything will be made of them.
    fn announced(self, file: &[u8]) -> Result<u64, TextError> {
        let mut reader = Reader { rest: file };
        reader.skip(4)?;
        let flavor = reader.u32()?;
        if flavor == u32::from_be_bytes(*b"ttcf") {
            return Err(TextError::Unsupported("it holds several fonts; use a file with one"));
        }
        reader.skip(4)?;
        let tables = usize::from(reader.u16()?);
        if tables > TABLES_MAX {
            return Err(TextError::Broken("it has too many tables"));
        }
        // The rest of the header: 44 and 48 bytes in all.
        reader.skip(match self {
            Self::Woff => 30,
            Self::Woff2 => 34,
        })?;
        let mut bytes = 0_u64;
        for _ in 0..tables {
            let (packed, unpacked) = match self {
                Self::Woff => {
                    reader.skip(8)?;
                    let lengths = (reader.u32()?, reader.u32()?);
                    reader.skip(4)?;
                    lengths
                }
                Self::Woff2 => reader.entry()?,
            };
            // A table is copied as it is where its packed form is the longer one.
            bytes = bytes.saturating_add(u64::from(packed.max(unpacked)));
        }
        if bytes > UNPACKED_BYTES_MAX {
            return Err(too_large());
        }
        Ok(bytes)
    }
}

const fn too_large() -> TextError {
    TextError::FontTooLarge {
        max: UNPACKED_BYTES_MAX,
    }
}

struct Reader<'f> {
    rest: &'f [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TextError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(CUT)?;
        self.rest = rest;
        Ok(*head)
    }

    fn skip(&mut self, bytes: usize) -> Result<(), TextError> {
        self.rest = self.rest.get(bytes..).ok_or(CUT)?;
        Ok(())
    }

    fn u16(&mut self) -> Result<u16, TextError> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, TextError> {
        self.take().map(u32::from_be_bytes)
    }

    /// An entry of WOFF2's directory (section 4.1): the length of the table before it was compressed, and of the table in the font.
    fn entry(&mut self) -> Result<(u32, u32), TextError> {
        let [flags] = self.take()?;
        let (tag, transform) = (flags & 0x3f, flags >> 6);
        // The numbers of `glyf` and `loca` in the table of known tags.
        let mut is_outline = matches!(tag, 10 | 11);
        if tag == 0x3f {
            is_outline = matches!(&self.take::<4>()?, b"glyf" | b"loca");
        }
        let font_length = self.base128()?;
        let is_transformed = if is_outline { transform != 3 } else { transform != 0 };
        let packed = if is_transformed { self.base128()? } else { font_length };
        Ok((packed, font_length))
    }

    /// A number of variable length (section 4.1).
    fn base128(&mut self) -> Result<u32, TextError> {
        let mut value = 0_u32;
        for _ in 0..5 {
            let [byte] = self.take()?;
            if value > u32::MAX >> 7 {
                return Err(too_large());
            }
            value = value << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(TextError::Broken("its directory of tables cannot be read"))
    }
}

const CUT: TextError = TextError::Broken("it ends too early");

#[cfg(test)]
mod tests {
    use super::*;

    /// A WOFF2 file of one table `head` that announces `length` bytes.
    fn announcing(length: &[u8]) -> Vec<u8> {
        let mut file = b"wOF2\x00\x01\x00\x00".to_vec();
        file.extend([0, 0, 0, 60, 0, 1]);
        file.extend([0; 34]);
        file.push(1);
        file.extend(length);
        file
    }

    #[test]
    fn what_a_file_announces_is_known_before_it_is_unpacked() {
        assert_eq!(unpacked_bytes(b"\x00\x01\x00\x00"), Ok(None));
        assert_eq!(unpacked_bytes(&announcing(&[0x36])), Ok(Some(0x36 * UNPACKING_FACTOR)));
        // 2^28 - 1 bytes, and more than a number can hold.
        for length in [&[0xff, 0xff, 0xff, 0x7f][..], &[0xff, 0xff, 0xff, 0xff, 0x7f]] {
            assert_eq!(unpack(&announcing(length)), Err(too_large()), "{length:?}");
        }
        assert_eq!(unpack(&announcing(&[0x80])), Err(CUT));
        assert!(matches!(unpack(&announcing(&[0x36])), Err(TextError::Broken(_))));
    }

    #[test]
    fn tables_of_a_woff_that_share_their_bytes_are_counted_each() {
        let mut file = b"wOFF\x00\x01\x00\x00".to_vec();
        file.extend([0, 0, 0, 0, 0, 200]);
        file.extend([0; 30]);
        for _ in 0..200 {
            file.extend(b"abcd\x00\x00\x00\x00");
            file.extend(1_000_000_u32.to_be_bytes());
            file.extend([0; 8]);
        }
        assert_eq!(unpack(&file), Err(too_large()));
    }
}
