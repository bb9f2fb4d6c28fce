//! The near bank: grass blade by blade, and lupins.

use super::{HEIGHT, WIDTH};
use crate::{
    canvas::Canvas,
    math::{V3, hex, mix, smoothstep},
    noise::{Stream, fbm},
};

/// Paints grass and flowers, the farther first.
pub(super) fn paint(scene: &mut Canvas) {
    let mut random = Stream::new(3);
    earth(scene);
    let ranks = 46;
    for rank in 0..ranks {
        let near = rank as f32 / ranks as f32;
        let blades = mix(330.0, 190.0, near) as usize;
        for _ in 0..blades {
            let x = random.range(-40.0, WIDTH as f32 + 40.0);
            let foot = shore(x) + near * near * 330.0 + random.range(0.0, 14.0);
            blade(scene, &mut random, (x, foot), near);
        }
        let flowers = if rank % 2 == 0 { mix(9.0, 7.0, near) as usize } else { 4 };
        for _ in 0..flowers {
            let x = random.range(0.0, WIDTH as f32);
            // They stand in drifts, thicker to the right and to the left of the open water.
            let drift = fbm(x * 0.0030 + 1.0, near * 2.0 + 4.0, 3) + 0.16 * ((x / WIDTH as f32) - 0.5).abs();
            if drift < 0.50 {
                continue;
            }
            let foot = shore(x) + near * near * 330.0 + 10.0;
            lupin(scene, &mut random, (x, foot), near);
        }
    }
}

/// The row where the bank begins in a column.
fn shore(x: f32) -> f32 {
    let t = x / WIDTH as f32;
    let dip = 95.0 * (1.0 - ((t - 0.60) / 0.60).powi(2)).max(0.0);
    HEIGHT as f32 * 0.868 + dip + 36.0 * (fbm(x * 0.0035, 1.0, 4) - 0.5)
}

/// The dark ground under the grass.
fn earth(scene: &mut Canvas) {
    for x in 0..WIDTH as i64 {
        let edge = shore(x as f32) + 4.0 * (fbm(x as f32 * 0.05, 3.0, 3) - 0.5);
        for y in edge as i64..HEIGHT as i64 {
            let depth = y as f32 - edge;
            let soil = hex(0x000e_1a12).mix(hex(0x0022_301c), fbm(x as f32 * 0.03, y as f32 * 0.08, 4));
            scene.paint(x, y, soil, depth.clamp(0.0, 1.0));
        }
    }
}

/// One blade of grass, bent by the wind.
fn blade(scene: &mut Canvas, random: &mut Stream, foot: (f32, f32), near: f32) {
    let scale = mix(0.34, 1.25, near);
    let tall = scale * random.range(46.0, 120.0);
    let bend = tall * random.range(-0.18, 0.62);
    let width = scale * random.range(2.0, 4.6);
    let dry = fbm(foot.0 * 0.004, foot.1 * 0.02, 3);
    let root = hex(0x0010_1f14);
    let green = hex(0x0034_5030).mix(hex(0x0080_7c3c), smoothstep(0.35, 0.7, dry) * random.unit());
    let tip = green.mix(
        hex(0x00f0_c078),
        random.range(0.05, 0.75) * smoothstep(0.2, 0.8, dry + 0.1),
    );
    let mut last = (foot.0, foot.1, width);
    let mut last_color = root;
    let steps = 5;
    for step in 1..=steps {
        let t = step as f32 / steps as f32;
        let here = (
            foot.0 + bend * t * t,
            foot.1 - tall * (t - 0.16 * t * t * (bend / tall).abs()),
            width * (1.0 - t).max(0.12),
        );
        let color = root.mix(green, (t * 1.5).min(1.0)).mix(tip, smoothstep(0.45, 1.0, t));
        scene.stroke(last, here, (last_color, color), 1.0);
        (last, last_color) = (here, color);
    }
}

/// A spire of flowers on a stem, with its fingered leaves.
fn lupin(scene: &mut Canvas, random: &mut Stream, foot: (f32, f32), near: f32) {
    let scale = mix(0.34, 1.45, near) * random.range(0.75, 1.2);
    let (stem, spire) = (scale * random.range(95.0, 150.0), scale * random.range(105.0, 165.0));
    let lean = scale * random.range(-16.0, 26.0);
    let kind = random.unit();
    let (deep, light) = if kind < 0.46 {
        (hex(0x0043_2a7e), hex(0x009a_86e0))
    } else if kind < 0.80 {
        (hex(0x009c_2f74), hex(0x00f4_a0c8))
    } else {
        (hex(0x00b8_8a7a), hex(0x00ff_eedc))
    };
    let total = stem + spire;
    let place = |t: f32| (foot.0 + lean * t * t, foot.1 - total * t);
    let green = hex(0x0030_4c28);
    let mut last = place(0.0);
    for step in 1..=8 {
        let next = place(step as f32 / 8.0);
        scene.stroke(
            (last.0, last.1, 4.2 * scale),
            (next.0, next.1, 3.0 * scale),
            (green, green),
            1.0,
        );
        last = next;
    }
    for leaf in 0..3 {
        let (cx, cy) = place(0.10 + 0.11 * leaf as f32);
        fan(scene, random, (cx, cy), scale, if leaf % 2 == 0 { 1.0 } else { -1.0 });
    }
    // Whorls of petals from the lowest, open ones to the buds at the tip.
    let whorls = 17;
    for whorl in 0..whorls {
        let t = whorl as f32 / whorls as f32;
        let (cx, cy) = place((stem + spire * t) / total);
        let radius = scale * 15.5 * (1.0 - t).powf(0.62) + scale * 1.6;
        let petals = 9;
        for petal in 0..petals {
            let angle = (petal as f32 + random.unit() * 0.8) / petals as f32 * std::f32::consts::TAU;
            let (side, depth) = (angle.cos(), angle.sin());
            let at = (
                cx + side * radius,
                cy + depth * radius * 0.30 + random.range(-2.0, 2.0) * scale,
            );
            let size = scale * mix(6.6, 2.4, t) * random.range(0.8, 1.2);
            // Lit from the left; the far petals are in shade.
            let lit = (0.42 - 0.34 * side + 0.22 * depth + 0.25 * random.unit()).clamp(0.0, 1.0) * mix(1.0, 0.72, t);
            let color = deep.mix(light, lit);
            scene.stroke(
                (at.0, at.1, size),
                (at.0 + side * size * 0.5, at.1 - size * 0.55, size * 0.66),
                (color, color.mix(light, 0.3)),
                0.97,
            );
        }
    }
}

/// A leaf of seven fingers.
fn fan(scene: &mut Canvas, random: &mut Stream, at: (f32, f32), scale: f32, side: f32) {
    let center = (
        at.0 + side * scale * random.range(14.0, 30.0),
        at.1 - scale * random.range(4.0, 20.0),
    );
    let (dark, pale) = (hex(0x001c_3a20), hex(0x0068_8a48));
    scene.stroke(
        (at.0, at.1, 2.4 * scale),
        (center.0, center.1, 2.0 * scale),
        (dark, dark),
        1.0,
    );
    for finger in 0..7 {
        let angle = -2.9 + 2.6 * finger as f32 / 6.0 + random.range(-0.08, 0.08);
        let long = scale * random.range(20.0, 31.0);
        let tip = (center.0 + angle.cos() * long, center.1 + angle.sin() * long * 0.7);
        let middle = (mix(center.0, tip.0, 0.55), mix(center.1, tip.1, 0.55));
        let color: V3 = dark.mix(pale, random.range(0.2, 0.9));
        scene.stroke(
            (center.0, center.1, 1.4 * scale),
            (middle.0, middle.1, 5.4 * scale),
            (dark, color),
            1.0,
        );
        scene.stroke(
            (middle.0, middle.1, 5.4 * scale),
            (tip.0, tip.1, 1.2 * scale),
            (color, color.mix(pale, 0.4)),
            1.0,
        );
    }
}
