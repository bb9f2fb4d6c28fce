//! Colours against another program: LittleCMS, by Pillow, says what pictures in many colour spaces look like in sRGB
//! (`reference/color.py`). Distances are CIEDE2000.
//!
//! Needs a Python with Pillow and NumPy: `CALOTYPE_PYTHON`, or `python3`. Without one the test says what it left out;
//! under `CI=true` it fails. With `CALOTYPE_SHARED` the pictures of the corpus are compared as well.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;

use calotype_codec::{Budget, CodecError, ColorProfile, DecodeRequest, Header, Picture, decode, probe, to_srgb};
use calotype_plan::{Limits, Size};
use serde_json::Value;

/// How far a picture may be from the reference: mean and largest CIEDE2000 of its pixels, and why.
fn tolerance(file: &str) -> (f64, f64) {
    if file.contains("cmyk") || file.contains("CMYK") {
        // Two ways to interpolate between the points of a table of four inks.
        (0.3, 2.5)
    } else if file.contains("bit_") || file.contains("2020_g1") {
        // Samples of 16 bits, which Pillow cuts to 8 before it converts them.
        (1.0, 5.0)
    } else if file.contains("alike-") {
        // 8 bits in a wide space are coarser than in sRGB.
        (1.0, 4.0)
    } else if file.ends_with(".avif") || file.ends_with(".jpg") || file.ends_with(".webp") {
        // The decoders differ in how they enlarge chroma.
        (1.0, 40.0)
    } else {
        // One level of rounding; near black that is more than it sounds.
        (0.15, 2.0)
    }
}

#[test]
fn pictures_in_any_colour_space_look_as_littlecms_says() {
    let Some((folder, cases)) = reference() else { return };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for case in &cases {
        let name = case["file"].as_str().unwrap();
        let picture = match srgb(&std::fs::read(folder.join(name)).unwrap()) {
            Ok(picture) => picture,
            Err(CodecError::Unsupported { .. }) => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        let side = |key: &str| u32::try_from(case[key].as_u64().unwrap()).unwrap();
        assert_eq!(picture.size(), Size::new(side("width"), side("height")), "{name}");
        let expected = std::fs::read(folder.join(case["expected"].as_str().unwrap())).unwrap();
        let (mean, worst) = distance(&picture, &expected);
        let (mean_max, worst_max) = tolerance(name);
        eprintln!("{mean:7.4} {worst:7.3}  {name}");
        compared += 1;
        if mean > mean_max || worst > worst_max {
            wrong.push(format!("{name}: mean {mean:.3}, worst {worst:.3}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 35, "only {compared} files were compared");
}

#[test]
fn greys_stay_exactly_what_they_are_where_the_curve_is_that_of_srgb() {
    let Some((folder, _)) = reference() else { return };
    for name in [
        "srgb-grey.png",
        "v4-p3-grey.png",
        "v2-p3-table-grey.png",
        "v4-rec2020-grey.png",
        "gray-srgb.png",
    ] {
        let picture = srgb(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        for row in picture.rows() {
            for (level, pixel) in (0..=255u8).zip(row.as_chunks::<3>().0) {
                assert_eq!(*pixel, [level; 3], "{name}");
            }
        }
    }
}

#[test]
fn inks_are_named_so_that_nobody_sends_them_on() {
    let Some((folder, _)) = reference() else { return };
    for name in ["cmyk-mft1.jpg", "cmyk-mft2.jpg", "cmyk-mab.jpg"] {
        let header = probe(&std::fs::read(folder.join(name)).unwrap(), &Limits::default()).unwrap();
        assert_eq!(
            header.profile,
            ColorProfile::Cmyk {
                name: "test CMYK".to_owned()
            }
        );
    }
}

#[test]
fn samples_of_16_bits_keep_every_level_of_8() {
    // All 65,536 samples in one row, as sRGB and as linear light, whose dark levels lie closest together.
    let samples: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_be_bytes).collect();
    for gamma in [None, Some(1.0)] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 65_536, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Sixteen);
        if let Some(gamma) = gamma {
            encoder.set_source_gamma(png::ScaledFloat::new(gamma));
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&samples).unwrap();
        writer.finish().unwrap();
        let picture = srgb(&bytes).unwrap();
        let mut levels: Vec<u8> = picture.row(0).as_chunks::<3>().0.iter().map(|p| p[0]).collect();
        assert!(levels.is_sorted(), "{gamma:?}");
        for (sample, level) in levels.iter().enumerate() {
            let light = sample as f64 / 65_535.0;
            // A gamma without chromaticities aims at the exponent 1/2.2.
            let want = gamma.map_or(light, |gamma| light.powf(1.0 / (2.2 * f64::from(gamma)))) * 255.0;
            assert!((f64::from(*level) - want).abs() < 0.51, "{sample}: {level}, not {want}");
        }
        levels.dedup();
        // The first step of linear light is 1.65 levels and passes over level 1.
        assert_eq!(levels.len(), if gamma.is_some() { 255 } else { 256 }, "{gamma:?}");
    }
}

/// Files and what they should look like, made once for all tests of this file.
fn reference() -> Option<(PathBuf, Vec<Value>)> {
    static MADE: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("color-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let python = std::env::var_os("CALOTYPE_PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/color.py"))
            .arg(&folder);
        if let Some(shared) = std::env::var_os("CALOTYPE_SHARED") {
            for part in ["colour", "jpeg-cmyk"] {
                command.arg(Path::new(&shared).join("corpus").join(part));
            }
        }
        match command.output() {
            Ok(output) if output.status.success() => Some(folder),
            outcome => {
                let why = outcome.map_or_else(
                    |error| error.to_string(),
                    |output| String::from_utf8_lossy(&output.stderr).into_owned(),
                );
                assert!(
                    std::env::var_os("CI").is_none_or(|v| v != "true"),
                    "CALOTYPE_PYTHON must name a Python with Pillow and NumPy in CI: {why}"
                );
                eprintln!("no Python with Pillow and NumPy: the comparison with LittleCMS was left out ({why})");
                None
            }
        }
    });
    let folder = folder.clone()?;
    let cases: Value = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    Some((folder, cases.as_array().unwrap().clone()))
}

fn srgb(bytes: &[u8]) -> Result<Picture, CodecError> {
    let limits = Limits {
        side_px_max: 65_536,
        ..Limits::default()
    };
    let header: Header = probe(bytes, &limits)?;
    let budget = Budget::unlimited();
    let mut decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    to_srgb(&mut decoded.picture, &decoded.color)?;
    decoded.picture.into_rgb_on([255; 3], &budget)
}

/// Mean and largest CIEDE2000 over the pixels.
fn distance(picture: &Picture, expected: &[u8]) -> (f64, f64) {
    assert_eq!(picture.data().len(), expected.len());
    let (mut sum, mut worst) = (0.0, 0.0f64);
    for (a, b) in picture
        .data()
        .as_chunks::<3>()
        .0
        .iter()
        .zip(expected.as_chunks::<3>().0)
    {
        let distance = if a == b { 0.0 } else { ciede2000(lab(*a), lab(*b)) };
        sum += distance;
        worst = worst.max(distance);
    }
    (sum / (expected.len() / 3) as f64, worst)
}

/// sRGB (IEC 61966-2-1) to CIE Lab under D65.
fn lab(rgb: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    });
    let f = |t: f64| {
        if t > 216.0 / 24_389.0 {
            t.cbrt()
        } else {
            (24_389.0 / 27.0 * t + 16.0) / 116.0
        }
    };
    let x = f((0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47);
    let y = f(0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b);
    let z = f((0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// G. Sharma, W. Wu, E. Dalal, "The CIEDE2000 color-difference formula", 2005.
fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let mean_chroma = (a1.hypot(b1) + a2.hypot(b2)) / 2.0;
    let g = 0.5 * (1.0 - (mean_chroma.powi(7) / (mean_chroma.powi(7) + 25f64.powi(7))).sqrt());
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let turn = match h2 - h1 {
        _ if c1 * c2 == 0.0 => 0.0,
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    };
    let hue_difference = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let mean_hue = match (h1 + h2, (h1 - h2).abs()) {
        (sum, _) if c1 * c2 == 0.0 => sum,
        (sum, apart) if apart <= 180.0 => sum / 2.0,
        (sum, _) if sum < 360.0 => (sum + 360.0) / 2.0,
        (sum, _) => (sum - 360.0) / 2.0,
    };
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let wave = |factor: f64, offset: f64| (factor * mean_hue + offset).to_radians().cos();
    let t = 1.0 - 0.17 * wave(1.0, -30.0) + 0.24 * wave(2.0, 0.0) + 0.32 * wave(3.0, 6.0) - 0.20 * wave(4.0, -63.0);
    let s_l = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (s_c, s_h) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rotation = -2.0
        * (c.powi(7) / (c.powi(7) + 25f64.powi(7))).sqrt()
        * (60.0 * (-((mean_hue - 275.0) / 25.0).powi(2)).exp()).to_radians().sin();
    let (dl, dc, dh) = ((l2 - l1) / s_l, (c2 - c1) / s_c, hue_difference / s_h);
    (dl * dl + dc * dc + dh * dh + rotation * dc * dh).max(0.0).sqrt()
}

#[test]
fn the_distance_is_that_of_the_published_pairs() {
    // Pairs 1, 7, 17 and 25 of table 1 of the paper.
    for (a, b, want) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
    ] {
        assert!((ciede2000(a, b) - want).abs() < 1e-4, "{}", ciede2000(a, b));
    }
}
