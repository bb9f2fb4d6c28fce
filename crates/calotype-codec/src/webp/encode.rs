//! Writing WebP: lossy by libwebp's method 2, or lossless.

use calotype_plan::Size;

use super::{SIDE_PX_MAX, container, sys};
use crate::{Budget, Chroma, CodecError, Layout, OutputMetadata, Picture, Range, YccPicture};

/// Method 2 takes 11 to 14 ms where method 4 takes 28 to 34, for 2 to 5 % more bytes at equal SSIMULACRA2 (ten photographs of 800 pixels). Nothing cheap wins
/// that back: other strengths of `sns` and of the filter, fewer segments and a second pass all cost bytes or save them on half of the
/// photographs alone. Alpha is always lossless.
const LOSSY_METHOD: u8 = 2;

/// From this quality on chroma is halved with care, at the price of a second encode's time: what is lost otherwise cannot be bought back with bytes. JPEG
/// does not halve it at all from here on.
const SHARP_CHROMA_QUALITY: u8 = 90;

/// Whether chroma of lossy pictures is halved by libwebp itself with a look at luma, which needs the whole colours.
pub(crate) const fn halves_with_care(quality: u8) -> bool {
    quality >= SHARP_CHROMA_QUALITY
}

const SHARP_CHROMA_BYTES_PER_PX: u64 = 16;

/// Effort 30 of 100 at method 3: libwebp's own lossless preset 3 of 9.
const LOSSLESS_METHOD: u8 = 3;
const LOSSLESS_EFFORT: f32 = 30.0;

/// Library, and every setting that changes bytes.
pub(super) const VERSION: &str = "libwebp-sys 0.14.4, lossy m2 quality table 1 sharp yuv from q90, lossless m3 e30 exact, animated by changed blocks of 8";

/// Bytes of working memory per pixel: the 4:2:0 planes and the coefficients kept per macroblock for a lossy picture; the pixels twice, the hash chain
/// and up to four lists of references for a lossless one (34 measured on noise), and for alpha, which is coded by the same code (25 measured).
const LOSSY_BYTES_PER_PX: u64 = 8;
const ALPHA_BYTES_PER_PX: u64 = 32;
const LOSSLESS_BYTES_PER_PX: u64 = 48;
const STATE_BYTES: u64 = 1 << 20;

/// Encodes a picture. `quality` is libwebp's, 1 to 100, for lossy pictures. A lossless picture is exact in every sample, also the colours under full
/// transparency: whoever asks for lossless may composite again later, and what those colours cost is seldom much.
pub(crate) fn encode(
    picture: &Picture,
    quality: u8,
    lossless: bool,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    let size = picture.size();
    check_size(size)?;
    let settings = settings(quality, lossless);
    let sharp_bytes = u64::from(settings.sharp_chroma) * SHARP_CHROMA_BYTES_PER_PX;
    let _sharp = budget.reserve(size.area().saturating_mul(sharp_bytes))?;
    let _working = budget.reserve(working_bytes(size, picture.layout(), lossless))?;
    let encoded = sys::encode(picture.data(), size, picture.layout(), settings)?;
    container::with_metadata(
        encoded,
        size,
        metadata.icc.as_deref(),
        metadata.exif.as_deref(),
        metadata.xmp.as_deref(),
    )
}

/// Encodes planes, lossy; below quality 90 they look as well as the colours they came from. Limited range and half chroma go in as they are; what is otherwise is brought there first.
pub(crate) fn encode_planes(
    picture: &YccPicture,
    quality: u8,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    let size = picture.size();
    check_size(size)?;
    let reshaped = picture.reshaped(Chroma::Half, Range::Limited, budget)?;
    let picture = reshaped.as_ref().unwrap_or(picture);
    let _working = budget.reserve(working_bytes(size, Layout::Rgb, false))?;
    let planes = [0, 1, 2].map(|plane| picture.plane(plane));
    let encoded = sys::encode_planes(planes, size, frame_settings(quality, false))?;
    container::with_metadata(
        encoded,
        size,
        metadata.icc.as_deref(),
        metadata.exif.as_deref(),
        metadata.xmp.as_deref(),
    )
}

/// Refuses what is larger than the format.
pub(super) fn check_size(size: Size) -> Result<(), CodecError> {
    if size.longest() > SIDE_PX_MAX {
        return Err(CodecError::encode(format!(
            "WebP holds at most {SIDE_PX_MAX} pixels on a side, and this picture is {size}; choose another format or a smaller size"
        )));
    }
    Ok(())
}

/// What libwebp takes while it encodes a picture.
pub(super) fn working_bytes(size: Size, layout: Layout, lossless: bool) -> u64 {
    let per_px = match (lossless, layout) {
        (true, _) => LOSSLESS_BYTES_PER_PX,
        (false, Layout::Rgb) => LOSSY_BYTES_PER_PX,
        (false, Layout::Rgba) => LOSSY_BYTES_PER_PX + ALPHA_BYTES_PER_PX,
    };
    size.area().saturating_mul(per_px).saturating_add(STATE_BYTES)
}

/// Where our quality and libwebp's look about the same as a JPEG of ours: within 3 points of its SSIMULACRA2 score, in the median over ten photographs of
/// 800 pixels, with the settings of this file (`bench/report/quality.md`). From 80 on it is the lower end of that, because there WebP needs as many bytes as
/// JPEG for the same score: its chroma is halved and its range limited, which JPEG's is not from 90 on.
const FIDELITIES: [(u8, f32); 12] = [
    (0, 0.0),
    (10, 2.0),
    (20, 7.0),
    (35, 27.0),
    (50, 43.0),
    (60, 54.0),
    (70, 72.0),
    (80, 81.0),
    (85, 86.0),
    (90, 94.0),
    (95, 98.0),
    (100, 100.0),
];

/// libwebp's quality for ours: linear between the measured points.
fn fidelity(quality: u8) -> f32 {
    let points = FIDELITIES.iter().zip(FIDELITIES.iter().skip(1));
    for (&(from, low), &(to, high)) in points {
        if quality <= to {
            let along = f32::from(quality.saturating_sub(from)) / f32::from(to - from);
            return low + (high - low) * along;
        }
    }
    100.0
}

/// What libwebp is asked to do for a frame of an animation, or for planes: chroma is halved by a mean.
pub(super) fn frame_settings(quality: u8, lossless: bool) -> sys::Settings {
    sys::Settings {
        sharp_chroma: false,
        ..settings(quality, lossless)
    }
}

/// What libwebp is asked to do for a picture.
fn settings(quality: u8, lossless: bool) -> sys::Settings {
    sys::Settings {
        quality: if lossless { LOSSLESS_EFFORT } else { fidelity(quality) },
        method: if lossless { LOSSLESS_METHOD } else { LOSSY_METHOD },
        lossless,
        sharp_chroma: !lossless && quality >= SHARP_CHROMA_QUALITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_falls_on_the_measured_points_and_rises_between_them() {
        assert!(
            FIDELITIES
                .iter()
                .all(|&(quality, expected)| (fidelity(quality) - expected).abs() < 1e-4)
        );
        assert!((0..100).all(|quality| fidelity(quality) < fidelity(quality + 1)));
        let ends = [fidelity(0), fidelity(100), fidelity(255)];
        assert!(
            ends.iter()
                .zip([0.0, 100.0, 100.0])
                .all(|(found, end): (&f32, f32)| (found - end).abs() < 1e-4),
            "{ends:?}"
        );
        let is_sharp = |quality, lossless| settings(quality, lossless).sharp_chroma;
        assert_eq!(
            [is_sharp(89, false), is_sharp(90, false), is_sharp(90, true)],
            [false, true, false]
        );
        // By hand, from (70, 72) to (80, 81).
        assert!((fidelity(75) - 76.5).abs() < 1e-4);
    }
}
