//! `/health`: for load balancers and `calotype health`.

use std::time::Duration;

use calotype_worker::WorkerStats;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Method, StatusCode};

use crate::answer::{self, Answer};

/// The state of the instance as JSON; 503 while it is stopping, so that balancers send no more.
pub(crate) fn health(method: &Method, stats: &WorkerStats, uptime: Duration, stopping: bool) -> Answer {
    if method != Method::GET && method != Method::HEAD {
        return answer::method_not_allowed("GET, HEAD");
    }
    let body = serde_json::json!({
        "status": if stopping { "stopping" } else { "ok" },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": uptime.as_secs(),
        "memory_bytes": resident_bytes(),
        "worker": {
            "queued": stats.queued,
            "running": stats.running,
            "bytes_in_use": stats.bytes_in_use,
            "bytes_peak": stats.bytes_peak,
            "done": stats.done,
            "failed": stats.failed,
            "refused": stats.refused,
            "abandoned": stats.abandoned,
            "busy_ms": stats.busy_ms,
        },
    });
    let status = if stopping {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let mut answer = answer::with_body(status, "application/json", body.to_string());
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Resident memory of this process, where the system tells (`/proc/self/statm`, second field, in pages of 4 KiB).
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * 4096)
}
