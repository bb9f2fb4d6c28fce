//! What a connection knows of its requests: which are being answered, and how long the bodies of their answers are.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Shared by a connection's socket, where bytes pass, and its service, where requests become answers.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// Requests that were read and whose answers are not written whole.
    under_way: usize,
    /// The lengths of the bodies of answers that were made and of which nothing is written. `None`: the body ends with the connection.
    answers: VecDeque<Option<u64>>,
    /// The client sends no more.
    is_read_out: bool,
    /// The body of the last request was given up before its end.
    is_body_left: bool,
    body: Option<Waker>,
}

impl Ledger {
    /// A request was read and is going to be answered.
    pub(crate) fn begin(&self) {
        let mut entries = self.entries();
        entries.under_way = entries.under_way.saturating_add(1);
        entries.is_body_left = false;
    }

    /// The answer to the oldest request without one was made; its body has so many bytes, or, when that is not known, ends with the
    /// connection.
    pub(crate) fn answer(&self, body_bytes: Option<u64>) {
        self.entries().answers.push_back(body_bytes);
    }

    /// The next answer in the order of writing, by the length of its body. `None`: no answer of the service is due.
    pub(super) fn take_answer(&self) -> Option<Option<u64>> {
        self.entries().answers.pop_front()
    }

    /// An answer was written whole.
    pub(super) fn finish(&self) {
        let mut entries = self.entries();
        entries.under_way = entries.under_way.saturating_sub(1);
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.entries().under_way > 0
    }

    /// Whether the client may still be sending a body that nobody reads.
    pub(super) fn is_body_left(&self) -> bool {
        self.entries().is_body_left
    }

    /// The client sends no more: a body that is not whole by now never will be.
    pub(super) fn read_out(&self) {
        let body = {
            let mut entries = self.entries();
            entries.is_read_out = true;
            entries.body.take()
        };
        if let Some(body) = body {
            body.wake();
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a request, which fails when the client stops sending before it is whole.
///
/// The end of the input is kept from the HTTP layer while a request is under way, so the body has to learn of it here.
pub(crate) struct RequestBody<B: Body> {
    body: B,
    is_over: bool,
    ledger: Arc<Ledger>,
    /// The connection's input is this body and what follows it, as in HTTP/1.
    is_alone: bool,
}

impl<B: Body> RequestBody<B> {
    pub(crate) fn new(body: B, ledger: Arc<Ledger>, is_alone: bool) -> Self {
        Self {
            is_over: body.is_end_stream(),
            body,
            ledger,
            is_alone,
        }
    }
}

impl<B: Body> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if !self.is_over && !self.body.is_end_stream() {
            self.ledger.entries().is_body_left = true;
        }
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.is_over = !matches!(frame, Some(Ok(_)));
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if !self.is_alone => Poll::Pending,
            Poll::Pending => {
                let mut entries = self.ledger.entries();
                if entries.is_read_out {
                    return Poll::Ready(Some(Err("the body of the request was cut".into())));
                }
                entries.body = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
