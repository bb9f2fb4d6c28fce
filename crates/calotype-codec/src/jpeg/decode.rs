//! JPEG to pixels.

use calotype_plan::{Limits, Size};

use super::deep;
use super::markers::{Coding, Structure};
use super::sys::{Decompressor, Samples};
use crate::color::CmykToSrgb;
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata};

/// Decodes at the wanted scale; files of more than 8 bits and lossless ones at full size. Grey becomes RGB; CMYK and YCCK become sRGB by their profile or the naive formula.
///
/// Damage inside the data is passed over as browsers do, but a file that ends before its picture is refused: half a
/// picture, grey below, must not be mistaken for a whole one.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let structure = Structure::read_whole(bytes, limits)?;
    let frame = structure.frame()?;
    if frame.coding == Coding::Other {
        return Err(CodecError::unsupported("JPEG in a hierarchical coding"));
    }
    let inks = match frame.components.len() {
        1 | 3 => false,
        4 => true,
        _ => return Err(CodecError::unsupported("JPEG with this number of components")),
    };
    let scans = u64::from(structure.scans);
    if scans > u64::from(limits.scans_max) {
        return Err(CodecError::limit(
            "number of passes in the progressive JPEG",
            scans,
            u64::from(limits.scans_max),
        ));
    }
    let work = scans.saturating_mul(frame.size.area());
    if work > limits.scan_area_px_max {
        return Err(CodecError::limit(
            "work of the progressive JPEG, in pixels times passes,",
            work,
            limits.scan_area_px_max,
        ));
    }
    if frame.coding == Coding::Lossless || frame.precision != 8 {
        return deep::decode(bytes, structure, request, limits, budget);
    }
    // The library works in rows unless several scans have to be put together.
    let _coefficients = if frame.coding == Coding::Progressive || scans > 1 {
        Some(budget.reserve(structure.coefficient_bytes())?)
    } else {
        None
    };
    let scale = match request.scale {
        8.. => 8,
        4..8 => 4,
        2..4 => 2,
        _ => 1,
    };
    let stored = header.size;
    let size = Size::new(
        stored.width.div_ceil(u32::from(scale)),
        stored.height.div_ceil(u32::from(scale)),
    );
    let mut picture = Picture::new(size, Layout::Rgb, [0; 4], budget)?;

    let mut library = Decompressor::open(bytes)?;
    let started = library.start(scale, if inks { Samples::Cmyk } else { Samples::Rgb })?;
    if started != size {
        return Err(CodecError::corrupt("its frame header changes"));
    }
    let icc = structure.icc();
    if inks {
        let conversion = CmykToSrgb::new(icc.as_deref());
        // All files hold inverted inks, as Photoshop began it; browsers, libvips and Pillow read them so with and without
        // the Adobe segment.
        let mut row = vec![0u8; size.width as usize * 4];
        for out in picture.rows_mut() {
            library.read_rows(&mut row, size.width as usize * 4)?;
            row.iter_mut().for_each(|ink| *ink = 255 - *ink);
            conversion.convert(&row, out)?;
        }
    } else {
        let stride = picture.stride();
        library.read_rows(picture.data_mut(), stride)?;
    }
    // Damaged data can look like a segment that swallows the end marker: then the very end tells.
    let has_end = structure.has_end || bytes.ends_with(&[0xff, 0xd9]);
    let complete =
        has_end || (!library.ran_dry() && (frame.coding == Coding::Sequential || structure.all_passes_came()));
    if !complete {
        return Err(CodecError::corrupt("the file ends before the picture does"));
    }
    drop(library);

    let bounded = |block: &[u8]| (block.len() <= limits.metadata_bytes_max).then(|| block.to_vec());
    let color = if inks {
        ColorSource::Srgb
    } else {
        icc.clone().map_or(ColorSource::Srgb, ColorSource::from_icc)
    };
    let metadata = SourceMetadata {
        exif: structure.exif.and_then(bounded),
        xmp: structure.xmp.and_then(bounded),
        iptc: structure.iptc(),
        icc: if inks { None } else { icc },
    };
    Ok(Decoded {
        picture,
        scale,
        color,
        metadata,
    })
}
