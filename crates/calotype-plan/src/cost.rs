//! What a plan will take before it runs: for admission, for the scale of decoding, and for people who ask.

use crate::op::{Op, Plan};
use crate::{Fault, Findings, Layout, Limits, Orientation, Size};

/// An estimate, on the high side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The source can be decoded at 1/1, 1/2, 1/4 or 1/8, if its decoder knows how.
    pub decode_scale: u8,
    /// Bytes of the decoded source at that scale.
    pub decoded_bytes: u64,
    /// Pixels of the result.
    pub output_px: u64,
    /// Bytes of memory that pixels take at the worst moment.
    pub memory_peak_bytes: u64,
}

/// What of the source file the estimate needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFacts {
    /// Size as stored.
    pub stored: Size,
    /// Orientation of the stored pixels.
    pub orientation: Orientation,
    /// The format can be decoded at a fraction of its size (JPEG).
    pub scalable: bool,
    /// All coefficients are held while decoding, 3 bytes a pixel whatever the scale (progressive JPEG).
    pub holds_coefficients: bool,
}

/// Bytes of a decoded pixel: RGBA, the dearer of the two layouts.
const PIXEL_BYTES: u64 = 4;

impl Plan {
    /// The estimate for a source. Faces, frames and salient windows are taken as not found, which costs most. Errors as [`Layout::compute`].
    pub fn cost(&self, source: SourceFacts, limits: &Limits) -> Result<Cost, Fault> {
        let findings = Findings {
            models: crate::Models {
                faces: true,
                segment: true,
                generate: true,
            },
            ..Findings::default()
        };
        let layout = Layout::compute(self, source.stored, source.orientation, &findings, limits)?;
        let decode_scale = if source.scalable {
            self.decode_scale(source.orientation.apply(source.stored))
        } else {
            1
        };
        let side = |px: u32| u64::from(px.div_ceil(u32::from(decode_scale)));
        let decoded_bytes = side(source.stored.width) * side(source.stored.height) * PIXEL_BYTES;
        let coefficients = if source.holds_coefficients {
            source.stored.area() * 3
        } else {
            0
        };
        // A step holds what it reads and what it writes.
        let widest = layout.steps.iter().map(|step| step.after.area()).max().unwrap_or(0) * PIXEL_BYTES;
        let working = decoded_bytes.max(widest) + widest;
        Ok(Cost {
            decode_scale,
            decoded_bytes,
            output_px: layout.output.area(),
            memory_peak_bytes: coefficients.max(widest) + working,
        })
    }

    /// The largest of 1, 2, 4, 8 by which the source may be decoded smaller so that the first resize still has at least a factor of 2 left to do.
    ///
    /// Scaled decoding costs sharpness when the rest is smaller than that (measured: 2.6 SSIMULACRA2 points at a rest of 1.26). Only plans whose
    /// operations before the resize are pure geometry qualify, and no other operation may look at full-size pixels.
    #[must_use]
    pub fn decode_scale(&self, upright: Size) -> u8 {
        let mut size = upright;
        for op in &self.ops {
            match op {
                Op::Trim(trim) => match trim.cut(size) {
                    Ok(cut) => size = cut.size(),
                    Err(_) => return 1,
                },
                Op::Flip(_) => {}
                Op::Rotate(rotate) if rotate.swaps_axes() => size = size.swapped(),
                Op::Rotate(_) => {}
                Op::Resize(resize) => {
                    let fitted = resize.fit(size, None);
                    return [8_u8, 4, 2]
                        .into_iter()
                        .find(|&scale| {
                            let needed = |scaled: u32| u64::from(scaled) * u64::from(scale) * 2;
                            needed(fitted.scaled.width) <= u64::from(size.width)
                                && needed(fitted.scaled.height) <= u64::from(size.height)
                        })
                        .unwrap_or(1);
                }
                _ => return 1,
            }
        }
        1
    }
}
