//! From outlines to coverage: the exact share of each pixel that lies inside, to 1/256 of a pixel, in integers.
//!
//! The way is that of FreeType's smooth rasteriser: every line adds to the pixels that it crosses the area to its right, signed by its direction, and a running sum
//! along the row gives the coverage. Integers give the same bytes on every machine.

use crate::TextError;
use crate::outline::{Outline, Segment};

/// Parts of a pixel.
const ONE: i32 = 256;
/// What a pixel's sum is when it is covered: its height in parts, times twice its width in parts.
const FULL: i32 = ONE * 2 * ONE;
/// How far a straight line may be from the curve that it stands for, in pixels.
const TOLERANCE_PX: f64 = 0.05;
/// Cells that are summed at once.
const CELLS: usize = 1 << 18;

/// The straight lines around a glyph at its final size, in pixels from its origin, y down.
#[derive(Debug, Default)]
pub(crate) struct Polygon {
    lines: Vec<[f32; 4]>,
    bounds: Option<Bounds>,
}

/// The box around something, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Bounds {
    fn with(of: Option<Self>, (x, y): (f64, f64)) -> Self {
        match of {
            None => Self {
                left: x,
                top: y,
                right: x,
                bottom: y,
            },
            Some(bounds) => Self {
                left: bounds.left.min(x),
                top: bounds.top.min(y),
                right: bounds.right.max(x),
                bottom: bounds.bottom.max(y),
            },
        }
    }
}

/// Coverage of a picture, a byte for each pixel.
#[derive(Debug)]
pub(crate) struct Canvas<'c> {
    pub(crate) width: usize,
    pub(crate) coverage: &'c mut [u8],
}

type Point = (f64, f64);

impl Polygon {
    /// The lines around an outline that is `scale` pixels a unit large.
    pub(crate) fn of(outline: &Outline, scale: f64) -> Self {
        let mut polygon = Self::default();
        let at = |(x, y): (f32, f32)| (f64::from(x) * scale, -f64::from(y) * scale);
        let (mut start, mut last) = ((0.0, 0.0), (0.0, 0.0));
        for segment in &outline.segments {
            match *segment {
                Segment::Move(to) => {
                    polygon.line(last, start);
                    (start, last) = (at(to), at(to));
                }
                Segment::Line(to) => {
                    polygon.line(last, at(to));
                    last = at(to);
                }
                Segment::Quad(control, to) => {
                    polygon.quad(last, at(control), at(to));
                    last = at(to);
                }
                Segment::Cubic(control, other, to) => {
                    polygon.cubic(last, at(control), at(other), at(to));
                    last = at(to);
                }
                Segment::Close => {
                    polygon.line(last, start);
                    last = start;
                }
            }
        }
        polygon.line(last, start);
        polygon
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The box around the lines; `None` without any.
    pub(crate) const fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    fn line(&mut self, from: Point, to: Point) {
        if from == to {
            return;
        }
        self.bounds = Some(Bounds::with(self.bounds, from));
        self.bounds = Some(Bounds::with(self.bounds, to));
        self.lines
            .push([from.0 as f32, from.1 as f32, to.0 as f32, to.1 as f32]);
    }

    fn quad(&mut self, a: Point, b: Point, c: Point) {
        // The distance of `n` chords from the curve is at most |a - 2b + c| / (4n²).
        let parts = parts(bend(a, b, c) / (4.0 * TOLERANCE_PX));
        let mut last = a;
        for part in 1..=parts {
            let t = f64::from(part) / f64::from(parts);
            let u = 1.0 - t;
            let on = |a: f64, b: f64, c: f64| u * u * a + 2.0 * u * t * b + t * t * c;
            let next = if part == parts {
                c
            } else {
                (on(a.0, b.0, c.0), on(a.1, b.1, c.1))
            };
            self.line(last, next);
            last = next;
        }
    }

    fn cubic(&mut self, a: Point, b: Point, c: Point, d: Point) {
        // The distance of `n` chords is at most 3/4 of the larger second difference, over n².
        let parts = parts(0.75 * bend(a, b, c).max(bend(b, c, d)) / TOLERANCE_PX);
        let mut last = a;
        for part in 1..=parts {
            let t = f64::from(part) / f64::from(parts);
            let u = 1.0 - t;
            let on = |a: f64, b: f64, c: f64, d: f64| {
                u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
            };
            let next = if part == parts {
                d
            } else {
                (on(a.0, b.0, c.0, d.0), on(a.1, b.1, c.1, d.1))
            };
            self.line(last, next);
            last = next;
        }
    }

    /// Lays the glyph with its origin at a place on the canvas over what is there: pixels that both cover in part are covered by as much as two independent
    /// shapes would.
    pub(crate) fn fill(&self, (x, y): Point, canvas: &mut Canvas<'_>, steps_left: &mut u64) -> Result<(), TextError> {
        let lines: Vec<[i32; 4]> = self
            .lines
            .iter()
            .map(|&[x0, y0, x1, y1]| [fixed(x, x0), fixed(y, y0), fixed(x, x1), fixed(y, y1)])
            .collect();
        let ends = || lines.iter().flat_map(|line| [(line[0], line[1]), (line[2], line[3])]);
        let (Some(left), Some(right), Some(top), Some(bottom)) = (
            ends().map(|end| end.0).min(),
            ends().map(|end| end.0).max(),
            ends().map(|end| end.1).min(),
            ends().map(|end| end.1).max(),
        ) else {
            return Ok(());
        };
        let (left, right, top, bottom) = (left >> 8, right >> 8, top >> 8, bottom >> 8);
        let width = usize::try_from(right - left + 2).unwrap_or(0);
        let rows = i32::try_from(CELLS / width.max(1)).unwrap_or(1).max(1);
        let mut cells = Cells {
            left,
            top,
            width,
            sums: Vec::new(),
        };
        while cells.top <= bottom {
            let height = rows.min(bottom - cells.top + 1);
            let area = width.saturating_mul(usize::try_from(height).unwrap_or(0));
            cells.sums.clear();
            cells.sums.resize(area, 0);
            let mut steps = (area + lines.len()) as u64;
            for line in &lines {
                steps = steps.saturating_add(cells.add(*line, height));
            }
            *steps_left = steps_left
                .checked_sub(steps)
                .ok_or(TextError::TooComplex("too much work of the text"))?;
            cells.lay_on(canvas);
            cells.top += height;
        }
        Ok(())
    }
}

/// How far a control point is from the middle, twice.
fn bend(a: Point, b: Point, c: Point) -> f64 {
    let (x, y) = (a.0 - 2.0 * b.0 + c.0, a.1 - 2.0 * b.1 + c.1);
    (x * x + y * y).sqrt()
}

fn parts(squared: f64) -> u32 {
    // A conversion from a float saturates.
    (squared.sqrt().ceil() as u32).clamp(1, 256)
}

/// A coordinate in 256ths of a pixel. What is far outside any picture is held at its edge.
fn fixed(origin: f64, offset: f32) -> i32 {
    let parts = (origin + f64::from(offset)) * f64::from(ONE);
    parts.round().clamp(-1e8, 1e8) as i32
}

/// Sums for a strip of pixels.
struct Cells {
    /// The first column.
    left: i32,
    /// The first row.
    top: i32,
    /// Columns, and one more for what leaves the last.
    width: usize,
    sums: Vec<i32>,
}

impl Cells {
    /// Adds a line, as far as it lies in the strip. Returns the steps that it took.
    fn add(&mut self, [x0, y0, x1, y1]: [i32; 4], height: i32) -> u64 {
        let (sign, [x0, y0, x1, y1]) = if y0 <= y1 {
            (1, [x0, y0, x1, y1])
        } else {
            (-1, [x1, y1, x0, y0])
        };
        let (first, end) = (y0.max(self.top * ONE), y1.min((self.top + height) * ONE));
        if first >= end {
            return 0;
        }
        let (dx, dy) = (i64::from(x1) - i64::from(x0), i64::from(y1) - i64::from(y0));
        let x_at = |y: i32| {
            let along = (i64::from(y) - i64::from(y0)) * dx;
            i32::try_from(i64::from(x0) + along.div_euclid(dy.max(1))).unwrap_or(x0)
        };
        let mut steps = 0;
        let (mut y, mut x) = (first, if first == y0 { x0 } else { x_at(first) });
        while y < end {
            let row = y >> 8;
            let next_y = ((row + 1) * ONE).min(end);
            let next_x = if next_y == y1 { x1 } else { x_at(next_y) };
            let start = usize::try_from(row - self.top).unwrap_or(0).saturating_mul(self.width);
            if let Some(sums) = self.sums.get_mut(start..start.saturating_add(self.width)) {
                steps += span(sums, x - self.left * ONE, next_x - self.left * ONE, sign * (next_y - y));
            }
            (y, x) = (next_y, next_x);
        }
        steps
    }

    /// Lays the strip on a canvas.
    fn lay_on(&self, canvas: &mut Canvas<'_>) {
        for (sums, y) in self.sums.chunks_exact(self.width).zip(self.top..) {
            let Ok(y) = usize::try_from(y) else { continue };
            let start = y.saturating_mul(canvas.width);
            let Some(row) = canvas.coverage.get_mut(start..start.saturating_add(canvas.width)) else {
                return;
            };
            let mut sum = 0_i32;
            for (part, x) in sums.iter().zip(self.left..) {
                sum = sum.wrapping_add(*part);
                let inside = sum.unsigned_abs().min(FULL.unsigned_abs());
                if inside == 0 {
                    continue;
                }
                let covered = (inside * 255 + FULL.unsigned_abs() / 2) / FULL.unsigned_abs();
                if let Some(to) = usize::try_from(x).ok().and_then(|x| row.get_mut(x)) {
                    let left = (255 - u32::from(*to)) * (255 - covered);
                    *to = u8::try_from(255 - (left + 127) / 255).unwrap_or(u8::MAX);
                }
            }
        }
    }
}

/// Adds a line within one row, from `x0` to `x1`, that climbs `rise`. Returns the columns that it crosses.
fn span(sums: &mut [i32], x0: i32, x1: i32, rise: i32) -> u64 {
    // What lies to the right of a line does not depend on its direction along the row.
    let (x0, x1) = (x0.min(x1), x0.max(x1));
    let (first, last) = (x0 >> 8, x1 >> 8);
    let length = i64::from(x1 - x0).max(1);
    let mut done = 0;
    for column in first..=last {
        let (from, to) = (x0.max(column * ONE), x1.min((column + 1) * ONE));
        let reached = if column == last {
            rise
        } else {
            i32::try_from(i64::from(to - x0) * i64::from(rise) / length).unwrap_or(rise)
        };
        let step = reached - done;
        done = reached;
        let before = (from - column * ONE) + (to - column * ONE);
        let index = usize::try_from(column).unwrap_or(usize::MAX);
        for (index, share) in [(index, 2 * ONE - before), (index.saturating_add(1), before)] {
            if let Some(sum) = sums.get_mut(index) {
                *sum = sum.wrapping_add(step.wrapping_mul(share));
            }
        }
    }
    u64::from((last - first).unsigned_abs()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coverage of an outline in units of pixels, with y down.
    fn painted(segments: &[Segment], (width, height): (usize, usize)) -> Vec<u8> {
        let outline = Outline::of_segments(segments.to_vec());
        let polygon = Polygon::of(&outline, 1.0);
        let mut coverage = vec![0; width * height];
        let mut canvas = Canvas {
            width,
            coverage: &mut coverage,
        };
        polygon.fill((0.0, 0.0), &mut canvas, &mut 1_000_000).unwrap();
        coverage
    }

    fn rectangle(left: f32, top: f32, right: f32, bottom: f32) -> [Segment; 5] {
        [
            Segment::Move((left, -top)),
            Segment::Line((right, -top)),
            Segment::Line((right, -bottom)),
            Segment::Line((left, -bottom)),
            Segment::Close,
        ]
    }

    #[test]
    fn a_rectangle_covers_each_pixel_by_its_share() {
        // 0.5 of the first column, 0.25 of the last; 0.75 of the first row, all of the second.
        let coverage = painted(&rectangle(0.5, 0.25, 2.25, 2.0), (3, 2));
        assert_eq!(coverage, [96, 191, 48, 128, 255, 64]);
    }

    #[test]
    fn a_triangle_covers_half_of_what_its_edge_cuts() {
        let triangle = [
            Segment::Move((0.0, 0.0)),
            Segment::Line((4.0, -4.0)),
            Segment::Line((0.0, -4.0)),
        ];
        let want = [128, 0, 0, 0, 255, 128, 0, 0, 255, 255, 128, 0, 255, 255, 255, 128];
        // An outline that is left open is closed; its direction does not matter.
        assert_eq!(painted(&triangle, (4, 4)), want);
        let mut reversed = triangle;
        for (to, from) in reversed.iter_mut().zip([(0.0, -4.0), (4.0, -4.0), (0.0, 0.0)]) {
            *to = if from == (0.0, -4.0) {
                Segment::Move(from)
            } else {
                Segment::Line(from)
            };
        }
        assert_eq!(painted(&reversed, (4, 4)), want);
    }

    #[test]
    fn a_circle_has_the_area_of_a_circle() {
        // Four cubics, within 0.03 % of a circle's radius.
        let (r, k) = (40.0_f32, 40.0 * 0.552_284_8);
        let c = |x: f32, y: f32| (50.0 + x, -50.0 + y);
        let circle = [
            Segment::Move(c(r, 0.0)),
            Segment::Cubic(c(r, k), c(k, r), c(0.0, r)),
            Segment::Cubic(c(-k, r), c(-r, k), c(-r, 0.0)),
            Segment::Cubic(c(-r, -k), c(-k, -r), c(0.0, -r)),
            Segment::Cubic(c(k, -r), c(r, -k), c(r, 0.0)),
            Segment::Close,
        ];
        let area: f64 = painted(&circle, (100, 100)).iter().map(|&v| f64::from(v) / 255.0).sum();
        let want = std::f64::consts::PI * 1600.0;
        assert!((area - want).abs() < 0.002 * want, "{area} is not {want}");
    }

    #[test]
    fn strips_make_no_seams_and_what_is_outside_is_cut() {
        // Tall enough for several strips.
        let coverage = painted(&rectangle(-3.0, -2.0, 5.0, 70_000.0), (8, 60_000));
        assert!(coverage.chunks(8).all(|row| row == [255, 255, 255, 255, 255, 0, 0, 0]));
        // A hole has the other direction.
        let mut ring = rectangle(0.0, 0.0, 3.0, 3.0).to_vec();
        let mut hole = rectangle(1.0, 1.0, 2.0, 2.0);
        hole.swap(1, 3);
        ring.extend(hole);
        assert_eq!(painted(&ring, (3, 3)), [255, 255, 255, 255, 0, 255, 255, 255, 255]);
    }

    #[test]
    fn work_is_counted() {
        let outline = Outline::of_segments(rectangle(0.0, 0.0, 4000.0, 4000.0).to_vec());
        let mut coverage = vec![0; 16];
        let mut canvas = Canvas {
            width: 4,
            coverage: &mut coverage,
        };
        let result = Polygon::of(&outline, 1.0).fill((0.0, 0.0), &mut canvas, &mut 1_000_000);
        assert!(matches!(result, Err(TextError::TooComplex(_))));
    }
}
