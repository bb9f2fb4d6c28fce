//! A lake at dawn: terrain under the first light, its mirror image, and lupins on the near bank.
//!
//! The mountains are a height field drawn column by column from near to far, the way voxel-space games did it: every step of a ray raises the
//! skyline or is hidden behind it. Slopes come from value noise damped by its own derivative (Quilez, "Value noise derivatives"), which looks eroded.

mod bank;
mod canoe;
mod sky;
mod terrain;
mod trees;

use crate::{
    canvas::{Canvas, Pixel, Raster},
    math::{V3, film, hex, mix, smoothstep, v3},
    noise::{fbm, noise},
};

/// Size in pixels.
const WIDTH: usize = 2400;
/// Size in pixels.
const HEIGHT: usize = 1600;
/// The row on which far water meets the shore.
const HORIZON: f32 = 0.560 * HEIGHT as f32;

/// Makes the picture.
pub(crate) fn render() -> Raster {
    let mut scene = sky::render();
    terrain::paint(&mut scene);
    trees::far_shore(&mut scene);
    let mut scene = with_water(&scene);
    canoe::paint(&mut scene);
    trees::near_left(&mut scene);
    bank::paint(&mut scene);
    scene.develop(false, 1.6, |light| {
        let graded = light * 0.92;
        // A little more contrast between warm light and cool shade than the light has by itself.
        let grey = graded.dot(v3(0.2126, 0.7152, 0.0722));
        V3::splat(grey).mix(graded, 1.12).map(|v| film(v.max(0.0)))
    })
}

/// The picture above the horizon mirrored below it, broken by ripples that grow towards the viewer.
fn with_water(above: &Canvas) -> Canvas {
    let deep = hex(0x000c_2e3a) * 0.8;
    Canvas::compute(WIDTH, HEIGHT, |x, y| {
        let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
        let below = py - HORIZON;
        if below <= 0.0 {
            return above.at(x as i64, y as i64);
        }
        // Rows of the water at equal steps of distance lie closer and closer towards the horizon.
        let distance = 260.0 / (below + 4.0);
        let nearness = (below / (HEIGHT as f32 - HORIZON)).clamp(0.0, 1.0);
        let (wx, wz) = ((px - WIDTH as f32 / 2.0) * distance * 0.006, distance * 9.0);
        // Long lanes of wind leave other lanes still.
        let lanes = smoothstep(0.42, 0.70, fbm(wx * 0.32 + 4.0, wz * 0.9 + 2.0, 4));
        let ripple = fbm(wx * 2.6, wz * 5.0, 4) - 0.5;
        let fine = noise(wx * 11.0, wz * 23.0) - 0.5;
        let strength = mix(0.10, 1.0, lanes);
        let lift = (ripple * 30.0 + fine * 11.0) * strength * (0.15 + 1.6 * nearness);
        let sway = (ripple * 7.0 + fine * 5.0) * strength * (0.3 + nearness);
        let mirror_y = (HORIZON - below * 0.98 + lift).min(HORIZON - 0.5);
        let mut mirrored = V3::default();
        // Reflections on moving water are smeared upright.
        for (step, weight) in [(-1.5_f32, 0.2_f32), (0.0, 0.6), (1.5, 0.2)] {
            mirrored = mirrored
                + above.sample(
                    px + sway - 0.5,
                    mirror_y + step * strength * (1.0 + 4.0 * nearness) - 0.5,
                ) * weight;
        }
        let grazing = mix(0.93, 0.52, nearness.powf(0.8));
        let mut light = deep.mix(mirrored, grazing);
        // Glints where the ripple tilts to the bright sky.
        light = light + v3(1.0, 0.80, 0.66) * (smoothstep(0.24, 0.46, ripple + fine * 0.5) * lanes * 0.10);
        // Mist on the far water.
        let mist = (-below / 26.0).exp() * (0.35 + 0.5 * fbm(px * 0.004, 3.0, 4));
        Pixel::opaque(light.mix(v3(0.86, 0.78, 0.80), mist * 0.55))
    })
}
