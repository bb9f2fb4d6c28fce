//! Removing the background (spec section 7).

use calotype_codec::{Budget, Picture};
use calotype_plan::{Fault, FaultKind, Size, inference_size, segment_model_missing};

use crate::error::{fault, internal};
use crate::frame::Frame;
use crate::resample::resample_plane;
use crate::resize::opaque_copy;
use crate::vision::{Mask, Vision, VisionError};

/// A mask of 8 bits, 255 is foreground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrayMask {
    pub(crate) size: Size,
    pub(crate) values: Vec<u8>,
}

/// Multiplies the alpha of the frame by the foreground mask; the colours stay. Gives the mask at the size of the inference copy.
pub(crate) fn apply(frame: &mut Frame<'_>, vision: &dyn Vision, budget: &Budget) -> Result<GrayMask, Fault> {
    if !vision.models().segment {
        return Err(segment_model_missing());
    }
    let copy = frame.copy(inference_size(frame.size()), budget)?;
    let copy = if copy.channels() == 3 {
        copy
    } else {
        opaque_copy(&copy, budget)?
    };
    let mask = vision.mask(&copy).map_err(|error| match error {
        VisionError::Missing => segment_model_missing(),
        VisionError::Unavailable(detail) => {
            Fault::new(FaultKind::Busy, "Background removal is too busy; try again later").with_detail(detail)
        }
        VisionError::Failed(detail) => internal(format!("segmentation: {detail}")),
    })?;
    let mask = resized(&stretched(mask)?, copy.size(), budget)?;
    drop(copy);
    let large = resized(&mask, frame.size(), budget)?;
    frame.map(budget, |picture| multiply(picture, &large, budget))?;
    Ok(mask)
}

/// Stretches the values to 0..=255 by their minimum and maximum. A constant mask, or one with a value that is no number, is all background.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn stretched(mask: Mask) -> Result<GrayMask, Fault> {
    if mask.size.is_empty() || mask.values.len() as u64 != mask.size.area() {
        return Err(internal(format!(
            "segmentation: {} values for a mask of {}",
            mask.values.len(),
            mask.size
        )));
    }
    let least = mask.values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = mask.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = most - least;
    let is_usable = range.is_finite() && range > 0.0 && mask.values.iter().all(|v| v.is_finite());
    // The cast saturates, and the value lies in 0..=255.
    let value = |v: f32| {
        if is_usable {
            ((v - least) / range * 255.0).round() as u8
        } else {
            0
        }
    };
    Ok(GrayMask {
        size: mask.size,
        values: mask.values.into_iter().map(value).collect(),
    })
}

/// The mask at another size, by Catmull-Rom.
fn resized(mask: &GrayMask, size: Size, budget: &Budget) -> Result<GrayMask, Fault> {
    if mask.size == size {
        return Ok(mask.clone());
    }
    let _held = budget.reserve(size.area()).map_err(fault)?;
    let values = resample_plane(&mask.values, mask.size, size, budget)?;
    Ok(GrayMask { size, values })
}

/// New alpha = old alpha * mask / 255, rounded to nearest.
fn multiply(picture: Picture, mask: &GrayMask, budget: &Budget) -> Result<Picture, Fault> {
    let mut picture = picture.into_rgba(budget).map_err(fault)?;
    for ([_, _, _, alpha], mask) in picture.data_mut().as_chunks_mut::<4>().0.iter_mut().zip(&mask.values) {
        let product = u32::from(*alpha) * u32::from(*mask);
        *alpha = u8::try_from((product + 127) / 255).unwrap_or(u8::MAX);
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;

    use super::*;

    fn values(values: &[f32]) -> Vec<u8> {
        let size = Size::new(u32::try_from(values.len()).unwrap(), 1);
        stretched(Mask {
            size,
            values: values.to_vec(),
        })
        .unwrap()
        .values
    }

    #[test]
    fn masks_are_stretched_to_their_whole_range() {
        assert_eq!(values(&[0.25, 0.75, 0.5]), [0, 255, 128]);
        assert_eq!(values(&[-3.0, 1.0]), [0, 255]);
    }

    #[test]
    fn a_mask_that_says_nothing_is_all_background() {
        assert_eq!(values(&[0.7, 0.7]), [0, 0]);
        assert_eq!(values(&[0.1, f32::NAN]), [0, 0]);
        assert_eq!(values(&[0.1, f32::INFINITY]), [0, 0]);
        assert!(
            stretched(Mask {
                size: Size::new(3, 1),
                values: vec![0.0]
            })
            .is_err()
        );
    }

    #[test]
    fn alpha_is_multiplied_and_colours_stay() {
        let picture = Picture::from_raw(
            Size::new(3, 1),
            Layout::Rgba,
            vec![1, 2, 3, 255, 4, 5, 6, 128, 7, 8, 9, 50],
        )
        .unwrap();
        let mask = GrayMask {
            size: Size::new(3, 1),
            values: vec![100, 128, 0],
        };
        let out = multiply(picture, &mask, &Budget::unlimited()).unwrap();
        // 128 * 128 / 255 = 64.25
        assert_eq!(out.data(), [1, 2, 3, 100, 4, 5, 6, 64, 7, 8, 9, 0]);
    }
}
