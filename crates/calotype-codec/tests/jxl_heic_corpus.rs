//! JPEG XL and HEIC against a corpus of real and damaged files: verdicts, sizes and colours.
//!
//! The corpus is found by `CALOTYPE_SHARED`. Without it the tests say so and pass, except under CI, where they fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calotype_codec::{
    Budget, CodecError, DecodeRequest, Decoded, Header, decode, decode_animation, heic_decoder, probe, to_srgb,
};
use calotype_plan::{Limits, Orientation, Size};
use serde_json::Value;

/// Memory for one job, far above what the honest files of the corpus need.
const BYTES_MAX: u64 = 1 << 30;

/// What no file may take: two seconds of a core at most, on a machine that may be busy with much else.
const TIME_MAX: Duration = Duration::from_secs(30);

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

/// One pixel of a file made by a fuzzer, for which libjxl computes 0 and jxl-oxide 32. Nobody's picture.
const NOT_COMPARED: &str = "jxl-bad/jxl-oxide/rct_zero_sized.jxl";

/// Grids that stand for the manifest's, 16 cells of red, green and blue.
///
/// - `animation_*`: the manifest has another frame than the first. These are of the first, by djxl 0.7.
/// - `hdr_hlg_test`: the manifest has no tone map. This is BT.2100 and our documented tone map, computed by NumPy from the
///   samples of djxl.
/// - `cmyk_layers`: the manifest takes cyan, magenta and yellow for red, green and blue. These are the five channels of
///   djxl, and its profile, through LittleCMS.
#[rustfmt::skip]
const OTHER_GRIDS: [(&str, &[[u8; 3]]); 5] = [
    ("jxl/codec-corpus/animation_distance_3_0.jxl", &[[241; 3], [201, 122, 125], [205, 117, 121], [241; 3], [218; 3], [144, 98, 97], [148, 95, 96],
        [218; 3], [218; 3], [118; 3], [118; 3], [218; 3], [244; 3], [162; 3], [162; 3], [243; 3]]),
    ("jxl/codec-corpus/animation_effort_3.jxl", &[[241; 3], [201, 121, 122], [205, 117, 119], [241; 3], [218; 3], [144, 97, 98], [147, 95, 97],
        [218; 3], [218; 3], [118; 3], [118; 3], [218; 3], [243; 3], [162; 3], [162; 3], [243; 3]]),
    ("jxl/codec-corpus/animation_progressive.jxl", &[[241; 3], [201, 121, 121], [205, 118, 119], [241; 3], [218; 3], [145, 97, 97], [148, 95, 95],
        [218; 3], [218; 3], [118; 3], [118; 3], [218; 3], [243; 3], [162; 3], [162; 3], [243; 3]]),
    ("jxl/codec-corpus/hdr_hlg_test.jxl", &[[42; 3], [109; 3], [174; 3], [240; 3], [86; 3], [125; 3], [161; 3], [199; 3], [0, 13, 11], [0, 48, 42],
        [0, 81, 73], [0, 116, 108], [27, 12, 12], [100, 47, 45], [169, 78, 77], [238, 112, 112]]),
    ("jxl/conformance/cmyk_layers.jxl", &[[255; 3], [220; 3], [255; 3], [255; 3], [229, 247, 247], [202, 197, 203], [215, 218, 222], [230, 248, 247],
        [249, 247, 245], [210, 217, 209], [212, 219, 209], [253, 252, 251], [254; 3], [249, 247, 245], [248, 246, 244], [254, 254, 253]]),
];

/// The entries of the manifest that are of a kind by content or by name.
fn entries(corpus: &Path, formats: &[&str]) -> Vec<Value> {
    let manifest = std::fs::read(corpus.join("manifest.json")).expect("the manifest is there");
    let mut manifest: Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let Value::Array(files) = manifest["files"].take() else {
        panic!("the manifest lists files")
    };
    let ours = |entry: &Value| {
        let folder = entry["file"]
            .as_str()
            .unwrap_or_default()
            .split('/')
            .next()
            .unwrap_or_default();
        let is_named = formats
            .iter()
            .any(|format| folder == *format || folder == format!("{format}-bad"));
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
    assert_eq!(
        budget.held(),
        decoded.picture.data().len() as u64,
        "working memory is given back"
    );
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
    if let (Some(grid), "decodes") = (entry["display_grid"].as_array(), expected)
        && name != NOT_COMPARED
    {
        counts[2] += 1;
        let number = |value: &Value| value.as_f64().expect("a grid holds numbers");
        let grid: Vec<[f64; 3]> = match OTHER_GRIDS.iter().find(|(file, _)| *file == name) {
            Some((_, grid)) => grid.iter().map(|cell| cell.map(f64::from)).collect(),
            None => grid
                .iter()
                .map(|cell| [0, 1, 2].map(|channel| number(&cell[channel])))
                .collect(),
        };
        let by = entry["display_grid_by"].as_str().unwrap_or_default();
        let agree = (0..=3).any(|levels| by.ends_with(&format!("agree within {levels}")));
        let tolerance = if agree { 6.0 } else { 10.0 };
        let off = grid_distance(decoded, &header, &grid);
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
        judge(&entry, open(&bytes), &mut counts, &mut wrong);
    }
    print(&counts);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let [decoded, refused, compared] = counts
        .values()
        .fold([0; 3], |sum, one| [0, 1, 2].map(|i| sum[i] + one[i]));
    assert!(decoded >= 32 && refused >= 20 && compared >= 30);
}

#[test]
fn every_heic_file_is_answered_as_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    match heic_decoder() {
        Some(version) => eprintln!("HEIC pixels by {version}"),
        None => eprintln!("left out: libheif is not installed, so headers alone are compared"),
    }
    let (mut wrong, mut counts) = (Vec::new(), Counts::new());
    for entry in entries(&corpus, &["heic", "heif"]) {
        let name = entry["file"].as_str().expect("a file has a name");
        let bytes = std::fs::read(corpus.join(name)).expect("the file is there");
        match open(&bytes) {
            // A header is read without a decoder, and the error says who can do what.
            Err(error @ CodecError::NotInstalled { .. }) => {
                assert!(
                    heic_decoder().is_none() && error.to_string().contains("libheif"),
                    "{name}: {error}"
                );
                let header = probe(&bytes, &Limits::default()).expect("decoding began");
                check_header(name, &entry, &header, &mut wrong);
            }
            answer => judge(&entry, answer, &mut counts, &mut wrong),
        }
    }
    print(&counts);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let [decoded, refused, compared] = counts
        .values()
        .fold([0; 3], |sum, one| [0, 1, 2].map(|i| sum[i] + one[i]));
    assert!(refused >= 30);
    assert!(heic_decoder().is_none() || (decoded >= 6 && compared >= 6));
}

#[test]
fn every_frame_of_a_jpeg_xl_animation_is_given() {
    let Some(corpus) = corpus() else { return };
    let (limits, mut animated) = (Limits::default(), 0);
    for entry in entries(&corpus, &["jxl"]) {
        let name = entry["file"].as_str().expect("a file has a name");
        let bytes = std::fs::read(corpus.join(name)).expect("the file is there");
        let Ok(header) = probe(&bytes, &limits) else { continue };
        let Ok((_, still)) = open(&bytes) else { continue };
        let begun = Instant::now();
        let budget = Budget::new(BYTES_MAX);
        let animation = decode_animation(&bytes, &header, &limits, &budget).expect("it begins");
        assert_eq!(animation.color, still.color, "{name}");
        let mut frames = 0;
        for frame in animation {
            let frame = frame.unwrap_or_else(|error| panic!("{name}, frame {frames}: {error}"));
            if frames == 0 {
                assert!(
                    frame.picture.data() == still.picture.data(),
                    "{name}: the first frame is the picture"
                );
            }
            assert!(
                header.frames == 1 || frame.duration > Duration::ZERO,
                "{name}, frame {frames}"
            );
            frames += 1;
        }
        assert_eq!((frames, budget.held()), (header.frames, 0), "{name}");
        assert!(begun.elapsed() < TIME_MAX, "{name} took {:?}", begun.elapsed());
        animated += usize::from(frames > 1);
    }
    assert_eq!(animated, 4);
}

#[test]
fn cut_and_damaged_files_are_answered_or_refused_but_never_hang() {
    let Some(corpus) = corpus() else { return };
    let mut files: Vec<Vec<u8>> = Vec::new();
    for entry in entries(&corpus, &["jxl", "heic", "heif"]) {
        let area = entry["width"].as_u64().unwrap_or(0) * entry["height"].as_u64().unwrap_or(0);
        // Small files find the same faults as large ones, sooner.
        if area < 400_000 && entry["bytes"].as_u64().is_some_and(|bytes| bytes < 60_000) {
            files.push(
                std::fs::read(corpus.join(entry["file"].as_str().unwrap_or_default())).expect("the file is there"),
            );
        }
    }
    assert!(files.len() > 80, "{} files to damage", files.len());
    let refused: usize = files
        .iter()
        .enumerate()
        .map(|(index, bytes)| damage(index, bytes))
        .sum();
    // Most damage is found; if it were not, the decoders would not be looking.
    assert!(refused > files.len() * 6, "{refused} refused of {} files", files.len());
}

/// Opens cut and damaged copies of a file; gives how many were refused.
fn damage(index: usize, bytes: &[u8]) -> usize {
    let mut refused = 0;
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ index as u64);
    for part in [0, 1, 3, 7, 9] {
        refused += usize::from(open(&bytes[..bytes.len() * part / 10]).is_err());
    }
    for flips in [1, 1, 2, 4, 8, 16] {
        let mut damaged = bytes.to_vec();
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

/// The largest distance of a channel from the manifest's grid: 16 cells, mean colours, upright, ICC to sRGB, on white.
fn grid_distance(decoded: Decoded, header: &Header, grid: &[[f64; 3]]) -> f64 {
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
            off = off.max((sum[channel] / sum[3] - expected[channel]).abs());
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
