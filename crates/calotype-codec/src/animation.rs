//! Animations: frames as they are shown, one after the other, and back into files.
//!
//! Only one frame is in memory at a time, besides what a decoder or an encoder keeps for itself. A frame is always the
//! whole canvas as a viewer shows it: how a format places, blends and disposes of its parts is known to that format's
//! folder alone.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use calotype_plan::{ImageFormat, Limits, Size};

use crate::{
    Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, OutputMetadata, Picture, SourceMetadata, decode,
};
use crate::{avif, gif, jxl, png, webp};

/// How often an animation is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loops {
    /// Without end.
    Forever,
    /// So many times in all; 1 stops at the last frame of the first run.
    Times(NonZeroU32),
}

impl Loops {
    /// Played once.
    pub const ONCE: Self = Self::Times(NonZeroU32::MIN);
}

/// One frame, composited on the canvas.
#[derive(Debug)]
pub struct Frame {
    /// The whole canvas as it is shown, orientation and colour not applied.
    pub picture: Picture,
    /// How long it is shown, as the file says it: no player's minimum is applied.
    pub duration: Duration,
}

/// What a format's folder gives: its frames in their order. Nothing follows an error or the end.
pub(crate) trait FrameSource {
    /// The next frame; `None` after the last.
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError>;
}

/// A picture that is no animation, as an animation of one frame that is shown for no time.
pub(crate) struct Still(Option<Picture>);

impl Still {
    /// The animation of a decoded picture.
    pub(crate) fn animation<'a>(decoded: Decoded) -> Animation<'a> {
        let source = Self(Some(decoded.picture));
        Animation::new(Loops::ONCE, decoded.color, decoded.metadata, source)
    }
}

impl FrameSource for Still {
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        Ok(self.0.take().map(|picture| Frame {
            picture,
            duration: Duration::ZERO,
        }))
    }
}

/// An animation that is being decoded.
pub struct Animation<'a> {
    /// How often it is played.
    pub loops: Loops,
    /// How the samples of every frame become sRGB.
    pub color: ColorSource,
    /// Metadata of the file.
    pub metadata: SourceMetadata,
    source: Box<dyn FrameSource + 'a>,
    is_over: bool,
}

impl<'a> Animation<'a> {
    pub(crate) fn new(
        loops: Loops,
        color: ColorSource,
        metadata: SourceMetadata,
        source: impl FrameSource + 'a,
    ) -> Self {
        Self {
            loops,
            color,
            metadata,
            source: Box::new(source),
            is_over: false,
        }
    }
}

impl fmt::Debug for Animation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Animation")
            .field("loops", &self.loops)
            .field("color", &self.color)
            .finish_non_exhaustive()
    }
}

impl Iterator for Animation<'_> {
    type Item = Result<Frame, CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.source.next_frame().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Begins to decode all frames of an animation. A still image is an animation of one frame, shown for no time.
///
/// `header` is what [`probe`](crate::probe) gave for the same bytes. The limit on the number of frames is checked here;
/// those on their area ([`Header::frames_area`]) are the caller's, who may let a file through unchanged.
///
/// # Errors
/// As [`decode`](crate::decode); the frames themselves are decoded, and can fail, later.
pub fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    header.check(limits)?;
    if header.frames > limits.frames_max {
        return Err(CodecError::limit(
            "the number of frames",
            header.frames.into(),
            limits.frames_max.into(),
        ));
    }
    match header.format {
        ImageFormat::Gif => gif::decode_animation(bytes, header, limits, budget),
        ImageFormat::Png => png::decode_animation(bytes, header, limits, budget),
        ImageFormat::Webp => webp::decode_animation(bytes, header, limits, budget),
        ImageFormat::Avif => avif::decode_animation(bytes, header, limits, budget),
        ImageFormat::Jxl => jxl::decode_animation(bytes, header, limits, budget),
        _ => {
            let still = decode(bytes, header, &DecodeRequest::default(), limits, budget)?;
            Ok(Still::animation(still))
        }
    }
}

/// How an animation is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnimationRequest {
    /// GIF, at most 256 colours per frame.
    Gif {
        /// Compress less and faster.
        fast: bool,
    },
    /// WebP.
    Webp {
        /// 1..=100.
        quality: u8,
        /// Every pixel exactly; `quality` is not used then.
        lossless: bool,
    },
}

/// What a format's folder gives: a file that grows frame by frame.
pub(crate) trait FrameSink {
    /// Adds a frame of the canvas' size that is shown for `duration`.
    fn push(&mut self, picture: &Picture, duration: Duration) -> Result<(), CodecError>;

    /// The file.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, CodecError>;
}

/// An animation that is being written. Frames that repeat their predecessor make it longer, not larger.
pub struct AnimationEncoder {
    size: Size,
    sink: Box<dyn FrameSink>,
}

impl AnimationEncoder {
    /// Begins an animation on a canvas of `size`.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if the format cannot hold the size, [`CodecError::Limit`] if the budget does not allow
    /// the encoder's memory.
    pub fn new(
        size: Size,
        request: &AnimationRequest,
        loops: Loops,
        metadata: &OutputMetadata,
        budget: &Budget,
    ) -> Result<Self, CodecError> {
        let sink: Box<dyn FrameSink> = match *request {
            AnimationRequest::Gif { fast } => Box::new(gif::AnimationWriter::new(size, fast, loops, budget)?),
            AnimationRequest::Webp { quality, lossless } => Box::new(webp::AnimationWriter::new(
                size, quality, lossless, loops, metadata, budget,
            )?),
        };
        Ok(Self { size, sink })
    }

    /// Adds a frame that is shown for `duration`, rounded so that the sum of all durations stays exact to the unit of
    /// the format (10 ms in GIF, 1 ms in WebP).
    ///
    /// Viewers show GIF frames of at most 10 ms for about 100 ms, so a longer frame gets at least 20 ms there. Where
    /// frames come faster than that, single ones are left out, never the last.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if it has not the size of the canvas, [`CodecError::Limit`].
    pub fn push(&mut self, picture: &Picture, duration: Duration) -> Result<(), CodecError> {
        if picture.size() != self.size {
            return Err(CodecError::encode("a frame has not the size of the animation"));
        }
        self.sink.push(picture, duration)
    }

    /// The file.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if there was no frame.
    pub fn finish(self) -> Result<Vec<u8>, CodecError> {
        self.sink.finish()
    }
}

impl fmt::Debug for AnimationEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnimationEncoder")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
