//! A red canoe: the one thing in the picture that is nobody's landscape.

use crate::{
    canvas::Canvas,
    math::{V3, hex, mix, smoothstep},
    noise::noise,
};

/// Where it floats, in pixels.
const CENTER: (i64, i64) = (1640, 1120);
/// Half its length and its depth amidships, in pixels.
const HALF: f32 = 96.0;
const DEPTH: f32 = 17.0;

/// Paints the boat and its broken mirror image.
pub(super) fn paint(scene: &mut Canvas) {
    for row in -60..80 {
        for column in -110..=110 {
            let (mut light, mut coverage) = (V3::default(), 0.0);
            for (sx, sy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                if let Some((color, weight)) = shade(column as f32 + sx, row as f32 + sy) {
                    light = light + color * (weight / 4.0);
                    coverage += weight / 4.0;
                }
            }
            if coverage > 0.0 {
                scene.paint(CENTER.0 + column, CENTER.1 + row, light / coverage, coverage);
            }
        }
    }
}

/// Colour and opacity at an offset from the centre.
fn shade(dx: f32, dy: f32) -> Option<(V3, f32)> {
    let (red, dark, wood) = (hex(0x00d2_4526), hex(0x0048_100e), hex(0x00a8_7444));
    let t = dx / HALF;
    if t.abs() >= 1.0 {
        return None;
    }
    // The gunwale rises towards both ends, the keel is nearly flat.
    let rim = -DEPTH * (0.30 + 0.95 * t.abs().powf(3.2));
    let keel = DEPTH * 0.62 * (1.0 - t.powi(8));
    if dy > rim && dy < keel {
        let opening = 6.0 * (1.0 - t * t);
        if dy < rim + opening {
            let thwart = if (t.abs() - 0.36).abs() < 0.025 { 1.6 } else { 1.0 };
            return Some((wood * (mix(0.16, 0.5, smoothstep(-0.9, 0.9, -t)) * thwart), 1.0));
        }
        if dy < rim + opening + 1.8 {
            return Some((wood * 1.3, 1.0));
        }
        let tone = smoothstep(keel + 3.0, rim, dy) * mix(1.0, 0.62, smoothstep(-1.0, 1.0, t));
        return Some((dark.mix(red, tone), 1.0));
    }
    // The mirror image, wobbling more the farther it is from the hull.
    let below = dy - keel;
    let wobble = (noise(dx * 0.03 + 9.0, dy * 0.55) - 0.5) * below * 0.9;
    let reach = (keel - rim) * 0.95;
    if below >= 0.0 && below + wobble < reach {
        let fade = 1.0 - (below / reach).min(1.0);
        return Some((dark.mix(red, 0.35) * 0.5, 0.12 + 0.62 * fade));
    }
    None
}
