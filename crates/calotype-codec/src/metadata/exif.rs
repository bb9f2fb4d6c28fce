//! Reading and rewriting EXIF: a TIFF structure of directories (TIFF 6.0 section 2, EXIF 2.32).

use std::ops::Range;

use calotype_plan::Orientation;

use super::exif_payload;

const ORIENTATION: u16 = 0x0112;
const COPYRIGHT: u16 = 0x8298;
const MAKER_NOTE: u16 = 0x927c;
/// Where the directories of EXIF and GPS are.
const SUBDIRECTORIES: [u16; 2] = [0x8769, 0x8825];
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

/// The block with Orientation 1, without the thumbnail and without what is only true of the source's samples.
///
/// What the directories reach is copied to where it was, and everything else is blank: so the offsets inside maker
/// notes, which count from the start of the block, stay true, and nothing travels that no tag points to. A maker note
/// that holds a picture of its own is left out.
pub(super) fn kept(exif: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::new(exif)?;
    let mut out = vec![0; tiff.bytes.len()];
    let (mut end, mut directories) = (8, Vec::new());
    let mut waiting = vec![tiff.first_offset()?];
    let mut subdirectories = SUBDIRECTORIES.to_vec();
    // Entries may all point at the same long value: what is gone through for them together has a bound, twice the block.
    let mut bytes_left = tiff.bytes.len().saturating_mul(2);
    while let Some(at) = waiting.pop() {
        if at < 8 {
            continue;
        }
        let mut entries: Vec<u8> = Vec::new();
        for entry in tiff.directory(at) {
            let Some(value) = tiff.value(&entry) else { continue };
            if entry.tag == ORIENTATION {
                // Whatever type it had, it is a SHORT of one value now.
                entries.extend(tiff.two_bytes(ORIENTATION));
                entries.extend(tiff.two_bytes(SHORT));
                entries.extend(tiff.four_bytes(1));
                entries.extend(tiff.two_bytes(1));
                entries.extend([0; 2]);
                continue;
            }
            if is_of_samples(entry.tag) {
                continue;
            }
            let Some(left) = bytes_left.checked_sub(value.len()) else {
                continue;
            };
            bytes_left = left;
            if entry.tag == MAKER_NOTE && holds_picture(tiff.bytes.get(value.clone())?) {
                continue;
            }
            if SUBDIRECTORIES.contains(&entry.tag) {
                let Some(sub) = (entry.kind == LONG && entry.count == 1)
                    .then(|| tiff.u32_at(entry.at + 8))
                    .flatten()
                else {
                    continue;
                };
                // The first directory alone has others, one of each.
                let Some(place) = subdirectories.iter().position(|&tag| tag == entry.tag) else {
                    continue;
                };
                if !directories.is_empty() {
                    continue;
                }
                subdirectories.swap_remove(place);
                waiting.push(sub as usize);
            }
            entries.extend(tiff.bytes.get(entry.at..entry.at + 12)?);
            if value.len() > 4 {
                put(&mut out, value.start, tiff.bytes.get(value.clone())?);
                end = end.max(value.end);
            }
        }
        directories.push((at, entries));
    }
    if directories.iter().all(|(_, entries)| entries.is_empty()) {
        return None;
    }
    put(&mut out, 0, tiff.bytes.get(..8)?);
    // The first directory last: whatever a crafted block lays on top of it, its orientation is 1.
    for (at, mut entries) in directories.into_iter().rev() {
        let mut directory = tiff.two_bytes(u16::try_from(entries.len() / 12).ok()?).to_vec();
        directory.append(&mut entries);
        // No directory follows: the second one describes the thumbnail.
        directory.extend([0; 4]);
        directory.truncate(out.len().saturating_sub(at));
        put(&mut out, at, &directory);
        end = end.max(at.saturating_add(directory.len()));
    }
    out.truncate(end);
    Some(out)
}

/// Tags that describe how the source's samples lie, hold a picture, or repeat other blocks: the baseline tags of TIFF 6.0
/// for samples, tiles, strips and JPEG data; further pictures; XMP, IPTC, Photoshop and ICC inside TIFF; and of EXIF
/// the colour space, the dimensions and the interoperability directory, which says which colour space a camera means.
fn is_of_samples(tag: u16) -> bool {
    matches!(
        tag,
        0x00fe | 0x00ff | 0x0100..=0x0103 | 0x0106 | 0x0111 | 0x0115..=0x0117 | 0x011c | 0x013d | 0x0140..=0x0145 | 0x014a
            | 0x0152 | 0x0153 | 0x015b | 0x0201..=0x0209 | 0x0211..=0x0214 | 0x02bc | 0x83bb | 0x8649 | 0x8773 | 0x9101
            | 0x9102 | 0xa001..=0xa003 | 0xa005 | 0xcd2d | 0xc4a5
    )
}

/// Whether a JPEG begins anywhere in it: some cameras put a preview into their notes.
fn holds_picture(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, &[0xff, 0xd8, 0xff]).is_some()
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = at.checked_add(bytes.len()).and_then(|end| out.get_mut(at..end)) {
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

    /// Where the bytes of a value are, in the entry itself if there are at most 4; `None` if they are outside the block or
    /// of a type that TIFF 6.0 does not know.
    fn value(&self, entry: &Entry) -> Option<Range<usize>> {
        let each: usize = match entry.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = each.checked_mul(entry.count as usize)?;
        let start = if length <= 4 {
            entry.at + 8
        } else {
            self.u32_at(entry.at + 8)? as usize
        };
        let range = start..start.checked_add(length)?;
        self.bytes.get(range.clone()).map(|_| range)
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
        let lens = b"a lens of some length";
        for big in [false, true] {
            let six: &[u8] = if big { &[0, 6] } else { &[6, 0] };
            let entries: &[(u16, u16, u32, &[u8])] = &[
                (ORIENTATION, SHORT, 1, six),
                (0xa002, SHORT, 1, &[1, 1]),
                (0xa434, ASCII, lens.len() as u32, lens),
            ];
            let source = block(big, entries, Some(b"\xff\xd8THUMBNAIL\xff\xd9"));
            let kept = kept(&source).unwrap();
            assert_eq!(exif_orientation(&kept), Orientation::Upright);
            let tiff = Tiff::new(&kept).unwrap();
            let tags: Vec<u16> = tiff.first_directory().map(|entry| entry.tag).collect();
            assert_eq!(tags, [ORIENTATION, 0xa434], "dimensions are gone");
            let entry = tiff.first_directory().nth(1).unwrap();
            assert_eq!(&kept[tiff.value(&entry).unwrap()], lens);
            assert!(!kept.windows(9).any(|w| w == b"THUMBNAIL"));
            assert_eq!(tiff.u32_at(8 + 2 + 24), Some(0), "no second directory");
            assert_eq!(super::kept(&kept).as_deref(), Some(kept.as_slice()), "once is enough");
        }
        // Without a thumbnail only the orientation's bytes change.
        let plain = block(false, &[(ORIENTATION, SHORT, 1, &[8, 0])], None);
        assert_eq!(
            super::kept(&plain).unwrap(),
            block(false, &[(ORIENTATION, SHORT, 1, &[1, 0])], None)
        );
    }

    #[test]
    fn maker_notes_keep_their_place_unless_they_hold_a_picture() {
        // A directory of EXIF at 60 with a note of 12 bytes at 100; bytes that nothing points to in between.
        let with_note = |note: &[u8; 12]| {
            let mut source = block(false, &[(0x8769, LONG, 1, &60u32.to_le_bytes())], None);
            source.resize(112, b'?');
            source[60..62].copy_from_slice(&1u16.to_le_bytes());
            source[62..64].copy_from_slice(&MAKER_NOTE.to_le_bytes());
            source[64..66].copy_from_slice(&7u16.to_le_bytes());
            source[66..70].copy_from_slice(&12u32.to_le_bytes());
            source[70..74].copy_from_slice(&100u32.to_le_bytes());
            source[100..].copy_from_slice(note);
            source
        };
        let kept_note = kept(&with_note(b"maker's note")).unwrap();
        assert_eq!(&kept_note[100..], b"maker's note");
        assert!(!kept_note.contains(&b'?'));
        let without = kept(&with_note(b"mak\xff\xd8\xff notes")).unwrap();
        assert!(!without.windows(3).any(|w| w == b"mak"));
    }

    #[test]
    fn entries_that_share_a_long_value_do_not_multiply_it() {
        // Four thousand pointers to one directory, with as many entries that each have the whole block as their value.
        let (many, length) = (ENTRIES_MAX as u32, 1u32 << 20);
        let at = 8 + 2 + many * 12 + 4;
        let mut source = [&b"II*\0\x08\0\0\0"[..], &(many as u16).to_le_bytes()].concat();
        for _ in 0..many {
            source.extend(
                [
                    &0x8769u16.to_le_bytes()[..],
                    &LONG.to_le_bytes(),
                    &1u32.to_le_bytes(),
                    &at.to_le_bytes(),
                ]
                .concat(),
            );
        }
        source.extend([0; 4]);
        source.extend((many as u16).to_le_bytes());
        for _ in 0..many {
            source.extend(
                [
                    &0x927du16.to_le_bytes()[..],
                    &[7, 0],
                    &length.to_le_bytes(),
                    &0u32.to_le_bytes(),
                ]
                .concat(),
            );
        }
        source.resize(length as usize, 0);
        let kept = kept(&source).unwrap();
        let tiff = Tiff::new(&kept).unwrap();
        assert_eq!(tiff.first_directory().count(), 1, "one pointer to the directory");
        // Twice the block may be gone through: the pointer takes 4 bytes of that, so that only one value is left.
        assert_eq!(tiff.directory(at as usize).count(), 1);
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
                let _ = (exif_orientation(&broken), copyright(&broken));
                if let Some(kept) = kept(&broken) {
                    assert_eq!(exif_orientation(&kept), Orientation::Upright);
                }
            }
        }
    }
}
