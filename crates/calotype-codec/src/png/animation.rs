//! PNG to frames.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use calotype_plan::{Limits, Size};

use super::chunks::Chunks;
use super::decode::{decode, metadata, pixels};
use super::parts::{Part, Parts};
use crate::animation::{Animation, Frame, FrameSource, Loops, Still};
use crate::canvas::{Canvas, blend_over, rows_in};
use crate::color::Conversion;
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Header, Layout, Reservation};

/// Begins to decode all frames. A default image that is not the first frame is not among them.
///
/// A file that is cut plays the frames that are whole. At a frame that is damaged, out of order or does not fit its canvas
/// the animation ends; if it is the first, the default image stands for all (PNG 3rd edition, section 13.15).
pub(crate) fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    let chunks = Chunks::read(bytes, limits)?;
    let Some(plays) = chunks.plays() else {
        let still = decode(bytes, header, &DecodeRequest::default(), limits, budget)?;
        return Ok(Still::animation(still));
    };
    let parts = Parts::new(bytes, header.size, chunks.frames())?;
    let layout = if chunks.has_alpha() || parts.show_canvas() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let mut icc = chunks.icc(limits);
    let mut color = chunks.color_source(icc.clone());
    let conversion = chunks.wide_conversion(&color, false);
    if conversion.is_some() {
        (color, icc) = (ColorSource::Srgb, None);
    }
    let metadata = metadata(&chunks, icc, limits);
    // The compressed data of one frame is copied: less than the file, in a buffer that grows by doubling.
    let held = budget.reserve((bytes.len() as u64).saturating_mul(2))?;
    let source = Frames {
        parts,
        bytes,
        size: header.size,
        file: Vec::new(),
        _held: held,
        is_first: true,
        chunks,
        conversion,
        canvas: Canvas::new(header.size, layout, budget)?,
        budget: budget.clone(),
    };
    let loops = NonZeroU32::new(plays).map_or(Loops::Forever, Loops::Times);
    Ok(Animation::new(loops, color, metadata, source))
}

struct Frames<'a> {
    parts: Parts<'a>,
    /// The whole file, and the size of its canvas.
    bytes: &'a [u8],
    size: Size,
    /// The data of one frame, as a file of its own.
    file: Vec<u8>,
    _held: Reservation,
    is_first: bool,
    chunks: Chunks<'a>,
    conversion: Option<Arc<Conversion>>,
    canvas: Canvas,
    budget: Budget,
}

impl Frames<'_> {
    fn show(&mut self, part: Part) -> Result<Frame, CodecError> {
        let conversion = self.conversion.as_deref();
        let pixels = pixels(&self.file, part.area.size(), &self.chunks, conversion, &self.budget)?;
        let picture = self.canvas.show(part.area, part.disposal, |picture| {
            let rows = pixels.rows();
            match (pixels.layout(), picture.layout()) {
                // Blending with the empty canvas is copying.
                (Layout::Rgba, Layout::Rgba) if part.is_blended && !self.is_first => {
                    for (below, above) in rows_in(picture, part.area).zip(rows) {
                        blend_over(below.as_chunks_mut().0, above.as_chunks().0);
                    }
                }
                (Layout::Rgb, Layout::Rgba) => {
                    for (below, above) in rows_in(picture, part.area).zip(rows) {
                        for (to, &[r, g, b]) in below.as_chunks_mut().0.iter_mut().zip(above.as_chunks().0) {
                            *to = [r, g, b, 255];
                        }
                    }
                }
                _ => {
                    for (below, above) in rows_in(picture, part.area).zip(rows) {
                        if below.len() == above.len() {
                            below.copy_from_slice(above);
                        }
                    }
                }
            }
            Ok(())
        })?;
        Ok(Frame {
            picture,
            duration: part.duration,
        })
    }

    /// What a decoder without animation shows.
    fn default_image(&self) -> Result<Frame, CodecError> {
        let conversion = self.conversion.as_deref();
        Ok(Frame {
            picture: pixels(self.bytes, self.size, &self.chunks, conversion, &self.budget)?,
            duration: Duration::ZERO,
        })
    }
}

impl FrameSource for Frames<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        let frame = match self.parts.next_part(&mut self.file) {
            Ok(None) if !self.is_first => return Ok(None),
            Ok(None) => Err(CodecError::corrupt("its first frame is damaged")),
            Ok(Some(part)) => self.show(part),
            Err(error) => Err(error),
        };
        let is_first = std::mem::replace(&mut self.is_first, false);
        match frame {
            Err(CodecError::Corrupt { .. }) if is_first => {
                self.parts.end();
                self.default_image().map(Some)
            }
            Err(CodecError::Corrupt { .. }) => Ok(None),
            _ => frame.map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
