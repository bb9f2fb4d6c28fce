//! Every file cut at 64 lengths, and with 64 draws of changed bytes: an answer in words or a picture, in bounded time and memory.
//!
//! A damaged copy is told by its file, its kind and a number, and is the same on every machine: `CALOTYPE_CASE=file:kind:seed` does it again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use calotype_codec::{Budget, CodecError, DecodeRequest, decode, decode_animation, probe, to_srgb};
use calotype_engine::{Job, NoModels, NoOverlays, run as run_job};
use calotype_plan::{AcceptedFormats, ClientHints, Limits, Options};
use serde::{Deserialize, Serialize};

use crate::child::{Case, Done};
use crate::corpus::{Corpus, Entry};
use crate::meter::Meter;
use crate::pool::{End, Worker, each};
use crate::random::Random;

/// Copies of each kind of each file.
const COPIES: u64 = 64;
/// Without `all`, one copy of this many is taken.
const ONE_OF: u64 = 50;
/// Bytes changed in one copy, at most.
const FLIPPED_BYTES_MAX: u64 = 8;
/// Processor time that one copy may take.
const CPU_MS_MAX: u64 = 10_000;
/// The longest that a job may take before it ends itself.
const DEADLINE: Duration = Duration::from_secs(10);
/// What a copy may take beside what it accounts for.
const UNACCOUNTED_BYTES_MAX: u64 = 64 << 20;
/// What is done to the copies, in turn: small results of every writer that is quick.
const OPTIONS: [&str; 4] = [
    "w=64,f=webp",
    "w=64,h=48,fit=cover,metadata=keep,f=jpeg",
    "trim=border,rotate=90,w=64,f=png",
    "w=64,f=gif,svg=raster",
];

/// How a copy is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Damage {
    pub(crate) kind: Kind,
    /// 0..64.
    pub(crate) seed: u64,
}

/// The kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The end is missing.
    Cut,
    /// Some bytes have other values.
    Flip,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Flip => "flip",
        }
    }
}

/// How a copy was answered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    decoded: bool,
    /// Of the whole job: 0 for a result, else the code.
    code: u16,
    cpu_ms: u64,
    accounted_bytes: u64,
    growth_bytes: u64,
    /// What must not be.
    wrong: Option<String>,
}

/// The damaged copy.
fn damaged(file: &str, bytes: &[u8], damage: &Damage) -> Vec<u8> {
    let length = bytes.len() as u64;
    let mut random = Random::of(file, damage.seed << 1 | u64::from(damage.kind == Kind::Flip));
    let near_the_start = damage.seed.is_multiple_of(2);
    match damage.kind {
        Kind::Cut => {
            // From nothing at all to all but the last byte; structures live at the start, so half of the cuts fall there.
            let keep = match damage.seed {
                0 => 0,
                1 => length.saturating_sub(1),
                _ if near_the_start => random.below(length.min(1024)),
                _ => random.below(length),
            };
            bytes[..usize::try_from(keep).unwrap()].to_vec()
        }
        Kind::Flip => {
            let mut copy = bytes.to_vec();
            // Half of the copies differ in one byte.
            let count = if damage.seed < COPIES / 2 {
                1
            } else {
                1 + random.below(FLIPPED_BYTES_MAX)
            };
            for _ in 0..count {
                let at = random.below(if near_the_start { length.min(512) } else { length });
                let bits = u8::try_from(1 + random.below(255)).unwrap();
                if let Some(byte) = copy.get_mut(usize::try_from(at).unwrap()) {
                    *byte ^= bits;
                }
            }
            copy
        }
    }
}

/// The bounds: those of a small server, so that memory without bound shows.
fn limits() -> Limits {
    Limits {
        side_px_max: 65_535,
        source_area_px_max: 20_000_000,
        animation_area_px_max: 20_000_000,
        animation_area_px_refused: 40_000_000,
        job_memory_bytes_max: 512 << 20,
        ..Limits::default()
    }
}

/// In the child: one copy through everything that reads it.
pub(crate) fn try_out(file: &str, bytes: &[u8], damage: &Damage) -> Seen {
    let bytes = damaged(file, bytes, damage);
    let limits = limits();
    let meter = Meter::start();
    let mut seen = Seen::default();
    let budget = Budget::new(limits.job_memory_bytes_max);
    if let Ok(header) = probe(&bytes, &limits) {
        let still = read_still(&bytes, &header, &limits, &budget, damage.seed);
        seen.decoded = still.is_ok();
        if matches!(still, Err(CodecError::Encode { .. })) {
            seen.wrong = Some("a decoder spoke of encoding".to_owned());
        }
        if header.frames_area <= limits.animation_area_px_refused
            && let Ok(frames) = decode_animation(&bytes, &header, &limits, &budget)
        {
            // Every frame until the first that cannot be read.
            for frame in frames.map_while(Result::ok) {
                if frame.picture.size() != header.size {
                    seen.wrong = Some(format!(
                        "a frame is {} on a canvas of {}",
                        frame.picture.size(),
                        header.size
                    ));
                }
            }
        }
    }
    if budget.held() != 0 {
        seen.wrong = Some(format!(
            "{} bytes are still charged when everything has been dropped",
            budget.held()
        ));
    }
    let options = OPTIONS[usize::try_from(damage.seed).unwrap() % OPTIONS.len()];
    let plan = Options::parse_url(options, &limits)
        .unwrap()
        .plan(&ClientHints::default())
        .plan;
    let result = run_job(&Job {
        plan: &plan,
        source: &bytes,
        overlays: &NoOverlays,
        accepted: AcceptedFormats::default(),
        limits: &limits,
        vision: &NoModels,
        deadline: Instant::now().checked_add(DEADLINE),
        hosted: false,
    });
    seen.accounted_bytes = budget.peak();
    match result {
        Ok(outcome) => {
            seen.accounted_bytes = seen.accounted_bytes.max(outcome.memory_peak_bytes);
            if !outcome.passed_through && calotype_codec::sniff(&outcome.bytes) != outcome.format.image_format() {
                seen.wrong = Some(format!("what was sent as {} is something else", outcome.content_type));
            }
        }
        Err(fault) => {
            seen.code = fault.code();
            // No image, over a limit, damaged, not decoded here, too slow: theirs. Everything else would be ours.
            let is_theirs = matches!(fault.code(), 9412 | 9413 | 9516 | 9520) && fault.status() < 500;
            if !is_theirs && fault.code() != 9529 {
                seen.wrong = Some(fault.to_string());
            }
        }
    }
    seen.cpu_ms = meter.cpu_ms();
    seen.growth_bytes = meter.growth();
    seen
}

fn read_still(
    bytes: &[u8],
    header: &calotype_codec::Header,
    limits: &Limits,
    budget: &Budget,
    seed: u64,
) -> Result<(), CodecError> {
    let request = DecodeRequest {
        scale: 1 << (seed % 4),
        ..DecodeRequest::default()
    };
    let mut decoded = decode(bytes, header, &request, limits, budget)?;
    let _ = (decoded.metadata.copyright_only(), decoded.metadata.kept());
    to_srgb(&mut decoded.picture, &decoded.color)
}

/// What came of all copies.
#[derive(Default)]
struct Report {
    cases: BTreeMap<String, [u64; 3]>,
    codes: BTreeMap<u16, u64>,
    slowest: Vec<(u64, String)>,
    largest: Vec<(u64, u64, String)>,
    wrong: Vec<String>,
}

/// Runs all copies, or a seeded share; gives what is wrong.
pub(crate) fn run(corpus: &Corpus, all: bool) -> Vec<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let log_path = folder.join(if all { "damage-all.log" } else { "damage.log" });
    let log = Mutex::new(BufWriter::new(File::create(&log_path).unwrap()));
    let report = Mutex::new(Report::default());
    // The share is drawn over copies, not files: every folder has some.
    let mut cases: Vec<(&Entry, Vec<Damage>)> = Vec::new();
    for entry in &corpus.entries {
        let kinds = [Kind::Cut, Kind::Flip]
            .into_iter()
            .flat_map(|kind| (0..COPIES).map(move |seed| Damage { kind, seed }));
        let mut random = Random::of(&entry.name, 0xd4a6);
        let taken: Vec<Damage> = kinds.filter(|_| all || random.below(ONE_OF) == 0).collect();
        cases.push((entry, taken));
    }
    cases.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.bytes));
    let late = AtomicBool::new(false);
    each(&cases, Worker::new, |worker, (entry, damages)| {
        for damage in damages {
            let name = format!("{}:{}:{}", entry.name, damage.kind.name(), damage.seed);
            let (seen, wrong) = judge(worker.ask(&Case::Damage {
                file: entry.name.clone(),
                damage: *damage,
            }));
            let line = match &seen {
                Some(seen) => format!(
                    "{name} {} {} {} ms {} MiB",
                    if seen.decoded { "decoded" } else { "refused" },
                    seen.code,
                    seen.cpu_ms,
                    seen.accounted_bytes >> 20
                ),
                None => format!("{name} -"),
            };
            let note = wrong.as_ref().map_or(String::new(), |wrong| format!(" WRONG {wrong}"));
            if writeln!(log.lock().unwrap(), "{line}{note}").is_err() {
                late.store(true, Ordering::Relaxed);
            }
            report.lock().unwrap().add(entry.folder(), &name, seen.as_ref(), wrong);
        }
    });
    log.into_inner().unwrap().flush().unwrap();
    assert!(!late.load(Ordering::Relaxed), "the log could not be written");
    let mut report = report.into_inner().unwrap();
    report.print(&log_path);
    report.wrong.sort();
    report.wrong
}

/// Does one copy again, and says what it gave.
pub(crate) fn one(corpus: &Corpus, file: &str, kind: &str, seed: &str) -> Vec<String> {
    let entry = corpus.entry(file);
    let kind = match kind {
        "cut" => Kind::Cut,
        "flip" => Kind::Flip,
        _ => panic!("{kind} is neither cut nor flip"),
    };
    let damage = Damage {
        kind,
        seed: seed.parse().unwrap(),
    };
    let bytes = damaged(file, &std::fs::read(corpus.folder.join(file)).unwrap(), &damage);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.damaged", file.replace('/', "_")));
    std::fs::write(&path, bytes).unwrap();
    println!("the damaged copy: {}", path.display());
    let (seen, wrong) = judge(Worker::new().ask(&Case::Damage {
        file: entry.name.clone(),
        damage,
    }));
    println!("{seen:?}");
    wrong.into_iter().collect()
}

fn judge(end: End) -> (Option<Seen>, Option<String>) {
    let mut seen = match end {
        End::Done(Done::Damage(seen)) => seen,
        End::Done(Done::Panic(text)) => return (None, Some(format!("panic: {text}"))),
        End::Done(other) => return (None, Some(format!("the child answered something else: {other:?}"))),
        End::Died(text) => return (None, Some(format!("crash: {text}"))),
        End::Hung(patience) => return (None, Some(format!("no answer after {patience:?}"))),
    };
    let mut wrong = seen.wrong.take();
    if seen.cpu_ms > CPU_MS_MAX {
        wrong = Some(format!("took {} ms of processor time", seen.cpu_ms));
    }
    if seen.growth_bytes > seen.accounted_bytes + UNACCOUNTED_BYTES_MAX {
        let (grown, accounted) = (seen.growth_bytes >> 20, seen.accounted_bytes >> 20);
        wrong = Some(format!(
            "grew by {grown} MiB, of which {accounted} MiB were accounted for"
        ));
    }
    (Some(seen), wrong)
}

impl Report {
    fn add(&mut self, folder: &str, name: &str, seen: Option<&Seen>, wrong: Option<String>) {
        let cases = self.cases.entry(folder.to_owned()).or_default();
        cases[0] += 1;
        if let Some(seen) = seen {
            cases[if seen.decoded { 1 } else { 2 }] += 1;
            *self.codes.entry(seen.code).or_default() += 1;
            keep_most(&mut self.slowest, (seen.cpu_ms, name.to_owned()));
            let unaccounted = seen.growth_bytes.saturating_sub(seen.accounted_bytes);
            keep_most(&mut self.largest, (unaccounted, seen.growth_bytes, name.to_owned()));
        }
        self.wrong.extend(wrong.map(|wrong| format!("{name}: {wrong}")));
    }

    fn print(&self, log: &Path) {
        println!(
            "damage:\n  {:<18}{:>9}{:>9}{:>9}",
            "folder", "copies", "decoded", "refused"
        );
        let mut all = [0; 3];
        for (folder, cases) in &self.cases {
            println!("  {folder:<18}{:>9}{:>9}{:>9}", cases[0], cases[1], cases[2]);
            all.iter_mut().zip(cases).for_each(|(all, cases)| *all += cases);
        }
        println!("  {:<18}{:>9}{:>9}{:>9}", "all", all[0], all[1], all[2]);
        println!("  jobs by code, 0 a result: {:?}", self.codes);
        for (cpu_ms, name) in &self.slowest {
            println!("  slow: {cpu_ms} ms {name}");
        }
        for (unaccounted, growth, name) in &self.largest {
            println!(
                "  large: {} MiB, {} of them not accounted for: {name}",
                growth >> 20,
                unaccounted >> 20
            );
        }
        println!("  every copy: {}", log.display());
    }
}

/// Keeps the five largest.
fn keep_most<T: Ord>(most: &mut Vec<T>, new: T) {
    most.push(new);
    most.sort_unstable_by(|a, b| b.cmp(a));
    most.truncate(5);
}
