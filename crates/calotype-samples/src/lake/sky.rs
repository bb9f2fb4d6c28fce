//! The sky before sunrise, with high thin clouds lit from below.

use super::{HEIGHT, HORIZON, WIDTH};
use crate::{
    canvas::{Canvas, Pixel},
    math::{hex, mix, smoothstep, v3},
    noise::fbm,
};

/// The sky over the whole canvas; what is below the horizon is painted over later.
pub(super) fn render() -> Canvas {
    let (zenith, middle, low, rim) = (hex(0x0046_719c), hex(0x0093_b0c8), hex(0x00f3_cdb0), hex(0x00ff_c089));
    let (bright, dim) = (v3(1.25, 0.80, 0.66), hex(0x008f_93b4));
    Canvas::compute(WIDTH, HEIGHT, |x, y| {
        let u = x as f32 / HEIGHT as f32;
        let v = (y as f32 / HORIZON).min(1.0);
        let mut light = zenith
            .mix(middle, smoothstep(0.0, 0.52, v))
            .mix(low, smoothstep(0.36, 0.95, v));
        // The sun is behind the left edge; its glow reaches along the horizon.
        let glow = (-((u + 0.05).powi(2) * 1.1 + (v - 0.86).powi(2) * 7.0)).exp();
        light = light.mix(rim * 1.35, glow * 0.85);
        // Streaks: noise warped by noise, flattened by perspective towards the horizon.
        let depth = 1.0 / (1.22 - v);
        let (cx, cy) = (u * 1.5 * depth.sqrt() + 3.0, depth * 2.1);
        let warp = fbm(cx * 1.3 + 5.0, cy * 0.8, 4);
        let here = fbm(cx + warp * 1.6, cy * 1.5 - u * 0.9 + warp * 1.2, 7);
        let under = fbm(cx + warp * 1.6 - 0.05, cy * 1.5 - u * 0.9 + warp * 1.2 + 0.09, 7);
        let cover = smoothstep(0.47, 0.74, here) * smoothstep(0.0, 0.12, v) * mix(1.0, 0.45, smoothstep(0.7, 1.0, v));
        let lit = smoothstep(-0.05, 0.07, here - under);
        let cloud = dim.mix(bright, 0.28 + 0.72 * lit) * mix(0.80, 1.12, v);
        Pixel::opaque(light.mix(cloud, cover * 0.82))
    })
}
