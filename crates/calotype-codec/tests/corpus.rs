//! Real files: sizes, pixels and verdicts against the references that the corpus names.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use calotype_codec::{
    Budget, CodecError, ColorProfile, DecodeRequest, Decoded, Header, Layout, Picture, decode, probe, sniff, to_srgb,
};
use calotype_plan::{ImageFormat, Limits, Orientation, Size};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The folders of the formats that this test looks at.
const FOLDERS: &[&str] = &[
    "apng",
    "apng-bad",
    "colour",
    "gif",
    "gif-bad",
    "gif-bomb",
    "jpeg",
    "jpeg-bad",
    "jpeg-cmyk",
    "jpeg-icc",
    "jpeg-large",
    "jpeg-lossless",
    "metadata-payload",
    "misc",
    "mpo",
    "orientation",
    "photo",
    "png",
    "png-bad",
    "png-bomb",
    "png-large",
    "png16",
    "pngsuite",
    "tiny",
    "ultrahdr",
];
const FORMATS: &[ImageFormat] = &[ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif];

/// Files whose pixels, size or verdict differ from the references', and why we are right.
const DIFFERENT: &[(&str, &str)] = &[
    ("gif-bad/pygif/missing-pixels.gif", BEHIND),
    ("gif-bad/pygif/image-outside-bg.gif", BEHIND),
    ("gif-bad/synthetic/no-trailer-2-frames.gif", BEHIND),
    ("gif-bomb/synthetic/5000-frames-16x16.gif", BEHIND),
    ("gif-bomb/synthetic/area-4000x3000-300-frames.gif", BEHIND),
    ("gif/image/border_touching_layers.gif", BEHIND),
    ("gif/image/issue_1455_undersized.gif", BEHIND),
    ("gif/image/large-gif-anim-combine.gif", BEHIND),
    ("gif/pygif/dispose-restore-background.gif", BEHIND),
    ("gif/pygif/high-color.gif", BEHIND),
    ("gif/pygif/image-inside-bg.gif", BEHIND),
    ("gif/pygif/image-overlap-bg.gif", BEHIND),
    ("gif/pygif/images-combine.gif", BEHIND),
    (
        "pngsuite/image-png/tbbn0g04.png",
        "white is transparent, as PngSuite says; the reference compares the key of 4 bits with samples of 8",
    ),
    (
        "jpeg/jpeg-decoder/ycck.jpg",
        "the grid is by relative intent; ours is perceptual and within 0.2 levels of lcms2 by that",
    ),
];
const BEHIND: &str =
    "what the first frame leaves free is transparent, as in browsers; the reference paints the background colour";

fn corpus() -> Option<PathBuf> {
    match std::env::var_os("CALOTYPE_SHARED") {
        Some(shared) => Some(Path::new(&shared).join("corpus")),
        None => {
            assert!(
                std::env::var_os("CI").is_none_or(|v| v != "true"),
                "CALOTYPE_SHARED must name the test corpus in CI"
            );
            eprintln!("CALOTYPE_SHARED is not set: the corpus was left out");
            None
        }
    }
}

fn entries(corpus: &Path) -> Vec<Value> {
    let manifest: Value = serde_json::from_slice(&std::fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let mut entries: Vec<Value> = manifest["files"].as_array().unwrap().clone();
    entries.retain(|e| FOLDERS.contains(&e["file"].as_str().unwrap().split('/').next().unwrap()));
    entries
}

/// Sides may be larger than the default, areas may not.
fn limits() -> Limits {
    Limits {
        side_px_max: 70_000,
        ..Limits::default()
    }
}

fn read(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = limits();
    let header = probe(bytes, &limits)?;
    let budget = Budget::new(1 << 30);
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert_eq!(decoded.picture.size(), header.size);
    assert_eq!(
        budget.held(),
        decoded.picture.data().len() as u64,
        "only the picture is still charged"
    );
    Ok((header, decoded))
}

#[test]
fn files_decode_as_their_references_say() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = BTreeMap::new();
    let (mut decoded_files, mut refused, mut hashes, mut grids) = (0, 0, 0, 0);
    let all = entries(&corpus);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let report = std::sync::Mutex::new((&mut wrong, &mut decoded_files, &mut refused, &mut hashes, &mut grids));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(entry) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let name = entry["file"].as_str().unwrap();
                    let bytes = std::fs::read(corpus.join(name)).unwrap();
                    if sniff(&bytes).is_some_and(|format| !FORMATS.contains(&format)) {
                        continue;
                    }
                    let outcome = check(entry, &bytes);
                    let mut report = report.lock().unwrap();
                    match outcome {
                        Ok(seen) => {
                            *report.1 += usize::from(seen.decoded);
                            *report.2 += usize::from(!seen.decoded);
                            *report.3 += usize::from(seen.hash);
                            *report.4 += usize::from(seen.grid);
                        }
                        Err(why) => {
                            report.0.insert(name.to_owned(), why);
                        }
                    }
                }
            });
        }
    });
    eprintln!("{decoded_files} decoded, {refused} refused, {hashes} exact, {grids} by colour");
    for (name, _) in DIFFERENT {
        assert!(
            wrong.remove(*name).is_some(),
            "{name} no longer differs: take it off the list"
        );
    }
    assert!(wrong.is_empty(), "{} files: {wrong:#?}", wrong.len());
    assert!(hashes > 340 && grids > 390, "the corpus has shrunk");
}

#[derive(Default)]
struct Seen {
    decoded: bool,
    hash: bool,
    grid: bool,
}

fn check(entry: &Value, bytes: &[u8]) -> Result<Seen, String> {
    let expected = entry["expected"].as_str().unwrap();
    let (header, mut decoded) = match read(bytes) {
        Ok(read) => read,
        Err(error) if expected == "decodes" => return Err(format!("refused: {error}")),
        Err(_) => return Ok(Seen::default()),
    };
    if expected == "must be refused cleanly" {
        return Err("decoded, but must be refused".to_owned());
    }
    let mut seen = Seen {
        decoded: true,
        ..Seen::default()
    };
    if entry["valid"] != true {
        return Ok(seen);
    }
    let side = |key: &str| entry[key].as_u64().map(|v| v as u32);
    // A GIF's screen grows to hold its first frame; the manifest's stored size is the screen's, its display size what
    // is shown.
    let stored = if header.format == ImageFormat::Gif {
        None
    } else {
        side("width").zip(side("height"))
    };
    for (what, got, want) in [
        ("size", header.size, stored),
        (
            "upright size",
            header.upright_size(),
            side("display_width").zip(side("display_height")),
        ),
    ] {
        if let Some((width, height)) = want.filter(|&(width, height)| got != Size::new(width, height)) {
            return Err(format!("{what} {got} instead of {width}x{height}"));
        }
    }
    // Hashes are of samples without colour management; 16-bit samples are rounded by us and cut by the reference.
    if let Some(hash) = entry["frame0_rgba8_sha256"].as_str().filter(|_| header.bit_depth <= 8) {
        let rgba = decoded
            .picture
            .duplicate(&Budget::unlimited())
            .unwrap()
            .into_rgba(&Budget::unlimited())
            .unwrap();
        let got = Sha256::digest(rgba.data())
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>();
        if got != hash {
            return Err("pixels differ from the reference's".to_owned());
        }
        seen.hash = true;
    }
    // The references look at neither gamma, chromaticities nor code points.
    let by_icc = !matches!(header.profile, ColorProfile::Cicp { .. } | ColorProfile::Gamma);
    if let Some(grid) = entry["display_grid"].as_array().filter(|_| by_icc) {
        to_srgb(&mut decoded.picture, &decoded.color).map_err(|e| e.to_string())?;
        let picture = decoded.picture.into_rgb_on([255; 3], &Budget::unlimited()).unwrap();
        let cells = grid_of(&picture, header.orientation, grid.len());
        for (index, (got, want)) in cells.iter().zip(grid).enumerate() {
            for (got, want) in got.iter().zip(want.as_array().unwrap()) {
                let want = want.as_f64().unwrap();
                if (got - want).abs() > 10.0 {
                    return Err(format!("cell {index} is {:?} instead of {}", cells[index], grid[index]));
                }
            }
        }
        seen.grid = true;
    }
    Ok(seen)
}

/// The means of a grid of 4 by 4 cells, or of one cell, of the upright picture.
fn grid_of(picture: &Picture, orientation: Orientation, cells: usize) -> Vec<[f64; 3]> {
    assert_eq!(picture.layout(), Layout::Rgb);
    let stored = picture.size();
    let upright = orientation.apply(stored);
    let across = if cells == 16 { 4 } else { 1 };
    // The reference's cells end at the rounded quarters, halves to even.
    let cell_of = |at: u32, side: u32| {
        let (at, side) = (u64::from(at), u64::from(side));
        let end = |i: u64| {
            if i * side % 4 == 2 {
                (i * side / 4).next_multiple_of(2)
            } else {
                (i * side + 2) / 4
            }
        };
        if across == 1 {
            0
        } else {
            (1..4).filter(|&i| end(i) <= at).count() as u64
        }
    };
    let mut sums = vec![([0u64; 3], 0u64); cells];
    for (y, row) in (0..).zip(picture.rows()) {
        for (x, pixel) in (0..).zip(row.as_chunks::<3>().0) {
            let (w, h) = (stored.width - 1, stored.height - 1);
            let (ux, uy): (u32, u32) = match orientation {
                Orientation::Upright => (x, y),
                Orientation::FlipH => (w - x, y),
                Orientation::Rotate180 => (w - x, h - y),
                Orientation::FlipV => (x, h - y),
                Orientation::Transpose => (y, x),
                Orientation::Rotate90 => (h - y, x),
                Orientation::Transverse => (h - y, w - x),
                Orientation::Rotate270 => (y, w - x),
            };
            let (sum, count) = &mut sums[(cell_of(uy, upright.height) * across + cell_of(ux, upright.width)) as usize];
            *count += 1;
            sum.iter_mut()
                .zip(pixel)
                .for_each(|(sum, &value)| *sum += u64::from(value));
        }
    }
    sums.into_iter()
        .map(|(sum, count)| sum.map(|s| s as f64 / count.max(1) as f64))
        .collect()
}

#[test]
fn formats_are_told_by_content_and_frames_are_counted() {
    let Some(corpus) = corpus() else { return };
    let manifest: Value = serde_json::from_slice(&std::fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let (mut wrong, mut right) = (Vec::new(), 0);
    for entry in manifest["files"].as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let want = match entry["format"].as_str().unwrap_or_default() {
            "svgz" => "svg",
            "cur" => "ico",
            "heif" => "heic",
            "bigtiff" => "tiff",
            other => other,
        };
        if entry["expected"] != "decodes" {
            continue;
        }
        let bytes = std::fs::read(corpus.join(name)).unwrap();
        let got = sniff(&bytes);
        if got.map(ImageFormat::name) == Some(want) {
            right += 1;
        } else {
            wrong.push(format!("{name}: {got:?}, not {want}"));
        }
        let Ok(header) = probe(&bytes, &limits()) else { continue };
        let size = Size::new(
            entry["width"].as_u64().unwrap_or(0) as u32,
            entry["height"].as_u64().unwrap_or(0) as u32,
        );
        if matches!(got, Some(ImageFormat::Bmp | ImageFormat::Ico | ImageFormat::Tiff)) && header.upright_size() != size
        {
            wrong.push(format!("{name}: {}, not {size}", header.size));
        }
        if header.format == ImageFormat::Gif && u64::from(header.frames) != entry["frames"].as_u64().unwrap() {
            wrong.push(format!("{name}: {} frames, not {}", header.frames, entry["frames"]));
        }
        let animated = !name.contains("-bad/");
        if let Some(frames) = entry["png"]["apng_frames"]
            .as_u64()
            .filter(|&n| animated && n != u64::from(header.frames))
        {
            wrong.push(format!("{name}: {} frames, not {frames}", header.frames));
        }
    }
    assert!(
        wrong.is_empty() && right > 1000,
        "{right} right, {} wrong: {wrong:#?}",
        wrong.len()
    );
}

#[test]
fn cut_and_damaged_files_are_answered_or_refused_but_never_panic() {
    let Some(corpus) = corpus() else { return };
    let mut random = 0x5eed_u64;
    let mut draw = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let (mut answered, mut refused) = (0, 0);
    for entry in entries(&corpus) {
        let name = entry["file"].as_str().unwrap();
        let bytes = std::fs::read(corpus.join(name)).unwrap();
        if bytes.len() > 40_000 || !sniff(&bytes).is_some_and(|format| FORMATS.contains(&format)) {
            continue;
        }
        for round in 0..6 {
            let mut broken = bytes.clone();
            if round % 2 == 0 {
                broken.truncate(draw(bytes.len()));
            }
            for _ in 0..round {
                let at = draw(broken.len());
                if let Some(byte) = broken.get_mut(at) {
                    *byte ^= 1 << draw(8);
                }
            }
            let small = Limits {
                source_area_px_max: 4_000_000,
                side_px_max: 70_000,
                ..Limits::default()
            };
            let outcome = probe(&broken, &small).and_then(|header| {
                let budget = Budget::new(64 << 20);
                let decoded = decode(
                    &broken,
                    &header,
                    &DecodeRequest {
                        scale: 1 << draw(4),
                        ..DecodeRequest::default()
                    },
                    &small,
                    &budget,
                );
                if decoded.is_err() {
                    assert_eq!(budget.held(), 0, "{name}");
                }
                let mut decoded = decoded?;
                to_srgb(&mut decoded.picture, &decoded.color)?;
                let _ = (decoded.metadata.copyright_only(), decoded.metadata.kept());
                Ok(())
            });
            match outcome {
                Ok(()) => answered += 1,
                Err(_) => refused += 1,
            }
        }
    }
    eprintln!("{answered} answered, {refused} refused");
    assert!(answered > 100 && refused > 100);
}
