//! From the finished picture to bytes: the format, the metadata, the encoder (spec 9.3 to 9.5).

use std::time::{Duration, Instant};

use calotype_codec::{Budget, EncodeRequest, Header, OutputMetadata, PaletteUse, Picture, SourceMetadata, encode};
use calotype_plan::{Fault, FormatChoice, Metadata, Op, OutputFormat, Rendition, Size, Warning};

use crate::error::{fault, internal};
use crate::job::{Job, Outcome, StepReport};
use crate::json;
use crate::passthrough;
use crate::pipeline::Findings;
use crate::source::Source;

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
    pub(crate) fn encode(mut self, picture: Picture) -> Result<Outcome, Fault> {
        let (output, size) = (&self.job.plan.output, picture.size());
        let transparent = picture.has_transparency();
        let rendition = Rendition {
            source: self.header.format,
            size,
            transparent,
            // A segmented animation is a still of its first frame (spec section 7).
            animated: self.header.is_animated() && !output.still && self.findings.mask.is_none(),
            hosted: self.job.hosted,
        };
        let decision = output.choose(&rendition, self.job.accepted, self.job.limits);
        self.findings.warn_all(decision.warnings);
        let format = decision.format;
        let decode_time = self.start.elapsed();
        let encoding = Instant::now();

        let picture =
            if transparent && !matches!(format, OutputFormat::Jpeg { .. } | OutputFormat::Raw { alpha: false }) {
                picture
            } else {
                // An alpha channel that says nothing costs time and bytes. JPEG has none: what is transparent becomes white.
                picture.into_rgb_on([255; 3], self.budget).map_err(fault)?
            };
        let mut written = Written {
            bytes: self.bytes(picture, format)?,
            format,
            size,
            warnings: self.findings.warnings.clone(),
            passed_through: false,
            steps: self.findings.steps.clone(),
        };
        passthrough::prefer_source(&mut written, &self);
        Ok(written.timed(decode_time, encoding.elapsed(), self.budget))
    }

    fn bytes(&self, picture: Picture, format: OutputFormat) -> Result<Vec<u8>, Fault> {
        let output = &self.job.plan.output;
        let quality = output.encoder_quality().get();
        let request = match format {
            OutputFormat::Jpeg { progressive } => EncodeRequest::Jpeg { quality, progressive },
            OutputFormat::Png { palette } => EncodeRequest::Png {
                palette: match output.format {
                    _ if palette => PaletteUse::Fitted,
                    FormatChoice::PngForce => PaletteUse::Never,
                    _ if output.fast => PaletteUse::Never,
                    _ => PaletteUse::Exact,
                },
                fast: output.fast,
                quality,
            },
            OutputFormat::Webp { lossless, .. } => EncodeRequest::Webp { quality, lossless },
            OutputFormat::Avif => EncodeRequest::Avif { quality },
            OutputFormat::Gif { .. } => EncodeRequest::Gif,
            OutputFormat::Raw { alpha: false } => return Ok(picture.into_raw()),
            OutputFormat::Raw { alpha: true } => return Ok(picture.into_rgba(self.budget).map_err(fault)?.into_raw()),
            OutputFormat::Json => {
                return json::describe(self.job, self.header, picture.size(), self.findings.mask.as_ref());
            }
            OutputFormat::Svg => return Err(internal("a raster picture was to be written as SVG")),
        };
        encode(&picture, &request, &self.metadata(format), self.budget).map_err(fault)
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

/// Whether the decoded picture is one of which [`may_keep_profile`] speaks.
pub(crate) fn keeps_profile(may_keep: bool, source: &Source) -> bool {
    may_keep && source.metadata.icc.is_some() && !source.frame.is_srgb()
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
