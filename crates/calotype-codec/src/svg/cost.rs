//! What a drawing costs, before it is drawn: the renderer cannot be stopped.

use calotype_plan::Size;
use resvg::tiny_skia::Rect;
use resvg::usvg::{
    ClipPath, Fill, Group, Image, Mask, Node, Paint, Path, Pattern, Stroke, Transform, Tree,
    filter::{Filter, Kind},
};

use crate::CodecError;

/// Pixels that may be touched, counted with their price. Four billion are some ten seconds of one core.
const WORK_MAX: f64 = 4e9;
/// Nodes that may be drawn, each as often as it is.
const NODES_MAX: u64 = 2_000_000;
/// The renderer cuts layers to five times the canvas a side.
const LAYER_SIDES_MAX: f64 = 5.0;

/// Bytes that drawing `tree` on a canvas of `size` takes at most at one time, the canvas not counted.
///
/// # Errors
/// [`CodecError::Limit`] if it is too much work.
pub(super) fn memory(tree: &Tree, size: Size) -> Result<u64, CodecError> {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let mut cost = Cost { work: 0.0, nodes: 0 };
    let canvas = Space {
        transform: Transform::from_scale(
            size.width as f32 / tree.size().width(),
            size.height as f32 / tree.size().height(),
        ),
        sides_max: [LAYER_SIDES_MAX * width, LAYER_SIDES_MAX * height],
        pixels: width * height,
    };
    let bytes = cost.group(tree.root(), canvas)?;
    Ok(to_u64(bytes))
}

/// What is drawn on: the canvas, a layer or a tile of a pattern, as the renderer makes it.
#[derive(Clone, Copy)]
struct Space {
    /// From the coordinates at hand to its pixels.
    transform: Transform,
    /// The sides that a layer on it may have.
    sides_max: [f64; 2],
    pixels: f64,
}

impl Space {
    /// Pixels of a box in the coordinates at hand, as far as they are on it.
    fn covered(self, bbox: Rect) -> f64 {
        bbox.transform(self.transform).map_or(0.0, |bbox| {
            (f64::from(bbox.width()) * f64::from(bbox.height())).min(self.pixels)
        })
    }

    /// The layer of a group, in whose coordinates this is; `None` if the renderer draws nothing.
    ///
    /// Filters work on upright pixels: what is left of the transform behind its two scales, skew and rotation, comes
    /// after them. So a layer may be larger than all that is seen of it.
    fn layer(self, group: &Group) -> Option<(Self, [f64; 2])> {
        let mut layer = self;
        if !group.filters().is_empty() {
            let Transform { sx, kx, ky, sy, .. } = self.transform;
            let (across, down) = (sx.hypot(ky), kx.hypot(sy));
            let back = Transform::from_row(sx / across, ky / across, kx / down, sy / down, 0.0, 0.0).invert()?;
            let [width, height] = self.sides_max.map(|side| side as f32);
            let most = Rect::from_xywh(0.0, 0.0, width, height)?.transform(back)?;
            layer.sides_max = [most.width().into(), most.height().into()];
            layer.transform = back.pre_concat(self.transform);
        }
        let bbox = group.layer_bounding_box().transform(layer.transform)?;
        // Up to four pixels are added, and the edges are rounded.
        let sides = [
            f64::from(bbox.width()).min(layer.sides_max[0]) + 5.0,
            f64::from(bbox.height()).min(layer.sides_max[1]) + 5.0,
        ];
        layer.pixels = sides[0] * sides[1];
        Some((layer, sides))
    }
}

struct Cost {
    work: f64,
    nodes: u64,
}

impl Cost {
    fn charge(&mut self, work: f64) -> Result<(), CodecError> {
        // Not a number counts as too much.
        self.work += work.max(0.0);
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > NODES_MAX {
            return Err(CodecError::limit(
                "the number of elements that the SVG draws",
                self.nodes,
                NODES_MAX,
            ));
        }
        if self.work.is_nan() || self.work > WORK_MAX {
            return Err(CodecError::limit(
                "the work of drawing the SVG, in pixels,",
                to_u64(self.work),
                to_u64(WORK_MAX),
            ));
        }
        Ok(())
    }

    /// Charges a group; gives the bytes that its layers take at one time.
    fn group(&mut self, group: &Group, outside: Space) -> Result<f64, CodecError> {
        let mut space = Space {
            transform: outside.transform.pre_concat(group.transform()),
            ..outside
        };
        let (mut layer, mut sides) = (0.0, [0.0; 2]);
        if group.should_isolate() {
            match space.layer(group) {
                Some(found) => (space, sides) = found,
                None => return self.charge(30.0).map(|()| 0.0),
            }
            layer = space.pixels;
        }
        self.charge(30.0 + 2.0 * layer)?;
        let mut most: f64 = 0.0;
        for node in group.children() {
            let bytes = match node {
                Node::Group(group) => self.group(group, space)?,
                Node::Path(path) => self.path(path, space)?,
                Node::Image(image) => self.image(image, space)?,
                Node::Text(text) => self.group(text.flattened(), space)?,
            };
            most = most.max(bytes);
        }
        for filter in group.filters() {
            most = most.max(self.filter(filter, sides, space)?);
        }
        if let Some(clip) = group.clip_path() {
            most = most.max(self.clip(clip, layer, space)?);
        }
        if let Some(mask) = group.mask() {
            most = most.max(self.mask(mask, layer, space)?);
        }
        Ok(4.0 * layer + most)
    }

    fn path(&mut self, path: &Path, space: Space) -> Result<f64, CodecError> {
        let area = space.covered(path.stroke_bounding_box());
        let segments = path.data().len() as f64;
        let mut work = 0.0;
        let mut bytes: f64 = 0.0;
        for paint in [path.fill().map(Fill::paint), path.stroke().map(Stroke::paint)]
            .into_iter()
            .flatten()
        {
            work += area + 30.0 * segments;
            if let Paint::Pattern(pattern) = paint {
                bytes = bytes.max(self.pattern(pattern, space)?);
            }
        }
        if let Some(dashes) = path.stroke().and_then(|stroke| stroke.dasharray()) {
            let period: f64 = dashes.iter().map(|&dash| f64::from(dash)).sum();
            let reach = f64::from(path.bounding_box().width()).hypot(f64::from(path.bounding_box().height()));
            // The renderer gives up above a million dashes.
            work += 200.0 * (2.0 * segments * reach / period.max(1e-9)).min(1e6);
        }
        // Edges above and below the canvas are walked all the same.
        self.charge(30.0 + work)?;
        Ok(bytes + 64.0 * segments)
    }

    fn pattern(&mut self, pattern: &Pattern, space: Space) -> Result<f64, CodecError> {
        let (across, down) = space.transform.pre_concat(pattern.transform()).get_scale();
        let (width, height) = (f64::from(pattern.rect().width()), f64::from(pattern.rect().height()));
        let area = width * f64::from(across) * height * f64::from(down);
        self.charge(area)?;
        let tile = Space {
            transform: Transform::from_scale(across, down),
            pixels: area,
            ..space
        };
        Ok(4.0 * area + self.group(pattern.root(), tile)?)
    }

    fn image(&mut self, image: &Image, space: Space) -> Result<f64, CodecError> {
        let stored = f64::from(image.size().width()) * f64::from(image.size().height());
        let drawn = space.covered(image.bounding_box());
        self.charge(4.0 * stored + 4.0 * drawn)?;
        Ok(8.0 * stored)
    }

    fn clip(&mut self, clip: &ClipPath, layer: f64, space: Space) -> Result<f64, CodecError> {
        self.charge(3.0 * layer)?;
        let inside = Space {
            transform: space.transform.pre_concat(clip.transform()),
            ..space
        };
        let mut bytes = self.group(clip.root(), inside)?;
        if let Some(next) = clip.clip_path() {
            bytes = bytes.max(self.clip(next, layer, space)?);
        }
        // Children with a clip of their own are drawn on a canvas of their own.
        Ok(9.0 * layer + bytes)
    }

    fn mask(&mut self, mask: &Mask, layer: f64, space: Space) -> Result<f64, CodecError> {
        self.charge(4.0 * layer)?;
        let mut bytes = self.group(mask.root(), space)?;
        if let Some(next) = mask.mask() {
            bytes = bytes.max(self.mask(next, layer, space)?);
        }
        Ok(6.0 * layer + bytes)
    }

    /// Charges a filter on a layer with these sides.
    fn filter(&mut self, filter: &Filter, sides: [f64; 2], space: Space) -> Result<f64, CodecError> {
        let layer = space.pixels;
        let (across, down) = space.transform.get_scale();
        let side = |length: f32| (f64::from(length) * f64::from(across.max(down))).round().max(0.0);
        let mut bytes: f64 = 0.0;
        for primitive in filter.primitives() {
            let factor = match primitive.kind() {
                // Every pixel looks at every pixel of the window.
                Kind::Morphology(fe) => {
                    let window = (2.0 * side(fe.radius_x().get()) + 1.0) * (2.0 * side(fe.radius_y().get()) + 1.0);
                    window.min(layer) + 2.0
                }
                Kind::ConvolveMatrix(fe) => {
                    4.0 * f64::from(fe.matrix().columns()) * f64::from(fe.matrix().rows()) + 4.0
                }
                Kind::Turbulence(fe) => 60.0 * f64::from(fe.num_octaves()) + 4.0,
                Kind::DiffuseLighting(_) | Kind::SpecularLighting(_) => 60.0,
                Kind::GaussianBlur(_) | Kind::DropShadow(_) => 30.0,
                Kind::Merge(fe) => 6.0 * fe.inputs().len() as f64,
                Kind::Image(fe) => {
                    let inside = Space {
                        transform: Transform::from_scale(across, down),
                        sides_max: sides,
                        ..space
                    };
                    bytes = bytes.max(self.group(fe.root(), inside)?);
                    8.0
                }
                _ => 12.0,
            };
            self.charge(factor * layer)?;
        }
        // All results are kept to the end; a blur by recursion works in doubles.
        let kept = filter.primitives().len() as f64;
        Ok(4.0 * layer * (kept + 4.0) + 32.0 * layer.sqrt() + bytes)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is wanted"
)]
fn to_u64(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use calotype_plan::{Limits, Size};

    use crate::{Budget, CodecError, render_svg};

    fn draw(inside: &str, size: Size) -> Result<(), CodecError> {
        let text = format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100'>{inside}</svg>");
        let budget = Budget::new(64 << 20);
        let drawn = render_svg(text.as_bytes(), size, &Limits::default(), &budget, &mut |_| None);
        drawn.map(|_| ())
    }

    #[test]
    fn what_skew_hides_of_a_layer_is_counted() {
        let size = Size::new(100, 100);
        let filtered = |transform: &str| {
            let inside = format!(
                "<filter id='f' filterUnits='userSpaceOnUse' width='100' height='100'><feGaussianBlur \
                 stdDeviation='1'/></filter><g filter='url(#f)' transform='{transform}'><rect width='50' height='50'/></g>"
            );
            draw(&inside, size)
        };
        let tiled = |transform: &str| {
            let inside = format!(
                "<pattern id='p' patternUnits='userSpaceOnUse' width='50' height='50' patternTransform='{transform}'><rect \
                 width='5' height='5'/></pattern><rect width='90' height='90' fill='url(#p)'/>"
            );
            draw(&inside, size)
        };
        assert_eq!(filtered("skewX(30)"), Ok(()));
        assert_eq!(tiled("skewX(30)"), Ok(()));
        // Upright, the layer of the first is 57,296 times as high as it is seen, and the tile of the second as wide.
        for refused in [filtered("skewX(89.999) scale(1000)"), tiled("skewX(89.999)")] {
            assert!(matches!(refused, Err(CodecError::Limit { .. })), "{refused:?}");
        }
    }
}
