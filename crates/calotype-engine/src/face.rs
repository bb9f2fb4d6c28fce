//! Asking where the faces are (spec 5.7). Faces are found, never told apart.

use calotype_codec::Budget;
use calotype_plan::{FaceBox, Fault, Warning, inference_size};

use crate::error::internal;
use crate::frame::Frame;
use crate::resize::opaque_copy;
use crate::vision::{Vision, VisionError};

/// The box around all faces, in pixels of the inference copy. Without a model, or when it does not answer in time, there is a remark and the centre is
/// used.
pub(crate) fn find(
    frame: &mut Frame<'_>,
    vision: &dyn Vision,
    budget: &Budget,
    warnings: &mut Vec<Warning>,
) -> Result<Option<FaceBox>, Fault> {
    if !vision.models().faces {
        warn(warnings);
        return Ok(None);
    }
    let copy = frame.copy(inference_size(frame.size()), budget)?;
    let copy = if copy.channels() == 3 {
        copy
    } else {
        opaque_copy(&copy, budget)?
    };
    match vision.faces(&copy) {
        // The copy is ours, so its size is what the box is measured in, whatever the model says.
        Ok(found) => Ok(found.map(|found| FaceBox {
            inference: copy.size(),
            ..found
        })),
        Err(VisionError::Missing | VisionError::Unavailable(_)) => {
            warn(warnings);
            Ok(None)
        }
        Err(VisionError::Failed(detail)) => Err(internal(format!("face detection: {detail}"))),
    }
}

fn warn(warnings: &mut Vec<Warning>) {
    if !warnings.contains(&Warning::FacesNotAvailable) {
        warnings.push(Warning::FacesNotAvailable);
    }
}
