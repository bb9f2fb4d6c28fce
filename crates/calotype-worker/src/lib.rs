//! Runs the engine off the async threads: admission, queue, deadlines.
//!
//! Pixels are work for processors and memory, of which there is so much and no more. A [`Worker`] takes a [`Task`] only when there is a place for
//! it, starts it only when the bytes it will need are free, and answers in time whatever the task does: with the [`Done`] result, or with the
//! [`Fault`] that the protocol has for it.

mod cost;
mod in_process;
mod pool;
mod task;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use calotype_plan::Fault;

pub use in_process::{InProcess, WorkerSettings};
pub use pool::WorkerStats;
pub use task::{Done, Task};

/// What [`Worker::run`] returns: it does not borrow the worker, so it can be spawned.
pub type JobFuture = Pin<Box<dyn Future<Output = Result<Done, Fault>> + Send>>;

/// Something that turns tasks into results.
pub trait Worker: Send + Sync {
    /// Runs a task.
    ///
    /// Dropping the future takes a task that waits out of the queue; one that runs already ends unheard.
    ///
    /// The future ends with the engine's own faults, and with 9522/503 when the queue is full, 9413/403 when the task needs more memory than there
    /// is in all, 9529/504 when it is not done in time, and 9523/500 when it panicked.
    fn run(&self, task: Task) -> JobFuture;

    /// What the worker has done and is doing.
    fn stats(&self) -> WorkerStats;

    /// How long a client that was refused with [`Busy`](calotype_plan::FaultKind::Busy) should wait: whole seconds, for `Retry-After`.
    fn retry_after(&self) -> Duration;
}
