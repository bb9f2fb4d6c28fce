//! Reading and rewriting EXIF: a TIFF structure of directories (TIFF 6.0 section 2, EXIF 2.32).

use calotype_plan::Orientation;

use super::exif_payload;

const ORIENTATION: u16 = 0x0112;
const COPYRIGHT: u16 = 0x8298;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;

/// Entries of one directory. Real files have a few dozen.
const ENTRIES_MAX: usize = 4096;

/// The orientation that an EXIF block names, with or without `Exif\0\0` in front; upright if it names none.
#[must_use]
pub fn exif_orientation(exif: &[u8]) -> Orientation {
    let Some(tiff) = Tiff::new(exif) else {
        return Orientation::Upright;
    };
    let Some(entry) = tiff.first_directory().find(|entry| entry.tag == ORIENTATION) else {
        return Orientation::Upright;
    };
    let value = match entry.kind {
        SHORT => tiff.u16_at(entry.at + 8).map(u32::from),
        LONG => tiff.u32_at(entry.at + 8),
        // BYTE occurs in the wild.
        1 => tiff.bytes.get(entry.at + 8).copied().map(u32::from),
        _ => None,
    };
    value.map_or(Orientation::Upright, Orientation::from_exif)
}

/// The copyright tag without its closing NUL; `None` if absent or blank.
pub(super) fn copyright(exif: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::new(exif)?;
    let entry = tiff
        .first_directory()
        .find(|entry| entry.tag == COPYRIGHT && entry.kind == ASCII)?;
    let count = entry.count as usize;
    let start = if count <= 4 {
        entry.at + 8
    } else {
        tiff.u32_at(entry.at + 8)? as usize
    };
    let text = tiff.bytes.get(start..start.checked_add(count)?)?;
    // The tag may hold two notices, photographer and editor, divided by a NUL: keep both.
    let end = text.iter().rposition(|&b| b != 0)? + 1;
    let text = text.get(..end)?;
    if text.iter().all(|b| matches!(b, b' ' | 0)) {
        None
    } else {
        Some(text.to_vec())
    }
}

/// A TIFF structure that holds one copyright tag and nothing else.
pub(super) fn with_copyright(notice: &[u8]) -> Vec<u8> {
    let mut value = notice.to_vec();
    value.push(0);
    let count = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(26 + value.len());
    out.extend_from_slice(b"II*\0\x08\0\0\0\x01\0");
    out.extend_from_slice(&COPYRIGHT.to_le_bytes());
    out.extend_from_slice(&ASCII.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    if value.len() <= 4 {
        value.resize(4, 0);
        out.extend_from_slice(&value);
        out.extend_from_slice(&[0; 4]);
    } else {
        out.extend_from_slice(&26u32.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&value);
    }
    out
}

/// The block with Orientation 1 and without the second directory, which holds the thumbnail. Everything else keeps its
/// place, because maker notes hold absolute offsets. The thumbnail's bytes are cut off where they end the block, else
/// blanked.
pub(super) fn kept(exif: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::new(exif)?;
    let mut out = tiff.bytes.to_vec();
    let one_short = tiff.two_bytes(1);
    for entry in tiff.first_directory().filter(|entry| entry.tag == ORIENTATION) {
        // Whatever type it had, it is a SHORT of one value now.
        put(&mut out, entry.at + 2, &tiff.two_bytes(SHORT));
        put(&mut out, entry.at + 4, &tiff.four_bytes(1));
        put(&mut out, entry.at + 8, &one_short);
        put(&mut out, entry.at + 10, &[0; 2]);
    }
    let first = tiff.first_offset()?;
    let count = usize::from(tiff.u16_at(first)?);
    let link = first.checked_add(2 + count * 12)?;
    let Some(second) = tiff
        .u32_at(link)
        .map(|offset| offset as usize)
        .filter(|&offset| offset != 0)
    else {
        return Some(out);
    };
    put(&mut out, link, &[0; 4]);
    if second == first {
        return Some(out);
    }
    let (mut start, mut length) = (None, None);
    for entry in tiff.directory(second) {
        match entry.tag {
            0x0201 => start = tiff.u32_at(entry.at + 8).map(|v| v as usize),
            0x0202 => length = tiff.u32_at(entry.at + 8).map(|v| v as usize),
            _ => {}
        }
    }
    let entries = tiff.directory(second).count();
    let directory_end = second.saturating_add(2 + entries * 12 + 4).min(out.len());
    if let Some(directory) = out.get_mut(second..directory_end) {
        directory.fill(0);
    }
    if let (Some(start), Some(length)) = (start, length) {
        let end = start.saturating_add(length).min(out.len());
        // Only a range behind both directories can be the picture alone; a crafted one must not blank what is kept.
        if start >= directory_end && start > link {
            if end == out.len() {
                out.truncate(start);
            } else if let Some(picture) = out.get_mut(start..end) {
                picture.fill(0);
            }
        }
    }
    Some(out)
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// A TIFF structure in memory.
struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

/// One entry of a directory; `at` is where it lies.
struct Entry {
    at: usize,
    tag: u16,
    kind: u16,
    count: u32,
}

impl<'a> Tiff<'a> {
    fn new(exif: &'a [u8]) -> Option<Self> {
        let bytes = exif_payload(exif);
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn two_bytes(&self, value: u16) -> [u8; 2] {
        if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn four_bytes(&self, value: u32) -> [u8; 4] {
        if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn first_offset(&self) -> Option<usize> {
        self.u32_at(4).map(|offset| offset as usize)
    }

    fn first_directory(&self) -> impl Iterator<Item = Entry> + '_ {
        self.directory(self.first_offset().unwrap_or(usize::MAX))
    }

    /// The entries of the directory at `offset` that lie inside the block.
    fn directory(&self, offset: usize) -> impl Iterator<Item = Entry> + '_ {
        let count = self.u16_at(offset).map_or(0, usize::from).min(ENTRIES_MAX);
        (0..count).map_while(move |index| {
            let at = offset.checked_add(2 + index * 12)?;
            self.bytes.get(at..at.checked_add(12)?)?;
            Some(Entry {
                at,
                tag: self.u16_at(at)?,
                kind: self.u16_at(at + 2)?,
                count: self.u32_at(at + 4)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with these entries (tag, type, count, value bytes), and a thumbnail directory behind it.
    fn block(big: bool, entries: &[(u16, u16, u32, &[u8])], thumbnail: Option<&[u8]>) -> Vec<u8> {
        let two = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let four = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        out.extend(four(8));
        out.extend(two(entries.len() as u16));
        let mut data = Vec::new();
        let data_at = 8 + 2 + entries.len() * 12 + 4;
        for &(tag, kind, count, value) in entries {
            out.extend(two(tag));
            out.extend(two(kind));
            out.extend(four(count));
            if value.len() <= 4 {
                out.extend(value);
                out.resize(out.len() + 4 - value.len(), 0);
            } else {
                out.extend(four((data_at + data.len()) as u32));
                data.extend(value);
            }
        }
        let second = data_at + data.len();
        out.extend(four(if thumbnail.is_some() { second as u32 } else { 0 }));
        out.extend(&data);
        if let Some(picture) = thumbnail {
            out.extend(two(2));
            for (tag, value) in [(0x0201, second + 2 + 24 + 4), (0x0202, picture.len())] {
                out.extend(two(tag));
                out.extend(two(LONG));
                out.extend(four(1));
                out.extend(four(value as u32));
            }
            out.extend(four(0));
            out.extend(picture);
        }
        out
    }

    #[test]
    fn orientation_is_read_in_both_byte_orders_and_types() {
        for value in 1..=8u16 {
            let want = Orientation::from_exif(value.into());
            assert_eq!(
                exif_orientation(&block(false, &[(ORIENTATION, SHORT, 1, &value.to_le_bytes())], None)),
                want
            );
            assert_eq!(
                exif_orientation(&block(true, &[(ORIENTATION, SHORT, 1, &value.to_be_bytes())], None)),
                want
            );
            assert_eq!(
                exif_orientation(&block(
                    true,
                    &[(ORIENTATION, LONG, 1, &u32::from(value).to_be_bytes())],
                    None
                )),
                want
            );
            let mut framed = b"Exif\0\0".to_vec();
            framed.extend(block(false, &[(ORIENTATION, SHORT, 1, &value.to_le_bytes())], None));
            assert_eq!(exif_orientation(&framed), want);
        }
        for odd in [&b""[..], b"II*\0", b"II*\0\xff\xff\xff\xff", b"no exif at all"] {
            assert_eq!(exif_orientation(odd), Orientation::Upright);
        }
        assert_eq!(
            exif_orientation(&block(false, &[(ORIENTATION, SHORT, 1, &[99, 0])], None)),
            Orientation::Upright
        );
    }

    #[test]
    fn the_copyright_tag_survives_alone() {
        for notice in [&b"(c) 2026 Someone"[..], b"abc"] {
            let mut stored = notice.to_vec();
            stored.push(0);
            let count = stored.len() as u32;
            let source = block(
                true,
                &[(0x010e, ASCII, 8, b"a secret"), (COPYRIGHT, ASCII, count, &stored)],
                None,
            );
            assert_eq!(copyright(&source).as_deref(), Some(notice));
            let alone = with_copyright(notice);
            assert_eq!(copyright(&alone).as_deref(), Some(notice));
            assert!(!alone.windows(6).any(|w| w == b"secret"));
            assert_eq!(Tiff::new(&alone).unwrap().first_directory().count(), 1);
        }
        assert_eq!(copyright(&block(false, &[(COPYRIGHT, ASCII, 3, b"  \0")], None)), None);
        assert_eq!(
            copyright(&block(
                false,
                &[(COPYRIGHT, ASCII, 4_000_000_000, b"a long text")],
                None
            )),
            None
        );
    }

    #[test]
    fn a_kept_block_is_upright_and_has_no_thumbnail() {
        let gps = b"GPS-IFD-somewhere";
        let entries: &[(u16, u16, u32, &[u8])] =
            &[(ORIENTATION, SHORT, 1, &[0, 6]), (0x8825, 7, gps.len() as u32, gps)];
        let source = block(true, entries, Some(b"\xff\xd8THUMBNAIL\xff\xd9"));
        let kept = kept(&source).unwrap();
        assert_eq!(exif_orientation(&kept), Orientation::Upright);
        assert!(kept.windows(gps.len()).any(|w| w == gps));
        assert!(!kept.windows(9).any(|w| w == b"THUMBNAIL"));
        let tiff = Tiff::new(&kept).unwrap();
        assert_eq!(tiff.u32_at(8 + 2 + 24), Some(0), "no second directory");
        // Without a thumbnail only the orientation's bytes change.
        let plain = block(false, &[(ORIENTATION, SHORT, 1, &[8, 0])], None);
        assert_eq!(
            super::kept(&plain).unwrap(),
            block(false, &[(ORIENTATION, SHORT, 1, &[1, 0])], None)
        );
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let source = block(
            true,
            &[
                (ORIENTATION, SHORT, 1, &[0, 6]),
                (COPYRIGHT, ASCII, 12, b"(c) someone\0"),
            ],
            Some(b"picture"),
        );
        let mut state = 1u64;
        for length in 0..source.len() {
            for _ in 0..20 {
                let mut broken = source[..length].to_vec();
                for _ in 0..3 {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let index = (state >> 33) as usize % length.max(1);
                    if let Some(byte) = broken.get_mut(index) {
                        *byte = (state >> 20) as u8;
                    }
                }
                let _ = (exif_orientation(&broken), copyright(&broken), kept(&broken));
            }
        }
    }
}
