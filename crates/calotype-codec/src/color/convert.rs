//! One way from source samples to sRGB, whatever described it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, LutDataType,
    LutStore, LutType, LutWarehouse, MatrixCoefficients, ProfileText, ToneReprCurve, TransferCharacteristics,
    Transform16BitExecutor, TransformOptions, XyY, Xyzd,
};

use super::hdr::{HdrToSrgb, srgb_encode};
use crate::CodecError;

/// A prepared conversion of 16-bit samples to sRGB.
pub(crate) enum Conversion {
    /// Three channels to three.
    Rgb(Arc<Transform16BitExecutor>),
    /// The first of three equal channels to three.
    Gray(Arc<Transform16BitExecutor>),
    /// High dynamic range, with tone mapping.
    Hdr(HdrToSrgb),
    /// A power of each sample.
    Power(f64),
}

impl fmt::Debug for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rgb(_) => "Rgb",
            Self::Gray(_) => "Gray",
            Self::Hdr(_) => "Hdr",
            Self::Power(_) => "Power",
        })
    }
}

impl Conversion {
    /// Converts RGB samples; both slices have the same length, a multiple of 3.
    pub(crate) fn rgb16(&self, from: &[u16], to: &mut [u16]) -> Result<(), CodecError> {
        let failed = || CodecError::corrupt("its colour profile cannot be applied");
        match self {
            Self::Rgb(transform) => catch_unwind(AssertUnwindSafe(|| transform.transform(from, to)))
                .map_err(|_| failed())?
                .map_err(|_| failed()),
            Self::Gray(transform) => {
                let gray: Vec<u16> = from.iter().copied().step_by(3).collect();
                catch_unwind(AssertUnwindSafe(|| transform.transform(&gray, to)))
                    .map_err(|_| failed())?
                    .map_err(|_| failed())
            }
            Self::Hdr(hdr) => {
                hdr.convert(from, to);
                Ok(())
            }
            Self::Power(exponent) => {
                for (to, &from) in to.iter_mut().zip(from) {
                    *to = ((f64::from(from) / 65_535.0).powf(*exponent) * 65_535.0).round() as u16;
                }
                Ok(())
            }
        }
    }

    /// Whether the 256 greys of 8 bits lie no more than 3 levels of sRGB apart, so that nobody sees bands. It is false of
    /// linear samples, whose first step is 13 levels, and of high dynamic range.
    pub(crate) fn is_smooth_in_8_bits(&self) -> bool {
        let greys: Vec<u16> = (0..=255u16).flat_map(|v| [v * 257; 3]).collect();
        let mut converted = vec![0u16; greys.len()];
        !matches!(self, Self::Hdr(_))
            && self.rgb16(&greys, &mut converted).is_ok()
            && converted.windows(6).step_by(3).all(|pair| match pair {
                [a, _, _, b, ..] => a.abs_diff(*b) <= 3 * 257,
                _ => true,
            })
    }

    /// Whether it leaves colours as they are, within half a level of 8 bits: greys, the ramps of each channel, and a
    /// lattice.
    fn changes_nothing(&self) -> bool {
        let mut probe: Vec<u16> = Vec::with_capacity(3 * 900);
        for level in (0..=255u16).map(|v| v * 257) {
            probe.extend([level; 3]);
            if !matches!(self, Self::Gray(_)) && level % (17 * 257) == 0 {
                probe.extend([level, 0, 0, 0, level, 0, 0, 0, level]);
            }
        }
        if !matches!(self, Self::Gray(_)) {
            for index in 0..512u16 {
                probe.extend([index % 8, index / 8 % 8, index / 64].map(|step| step * 9362));
            }
        }
        let mut converted = vec![0u16; probe.len()];
        // A level of 8 bits is 257; small errors of tabulated curves must not count.
        self.rgb16(&probe, &mut converted).is_ok() && probe.iter().zip(&converted).all(|(&a, &b)| a.abs_diff(b) <= 160)
    }
}

/// What an ICC profile asks for.
pub(crate) enum IccMeaning {
    /// A conversion.
    Converts(Conversion),
    /// It is sRGB.
    Srgb,
    /// It cannot be used for RGB or grey samples.
    Unusable,
}

/// Prepares the conversion by an ICC profile.
pub(crate) fn from_icc(icc: &[u8]) -> IccMeaning {
    // The parser is safe code, but a stranger's bytes must not unwind through a request.
    catch_unwind(AssertUnwindSafe(|| {
        let Ok(profile) = ColorProfile::new_from_slice(icc) else {
            return IccMeaning::Unusable;
        };
        if is_plainly_srgb(&profile) {
            return IccMeaning::Srgb;
        }
        let conversion = match profile.color_space {
            DataColorSpace::Rgb => transform(&profile, Layout::Rgb).map(Conversion::Rgb),
            DataColorSpace::Gray => transform(&profile, Layout::Gray).map(Conversion::Gray),
            _ => None,
        };
        match conversion {
            Some(conversion) if conversion.changes_nothing() => IccMeaning::Srgb,
            Some(conversion) => IccMeaning::Converts(conversion),
            None => IccMeaning::Unusable,
        }
    }))
    .unwrap_or(IccMeaning::Unusable)
}

/// Whether a profile of three curves and a matrix has those of sRGB. Most profiles in the wild do, and to prepare a
/// conversion only to see that it changes nothing takes several milliseconds.
fn is_plainly_srgb(profile: &ColorProfile) -> bool {
    if profile.color_space != DataColorSpace::Rgb
        || profile.pcs != DataColorSpace::Xyz
        || profile.lut_a_to_b_perceptual.is_some()
        || profile.lut_a_to_b_colorimetric.is_some()
    {
        return false;
    }
    let srgb = ColorProfile::new_srgb();
    let close = |a: Xyzd, b: Xyzd| {
        [(a.x, b.x), (a.y, b.y), (a.z, b.z)]
            .iter()
            .all(|(a, b)| (a - b).abs() < 0.0005)
    };
    let has_its_curve = |curve: &Option<ToneReprCurve>| {
        let Some(curve) = curve.as_ref().and_then(|curve| curve.make_linear_evaluator().ok()) else {
            return false;
        };
        // A third of a level.
        (0..=255u8)
            .map(|level| f32::from(level) / 255.0)
            .all(|v| (srgb_encode(curve.evaluate_value(v)) - v).abs() < 0.0013)
    };
    close(profile.red_colorant, srgb.red_colorant)
        && close(profile.green_colorant, srgb.green_colorant)
        && close(profile.blue_colorant, srgb.blue_colorant)
        && [&profile.red_trc, &profile.green_trc, &profile.blue_trc]
            .into_iter()
            .all(has_its_curve)
}

/// A transform to sRGB in 16 bits. The 8-bit one truncates where it should round.
pub(super) fn transform(profile: &ColorProfile, layout: Layout) -> Option<Arc<Transform16BitExecutor>> {
    let mut widened = ColorProfile::default();
    let profile = match &profile.lut_a_to_b_perceptual {
        Some(LutWarehouse::Lut(lut)) if profile.pcs == DataColorSpace::Lab && lut.lut_type == LutType::Lut8 => {
            widened.clone_from(profile);
            widened.lut_a_to_b_perceptual = Some(LutWarehouse::Lut(widen(lut)?));
            &widened
        }
        _ => profile,
    };
    let options = TransformOptions {
        prefer_fixed_point: false,
        allow_use_cicp_transfer: false,
        ..TransformOptions::default()
    };
    profile
        .create_transform_16bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, options)
        .ok()
}

/// A table of 8 bits as one of 16. Lab of 8 bits ends at 255, of 16 bits at 0xff00 (ICC.1:2022, tables 42 and 43); the
/// library takes both for the latter, which makes greys greenish.
fn widen(lut: &LutDataType) -> Option<LutDataType> {
    let times = |store: &LutStore, factor: u16| match store {
        LutStore::Store8(table) => Some(LutStore::Store16(
            table.iter().map(|&v| u16::from(v) * factor).collect(),
        )),
        LutStore::Store16(_) => None,
    };
    Some(LutDataType {
        input_table: times(&lut.input_table, 257)?,
        clut_table: times(&lut.clut_table, 257)?,
        output_table: times(&lut.output_table, 256)?,
        lut_type: LutType::Lut16,
        ..lut.clone()
    })
}

/// The profile's description, at most 80 characters; empty if it has none that can be read.
pub(crate) fn icc_name(icc: &[u8]) -> String {
    let description = catch_unwind(AssertUnwindSafe(|| ColorProfile::new_from_slice(icc).ok()?.description))
        .ok()
        .flatten();
    let text = match description {
        Some(ProfileText::PlainString(text)) => text,
        Some(ProfileText::Localizable(texts)) => texts.into_iter().next().map(|text| text.value).unwrap_or_default(),
        Some(ProfileText::Description(texts)) if texts.ascii_string.is_empty() => texts.unicode_string,
        Some(ProfileText::Description(texts)) => texts.ascii_string,
        None => String::new(),
    };
    text.chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Transfer characteristics whose curve counts as that of sRGB.
fn has_srgb_curve(transfer: u8) -> bool {
    matches!(transfer, 1 | 2 | 6 | 13 | 14 | 15)
}

/// Whether code points mean sRGB, or nothing that is known.
pub(crate) fn cicp_is_srgb(primaries: u8, transfer: u8) -> bool {
    (matches!(primaries, 1 | 2) && has_srgb_curve(transfer))
        || !matches!(primaries, 1 | 2 | 4..=12 | 22)
        || !matches!(transfer, 1 | 2 | 4..=18)
}

/// Prepares the conversion by code points of ITU-T H.273.
pub(crate) fn from_cicp(primaries: u8, transfer: u8) -> Option<Conversion> {
    if cicp_is_srgb(primaries, transfer) {
        return None;
    }
    if let Some(hdr) = HdrToSrgb::new(known_primaries(primaries), transfer) {
        return Some(Conversion::Hdr(hdr));
    }
    catch_unwind(|| transform(&described_by_cicp(primaries, transfer)?, Layout::Rgb))
        .ok()
        .flatten()
        .map(Conversion::Rgb)
}

/// An ICC profile that says the same as code points; `None` for high dynamic range, which profiles of old readers
/// cannot say.
pub(crate) fn profile_of_cicp(primaries: u8, transfer: u8) -> Option<Vec<u8>> {
    if cicp_is_srgb(primaries, transfer) || matches!(transfer, 16 | 18) {
        return None;
    }
    catch_unwind(|| written(described_by_cicp(primaries, transfer)?))
        .ok()
        .flatten()
}

/// Code point 2 is "unspecified".
fn known_primaries(primaries: u8) -> u8 {
    if primaries == 2 { 1 } else { primaries }
}

fn described_by_cicp(primaries: u8, transfer: u8) -> Option<ColorProfile> {
    let transfer = if has_srgb_curve(transfer) { 13 } else { transfer };
    Some(ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(known_primaries(primaries)).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    }))
}

/// The bytes of a profile that readers agree on: without the code points, which some would follow instead of its
/// curves.
fn written(mut profile: ColorProfile) -> Option<Vec<u8>> {
    profile.cicp = None;
    let bytes = profile.encode().ok()?;
    matches!(from_icc(&bytes), IccMeaning::Converts(_)).then_some(bytes)
}

/// The primaries of sRGB: white, red, green, blue.
const SRGB: [[f64; 2]; 4] = [[0.3127, 0.3290], [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];

/// Whether a gamma of PNG and its chromaticities say sRGB: 1/2.2 and sRGB's primaries are what writers put beside, or
/// instead of, an sRGB chunk.
pub(crate) fn gamma_is_srgb(gamma: f64, chromaticities: Option<[[f64; 2]; 4]>) -> bool {
    let close = |c: [[f64; 2]; 4]| {
        c.iter()
            .flatten()
            .zip(SRGB.iter().flatten())
            .all(|(a, b)| (a - b).abs() < 0.002)
    };
    (gamma - 1.0 / 2.2).abs() < 0.005 && chromaticities.is_none_or(close)
}

/// Prepares the conversion by a PNG's gamma and chromaticities.
///
/// Without chromaticities only the exponent is changed, to 1/2.2, the display that browsers assume for such files. With
/// them the samples go through linear light to sRGB.
pub(crate) fn from_gamma(gamma: f64, chromaticities: Option<[[f64; 2]; 4]>) -> Option<Conversion> {
    // Outside lies no curve of any device, and the tables of a transform would overflow.
    if gamma_is_srgb(gamma, chromaticities) || !(0.05..=20.0).contains(&gamma) {
        return None;
    }
    let Some(chromaticities) = chromaticities else {
        return Some(Conversion::Power(1.0 / (gamma * 2.2)));
    };
    catch_unwind(|| transform(&described_by_gamma(gamma, chromaticities)?, Layout::Rgb))
        .ok()
        .flatten()
        .map(Conversion::Rgb)
}

/// An ICC profile that says the same as a PNG's gamma and chromaticities.
pub(crate) fn profile_of_gamma(gamma: f64, chromaticities: [[f64; 2]; 4]) -> Option<Vec<u8>> {
    catch_unwind(|| written(described_by_gamma(gamma, chromaticities)?))
        .ok()
        .flatten()
}

fn described_by_gamma(gamma: f64, chromaticities: [[f64; 2]; 4]) -> Option<ColorProfile> {
    let [white, red, green, blue] = chromaticities;
    if [white, red, green, blue]
        .iter()
        .any(|&[x, y]| !(x.is_finite() && y > 0.0 && x >= 0.0 && x + y <= 1.0))
    {
        return None;
    }
    let xy = |[x, y]: [f64; 2]| Chromaticity {
        x: x as f32,
        y: y as f32,
    };
    let mut profile = ColorProfile::new_srgb();
    profile.update_rgb_colorimetry(
        XyY {
            x: white[0],
            y: white[1],
            yb: 1.0,
        },
        ColorPrimaries {
            red: xy(red),
            green: xy(green),
            blue: xy(blue),
        },
    );
    let curve = ToneReprCurve::Parametric(vec![(1.0 / gamma) as f32]);
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    Some(profile)
}
