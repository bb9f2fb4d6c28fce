//! Transforms many pictures on several threads for some time and says how much memory the process holds: what `bench/soak.sh` measures.
//!
//! `soak THREADS SECONDS OPTIONS[;OPTIONS...] SOURCE...`
//!
//! Every thread takes the next of all pairs of source and options in a mixed order. Prints one JSON object: resident memory every second (kB), its peak, what is left when all threads have ended, jobs and CPU time.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use calotype_engine::{Job, NoModels, NoOverlays};
use calotype_plan::{AcceptedFormats, ClientHints, Limits, Options, Plan};
use cpu_time::ProcessTime;

/// A prime, so that the order visits every pair before one comes again.
const STRIDE: usize = 7919;

#[allow(clippy::print_stdout)] // Its purpose.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, seconds, options, files @ ..] = arguments.as_slice() else {
        return Err("soak THREADS SECONDS OPTIONS[;OPTIONS...] SOURCE...".into());
    };
    let limits = Limits::default();
    let plans: Vec<Plan> = options
        .split(';')
        .map(|options| Ok(Options::parse_url(options, &limits)?.plan(&ClientHints::default()).plan))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let sources: Vec<Vec<u8>> = files.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let pairs = plans.len() * sources.len();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let end = Instant::now() + Duration::from_secs(seconds.parse()?);
    let mut resident = vec![status_kb("VmRSS:")];
    std::thread::scope(|scope| {
        for _ in 0..threads.parse().unwrap_or(1) {
            scope.spawn(|| {
                while Instant::now() < end {
                    let at = next.fetch_add(1, Ordering::Relaxed).wrapping_mul(STRIDE) % pairs.max(1);
                    let (Some(plan), Some(source)) = (plans.get(at % plans.len()), sources.get(at / plans.len()))
                    else {
                        break;
                    };
                    let done = calotype_engine::run(&Job {
                        plan,
                        source,
                        overlays: &NoOverlays,
                        accepted: AcceptedFormats::default(),
                        limits: &limits,
                        vision: &NoModels,
                        deadline: None,
                        hosted: false,
                    });
                    failed.fetch_add(usize::from(done.is_err()), Ordering::Relaxed);
                }
            });
        }
        while Instant::now() < end {
            std::thread::sleep(Duration::from_secs(1));
            resident.push(status_kb("VmRSS:"));
        }
    });
    let cpu_ms = ProcessTime::now().as_duration().as_millis();
    println!(
        r#"{{"jobs":{},"failed":{},"cpu_ms":{cpu_ms},"peak_kb":{},"left_kb":{},"resident_kb":{resident:?}}}"#,
        next.into_inner(),
        failed.into_inner(),
        status_kb("VmHWM:"),
        status_kb("VmRSS:"),
    );
    Ok(())
}

/// A line of proc_pid_status(5), in kB; 0 where the system does not say.
fn status_kb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or_default()
}
