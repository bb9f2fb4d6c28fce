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
    let planes = library.start_planes(scale)?;
    let mut buffers = planes.buffers();
    let mut left: Vec<_> = planes.shapes.iter().map(|shape| shape.size.height).collect();
    for _ in 0..planes.turns() {
        library.read_planes(&planes, &mut buffers)?;
        let shapes = planes.shapes.iter().zip(&buffers).zip(&mut left).enumerate();
        for (plane, ((shape, buffer), left)) in shapes {
            let count = shape.rows.min(*left);
            for row in buffer.chunks_exact(shape.stride as usize).take(count as usize) {
                rows(plane, row.get(..shape.size.width as usize).unwrap_or(row))?;
            }
            *left -= count;
        }
    }
    library.finish()?;
    let sizes = planes.shapes.iter().map(|shape| (shape.size.width, shape.size.height));
    Ok((sizes.collect(), library.warnings()))
}
