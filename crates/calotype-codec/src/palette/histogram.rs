//! Counting the colours of a picture, similar ones together.

use super::premultiply;

/// Colours that agree in their upper bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// Sums of premultiplied samples.
    pub(super) sum: [u64; 4],
    /// How many pixels they are of.
    pub(super) count: u64,
    /// The mean colour, premultiplied.
    pub(super) mean: [u8; 4],
}

impl Cell {
    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.iter_mut().zip(other.sum).for_each(|(to, from)| *to += from);
    }

    /// The mean of the sums, rounded to nearest.
    pub(super) fn exact_mean(&self) -> [u8; 4] {
        let count = self.count.max(1);
        self.sum
            .map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX))
    }
}

/// Opaque colours keep six bits of each sample. Translucent ones keep five, and four of opacity, and lie behind them.
const OPAQUE_CELLS: usize = 1 << 18;
const CELLS: usize = OPAQUE_CELLS + (1 << 19);

/// Bytes while counting so many pixels: the index of all cells, and the cells that there are, which may grow.
pub(super) fn bytes_max(pixels: usize) -> u64 {
    (CELLS * 4) as u64 + pixels.min(CELLS) as u64 * 2 * size_of::<Cell>() as u64
}

/// The cells that hold a pixel, ordered by their colour.
pub(super) fn cells(rgba: &[[u8; 4]]) -> Vec<Cell> {
    // Zero is none, else one more than the place in `cells`.
    let mut index = vec![0u32; CELLS];
    let mut cells: Vec<(usize, Cell)> = Vec::new();
    for &pixel in rgba {
        let key = key(pixel);
        let Some(slot) = index.get_mut(key) else {
            continue;
        };
        if *slot == 0 {
            cells.push((key, Cell::default()));
            *slot = u32::try_from(cells.len()).unwrap_or(0);
        }
        if let Some((_, cell)) = (*slot as usize).checked_sub(1).and_then(|at| cells.get_mut(at)) {
            cell.count += 1;
            cell.sum
                .iter_mut()
                .zip(premultiply(pixel))
                .for_each(|(to, from)| *to += u64::from(from));
        }
    }
    cells.sort_unstable_by_key(|(key, _)| *key);
    cells
        .into_iter()
        .map(|(_, cell)| Cell {
            mean: cell.exact_mean(),
            ..cell
        })
        .collect()
}

fn key([r, g, b, a]: [u8; 4]) -> usize {
    let bits = |v: u8, kept: u32| usize::from(v >> (8 - kept));
    if a == 255 {
        bits(r, 6) << 12 | bits(g, 6) << 6 | bits(b, 6)
    } else {
        OPAQUE_CELLS + (bits(a, 4) << 15 | bits(r, 5) << 10 | bits(g, 5) << 5 | bits(b, 5))
    }
}
