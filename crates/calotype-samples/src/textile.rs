//! A woven cloth in soft folds: every thread is there.

use crate::{
    canvas::{Canvas, Pixel, Raster},
    math::{V3, film, hex, smoothstep, v3},
    noise::{fbm, noise, random2},
};

const WIDTH: usize = 2000;
const HEIGHT: usize = 1500;
/// Pixels from thread to thread.
const PITCH: f32 = 5.2;

/// Makes the picture.
pub(crate) fn render() -> Raster {
    let canvas = Canvas::compute(WIDTH, HEIGHT, |x, y| {
        let mut sum = V3::default();
        for (sx, sy) in [(0.25, 0.25), (0.75, 0.75)] {
            sum = sum + shade(x as f32 + sx, y as f32 + sy);
        }
        Pixel::opaque(sum / 2.0)
    });
    canvas.develop(false, 1.2, |light| light.map(|v| film(v * 1.02)))
}

/// Height of the folds, in pixels.
fn fold(x: f32, y: f32) -> f32 {
    let (u, v) = (x / 1000.0, y / 1000.0);
    let slant = u * 1.9 + v * 1.15 + 0.55 * fbm(u * 1.3 + 3.0, v * 1.3, 2);
    let ridge = 0.5 + 0.5 * (slant * 4.4).sin();
    let second = 0.5 + 0.5 * (slant * 2.3 - u * 2.2 + 1.3).sin();
    92.0 * ridge.powf(1.6) * (0.35 + 0.65 * second) + 30.0 * second + 22.0 * fbm(u * 2.4, v * 2.4 + 9.0, 2)
}

fn shade(x: f32, y: f32) -> V3 {
    let e = 1.5;
    let h = fold(x, y);
    let (dx, dy) = ((fold(x + e, y) - h) / e, (fold(x, y + e) - h) / e);
    let normal = v3(-dx, -dy, 1.0).unit();
    // The cloth is as long along a fold as on the flat: threads crowd where it is steep.
    let (cx, cy) = (x + h * 0.55 + 40.0, y + h * 0.35 - 60.0);
    let (tx, ty) = (
        cx / PITCH + 0.6 * (fbm(cx * 0.012, cy * 0.012, 2) - 0.5),
        cy / PITCH + 0.6 * (fbm(cx * 0.012 + 40.0, cy * 0.012, 2) - 0.5),
    );
    let (i, j) = (tx.floor() as i32, ty.floor() as i32);
    let (fx, fy) = (tx - tx.floor() - 0.5, ty - ty.floor() - 0.5);
    let weft_above = (i + j).rem_euclid(2) == 0;
    // Across and along the thread that lies on top here.
    let (across, along) = if weft_above { (fy, fx) } else { (fx, fy) };
    let round = (1.0 - (across * 1.9).powi(2)).max(0.0).sqrt();
    let arch = (along * std::f32::consts::PI).cos();
    let twist = 0.5 + 0.5 * ((along * 2.0 + across * 3.0) * std::f32::consts::TAU + random2(i, j) * 2.0).sin();
    let slub = 0.90
        + 0.20
            * if weft_above {
                noise(cx * 0.02, j as f32 * 7.7)
            } else {
                noise(i as f32 * 7.7, cy * 0.02)
            };
    let dye = if weft_above {
        design(i, j)
    } else {
        warp(i).mix(design(i, j), 0.42)
    };
    let hair = fbm(cx * 0.9, cy * 0.9, 2);
    let color = dye * (slub * (0.80 + 0.25 * twist) * (0.85 + 0.30 * hair));

    let (sx, sy) = if weft_above {
        (along * 0.35, across * 1.3)
    } else {
        (across * 1.3, along * 0.35)
    };
    let tilted = (normal + v3(sx, sy, 0.0) * 0.5).unit();
    let lamp = v3(-0.62, -0.48, 0.62).unit();
    let direct = v3(2.15, 2.0, 1.80) * tilted.dot(lamp).max(0.0);
    // Valleys between folds see little sky.
    let hollow = smoothstep(-10.0, 100.0, h);
    let sky = v3(0.30, 0.34, 0.42) * (0.35 + 0.65 * hollow);
    let cast = smoothstep(
        -0.02,
        0.30,
        0.25 + fold(x, y) / 160.0 - fold(x - 70.0, y - 54.0) / 190.0,
    );
    let weave = 0.30 + 0.70 * (round * (0.55 + 0.45 * arch)).max(0.0);
    let sheen = tilted.dot((lamp + v3(0.0, 0.0, 1.0)).unit()).max(0.0).powi(18) * 0.10;
    color.tint(direct * (0.25 + 0.75 * cast) + sky) * weave + V3::splat(sheen * weave * (0.3 + 0.7 * cast))
}

/// The colour of a warp thread.
fn warp(i: i32) -> V3 {
    let base = hex(0x0027_2b45);
    base * (0.85 + 0.3 * random2(i, 5))
}

/// The pattern that the weft makes: stepped diamonds in bands, with stripes between, like a kilim.
fn design(i: i32, j: i32) -> V3 {
    let (ivory, ochre, madder, indigo, sky, leaf) = (
        hex(0x00ef_e3c8),
        hex(0x00dd_9a2c),
        hex(0x00b0_2a26),
        hex(0x001c_2c5e),
        hex(0x005f_93ae),
        hex(0x0045_6b45),
    );
    let band_height = 132;
    let band = j.div_euclid(band_height);
    let row = j.rem_euclid(band_height);
    let jitter = 0.92 + 0.16 * random2(band * 7 + row / 3, 77);
    // Stripes at the edge of each band.
    let edge = row.min(band_height - 1 - row);
    if edge < 16 {
        let stripe = match edge {
            0..=2 => ivory,
            3..=5 => indigo,
            6..=10 => {
                if (i.div_euclid(5) + edge / 3).rem_euclid(2) == 0 {
                    madder
                } else {
                    ochre
                }
            }
            11..=12 => indigo,
            _ => ivory,
        };
        return stripe * jitter;
    }
    // Steps of three threads make the diamonds' edges.
    let (period, half) = (100, (band_height - 32) / 2);
    let shift = if band.rem_euclid(2) == 0 { 0 } else { period / 2 };
    let dx = ((i + shift).rem_euclid(period) - period / 2).abs() / 3 * 3;
    let dy = (row - band_height / 2).abs() / 3 * 3;
    let ring = dx + dy;
    let palette = if band.rem_euclid(3) == 1 {
        [ivory, madder, ochre, indigo, ivory, sky, indigo]
    } else {
        [madder, ivory, indigo, ochre, leaf, ivory, madder]
    };
    let index = match ring {
        0..=5 => 0,
        6..=11 => 1,
        12..=23 => 2,
        24..=29 => 3,
        30..=38 => 4,
        39..=43 => 5,
        _ => 6,
    };
    let mut color = palette.get(index).copied().unwrap_or_default();
    // Small hooks fill the ground between the diamonds.
    let (hx, hy) = ((i + shift).rem_euclid(10), (row - 21).rem_euclid(10));
    let hook_ring =
        ((i + shift - hx + 3).rem_euclid(period) - period / 2).abs() + (row - hy + 3 - band_height / 2).abs();
    let in_hook = (hx < 6 && hy < 2) || (hx < 2 && hy < 6);
    if in_hook && row >= 21 && hook_ring > half + 8 && row - hy + 8 < band_height - 16 {
        color = if band.rem_euclid(2) == 0 { ochre } else { ivory };
    }
    color * jitter
}
