//! Plan and bytes in, bytes out: every pixel operation.
//!
//! [`run`] does one [`Job`]: header and limits, decode (no larger than needed), the operations in their order, the choice of the format, encode. There
//! is no I/O here, no clock but the deadline's, no threads and no async; models are asked through [`Vision`], overlays are handed in by [`Overlays`].
//!
//! The same job gives the same bytes, whenever and wherever it runs.
//!
//! The files are the steps, named as the options.

mod adjust;
mod animate;
mod background;
mod blur;
mod border;
mod canvas;
mod composite;
mod draw;
mod error;
mod face;
mod found;
mod frame;
mod gaussian;
mod job;
mod json;
mod orient;
mod output;
mod passthrough;
mod pipeline;
mod recursive;
mod resample;
mod resize;
mod saliency;
mod segment;
mod sharpen;
mod shrink;
mod source;
mod svg;
mod text;
mod trim_color;
mod vision;

use std::time::Instant;

use calotype_codec::Budget;
use calotype_plan::{Fault, FaultKind, FormatChoice};

pub use error::fault;
pub use job::{Job, NoOverlays, Outcome, Overlays, StepReport};
pub use vision::{Mask, NoModels, Vision, VisionError};

use crate::output::Finished;
use crate::pipeline::Findings;
use crate::source::Needs;
use crate::svg::Svg;

/// Makes one transform.
///
/// # Errors
/// A [`Fault`] of spec 13.4: the source or an overlay is no image, damaged, of a kind that is not decoded or over a limit; the result is over a limit;
/// a model that the plan cannot do without is missing; the deadline has passed.
pub fn run(job: &Job<'_>) -> Result<Outcome, Fault> {
    let start = Instant::now();
    let budget = Budget::new(job.limits.job_memory_bytes_max);
    let mut findings = Findings::default();
    job.check_time()?;
    let plan = job.plan;
    let mut canvas = match &plan.canvas {
        Some(text) => Some(text::draw(text, job, &budget, &mut findings.fonts)?),
        None => None,
    };
    let (header, is_drawn) = match &canvas {
        Some(frame) => (text::header(frame), false),
        None => match svg::run(job, &budget, start)? {
            Svg::Finished(outcome) => return Ok(outcome),
            Svg::Drawing(header) => (header, true),
            Svg::Other => (source::open(job.source, job.limits)?, false),
        },
    };
    // There is no source that could be sent instead.
    findings.changed = canvas.is_some();
    if plan.output.format == FormatChoice::Svg {
        return Err(Fault::new(
            FaultKind::NotAnImage,
            "Conversion between SVG and raster formats is not supported",
        ));
    }
    if let Some(unchanged) = passthrough::large_animation(job, &header)? {
        return Ok(unchanged.into_outcome(start, &budget));
    }
    if plan.output.format == FormatChoice::Json
        && let Some(described) = json::from_header(job, &header)?
    {
        return Ok(described.into_outcome(start, &budget));
    }

    if let Some(outcome) = animate::run(job, &header, &budget, start)? {
        return Ok(outcome);
    }

    let needs = Needs {
        ops: &plan.ops,
        base: None,
        models: job.vision.models(),
        keep_colors: output::may_keep_profile(job, &header),
        answer: Some(job),
    };
    let mut frame = if let Some(canvas) = canvas.take() {
        canvas
    } else if is_drawn {
        svg::draw(job, &header, &budget)?
    } else {
        source::load(job.source, &header, &needs, job.limits, &budget)?
    };
    // What comes in rows is decoded by the first step that looks at it.
    findings.report("decode", frame.size(), start);
    pipeline::run(&mut frame, &plan.ops, None, 0, job, &budget, &mut findings)?;
    job.limits.check_output(frame.size(), header.size)?;
    job.check_time()?;
    let pixels = frame.finish(&budget)?;

    let finished = Finished {
        job,
        header: &header,
        metadata: frame.metadata(),
        keeps_profile: frame.keeps_profile(),
        findings,
        budget: &budget,
        start,
    };
    finished.encode(pixels)
}
