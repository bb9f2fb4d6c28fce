//! The mountains.

use super::{HEIGHT, HORIZON, WIDTH};
use crate::{
    canvas::{Canvas, Pixel},
    math::{V3, hex, mix, smoothstep, v3},
    noise::{fbm, noise_slope, turn_and_double},
};

/// Height of the eye above the water; one unit is the distance at which one unit fills the height of the picture.
const EYE: f32 = 0.16;
/// How far rays go.
const NEAR: f32 = 5.2;
const FAR: f32 = 44.0;

/// Paints the mountains over the sky.
pub(super) fn paint(scene: &mut Canvas) {
    let rows = HORIZON as usize;
    // A row of this canvas is a column of the picture, from the horizon upwards.
    let columns = Canvas::compute_rows(rows, WIDTH, |x, column| {
        for sub in [0.25, 0.75] {
            march((x as f32 + sub - WIDTH as f32 / 2.0) / HEIGHT as f32, column);
        }
    });
    for (x, column) in columns.pixels.chunks(rows).enumerate() {
        for (up, pixel) in column.iter().enumerate() {
            if pixel.alpha > 0.0 {
                scene.paint(
                    x as i64,
                    HORIZON as i64 - 1 - up as i64,
                    pixel.light / pixel.alpha,
                    pixel.alpha,
                );
            }
        }
    }
}

/// Follows one ray over the ground and adds a quarter of a pixel for each half row that it raises the skyline by.
fn march(u: f32, column: &mut [Pixel]) {
    let (mut t, mut last_t, mut last_e) = (NEAR, NEAR, -EYE / NEAR);
    let mut half_row = 0_usize;
    while t < FAR {
        let elevation = (height(u * t, t, 9) - EYE) / t;
        loop {
            let row_elevation = (half_row as f32 + 0.5) / (2.0 * HEIGHT as f32);
            if row_elevation > elevation {
                break;
            }
            let Some(pixel) = column.get_mut(half_row / 2) else {
                return;
            };
            let part = ((row_elevation - last_e) / (elevation - last_e).max(1e-9)).clamp(0.0, 1.0);
            pixel.light = pixel.light + shade(u, mix(last_t, t, part)) * 0.25;
            pixel.alpha += 0.25;
            half_row += 1;
        }
        (last_t, last_e) = (t, elevation);
        t += t * 0.0028;
    }
}

/// Height of the ground above the water.
fn height(x: f32, z: f32, octaves: u32) -> f32 {
    let (mut px, mut py) = (x * 0.27 + 31.7, z * 0.27 + 12.2);
    let (mut sum, mut weight, mut dx, mut dy) = (0.0, 1.0, 0.0, 0.0);
    for _ in 0..octaves {
        let (n, nx, ny) = noise_slope(px, py);
        dx += nx;
        dy += ny;
        sum += weight * n / (1.0 + dx * dx + dy * dy);
        weight *= 0.5;
        (px, py) = turn_and_double(px, py);
    }
    // A valley leads away from the lake, right of the middle; the walls rise on both sides of it.
    let axis = 0.13 * z + 0.7 * (z * 0.22).sin();
    let wall = smoothstep(0.2, 5.5, (x - axis).abs());
    let rise = smoothstep(5.0, 17.0, z) * mix(0.35, 1.0, wall) + smoothstep(16.0, 34.0, z) * 0.55;
    let raw = sum * rise * 4.9;
    // Needles are rare in nature: the highest ground is pressed down a little.
    raw / (1.0 + 0.030 * raw * raw / 4.0) - 0.06 - 0.25 * (1.0 - smoothstep(5.2, 7.5, z))
}

/// Light reaching the eye from the ground at distance `t` along the ray.
fn shade(u: f32, t: f32) -> V3 {
    let sun = v3(-0.80, 0.34, -0.49).unit();
    let (x, z) = (u * t, t);
    let h = height(x, z, 10);
    let e = 0.0011 * t;
    let normal = v3(h - height(x + e, z, 10), e, h - height(x, z + e, 10)).unit();
    // Shadows of the ground on itself, soft with distance.
    let mut open = 1.0_f32;
    let mut s = 0.10 + 0.006 * t;
    for _ in 0..9 {
        let clearance = h + sun.y * s - height(x + sun.x * s, z + sun.z * s, 4);
        open = open.min(0.5 + clearance / (0.22 * s));
        s *= 1.75;
    }
    let open = smoothstep(0.0, 1.0, open);
    // First light reaches the tops only.
    let tops = smoothstep(0.45, 2.0, h + 0.3 * (fbm(x * 0.7, z * 0.7, 3) - 0.5));
    let direct = v3(3.3, 1.78, 1.05) * (normal.dot(sun).max(0.0) * open * tops);
    let sky = v3(0.22, 0.32, 0.52) * (0.45 + 0.55 * normal.y);
    let bounce = v3(0.20, 0.15, 0.14) * (0.5 + 0.5 * -normal.x).max(0.0);

    // Rock in bands, forest below, snow where it can lie.
    let grain = fbm(x * 6.0, z * 6.0, 5);
    let strata = fbm(x * 0.8, h * 9.0 + grain * 1.5, 4);
    let rock = hex(0x0056_4a48)
        .mix(hex(0x008b_7a6e), strata)
        .mix(hex(0x0038_3338), smoothstep(0.55, 0.8, grain) * 0.6);
    let forest = hex(0x0020_3a2c).mix(hex(0x003c_5234), grain);
    let snow_line = 1.35 + 0.9 * (fbm(x * 0.9 + 7.0, z * 0.9, 4) - 0.5);
    let snow = smoothstep(snow_line - 0.25, snow_line + 0.45, h)
        * smoothstep(0.50, 0.72, normal.y + 0.28 * (grain - 0.5) + 0.10 * (h - 2.0));
    let trees = (1.0 - smoothstep(0.55, 1.15, h + 0.5 * (grain - 0.5))) * smoothstep(0.40, 0.62, normal.y);
    let ground = rock.mix(forest, trees).mix(v3(0.90, 0.92, 0.96), snow);

    let lit = ground.tint(direct + sky + bounce);
    // Air: blue with distance, warm towards the sun, thickest in the valleys.
    let haze = hex(0x00a9_b5d2).mix(hex(0x00f6_cdb2), smoothstep(0.55, -0.75, u) * 0.75);
    let amount = 1.0 - (-(t - 4.0) * 0.021 - 0.42 * (-h * 2.2).exp() * smoothstep(5.0, 16.0, t)).exp();
    lit.mix(haze, amount.clamp(0.0, 1.0))
}
