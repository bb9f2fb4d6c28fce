//! Painting one picture on another: Porter-Duff operators, tiling, clipping (spec 8.2, 8.4, 8.5).
//!
//! T. Porter, T. Duff: *Compositing Digital Images*, SIGGRAPH 1984. The arithmetic is exact in integers and rounded to nearest once at the end.

use calotype_codec::{Layout, Picture};
use calotype_plan::{Composite, Decimal};

/// Billionths of opacity times 255: what an alpha is measured in after the opacity has been applied.
const FULL: u64 = 255 * 1_000_000_000;

/// Where an overlay goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    /// Place of the overlay's first column and row; also the phase of the tiles.
    pub(crate) x: i64,
    pub(crate) y: i64,
    /// Whether the overlay is repeated left and right, up and down.
    pub(crate) tile_x: bool,
    pub(crate) tile_y: bool,
}

/// Whether the operator can make an opaque base transparent.
pub(crate) fn needs_alpha(operator: Composite) -> bool {
    matches!(operator, Composite::In | Composite::Out | Composite::Xor)
}

/// Paints `overlay` on `base`. Only pixels inside the overlay's box (or its tiles) change.
pub(crate) fn paint(base: &mut Picture, overlay: &Picture, at: Placement, opacity: Decimal, operator: Composite) {
    let opacity = u64::try_from(opacity.units().clamp(0, Decimal::ONE.units())).unwrap_or(0);
    let (columns, rows) = (
        Span::of(at.x, overlay.size().width, base.size().width, at.tile_x),
        Span::of(at.y, overlay.size().height, base.size().height, at.tile_y),
    );
    let (base_channels, overlay_channels) = (base.channels(), overlay.channels());
    let opaque_base = base.layout() == Layout::Rgb;
    for (to, from_y) in base.rows_mut().skip(rows.start).take(rows.length).zip(rows.sources()) {
        let from = overlay.row(from_y);
        let from = |x: u32| from.chunks_exact(overlay_channels).nth(x as usize);
        let to = to
            .chunks_exact_mut(base_channels)
            .skip(columns.start)
            .take(columns.length);
        for (to, x) in to.zip(columns.sources()) {
            let (color, alpha) = match from(x) {
                Some(&[r, g, b]) => ([r, g, b], 255),
                Some(&[r, g, b, a]) => ([r, g, b], a),
                _ => continue,
            };
            let alpha = u64::from(alpha) * opacity;
            match to {
                [r, g, b] => {
                    let mixed = match operator {
                        Composite::Lighter => lighter_on_opaque(color, alpha, [*r, *g, *b]),
                        // On an opaque base `atop` is `over`; the operators that make holes have given the base an alpha channel before.
                        _ => over_opaque(color, alpha, [*r, *g, *b]),
                    };
                    [*r, *g, *b] = mixed;
                }
                [r, g, b, a] => {
                    [*r, *g, *b, *a] = mix(color, alpha, [*r, *g, *b], u64::from(*a), operator);
                }
                _ => debug_assert!(opaque_base, "a pixel has three or four samples"),
            }
        }
    }
}

/// The pixels of a base that an overlay covers on one axis.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    length: usize,
    /// The overlay's pixel on the first of them.
    first: u32,
    /// Pixels of the overlay.
    period: u32,
}

impl Span {
    fn of(at: i64, overlay: u32, base: u32, tiled: bool) -> Self {
        let (period, end) = (i64::from(overlay.max(1)), i64::from(base));
        let (start, stop) = if tiled {
            (0, end)
        } else {
            (at.clamp(0, end), at.saturating_add(period).clamp(0, end))
        };
        let px = |value: i64| usize::try_from(value).unwrap_or(0);
        // Wider than the numbers, so that no offset overflows.
        let phase = (i128::from(start) - i128::from(at)).rem_euclid(i128::from(period));
        let first = u32::try_from(phase).unwrap_or(0);
        Self {
            start: px(start),
            length: px(stop - start),
            first,
            period: overlay.max(1),
        }
    }

    /// The overlay's pixels, one for each that is covered.
    fn sources(self) -> impl Iterator<Item = u32> {
        (self.first..self.period).chain((0..self.period).cycle())
    }
}

/// `over` on an opaque pixel; `alpha` in units of 1 / [`FULL`].
fn over_opaque(color: [u8; 3], alpha: u64, base: [u8; 3]) -> [u8; 3] {
    match alpha {
        0 => base,
        FULL => color,
        _ => {
            let mix = |s: u8, d: u8| rounded(u64::from(s) * alpha + u64::from(d) * (FULL - alpha), FULL);
            [mix(color[0], base[0]), mix(color[1], base[1]), mix(color[2], base[2])]
        }
    }
}

/// The sum on an opaque pixel, clamped.
fn lighter_on_opaque(color: [u8; 3], alpha: u64, base: [u8; 3]) -> [u8; 3] {
    let mix = |s: u8, d: u8| rounded(u64::from(s) * alpha + u64::from(d) * FULL, FULL);
    [mix(color[0], base[0]), mix(color[1], base[1]), mix(color[2], base[2])]
}

/// Any operator on a pixel with alpha. `alpha` in units of 1 / [`FULL`], `under` of 1 / 255.
fn mix(color: [u8; 3], alpha: u64, base: [u8; 3], under: u64, operator: Composite) -> [u8; 4] {
    // The factors of overlay and base: the first in 255ths, the second in units of 1 / FULL. All products fit: 255 * FULL * 255 is below 2^54.
    let (source_factor, base_factor) = match operator {
        Composite::Over => (255, FULL - alpha),
        Composite::In => (under, 0),
        Composite::Atop => (under, FULL - alpha),
        Composite::Out => (255 - under, 0),
        Composite::Xor => (255 - under, FULL - alpha),
        Composite::Lighter => (255, FULL),
    };
    let (above, below) = (alpha * source_factor, under * base_factor);
    let coverage = above + below;
    if coverage == 0 {
        return [0; 4];
    }
    // Premultiplied, the result is `above * S + below * D`, and its alpha is the coverage; both are clamped to 1 where `lighter` exceeds it.
    let divisor = coverage.min(255 * FULL);
    let mix = |s: u8, d: u8| rounded(u64::from(s) * above + u64::from(d) * below, divisor);
    [
        mix(color[0], base[0]),
        mix(color[1], base[1]),
        mix(color[2], base[2]),
        rounded(divisor, FULL),
    ]
}

/// The nearest byte to a quotient, halves up, at most 255.
fn rounded(numerator: u64, denominator: u64) -> u8 {
    u8::try_from((numerator + denominator / 2) / denominator.max(1)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use calotype_codec::Budget;
    use calotype_plan::Size;

    use super::*;

    const ALL: [Composite; 6] = [
        Composite::Over,
        Composite::In,
        Composite::Atop,
        Composite::Out,
        Composite::Xor,
        Composite::Lighter,
    ];

    fn dot(pixel: &[u8]) -> Picture {
        let layout = if pixel.len() == 4 { Layout::Rgba } else { Layout::Rgb };
        Picture::from_raw(Size::new(1, 1), layout, pixel.to_vec()).unwrap()
    }

    const ORIGIN: Placement = Placement {
        x: 0,
        y: 0,
        tile_x: false,
        tile_y: false,
    };

    /// The table of spec 8.5 in doubles.
    fn slow(s: [u8; 4], d: [u8; 4], opacity: f64, operator: Composite) -> [f64; 4] {
        let (sa, da) = (f64::from(s[3]) / 255.0 * opacity, f64::from(d[3]) / 255.0);
        let (fs, fd) = match operator {
            Composite::Over => (1.0, 1.0 - sa),
            Composite::In => (da, 0.0),
            Composite::Atop => (da, 1.0 - sa),
            Composite::Out => (1.0 - da, 0.0),
            Composite::Xor => (1.0 - da, 1.0 - sa),
            Composite::Lighter => (1.0, 1.0),
        };
        let alpha = (sa * fs + da * fd).min(1.0);
        let color = |c: usize| {
            let premultiplied = (f64::from(s[c]) * sa * fs + f64::from(d[c]) * da * fd).min(255.0);
            if alpha == 0.0 {
                0.0
            } else {
                (premultiplied / alpha).min(255.0)
            }
        };
        [color(0), color(1), color(2), alpha * 255.0]
    }

    #[test]
    fn operators_equal_the_formulas_to_half_a_level() {
        let values = [0, 1, 77, 128, 200, 254, 255];
        for operator in ALL {
            for opacity in ["0", "0.001", "0.5", "0.333333333", "1"] {
                let opacity = Decimal::parse(opacity).unwrap();
                for sa in values {
                    for da in values {
                        let (s, d) = ([10, 128, 250, sa], [200, 3, 99, da]);
                        let mut base = dot(&d);
                        paint(&mut base, &dot(&s), ORIGIN, opacity, operator);
                        let got = base.pixel(0, 0).unwrap();
                        let want = slow(s, d, opacity.to_f64(), operator);
                        for (got, want) in got.into_iter().zip(want) {
                            assert!(
                                (f64::from(got) - want).abs() <= 0.5 + 1e-9,
                                "{operator:?} {s:?} {d:?}: {got} {want}"
                            );
                        }
                        if da == 255 && !needs_alpha(operator) {
                            let mut opaque = dot(&d[..3]);
                            paint(&mut opaque, &dot(&s), ORIGIN, opacity, operator);
                            assert_eq!(opaque.pixel(0, 0), Some(got), "the short way for an opaque base");
                        }
                    }
                }
            }
        }
    }

    fn painted(base: Size, overlay: Size, at: Placement) -> Vec<String> {
        let budget = Budget::unlimited();
        let mut picture = Picture::new(base, Layout::Rgb, [255; 4], &budget).unwrap();
        let mut data = Vec::new();
        for index in 0..overlay.area() {
            data.extend([u8::try_from(index).unwrap(); 3]);
        }
        let overlay = Picture::from_raw(overlay, Layout::Rgb, data).unwrap();
        paint(&mut picture, &overlay, at, Decimal::ONE, Composite::Over);
        let letter = |pixel: &[u8; 3]| {
            if pixel[0] == 255 {
                '.'
            } else {
                char::from(b'a' + pixel[0])
            }
        };
        picture
            .rows()
            .map(|row| row.as_chunks::<3>().0.iter().map(letter).collect())
            .collect()
    }

    #[test]
    fn overlays_are_clipped_to_the_base() {
        let base = Size::new(4, 3);
        let at = |x, y| Placement { x, y, ..ORIGIN };
        assert_eq!(painted(base, Size::new(2, 2), at(1, 1)), ["....", ".ab.", ".cd."]);
        assert_eq!(painted(base, Size::new(2, 2), at(-1, -1)), ["d...", "....", "...."]);
        assert_eq!(painted(base, Size::new(2, 2), at(3, 2)), ["....", "....", "...a"]);
        assert_eq!(painted(base, Size::new(2, 2), at(4, -2)), ["....", "....", "...."]);
        assert_eq!(
            painted(base, Size::new(2, 2), at(i64::MAX, i64::MIN)),
            ["....", "....", "...."]
        );
        assert_eq!(painted(base, Size::new(6, 1), at(-1, 0)), ["bcde", "....", "...."]);
    }

    #[test]
    fn tiles_keep_the_phase_of_the_position() {
        let base = Size::new(5, 3);
        let at = |x, y, tile_x, tile_y| Placement { x, y, tile_x, tile_y };
        assert_eq!(painted(base, Size::new(2, 1), at(0, 0, true, true)), ["ababa"; 3]);
        assert_eq!(
            painted(base, Size::new(2, 1), at(1, 1, true, false)),
            [".....", "babab", "....."]
        );
        assert_eq!(
            painted(base, Size::new(1, 2), at(3, -1, false, true)),
            ["...b.", "...a.", "...b."]
        );
        assert_eq!(painted(base, Size::new(3, 1), at(-4, 0, true, true)), ["bcabc"; 3]);
    }
}
