//! YCbCr samples to RGB (TIFF 6.0 sections 20 and 21), in the integers of libtiff, so that results are the same.

use super::facts::tag;
use super::ifd::Directory;

/// Tables for one picture.
pub(super) struct YCbCrToRgb {
    luma: [i32; 256],
    red_of_cr: [i32; 256],
    green_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
    blue_of_cb: [i32; 256],
}

const SHIFT: u32 = 16;

impl YCbCrToRgb {
    /// By the coefficients and the reference levels of the directory; those of BT.601 and full range if it has none that can
    /// be.
    pub(super) fn new(directory: &Directory<'_>) -> Self {
        let [red, green, blue] = directory
            .fractions(tag::YCBCR_COEFFICIENTS)
            .filter(|c: &[f32; 3]| c.iter().all(|v| (0.001..1.0).contains(v)))
            .unwrap_or([0.299, 0.587, 0.114]);
        let levels = directory
            .fractions(tag::REFERENCE_BLACK_WHITE)
            .filter(|levels: &[f32; 6]| levels.iter().all(|v| v.is_finite()))
            .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        let fixed = |v: f32| (f64::from(v) * f64::from(1u32 << SHIFT) + 0.5) as i32;
        let half = 1 << (SHIFT - 1);
        let (of_cr, of_cb) = (2.0 - 2.0 * red, 2.0 - 2.0 * blue);
        let (d1, d2) = (fixed(of_cr), fixed(red * of_cr / green).wrapping_neg());
        let (d3, d4) = (fixed(of_cb), fixed(blue * of_cb / green).wrapping_neg());
        let code = |value: f32, black: f32, white: f32, range: f32| {
            let span = if white - black == 0.0 { 1.0 } else { white - black };
            ((value - black) * range / span).clamp(-4096.0, 4096.0) as i32
        };
        let mut tables = Self {
            luma: [0; 256],
            red_of_cr: [0; 256],
            green_of_cr: [0; 256],
            green_of_cb: [0; 256],
            blue_of_cb: [0; 256],
        };
        let [y0, y1, cb0, cb1, cr0, cr1] = levels;
        let places = tables
            .luma
            .iter_mut()
            .zip(&mut tables.red_of_cr)
            .zip(&mut tables.green_of_cr)
            .zip(&mut tables.green_of_cb)
            .zip(&mut tables.blue_of_cb);
        for (((((luma, red), green_cr), green_cb), blue), value) in places.zip(0u8..=255) {
            let value = f32::from(value);
            let cr = code(value - 128.0, cr0 - 128.0, cr1 - 128.0, 127.0);
            let cb = code(value - 128.0, cb0 - 128.0, cb1 - 128.0, 127.0);
            *luma = code(value, y0, y1, 255.0);
            *red = d1.wrapping_mul(cr).wrapping_add(half) >> SHIFT;
            *blue = d3.wrapping_mul(cb).wrapping_add(half) >> SHIFT;
            *green_cr = d2.wrapping_mul(cr);
            *green_cb = d4.wrapping_mul(cb).wrapping_add(half);
        }
        tables
    }

    /// One pixel.
    pub(super) fn convert(&self, [y, cb, cr]: [u8; 3]) -> [u8; 3] {
        let at = |table: &[i32; 256], index: u8| table.get(usize::from(index)).copied().unwrap_or(0);
        let luma = at(&self.luma, y);
        let green = at(&self.green_of_cb, cb).wrapping_add(at(&self.green_of_cr, cr)) >> SHIFT;
        [
            luma + at(&self.red_of_cr, cr),
            luma + green,
            luma + at(&self.blue_of_cb, cb),
        ]
        .map(|v| v.clamp(0, 255) as u8)
    }
}
