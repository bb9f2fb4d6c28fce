//! The headers of a bitmap.

use calotype_plan::{ImageFormat, Limits, Size};

use super::color::{self, Space};
use super::masks::Masks;
use crate::{CodecError, Header};

/// Where a bitmap stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file of its own, whose header says where the pixels are, counted from the file's start; 0: behind the
    /// palette.
    File {
        /// The offset, in bytes.
        pixels_at: u32,
    },
    /// In an icon or cursor: the height counts picture and mask, and the pixels follow the palette.
    Icon,
}

/// How the pixels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Row by row.
    Plain,
    /// Runs of 4-bit indices.
    Rle4,
    /// Runs of 8-bit indices.
    Rle8,
    /// Runs of 24-bit colours (OS/2).
    Rle24,
    /// ITU-T T.4 one-dimensional (OS/2).
    Huffman1d,
    /// A JPEG file.
    Jpeg,
    /// A PNG file.
    Png,
}

/// A bitmap's facts, and its bytes.
#[derive(Debug)]
pub(crate) struct Bitmap<'a> {
    /// Width and height of the picture, without an icon's mask.
    pub(crate) size: Size,
    /// Bits of a pixel: 1, 2, 4, 8, 16, 24 or 32; 0 if the pixels are another file.
    pub(crate) bits: u16,
    /// Whether the first row is the topmost.
    pub(crate) top_down: bool,
    pub(super) coding: Coding,
    /// Colours of up to 8 bits, and the first of a picture of runs; entries that the file lacks are black.
    pub(super) palette: Vec<[u8; 3]>,
    /// Channels of 16 and 32 bits.
    pub(super) masks: Masks,
    pub(super) space: Space,
    /// Everything from the second header on; offsets of profiles count from here.
    pub(super) bytes: &'a [u8],
    /// The pixels, up to the end of the file: sizes in the header are often wrong.
    pub(crate) data: &'a [u8],
    /// The size of the pixel data as the header gives it.
    data_bytes: u32,
}

impl<'a> Bitmap<'a> {
    /// Reads the second header, which `bytes` begins with, and the palette.
    pub(crate) fn read(bytes: &'a [u8], place: Place) -> Result<Self, CodecError> {
        Self::try_read(bytes, place).unwrap_or_else(|| Err(CodecError::corrupt("its header is cut or damaged")))
    }

    /// `None` where the bytes end too early.
    fn try_read(bytes: &'a [u8], place: Place) -> Option<Result<Self, CodecError>> {
        let header_bytes = u32_at(bytes, 0)?;
        let core = header_bytes == 12;
        if !(core || matches!(header_bytes, 16..=64 | 108 | 124)) {
            return Some(Err(CodecError::unsupported("a bitmap header of this size")));
        }
        let header = bytes.get(..header_bytes as usize)?;
        // OS/2 2.x leaves out what it does not need; 40, 52 and 56 are Windows' own.
        let os2 = core || !matches!(header_bytes, 40 | 52 | 56 | 108 | 124);
        let (width, height, bits) = if core {
            (
                i64::from(u16_at(header, 4)?),
                i64::from(u16_at(header, 6)?),
                u16_at(header, 10)?,
            )
        } else {
            (
                i64::from(u32_at(header, 4)?.cast_signed()),
                i64::from(u32_at(header, 8)?.cast_signed()),
                u16_at(header, 14)?,
            )
        };
        let optional = |at| u32_at(header, at).unwrap_or(0);
        let (compression, data_bytes, colors) = if core {
            (0, 0, 0)
        } else {
            (optional(16), optional(20), optional(32))
        };
        let coding = match (compression, bits, os2) {
            (0, 1 | 2 | 4 | 8 | 16 | 24 | 32, _) => Coding::Plain,
            (3 | 6, 16 | 32, _) => Coding::Plain,
            (1, 8, _) => Coding::Rle8,
            (2, 4, _) => Coding::Rle4,
            (3, 1, true) => Coding::Huffman1d,
            (4, 24, true) => Coding::Rle24,
            (4, _, false) => Coding::Jpeg,
            (5, _, false) => Coding::Png,
            (0, ..) => {
                return Some(Err(CodecError::corrupt(format!("it has {bits} bits per pixel"))));
            }
            _ => {
                return Some(Err(CodecError::unsupported(format!(
                    "a bitmap of {bits} bits with compression {compression}"
                ))));
            }
        };

        let lines = match place {
            Place::File { .. } => height.unsigned_abs(),
            Place::Icon => height.unsigned_abs() / 2,
        };
        let (Ok(width), Ok(lines)) = (u32::try_from(width), u32::try_from(lines)) else {
            return Some(Err(CodecError::corrupt("its width is negative")));
        };

        let (mut masks, masks_bytes) = Masks::read(bytes, header_bytes as usize, compression, bits)?;
        if place == Place::Icon && bits == 32 && masks.alpha.is_none() {
            masks.add_alpha_byte();
        }
        let palette_at = header.len().checked_add(masks_bytes)?;
        let pixels_at = match place {
            // Counted from the second header: the first one has 14 bytes.
            Place::File { pixels_at } => (pixels_at as usize).checked_sub(14).filter(|&at| at >= header.len()),
            Place::Icon => None,
        };
        let entry_bytes = if core { 3 } else { 4 };
        let indexed = bits <= 8 && bits > 0;
        let named = match colors {
            0 if indexed => 1 << bits,
            colors => colors as usize,
        };
        // A palette of a picture without indices is a hint for old displays, and its size may be nonsense.
        let table = if indexed {
            let room = bytes.get(palette_at..)?.len();
            if named > room / entry_bytes && colors != 0 {
                return Some(Err(CodecError::corrupt(format!(
                    "it says it has {named} colours, which is more than fits into the file"
                ))));
            }
            // OS/2 files with fewer colours than indices say so by where the pixels begin.
            let room = pixels_at.map_or(room, |at| at.saturating_sub(palette_at)) / entry_bytes;
            bytes.get(palette_at..)?.get(..named.min(room).min(256) * entry_bytes)?
        } else {
            &[]
        };
        let mut palette: Vec<[u8; 3]> = table
            .chunks_exact(entry_bytes)
            .filter_map(|entry| entry.first_chunk::<3>())
            .map(|&[b, g, r]| [r, g, b])
            .collect();
        palette.resize(256, [0; 3]);

        let data_at = match pixels_at {
            Some(at) => at,
            None => palette_at.checked_add(named.checked_mul(entry_bytes)?)?,
        };
        Some(Ok(Self {
            size: Size::new(width, lines),
            bits,
            top_down: height < 0,
            coding,
            palette,
            masks,
            space: Space::read(header),
            bytes,
            data: bytes.get(data_at..)?,
            data_bytes,
        }))
    }

    /// Whether the header names a place for alpha.
    pub(crate) fn has_alpha(&self) -> bool {
        self.masks.alpha.is_some()
    }

    /// Bytes of a plain row: padded to a multiple of four.
    pub(crate) fn row_bytes(&self) -> u64 {
        padded_row_bytes(self.size.width, self.bits)
    }

    /// The transparency mask of an icon, which lies behind the pixels: one bit per pixel; `None` if it is cut.
    ///
    /// Its rows are padded like others, but Pillow has written them without: such an icon is known by its `length`, which
    /// is that of the whole picture in the directory.
    pub(crate) fn mask(&self, length: u32) -> Option<Mask<'a>> {
        let height = u64::from(self.size.height);
        let pixels = match self.coding {
            Coding::Plain => self.row_bytes().checked_mul(height)?,
            _ => self.data_bytes.into(),
        };
        let before = (self.bytes.len() - self.data.len()) as u64;
        let tight = u64::from(self.size.width).div_ceil(8);
        let row_bytes = if u64::from(length) == before.checked_add(pixels)?.checked_add(tight.checked_mul(height)?)? {
            tight
        } else {
            padded_row_bytes(self.size.width, 1)
        };
        let bytes = self.data.get(usize::try_from(pixels).ok()?..)?;
        let length = usize::try_from(row_bytes.checked_mul(height)?).ok()?;
        Some(Mask {
            bytes: bytes.get(..length)?,
            row_bytes,
        })
    }

    /// Whether the profile stands where the mask should be: then there is no mask, as in bitmaps that were put into an
    /// icon as they were.
    pub(crate) fn has_profile_for_mask(&self) -> bool {
        let Space::Embedded { at, bytes } = self.space else {
            return false;
        };
        let height = u64::from(self.size.height);
        let pixels = self.row_bytes().saturating_mul(height);
        let mask_at = ((self.bytes.len() - self.data.len()) as u64).saturating_add(pixels);
        let mask_bytes = padded_row_bytes(self.size.width, 1).saturating_mul(height);
        let (at, end) = (u64::from(at), u64::from(at) + u64::from(bytes));
        self.coding == Coding::Plain && at < mask_at.saturating_add(mask_bytes) && mask_at < end
    }

    /// What is reported of it.
    pub(crate) fn image_header(&self, format: ImageFormat, limits: &Limits) -> Header {
        let mut header = Header::new(format, self.size);
        header.has_alpha = self.has_alpha();
        header.bit_depth = match self.bits {
            1 | 2 | 4 | 8 => self.bits as u8,
            16 | 32 => self.masks.depth(),
            _ => 8,
        };
        header.profile = color::profile(self, limits);
        header
    }

    /// The file that stands in place of the pixels, and its format.
    pub(super) fn embedded(&self) -> Result<Option<(&'a [u8], ImageFormat)>, CodecError> {
        let format = match self.coding {
            Coding::Jpeg => ImageFormat::Jpeg,
            Coding::Png => ImageFormat::Png,
            _ => return Ok(None),
        };
        let bytes = match usize::try_from(self.data_bytes) {
            Ok(0) | Err(_) => Some(self.data),
            Ok(length) => self.data.get(..length),
        };
        match bytes {
            Some(bytes) => Ok(Some((bytes, format))),
            None => Err(CodecError::corrupt("the file ends before the picture does")),
        }
    }
}

/// The transparency mask of an icon.
#[derive(Debug)]
pub(crate) struct Mask<'a> {
    /// Rows in the order of the pixels' rows, the leftmost pixel in the highest bit; 1 is transparent.
    pub(crate) bytes: &'a [u8],
    /// Bytes of a row.
    pub(crate) row_bytes: u64,
}

/// Bytes of a row of `width` pixels of `bits`, padded to a multiple of four.
fn padded_row_bytes(width: u32, bits: u16) -> u64 {
    (u64::from(width) * u64::from(bits)).div_ceil(32) * 4
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}
