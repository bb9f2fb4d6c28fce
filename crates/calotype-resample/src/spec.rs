//! What is asked for.

use thiserror::Error;

/// The longest side of a source or a result, in samples.
pub const SIDE_MAX: u32 = 1 << 20;

/// How far a sample of the source reaches. Where an axis is reduced, filters grow with the step between two samples of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Lanczos with three lobes: for reducing.
    Lanczos3,
    /// Catmull-Rom, the usual bicubic (a = -0.5): for enlarging.
    CatmullRom,
}

impl Filter {
    /// The filter for a ratio: Lanczos-3 to reduce, Catmull-Rom to enlarge.
    #[must_use]
    pub fn suited(length: f64, output: u32) -> Self {
        if f64::from(output) > length {
            Self::CatmullRom
        } else {
            Self::Lanczos3
        }
    }

    /// Half its width, in samples.
    pub(crate) fn radius(self) -> f64 {
        match self {
            Self::Lanczos3 => 3.0,
            Self::CatmullRom => 2.0,
        }
    }
}

/// One axis: `output` samples over the extent `start..start + length` of `source` samples.
///
/// Sample k of the source covers k..k+1. The extent may be fractional and may reach beyond `0..source`: what is outside does not exist. A sample of the result
/// whose middle lies outside is taken at the edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Samples of the source.
    pub source: u32,
    /// Where the extent begins, in samples of the source.
    pub start: f64,
    /// How long it is, in samples of the source.
    pub length: f64,
    /// Samples of the result.
    pub output: u32,
    /// The filter.
    pub filter: Filter,
}

impl Axis {
    /// A whole axis, with the filter that suits it.
    #[must_use]
    pub fn whole(source: u32, output: u32) -> Self {
        Self::part(source, 0.0, f64::from(source), output)
    }

    /// A part of an axis, with the filter that suits it.
    #[must_use]
    pub fn part(source: u32, start: f64, length: f64, output: u32) -> Self {
        Self {
            source,
            start,
            length,
            output,
            filter: Filter::suited(length, output),
        }
    }

    /// Samples of the source per sample of the result.
    pub(crate) fn step(&self) -> f64 {
        self.length / f64::from(self.output)
    }

    /// Whether samples of the result are samples of the source.
    pub(crate) fn is_copy(&self) -> bool {
        self.length == f64::from(self.output) && self.start == self.start.floor()
    }

    fn check(&self) -> Result<(), SpecError> {
        if self.source == 0 || self.output == 0 {
            return Err(SpecError::EmptySide);
        }
        if self.source > SIDE_MAX || self.output > SIDE_MAX {
            return Err(SpecError::TooLong);
        }
        let end = self.start + self.length;
        if !self.start.is_finite() || !self.length.is_finite() || !end.is_finite() {
            return Err(SpecError::NotFinite);
        }
        if self.length <= 0.0 || self.step() <= 0.0 {
            return Err(SpecError::EmptyExtent);
        }
        if self.start >= f64::from(self.source) || end <= 0.0 {
            return Err(SpecError::Outside);
        }
        Ok(())
    }
}

/// The samples of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One: a plane.
    One,
    /// Three.
    Three,
    /// Four, each on its own.
    Four,
    /// Three colours and an opacity: colours count as much as they are opaque.
    Alpha,
}

impl Channels {
    /// How many.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
            Self::Four | Self::Alpha => 4,
        }
    }
}

/// The range of the result's numbers, which the last rounding maps to. Sources are in full range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Levels {
    /// 0 to 255, as the source.
    Full,
    /// Luma in limited range: 16 + v·219/255, which is 16 to 235 (ITU-R BT.601).
    LimitedLuma,
    /// Chroma in limited range: 128 + (v - 128)·224/255, which is 16 to 240 (ITU-R BT.601).
    LimitedChroma,
}

/// What is averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Light {
    /// The numbers as they are stored.
    Encoded,
    /// Amounts of light, by the sRGB curve. For three colours, with or without opacity.
    Linear,
}

/// What a [`Resampler`](crate::Resampler) does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// Columns.
    pub horizontal: Axis,
    /// Rows.
    pub vertical: Axis,
    /// The samples of a pixel.
    pub channels: Channels,
    /// The range of the result's numbers.
    pub levels: Levels,
    /// What is averaged.
    pub light: Light,
}

impl Spec {
    /// Samples as they are stored, in full range.
    #[must_use]
    pub fn new(horizontal: Axis, vertical: Axis, channels: Channels) -> Self {
        Self {
            horizontal,
            vertical,
            channels,
            levels: Levels::Full,
            light: Light::Encoded,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SpecError> {
        self.horizontal.check()?;
        self.vertical.check()?;
        if self.light == Light::Linear && !matches!(self.channels, Channels::Three | Channels::Alpha) {
            return Err(SpecError::LightWithoutColor);
        }
        let limited = self.levels != Levels::Full;
        if limited && (self.light == Light::Linear || self.channels == Channels::Alpha) {
            return Err(SpecError::LimitedLevels);
        }
        Ok(())
    }
}

/// Why something cannot be resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SpecError {
    /// No samples to take, or none to make.
    #[error("a source or a result has a side of 0 samples")]
    EmptySide,
    /// A side is above [`SIDE_MAX`].
    #[error("a side is longer than {SIDE_MAX} samples")]
    TooLong,
    /// Start or length is infinite or not a number.
    #[error("an extent is not finite")]
    NotFinite,
    /// The extent's length is 0 or less.
    #[error("an extent has no length")]
    EmptyExtent,
    /// The extent has nothing in common with the source.
    #[error("an extent touches no sample of the source")]
    Outside,
    /// Linear light is for three colours, with or without opacity.
    #[error("linear light is for three colours, with or without opacity")]
    LightWithoutColor,
    /// Limited range is for channels that stand on their own, as they are stored.
    #[error("limited range is for channels that stand on their own, as they are stored")]
    LimitedLevels,
}
