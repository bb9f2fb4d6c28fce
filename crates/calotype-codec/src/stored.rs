//! The stored size of formats whose pixels are not read here: enough to report them.

use calotype_plan::{ImageFormat, Orientation, Size};

use crate::{CodecError, Header};

/// TIFF and BigTIFF: width, length and orientation of the first directory (TIFF 6.0, tags 256, 257 and 274).
pub(crate) fn tiff(bytes: &[u8]) -> Result<Header, CodecError> {
    let big_endian = bytes.first() == Some(&b'M');
    let number = |offset: u64, length: usize| {
        let start = usize::try_from(offset).ok()?;
        let field = bytes.get(start..start.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if big_endian {
            field.iter().fold(0, add)
        } else {
            field.iter().rev().fold(0, add)
        })
    };
    let read = || {
        let wide = number(2, 2)? == 43;
        // Widths of offsets, of the entry count, and of entries; where an entry's value lies.
        let (directory, count_bytes, entry_bytes, value_at) = if wide {
            (number(8, 8)?, 8, 20, 12)
        } else {
            (number(4, 4)?, 2, 12, 8)
        };
        let count = number(directory, count_bytes)?.min(4096);
        let (mut width, mut height, mut orientation) = (None, None, None);
        for index in 0..count {
            let entry = directory.checked_add(count_bytes as u64 + index * entry_bytes)?;
            let value = || match number(entry + 2, 2)? {
                3 => number(entry + value_at, 2),
                4 => number(entry + value_at, 4),
                16 => number(entry + value_at, 8),
                _ => None,
            };
            match number(entry, 2)? {
                256 => width = value(),
                257 => height = value(),
                274 => orientation = value(),
                _ => {}
            }
        }
        let size = Size::new(u32::try_from(width?).ok()?, u32::try_from(height?).ok()?);
        Some((
            size,
            Orientation::from_exif(u32::try_from(orientation.unwrap_or(1)).unwrap_or(1)),
        ))
    };
    let found = read();
    let mut header = header(ImageFormat::Tiff, found.map(|(size, _)| size))?;
    header.orientation = found.map_or(Orientation::Upright, |(_, orientation)| orientation);
    Ok(header)
}

fn header(format: ImageFormat, size: Option<Size>) -> Result<Header, CodecError> {
    size.map(|size| Header::new(format, size))
        .ok_or_else(|| CodecError::corrupt("its header is cut or damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_headers() {
        let entries = [
            [1, 0, 0, 3, 0, 0, 0, 1, 0, 5, 0, 0],
            [1, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 6],
            [1, 18, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0],
        ];
        let picture = [&b"MM\0*\0\0\0\x08\0\x03"[..], entries.as_flattened()].concat();
        let header = tiff(&picture).unwrap();
        assert_eq!((header.size, header.upright_size()), (Size::new(5, 6), Size::new(6, 5)));
        // Header, count, and the two entries that give the size.
        for length in 0..8 + 2 + 24 {
            assert!(tiff(&picture[..length]).is_err());
        }
        let far = [&b"II+\0\x08\0\0\0"[..], &[0xff; 8]].concat();
        assert!(tiff(&far).is_err());
    }
}
