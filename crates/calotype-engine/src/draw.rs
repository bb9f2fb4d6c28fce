//! Painting overlays (spec section 8).

use calotype_codec::{Budget, Picture};
use calotype_plan::{Draw, DrawSource, Fault, FaultKind, Repeat, Size};

use crate::composite::{self, Placement};
use crate::error::{fault, internal};
use crate::frame::Frame;
use crate::job::Job;
use crate::pipeline::{self, Findings};
use crate::source::{self, Needs};
use crate::{svg, text};

/// Overlays on overlays on …: more than this is a mistake.
const DEPTH_MAX: usize = 8;

/// Paints one entry on the frame.
pub(crate) fn apply(
    frame: &mut Frame<'_>,
    entry: &Draw,
    depth: usize,
    job: &Job<'_>,
    budget: &Budget,
    findings: &mut Findings,
) -> Result<(), Fault> {
    if depth >= DEPTH_MAX {
        return Err(Fault::invalid(format!(
            "Overlays are nested more than {DEPTH_MAX} deep"
        )));
    }
    let base_size = frame.size();
    let mut inner = Findings {
        fonts: std::mem::take(&mut findings.fonts),
        ..Findings::default()
    };
    let overlay = findings
        .found
        .overlay(|| overlay(entry, base_size, depth, job, budget, &mut inner))?;
    findings.fonts = inner.fonts;
    inner.warnings.into_iter().for_each(|warning| findings.warn(warning));

    let (tile_x, tile_y) = match entry.repeat {
        Repeat::No => (false, false),
        Repeat::X => (true, false),
        Repeat::Y => (false, true),
        Repeat::Both => (true, true),
    };
    // On a tiled axis without a position the first tile starts at 0 (spec 8.4).
    let place = |offset, tiled: bool, base, length| match offset {
        None if tiled => 0,
        _ => Draw::place(offset, base, length),
    };
    let at = Placement {
        x: place(entry.x, tile_x, base_size.width, overlay.size().width),
        y: place(entry.y, tile_y, base_size.height, overlay.size().height),
        tile_x,
        tile_y,
    };
    if composite::needs_alpha(entry.composite) {
        frame.map(budget, |picture| picture.into_rgba(budget).map_err(fault))?;
    }
    composite::paint(frame.settle(budget)?, &overlay, at, entry.opacity, entry.composite);
    Ok(())
}

/// The picture of an entry after its own operations.
fn overlay(
    entry: &Draw,
    base_size: Size,
    depth: usize,
    job: &Job<'_>,
    budget: &Budget,
    findings: &mut Findings,
) -> Result<Picture, Fault> {
    let header;
    let mut overlay = match &entry.source {
        DrawSource::Text(text) => text::draw(text, job, budget, &mut findings.fonts)?,
        source => {
            let bytes = bytes(source, job)?;
            match svg::overlay(bytes, &entry.ops, base_size, job, budget)? {
                Some(drawn) => drawn,
                None => {
                    header = source::open(bytes, job.limits)?;
                    let needs = Needs {
                        ops: &entry.ops,
                        base: Some(base_size),
                        models: job.vision.models(),
                        keep_colors: false,
                        answer: None,
                    };
                    source::load(bytes, &header, &needs, job.limits, budget)?
                }
            }
        }
    };
    let came = overlay.size();
    pipeline::run(
        &mut overlay,
        &entry.ops,
        Some(base_size),
        depth + 1,
        job,
        budget,
        findings,
    )?;
    job.limits.check_output(overlay.size(), came)?;
    overlay.into_picture(budget)
}

fn bytes<'a>(source: &DrawSource, job: &Job<'a>) -> Result<&'a [u8], Fault> {
    match source {
        DrawSource::Url(url) => job
            .overlays
            .by_url(url)
            .ok_or_else(|| internal(format!("the overlay {url} was not fetched"))),
        DrawSource::Part(part) => job.overlays.by_part(*part).ok_or_else(|| {
            Fault::new(
                FaultKind::BadRequest,
                format!("Bad request: the part draw_{part} is missing"),
            )
        }),
        DrawSource::Text(_) => Err(internal("a text has no bytes")),
    }
}
