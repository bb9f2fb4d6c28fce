//! Bodies of answers: complete, fed by other threads, failing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::BoxError;
use super::socket::wake;

/// The body of the large answers.
pub const BODY_BYTES: usize = 500_000;

/// The body of an answer.
#[derive(Debug)]
pub enum AnyBody {
    /// Of known length, complete in memory.
    Complete(Option<Bytes>),
    /// Of unknown length, fed by another thread.
    Fed(Fed),
    /// Fed by another thread, which ends it between two polls.
    EndsBetweenPolls(EndsBetweenPolls),
    /// Of a length that may be known, which fails half-way, when some of it may be sent already.
    Failing {
        length: Option<u64>,
        half: Option<Bytes>,
        is_late: bool,
    },
}

impl AnyBody {
    pub fn failing(is_length_known: bool) -> Self {
        Self::Failing {
            length: is_length_known.then_some(BODY_BYTES as u64),
            half: Some(pattern(BODY_BYTES / 2).into()),
            is_late: false,
        }
    }
}

impl Body for AnyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let data = match &mut *self {
            Self::Complete(bytes) => Poll::Ready(bytes.take()),
            Self::Fed(fed) => fed.poll(cx),
            Self::EndsBetweenPolls(body) => body.poll(cx),
            Self::Failing { half, is_late, .. } => match half.take() {
                None if *is_late => return Poll::Ready(Some(Err("no more can be had".into()))),
                None => {
                    *is_late = true;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                half => Poll::Ready(half),
            },
        };
        data.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Complete(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Complete(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Failing {
                length: Some(length), ..
            } => SizeHint::with_exact(*length),
            Self::Fed(_) | Self::EndsBetweenPolls(_) | Self::Failing { .. } => SizeHint::new(),
        }
    }
}

/// Bytes of which no two windows are alike, so that none can be lost, doubled or swapped unseen.
pub fn pattern(length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes())
        .take(length)
        .collect()
}

/// What a feeding thread has made so far.
#[derive(Debug, Default)]
struct Feed {
    chunks: VecDeque<Bytes>,
    is_over: bool,
    waiting: Option<Waker>,
}

/// A body that a thread feeds as fast as it can. It has a last chunk, which is known for the last one.
#[derive(Debug)]
pub struct Fed(Arc<Mutex<Feed>>);

impl Fed {
    pub fn start(bytes: Vec<u8>, chunk_bytes: usize) -> Self {
        let feed = Arc::<Mutex<Feed>>::default();
        let feeding = feed.clone();
        std::thread::spawn(move || {
            let mut chunks = bytes.chunks(chunk_bytes).map(Bytes::copy_from_slice).peekable();
            while let Some(chunk) = chunks.next() {
                let mut feed = feeding.lock().unwrap();
                feed.chunks.push_back(chunk);
                feed.is_over = chunks.peek().is_none();
                wake(&mut feed.waiting);
            }
        });
        Self(feed)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut feed = self.0.lock().unwrap();
        match feed.chunks.pop_front() {
            None if !feed.is_over => {
                feed.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
            chunk => Poll::Ready(chunk),
        }
    }
}

/// A body of one chunk, whose end another thread makes known in the most awkward moment: after a poll that found nothing, and before the next one. That
/// thread then wakes whoever waits for the body; by then the body may have ended and been dropped, and nobody waits for it any more.
#[derive(Debug)]
pub struct EndsBetweenPolls {
    polls: usize,
    end: Arc<Mutex<Feed>>,
    end_now: mpsc::Sender<()>,
    ended: mpsc::Receiver<()>,
}

impl EndsBetweenPolls {
    /// The body. Its thread wakes nobody before `may_wake` says so, and then says `has_woken`.
    pub fn start(may_wake: mpsc::Receiver<()>, has_woken: mpsc::Sender<()>) -> Self {
        let end = Arc::<Mutex<Feed>>::default();
        let (end_now, asked) = mpsc::channel();
        let (done, ended) = mpsc::channel();
        let ending = end.clone();
        std::thread::spawn(move || {
            if asked.recv().is_ok() {
                ending.lock().unwrap().is_over = true;
                let _ = done.send(());
                let _ = may_wake.recv();
                wake(&mut ending.lock().unwrap().waiting);
                let _ = has_woken.send(());
            }
        });
        Self {
            polls: 0,
            end,
            end_now,
            ended,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.polls += 1;
        if self.polls == 1 {
            return Poll::Ready(Some(Bytes::from_static(b"hello")));
        }
        let mut end = self.end.lock().unwrap();
        if end.is_over {
            return Poll::Ready(None);
        }
        end.waiting = Some(cx.waker().clone());
        drop(end);
        if self.polls == 2 {
            self.end_now.send(()).expect("the thread listens");
            self.ended.recv().expect("the thread answers");
        }
        Poll::Pending
    }
}

impl Drop for EndsBetweenPolls {
    /// Who is gone waits no more.
    fn drop(&mut self) {
        self.end.lock().unwrap().waiting = None;
    }
}
