//! Real and hostile files through whole jobs: right side up, in the right colours, or refused in words.
//!
//! Needs the corpus that `CALOTYPE_SHARED` names. Without it the test says what it left out; under `CI=true` it fails.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.
#![allow(clippy::print_stdout)] // What is left out is said.

mod common;

use std::path::{Path, PathBuf};

use calotype_codec::ColorProfile;
use calotype_plan::{
    AcceptedFormats, Background, Color, ColorTrim, Fault, Fit, FormatChoice, Gravity, ImageFormat, Limits, Op, Resize,
    Size,
};
use serde_json::Value;

use common::{Around, decimal, resize, with};

fn corpus() -> Option<(PathBuf, Vec<Value>)> {
    let Ok(shared) = std::env::var("CALOTYPE_SHARED") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CALOTYPE_SHARED must name the folder of the corpus"
        );
        println!("left out: the corpus, for CALOTYPE_SHARED is not set");
        return None;
    };
    let folder = Path::new(&shared).join("corpus");
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    Some((folder, manifest["files"].as_array().unwrap().clone()))
}

/// Whether the programs that made the expected values look at the file's colours as we do: they ignore gamma and chromaticities of PNG and code points
/// of H.273.
fn has_comparable_colors(bytes: &[u8]) -> bool {
    let header = calotype_codec::probe(bytes, &Limits::default());
    header.is_ok_and(|header| {
        matches!(
            header.profile,
            ColorProfile::Untagged | ColorProfile::Srgb | ColorProfile::Icc { .. } | ColorProfile::Cmyk { .. }
        )
    })
}

fn is_decoded_here(bytes: &[u8]) -> bool {
    matches!(
        calotype_codec::sniff(bytes),
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::Webp | ImageFormat::Avif)
    )
}

/// Files in which the references are known to show something else.
const OTHER_VIEWS: [&str; 2] = [
    // Its first frame covers a part of the canvas. The rest is transparent in browsers and here, black in the references.
    "gif/pygif/high-color.gif",
    // Has a clean aperture (`clap`), which the decoder does not cut to; many viewers do not either.
    "avif/libavif/blue-and-magenta-crop.avif",
];

/// Means of the 16 cells of a square RGB picture.
fn grid(samples: &[u8], side: usize) -> Vec<[f64; 3]> {
    let cell = side / 4;
    let mut sums = vec![[0.0; 3]; 16];
    for (index, pixel) in samples.as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = (index % side, index / side);
        for (sum, value) in sums[y / cell * 4 + x / cell].iter_mut().zip(pixel) {
            *sum += f64::from(*value) / (cell * cell) as f64;
        }
    }
    sums
}

#[test]
fn real_pictures_come_out_upright_and_in_srgb() {
    let Some((folder, files)) = corpus() else { return };
    // Down to a square through whatever scaled decode is chosen, on white.
    let ops = vec![resize(64, 64, Fit::Squeeze), Op::Background(Background(Color::WHITE))];
    let plan = with(FormatChoice::Rgb, ops);
    let (mut compared, mut wrong) = (0, Vec::new());
    for file in files.iter().filter(|file| file["expected"] == "decodes") {
        let name = file["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let sides = [&file["display_width"], &file["display_height"]].map(|side| side.as_u64().unwrap_or(0));
        if OTHER_VIEWS.contains(&name) {
            continue;
        }
        let cells = file["display_grid"].as_array().filter(|cells| cells.len() == 16);
        let (Some(cells), true) = (
            cells,
            is_decoded_here(&bytes) && has_comparable_colors(&bytes) && sides.iter().all(|&side| side >= 32),
        ) else {
            continue;
        };
        match Around::default().run(&plan, &bytes) {
            Err(fault) => wrong.push(format!("{name}: {fault}")),
            Ok(outcome) => {
                compared += 1;
                let off = grid(&outcome.bytes, 64)
                    .iter()
                    .zip(cells)
                    .flat_map(|(got, want)| {
                        got.iter()
                            .zip(want.as_array().unwrap())
                            .map(|(got, want)| (got - want.as_f64().unwrap()).abs())
                    })
                    .fold(0.0, f64::max);
                // The corpus allows 10 for its references; the filter mixes a little across the borders of the cells. Inks
                // are mixed before they become colours, as in libvips, and the reference has mixed colours.
                let is_inks = matches!(file["colour_space"].as_str(), Some("cmyk" | "ycck"));
                let allowed = if is_inks { 16.0 } else { 14.0 };
                if off > allowed {
                    wrong.push(format!("{name}: a cell is off by {off:.1}"));
                }
            }
        }
    }
    println!("{compared} pictures compared");
    assert!(compared > 300);
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hostile_files_end_in_a_picture_or_in_words() {
    let Some((folder, files)) = corpus() else { return };
    let cover = match resize(50, 40, Fit::Cover) {
        Op::Resize(resize) => Op::Resize(Resize {
            gravity: Gravity::Auto,
            ..resize
        }),
        other => other,
    };
    let trim = Op::TrimColor(ColorTrim {
        color: None,
        tolerance: 10,
        keep: 1,
    });
    let plan = with(FormatChoice::Auto, vec![trim, cover, Op::Blur(decimal("3"))]);
    let around = Around {
        accepted: AcceptedFormats {
            avif: false,
            webp: true,
        },
        ..Around::default()
    };
    let mut wrong = Vec::new();
    for file in &files {
        let name = file["file"].as_str().unwrap();
        // Drawings are not resized (spec 9.7).
        if matches!(file["format"].as_str(), Some("svg" | "svgz")) {
            continue;
        }
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let result = around.run(&plan, &bytes);
        // A few good files are over the limits on sources.
        let longest = ["width", "height"]
            .map(|side| file[side].as_u64().unwrap_or(0))
            .into_iter()
            .max();
        let too_large = longest > Some(u64::from(around.limits.side_px_max));
        let right = match &result {
            Ok(outcome) => {
                file["expected"] != "must be refused cleanly"
                    && outcome
                        .size
                        .is_some_and(|size| size.width <= 50 && size.height <= 40 && size != Size::new(0, 0))
                    && calotype_codec::sniff(&outcome.bytes).is_some()
            }
            // Never our own failure, and never a word about the inside.
            Err(fault) => {
                matches!(fault.code(), 9412 | 9413 | 9516 | 9520)
                    && fault.status() < 500
                    && (file["expected"] != "decodes"
                        || !is_decoded_here(&bytes)
                        || (too_large && fault.code() == 9413))
            }
        };
        if !right {
            wrong.push(format!(
                "{name} ({}): {:?}",
                file["expected"],
                result.map(|o| o.size).map_err(|f: Fault| f.to_string())
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
}
