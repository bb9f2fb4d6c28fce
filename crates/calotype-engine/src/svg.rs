//! SVG sources: filtered and passed on whatever the options say, or rendered first with `svg=raster` (spec 9.7).

use std::time::Instant;

use calotype_codec::{
    Budget, DecodeRequest, EncodeRequest, Header, IntrinsicSize, OutputMetadata, PaletteUse, Picture, SourceMetadata,
    decode, encode, filter_svg, probe, render_svg, sniff, svg_size,
};
use calotype_plan::{Fault, FormatChoice, ImageFormat, Metadata, Op, OutputFormat, Size, Turn};

use crate::error::fault;
use crate::frame::Frame;
use crate::job::{Job, Outcome};
use crate::json;
use crate::output::Written;

/// What becomes of a source.
pub(crate) enum Svg {
    /// It is no SVG.
    Other,
    /// It needs no pixels.
    Finished(Outcome),
    /// It is drawn: with `svg=raster`.
    Drawing(Header),
}

/// Filters a source that is an SVG, or finds the size to draw it at.
pub(crate) fn run(job: &Job<'_>, budget: &Budget, start: Instant) -> Result<Svg, Fault> {
    if sniff(job.source) != Some(ImageFormat::Svg) {
        return Ok(Svg::Other);
    }
    let output = &job.plan.output;
    if output.rasterize_svg && output.format != FormatChoice::Svg {
        return drawing(job, budget, start);
    }
    // All of it is read for a description too: what `format=json` calls an image must be one.
    let mut embedded = Embedded::new(job, budget);
    let filtered = filter_svg(job.source, job.limits, budget, &mut |bytes| embedded.smaller(bytes)).map_err(fault)?;
    job.check_time()?;
    let (bytes, format) = if output.format == FormatChoice::Json {
        let facts = format!(
            r#"{{"original":{{"file_size":{},"format":"{}"}}}}"#,
            job.source.len(),
            ImageFormat::Svg.mime()
        );
        (facts.into_bytes(), OutputFormat::Json)
    } else {
        (filtered, OutputFormat::Svg)
    };
    // A root of size 0 is no fault here: nothing is measured.
    let size = svg_size(job.source, job.limits).ok().map(IntrinsicSize::pixels);
    let mut outcome = Written {
        bytes,
        format,
        size: size.unwrap_or(Size::new(1, 1)),
        warnings: Vec::new(),
        passed_through: false,
        steps: Vec::new(),
    }
    .into_outcome(start, budget);
    outcome.size = size;
    Ok(Svg::Finished(outcome))
}

fn drawing(job: &Job<'_>, budget: &Budget, start: Instant) -> Result<Svg, Fault> {
    let intrinsic = svg_size(job.source, job.limits).map_err(fault)?;
    let mut header = Header::new(ImageFormat::Svg, drawn_size(&job.plan.ops, intrinsic, None));
    header.has_alpha = true;
    job.limits.check_source(header.size, Some(ImageFormat::Svg))?;
    if job.plan.output.format == FormatChoice::Json
        && let Some(described) = json::from_drawing(job, &header, intrinsic.pixels())?
    {
        return Ok(Svg::Finished(described.into_outcome(start, budget)));
    }
    Ok(Svg::Drawing(header))
}

/// The size to draw at: the one that the first resize asks for, so that it has nothing left to scale, if only turns come
/// before it; else the size that the document gives itself, in whose pixels `trim` and the like are meant. `base` is the
/// picture below, for an overlay.
fn drawn_size(ops: &[Op], intrinsic: IntrinsicSize, base: Option<Size>) -> Size {
    // A picture as large as this is never enlarged by a resize, and its proportions are exact to a millionth.
    let factor = LARGE_PX / intrinsic.width.max(intrinsic.height);
    let large = IntrinsicSize {
        width: intrinsic.width * factor,
        height: intrinsic.height * factor,
    };
    let large = large.pixels();
    let mut turn = Turn::default();
    for op in ops {
        match op {
            Op::Flip(flip) => turn = turn.then(Turn::from(*flip)),
            Op::Rotate(rotate) => turn = turn.then(Turn::from(*rotate)),
            Op::Resize(resize) => {
                let upright = turn.apply(large);
                let scaled = resize.fit(upright, base).scaled;
                if scaled.longest() >= upright.longest() {
                    // No side is asked for.
                    break;
                }
                // An exchange of axes is its own inverse.
                return turn.apply(scaled);
            }
            _ => break,
        }
    }
    intrinsic.pixels()
}

const LARGE_PX: f64 = 1e6;

/// Draws the source at the size of `header`.
pub(crate) fn draw(job: &Job<'_>, header: &Header, budget: &Budget) -> Result<Frame<'static>, Fault> {
    let mut embedded = Embedded::new(job, budget);
    let mut decoded = |bytes: &[u8]| embedded.decoded(bytes);
    let picture = render_svg(job.source, header.size, job.limits, budget, &mut decoded).map_err(fault)?;
    job.check_time()?;
    Ok(Frame::new(picture).in_light(job.limits.light))
}

/// An overlay that is an SVG, drawn as large as its operations want it on `base`; `None` if it is none. Unlike a source
/// it has to become pixels, so that is done without being asked for.
pub(crate) fn overlay(
    bytes: &[u8],
    ops: &[Op],
    base: Size,
    job: &Job<'_>,
    budget: &Budget,
) -> Result<Option<Frame<'static>>, Fault> {
    if sniff(bytes) != Some(ImageFormat::Svg) {
        return Ok(None);
    }
    let intrinsic = svg_size(bytes, job.limits).map_err(fault)?;
    let size = drawn_size(ops, intrinsic, Some(base));
    job.limits.check_source(size, Some(ImageFormat::Svg))?;
    let mut embedded = Embedded::new(job, budget);
    let mut decoded = |bytes: &[u8]| embedded.decoded(bytes);
    let picture = render_svg(bytes, size, job.limits, budget, &mut decoded).map_err(fault)?;
    job.check_time()?;
    Ok(Some(Frame::new(picture).in_light(job.limits.light)))
}

/// Embedded pictures, which are optimised as other images are, and shorn of private metadata.
struct Embedded<'a> {
    job: &'a Job<'a>,
    budget: &'a Budget,
    /// Pixels of all pictures that were decoded.
    area_px: u64,
}

impl<'a> Embedded<'a> {
    fn new(job: &'a Job<'a>, budget: &'a Budget) -> Self {
        Self {
            job,
            budget,
            area_px: 0,
        }
    }

    /// The upright sRGB pixels of a picture, with its header and metadata, if there is time and memory for them.
    fn pixels(&mut self, bytes: &[u8]) -> Option<(Picture, Header, SourceMetadata)> {
        let job = self.job;
        let header = probe(bytes, job.limits).ok()?;
        self.area_px = self.area_px.saturating_add(header.size.area());
        if self.area_px > job.limits.source_area_px_max || job.check_time().is_err() {
            return None;
        }
        let decoded = decode(bytes, &header, &DecodeRequest::default(), job.limits, self.budget).ok()?;
        let turn = Turn::from(header.orientation);
        let frame = Frame::decoded(decoded.picture, header.size, decoded.scale, turn, decoded.color);
        Some((frame.into_picture(self.budget).ok()?, header, decoded.metadata))
    }

    /// A picture to be drawn.
    fn decoded(&mut self, bytes: &[u8]) -> Option<Picture> {
        Some(self.pixels(bytes)?.0)
    }

    /// The picture in its own format, if that is smaller or if metadata has to go; `None` if it stays as it is, as do
    /// animations, and those that cannot be decoded: they are the browser's to judge.
    fn smaller(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let output = &self.job.plan.output;
        let quality = output.encoder_quality().get();
        let request = match sniff(bytes)? {
            ImageFormat::Jpeg => EncodeRequest::Jpeg {
                quality,
                progressive: true,
            },
            ImageFormat::Png => EncodeRequest::Png {
                palette: if output.quality.is_some() {
                    PaletteUse::Fitted
                } else {
                    PaletteUse::Exact
                },
                fast: output.fast,
                quality,
            },
            ImageFormat::Webp => EncodeRequest::Webp {
                quality,
                lossless: false,
            },
            ImageFormat::Avif => EncodeRequest::Avif { quality },
            _ => return None,
        };
        if probe(bytes, self.job.limits).ok()?.is_animated() {
            return None;
        }
        let (mut picture, header, from) = self.pixels(bytes)?;
        let metadata = match output.metadata {
            Metadata::Keep => from.kept(),
            Metadata::Copyright if header.format == ImageFormat::Jpeg => from.copyright_only(),
            Metadata::Copyright | Metadata::None => OutputMetadata::default(),
        };
        let has_private =
            output.metadata != Metadata::Keep && (from.exif.is_some() || from.xmp.is_some() || from.iptc.is_some());
        if !picture.has_transparency() {
            picture = picture.into_rgb_on([255; 3], self.budget).ok()?;
        }
        let smaller = encode(&picture, &request, &metadata, self.budget).ok()?;
        (smaller.len() < bytes.len() || has_private).then_some(smaller)
    }
}
