//! Conifers, branch by branch.

use super::{HEIGHT, HORIZON, WIDTH};
use crate::{
    canvas::Canvas,
    math::{V3, hex, mix, smoothstep, v3},
    noise::{Stream, fbm},
};

/// The belt of trees along the far shore, small and hazy.
pub(super) fn far_shore(scene: &mut Canvas) {
    let mut random = Stream::new(11);
    let haze = hex(0x0086_90a8);
    for rank in 0..3 {
        let closeness = rank as f32 / 2.0;
        let mut x = -10.0;
        while x < WIDTH as f32 + 10.0 {
            let density = fbm(x * 0.0042 + rank as f32 * 17.0, 2.0, 4);
            let tall = smoothstep(0.34, 0.72, density) * mix(34.0, 66.0, closeness) * random.range(0.55, 1.15);
            if tall > 7.0 {
                let far = mix(0.50, 0.18, closeness);
                let dark = hex(0x0014_2622).mix(haze, far);
                let lit = hex(0x0048_5a3c).mix(haze, far).mix(v3(0.9, 0.6, 0.4), 0.12);
                conifer(scene, &mut random, (x, HORIZON + 1.0), tall, (dark, lit));
            }
            x += random.range(4.0, 10.0);
        }
    }
    // The strip of shore they stand on.
    for x in 0..WIDTH as i64 {
        let thick = 2.0 + 4.0 * fbm(x as f32 * 0.01, 8.0, 4);
        for y in 0..7_i64 {
            let coverage = (thick - y as f32).clamp(0.0, 1.0);
            scene.paint(
                x,
                HORIZON as i64 - 1 - y,
                hex(0x003a_3f42).mix(hex(0x0096_8474), fbm(x as f32 * 0.05, y as f32, 3)),
                coverage,
            );
        }
    }
}

/// A group of old trees on the left, near enough to count the twigs.
pub(super) fn near_left(scene: &mut Canvas) {
    let mut random = Stream::new(5);
    let colors = (hex(0x0008_1614), hex(0x0050_5a30));
    let base = HEIGHT as f32;
    for (x, foot, tall) in [
        (395.0, 0.900, 520.0),
        (60.0, 0.930, 1010.0),
        (300.0, 0.935, 800.0),
        (-40.0, 0.95, 820.0),
        (185.0, 0.970, 1180.0),
    ] {
        conifer(scene, &mut random, (x, base * foot), tall, colors);
    }
}

/// One tree. `foot` in pixels; `colors` are those of the shaded and the lit side.
fn conifer(scene: &mut Canvas, random: &mut Stream, foot: (f32, f32), tall: f32, colors: (V3, V3)) {
    let (x, y) = foot;
    let lean = random.range(-0.015, 0.015) * tall;
    let trunk = tall * 0.024;
    scene.stroke(
        (x, y, trunk),
        (x + lean, y - tall, 0.6),
        (colors.0 * 0.8, colors.0),
        1.0,
    );
    if tall < 120.0 {
        small_crown(scene, random, foot, (tall, lean), colors);
        return;
    }
    let whorls = (tall / 5.0) as usize;
    let spread = random.range(0.140, 0.185) * tall;
    for whorl in 0..whorls {
        // From the lowest branch to the tip.
        let rise = 0.07 + 0.925 * (whorl as f32 / whorls as f32);
        let taper = (1.0 - rise).powf(0.82) * mix(0.75, 1.0, smoothstep(0.05, 0.22, rise)) + 0.014;
        let center = (x + lean * rise, y - tall * rise);
        // Branches leave the trunk all around; those towards or away from the eye are foreshortened, the ones in front are painted last.
        let branches = 7;
        for branch in 0..branches {
            let depth = branch as f32 / (branches - 1) as f32;
            let side = random.range(-1.0, 1.0).clamp(-1.0, 1.0);
            let side = side.abs().sqrt() * side.signum();
            let reach = spread * taper * random.range(0.60, 1.18);
            let droop = reach * mix(0.40, -0.06, rise) * random.range(0.5, 1.3) + reach * 0.22 * (depth - 0.5);
            let tip = (center.0 + side * reach, center.1 + droop);
            let thick = (tall * 0.0042 * (0.4 + taper)).max(1.0);
            // The sun stands on the left; the far side of the crown and its inside are dark.
            let lit = (0.42 - 0.50 * side).clamp(0.02, 0.92) * mix(0.35, 1.0, depth) * random.range(0.5, 1.0);
            let color = colors.0.mix(colors.1, lit * lit);
            scene.stroke(
                (center.0, center.1, thick),
                (tip.0, tip.1, thick * 0.4),
                (colors.0, color),
                0.97,
            );
            let twigs = (reach / 3.0) as usize + 2;
            for twig in 0..twigs {
                let along = 0.15 + 0.9 * (twig as f32 + random.unit()) / twigs as f32;
                let from = (mix(center.0, tip.0, along), mix(center.1, tip.1, along));
                let long = (tall * 0.013 * (1.2 - along) + 4.5) * random.range(0.5, 1.5);
                let to = (
                    from.0 + side.signum() * long * random.range(-0.2, 1.0),
                    from.1 + long * random.range(-0.35, 0.95),
                );
                let glow = color.mix(colors.1 * 1.7, lit * random.unit() * along);
                scene.stroke((from.0, from.1, 2.6), (to.0, to.1, 0.8), (color, glow), 0.95);
            }
        }
    }
}

/// The crown of a tree that is only some dozens of pixels tall: overlapping boughs.
fn small_crown(scene: &mut Canvas, random: &mut Stream, foot: (f32, f32), shape: (f32, f32), colors: (V3, V3)) {
    let (tall, lean) = shape;
    let whorls = (tall / 2.2) as usize;
    for whorl in 0..whorls {
        let rise = 0.06 + 0.93 * (whorl as f32 / whorls as f32);
        let reach = tall * 0.19 * (1.0 - rise).powf(0.85) * random.range(0.7, 1.15) + 0.5;
        let (cx, cy) = (foot.0 + lean * rise, foot.1 - tall * rise);
        for side in [1.0_f32, -1.0] {
            let lit = if side < 0.0 {
                random.range(0.2, 0.8)
            } else {
                random.range(0.0, 0.25)
            };
            let thick = 2.6;
            scene.stroke(
                (cx, cy, thick),
                (cx + side * reach, cy + reach * 0.42, thick * 0.5),
                (colors.0, colors.0.mix(colors.1, lit)),
                0.95,
            );
        }
    }
}
