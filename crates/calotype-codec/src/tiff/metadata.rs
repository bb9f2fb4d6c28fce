//! Metadata of a page. The file is itself what EXIF is made of, so that an EXIF block is put together from its tags.

use calotype_plan::Limits;

use super::facts::tag;
use super::ifd::{Directory, kind_bytes};
use crate::SourceMetadata;

/// Tags of the page that say something about the picture and nothing about how its samples are stored: description,
/// make, model, resolution, software, date, artist, host, copyright (EXIF 2.32, table 4).
const PAGE_TAGS: &[u16] = &[
    270,
    271,
    272,
    282,
    283,
    296,
    305,
    306,
    315,
    316,
    COPYRIGHT,
    tag::EXIF,
    tag::GPS,
];
const COPYRIGHT: u16 = 33_432;

/// Tags of the EXIF directory that hold places in the file: maker notes and the interoperability directory.
const PLACES: &[u16] = &[37_500, 40_965];

/// Bytes of an entry, of the number of entries, and of the link to the next directory.
const ENTRY: usize = 12;
const FRAME: usize = 2 + 4;

/// The ICC profile, if it is not too large.
pub(super) fn icc<'a>(directory: &Directory<'a>, limits: &Limits) -> Option<&'a [u8]> {
    block(directory, tag::ICC, limits)
}

/// All blocks.
pub(super) fn read(directory: &Directory<'_>, limits: &Limits) -> SourceMetadata {
    SourceMetadata {
        exif: exif(directory, limits),
        xmp: block(directory, tag::XMP, limits).map(<[u8]>::to_vec),
        iptc: iptc(directory, limits),
        icc: icc(directory, limits).map(<[u8]>::to_vec),
    }
}

fn block<'a>(directory: &Directory<'a>, tag: u16, limits: &Limits) -> Option<&'a [u8]> {
    directory
        .bytes(tag)
        .filter(|block| !block.is_empty() && block.len() <= limits.metadata_bytes_max)
}

/// IPTC as the image resources that hold it in other formats: Photoshop's own if the page has them, else one around the
/// bare record (Adobe Photoshop file formats, resource 0x0404).
fn iptc(directory: &Directory<'_>, limits: &Limits) -> Option<Vec<u8>> {
    if let Some(resources) = block(directory, tag::PHOTOSHOP, limits).filter(|b| b.starts_with(b"8BIM")) {
        return Some(resources.to_vec());
    }
    let record = block(directory, tag::IPTC, limits)?;
    let mut out = b"8BIM\x04\x04\0\0".to_vec();
    out.extend_from_slice(&u32::try_from(record.len()).ok()?.to_be_bytes());
    out.extend_from_slice(record);
    if record.len() % 2 == 1 {
        out.push(0);
    }
    Some(out)
}

/// An EXIF block with the tags that describe the picture, and the EXIF and GPS directories without what holds places in
/// the file. The orientation is left out: it travels in the header.
fn exif(directory: &Directory<'_>, limits: &Limits) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let big_endian = directory.file.big_endian;
    out.extend_from_slice(if big_endian {
        b"MM\0*\0\0\0\x08"
    } else {
        b"II*\0\x08\0\0\0"
    });
    let taken = write(directory, |tag| PAGE_TAGS.contains(&tag), limits, &mut out)?;
    (taken && out.len() <= limits.metadata_bytes_max).then_some(out)
}

/// Writes the entries of a directory that are wanted, with their values behind it, and says whether there were any.
/// `None` if it does not fit.
fn write(directory: &Directory<'_>, is_wanted: fn(u16) -> bool, limits: &Limits, out: &mut Vec<u8>) -> Option<bool> {
    let file = directory.file;
    let two = |v: u16| {
        if file.big_endian {
            v.to_be_bytes()
        } else {
            v.to_le_bytes()
        }
    };
    let four = |v: u32| {
        if file.big_endian {
            v.to_be_bytes()
        } else {
            v.to_le_bytes()
        }
    };
    let mut entries: Vec<_> = directory
        .entries
        .iter()
        // The types of BigTIFF are unknown to readers of EXIF.
        .filter(|entry| is_wanted(entry.tag) && entry.kind <= 13)
        .filter(|entry| {
            let length = entry.count.checked_mul(kind_bytes(entry.kind).unwrap_or(1));
            length.is_some_and(|length| length <= limits.metadata_bytes_max as u64) && directory.value(entry).is_some()
        })
        .collect();
    entries.sort_by_key(|entry| entry.tag);
    let start = out.len();
    out.extend_from_slice(&two(u16::try_from(entries.len()).ok()?));
    out.resize(start + FRAME + entries.len() * ENTRY, 0);
    for (index, entry) in entries.iter().enumerate() {
        let is_directory = matches!(entry.tag, tag::EXIF | tag::GPS);
        let value = if is_directory {
            let at = usize::try_from(directory.number(entry.tag)?).ok()?;
            let place = u32::try_from(out.len()).ok()?;
            match file.directory(at, limits) {
                Some(inner) => {
                    write(
                        &inner,
                        |tag| !PLACES.contains(&tag) && !matches!(tag, tag::EXIF | tag::GPS),
                        limits,
                        out,
                    )?;
                }
                // A directory of nothing.
                None => out.extend_from_slice(&[0; FRAME]),
            }
            four(place)
        } else {
            let value = directory.value(entry)?;
            let mut inline = [0; 4];
            match inline.get_mut(..value.len()) {
                Some(place) => {
                    place.copy_from_slice(value);
                    inline
                }
                None => {
                    let place = u32::try_from(out.len()).ok()?;
                    out.extend_from_slice(value);
                    if value.len() % 2 == 1 {
                        out.push(0);
                    }
                    four(place)
                }
            }
        };
        if out.len() > limits.metadata_bytes_max.saturating_mul(2) {
            return None;
        }
        let (kind, count) = if is_directory {
            (4, 1)
        } else {
            (entry.kind, u32::try_from(entry.count).ok()?)
        };
        let fields = [two(entry.tag).as_slice(), &two(kind), &four(count), &value].concat();
        let at = start + 2 + index * ENTRY;
        out.get_mut(at..at + ENTRY)?.copy_from_slice(&fields);
    }
    Some(!entries.is_empty())
}
