//! Pictures of high dynamic range on an sRGB canvas: the curves of BT.2100 and a tone map.

/// A conversion of PQ or HLG samples to sRGB.
///
/// Linear light is scaled so that the reference white of BT.2408, 203 cd/m², is white; what is brighter, up to 1000
/// cd/m², is pressed below it by the extended Reinhard curve over the largest component (E. Reinhard et al.,
/// "Photographic tone reproduction for digital images", 2002, equation 4), as Chromium does for displays without
/// headroom.
pub(crate) struct HdrToSrgb {
    /// Light of each 16-bit sample, 1.0 = reference white (PQ), or scene light 0..=1 (HLG).
    light: Vec<f32>,
    hlg: bool,
    to_srgb: [[f32; 3]; 3],
}

const REFERENCE_WHITE_NITS: f32 = 203.0;
const PEAK_NITS: f32 = 1000.0;

impl HdrToSrgb {
    /// For transfer characteristics 16 (PQ) and 18 (HLG); `None` for others.
    pub(crate) fn new(primaries: u8, transfer: u8) -> Option<Self> {
        let curve: fn(f64) -> f64 = match transfer {
            16 => pq_light,
            18 => hlg_scene_light,
            _ => return None,
        };
        let light = (0..=u16::MAX).map(|v| curve(f64::from(v) / 65_535.0) as f32).collect();
        // Linear RGB to linear sRGB; all have the white D65. BT.2087 for BT.2020, the same arithmetic for P3.
        let to_srgb = match primaries {
            9 => [
                [1.66049, -0.58764, -0.07285],
                [-0.12455, 1.1329, -0.00835],
                [-0.01815, -0.10058, 1.11873],
            ],
            12 => [
                [1.22494, -0.22494, 0.0],
                [-0.04206, 1.04206, 0.0],
                [-0.01964, -0.07864, 1.09828],
            ],
            _ => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        };
        Some(Self {
            light,
            hlg: transfer == 18,
            to_srgb,
        })
    }

    pub(crate) fn convert(&self, from: &[u16], to: &mut [u16]) {
        for (to, from) in to.as_chunks_mut::<3>().0.iter_mut().zip(from.as_chunks::<3>().0) {
            let mut rgb = from.map(|v| self.light.get(usize::from(v)).copied().unwrap_or(1.0));
            if self.hlg {
                // The OOTF of BT.2100 for a display of 1000 cd/m²: exponent 1.2 on luminance.
                let luminance = 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2];
                let gain = luminance.max(1e-6).powf(0.2) * (PEAK_NITS / REFERENCE_WHITE_NITS);
                rgb = rgb.map(|v| v * gain);
            }
            let peak = PEAK_NITS / REFERENCE_WHITE_NITS;
            let largest = rgb[0].max(rgb[1]).max(rgb[2]);
            let gain = (1.0 + largest / (peak * peak)) / (1.0 + largest);
            let row = |row: [f32; 3]| (row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]) * gain;
            *to = self.to_srgb.map(|r| (srgb_encode(row(r)) * 65_535.0).round() as u16);
        }
    }
}

/// SMPTE ST 2084: cd/m² over reference white.
fn pq_light(v: f64) -> f64 {
    const M1: f64 = 2610.0 / 16_384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let p = v.powf(1.0 / M2);
    ((p - C1).max(0.0) / (C2 - C3 * p)).powf(1.0 / M1) * 10_000.0 / f64::from(REFERENCE_WHITE_NITS)
}

/// BT.2100: the inverse OETF of HLG, scene light 0..=1.
fn hlg_scene_light(v: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;
    const C: f64 = 0.559_910_73;
    if v <= 0.5 {
        v * v / 3.0
    } else {
        (((v - C) / A).exp() + B) / 12.0
    }
}

/// IEC 61966-2-1, clamped to 0..=1.
pub(super) fn srgb_encode(linear: f32) -> f32 {
    let linear = linear.clamp(0.0, 1.0);
    if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}

/// The inverse, for 0..=1.
pub(super) fn srgb_decode(encoded: f32) -> f32 {
    if encoded <= 0.040_45 {
        encoded / 12.92
    } else {
        ((encoded + 0.055) / 1.055).powf(2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curves_pass_through_the_points_of_bt_2408() {
        // BT.2408 table 1: 203 cd/m² is 58 % PQ and 75 % HLG.
        assert!((pq_light(0.5807) - 1.0).abs() < 0.01);
        assert!((pq_light(1.0) - 10_000.0 / 203.0).abs() < 1e-6);
        let scene = hlg_scene_light(0.75);
        let nits = scene.powf(1.2) * 1000.0;
        assert!((nits - 203.0).abs() < 1.0, "{nits}");
        assert!((hlg_scene_light(1.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn greys_stay_grey_and_the_peak_becomes_white() {
        for (primaries, transfer, peak) in [(9, 16, 49_288u16), (9, 18, 65_535), (12, 16, 49_288)] {
            // 1000 cd/m² is 75.2 % PQ.
            let hdr = HdrToSrgb::new(primaries, transfer).unwrap();
            let mut out = [0; 6];
            hdr.convert(&[peak, peak, peak, 20_000, 20_000, 20_000], &mut out);
            assert!(out[0] > 65_000, "{out:?}");
            assert!(out[3].abs_diff(out[4]) < 30 && out[4].abs_diff(out[5]) < 30, "{out:?}");
        }
        assert!(HdrToSrgb::new(9, 13).is_none());
    }
}
