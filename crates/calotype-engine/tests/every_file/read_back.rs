//! Every decoded file in every output format, read back by decoders that are not ours: right size, frames and colours.
//!
//! The child writes the files, `read_back.py` reads them (Pillow, webpinfo, avifdec with dav1d) and holds them against the PNG of the same job, and
//! that against the manifest.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use calotype_codec::{
    Budget, CodecError, ColorProfile, DecodeRequest, Header, Loops, decode, decode_animation, probe, to_srgb,
};
use calotype_engine::{Job, NoModels, NoOverlays, run as run_job};
use calotype_plan::{AcceptedFormats, ClientHints, FormatChoice, ImageFormat, Options, OutputFormat, Quality, Warning};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::child::{Case, Done};
use crate::corpus::{Corpus, Entry, Expected};
use crate::exceptions;
use crate::facts::{exif_value, limits, pixels};
use crate::grid;
use crate::judge::{Finding, NOT_READ_YET};
use crate::pool::{End, Worker, each};
use crate::present;
use crate::random::Random;

/// Without `all`, one file of this many is taken.
const ONE_OF: u64 = 20;
/// Results are no wider: small enough for all of them to be read in minutes.
const OPTIONS: &str = "w=256,fit=scale-down";
/// The word for all findings here, in the list of exceptions.
pub(crate) const CHECK: &str = "result";
/// The longest side of a source.
const SIDE_PX_MAX: u32 = 65_535;

/// What was written of a file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Written {
    outputs: Vec<Output>,
    /// Jobs that failed, though the first did not.
    wrong: Vec<String>,
    /// The references see the same colours: an ICC profile or none.
    colors_comparable: bool,
    /// All of the canvas belongs to the first frame.
    is_covered: bool,
    animated: bool,
    /// The frames of the source. They are held against other decoders by the codec's own tests; no reader knows them all.
    frames: Vec<SourceFrame>,
    /// The source is played without end.
    is_endless: bool,
}

/// A frame of the source.
#[derive(Debug, Serialize, Deserialize)]
struct SourceFrame {
    /// In sRGB, upright.
    cells: Vec<[f64; 3]>,
    is_half_clear: bool,
    /// Some pixel cannot be seen.
    is_clear: bool,
    duration_ms: f64,
}

/// One result.
#[derive(Debug, Serialize, Deserialize)]
struct Output {
    name: String,
    path: PathBuf,
    content_type: String,
    size: (u32, u32),
    /// It is the source's own file.
    passed_through: bool,
    /// It has the source's own compressed data.
    is_rewrapped: bool,
}

/// The formats, with their names, `anim=false` or not, and the quality.
const FORMATS: &[(&str, FormatChoice, bool, Option<i128>)] = &[
    ("png", FormatChoice::PngForce, true, None),
    ("jpeg", FormatChoice::Jpeg, true, None),
    ("baseline-jpeg", FormatChoice::BaselineJpeg, true, None),
    ("webp", FormatChoice::Webp, true, None),
    ("webp-lossless", FormatChoice::Webp, true, Some(100)),
    ("avif", FormatChoice::Avif, true, None),
    ("gif", FormatChoice::Gif, true, None),
    ("rgb", FormatChoice::Rgb, true, None),
    ("rgba", FormatChoice::Rgba, true, None),
    ("json", FormatChoice::Json, true, None),
    ("gif-animated", FormatChoice::Gif, false, None),
    ("webp-animated", FormatChoice::Webp, false, None),
    ("webp-lossless-animated", FormatChoice::Webp, false, Some(100)),
];

/// In the child: writes a file in every format into a folder. An error is that of the first format.
pub(crate) fn write(bytes: &[u8], folder: &Path) -> Result<Written, String> {
    let limits = limits(SIDE_PX_MAX);
    let header = probe(bytes, &limits).map_err(|error| error.to_string())?;
    let (first, width, height) =
        present::gif(bytes).map_or(([0; 4], 0, 0), |gif| (gif.first, gif.first[2], gif.first[3]));
    let is_gif = header.format == ImageFormat::Gif;
    let mut written = Written {
        colors_comparable: !matches!(header.profile, ColorProfile::Gamma | ColorProfile::Cicp { .. }),
        is_covered: !is_gif
            || (first[0] == 0 && first[1] == 0 && width >= header.size.width && height >= header.size.height),
        animated: header.frames > 1 && !NOT_READ_YET.contains(&"animation"),
        ..Written::default()
    };
    if written.animated {
        read_frames(bytes, &header, &mut written).map_err(|error| error.to_string())?;
    }
    if header.bit_depth > 8 {
        written.outputs.extend(samples(bytes, &header, folder));
    }
    for &(name, format, still, quality) in FORMATS {
        if !still && !written.animated {
            continue;
        }
        let mut plan = Options::parse_url(OPTIONS, &limits)
            .unwrap()
            .plan(&ClientHints::default())
            .plan;
        plan.output.format = format;
        plan.output.still = still;
        plan.output.rasterize_svg = true;
        plan.output.quality = quality.map(Quality::clamped);
        let done = run_job(&Job {
            plan: &plan,
            source: bytes,
            overlays: &NoOverlays,
            accepted: AcceptedFormats::default(),
            limits: &limits,
            vision: &NoModels,
            deadline: None,
            hosted: false,
        });
        match done {
            Ok(done) => {
                let path = folder.join(name);
                std::fs::write(&path, &done.bytes).unwrap();
                let is_original = done.warnings.contains(&Warning::OriginalIsSmaller);
                if !done.passed_through {
                    written
                        .wrong
                        .extend(wrong_type(name, format, done.format, done.size.unwrap().longest()));
                }
                written.outputs.push(Output {
                    name: name.to_owned(),
                    path,
                    passed_through: done.passed_through,
                    is_rewrapped: is_original && !done.passed_through,
                    content_type: done.content_type.to_owned(),
                    size: done.size.map_or((0, 0), |size| (size.width, size.height)),
                });
            }
            Err(fault) if name == FORMATS[0].0 => return Err(fault.to_string()),
            // An animation that is too large to be played is refused; its first frame is not.
            Err(fault) if !still && fault.code() == 9413 => {}
            Err(fault) => written.wrong.push(format!("{name}: {fault}")),
        }
    }
    Ok(written)
}

/// The decoder's own RGBA, before orientation and colour, of a file that is decoded.
fn samples(bytes: &[u8], header: &Header, folder: &Path) -> Option<Output> {
    let budget = Budget::unlimited();
    let request = DecodeRequest {
        keep_colors: true,
        ..DecodeRequest::default()
    };
    let decoded = decode(bytes, header, &request, &limits(SIDE_PX_MAX), &budget).ok()?;
    // What 8 bits cannot hold as it is has been converted, and the reference's samples are not.
    let is_srgb = matches!(header.profile, ColorProfile::Untagged | ColorProfile::Srgb);
    if !is_srgb && decoded.metadata.icc.is_none() {
        return None;
    }
    let path = folder.join("samples");
    std::fs::write(&path, decoded.picture.into_rgba(&budget).ok()?.data()).unwrap();
    Some(Output {
        name: "samples".to_owned(),
        path,
        passed_through: false,
        is_rewrapped: false,
        content_type: "application/octet-stream".to_owned(),
        size: (header.size.width, header.size.height),
    })
}

/// What the results of an animation are compared with.
fn read_frames(bytes: &[u8], header: &Header, written: &mut Written) -> Result<(), CodecError> {
    let budget = Budget::unlimited();
    let animation = decode_animation(bytes, header, &limits(SIDE_PX_MAX), &budget)?;
    let color = animation.color.clone();
    written.is_endless = animation.loops == Loops::Forever;
    for frame in animation {
        let mut frame = frame?;
        to_srgb(&mut frame.picture, &color)?;
        let picture = pixels(&frame.picture);
        let clear = |pixel: &[u8]| matches!(pixel, [_, _, _, 0]);
        let half_clear = |pixel: &[u8]| matches!(pixel, [_, _, _, 1..=254]);
        written.frames.push(SourceFrame {
            cells: grid::grid(&picture, exif_value(header.orientation)),
            is_half_clear: frame
                .picture
                .data()
                .chunks_exact(frame.picture.channels())
                .any(half_clear),
            is_clear: frame.picture.data().chunks_exact(frame.picture.channels()).any(clear),
            duration_ms: frame.duration.as_secs_f64() * 1000.0,
        });
    }
    Ok(())
}

/// A word if the format is not the one that was asked for, and no side is too long for it (spec 9.1, 9.3).
fn wrong_type(name: &str, asked: FormatChoice, got: OutputFormat, side: u32) -> Option<String> {
    let wanted = match asked {
        FormatChoice::PngForce => "image/png",
        FormatChoice::Jpeg | FormatChoice::BaselineJpeg if side <= 65_500 => "image/jpeg",
        FormatChoice::Webp if side <= 16_383 => "image/webp",
        FormatChoice::Avif if side <= 1_600 => "image/avif",
        FormatChoice::Avif if side <= 16_383 => "image/webp",
        FormatChoice::Gif => "image/gif",
        FormatChoice::Json => "application/json",
        FormatChoice::Rgb | FormatChoice::Rgba => "application/octet-stream",
        _ => return None,
    };
    (got.mime() != wanted).then(|| format!("{name}: sent as {}", got.mime()))
}

/// The reader and the lines to it.
struct Reader {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Reader {
    /// Starts `CALOTYPE_PYTHON`. `None` where there is no Python with Pillow.
    fn start() -> Option<(Self, Value)> {
        let python = std::env::var_os("CALOTYPE_PYTHON").unwrap_or_else(|| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/every_file/read_back.py");
        let started = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = started.ok()?;
        let (to, from) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        let mut reader = Self { process, to, from };
        let tools = reader.line()?;
        Some((reader, tools))
    }

    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.from.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    fn ask(&mut self, job: &Value) -> Option<Value> {
        writeln!(self.to, "{job}").ok()?;
        self.to.flush().ok()?;
        self.line()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Default)]
struct Report {
    folders: BTreeMap<String, [u32; 3]>,
    /// Of every lossy output: distances from the exact one, ours and Pillow's.
    distances: BTreeMap<String, Vec<(f64, f64, String)>>,
    outputs: BTreeMap<String, u32>,
    originals: u32,
    findings: Vec<Finding>,
}

/// Runs all files, or a seeded share; gives what is wrong.
pub(crate) fn run(corpus: &Corpus, all: bool) -> Vec<String> {
    let wanted = std::env::var("CI").as_deref() == Ok("true");
    let Some((_, tools)) = Reader::start() else {
        assert!(
            !wanted,
            "CALOTYPE_PYTHON must name a Python with Pillow and NumPy in CI"
        );
        println!("left out: reading results back, for CALOTYPE_PYTHON names no Python with Pillow and NumPy");
        return Vec::new();
    };
    for (tool, package) in [("webpinfo", "webp"), ("avifdec", "libavif-bin")] {
        if tools[tool] != true {
            assert!(!wanted, "{tool} must be installed in CI (Debian package {package})");
            println!("  left out: {tool}, which is not installed (Debian package {package})");
        }
    }
    let is_taken = |entry: &Entry| all || entry.is_cut() || Random::of(&entry.name, 0x4ead).below(ONE_OF) == 0;
    let mut entries: Vec<&Entry> = corpus
        .entries
        .iter()
        .filter(|entry| entry.expected != Expected::Refused && is_taken(entry))
        .collect();
    entries.sort_by_key(|entry| {
        std::cmp::Reverse(
            entry
                .stored
                .map_or(0, |(width, height)| u64::from(width) * u64::from(height)),
        )
    });
    // A file whose verdict is excepted has no grid to be held to.
    let excepted: Vec<String> = exceptions::read().into_iter().map(|exception| exception.file).collect();
    let report = Mutex::new(Report::default());
    let new = || (Worker::new(), Reader::start().unwrap().0, tempfile::tempdir().unwrap());
    each(&entries, new, |(worker, reader, folder), entry| {
        let has_grid = !excepted.contains(&entry.name);
        let done = one(corpus, entry, worker, reader, folder.path(), has_grid);
        report.lock().unwrap().add(entry, done);
    });
    let mut report = report.into_inner().unwrap();
    report.print();
    let is_seen = |file: &str| entries.iter().any(|entry| entry.name == file);
    exceptions::settle(report.findings, |check, file| check == CHECK && is_seen(file))
}

/// One file: what the reader says, `None` if the file is not decoded, or what went wrong on the way.
fn one(
    corpus: &Corpus,
    entry: &Entry,
    worker: &mut Worker,
    reader: &mut Reader,
    folder: &Path,
    has_grid: bool,
) -> Result<Option<(Written, Value)>, String> {
    let case = Case::Write {
        file: entry.name.clone(),
        folder: folder.to_owned(),
    };
    let written = match worker.ask(&case) {
        End::Done(Done::Write(Ok(written))) => written,
        // That is the verdicts' affair.
        End::Done(Done::Write(Err(_))) => return Ok(None),
        End::Done(Done::Panic(text)) => return Err(format!("panic: {text}")),
        End::Done(other) => return Err(format!("the child answered something else: {other:?}")),
        End::Died(text) => return Err(format!("crash: {text}")),
        End::Hung(patience) => return Err(format!("no answer after {patience:?}")),
    };
    let is_judged = has_grid && entry.expected == Expected::Decodes && entry.format != Some("svg");
    let grid = entry
        .other_grid
        .as_ref()
        .or(entry.grid.as_ref())
        .filter(|grid| is_judged && grid.len() == 16 && written.colors_comparable && written.is_covered);
    let job = json!({
        "path": corpus.folder.join(&entry.name),
        "bytes": entry.bytes,
        "format": entry.format,
        // The size of a drawing is the verdicts' affair; the reference's is not that of CSS.
        "shown": entry
            .shown
            .or(entry.stored)
            .filter(|_| entry.format != Some("svg"))
            .unwrap_or((0, 0)),
        "grid": grid,
        "cut_sha256": entry.sha256.as_ref().filter(|_| entry.is_cut()),
        "grid_tolerance": entry.grid_tolerance,
        "frames": written.frames,
        "is_endless": written.is_endless,
        "outputs": written.outputs,
    });
    let read = reader.ask(&job).ok_or_else(|| "the reader ended".to_owned())?;
    Ok(Some((written, read)))
}

impl Report {
    fn add(&mut self, entry: &Entry, done: Result<Option<(Written, Value)>, String>) {
        let counts = self.folders.entry(entry.folder().to_owned()).or_default();
        counts[0] += 1;
        let (written, read) = match done {
            Err(text) => return self.wrong(entry, text),
            Ok(None) => return,
            Ok(Some(done)) => done,
        };
        counts[1] += 1;
        counts[2] += u32::try_from(written.outputs.len()).unwrap();
        for output in &written.outputs {
            *self.outputs.entry(output.name.clone()).or_default() += 1;
        }
        self.originals += u32::try_from(written.outputs.iter().filter(|output| output.passed_through).count()).unwrap();
        for text in written.wrong {
            self.wrong(entry, text);
        }
        for wrong in read["wrong"].as_array().into_iter().flatten() {
            let (name, text) = (
                wrong[0].as_str().unwrap_or_default(),
                wrong[1].as_str().unwrap_or_default(),
            );
            self.wrong(entry, format!("{name}: {text}"));
        }
        for (name, distance) in read["distances"].as_object().into_iter().flatten() {
            let ours = distance[0].as_f64().or(distance.as_f64()).unwrap_or_default();
            let theirs = distance[1].as_f64().unwrap_or_default();
            self.distances
                .entry(name.clone())
                .or_default()
                .push((ours, theirs, entry.name.clone()));
        }
    }

    fn wrong(&mut self, entry: &Entry, text: String) {
        self.findings.push(Finding {
            file: entry.name.clone(),
            check: CHECK,
            text,
        });
    }

    fn print(&mut self) {
        println!(
            "read back:\n  {:<18}{:>6}{:>9}{:>9}",
            "folder", "files", "decoded", "results"
        );
        let mut all = [0; 3];
        for (folder, counts) in &self.folders {
            println!("  {folder:<18}{:>6}{:>9}{:>9}", counts[0], counts[1], counts[2]);
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        println!("  {:<18}{:>6}{:>9}{:>9}", "all", all[0], all[1], all[2]);
        println!(
            "  results: {:?}; {} of them are the source's own file",
            self.outputs, self.originals
        );
        println!("  levels from the exact picture, and of Pillow's encoder:");
        for (name, distances) in &mut self.distances {
            distances.sort_by(|a, b| a.0.total_cmp(&b.0));
            let at = |share: f64| &distances[((distances.len() - 1) as f64 * share) as usize];
            let (half, most, last) = (at(0.5), at(0.95), at(1.0));
            println!(
                "  {name:<16} half below {:.1} ({:.1}), 95 % below {:.1} ({:.1}), most {:.1} ({:.1}) {}",
                half.0, half.1, most.0, most.1, last.0, last.1, last.2
            );
        }
    }
}
