//! A poster: constructed capitals, an engraved lens, small type and a ruler, with a plain margin all around.
//!
//! Everything is exact geometry with coverage from distance: hard edges, thin lines and moire for resampling to prove itself on.

use crate::{
    canvas::{Canvas, Pixel, Raster},
    math::{V3, hex, mix, smoothstep},
    strokes,
};

const WIDTH: usize = 1600;
const HEIGHT: usize = 2240;
/// The plain margin, in pixels.
const MARGIN: f32 = 90.0;
/// Middle of the lens.
const LENS: (f32, f32) = (800.0, 1130.0);
const LENS_RADIUS: f32 = 560.0;

/// Makes the picture.
pub(crate) fn render() -> Raster {
    let (paper, sheet, ink, red) = (hex(0x00f7_f2e7), hex(0x00e9_dcc2), hex(0x0017_2238), hex(0x00e1_4b2d));
    let mut canvas = Canvas::compute(WIDTH, HEIGHT, |x, y| {
        let mut sum = V3::default();
        for (sx, sy) in [(0.125, 0.375), (0.375, 0.875), (0.625, 0.125), (0.875, 0.625)] {
            sum = sum + flat(x as f32 + sx, y as f32 + sy, [paper, sheet, ink, red]);
        }
        Pixel::opaque(sum / 4.0)
    });
    small_type(&mut canvas, ink, red);
    ruler(&mut canvas, ink);
    canvas.develop(false, 0.0, |light| light)
}

/// Coverage of a shape at a distance from its edge, inside negative.
fn cover(distance: f32) -> f32 {
    (0.5 - distance * 2.0).clamp(0.0, 1.0)
}

/// Everything that is not small type.
fn flat(x: f32, y: f32, [paper, sheet, ink, red]: [V3; 4]) -> V3 {
    let (w, h) = (WIDTH as f32, HEIGHT as f32);
    if x < MARGIN || y < MARGIN || x > w - MARGIN || y > h - MARGIN {
        return paper;
    }
    let mut light = sheet;
    // A disc of the sun, half behind the lens.
    let sun = ((x - 1130.0).powi(2) + (y - 760.0).powi(2)).sqrt() - 300.0;
    light = light.mix(red, cover(sun));
    // Rays of light through the lens: wedges of fine parallel lines.
    light = lens(x, y, light, [sheet, ink, red]);
    let word = ["CALO", "TYPE"];
    for (row, text) in word.iter().enumerate() {
        let top = if row == 0 { 170.0 } else { 1750.0 };
        for (column, c) in text.chars().enumerate() {
            let left = 150.0 + column as f32 * 332.0;
            let d = letter(c, (x - left) / 304.0, (y - top) / 304.0) * 304.0;
            light = light.mix(ink, cover(d));
        }
    }
    light
}

/// Distance to a constructed capital in a unit square, y down.
fn letter(c: char, x: f32, y: f32) -> f32 {
    // Half the weight of a stem.
    const HALF: f32 = 0.135;
    let bar = |x0: f32, y0: f32, x1: f32, y1: f32| (x0 - x).max(x - x1).max(y0 - y).max(y - y1);
    let ring = |cx: f32, cy: f32, r: f32| (((x - cx).powi(2) + (y - cy).powi(2)).sqrt() - r).abs() - HALF;
    let slope = |ax: f32, ay: f32, bx: f32, by: f32| {
        // A stem between two points, cut level at top and bottom; its level width is that of the other stems.
        let t = (y - ay) / (by - ay);
        let middle = mix(ax, bx, t);
        let tilt = ((bx - ax) / (by - ay)).hypot(1.0);
        ((x - middle).abs() - HALF * 1.06) / tilt
    };
    let inside = |d: f32| d.max(-y).max(y - 1.0);
    let stem = bar(0.0, 0.0, 2.0 * HALF, 1.0);
    match c {
        'C' => {
            let wedge = (y - 0.5).abs() - (x - 0.5) * 0.62;
            ring(0.5, 0.5, 0.5 - HALF).max(-wedge * 0.85)
        }
        'O' => ring(0.5, 0.5, 0.5 - HALF),
        'A' => {
            let left = slope(0.5, 0.0, HALF * 0.9, 1.0);
            let right = slope(0.5, 0.0, 1.0 - HALF * 0.9, 1.0);
            let beam = bar(0.24, 0.64, 0.76, 0.82);
            inside(left.min(right)).min(beam).max((x - 0.5).abs() - 0.52)
        }
        'L' => stem.min(bar(0.0, 1.0 - 2.0 * HALF, 0.86, 1.0)),
        'T' => bar(0.0, 0.0, 1.0, 2.0 * HALF).min(bar(0.5 - HALF, 0.0, 0.5 + HALF, 1.0)),
        'Y' => {
            let arms = slope(HALF * 0.9, 0.0, 0.5, 0.60)
                .min(slope(1.0 - HALF * 0.9, 0.0, 0.5, 0.60))
                .max(-y)
                .max(y - 0.60);
            arms.min(bar(0.5 - HALF, 0.52, 0.5 + HALF, 1.0))
        }
        'P' => {
            let bowl = (((x - 0.57).powi(2) + (y - 0.33).powi(2)).sqrt() - (0.33 - HALF)).abs() - HALF;
            let right = bowl.max(0.57 - x);
            let arms = bar(0.0, 0.0, 0.575, 2.0 * HALF).min(bar(0.0, 0.66 - 2.0 * HALF, 0.575, 0.66));
            stem.min(right).min(arms)
        }
        'E' => stem
            .min(bar(0.0, 0.0, 0.84, 2.0 * HALF * 0.88))
            .min(bar(0.0, 0.5 - HALF * 0.86, 0.76, 0.5 + HALF * 0.86))
            .min(bar(0.0, 1.0 - 2.0 * HALF * 0.88, 0.84, 1.0)),
        _ => 1.0,
    }
}

/// The lens: rings whose lines swell and thin like an engraver's, an iris of seven blades, a pupil.
fn lens(x: f32, y: f32, under: V3, [sheet, ink, red]: [V3; 3]) -> V3 {
    let (dx, dy) = (x - LENS.0, y - LENS.1);
    let (r, angle) = (dx.hypot(dy), dy.atan2(dx));
    if r > LENS_RADIUS + 2.0 {
        return under;
    }
    let mut light = sheet;
    // Engraved barrel: each ring is one line, thick where the barrel is dark.
    let glow = |a: f32, width: f32| (-((angle - a).sin().abs() / width).powi(2)).exp();
    let pitch = 10.0;
    if r > 318.0 {
        let ring = ((r / pitch).fract() - 0.5).abs() * pitch;
        let zone = if r > 520.0 {
            0.92
        } else if r > 500.0 {
            0.10
        } else {
            let sheen = glow(-0.9, 0.42).max(0.85 * glow(0.55, 0.22));
            mix(0.86, 0.16, sheen)
        };
        light = light.mix(ink, cover(ring - pitch * 0.5 * zone));
        // Marks around the edge, every third of them long.
        if (508.0..536.0).contains(&r) {
            let step = std::f32::consts::TAU / 144.0;
            let index = (angle / step).round();
            let off = (angle - index * step).abs() * r;
            let long = index.rem_euclid(6.0) < 0.5;
            if long || r < 522.0 {
                light = light.mix(
                    if long { red } else { sheet },
                    cover(off - if long { 3.0 } else { 1.4 }),
                );
            }
        }
    } else if r > 300.0 {
        light = ink;
    } else {
        light = iris(dx, dy, [sheet, ink, red]);
    }
    // The rim.
    let rim = (r - LENS_RADIUS + 7.0).abs() - 7.0;
    light = light.mix(ink, cover(rim));
    under.mix(light, cover(r - LENS_RADIUS))
}

/// Seven blades around an opening, each hatched along its own direction, and what is seen through it.
fn iris(dx: f32, dy: f32, [sheet, ink, red]: [V3; 3]) -> V3 {
    let (r, angle) = (dx.hypot(dy), dy.atan2(dx));
    let blades = 7.0;
    let step = std::f32::consts::TAU / blades;
    // The opening is a heptagon; the blade that covers a place is the one whose edge is nearest behind it.
    let turn = 0.32;
    let opening = (0..7).map(|k| {
        let a = k as f32 * step + turn;
        dx * a.cos() + dy * a.sin()
    });
    let reach = opening.fold(f32::MIN, f32::max);
    let hole = 128.0;
    if reach < hole {
        // The pupil: a red field with a landscape of three lines of hills, as seen on the ground glass.
        let horizon = 20.0;
        let mut light = red;
        let halo = ((dx + 34.0).powi(2) + (dy + 40.0).powi(2)).sqrt() - 34.0;
        light = light.mix(sheet, cover(halo));
        for (index, (base, swell, rate)) in [(26.0, 22.0, 0.030), (52.0, 17.0, 0.043), (84.0, 13.0, 0.036)]
            .iter()
            .enumerate()
        {
            let crest =
                horizon + base - swell * ((dx * rate + index as f32 * 1.9).sin() + 0.4 * (dx * rate * 2.3 + 1.0).sin());
            let lines = ((dy - crest) / 6.0).fract();
            let weight = 0.26 + 0.22 * index as f32;
            if dy > crest {
                let hatch = ((lines - 0.5).abs() * 6.0) - 3.0 * weight;
                light = sheet.mix(ink, cover(hatch));
            }
            light = light.mix(ink, cover((dy - crest).abs() - 1.6));
        }
        return light.mix(ink, cover(hole - reach - 5.0));
    }
    // Blades: spiral sectors.
    let twist = ((reach - hole) / 172.0).clamp(0.0, 1.0).sqrt() * 1.15;
    let sector = (angle - turn + twist).rem_euclid(step) / step;
    let index = ((angle - turn + twist) / step).floor();
    let a = index * step + turn + 0.9;
    let hatch_position = (dx * a.cos() + dy * a.sin()) / 7.0;
    let hatch = ((hatch_position.fract() + 1.0).fract() - 0.5).abs() * 7.0;
    let dark = mix(0.18, 0.95, smoothstep(0.0, 1.0, sector));
    let mut light = sheet.mix(ink, cover(hatch - 3.5 * dark));
    let edge = sector.min(1.0 - sector) * step * r;
    light = light.mix(ink, cover(edge - 2.2));
    light
}

/// Columns of small type left and right of the last word.
fn small_type(canvas: &mut Canvas, ink: V3, red: V3) {
    let texts: [(&str, f32, f32, f32, f32, f32, V3); 9] = [
        ("ONE NEGATIVE", 150.0, 558.0, 22.0, 9.0, 2.6, ink),
        ("EVERY PRINT", 150.0, 598.0, 22.0, 9.0, 2.6, ink),
        ("A PROCESS FOR PICTURES", 150.0, 1712.0, 14.0, 6.0, 1.8, ink),
        ("NO. 1841", 1265.0, 1712.0, 14.0, 6.0, 1.8, red),
        ("SIZE FORMAT CROP", 150.0, 2092.0, 14.0, 6.0, 1.8, ink),
        (
            "SHARP AT ANY WIDTH - 320 768 960 1200 PIXELS",
            555.0,
            2092.0,
            14.0,
            6.0,
            1.8,
            ink,
        ),
        ("F/8", 1362.0, 2092.0, 14.0, 6.0, 1.8, red),
        (
            "STORE ONE ORIGINAL, AND PRINT EVERY SIZE, FORMAT AND CROP ON DEMAND.",
            150.0,
            2119.0,
            7.0,
            3.2,
            1.0,
            ink,
        ),
        (
            "WHOEVER READS THIS HAS NOT MADE IT TOO SMALL YET.",
            912.0,
            2119.0,
            7.0,
            3.2,
            1.0,
            ink,
        ),
    ];
    for (text, x, y, height, spacing, weight, color) in texts {
        let (lines, _) = strokes::set(text, (x, y), height, spacing);
        for line in lines {
            canvas.stroke(
                (line.from.0, line.from.1, weight),
                (line.to.0, line.to.1, weight),
                (color, color),
                1.0,
            );
        }
    }
}

/// A ruler along the foot: gaps from eight pixels down to one.
fn ruler(canvas: &mut Canvas, ink: V3) {
    let (left, right, top) = (150.0_f32, 1450.0_f32, 2056.0_f32);
    let mut x = left;
    let mut index = 0;
    while x <= right {
        let tall = if index % 10 == 0 { 14 } else { 7 };
        for y in 0..tall {
            canvas.paint(x as i64, top as i64 + 8 - i64::from(y), ink, 1.0);
        }
        // The pitch shrinks from left to right.
        x += mix(10.0, 2.0, (x - left) / (right - left)).round();
        index += 1;
    }
}
