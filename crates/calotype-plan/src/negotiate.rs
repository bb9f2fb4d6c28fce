//! Which format goes out (spec 9.3).

use crate::op::{FormatChoice, Output, Quality};
use crate::{Fault, FaultKind, ImageFormat, Limits, Size, Warning};

/// The modern formats that a client lists in `Accept`. `image/*` and `*/*` do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AcceptedFormats {
    /// `image/avif` with q above 0.
    pub avif: bool,
    /// `image/webp` with q above 0.
    pub webp: bool,
}

impl AcceptedFormats {
    /// Reads an `Accept` header (RFC 9110, 12.5.1). Whatever cannot be read counts as not accepted.
    #[must_use]
    pub fn from_accept(accept: &str) -> Self {
        let mut accepted = Self::default();
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let refused = parts.any(|parameter| {
                let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
            });
            if media.eq_ignore_ascii_case("image/avif") {
                accepted.avif = !refused;
            } else if media.eq_ignore_ascii_case("image/webp") {
                accepted.webp = !refused;
            }
        }
        accepted
    }

    /// What of this the plan's result can depend on: nothing unless the format is negotiated. Part of the cache key.
    #[must_use]
    pub fn relevant_to(self, output: &Output) -> Self {
        if output.format == FormatChoice::Auto && !output.fast {
            self
        } else {
            Self::default()
        }
    }
}

/// What is known of the picture when its format is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendition {
    /// Format of the source file.
    pub source: ImageFormat,
    /// Size of the result.
    pub size: Size,
    /// Some pixel of the result is not opaque.
    pub transparent: bool,
    /// The source has several frames and all are kept.
    pub animated: bool,
    /// The image is a hosted one, whose last resort is its own format.
    pub hosted: bool,
}

/// An encoder and its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// JPEG.
    Jpeg {
        /// Progressive, not baseline.
        progressive: bool,
    },
    /// PNG.
    Png {
        /// At most 256 colours are allowed.
        palette: bool,
    },
    /// GIF.
    Gif {
        /// All frames.
        animated: bool,
    },
    /// WebP.
    Webp {
        /// Exact pixels.
        lossless: bool,
        /// All frames.
        animated: bool,
    },
    /// AVIF.
    Avif,
    /// The sanitised source.
    Svg,
    /// A description.
    Json,
    /// Raw samples.
    Raw {
        /// Four samples per pixel, not three.
        alpha: bool,
    },
}

impl OutputFormat {
    /// The media type of the answer.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "image/jpeg",
            Self::Png { .. } => "image/png",
            Self::Gif { .. } => "image/gif",
            Self::Webp { .. } => "image/webp",
            Self::Avif => "image/avif",
            Self::Svg => "image/svg+xml",
            Self::Json => "application/json",
            Self::Raw { .. } => "application/octet-stream",
        }
    }

    /// Whether the answer has all frames of an animation.
    #[must_use]
    pub const fn is_animated(self) -> bool {
        matches!(self, Self::Gif { animated: true } | Self::Webp { animated: true, .. })
    }

    /// The image format, if the answer is an image file.
    #[must_use]
    pub const fn image_format(self) -> Option<ImageFormat> {
        Some(match self {
            Self::Jpeg { .. } => ImageFormat::Jpeg,
            Self::Png { .. } => ImageFormat::Png,
            Self::Gif { .. } => ImageFormat::Gif,
            Self::Webp { .. } => ImageFormat::Webp,
            Self::Avif => ImageFormat::Avif,
            Self::Svg => ImageFormat::Svg,
            Self::Json | Self::Raw { .. } => return None,
        })
    }
}

/// The format that was chosen, and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatDecision {
    /// The encoder.
    pub format: OutputFormat,
    /// Remarks for the client.
    pub warnings: Vec<Warning>,
}

/// Areas below and above which a progressive JPEG is baseline (spec 9.4).
const PROGRESSIVE_AREA_PX_MIN: u64 = 2_500;
const PROGRESSIVE_AREA_PX_MAX: u64 = 9_000_000;

impl Output {
    /// The quality to encode with.
    #[must_use]
    pub fn encoder_quality(&self) -> Quality {
        self.quality.unwrap_or(Quality::DEFAULT)
    }

    /// Refuses a source that this output cannot come from: `format=svg` of a raster source, 9412/415 (spec 9.3).
    pub fn check_source(&self, source: ImageFormat) -> Result<(), Fault> {
        if self.format == FormatChoice::Svg && source != ImageFormat::Svg {
            return Err(Fault::new(
                FaultKind::NotAnImage,
                "Conversion between SVG and raster formats is not supported",
            ));
        }
        Ok(())
    }

    /// Chooses the format of the result (spec 9.3, 9.1). The caller has already dealt with `format=svg` on raster sources, which is an error.
    #[must_use]
    pub fn choose(&self, rendition: &Rendition, accepted: AcceptedFormats, limits: &Limits) -> FormatDecision {
        let mut choice = Choice {
            output: self,
            rendition,
            limits,
            warnings: Vec::new(),
        };
        let format = choice.format(accepted);
        let format = choice.fitting(format);
        FormatDecision {
            format,
            warnings: choice.warnings,
        }
    }
}

struct Choice<'a> {
    output: &'a Output,
    rendition: &'a Rendition,
    limits: &'a Limits,
    warnings: Vec<Warning>,
}

impl Choice<'_> {
    fn format(&mut self, accepted: AcceptedFormats) -> OutputFormat {
        let (output, rendition) = (self.output, self.rendition);
        if output.format == FormatChoice::Json {
            return OutputFormat::Json;
        }
        if rendition.source == ImageFormat::Svg && !output.rasterize_svg {
            return OutputFormat::Svg;
        }
        if output.fast && !matches!(output.format, FormatChoice::Rgb | FormatChoice::Rgba) {
            return if rendition.animated {
                OutputFormat::Gif { animated: true }
            } else if rendition.transparent {
                OutputFormat::Png { palette: false }
            } else {
                OutputFormat::Jpeg { progressive: false }
            };
        }
        match output.format {
            FormatChoice::Absent | FormatChoice::Svg | FormatChoice::Json => self.absent(),
            FormatChoice::Auto => self.negotiated(accepted),
            FormatChoice::Avif if rendition.animated => self.webp(),
            FormatChoice::Avif => self
                .avif(self.limits.avif_explicit_side_px_max)
                .unwrap_or_else(|| self.webp()),
            FormatChoice::Webp => self.webp(),
            FormatChoice::Jpeg => self.jpeg(),
            FormatChoice::BaselineJpeg => OutputFormat::Jpeg { progressive: false },
            FormatChoice::Png => {
                if !rendition.transparent {
                    self.warnings.push(Warning::PngIsAutomatic);
                }
                OutputFormat::Png {
                    palette: output.quality.is_some(),
                }
            }
            FormatChoice::PngForce => OutputFormat::Png { palette: false },
            FormatChoice::Gif => OutputFormat::Gif {
                animated: rendition.animated,
            },
            FormatChoice::Rgb => OutputFormat::Raw { alpha: false },
            FormatChoice::Rgba => OutputFormat::Raw { alpha: true },
        }
    }

    fn negotiated(&mut self, accepted: AcceptedFormats) -> OutputFormat {
        if self.rendition.animated {
            return if accepted.webp {
                self.webp()
            } else {
                OutputFormat::Gif { animated: true }
            };
        }
        if accepted.avif
            && let Some(avif) = self.avif(self.limits.avif_side_px_max)
        {
            return avif;
        }
        if accepted.webp {
            return self.webp();
        }
        if self.rendition.hosted {
            match self.rendition.source {
                ImageFormat::Png => {
                    return OutputFormat::Png {
                        palette: self.output.quality.is_some(),
                    };
                }
                ImageFormat::Gif => return OutputFormat::Gif { animated: false },
                ImageFormat::Webp => return self.webp(),
                _ => {}
            }
        }
        self.absent()
    }

    /// JPEG whenever possible; the source's own kind for animations.
    fn absent(&mut self) -> OutputFormat {
        if self.rendition.animated {
            return match self.rendition.source {
                ImageFormat::Webp => self.webp(),
                _ => OutputFormat::Gif { animated: true },
            };
        }
        if self.rendition.transparent {
            OutputFormat::Png {
                palette: self.output.quality.is_some(),
            }
        } else {
            self.jpeg()
        }
    }

    fn avif(&mut self, side_px_max: u32) -> Option<OutputFormat> {
        if self.rendition.size.longest() > side_px_max {
            self.warnings.push(Warning::TooLargeForAvif);
            return None;
        }
        Some(OutputFormat::Avif)
    }

    fn webp(&mut self) -> OutputFormat {
        if self.rendition.size.longest() > self.limits.webp_side_px_max {
            self.warnings.push(Warning::TooLargeForWebp);
            return if self.rendition.animated {
                OutputFormat::Gif { animated: true }
            } else if self.rendition.transparent {
                OutputFormat::Png { palette: false }
            } else {
                self.jpeg()
            };
        }
        let lossless = self.output.format == FormatChoice::Webp && self.output.quality.is_some_and(|q| q.get() == 100);
        OutputFormat::Webp {
            lossless,
            animated: self.rendition.animated,
        }
    }

    /// The format, or PNG for a still that is too long for it.
    fn fitting(&mut self, format: OutputFormat) -> OutputFormat {
        let (side_px_max, warning) = match format {
            OutputFormat::Jpeg { .. } => (self.limits.jpeg_side_px_max, Warning::TooLargeForJpeg),
            OutputFormat::Gif { animated: false } => (self.limits.gif_side_px_max, Warning::TooLargeForGif),
            _ => return format,
        };
        if self.rendition.size.longest() <= side_px_max {
            return format;
        }
        self.warnings.push(warning);
        OutputFormat::Png {
            palette: self.output.quality.is_some(),
        }
    }

    fn jpeg(&self) -> OutputFormat {
        let area = self.rendition.size.area();
        OutputFormat::Jpeg {
            progressive: (PROGRESSIVE_AREA_PX_MIN..=PROGRESSIVE_AREA_PX_MAX).contains(&area),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_format_becomes_png() {
        let choose = |width, format| {
            let output = Output {
                format,
                ..Output::default()
            };
            let rendition = Rendition {
                source: ImageFormat::Png,
                size: Size::new(width, 8),
                transparent: false,
                animated: false,
                hosted: false,
            };
            output.choose(&rendition, AcceptedFormats::default(), &Limits::default())
        };
        let png = OutputFormat::Png { palette: false };
        for (width, format, want, warnings) in [
            (
                65_500,
                FormatChoice::Jpeg,
                OutputFormat::Jpeg { progressive: true },
                vec![],
            ),
            (65_501, FormatChoice::Jpeg, png, vec![Warning::TooLargeForJpeg]),
            (65_501, FormatChoice::BaselineJpeg, png, vec![Warning::TooLargeForJpeg]),
            (65_501, FormatChoice::Absent, png, vec![Warning::TooLargeForJpeg]),
            (65_535, FormatChoice::Gif, OutputFormat::Gif { animated: false }, vec![]),
            (65_536, FormatChoice::Gif, png, vec![Warning::TooLargeForGif]),
            (
                65_501,
                FormatChoice::Webp,
                png,
                vec![Warning::TooLargeForWebp, Warning::TooLargeForJpeg],
            ),
        ] {
            let decision = choose(width, format);
            assert_eq!(
                (decision.format, decision.warnings),
                (want, warnings),
                "{width} {format:?}"
            );
        }
    }

    #[test]
    fn only_the_media_range_itself_counts_as_accepted() {
        let accepted = |avif, webp| AcceptedFormats { avif, webp };
        for (header, want) in [
            ("image/avif,image/webp,*/*", accepted(true, true)),
            ("image/*,*/*", accepted(false, false)),
            ("", accepted(false, false)),
            ("image/avif;q=0,image/webp", accepted(false, true)),
            ("IMAGE/AVIF ; q=0.5 , image/webp;q=0.000", accepted(true, false)),
            ("image/webp;v=1;Q=0", accepted(false, false)),
            ("image/webp;q=nonsense", accepted(false, true)),
        ] {
            assert_eq!(AcceptedFormats::from_accept(header), want, "{header}");
        }
    }
}
