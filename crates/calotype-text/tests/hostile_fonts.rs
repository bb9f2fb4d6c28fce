//! Damaged fonts: an answer or an error, and soon.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::time::{Duration, Instant};

use calotype_samples::font::{BoxFont, BoxGlyph, woff};
use calotype_text::{Setting, unpack, unpacked_bytes};

/// What a server does with a font; says whether it drew.
fn draws(file: &[u8]) -> bool {
    let unpacked;
    let font = match unpacked_bytes(file) {
        Ok(None) => file,
        Ok(Some(_)) => match unpack(file) {
            Ok(font) => {
                unpacked = font;
                unpacked.as_slice()
            }
            Err(_) => return false,
        },
        Err(_) => return false,
    };
    let setting = Setting {
        text: "Affinity ÅÑ\nשָׁלוֹם مرحبا 12 नमस्ते",
        font: Some(font),
        size_px: 24.0,
    };
    let Ok(layout) = setting.lay_out(&|| false) else {
        return false;
    };
    let mut coverage = vec![0; layout.size().area() as usize];
    layout.paint(&mut coverage, &|| false).is_ok()
}

#[test]
fn damaged_fonts_end_in_an_answer_or_an_error() {
    let mut files = vec![
        (
            "boxes.ttf".to_owned(),
            BoxFont::default()
                .with([BoxGlyph::new('A', 600, [0, 0, 500, 700])])
                .truetype(),
        ),
        (
            "boxes.otf".to_owned(),
            BoxFont::default()
                .with([BoxGlyph::new('A', 600, [0, 0, 500, 700])])
                .cff(),
        ),
    ];
    files.push(("boxes.woff".to_owned(), woff(&files[0].1)));
    for part in ["latin", "hebrew-hebrew", "arabic-arabic", "devanagari"] {
        let Some(packed) = common::builtin_file(part, "damaged copies of the built-in font") else {
            break;
        };
        files.push((format!("{part}.ttf"), unpack(&packed).unwrap()));
        files.push((format!("{part}.woff2"), packed));
    }
    // Panics inside the boundary are refusals: what they print is left out.
    std::panic::set_hook(Box::new(|_| {}));
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below.max(1) as u64) as usize
    };
    let mut slowest = (Duration::ZERO, String::new());
    for (name, file) in &files {
        assert!(draws(file), "{name}");
        let mut drawn = 0;
        for round in 0..160 {
            let mut damaged = file.clone();
            match round % 4 {
                0 => damaged.truncate(random(file.len())),
                // Tables are named in the first bytes.
                1 => damaged[random(file.len().min(400))] = random(256) as u8,
                2 => {
                    for _ in 0..8 {
                        damaged[random(file.len())] ^= 1 << random(8);
                    }
                }
                _ => {
                    let at = random(file.len());
                    let end = (at + random(64)).min(file.len());
                    damaged[at..end].fill(0xff);
                }
            }
            let started = Instant::now();
            drawn += u32::from(draws(&damaged));
            let took = started.elapsed();
            if took > slowest.0 {
                slowest = (took, format!("{name}, round {round}"));
            }
        }
        println!("{name}: {drawn} of 160 drawn");
    }
    let _ = std::panic::take_hook();
    println!("slowest: {slowest:?}");
    assert!(slowest.0 < Duration::from_secs(10), "{slowest:?}");
}
