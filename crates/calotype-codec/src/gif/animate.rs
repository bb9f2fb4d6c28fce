//! Frames to an animated GIF.
//!
//! Only what changed is drawn. As long as the colours of all frames fit into one table, every pixel is exact; from then
//! on each frame is dithered with the shared table or one of its own. A frame is held back until its successor says how
//! it must be disposed of.

use std::borrow::Cow;
use std::time::Duration;

use calotype_plan::{Rect, Size};
use gif::{DisposalMethod, EncodingError, Frame, Repeat};

use super::alpha::harden;
use super::difference::{Drawn, Pixel, dispose};
use super::paint::{Painter, Part};
use super::table::TRANSPARENT;
use crate::animation::{FrameSink, Loops};
use crate::frames::{Clock, bounds, copy_rgba, places};
use crate::{Budget, CodecError, Picture, Reservation};

/// The longest a frame can be shown, in hundredths of a second: 16 bits.
const DELAY_MAX: u64 = 0xffff;

/// Viewers take a frame of at most 10 ms for one without a duration, and show it for 100 ms or so. One that is longer
/// in the source gets at least two hundredths.
const DELAY_MIN: u64 = 2;
const TOO_SHORT: Duration = Duration::from_millis(10);

/// Bytes per pixel of the canvas: the frame and its opacity (5), what is shown and meant (8), the same below this frame
/// and the last (16), the indices of both, once more while one grows (3), the part to be drawn (9) and its new colours
/// (4), marks (2).
const BYTES_PER_PX: u64 = 47;

/// Bytes around a frame's data: its control block, its descriptor, and a table.
const FRAME_HEAD_BYTES: u64 = 1024;

/// An animated GIF that grows frame by frame.
pub(crate) struct AnimationWriter {
    size: Size,
    loops: Loops,
    budget: Budget,
    clock: Clock,
    painter: Painter,
    target: Vec<[u8; 4]>,
    canvas: Vec<Pixel>,
    last: Option<Drawn>,
    /// A frame for which there was no time, as long as no other follows it.
    left_out: Option<Picture>,
    /// Compressed, each with its delay.
    frames: Vec<(Frame<'static>, u64)>,
    /// For all that lasts.
    held: Vec<Reservation>,
}

impl AnimationWriter {
    /// Begins the file.
    pub(crate) fn new(size: Size, fast: bool, loops: Loops, budget: &Budget) -> Result<Self, CodecError> {
        super::encode::sides(size)?;
        let held = vec![budget.reserve(size.area().saturating_mul(BYTES_PER_PX))?];
        let pixels = usize::try_from(size.area()).map_err(|_| CodecError::encode("the animation is too large"))?;
        Ok(Self {
            size,
            loops,
            budget: budget.clone(),
            clock: Clock::new(10),
            painter: Painter::new(fast, budget),
            target: Vec::with_capacity(pixels),
            canvas: vec![Pixel::default(); pixels],
            last: None,
            left_out: None,
            frames: Vec::new(),
            held,
        })
    }

    /// Adds a frame, or makes the last longer if it is the same.
    fn add(&mut self, picture: &Picture, delay: u64) -> Result<(), CodecError> {
        copy_rgba(picture, &mut self.target);
        harden(&mut self.target, self.size.width as usize);
        let mut cleared = None;
        if let Some(last) = &mut self.last {
            if self.canvas.iter().map(|pixel| &pixel.meant).eq(&self.target) {
                last.delay = last.delay.saturating_add(delay);
                return Ok(());
            }
            cleared = dispose(last, &mut self.canvas, &self.target, self.size, DELAY_MAX);
        }
        self.write_last()?;
        self.last = Some(self.draw(cleared, delay)?);
        Ok(())
    }

    /// Compresses the last frame, whose disposal is settled.
    fn write_last(&mut self) -> Result<(), CodecError> {
        let Some(last) = self.last.take() else {
            return Ok(());
        };
        // Twelve bits for each pixel at the worst, and room to grow into.
        let worst = (last.indices.len() as u64).saturating_mul(3);
        let mut held = self.budget.reserve(worst.saturating_add(FRAME_HEAD_BYTES))?;
        let mut frame = place(last.place);
        frame.dispose = last.dispose;
        frame.palette = last.table;
        // Some readers (libvips, Pillow) clear to the background colour, not to nothing, after a frame that names no
        // transparent entry.
        let clears = last.dispose == DisposalMethod::Background;
        frame.transparent = (clears || last.indices.contains(&TRANSPARENT)).then_some(TRANSPARENT);
        frame.buffer = Cow::Owned(last.indices);
        frame.make_lzw_pre_encoded();
        frame.buffer.to_mut().shrink_to_fit();
        held.shrink_to(frame.buffer.len() as u64 + FRAME_HEAD_BYTES);
        self.held.push(held);
        self.frames.push((frame, last.delay));
        Ok(())
    }

    /// Draws the target where it differs from the canvas or the canvas is cleared; everything, if it is the first.
    fn draw(&mut self, cleared: Option<Rect>, delay: u64) -> Result<Drawn, CodecError> {
        let is_first = self.frames.is_empty();
        let width = self.size.width;
        let mut is_cleared = vec![false; cleared.map_or(0, |_| self.canvas.len())];
        for at in cleared.into_iter().flat_map(|rect| places(rect, width)) {
            if let Some(mark) = is_cleared.get_mut(at) {
                *mark = true;
            }
        }
        let is_cleared = |at: usize| is_cleared.get(at) == Some(&true);
        let is_drawn = |at: usize| match (self.canvas.get(at), self.target.get(at)) {
            (Some(pixel), Some(wanted)) => wanted[3] != 0 && (is_cleared(at) || pixel.meant != *wanted),
            _ => false,
        };
        // A frame that only clears still needs a pixel.
        let rect = if is_first {
            Rect::of(self.size)
        } else {
            bounds(self.size, is_drawn).unwrap_or(Rect::new(0, 0, 1, 1))
        };
        let area = rect.width as usize * rect.height as usize;
        let mut part = Part {
            pixels: Vec::with_capacity(area),
            is_back: Vec::with_capacity(area),
            below: Vec::with_capacity(area),
            width: rect.width as usize,
            canvas_pixels: self.size.area(),
        };
        for at in places(rect, width) {
            let pixel = self.canvas.get(at).copied().unwrap_or_default();
            let wanted = self.target.get(at).copied().unwrap_or_default();
            let is_back = is_drawn(at) && is_cleared(at) && pixel.meant == wanted;
            part.pixels.push(match (is_drawn(at), is_back) {
                (false, _) => [0; 4],
                (true, false) => wanted,
                (true, true) => pixel.shown,
            });
            part.is_back.push(is_back);
            part.below.push(if is_cleared(at) { [0; 4] } else { pixel.shown });
        }
        let painted = self.painter.paint(&part)?;
        let shared = self.painter.table.bytes();
        let colors = painted.table.as_ref().unwrap_or(&shared).as_chunks::<3>().0;
        let mut below = Vec::with_capacity(area);
        for ((at, drawn), &index) in places(rect, width).zip(&part.pixels).zip(&painted.indices) {
            let Some(pixel) = self.canvas.get_mut(at) else {
                continue;
            };
            below.push(if is_cleared(at) { Pixel::default() } else { *pixel });
            if drawn[3] != 0 {
                pixel.meant = self.target.get(at).copied().unwrap_or_default();
            }
            if index != TRANSPARENT
                && let Some(&[r, g, b]) = colors.get(usize::from(index))
            {
                pixel.shown = [r, g, b, 255];
            }
        }
        Ok(Drawn {
            place: rect,
            indices: painted.indices,
            table: painted.table,
            dispose: DisposalMethod::Keep,
            delay,
            below,
            is_first,
        })
    }
}

impl FrameSink for AnimationWriter {
    fn push(&mut self, picture: &Picture, duration: Duration) -> Result<(), CodecError> {
        let mut delay = self.clock.advance(duration);
        if duration > TOO_SHORT && delay < DELAY_MIN {
            // Faster than GIF can be: single frames are left out, so that the others play in time.
            if delay == 0 {
                self.left_out = Some(picture.duplicate(&self.budget)?);
                return Ok(());
            }
            self.clock.borrow(DELAY_MIN - delay);
            delay = DELAY_MIN;
        }
        self.left_out = None;
        self.add(picture, delay)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, CodecError> {
        // What an animation ends with stays on the screen.
        if let Some(picture) = self.left_out.take() {
            let spare = self.last.as_mut().filter(|last| last.delay >= 2 * DELAY_MIN);
            if let Some(last) = spare {
                last.delay -= DELAY_MIN;
            }
            self.add(&picture, DELAY_MIN)?;
        }
        self.write_last()?;
        if self.frames.is_empty() {
            return Err(CodecError::encode("an animation needs a frame"));
        }
        let (width, height) = super::encode::sides(self.size)?;
        // A length byte for each 255, and the frames that carry on long ones.
        let bytes: u64 = self
            .frames
            .iter()
            .map(|(frame, delay)| {
                let carried_on = u64::from(frame.width) * u64::from(frame.height) / 64 + FRAME_HEAD_BYTES;
                (frame.buffer.len() as u64 * 257 / 256 + FRAME_HEAD_BYTES)
                    .saturating_add(carried_on.saturating_mul(delay / DELAY_MAX))
            })
            .fold(FRAME_HEAD_BYTES, u64::saturating_add);
        let _file = self.budget.reserve(bytes)?;
        let failed = |_: EncodingError| CodecError::encode("the GIF encoder refused a frame");
        let mut out = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        let table = self.painter.table.bytes();
        let mut encoder = gif::Encoder::new(&mut out, width, height, &table).map_err(failed)?;
        let is_still = matches!(self.frames.as_slice(), [(_, delay)] if *delay <= DELAY_MAX);
        if !is_still {
            encoder.set_repeat(repeat(self.loops)).map_err(failed)?;
        }
        for (mut frame, delay) in std::mem::take(&mut self.frames) {
            let dispose = frame.dispose;
            let mut rest = delay;
            loop {
                let part = rest.min(DELAY_MAX);
                rest -= part;
                frame.delay = u16::try_from(part).unwrap_or(u16::MAX);
                frame.dispose = if rest == 0 { dispose } else { DisposalMethod::Keep };
                encoder.write_lzw_pre_encoded_frame(&frame).map_err(failed)?;
                if rest == 0 {
                    break;
                }
                // Nothing, at the same place, so that this too can be cleared.
                let nothing = vec![TRANSPARENT; usize::from(frame.width) * usize::from(frame.height)];
                frame.transparent = Some(TRANSPARENT);
                frame.buffer = Cow::Owned(nothing);
                frame.make_lzw_pre_encoded();
            }
        }
        drop(encoder);
        Ok(out)
    }
}

/// The extension says how often it is repeated after the first time, 0 being without end; without it, never.
fn repeat(loops: Loops) -> Repeat {
    match loops {
        Loops::Forever => Repeat::Infinite,
        Loops::Times(times) => Repeat::Finite(u16::try_from(times.get() - 1).unwrap_or(u16::MAX)),
    }
}

/// A frame at its place. The sides were checked when the animation began.
fn place(rect: Rect) -> Frame<'static> {
    let side = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
    Frame {
        left: side(rect.left),
        top: side(rect.top),
        width: side(rect.width),
        height: side(rect.height),
        ..Frame::default()
    }
}

#[cfg(test)]
#[path = "animate_tests.rs"]
mod tests;
