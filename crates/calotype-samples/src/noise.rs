//! Hashes and noise: everything random in the pictures comes from the coordinates.

use crate::math::mix;

/// A well mixed 32-bit hash of two integers (the finaliser of `MurmurHash3`).
pub(crate) fn hash2(x: i32, y: i32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343) ^ (y as u32).wrapping_mul(0xd816_3841);
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// 0..1 from two integers.
pub(crate) fn random2(x: i32, y: i32) -> f32 {
    (hash2(x, y) >> 8) as f32 / 16_777_216.0
}

/// A stream of numbers 0..1, for things that are scattered.
pub(crate) struct Stream {
    seed: i32,
    next: i32,
}

impl Stream {
    pub(crate) fn new(seed: i32) -> Self {
        Self { seed, next: 0 }
    }
    /// The next number, 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.next += 1;
        random2(self.next, self.seed)
    }
    /// The next number in a range.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        mix(low, high, self.unit())
    }
}

/// Value noise 0..1 with its two derivatives; quintic, so that the slope is continuous.
pub(crate) fn noise_slope(x: f32, y: f32) -> (f32, f32, f32) {
    let (ix, iy) = (x.floor(), y.floor());
    let (fx, fy) = (x - ix, y - iy);
    let (ix, iy) = (ix as i32, iy as i32);
    let (ux, uy) = (
        fx * fx * fx * (fx * (fx * 6.0 - 15.0) + 10.0),
        fy * fy * fy * (fy * (fy * 6.0 - 15.0) + 10.0),
    );
    let (dx, dy) = (
        30.0 * fx * fx * (fx * (fx - 2.0) + 1.0),
        30.0 * fy * fy * (fy * (fy - 2.0) + 1.0),
    );
    let (a, b) = (random2(ix, iy), random2(ix + 1, iy));
    let (c, d) = (random2(ix, iy + 1), random2(ix + 1, iy + 1));
    let (k1, k2, k3) = (b - a, c - a, a - b - c + d);
    (
        a + k1 * ux + k2 * uy + k3 * ux * uy,
        dx * (k1 + k3 * uy),
        dy * (k2 + k3 * ux),
    )
}

/// Value noise 0..1.
pub(crate) fn noise(x: f32, y: f32) -> f32 {
    noise_slope(x, y).0
}

/// Octaves of value noise, each turned against the last so that the lattice does not show; 0..1.
pub(crate) fn fbm(mut x: f32, mut y: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut total) = (0.0, 0.5, 0.0);
    for _ in 0..octaves {
        sum += weight * noise(x, y);
        total += weight;
        weight *= 0.5;
        (x, y) = turn_and_double(x, y);
    }
    sum / total
}

/// Rotates by about 37 degrees and doubles.
pub(crate) fn turn_and_double(x: f32, y: f32) -> (f32, f32) {
    (1.6 * x - 1.2 * y + 13.7, 1.2 * x + 1.6 * y - 7.3)
}
