//! From the colours of a file to sRGB.
//!
//! A broken or unusable profile counts as none, and a picture without a profile is sRGB, as in browsers. Profiles that
//! are sRGB in all but name are recognised by what they do to colours and are skipped.

mod cache;
mod cmyk;
mod convert;
mod hdr;

use std::sync::Arc;

use crate::{CodecError, ColorProfile, Layout, Picture};

pub(crate) use cmyk::CmykToSrgb;
pub(crate) use convert::{Conversion, gamma_is_srgb};

/// How the samples of a picture become sRGB.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ColorSource {
    /// They are sRGB, or nothing says what they are.
    #[default]
    Srgb,
    /// By this ICC profile, of class RGB, or grey for a picture whose three channels are equal.
    Icc(Vec<u8>),
    /// By code points of ITU-T H.273. The samples are RGB: the matrix has been applied.
    Cicp {
        /// Colour primaries.
        primaries: u8,
        /// Transfer characteristics.
        transfer: u8,
    },
    /// By a pure power curve and, if the file names them, chromaticities (PNG chunks gAMA and cHRM).
    GammaChrm {
        /// The exponent of encoding, as in gAMA: 0.45455 for the usual 1/2.2.
        gamma: f64,
        /// x and y of white, red, green and blue; without them, those of sRGB.
        chromaticities: Option<[[f64; 2]; 4]>,
    },
}

impl ColorSource {
    /// The source for an ICC profile found in a file whose pictures have RGB (or grey) samples: sRGB if the profile is
    /// sRGB, broken, or for another kind of samples.
    #[must_use]
    pub fn from_icc(icc: Vec<u8>) -> Self {
        match cache::icc(&icc) {
            Some(_) => Self::Icc(icc),
            None => Self::Srgb,
        }
    }

    /// The source for code points of ITU-T H.273: sRGB if they say so, or say nothing that is known.
    ///
    /// The curves of BT.709, BT.601 and BT.2020 (1, 6, 14, 15) count as that of sRGB, as in browsers: pictures tagged
    /// so were encoded as sRGB.
    #[must_use]
    pub fn from_cicp(primaries: u8, transfer: u8) -> Self {
        if convert::cicp_is_srgb(primaries, transfer) {
            Self::Srgb
        } else {
            Self::Cicp { primaries, transfer }
        }
    }

    /// Whether nothing needs to be done.
    #[must_use]
    pub fn is_srgb(&self) -> bool {
        *self == Self::Srgb
    }

    /// The ICC profile by which samples of 8 bits can be written unconverted; `None` for sRGB, for grey profiles (the
    /// pictures written have three channels), and where 8 bits are too few: linear samples, PQ and HLG.
    pub(crate) fn profile_to_keep(&self) -> Option<Vec<u8>> {
        let conversion = self.conversion()?;
        if !conversion.is_smooth_in_8_bits() {
            return None;
        }
        match self {
            Self::Srgb => None,
            // Bytes 16 to 19 name the colour space of the samples (ICC.1:2022, section 7.2.6).
            Self::Icc(icc) => (icc.get(16..20) == Some(b"RGB ")).then(|| icc.clone()),
            Self::Cicp { primaries, transfer } => convert::profile_of_cicp(*primaries, *transfer),
            Self::GammaChrm { gamma, chromaticities } => convert::profile_of_gamma(*gamma, (*chromaticities)?),
        }
    }

    /// The conversion for samples that still have more than 8 bits; `None` if there is nothing to do, and if the colours
    /// are wanted as they are and 8 bits can hold them.
    pub(crate) fn deep_conversion(&self, keep_colors: bool) -> Option<Arc<Conversion>> {
        self.conversion()
            .filter(|_| !keep_colors || self.profile_to_keep().is_none())
    }

    /// The conversion, or `None` if there is nothing to do.
    pub(crate) fn conversion(&self) -> Option<Arc<Conversion>> {
        match self {
            Self::Srgb => None,
            Self::Icc(icc) => cache::icc(icc),
            Self::Cicp { primaries, transfer } => cache::cicp(*primaries, *transfer),
            Self::GammaChrm { gamma, chromaticities } => convert::from_gamma(*gamma, *chromaticities).map(Arc::new),
        }
    }
}

impl ColorProfile {
    /// The report for pictures of printing inks.
    pub(crate) fn of_inks(icc: Option<&[u8]>) -> Self {
        Self::Cmyk {
            name: icc.map(convert::icc_name).unwrap_or_default(),
        }
    }

    /// The report for an ICC profile: its name, or [`ColorProfile::Srgb`] if it is sRGB.
    #[must_use]
    pub fn from_icc(icc: &[u8]) -> Self {
        let name = convert::icc_name(icc);
        if cache::icc_is_srgb(icc) {
            Self::Srgb
        } else {
            Self::Icc { name }
        }
    }
}

/// Converts a picture to sRGB in place; nothing happens if it is sRGB. Alpha is left alone. Call it after resizing: it
/// costs by the pixel.
///
/// The conversion runs in 16 bits and is rounded to 8 at the end, by the perceptual intent, as Chromium, Firefox,
/// Pillow and sharp do by default.
///
/// # Errors [`CodecError::Corrupt`] if the conversion itself fails. A profile that is broken is no error: the samples
/// count as sRGB then.
pub fn to_srgb(picture: &mut Picture, color: &ColorSource) -> Result<(), CodecError> {
    let Some(conversion) = color.conversion() else {
        return Ok(());
    };
    // Pieces that stay in the first-level cache.
    const PIXELS: usize = 1024;
    let (mut wide, mut converted) = ([0u16; PIXELS * 3], [0u16; PIXELS * 3]);
    let channels = picture.channels();
    let opaque = picture.layout() == Layout::Rgb;
    for piece in picture.data_mut().chunks_mut(PIXELS * channels) {
        let samples = piece.len() / channels * 3;
        let (Some(wide), Some(converted)) = (wide.get_mut(..samples), converted.get_mut(..samples)) else {
            continue;
        };
        if opaque {
            wide.iter_mut()
                .zip(piece.iter())
                .for_each(|(to, &from)| *to = u16::from(from) * 257);
        } else {
            for (to, from) in wide.as_chunks_mut::<3>().0.iter_mut().zip(piece.as_chunks::<4>().0) {
                *to = [
                    u16::from(from[0]) * 257,
                    u16::from(from[1]) * 257,
                    u16::from(from[2]) * 257,
                ];
            }
        }
        conversion.rgb16(wide, converted)?;
        if opaque {
            piece
                .iter_mut()
                .zip(converted.iter())
                .for_each(|(to, &from)| *to = narrow(from));
        } else {
            for (to, from) in piece
                .as_chunks_mut::<4>()
                .0
                .iter_mut()
                .zip(converted.as_chunks::<3>().0)
            {
                (to[0], to[1], to[2]) = (narrow(from[0]), narrow(from[1]), narrow(from[2]));
            }
        }
    }
    Ok(())
}

/// 16 bits to 8, to nearest: `v * 255 / 65535`.
pub(crate) fn narrow(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32_767) / 65_535) as u8
}

#[cfg(test)]
mod tests;
