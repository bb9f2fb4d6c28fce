//! Cut and damaged pictures through whole jobs: a result or a refusal in words, never a panic, never without bound.
//!
//! A small, seeded share of the corpus that `CALOTYPE_SHARED` names; `HOSTILE_ONE_OF=1` takes all of it, and `fuzz/` does the same without end. Without the
//! corpus the test says what it left out; under `CI=true` it fails.

#![allow(clippy::unwrap_used)] // A test may end by it.
#![allow(clippy::print_stdout)] // What was done and what was left out is said.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calotype_engine::{Job, NoModels, NoOverlays, run};
use calotype_plan::{AcceptedFormats, ClientHints, ImageFormat, Limits, Options, Plan};

const SEED: u64 = 0x0ca1_0717;
/// One file of this many is taken, unless `HOSTILE_ONE_OF` says another number.
const ONE_OF: u64 = 10;
/// What is done to them, in turn. All results are at most 64 pixels wide.
const OPTIONS: [&str; 3] = [
    "w=64,f=webp",
    "w=64,h=48,fit=cover,gravity=auto,metadata=keep,f=jpeg",
    "trim=border,rotate=90,w=64,blur=2,f=png",
];
const CUTS: u64 = 16;
const FLIPS: u64 = 16;
/// Bytes changed in one damaged copy, at most.
const FLIPPED_BYTES_MAX: u64 = 8;
const DEADLINE: Duration = Duration::from_secs(10);
/// The deadline is looked at between steps: what one step may take beyond it.
const STEP: Duration = Duration::from_secs(5);

#[test]
fn cut_and_damaged_pictures_end_in_a_result_or_a_refusal() {
    let Some(folder) = corpus() else { return };
    let limits = Limits {
        job_memory_bytes_max: 512 << 20,
        ..Limits::default()
    };
    let plans = OPTIONS.map(|options| {
        let options = Options::parse_url(options, &limits).unwrap();
        options.plan(&ClientHints::default()).plan
    });
    let mut turn = plans.iter().cycle();
    let mut next_plan = || turn.next().unwrap();
    let one_of = std::env::var("HOSTILE_ONE_OF").map_or(ONE_OF, |number| number.parse().unwrap());
    let mut random = Random(SEED);
    let mut tally = Tally::default();
    let mut files = 0;
    for path in paths(&folder) {
        // Drawn for every file, so that a file's share does not depend on what the others are.
        let is_taken = random.below(one_of) == 0;
        let bytes = if is_taken {
            std::fs::read(&path).unwrap()
        } else {
            continue;
        };
        if !is_decoded_here(&bytes) {
            continue;
        }
        files += 1;
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let length = bytes.len() as u64;
        for n in 0..CUTS {
            // From nothing at all to all but the last byte; short heads are where parsers live, so half of the cuts fall there.
            let keep = match n {
                0 => 0,
                1 => length - 1,
                n if n % 2 == 0 => random.below(length.min(1024)),
                _ => random.below(length),
            };
            let cut = &bytes[..usize::try_from(keep).unwrap()];
            tally.add(next_plan(), &limits, cut, &|| format!("{name} cut to {keep} bytes"));
        }
        for n in 0..FLIPS {
            let mut damaged = bytes.clone();
            let mut changes = Vec::new();
            for _ in 0..=random.below(FLIPPED_BYTES_MAX) {
                let near_the_start = n % 2 == 0;
                let at = random.below(if near_the_start { length.min(512) } else { length });
                let bits = u8::try_from(1 + random.below(255)).unwrap();
                damaged[usize::try_from(at).unwrap()] ^= bits;
                changes.push((at, bits));
            }
            tally.add(next_plan(), &limits, &damaged, &|| {
                format!("{name} with bytes xor-ed: {changes:?}")
            });
        }
    }
    println!(
        "{files} files, {} damaged copies: {} pictures, refusals by code {:?}; most memory {} MiB, longest {} ms ({})",
        tally.runs,
        tally.pictures,
        tally.refusals,
        tally.memory_peak_bytes >> 20,
        tally.longest.0.as_millis(),
        tally.longest.1
    );
    assert!(files >= 10, "only {files} files: is the corpus whole?");
    assert!(
        tally.pictures > 0 && !tally.refusals.is_empty(),
        "damage that does nothing, or always the same"
    );
    assert!(
        tally.wrong.is_empty(),
        "{} wrong:\n{}",
        tally.wrong.len(),
        tally.wrong.join("\n")
    );
}

/// What came of all runs.
#[derive(Default)]
struct Tally {
    runs: u32,
    pictures: u32,
    refusals: BTreeMap<u16, u32>,
    memory_peak_bytes: u64,
    longest: (Duration, String),
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, plan: &Plan, limits: &Limits, source: &[u8], what: &dyn Fn() -> String) {
        let start = Instant::now();
        let job = Job {
            plan,
            source,
            overlays: &NoOverlays,
            accepted: AcceptedFormats::default(),
            limits,
            vision: &NoModels,
            deadline: start.checked_add(DEADLINE),
            hosted: false,
        };
        let result = catch_unwind(AssertUnwindSafe(|| run(&job)));
        let took = start.elapsed();
        self.runs += 1;
        if took > self.longest.0 {
            self.longest = (took, what());
        }
        if took > DEADLINE + STEP {
            self.wrong.push(format!("{}: took {took:?}", what()));
        }
        match result {
            Err(_) => self.wrong.push(format!("{}: panic", what())),
            Ok(Ok(outcome)) => {
                self.pictures += 1;
                self.memory_peak_bytes = self.memory_peak_bytes.max(outcome.memory_peak_bytes);
                let is_what_was_asked = outcome.passed_through
                    || calotype_codec::sniff(&outcome.bytes) == outcome.format.image_format()
                        && outcome
                            .size
                            .is_some_and(|size| (1..=64).contains(&size.width) && size.height > 0);
                if !is_what_was_asked || outcome.memory_peak_bytes > limits.job_memory_bytes_max {
                    self.wrong.push(format!(
                        "{}: {:?} of {:?}, {} bytes of memory",
                        what(),
                        outcome.format,
                        outcome.size,
                        outcome.memory_peak_bytes
                    ));
                }
            }
            Ok(Err(fault)) => {
                *self.refusals.entry(fault.code()).or_default() += 1;
                // No image, over a limit, damaged, not decoded here, too slow: theirs. Everything else would be ours.
                let is_theirs = matches!(fault.code(), 9412 | 9413 | 9516 | 9520) && fault.status() < 500;
                if !is_theirs && fault.code() != 9529 {
                    self.wrong.push(format!("{}: {fault}", what()));
                }
            }
        }
    }
}

fn corpus() -> Option<PathBuf> {
    let Ok(shared) = std::env::var("CALOTYPE_SHARED") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CALOTYPE_SHARED must name the folder of the corpus"
        );
        println!("left out: damaged pictures, for CALOTYPE_SHARED is not set");
        return None;
    };
    Some(Path::new(&shared).join("corpus"))
}

/// All files below a folder, in one order everywhere.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_decoded_here(bytes: &[u8]) -> bool {
    matches!(
        calotype_codec::sniff(bytes),
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::Webp | ImageFormat::Avif)
    )
}

/// SplitMix64: the same numbers on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 up to, and without, `bound`; 0 for 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}
