//! WebP and AVIF against a corpus of real and damaged files: verdicts, sizes, exact pixels of lossless files, and colours.
//!
//! The corpus is found by `CALOTYPE_SHARED`. Without it the tests say so and pass, except under CI, where they fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use calotype_codec::{
    Budget, CodecError, ColorSource, DecodeRequest, Decoded, EncodeRequest, Header, Layout, OutputMetadata, Picture,
    decode, encode, probe, to_srgb,
};
use calotype_plan::{Limits, Orientation, Size};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Memory for one job, far above what the honest files of the corpus need.
const BYTES_MAX: u64 = 512 << 20;

#[expect(clippy::print_stderr, reason = "what was left out must be seen")]
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

/// A cropped picture for which only libvips gave colours, and not those of the crop that the file asks for: libavif derives the same rectangle as
/// we do, and cutting its planes there gives our pixels.
const GRID_OF_ANOTHER_CROP: &str = "avif/libavif/blue-and-magenta-crop.avif";

/// The entries of the manifest that are WebP or AVIF by content or by name.
fn entries(corpus: &Path) -> Vec<Value> {
    let manifest = std::fs::read(corpus.join("manifest.json")).expect("the manifest is there");
    let mut manifest: Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let Value::Array(files) = manifest["files"].take() else {
        panic!("the manifest lists files")
    };
    let ours = |entry: &Value| {
        let name = entry["file"].as_str().unwrap_or_default();
        matches!(entry["format"].as_str(), Some("webp" | "avif")) || name.ends_with(".webp") || name.ends_with(".avif")
    };
    let files: Vec<_> = files.into_iter().filter(ours).collect();
    assert!(
        files.len() > 200,
        "the corpus holds {} WebP and AVIF files",
        files.len()
    );
    files
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = Limits::default();
    let budget = Budget::new(BYTES_MAX);
    let header = probe(bytes, &limits)?;
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert!(
        budget.peak() >= decoded.picture.data().len() as u64,
        "the picture was charged"
    );
    assert_eq!(decoded.picture.size(), header.size);
    Ok((header, decoded))
}

#[test]
fn every_file_is_answered_as_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = Vec::new();
    let (mut exact, mut compared) = (0, 0);
    for entry in entries(&corpus) {
        let name = entry["file"].as_str().expect("a file has a name");
        let bytes = std::fs::read(corpus.join(name)).expect("the file is there");
        let answer = open(&bytes);
        let expected = entry["expected"].as_str().unwrap_or_default();
        match (&answer, expected) {
            (Ok(_), "decodes" | "either") | (Err(_), "must be refused cleanly" | "either") => {}
            (Ok(_), _) => wrong.push(format!("{name}: decoded, expected: {expected}")),
            (Err(error), _) => wrong.push(format!("{name}: {error}, expected: {expected}")),
        }
        let Ok((header, decoded)) = answer else { continue };
        let number = |key: &str| entry[key].as_u64().and_then(|n| u32::try_from(n).ok());
        if let (Some(width), Some(height)) = (number("display_width"), number("display_height"))
            && header.upright_size() != Size::new(width, height)
        {
            wrong.push(format!(
                "{name}: {} upright, expected {width}x{height}",
                header.upright_size()
            ));
        }
        if let (Some(frames), Some("webp")) = (number("frames"), entry["format"].as_str())
            && (header.frames != frames || header.frames_area != header.size.area() * u64::from(frames))
        {
            wrong.push(format!("{name}: {} frames, expected {frames}", header.frames));
        }
        let turned = number("exif_orientation").or(number("container_orientation"));
        if let Some(turned) = turned
            && expected == "decodes"
            && header.orientation != Orientation::from_exif(turned)
        {
            wrong.push(format!("{name}: {:?}, expected {turned}", header.orientation));
        }
        if let Some(depth) = number("bit_depth")
            && u32::from(header.bit_depth) != depth
        {
            wrong.push(format!("{name}: {} bits, expected {depth}", header.bit_depth));
        }
        if expected != "decodes" {
            continue;
        }
        if let Some(sha) = entry["frame0_rgba8_sha256"].as_str() {
            exact += 1;
            if sha256_rgba(&decoded.picture) != sha {
                wrong.push(format!("{name}: other pixels"));
            }
        }
        if let Some(grid) = entry["display_grid"].as_array()
            && name != GRID_OF_ANOTHER_CROP
        {
            compared += 1;
            let off = grid_distance(decoded, &header, grid);
            if off > 10.0 {
                wrong.push(format!("{name}: colours off by {off:.1}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        exact >= 25 && compared >= 150,
        "{exact} files compared exactly, {compared} by colour"
    );
}

fn sha256_rgba(picture: &Picture) -> String {
    let mut hash = Sha256::new();
    for pixel in picture.data().chunks_exact(picture.channels()) {
        hash.update([pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The largest distance of a channel from the manifest's grid: 16 cells, mean colours, upright, ICC to sRGB, on white.
fn grid_distance(decoded: Decoded, header: &Header, grid: &[Value]) -> f64 {
    let Decoded { mut picture, color, .. } = decoded;
    // The references convert by ICC profiles and leave code points alone.
    if matches!(color, ColorSource::Icc(_)) {
        to_srgb(&mut picture, &color).expect("the colours convert");
    }
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
    for y in 0..header.size.height {
        for x in 0..header.size.width {
            let (ux, uy) = turn(header.orientation, header.size, x, y);
            let sum = &mut sums[cell(&down, uy) * columns + cell(&across, ux)];
            let pixel = picture.pixel(x, y).expect("the pixel is there");
            let alpha = f64::from(pixel[3]) / 255.0;
            for (sum, &sample) in sum.iter_mut().zip(&pixel[..3]) {
                *sum += f64::from(sample) * alpha + 255.0 * (1.0 - alpha);
            }
            sum[3] += 1.0;
        }
    }
    let mut off = 0f64;
    for (sum, expected) in sums.iter().zip(grid) {
        for channel in 0..3 {
            let expected = expected[channel].as_f64().expect("a grid holds numbers");
            off = off.max((sum[channel] / sum[3] - expected).abs());
        }
    }
    off
}

/// Where a stored pixel is when the picture is upright (EXIF 2.32, tag 0x0112).
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
fn cut_and_damaged_files_are_answered_or_refused_but_never_hang() {
    let Some(corpus) = corpus() else { return };
    let mut files: Vec<Vec<u8>> = Vec::new();
    for entry in entries(&corpus) {
        let area = entry["width"].as_u64().unwrap_or(0) * entry["height"].as_u64().unwrap_or(0);
        // Small files find the same faults as large ones, sooner.
        if area < 400_000 && entry["bytes"].as_u64().is_some_and(|bytes| bytes < 60_000) {
            files.push(
                std::fs::read(corpus.join(entry["file"].as_str().unwrap_or_default())).expect("the file is there"),
            );
        }
    }
    assert!(files.len() > 150, "{} files to damage", files.len());
    let refused: usize = std::thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(files.len().div_ceil(4))
            .map(|part| scope.spawn(|| damage(part)))
            .collect();
        parts
            .into_iter()
            .map(|part| part.join().expect("no file makes a decoder panic"))
            .sum()
    });
    // Most damage is found; if it were not, the decoders would not be looking.
    assert!(refused > files.len() * 4, "{refused} refused of {} files", files.len());
}

/// Opens cut and damaged copies of files; gives how many were refused.
fn damage(files: &[Vec<u8>]) -> usize {
    let mut refused = 0;
    for (index, bytes) in files.iter().enumerate() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ index as u64);
        for part in [0, 1, 3, 7, 9] {
            refused += usize::from(open(&bytes[..bytes.len() * part / 10]).is_err());
        }
        for flips in [1, 1, 2, 4, 8, 16] {
            let mut damaged = bytes.clone();
            for _ in 0..flips {
                // Half of the flips fall on the first bytes, where the structure is.
                let reach = if random.below(2) == 0 {
                    damaged.len()
                } else {
                    damaged.len().min(600)
                };
                let at = random.below(reach);
                damaged[at] ^= 1 << random.below(8);
            }
            refused += usize::from(open(&damaged).is_err());
        }
    }
    refused
}

/// Marsaglia's xorshift64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// Our own files, read by the reference decoders `dwebp` (libwebp) and `avifdec` (libavif with its own AV1 decoder), Debian packages `webp` and
/// `libavif-bin`.
///
/// Without them the test says so and passes, unless `CALOTYPE_FOREIGN=1` or `CI=true` asks for them.
#[test]
fn foreign_decoders_read_our_files_as_we_do() {
    let wanted = ["CALOTYPE_FOREIGN", "CI"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|v| v == "1" || v == "true"));
    let folder = std::env::temp_dir().join(format!("calotype-foreign-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
    for (tool, extension) in [("dwebp", "webp"), ("avifdec", "avif")] {
        if let Err(error) = Command::new(tool).arg("-h").output() {
            assert!(!wanted, "{tool} is needed: {error}");
            eprintln!("left out: {tool} is not installed, so nothing foreign read our {extension} files");
            continue;
        }
        for (index, (width, height, layout)) in [
            (97, 61, Layout::Rgb),
            (97, 61, Layout::Rgba),
            (1, 1, Layout::Rgb),
            (3, 5, Layout::Rgba),
            (640, 2, Layout::Rgb),
        ]
        .into_iter()
        .enumerate()
        {
            for carries_metadata in [false, true] {
                let source = pattern(Size::new(width, height), layout);
                let metadata = if carries_metadata {
                    some_metadata()
                } else {
                    OutputMetadata::default()
                };
                let requests = match extension {
                    "webp" => [
                        EncodeRequest::Webp {
                            quality: 80,
                            lossless: false,
                        },
                        EncodeRequest::Webp {
                            quality: 80,
                            lossless: true,
                        },
                    ],
                    _ => [EncodeRequest::Avif { quality: 60 }, EncodeRequest::Avif { quality: 95 }],
                };
                for request in requests {
                    let bytes = encode(&source, &request, &metadata, &Budget::unlimited()).expect("it encodes");
                    let file = folder.join(format!("{index}.{extension}"));
                    let png = folder.join(format!("{index}.png"));
                    std::fs::write(&file, &bytes).expect("the file is written");
                    let output = if tool == "dwebp" {
                        Command::new(tool).arg(&file).arg("-o").arg(&png).output()
                    } else {
                        Command::new(tool).arg(&file).arg(&png).output()
                    };
                    let output = output.expect("the tool runs");
                    assert!(
                        output.status.success(),
                        "{tool}: {}",
                        String::from_utf8_lossy(&output.stderr)
                    );
                    let (_, ours) = open(&bytes).expect("we read it too");
                    let (size, theirs) = read_png(&png);
                    assert_eq!(size, source.size());
                    // dwebp is the library that we use. libavif converts by libyuv, whose 6-bit coefficients are off by up to three levels.
                    let tolerance = if tool == "dwebp" { 0 } else { 3 };
                    // In the last column and row of an odd size libyuv repeats the chroma sample; libavif's own code, and ours, blend it there too.
                    let is_odd_end =
                        |at: usize, side: u32| tool == "avifdec" && side % 2 == 1 && at + 1 == side as usize;
                    for (y, row) in theirs.chunks_exact(size.width as usize).enumerate() {
                        for (x, &theirs) in row.iter().enumerate() {
                            if is_odd_end(x, size.width) || is_odd_end(y, size.height) {
                                continue;
                            }
                            let ours = ours.picture.pixel(x as u32, y as u32).expect("the pixel is there");
                            let close = ours.iter().zip(theirs).all(|(&a, b)| a.abs_diff(b) <= tolerance);
                            assert!(
                                close,
                                "{request:?} {width}x{height} at {x},{y}: {ours:?} here, {theirs:?} there"
                            );
                        }
                    }
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder).expect("the temporary folder can be removed");
}

/// Colours that change softly, with alpha from clear to opaque.
fn pattern(size: Size, layout: Layout) -> Picture {
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let part = |at: u32, side: u32| (f64::from(at) * 255.0 / f64::from(side)) as u8;
            data.extend([
                part(x, size.width),
                part(y, size.height),
                part(x + y, size.width + size.height),
            ]);
            if layout == Layout::Rgba {
                data.push(part(size.width - 1 - x, size.width).saturating_add(10));
            }
        }
    }
    Picture::from_raw(size, layout, data).expect("the length is right")
}

fn some_metadata() -> OutputMetadata {
    OutputMetadata {
        exif: Some(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
        ..OutputMetadata::default()
    }
}

fn read_png(path: &Path) -> (Size, Vec<[u8; 4]>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("the PNG is there"));
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().expect("the PNG has a header");
    let mut data = vec![0; reader.output_buffer_size().expect("the PNG fits memory")];
    let info = reader.next_frame(&mut data).expect("the PNG is whole");
    let pixels = match info.color_type {
        png::ColorType::Rgb => data.chunks_exact(3).map(|p| [p[0], p[1], p[2], 255]).collect(),
        png::ColorType::Rgba => data.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect(),
        other => panic!("a PNG of {other:?}"),
    };
    (Size::new(info.width, info.height), pixels)
}
