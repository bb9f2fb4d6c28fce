//! Where a pixel of a result comes from, and how near to that it has to be.

use calotype_plan::{Rect, Size};

use super::Row;
use crate::support::pictures;
use crate::support::pictures::{color_at, distance};
use crate::support::reader::Pixels;

/// Where a pixel of a result comes from, by the boxes of its row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping {
    pub(super) source: Size,
    pub(super) trim: Rect,
    pub(super) flipped: bool,
    /// Quarter turns clockwise.
    pub(super) turn: usize,
    pub(super) turned: Size,
    pub(super) scaled: Size,
    pub(super) crop: Rect,
}

impl Mapping {
    pub(super) fn scaled(source: Size, scaled: Size, crop: Rect) -> Self {
        Self {
            source,
            trim: Rect::of(source),
            flipped: false,
            turn: 0,
            turned: source,
            scaled,
            crop,
        }
    }

    pub(super) fn color(&self, x: f64, y: f64) -> [f64; 3] {
        let share =
            |at: f64, offset: u32, from: u32, to: u32| (at + f64::from(offset)) * f64::from(from) / f64::from(to);
        let x = share(x, self.crop.left, self.turned.width, self.scaled.width);
        let y = share(y, self.crop.top, self.turned.height, self.scaled.height);
        let (width, height) = (f64::from(self.trim.width), f64::from(self.trim.height));
        let (x, y) = match self.turn {
            0 => (x, y),
            1 => (y, height - x),
            2 => (width - x, height - y),
            _ => (width - y, x),
        };
        let x = if self.flipped { width - x } else { x };
        color_at(x + f64::from(self.trim.left), y + f64::from(self.trim.top), self.source)
    }

    pub(super) fn check(&self, row: &Row, pixels: &Pixels) {
        assert_eq!(pixels.size, self.crop.size(), "{row:?}");
        check_distance(row, distance(pixels, |x, y| self.color(x, y)));
    }
}

/// Levels of 255 by which samples may differ on average: rounding and the filter's small loss.
pub(super) const MEAN_MAX: f64 = 1.0;
/// Levels by which any sample away from the edges may differ.
pub(super) const WORST_MAX: f64 = 5.0;

pub(super) fn check_distance(row: &Row, distance: pictures::Distance) {
    if std::env::var_os("CALOTYPE_SHOW_DISTANCES").is_some() {
        println!("{}: {distance:?}", row[0]);
    }
    assert!(
        distance.mean <= MEAN_MAX && distance.worst_inside <= WORST_MAX,
        "{row:?}: {distance:?}"
    );
}
