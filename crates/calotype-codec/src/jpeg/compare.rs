//! The planes of a JPEG by our decoder and by libjpeg, side by side: for the tests, the measurement
//! (`examples/jpeg_decode.rs`) and the fuzzer.

use super::baseline::{Baseline, Receiver, Stop};
use super::sys::Decompressor;
use crate::{Budget, CodecError};

/// Decodes with our decoder at 1/`scale`, and gives width and height of each plane. None where it leaves the file to
/// libjpeg, for its kind or for something irregular.
///
/// # Errors
/// Those of `rows`.
#[doc(hidden)]
pub fn jpeg_planes_ours(
    bytes: &[u8],
    scale: u8,
    rows: &mut Receiver<'_>,
) -> Result<Option<Vec<(u32, u32)>>, CodecError> {
    let Some(decoder) = Baseline::open(bytes, scale) else {
        return Ok(None);
    };
    let _charged = Budget::unlimited().reserve(decoder.working_bytes())?;
    let shapes = decoder.shapes().iter().map(|s| (s.width, s.height)).collect();
    match decoder.decode(rows) {
        Ok(()) => Ok(Some(shapes)),
        Err(Stop::Irregular) => Ok(None),
        Err(Stop::Sink(error)) => Err(error),
    }
}

/// Decodes with libjpeg at 1/`scale`, and gives width and height of each plane, and how often the library complained.
///
/// # Errors
/// Those of `rows`, and what libjpeg does not decode at all.
#[doc(hidden)]
pub fn jpeg_planes_libjpeg(
    bytes: &[u8],
    scale: u8,
    rows: &mut Receiver<'_>,
) -> Result<(Vec<(u32, u32)>, u32), CodecError> {
    let mut library = Decompressor::open(bytes)?;
    let mut strips = library.start_planes(scale)?;
    let shapes: Vec<_> = strips.iter().map(|strip| (strip.width, strip.height)).collect();
    let mut left: Vec<_> = strips.iter().map(|strip| strip.height as usize).collect();
    while left.iter().any(|&rows| rows > 0) {
        library.read_planes(&mut strips)?;
        for (plane, (strip, left)) in strips.iter().zip(&mut left).enumerate() {
            for row in strip.samples.chunks(strip.stride).take(strip.rows.min(*left)) {
                rows(plane, row.get(..strip.width as usize).unwrap_or(row))?;
            }
            *left = left.saturating_sub(strip.rows);
        }
    }
    library.finish()?;
    Ok((shapes, library.warnings()))
}
