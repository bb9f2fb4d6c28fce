//! Frames to an animated WebP.
//!
//! Only what changed is written. A frame is compared with what was last *written* at each pixel, not with the frame
//! before it, so that a slow fade is never lost in small steps. No frame needs to be disposed of: one that blends keeps
//! what lies below its transparent parts, one that replaces can say everything else.

use std::time::Duration;

use calotype_plan::{Rect, Size};

use super::mux::{self, MuxFrame};
use super::{encode, sys};
use crate::animation::{FrameSink, Loops};
use crate::frames::{Clock, bounds, copy_rgba, places};
use crate::{Budget, CodecError, Layout, OutputMetadata, Picture, Reservation};

/// Side of the blocks that a lossy frame writes or leaves out, in pixels: a transform block of chroma covers 8 of them.
const BLOCK_PX: usize = 8;

/// A lossy frame leaves out unchanged blocks within its rectangle if they are at least one in so many. An alpha plane
/// costs time and a few hundred bytes, so a few are not worth it.
const PIXELS_PER_LEFT_OUT: usize = 8;

/// An animated WebP that grows frame by frame.
pub(crate) struct AnimationWriter {
    size: Size,
    quality: u8,
    lossless: bool,
    loops: Loops,
    metadata: OutputMetadata,
    budget: Budget,
    clock: Clock,
    /// What each pixel was when it was last written.
    canvas: Vec<[u8; 4]>,
    frame: Vec<[u8; 4]>,
    frames: Vec<MuxFrame>,
    /// For `canvas` and `frame`, then for the chunks of each frame.
    held: Vec<Reservation>,
}

impl AnimationWriter {
    /// Begins the file.
    pub(crate) fn new(
        size: Size,
        quality: u8,
        lossless: bool,
        loops: Loops,
        metadata: &OutputMetadata,
        budget: &Budget,
    ) -> Result<Self, CodecError> {
        encode::check_size(size)?;
        // The canvas, the frame, and marks twice.
        let held = vec![budget.reserve(size.area().saturating_mul(10))?];
        Ok(Self {
            size,
            quality,
            lossless,
            loops,
            metadata: metadata.clone(),
            budget: budget.clone(),
            clock: Clock::new(1),
            canvas: Vec::new(),
            frame: Vec::new(),
            frames: Vec::new(),
            held,
        })
    }

    /// Encodes `rect` of the frame, without what `change` leaves out.
    fn write(&mut self, rect: Rect, duration_ms: u64, change: &Change) -> Result<(), CodecError> {
        let size = rect.size();
        let channels = if change.is_opaque { Layout::Rgb } else { Layout::Rgba };
        let working = encode::working_bytes(size, channels, self.lossless).saturating_add(channels.bytes(size));
        let _working = self.budget.reserve(working)?;
        let mut samples = Vec::with_capacity(usize::try_from(channels.bytes(size)).unwrap_or(0));
        for (at, keep) in places(rect, self.size.width).zip(&change.kept) {
            let pixel = self.frame.get(at).copied().unwrap_or_default();
            match channels {
                Layout::Rgb => samples.extend_from_slice(&pixel[..3]),
                Layout::Rgba if *keep && self.lossless => samples.extend_from_slice(&[0; 4]),
                // Colours near those around it cost a lossy frame least.
                Layout::Rgba if *keep => samples.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 0]),
                Layout::Rgba => samples.extend_from_slice(&pixel),
            }
            if !*keep && let Some(place) = self.canvas.get_mut(at) {
                *place = pixel;
            }
        }
        let file = sys::encode(
            &samples,
            size,
            channels,
            encode::frame_settings(self.quality, self.lossless),
        )?;
        // Twice: the file as it came, and its chunks.
        let mut held = self.budget.reserve(file.len() as u64 * 2)?;
        let frame = MuxFrame::new(rect, duration_ms, change.is_blended, &file)?;
        held.shrink_to(frame.chunks.capacity() as u64);
        self.held.push(held);
        self.frames.push(frame);
        Ok(())
    }

    /// The rectangle that must be written, and what of it may be left out; `None` if nothing changed.
    fn change(&self) -> Option<(Rect, Change)> {
        let differs = |at: usize| self.canvas.get(at) != self.frame.get(at);
        let (rect, mut kept) = if self.lossless {
            let rect = on_even_places(bounds(self.size, differs)?);
            (rect, places(rect, self.size.width).map(|at| !differs(at)).collect())
        } else {
            // Once to find the rectangle, and once with blocks that begin at its corner, as those of the encoder do.
            let similar = self.similar_blocks(Rect::of(self.size));
            let is_changed = |at: usize| similar.get(at) == Some(&false) && differs(at);
            let rect = on_even_places(bounds(self.size, is_changed)?);
            (rect, self.similar_blocks(rect))
        };
        let pixels_kept = kept.iter().filter(|&&keep| keep).count();
        let is_opaque = |at: usize| self.frame.get(at).is_none_or(|pixel| pixel[3] == 255);
        let is_worth_it = pixels_kept > 0 && (self.lossless || pixels_kept >= kept.len() / PIXELS_PER_LEFT_OUT);
        let whole = || places(rect, self.size.width).zip(&kept);
        // What is blended must be opaque where it is written, and transparent where it is not.
        let is_blended = is_worth_it && whole().all(|(at, keep)| *keep || is_opaque(at));
        let is_opaque = !is_blended && whole().all(|(at, _)| is_opaque(at));
        if !is_blended {
            kept.fill(false);
        }
        Some((
            rect,
            Change {
                kept,
                is_blended,
                is_opaque,
            },
        ))
    }

    /// Marks the pixels of the rectangle's blocks that look alike on canvas and frame: no sample is farther off than
    /// allowed, or farther where it is hardly seen, and opacity is equal; and they have no tendency, so that noise is left
    /// out and a fade is not.
    fn similar_blocks(&self, rect: Rect) -> Vec<bool> {
        let tolerance = tolerance(self.quality) * 255;
        let (width, height) = (rect.width as usize, rect.height as usize);
        let mut similar = vec![false; width * height];
        for (top, left) in blocks(width, height) {
            let (bottom, right) = ((top + BLOCK_PX).min(height), (left + BLOCK_PX).min(width));
            let (mut sums, mut count) = ([0i32; 3], 0i32);
            let is_near = (top..bottom).all(|y| {
                let start = (rect.top as usize + y) * self.size.width as usize + rect.left as usize;
                let old = self.canvas.get(start + left..start + right).unwrap_or_default();
                let new = self.frame.get(start + left..start + right).unwrap_or_default();
                old.iter().zip(new).all(|(&[r, g, b, a], &[r2, g2, b2, a2])| {
                    count += 1;
                    let pairs = [(r, r2), (g, g2), (b, b2)];
                    a == a2
                        && pairs.iter().zip(&mut sums).all(|(&(x, y), sum)| {
                            let seen = (i32::from(x) - i32::from(y)) * i32::from(a);
                            *sum += seen;
                            seen.abs() <= tolerance
                        })
                })
            });
            if is_near && sums.iter().all(|sum| sum.abs() <= count * 255) {
                for y in top..bottom {
                    if let Some(marks) = similar.get_mut(y * width + left..y * width + right) {
                        marks.fill(true);
                    }
                }
            }
        }
        similar
    }

    /// A frame that changes nothing: one transparent pixel.
    fn nothing(&self, duration_ms: u64) -> Result<MuxFrame, CodecError> {
        let one = Size::new(1, 1);
        let file = sys::encode(&[0; 4], one, Layout::Rgba, encode::frame_settings(0, true))?;
        MuxFrame::new(Rect::of(one), duration_ms, true, &file)
    }
}

/// How a rectangle is written.
struct Change {
    /// For each pixel whether it is left out.
    kept: Vec<bool>,
    /// Whether the frame blends; otherwise nothing is left out.
    is_blended: bool,
    /// Whether no pixel written is transparent at all, and none is left out.
    is_opaque: bool,
}

impl FrameSink for AnimationWriter {
    fn push(&mut self, picture: &Picture, duration: Duration) -> Result<(), CodecError> {
        let duration_ms = self.clock.advance(duration);
        copy_rgba(picture, &mut self.frame);
        if self.canvas.is_empty() {
            self.canvas.clone_from(&self.frame);
            let change = Change {
                kept: vec![false; self.frame.len()],
                is_blended: false,
                is_opaque: !picture.has_transparency(),
            };
            return self.write(Rect::of(self.size), duration_ms, &change);
        }
        match self.change() {
            Some((rect, change)) => self.write(rect, duration_ms, &change),
            None => {
                if let Some(last) = self.frames.last_mut() {
                    last.duration_ms = last.duration_ms.saturating_add(duration_ms);
                }
                Ok(())
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, CodecError> {
        if self.frames.is_empty() {
            return Err(CodecError::encode("an animation needs a frame"));
        }
        let nothing = self.nothing(0)?;
        let _file = self
            .budget
            .reserve(mux::file_bytes_max(&self.frames, &nothing, &self.metadata))?;
        mux::animation(self.size, self.loops, &self.frames, &nothing, &self.metadata)
    }
}

/// How far a sample may be off before a lossy frame writes its block again: libwebp's own rule for animations
/// (`QualityToMaxDiff` in `anim_encode.c`), 1 at quality 100 and 31 at 0.
fn tolerance(quality: u8) -> i32 {
    let fidelity = (f64::from(quality.min(100)) / 100.0).sqrt();
    (31.0 * (1.0 - fidelity) + fidelity).round() as i32
}

/// The corners of blocks: top, left.
fn blocks(width: usize, height: usize) -> impl Iterator<Item = (usize, usize)> {
    let lefts = move |top| (0..width).step_by(BLOCK_PX).map(move |left| (top, left));
    (0..height).step_by(BLOCK_PX).flat_map(lefts)
}

/// A rectangle grown to begin at even places, as the container needs.
fn on_even_places(rect: Rect) -> Rect {
    let (odd_x, odd_y) = (rect.left % 2, rect.top % 2);
    Rect::new(
        rect.left - odd_x,
        rect.top - odd_y,
        rect.width + odd_x,
        rect.height + odd_y,
    )
}

#[cfg(test)]
#[path = "animate_tests.rs"]
mod tests;
