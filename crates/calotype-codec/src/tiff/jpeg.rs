//! JPEG in strips and tiles: whole streams put together from what the directory and the data hold (TIFF Technical
//! Note 2; TIFF 6.0 section 22 for the old way).

use calotype_plan::Size;

use super::facts::{Colors, Facts, tag};
use super::ifd::Directory;
use crate::CodecError;

/// A stream for one strip or tile in the way of Technical Note 2: its own data, with the tables of the directory in
/// front.
///
/// Segments of applications are left out, and one of Adobe says how the colours are stored, which the directory knows
/// and the data does not.
pub(super) fn stream(facts: &Facts<'_>, data: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut out = start(facts.colors == Colors::YCbCr, facts.samples);
    if let Some(tables) = facts.directory.bytes(tag::JPEG_TABLES) {
        copy_segments(tables, &mut out);
    }
    let scan = copy_segments(data, &mut out)
        .ok_or_else(|| CodecError::corrupt("the JPEG data of a strip or tile is damaged"))?;
    out.extend_from_slice(scan);
    Ok(out)
}

/// A stream for one strip or tile in the old way: a stream that the directory points at, a stream that stands there
/// itself, or tables that the directory points at around bare scan data. Colours come out as they are stored.
pub(super) fn old_stream(facts: &Facts<'_>, data: &[u8], data_at: usize, size: Size) -> Result<Vec<u8>, CodecError> {
    let bad = || CodecError::corrupt("its JPEG tables are missing or damaged");
    let directory = &facts.directory;
    let bytes = directory.file.bytes;
    let mut out = start(false, facts.samples);
    if let Some(at) = directory.number(tag::JPEG_INTERCHANGE).filter(|&at| at != 0) {
        let at = usize::try_from(at).map_err(|_| bad())?;
        let length = directory
            .number(tag::JPEG_INTERCHANGE_BYTES)
            .and_then(|v| usize::try_from(v).ok())
            .unwrap_or(usize::MAX);
        // The data of a strip may be a part of the stream or follow it.
        let within = (at..at.saturating_add(length)).contains(&data_at);
        let end = if within || length == 0 {
            usize::MAX
        } else {
            at.saturating_add(length)
        };
        let head = bytes.get(at..end.min(bytes.len())).ok_or_else(bad)?;
        if let Some(scan) = copy_segments(head, &mut out) {
            out.extend_from_slice(scan);
        }
        if !within {
            out.extend_from_slice(data);
        }
        return Ok(out);
    }

    if data.starts_with(&[0xff, 0xd8]) {
        let scan = copy_segments(data, &mut out).ok_or_else(bad)?;
        out.extend_from_slice(scan);
        return Ok(out);
    }

    let side = |v: u32| u16::try_from(v).map(u16::to_be_bytes).map_err(|_| bad());
    let channels = u8::try_from(facts.samples)
        .ok()
        .filter(|n| matches!(n, 1 | 3))
        .ok_or_else(bad)?;
    let place = |which: u16, index: u8| -> Result<usize, CodecError> {
        directory
            .numbers(which)
            .and_then(|offsets| offsets.get(index.into()))
            .and_then(|at| usize::try_from(at).ok())
            .ok_or_else(bad)
    };
    for index in 0..channels {
        let at = place(tag::JPEG_Q_TABLES, index)?;
        let table = bytes.get(at..at.saturating_add(64)).ok_or_else(bad)?;
        out.extend_from_slice(&[0xff, 0xdb, 0, 67, index]);
        out.extend_from_slice(table);
    }
    for (which, class) in [(tag::JPEG_DC_TABLES, 0), (tag::JPEG_AC_TABLES, 0x10)] {
        for index in 0..channels {
            let at = place(which, index)?;
            let counts = bytes.get(at..at.saturating_add(16)).ok_or_else(bad)?;
            let values = counts.iter().map(|&n| usize::from(n)).sum::<usize>();
            let table = bytes.get(at..at.saturating_add(16 + values)).ok_or_else(bad)?;
            let length = u16::try_from(3 + table.len()).map_err(|_| bad())?;
            out.extend_from_slice(&[0xff, 0xc4]);
            out.extend_from_slice(&length.to_be_bytes());
            out.push(class | index);
            out.extend_from_slice(table);
        }
    }
    let (across, down) = if channels == 1 { (1, 1) } else { facts.subsampling };
    let sampling = u8::try_from(across << 4 | down & 15).map_err(|_| bad())?;
    out.extend_from_slice(&[0xff, 0xc0, 0, 8 + 3 * channels, 8]);
    out.extend_from_slice(&side(size.height)?);
    out.extend_from_slice(&side(size.width)?);
    out.push(channels);
    for index in 0..channels {
        out.extend_from_slice(&[index + 1, if index == 0 { sampling } else { 0x11 }, index]);
    }
    out.extend_from_slice(&[0xff, 0xda, 0, 6 + 2 * channels, channels]);
    for index in 0..channels {
        out.extend_from_slice(&[index + 1, index << 4 | index]);
    }
    out.extend_from_slice(&[0, 63, 0]);
    out.extend_from_slice(data);
    out.extend_from_slice(&[0xff, 0xd9]);
    Ok(out)
}

/// The start of a stream, with an Adobe segment for three components: its last byte is 1 for YCbCr, 0 for colours as
/// they are.
fn start(is_ycbcr: bool, samples: u16) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    if samples == 3 {
        out.extend_from_slice(b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0");
        out.push(is_ycbcr.into());
    }
    out
}

/// Whether the directory points at a stream of the old way, which holds the whole picture.
pub(super) fn has_old_stream(directory: &Directory<'_>) -> bool {
    directory.number(tag::JPEG_INTERCHANGE).is_some_and(|at| at != 0)
}

/// Copies the segments of a stream up to its first scan, without those of applications and comments. Gives the rest,
/// the header of the scan included; `None` if there is no scan.
fn copy_segments<'a>(stream: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = stream.strip_prefix(&[0xff, 0xd8]).unwrap_or(stream);
    loop {
        while let [0xff, 0xff, ..] = rest {
            rest = rest.get(1..)?;
        }
        let [0xff, marker, high, low, ..] = *rest else {
            return None;
        };
        match marker {
            0xda => return Some(rest),
            0xd9 | 0x00 => return None,
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => rest = rest.get(2..)?,
            _ => {
                let (segment, further) = rest.split_at_checked(2 + usize::from(u16::from_be_bytes([high, low])))?;
                if !matches!(marker, 0xe0..=0xef | 0xfe) {
                    out.extend_from_slice(segment);
                }
                rest = further;
            }
        }
    }
}
