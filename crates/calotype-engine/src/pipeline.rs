//! The operations of a plan, one after the other, on a frame.

use std::time::Instant;

use calotype_codec::Budget;
use calotype_plan::{Background, Decimal, Fault, Focal, Op, Size, Turn, Warning};

use crate::adjust::{self, Table};
use crate::error::internal;
use crate::found::Found;
use crate::frame::Frame;
use crate::job::{Job, StepReport};
use crate::resize::Around;
use crate::text::Fonts;
use crate::{background, blur, border, draw, face, resize, segment, sharpen, trim_color};

/// What came out of running operations, beside the pixels.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Remarks, each once.
    pub(crate) warnings: Vec<Warning>,
    /// What was done, for logs.
    pub(crate) steps: Vec<StepReport>,
    /// Whether any pixel or the size may have changed.
    pub(crate) changed: bool,
    /// The mask of the last `segment`.
    pub(crate) mask: Option<segment::GrayMask>,
    /// What was searched for.
    pub(crate) found: Found,
    /// Fonts that were packed.
    pub(crate) fonts: Fonts,
}

impl Findings {
    pub(crate) fn report(&mut self, name: &'static str, size: Size, since: Instant) {
        let duration_us = u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.steps.push(StepReport {
            name,
            size,
            duration_us,
        });
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(crate) fn warn_all(&mut self, warnings: Vec<Warning>) {
        warnings.into_iter().for_each(|warning| self.warn(warning));
    }
}

/// Runs operations on a frame. `base` is the picture below, if the frame is an overlay; `depth` counts overlays on overlays.
pub(crate) fn run(
    frame: &mut Frame<'_>,
    ops: &[Op],
    base: Option<Size>,
    depth: usize,
    job: &Job<'_>,
    budget: &Budget,
    findings: &mut Findings,
) -> Result<(), Fault> {
    let came = frame.size();
    let mut focal: Option<Focal> = None;
    let mut rest = ops;
    while let Some((op, after)) = rest.split_first() {
        rest = after;
        job.check_time()?;
        let start = Instant::now();
        let before = frame.size();
        match op {
            Op::Trim(trim) => {
                let cut = trim.cut(before)?;
                findings.changed |= cut.size() != before;
                frame.crop(cut)?;
            }
            Op::TrimColor(trim) => {
                let found = findings
                    .found
                    .trim(|| Ok(trim_color::find(frame.settle(budget)?, trim)))?;
                let cut = trim.cut(found, before);
                findings.changed |= cut.size() != before;
                frame.crop(cut)?;
            }
            Op::Flip(flip) => {
                findings.changed = true;
                frame.turn(Turn::from(*flip));
            }
            Op::Rotate(rotate) => {
                findings.changed = true;
                frame.turn(Turn::from(*rotate));
            }
            Op::FaceCrop(face) => {
                let warnings = &mut findings.warnings;
                let found = findings
                    .found
                    .faces(|| face::find(frame, job.vision, budget, warnings))?;
                let region = face.region(before, found);
                focal = region.focal;
                if let Some(cut) = region.cut {
                    findings.changed = true;
                    frame.crop(cut)?;
                }
            }
            Op::Segment => {
                findings.changed = true;
                findings.mask = Some(segment::apply(frame, job.vision, budget)?);
            }
            Op::Resize(options) => {
                let background = match after.first() {
                    Some(Op::Background(Background(color))) => Some(*color),
                    _ => None,
                };
                // A background changes nothing of a picture that is opaque, and only such a picture goes in planes.
                let is_last = after.iter().all(|op| matches!(op, Op::Background(_)));
                let around = Around {
                    is_last,
                    base,
                    came,
                    focal: focal.take(),
                    background,
                    vision: job.vision,
                    limits: job.limits,
                    budget,
                };
                let mut warnings = Vec::new();
                findings.changed |= resize::apply(frame, options, &around, &mut findings.found, &mut warnings)?;
                warnings.into_iter().for_each(|warning| findings.warn(warning));
            }
            Op::Background(color) => {
                if frame.layout() == calotype_codec::Layout::Rgba {
                    findings.changed |= frame.has_transparency(budget)?;
                    frame.map(budget, |picture| background::apply(picture, *color, budget))?;
                }
            }
            Op::Brightness(_) | Op::Contrast(_) | Op::Gamma(_) => {
                findings.changed = true;
                let mut all = table(op).ok_or_else(|| internal("an adjustment without a table"))?;
                // What follows and is of the same kind is looked up in the same pass.
                while let Some((next, after)) = rest.split_first()
                    && let Some(next) = table(next)
                {
                    all = adjust::chain(&all, &next);
                    rest = after;
                }
                adjust::apply(frame.settle(budget)?, &all);
            }
            Op::Saturation(factor) => {
                findings.changed = true;
                adjust::saturation(frame.settle(budget)?, *factor);
            }
            Op::Sharpen(amount) => {
                findings.changed = true;
                sharpen::apply(frame.settle(budget)?, *amount, budget)?;
            }
            Op::Blur(radius) => {
                findings.changed = true;
                blur::apply(frame.settle(budget)?, *radius, budget)?;
            }
            Op::Draw(entry) => {
                findings.changed = true;
                draw::apply(frame, entry, depth, job, budget, findings)?;
            }
            Op::Border(widths) => {
                job.limits.check_output(widths.grow(before), came)?;
                findings.changed = true;
                frame.map(budget, |picture| border::apply(picture, widths, budget))?;
            }
        }
        findings.report(op.name(), frame.size(), start);
    }
    Ok(())
}

/// The table of an operation that treats each value alone.
fn table(op: &Op) -> Option<Table> {
    let (make, value): (fn(Decimal) -> Table, _) = match op {
        Op::Brightness(factor) => (adjust::brightness, factor),
        Op::Contrast(factor) => (adjust::contrast, factor),
        Op::Gamma(exponent) => (adjust::gamma, exponent),
        _ => return None,
    };
    Some(make(*value))
}
