//! The structure of a JPEG file: its markers, read without decoding (ITU-T T.81 annex B).

use calotype_plan::{Limits, Size};

use crate::CodecError;

/// How a frame is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// SOF0, SOF1, SOF9: whole blocks, one pass for each component.
    Sequential,
    /// SOF2, SOF10: several passes over the coefficients.
    Progressive,
    /// SOF3, SOF11: predicted samples without loss.
    Lossless,
    /// Hierarchical kinds, which nobody reads.
    Other,
}

/// One colour component of the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) horizontal: u8,
    pub(super) vertical: u8,
    /// The index of its quantisation table.
    pub(super) quantization: u8,
}

/// The frame header (SOF).
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) coding: Coding,
    pub(super) is_arithmetic: bool,
    pub(super) precision: u8,
    pub(super) size: Size,
    pub(super) components: Vec<Component>,
}

/// What the markers say.
#[derive(Debug, Default)]
pub(super) struct Structure<'a> {
    frame: Option<Frame>,
    /// Whether there is a JFIF segment (APP0).
    pub(super) is_jfif: bool,
    /// The transform code of the Adobe segment (APP14).
    pub(super) adobe: Option<u8>,
    /// EXIF, without its name.
    pub(super) exif: Option<&'a [u8]>,
    /// XMP packet.
    pub(super) xmp: Option<&'a [u8]>,
    /// Photoshop's image resources; long ones are split over segments.
    iptc: Vec<&'a [u8]>,
    /// Numbered pieces of the ICC profile.
    icc: Vec<(u8, u8, &'a [u8])>,
    metadata_bytes_max: usize,
    /// Passes over the data; only counted by [`Structure::read_whole`].
    pub(super) scans: u32,
    /// Whether the end marker was found.
    pub(super) has_end: bool,
    /// For each component, how many low bits of each coefficient are still missing; 255 when nothing came yet.
    missing: Vec<[u8; 64]>,
}

impl<'a> Structure<'a> {
    /// Reads up to the first scan.
    pub(super) fn read_header(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        Self::read(bytes, limits, false)
    }

    /// Reads all segments, and counts the scans.
    pub(super) fn read_whole(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        Self::read(bytes, limits, true)
    }

    fn read(bytes: &'a [u8], limits: &Limits, whole: bool) -> Result<Self, CodecError> {
        let mut structure = Self {
            metadata_bytes_max: limits.metadata_bytes_max,
            ..Self::default()
        };
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(CodecError::NotAnImage)?;
        while let Some((marker, after)) = next_marker(rest) {
            rest = after;
            match marker {
                0xd9 => {
                    structure.has_end = true;
                    break;
                }
                // Markers without a segment: restarts, TEM. A second start of image is an error that the decoder
                // reports.
                0x01 | 0xd0..=0xd8 => continue,
                _ => {}
            }
            let Some(length) = rest.first_chunk().map(|&b| usize::from(u16::from_be_bytes(b))) else {
                break;
            };
            let Some(segment) = rest.get(2..length) else { break };
            rest = rest.get(length..).unwrap_or_default();
            match marker {
                0xda => {
                    structure.scans = structure.scans.saturating_add(1);
                    structure.take_scan(segment);
                    if !whole {
                        break;
                    }
                }
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) && structure.frame.is_none() => {
                    structure.frame = frame(marker, segment);
                }
                // The decoder reads what comes before the first scan; so do we.
                0xe0..=0xef if structure.scans == 0 => structure.take_application_segment(marker, segment),
                _ => {}
            }
        }
        Ok(structure)
    }

    /// The frame header.
    pub(super) fn frame(&self) -> Result<&Frame, CodecError> {
        self.frame
            .as_ref()
            .ok_or_else(|| CodecError::corrupt("it has no frame header"))
    }

    /// The ICC profile, if all its pieces are there once and it is not too large.
    pub(super) fn icc(&self) -> Option<Vec<u8>> {
        let mut pieces = self.icc.clone();
        pieces.sort_by_key(|&(number, ..)| number);
        let complete = !pieces.is_empty()
            && pieces.iter().enumerate().all(|(index, &(number, count, _))| {
                usize::from(number) == index + 1 && usize::from(count) == pieces.len()
            });
        let length: usize = pieces.iter().map(|(.., piece)| piece.len()).sum();
        (complete && length <= self.metadata_bytes_max)
            .then(|| pieces.iter().flat_map(|(.., piece)| piece.iter().copied()).collect())
    }

    /// The image resources of Photoshop, put together.
    pub(super) fn iptc(&self) -> Option<Vec<u8>> {
        let length: usize = self.iptc.iter().map(|piece| piece.len()).sum();
        (length > 0 && length <= self.metadata_bytes_max).then(|| self.iptc.concat())
    }

    /// Whether the end marker was found, or nothing is missing without it.
    pub(super) fn is_whole(&self) -> bool {
        self.has_end || self.all_passes_came()
    }

    /// Whether the scans have brought every bit of every coefficient: true of whole progressive files.
    pub(super) fn all_passes_came(&self) -> bool {
        !self.missing.is_empty() && self.missing.iter().flatten().all(|&bits| bits == 0)
    }

    /// Bytes that a decoder needs for all coefficients at once, as it does for every file with several scans.
    pub(super) fn coefficient_bytes(&self) -> u64 {
        let Some(frame) = &self.frame else { return 0 };
        let most = |side: fn(&Component) -> u8| u64::from(frame.components.iter().map(side).max().unwrap_or(1).max(1));
        let (h_max, v_max) = (most(|c| c.horizontal), most(|c| c.vertical));
        let across = u64::from(frame.size.width).div_ceil(8 * h_max);
        let down = u64::from(frame.size.height).div_ceil(8 * v_max);
        let blocks: u64 = frame
            .components
            .iter()
            .map(|c| across * u64::from(c.horizontal) * down * u64::from(c.vertical))
            .sum();
        blocks * 64 * 2
    }

    fn take_application_segment(&mut self, marker: u8, segment: &'a [u8]) {
        match marker {
            0xe0 => self.is_jfif |= segment.starts_with(b"JFIF\0"),
            0xe1 => {
                if let Some(exif) = segment.strip_prefix(b"Exif\0").and_then(|rest| rest.get(1..)) {
                    self.exif.get_or_insert(exif);
                } else if let Some(xmp) = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    self.xmp.get_or_insert(xmp);
                }
            }
            0xe2 => {
                if let Some([number, count, piece @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    self.icc.push((*number, *count, piece));
                }
            }
            0xed => self.iptc.extend(segment.strip_prefix(b"Photoshop 3.0\0")),
            0xee => {
                if let Some(transform) = segment.strip_prefix(b"Adobe").and_then(|rest| rest.get(6)) {
                    self.adobe = Some(*transform);
                }
            }
            _ => {}
        }
    }

    /// Notes what a scan brings: components, band of coefficients, and the lowest bit.
    fn take_scan(&mut self, segment: &[u8]) {
        let Some(frame) = &self.frame else { return };
        let Some((&count, rest)) = segment.split_first() else {
            return;
        };
        let (Some(selectors), Some(&[start, end, bits])) = (
            rest.get(..usize::from(count) * 2),
            rest.get(usize::from(count) * 2..).and_then(|r| r.first_chunk::<3>()),
        ) else {
            return;
        };
        if self.missing.is_empty() {
            self.missing = vec![[255; 64]; frame.components.len()];
        }
        let (band, low) = if frame.coding == Coding::Progressive {
            (usize::from(start)..usize::from(end) + 1, bits & 15)
        } else {
            (0..64, 0)
        };
        for selector in selectors.as_chunks::<2>().0 {
            let Some(index) = frame.components.iter().position(|c| c.id == selector[0]) else {
                continue;
            };
            if let Some(coefficients) = self.missing.get_mut(index).and_then(|c| c.get_mut(band.clone())) {
                coefficients.fill(low);
            }
        }
    }
}

/// The next marker and what follows it. Bytes that belong to no segment (entropy-coded data, stray bytes) are passed
/// over.
pub(super) fn next_marker(mut rest: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        rest = rest.get(memchr::memchr(0xff, rest)? + 1..)?;
        match rest.first()? {
            // A stuffed byte, or a fill byte before a marker.
            0 | 0xff => {}
            0xd0..=0xd7 => rest = rest.get(1..)?,
            &marker => return Some((marker, rest.get(1..)?)),
        }
    }
}

fn frame(marker: u8, segment: &[u8]) -> Option<Frame> {
    let (&[precision, h1, h0, w1, w0, count], rest) = segment.split_first_chunk::<6>()?;
    let coding = match marker {
        0xc0 | 0xc1 | 0xc9 => Coding::Sequential,
        0xc2 | 0xca => Coding::Progressive,
        0xc3 | 0xcb => Coding::Lossless,
        _ => Coding::Other,
    };
    let components = rest
        .as_chunks::<3>()
        .0
        .iter()
        .take(usize::from(count))
        .map(|&[id, sampling, quantization]| Component {
            id,
            horizontal: sampling >> 4,
            vertical: sampling & 15,
            quantization,
        })
        .collect();
    let size = Size::new(u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
    Some(Frame {
        coding,
        is_arithmetic: marker >= 0xc9,
        precision,
        size,
        components,
    })
}
