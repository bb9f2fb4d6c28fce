//! A Gaussian of any width at the same cost per pixel: Deriche's fourth-order recursive filter.
//!
//! R. Deriche: *Recursively implementing the Gaussian and its derivatives*, INRIA report 1893, 1993. The Gaussian is approximated by two damped
//! oscillations on each side; the error of the kernel is measured in the tests below: its absolute values sum to under a thousandth of the whole,
//! so no pixel is off by more than a fifth of a level. Extended edges are exact: the filter starts as if the first value had been there forever.

use calotype_codec::{Budget, Picture};
use calotype_plan::Fault;

use crate::error::fault;

/// Samples that are filtered side by side.
const LANES: usize = 16;

type Lanes = [f64; LANES];

/// What one level of eight bits is in the 16-bit picture between the two passes.
const FINE: f64 = 257.0;

/// Blurs in place.
pub(crate) fn blur(picture: &mut Picture, sigma: f64, budget: &Budget) -> Result<(), Fault> {
    let filter = Filter::new(sigma);
    let (channels, stride) = (picture.channels(), picture.stride());
    let (width, height) = (picture.size().width as usize, picture.size().height as usize);
    let strip = width.max(height);
    let held = 2 * picture.data().len() as u64 + (2 * strip * LANES * size_of::<f64>()) as u64;
    let _held = budget.reserve(held).map_err(fault)?;
    let mut between = vec![0_u16; picture.data().len()];
    let (mut from, mut to) = (vec![[0.0; LANES]; strip], vec![[0.0; LANES]; strip]);

    // Along the rows: the lanes are the channels of several rows.
    let rows_at_once = LANES / channels;
    let (from_row, to_row) = (
        from.get_mut(..width).unwrap_or_default(),
        to.get_mut(..width).unwrap_or_default(),
    );
    for (rows, out) in picture
        .data()
        .chunks(rows_at_once * stride)
        .zip(between.chunks_mut(rows_at_once * stride))
    {
        for (lane, row) in rows.chunks_exact(stride).enumerate() {
            for (values, pixel) in from_row.iter_mut().zip(row.chunks_exact(channels)) {
                premultiply(pixel, values.get_mut(lane * channels..).unwrap_or_default());
            }
        }
        filter.run(from_row, to_row);
        for (lane, row) in out.chunks_exact_mut(stride).enumerate() {
            for (values, pixel) in to_row.iter().zip(row.chunks_exact_mut(channels)) {
                for (out, value) in pixel.iter_mut().zip(values.get(lane * channels..).unwrap_or_default()) {
                    *out = fine(*value);
                }
            }
        }
    }

    // Along the columns: the lanes are neighbouring samples. Sixteen of them are whole pixels where there is an alpha channel.
    let (from_column, to_column) = (
        from.get_mut(..height).unwrap_or_default(),
        to.get_mut(..height).unwrap_or_default(),
    );
    for start in (0..stride).step_by(LANES) {
        let end = (start + LANES).min(stride);
        for (values, row) in from_column.iter_mut().zip(between.chunks_exact(stride)) {
            for (value, sample) in values.iter_mut().zip(row.get(start..end).unwrap_or_default()) {
                *value = f64::from(*sample) / FINE;
            }
        }
        filter.run(from_column, to_column);
        for (values, row) in to_column.iter().zip(picture.data_mut().chunks_exact_mut(stride)) {
            let out = row.get_mut(start..end).unwrap_or_default();
            store(values, out, channels);
        }
    }
    Ok(())
}

fn premultiply(pixel: &[u8], to: &mut [f64]) {
    let share = pixel.get(3).map_or(1.0, |alpha| f64::from(*alpha) / 255.0);
    for (channel, (to, value)) in to.iter_mut().zip(pixel).enumerate() {
        *to = f64::from(*value) * if channel == 3 { 1.0 } else { share };
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn fine(value: f64) -> u16 {
    // The cast saturates: the approximation may be below 0 by a hair.
    (value * FINE + 0.5) as u16
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn store(values: &Lanes, out: &mut [u8], channels: usize) {
    if channels == 4 {
        for (out, &[r, g, b, a]) in out.as_chunks_mut::<4>().0.iter_mut().zip(values.as_chunks::<4>().0) {
            let alpha = (a + 0.5) as u8;
            let color = |v: f64| (v * 255.0 / a + 0.5) as u8;
            *out = if alpha == 0 {
                [0; 4]
            } else {
                [color(r), color(g), color(b), alpha]
            };
        }
    } else {
        for (out, value) in out.iter_mut().zip(values) {
            *out = (value + 0.5) as u8;
        }
    }
}

/// The filter for one sigma: the sum of two second-order sections, each run forwards and backwards.
#[derive(Debug)]
struct Filter([Section; 2]);

/// `s[n] = p0 x[n] + p1 x[n-1] + q1 s[n-1] + q2 s[n-2]` forwards, and `s[n] = m1 x[n+1] + m2 x[n+2] + q1 s[n+1] + q2 s[n+2]` backwards.
#[derive(Debug, Clone, Copy)]
struct Section {
    p0: f64,
    p1: f64,
    m1: f64,
    m2: f64,
    q1: f64,
    q2: f64,
}

impl Section {
    /// `(a cos(w n / sigma) + b sin(w n / sigma)) exp(-d n / sigma)` for n >= 0, and its mirror image.
    fn new(a: f64, b: f64, d: f64, w: f64, sigma: f64) -> Self {
        let (sin, cos) = (w / sigma).sin_cos();
        let damping = (-d / sigma).exp();
        let (p1, q1, q2) = ((b * sin - a * cos) * damping, 2.0 * damping * cos, -damping * damping);
        // Backwards the value at 0 is left out, because the forward run has counted it.
        Self {
            p0: a,
            p1,
            m1: p1 + a * q1,
            m2: a * q2,
            q1,
            q2,
        }
    }

    /// What the forward run of a constant 1 settles at.
    fn settled_forwards(&self) -> f64 {
        (self.p0 + self.p1) / (1.0 - self.q1 - self.q2)
    }

    fn settled_backwards(&self) -> f64 {
        (self.m1 + self.m2) / (1.0 - self.q1 - self.q2)
    }

    fn scaled(self, by: f64) -> Self {
        Self {
            p0: self.p0 * by,
            p1: self.p1 * by,
            m1: self.m1 * by,
            m2: self.m2 * by,
            ..self
        }
    }
}

impl Filter {
    /// The constants are those of the report.
    fn new(sigma: f64) -> Self {
        let sections = [
            Section::new(1.68, 3.735, 1.783, 0.6318, sigma),
            Section::new(-0.6803, -0.2598, 1.723, 1.997, sigma),
        ];
        let gain: f64 = sections
            .iter()
            .map(|section| section.settled_forwards() + section.settled_backwards())
            .sum();
        Self(sections.map(|section| section.scaled(1.0 / gain)))
    }

    /// Filters along the slice, lane by lane.
    fn run(&self, from: &[Lanes], to: &mut [Lanes]) {
        let [a, b] = self.0;
        let (Some(first), Some(last)) = (from.first(), from.last()) else {
            return;
        };

        let mut x1 = *first;
        let (mut a1, mut b1) = (
            first.map(|x| x * a.settled_forwards()),
            first.map(|x| x * b.settled_forwards()),
        );
        let (mut a2, mut b2) = (a1, b1);
        for (x, y) in from.iter().zip(to.iter_mut()) {
            for lane in 0..LANES {
                let section_a = a.p0 * x[lane] + a.p1 * x1[lane] + a.q1 * a1[lane] + a.q2 * a2[lane];
                let section_b = b.p0 * x[lane] + b.p1 * x1[lane] + b.q1 * b1[lane] + b.q2 * b2[lane];
                (a2[lane], a1[lane]) = (a1[lane], section_a);
                (b2[lane], b1[lane]) = (b1[lane], section_b);
                x1[lane] = x[lane];
                y[lane] = section_a + section_b;
            }
        }

        let (mut x1, mut x2) = (*last, *last);
        let (mut a1, mut b1) = (
            last.map(|x| x * a.settled_backwards()),
            last.map(|x| x * b.settled_backwards()),
        );
        let (mut a2, mut b2) = (a1, b1);
        for (x, y) in from.iter().zip(to.iter_mut()).rev() {
            for lane in 0..LANES {
                let section_a = a.m1 * x1[lane] + a.m2 * x2[lane] + a.q1 * a1[lane] + a.q2 * a2[lane];
                let section_b = b.m1 * x1[lane] + b.m2 * x2[lane] + b.q1 * b1[lane] + b.q2 * b2[lane];
                (a2[lane], a1[lane]) = (a1[lane], section_a);
                (b2[lane], b1[lane]) = (b1[lane], section_b);
                (x2[lane], x1[lane]) = (x1[lane], x[lane]);
                y[lane] += section_a + section_b;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;
    use calotype_plan::Size;

    use super::*;

    /// The filter's answer to a single 1 in the middle.
    fn response(sigma: f64) -> Vec<f64> {
        let reach = (sigma * 12.0).ceil() as usize;
        let mut from = vec![[0.0; LANES]; 2 * reach + 1];
        from[reach] = [1.0; LANES];
        let mut to = from.clone();
        Filter::new(sigma).run(&from, &mut to);
        to.into_iter().map(|lanes| lanes[3]).collect()
    }

    #[test]
    fn the_kernel_is_a_gaussian_to_a_thousandth() {
        for sigma in [4.01, 5.0, 10.0, 33.3, 125.0] {
            let response = response(sigma);
            let reach = (response.len() / 2) as i64;
            let weight = |x: i64| (-(x * x) as f64 / (2.0 * sigma * sigma)).exp();
            let total: f64 = (-reach..=reach).map(weight).sum();
            let error: f64 = response
                .iter()
                .zip(-reach..=reach)
                .map(|(got, x)| (got - weight(x) / total).abs())
                .sum();
            // One axis: at most 255 * 0.00078 = 0.2 levels.
            assert!(error < 0.001, "sigma {sigma}: {error}");
            assert!((response.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn flat_pictures_stay_exactly_as_they_are() {
        for (layout, color) in [(Layout::Rgb, [1, 128, 255, 0]), (Layout::Rgba, [1, 128, 255, 3])] {
            for size in [Size::new(37, 23), Size::new(1, 1), Size::new(5, 1)] {
                let mut picture = Picture::new(size, layout, color, &Budget::unlimited()).unwrap();
                let before = picture.data().to_vec();
                blur(&mut picture, 20.0, &Budget::unlimited()).unwrap();
                assert_eq!(picture.data(), before);
            }
        }
    }

    #[test]
    fn extended_edges_equal_a_wider_picture() {
        // A step at the left, once at the edge of the picture and once far inside it: extending by hand must change nothing.
        let sigma = 8.0;
        let value = |x: usize| if x < 3 { 250.0 } else { 10.0 };
        let from: Vec<Lanes> = (0..200).map(|x| [value(x); LANES]).collect();
        let wide: Vec<Lanes> = (0..500).map(|x: usize| [value(x.saturating_sub(300)); LANES]).collect();
        let (mut to, mut wide_to) = (from.clone(), wide.clone());
        Filter::new(sigma).run(&from, &mut to);
        Filter::new(sigma).run(&wide, &mut wide_to);
        for (narrow, wide) in to.iter().zip(&wide_to[300..]) {
            assert!((narrow[0] - wide[0]).abs() < 1e-9);
        }
    }
}
