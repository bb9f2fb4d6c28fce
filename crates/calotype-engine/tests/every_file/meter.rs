//! What a piece of work took of this process: processor time and memory, as Linux counts them. Elsewhere wall time, and no memory.

use std::time::Instant;

/// A measurement that has begun.
pub(crate) struct Meter {
    start: Instant,
    cpu_ms: Option<u64>,
    resident: u64,
}

impl Meter {
    /// Begins; the peak of resident memory counts from here.
    pub(crate) fn start() -> Self {
        // proc(5): 5 resets the peak to the present size.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self {
            start: Instant::now(),
            cpu_ms: cpu_ms(),
            resident: status_bytes("VmRSS:").unwrap_or(0),
        }
    }

    /// Milliseconds of processor time of all threads since the start.
    pub(crate) fn cpu_ms(&self) -> u64 {
        match (self.cpu_ms, cpu_ms()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// By how many bytes resident memory has grown at its peak since the start.
    pub(crate) fn growth(&self) -> u64 {
        status_bytes("VmHWM:").unwrap_or(0).saturating_sub(self.resident)
    }
}

/// User and system time of this process, counted by the kernel in hundredths of a second (proc_pid_stat(5), fields 14 and 15).
fn cpu_ms() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in brackets that may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some((next()? + next()?) * 10)
}

fn status_bytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
