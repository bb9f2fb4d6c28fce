//! CIE L*a*b* of D50 to sRGB (CIE 15; the Bradford-adapted matrix of sRGB as in its ICC profile).

/// One pixel: L* of 0 to 100, a* and b*; gives 16 bits each.
pub(super) fn to_srgb([l, a, b]: [f32; 3]) -> [u16; 3] {
    let y = (l + 16.0) / 116.0;
    let inverse = |t: f32| {
        if t > 6.0 / 29.0 {
            t * t * t
        } else {
            (t - 4.0 / 29.0) * 108.0 / 841.0
        }
    };
    let (x, y, z) = (
        0.964_22 * inverse(y + a / 500.0),
        inverse(y),
        0.825_21 * inverse(y - b / 200.0),
    );
    [
        3.133_856 * x - 1.616_867 * y - 0.490_615 * z,
        -0.978_768 * x + 1.916_142 * y + 0.033_454 * z,
        0.071_945 * x - 0.228_991 * y + 1.405_243 * z,
    ]
    .map(encoded)
}

/// The curve of sRGB (IEC 61966-2-1): linear light of 0 to 1 to 16 bits.
pub(super) fn encoded(linear: f32) -> u16 {
    let linear = linear.clamp(0.0, 1.0);
    let value = if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    };
    (value * 65_535.0).round() as u16
}
