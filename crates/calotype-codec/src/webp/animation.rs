//! WebP to frames.
//!
//! Frames are composited here and not by libwebp's own animation decoder, which keeps two canvases of RGBA that nobody
//! could charge, and takes the background colour that browsers ignore.

use std::num::NonZeroU32;
use std::time::Duration;

use calotype_plan::{Limits, Rect};

use super::container::{self, Container};
use super::decode::{color_and_metadata, decode, working_bytes};
use super::sys;
use crate::animation::{Animation, Frame, FrameSource, Loops, Still};
use crate::canvas::{Canvas, Disposal, blend_over, rows_in};
use crate::{Budget, CodecError, DecodeRequest, Header, Layout, Picture};

/// Begins to decode all frames. What no frame has painted is transparent, as in browsers; the background colour of the
/// file is not used.
///
/// A file that is cut plays the frames that are whole. At a frame that is damaged or does not fit its canvas the animation
/// ends, unless it is the first, which is an error.
pub(crate) fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    let container = Container::parse(bytes, limits)?;
    if container.size != header.size {
        return Err(CodecError::corrupt("the WebP size changed after it was read"));
    }
    if !container.animated {
        let still = decode(bytes, header, &DecodeRequest::default(), limits, budget)?;
        return Ok(Still::animation(still));
    }
    let is_opaque = |frame: container::Frame<'_>| {
        frame.disposal == Disposal::Keep && sys::features(frame.data).is_ok_and(|coded| !coded.has_alpha)
    };
    let layout = if container.has_alpha || !container.frames().all(is_opaque) {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let source = Frames {
        frames: container.frames(),
        is_first: true,
        canvas: Canvas::new(container.size, layout, budget)?,
        budget: budget.clone(),
    };
    let (color, metadata) = color_and_metadata(&container);
    let loops = NonZeroU32::new(container.plays.into()).map_or(Loops::Forever, Loops::Times);
    Ok(Animation::new(loops, color, metadata, source))
}

struct Frames<'a> {
    frames: container::Frames<'a>,
    is_first: bool,
    canvas: Canvas,
    budget: Budget,
}

impl Frames<'_> {
    fn show(&mut self, frame: &container::Frame<'_>) -> Result<Frame, CodecError> {
        let coded = sys::features(frame.data)?;
        let place = Rect::new(frame.left, frame.top, frame.size.width, frame.size.height);
        let (is_first, budget) = (self.is_first, &self.budget);
        let picture = self.canvas.show(place, frame.disposal, |picture| {
            if coded.size != frame.size || !place.fits(picture.size()) {
                return Err(CodecError::corrupt("a WebP frame does not fit its canvas"));
            }
            let _working = budget.reserve(working_bytes(coded))?;
            // Blending with the empty canvas is copying.
            if frame.is_blended && !is_first && coded.has_alpha && picture.layout() == Layout::Rgba {
                let mut part = Picture::new(coded.size, Layout::Rgba, [0; 4], budget)?;
                let stride = part.stride();
                sys::decode_into(frame.data, coded.size, Layout::Rgba, part.data_mut(), stride)?;
                for (below, above) in rows_in(picture, place).zip(part.rows()) {
                    blend_over(below.as_chunks_mut().0, above.as_chunks().0);
                }
                return Ok(());
            }
            let (stride, layout) = (picture.stride(), picture.layout());
            let start = u64::from(frame.top) * stride as u64 + u64::from(frame.left) * layout.channels() as u64;
            let out = usize::try_from(start)
                .ok()
                .and_then(|start| picture.data_mut().get_mut(start..))
                .unwrap_or_default();
            sys::decode_into(frame.data, coded.size, layout, out, stride)
        })?;
        Ok(Frame {
            picture,
            duration: Duration::from_millis(frame.duration_ms.into()),
        })
    }
}

impl FrameSource for Frames<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        let Some(frame) = self.frames.next() else {
            return Ok(None);
        };
        let shown = self.show(&frame);
        match shown {
            Err(CodecError::Corrupt { .. }) if !self.is_first => Ok(None),
            _ => {
                self.is_first = false;
                shown.map(Some)
            }
        }
    }
}
