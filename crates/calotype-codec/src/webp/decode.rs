//! Reading WebP: header facts from the container, pixels by libwebp.

use calotype_plan::{ImageFormat, Limits, Orientation, Rect, Size};

use super::container::{Container, Frame};
use super::sys::{self, Features};
use crate::metadata::exif_orientation;
use crate::{
    Budget, CodecError, ColorProfile, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata,
};

/// Bytes that libwebp holds for its rows of macroblocks and its filters, per pixel of width (VP8 `AllocateMemory`, generous), and at least.
const ROW_BYTES_PER_PX: u64 = 128;
const STATE_BYTES: u64 = 256 << 10;

/// Header facts. No limit is checked.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let container = Container::parse(bytes, limits)?;
    let mut header = Header::new(ImageFormat::Webp, container.size);
    header.frames = container.frames;
    header.frames_area = container.size.area().saturating_mul(u64::from(container.frames));
    header.has_alpha = container.has_alpha;
    header.orientation = container.exif.map_or(Orientation::Upright, exif_orientation);
    if let Some(icc) = container.icc {
        header.profile = ColorProfile::from_icc(icc);
    }
    Ok(header)
}

/// Decodes the picture, or the first frame of an animation on its canvas. The scale of the request is ignored: libwebp's own scaler is a box filter
/// of worse quality than resizing afterwards.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    _request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let container = Container::parse(bytes, limits)?;
    if container.size != header.size {
        return Err(CodecError::corrupt("the WebP size changed after it was read"));
    }
    let picture = match container.first {
        Some(frame) if container.animated => first_frame(frame, container.size, budget)?,
        _ => still(bytes, container.size, budget)?,
    };
    let (color, metadata) = color_and_metadata(&container);
    Ok(Decoded {
        picture,
        scale: 1,
        color,
        metadata,
    })
}

/// What the chunks around the picture say.
pub(super) fn color_and_metadata(container: &Container<'_>) -> (ColorSource, SourceMetadata) {
    let copy = |block: Option<&[u8]>| block.map(<[u8]>::to_vec);
    let icc = copy(container.icc);
    let metadata = SourceMetadata {
        exif: copy(container.exif),
        xmp: copy(container.xmp),
        iptc: None,
        icc: icc.clone(),
    };
    (icc.map_or(ColorSource::Srgb, ColorSource::from_icc), metadata)
}

fn still(data: &[u8], size: Size, budget: &Budget) -> Result<Picture, CodecError> {
    let coded = sys::features(data)?;
    if coded.size != size {
        return Err(CodecError::corrupt(
            "the WebP picture does not have the size its header says",
        ));
    }
    let layout = if coded.has_alpha { Layout::Rgba } else { Layout::Rgb };
    let mut picture = Picture::new(size, layout, [0; 4], budget)?;
    let _working = budget.reserve(working_bytes(coded))?;
    let stride = picture.stride();
    sys::decode_into(data, size, layout, picture.data_mut(), stride)?;
    Ok(picture)
}

/// The first frame on a transparent canvas: the background colour of the file is a hint that browsers ignore, and so do we.
fn first_frame(frame: Frame<'_>, canvas: Size, budget: &Budget) -> Result<Picture, CodecError> {
    let coded = sys::features(frame.data)?;
    let place = Rect::new(frame.left, frame.top, frame.size.width, frame.size.height);
    if coded.size != frame.size || !place.fits(canvas) {
        return Err(CodecError::corrupt("a WebP frame does not fit its canvas"));
    }
    if coded.size == canvas {
        return still(frame.data, canvas, budget);
    }
    // Blending with an empty canvas is copying, whatever the frame's blending method.
    let mut picture = Picture::new(canvas, Layout::Rgba, [0; 4], budget)?;
    let _working = budget.reserve(working_bytes(coded))?;
    let stride = picture.stride();
    let start = u64::from(frame.top) * stride as u64 + u64::from(frame.left) * 4;
    let out = usize::try_from(start)
        .ok()
        .and_then(|start| picture.data_mut().get_mut(start..))
        .unwrap_or_default();
    sys::decode_into(frame.data, coded.size, Layout::Rgba, out, stride)?;
    Ok(picture)
}

/// What libwebp holds beside the output. A lossless bitstream, and the lossless bitstream that alpha is stored as, is held whole at 4 bytes a pixel,
/// with the alpha plane beside it; a lossy one is decoded row by row.
pub(super) fn working_bytes(coded: Features) -> u64 {
    let whole = if coded.is_lossless || coded.has_alpha {
        coded.size.area().saturating_mul(5)
    } else {
        0
    };
    whole
        .saturating_add(u64::from(coded.size.width).saturating_mul(ROW_BYTES_PER_PX))
        .saturating_add(STATE_BYTES)
}
