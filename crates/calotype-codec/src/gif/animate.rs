//! Frames to an animated GIF.

use std::borrow::Cow;
use std::time::Duration;

use calotype_plan::{Rect, Size};
use gif::{DisposalMethod, EncodingError, Frame, Repeat};

use super::alpha::harden;
use super::difference::{Canvas, Drawn, dispose};
use super::table::{SharedTable, TRANSPARENT};
use crate::animation::{FrameSink, Loops};
use crate::frames::{Clock, bounds, copy_rgba, places};
use crate::palette::quantize_pixels;
use crate::{Budget, CodecError, Picture, Reservation};

/// The longest a frame can be shown, in hundredths of a second: 16 bits.
const DELAY_MAX: u64 = 0xffff;

/// Bytes per pixel of the canvas: the frame, what is shown and meant (12); what is below the last frame, twice while
/// it grows (16); its indices, twice (2); marks (2); the pixels to be drawn (4).
const BYTES_PER_PX: u64 = 36;

/// An animated GIF that grows frame by frame.
pub(crate) struct AnimationWriter {
    size: Size,
    loops: Loops,
    budget: Budget,
    clock: Clock,
    target: Vec<[u8; 4]>,
    canvas: Canvas,
    table: SharedTable,
    last: Option<Drawn>,
    frames: Vec<(Frame<'static>, u64)>,
    held: Vec<Reservation>,
}

impl AnimationWriter {
    /// Begins the file.
    pub(crate) fn new(size: Size, _fast: bool, loops: Loops, budget: &Budget) -> Result<Self, CodecError> {
        super::encode::sides(size)?;
        let held = vec![budget.reserve(size.area().saturating_mul(BYTES_PER_PX))?];
        let pixels = usize::try_from(size.area()).map_err(|_| CodecError::encode("the animation is too large"))?;
        Ok(Self {
            size,
            loops,
            budget: budget.clone(),
            clock: Clock::new(10),
            target: Vec::with_capacity(pixels),
            canvas: Canvas {
                shown: vec![[0; 4]; pixels],
                meant: vec![[0; 4]; pixels],
            },
            table: SharedTable::new(),
            last: None,
            frames: Vec::new(),
            held,
        })
    }

    /// Compresses the last frame, whose disposal is settled.
    fn write_last(&mut self) -> Result<(), CodecError> {
        let Some(last) = self.last.take() else {
            return Ok(());
        };
        // Twelve bits for each pixel at the worst.
        let worst = last.indices.len() as u64 * 3 / 2 + 1024;
        let mut held = self.budget.reserve(worst)?;
        let mut frame = place(last.place);
        frame.dispose = last.dispose;
        frame.palette = last.table;
        frame.transparent = last.indices.contains(&TRANSPARENT).then_some(TRANSPARENT);
        frame.buffer = Cow::Owned(last.indices);
        frame.make_lzw_pre_encoded();
        frame.buffer.to_mut().shrink_to_fit();
        held.shrink_to(frame.buffer.len() as u64 + 1024);
        self.held.push(held);
        self.frames.push((frame, last.delay));
        Ok(())
    }

    /// Draws `rect` of the target.
    fn draw(&mut self, rect: Rect, delay: u64, is_kept: impl Fn(usize) -> bool) -> Result<Drawn, CodecError> {
        let width = self.size.width;
        let pixels: Vec<[u8; 4]> = places(rect, width)
            .map(|at| match self.target.get(at) {
                Some(&pixel) if !is_kept(at) => pixel,
                _ => [0; 4],
            })
            .collect();
        let (indices, table) = match self.table.index(&pixels) {
            Some(indices) => (indices, None),
            None => {
                let indexed = quantize_pixels(&pixels, rect.width as usize, 255, &self.budget)?;
                with_transparent(indexed)
            }
        };
        let mut drawn = Drawn {
            place: rect,
            indices,
            table,
            dispose: DisposalMethod::Keep,
            delay,
            below: Vec::new(),
        };
        drawn.below.reserve_exact(pixels.len());
        for ((at, &pixel), &index) in places(rect, width).zip(&pixels).zip(&drawn.indices) {
            let (Some(shown), Some(meant)) = (self.canvas.shown.get_mut(at), self.canvas.meant.get_mut(at)) else {
                continue;
            };
            drawn.below.push((*shown, *meant));
            if index != TRANSPARENT {
                *meant = pixel;
                *shown = match &drawn.table {
                    None => pixel,
                    Some(table) => match table.as_chunks::<3>().0.get(usize::from(index)) {
                        Some(&[r, g, b]) => [r, g, b, 255],
                        None => [0; 4],
                    },
                };
            }
        }
        Ok(drawn)
    }
}

/// Indices and colours with the transparent entry first.
fn with_transparent(mut indexed: crate::palette::Indexed) -> (Vec<u8>, Option<Vec<u8>>) {
    if indexed.colors.first().is_none_or(|color| color[3] != 0) {
        indexed.colors.insert(0, [0; 4]);
        indexed
            .indices
            .iter_mut()
            .for_each(|index| *index = index.saturating_add(1));
    }
    let table = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    (indexed.indices, Some(table))
}

impl FrameSink for AnimationWriter {
    fn push(&mut self, picture: &Picture, duration: Duration) -> Result<(), CodecError> {
        let delay = self.clock.advance(duration);
        copy_rgba(picture, &mut self.target);
        harden(&mut self.target, self.size.width as usize);
        let is_first = self.last.is_none();
        if let Some(last) = &mut self.last {
            if self.canvas.meant == self.target {
                last.delay = last.delay.saturating_add(delay);
                return Ok(());
            }
            dispose(last, &mut self.canvas, &self.target, self.size, DELAY_MAX);
        }
        self.write_last()?;
        let (meant, target) = (std::mem::take(&mut self.canvas.meant), std::mem::take(&mut self.target));
        let is_kept: Vec<bool> = meant.iter().zip(&target).map(|(old, new)| old == new).collect();
        (self.canvas.meant, self.target) = (meant, target);
        let rect = if is_first {
            Rect::of(self.size)
        } else {
            bounds(self.size, |at| is_kept.get(at) == Some(&false)).unwrap_or(Rect::new(0, 0, 1, 1))
        };
        let drawn = self.draw(rect, delay, |at| is_kept.get(at) == Some(&true))?;
        self.last = Some(drawn);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, CodecError> {
        self.write_last()?;
        if self.frames.is_empty() {
            return Err(CodecError::encode("an animation needs a frame"));
        }
        let (width, height) = super::encode::sides(self.size)?;
        let bytes: u64 = self
            .frames
            .iter()
            .map(|(frame, delay)| frame.buffer.len() as u64 * 257 / 256 + 1024 + 1024 * (delay / DELAY_MAX))
            .sum();
        let _file = self.budget.reserve(bytes)?;
        let failed = |_: EncodingError| CodecError::encode("the GIF encoder refused a frame");
        let mut out = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        let mut encoder = gif::Encoder::new(&mut out, width, height, &self.table.bytes()).map_err(failed)?;
        // The extension says how often it is repeated after the first time; without it, never.
        if self.frames.len() > 1 {
            encoder.set_repeat(repeat(self.loops)).map_err(failed)?;
        }
        for (mut frame, delay) in std::mem::take(&mut self.frames) {
            let dispose = frame.dispose;
            frame.delay = u16::try_from(delay.min(DELAY_MAX)).unwrap_or(u16::MAX);
            let mut rest = delay.saturating_sub(DELAY_MAX);
            if rest > 0 {
                frame.dispose = DisposalMethod::Keep;
            }
            encoder.write_lzw_pre_encoded_frame(&frame).map_err(failed)?;
            while rest > 0 {
                let part = rest.min(DELAY_MAX);
                rest -= part;
                frame.dispose = if rest == 0 { dispose } else { DisposalMethod::Keep };
                frame.delay = u16::try_from(part).unwrap_or(u16::MAX);
                frame.transparent = Some(TRANSPARENT);
                frame.buffer = Cow::Owned(vec![
                    TRANSPARENT;
                    usize::from(frame.width) * usize::from(frame.height)
                ]);
                frame.make_lzw_pre_encoded();
                encoder.write_lzw_pre_encoded_frame(&frame).map_err(failed)?;
            }
        }
        drop(encoder);
        Ok(out)
    }
}

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
