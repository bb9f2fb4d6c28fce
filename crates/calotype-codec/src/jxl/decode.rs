//! Header and first picture.

use calotype_plan::{ImageFormat, Limits, Size};

use super::color;
use super::container::Container;
use super::count::count_frames;
use super::frames::{Failure, Frames, call, usual_bytes, with_memory};
use super::head::Head;
use super::pixels::{Left, Writer};
use crate::{Budget, CodecError, DecodeRequest, Decoded, Header, SourceMetadata};

/// Header facts. The codestream's orientation is part of the picture (ISO/IEC 18181-1, D.3.2) and is applied here, and
/// that of EXIF has no say, so every picture counts as stored upright. The frames of an animation are counted, which
/// takes reading their headers, as far as the file goes.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let container = Container::parse(bytes, limits)?;
    let head = Head::read(&container, limits)?;
    let metadata = &head.header.metadata;
    let mut header = Header::new(ImageFormat::Jxl, upright_size(&head));
    header.has_alpha = metadata.alpha().is_some();
    header.bit_depth = u8::try_from(metadata.bit_depth.bits_per_sample()).unwrap_or(u8::MAX);
    header.profile = color::profile(&head);
    if metadata.animation.is_some() {
        header.frames = count_frames(&container, head, limits);
        header.frames_area = header.size.area().saturating_mul(u64::from(header.frames));
    }
    Ok(header)
}

fn upright_size(head: &Head) -> Size {
    Size::new(
        head.header.width_with_orientation(),
        head.header.height_with_orientation(),
    )
}

/// Decodes the first shown picture: all layers up to the first that is shown for a time, or the last.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let container = Container::parse(bytes, limits)?;
    let head = Head::read(&container, limits)?;
    check_same(&head, header)?;
    let usual = usual_bytes(&head, &container);
    let ((picture, left), _working) = with_memory(budget, usual, |tracker| {
        let mut frames = Frames::open(&container, &head, limits, tracker)?;
        let (writer, left) = writer(&mut frames, &head, header, request.keep_colors)?;
        if frames.load(1)? == 0 {
            return Err(CodecError::corrupt("the file ends before the picture does").into());
        }
        let render = frames.render(0)?;
        Ok((writer.picture(&render, budget)?, left))
    })?;
    Ok(Decoded {
        picture,
        scale: 1,
        color: left.color,
        metadata: metadata(&container, limits, left.icc),
    })
}

/// Refuses bytes that are not those that were probed.
pub(super) fn check_same(head: &Head, header: &Header) -> Result<(), CodecError> {
    let same = upright_size(head) == header.size && head.header.metadata.alpha().is_some() == header.has_alpha;
    if same {
        Ok(())
    } else {
        Err(CodecError::corrupt("its header changed after it was read"))
    }
}

/// Asks for colours, and settles how they are written.
pub(super) fn writer(
    frames: &mut Frames<'_>,
    head: &Head,
    header: &Header,
    keep_colors: bool,
) -> Result<(Writer, Left), Failure> {
    let samples = call(|| Ok(color::ask(&mut frames.image, head)))?;
    let metadata = &head.header.metadata;
    let is_premultiplied = metadata
        .alpha()
        .and_then(|at| metadata.ec_info.get(at))
        .and_then(jxl_oxide::image::ExtraChannelInfo::alpha_associated)
        .unwrap_or(false);
    // Samples of XYB have no depth of their own.
    let depth = if metadata.xyb_encoded {
        header.bit_depth.max(9)
    } else {
        header.bit_depth
    };
    Ok(Writer::new(
        header.size,
        samples,
        depth,
        header.has_alpha,
        is_premultiplied,
        keep_colors,
    ))
}

pub(super) fn metadata(container: &Container<'_>, limits: &Limits, icc: Option<Vec<u8>>) -> SourceMetadata {
    SourceMetadata {
        exif: container.exif(limits),
        xmp: container.xmp(limits),
        iptc: None,
        icc,
    }
}
