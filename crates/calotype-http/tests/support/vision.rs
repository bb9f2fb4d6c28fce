//! Models that answer what a test tells them to, and remember what they were shown.

use std::sync::Mutex;

use calotype_codec::{Budget, Layout, Picture};
use calotype_engine::{Mask, Vision, VisionError};
use calotype_plan::{FaceBox, Models, Size};

/// Plays the face detector, the segmenter and the enlarger.
#[derive(Debug, Default)]
pub struct FakeVision {
    /// Left, top, right and bottom of the box around all faces, in pixels of the copy.
    pub faces: Mutex<Option<[u32; 4]>>,
    /// Sizes of the copies that were searched for faces.
    pub searched: Mutex<Vec<Size>>,
    /// Sizes and factors of the enlargements.
    pub enlarged: Mutex<Vec<(Size, u32)>>,
}

impl Vision for FakeVision {
    fn models(&self) -> Models {
        Models {
            faces: true,
            segment: true,
            generate: true,
        }
    }

    fn faces(&self, copy: &Picture) -> Result<Option<FaceBox>, VisionError> {
        self.searched.lock().unwrap().push(copy.size());
        let edges = *self.faces.lock().unwrap();
        Ok(edges.map(|[left, top, right, bottom]| FaceBox {
            inference: copy.size(),
            left,
            top,
            right,
            bottom,
        }))
    }

    /// The right half is foreground.
    fn mask(&self, copy: &Picture) -> Result<Mask, VisionError> {
        let size = copy.size();
        let row = (0..size.width).map(|x| if x < size.width / 2 { 0.0 } else { 1.0 });
        let values = (0..size.height).flat_map(|_| row.clone()).collect();
        Ok(Mask { size, values })
    }

    /// Enlarges bilinearly and inverts blue, so that a result shows whether it went through here.
    fn enlarge(&self, picture: &Picture, factor: u32) -> Result<Picture, VisionError> {
        let (from, channels) = (picture.size(), picture.channels());
        self.enlarged.lock().unwrap().push((from, factor));
        let to = Size::new(from.width * factor, from.height * factor);
        // Between which two samples, and how far, in exact fractions of 2 * factor.
        let axis = |at: u32, length: u32| {
            let place = (2 * at + 1).saturating_sub(factor);
            let (low, share) = (place / (2 * factor), place % (2 * factor));
            (low.min(length - 1), (low + 1).min(length - 1), share)
        };
        let whole = 2 * factor;
        let sample = |x: u32, y: u32, c: usize| u32::from(picture.row(y)[x as usize * channels + c]);
        let mut data = Vec::with_capacity((to.width * to.height) as usize * channels);
        for y in 0..to.height {
            let (top, bottom, down) = axis(y, from.height);
            for x in 0..to.width {
                let (left, right, along) = axis(x, from.width);
                for c in 0..channels {
                    let row = |y| sample(left, y, c) * (whole - along) + sample(right, y, c) * along;
                    let sum = row(top) * (whole - down) + row(bottom) * down;
                    let value = u8::try_from((sum + whole * whole / 2) / (whole * whole)).unwrap();
                    data.push(if c == 2 { 255 - value } else { value });
                }
            }
        }
        let layout = if channels == 3 { Layout::Rgb } else { Layout::Rgba };
        let mut enlarged = Picture::new(to, layout, [0; 4], &Budget::unlimited())
            .map_err(|error| VisionError::Failed(error.to_string()))?;
        enlarged.data_mut().copy_from_slice(&data);
        Ok(enlarged)
    }
}
