//! A worker that counts, and that waits where a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calotype_plan::Fault;
use calotype_worker::{Done, JobFuture, Task, Worker, WorkerStats};
use tokio::sync::{Notify, Semaphore};

/// The real worker behind a gate.
pub struct Gated {
    inner: Arc<dyn Worker>,
    started: AtomicUsize,
    arrived: Notify,
    gate: Arc<Semaphore>,
}

impl Gated {
    /// Lets nobody through until [`Gated::open`].
    pub fn closed(inner: Arc<dyn Worker>) -> Arc<Self> {
        Self::with_permits(inner, 0)
    }

    /// Lets everybody through, and counts.
    pub fn open_from_the_start(inner: Arc<dyn Worker>) -> Arc<Self> {
        Self::with_permits(inner, Semaphore::MAX_PERMITS)
    }

    fn with_permits(inner: Arc<dyn Worker>, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            inner,
            started: AtomicUsize::new(0),
            arrived: Notify::new(),
            gate: Arc::new(Semaphore::new(permits)),
        })
    }

    pub fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    /// Tasks that came.
    pub fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    /// Waits until a task has come.
    pub async fn wait_for_a_task(&self) {
        while self.started() == 0 {
            self.arrived.notified().await;
        }
    }
}

impl Worker for Gated {
    fn run(&self, task: Task) -> JobFuture {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        let (inner, gate) = (self.inner.clone(), self.gate.clone());
        Box::pin(async move {
            drop(gate.acquire().await);
            inner.run(task).await
        })
    }

    fn stats(&self) -> WorkerStats {
        self.inner.stats()
    }

    fn retry_after(&self) -> Duration {
        self.inner.retry_after()
    }
}

/// A worker that answers every task alike.
pub struct Always(pub Result<Done, Fault>);

impl Worker for Always {
    fn run(&self, _task: Task) -> JobFuture {
        let result = self.0.clone();
        Box::pin(async move { result })
    }

    fn stats(&self) -> WorkerStats {
        WorkerStats::default()
    }

    fn retry_after(&self) -> Duration {
        Duration::from_secs(7)
    }
}
