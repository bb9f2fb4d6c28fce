//! The still picture of an AVIF file: which AV1 bitstreams make it up, and what happens to their pixels afterwards.

use std::borrow::Cow;

use calotype_plan::{Limits, Orientation, Rect, Size};

use super::boxes::Reader;
use super::container::{Items, Nclx, Property};
use crate::CodecError;

/// The two names of an alpha plane (HEIF 7.5.2 and MIAF 7.3.5.2).
pub(super) const ALPHA_NAMES: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
];

/// Cells that a grid may have.
const CELLS_MAX: usize = 1_024;

/// One AV1 bitstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// The item that holds it.
    pub(super) item: u32,
    /// The operating point to decode.
    pub(super) operating_point: u8,
    /// The spatial layer to show; the highest of the operating point if none is named.
    pub(super) layer: Option<u8>,
}

/// A plane or planes put together from cells of equal size, row by row; most often from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mosaic {
    /// Size of the whole. Cells may reach beyond it at the right and at the bottom.
    pub(super) size: Size,
    /// Size of a cell.
    pub(super) cell: Size,
    /// Cells in a row.
    pub(super) columns: usize,
    /// The cells.
    pub(super) cells: Vec<Cell>,
}

/// The picture that a file stands for.
#[derive(Debug)]
pub(super) struct Still<'a> {
    items: Items<'a>,
    /// The colour planes.
    pub(super) color: Mosaic,
    /// The alpha plane.
    pub(super) alpha: Option<Mosaic>,
    /// Whether colours have been multiplied by alpha.
    pub(super) is_premultiplied: bool,
    /// The part to show, in stored pixels.
    pub(super) crop: Rect,
    /// How the shown part is turned. EXIF orientation has no say in AVIF (MIAF 7.3.6.7).
    pub(super) orientation: Orientation,
    /// Bits of a stored sample.
    pub(super) bit_depth: u8,
    /// Code points from the container; they win over those of the bitstream.
    pub(super) nclx: Option<Nclx>,
    /// ICC profile, where its size is within the limit.
    pub(super) icc: Option<&'a [u8]>,
}

impl<'a> Still<'a> {
    /// Finds the picture that the file stands for. An image sequence of which no frame can be found stands for its primary item.
    pub(super) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        let (items, has_movie) = find_items(bytes)?;
        let primary = items.as_ref().and_then(Items::primary);
        let (Some(items), Some(primary)) = (items, primary) else {
            return Err(if has_movie {
                CodecError::unsupported("an AVIF image sequence without a still picture")
            } else {
                CodecError::corrupt("the AVIF file has no primary picture")
            });
        };
        items.check_essential(primary)?;
        let color = mosaic(&items, primary)?;
        let alpha_item = alpha_of(&items, primary);
        let alpha = match alpha_item {
            Some(alpha) => Some(mosaic(&items, alpha)?),
            None => alpha_of_cells(&items, &color)?,
        };
        if alpha.as_ref().is_some_and(|alpha| alpha.size != color.size) {
            return Err(CodecError::corrupt("the AVIF alpha plane is not of the picture's size"));
        }
        let mut this = Self {
            is_premultiplied: alpha_item.is_some_and(|alpha| items.referred(*b"prem", primary).any(|to| to == alpha)),
            crop: Rect::of(color.size),
            orientation: Orientation::Upright,
            bit_depth: 8,
            nclx: None,
            icc: None,
            items,
            color,
            alpha,
        };
        this.read_properties(primary, limits)?;
        Ok(this)
    }

    fn read_properties(&mut self, primary: u32, limits: &Limits) -> Result<(), CodecError> {
        let (mut turns, mut mirror) = (0, None);
        let first_cell = self.color.cells.first().map_or(primary, |cell| cell.item);
        let depth = |item| {
            self.items.properties(item).find_map(|p| {
                if let Property::Depth(bits) = p {
                    Some(bits)
                } else {
                    None
                }
            })
        };
        self.bit_depth = depth(primary).or_else(|| depth(first_cell)).unwrap_or(8);
        let properties: Vec<_> = self.items.properties(primary).collect();
        for property in properties {
            match property {
                Property::Turns(quarters) => turns = quarters,
                Property::Mirror(axis) => mirror = Some(axis),
                Property::Clap(numbers) => self.crop = clean_aperture(numbers, self.color.size)?,
                Property::Nclx(nclx) if self.nclx.is_none() => self.nclx = Some(nclx),
                Property::Icc(icc) if self.icc.is_none() && icc.len() <= limits.metadata_bytes_max => {
                    self.icc = Some(icc);
                }
                _ => {}
            }
        }
        self.orientation = orientation(turns, mirror);
        Ok(())
    }

    /// The bytes of a cell.
    pub(super) fn data(&self, cell: Cell) -> Result<Cow<'a, [u8]>, CodecError> {
        self.items.data(cell.item)
    }

    /// EXIF and XMP that describe the primary picture.
    pub(super) fn metadata(&self, limits: &Limits) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        metadata(&self.items, limits)
    }
}

/// The items of a file, and whether a movie box stands before them.
pub(crate) fn find_items(bytes: &[u8]) -> Result<(Option<Items<'_>>, bool), CodecError> {
    let mut reader = Reader::new(bytes);
    let mut has_movie = false;
    while let Some((kind, body)) = reader.next_box()? {
        if kind == *b"meta" {
            return Ok((Some(Items::parse(bytes, body)?), has_movie));
        }
        has_movie |= kind == *b"moov";
    }
    Ok((None, has_movie))
}

/// EXIF (a TIFF structure) and XMP that describe the primary picture. A block that is too large or out of the file is treated as absent.
pub(crate) fn metadata(items: &Items<'_>, limits: &Limits) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let (mut exif, mut xmp) = (None, None);
    let Some(primary) = items.primary() else {
        return (exif, xmp);
    };
    for item in items.referring(*b"cdsc", primary) {
        let data = || {
            items
                .data(item)
                .ok()
                .filter(|data| data.len() <= limits.metadata_bytes_max)
        };
        match &items.kind(item) {
            b"Exif" if exif.is_none() => exif = data().and_then(|data| tiff_of(&data).map(<[u8]>::to_vec)),
            b"mime" if xmp.is_none() && items.content_type(item) == b"application/rdf+xml" => {
                xmp = data().map(Cow::into_owned);
            }
            _ => {}
        }
    }
    (exif, xmp)
}

/// An Exif item: the offset of the TIFF header as four bytes, then as a rule `Exif\0\0` or nothing, then TIFF (HEIF, annex A.2.1).
fn tiff_of(data: &[u8]) -> Option<&[u8]> {
    let (offset, rest) = data.split_first_chunk::<4>()?;
    let tiff = rest.get(usize::try_from(u32::from_be_bytes(*offset)).ok()?..)?;
    Some(tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff)).filter(|tiff| !tiff.is_empty())
}

/// The alpha plane of an item.
pub(crate) fn alpha_of(items: &Items<'_>, item: u32) -> Option<u32> {
    items.referring(*b"auxl", item).find(|&auxiliary| {
        items
            .properties(auxiliary)
            .any(|p| matches!(p, Property::Auxiliary(name) if ALPHA_NAMES.contains(&name)))
    })
}

/// A grid may leave alpha to its cells, if every one of them has it.
fn alpha_of_cells(items: &Items<'_>, color: &Mosaic) -> Result<Option<Mosaic>, CodecError> {
    let [_, _, ..] = color.cells.as_slice() else {
        return Ok(None);
    };
    let Some(alphas) = color
        .cells
        .iter()
        .map(|cell| alpha_of(items, cell.item))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let cells = alphas
        .into_iter()
        .map(|item| cell(items, item, color.cell))
        .collect::<Result<_, _>>()?;
    Ok(Some(Mosaic { cells, ..color.clone() }))
}

/// The bitstreams of an item: its own, or those of the grid that it is (HEIF 6.6.2.3).
fn mosaic(items: &Items<'_>, item: u32) -> Result<Mosaic, CodecError> {
    let kind = items.kind(item);
    if kind == *b"av01" {
        let size = items.size(item)?;
        return Ok(Mosaic {
            size,
            cell: size,
            columns: 1,
            cells: vec![cell(items, item, size)?],
        });
    }
    if kind != *b"grid" {
        return Err(CodecError::unsupported(format!(
            "an AVIF picture of the kind \"{}\"",
            kind.escape_ascii()
        )));
    }
    let data = items.data(item)?;
    let mut grid = Reader::new(&data);
    if grid.u8()? != 0 {
        return Err(CodecError::unsupported("this version of an AVIF grid"));
    }
    let wide = grid.u8()? & 1 == 1;
    let (rows, columns) = (usize::from(grid.u8()?) + 1, usize::from(grid.u8()?) + 1);
    let size = Size::new(grid.id(wide)?, grid.id(wide)?);
    let parts: Vec<u32> = items.referred(*b"dimg", item).take(CELLS_MAX + 1).collect();
    if parts.len() > CELLS_MAX {
        return Err(CodecError::unsupported(format!(
            "an AVIF grid of more than {CELLS_MAX} pictures"
        )));
    }
    let Some(&first) = parts.first().filter(|_| parts.len() == rows * columns) else {
        return Err(CodecError::corrupt(
            "an AVIF grid has not the number of pictures that it needs",
        ));
    };
    let of = items.size(first)?;
    // The cells cover the picture, and the last column and row are not idle.
    let covers = |side: u32, cell: u32, count: usize| {
        let (side, cell, count) = (u64::from(side), u64::from(cell), count as u64);
        cell > 0 && cell * count >= side && cell * (count - 1) < side
    };
    if !covers(size.width, of.width, columns) || !covers(size.height, of.height, rows) {
        return Err(CodecError::corrupt("the pictures of an AVIF grid do not cover it"));
    }
    if items.size(item).is_ok_and(|said| said != size) {
        return Err(CodecError::corrupt(
            "an AVIF grid does not have the size its header says",
        ));
    }
    let cells = parts
        .into_iter()
        .map(|part| cell(items, part, of))
        .collect::<Result<_, _>>()?;
    Ok(Mosaic {
        size,
        cell: of,
        columns,
        cells,
    })
}

fn cell(items: &Items<'_>, item: u32, size: Size) -> Result<Cell, CodecError> {
    let kind = items.kind(item);
    if kind != *b"av01" {
        return Err(CodecError::unsupported(format!(
            "an AVIF picture made of \"{}\"",
            kind.escape_ascii()
        )));
    }
    items.check_essential(item)?;
    if items.size(item)? != size {
        return Err(CodecError::corrupt("the pictures of an AVIF grid differ in size"));
    }
    let mut cell = Cell {
        item,
        operating_point: 0,
        layer: None,
    };
    for property in items.properties(item) {
        match property {
            Property::OperatingPoint(point) => cell.operating_point = point,
            // 0xffff is "whichever comes", the highest.
            Property::Layer(layer) => cell.layer = u8::try_from(layer).ok().filter(|&layer| layer < 4),
            _ => {}
        }
    }
    Ok(cell)
}

/// The EXIF orientation that does what `irot` (quarter turns anticlockwise) and then `imir` (0: top to bottom, 1: left to right) do. HEIF 6.5.10 and
/// 6.5.12; MIAF 7.3.6.7 fixes the order.
pub(crate) fn orientation(turns: u8, mirror: Option<u8>) -> Orientation {
    use Orientation as O;
    match (turns & 3, mirror) {
        (0, None) => O::Upright,
        (1, None) => O::Rotate270,
        (2, None) => O::Rotate180,
        (_, None) => O::Rotate90,
        (0, Some(0)) => O::FlipV,
        (0, Some(_)) => O::FlipH,
        (2, Some(0)) => O::FlipH,
        (2, Some(_)) => O::FlipV,
        (1, Some(0)) => O::Transpose,
        (1, Some(_)) => O::Transverse,
        (_, Some(0)) => O::Transverse,
        (_, Some(_)) => O::Transpose,
    }
}

/// The box that `clap` cuts out (ISO/IEC 14496-12, section 12.1.4). Size and centre are fractions, which should come out as whole pixels (MIAF
/// 7.3.6.7); an odd rest to either side does occur, and the half pixel is given to the right and the bottom, as libheif does.
pub(crate) fn clean_aperture(numbers: [u32; 8], of: Size) -> Result<Rect, CodecError> {
    let [wn, wd, hn, hd, xn, xd, yn, yd] = numbers;
    let (left, width) = clean_side(of.width, wn, wd, xn, xd)?;
    let (top, height) = clean_side(of.height, hn, hd, yn, yd)?;
    Ok(Rect::new(left, top, width, height))
}

fn clean_side(side: u32, size_n: u32, size_d: u32, offset_n: u32, offset_d: u32) -> Result<(u32, u32), CodecError> {
    let wrong = || CodecError::corrupt("the crop does not lie inside the picture");
    if size_d == 0 || offset_d == 0 || !size_n.is_multiple_of(size_d) {
        return Err(wrong());
    }
    let size = size_n / size_d;
    // left = offset + (side - size) / 2, over the denominator 2 * offset_d. The offset is signed; all fits 128 bits with room.
    let (offset, offset_d) = (i128::from(offset_n.cast_signed()), i128::from(offset_d));
    let twice = offset_d * (i128::from(side) - i128::from(size)) + 2 * offset;
    let left = u32::try_from(twice.div_euclid(2 * offset_d)).map_err(|_| wrong())?;
    if size == 0 || u64::from(left) + u64::from(size) > u64::from(side) {
        return Err(wrong());
    }
    Ok((left, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_then_mirror_make_an_exif_orientation() {
        // A picture of 2x1 pixels "a b" and a row below "c d", turned by hand.
        type Grid = [[char; 2]; 2];
        let stored: Grid = [['a', 'b'], ['c', 'd']];
        let quarter_left = |g: Grid| [[g[0][1], g[1][1]], [g[0][0], g[1][0]]];
        let top_down = |g: Grid| [g[1], g[0]];
        let left_right = |g: Grid| [[g[0][1], g[0][0]], [g[1][1], g[1][0]]];
        let upright = |orientation: Orientation| match orientation.to_exif() {
            1 => stored,
            2 => [['b', 'a'], ['d', 'c']],
            3 => [['d', 'c'], ['b', 'a']],
            4 => [['c', 'd'], ['a', 'b']],
            5 => [['a', 'c'], ['b', 'd']],
            6 => [['c', 'a'], ['d', 'b']],
            7 => [['d', 'b'], ['c', 'a']],
            _ => [['b', 'd'], ['a', 'c']],
        };
        for turns in 0..4 {
            let turned = (0..turns).fold(stored, |grid, _| quarter_left(grid));
            assert_eq!(upright(orientation(turns, None)), turned, "{turns} turns");
            assert_eq!(
                upright(orientation(turns, Some(0))),
                top_down(turned),
                "{turns} turns, top to bottom"
            );
            assert_eq!(
                upright(orientation(turns, Some(1))),
                left_right(turned),
                "{turns} turns, left to right"
            );
        }
    }

    #[test]
    fn a_crop_lies_around_the_centre_plus_its_offset() {
        // By hand: (320 - 180) / 2 - 30 = 40; (280 - 100) / 2 - 10 = 80.
        let negative = |n: i32| n.cast_unsigned();
        let numbers = [180, 1, 100, 1, negative(-30), 1, negative(-10), 1];
        assert_eq!(
            clean_aperture(numbers, Size::new(320, 280)),
            Ok(Rect::new(40, 80, 180, 100))
        );
        // 337 / 2 + 103 = 271.5.
        assert_eq!(clean_side(722, 385, 1, 103, 1), Ok((271, 385)));
        assert!(clean_side(10, 10, 1, 1, 1).is_err());
        assert!(clean_side(10, 8, 1, negative(-2), 1).is_err());
        assert!(clean_side(10, 8, 0, 0, 1).is_err());
        assert!(clean_side(u32::MAX, 1, u32::MAX, 0, u32::MAX).is_err());
        assert!(clean_side(u32::MAX, 1, 1, negative(i32::MIN), u32::MAX).is_ok());
    }
}
