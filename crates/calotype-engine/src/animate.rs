//! Animations through a plan, frame by frame (spec 9.8).

use std::time::{Duration, Instant};

use calotype_codec::{AnimationEncoder, AnimationRequest, Budget, Frame as Decoded, Header, Picture, decode_animation};
use calotype_plan::{Fault, FaultKind, FormatDecision, Op, OutputFormat, Rendition, Size, Turn};

use crate::error::{fault, internal};
use crate::frame::Frame;
use crate::job::{Job, Outcome};
use crate::output::{Finished, Written};
use crate::passthrough;
use crate::pipeline::{self, Findings};

/// Transforms an animation whose answer is one too. `None` if the answer is a still, by its format or by its options.
pub(crate) fn run(job: &Job<'_>, header: &Header, budget: &Budget, start: Instant) -> Result<Option<Outcome>, Fault> {
    if !moves(job, header) {
        return Ok(None);
    }
    let mut animation = decode_animation(job.source, header, job.limits, budget).map_err(fault)?;
    let (color, loops, metadata) = (animation.color.clone(), animation.loops, animation.metadata.clone());
    let mut finished = Finished {
        job,
        header,
        metadata: &metadata,
        keeps_profile: false,
        findings: Findings::default(),
        budget,
        start,
    };
    let transform = |decoded: Decoded, findings: &mut Findings| -> Result<Picture, Fault> {
        job.check_time()?;
        let turn = Turn::from(header.orientation);
        let mut frame = Frame::decoded(decoded.picture, header.size, 1, turn, color.clone()).in_light(job.limits.light);
        pipeline::run(&mut frame, &job.plan.ops, None, 0, job, budget, findings)?;
        frame.into_picture(budget)
    };

    let first = animation
        .next()
        .ok_or_else(|| Fault::new(FaultKind::DecodeFailed, "The image is damaged: it holds no picture"))?
        .map_err(fault)?;
    let mut duration = first.duration;
    let mut picture = transform(first, &mut finished.findings)?;
    let steps = std::mem::take(&mut finished.findings.steps);
    let size = picture.size();
    job.limits.check_output(size, header.size)?;
    let FormatDecision { format, warnings } = decide(job, header, size);
    finished.findings.warn_all(warnings);
    let metadata = finished.metadata(format);
    let mut encoder = AnimationEncoder::new(size, &request(job, format)?, loops, &metadata, budget).map_err(fault)?;
    let mut encoding = Duration::ZERO;
    loop {
        let pushed = Instant::now();
        encoder.push(&picture, duration).map_err(fault)?;
        encoding += pushed.elapsed();
        // Nothing of a frame is held while the next is made.
        drop(picture);
        let Some(decoded) = animation.next() else { break };
        let decoded = decoded.map_err(fault)?;
        duration = decoded.duration;
        finished.findings.found.replay();
        picture = transform(decoded, &mut finished.findings)?;
    }
    // What the first frame went through stands for all.
    finished.findings.steps = steps;
    finished.findings.report("frames", size, start);
    let closed = Instant::now();
    let mut written = Written {
        bytes: encoder.finish().map_err(fault)?,
        format,
        size,
        warnings: finished.findings.warnings.clone(),
        passed_through: false,
        steps: finished.findings.steps.clone(),
    };
    passthrough::prefer_source(&mut written, &finished);
    encoding += closed.elapsed();
    Ok(Some(written.timed(
        start.elapsed().saturating_sub(encoding),
        encoding,
        budget,
    )))
}

/// Whether the answer has all frames. The size has no say in it, so any will do.
fn moves(job: &Job<'_>, header: &Header) -> bool {
    let output = &job.plan.output;
    // A segmented animation is a still of its first frame (spec section 7).
    let is_still = output.still || job.plan.ops.iter().any(|op| matches!(op, Op::Segment));
    header.is_animated() && !is_still && decide(job, header, header.upright_size()).format.is_animated()
}

fn decide(job: &Job<'_>, header: &Header, size: Size) -> FormatDecision {
    let rendition = Rendition {
        source: header.format,
        size,
        // Formats that move can all be transparent.
        transparent: true,
        animated: true,
        hosted: job.hosted,
    };
    job.plan.output.choose(&rendition, job.accepted, job.limits)
}

fn request(job: &Job<'_>, format: OutputFormat) -> Result<AnimationRequest, Fault> {
    let output = &job.plan.output;
    match format {
        OutputFormat::Gif { .. } => Ok(AnimationRequest::Gif { fast: output.fast }),
        OutputFormat::Webp { lossless, .. } => Ok(AnimationRequest::Webp {
            quality: output.encoder_quality().get(),
            lossless,
        }),
        other => Err(internal(format!("an animation was to be written as {other:?}"))),
    }
}
