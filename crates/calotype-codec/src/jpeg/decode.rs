//! JPEG to pixels.

use calotype_plan::{Limits, Size};

use super::deep;
use super::markers::{Coding, Frame, Structure};
use super::sys::{Decompressor, Samples};
use crate::color::CmykToSrgb;
use crate::{
    Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, Reservation, SourceMetadata,
};

/// A file that has been looked through, and may be decoded.
pub(super) struct Checked<'a> {
    pub(super) structure: Structure<'a>,
    /// 1, 3 or 4.
    pub(super) components: usize,
    /// What the library keeps of a file in several passes.
    _coefficients: Option<Reservation>,
}

/// Reads the markers, checks them against the limits, and charges what the library will keep.
pub(super) fn check<'a>(bytes: &'a [u8], limits: &Limits, budget: &Budget) -> Result<Checked<'a>, CodecError> {
    let structure = Structure::read_whole(bytes, limits)?;
    let frame = structure.frame()?;
    if frame.coding == Coding::Other {
        return Err(CodecError::unsupported("JPEG in a hierarchical coding"));
    }
    let components = frame.components.len();
    if !matches!(components, 1 | 3 | 4) {
        return Err(CodecError::unsupported("JPEG with this number of components"));
    }
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
    // The library works in rows unless several scans have to be put together.
    let in_passes = !is_deep(frame) && (frame.coding == Coding::Progressive || scans > 1);
    let coefficients = in_passes
        .then(|| budget.reserve(structure.coefficient_bytes()))
        .transpose()?;
    Ok(Checked {
        structure,
        components,
        _coefficients: coefficients,
    })
}

/// Whether the library does not read it, but `deep` does.
pub(super) fn is_deep(frame: &Frame) -> bool {
    frame.coding == Coding::Lossless || frame.precision != 8
}

/// Whether every pixel has come, or the file ends before its picture does.
pub(super) fn check_end(bytes: &[u8], structure: &Structure<'_>, library: &Decompressor<'_>) -> Result<(), CodecError> {
    // Damaged data can look like a segment that swallows the end marker: then the very end tells.
    let has_end = structure.has_end || bytes.ends_with(&[0xff, 0xd9]);
    let is_sequential = structure.frame()?.coding == Coding::Sequential;
    if has_end || (!library.ran_dry() && (is_sequential || structure.all_passes_came())) {
        Ok(())
    } else {
        Err(CodecError::corrupt("the file ends before the picture does"))
    }
}

/// What came with the file. A profile for inks has served and does not go on.
pub(super) fn metadata(structure: &Structure<'_>, icc: Option<Vec<u8>>, limits: &Limits) -> SourceMetadata {
    let bounded = |block: &[u8]| (block.len() <= limits.metadata_bytes_max).then(|| block.to_vec());
    SourceMetadata {
        exif: structure.exif.and_then(bounded),
        xmp: structure.xmp.and_then(bounded),
        iptc: structure.iptc(),
        icc,
    }
}

/// The denominator that the library knows.
pub(super) fn denominator(request: &DecodeRequest) -> u8 {
    match request.scale {
        8.. => 8,
        4..8 => 4,
        2..4 => 2,
        _ => 1,
    }
}

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
    let checked = check(bytes, limits, budget)?;
    let structure = &checked.structure;
    if is_deep(structure.frame()?) {
        return deep::decode(bytes, checked.structure, request, limits, budget);
    }
    let inks = checked.components == 4;
    let scale = denominator(request);
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
    check_end(bytes, structure, &library)?;
    drop(library);

    let icc = if inks { None } else { icc };
    Ok(Decoded {
        picture,
        scale,
        color: icc.clone().map_or(ColorSource::Srgb, ColorSource::from_icc),
        metadata: metadata(structure, icc, limits),
    })
}
