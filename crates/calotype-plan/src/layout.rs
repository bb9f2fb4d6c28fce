//! The integer geometry of each operation, and the fold of all of them over a plan.
//!
//! Each operation has one pure function here. The engine calls them as it goes; [`Layout::compute`] folds them over a whole plan without pixels, for
//! `explain`, the playground, the cost and the tests. What only pixels can tell enters as [`Findings`].

use crate::op::{
    BorderWidths, ColorTrim, Draw, FaceCrop, Fit, Gravity, GravityMode, Length, Op, Plan, Resize, TrimBox, Upscale,
    empty_size,
};
use crate::{
    Decimal, Edge, Fault, FaultKind, ImageFormat, Limits, Orientation, Rect, Rotate, Size, Warning, rdiv, rhu,
};

/// The longest side of the copy that face detection and segmentation look at (spec 5.7).
const INFERENCE_SIDE_PX: u32 = 1024;

/// The size of the copy that the models look at: no side above 1024, sides truncated, at least 1 (spec 5.7, table D).
#[must_use]
pub fn inference_size(size: Size) -> Size {
    let longest = size.longest();
    if longest <= INFERENCE_SIDE_PX {
        return size;
    }
    let side = |px: u32| {
        let scaled = u64::from(px) * u64::from(INFERENCE_SIDE_PX) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(INFERENCE_SIDE_PX).max(1)
    };
    Size::new(side(size.width), side(size.height))
}

impl TrimBox {
    /// The box that is kept of a picture of `size` (spec 5.3). Nothing left: 9413.
    pub fn cut(&self, size: Size) -> Result<Rect, Fault> {
        let (left, right) = keep(self.left, self.right, self.width, size.width);
        let (top, bottom) = keep(self.top, self.bottom, self.height, size.height);
        if right <= left || bottom <= top {
            return Err(empty_size());
        }
        Ok(Rect::new(left, top, right - left, bottom - top))
    }
}

/// First and last-plus-one pixel kept on one axis: the rules "per axis" of spec 5.3.
fn keep(start: Option<Edge>, end: Option<Edge>, keep: Option<Edge>, dimension: u32) -> (u32, u32) {
    let px = |edge: Option<Edge>| edge.map_or(0, |edge| edge.of(dimension));
    match keep {
        None => (px(start), dimension.saturating_sub(px(end))),
        Some(keep) if start.is_none() && end.is_some() => {
            let last = dimension.saturating_sub(px(end));
            (last.saturating_sub(keep.of(dimension)), last)
        }
        Some(keep) => (px(start), px(start).saturating_add(keep.of(dimension)).min(dimension)),
    }
}

impl ColorTrim {
    /// The box that is kept, given the bounding box of the pixels that are not frame; `None` found keeps the picture whole.
    #[must_use]
    pub fn cut(&self, found: Option<Rect>, size: Size) -> Rect {
        let Some(found) = found else { return Rect::of(size) };
        let left = found.left.saturating_sub(self.keep);
        let top = found.top.saturating_sub(self.keep);
        let right = found
            .left
            .saturating_add(found.width)
            .saturating_add(self.keep)
            .min(size.width);
        let bottom = found
            .top
            .saturating_add(found.height)
            .saturating_add(self.keep)
            .min(size.height);
        Rect::new(left, top, right.saturating_sub(left), bottom.saturating_sub(top))
    }
}

/// The box around all faces found, in pixels of the inference copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaceBox {
    /// Size of the copy that was looked at.
    pub inference: Size,
    /// Smallest x.
    pub left: u32,
    /// Smallest y.
    pub top: u32,
    /// Largest x, exclusive.
    pub right: u32,
    /// Largest y, exclusive.
    pub bottom: u32,
}

/// A point of the current picture in pixels, as exact fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Focal {
    x: Fraction,
    y: Fraction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    fn is_less_than(self, other: Self) -> bool {
        self.numerator * other.denominator < other.numerator * self.denominator
    }

    fn min(self, px: u32) -> Self {
        let bound = Self {
            numerator: i128::from(px),
            denominator: 1,
        };
        if bound.is_less_than(self) { bound } else { self }
    }

    fn times(self, numerator: u32, denominator: u32) -> Self {
        Self {
            numerator: self.numerator * i128::from(numerator),
            denominator: self.denominator * i128::from(denominator),
        }
    }

    fn round(self, max: u32) -> u32 {
        u32::try_from(rhu(self.numerator, self.denominator))
            .unwrap_or(max)
            .clamp(1, max)
    }

    /// Start of a span of `length` centred on this point and pushed inside `0..dimension`: `clamp(floor(x - length/2 + 1/2), 0, dimension - length)`.
    fn centred(self, length: u32, dimension: u32) -> u32 {
        let numerator = 2 * self.numerator + (1 - i128::from(length)) * self.denominator;
        let start = numerator.div_euclid(2 * self.denominator);
        let last = i128::from(dimension.saturating_sub(length));
        u32::try_from(start.clamp(0, last)).unwrap_or(0)
    }
}

/// What face detection means for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceRegion {
    /// The box to cut to, if zoom asks for a cut.
    pub cut: Option<Rect>,
    /// The middle of the faces, in pixels of the picture after the cut; `None` without faces.
    pub focal: Option<Focal>,
}

impl FaceCrop {
    /// The crop area and focal point of a picture of `size` whose faces lie in `faces` (spec 5.7, steps 2 to 7).
    #[must_use]
    pub fn region(&self, size: Size, faces: Option<FaceBox>) -> FaceRegion {
        let none = FaceRegion { cut: None, focal: None };
        let Some(found) = faces else { return none };
        let inference = found.inference;
        let (right, bottom) = (found.right.min(inference.width), found.bottom.min(inference.height));
        if inference.is_empty() || size.is_empty() || right <= found.left || bottom <= found.top {
            return none;
        }
        // The middle in source pixels: (x0 + x1) / 2 * w / iw.
        let middle = |from: u32, to: u32, dimension: u32, inferred: u32| Fraction {
            numerator: (i128::from(from) + i128::from(to)) * i128::from(dimension),
            denominator: 2 * i128::from(inferred),
        };
        let focal = Focal {
            x: middle(found.left, right, size.width, inference.width),
            y: middle(found.top, bottom, size.height, inference.height),
        };
        if self.zoom == Decimal::ZERO {
            return FaceRegion {
                cut: None,
                focal: Some(focal),
            };
        }
        // min(b / zoom, i) * d / i, in source pixels.
        let area = |span: u32, dimension: u32, inferred: u32| {
            let grown = Fraction {
                numerator: i128::from(span) * Decimal::ONE.units(),
                denominator: self.zoom.units(),
            };
            grown.min(inferred).times(dimension, inferred)
        };
        let mut width = area(right - found.left, size.width, inference.width);
        let mut height = area(bottom - found.top, size.height, inference.height);
        if let Some(ratio) = self.ratio {
            let wanted_width = height.times(ratio.width, ratio.height);
            if width.is_less_than(wanted_width) {
                width = wanted_width.min(size.width);
            } else {
                let wanted_height = width.times(ratio.height, ratio.width);
                if height.is_less_than(wanted_height) {
                    height = wanted_height.min(size.height);
                }
            }
        }
        let (width, height) = (width.round(size.width), height.round(size.height));
        let cut = Rect::new(
            focal.x.centred(width, size.width),
            focal.y.centred(height, size.height),
            width,
            height,
        );
        let shifted = |point: Fraction, by: u32| Fraction {
            numerator: point.numerator - i128::from(by) * point.denominator,
            denominator: point.denominator,
        };
        let focal = Focal {
            x: shifted(focal.x, cut.left),
            y: shifted(focal.y, cut.top),
        };
        FaceRegion {
            cut: (cut != Rect::of(size)).then_some(cut),
            focal: Some(focal),
        }
    }
}

/// What a resize does to a picture of known size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitted {
    /// The picture before.
    pub source: Size,
    /// The picture after scaling, before a cut or a canvas.
    pub scaled: Size,
    /// The size to cut to, if something must go.
    pub crop: Option<Size>,
    /// The canvas to lie on and the place on it, if one is added.
    pub canvas: Option<Canvas>,
    /// The size in the end.
    pub output: Size,
}

/// A canvas around a picture (`fit=pad`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Size of the canvas.
    pub size: Size,
    /// Pixels left of the picture.
    pub left: u32,
    /// Pixels above the picture.
    pub top: u32,
}

impl Resize {
    /// Scaled size, cut and canvas for a picture of `size` (spec 5.5). `base` is the picture that fractions refer to; without one they count of `size`.
    #[must_use]
    pub fn fit(&self, size: Size, base: Option<Size>) -> Fitted {
        let base = base.unwrap_or(size);
        let px = |length: Length, dimension: u32| match length {
            Length::Px(px) => px.max(1),
            Length::OfBase(share) => {
                let exact = rhu(share.units() * i128::from(dimension), Decimal::ONE.units());
                u32::try_from(exact).unwrap_or(u32::MAX).max(1)
            }
        };
        let width = self.width.map(|length| px(length, base.width));
        let height = self.height.map(|length| px(length, base.height));
        let holds = width.is_none_or(|w| w >= size.width) && height.is_none_or(|h| h >= size.height);

        let (scaled, crop, canvas) = match (self.fit, width, height) {
            (_, None, None) => (size, None, None),
            (Fit::ScaleDown, ..) if holds => (size, None, None),
            (Fit::ScaleUp, ..) if !holds => (size, None, None),
            (Fit::ScaleDown | Fit::ScaleUp | Fit::Contain, ..) => (contained(size, width, height), None, None),
            // The modes that need both sides were replaced when the plan was made; one side missing is still safe here.
            (Fit::Cover | Fit::Pad | Fit::Squeeze, w, None) => (contained(size, w, None), None, None),
            (Fit::Cover | Fit::Pad | Fit::Squeeze, None, h) => (contained(size, None, h), None, None),
            (Fit::Crop | Fit::AspectCrop, w, None) | (Fit::Crop | Fit::AspectCrop, w @ None, _) => {
                let scaled = if holds {
                    size
                } else {
                    contained(size, w, if w.is_some() { None } else { height })
                };
                (scaled, None, None)
            }
            (Fit::Squeeze, Some(w), Some(h)) => (Size::new(w, h), None, None),
            (Fit::Pad, Some(w), Some(h)) => {
                let scaled = contained(size, width, height);
                let canvas = Canvas {
                    size: Size::new(w, h),
                    left: w.saturating_sub(scaled.width) / 2,
                    top: h.saturating_sub(scaled.height) / 2,
                };
                (scaled, None, Some(canvas))
            }
            (Fit::Cover, Some(w), Some(h)) => (covering(size, w, h), Some(Size::new(w, h)), None),
            (Fit::Crop | Fit::AspectCrop, Some(w), Some(h)) if w <= size.width && h <= size.height => {
                (covering(size, w, h), Some(Size::new(w, h)), None)
            }
            (Fit::Crop, Some(w), Some(h)) => (size, Some(Size::new(w.min(size.width), h.min(size.height))), None),
            (Fit::AspectCrop, Some(w), Some(h)) => (size, Some(largest_of_ratio(size, w, h)), None),
        };
        let crop = crop.filter(|&crop| crop != scaled);
        let canvas = canvas.filter(|canvas| canvas.size != scaled);
        let output = canvas.map(|canvas| canvas.size).or(crop).unwrap_or(scaled);
        Fitted {
            source: size,
            scaled,
            crop,
            canvas,
            output,
        }
    }

    /// The factor of the enlarging model for this fit: 2, 4, or `None` when nothing is enlarged or interpolation was asked for (spec 5.10).
    #[must_use]
    pub fn generate_factor(&self, fitted: &Fitted) -> Option<u32> {
        if self.upscale != Upscale::Generate {
            return None;
        }
        let (from, to) = (u64::from(fitted.source.width), u64::from(fitted.scaled.width));
        if to <= from {
            None
        } else if to < 3 * from {
            Some(2)
        } else {
            Some(4)
        }
    }
}

fn contained(size: Size, width: Option<u32>, height: Option<u32>) -> Size {
    let (w, h) = (u64::from(size.width.max(1)), u64::from(size.height.max(1)));
    match (width, height) {
        (None, None) => size,
        (None, Some(height)) => Size::new(rdiv(w * u64::from(height), h), height),
        (Some(width), None) => Size::new(width, rdiv(h * u64::from(width), w)),
        (Some(width), Some(height)) if u64::from(width) * h <= u64::from(height) * w => {
            Size::new(width, rdiv(h * u64::from(width), w))
        }
        (Some(_), Some(height)) => Size::new(rdiv(w * u64::from(height), h), height),
    }
}

fn covering(size: Size, width: u32, height: u32) -> Size {
    let (w, h) = (u64::from(size.width.max(1)), u64::from(size.height.max(1)));
    if u64::from(width) * h >= u64::from(height) * w {
        Size::new(width, rdiv(h * u64::from(width), w))
    } else {
        Size::new(rdiv(w * u64::from(height), h), height)
    }
}

fn largest_of_ratio(size: Size, width: u32, height: u32) -> Size {
    let (w, h) = (u64::from(size.width), u64::from(size.height));
    let (rw, rh) = (u64::from(width), u64::from(height));
    if w * rh <= h * rw {
        Size::new(size.width, rdiv(rh * w, rw))
    } else {
        Size::new(rdiv(rw * h, rh), size.height)
    }
}

impl Fitted {
    /// Where the cut lies in the scaled picture (spec 5.6). `focal` is the middle of the faces for [`Gravity::Face`]; `window` the found position for
    /// [`Gravity::Auto`] and [`Gravity::Entropy`]. Whatever is missing falls to the centre.
    #[must_use]
    pub fn cut(&self, gravity: Gravity, focal: Option<Focal>, window: Option<Window>) -> Option<Rect> {
        let crop = self.crop?;
        let (free_x, free_y) = (
            self.scaled.width.saturating_sub(crop.width),
            self.scaled.height.saturating_sub(crop.height),
        );
        let remainder = |share: Decimal, free: u32| {
            u32::try_from(rhu(share.units() * i128::from(free), Decimal::ONE.units()))
                .unwrap_or(0)
                .min(free)
        };
        let centred = |share: Decimal, length: u32, dimension: u32| {
            Fraction {
                numerator: share.units() * i128::from(dimension),
                denominator: Decimal::ONE.units(),
            }
            .centred(length, dimension)
        };
        let centre = (remainder(Decimal::HALF, free_x), remainder(Decimal::HALF, free_y));
        let (left, top) = match gravity {
            Gravity::Point {
                x,
                y,
                mode: GravityMode::Remainder,
            } => (remainder(x, free_x), remainder(y, free_y)),
            Gravity::Point {
                x,
                y,
                mode: GravityMode::BoxCenter,
            } => (
                centred(x, crop.width, self.scaled.width),
                centred(y, crop.height, self.scaled.height),
            ),
            Gravity::Auto | Gravity::Entropy => window.map_or(centre, |w| (w.left.min(free_x), w.top.min(free_y))),
            Gravity::Face => focal.map_or(centre, |focal| {
                let x = focal.x.times(self.scaled.width, self.source.width.max(1));
                let y = focal.y.times(self.scaled.height, self.source.height.max(1));
                (
                    x.centred(crop.width, self.scaled.width),
                    y.centred(crop.height, self.scaled.height),
                )
            }),
        };
        Some(Rect::new(left, top, crop.width, crop.height))
    }
}

/// The position that a search by content found for a cut, in scaled pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Pixels left of the cut.
    pub left: u32,
    /// Pixels above the cut.
    pub top: u32,
}

impl BorderWidths {
    /// The size of a picture of `size` with the frame around it; saturates.
    #[must_use]
    pub fn grow(&self, size: Size) -> Size {
        Size::new(
            size.width.saturating_add(self.left).saturating_add(self.right),
            size.height.saturating_add(self.top).saturating_add(self.bottom),
        )
    }
}

/// What only pixels or models can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// The box of what is not frame, for colour trim; `None` keeps the picture whole.
    pub trim: Option<Rect>,
    /// The faces, if any.
    pub faces: Option<FaceBox>,
    /// The position found for `gravity=auto` and `entropy`.
    pub window: Option<Window>,
    /// Which models are installed.
    pub models: Models,
}

/// Which models are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Models {
    /// Face detection.
    pub faces: bool,
    /// Background removal.
    pub segment: bool,
    /// Enlarging.
    pub generate: bool,
}

/// The sizes a plan goes through for a source of known size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The picture after EXIF orientation.
    pub source: Size,
    /// One step per operation of the plan.
    pub steps: Vec<LayoutStep>,
    /// The size of the result.
    pub output: Size,
    /// Remarks that depend on sizes or models.
    pub warnings: Vec<Warning>,
}

/// What one operation does to the geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutStep {
    /// The picture before.
    pub before: Size,
    /// The box cut out of the picture before (trim, face crop).
    pub cut: Option<Rect>,
    /// What a resize does.
    pub fitted: Option<Fitted>,
    /// The box cut out of the scaled picture.
    pub crop: Option<Rect>,
    /// The model pass of a resize: 2 or 4.
    pub generate: Option<u32>,
    /// The picture after.
    pub after: Size,
}

impl Layout {
    /// Folds the geometry of a plan over a source stored as `stored` with `orientation`. Fails as the server would: limits on outputs, empty boxes, missing
    /// models. Whether the source is within its limits is for [`Limits::check_source`], which knows its format.
    pub fn compute(
        plan: &Plan,
        stored: Size,
        orientation: Orientation,
        findings: &Findings,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        if stored.is_empty() {
            return Err(empty_size());
        }
        let source = orientation.apply(stored);
        let (steps, output, warnings) = fold(&plan.ops, source, None, findings)?;
        limits.check_output(output, stored)?;
        Ok(Self {
            source,
            steps,
            output,
            warnings,
        })
    }

    /// The size of an overlay of `size` after its own operations, on a base of size `base`.
    pub fn overlay(draw: &Draw, size: Size, base: Size, findings: &Findings) -> Result<Size, Fault> {
        fold(&draw.ops, size, Some(base), findings).map(|(_, size, _)| size)
    }

    /// The last resize of the plan: what `explain` reports as scaled size and crop.
    #[must_use]
    pub fn resize(&self) -> Option<&LayoutStep> {
        self.steps.iter().rev().find(|step| step.fitted.is_some())
    }
}

/// The sizes that operations on a picture of `size` go through; `base` is the picture below an overlay.
fn fold(
    ops: &[Op],
    size: Size,
    base: Option<Size>,
    findings: &Findings,
) -> Result<(Vec<LayoutStep>, Size, Vec<Warning>), Fault> {
    let mut steps = Vec::with_capacity(ops.len());
    let mut warnings = Vec::new();
    let mut now = size;
    let mut focal = None;
    for op in ops {
        let mut step = LayoutStep {
            before: now,
            cut: None,
            fitted: None,
            crop: None,
            generate: None,
            after: now,
        };
        match op {
            Op::Trim(trim) => {
                let cut = trim.cut(now)?;
                step.cut = Some(cut);
                step.after = cut.size();
            }
            Op::TrimColor(trim) => {
                let cut = trim.cut(findings.trim.filter(|found| found.fits(now)), now);
                step.cut = Some(cut);
                step.after = cut.size();
            }
            Op::Rotate(Rotate::Deg90 | Rotate::Deg270) => step.after = now.swapped(),
            Op::FaceCrop(face) => {
                if !findings.models.faces {
                    warnings.push(Warning::FacesNotAvailable);
                }
                let region = face.region(now, findings.faces.filter(|_| findings.models.faces));
                focal = region.focal;
                step.cut = region.cut;
                step.after = region.cut.map_or(now, Rect::size);
            }
            Op::Segment if !findings.models.segment => return Err(segment_model_missing()),
            Op::Resize(resize) => {
                let fitted = resize.fit(now, base);
                step.crop = fitted.cut(resize.gravity, focal.take(), findings.window);
                step.generate = resize.generate_factor(&fitted);
                if step.generate.is_some() && !findings.models.generate {
                    step.generate = None;
                    warnings.push(Warning::GenerateNotAvailable);
                }
                step.after = fitted.output;
                step.fitted = Some(fitted);
            }
            Op::Border(border) => step.after = border.grow(now),
            Op::Flip(_)
            | Op::Rotate(Rotate::Deg180)
            | Op::Segment
            | Op::Background(_)
            | Op::Brightness(_)
            | Op::Contrast(_)
            | Op::Gamma(_)
            | Op::Saturation(_)
            | Op::Sharpen(_)
            | Op::Blur(_)
            | Op::Draw(_) => {}
        }
        now = step.after;
        steps.push(step);
    }
    Ok((steps, now, warnings))
}

/// 9522/503: `segment=foreground` without a model (spec section 7).
#[must_use]
pub fn segment_model_missing() -> Fault {
    Fault::new(
        FaultKind::ModelMissing,
        "segment=foreground needs a segmentation model, and none is installed on this server",
    )
}

/// What happens to an animation by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnimationVerdict {
    /// Options apply.
    Transformed,
    /// It is delivered as it is, with a warning.
    Unchanged,
}

impl Limits {
    /// Pixels that one side of a source of this format may have; without a format, of any.
    #[must_use]
    pub fn source_side_px_max(&self, format: Option<ImageFormat>) -> u32 {
        match format {
            Some(ImageFormat::Webp) => self.side_px_max.max(self.webp_source_side_px_max),
            _ => self.side_px_max,
        }
    }

    /// Refuses a source whose side or area is over the limit (spec 9.1): 9413.
    pub fn check_source(&self, stored: Size, format: Option<ImageFormat>) -> Result<(), Fault> {
        if stored.is_empty() {
            return Err(empty_size());
        }
        let side_px_max = self.source_side_px_max(format);
        if stored.longest() > side_px_max {
            return Err(side_fault("The image is too large", stored, side_px_max));
        }
        if stored.area() > self.source_area_px_max {
            let (mp, max) = (stored.area() / 1_000_000, self.source_area_px_max / 1_000_000);
            return Err(Fault::new(
                FaultKind::LimitExceeded,
                format!(
                    "The image is too large: {stored} is {mp} megapixels, but the maximum area allowed is {max} megapixels"
                ),
            ));
        }
        Ok(())
    }

    /// What happens to a source of `frames` frames on a canvas of `size` (spec 9.1): 9413 when it is over the limits. With `anim=false` count one frame.
    pub fn check_animation(
        &self,
        size: Size,
        frames: u64,
        format: Option<ImageFormat>,
    ) -> Result<AnimationVerdict, Fault> {
        if frames <= 1 {
            self.check_source(size, format)?;
            return Ok(AnimationVerdict::Transformed);
        }
        let area = size.area().saturating_mul(frames);
        if area > self.animation_area_px_refused {
            let frames_max = self.animation_area_px_refused / size.area().max(1);
            return Err(Fault::new(
                FaultKind::LimitExceeded,
                format!(
                    "The animation is too large: {size} with {frames} frames, but at this resolution at most {frames_max} frames are allowed; use anim=false for the first frame"
                ),
            ));
        }
        let side_px_max = self.source_side_px_max(format);
        if size.longest() > side_px_max {
            return Err(side_fault("The image is too large", size, side_px_max));
        }
        Ok(if area > self.animation_area_px_max {
            AnimationVerdict::Unchanged
        } else {
            AnimationVerdict::Transformed
        })
    }

    /// Refuses an output whose side is over the limit (spec 9.1): 9413. What came larger, as some formats may, may stay as large.
    pub fn check_output(&self, output: Size, came: Size) -> Result<(), Fault> {
        let side_px_max = self.side_px_max.max(came.longest());
        if output.longest() > side_px_max {
            return Err(side_fault("The image enlarged too much", output, side_px_max));
        }
        Ok(())
    }
}

fn side_fault(what: &str, size: Size, side_px_max: u32) -> Fault {
    Fault::new(
        FaultKind::LimitExceeded,
        format!("{what}: {size}, but maximum dimension allowed is {side_px_max}"),
    )
}
