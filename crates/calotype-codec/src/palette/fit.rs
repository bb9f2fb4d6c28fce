//! Fitting a palette to a picture.

use std::collections::BTreeMap;

use super::nearest::Finder;
use super::premultiply;

/// One cell of the histogram: colours that agree in their upper five bits, premultiplied sums and how many there are.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    sum: [u64; 4],
    count: u64,
}

impl Cell {
    fn mean(&self) -> [u64; 4] {
        self.sum.map(|sum| (sum + self.count / 2) / self.count.max(1))
    }
}

/// Rounds of k-means after the cut; more change little.
const ROUNDS: usize = 3;

/// At most `colors_max` colours for these pixels.
pub(super) fn palette(rgba: &[[u8; 4]], colors_max: usize) -> Vec<[u8; 4]> {
    let mut histogram: BTreeMap<[u8; 4], Cell> = BTreeMap::new();
    let (mut last_key, mut run) = (None, Cell::default());
    let mut flush = |key: Option<[u8; 4]>, run: &mut Cell| {
        if let Some(key) = key {
            let cell = histogram.entry(key).or_default();
            cell.count += run.count;
            cell.sum.iter_mut().zip(run.sum).for_each(|(to, from)| *to += from);
        }
        *run = Cell::default();
    };
    for &pixel in rgba {
        let premultiplied = premultiply(pixel);
        // Alpha keeps four bits; fully opaque and fully transparent keep to themselves.
        let key = [
            pixel[0] >> 3,
            pixel[1] >> 3,
            pixel[2] >> 3,
            if pixel[3] == 255 { 16 } else { pixel[3] >> 4 },
        ];
        if last_key != Some(key) {
            flush(last_key, &mut run);
            last_key = Some(key);
        }
        run.count += 1;
        run.sum
            .iter_mut()
            .zip(premultiplied)
            .for_each(|(to, from)| *to += u64::from(from));
    }
    flush(last_key, &mut run);
    let mut cells: Vec<Cell> = histogram.into_values().collect();
    let means = cut(&mut cells, colors_max);
    improve(&cells, means)
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
        let axis = worst.axis;
        part.sort_by_key(|cell| cell.mean().get(axis).copied().unwrap_or_default());
        let middle = part.partition_point(|cell| cell.mean().get(axis).copied().unwrap_or_default() <= worst.mean);
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

#[derive(Debug, Clone, Copy)]
struct Spread {
    start: usize,
    end: usize,
    error: u64,
    axis: usize,
    mean: u64,
}

fn spread(cells: &[Cell], start: usize, end: usize) -> Spread {
    let part = cells.get(start..end).unwrap_or_default();
    let count: u64 = part.iter().map(|c| c.count).sum::<u64>().max(1);
    let mut widest = Spread {
        start,
        end,
        error: 0,
        axis: 0,
        mean: 0,
    };
    let mut total = 0u64;
    for axis in 0..4 {
        let sum: u64 = part.iter().filter_map(|c| c.sum.get(axis)).sum();
        let mean = sum / count;
        let error: u64 = part
            .iter()
            .map(|c| {
                let difference = c.mean().get(axis).copied().unwrap_or_default().abs_diff(mean);
                difference * difference * c.count
            })
            .sum();
        total += error;
        if error > widest.error {
            widest = Spread {
                error,
                axis,
                mean,
                ..widest
            };
        }
    }
    Spread { error: total, ..widest }
}

fn mean_of(cells: &[Cell]) -> [u8; 4] {
    let mut all = Cell::default();
    for cell in cells {
        all.count += cell.count;
        all.sum.iter_mut().zip(cell.sum).for_each(|(to, from)| *to += from);
    }
    straighten(all.mean())
}

/// Rounds of k-means over the cells.
fn improve(cells: &[Cell], mut colors: Vec<[u8; 4]>) -> Vec<[u8; 4]> {
    for _ in 0..ROUNDS {
        let finder = Finder::new(&colors);
        let mut groups = vec![Cell::default(); colors.len()];
        for cell in cells {
            let nearest = finder.nearest(cell.mean().map(|v| v.min(255) as u8));
            if let Some(group) = groups.get_mut(usize::from(nearest)) {
                group.count += cell.count;
                group.sum.iter_mut().zip(cell.sum).for_each(|(to, from)| *to += from);
            }
        }
        for (color, group) in colors.iter_mut().zip(&groups) {
            if group.count > 0 {
                *color = straighten(group.mean());
            }
        }
    }
    colors
}

/// From premultiplied to plain.
fn straighten([r, g, b, a]: [u64; 4]) -> [u8; 4] {
    if a == 0 {
        return [0; 4];
    }
    let scale = |v: u64| ((v * 255 + a / 2) / a).min(255) as u8;
    [scale(r), scale(g), scale(b), a.min(255) as u8]
}
