//! The frames of an APNG: where they are and what is said about them (PNG 3rd edition, sections 11.3.6 and 13.15).

use std::num::NonZeroU16;
use std::time::Duration;

use calotype_plan::{Rect, Size};
use flate2::Crc;

use super::chunks::{SIGNATURE, chunk};
use crate::CodecError;
use crate::canvas::Disposal;

/// A frame, without its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Its place on the canvas, inside of it.
    pub(super) area: Rect,
    /// How long it is shown.
    pub(super) duration: Duration,
    /// What becomes of it when its time is over.
    pub(super) disposal: Disposal,
    /// Whether it is blended with what is below instead of replacing it.
    pub(super) is_blended: bool,
}

/// Walks from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    rest: &'a [u8],
    canvas: Size,
    /// What comes before the data of every frame: the header, and the palette and transparency of the file.
    header: &'a [u8],
    palette: Option<&'a [u8]>,
    transparency: Option<&'a [u8]>,
    /// The number that the next frame header or frame data has to have.
    sequence: u32,
    /// Frames that are still to come by the animation header.
    left: u32,
}

impl<'a> Parts<'a> {
    /// The frames of a file whose header is read already.
    pub(super) fn new(bytes: &'a [u8], canvas: Size, frames: u32) -> Result<Self, CodecError> {
        let (_, header, rest) = bytes
            .strip_prefix(SIGNATURE)
            .and_then(chunk)
            .ok_or_else(|| CodecError::corrupt("it has no PNG header"))?;
        Ok(Self {
            rest,
            canvas,
            header,
            palette: None,
            transparency: None,
            sequence: 0,
            left: frames,
        })
    }

    /// Whether a frame can leave a part of the canvas free: the first by its size, any by being cleared.
    pub(super) fn show_canvas(&self) -> bool {
        let (mut rest, mut is_first) = (self.rest, true);
        while let Some((name, content, after)) = chunk(rest) {
            rest = after;
            if let (b"fcTL", Some(part)) = (
                name,
                content.get(4..).and_then(|rest| described(rest, self.canvas).ok()),
            ) {
                let leaves = match part.disposal {
                    Disposal::Clear => true,
                    Disposal::Previous => is_first,
                    Disposal::Keep => false,
                };
                if leaves || is_first && part.area != Rect::of(self.canvas) {
                    return true;
                }
                is_first = false;
            }
        }
        false
    }

    /// Goes on to the next frame and puts its data together as a file of its own, in `file`; `None` after the last. An
    /// error is a frame that is damaged or cut before its data.
    pub(super) fn next_part(&mut self, file: &mut Vec<u8>) -> Result<Option<Part>, CodecError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        file.clear();
        let mut part = None;
        while let Some((name, content, after)) = chunk(self.rest) {
            match (name, part) {
                (b"fcTL", None) => part = Some(self.frame_header(content)?),
                // The next frame, and the end of the file, end this one.
                (b"fcTL" | b"IEND", _) => break,
                (b"IDAT", None) => {}
                (b"IDAT", Some(described)) => {
                    check(name, content, self.rest)?;
                    if described.area != Rect::of(self.canvas) {
                        return Err(CodecError::corrupt("its first frame does not fit its header"));
                    }
                    self.data(file, described, content)?;
                }
                (b"fdAT", Some(described)) => {
                    check(name, content, self.rest)?;
                    let data = self.in_sequence(content)?;
                    self.data(file, described, data)?;
                }
                (b"PLTE", _) if self.palette.is_none() => self.palette = Some(content),
                (b"tRNS", _) if self.transparency.is_none() => self.transparency = Some(content),
                _ => {}
            }
            self.rest = after;
        }
        let Some(described) = part else {
            return Ok(None);
        };
        // Data that is cut is decoded as far as it goes: whether it was all is seen by the pixels.
        if let Some((name, data)) = cut_data(self.rest) {
            let data = if name == b"fdAT" { data.get(4..) } else { Some(data) };
            self.data(file, described, data.unwrap_or_default())?;
            self.rest = &[];
        }
        if file.is_empty() {
            return Err(CodecError::corrupt("a frame has no data"));
        }
        push(file, *b"IEND", &[])?;
        Ok(part)
    }

    /// Gives no more frames.
    pub(super) fn end(&mut self) {
        self.left = 0;
    }

    /// Adds data to the file of a frame, after what has to come before it.
    fn data(&self, file: &mut Vec<u8>, part: Part, data: &[u8]) -> Result<(), CodecError> {
        if file.is_empty() {
            file.extend_from_slice(SIGNATURE);
            let mut header = self.header.to_vec();
            if let Some(size) = header.first_chunk_mut::<8>() {
                let (width, height) = (part.area.width.to_be_bytes(), part.area.height.to_be_bytes());
                size[..4].copy_from_slice(&width);
                size[4..].copy_from_slice(&height);
            }
            push(file, *b"IHDR", &header)?;
            for (name, content) in [(*b"PLTE", self.palette), (*b"tRNS", self.transparency)] {
                if let Some(content) = content {
                    push(file, name, content)?;
                }
            }
        }
        push(file, *b"IDAT", data)
    }

    fn frame_header(&mut self, content: &[u8]) -> Result<Part, CodecError> {
        described(self.in_sequence(content)?, self.canvas)
    }

    /// What follows the sequence number, which has to be the next one: frames out of order are an error.
    fn in_sequence<'b>(&mut self, content: &'b [u8]) -> Result<&'b [u8], CodecError> {
        let (&number, rest) = content
            .split_first_chunk::<4>()
            .ok_or_else(|| CodecError::corrupt("a frame has no number"))?;
        if u32::from_be_bytes(number) != self.sequence {
            return Err(CodecError::corrupt("its frames are out of order"));
        }
        self.sequence = self.sequence.saturating_add(1);
        Ok(rest)
    }
}

/// Reads a frame header, without its sequence number.
fn described(content: &[u8], canvas: Size) -> Result<Part, CodecError> {
    let &[
        w3,
        w2,
        w1,
        w0,
        h3,
        h2,
        h1,
        h0,
        x3,
        x2,
        x1,
        x0,
        y3,
        y2,
        y1,
        y0,
        n1,
        n0,
        d1,
        d0,
        dispose,
        blend,
    ] = content
    else {
        return Err(CodecError::corrupt("a frame header is not of its length"));
    };
    let [width, height, left, top] =
        [[w3, w2, w1, w0], [h3, h2, h1, h0], [x3, x2, x1, x0], [y3, y2, y1, y0]].map(u32::from_be_bytes);
    let area = Rect::new(left, top, width, height);
    if area.size().is_empty() || !area.fits(canvas) {
        return Err(CodecError::corrupt("a frame does not fit its canvas"));
    }
    let numerator = u64::from(u16::from_be_bytes([n1, n0]));
    // A denominator of 0 stands for 100.
    let denominator = NonZeroU16::new(u16::from_be_bytes([d1, d0])).map_or(100, |d| u64::from(d.get()));
    Ok(Part {
        area,
        duration: Duration::from_nanos(numerator * 1_000_000_000 / denominator),
        disposal: match dispose {
            1 => Disposal::Clear,
            2 => Disposal::Previous,
            _ => Disposal::Keep,
        },
        is_blended: blend == 1,
    })
}

/// Refuses a chunk whose checksum is wrong. One that is cut off at the very end is not missed.
fn check(name: &[u8; 4], content: &[u8], bytes: &[u8]) -> Result<(), CodecError> {
    let stored = bytes
        .get(8..)
        .and_then(|rest| rest.get(content.len()..))
        .and_then(<[u8]>::first_chunk::<4>);
    match stored {
        Some(&stored) if u32::from_be_bytes(stored) != checksum(*name, content) => {
            Err(CodecError::corrupt("its PNG data cannot be read"))
        }
        _ => Ok(()),
    }
}

/// What there is of a chunk with pixels that the end of the file cuts.
fn cut_data(bytes: &[u8]) -> Option<(&[u8; 4], &[u8])> {
    if chunk(bytes).is_some() {
        return None;
    }
    let (name, content) = bytes.get(4..)?.split_first_chunk::<4>()?;
    matches!(name, b"IDAT" | b"fdAT").then_some((name, content))
}

fn push(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) -> Result<(), CodecError> {
    let length = u32::try_from(content.len()).map_err(|_| CodecError::corrupt("a frame is too long"))?;
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&name);
    file.extend_from_slice(content);
    file.extend_from_slice(&checksum(name, content).to_be_bytes());
    Ok(())
}

fn checksum(name: [u8; 4], content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&name);
    crc.update(content);
    crc.sum()
}
