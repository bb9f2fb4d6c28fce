//! Frames to an animated WebP.

use std::time::Duration;

use calotype_plan::Size;

use crate::animation::{FrameSink, Loops};
use crate::{Budget, CodecError, OutputMetadata, Picture};

/// An animated WebP that grows frame by frame.
pub(crate) struct AnimationWriter;

impl AnimationWriter {
    /// Begins the file.
    pub(crate) fn new(
        _size: Size,
        _quality: u8,
        _lossless: bool,
        _loops: Loops,
        _metadata: &OutputMetadata,
        _budget: &Budget,
    ) -> Result<Self, CodecError> {
        Err(CodecError::unsupported("animated WebP output"))
    }
}

impl FrameSink for AnimationWriter {
    fn push(&mut self, _picture: &Picture, _duration: Duration) -> Result<(), CodecError> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, CodecError> {
        Ok(Vec::new())
    }
}
