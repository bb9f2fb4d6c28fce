//! From bytes to a frame: header, limits, the scale of the decode, pixels.

use calotype_codec::{Budget, DecodeRequest, Header, SourceMetadata, decode, probe};
use calotype_plan::{Fault, FaultKind, Limits, Models, Op, Rect, Size};

use crate::error::fault;
use crate::frame::Frame;
use crate::orient::Turn;

/// Pixels that must be left per output pixel after a scaled decode. At 2 the result is as good as from a full decode to the eye; at less it is
/// visibly soft (measured).
const RESIDUAL_RATIO: u64 = 2;

/// Reads the header of a source or an overlay and checks its size against the limits (spec 9.1).
pub(crate) fn open(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    if bytes.len() as u64 > limits.source_bytes_max {
        return Err(Fault::new(
            FaultKind::SourceTooLarge,
            format!(
                "The file is too large: {} bytes, but at most {} are allowed",
                bytes.len(),
                limits.source_bytes_max
            ),
        ));
    }
    let header = probe(bytes, limits).map_err(fault)?;
    limits.check_source(header.size)?;
    Ok(header)
}

/// A decoded source.
pub(crate) struct Source {
    pub(crate) frame: Frame,
    pub(crate) metadata: SourceMetadata,
}

/// Decodes what `open` has looked at, no larger than `ops` need it.
pub(crate) fn load(
    bytes: &[u8],
    header: &Header,
    needs: &Needs<'_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<Source, Fault> {
    let turn = Turn::from(header.orientation);
    let request = DecodeRequest {
        scale: needs.scale(header.size, turn),
    };
    let decoded = decode(bytes, header, &request, limits, budget).map_err(fault)?;
    let frame = Frame::decoded(decoded.picture, header.size, decoded.scale, turn, decoded.color);
    Ok(Source {
        frame,
        metadata: decoded.metadata,
    })
}

/// What will be done with the pixels, as far as it tells how many of them are needed.
pub(crate) struct Needs<'a> {
    pub(crate) ops: &'a [Op],
    /// The picture below, for an overlay.
    pub(crate) base: Option<Size>,
    pub(crate) models: Models,
}

impl Needs<'_> {
    /// The denominator of the decode: the largest of 8, 4, 2 that leaves [`RESIDUAL_RATIO`] stored pixels per output pixel, as long as nothing but
    /// geometry comes before the first resize; else 1. A cut that is not on the grid of the scaled pixels needs all of them: one that lies on both
    /// sides of its edge would bring back what was trimmed away, as a dark line where a black frame was.
    fn scale(&self, stored: Size, turn: Turn) -> u8 {
        let Some(first) = self.first_resize(stored, turn) else {
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

    /// The first resize, if what comes before it is known without pixels.
    fn first_resize(&self, stored: Size, mut turn: Turn) -> Option<FirstResize> {
        let mut cut = Rect::of(stored);
        for op in self.ops {
            let before = turn.apply(cut.size());
            match op {
                Op::Trim(trim) => {
                    // An empty box is an error that the pipeline reports.
                    let inner = turn.undo(trim.cut(before).ok()?, cut.size());
                    let (left, top) = (cut.left + inner.left, cut.top + inner.top);
                    cut = Rect::new(left, top, inner.width, inner.height);
                }
                Op::Flip(flip) => turn = turn.then(Turn::from(*flip)),
                Op::Rotate(rotate) => turn = turn.then(Turn::from(*rotate)),
                Op::FaceCrop(_) if !self.models.faces => {}
                Op::Resize(resize) => {
                    let scaled = resize.fit(before, self.base).scaled;
                    return Some(FirstResize { cut, before, scaled });
                }
                _ => return None,
            }
        }
        None
    }
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

#[cfg(test)]
mod tests {
    use calotype_plan::{ColorTrim, Edge, Fit, Flip, Gravity, Length, Resize, Rotate, TrimBox, Upscale};

    use super::*;

    fn scale(ops: &[Op], size: Size) -> u8 {
        Needs {
            ops,
            base: None,
            models: Models::default(),
        }
        .scale(size, Turn::default())
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
