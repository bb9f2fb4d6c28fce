//! Frames to an animated GIF.

use std::time::Duration;

use calotype_plan::Size;

use crate::animation::{FrameSink, Loops};
use crate::{Budget, CodecError, Picture};

/// An animated GIF that grows frame by frame.
pub(crate) struct AnimationWriter;

impl AnimationWriter {
    /// Begins the file.
    pub(crate) fn new(_size: Size, _fast: bool, _loops: Loops, _budget: &Budget) -> Result<Self, CodecError> {
        Err(CodecError::unsupported("animated GIF output"))
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
