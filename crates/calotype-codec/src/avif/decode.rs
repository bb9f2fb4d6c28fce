//! Reading AVIF: header facts from the container, planes by re_rav1d, pixels by `yuv`.

use calotype_plan::{ImageFormat, Limits, Size};

use super::animation;
use super::container::Nclx;
use super::movie::Movie;
use super::rav1d::{self, Sampling, Sequence};
use super::still::{Mosaic, Still};
use super::yuv::{self, Converter};
use crate::{
    Budget, CodecError, ColorProfile, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata,
};

/// Bytes that the decoder holds for its own state, beside planes and input: per pixel of a cell (modes, motion, filter masks), and at least.
const STATE_BYTES_PER_PX: u64 = 2;
const STATE_BYTES: u64 = 2 << 20;

/// Header facts. No limit is checked.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    if let Some(movie) = Movie::parse(bytes, limits) {
        return Ok(of_movie(&movie));
    }
    let still = Still::parse(bytes, limits)?;
    // What is decoded is the whole picture; what is cut from it is what counts as stored.
    let mut header = Header::new(ImageFormat::Avif, still.crop.size());
    header.orientation = still.orientation;
    header.has_alpha = still.alpha.is_some();
    header.bit_depth = still.bit_depth;
    header.profile = profile(still.icc, still.nclx);
    Ok(header)
}

fn of_movie(movie: &Movie<'_>) -> Header {
    let track = &movie.color;
    let mut header = Header::new(ImageFormat::Avif, track.size);
    header.frames = u32::try_from(track.samples.len()).unwrap_or(u32::MAX);
    header.frames_area = track.size.area().saturating_mul(header.frames.into());
    header.orientation = track.orientation;
    header.has_alpha = movie.alpha.is_some();
    header.bit_depth = track.bit_depth;
    header.profile = profile(track.icc, track.nclx);
    header
}

fn profile(icc: Option<&[u8]>, nclx: Option<Nclx>) -> ColorProfile {
    match (icc, nclx) {
        (Some(icc), _) => ColorProfile::from_icc(icc),
        (None, None) => ColorProfile::Untagged,
        (None, Some(nclx)) => named(nclx),
    }
}

/// Decodes the picture, or the first frame of an image sequence. There is no scaled decode.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    _request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    if let Some(movie) = Movie::parse(bytes, limits) {
        return animation::first(movie, bytes, header, limits, budget);
    }
    let still = Still::parse(bytes, limits)?;
    if still.crop.size() != header.size {
        return Err(CodecError::corrupt("the AVIF size changed after it was read"));
    }
    // A small cut from a giant costs as much as the giant.
    for mosaic in still.alpha.iter().chain([&still.color]) {
        let cells = Size::new(mosaic.cell.width, mosaic.cell.height);
        for size in [mosaic.size, cells] {
            Header::new(ImageFormat::Avif, size).check(limits)?;
        }
    }
    let layout = if still.alpha.is_some() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let mut picture = Picture::new(still.crop.size(), layout, [0; 4], budget)?;
    let cicp = for_each_cell(&still, &still.color, budget, |frame, sequence, left, top| {
        let cicp = still.nclx.unwrap_or(sequence.cicp);
        let converter = Converter::new(cicp, frame.depth, frame.sampling)?;
        yuv::write_color(frame, &converter, &mut picture, left, top);
        Ok(cicp)
    })?;
    if let Some(alpha) = &still.alpha {
        for_each_cell(&still, alpha, budget, |frame, sequence, left, top| {
            yuv::write_alpha(frame, sequence.cicp.full_range, &mut picture, left, top);
            Ok(())
        })?;
        if still.is_premultiplied {
            yuv::unpremultiply(&mut picture);
        }
    }
    let (exif, xmp) = still.metadata(limits);
    let icc = still.icc.map(<[u8]>::to_vec);
    Ok(Decoded {
        picture,
        scale: 1,
        color: color_source(icc.clone(), cicp),
        metadata: SourceMetadata {
            exif,
            xmp,
            iptc: None,
            icc,
        },
    })
}

/// How samples become sRGB: by the profile, or else by the code points.
pub(super) fn color_source(icc: Option<Vec<u8>>, cicp: Nclx) -> ColorSource {
    match icc {
        Some(icc) => ColorSource::from_icc(icc),
        None => ColorSource::from_cicp(byte(cicp.primaries), byte(cicp.transfer)),
    }
}

/// Decodes the cells one after another and hands each to `then`, with its place in the picture. Gives what `then` gave for the first.
fn for_each_cell<T>(
    still: &Still<'_>,
    mosaic: &Mosaic,
    budget: &Budget,
    mut then: impl FnMut(&rav1d::Frame, &Sequence, i64, i64) -> Result<T, CodecError>,
) -> Result<T, CodecError> {
    let mut first = None;
    for (index, &cell) in mosaic.cells.iter().enumerate() {
        let data = still.data(cell)?;
        let sequence = rav1d::sequence(&data)?;
        let _working = budget.reserve(working_bytes(&sequence, mosaic.cell).saturating_add(data.len() as u64))?;
        let frame = rav1d::decode(&data, mosaic.cell, cell.operating_point, cell.layer)?;
        // The charge was for the planes that the sequence header names.
        if (frame.depth, frame.sampling) != (sequence.depth, sequence.sampling) {
            return Err(CodecError::corrupt(
                "the AVIF picture does not have the planes its header says",
            ));
        }
        let place = |at: usize, step: u32, cut: u32| (at as i64).saturating_mul(i64::from(step)) - i64::from(cut);
        let left = place(index % mosaic.columns.max(1), mosaic.cell.width, still.crop.left);
        let top = place(index / mosaic.columns.max(1), mosaic.cell.height, still.crop.top);
        let given = then(&frame, &sequence, left, top)?;
        first = first.or(Some(given));
    }
    first.ok_or_else(|| CodecError::corrupt("the AVIF file holds no picture"))
}

/// One picture, a copy if grain is added, and the decoder's state.
pub(super) fn working_bytes(sequence: &Sequence, cell: Size) -> u64 {
    decoder_bytes(sequence, cell, if sequence.has_grain { 2 } else { 1 })
}

/// So many copies of the planes, rounded up to whole blocks of 128 pixels, and the decoder's state.
pub(super) fn decoder_bytes(sequence: &Sequence, cell: Size, copies: u64) -> u64 {
    let whole = |side: u32| u64::from(side).next_multiple_of(128);
    let area = whole(cell.width).saturating_mul(whole(cell.height));
    let halves = match sequence.sampling {
        Sampling::Monochrome => 2,
        Sampling::Half => 3,
        Sampling::HalfWidth => 4,
        Sampling::Full => 6,
    };
    let planes = area.saturating_mul(halves * if sequence.depth > 8 { 2 } else { 1 }) / 2;
    planes
        .saturating_mul(copies)
        .saturating_add(area.saturating_mul(STATE_BYTES_PER_PX))
        .saturating_add(STATE_BYTES)
}

/// The colour space that code points name, for reports.
pub(crate) fn named(nclx: Nclx) -> ColorProfile {
    let (primaries, transfer) = (byte(nclx.primaries), byte(nclx.transfer));
    if (primaries, transfer) == (2, 2) {
        ColorProfile::Untagged
    } else if ColorSource::from_cicp(primaries, transfer).is_srgb() {
        ColorProfile::Srgb
    } else {
        ColorProfile::Cicp {
            primaries,
            transfer,
            matrix: byte(nclx.matrix),
            full_range: nclx.full_range,
        }
    }
}

/// A code point; all that are defined fit a byte, and 2 is "unspecified".
fn byte(code: u16) -> u8 {
    u8::try_from(code).unwrap_or(2)
}
