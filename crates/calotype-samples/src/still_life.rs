//! A still life in one window's light: ceramics, an arch, and three dried flowers, before a plastered wall.
//!
//! One distance function for everything, ray-marched; soft shadows and ambient occlusion from the same function (Quilez, "Distance functions",
//! "Soft shadows"). Pixels on edges are traced again with more rays.

use crate::{
    canvas::{Canvas, Pixel, Raster},
    math::{V3, film, hex, smoothstep, v3},
    noise::{fbm, random2},
};

const WIDTH: usize = 1800;
const HEIGHT: usize = 1350;

/// What a surface is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stuff {
    Plaster,
    Terracotta,
    Glaze,
    Cream,
    Blush,
    Ochre,
    Cobalt,
    Flower,
    Stem,
}

/// Makes the picture.
pub(crate) fn render() -> Raster {
    let once = Canvas::compute(WIDTH, HEIGHT, |x, y| {
        Pixel::opaque(trace(x as f32 + 0.5, y as f32 + 0.5))
    });
    let fine = Canvas::compute(WIDTH, HEIGHT, |x, y| {
        let here = once.at(x as i64, y as i64);
        let near = [(-1, 0), (1, 0), (0, -1), (0, 1)].iter().any(|&(dx, dy)| {
            let d = once.at(x as i64 + dx, y as i64 + dy).light - here.light;
            d.x.abs().max(d.y.abs()).max(d.z.abs()) > 0.05
        });
        if !near {
            return here;
        }
        let places = [(0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875)];
        let sum = places.iter().fold(V3::default(), |sum, &(dx, dy)| {
            // Tone is applied before averaging, or bright edges would stay jagged.
            sum + trace(x as f32 + dx, y as f32 + dy).map(film_in)
        });
        Pixel::opaque((sum / 4.0).map(film_out))
    });
    fine.develop(false, 1.4, |light| light.map(|v| film(v.max(0.0) * 0.86)))
}

/// A curve like the film's, easily inverted.
fn film_in(v: f32) -> f32 {
    v / (1.0 + v)
}
fn film_out(v: f32) -> f32 {
    v / (1.0 - v).max(1e-4)
}

fn sphere(p: V3, center: V3, radius: f32) -> f32 {
    (p - center).length() - radius
}

fn capsule(p: V3, a: V3, b: V3, radius: f32) -> f32 {
    let (pa, ba) = (p - a, b - a);
    let t = (pa.dot(ba) / ba.dot(ba)).clamp(0.0, 1.0);
    (pa - ba * t).length() - radius
}

fn rounded_box(p: V3, half: V3, round: f32) -> f32 {
    let q = v3(
        p.x.abs() - half.x + round,
        p.y.abs() - half.y + round,
        p.z.abs() - half.z + round,
    );
    v3(q.x.max(0.0), q.y.max(0.0), q.z.max(0.0)).length() + q.x.max(q.y).max(q.z).min(0.0) - round
}

fn drum(p: V3, center: V3, radius: f32, half: f32, round: f32) -> f32 {
    let q = p - center;
    let (dx, dy) = (
        (q.x * q.x + q.z * q.z).sqrt() - radius + round,
        q.y.abs() - half + round,
    );
    (dx.max(0.0).powi(2) + dy.max(0.0).powi(2)).sqrt() + dx.max(dy).min(0.0) - round
}

fn smooth_min(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

const VASE: V3 = v3(0.15, 0.0, 0.15);
const BALLS: [(V3, f32); 4] = [
    (v3(-0.42, 2.78, 0.18), 0.175),
    (v3(0.20, 3.22, 0.02), 0.205),
    (v3(0.74, 2.66, 0.26), 0.160),
    (v3(0.44, 2.30, 0.42), 0.120),
];

/// Distance to everything, with what is nearest.
fn scene(p: V3) -> (f32, Stuff) {
    // Floor and wall with a cove between them.
    let (floor, wall, cove) = (p.y, p.z + 2.6, 1.3);
    let (cy, cz) = (p.y - cove, p.z + 2.6 - cove);
    let ground = if cy < 0.0 && cz < 0.0 {
        cove - (cy * cy + cz * cz).sqrt()
    } else {
        floor.min(wall)
    };
    let mut best = (ground, Stuff::Plaster);
    let mut take = |d: f32, stuff: Stuff| {
        if d < best.0 {
            best = (d, stuff);
        }
    };
    let a = p - v3(-1.42, 1.12, -0.75);
    let (s, c) = (0.22_f32).sin_cos();
    let a = v3(a.x * c - a.z * s, a.y, a.x * s + a.z * c);
    let slab = if a.length() > 1.9 {
        a.length() - 1.5
    } else {
        // A block with a round top, and a doorway of the same shape cut out of it.
        let arch = |half: f32, spring: f32| {
            let dx = a.x.abs();
            if a.y > spring {
                (dx * dx + (a.y - spring).powi(2)).sqrt() - half
            } else {
                dx - half
            }
        };
        let outer = arch(0.88, 0.42).max(-1.12 - a.y);
        let inner = arch(0.42, 0.20);
        let flat = smooth_max(outer, -inner, 0.05);
        smooth_max(flat, a.z.abs() - 0.30, 0.05)
    };
    take(slab, Stuff::Terracotta);
    let plinth = v3(1.62, 0.24, -0.62);
    take(drum(p, plinth, 0.92, 0.24, 0.035), Stuff::Blush);
    take(sphere(p, v3(1.62, 0.48 + 0.60, -0.62), 0.60), Stuff::Cream);
    let step = p - v3(2.75, 0.62, -1.55);
    take(rounded_box(step, v3(0.42, 0.62, 0.42), 0.03), Stuff::Blush);
    take(sphere(p, v3(-0.72, 0.27, 1.05), 0.27), Stuff::Ochre);
    take(sphere(p, v3(-1.18, 0.165, 0.92), 0.165), Stuff::Cobalt);
    take(drum(p, v3(1.12, 0.05, 0.95), 0.34, 0.05, 0.04), Stuff::Cream);
    take(drum(p, v3(1.12, 0.15, 0.95), 0.22, 0.05, 0.04), Stuff::Terracotta);
    // Flowers only matter near their stems.
    let q = p - VASE;
    let radius = (q.x * q.x + q.z * q.z).sqrt();
    let round = (q - v3(0.0, 0.8, 0.0)).length();
    let body = if round > 1.4 {
        round - 1.0
    } else {
        let e = v3(q.x, (q.y - 0.52) * 0.98, q.z);
        let belly = e.length() - 0.53;
        let neck = drum(q, v3(0.0, 1.20, 0.0), 0.135, 0.42, 0.02);
        let lip = ((radius - 0.165).powi(2) + (q.y - 1.61).powi(2)).sqrt() - 0.036;
        let solid = smooth_min(smooth_min(belly, neck, 0.34), lip, 0.10);
        let foot = solid.max(0.012 - q.y);
        let hollow = drum(q, v3(0.0, 1.6, 0.0), 0.110, 0.45, 0.0);
        smooth_max(foot, -hollow, 0.03)
    };
    take(body * 0.9, Stuff::Glaze);
    if q.y > 0.9 && radius < 1.3 {
        for (center, size) in BALLS {
            let tight = sphere(p, center, size);
            let bumpy = if tight < 0.05 {
                tight + 0.010 * florets(p - center)
            } else {
                tight
            };
            take(bumpy * 0.85, Stuff::Flower);
            let rest = VASE + v3((center.x - VASE.x) * 0.10, 1.50, (center.z - VASE.z) * 0.10);
            take(capsule(p, rest, center, 0.0125), Stuff::Stem);
        }
    }
    best
}

fn smooth_max(a: f32, b: f32, k: f32) -> f32 {
    -smooth_min(-a, -b, k)
}

/// The many small heads of a flower ball, as a height of about -1..1.
fn florets(p: V3) -> f32 {
    let n = p.unit();
    (n.x * 26.0).sin() * (n.y * 26.0 + n.x * 6.0).sin() * 0.6 + (n.z * 31.0 + n.y * 9.0).sin() * 0.4
}

fn normal(p: V3) -> V3 {
    let e = 0.0012;
    let k = [
        v3(1.0, -1.0, -1.0),
        v3(-1.0, -1.0, 1.0),
        v3(-1.0, 1.0, -1.0),
        v3(1.0, 1.0, 1.0),
    ];
    k.iter()
        .fold(V3::default(), |sum, &k| sum + k * scene(p + k * e).0)
        .unit()
}

fn trace(px: f32, py: f32) -> V3 {
    let (u, v) = (
        (px - WIDTH as f32 / 2.0) / HEIGHT as f32,
        (HEIGHT as f32 / 2.0 - py) / HEIGHT as f32,
    );
    let eye = v3(0.55, 2.25, 9.4);
    let forward = (v3(0.26, 1.50, 0.0) - eye).unit();
    let right = forward.cross(v3(0.0, 1.0, 0.0)).unit();
    let up = right.cross(forward);
    let ray = (forward + right * (u * 0.478) + up * (v * 0.478)).unit();
    let mut t = 6.4;
    for _ in 0..96 {
        let (d, stuff) = scene(eye + ray * t);
        if d < 0.0009 {
            return surface(eye + ray * t, ray, stuff, true);
        }
        t += d;
        if t > 40.0 {
            break;
        }
    }
    surface(eye + ray * t, ray, Stuff::Plaster, true)
}

/// Direction to the sun.
fn sun() -> V3 {
    v3(-0.66, 0.58, 0.48).unit()
}

/// How much of the sun a point sees past the other things, 0..1.
fn open_to_sun(p: V3) -> f32 {
    let sun = sun();
    let (mut open, mut t) = (1.0_f32, 0.02);
    for _ in 0..44 {
        let d = scene(p + sun * t).0;
        open = open.min(0.5 + 0.5 * d / (0.055 * t + 0.002));
        if open < 0.0 {
            return 0.0;
        }
        t += (d * 0.85).clamp(0.012, 0.35);
        if t > 5.0 {
            break;
        }
    }
    smoothstep(0.0, 1.0, open)
}

/// What the window lets through: its frame, and a palm that stands outside.
fn window(p: V3) -> f32 {
    let sun = sun();
    let across = sun.cross(v3(0.0, 1.0, 0.0)).unit();
    let upward = across.cross(sun);
    let (a, b) = (p.dot(across), p.dot(upward));
    let soft = 0.05;
    let pane =
        |low: f32, high: f32, v: f32| smoothstep(low - soft, low + soft, v) * smoothstep(high + soft, high - soft, v);
    let frame = pane(-3.1, 3.3, a)
        * pane(-1.9, 3.6, b)
        * (1.0 - 0.92 * pane(0.52, 0.64, a + 0.02))
        * (1.0 - 0.92 * pane(1.88, 1.98, b));
    let mut leaves = 1.0_f32;
    for (oa, ob, angle, long) in [
        (-2.5_f32, 3.4_f32, -0.72_f32, 2.9_f32),
        (-2.9, 2.1, -0.18, 2.3),
        (-1.0, 4.0, -1.25, 2.2),
    ] {
        let (s, c) = angle.sin_cos();
        let (da, db) = (a - oa, b - ob);
        let (mut along, mut side) = (da * c + db * s, db * c - da * s);
        side += 0.10 * along * along;
        along /= long;
        if !(0.0..1.08).contains(&along) {
            continue;
        }
        let reach = 0.62 * (1.0 - along).max(0.0).sqrt() * smoothstep(0.0, 0.25, along) + 0.02;
        let w = side.abs() / reach;
        let comb = ((along * 13.0 - w * reach * 2.4 + if side > 0.0 { 0.5 } else { 0.0 }).fract() + 1.0).fract() - 0.5;
        let leaf = smoothstep(0.36, 0.20, comb.abs() + 0.20 * w) * smoothstep(1.05, 0.85, w);
        let rib = smoothstep(0.05, 0.012, side.abs());
        leaves = leaves.min(1.0 - 0.80 * leaf.max(rib));
    }
    frame * leaves
}

/// The light that leaves a point towards the eye.
fn surface(p: V3, ray: V3, stuff: Stuff, mirror: bool) -> V3 {
    let mut n = normal(p);
    let (mut base, mut gloss) = material(p, stuff);
    if stuff == Stuff::Plaster || stuff == Stuff::Terracotta {
        // Trowel marks.
        let e = 0.01;
        let (u, w) = (p.x * 3.0 + p.z * 1.7, p.y * 3.0 + p.z * 2.1);
        let h = fbm(u, w, 6);
        let strength = if stuff == Stuff::Plaster { 0.010 } else { 0.016 };
        n = (n + v3(fbm(u + e, w, 6) - h, fbm(u, w + e, 6) - h, 0.0) * (-strength / e * 3.0)).unit();
    }
    if stuff == Stuff::Flower {
        base = base * (0.72 + 0.40 * smoothstep(-0.8, 0.8, -florets(p - nearest_ball(p))));
        gloss = 0.0;
    }
    let sun_light = v3(3.3, 2.66, 2.02) * (n.dot(sun()).max(0.0) * window(p));
    let direct = if sun_light.x > 0.004 {
        sun_light * open_to_sun(p + n * 0.006)
    } else {
        V3::default()
    };
    let mut closed = 0.0;
    for step in 1..=5 {
        let h = 0.018 + 0.085 * step as f32;
        closed += (h - scene(p + n * h).0) * 0.82_f32.powi(step);
    }
    let ambient = (1.0 - closed * 1.25).clamp(0.10, 1.0);
    let from_window = (0.5 + 0.5 * n.dot(v3(-0.75, 0.35, 0.55))).powi(2);
    let around = v3(0.34, 0.36, 0.42) * (from_window * ambient) + v3(0.20, 0.15, 0.13) * ambient;
    let bounce = v3(0.34, 0.20, 0.15) * ((0.5 - 0.5 * n.y) * ambient);
    let mut light = base.tint(direct + around + bounce);
    if gloss > 0.0 && mirror {
        let facing = (-ray.dot(n)).clamp(0.0, 1.0);
        let fresnel = gloss * (0.05 + 0.95 * (1.0 - facing).powi(5));
        let bounced = ray.reflect(n);
        let mut seen = v3(0.30, 0.26, 0.24).mix(v3(0.74, 0.66, 0.60), smoothstep(-0.3, 0.9, bounced.y));
        let mut t = 0.04;
        for _ in 0..36 {
            let (d, hit) = scene(p + n * 0.006 + bounced * t);
            if d < 0.004 {
                let q = p + n * 0.006 + bounced * t;
                seen = surface(q, bounced, hit, false);
                break;
            }
            t += d;
            if t > 9.0 {
                break;
            }
        }
        // The window itself, as a bright pane with its bars.
        let toward = bounced.dot(sun());
        let across = bounced.dot(sun().cross(v3(0.0, 1.0, 0.0)).unit());
        let upward = bounced.y - sun().y;
        if toward > 0.5 {
            let pane = smoothstep(0.23, 0.20, across.abs()) * smoothstep(0.32, 0.29, upward.abs());
            let bars =
                smoothstep(0.008, 0.018, (across - 0.02).abs()) * smoothstep(0.008, 0.018, (upward - 0.04).abs());
            seen = seen + v3(7.5, 6.9, 6.2) * (pane * bars);
        }
        light = light * (1.0 - fresnel) + seen * fresnel;
    }
    light
}

fn nearest_ball(p: V3) -> V3 {
    BALLS
        .iter()
        .map(|b| b.0)
        .min_by(|a, b| (p - *a).length().total_cmp(&(p - *b).length()))
        .unwrap_or_default()
}

/// Round grains of different sizes, one in most cells of a lattice; 0..1.
fn speckles(p: V3) -> f32 {
    let mut most = 0.0_f32;
    let base = p.map(f32::floor);
    for corner in 0..27 {
        let cell = base
            + v3(
                (corner % 3) as f32 - 1.0,
                (corner / 3 % 3) as f32 - 1.0,
                (corner / 9) as f32 - 1.0,
            );
        let (cx, cy) = (cell.x as i32 + 131 * cell.z as i32, cell.y as i32 - 57 * cell.z as i32);
        let size = 0.36 * random2(cx + 71, cy).powi(3);
        let center = cell + v3(random2(cx, cy), random2(cx, cy + 9001), random2(cx + 4001, cy + 77));
        most = most.max(smoothstep(size, size * 0.55, (p - center).length()));
    }
    most
}

/// Colour in linear light and how glossy it is, 0..1.
fn material(p: V3, stuff: Stuff) -> (V3, f32) {
    let speckle = match stuff {
        Stuff::Terracotta | Stuff::Glaze | Stuff::Cream => {
            speckles(p * 13.0).max(0.8 * speckles(p * 29.0 + v3(5.0, 9.0, 2.0)))
        }
        _ => 0.0,
    };
    let cloud = fbm(p.x * 2.2 + p.z, p.y * 2.2 - p.z, 5);
    match stuff {
        Stuff::Plaster => (
            hex(0x00e3_b79d).mix(hex(0x00d2_a187), smoothstep(0.3, 0.75, cloud)),
            0.0,
        ),
        Stuff::Terracotta => (
            hex(0x00c0_5a38)
                .mix(hex(0x00a3_4a30), cloud)
                .mix(hex(0x00e0_9a72), speckle * 0.35),
            0.0,
        ),
        Stuff::Glaze => {
            // The glaze runs: lighter where it is thin at the shoulder, a bare foot.
            let run = smoothstep(0.10, 0.16, p.y + 0.06 * (fbm(p.x * 5.0, p.z * 5.0, 4) - 0.5));
            let glaze = hex(0x001d_4f4a)
                .mix(hex(0x0058_9482), smoothstep(0.45, 0.75, cloud + 0.12 * p.y))
                .mix(hex(0x0010_2c30), speckle * 0.6);
            (hex(0x00b9_8460).mix(glaze, run), run)
        }
        Stuff::Cream => (hex(0x00f0_e5d2).mix(hex(0x0096_7c62), speckle * 0.55), 0.16),
        Stuff::Blush => (hex(0x00d9_9a86).mix(hex(0x00cc_8a74), cloud), 0.0),
        Stuff::Ochre => (hex(0x00e0_9c1c), 0.85),
        Stuff::Cobalt => (hex(0x0020_3f92), 0.9),
        Stuff::Flower => (hex(0x00ee_b516), 0.0),
        Stuff::Stem => (hex(0x0083_8040), 0.0),
    }
}
