//! BMP, ICO and TIFF against a corpus of real and damaged files: verdicts, sizes, orientation, exact pixels and colours.
//!
//! The corpus is found by `CALOTYPE_SHARED`. Without it the tests say so and pass, except under CI, where they fail.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use calotype_codec::{Budget, CodecError, DecodeRequest, Decoded, Header, Picture, decode, probe, sniff, to_srgb};
use calotype_plan::{ImageFormat, Limits, Orientation, Size};
use serde_json::Value;
use sha2::{Digest, Sha256};

const FORMATS: [ImageFormat; 3] = [ImageFormat::Bmp, ImageFormat::Ico, ImageFormat::Tiff];

/// Files whose expected pixels or colours are not those of a right decoder, each with the reason.
const OTHER_PIXELS: &[(&str, &str)] = &[
    (
        "bmp-bad/Pillow/badrle.bmp",
        "runs that overrun their row are cut there, as in browsers; the reference lets some flow on into the next row",
    ),
    (
        "ico-bad/image/Bad_smile-incorrect-image-length.ico",
        "the mask follows the pixels; the reference looks for it where the entry ends by its wrong length",
    ),
    (
        "ico/image/bmp_v5_with_icc.ico",
        "there is no mask, but a profile in its place; the reference takes the end of the profile for one",
    ),
    (
        "ico/image/multiple_entries_with_different_bit_depth.ico",
        "of two pictures of 48x48 the one with 32 bits is the best; the reference takes that with 8",
    ),
    (
        "tiff/libvips/ojpeg-tile.tif",
        "lossy: chroma is interpolated by us and repeated by the reference; the mean difference is half a level",
    ),
];

fn corpus() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("CALOTYPE_SHARED") else {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "CALOTYPE_SHARED must be set under CI"
        );
        eprintln!("left out: CALOTYPE_SHARED is not set, so there is no corpus");
        return None;
    };
    Some(Path::new(&shared).join("corpus"))
}

/// The entries of the manifest that are BMP, ICO or TIFF by content, by folder or by name, with their bytes.
fn files(corpus: &Path) -> Vec<(Value, Vec<u8>)> {
    let manifest = std::fs::read(corpus.join("manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let Value::Array(entries) = manifest["files"].take() else {
        panic!("the manifest lists files")
    };
    entries
        .into_iter()
        .filter_map(|entry| {
            let name = entry["file"].as_str().unwrap();
            let bytes = std::fs::read(corpus.join(name)).unwrap();
            let by_name = ["bmp", "ico", "tif"].iter().any(|f| name.starts_with(f));
            let by_content = sniff(&bytes).is_some_and(|format| FORMATS.contains(&format));
            (by_name || by_content).then_some((entry, bytes))
        })
        .collect()
}

/// Sides may be longer than the default, areas may not be larger.
fn limits() -> Limits {
    Limits {
        side_px_max: 70_000,
        ..Limits::default()
    }
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = limits();
    let budget = Budget::new(512 << 20);
    let header = probe(bytes, &limits)?;
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert_eq!(
        decoded.picture.size(),
        header.size,
        "the probe says what decoding gives"
    );
    assert_eq!(
        budget.held(),
        decoded.picture.data().len() as u64,
        "only the picture is still charged"
    );
    assert!(
        header.has_alpha || !decoded.picture.has_transparency(),
        "transparency that the header did not announce"
    );
    Ok((header, decoded))
}

#[derive(Default)]
struct Counts {
    decoded: u32,
    refused: u32,
    exact: u32,
    by_colour: u32,
}

#[test]
fn every_file_is_answered_as_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = BTreeMap::new();
    let mut folders: BTreeMap<String, Counts> = BTreeMap::new();
    for (entry, bytes) in files(&corpus) {
        let name = entry["file"].as_str().unwrap();
        let counts = folders.entry(name.split('/').next().unwrap().to_owned()).or_default();
        if let Err(why) = check(&entry, &bytes, counts) {
            wrong.insert(name.to_owned(), why);
        }
    }
    for (folder, counts) in &folders {
        let Counts {
            decoded,
            refused,
            exact,
            by_colour,
        } = counts;
        eprintln!("{folder}: {decoded} decoded, {refused} refused, {exact} exact, {by_colour} by colour");
    }
    for (name, _) in OTHER_PIXELS {
        assert!(
            wrong.remove(*name).is_some(),
            "{name} no longer differs: take it off the list"
        );
    }
    assert!(wrong.is_empty(), "{} files: {wrong:#?}", wrong.len());
    let sum = |count: fn(&Counts) -> u32| folders.values().map(count).sum::<u32>();
    assert!(
        sum(|c| c.decoded) > 150 && sum(|c| c.exact) > 100 && sum(|c| c.by_colour) > 140,
        "the corpus has shrunk"
    );
}

fn check(entry: &Value, bytes: &[u8], counts: &mut Counts) -> Result<(), String> {
    let answer = open(bytes);
    match (&answer, entry["expected"].as_str().unwrap()) {
        (Ok(_), "decodes" | "either") | (Err(_), "must be refused cleanly" | "either") => {}
        (Ok(_), expected) => return Err(format!("decoded, expected: {expected}")),
        (Err(error), expected) => return Err(format!("{error}, expected: {expected}")),
    }
    let (header, decoded) = match answer {
        Ok(both) => both,
        Err(_) => {
            counts.refused += 1;
            return Ok(());
        }
    };
    counts.decoded += 1;
    let number = |key: &str| entry[key].as_u64().and_then(|n| u32::try_from(n).ok());
    // The reference turns TIFF upright when it reads it.
    let stored = match header.format {
        ImageFormat::Tiff => header.upright_size(),
        _ => header.size,
    };
    for (what, got, wanted) in [
        ("stored", stored, number("width").zip(number("height"))),
        (
            "upright",
            header.upright_size(),
            number("display_width").zip(number("display_height")),
        ),
    ] {
        if let Some((width, height)) = wanted
            && got != Size::new(width, height)
        {
            return Err(format!("{got} {what}, expected {width}x{height}"));
        }
    }
    if entry["valid"] == true {
        let turned = number("exif_orientation").map_or(Orientation::Upright, Orientation::from_exif);
        if header.orientation != turned {
            return Err(format!("{:?}, expected {turned:?}", header.orientation));
        }
        if let Some(depth) = number("bit_depth")
            && u32::from(header.bit_depth) != depth
        {
            return Err(format!("{} bits, expected {depth}", header.bit_depth));
        }
        if let Some(name) = entry["icc"].as_str().filter(|name| !name.starts_with("unreadable")) {
            let named = header.profile.name();
            if named != name && !(name.starts_with("sRGB") && named == "sRGB") {
                return Err(format!("profile {named:?}, expected {name:?}"));
            }
        }
        if entry["has_alpha"] == true && !header.has_alpha {
            return Err("no alpha, expected some".to_owned());
        }
    }
    if entry["expected"] != "decodes" {
        return Ok(());
    }
    // Of 16-bit samples we round what the reference cuts.
    if let Some(sha) = entry["frame0_rgba8_sha256"].as_str().filter(|_| header.bit_depth <= 8) {
        if sha256_upright_rgba(&decoded.picture, header.orientation) != sha {
            return Err("other pixels".to_owned());
        }
        counts.exact += 1;
    }
    if let Some(grid) = entry["display_grid"].as_array() {
        // The agreement of two references leaves less room.
        let agreed = entry["display_grid_by"].as_str().unwrap_or_default();
        let within = ["0", "1", "2", "3"]
            .iter()
            .any(|n| agreed.ends_with(&format!("agree within {n}")));
        let off = grid_distance(decoded, &header, grid);
        if off > if within { 6.0 } else { 10.0 } {
            return Err(format!("colours off by {off:.1}"));
        }
        counts.by_colour += 1;
    }
    Ok(())
}

fn sha256_upright_rgba(picture: &Picture, orientation: Orientation) -> String {
    let stored = picture.size();
    let upright = orientation.apply(stored);
    let mut pixels = vec![[0; 4]; upright.area() as usize];
    let channels = picture.channels();
    for (y, row) in (0..).zip(picture.rows()) {
        for (x, pixel) in (0..).zip(row.chunks_exact(channels)) {
            let (x, y) = turn(orientation, stored, x, y);
            pixels[(y * upright.width + x) as usize] =
                [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
        }
    }
    let hash = Sha256::digest(pixels.as_flattened());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The largest distance of a channel from the manifest's grid: 16 cells, mean colours, upright, in sRGB, on white.
fn grid_distance(decoded: Decoded, header: &Header, grid: &[Value]) -> f64 {
    let Decoded { mut picture, color, .. } = decoded;
    to_srgb(&mut picture, &color).unwrap();
    let upright = header.upright_size();
    let (columns, rows) = if upright.width < 4 || upright.height < 4 {
        (1, 1)
    } else {
        (4, 4)
    };
    assert_eq!(grid.len(), columns * rows);
    // Cells begin at the pixel nearest to their fractional border.
    let starts = |side: u32, count: usize| -> Vec<u32> {
        (0..count)
            .map(|i| (f64::from(side) * i as f64 / count as f64).round_ties_even() as u32)
            .collect()
    };
    let cell = |starts: &[u32], at: u32| starts.iter().rposition(|&start| start <= at).unwrap_or(0);
    let (across, down) = (starts(upright.width, columns), starts(upright.height, rows));
    let mut sums = vec![[0.0; 4]; columns * rows];
    let channels = picture.channels();
    for (y, row) in (0..).zip(picture.rows()) {
        for (x, pixel) in (0..).zip(row.chunks_exact(channels)) {
            let (ux, uy) = turn(header.orientation, header.size, x, y);
            let sum = &mut sums[cell(&down, uy) * columns + cell(&across, ux)];
            let alpha = f64::from(pixel.get(3).copied().unwrap_or(255)) / 255.0;
            for (sum, &sample) in sum.iter_mut().zip(&pixel[..3]) {
                *sum += f64::from(sample) * alpha + 255.0 * (1.0 - alpha);
            }
            sum[3] += 1.0;
        }
    }
    let mut off = 0f64;
    for (sum, expected) in sums.iter().zip(grid) {
        for channel in 0..3 {
            off = off.max((sum[channel] / sum[3] - expected[channel].as_f64().unwrap()).abs());
        }
    }
    off
}

/// Where a stored pixel is when the picture is upright (TIFF 6.0, tag 274).
fn turn(orientation: Orientation, stored: Size, x: u32, y: u32) -> (u32, u32) {
    let (right, bottom) = (stored.width - 1 - x, stored.height - 1 - y);
    match orientation {
        Orientation::Upright => (x, y),
        Orientation::FlipH => (right, y),
        Orientation::Rotate180 => (right, bottom),
        Orientation::FlipV => (x, bottom),
        Orientation::Transpose => (y, x),
        Orientation::Rotate90 => (bottom, x),
        Orientation::Transverse => (bottom, right),
        Orientation::Rotate270 => (y, right),
    }
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
    let small = Limits {
        source_area_px_max: 4_000_000,
        side_px_max: 70_000,
        ..Limits::default()
    };
    let (mut answered, mut refused) = (0, 0);
    for (entry, bytes) in files(&corpus) {
        let name = entry["file"].as_str().unwrap();
        if bytes.len() > 60_000 {
            continue;
        }
        for round in 0..12 {
            let mut broken = bytes.clone();
            if round % 2 == 0 {
                broken.truncate(draw(bytes.len()));
            }
            // Headers are where a changed bit does most.
            let reach = if round % 3 == 0 {
                broken.len().min(200)
            } else {
                broken.len()
            };
            for _ in 0..round {
                let at = draw(reach);
                if let Some(byte) = broken.get_mut(at) {
                    *byte ^= 1 << draw(8);
                }
            }
            let outcome = probe(&broken, &small).and_then(|header| {
                let budget = Budget::new(64 << 20);
                let decoded = decode(&broken, &header, &DecodeRequest::default(), &small, &budget);
                if decoded.is_err() {
                    assert_eq!(budget.held(), 0, "{name}");
                }
                let mut decoded = decoded?;
                assert_eq!(decoded.picture.size(), header.size, "{name}");
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
