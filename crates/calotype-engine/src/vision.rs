//! What models can tell about a picture, behind a trait: the engine knows what to ask and what to do with the answer, not how it is found.

use calotype_codec::Picture;
use calotype_plan::{FaceBox, Models, Size};

/// Why a model gave no answer. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisionError {
    /// The model is not installed or switched off.
    Missing,
    /// The model did not answer in its time, or refused the picture as too large for it.
    Unavailable(String),
    /// The model ran and failed.
    Failed(String),
}

/// How strongly each pixel belongs to the foreground.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Size of the mask. It need not be that of the picture that was looked at: a model with a fixed input has a fixed output.
    pub size: Size,
    /// One value per pixel, row by row: the probability after the sigmoid. Only the order of the values matters, for they are stretched.
    pub values: Vec<f32>,
}

/// The models. Pictures given to it are upright sRGB.
pub trait Vision: Send + Sync {
    /// Which models can be asked.
    fn models(&self) -> Models;

    /// The box around all faces, in pixels of `copy`, or `None` if there are none. `copy` is RGB with no side above 1024 (spec 5.7).
    ///
    /// # Errors
    /// See [`VisionError`].
    fn faces(&self, copy: &Picture) -> Result<Option<FaceBox>, VisionError>;

    /// The foreground of `copy`, which is RGB with no side above 1024 (spec section 7).
    ///
    /// # Errors
    /// See [`VisionError`].
    fn mask(&self, copy: &Picture) -> Result<Mask, VisionError>;

    /// `picture`, which is RGB, enlarged exactly `factor` times, 2 or 4 (spec 5.10).
    ///
    /// # Errors
    /// See [`VisionError`].
    fn enlarge(&self, picture: &Picture, factor: u32) -> Result<Picture, VisionError>;
}

/// What stands there until models are installed.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoModels;

impl Vision for NoModels {
    fn models(&self) -> Models {
        Models::default()
    }

    fn faces(&self, _copy: &Picture) -> Result<Option<FaceBox>, VisionError> {
        Err(VisionError::Missing)
    }

    fn mask(&self, _copy: &Picture) -> Result<Mask, VisionError> {
        Err(VisionError::Missing)
    }

    fn enlarge(&self, _picture: &Picture, _factor: u32) -> Result<Picture, VisionError> {
        Err(VisionError::Missing)
    }
}
