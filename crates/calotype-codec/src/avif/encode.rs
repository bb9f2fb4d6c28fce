//! Writing AVIF: which settings for which picture.

use std::ffi::CStr;
use std::sync::LazyLock;

use calotype_plan::Size;

use super::aom::{self, Settings, Source, Use};
use super::library::{Generation, library};
use super::mux::{self, Stream};
use super::planes::Planes;
use super::rav1d;
use crate::{Budget, Chroma, CodecError, OutputMetadata, Picture, Range, YccPicture};

/// Library, and every setting that changes bytes; as long as the process lives it is the same.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let library = library();
        let picture = options(library.generation, Use::Picture).iter();
        let picture: Vec<_> = picture
            .map(|(name, value)| format!("{} {}", name.to_string_lossy(), value.to_string_lossy()))
            .collect();
        format!(
            "{}, all-intra s{SPEED_SMALL}/s{SPEED} at {SMALL_PX} px, {}, quality table 2, 4:2:0 bt601 full, alpha q{ALPHA_QUANTIZER} psnr",
            library.version,
            picture.join(" ")
        )
    });
    &VERSION
}

/// Pixels up to which the slower and better speed is used.
const SMALL_PX: u64 = 250_000;

/// libaom's speeds for small pictures and for large ones. Measured on three photographs of 800 pixels, milliseconds on one core, and bytes at a score of 70
/// against libaom 3.11, speed 6, `tune=ssim`; sharp 0.35 at its defaults takes 1,350 ms and writes 12 % less than that:
///
/// | speed | built in | 3.12, iq | 3.14, ssimulacra2 |
/// |---|---|---|---|
/// | 6 | 190, -5 % | | 220, -7 % |
/// | 7 | 130, +2 % | 125, 0 % | 130, -1 % |
/// | 8 | 90, +6 % | 84, +6 % | 75, +4 % |
///
/// Speed 8 of 3.11 moreover uses palettes where they make flat pictures twice as large.
const SPEED_SMALL: u8 = 6;
const SPEED: u8 = 7;

/// What is set beside speed and quantizer, by the names of libaom's command line.
///
/// What is built in has no tuning for still pictures, but two parts of what later versions do by it: quantisation matrices, and their use in the measure
/// of distortion. At equal SSIMULACRA2 they save 5 to 8 %. Of the matrices, 6 saves as much as any range from 60 to 85 points and loses least above. Neither
/// sharpness, delta-q, adaptive quantisation nor 4:4:4 saves anything, and loop restoration and CDEF are off at these speeds.
pub(super) const fn options(generation: Generation, of: Use) -> &'static [(&'static CStr, &'static CStr)] {
    match (of, generation) {
        (Use::Mask, _) => &[(c"tune", c"psnr")],
        (Use::Picture, Generation::BuiltIn) => &[
            (c"tune", c"ssim"),
            (c"enable-qm", c"1"),
            (c"qm-min", c"6"),
            (c"qm-max", c"6"),
            (c"dist-metric", c"qm-psnr"),
        ],
        (Use::Picture, Generation::Iq) => &[(c"tune", c"iq")],
        (Use::Picture, Generation::Ssimulacra2) => &[(c"tune", c"ssimulacra2")],
    }
}

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
    let library = library();
    let speed = speed(size);
    let of_color = color_settings(library.generation, size, quality);
    let color = aom::encode(library, Planes::color(picture).source(), of_color)?;
    let alpha = if picture.has_transparency() {
        let of_alpha = Settings {
            quantizer: ALPHA_QUANTIZER,
            speed,
            of: Use::Mask,
        };
        Some(aom::encode(library, Planes::alpha(picture).source(), of_alpha)?)
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
    let library = library();
    let color = aom::encode(library, source, color_settings(library.generation, size, quality))?;
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

fn color_settings(generation: Generation, size: Size, quality: u8) -> Settings {
    Settings {
        quantizer: quantizer(generation, quality),
        speed: speed(size),
        of: Use::Picture,
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

/// Where a quality and a quantizer of libaom give the same SSIMULACRA2 score as our JPEG of that quality: medians over ten photographs of 800 pixels, with
/// the settings of this file (`bench/report/quality.md`). Equal numbers so look about equal, as readers of one `quality` option expect. The ends are
/// the format's, but for 0, which would be lossless coding of halved chroma: many bytes for nothing that can be seen.
const fn quantizers(generation: Generation) -> &'static [(u8, u8)] {
    match generation {
        Generation::BuiltIn => &[
            (1, 63),
            (10, 57),
            (20, 46),
            (35, 37),
            (50, 32),
            (60, 30),
            (70, 25),
            (80, 16),
            (85, 12),
            (90, 3),
            (95, 2),
            (100, 1),
        ],
        Generation::Iq => &[
            (1, 63),
            (10, 62),
            (20, 53),
            (35, 44),
            (50, 40),
            (60, 38),
            (70, 34),
            (80, 28),
            (85, 23),
            (90, 7),
            (95, 2),
            (100, 1),
        ],
        Generation::Ssimulacra2 => &[
            (1, 63),
            (10, 62),
            (20, 53),
            (35, 44),
            (50, 40),
            (60, 38),
            (70, 34),
            (80, 29),
            (85, 23),
            (90, 8),
            (95, 2),
            (100, 1),
        ],
    }
}

/// libaom's quantizer, 1 to 63, for a quality of 1 to 100: linear between the measured points, rounded to nearest.
fn quantizer(generation: Generation, quality: u8) -> u8 {
    let points = quantizers(generation);
    let quality = quality.clamp(1, 100);
    for (&(from, coarse), &(to, fine)) in points.iter().zip(points.iter().skip(1)) {
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

    const ALL: [Generation; 3] = [Generation::BuiltIn, Generation::Iq, Generation::Ssimulacra2];

    #[test]
    fn quality_falls_on_the_measured_points_and_never_rises_with_the_quantizer() {
        for generation in ALL {
            let points = quantizers(generation);
            assert!(
                points
                    .iter()
                    .all(|&(quality, expected)| quantizer(generation, quality) == expected)
            );
            assert!((1..100).all(|quality| quantizer(generation, quality + 1) <= quantizer(generation, quality)));
            // What is out of range counts as the end; nothing is coded without loss.
            assert_eq!((quantizer(generation, 0), quantizer(generation, 255)), (63, 1));
        }
    }

    #[test]
    fn quality_between_two_points_is_between_their_quantizers() {
        // By hand, from (50, 32) to (60, 30) and from (70, 25) to (80, 16): 55 is 31, 75 is 20.5, which falls to 20; 72 is 23.2.
        let found = [55, 75, 72].map(|quality| quantizer(Generation::BuiltIn, quality));
        assert_eq!(found, [31, 20, 23]);
    }

    #[test]
    fn the_speed_follows_from_the_size() {
        assert_eq!((speed(Size::new(500, 500)), speed(Size::new(500, 501))), (6, 7));
    }

    #[test]
    fn the_version_says_which_library_and_which_settings() {
        let version = version();
        assert!(version.contains(&library().version), "{version}");
        assert!(version.contains("tune "), "{version}");
    }
}
