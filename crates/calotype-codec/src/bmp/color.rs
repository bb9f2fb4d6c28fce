//! Colour spaces of versions 4 and 5 (BITMAPV4HEADER, BITMAPV5HEADER).

use calotype_plan::Limits;

use super::Bitmap;
use super::header::u32_at;
use crate::{ColorProfile, ColorSource};

/// What a header says about colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Space {
    /// Nothing, or nothing that is known.
    Unsaid,
    /// sRGB.
    Srgb,
    /// End points and exponents of the device's own.
    Calibrated {
        /// As in gAMA of PNG.
        gamma: f64,
        /// x and y of white, red, green and blue.
        chromaticities: [[f64; 2]; 4],
    },
    /// An ICC profile in the file.
    Embedded {
        /// Counted from the second header.
        at: u32,
        bytes: u32,
    },
}

impl Space {
    /// Reads the fields behind the masks, if the header has them.
    pub(super) fn read(header: &[u8]) -> Self {
        Self::try_read(header).unwrap_or(Self::Unsaid)
    }

    fn try_read(header: &[u8]) -> Option<Self> {
        if header.len() < 108 {
            return None;
        }
        // The tags are written as four characters, the last one first.
        match &u32_at(header, 56)?.to_be_bytes() {
            b"\0\0\0\0" => calibrated(header),
            b"sRGB" | b"Win " => Some(Self::Srgb),
            b"MBED" => Some(Self::Embedded {
                at: u32_at(header, 112)?,
                bytes: u32_at(header, 116)?,
            }),
            // `LINK` names a file of the writer's machine: nothing that could be opened here.
            _ => None,
        }
    }
}

/// End points as CIEXYZ of red, green and blue, in 2.30 fixed point, then three exponents in 16.16.
fn calibrated(header: &[u8]) -> Option<Space> {
    let mut sums = [0f64; 3];
    let mut points = [[0f64; 2]; 3];
    for (index, point) in points.iter_mut().enumerate() {
        let mut xyz = [0f64; 3];
        for (axis, (value, sum)) in xyz.iter_mut().zip(&mut sums).enumerate() {
            *value = f64::from(u32_at(header, 60 + index * 12 + axis * 4)?.cast_signed()) / f64::from(1 << 30);
            *sum += *value;
        }
        *point = xy(xyz)?;
    }
    let exponents = [96, 100, 104].map(|at| u32_at(header, at).map_or(0.0, |v| f64::from(v) / 65_536.0));
    let gamma = 3.0 / exponents.iter().sum::<f64>();
    let [red, green, blue] = points;
    let white = xy(sums)?;
    // Many writers put xyY-like numbers here whose sum is no white at all; only a plausible white is believed.
    let plausible = (0.25..0.46).contains(&white[0]) && (0.25..0.46).contains(&white[1]);
    (gamma.is_finite() && (0.2..=2.0).contains(&gamma)).then_some(())?;
    Some(Space::Calibrated {
        gamma,
        chromaticities: [if plausible { white } else { [0.3127, 0.3290] }, red, green, blue],
    })
}

/// Chromaticity; `None` of black and of what cannot be seen.
fn xy([x, y, z]: [f64; 3]) -> Option<[f64; 2]> {
    let sum = x + y + z;
    (x >= 0.0 && y > 0.0 && z >= 0.0 && sum > 0.0).then(|| [x / sum, y / sum])
}

/// How the pixels become sRGB.
pub(super) fn source(bitmap: &Bitmap<'_>, limits: &Limits) -> ColorSource {
    match bitmap.space {
        Space::Unsaid | Space::Srgb => ColorSource::Srgb,
        Space::Calibrated { gamma, chromaticities } if crate::color::gamma_is_srgb(gamma, Some(chromaticities)) => {
            ColorSource::Srgb
        }
        Space::Calibrated { gamma, chromaticities } => ColorSource::GammaChrm {
            gamma,
            chromaticities: Some(chromaticities),
        },
        Space::Embedded { .. } => {
            icc(bitmap, limits).map_or(ColorSource::Srgb, |icc| ColorSource::from_icc(icc.to_vec()))
        }
    }
}

/// What is reported.
pub(super) fn profile(bitmap: &Bitmap<'_>, limits: &Limits) -> ColorProfile {
    match bitmap.space {
        Space::Unsaid => ColorProfile::Untagged,
        Space::Srgb => ColorProfile::Srgb,
        Space::Calibrated { .. } if source(bitmap, limits).is_srgb() => ColorProfile::Srgb,
        Space::Calibrated { .. } => ColorProfile::Gamma,
        Space::Embedded { .. } => icc(bitmap, limits).map_or(ColorProfile::Untagged, ColorProfile::from_icc),
    }
}

/// The embedded profile, if it lies within the file and the limit.
fn icc<'a>(bitmap: &Bitmap<'a>, limits: &Limits) -> Option<&'a [u8]> {
    let Space::Embedded { at, bytes } = bitmap.space else {
        return None;
    };
    let (at, length) = (usize::try_from(at).ok()?, usize::try_from(bytes).ok()?);
    if length == 0 || length > limits.metadata_bytes_max {
        return None;
    }
    bitmap.bytes.get(at..at.checked_add(length)?)
}
