//! The still picture of a HEIC file (ISO/IEC 23008-12): its sizes, its place, what is said about it.

use calotype_plan::{Limits, Orientation, Rect, Size};

use super::hevc;
use crate::CodecError;
use crate::avif::boxes::Reader;
use crate::avif::container::{Items, Nclx, Property};
use crate::avif::still::{alpha_of, clean_aperture, find_items, metadata, orientation};

/// Cells that a grid may have: far above the 48 of a telephone, and of those of 100 megapixels.
const CELLS_MAX: usize = 1_024;

/// The picture that a file stands for.
#[derive(Debug)]
pub(super) struct Still<'a> {
    items: Items<'a>,
    /// Size before it is cut and turned.
    pub(super) size: Size,
    /// The items that hold its HEVC bitstreams, alpha included.
    pub(super) cells: Vec<u32>,
    pub(super) has_alpha: bool,
    /// Whether colours have been multiplied by alpha.
    pub(super) is_premultiplied: bool,
    /// The part to show.
    pub(super) crop: Rect,
    /// How the shown part is turned. EXIF orientation has no say in HEIC (MIAF 7.3.6.7).
    pub(super) orientation: Orientation,
    /// Bits of a stored sample.
    pub(super) bit_depth: u8,
    /// Code points.
    pub(super) nclx: Option<Nclx>,
    /// ICC profile, where its size is within the limit.
    pub(super) icc: Option<&'a [u8]>,
}

impl<'a> Still<'a> {
    /// Finds the picture. An image sequence stands for its primary item, its cover or its first frame.
    pub(super) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        let (items, has_movie) = find_items(bytes)?;
        let Some(items) = items else {
            return Err(if has_movie {
                CodecError::unsupported("a HEIC image sequence without a still picture")
            } else {
                CodecError::corrupt("the HEIC file has no picture")
            });
        };
        let Some(primary) = items.primary() else {
            return Err(CodecError::corrupt("the HEIC file has no primary picture"));
        };
        items.check_essential(primary)?;
        let (size, mut cells) = cells_of(&items, primary)?;
        let alpha = alpha_of(&items, primary);
        if let Some(alpha) = alpha {
            cells.extend(cells_of(&items, alpha)?.1);
        }
        let first = cells.first().copied().unwrap_or(primary);
        let mut this = Self {
            size,
            has_alpha: alpha.is_some(),
            is_premultiplied: alpha.is_some_and(|alpha| items.referred(*b"prem", primary).any(|to| to == alpha)),
            crop: Rect::of(size),
            orientation: Orientation::Upright,
            bit_depth: configuration(&items, first).and_then(hevc::bit_depth).unwrap_or(8),
            nclx: None,
            icc: None,
            cells,
            items,
        };
        this.read_properties(primary, limits)?;
        Ok(this)
    }

    fn read_properties(&mut self, primary: u32, limits: &Limits) -> Result<(), CodecError> {
        // Turns, then a mirror: whatever stands in the file is brought into this order.
        let (mut turns, mut mirror) = (0, None);
        let properties: Vec<_> = self.items.properties(primary).collect();
        for property in properties {
            match property {
                // A turn after a mirror is the opposite turn before it.
                Property::Turns(quarters) if mirror.is_some() => turns = (turns + 4 - quarters) & 3,
                Property::Turns(quarters) => turns = (turns + quarters) & 3,
                Property::Mirror(axis) => match mirror.take() {
                    None => mirror = Some(axis),
                    Some(before) if before == axis => {}
                    // Both mirrors are half a turn.
                    Some(_) => turns = (turns + 2) & 3,
                },
                Property::Clap(_) if turns != 0 || mirror.is_some() => {
                    return Err(CodecError::unsupported("a HEIC picture that is cut after it is turned"));
                }
                Property::Clap(numbers) => self.crop = clean_aperture(numbers, self.size)?,
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

    /// Whether the picture is AV1 in a file that does not say so in its brands.
    pub(super) fn is_av1(bytes: &[u8]) -> bool {
        let Ok((Some(items), _)) = find_items(bytes) else {
            return false;
        };
        let Some(primary) = items.primary() else { return false };
        let first = items.referred(*b"dimg", primary).next().unwrap_or(primary);
        items.kind(primary) == *b"av01" || (items.kind(primary) == *b"grid" && items.kind(first) == *b"av01")
    }

    /// Bytes of all bitstreams, and the largest area that any of them makes a decoder allocate, in pixels.
    ///
    /// # Errors
    /// Where a bitstream is not all in the file, or does not say its size.
    pub(super) fn weigh(&self) -> Result<(u64, Size), CodecError> {
        let (mut bytes, mut largest) = (0u64, Size::new(0, 0));
        for &cell in &self.cells {
            let configuration = configuration(&self.items, cell)
                .ok_or_else(|| CodecError::corrupt("a picture has no HEVC settings"))?;
            let data = self.items.data(cell)?;
            let coded = hevc::coded_size(configuration, &data)
                .ok_or_else(|| CodecError::corrupt("the HEVC data does not say its size"))?;
            bytes = bytes.saturating_add(data.len() as u64);
            if coded.area() > largest.area() {
                largest = coded;
            }
        }
        Ok((bytes, largest))
    }

    /// EXIF and XMP.
    pub(super) fn metadata(&self, limits: &Limits) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        metadata(&self.items, limits)
    }
}

fn configuration<'a>(items: &Items<'a>, item: u32) -> Option<&'a [u8]> {
    items.properties(item).find_map(|property| match property {
        Property::Hevc(bytes) => Some(bytes),
        _ => None,
    })
}

/// The size of an item's picture and the items of its bitstreams: itself, or the cells of the grid that it is.
fn cells_of(items: &Items<'_>, item: u32) -> Result<(Size, Vec<u32>), CodecError> {
    let kind = items.kind(item);
    let size = items.size(item)?;
    match &kind {
        b"hvc1" | b"hev1" => return Ok((size, vec![item])),
        b"grid" => {}
        _ => return Err(not_hevc(kind)),
    }
    // HEIF 6.6.2.3.
    let data = items.data(item)?;
    let mut grid = Reader::new(&data);
    if grid.u8()? != 0 {
        return Err(CodecError::unsupported("this version of a HEIC grid"));
    }
    let wide = grid.u8()? & 1 == 1;
    let (rows, columns) = (u64::from(grid.u8()?) + 1, u64::from(grid.u8()?) + 1);
    if Size::new(grid.id(wide)?, grid.id(wide)?) != size {
        return Err(CodecError::corrupt(
            "a HEIC grid does not have the size its header says",
        ));
    }
    let cells: Vec<u32> = items.referred(*b"dimg", item).take(CELLS_MAX + 1).collect();
    if cells.len() > CELLS_MAX {
        return Err(CodecError::unsupported(format!(
            "a HEIC grid of more than {CELLS_MAX} pictures"
        )));
    }
    let Some(&first) = cells.first().filter(|_| cells.len() as u64 == rows * columns) else {
        return Err(CodecError::corrupt(
            "a HEIC grid has not the number of pictures that it needs",
        ));
    };
    let of = items.size(first)?;
    for &cell in &cells {
        let kind = items.kind(cell);
        if kind != *b"hvc1" && kind != *b"hev1" {
            return Err(not_hevc(kind));
        }
        items.check_essential(cell)?;
        if items.size(cell)? != of {
            return Err(CodecError::corrupt("the pictures of a HEIC grid differ in size"));
        }
    }
    let covers = |side: u32, cell: u32, count: u64| u64::from(cell) * count >= u64::from(side);
    if !covers(size.width, of.width, columns) || !covers(size.height, of.height, rows) {
        return Err(CodecError::corrupt("the pictures of a HEIC grid do not cover it"));
    }
    Ok((size, cells))
}

fn not_hevc(kind: [u8; 4]) -> CodecError {
    CodecError::unsupported(format!("a HEIF picture of the kind \"{}\"", kind.escape_ascii()))
}
