//! Where scenes are computed: linear-light pixels, filled row by row on all cores, then turned into 8-bit sRGB.

use std::thread;

use crate::{
    math::{V3, linear_to_srgb},
    noise::random2,
};

/// A finished picture: 8-bit sRGB, interleaved, rows top down without padding.
#[derive(Debug, Clone)]
pub struct Raster {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 3 for RGB, 4 for RGBA with straight alpha.
    pub channels: u8,
    /// `width * height * channels` bytes.
    pub data: Vec<u8>,
}

/// A picture in the making: linear light, premultiplied by `alpha` where a scene uses it.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Pixel>,
}

/// One pixel of a canvas.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Pixel {
    pub(crate) light: V3,
    pub(crate) alpha: f32,
}

impl Pixel {
    pub(crate) const fn opaque(light: V3) -> Self {
        Self { light, alpha: 1.0 }
    }
}

impl Canvas {
    /// Computes every pixel; `shade` gets the column and the row.
    pub(crate) fn compute(width: usize, height: usize, shade: impl Fn(usize, usize) -> Pixel + Sync) -> Self {
        Self::compute_rows(width, height, |y, row| {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = shade(x, y);
            }
        })
    }

    /// Computes row by row, on all cores.
    pub(crate) fn compute_rows(width: usize, height: usize, fill: impl Fn(usize, &mut [Pixel]) + Sync) -> Self {
        let mut pixels = vec![Pixel::default(); width * height];
        // Bands of a few rows are dealt out in turn: costly and cheap parts of a picture then fall to every core alike.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut hands: Vec<Vec<(usize, &mut [Pixel])>> = (0..cores).map(|_| Vec::new()).collect();
        for (y, row) in pixels.chunks_mut(width).enumerate() {
            if let Some(hand) = hands.get_mut((y / 8) % cores) {
                hand.push((y, row));
            }
        }
        thread::scope(|scope| {
            for hand in hands {
                let fill = &fill;
                scope.spawn(move || {
                    for (y, row) in hand {
                        fill(y, row);
                    }
                });
            }
        });
        Self { width, height, pixels }
    }

    /// The pixel nearest to a place inside; outside, the edge.
    pub(crate) fn at(&self, x: i64, y: i64) -> Pixel {
        let x = x.clamp(0, self.width as i64 - 1) as usize;
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        self.pixels.get(y * self.width + x).copied().unwrap_or_default()
    }

    /// The picture between pixels.
    pub(crate) fn sample(&self, x: f32, y: f32) -> V3 {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (x0, y0) = (x0 as i64, y0 as i64);
        let top = self.at(x0, y0).light.mix(self.at(x0 + 1, y0).light, fx);
        let bottom = self.at(x0, y0 + 1).light.mix(self.at(x0 + 1, y0 + 1).light, fx);
        top.mix(bottom, fy)
    }

    /// Paints a colour over one pixel.
    pub(crate) fn paint(&mut self, x: i64, y: i64, color: V3, coverage: f32) {
        if x < 0 || y < 0 || x >= self.width as i64 || y >= self.height as i64 || coverage <= 0.0 {
            return;
        }
        if let Some(pixel) = self.pixels.get_mut(y as usize * self.width + x as usize) {
            let coverage = coverage.min(1.0);
            pixel.light = pixel.light.mix(color, coverage);
            pixel.alpha += (1.0 - pixel.alpha) * coverage;
        }
    }

    /// Paints a round-ended stroke whose width and colour run from one end to the other; widths and places in pixels.
    pub(crate) fn stroke(&mut self, from: (f32, f32, f32), to: (f32, f32, f32), colors: (V3, V3), opacity: f32) {
        let (x0, y0, r0) = (from.0, from.1, from.2 / 2.0);
        let (x1, y1, r1) = (to.0, to.1, to.2 / 2.0);
        let reach = r0.max(r1) + 1.0;
        let (dx, dy) = (x1 - x0, y1 - y0);
        let length2 = (dx * dx + dy * dy).max(1e-9);
        let (left, right) = ((x0.min(x1) - reach).floor() as i64, (x0.max(x1) + reach).ceil() as i64);
        let (top, bottom) = ((y0.min(y1) - reach).floor() as i64, (y0.max(y1) + reach).ceil() as i64);
        for y in top.max(0)..=bottom.min(self.height as i64 - 1) {
            for x in left.max(0)..=right.min(self.width as i64 - 1) {
                let (px, py) = (x as f32 + 0.5 - x0, y as f32 + 0.5 - y0);
                let t = ((px * dx + py * dy) / length2).clamp(0.0, 1.0);
                let distance = ((px - dx * t).powi(2) + (py - dy * t).powi(2)).sqrt();
                let radius = r0 + (r1 - r0) * t;
                // A stroke thinner than a pixel keeps its weight as opacity.
                let coverage = (radius + 0.5 - distance).clamp(0.0, 1.0) * (radius * 2.0).min(1.0);
                self.paint(x, y, colors.0.mix(colors.1, t), coverage * opacity);
            }
        }
    }

    /// Linear light through `tone` to 8-bit sRGB. `grain` is the deviation of the film grain in 8-bit steps; a little hides banding.
    pub(crate) fn develop(&self, alpha: bool, grain: f32, tone: impl Fn(V3) -> V3) -> Raster {
        let channels: u8 = if alpha { 4 } else { 3 };
        let mut data = Vec::with_capacity(self.width * self.height * usize::from(channels));
        for (index, pixel) in self.pixels.iter().enumerate() {
            let (x, y) = ((index % self.width) as i32, (index / self.width) as i32);
            let straight = if alpha && pixel.alpha > 0.0 {
                pixel.light / pixel.alpha
            } else {
                pixel.light
            };
            let toned = tone(straight);
            // The sum of two uniform numbers is a triangle, which is enough of a bell for grain.
            let speck = (random2(x, y) + random2(x + 7919, y + 104_729) - 1.0) * grain;
            for value in [toned.x, toned.y, toned.z] {
                data.push((linear_to_srgb(value.clamp(0.0, 1.0)) * 255.0 + speck + 0.5).clamp(0.0, 255.0) as u8);
            }
            if alpha {
                data.push((pixel.alpha.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
        }
        Raster {
            width: self.width as u32,
            height: self.height as u32,
            channels,
            data,
        }
    }
}
