//! What a drawing costs, before it is drawn: the renderer cannot be stopped.

use calotype_plan::Size;
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
const LAYER_MAX: f64 = 25.0;

/// Bytes that drawing `tree` on a canvas of `size` takes at most at one time, the canvas not counted.
///
/// # Errors
/// [`CodecError::Limit`] if it is too much work.
pub(super) fn memory(tree: &Tree, size: Size) -> Result<u64, CodecError> {
    let scale_x = f64::from(size.width) / f64::from(tree.size().width());
    let scale_y = f64::from(size.height) / f64::from(tree.size().height());
    let mut cost = Cost {
        canvas: size.area() as f64,
        work: 0.0,
        nodes: 0,
    };
    let scale = Scale {
        area: scale_x * scale_y,
        length: scale_x.max(scale_y),
    };
    let bytes = cost.group(tree.root(), scale)?;
    Ok(to_u64(bytes))
}

/// How many device pixels a unit of the coordinates at hand is.
#[derive(Clone, Copy)]
struct Scale {
    area: f64,
    length: f64,
}

impl Scale {
    /// Inside something that is drawn under a transform of its own.
    fn under(self, transform: Transform) -> Self {
        let [sx, kx, ky, sy] = [transform.sx, transform.kx, transform.ky, transform.sy].map(f64::from);
        Self {
            area: self.area * (sx * sy - kx * ky).abs(),
            length: self.length * sx.hypot(ky).max(kx.hypot(sy)),
        }
    }
}

struct Cost {
    canvas: f64,
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
    fn group(&mut self, group: &Group, scale: Scale) -> Result<f64, CodecError> {
        let layer = if group.should_isolate() {
            let bbox = group.abs_layer_bounding_box();
            self.layer(f64::from(bbox.width()), f64::from(bbox.height()), scale)
        } else {
            0.0
        };
        self.charge(30.0 + 2.0 * layer)?;
        let mut most: f64 = 0.0;
        for node in group.children() {
            let bytes = match node {
                Node::Group(group) => self.group(group, scale)?,
                Node::Path(path) => self.path(path, scale)?,
                Node::Image(image) => self.image(image, scale)?,
                Node::Text(text) => self.group(text.flattened(), scale)?,
            };
            most = most.max(bytes);
        }
        let inner = scale.under(group.abs_transform());
        for filter in group.filters() {
            most = most.max(self.filter(filter, layer, inner)?);
        }
        if let Some(clip) = group.clip_path() {
            most = most.max(self.clip(clip, layer, inner)?);
        }
        if let Some(mask) = group.mask() {
            most = most.max(self.mask(mask, layer, inner)?);
        }
        Ok(4.0 * layer + most)
    }

    fn path(&mut self, path: &Path, scale: Scale) -> Result<f64, CodecError> {
        let bbox = path.abs_stroke_bounding_box();
        let area = (f64::from(bbox.width()) * f64::from(bbox.height()) * scale.area).min(self.canvas);
        let segments = path.data().len() as f64;
        let mut work = 0.0;
        let mut bytes: f64 = 0.0;
        for paint in [path.fill().map(Fill::paint), path.stroke().map(Stroke::paint)]
            .into_iter()
            .flatten()
        {
            work += area + 30.0 * segments;
            if let Paint::Pattern(pattern) = paint {
                bytes = bytes.max(self.pattern(pattern, scale.under(path.abs_transform()))?);
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

    fn pattern(&mut self, pattern: &Pattern, scale: Scale) -> Result<f64, CodecError> {
        let scale = scale.under(pattern.transform());
        let (width, height) = (f64::from(pattern.rect().width()), f64::from(pattern.rect().height()));
        let area = width * height * scale.area;
        self.charge(area)?;
        Ok(4.0 * area + self.group(pattern.root(), scale)?)
    }

    fn image(&mut self, image: &Image, scale: Scale) -> Result<f64, CodecError> {
        let stored = f64::from(image.size().width()) * f64::from(image.size().height());
        let bbox = image.abs_bounding_box();
        let drawn = (f64::from(bbox.width()) * f64::from(bbox.height()) * scale.area).min(self.canvas);
        self.charge(4.0 * stored + 4.0 * drawn)?;
        Ok(8.0 * stored)
    }

    fn clip(&mut self, clip: &ClipPath, layer: f64, scale: Scale) -> Result<f64, CodecError> {
        self.charge(3.0 * layer)?;
        let mut bytes = self.group(clip.root(), scale.under(clip.transform()))?;
        if let Some(next) = clip.clip_path() {
            bytes = bytes.max(self.clip(next, layer, scale)?);
        }
        // Children with a clip of their own are drawn on a canvas of their own.
        Ok(9.0 * layer + bytes)
    }

    fn mask(&mut self, mask: &Mask, layer: f64, scale: Scale) -> Result<f64, CodecError> {
        self.charge(4.0 * layer)?;
        let mut bytes = self.group(mask.root(), scale)?;
        if let Some(next) = mask.mask() {
            bytes = bytes.max(self.mask(next, layer, scale)?);
        }
        Ok(6.0 * layer + bytes)
    }

    fn filter(&mut self, filter: &Filter, layer: f64, scale: Scale) -> Result<f64, CodecError> {
        let side = |length: f32| (f64::from(length) * scale.length).round().max(0.0);
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
                    bytes = bytes.max(self.group(fe.root(), scale)?);
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

    /// Pixels of a layer around a box.
    fn layer(&self, width: f64, height: f64, scale: Scale) -> f64 {
        let area = width * height * scale.area;
        // Four pixels are added around.
        let edges = 4.0 * (width + height) * scale.length + 16.0;
        (area + edges).min(LAYER_MAX * self.canvas + edges.min(self.canvas))
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
