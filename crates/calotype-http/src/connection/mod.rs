//! The socket under the HTTP layer: it puts our words into the layer's own refusals, lets a client that has finished sending have its answers, closes so
//! that the last answer arrives, and never closes politely in the middle of one.
//!
//! HTTP/2 passes untouched: it has frames for all four.

mod framing;
mod ledger;
mod request_lines;
mod serve;
mod socket;

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_io_timeout::TimeoutWriter;

use framing::Place;
pub(crate) use ledger::{Ledger, RequestBody};
use request_lines::RequestLines;
pub(crate) use request_lines::{LongRequestLine, TARGET_BYTES_MAX};
pub(crate) use serve::HttpServer;
pub(crate) use socket::Socket;
use socket::Writer;

const HTTP_2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What every answer begins with, in either version.
const ANSWER_START: &[u8] = b"HTTP/1.";
/// Bytes of a head of the HTTP layer's own that are looked at.
const OWN_HEAD_BYTES_MAX: usize = 1_024;
/// How long, and for how many bytes, a client may go on sending after its last answer.
const LINGER_TIME: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// What the HTTP layer found wrong with a request that it never handed on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The request line is too long.
    LongLine(LongRequestLine),
    /// The headers are too long or too many.
    LongHeaders,
    /// No HTTP.
    Malformed,
}

/// Writes the whole answer to a request that could not be read; the connection is closed after it.
pub(crate) type Refuse = Box<dyn Fn(&Unreadable) -> Bytes + Send + Sync>;

/// A client's connection.
struct Connection<S: Socket> {
    read: Input<S::Read>,
    write: Pin<Box<TimeoutWriter<Writer<S>>>>,
    protocol: Protocol,
    /// When it has to be known which protocol is spoken.
    version_deadline: Option<Pin<Box<Sleep>>>,
    ledger: Arc<Ledger>,
    lines: RequestLines,
    /// Where the outgoing bytes stand.
    place: Place,
    /// Bytes of the next answer's head that went out ahead of it.
    ahead: usize,
    refuse: Refuse,
    /// A refusal, which is the last thing that is said: what is left of it.
    refusal: Option<Bytes>,
    /// Who waits for the end of input that was kept back.
    held_back: Option<Waker>,
    closing: Closing,
}

enum Input<R> {
    Open(R),
    /// The client sends no more. Done when it takes no more either.
    Ended(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The client is gone.
    Gone,
}

/// Which protocol is spoken, by the first bytes.
enum Protocol {
    /// So far it is the beginning of HTTP/2, by this many bytes.
    Unknown(usize),
    Http1,
    Http2,
}

enum Closing {
    No,
    /// No more is said; what the client was about to say is read and dropped.
    Lingering {
        deadline: Pin<Box<Sleep>>,
        bytes_left: usize,
    },
    Done,
}

impl<S: Socket> Connection<S> {
    /// Takes over a connection.
    ///
    /// A refusal is told of a request line that is too long, and of its first `line_bytes_kept` bytes.
    fn new(socket: S, ledger: Arc<Ledger>, write_timeout: Duration, line_bytes_kept: usize, refuse: Refuse) -> Self {
        let (read, write) = socket.halves();
        // A client that stops reading would hold its answer's memory for ever.
        let mut write = TimeoutWriter::new(Writer::new(write));
        write.set_timeout(Some(write_timeout));
        Self {
            read: Input::Open(read),
            write: Box::pin(write),
            protocol: Protocol::Unknown(0),
            version_deadline: None,
            ledger,
            lines: RequestLines::new(line_bytes_kept),
            place: Place::Start,
            ahead: 0,
            refuse,
            refusal: None,
            held_back: None,
            closing: Closing::No,
        }
    }

    /// Ends a connection that goes on being the beginning of HTTP/2 and nothing more: the HTTP layer's own timeouts begin when it knows the version.
    fn expect_version_within(&mut self, time: Duration) {
        self.version_deadline = Some(Box::pin(tokio::time::sleep(time)));
    }

    fn poll_version_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.version_deadline {
            Some(deadline) if matches!(self.protocol, Protocol::Unknown(_)) => deadline.as_mut().poll(cx),
            _ => {
                self.version_deadline = None;
                Poll::Pending
            }
        }
    }

    fn note_input(&mut self, bytes: &[u8]) {
        if let Protocol::Unknown(seen) = self.protocol {
            let expected = HTTP_2_PREFACE.get(seen..).unwrap_or_default();
            let common = expected.len().min(bytes.len());
            self.protocol = if bytes.get(..common) != expected.get(..common) {
                Protocol::Http1
            } else if common == expected.len() {
                Protocol::Http2
            } else {
                Protocol::Unknown(seen.saturating_add(common))
            };
        }
        if !matches!(self.protocol, Protocol::Http2) {
            self.lines.read(bytes);
        }
    }

    /// The input is at its end. The HTTP layer takes that for a client that has left, so it is told only when all requests are answered, or when the
    /// client has left indeed.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.protocol, Protocol::Http2) || !self.ledger.is_under_way() {
            return Poll::Ready(Ok(()));
        }
        self.say_the_start();
        if let Input::Ended(gone) = &mut self.read {
            if gone.as_mut().poll(cx).is_pending() {
                self.held_back = Some(cx.waker().clone());
                return Poll::Pending;
            }
            self.read = Input::Gone;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    /// Sends the start of the next answer ahead. A client that only finished sending does not mind; the system of one that has closed its socket
    /// answers with a reset, which is the only sign that tells the two apart.
    fn say_the_start(&mut self) {
        if self.place == Place::Start && self.ahead == 0 && self.refusal.is_none() {
            // When the system takes nothing now, the client still has answers to take, and writing those will show.
            match self.write.as_ref().get_ref().get_ref().write_now(ANSWER_START) {
                Ok(count) => self.ahead = count,
                // A Unix socket tells at once.
                Err(_) => self.read = Input::Gone,
            }
        }
    }

    /// At the start of an answer: finds out whose it is. `false`: the HTTP layer's own, which is replaced.
    fn enter_answer(&mut self, buffers: &[IoSlice<'_>]) -> bool {
        let start: Vec<u8> = framing::bytes_of(buffers).take(OWN_HEAD_BYTES_MAX).collect();
        let status = start.get(9..12).unwrap_or_default();
        if status.starts_with(b"1") {
            self.place = Place::interim();
            return true;
        }
        if let Some(body_bytes) = self.ledger.take_answer() {
            self.place = Place::answer(body_bytes);
            return true;
        }
        self.place = Place::answer(Some(0));
        let unreadable = match (status, self.lines.too_long()) {
            (b"414" | b"431", Some(line)) => Unreadable::LongLine(line),
            (b"431", None) => Unreadable::LongHeaders,
            (b"400", _) => Unreadable::Malformed,
            _ => return true,
        };
        let mut refusal = (self.refuse)(&unreadable);
        refusal.advance(self.ahead.min(refusal.len()));
        self.refusal = Some(refusal);
        false
    }

    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(refusal) = &mut self.refusal {
            while !refusal.is_empty() {
                let written = ready!(self.write.as_mut().poll_write(cx, refusal))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                refusal.advance(written.min(refusal.len()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Goes on by so many written bytes of the answer.
    fn advance(&mut self, buffers: &[IoSlice<'_>], count: usize) {
        if self.place.advance(buffers, count) {
            self.ledger.finish();
            if let Some(waiting) = self.held_back.take() {
                waiting.wake();
            }
        }
    }

    /// Reads and drops what comes until the client closes. Closing a socket with unread input resets the connection, and a reset takes from the client
    /// what it has not read yet: the answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (Closing::Lingering { deadline, bytes_left }, Input::Open(read)) = (&mut self.closing, &mut self.read)
        else {
            return Poll::Ready(());
        };
        let mut scrap = [0; 16 << 10];
        while *bytes_left > 0 {
            let mut buffer = ReadBuf::new(&mut scrap);
            match Pin::new(&mut *read).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    *bytes_left = bytes_left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(deadline.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(())
    }

    /// Whether an answer was begun and is not written to its end.
    fn is_within_an_answer(&self) -> bool {
        match &self.refusal {
            Some(left) => !left.is_empty(),
            None => self.place != Place::Start || self.ahead > 0,
        }
    }

    /// Whether the client may still be sending what nobody is going to read.
    fn may_have_unread_input(&mut self, cx: &mut Context<'_>) -> bool {
        let Input::Open(read) = &mut self.read else {
            return false;
        };
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        self.refusal.is_some()
            || self.ledger.is_body_left()
            || (matches!(Pin::new(read).poll_read(cx, &mut buffer), Poll::Ready(Ok(()))) && !buffer.filled().is_empty())
    }
}

impl<S: Socket> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Input::Open(read) = &mut this.read {
            let before = buffer.filled().len();
            if Pin::new(read).poll_read(cx, buffer)?.is_pending() {
                ready!(this.poll_version_deadline(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let new = buffer.filled().get(before..).unwrap_or_default();
            if !new.is_empty() || buffer.remaining() == 0 {
                this.note_input(new);
                return Poll::Ready(Ok(()));
            }
            if let Input::Open(read) = std::mem::replace(&mut this.read, Input::Gone) {
                this.read = Input::Ended(Box::pin(S::gone(read)));
            }
            this.ledger.read_out();
        }
        this.poll_end(cx)
    }
}

impl<S: Socket> AsyncWrite for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let total = framing::length(buffers);
        if total == 0 || matches!(this.protocol, Protocol::Http2) {
            return this.write.as_mut().poll_write_vectored(cx, buffers);
        }
        // Nothing is said after a refusal.
        if this.refusal.is_some() || (this.place == Place::Start && !this.enter_answer(buffers)) {
            return Poll::Ready(Ok(total));
        }
        let share = this.place.share_of(buffers);
        let written = if this.ahead > 0 {
            let said = this.ahead.min(share);
            this.ahead = this.ahead.saturating_sub(said);
            said
        } else if share < total {
            ready!(
                this.write
                    .as_mut()
                    .poll_write_vectored(cx, &framing::first(buffers, share))
            )?
        } else {
            ready!(this.write.as_mut().poll_write_vectored(cx, buffers))?
        };
        this.advance(buffers, written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.write.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        self.write.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.closing, Closing::No) {
            ready!(this.poll_refusal(cx))?;
            if this.place == Place::Rest {
                // The end that was to come.
                this.place = Place::Start;
                this.ledger.finish();
            } else if this.is_within_an_answer() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            ready!(this.write.as_mut().poll_shutdown(cx))?;
            this.closing = if this.may_have_unread_input(cx) {
                Closing::Lingering {
                    deadline: Box::pin(tokio::time::sleep(LINGER_TIME)),
                    bytes_left: LINGER_BYTES,
                }
            } else {
                Closing::Done
            };
        }
        if matches!(this.closing, Closing::Lingering { .. }) {
            ready!(this.poll_linger(cx));
            this.closing = Closing::Done;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> Drop for Connection<S> {
    /// A body that failed, a client that does not read, a server that may not wait longer: the client must be able to tell.
    fn drop(&mut self) {
        if matches!(self.closing, Closing::No) && self.is_within_an_answer() {
            self.write.as_mut().get_pin_mut().get_mut().abort();
        }
    }
}

#[cfg(test)]
mod delivery;
#[cfg(test)]
mod failing_bodies;
#[cfg(test)]
mod tests;
