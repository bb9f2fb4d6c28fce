//! The structure of a TIFF file: byte order, directory, values (TIFF 6.0 section 2; BigTIFF).

use calotype_plan::Limits;

use crate::CodecError;

/// A TIFF or BigTIFF file in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big_endian: bool,
    /// BigTIFF: offsets of 64 bits.
    wide: bool,
}

impl<'a> File<'a> {
    /// Reads the first bytes; `None` if they are no TIFF's.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let mut file = Self {
            bytes,
            big_endian,
            wide: false,
        };
        file.wide = match file.number(2, 2)? {
            42 => false,
            43 => true,
            _ => return None,
        };
        Some(file)
    }

    /// The unsigned number of `length` bytes at `at`.
    pub(super) fn number(&self, at: usize, length: usize) -> Option<u64> {
        let field = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.big_endian {
            field.iter().fold(0, add)
        } else {
            field.iter().rev().fold(0, add)
        })
    }

    fn offset(&self, at: usize, length: usize) -> Option<usize> {
        usize::try_from(self.number(at, length)?).ok()
    }

    /// The first directory. Later ones are other pages and are never followed, so that chains in a circle do no harm.
    pub(super) fn first_directory(self, limits: &Limits) -> Result<Directory<'a>, CodecError> {
        let at = if self.wide {
            self.offset(8, 8)
        } else {
            self.offset(4, 4)
        };
        at.and_then(|at| self.directory(at, limits))
            .ok_or_else(|| CodecError::corrupt("its directory is cut or damaged"))
    }

    /// The directory at `at`: the entries that lie inside the file, as many as a container may list.
    pub(super) fn directory(self, at: usize, limits: &Limits) -> Option<Directory<'a>> {
        let (count_bytes, entry_bytes, value_bytes) = if self.wide { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.offset(at, count_bytes)?.min(limits.container_items_max);
        let mut entries = Vec::new();
        for index in 0..count {
            let entry = at.checked_add(count_bytes)?.checked_add(index * entry_bytes)?;
            let inline_at = entry.checked_add(entry_bytes - value_bytes)?;
            let (Some(tag), Some(kind), Some(count), Some(_)) = (
                self.number(entry, 2),
                self.number(entry + 2, 2),
                self.number(entry + 4, value_bytes),
                self.number(inline_at, value_bytes),
            ) else {
                break;
            };
            let (Ok(tag), Ok(kind)) = (u16::try_from(tag), u16::try_from(kind)) else {
                break;
            };
            let Some(width) = kind_bytes(kind) else { continue };
            let value_at = if count
                .checked_mul(width)
                .is_some_and(|length| length <= value_bytes as u64)
            {
                Some(inline_at)
            } else {
                self.offset(inline_at, value_bytes)
            };
            // Of a tag that is there twice the first counts.
            if let Some(at) = value_at
                && !entries.iter().any(|known: &Entry| known.tag == tag)
            {
                entries.push(Entry { tag, kind, count, at });
            }
        }
        (!entries.is_empty()).then_some(Directory { file: self, entries })
    }
}

/// Bytes of one value of a type.
pub(super) fn kind_bytes(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}

/// One entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) count: u64,
    /// Where its values begin.
    pub(super) at: usize,
}

/// A directory: one page, or the facts of EXIF.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    pub(super) file: File<'a>,
    pub(super) entries: Vec<Entry>,
}

impl<'a> Directory<'a> {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The numbers of a tag, if it has numbers.
    pub(super) fn numbers(&self, tag: u16) -> Option<Numbers<'a>> {
        let entry = self.entry(tag)?;
        matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18).then_some(Numbers {
            file: self.file,
            entry: *entry,
        })
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        self.numbers(tag)?.get(0)
    }

    /// The first number of a tag, if it fits 16 bits.
    pub(super) fn short(&self, tag: u16) -> Option<u16> {
        u16::try_from(self.number(tag)?).ok()
    }

    /// The value of a tag as bytes, whatever its type; `None` if it does not lie inside the file.
    pub(super) fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        self.value(self.entry(tag)?)
    }

    /// The value of an entry as bytes.
    pub(super) fn value(&self, entry: &Entry) -> Option<&'a [u8]> {
        let length = usize::try_from(entry.count.checked_mul(kind_bytes(entry.kind)?)?).ok()?;
        self.file.bytes.get(entry.at..entry.at.checked_add(length)?)
    }

    /// `N` fractions of a tag.
    pub(super) fn fractions<const N: usize>(&self, tag: u16) -> Option<[f32; N]> {
        let entry = self.entry(tag)?;
        if entry.count < N as u64 {
            return None;
        }
        let mut out = [0.0; N];
        for (index, out) in out.iter_mut().enumerate() {
            let width = usize::try_from(kind_bytes(entry.kind)?).ok()?;
            let at = entry.at.checked_add(index * width)?;
            *out = match entry.kind {
                5 => {
                    let (over, under) = (self.file.number(at, 4)?, self.file.number(at + 4, 4)?);
                    if under == 0 {
                        return None;
                    }
                    (over as f64 / under as f64) as f32
                }
                1 | 3 | 4 => self.file.number(at, width)? as f32,
                11 => f32::from_bits(u32::try_from(self.file.number(at, 4)?).ok()?),
                _ => return None,
            };
        }
        Some(out)
    }
}

/// The numbers of a tag, read from the file one by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'a> {
    file: File<'a>,
    entry: Entry,
}

impl Numbers<'_> {
    /// How many the tag says it has.
    pub(super) fn count(&self) -> u64 {
        self.entry.count
    }

    /// The number at `index`; `None` behind the last one or outside the file.
    pub(super) fn get(&self, index: u64) -> Option<u64> {
        if index >= self.entry.count {
            return None;
        }
        let width = usize::try_from(kind_bytes(self.entry.kind)?).ok()?;
        let at = usize::try_from(index).ok()?.checked_mul(width)?;
        self.file.number(self.entry.at.checked_add(at)?, width)
    }
}
