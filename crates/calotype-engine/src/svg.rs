//! SVG sources: filtered and passed on whatever the options say, or rendered first with `svg=raster` (spec 9.7).

use std::time::Instant;

use calotype_codec::{
    Budget, DecodeRequest, EncodeRequest, OutputMetadata, decode, encode, filter_svg, probe, sniff, svg_size,
};
use calotype_plan::{Fault, FormatChoice, ImageFormat, Metadata, OutputFormat, Size, Turn};

use crate::error::fault;
use crate::frame::Frame;
use crate::job::{Job, Outcome};
use crate::output::Written;

/// The answer to a source that is an SVG and stays one; `None` for any other, and for one that is to be rendered.
pub(crate) fn run(job: &Job<'_>, budget: &Budget, start: Instant) -> Result<Option<Outcome>, Fault> {
    let output = &job.plan.output;
    if output.rasterize_svg || sniff(job.source) != Some(ImageFormat::Svg) {
        return Ok(None);
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
    let size = svg_size(job.source, job.limits).ok().map(|size| size.pixels());
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
    Ok(Some(outcome))
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

    /// The picture in its own format, if that is smaller or if metadata has to go; `None` if it stays as it is, as do
    /// those that cannot be decoded: they are the browser's to judge.
    fn smaller(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (job, output) = (self.job, &self.job.plan.output);
        let header = probe(bytes, job.limits).ok()?;
        let quality = output.encoder_quality().get();
        let request = match header.format {
            ImageFormat::Jpeg => EncodeRequest::Jpeg {
                quality,
                progressive: true,
            },
            ImageFormat::Png => EncodeRequest::Png {
                palette: output.quality.is_some(),
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
        self.area_px = self.area_px.saturating_add(header.size.area());
        let is_allowed = !header.is_animated() && self.area_px <= job.limits.source_area_px_max;
        if !is_allowed || job.check_time().is_err() {
            return None;
        }
        let decoded = decode(bytes, &header, &DecodeRequest::default(), job.limits, self.budget).ok()?;
        let metadata = match output.metadata {
            Metadata::Keep => decoded.metadata.kept(),
            Metadata::Copyright if header.format == ImageFormat::Jpeg => decoded.metadata.copyright_only(),
            Metadata::Copyright | Metadata::None => OutputMetadata::default(),
        };
        let has_private = output.metadata != Metadata::Keep
            && (decoded.metadata.exif.is_some() || decoded.metadata.xmp.is_some() || decoded.metadata.iptc.is_some());
        let turn = Turn::from(header.orientation);
        let frame = Frame::decoded(decoded.picture, header.size, decoded.scale, turn, decoded.color);
        let mut picture = frame.into_picture(self.budget).ok()?;
        if !picture.has_transparency() {
            picture = picture.into_rgb_on([255; 3], self.budget).ok()?;
        }
        let smaller = encode(&picture, &request, &metadata, self.budget).ok()?;
        (smaller.len() < bytes.len() || has_private).then_some(smaller)
    }
}
