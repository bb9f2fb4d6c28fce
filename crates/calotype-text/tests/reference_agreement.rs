//! Advances, ink and coverage against Pillow and FreeType, with the built-in font.
//!
//! Needs a Python with Pillow: `CALOTYPE_PYTHON`, or `python3`. Without one the tests say what they left out; under `CI=true` that is a failure.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::path::Path;
use std::process::Command;

use calotype_text::{Setting, unpack};
use serde_json::Value;

/// What Pillow says of texts.
fn measured(part: &str, texts: &[(&str, u32)]) -> Option<(Vec<u8>, Vec<Value>)> {
    let font = unpack(&common::builtin_file(part, part)?).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{part}.ttf"));
    std::fs::write(&file, &font).unwrap();
    let python = std::env::var("CALOTYPE_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/measure.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(&file)
        .arg(serde_json::to_string(texts).unwrap())
        .output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no Python with Pillow: set CALOTYPE_PYTHON, or `pip install pillow`"
        );
        println!("left out: {part}, for there is no Python with Pillow (CALOTYPE_PYTHON, python3)");
        return None;
    };
    Some((font, serde_json::from_slice(&output.stdout).unwrap()))
}

/// Compares the picture of a text.
fn compare(font: &[u8], text: &str, size: u32, pillow: &Value) {
    let number = |value: &Value| value.as_f64().unwrap();
    let setting = Setting {
        text,
        font: Some(font),
        size_px: f64::from(size),
    };
    let layout = setting.lay_out(&|| false).unwrap();
    let (width, height) = (layout.size().width as usize, layout.size().height as usize);
    let mut coverage = vec![0; width * height];
    layout.paint(&mut coverage, &|| false).unwrap();

    let about = format!("{text} at {size}: {pillow}, ours is {width}x{height}");
    let ink = |index: usize| number(&pillow["ink"][index]);
    // What FreeType inks at the left of the start, or beyond the advance, widens our picture.
    let wanted = number(&pillow["advance"]).max(ink(2)) - ink(0).min(0.0);
    // Each edge may be a pixel further out: ours holds the faintest ink too.
    assert!((width as f64 - wanted).abs() <= 2.0, "{about}");

    let inked = || {
        coverage
            .iter()
            .enumerate()
            .filter(|(_, v)| **v > 25)
            .map(|(i, _)| (i % width, i / width))
    };
    let ours = [
        inked().map(|p| p.0).min().unwrap() as f64,
        inked().map(|p| p.1).min().unwrap() as f64,
        (inked().map(|p| p.0).max().unwrap() + 1) as f64,
        (inked().map(|p| p.1).max().unwrap() + 1) as f64,
    ];
    // From the start of the line: our picture begins left of it where ink does.
    let start = ink(0).min(0.0);
    let theirs = [ink(0) - start, ink(2) - start];
    assert!(
        (ours[0] - theirs[0]).abs() <= 1.0 && (ours[2] - theirs[1]).abs() <= 1.0,
        "{about}, ink {ours:?}"
    );
    // From top to baseline and below, as deep as the font says.
    let ascent = f64::from(ascent_px(font, size));
    let theirs = [ink(1) + ascent, ink(3) + ascent];
    assert!(
        (ours[1] - theirs[0]).abs() <= 1.0 && (ours[3] - theirs[1]).abs() <= 1.0,
        "{about}, ink {ours:?}"
    );
    let sum: f64 = coverage.iter().map(|&v| f64::from(v) / 255.0).sum();
    let theirs = number(&pillow["coverage"]);
    let tolerance = if size < 24 { 0.05 } else { 0.02 };
    assert!((sum - theirs).abs() <= tolerance * theirs, "{about}, coverage {sum}");
}

/// The table `hhea`'s ascent, rounded to pixels.
fn ascent_px(font: &[u8], size: u32) -> u32 {
    let u16_at = |at: usize| u32::from(u16::from_be_bytes([font[at], font[at + 1]]));
    let table = |tag: &[u8; 4]| {
        let entry = (12..).step_by(16).find(|&at| font[at..].starts_with(tag)).unwrap();
        (u16_at(entry + 8) << 16 | u16_at(entry + 10)) as usize
    };
    let units_per_em = u16_at(table(b"head") + 18);
    (u16_at(table(b"hhea") + 4) * size * 2 + units_per_em) / (units_per_em * 2)
}

#[test]
fn single_glyphs_are_where_freetype_has_them() {
    let texts: Vec<(String, u32)> = "AWgjÅßfi&@0Ç"
        .chars()
        .flat_map(|c| [12, 20, 33, 64, 200].map(|size| (c.to_string(), size)))
        .collect();
    let texts: Vec<(&str, u32)> = texts.iter().map(|(text, size)| (text.as_str(), *size)).collect();
    let Some((font, pillow)) = measured("latin", &texts) else {
        return;
    };
    assert_eq!(pillow.len(), texts.len());
    for ((text, size), pillow) in texts.iter().zip(&pillow) {
        compare(&font, text, *size, pillow);
    }
}

#[test]
fn words_advance_as_those_that_were_shaped_there() {
    // Large, so that nothing is lost to rounding each advance.
    for (part, texts) in [
        ("latin", &[("AVATAR Type", 500), ("Ünïcode fi", 500)][..]),
        ("cyrillic", &[("Где", 400)]),
        ("hebrew-hebrew", &[("שלום", 400), ("בְּרֵאשִׁית", 400)]),
        ("arabic-arabic", &[("مرحبا", 400), ("السلام", 400)]),
        ("devanagari", &[("नमस्ते", 400), ("क्षत्रिय", 400)]),
    ] {
        let Some((font, pillow)) = measured(part, texts) else {
            return;
        };
        for ((text, size), pillow) in texts.iter().zip(&pillow) {
            if pillow["shapes"] == false {
                println!("left out: {text}, for this Pillow does not shape");
                continue;
            }
            compare(&font, text, *size, pillow);
        }
    }
}
