//! Writing AVIF: which settings for which picture.

use calotype_plan::Size;

use super::aom::{self, Settings, Source, Tune};
use super::mux::{self, Stream};
use super::planes::Planes;
use super::rav1d;
use crate::{Budget, Chroma, CodecError, OutputMetadata, Picture, Range, YccPicture};

/// Libraries, and every setting that changes bytes.
pub(super) const VERSION: &str = "libaom-sys 0.17.2+libaom.3.11.0, all-intra s6/s8 at 250000 px, tune ssim, jpeg-like q, 4:2:0 bt601 full, alpha q4 psnr";

/// Pixels up to which the slower and better speed is used. Measured at 800x600: speed 6 takes 200 to 250 ms, speed 8 73 to 87 ms for 5 % more bytes; so
/// up to here either stays near 100 ms.
const SMALL_PX: u64 = 250_000;
const SPEED_SMALL: u8 = 6;
const SPEED: u8 = 8;

/// Flat parts of a mask stay exact and soft edges are off by a level or two.
const ALPHA_QUANTIZER: u8 = 4;

/// The format's own limit on a side, in pixels: sizes are stored in 16 bits.
const SIDE_PX_MAX: u32 = 65_535;

/// Bytes that the encoder holds per pixel (source and reconstruction with borders, statistics per block), and at least.
const ENCODER_BYTES_PER_PX: u64 = 32;
const ENCODER_BYTES: u64 = 16 << 20;

/// Encodes a picture. A picture that is opaque everywhere is written without a mask.
pub(crate) fn encode(
    picture: &Picture,
    quality: u8,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    let size = picture.size();
    check_size(size)?;
    let _working = budget.reserve(encoder_bytes(size).saturating_add(Planes::bytes(size)))?;
    let color = aom::encode(Planes::color(picture).source(), color_settings(size, quality))?;
    let alpha = if picture.has_transparency() {
        Some(aom::encode(
            Planes::alpha(picture).source(),
            Settings {
                quantizer: ALPHA_QUANTIZER,
                speed: speed(size),
                tune: Tune::Psnr,
            },
        )?)
    } else {
        None
    };
    mux::file(
        size,
        stream(&color)?,
        alpha.as_deref().map(stream).transpose()?,
        metadata,
    )
}

/// Encodes planes. Full range and half chroma go in as they are; what is otherwise is brought there first.
pub(crate) fn encode_planes(
    picture: &YccPicture,
    quality: u8,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    let size = picture.size();
    check_size(size)?;
    let reshaped = picture.reshaped(Chroma::Half, Range::Full, budget)?;
    let picture = reshaped.as_ref().unwrap_or(picture);
    let _working = budget.reserve(encoder_bytes(size))?;
    let source = Source {
        size,
        luma: picture.plane(0),
        chroma: Some([picture.plane(1), picture.plane(2)]),
    };
    let color = aom::encode(source, color_settings(size, quality))?;
    mux::file(size, stream(&color)?, None, metadata)
}

/// Refuses what is larger than the format.
fn check_size(size: Size) -> Result<(), CodecError> {
    if size.longest() > SIDE_PX_MAX {
        return Err(CodecError::encode(format!(
            "AVIF holds at most {SIDE_PX_MAX} pixels on a side, and this picture is {size}; choose another format or a smaller size"
        )));
    }
    Ok(())
}

/// What libaom takes while it encodes a picture.
fn encoder_bytes(size: Size) -> u64 {
    size.area()
        .saturating_mul(ENCODER_BYTES_PER_PX)
        .saturating_add(ENCODER_BYTES)
}

fn color_settings(size: Size, quality: u8) -> Settings {
    Settings {
        quantizer: quantizer(quality),
        speed: speed(size),
        tune: Tune::Ssim,
    }
}

fn stream(data: &[u8]) -> Result<Stream<'_>, CodecError> {
    let sequence = rav1d::sequence(data).map_err(|_| CodecError::encode("the AVIF encoder failed"))?;
    Ok(Stream { data, sequence })
}

/// Follows from the size alone, so that bytes depend on nothing else.
fn speed(size: Size) -> u8 {
    if size.area() <= SMALL_PX { SPEED_SMALL } else { SPEED }
}

/// Where a quality and a quantizer of libaom give the same SSIMULACRA2 score as a JPEG of that quality (libjpeg's tables, 4:2:0): means over three
/// photographs of 640x480, with the settings of this file. Equal numbers so look about equal, as readers of one `quality` option expect; libavif's own
/// line, `(100 - quality) * 63 / 100`, gives less below 75 and more above 90. The ends are the format's, but for 0, which would be lossless coding of
/// halved chroma: many bytes for nothing that can be seen.
const QUANTIZERS: [(u8, u8); 9] = [
    (1, 63),
    (35, 33),
    (50, 28),
    (70, 21),
    (80, 16),
    (85, 13),
    (90, 10),
    (95, 6),
    (100, 1),
];

/// libaom's quantizer, 1 to 63, for a quality of 1 to 100: linear between the measured points, rounded to nearest.
fn quantizer(quality: u8) -> u8 {
    let quality = quality.clamp(1, 100);
    for (&(from, coarse), &(to, fine)) in QUANTIZERS.iter().zip(QUANTIZERS.iter().skip(1)) {
        if quality <= to {
            let (span, along) = (u16::from(to - from), u16::from(quality - from));
            let fall = (2 * along * u16::from(coarse - fine) + span) / (2 * span);
            return coarse - u8::try_from(fall).unwrap_or(0);
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_falls_on_the_measured_points_and_never_rises_with_the_quantizer() {
        assert!(
            QUANTIZERS
                .iter()
                .all(|&(quality, expected)| quantizer(quality) == expected)
        );
        assert!((1..100).all(|quality| quantizer(quality + 1) <= quantizer(quality)));
        // Halfway from 85 to 90 is 11.5, from 1 to 35 it is 48; what is out of range counts as the end.
        assert_eq!(
            (quantizer(87), quantizer(18), quantizer(0), quantizer(255)),
            (12, 48, 63, 1)
        );
    }

    #[test]
    fn the_speed_follows_from_the_size() {
        assert_eq!((speed(Size::new(500, 500)), speed(Size::new(500, 501))), (6, 8));
    }
}
