//! What a plan will take before it runs: for admission, for the scale of decoding, and for people who ask.

use crate::op::{Op, Plan, Text};
use crate::{Fault, Findings, Layout, Light, Limits, Models, Orientation, Rect, Size, Turn};

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

/// The longest side of a rendered text (spec 8.3).
const TEXT_SIDE_PX_MAX: u64 = 4096;

impl Text {
    /// A size that the rendered text is hardly larger than, known before its font is: every character two ems wide, every line two ems high.
    #[must_use]
    pub fn size_estimate(&self) -> Size {
        let ems = |count: usize| {
            let px = (count as u64)
                .saturating_mul(2)
                .saturating_mul(self.size.to_f64().ceil() as u64);
            u32::try_from(px.clamp(1, TEXT_SIDE_PX_MAX)).unwrap_or(1)
        };
        let longest = self.text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        Size::new(
            ems(longest),
            ems(self.text.chars().filter(|c| c.is_control()).count() + 1),
        )
    }
}

/// Bytes of a decoded pixel: RGBA, the dearer of the two layouts.
const PIXEL_BYTES: u64 = 4;

impl Plan {
    /// The estimate for a source. Faces, frames and salient windows are taken as not found, which costs most. Errors as [`Layout::compute`].
    pub fn cost(&self, source: SourceFacts, limits: &Limits) -> Result<Cost, Fault> {
        let findings = Findings {
            models: Models {
                faces: true,
                segment: true,
                generate: true,
            },
            ..Findings::default()
        };
        let layout = Layout::compute(self, source.stored, source.orientation, &findings, limits)?;
        let decode_scale = if source.scalable && limits.light == Light::Encoded {
            decode_scale(
                &self.ops,
                source.stored,
                Turn::from(source.orientation),
                None,
                findings.models,
            )
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
}

/// Pixels that must be left per output pixel after a scaled decode. At 2 the result is as good as from a full decode to the eye; at less it is visibly
/// soft (measured: 2.6 SSIMULACRA2 points at 1.26).
const RESIDUAL_RATIO: u64 = 2;

/// The denominator at which a source may be decoded smaller: the largest of 8, 4, 2 that leaves two stored pixels per output pixel, as long as nothing but
/// geometry comes before the first resize; else 1.
///
/// A cut that is not on the grid of the scaled pixels needs all of them: one that lies on both sides of its edge would bring back what was trimmed away, as a
/// dark line where a black frame was. `base` is the picture below, for an overlay.
#[must_use]
pub fn decode_scale(ops: &[Op], stored: Size, turn: Turn, base: Option<Size>, models: Models) -> u8 {
    let Some(first) = first_resize(ops, stored, turn, base, models) else {
        return 1;
    };
    let is_enough = |scale: u8| {
        let least = u64::from(scale) * RESIDUAL_RATIO;
        // The scaled size is rounded: half a pixel of it may be missing.
        let holds = |before: u32, scaled: u32| 2 * u64::from(before) + least >= 2 * least * u64::from(scaled);
        holds(first.before.width, first.scaled.width) && holds(first.before.height, first.scaled.height)
    };
    let is_on_grid = |scale: u8| {
        let scale = u32::from(scale);
        let holds = |start: u32, length: u32, side: u32| {
            let end = start + length;
            start.is_multiple_of(scale) && (end.is_multiple_of(scale) || end == side)
        };
        let cut = first.cut;
        holds(cut.left, cut.width, stored.width) && holds(cut.top, cut.height, stored.height)
    };
    [8, 4, 2]
        .into_iter()
        .find(|&scale| is_enough(scale) && is_on_grid(scale))
        .unwrap_or(1)
}

/// What the first resize does.
struct FirstResize {
    /// What is left of the stored pixels, in their own coordinates.
    cut: Rect,
    /// The size before, upright.
    before: Size,
    /// The size after, before a cut to the box.
    scaled: Size,
}

/// The first resize, if what comes before it is known without pixels.
fn first_resize(ops: &[Op], stored: Size, mut turn: Turn, base: Option<Size>, models: Models) -> Option<FirstResize> {
    let mut cut = Rect::of(stored);
    for op in ops {
        let before = turn.apply(cut.size());
        match op {
            Op::Trim(trim) => {
                // An empty box is an error that others report.
                let inner = turn.undo(trim.cut(before).ok()?, cut.size());
                cut = Rect::new(cut.left + inner.left, cut.top + inner.top, inner.width, inner.height);
            }
            Op::Flip(flip) => turn = turn.then(Turn::from(*flip)),
            Op::Rotate(rotate) => turn = turn.then(Turn::from(*rotate)),
            Op::FaceCrop(_) if !models.faces => {}
            Op::Resize(resize) => {
                return Some(FirstResize {
                    cut,
                    before,
                    scaled: resize.fit(before, base).scaled,
                });
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::{ColorTrim, Edge, Fit, Flip, Gravity, Length, Resize, Rotate, TrimBox, Upscale};

    use super::*;

    fn scale(ops: &[Op], size: Size) -> u8 {
        decode_scale(ops, size, Turn::default(), None, Models::default())
    }

    fn width(width: u32) -> Op {
        Op::Resize(Resize {
            width: Some(Length::Px(width)),
            height: None,
            fit: Fit::ScaleDown,
            gravity: Gravity::CENTER,
            upscale: Upscale::Interpolate,
        })
    }

    #[test]
    fn a_scaled_decode_leaves_two_pixels_for_one() {
        let size = Size::new(4000, 3000);
        for (target, want) in [
            (4000, 1),
            (1002, 1),
            (1000, 2),
            (502, 2),
            (500, 4),
            (252, 4),
            (250, 8),
            (10, 8),
        ] {
            assert_eq!(scale(&[width(target)], size), want, "{target}");
        }
    }

    #[test]
    fn only_plain_geometry_may_come_before() {
        let size = Size::new(4000, 3000);
        let trim = Op::Trim(TrimBox {
            width: Some(Edge::Px(2000)),
            ..TrimBox::default()
        });
        assert_eq!(scale(&[trim, width(500)], size), 2);
        let from = |left: u32| {
            Op::Trim(TrimBox {
                left: Some(Edge::Px(left)),
                width: Some(Edge::Px(2000)),
                ..TrimBox::default()
            })
        };
        // On the grid of the scaled pixels, or not; the mirror image of 101..2101 is 1899..3899.
        for (left, want) in [(8, 8), (4, 4), (6, 2), (7, 1)] {
            assert_eq!(scale(&[from(left), width(100)], size), want, "{left}");
        }
        assert_eq!(scale(&[Op::Flip(Flip::Horizontal), from(104), width(100)], size), 8);
        assert_eq!(scale(&[Op::Flip(Flip::Horizontal), from(101), width(100)], size), 1);
        assert_eq!(scale(&[Op::Rotate(Rotate::Deg90), width(375)], size), 4);
        let color = Op::TrimColor(ColorTrim {
            color: None,
            tolerance: 10,
            keep: 0,
        });
        assert_eq!(scale(&[color, width(100)], size), 1);
        assert_eq!(scale(&[], size), 1);
    }
}
