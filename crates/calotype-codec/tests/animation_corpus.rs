//! Real animations: every frame, duration and loop count against Pillow (`reference/frames.py`), and files that are cut and
//! damaged.
//!
//! Needs the corpus (`CALOTYPE_SHARED`), and for the comparison a Python with Pillow: `CALOTYPE_PYTHON`, or `python3`.
//! Without them the tests say what they left out; under `CI=true` they fail.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use calotype_codec::{
    Budget, CodecError, DecodeRequest, Frame, Header, Layout, Loops, Picture, decode, decode_animation, probe,
};
use calotype_plan::{ImageFormat, Limits, Size};
use serde_json::Value;

/// Formats that have animations.
const FORMATS: &[ImageFormat] = &[ImageFormat::Gif, ImageFormat::Png, ImageFormat::Webp, ImageFormat::Avif];

/// Frames that differ from Pillow's, and why we are right.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "gif/image/issue_1455_undersized.gif",
        "the first frame asks to be cleared, as browsers do; Pillow leaves it when it is smaller than the screen",
    ),
    (
        "apng/Pillow/sequence_start.png",
        "its frames are out of order, so the default image stands for them; the reference shows nothing",
    ),
];

/// How often image sequences are played by their edit lists, read by hand; 0 is without end.
const AVIF_PLAYS: &[(&str, u64)] = &[
    ("avif/libavif/colors-animated-8bpc-alpha-exif-xmp.avif", 0),
    ("avif/avif-sample-images/star-8bpc.avifs", 1),
    ("avif/avif-sample-images/star-10bpc.avifs", 1),
];

/// GIFs of which Pillow paints what no frame has painted in the background colour, where browsers leave it transparent.
/// The rest of their pixels is compared.
const BEHIND: &[&str] = &[
    "gif-bad/pygif/image-outside-bg.gif",
    "gif-bad/pygif/missing-pixels.gif",
    "gif-bad/synthetic/no-trailer-2-frames.gif",
    "gif-bomb/synthetic/5000-frames-16x16.gif",
    "gif-bomb/synthetic/area-4000x3000-300-frames.gif",
    "gif/image/border_touching_layers.gif",
    "gif/image/issue_1455_undersized.gif",
    "gif/pygif/dispose-restore-background.gif",
    "gif/pygif/high-color.gif",
    "gif/pygif/image-inside-bg.gif",
    "gif/pygif/image-overlap-bg.gif",
    "gif/pygif/images-combine.gif",
];

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

fn python() -> Option<String> {
    let python = std::env::var("CALOTYPE_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python)
        .args([
            "-c",
            "import PIL, sys; sys.exit(int(PIL.__version__.split('.')[0]) < 11)",
        ])
        .output()
        .is_ok_and(|output| output.status.success());
    if found {
        return Some(python);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no Python with Pillow 11 or newer: set CALOTYPE_PYTHON, or `pip install pillow`"
    );
    eprintln!(
        "left out: all comparisons with Pillow, for there is no Python with Pillow 11 or newer (CALOTYPE_PYTHON, python3)"
    );
    None
}

/// Sides may be larger than the default, and so may frames be in number.
fn limits() -> Limits {
    Limits {
        side_px_max: 70_000,
        ..Limits::default()
    }
}

/// The files of the corpus in formats that have animations, and whether the manifest says that there is one.
fn files(corpus: &Path) -> Vec<(String, Vec<u8>, Value)> {
    let manifest: Value = serde_json::from_slice(&std::fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let names = FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>();
    manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| names.contains(&entry["format"].as_str().unwrap_or_default()))
        .map(|entry| {
            let name = entry["file"].as_str().unwrap().to_owned();
            let bytes = std::fs::read(corpus.join(&name)).unwrap();
            (name, bytes, entry.clone())
        })
        .collect()
}

/// Pillow, which answers file by file.
struct Reference {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    fn start(python: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/frames.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::with_capacity(1 << 20, process.stdout.take().unwrap());
        Self { process, answers }
    }

    fn ask(&mut self, file: &Path) -> Value {
        writeln!(self.process.stdin.as_mut().unwrap(), "{}", file.display()).unwrap();
        self.line()
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The next frame: its duration and its samples, or why there is none: nothing at the end.
    fn frame(&mut self) -> Result<(Option<f64>, Vec<u8>), Option<String>> {
        let line = self.line();
        let Some(bytes) = line["bytes"].as_u64() else {
            return Err(line["end"].as_str().map(str::to_owned));
        };
        let mut samples = vec![0; bytes as usize];
        self.answers.read_exact(&mut samples).unwrap();
        Ok((line["duration_ms"].as_f64(), samples))
    }

    /// Skips what is left of a file.
    fn skip(&mut self) {
        while self.frame().is_ok() {}
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What was compared of one folder.
#[derive(Default, Debug)]
struct Count {
    files: usize,
    animated: usize,
    frames: usize,
    refused: usize,
}

#[test]
fn frames_durations_and_loops_are_those_of_the_reference() {
    let (Some(corpus), Some(python)) = (corpus(), python()) else {
        return;
    };
    let mut reference = Reference::start(&python);
    let (mut wrong, mut counts) = (BTreeMap::new(), BTreeMap::<String, Count>::new());
    let only = std::env::var("CALOTYPE_ONLY").unwrap_or_default();
    for (name, bytes, entry) in files(&corpus) {
        let may_move = entry["frames"].as_u64().is_none_or(|frames| frames > 1) || !name.contains("-large/");
        if !may_move || !name.contains(&only) {
            continue;
        }
        let count = counts.entry(name.split('/').next().unwrap().to_owned()).or_default();
        count.files += 1;
        let header = probe(&bytes, &limits()).and_then(|header| header.check(&limits()).map(|()| header));
        let Ok(header) = header else {
            count.refused += 1;
            continue;
        };
        if header.format != ImageFormat::Gif && !header.is_animated() {
            continue;
        }
        let facts = reference.ask(&corpus.join(&name));
        if facts["error"].is_string() {
            count.refused += 1;
            continue;
        }
        match compare(&name, &bytes, &header, &entry, &facts, &mut reference) {
            Ok(0) => count.refused += 1,
            Ok(frames) => {
                count.frames += frames;
                count.animated += usize::from(frames > 1);
            }
            Err(why) => {
                wrong.insert(name, why);
            }
        }
    }
    for (folder, count) in counts.iter().filter(|(_, count)| count.frames > 0) {
        eprintln!(
            "{folder}: {} files, of which {} are refused by us or the reference; {} frames compared, {} animations",
            count.files, count.refused, count.frames, count.animated
        );
    }
    for (name, _) in DIFFERENT {
        assert!(
            wrong.remove(*name).is_some(),
            "{name} no longer differs: take it off the list"
        );
    }
    assert!(wrong.is_empty(), "{} files: {wrong:#?}", wrong.len());
}

/// Compares one file; gives how many frames were compared.
fn compare(
    name: &str,
    bytes: &[u8],
    header: &Header,
    entry: &Value,
    facts: &Value,
    reference: &mut Reference,
) -> Result<usize, String> {
    let outcome = frames(name, bytes, header, entry, facts, reference);
    if let Err((_, true)) = outcome {
        reference.skip();
    }
    outcome.map_err(|(why, _)| why)
}

/// As [`compare`]; an error says too whether the reference has more to say.
fn frames(
    name: &str,
    bytes: &[u8],
    header: &Header,
    entry: &Value,
    facts: &Value,
    reference: &mut Reference,
) -> Result<usize, (String, bool)> {
    let more = |why: String| (why, true);
    let size = Size::new(
        facts["width"].as_u64().unwrap() as u32,
        facts["height"].as_u64().unwrap() as u32,
    );
    let budget = Budget::new(1 << 30);
    let mut animation = match decode_animation(bytes, header, &limits(), &budget) {
        Ok(animation) => animation,
        Err(error) => {
            // A file that the reference cannot show either.
            return match reference.frame() {
                Err(Some(_)) => Ok(0),
                _ => Err(more(format!("refused: {error}"))),
            };
        }
    };
    let first = decode(bytes, header, &DecodeRequest::default(), &limits(), &budget);
    let mut wrong = Vec::new();
    // The manifest counts a default image as a frame, and one file claims more frames than a file can have.
    let listed = entry["frames"].as_u64().unwrap_or(1) - facts["extra"].as_u64().unwrap();
    if listed != u64::from(header.frames) && listed < u64::from(u32::MAX / 2) {
        wrong.push(format!(
            "{} frames in the header, {listed} in the manifest",
            header.frames
        ));
    }
    if header.frames_area != header.size.area() * u64::from(header.frames) {
        wrong.push(format!("{} pixels of all frames", header.frames_area));
    }
    // GIF counts repetitions, the others plays; Pillow gives both as they are stored, and says nothing of AVIF.
    let listed = AVIF_PLAYS
        .iter()
        .find(|(file, _)| *file == name)
        .map(|&(_, plays)| plays);
    let plays = match facts["loop"].as_u64() {
        None if header.format == ImageFormat::Avif => listed.unwrap_or(u64::MAX),
        None => 1,
        Some(0) => 0,
        Some(times) => times + u64::from(header.format == ImageFormat::Gif),
    };
    let ours = match animation.loops {
        Loops::Forever => 0,
        Loops::Times(times) => u64::from(times.get()),
    };
    if header.is_animated() && ours != plays {
        wrong.push(format!("{ours} plays instead of {plays}"));
    }
    let (mut seen, mut layout, mut background) = (0, None, None);
    let ended = loop {
        let want = reference.frame();
        let got = animation.next();
        match (got, want) {
            (Some(Ok(frame)), Ok((duration_ms, samples))) => {
                if seen == 0 && facts["extra"] == 0 {
                    let still = first.as_ref().map(|first| &first.picture);
                    if !still.is_ok_and(|still| same(&frame.picture, still)) {
                        wrong.push("the first frame is not the still".to_owned());
                    }
                }
                if *layout.get_or_insert(frame.picture.layout()) != frame.picture.layout() {
                    wrong.push("the layout changes".to_owned());
                }
                if frame.picture.size() != header.size || header.size != size {
                    return Err(more(format!("{} instead of {size}", frame.picture.size())));
                }
                let want = Duration::from_micros((duration_ms.unwrap_or_default() * 1000.0).round() as u64);
                if header.is_animated() && frame.duration.abs_diff(want) > Duration::from_millis(1) {
                    wrong.push(format!(
                        "frame {seen} is shown for {:?} instead of {want:?}",
                        frame.duration
                    ));
                }
                let behind = BEHIND.contains(&name).then_some(&mut background);
                if let Some(difference) = difference(
                    &frame.picture,
                    &samples,
                    tolerance(header),
                    behind,
                    header.format == ImageFormat::Avif,
                ) {
                    wrong.push(format!("frame {seen}: {difference}"));
                }
                seen += 1;
            }
            (None, Err(end)) => break end,
            (Some(Ok(_)), Err(Some(end))) if end == "area" => break None,
            (Some(Err(CodecError::Corrupt { .. })), Err(Some(_))) if seen == 0 => return Ok(0),
            (got, Ok(_)) => return Err(more(format!("{} after {seen} frames, {wrong:?}", describe(got)))),
            (got, Err(end)) => {
                wrong.push(format!(
                    "{} after {seen} frames, where the reference ends: {end:?}",
                    describe(got)
                ));
                break None;
            }
        }
    };
    if let Some(end) = ended {
        eprintln!("{name}: {seen} frames, the reference ends by {end}");
    }
    if wrong.is_empty() {
        Ok(seen)
    } else {
        let more = wrong.len().saturating_sub(6);
        wrong.truncate(6);
        Err((format!("{} and {more} more", wrong.join("; ")), false))
    }
}

fn describe(got: Option<Result<Frame, CodecError>>) -> String {
    match got {
        None => "ended".to_owned(),
        Some(Ok(_)) => "a frame".to_owned(),
        Some(Err(error)) => format!("an error ({error})"),
    }
}

fn same(a: &Picture, b: &Picture) -> bool {
    let pixels = |picture: &Picture| -> Vec<[u8; 4]> {
        let all = picture.data().chunks_exact(picture.channels());
        all.map(|p| [p[0], p[1], p[2], p.get(3).copied().unwrap_or(255)])
            .collect()
    };
    a.size() == b.size() && pixels(a) == pixels(b)
}

/// How far off a sample may be: libavif converts by libyuv, whose 6-bit coefficients are off by up to three levels; blending
/// is cut instead of rounded in libwebp.
fn tolerance(header: &Header) -> u8 {
    match header.format {
        ImageFormat::Avif => 3,
        ImageFormat::Webp => 2,
        _ => 0,
    }
}

/// The first and the largest difference of a picture from RGBA samples. Invisible pixels are equal. With `background` a
/// pixel may be invisible in the picture alone, if the samples have one and the same colour there in all frames.
fn difference(
    picture: &Picture,
    samples: &[u8],
    tolerance: u8,
    mut background: Option<&mut Option<[u8; 4]>>,
    odd_ends: bool,
) -> Option<String> {
    let channels = picture.channels();
    let (width, height) = (picture.size().width as usize, picture.size().height as usize);
    let (mut first, mut largest, mut count) = (None, 0, 0);
    for (index, (got, want)) in picture
        .data()
        .chunks_exact(channels)
        .zip(samples.as_chunks::<4>().0)
        .enumerate()
    {
        let got = [got[0], got[1], got[2], got.get(3).copied().unwrap_or(255)];
        // In the last column and row of an odd size libyuv repeats the chroma sample; ours is blended there too.
        let (x, y) = (index % width, index / width);
        if odd_ends && (width % 2 == 1 && x + 1 == width || height % 2 == 1 && y + 1 == height) {
            continue;
        }
        if got == *want || got[3] == 0 && want[3] == 0 {
            continue;
        }
        if let Some(background) = background.as_mut()
            && got[3] == 0
            && *background.get_or_insert(*want) == *want
        {
            continue;
        }
        let off = got.iter().zip(want).map(|(a, &b)| a.abs_diff(b)).max().unwrap_or(0);
        if off > tolerance {
            count += 1;
            largest = largest.max(off);
            first = first.or(Some((index, got, *want)));
        }
    }
    first.map(|(index, got, want)| {
        format!(
            "{count} pixels off by up to {largest}, at {},{} {got:?} instead of {want:?}",
            index % width,
            index / width
        )
    })
}

#[test]
fn cut_and_damaged_animations_end_early_or_are_refused_but_never_panic() {
    let Some(corpus) = corpus() else { return };
    let mut random = 0xa11ce_u64;
    let mut draw = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let small = Limits {
        source_area_px_max: 1_000_000,
        side_px_max: 70_000,
        ..Limits::default()
    };
    let (mut whole, mut early, mut refused) = (0, 0, 0);
    for (name, bytes, entry) in files(&corpus) {
        let animated = entry["frames"].as_u64().is_some_and(|frames| frames > 1);
        if bytes.len() > 60_000 || !animated {
            continue;
        }
        for round in 0..10 {
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
            let Ok(header) = probe(&broken, &small) else {
                refused += 1;
                continue;
            };
            let budget = Budget::new(64 << 20);
            let mut seen = 0;
            let outcome = decode_animation(&broken, &header, &small, &budget).and_then(|animation| {
                // A hundred frames of a file say as much as all.
                for frame in animation.take(100) {
                    let frame = frame?;
                    assert_eq!(frame.picture.size(), header.size, "{name}");
                    seen += 1;
                }
                Ok(())
            });
            assert_eq!(budget.held(), 0, "{name}");
            match outcome {
                Ok(()) if seen == header.frames.min(100) => whole += 1,
                Ok(()) => early += 1,
                Err(_) => refused += 1,
            }
        }
    }
    eprintln!("{whole} whole, {early} ended early, {refused} refused");
    assert!(whole > 50 && early > 10 && refused > 50);
}

#[test]
fn a_picture_that_does_not_move_is_one_frame() {
    let picture = Picture::from_raw(Size::new(2, 1), Layout::Rgb, vec![1, 2, 3, 4, 5, 6]).unwrap();
    let request = calotype_codec::EncodeRequest::Jpeg {
        quality: 100,
        progressive: false,
    };
    let budget = Budget::unlimited();
    let bytes = calotype_codec::encode(&picture, &request, &Default::default(), &budget).unwrap();
    let header = probe(&bytes, &limits()).unwrap();
    let mut animation = decode_animation(&bytes, &header, &limits(), &budget).unwrap();
    assert_eq!(animation.loops, Loops::ONCE);
    let frame = animation.next().unwrap().unwrap();
    assert_eq!(
        (frame.picture.size(), frame.duration),
        (Size::new(2, 1), Duration::ZERO)
    );
    assert!(animation.next().is_none());
}
