//! Printing inks to sRGB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform16BitExecutor};

use super::{cache, convert, narrow};
use crate::CodecError;

/// A conversion of CMYK samples (255 is full ink) to sRGB: by a profile if there is one for four inks, else by the
/// naive formula `(255 - ink) * (255 - black) / 255`, as Pillow and browsers without colour management do.
pub(crate) struct CmykToSrgb(Option<Arc<Transform16BitExecutor>>);

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
            // Four channels are four channels: the transform reads inks where it says RGBA.
            convert::transform(&profile, Layout::Rgba)
        };
        let caught = |icc: &[u8]| catch_unwind(AssertUnwindSafe(|| prepare(icc))).ok().flatten();
        Self(icc.and_then(|icc| cache::inks(icc, caught)))
    }

    /// Converts a row: `cmyk` has 4 bytes per pixel, `rgb` 3.
    pub(crate) fn convert(&self, cmyk: &[u8], rgb: &mut [u8]) -> Result<(), CodecError> {
        let Some(transform) = &self.0 else {
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
            catch_unwind(AssertUnwindSafe(|| transform.transform(inks, light)))
                .map_err(|_| failed())?
                .map_err(|_| failed())?;
            rgb.iter_mut()
                .zip(light.iter())
                .for_each(|(to, &from)| *to = narrow(from));
        }
        Ok(())
    }
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
}
