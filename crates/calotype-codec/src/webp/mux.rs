//! Writing the container of an animation (RFC 9649, sections 2.7.1.1 and 2.7.1.2).

use calotype_plan::{Rect, Size};

use super::container::{Chunks, FLAG_ALPHA, FLAG_ANIMATION, FLAG_EXIF, FLAG_ICC, FLAG_XMP, push_chunk, vp8l_size};
use crate::animation::Loops;
use crate::{CodecError, OutputMetadata};

/// The longest a frame can be shown, in milliseconds: 24 bits.
pub(super) const DURATION_MS_MAX: u64 = 0x00ff_ffff;

/// The ANMF flag that says: the frame replaces what is below it, also where it is transparent.
const FLAG_REPLACE: u8 = 0x02;

/// A frame as it will be written.
#[derive(Debug)]
pub(super) struct MuxFrame {
    /// Where it lies; its left and top are even.
    pub(super) place: Rect,
    /// How long it is shown.
    pub(super) duration_ms: u64,
    /// Whether it is laid over the canvas, instead of replacing its part of it.
    pub(super) is_blended: bool,
    /// Its chunks: ALPH and VP8, or VP8L.
    pub(super) chunks: Vec<u8>,
    /// Whether they can say that a pixel is transparent.
    pub(super) has_alpha: bool,
}

impl MuxFrame {
    /// Takes a frame's chunks out of a file of one picture.
    pub(super) fn new(place: Rect, duration_ms: u64, is_blended: bool, file: &[u8]) -> Result<Self, CodecError> {
        let mut frame = Self {
            place,
            duration_ms,
            is_blended,
            chunks: Vec::with_capacity(file.len()),
            has_alpha: false,
        };
        let mut chunks = Chunks {
            rest: file.get(12..).ok_or_else(broken)?,
            cut: false,
        };
        for chunk in chunks.by_ref() {
            match &chunk.name {
                b"ALPH" => frame.has_alpha = true,
                b"VP8L" => frame.has_alpha |= vp8l_size(chunk.payload)?.1,
                b"VP8 " => {}
                _ => continue,
            }
            push_chunk(&mut frame.chunks, chunk.name, chunk.payload).ok_or_else(broken)?;
        }
        Ok(frame)
    }

    fn write(&self, out: &mut Vec<u8>, duration_ms: u64) -> Option<()> {
        let mut payload = Vec::with_capacity(self.chunks.len().checked_add(16)?);
        let numbers = [
            self.place.left / 2,
            self.place.top / 2,
            self.place.width.checked_sub(1)?,
            self.place.height.checked_sub(1)?,
            u32::try_from(duration_ms).ok()?,
        ];
        numbers.iter().for_each(|&n| push_u24(&mut payload, n));
        payload.push(if self.is_blended { 0 } else { FLAG_REPLACE });
        payload.extend_from_slice(&self.chunks);
        push_chunk(out, *b"ANMF", &payload)
    }
}

/// Bytes at most of the file that [`animation`] will make, and of the frame that it is writing.
pub(super) fn file_bytes_max(frames: &[MuxFrame], nothing: &MuxFrame, metadata: &OutputMetadata) -> u64 {
    let largest = frames.iter().map(|frame| frame.chunks.len() as u64).max().unwrap_or(0);
    let frames: u64 = frames
        .iter()
        .map(|frame| {
            let repeats = frame.duration_ms / DURATION_MS_MAX;
            (frame.chunks.len() as u64 + 32).saturating_add((nothing.chunks.len() as u64 + 32).saturating_mul(repeats))
        })
        .fold(0, u64::saturating_add);
    let metadata: u64 = [&metadata.icc, &metadata.exif, &metadata.xmp]
        .into_iter()
        .flatten()
        .map(|data| data.len() as u64)
        .sum();
    frames
        .saturating_add(largest)
        .saturating_add(metadata)
        .saturating_add(256)
}

/// Writes the file. `nothing` is a frame that changes nothing; it carries on what is shown longer than a frame can be.
pub(super) fn animation(
    size: Size,
    loops: Loops,
    frames: &[MuxFrame],
    nothing: &MuxFrame,
    metadata: &OutputMetadata,
) -> Result<Vec<u8>, CodecError> {
    let length = usize::try_from(file_bytes_max(frames, nothing, metadata)).map_err(|_| broken())?;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    let carries_on = frames.iter().any(|frame| frame.duration_ms > DURATION_MS_MAX);
    let mut flags = FLAG_ANIMATION;
    for (flag, set) in [
        (FLAG_ALPHA, carries_on || frames.iter().any(|frame| frame.has_alpha)),
        (FLAG_ICC, metadata.icc.is_some()),
        (FLAG_EXIF, metadata.exif.is_some()),
        (FLAG_XMP, metadata.xmp.is_some()),
    ] {
        flags |= if set { flag } else { 0 };
    }
    let mut vp8x = vec![flags, 0, 0, 0];
    push_u24(&mut vp8x, size.width.checked_sub(1).ok_or_else(broken)?);
    push_u24(&mut vp8x, size.height.checked_sub(1).ok_or_else(broken)?);
    push_chunk(&mut out, *b"VP8X", &vp8x).ok_or_else(broken)?;
    if let Some(icc) = &metadata.icc {
        push_chunk(&mut out, *b"ICCP", icc).ok_or_else(broken)?;
    }
    // A transparent background, and how often it plays in all; 0 is without end.
    let plays = match loops {
        Loops::Forever => 0,
        Loops::Times(times) => u16::try_from(times.get()).unwrap_or(u16::MAX),
    };
    let [low, high] = plays.to_le_bytes();
    push_chunk(&mut out, *b"ANIM", &[0, 0, 0, 0, low, high]).ok_or_else(broken)?;
    for frame in frames {
        let mut rest = frame.duration_ms;
        let first = rest.min(DURATION_MS_MAX);
        frame.write(&mut out, first).ok_or_else(broken)?;
        rest -= first;
        while rest > 0 {
            let part = rest.min(DURATION_MS_MAX);
            nothing.write(&mut out, part).ok_or_else(broken)?;
            rest -= part;
        }
    }
    if let Some(exif) = &metadata.exif {
        push_chunk(&mut out, *b"EXIF", exif).ok_or_else(broken)?;
    }
    if let Some(xmp) = &metadata.xmp {
        push_chunk(&mut out, *b"XMP ", xmp).ok_or_else(broken)?;
    }
    let riff_bytes = out
        .len()
        .checked_sub(8)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| CodecError::encode("the animation is larger than a WebP file can be"))?;
    out.get_mut(4..8)
        .ok_or_else(broken)?
        .copy_from_slice(&riff_bytes.to_le_bytes());
    Ok(out)
}

fn push_u24(out: &mut Vec<u8>, number: u32) {
    let [a, b, c, _] = number.to_le_bytes();
    out.extend_from_slice(&[a, b, c]);
}

fn broken() -> CodecError {
    CodecError::encode("the WebP container could not be assembled")
}
