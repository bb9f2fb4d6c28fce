//! Turning pixels (spec 5.4). The algebra of turns is [`Turn`]'s.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Fault, Size, Turn};

use crate::error::fault;

/// Rows that are read side by side when axes are exchanged, so that both reads and writes stay in the cache.
const BAND_ROWS: usize = 32;

/// A box with fractional edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// What a turn does to pixels.
pub(crate) trait TurnPixels {
    /// As [`Turn::undo`] for a fractional box.
    fn undo_area(self, area: Area, before: Size) -> Area;

    /// Turns the pixels. Mirroring is done in place; exchanging the axes needs a second picture.
    fn pixels(self, picture: Picture, budget: &Budget) -> Result<Picture, Fault>;
}

impl TurnPixels for Turn {
    fn undo_area(self, area: Area, before: Size) -> Area {
        let after = self.apply(before);
        let left = if self.mirror_x {
            f64::from(after.width) - area.left - area.width
        } else {
            area.left
        };
        let top = if self.mirror_y {
            f64::from(after.height) - area.top - area.height
        } else {
            area.top
        };
        if self.transpose {
            Area {
                left: top,
                top: left,
                width: area.height,
                height: area.width,
            }
        } else {
            Area {
                left,
                top,
                width: area.width,
                height: area.height,
            }
        }
    }

    fn pixels(self, mut picture: Picture, budget: &Budget) -> Result<Picture, Fault> {
        if self.transpose {
            picture = transpose(&picture, budget)?;
        }
        match (self.mirror_x, self.mirror_y) {
            (false, false) => {}
            (true, true) => reverse_pixels(picture.channels(), picture.data_mut()),
            (true, false) => {
                let channels = picture.channels();
                picture.rows_mut().for_each(|row| reverse_pixels(channels, row));
            }
            (false, true) => {
                let stride = picture.stride();
                mirror_rows(picture.data_mut(), stride);
            }
        }
        Ok(picture)
    }
}

/// Turns a plane of single samples; exchanging the axes needs a second one.
pub(crate) fn turn_plane(turn: Turn, size: Size, mut plane: Vec<u8>) -> Vec<u8> {
    if turn.transpose {
        let mut out = vec![0; plane.len()];
        transpose_pixels(
            plane.as_chunks::<1>().0,
            out.as_chunks_mut::<1>().0,
            size.width as usize,
            size.height as usize,
        );
        plane = out;
    }
    let width = if turn.transpose { size.height } else { size.width } as usize;
    match (turn.mirror_x, turn.mirror_y) {
        (false, false) => {}
        (true, true) => plane.reverse(),
        (true, false) => plane.chunks_exact_mut(width.max(1)).for_each(<[u8]>::reverse),
        (false, true) => mirror_rows(&mut plane, width.max(1)),
    }
    plane
}

/// The outermost two rows change places, then the next.
fn mirror_rows(mut rows: &mut [u8], stride: usize) {
    while rows.len() >= 2 * stride {
        let (first, rest) = rows.split_at_mut(stride);
        let middle = rest.len() - stride;
        let (inner, last) = rest.split_at_mut(middle);
        first.swap_with_slice(last);
        rows = inner;
    }
}

fn reverse_pixels(channels: usize, samples: &mut [u8]) {
    if channels == 4 {
        samples.as_chunks_mut::<4>().0.reverse();
    } else {
        samples.as_chunks_mut::<3>().0.reverse();
    }
}

/// Rows become columns.
fn transpose(picture: &Picture, budget: &Budget) -> Result<Picture, Fault> {
    let size = picture.size();
    let mut out = Picture::new(size.swapped(), picture.layout(), [0; 4], budget).map_err(fault)?;
    let (width, height) = (size.width as usize, size.height as usize);
    if picture.channels() == 4 {
        transpose_pixels(
            picture.data().as_chunks::<4>().0,
            out.data_mut().as_chunks_mut::<4>().0,
            width,
            height,
        );
    } else {
        transpose_pixels(
            picture.data().as_chunks::<3>().0,
            out.data_mut().as_chunks_mut::<3>().0,
            width,
            height,
        );
    }
    Ok(out)
}

fn transpose_pixels<const N: usize>(from: &[[u8; N]], to: &mut [[u8; N]], width: usize, height: usize) {
    for (index, band) in from.chunks(BAND_ROWS * width).enumerate() {
        let top = index * BAND_ROWS;
        let mut rows: [&[[u8; N]]; BAND_ROWS] = [&[]; BAND_ROWS];
        for (row, pixels) in rows.iter_mut().zip(band.chunks_exact(width)) {
            *row = pixels;
        }
        for (x, column) in to.chunks_exact_mut(height).enumerate() {
            for (to, row) in column.iter_mut().skip(top).zip(&rows) {
                if let Some(pixel) = row.get(x) {
                    *to = *pixel;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;
    use calotype_plan::{Orientation, Rect};

    use super::*;

    fn all() -> impl Iterator<Item = Turn> {
        (1..=8).map(|value| Turn::from(Orientation::from_exif(value)))
    }

    /// A picture whose pixels say where they were.
    fn numbered(size: Size, layout: Layout) -> Picture {
        let mut data = Vec::new();
        for y in 0..size.height {
            for x in 0..size.width {
                data.extend_from_slice(&[u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 7]);
                if layout == Layout::Rgba {
                    data.push(200);
                }
            }
        }
        Picture::from_raw(size, layout, data).unwrap()
    }

    /// Where the pixel that ends at `x`, `y` comes from, as EXIF 2.32 describes each value (the place of row 0 and column 0).
    fn exif_source(value: u32, x: u32, y: u32, stored: Size) -> (u32, u32) {
        let (right, bottom) = (stored.width - 1, stored.height - 1);
        match value {
            1 => (x, y),
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (y, bottom - x),
            7 => (right - y, bottom - x),
            _ => (right - y, x),
        }
    }

    #[test]
    fn pixels_go_where_exif_says() {
        let budget = Budget::unlimited();
        for layout in [Layout::Rgb, Layout::Rgba] {
            for size in [Size::new(5, 3), Size::new(70, 41), Size::new(1, 4), Size::new(3, 1)] {
                for value in 1..=8 {
                    let turned = Turn::from(Orientation::from_exif(value))
                        .pixels(numbered(size, layout), &budget)
                        .unwrap();
                    for y in 0..turned.size().height {
                        for x in 0..turned.size().width {
                            let (from_x, from_y) = exif_source(value, x, y, size);
                            let pixel = turned.pixel(x, y).unwrap();
                            assert_eq!(
                                (u32::from(pixel[0]), u32::from(pixel[1])),
                                (from_x, from_y),
                                "{value} {x},{y}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn planes_turn_as_pixels_do() {
        let budget = Budget::unlimited();
        for size in [Size::new(5, 3), Size::new(70, 41), Size::new(1, 4)] {
            let picture = || numbered(size, Layout::Rgb);
            for turn in all() {
                let turned = turn.pixels(picture(), &budget).unwrap();
                for channel in 0..2 {
                    let plane = |picture: &Picture| -> Vec<u8> {
                        picture.data().iter().skip(channel).step_by(3).copied().collect()
                    };
                    assert_eq!(
                        turn_plane(turn, size, plane(&picture())),
                        plane(&turned),
                        "{turn:?} {size}"
                    );
                }
            }
        }
    }

    #[test]
    fn two_turns_are_one_turn() {
        let budget = Budget::unlimited();
        for first in all() {
            for second in all() {
                let start = || numbered(Size::new(4, 3), Layout::Rgb);
                let stepwise = second.pixels(first.pixels(start(), &budget).unwrap(), &budget).unwrap();
                let at_once = first.then(second).pixels(start(), &budget).unwrap();
                assert_eq!(stepwise.size(), at_once.size());
                assert_eq!(stepwise.data(), at_once.data());
            }
        }
    }

    #[test]
    fn a_box_is_found_again_before_the_turn() {
        let budget = Budget::unlimited();
        let size = Size::new(9, 6);
        let rect = Rect::new(1, 2, 3, 2);
        for turn in all() {
            let turned = turn.pixels(numbered(size, Layout::Rgb), &budget).unwrap();
            let before = turn.undo(rect, size);
            assert_eq!(turn.apply(before.size()), rect.size());
            for (x, y) in [(rect.left, rect.top), (rect.left + 2, rect.top + 1)] {
                let pixel = turned.pixel(x, y).unwrap();
                let (x, y) = (u32::from(pixel[0]), u32::from(pixel[1]));
                assert!(x >= before.left && x < before.left + before.width, "{turn:?}");
                assert!(y >= before.top && y < before.top + before.height, "{turn:?}");
            }
            let area = Area {
                left: 1.0,
                top: 2.0,
                width: 3.0,
                height: 2.0,
            };
            let undone = turn.undo_area(area, size);
            assert_eq!(undone.left, f64::from(before.left));
            assert_eq!(undone.top, f64::from(before.top));
            assert_eq!(undone.width, f64::from(before.width));
            assert_eq!(undone.height, f64::from(before.height));
        }
    }
}
