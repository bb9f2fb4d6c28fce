//! From bytes to a frame: header, limits, the scale of the decode, pixels.

use calotype_codec::{Budget, DecodeRequest, Header, SourceMetadata, decode, probe};
use calotype_plan::{Fault, FaultKind, Limits, Models, Op, Size};

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
    let request = DecodeRequest {
        scale: needs.scale(header.upright_size()),
    };
    let decoded = decode(bytes, header, &request, limits, budget).map_err(fault)?;
    let turn = Turn::from(header.orientation);
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
    /// geometry comes before the first resize; else 1.
    fn scale(&self, upright: Size) -> u8 {
        let Some((before, scaled)) = self.first_resize(upright) else {
            return 1;
        };
        let is_enough = |scale: u8| {
            let least = u64::from(scale) * RESIDUAL_RATIO;
            // The scaled size is rounded: half a pixel of it may be missing.
            let holds = |before: u32, scaled: u32| 2 * u64::from(before) + least >= 2 * least * u64::from(scaled);
            holds(before.width, scaled.width) && holds(before.height, scaled.height)
        };
        [8, 4, 2].into_iter().find(|&scale| is_enough(scale)).unwrap_or(1)
    }

    /// The sizes before and after the first resize, if they are known without pixels.
    fn first_resize(&self, upright: Size) -> Option<(Size, Size)> {
        let mut size = upright;
        for op in self.ops {
            match op {
                // An empty box is an error that the pipeline reports.
                Op::Trim(trim) => size = trim.cut(size).ok()?.size(),
                Op::Flip(_) => {}
                Op::Rotate(rotate) if rotate.swaps_axes() => size = size.swapped(),
                Op::Rotate(_) => {}
                Op::FaceCrop(_) if !self.models.faces => {}
                Op::Resize(resize) => return Some((size, resize.fit(size, self.base).scaled)),
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use calotype_plan::{ColorTrim, Edge, Fit, Gravity, Length, Resize, Rotate, TrimBox, Upscale};

    use super::*;

    fn scale(ops: &[Op], size: Size) -> u8 {
        Needs {
            ops,
            base: None,
            models: Models::default(),
        }
        .scale(size)
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
