//! GIF to pixels: one frame, and the first of a file.

use calotype_plan::{Limits, Rect};
use weezl::{BitOrder, LzwStatus};

use super::blocks::{Blocks, Part, Parts, sub_block};
use crate::canvas::rows_in;
use crate::{Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata};

/// Codes of the largest table of LZW as GIF has it, with what the decoder keeps for each, generously.
const LZW_BYTES: u64 = 64 << 10;

/// Decodes the first frame onto the screen, which is transparent where nothing is painted, as in browsers; the
/// background colour of the file is not used. Opaque pictures come as RGB.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    _request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let blocks = Blocks::read(bytes)?;
    let part = first(bytes, limits)?;
    let layout = if header.has_alpha { Layout::Rgba } else { Layout::Rgb };
    let mut picture = Picture::new(header.size, layout, [0; 4], budget)?;
    match paint(&part, &mut picture, true, budget)? {
        Painted::Whole => {}
        Painted::Short => return Err(CodecError::corrupt("its first frame has too few pixels")),
    }
    Ok(Decoded {
        picture,
        scale: 1,
        color: ColorSource::Srgb,
        metadata: metadata(&blocks, limits),
    })
}

/// The first frame of a file, if it can be decoded within the limits.
pub(super) fn first<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Part<'a>, CodecError> {
    let part = Parts::new(bytes)?
        .next()
        .ok_or_else(|| CodecError::corrupt("it holds no picture"))?;
    if part.area.size().is_empty() {
        return Err(CodecError::Empty);
    }
    check_area(&part, limits)?;
    Ok(part)
}

/// Refuses a frame whose own size is over the limit, however small the screen is that it is cut to.
pub(super) fn check_area(part: &Part<'_>, limits: &Limits) -> Result<(), CodecError> {
    let area = part.area.size().area();
    if area > limits.source_area_px_max {
        return Err(CodecError::limit(
            "the image's area, in pixels,",
            area,
            limits.source_area_px_max,
        ));
    }
    Ok(())
}

/// What came with the file. Colour profiles, which browsers ignore, are not read.
pub(super) fn metadata(blocks: &Blocks<'_>, limits: &Limits) -> SourceMetadata {
    SourceMetadata {
        xmp: blocks
            .xmp
            .filter(|xmp| xmp.len() <= limits.metadata_bytes_max)
            .map(<[u8]>::to_vec),
        ..SourceMetadata::default()
    }
}

/// How far the data of a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Painted {
    /// Every pixel has its value.
    Whole,
    /// The data was closed before.
    Short,
}

/// Paints a frame. Its transparent pixels leave what is below; with `is_first` they keep their own colour below an alpha
/// of 0, because nothing is below them.
pub(super) fn paint(
    part: &Part<'_>,
    picture: &mut Picture,
    is_first: bool,
    budget: &Budget,
) -> Result<Painted, CodecError> {
    let Some(table) = part.colors else {
        return Err(CodecError::corrupt("a frame has no colours"));
    };
    // 256 entries, so that an index beyond the table is black, as in browsers.
    let mut colors = [[0u8, 0, 0, 255]; 256];
    for (to, from) in colors.iter_mut().zip(table.as_chunks::<3>().0) {
        *to = [from[0], from[1], from[2], 255];
    }
    if let Some(color) = part.transparent.and_then(|index| colors.get_mut(usize::from(index))) {
        color[3] = 0;
    }
    let width = part.area.width as usize;
    let _held = budget.reserve(LZW_BYTES + width as u64)?;
    let mut indices = vec![0u8; width];
    let mut lines = Lines::new(part)?;
    let layout = picture.layout();
    // Rows below the screen are not decoded. In an interlaced frame rows above may follow them.
    let mut visible = picture
        .size()
        .height
        .saturating_sub(part.area.top)
        .min(part.area.height);
    for y in rows(part.area.height, part.interlaced) {
        if visible == 0 {
            break;
        }
        let got = lines.read(&mut indices)?;
        let place = Rect::new(part.area.left, part.area.top.saturating_add(y), part.area.width, 1);
        if let Some(row) = rows_in(picture, place).next() {
            visible -= 1;
            let indices = indices.get(..got).unwrap_or_default();
            match layout {
                Layout::Rgb => paint_row(row.as_chunks_mut::<3>().0, indices, &colors, is_first),
                Layout::Rgba => paint_row(row.as_chunks_mut::<4>().0, indices, &colors, is_first),
            }
        }
        if got < width {
            return if part.is_whole {
                Ok(Painted::Short)
            } else {
                Err(CodecError::corrupt("the file ends before the picture does"))
            };
        }
    }
    Ok(Painted::Whole)
}

fn paint_row<const N: usize>(row: &mut [[u8; N]], indices: &[u8], colors: &[[u8; 4]; 256], is_first: bool) {
    const { assert!(N == 3 || N == 4) };
    for (pixel, &index) in row.iter_mut().zip(indices) {
        let color = colors[usize::from(index)];
        if color[3] != 0 || is_first {
            pixel.copy_from_slice(&color[..N]);
        }
    }
}

/// Rows in the order in which they are stored (GIF89a, appendix E).
fn rows(height: u32, interlaced: bool) -> impl Iterator<Item = u32> {
    let passes: &[(u32, usize)] = if interlaced {
        &[(0, 8), (4, 8), (2, 4), (1, 2)]
    } else {
        &[(0, 1)]
    };
    passes
        .iter()
        .flat_map(move |&(start, step)| (start..height).step_by(step))
}

/// The colour indices of a frame, row by row.
struct Lines<'a> {
    lzw: weezl::decode::Decoder,
    /// What is left of the sub-block that is being read, and what follows it.
    block: &'a [u8],
    rest: &'a [u8],
    is_over: bool,
}

impl<'a> Lines<'a> {
    fn new(part: &Part<'a>) -> Result<Self, CodecError> {
        if !(1..=11).contains(&part.code_size) {
            return Err(if part.data.is_empty() && !part.is_whole {
                CodecError::corrupt("the file ends before the picture does")
            } else {
                broken()
            });
        }
        Ok(Self {
            lzw: weezl::decode::Decoder::new(BitOrder::Lsb, part.code_size),
            block: &[],
            rest: part.data,
            is_over: false,
        })
    }

    /// Fills a row; gives how many samples there were.
    fn read(&mut self, out: &mut [u8]) -> Result<usize, CodecError> {
        let (mut filled, mut idle) = (0, 0);
        while !self.is_over {
            let Some(left) = out.get_mut(filled..).filter(|left| !left.is_empty()) else {
                break;
            };
            if self.block.is_empty()
                && let Some((block, rest)) = next_or_cut(self.rest)
            {
                (self.block, self.rest) = (block, rest);
            }
            let result = self.lzw.decode_bytes(self.block, left);
            self.block = self.block.get(result.consumed_in..).unwrap_or_default();
            filled += result.consumed_out;
            match result.status.map_err(|_| broken())? {
                LzwStatus::Done => self.is_over = true,
                LzwStatus::NoProgress if result.consumed_out == 0 => {
                    // The library may have taken a clear code out of its own buffer, and says nothing of it. Two idle
                    // turns without input are the end.
                    idle += 1;
                    self.is_over = idle > 1 && self.block.is_empty() && next_or_cut(self.rest).is_none();
                    self.block = if idle > 1 { &[] } else { self.block };
                }
                _ => idle = 0,
            }
        }
        Ok(filled)
    }
}

/// The next sub-block, also if the file ends within it.
fn next_or_cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    sub_block(bytes).or_else(|| {
        let (&length, rest) = bytes.split_first()?;
        (length > 0 && !rest.is_empty()).then_some((rest, &[]))
    })
}

fn broken() -> CodecError {
    CodecError::corrupt("its GIF data cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interlaced_rows_come_in_four_passes() {
        // GIF89a, appendix E, for 10 rows.
        let order: Vec<u32> = rows(10, true).collect();
        assert_eq!(order, [0, 8, 4, 2, 6, 1, 3, 5, 7, 9]);
        assert_eq!(rows(3, false).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(rows(0, true).count(), 0);
    }
}
