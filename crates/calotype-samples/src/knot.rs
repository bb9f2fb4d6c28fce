//! A glazed knot standing on nothing: transparent all around, its shadow translucent.
//!
//! A trefoil on a torus, as a distance function: turning the cross-section by one and a half turns per round folds the three windings into two
//! discs. Ray-marched, with the soft shadow and the ambient occlusion that distance functions give almost for free (Quilez).

use crate::{
    canvas::{Canvas, Pixel, Raster},
    math::{V3, film, hex, smoothstep, v3},
    noise::fbm,
};

/// Width and height in pixels.
const SIDE: usize = 1200;
/// The ground plane, which only shows its shadow.
const FLOOR: f32 = -1.52;

/// Makes the picture.
pub(crate) fn render() -> Raster {
    let canvas = Canvas::compute(SIDE, SIDE, |x, y| {
        let samples = [(0.125, 0.375), (0.375, 0.875), (0.625, 0.125), (0.875, 0.625)];
        let mut sum = Pixel::default();
        for (sx, sy) in samples {
            let one = trace(
                (x as f32 + sx) / SIDE as f32 * 2.0 - 1.0,
                1.0 - (y as f32 + sy) / SIDE as f32 * 2.0,
            );
            sum.light = sum.light + one.light * (one.alpha / 4.0);
            sum.alpha += one.alpha / 4.0;
        }
        sum
    });
    canvas.develop(true, 0.6, |light| light.map(|v| film(v * 0.95)))
}

/// Distance to the knot.
fn knot(p: V3) -> f32 {
    // Stood up and turned towards the viewer.
    let (s, c) = (0.62_f32).sin_cos();
    let p = v3(p.x * c + p.z * s, p.y, p.z * c - p.x * s);
    let (s, c) = (1.02_f32).sin_cos();
    let p = v3(p.x, p.y * c - p.z * s, p.y * s + p.z * c);
    let around = p.z.atan2(p.x);
    let (rx, ry) = ((p.x * p.x + p.z * p.z).sqrt() - 1.0, p.y);
    let (s, c) = (around * 1.5).sin_cos();
    let (qx, qy) = (rx * c + ry * s, ry * c - rx * s);
    let d = ((qx.abs() - 0.46).powi(2) + qy * qy).sqrt() - 0.265;
    // Near the axis a step to the side turns the section a lot: the bound there is weaker than a distance.
    d * 0.45
}

/// Where on the knot a point is, as an angle that runs twice around.
fn along(p: V3) -> f32 {
    let (s, c) = (0.62_f32).sin_cos();
    let p = v3(p.x * c + p.z * s, p.y, p.z * c - p.x * s);
    let (s, c) = (1.02_f32).sin_cos();
    let p = v3(p.x, p.y * c - p.z * s, p.y * s + p.z * c);
    let around = p.z.atan2(p.x);
    let (rx, ry) = ((p.x * p.x + p.z * p.z).sqrt() - 1.0, p.y);
    let (s, c) = (around * 1.5).sin_cos();
    let side = rx * c + ry * s;
    if side > 0.0 {
        around
    } else {
        around + std::f32::consts::TAU
    }
}

fn normal(p: V3) -> V3 {
    let e = 0.0012;
    let k = [
        v3(1.0, -1.0, -1.0),
        v3(-1.0, -1.0, 1.0),
        v3(-1.0, 1.0, -1.0),
        v3(1.0, 1.0, 1.0),
    ];
    k.iter().fold(V3::default(), |sum, &k| sum + k * knot(p + k * e)).unit()
}

/// One ray. The light is straight, not premultiplied.
fn trace(u: f32, v: f32) -> Pixel {
    let eye = v3(0.0, 1.15, 6.4);
    let forward = (v3(0.0, -0.14, 0.0) - eye).unit();
    let right = forward.cross(v3(0.0, 1.0, 0.0)).unit();
    let up = right.cross(forward);
    let ray = (forward + right * (u * 0.340) + up * (v * 0.340)).unit();
    // Only rays that meet the ball around the knot are followed.
    let b = eye.dot(ray);
    let inside = b * b - (eye.dot(eye) - 1.78 * 1.78);
    if inside > 0.0 {
        let mut t = -b - inside.sqrt();
        let end = -b + inside.sqrt();
        for _ in 0..200 {
            let d = knot(eye + ray * t);
            if d < 0.0005 {
                return Pixel::opaque(surface(eye + ray * t, ray));
            }
            t += d;
            if t > end {
                break;
            }
        }
    }
    shadow_on_floor(eye, ray)
}

/// What lies around: a dim room with a large window at the upper left and a strip light at the right.
fn room(d: V3) -> V3 {
    let base = v3(0.10, 0.11, 0.14).mix(v3(0.62, 0.64, 0.70), smoothstep(-0.4, 1.0, d.y));
    let window = smoothstep(0.30, 0.36, d.y)
        * smoothstep(0.86, 0.80, d.y)
        * smoothstep(-0.86, -0.80, d.x)
        * smoothstep(-0.12, -0.18, d.x);
    let bars = smoothstep(0.012, 0.022, (d.x + 0.49).abs()) * smoothstep(0.012, 0.022, (d.y - 0.58).abs());
    let strip = smoothstep(0.07, 0.03, (d.x - 0.78).abs()) * smoothstep(-0.3, -0.1, d.y) * smoothstep(0.9, 0.6, d.y);
    base + v3(5.0, 4.7, 4.3) * (window * bars * smoothstep(0.0, 0.3, d.z + 0.6)) + v3(1.6, 2.0, 2.8) * strip
}

fn surface(p: V3, ray: V3) -> V3 {
    let n = normal(p);
    let sun = v3(-0.52, 0.68, 0.52).unit();
    let mut open = 1.0_f32;
    let mut t = 0.03;
    for _ in 0..64 {
        let d = knot(p + n * 0.01 + sun * t);
        open = open.min(0.5 + 0.5 * d / (0.06 * t));
        t += d.clamp(0.012, 0.07);
        if open < 0.0 || t > 2.6 {
            break;
        }
    }
    let open = smoothstep(0.0, 1.0, open.max(0.0));
    let mut closed = 0.0;
    for step in 1..=5 {
        let h = 0.06 * step as f32;
        closed += (h - knot(p + n * h)) * 0.9_f32.powi(step) * 0.55;
    }
    let ambient = (1.0 - closed).clamp(0.12, 1.0);
    // Glaze: the colour runs around the knot, from vermilion over violet to a deep sea blue and back.
    let stops = [
        hex(0x00ff_5a36),
        hex(0x00ff_9d4d),
        hex(0x00f2_3f7f),
        hex(0x007a_3df0),
        hex(0x001f_6bf2),
        hex(0x0012_b5c9),
        hex(0x007a_3df0),
        hex(0x00f2_3f7f),
    ];
    let s = along(p) / (2.0 * std::f32::consts::TAU) * stops.len() as f32 + 16.0;
    let pick = |i: i32| {
        stops
            .get(i.rem_euclid(stops.len() as i32) as usize)
            .copied()
            .unwrap_or_default()
    };
    let base = pick(s.floor() as i32).mix(pick(s.floor() as i32 + 1), smoothstep(0.0, 1.0, s.fract()));
    let base = base * (0.94 + 0.12 * fbm(p.x * 30.0 + p.z * 13.0, p.y * 30.0, 3));
    let facing = (-ray.dot(n)).clamp(0.0, 1.0);
    let fresnel = 0.045 + 0.955 * (1.0 - facing).powi(5);
    let bounced = ray.reflect(n);
    // Reflections of the knot in itself are only darker.
    let mut seen = 1.0_f32;
    let mut t = 0.06;
    for _ in 0..14 {
        let d = knot(p + n * 0.01 + bounced * t);
        seen = seen.min(0.3 + 3.0 * d / t);
        t += d.clamp(0.03, 0.3);
    }
    let seen = smoothstep(0.0, 1.0, seen.max(0.0));
    let wrap = ((n.dot(sun) + 0.25) / 1.25).max(0.0);
    let diffuse = v3(1.75, 1.62, 1.48) * (wrap * open)
        + v3(0.34, 0.38, 0.48) * ((0.55 + 0.45 * n.y) * ambient)
        + base * (0.22 * ambient * (0.5 - 0.5 * n.y));
    let glint = bounced.dot(sun).max(0.0).powi(240) * 9.0 * open;
    base.tint(diffuse) * (1.0 - fresnel)
        + room(bounced).tint(V3::splat(1.0).mix(base, 1.0 - seen)) * (fresnel * (0.35 + 0.65 * seen))
        + V3::splat(glint * 0.35)
}

/// The translucent shadow beneath, nearly black with a tint of the glaze.
fn shadow_on_floor(eye: V3, ray: V3) -> Pixel {
    if ray.y > -1e-3 {
        return Pixel::default();
    }
    let p = eye + ray * ((FLOOR - eye.y) / ray.y);
    let reach = (p.x * p.x + p.z * p.z).sqrt();
    if reach > 2.5 {
        return Pixel::default();
    }
    let up = v3(-0.10, 0.95, 0.14).unit();
    let (mut open, mut t) = (1.0_f32, 0.05);
    for _ in 0..36 {
        let d = knot(p + up * t);
        open = open.min(0.5 + 0.5 * d / (0.17 * t + 0.015));
        t += d.clamp(0.03, 0.25);
        if t > 4.2 {
            break;
        }
    }
    let soft = smoothstep(0.0, 1.0, open.max(0.0));
    let contact = (-(knot(p).max(0.0)) * 7.2).exp();
    let alpha = (0.46 * (1.0 - soft) + 0.34 * contact) * smoothstep(2.5, 1.2, reach);
    Pixel {
        light: hex(0x0014_1024),
        alpha: alpha.clamp(0.0, 0.85),
    }
}
