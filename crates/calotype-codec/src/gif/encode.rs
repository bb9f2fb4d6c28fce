//! Pixels to GIF.

use std::borrow::Cow;

use calotype_plan::Size;
use gif::{EncodingError, Frame};

use super::alpha::harden;
use crate::palette::quantize;
use crate::{Budget, CodecError, Layout, Picture};

/// Encodes a still picture: exactly if it has at most 256 colours, nothing being one of them; else with a palette that
/// is fitted to it.
pub(crate) fn encode(picture: &Picture, budget: &Budget) -> Result<Vec<u8>, CodecError> {
    let size = picture.size();
    let (width, height) = sides(size)?;
    let _held = budget.reserve(size.area().saturating_mul(4))?;
    let hard_edges;
    let source = if picture.layout() == Layout::Rgba && picture.has_transparency() {
        let mut copy = picture.duplicate(budget)?;
        harden(copy.data_mut().as_chunks_mut::<4>().0, size.width as usize);
        hard_edges = copy;
        &hard_edges
    } else {
        picture
    };
    let indexed = quantize(source, 256, budget)?;
    let palette: Vec<u8> = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let transparent = indexed
        .colors
        .iter()
        .position(|color| color[3] < 128)
        .and_then(|index| u8::try_from(index).ok());
    let frame = Frame {
        width,
        height,
        transparent,
        buffer: Cow::Owned(indexed.indices),
        ..Frame::default()
    };
    let failed = |_: EncodingError| CodecError::encode("the GIF encoder refused the picture");
    let mut out = Vec::new();
    let mut encoder = gif::Encoder::new(&mut out, width, height, &palette).map_err(failed)?;
    encoder.write_frame(&frame).map_err(failed)?;
    drop(encoder);
    Ok(out)
}

/// Width and height as the format holds them.
pub(super) fn sides(size: Size) -> Result<(u16, u16), CodecError> {
    match (u16::try_from(size.width), u16::try_from(size.height)) {
        (Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err(CodecError::encode(format!(
            "GIF holds at most 65535 pixels on a side, and this picture is {size}; choose another format or a smaller size"
        ))),
    }
}
