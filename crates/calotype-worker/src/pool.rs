//! Threads, a bounded queue and a budget of bytes, for jobs of whatever kind.
//!
//! Jobs start in the order in which they came. The first in the queue starts when a thread is free and its cost fits beside the jobs that run; a
//! small job behind a large one does not overtake it, so that large ones are not starved.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Virtual; only the pages that a decoder touches become memory.
const STACK_BYTES: usize = 8 << 20;

/// What a worker has done and is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Jobs that wait.
    pub queued: usize,
    /// Jobs that run.
    pub running: usize,
    /// Bytes charged for the jobs that run.
    pub bytes_in_use: u64,
    /// The most bytes that were ever charged at once.
    pub bytes_peak: u64,
    /// Jobs that ended, well or badly.
    pub done: u64,
    /// Jobs that ended badly, panics included.
    pub failed: u64,
    /// Jobs refused because the queue was full.
    pub refused: u64,
    /// Jobs whose client left before they started.
    pub abandoned: u64,
    /// Milliseconds that all ended jobs ran, together.
    pub busy_ms: u64,
}

/// How large a pool is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolSize {
    pub(crate) threads: usize,
    pub(crate) queue_max: usize,
    pub(crate) memory_bytes_max: u64,
}

/// Why a job was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The queue is full.
    QueueFull,
    /// The job alone costs more than the whole budget.
    TooLarge,
}

/// How a job that was taken ended.
#[derive(Debug)]
pub(crate) enum Ended<R> {
    /// It returned.
    Returned(R),
    /// It panicked, with this message.
    Panicked(String),
}

/// What a thread does with a job; the flag of its result says whether it went well.
type Runner<J, R> = dyn Fn(J) -> (R, bool) + Send + Sync;

pub(crate) struct Pool<J, R> {
    shared: Arc<Shared<J, R>>,
}

struct Shared<J, R> {
    state: Mutex<State<J, R>>,
    /// Something changed that may let a thread start a job.
    changed: Condvar,
    size: PoolSize,
    runner: Box<Runner<J, R>>,
}

struct State<J, R> {
    queue: VecDeque<Waiting<J, R>>,
    next_id: u64,
    stats: WorkerStats,
    closing: bool,
}

struct Waiting<J, R> {
    id: u64,
    job: J,
    cost_bytes: u64,
    since: Instant,
    reply: oneshot::Sender<(Duration, Ended<R>)>,
}

/// A job's place: in the queue, or running. Dropping it takes a waiting job out of the queue; a running one runs to its end unheard.
pub(crate) struct Ticket<J: Send + 'static, R: Send + 'static> {
    shared: Arc<Shared<J, R>>,
    id: u64,
    reply: oneshot::Receiver<(Duration, Ended<R>)>,
}

impl<J: Send + 'static, R: Send + 'static> Pool<J, R> {
    /// Starts the threads.
    pub(crate) fn start(size: PoolSize, runner: impl Fn(J) -> (R, bool) + Send + Sync + 'static) -> io::Result<Self> {
        let state = State {
            queue: VecDeque::new(),
            next_id: 0,
            stats: WorkerStats::default(),
            closing: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            size,
            runner: Box::new(runner),
        });
        // Built first, so that a failure to start a later thread ends the earlier ones.
        let pool = Self { shared };
        for number in 0..size.threads.max(1) {
            let shared = pool.shared.clone();
            thread::Builder::new()
                .name(format!("calotype-worker-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Takes a job or refuses it, at once.
    pub(crate) fn submit(&self, job: J, cost_bytes: u64) -> Result<Ticket<J, R>, NotTaken> {
        let shared = &self.shared;
        let mut state = shared.lock();
        if cost_bytes > shared.size.memory_bytes_max {
            state.stats.refused += 1;
            return Err(NotTaken::TooLarge);
        }
        // A job that can start at once does not wait, so a queue of none is a valid setting. Earlier arrivals that can start but have not woken
        // up yet take their threads from the count.
        let threads = shared.size.threads.max(1);
        if state.queue.len() >= shared.size.queue_max && !shared.could_start_after_queue(&state, cost_bytes, threads) {
            state.stats.refused += 1;
            return Err(NotTaken::QueueFull);
        }
        let (sender, reply) = oneshot::channel();
        let id = state.next_id;
        state.next_id += 1;
        state.queue.push_back(Waiting {
            id,
            job,
            cost_bytes,
            since: Instant::now(),
            reply: sender,
        });
        drop(state);
        shared.changed.notify_one();
        Ok(Ticket {
            shared: shared.clone(),
            id,
            reply,
        })
    }

    pub(crate) fn stats(&self) -> WorkerStats {
        let state = self.shared.lock();
        WorkerStats {
            queued: state.queue.len(),
            ..state.stats
        }
    }
}

impl<J, R> Shared<J, R> {
    fn lock(&self) -> MutexGuard<'_, State<J, R>> {
        // No job runs under the lock, and every change to the state is complete when it is made.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of one thread.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if state.closing {
                return;
            }
            let Some(waiting) = self.take_startable(&mut state) else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            // The next in the queue may fit as well.
            self.changed.notify_one();
            let Waiting {
                job,
                cost_bytes,
                since,
                reply,
                ..
            } = waiting;
            let started = Instant::now();
            let (ended, well) = match catch_unwind(AssertUnwindSafe(|| (self.runner)(job))) {
                Ok((result, well)) => (Ended::Returned(result), well),
                Err(panic) => (Ended::Panicked(message_of(panic.as_ref())), false),
            };
            state = self.lock();
            state.stats.running -= 1;
            state.stats.bytes_in_use -= cost_bytes;
            state.stats.done += 1;
            state.stats.failed += u64::from(!well);
            state.stats.busy_ms += millis(started.elapsed());
            drop(state);
            // Whoever hears of the end finds the place free already.
            self.changed.notify_all();
            // An error means that the client has left.
            let _ = reply.send((started - since, ended));
            state = self.lock();
        }
    }

    /// The first job of the queue, charged, if its cost fits.
    fn take_startable(&self, state: &mut State<J, R>) -> Option<Waiting<J, R>> {
        let cost_bytes = state.queue.front()?.cost_bytes;
        let sum = state
            .stats
            .bytes_in_use
            .checked_add(cost_bytes)
            .filter(|sum| *sum <= self.size.memory_bytes_max)?;
        let waiting = state.queue.pop_front()?;
        state.stats.running += 1;
        state.stats.bytes_in_use = sum;
        state.stats.bytes_peak = state.stats.bytes_peak.max(sum);
        Some(waiting)
    }

    /// Whether one more job would start without waiting for another to end.
    fn could_start_after_queue(&self, state: &State<J, R>, cost_bytes: u64, threads: usize) -> bool {
        let ahead = state.queue.len().saturating_add(state.stats.running);
        let queued_bytes = state
            .queue
            .iter()
            .fold(0u64, |sum, waiting| sum.saturating_add(waiting.cost_bytes));
        let bytes = state
            .stats
            .bytes_in_use
            .saturating_add(queued_bytes)
            .saturating_add(cost_bytes);
        ahead < threads && bytes <= self.size.memory_bytes_max
    }
}

impl<J: Send + 'static, R: Send + 'static> Ticket<J, R> {
    /// How long the job waited and how it ended; `None` when the pool was closed before it started.
    pub(crate) async fn ended(mut self) -> Option<(Duration, Ended<R>)> {
        (&mut self.reply).await.ok()
    }
}

impl<J: Send + 'static, R: Send + 'static> Drop for Ticket<J, R> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(at) = state.queue.iter().position(|waiting| waiting.id == self.id) {
            let abandoned = state.queue.remove(at);
            state.stats.abandoned += 1;
            drop(state);
            // It may have been the one that did not fit. Its bytes are given back outside the lock.
            self.shared.changed.notify_all();
            drop(abandoned);
        }
    }
}

impl<J, R> Drop for Pool<J, R> {
    /// Waiting jobs are given up; running ones end in their own time.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        let given_up = std::mem::take(&mut state.queue);
        drop(state);
        self.shared.changed.notify_all();
        drop(given_up);
    }
}

impl<J, R> fmt::Debug for Pool<J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("size", &self.shared.size)
            .finish_non_exhaustive()
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests;
