//! The little vector algebra that the scenes need. Single precision: these are pictures.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Three numbers: a place, a direction or a linear-light colour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct V3 {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

/// Short for a vector.
pub(crate) const fn v3(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

/// The colour of an sRGB triple such as `0xd9552b`, in linear light.
pub(crate) fn hex(rgb: u32) -> V3 {
    let channel = |shift: u32| srgb_to_linear(((rgb >> shift) & 255) as f32 / 255.0);
    v3(channel(16), channel(8), channel(0))
}

impl V3 {
    pub(crate) const fn splat(v: f32) -> Self {
        v3(v, v, v)
    }
    pub(crate) fn dot(self, o: Self) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }
    pub(crate) fn cross(self, o: Self) -> Self {
        v3(
            self.y * o.z - self.z * o.y,
            self.z * o.x - self.x * o.z,
            self.x * o.y - self.y * o.x,
        )
    }
    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }
    pub(crate) fn unit(self) -> Self {
        self / self.length().max(1e-12)
    }
    pub(crate) fn mix(self, o: Self, t: f32) -> Self {
        self + (o - self) * t
    }
    /// Componentwise product: a light on a surface.
    pub(crate) fn tint(self, o: Self) -> Self {
        v3(self.x * o.x, self.y * o.y, self.z * o.z)
    }
    pub(crate) fn reflect(self, normal: Self) -> Self {
        self - normal * (2.0 * self.dot(normal))
    }
    pub(crate) fn map(self, f: impl Fn(f32) -> f32) -> Self {
        v3(f(self.x), f(self.y), f(self.z))
    }
}

impl Add for V3 {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}
impl Sub for V3 {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}
impl Mul<f32> for V3 {
    type Output = Self;
    fn mul(self, s: f32) -> Self {
        v3(self.x * s, self.y * s, self.z * s)
    }
}
impl Div<f32> for V3 {
    type Output = Self;
    fn div(self, s: f32) -> Self {
        v3(self.x / s, self.y / s, self.z / s)
    }
}
impl Neg for V3 {
    type Output = Self;
    fn neg(self) -> Self {
        v3(-self.x, -self.y, -self.z)
    }
}

/// 0 below `a`, 1 above `b`, smooth between; `a` may be the larger.
pub(crate) fn smoothstep(a: f32, b: f32, x: f32) -> f32 {
    let t = ((x - a) / (b - a)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Straight mixing.
pub(crate) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// The sRGB curve, from encoded to linear.
pub(crate) fn srgb_to_linear(v: f32) -> f32 {
    if v <= 0.040_45 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

/// The sRGB curve, from linear to encoded.
pub(crate) fn linear_to_srgb(v: f32) -> f32 {
    if v <= 0.003_130_8 {
        v * 12.92
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    }
}

/// A film-like shoulder: whites roll off instead of clipping (Narkowicz's fit of the ACES curve).
pub(crate) fn film(v: f32) -> f32 {
    ((v * (2.51 * v + 0.03)) / (v * (2.43 * v + 0.59) + 0.14)).clamp(0.0, 1.0)
}
