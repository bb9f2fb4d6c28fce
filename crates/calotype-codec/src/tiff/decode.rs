//! The first page to pixels.

use calotype_plan::{Limits, Size};

use super::chunks::Chunks;
use super::facts::{Colors, Facts};
use super::ifd::File;
use super::metadata;
use super::paint::Painter;
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture};

/// Decodes the first page to RGB, or to RGBA if one of its samples is alpha. Alpha that colours were multiplied by is
/// taken out of them. CMYK and L*a*b* become sRGB; samples of more than 8 bits are rounded, after they were converted
/// by the page's profile.
///
/// A strip or tile that is cut or damaged is an error.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let file = File::new(bytes).ok_or(CodecError::NotAnImage)?;
    let facts = Facts::read(file.first_directory(limits)?)?;
    if facts.size != header.size {
        return Err(CodecError::corrupt("its header changes"));
    }
    let icc = metadata::icc(&facts.directory, limits);
    let mut color = match (icc, facts.colors) {
        (None, _) | (_, Colors::Cmyk | Colors::Lab { .. }) => ColorSource::Srgb,
        (Some(icc), _) => ColorSource::from_icc(icc.to_vec()),
    };
    let mut chunks = Chunks::new(&facts, limits, budget)?;
    let mut painter = Painter::new(&facts, &chunks, icc, &color, request.keep_colors)?;
    let layout = if facts.alpha.is_some() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let mut picture = Picture::new(facts.size, layout, [0; 4], budget)?;

    // One row of samples and what is made of it.
    let row_samples = u64::from(facts.size.width.min(facts.chunk.width)).saturating_mul(chunks.channels() as u64);
    let _rows = budget.reserve(row_samples.saturating_mul(10))?;
    let mut samples = Vec::new();
    let (across, down) = chunks.count();
    let channels = layout.channels();
    for y in 0..down {
        let top = y * facts.chunk.height;
        let lines = facts.chunk.height.min(facts.size.height - top);
        for x in 0..across {
            let left = x * facts.chunk.width;
            let columns = facts.chunk.width.min(facts.size.width - left);
            chunks.read(x, y, Size::new(columns, lines))?;
            samples.resize(columns as usize * chunks.channels(), 0);
            let stride = picture.stride();
            let from = left as usize * channels;
            let rows = picture.data_mut().chunks_exact_mut(stride).skip(top as usize);
            for (line, row) in (0..lines).zip(rows) {
                let Some(out) = row.get_mut(from..from + columns as usize * channels) else {
                    continue;
                };
                if chunks
                    .bytes_row(line)
                    .is_some_and(|bytes| painter.paint_bytes(bytes, out))
                {
                    continue;
                }
                chunks.row(line, facts.colors == Colors::Palette, &mut samples);
                painter.paint(&samples, out)?;
            }
        }
    }
    let mut metadata = metadata::read(&facts.directory, limits);
    if painter.converts() {
        (color, metadata.icc) = (ColorSource::Srgb, None);
    }
    Ok(Decoded {
        picture,
        scale: 1,
        color,
        metadata,
    })
}
