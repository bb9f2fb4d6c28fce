//! Finding the nearest entry of a palette, exactly.

use super::{WEIGHTS, distance, premultiply};

/// Bits of each sample that choose where a search begins.
const HINT_BITS: u32 = 4;

/// Entries sorted by lightness, searched outwards from where the colour would stand until lightness alone is farther
/// than the best. The search begins with what was found for the last colour of the same kind, so that it ends soon.
#[derive(Debug)]
pub(super) struct Finder {
    sorted: Vec<Entry>,
    /// For each 256th of lightness, the first entry that has as much.
    start: [u16; 256],
    /// For each kind of colour, the place of the entry found last.
    hints: Vec<u16>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    lightness: i32,
    /// Premultiplied.
    color: [u8; 4],
    index: u8,
}

const WEIGHTS_SUM: u32 = WEIGHTS[0] + WEIGHTS[1] + WEIGHTS[2];

/// The weighted sum of a premultiplied colour. By the inequality of Cauchy and Schwarz its difference, squared and
/// divided by the sum of the weights, is never more than the distance.
fn lightness([r, g, b, _]: [u8; 4]) -> u32 {
    u32::from(r) * WEIGHTS[0] + u32::from(g) * WEIGHTS[1] + u32::from(b) * WEIGHTS[2]
}

impl Finder {
    /// For at most 256 colours.
    pub(super) fn new(colors: &[[u8; 4]]) -> Self {
        let entry = |(&color, index): (&[u8; 4], u8)| {
            let color = premultiply(color);
            Entry {
                lightness: lightness(color).cast_signed(),
                color,
                index,
            }
        };
        let mut sorted: Vec<Entry> = colors.iter().zip(0..=255u8).map(entry).collect();
        sorted.sort_by_key(|entry| (entry.lightness, entry.index));
        let mut start = [0; 256];
        for (level, place) in (0i32..).zip(&mut start) {
            let least = level * WEIGHTS_SUM.cast_signed();
            *place = u16::try_from(sorted.partition_point(|entry| entry.lightness < least)).unwrap_or(0);
        }
        Self {
            sorted,
            start,
            hints: vec![0; 1 << (3 * HINT_BITS)],
        }
    }

    /// The index of an entry nearest to a premultiplied colour.
    pub(super) fn nearest(&mut self, wanted: [u8; 4]) -> u8 {
        let light = lightness(wanted);
        let [r, g, b, _] = wanted.map(|v| usize::from(v >> (8 - HINT_BITS)));
        let kind = r << (2 * HINT_BITS) | g << HINT_BITS | b;
        let hint = self.hints.get(kind).map_or(0, |&hint| usize::from(hint));
        let entry = self.sorted.get(hint).copied().unwrap_or_default();
        let (mut best, mut found) = (distance(wanted, entry.color), hint);

        let start = self
            .start
            .get((light / WEIGHTS_SUM) as usize)
            .map_or(0, |&start| usize::from(start));
        let (below, above) = self.sorted.split_at(start.min(self.sorted.len()));
        let light = light.cast_signed();
        for (at, entry) in (start..).zip(above) {
            let apart = entry.lightness - light;
            // What is a little below the colour itself may stand in front.
            if apart > 0 && (apart * apart).unsigned_abs() >= best.saturating_mul(WEIGHTS_SUM) {
                break;
            }
            let apart = distance(wanted, entry.color);
            if apart < best {
                (best, found) = (apart, at);
            }
        }
        for (at, entry) in (0..start).rev().zip(below.iter().rev()) {
            let apart = light - entry.lightness;
            if (apart * apart).unsigned_abs() >= best.saturating_mul(WEIGHTS_SUM) {
                break;
            }
            let apart = distance(wanted, entry.color);
            if apart < best {
                (best, found) = (apart, at);
            }
        }
        if let Some(hint) = self.hints.get_mut(kind) {
            *hint = u16::try_from(found).unwrap_or(0);
        }
        self.sorted.get(found).map_or(0, |entry| entry.index)
    }
}
