// The loop that every compiled side of the benchmark runs in, so that all are measured alike: the source is in memory, the job runs some times in
// this one process, and each run's times are kept. Included by the example `job` of calotype-engine and by bench/jobs/oximg.

use std::error::Error;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// Runs the job once to warm up and then up to `repeats` times, but starts no further run after `budget`. A warm-up that is longer than the budget
/// is the measurement. Prints one JSON object; gives the bytes of the last run.
#[allow(clippy::print_stdout)] // Its purpose.
pub(crate) fn measure<E: Into<Box<dyn Error>>>(
    repeats: usize,
    budget: Duration,
    mut job: impl FnMut() -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let idle_kb = peak_kb();
    let begun = Instant::now();
    let mut runs = Vec::new();
    let mut bytes = Vec::new();
    for run in 0..=repeats {
        drop(std::mem::take(&mut bytes));
        let (wall, cpu) = (Instant::now(), ProcessTime::now());
        bytes = job().map_err(Into::into)?;
        // User and system time of all threads: what `getrusage(RUSAGE_SELF)` sums up, in finer steps.
        let (cpu, wall) = (cpu.elapsed().as_micros(), wall.elapsed().as_micros());
        let is_over = begun.elapsed() >= budget;
        if run > 0 || is_over || repeats == 0 {
            runs.push(format!(r#"{{"cpu_us":{cpu},"wall_us":{wall}}}"#));
        }
        if is_over {
            break;
        }
    }
    let (peak_kb, runs, size) = (peak_kb(), runs.join(","), bytes.len());
    println!(r#"{{"bytes":{size},"idle_kb":{idle_kb},"peak_kb":{peak_kb},"runs":[{runs}]}}"#);
    Ok(bytes)
}

/// The most memory of the process that was ever resident (`VmHWM`, proc_pid_status(5)); 0 where the system does not say.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or_default()
}
