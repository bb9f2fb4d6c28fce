//! Fitting a palette to a picture.

use super::WEIGHTS;
use super::histogram::{self, Cell};
use super::nearest::Finder;

/// At most `colors_max` colours for these pixels, after so many rounds of k-means.
pub(super) fn palette(rgba: &[[u8; 4]], colors_max: usize, rounds: usize) -> Vec<[u8; 4]> {
    let mut cells = histogram::cells(rgba);
    let means = cut(&mut cells, colors_max);
    improve(&cells, means, rounds)
}

/// Divides the cells until there are enough boxes, and gives the mean of each.
fn cut(cells: &mut [Cell], colors_max: usize) -> Vec<[u8; 4]> {
    // A box is a range of `cells`, with its error and the axis along which it varies most.
    let mut boxes = vec![spread(cells, 0, cells.len())];
    while boxes.len() < colors_max {
        let Some((index, worst)) = boxes
            .iter()
            .enumerate()
            .filter(|(_, b)| b.end - b.start > 1 && b.error > 0)
            .max_by_key(|(index, b)| (b.error, std::cmp::Reverse(*index)))
            .map(|(index, b)| (index, *b))
        else {
            break;
        };
        let Some(part) = cells.get_mut(worst.start..worst.end) else {
            break;
        };
        let middle = part_at(part, worst.axis, worst.mean);
        // The mean lies between the least and the greatest, so neither side is empty but for rounding.
        let middle = worst.start + middle.clamp(1, part.len() - 1);
        let (left, right) = (spread(cells, worst.start, middle), spread(cells, middle, worst.end));
        if let Some(place) = boxes.get_mut(index) {
            *place = left;
        }
        boxes.push(right);
    }
    boxes
        .iter()
        .map(|b| mean_of(cells.get(b.start..b.end).unwrap_or_default()))
        .collect()
}

/// Brings the cells up to `mean` on an axis to the front, and says how many there are. All that matters is that equal
/// cells always end in the same order.
fn part_at(cells: &mut [Cell], axis: usize, mean: u64) -> usize {
    let mut middle = 0;
    for at in 0..cells.len() {
        let is_low = cells
            .get(at)
            .and_then(|cell| cell.mean.get(axis))
            .is_some_and(|&value| u64::from(value) <= mean);
        if is_low {
            cells.swap(middle, at);
            middle += 1;
        }
    }
    middle
}

#[derive(Debug, Clone, Copy)]
struct Spread {
    start: usize,
    end: usize,
    error: u64,
    axis: usize,
    mean: u64,
}

/// Where a box varies most: sums of squares less the square of the sum.
fn spread(cells: &[Cell], start: usize, end: usize) -> Spread {
    let part = cells.get(start..end).unwrap_or_default();
    let (mut count, mut sums, mut squares) = (0u64, [0u64; 4], [0u64; 4]);
    for cell in part {
        count += cell.count;
        for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(cell.mean) {
            let weighted = u64::from(value) * cell.count;
            *sum += weighted;
            *square += weighted * u64::from(value);
        }
    }
    let mut widest = Spread {
        start,
        end,
        error: 0,
        axis: 0,
        mean: 0,
    };
    let mut total = 0u64;
    for (axis, ((sum, square), weight)) in sums.into_iter().zip(squares).zip(WEIGHTS).enumerate() {
        let mean_square = u128::from(sum) * u128::from(sum) / u128::from(count.max(1));
        let error = square.saturating_sub(u64::try_from(mean_square).unwrap_or(u64::MAX)) * u64::from(weight);
        total += error;
        if error > widest.error {
            widest = Spread {
                error,
                axis,
                mean: sum / count.max(1),
                ..widest
            };
        }
    }
    // Between the sum of squared errors, by which a few odd colours take entries from large areas, and that of plain
    // errors (about its root times that of the count), by which they get none: their geometric mean.
    let plain = (u128::from(total) * u128::from(count)).isqrt();
    let middle = (u128::from(total) * plain).isqrt();
    Spread {
        error: u64::try_from(middle).unwrap_or(u64::MAX).max(u64::from(total > 0)),
        ..widest
    }
}

fn mean_of(cells: &[Cell]) -> [u8; 4] {
    let mut all = Cell::default();
    cells.iter().for_each(|cell| all.add(cell));
    straighten(all.exact_mean())
}

/// Rounds of k-means over the cells.
fn improve(cells: &[Cell], mut colors: Vec<[u8; 4]>, rounds: usize) -> Vec<[u8; 4]> {
    for _ in 0..rounds {
        let mut finder = Finder::new(&colors);
        let mut groups = vec![Cell::default(); colors.len()];
        for cell in cells {
            if let Some(group) = groups.get_mut(usize::from(finder.nearest(cell.mean))) {
                group.add(cell);
            }
        }
        for (color, group) in colors.iter_mut().zip(&groups) {
            if group.count > 0 {
                *color = straighten(group.exact_mean());
            }
        }
    }
    colors
}

/// From premultiplied to plain.
fn straighten([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    if a == 0 {
        return [0; 4];
    }
    let (opacity, a) = (u32::from(a), a);
    let scale = |v: u8| u8::try_from((u32::from(v) * 255 + opacity / 2) / opacity).unwrap_or(u8::MAX);
    [scale(r), scale(g), scale(b), a]
}
