use super::*;
use calotype_plan::Size;

/// Display P3 to sRGB in double precision, from the definitions: the oracle.
fn p3_to_srgb(rgb: [u8; 3]) -> [f64; 3] {
    let linear = rgb.map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    });
    // Both have the white D65; the product of the two matrices (CSS Color 4, section 10.2).
    let m = [
        [1.224_940_176_280_5, -0.224_940_176_280_5, 0.0],
        [-0.042_056_954_709_6, 1.042_056_954_709_6, 0.0],
        [-0.019_637_554_590_3, -0.078_636_045_550_6, 1.098_273_600_141_0],
    ];
    m.map(|row| {
        let v = (row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]).clamp(0.0, 1.0);
        255.0
            * if v <= 0.003_130_8 {
                v * 12.92
            } else {
                1.055 * v.powf(1.0 / 2.4) - 0.055
            }
    })
}

fn p3() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

#[test]
fn conversion_rounds_to_nearest_and_keeps_greys() {
    let source = ColorSource::from_icc(p3());
    assert!(matches!(source, ColorSource::Icc(_)));
    let samples: Vec<u8> = (0..=255u8).flat_map(|v| [v; 3]).collect();
    let mut greys = Picture::from_raw(Size::new(256, 1), Layout::Rgb, samples.clone()).unwrap();
    to_srgb(&mut greys, &source).unwrap();
    assert_eq!(greys.data(), samples, "every grey stays what it is");

    let mut lattice = Vec::new();
    for r in (0..=255u16).step_by(5) {
        for g in (0..=255u16).step_by(5) {
            for b in (0..=255u16).step_by(17) {
                lattice.extend([r as u8, g as u8, b as u8]);
            }
        }
    }
    let pixels = lattice.len() / 3;
    let mut picture = Picture::from_raw(Size::new(pixels as u32, 1), Layout::Rgb, lattice.clone()).unwrap();
    to_srgb(&mut picture, &source).unwrap();
    let (mut sum, mut worst) = (0.0, 0.0f64);
    for (got, from) in picture.data().as_chunks::<3>().0.iter().zip(lattice.as_chunks::<3>().0) {
        for (got, want) in got.iter().zip(p3_to_srgb(*from)) {
            let error = (f64::from(*got) - want).abs();
            sum += error;
            worst = worst.max(error);
        }
    }
    let mean = sum / (pixels * 3) as f64;
    // Perfect rounding of evenly spread values has a mean error of 0.25; clipped ones have none. The profile itself
    // holds rounded numbers.
    assert!(mean < 0.25 && worst < 1.0, "mean {mean}, worst {worst}");
}

#[test]
fn alpha_is_left_alone() {
    let mut picture = Picture::from_raw(Size::new(2, 1), Layout::Rgba, vec![255, 0, 0, 7, 0, 255, 0, 200]).unwrap();
    to_srgb(&mut picture, &ColorSource::Icc(p3())).unwrap();
    let want = [p3_to_srgb([255, 0, 0]), p3_to_srgb([0, 255, 0])].map(|c| c.map(|v| v.round() as u8));
    assert_eq!(picture.data()[..4], [want[0][0], want[0][1], want[0][2], 7]);
    assert_eq!(picture.data()[4..], [want[1][0], want[1][1], want[1][2], 200]);
}

#[test]
fn profiles_that_are_srgb_or_broken_are_skipped() {
    let srgb = moxcms::ColorProfile::new_srgb().encode().unwrap();
    assert_eq!(ColorSource::from_icc(srgb.clone()), ColorSource::Srgb);
    assert_eq!(ColorProfile::from_icc(&srgb), ColorProfile::Srgb);
    assert_eq!(ColorSource::from_icc(b"garbage".to_vec()), ColorSource::Srgb);
    assert_eq!(
        ColorProfile::from_icc(b"garbage"),
        ColorProfile::Icc { name: String::new() }
    );
    let adobe = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    assert!(matches!(ColorProfile::from_icc(&adobe), ColorProfile::Icc { name } if name.contains("Adobe")));
    let mut picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![1, 2, 3]).unwrap();
    to_srgb(&mut picture, &ColorSource::Icc(b"garbage".to_vec())).unwrap();
    assert_eq!(picture.data(), [1, 2, 3]);
}

#[test]
fn a_profile_close_to_srgb_is_not_taken_for_it() {
    // A pure power of 2.2 is up to 6 levels off in the shadows; sRGB's curve with other primaries is off everywhere.
    let mut power = moxcms::ColorProfile::new_srgb();
    for curve in [&mut power.red_trc, &mut power.green_trc, &mut power.blue_trc] {
        *curve = Some(moxcms::ToneReprCurve::Parametric(vec![2.2]));
    }
    power.cicp = None;
    let mut moved = moxcms::ColorProfile::new_srgb();
    moved.red_colorant.x += 0.02;
    moved.blue_colorant.x -= 0.02;
    moved.cicp = None;
    for profile in [power, moved] {
        let icc = profile.encode().unwrap();
        assert!(matches!(ColorSource::from_icc(icc), ColorSource::Icc(_)));
    }
}

#[test]
fn every_truncation_of_a_profile_is_survived() {
    let profile = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    for length in 0..profile.len() {
        let _ = ColorSource::from_icc(profile[..length].to_vec());
    }
}

#[test]
fn code_points_of_srgb_are_skipped_and_p3_is_converted() {
    assert_eq!(ColorSource::from_cicp(1, 13), ColorSource::Srgb);
    assert_eq!(ColorSource::from_cicp(2, 2), ColorSource::Srgb);
    assert_eq!(ColorSource::from_cicp(200, 13), ColorSource::Srgb);
    let source = ColorSource::from_cicp(12, 13);
    let mut picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![120, 200, 90]).unwrap();
    to_srgb(&mut picture, &source).unwrap();
    assert_eq!(picture.data(), p3_to_srgb([120, 200, 90]).map(|v| v.round() as u8));
}

#[test]
fn a_gamma_of_png_is_undone() {
    assert!(
        ColorSource::GammaChrm {
            gamma: 0.45455,
            chromaticities: None
        }
        .conversion()
        .is_none()
    );
    let linear = ColorSource::GammaChrm {
        gamma: 1.0,
        chromaticities: None,
    };
    let mut picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![0, 55, 255]).unwrap();
    to_srgb(&mut picture, &linear).unwrap();
    // 255 * (55/255)^(1/2.2) = 127.01.
    assert_eq!(picture.data(), [0, 127, 255]);
    let p3 = [[0.3127, 0.3290], [0.68, 0.32], [0.265, 0.69], [0.15, 0.06]];
    let wide = ColorSource::GammaChrm {
        gamma: 1.0,
        chromaticities: Some(p3),
    };
    let mut picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![55, 55, 55]).unwrap();
    to_srgb(&mut picture, &wide).unwrap();
    // The sRGB curve at 55/255: 1.055 * 0.21569^(1/2.4) - 0.055 = 0.50179.
    assert_eq!(picture.data(), [128; 3]);
    for gamma in [0.0, f64::NAN, f64::INFINITY, -1.0] {
        assert!(
            ColorSource::GammaChrm {
                gamma,
                chromaticities: Some(p3)
            }
            .conversion()
            .is_none()
        );
    }
}

#[test]
fn narrowing_rounds_to_nearest() {
    for v in 0..=u16::MAX {
        assert_eq!(narrow(v), (f64::from(v) / 257.0).round() as u8);
    }
}
