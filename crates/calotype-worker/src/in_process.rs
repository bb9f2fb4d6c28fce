//! The engine in this process, on threads of its own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use calotype_engine::{Job, Outcome, Vision};
use calotype_plan::{Fault, FaultKind, Limits};

use crate::pool::{Ended, NotTaken, Pool, PoolSize, WorkerStats, millis};
use crate::task::{Done, Task};
use crate::{JobFuture, Worker, cost};

/// Sources up to this size have their headers read where the request is; larger ones, which may hold thousands of frames to count, elsewhere.
const PROBE_INLINE_BYTES_MAX: usize = 1 << 20;
/// What a job is taken to last before any has been seen.
const JOB_MS_UNSEEN: u64 = 250;
const RETRY_AFTER_S_MAX: u64 = 30;

/// How much work is taken.
#[derive(Debug, Clone, Copy)]
pub struct WorkerSettings {
    /// Jobs that run at once, each on a thread of its own.
    pub threads: usize,
    /// Jobs that wait; one more is refused.
    pub queue_max: usize,
    /// Bytes that all jobs which run may need together, by their estimates.
    pub memory_bytes_max: u64,
    /// From arrival to result, the wait included.
    pub job_timeout: Duration,
    /// The bounds on images.
    pub limits: Limits,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            threads: thread::available_parallelism().map_or(1, usize::from),
            queue_max: 256,
            // Whatever the limits allow can run.
            memory_bytes_max: limits.job_memory_bytes_max,
            job_timeout: Duration::from_secs(30),
            limits,
        }
    }
}

/// The engine on threads of this process, behind a bounded queue and a budget of bytes.
///
/// A job that panics is answered with 9523 and its thread lives on. A job that outlives its deadline is answered with 9529 at once; its thread is
/// free when the engine notices, at the next step.
#[derive(Debug)]
pub struct InProcess {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: Pool<Timed, Result<Outcome, Fault>>,
    settings: WorkerSettings,
    estimate: fn(&Task, &Limits) -> u64,
}

/// A task and when it must be done.
#[derive(Debug)]
struct Timed {
    task: Task,
    deadline: Instant,
}

impl InProcess {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(settings: WorkerSettings, vision: Arc<dyn Vision>) -> io::Result<Self> {
        // No job may hold more than all jobs together.
        let mut limits = settings.limits;
        limits.job_memory_bytes_max = limits.job_memory_bytes_max.min(settings.memory_bytes_max);
        Self::with_engine(settings, cost::bytes, move |task, deadline| {
            calotype_engine::run(&Job {
                plan: &task.plan,
                source: &task.source,
                overlays: task,
                accepted: task.accepted,
                limits: &limits,
                vision: vision.as_ref(),
                deadline: Some(deadline),
                hosted: task.hosted,
            })
        })
    }

    fn with_engine(
        settings: WorkerSettings,
        estimate: fn(&Task, &Limits) -> u64,
        engine: impl Fn(&Task, Instant) -> Result<Outcome, Fault> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let size = PoolSize {
            threads: settings.threads,
            queue_max: settings.queue_max,
            memory_bytes_max: settings.memory_bytes_max,
        };
        let pool = Pool::start(size, move |timed: Timed| {
            let result = engine(&timed.task, timed.deadline);
            let well = result.is_ok();
            (result, well)
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                pool,
                settings,
                estimate,
            }),
        })
    }
}

impl Worker for InProcess {
    fn run(&self, task: Task) -> JobFuture {
        let inner = self.inner.clone();
        Box::pin(async move {
            let timeout = inner.settings.job_timeout;
            let deadline = Instant::now() + timeout;
            tokio::time::timeout(timeout, inner.admit_and_wait(task, deadline)).await.unwrap_or_else(|_| {
                let seconds = timeout.as_secs_f32();
                Err(Fault::new(
                    FaultKind::TooSlow,
                    format!("the image was not ready within {seconds} s; ask for a smaller or simpler result, or try again later"),
                ))
            })
        })
    }

    fn stats(&self) -> WorkerStats {
        self.inner.pool.stats()
    }

    fn retry_after(&self) -> Duration {
        retry_after(&self.stats(), self.inner.settings.threads)
    }
}

impl Inner {
    async fn admit_and_wait(self: Arc<Self>, task: Task, deadline: Instant) -> Result<Done, Fault> {
        let (task, cost_bytes) = self.clone().priced(task).await?;
        let ticket = self.pool.submit(Timed { task, deadline }, cost_bytes).map_err(|why| match why {
            NotTaken::QueueFull => Fault::new(FaultKind::Busy, "the server has too many images to process; try again shortly"),
            NotTaken::TooLarge => Fault::new(
                FaultKind::LimitExceeded,
                format!(
                    "the image needs about {} MB of memory and this server has {} MB for all of them; use a smaller original or result, or \
                     give the server more memory",
                    megabytes(cost_bytes),
                    megabytes(self.settings.memory_bytes_max)
                ),
            ),
        })?;
        match ticket.ended().await {
            Some((waited, Ended::Returned(result))) => {
                let queue_ms = u32::try_from(millis(waited)).unwrap_or(u32::MAX);
                result.map(|outcome| Done { outcome, queue_ms })
            }
            Some((_, Ended::Panicked(message))) => Err(panicked(message)),
            None => Err(Fault::new(
                FaultKind::Busy,
                "the server is shutting down; try again shortly",
            )),
        }
    }

    /// The task with its cost. Headers come from strangers too: a panic in reading one is caught like any other.
    async fn priced(self: Arc<Self>, task: Task) -> Result<(Task, u64), Fault> {
        let bytes = task
            .overlay_files()
            .fold(task.source.len(), |sum, overlay| sum.saturating_add(overlay.len()));
        let price = move || {
            let cost = catch_unwind(AssertUnwindSafe(|| (self.estimate)(&task, &self.settings.limits)));
            cost.map(|cost| (task, cost))
                .map_err(|_| panicked("while reading the headers".into()))
        };
        if bytes <= PROBE_INLINE_BYTES_MAX {
            return price();
        }
        tokio::task::spawn_blocking(price)
            .await
            .map_err(|error| panicked(error.to_string()))?
    }
}

fn panicked(detail: String) -> Fault {
    Fault::new(
        FaultKind::Internal,
        "processing the image failed through an error of the server",
    )
    .with_detail(format!("panic: {detail}"))
}

/// The time that the jobs ahead will take, in whole seconds, at least one.
fn retry_after(stats: &WorkerStats, threads: usize) -> Duration {
    let job_ms = stats.busy_ms.checked_div(stats.done).unwrap_or(JOB_MS_UNSEEN);
    let ahead = (stats.queued + stats.running) as u64;
    let wait_ms = ahead.saturating_mul(job_ms) / threads.max(1) as u64;
    Duration::from_secs(wait_ms.div_ceil(1000).clamp(1, RETRY_AFTER_S_MAX))
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests;
