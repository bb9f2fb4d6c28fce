//! The samples of a JPEG that is a part of another file: a strip or a tile of a TIFF.

use calotype_plan::{Limits, Size};

use super::markers::{Coding, Structure};
use super::sys::{Decompressor, Samples};
use crate::{Budget, CodecError, Reservation};

/// Samples of a JPEG, 8 bits each, interleaved.
#[derive(Debug)]
pub(crate) struct RawSamples {
    /// Width of the stream, and the rows that were asked for.
    pub(crate) size: Size,
    /// Samples of a pixel: 1, 3 or 4.
    pub(crate) channels: usize,
    /// Rows without padding.
    pub(crate) data: Vec<u8>,
    _charged: Reservation,
}

/// Decodes a JPEG to its samples: grey, three channels, or four as they are stored. Three channels are converted from
/// YCbCr to RGB unless an Adobe segment says that they are RGB.
///
/// `needed` is what must be there. Rows behind it are not read; columns may go on to `width_max`.
///
/// `work` adds up pixels times passes over several parts, and is bounded by `limits`.
///
/// # Errors
/// As for whole files.
pub(crate) fn decode_samples(
    bytes: &[u8],
    needed: Size,
    width_max: u32,
    work: &mut u64,
    limits: &Limits,
    budget: &Budget,
) -> Result<RawSamples, CodecError> {
    let structure = Structure::read_whole(bytes, limits)?;
    let frame = structure.frame()?;
    if frame.coding == Coding::Other {
        return Err(CodecError::unsupported("JPEG in a lossless or hierarchical coding"));
    }
    if frame.precision != 8 {
        return Err(CodecError::unsupported("JPEG with more than 8 bits"));
    }
    let channels = frame.components.len();
    if !matches!(channels, 1 | 3 | 4) {
        return Err(CodecError::unsupported("JPEG with this number of components"));
    }
    let size = Size::new(frame.size.width, needed.height);
    if size.width < needed.width || frame.size.height < needed.height {
        return Err(CodecError::corrupt("a JPEG inside does not fill its place"));
    }
    if size.width > width_max {
        return Err(CodecError::corrupt("a JPEG inside is larger than its place"));
    }
    let scans = u64::from(structure.scans);
    if scans > u64::from(limits.scans_max) {
        return Err(CodecError::limit(
            "number of passes in the progressive JPEG",
            scans,
            u64::from(limits.scans_max),
        ));
    }
    // The library works in rows unless several scans have to be put together.
    let in_passes = frame.coding == Coding::Progressive || scans > 1;
    *work = work.saturating_add(scans.saturating_mul(if in_passes { frame.size.area() } else { size.area() }));
    if *work > limits.scan_area_px_max {
        return Err(CodecError::limit(
            "work of the progressive JPEG, in pixels times passes,",
            *work,
            limits.scan_area_px_max,
        ));
    }
    let _coefficients = if in_passes {
        Some(budget.reserve(structure.coefficient_bytes())?)
    } else {
        None
    };
    let bytes_all = size.area().saturating_mul(channels as u64);
    let charged = budget.reserve(bytes_all)?;
    let length = usize::try_from(bytes_all).map_err(|_| CodecError::corrupt("its rows are too long"))?;

    let mut library = Decompressor::open(bytes)?;
    let started = library.start(1, if channels == 4 { Samples::Cmyk } else { Samples::Rgb })?;
    if started != frame.size {
        return Err(CodecError::corrupt("its frame header changes"));
    }
    let mut data = vec![0; length];
    let width = started.width as usize;
    if channels == 1 {
        // The library makes three equal channels of grey.
        let mut row = vec![0; width * 3];
        for out in data.chunks_exact_mut(width) {
            library.read_rows(&mut row, width * 3)?;
            out.iter_mut()
                .zip(row.as_chunks::<3>().0)
                .for_each(|(to, from)| *to = from[0]);
        }
    } else {
        library.read_rows(&mut data, width * channels)?;
    }
    // As for whole files: damage within is passed over, data that just ends is not.
    let has_end = structure.has_end || bytes.ends_with(&[0xff, 0xd9]);
    if !has_end && library.ran_dry() {
        return Err(CodecError::corrupt("the file ends before the picture does"));
    }
    Ok(RawSamples {
        size,
        channels,
        data,
        _charged: charged,
    })
}
