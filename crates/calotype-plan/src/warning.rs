//! Remarks that travel with a success, in the `Warning` header (spec 13.3).

use std::fmt;

/// A remark that did not stop the request. The texts are part of the protocol: clients read them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Warning {
    /// `unknown option: KEY`: the option was ignored (URL interface).
    UnknownOption(String),
    /// `invalid value for KEY`: the option was ignored (URL interface).
    InvalidValue(String),
    /// `dpr > 2 should never be used`: dpr was clamped.
    DprTooLarge,
    /// `MODE fit mode needs both width and height`.
    FitNeedsBoth(&'static str),
    /// `image too large for AVIF`: WebP was sent instead.
    TooLargeForAvif,
    /// `image too large for WebP`: JPEG or PNG was sent instead.
    TooLargeForWebp,
    /// `image too large for JPEG`: PNG was sent instead.
    TooLargeForJpeg,
    /// `image too large for GIF`: PNG was sent instead, of an animation its first frame.
    TooLargeForGif,
    /// `JPEG vs PNG selection is automatic`: `format=png` was asked where JPEG would have been chosen.
    PngIsAutomatic,
    /// `original is smaller`: the source bytes were sent.
    OriginalIsSmaller,
    /// `animation is too large`: it is delivered unchanged.
    AnimationTooLarge,
    /// `cache-control is too restrictive`: the source may be cached for less than an hour.
    CacheControlTooRestrictive,
    /// `face detection is not available`: the centre was used.
    FacesNotAvailable,
    /// `upscale=generate is not available`: interpolated instead.
    GenerateNotAvailable,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(key) => write!(f, "unknown option: {key}"),
            Self::InvalidValue(key) => write!(f, "invalid value for {key}"),
            Self::DprTooLarge => f.write_str("dpr > 2 should never be used"),
            Self::FitNeedsBoth(mode) => write!(f, "{mode} fit mode needs both width and height"),
            Self::TooLargeForAvif => f.write_str("image too large for AVIF"),
            Self::TooLargeForWebp => f.write_str("image too large for WebP"),
            Self::TooLargeForJpeg => f.write_str("image too large for JPEG"),
            Self::TooLargeForGif => f.write_str("image too large for GIF"),
            Self::PngIsAutomatic => f.write_str("JPEG vs PNG selection is automatic"),
            Self::OriginalIsSmaller => f.write_str("original is smaller"),
            Self::AnimationTooLarge => f.write_str("animation is too large"),
            Self::CacheControlTooRestrictive => f.write_str("cache-control is too restrictive"),
            Self::FacesNotAvailable => f.write_str("face detection is not available"),
            Self::GenerateNotAvailable => f.write_str("upscale=generate is not available"),
        }
    }
}
