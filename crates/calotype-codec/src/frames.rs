//! What the writers of animations share: exact time, and where two frames differ.

use std::time::Duration;

use calotype_plan::{Rect, Size};

use crate::{Layout, Picture};

/// Durations in the units of a format. Each is rounded so that the sum of all is right at every frame's end: an
/// animation never drifts from its source.
#[derive(Debug)]
pub(crate) struct Clock {
    unit_ms: u32,
    total: Duration,
    written: u64,
}

impl Clock {
    /// A clock whose units are so many milliseconds long.
    pub(crate) const fn new(unit_ms: u32) -> Self {
        Self {
            unit_ms,
            total: Duration::ZERO,
            written: 0,
        }
    }

    /// The units that a frame of `duration` gets.
    pub(crate) fn advance(&mut self, duration: Duration) -> u64 {
        self.total = self.total.saturating_add(duration);
        let units = self.due();
        let ticks = units.saturating_sub(self.written);
        self.written = self.written.max(units);
        ticks
    }

    /// Notes units that a frame got above its due.
    pub(crate) fn borrow(&mut self, units: u64) {
        self.written = self.written.saturating_add(units);
    }

    /// The end of the last frame in units, rounded to nearest.
    fn due(&self) -> u64 {
        let unit_ns = u128::from(self.unit_ms.max(1)) * 1_000_000;
        u64::try_from((self.total.as_nanos() + unit_ns / 2) / unit_ns).unwrap_or(u64::MAX)
    }
}

/// The pixels of a picture as RGBA; those that cannot be seen as they are stored.
pub(crate) fn copy_rgba(picture: &Picture, out: &mut Vec<[u8; 4]>) {
    out.clear();
    match picture.layout() {
        Layout::Rgb => out.extend(
            picture
                .data()
                .as_chunks::<3>()
                .0
                .iter()
                .map(|&[r, g, b]| [r, g, b, 255]),
        ),
        Layout::Rgba => out.extend_from_slice(picture.data().as_chunks::<4>().0),
    }
}

/// The smallest rectangle around all places where `is_marked`; `None` if there is none.
pub(crate) fn bounds(size: Size, is_marked: impl Fn(usize) -> bool) -> Option<Rect> {
    let width = size.width as usize;
    let (mut left, mut right, mut top, mut bottom) = (width, 0, None, 0);
    for y in 0..size.height as usize {
        let row = y * width;
        let Some(first) = (row..row + width).find(|&at| is_marked(at)) else {
            continue;
        };
        let last = (first..row + width).rfind(|&at| is_marked(at)).unwrap_or(first);
        top = top.or(Some(y));
        bottom = y;
        left = left.min(first - row);
        right = right.max(last - row);
    }
    let top = top?;
    let side = |from: usize, to: usize| u32::try_from(to - from + 1).unwrap_or(u32::MAX);
    Some(Rect::new(
        u32::try_from(left).unwrap_or(u32::MAX),
        u32::try_from(top).unwrap_or(u32::MAX),
        side(left, right),
        side(top, bottom),
    ))
}

/// The smallest rectangle around two.
pub(crate) fn union(a: Rect, b: Rect) -> Rect {
    let (left, top) = (a.left.min(b.left), a.top.min(b.top));
    let right = a.left.saturating_add(a.width).max(b.left.saturating_add(b.width));
    let bottom = a.top.saturating_add(a.height).max(b.top.saturating_add(b.height));
    Rect::new(left, top, right - left, bottom - top)
}

/// The places of a rectangle's pixels on a canvas, row by row.
pub(crate) fn places(rect: Rect, canvas_width: u32) -> impl Iterator<Item = usize> {
    (rect.top as usize..rect.top as usize + rect.height as usize).flat_map(move |y| {
        let start = y * canvas_width as usize + rect.left as usize;
        start..start + rect.width as usize
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_durations_add_up_to_the_rounded_sum() {
        // Sixty frames a second in hundredths: 1.667, 3.333, 5 -> 2, 3, 5.
        let mut clock = Clock::new(10);
        let ticks: Vec<u64> = (0..60)
            .map(|_| clock.advance(Duration::from_nanos(16_666_667)))
            .collect();
        assert_eq!(ticks[..6], [2, 1, 2, 2, 1, 2]);
        assert_eq!(ticks.iter().sum::<u64>(), 100);
        assert_eq!(clock.advance(Duration::ZERO), 0);
        assert_eq!(clock.advance(Duration::MAX), clock.due() - 100);
        assert_eq!(clock.advance(Duration::MAX), 0);
    }

    #[test]
    fn bounds_hold_what_is_marked_and_no_more() {
        let size = Size::new(5, 4);
        assert_eq!(bounds(size, |_| false), None);
        assert_eq!(bounds(size, |_| true), Some(Rect::of(size)));
        assert_eq!(bounds(size, |at| at == 7 || at == 11), Some(Rect::new(1, 1, 2, 2)));
        assert_eq!(
            union(Rect::new(1, 1, 2, 2), Rect::new(4, 0, 1, 1)),
            Rect::new(1, 0, 4, 3)
        );
        assert_eq!(places(Rect::new(1, 1, 2, 2), 5).collect::<Vec<_>>(), [6, 7, 11, 12]);
    }
}
