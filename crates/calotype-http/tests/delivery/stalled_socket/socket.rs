//! The fake socket: two ends over a buffer in memory, and what was done to it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the socket takes before it takes no more.
pub const ROOM_BYTES: usize = 8 << 10;

/// The server's end.
#[derive(Debug)]
pub struct StalledSocket(Arc<Mutex<State>>);

/// The client's end, and the system's buffer.
#[derive(Debug)]
pub struct Client(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_vectored: bool,
    to_server: VecDeque<u8>,
    is_sending_finished: bool,
    reader: Option<Waker>,
    room: usize,
    taken: Vec<u8>,
    writer: Option<Waker>,
    /// How many bytes were taken when the connection was shut down.
    shut_down_after: Option<usize>,
    is_aborted: bool,
}

/// Both ends. `is_vectored`: whether the socket says that it takes many buffers at once, for which hyper has a road of its own.
pub fn stalled_socket(is_vectored: bool) -> (StalledSocket, Client) {
    let state = Arc::new(Mutex::new(State {
        is_vectored,
        room: ROOM_BYTES,
        ..State::default()
    }));
    (StalledSocket(state.clone()), Client(state))
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no test panics while it holds the socket")
}

impl Client {
    pub fn send(&self, bytes: &[u8]) {
        let mut state = locked(&self.0);
        state.to_server.extend(bytes);
        wake(&mut state.reader);
    }

    pub fn finish_sending(&self) {
        let mut state = locked(&self.0);
        state.is_sending_finished = true;
        wake(&mut state.reader);
    }

    /// Takes what the system held. `false`: nobody waits for that.
    pub fn make_room(&self) -> bool {
        let mut state = locked(&self.0);
        state.room = ROOM_BYTES;
        wake(&mut state.writer)
    }

    pub fn taken(&self) -> Vec<u8> {
        locked(&self.0).taken.clone()
    }

    pub fn taken_bytes(&self) -> usize {
        locked(&self.0).taken.len()
    }

    pub fn is_aborted(&self) -> bool {
        locked(&self.0).is_aborted
    }

    pub fn shut_down_after(&self) -> Option<usize> {
        locked(&self.0).shut_down_after
    }
}

pub fn wake(waker: &mut Option<Waker>) -> bool {
    let waker = waker.take();
    if let Some(waker) = &waker {
        waker.wake_by_ref();
    }
    waker.is_some()
}

impl StalledSocket {
    /// One to read from and one to write to.
    pub fn halves(self) -> (Self, Self) {
        (Self(self.0.clone()), self)
    }

    /// As a reset.
    pub fn abort(self) {
        locked(&self.0).is_aborted = true;
    }

    /// Takes what it has room for, if any, without waiting.
    pub fn write_now(&self, bytes: &[u8]) -> usize {
        let mut state = locked(&self.0);
        let count = bytes.len().min(state.room);
        state.room -= count;
        state.taken.extend_from_slice(&bytes[..count]);
        count
    }
}

impl AsyncRead for StalledSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = locked(&self.0);
        if state.to_server.is_empty() && !state.is_sending_finished {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = state.to_server.len().min(buffer.remaining());
        let bytes: Vec<u8> = state.to_server.drain(..count).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StalledSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let asked: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        let count: usize = buffers.iter().map(|buffer| self.write_now(buffer)).sum();
        let mut state = locked(&self.0);
        assert!(state.shut_down_after.is_none(), "written to after it was shut down");
        if count == 0 && asked > 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        locked(&self.0).is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // As a system's socket: what it has taken needs no flushing.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = locked(&self.0);
        let taken = state.taken.len();
        state.shut_down_after.get_or_insert(taken);
        Poll::Ready(Ok(()))
    }
}
