//! JPEG XL and HEIC against a corpus of real and damaged files: verdicts, sizes and colours.
//!
//! The corpus is found by `CALOTYPE_SHARED`. Without it the tests say so and pass, except under CI, where they fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calotype_codec::{
    Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, decode, decode_animation, probe, to_srgb,
};
use calotype_plan::{ImageFormat, Limits, Orientation, Size};
use serde_json::Value;

/// Memory for one job, far above what the honest files of the corpus need.
const BYTES_MAX: u64 = 1 << 30;

/// What no file may take, here or anywhere.
const TIME_MAX: Duration = Duration::from_secs(10);

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

/// The entries of the manifest that are of a kind by content or by name.
fn entries(corpus: &Path, formats: &[&str]) -> Vec<Value> {
    let manifest = std::fs::read(corpus.join("manifest.json")).expect("the manifest is there");
    let mut manifest: Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let Value::Array(files) = manifest["files"].take() else {
        panic!("the manifest lists files")
    };
    let ours = |entry: &Value| {
        let folder = entry["file"].as_str().unwrap_or_default().split('/').next().unwrap_or_default();
        let is_named = formats.iter().any(|format| folder == *format || folder == format!("{format}-bad"));
        is_named || formats.contains(&entry["format"].as_str().unwrap_or_default())
    };
    files.into_iter().filter(ours).collect()
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let begun = Instant::now();
    let answer = open_in_any_time(bytes);
    assert!(begun.elapsed() < TIME_MAX, "it took {:?}", begun.elapsed());
    answer
}

fn open_in_any_time(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = Limits::default();
    let budget = Budget::new(BYTES_MAX);
    let header = probe(bytes, &limits)?;
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert!(
        budget.peak() >= decoded.picture.data().len() as u64,
        "the picture was charged"
    );
    assert_eq!(budget.held(), decoded.picture.data().len() as u64, "working memory is given back");
    assert_eq!(decoded.picture.size(), header.size);
    Ok((header, decoded))
}

/// Counts of a folder: decoded, refused, compared by colour.
type Counts = BTreeMap<String, [usize; 3]>;

#[expect(clippy::print_stderr, reason = "the counts are the test's findings")]
fn print(counts: &Counts) {
    for (folder, [decoded, refused, compared]) in counts {
        eprintln!("{folder}: {decoded} decoded, {refused} refused, {compared} compared by colour");
    }
}

/// What is wrong with an answer.
fn judge(entry: &Value, answer: Result<(Header, Decoded), CodecError>, counts: &mut Counts, wrong: &mut Vec<String>) {
    let name = entry["file"].as_str().expect("a file has a name");
    let expected = entry["expected"].as_str().unwrap_or_default();
    let folder = name.split('/').next().unwrap_or_default().to_owned();
    let counts = counts.entry(folder).or_default();
    counts[usize::from(answer.is_err())] += 1;
    let (header, decoded) = match (answer, expected) {
        (Ok(both), "decodes" | "either") => both,
        (Err(_), "must be refused cleanly" | "either") => return,
        (Ok(_), _) => return wrong.push(format!("{name}: decoded, expected: {expected}")),
        (Err(error), _) => return wrong.push(format!("{name}: {error}, expected: {expected}")),
    };
    check_header(name, entry, &header, wrong);
    if let (Some(grid), "decodes") = (entry["display_grid"].as_array(), expected) {
        counts[2] += 1;
        let by = entry["display_grid_by"].as_str().unwrap_or_default();
        let tolerance = if by.contains("agree") { 6.0 } else { 10.0 };
        let off = grid_distance(decoded, &header, grid);
        if off > tolerance {
            wrong.push(format!("{name}: colours off by {off:.1}"));
        }
    }
}

fn check_header(name: &str, entry: &Value, header: &Header, wrong: &mut Vec<String>) {
    let number = |key: &str| entry[key].as_u64().and_then(|n| u32::try_from(n).ok());
    if let (Some(width), Some(height)) = (number("display_width"), number("display_height"))
        && header.upright_size() != Size::new(width, height)
    {
        wrong.push(format!(
            "{name}: {} upright, expected {width}x{height}",
            header.upright_size()
        ));
    }
    if let Some(alpha) = entry["has_alpha"].as_bool()
        && header.has_alpha != alpha
    {
        wrong.push(format!("{name}: alpha {}, expected {alpha}", header.has_alpha));
    }
    if let Some(depth) = number("bit_depth")
        && u32::from(header.bit_depth) != depth
    {
        wrong.push(format!("{name}: {} bits, expected {depth}", header.bit_depth));
    }
}

#[test]
fn every_jpeg_xl_file_is_answered_as_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let (mut wrong, mut counts) = (Vec::new(), Counts::new());
    for entry in entries(&corpus, &["jxl"]) {
        let name = entry["file"].as_str().expect("a file has a name");
        let bytes = std::fs::read(corpus.join(name)).expect("the file is there");
        let begun = Instant::now();
        let answer = open(&bytes);
        eprintln!("{name} {:?} {:?}", begun.elapsed(), answer.as_ref().map(|(h, d)| (h, &d.color)).map_err(ToString::to_string));
        judge(&entry, answer, &mut counts, &mut wrong);
    }
    print(&counts);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let [decoded, refused, compared] = counts.values().fold([0; 3], |sum, one| [0, 1, 2].map(|i| sum[i] + one[i]));
    assert!(decoded >= 32 && refused >= 20 && compared >= 30);
}

/// The largest distance of a channel from the manifest's grid: 16 cells, mean colours, upright, ICC to sRGB, on white.
fn grid_distance(decoded: Decoded, header: &Header, grid: &[Value]) -> f64 {
    let Decoded { mut picture, color, .. } = decoded;
    to_srgb(&mut picture, &color).expect("the colours convert");
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
            let alpha = pixel.get(3).map_or(1.0, |&a| f64::from(a) / 255.0);
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
