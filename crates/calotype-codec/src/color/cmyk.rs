//! Printing inks to sRGB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, ProfileVersion, Transform16BitExecutor};

use super::hdr::{srgb_decode, srgb_encode};
use super::{cache, convert};
use crate::CodecError;

/// A conversion of CMYK samples (255 is full ink) to sRGB: by a profile if there is one for four inks, else by the
/// naive formula `(255 - ink) * (255 - black) / 255`, as Pillow and browsers without colour management do.
pub(crate) struct CmykToSrgb(Option<Arc<Inks>>);

impl std::fmt::Debug for CmykToSrgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = if self.0.is_some() { "profile" } else { "formula" };
        f.debug_tuple("CmykToSrgb").field(&by).finish()
    }
}

impl CmykToSrgb {
    /// Prepares the conversion. A profile that is broken, or for other samples, counts as none.
    pub(crate) fn new(icc: Option<&[u8]>) -> Self {
        let prepare = |icc: &[u8]| {
            let profile = ColorProfile::new_from_slice(icc).ok()?;
            if profile.color_space != DataColorSpace::Cmyk {
                return None;
            }
            Inks::new(&profile)
        };
        let caught = |icc: &[u8]| catch_unwind(AssertUnwindSafe(|| prepare(icc))).ok().flatten();
        Self(icc.and_then(|icc| cache::inks(icc, caught)))
    }

    /// Converts a row: `cmyk` has 4 bytes per pixel, `rgb` 3.
    pub(crate) fn convert(&self, cmyk: &[u8], rgb: &mut [u8]) -> Result<(), CodecError> {
        let Some(prepared) = &self.0 else {
            for (to, from) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(cmyk.as_chunks::<4>().0) {
                let light = 255 - u32::from(from[3]);
                *to = [from[0], from[1], from[2]].map(|ink| (((255 - u32::from(ink)) * light + 127) / 255) as u8);
            }
            return Ok(());
        };
        let failed = || CodecError::corrupt("its colour profile cannot be applied");
        let (mut inks, mut light) = ([0u16; 4 * 512], [0u16; 3 * 512]);
        for (cmyk, rgb) in cmyk.chunks(4 * 512).zip(rgb.chunks_mut(3 * 512)) {
            let (Some(inks), Some(light)) = (inks.get_mut(..cmyk.len()), light.get_mut(..rgb.len())) else {
                continue;
            };
            inks.iter_mut()
                .zip(cmyk)
                .for_each(|(to, &from)| *to = u16::from(from) * 257);
            catch_unwind(AssertUnwindSafe(|| prepared.transform.transform(inks, light)))
                .map_err(|_| failed())?
                .map_err(|_| failed())?;
            for (to, &from) in rgb.iter_mut().zip(light.iter()) {
                *to = prepared.levels.get(usize::from(from)).copied().unwrap_or(*to);
            }
        }
        Ok(())
    }
}

/// A profile's conversion, and what becomes of its black.
pub(crate) struct Inks {
    transform: Arc<Transform16BitExecutor>,
    /// Levels of 8 bits by samples of 16, with black where the darkest ink is.
    levels: Box<[u8]>,
}

impl Inks {
    /// `None` if the library cannot use the profile.
    fn new(profile: &ColorProfile) -> Option<Self> {
        // Four channels are four channels: the transform reads inks where it says RGBA.
        let transform = convert::transform(profile, Layout::Rgba)?;
        let black = black_point(profile, &transform);
        let levels = (0..=u16::MAX).map(|sample| level_above(black, sample)).collect();
        Some(Self { transform, levels })
    }
}

/// How much light the darkest ink reflects, where paper reflects 1. A profile of version 4 aims its perceptual table at a black that the format fixes
/// (ICC.1:2022, 6.3.3.3); of version 2, at any: all four inks printed tell, as LittleCMS reads them, which takes no more than a medium grey for a black.
fn black_point(profile: &ColorProfile, transform: &Arc<Transform16BitExecutor>) -> f32 {
    if (ProfileVersion::V4_0 as u32..=ProfileVersion::V4_4 as u32).contains(&(profile.version() as u32)) {
        return 0.003_473_1;
    }
    let mut darkest = [0u16; 3];
    if transform.transform(&[u16::MAX; 4], &mut darkest).is_err() {
        return 0.0;
    }
    let [red, green, blue] = darkest.map(|sample| srgb_decode(f32::from(sample) / 65_535.0));
    // 0.184 is L* 50.
    (0.212_6 * red + 0.715_2 * green + 0.072_2 * blue).clamp(0.0, 0.184)
}

/// Black point compensation (Adobe Systems' Implementation of Black Point Compensation, 2006; ISO 18619): light is scaled so that `black` becomes none and
/// white stays. Both blacks are neutral, so the scaling is one of each channel of linear sRGB.
fn level_above(black: f32, sample: u16) -> u8 {
    let light = (srgb_decode(f32::from(sample) / 65_535.0) - black) / (1.0 - black);
    (srgb_encode(light.clamp(0.0, 1.0)) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_profile_inks_take_away_light() {
        let conversion = CmykToSrgb::new(Some(b"no profile"));
        let mut rgb = [0; 12];
        conversion
            .convert(&[0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 100, 50, 0, 51], &mut rgb)
            .unwrap();
        // 155*204/255 = 124, 205*204/255 = 164, 204.
        assert_eq!(rgb, [255, 255, 255, 0, 255, 255, 0, 0, 0, 124, 164, 204]);
    }

    #[test]
    fn light_is_scaled_between_the_darkest_ink_and_white() {
        // Level 39 of sRGB is 2.029 % of light, 188 is 50.29 %; (0.5029 - 0.02029) / 0.97971 is 49.26 %, level 186.3.
        let black = srgb_decode(39.0 / 255.0);
        assert_eq!(
            [0, 20, 39, 188, 255].map(|level| level_above(black, level * 257)),
            [0, 0, 0, 186, 255]
        );
        assert!((0..=255u16).all(|level| u16::from(level_above(0.0, level * 257)) == level));
    }
}
