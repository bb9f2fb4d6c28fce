//! Connections polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::BoxError;

/// A connection that has not woken by then never will. Nothing passes or fails sooner or later by it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is polled when it was woken, and only then.
pub struct Polled {
    connection: Pin<Box<dyn Future<Output = Result<(), BoxError>>>>,
    woken: Arc<Woken>,
    pub end: Option<Result<(), BoxError>>,
}

#[derive(Default)]
struct Woken(Mutex<bool>, Condvar);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

impl Polled {
    pub fn new(connection: Pin<Box<dyn Future<Output = Result<(), BoxError>>>>) -> Self {
        let woken = Arc::<Woken>::default();
        *woken.0.lock().unwrap() = true;
        Self {
            connection,
            woken,
            end: None,
        }
    }

    /// Polls for as long as it is woken.
    pub fn run(&mut self) {
        while self.end.is_none() && std::mem::take(&mut *self.woken.0.lock().unwrap()) {
            let waker = Waker::from(self.woken.clone());
            if let Poll::Ready(end) = self.connection.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.end = Some(end);
            }
        }
    }

    /// Wakes it.
    pub fn wake(&self) {
        self.woken.clone().wake();
    }

    /// Waits until another thread wakes it.
    pub fn wait(&self) {
        let guard = self.woken.0.lock().unwrap();
        let (guard, timeout) = self
            .woken
            .1
            .wait_timeout_while(guard, PATIENCE, |woken| !*woken)
            .unwrap();
        drop(guard);
        assert!(!timeout.timed_out(), "nobody wakes the connection");
    }
}
