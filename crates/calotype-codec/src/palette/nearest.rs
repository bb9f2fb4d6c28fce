//! Finding the nearest entry of a palette, exactly.

use super::{distance, premultiply};

/// Entries sorted by premultiplied green, searched outwards until green alone is farther than the best.
pub(super) struct Finder {
    sorted: Vec<([u8; 4], u8)>,
    /// For each green, the first entry that has as much.
    start: [u16; 256],
}

impl Finder {
    pub(super) fn new(colors: &[[u8; 4]]) -> Self {
        let mut sorted: Vec<([u8; 4], u8)> = colors.iter().map(|&color| premultiply(color)).zip(0..=255u8).collect();
        sorted.sort_by_key(|(color, index)| (color[1], *index));
        let mut start = [0; 256];
        for (green, place) in start.iter_mut().enumerate() {
            *place = sorted.partition_point(|(color, _)| usize::from(color[1]) < green) as u16;
        }
        Self { sorted, start }
    }

    /// The index of the entry nearest to a premultiplied colour.
    pub(super) fn nearest(&self, wanted: [u8; 4]) -> u8 {
        let (mut best, mut found) = (u32::MAX, 0);
        let start = self
            .start
            .get(usize::from(wanted[1]))
            .map_or(0, |&start| usize::from(start));
        let (below, above) = self.sorted.split_at(start.min(self.sorted.len()));
        let mut look = |&(color, index): &([u8; 4], u8)| {
            // A lower bound of the distance, which grows along each side.
            if u32::from(color[1].abs_diff(wanted[1])).pow(2) >= best {
                return false;
            }
            let d = distance(wanted, color);
            if d < best {
                (best, found) = (d, index);
            }
            true
        };
        let _ = above.iter().all(&mut look);
        let _ = below.iter().rev().all(&mut look);
        found
    }
}
