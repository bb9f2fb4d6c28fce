//! GIF to frames.

use std::num::NonZeroU32;
use std::time::Duration;

use calotype_plan::Limits;

use super::blocks::{Blocks, Part, Parts};
use super::decode::{Painted, check_area, first, metadata, paint};
use crate::animation::{Animation, Frame, FrameSource, Loops};
use crate::canvas::Canvas;
use crate::{Budget, CodecError, ColorSource, Header, Layout};

/// Begins to decode all frames. What no frame has painted is transparent, as in browsers.
///
/// A frame whose data ends early, although it is closed, leaves what is below; at one that is cut or damaged the animation
/// ends, unless it is the first, which is an error.
pub(crate) fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    let blocks = Blocks::read(bytes)?;
    first(bytes, limits)?;
    let layout = if blocks.any_transparency {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let source = Frames {
        parts: Parts::new(bytes)?,
        is_first: true,
        canvas: Canvas::new(header.size, layout, budget)?,
        limits: *limits,
        budget: budget.clone(),
    };
    Ok(Animation::new(
        loops(blocks.repetitions),
        ColorSource::Srgb,
        metadata(&blocks, limits),
        source,
    ))
}

/// Browsers count repetitions after the first run; a file that says nothing is played once.
fn loops(repetitions: Option<u16>) -> Loops {
    match repetitions {
        None => Loops::ONCE,
        Some(0) => Loops::Forever,
        Some(times) => Loops::Times(NonZeroU32::MIN.saturating_add(times.into())),
    }
}

struct Frames<'a> {
    parts: Parts<'a>,
    is_first: bool,
    canvas: Canvas,
    limits: Limits,
    budget: Budget,
}

impl Frames<'_> {
    fn show(&mut self, part: &Part<'_>) -> Result<Frame, CodecError> {
        let (is_first, budget) = (self.is_first, &self.budget);
        check_area(part, &self.limits)?;
        let picture = self.canvas.show(part.area, part.disposal, |picture| {
            // A later frame of nothing changes nothing, and takes its time.
            if !is_first && part.area.size().is_empty() {
                return Ok(());
            }
            match paint(part, picture, is_first, budget)? {
                Painted::Short if is_first => Err(CodecError::corrupt("its first frame has too few pixels")),
                _ => Ok(()),
            }
        })?;
        Ok(Frame {
            picture,
            duration: Duration::from_millis(u64::from(part.delay_cs) * 10),
        })
    }
}

impl FrameSource for Frames<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        let Some(part) = self.parts.next() else {
            return Ok(None);
        };
        let frame = self.show(&part);
        match frame {
            Err(CodecError::Corrupt { .. }) if !self.is_first => Ok(None),
            _ => {
                self.is_first = false;
                frame.map(Some)
            }
        }
    }
}
