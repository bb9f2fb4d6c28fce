//! From the finished picture to bytes: the format, the metadata, the encoder (spec 9.3 to 9.5).

use std::time::{Duration, Instant};

use calotype_codec::{
    Budget, Chroma, EncodeRequest, Header, OutputMetadata, PaletteUse, Range, SourceMetadata, encode, encode_planes,
};
use calotype_plan::{Fault, FormatChoice, FormatDecision, Metadata, Op, OutputFormat, Rendition, Size, Warning};

use crate::error::{fault, internal};
use crate::frame::Pixels;
use crate::job::{Job, Outcome, StepReport};
use crate::json;
use crate::passthrough;
use crate::pipeline::Findings;

/// Everything that is known when the last operation is done.
pub(crate) struct Finished<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) header: &'a Header,
    pub(crate) metadata: &'a SourceMetadata,
    /// The samples are still those of the source's profile, which goes to the output.
    pub(crate) keeps_profile: bool,
    pub(crate) findings: Findings,
    pub(crate) budget: &'a Budget,
    /// When the job began.
    pub(crate) start: Instant,
}

/// Bytes with their description.
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) format: OutputFormat,
    pub(crate) size: Size,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) passed_through: bool,
    pub(crate) steps: Vec<StepReport>,
}

impl Written {
    /// The outcome of a job that needed no pixels.
    pub(crate) fn into_outcome(self, start: Instant, budget: &Budget) -> Outcome {
        self.timed(start.elapsed(), Duration::ZERO, budget)
    }

    /// The outcome of a job that took so long up to its encoder, and in it.
    pub(crate) fn timed(self, decoding: Duration, encoding: Duration, budget: &Budget) -> Outcome {
        Outcome {
            content_type: self.format.mime(),
            bytes: self.bytes,
            format: self.format,
            size: Some(self.size),
            warnings: self.warnings,
            passed_through: self.passed_through,
            decode_ms: milliseconds(decoding),
            encode_ms: milliseconds(encoding),
            memory_peak_bytes: budget.peak(),
            steps: self.steps,
        }
    }
}

impl Finished<'_> {
    /// Chooses the format and writes the picture in it.
    pub(crate) fn encode(mut self, pixels: Pixels) -> Result<Outcome, Fault> {
        let size = pixels.size();
        let transparent = pixels.has_transparency();
        // A segmented animation is a still of its first frame (spec section 7).
        let animated = self.header.is_animated() && !self.job.plan.output.still && self.findings.mask.is_none();
        let decision = decide(self.job, self.header, size, transparent, animated);
        self.findings.warn_all(decision.warnings);
        let format = decision.format;
        let decode_time = self.start.elapsed();
        let encoding = Instant::now();

        let mut written = Written {
            bytes: self.bytes(pixels, format, transparent)?,
            format,
            size,
            warnings: self.findings.warnings.clone(),
            passed_through: false,
            steps: self.findings.steps.clone(),
        };
        passthrough::prefer_source(&mut written, &self);
        Ok(written.timed(decode_time, encoding.elapsed(), self.budget))
    }

    fn bytes(&self, pixels: Pixels, format: OutputFormat, transparent: bool) -> Result<Vec<u8>, Fault> {
        let request = request(self.job, format);
        let picture = match (pixels, request) {
            (Pixels::Planes(planes), Some(request))
                if request.planes().is_some_and(|(chroma, _)| chroma == planes.chroma()) =>
            {
                return encode_planes(&planes, &request, &self.metadata(format), self.budget).map_err(fault);
            }
            (Pixels::Planes(planes), _) => planes.into_rgb(self.budget).map_err(fault)?,
            (Pixels::Picture(picture), _) => picture,
        };
        let picture =
            if transparent && !matches!(format, OutputFormat::Jpeg { .. } | OutputFormat::Raw { alpha: false }) {
                picture
            } else {
                // An alpha channel that says nothing costs time and bytes. JPEG has none: what is transparent becomes white.
                picture.into_rgb_on([255; 3], self.budget).map_err(fault)?
            };
        match (format, request) {
            (_, Some(request)) => encode(&picture, &request, &self.metadata(format), self.budget).map_err(fault),
            (OutputFormat::Raw { alpha: false }, _) => Ok(picture.into_raw()),
            (OutputFormat::Raw { alpha: true }, _) => Ok(picture.into_rgba(self.budget).map_err(fault)?.into_raw()),
            (OutputFormat::Json, _) => {
                json::describe(self.job, self.header, picture.size(), self.findings.mask.as_ref())
            }
            _ => Err(internal("a raster picture was to be written as SVG")),
        }
    }

    /// What metadata goes out (spec 9.5).
    pub(crate) fn metadata(&self, format: OutputFormat) -> OutputMetadata {
        let mut metadata = match self.job.plan.output.metadata {
            Metadata::Copyright if matches!(format, OutputFormat::Jpeg { .. }) => self.metadata.copyright_only(),
            Metadata::None | Metadata::Copyright => OutputMetadata::default(),
            Metadata::Keep => self.metadata.kept(),
        };
        if self.keeps_profile {
            metadata.icc.clone_from(&self.metadata.icc);
        }
        metadata
    }
}

/// Whether a picture in other colours than sRGB keeps them and their profile (spec 9.5, `keep`): the output format can
/// carry a profile whatever is negotiated, and no operation deals in sRGB colours.
pub(crate) fn may_keep_profile(job: &Job<'_>, header: &Header) -> bool {
    let output = &job.plan.output;
    let carries = !matches!(
        output.format,
        FormatChoice::Gif | FormatChoice::Json | FormatChoice::Rgb | FormatChoice::Rgba
    ) && (!header.is_animated() || output.still);
    let is_geometry = |op: &Op| {
        matches!(
            op,
            Op::Trim(_) | Op::Flip(_) | Op::Rotate(_) | Op::Resize(_) | Op::Sharpen(_) | Op::Blur(_)
        )
    };
    output.metadata == Metadata::Keep && carries && job.plan.ops.iter().all(is_geometry)
}

/// The planes that the encoder of the answer takes as they are, if the answer is an opaque still of `size` whose format
/// takes any.
pub(crate) fn planes(job: &Job<'_>, header: &Header, size: Size) -> Option<(Chroma, Range)> {
    request(job, decide(job, header, size, false, false).format)?.planes()
}

fn decide(job: &Job<'_>, header: &Header, size: Size, transparent: bool, animated: bool) -> FormatDecision {
    let rendition = Rendition {
        source: header.format,
        size,
        transparent,
        animated,
        hosted: job.hosted,
    };
    job.plan.output.choose(&rendition, job.accepted, job.limits)
}

/// What an encoder is asked for; `None` for answers that need none.
fn request(job: &Job<'_>, format: OutputFormat) -> Option<EncodeRequest> {
    let output = &job.plan.output;
    let quality = output.encoder_quality().get();
    match format {
        OutputFormat::Jpeg { progressive } => Some(EncodeRequest::Jpeg { quality, progressive }),
        OutputFormat::Png { palette } => Some(EncodeRequest::Png {
            palette: match output.format {
                _ if palette => PaletteUse::Fitted,
                FormatChoice::PngForce => PaletteUse::Never,
                _ if output.fast => PaletteUse::Never,
                _ => PaletteUse::Exact,
            },
            fast: output.fast,
            quality,
        }),
        OutputFormat::Webp { lossless, .. } => Some(EncodeRequest::Webp { quality, lossless }),
        OutputFormat::Avif => Some(EncodeRequest::Avif { quality }),
        OutputFormat::Gif { .. } => Some(EncodeRequest::Gif),
        OutputFormat::Raw { .. } | OutputFormat::Json | OutputFormat::Svg => None,
    }
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
