//! Coefficients to samples: the inverse discrete cosine transform (ITU-T T.81 A.3.3) in single precision.

use std::f32::consts::PI;

use super::coefficients::Component;

/// Bits of a sample.
pub(super) const BITS: u32 = 12;

/// Places in a block of the coefficients in the order of the zigzag (T.81 figure A.6), rows after another.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The weight of each frequency at each place of a row of 8.
pub(super) struct Cosines([[f32; 8]; 8]);

impl Cosines {
    pub(super) fn new() -> Self {
        let mut weights = [[0.0; 8]; 8];
        for (place, of_place) in (0u8..).zip(&mut weights) {
            for (frequency, weight) in (0u8..).zip(of_place) {
                let scale = if frequency == 0 { 0.125f32.sqrt() } else { 0.5 };
                *weight = scale * (f32::from(2 * place + 1) * f32::from(frequency) * PI / 16.0).cos();
            }
        }
        Self(weights)
    }

    /// The samples of a component, `8 * blocks` a side.
    pub(super) fn samples(&self, component: &Component) -> Vec<u16> {
        let (across, down) = component.blocks;
        let stride = across * 8;
        let mut samples = vec![0; stride * down * 8];
        let table = component.table.unwrap_or([1; 64]);
        for (blocks, rows) in component
            .coefficients
            .chunks(component.blocks_stored.max(1))
            .zip(samples.chunks_mut(stride.max(1) * 8))
        {
            for (x, block) in blocks.iter().take(across).enumerate() {
                let pixels = self.block(block, &table);
                for (row, pixels) in rows.chunks_mut(stride).zip(&pixels) {
                    if let Some(place) = row.get_mut(x * 8..x * 8 + 8) {
                        place.copy_from_slice(pixels);
                    }
                }
            }
        }
        samples
    }

    fn block(&self, coefficients: &[i16; 64], table: &[u16; 64]) -> [[u16; 8]; 8] {
        const MIDDLE: f32 = (1u32 << (BITS - 1)) as f32;
        const MOST: f32 = ((1u32 << BITS) - 1) as f32;
        let mut frequencies = [[0.0f32; 8]; 8];
        let mut is_flat = true;
        for ((&coefficient, &step), &at) in coefficients.iter().zip(table).zip(&ZIGZAG) {
            if coefficient != 0 {
                is_flat &= at == 0;
                if let Some(place) = frequencies.as_flattened_mut().get_mut(usize::from(at)) {
                    *place = f32::from(coefficient) * f32::from(step);
                }
            }
        }
        let sample = |value: f32| (value + MIDDLE).round().clamp(0.0, MOST) as u16;
        if is_flat {
            return [[sample(frequencies[0][0] / 8.0); 8]; 8];
        }
        // Rows, then columns.
        let mut half = [[0.0f32; 8]; 8];
        for (out, frequencies) in half.iter_mut().zip(&frequencies) {
            for (out, weights) in out.iter_mut().zip(&self.0) {
                *out = weights.iter().zip(frequencies).map(|(w, f)| w * f).sum();
            }
        }
        let mut pixels = [[0; 8]; 8];
        for (out, weights) in pixels.iter_mut().zip(&self.0) {
            let mut sums = [0.0f32; 8];
            for (weight, row) in weights.iter().zip(&half) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sample(sum));
        }
        pixels
    }
}
