//! A socket that takes 8 KiB and then nothing until it is told to, under answers that are far larger.
//!
//! # The story
//! A service answered with images of up to 15 MB, and for years some arrived short: status 200, a `Content-Length` of 14,896,092, and the end of the
//! connection after 219,264 bytes. It happened when the reader was a few milliseconds slow, and never under `strace`. Reported as
//! <https://github.com/hyperium/hyper/issues/4022> for hyper 0.14 to 1.8, and repaired in 1.11.0 by <https://github.com/hyperium/hyper/pull/4018>.
//!
//! What it takes, by hyper's source and by the tests here: a request whose body is not read to its end, because it is refused early, or because a parser has
//! what it wants. Parsers of forms stop at the closing delimiter; when the empty chunk that ends the body has not come by then, hyper gives up reading. The
//! answer is complete, in hyper's own buffer, while the system's is full. So there is nothing left to read, nothing left to ask the service for, and flushing
//! is "pending", which nobody looks at: hyper takes the connection for done and shuts it down, the rest of the answer unsent. Since 1.11.0 it flushes
//! before it shuts down. It makes no difference whether the answer is complete in memory or streamed. A connection that ends for another reason
//! (`Connection: close`, a server that stops) was flushed by the older versions too.
//!
//! A second race of that family came with 1.10.0 and was repaired in 1.12.0 (<https://github.com/hyperium/hyper/pull/4143>): when a body that another
//! thread feeds comes to its end between two polls of it, the last chunk is written into hyper's buffer and stays there; the client waits for the end for
//! ever.
//!
//! Both are shown here without sockets and without a clock: connections are polled by hand, and the fake socket counts. This file knows of HTTP/1 and of
//! tokio's traits only, so it can be put under several versions of hyper, and under our own server.

use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the socket takes before it takes no more.
pub const ROOM_BYTES: usize = 8 << 10;
/// The body of the large answers.
pub const BODY_BYTES: usize = 500_000;
/// A connection that has not woken by then never will. Nothing passes or fails sooner or later by it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Puts a connection on a socket, which answers every request with the body that it is given. The future is done when the connection is; it must
/// begin to stop when the switch is on.
pub type Serve = fn(StalledSocket, MakeBody, Switch) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;
/// Makes the bodies of a connection's answers.
pub type MakeBody = Arc<dyn Fn() -> AnyBody + Send + Sync>;
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A switch that is off at first.
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    pub fn turn_on(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

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

fn wake(waker: &mut Option<Waker>) -> bool {
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
    fn start(may_wake: mpsc::Receiver<()>, has_woken: mpsc::Sender<()>) -> Self {
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

/// A connection that is polled when it was woken, and only then.
struct Polled {
    connection: Pin<Box<dyn Future<Output = Result<(), BoxError>>>>,
    woken: Arc<Woken>,
    end: Option<Result<(), BoxError>>,
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
    fn new(connection: Pin<Box<dyn Future<Output = Result<(), BoxError>>>>) -> Self {
        let woken = Arc::<Woken>::default();
        *woken.0.lock().unwrap() = true;
        Self {
            connection,
            woken,
            end: None,
        }
    }

    /// Polls for as long as it is woken.
    fn run(&mut self) {
        while self.end.is_none() && std::mem::take(&mut *self.woken.0.lock().unwrap()) {
            let waker = Waker::from(self.woken.clone());
            if let Poll::Ready(end) = self.connection.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.end = Some(end);
            }
        }
    }

    /// Waits until another thread wakes it.
    fn wait(&self) {
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

/// What becomes of a connection while its answer is being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It is kept.
    Kept,
    /// The client asked for `Connection: close`.
    Close,
    /// The request has a body that is not read to its end: what reads it has what it wants.
    UnreadRequest,
    /// The client finishes sending.
    FinishedSending,
    /// The server is stopped.
    Stop,
}

impl Occasion {
    fn request(self) -> &'static str {
        match self {
            Self::Close => "GET / HTTP/1.1\r\nHost: calotype.test\r\nConnection: close\r\n\r\n",
            // The last chunk does not come.
            Self::UnreadRequest => {
                "POST / HTTP/1.1\r\nHost: calotype.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            }
            Self::Kept | Self::FinishedSending | Self::Stop => "GET / HTTP/1.1\r\nHost: calotype.test\r\n\r\n",
        }
    }
}

/// A complete answer, of which the socket takes 8 KiB at a time: every byte is taken, and the connection is shut down after the last one only.
pub fn a_complete_answer_is_taken_whole(serve: Serve, occasion: Occasion) {
    let body = Bytes::from(pattern(BODY_BYTES));
    let answer = body.clone();
    let make_body: MakeBody = Arc::new(move || AnyBody::Complete(Some(answer.clone())));
    for is_vectored in [false, true] {
        let taken = take_slowly(serve, is_vectored, make_body.clone(), occasion);
        let (head, taken_body) = split(&taken);
        assert!(
            head.to_ascii_lowercase().contains("\r\ncontent-length: 500000\r\n"),
            "{head}"
        );
        assert_eq!(taken_body.len(), body.len());
        assert!(taken_body == body, "the bytes differ");
    }
}

/// The same for a body of unknown length, which another thread feeds.
pub fn a_fed_answer_is_taken_whole(serve: Serve, occasion: Occasion) {
    let body = pattern(BODY_BYTES);
    for is_vectored in [false, true] {
        // The last chunk too is more than the socket takes at a time, and comes together with the end.
        let bytes = body.clone();
        let make_body: MakeBody = Arc::new(move || AnyBody::Fed(Fed::start(bytes.clone(), 20_011)));
        let taken = take_slowly(serve, is_vectored, make_body, occasion);
        let (head, chunks) = split(&taken);
        assert!(
            head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked\r\n"),
            "{head}"
        );
        assert!(
            unchunked(chunks).expect("the last chunk is there") == body,
            "the bytes differ"
        );
    }
}

/// The end of a body that another thread makes known between two polls is sent.
pub fn an_end_between_two_polls_is_sent(serve: Serve) {
    for is_vectored in [false, true] {
        let (socket, client) = stalled_socket(is_vectored);
        let (wake_now, may_wake) = mpsc::channel();
        let (say_woken, has_woken) = mpsc::channel();
        let thread = Mutex::new(Some((may_wake, say_woken)));
        let make_body: MakeBody = Arc::new(move || {
            let (may_wake, has_woken) = thread.lock().unwrap().take().expect("one request");
            AnyBody::EndsBetweenPolls(EndsBetweenPolls::start(may_wake, has_woken))
        });
        let mut polled = Polled::new(serve(socket, make_body, Switch::default()));
        client.send(b"GET / HTTP/1.1\r\nHost: calotype.test\r\n\r\n");
        polled.run();
        // Either the body has ended and was dropped, or it waits.
        wake_now.send(()).expect("the thread waits for this");
        has_woken.recv_timeout(PATIENCE).expect("the thread goes on");
        polled.run();
        let taken = client.taken();
        let (_, chunks) = split(&taken);
        assert_eq!(
            unchunked(chunks).as_deref(),
            Some(&b"hello"[..]),
            "the end of the body was never sent: {:?}",
            String::from_utf8_lossy(chunks)
        );
        // Who does not keep the connection shuts it down after that.
        assert!(client.shut_down_after().is_none_or(|after| after == taken.len()));
    }
}

/// An answer that cannot be finished, for its body fails or its connection is given up, ends the connection in a way that no client takes for an end.
///
/// That is more than hyper does.
pub fn an_answer_that_is_given_up_is_aborted(serve: Serve) {
    for is_length_known in [true, false] {
        let make_body: MakeBody = Arc::new(move || AnyBody::failing(is_length_known));
        let (socket, client) = stalled_socket(true);
        let mut polled = Polled::new(serve(socket, make_body, Switch::default()));
        client.send(Occasion::Kept.request().as_bytes());
        polled.run();
        while polled.end.is_none() {
            assert!(client.make_room(), "nobody waits");
            polled.run();
        }
        assert!(polled.end.take().is_some_and(|end| end.is_err()));
        drop(polled);
        assert_eq!(client.shut_down_after(), None);
        assert!(client.is_aborted());
        assert!(!ends_whole(&client.taken()));
    }
    let whole = Bytes::from(pattern(BODY_BYTES));
    let make_body: MakeBody = Arc::new(move || AnyBody::Complete(Some(whole.clone())));
    for rooms in [1, 61, 62] {
        let (socket, client) = stalled_socket(true);
        let mut polled = Polled::new(serve(socket, make_body.clone(), Switch::default()));
        client.send(Occasion::Kept.request().as_bytes());
        polled.run();
        for _ in 1..rooms {
            client.make_room();
            polled.run();
        }
        drop(polled);
        let is_whole = ends_whole(&client.taken());
        // 500,000 bytes and a head are more than 61 and less than 62 times 8 KiB.
        assert_eq!(is_whole, rooms == 62);
        assert_eq!(client.is_aborted(), !is_whole, "after {rooms} times {ROOM_BYTES} bytes");
        assert_eq!(client.shut_down_after(), None);
    }
}

/// Takes answers 8 KiB at a time, until the connection is done, and returns every byte.
fn take_slowly(serve: Serve, is_vectored: bool, make_body: MakeBody, occasion: Occasion) -> Vec<u8> {
    let (socket, client) = stalled_socket(is_vectored);
    let stop = Switch::default();
    let mut polled = Polled::new(serve(socket, make_body, stop.clone()));
    client.send(occasion.request().as_bytes());
    polled.run();
    assert!(
        client.taken_bytes() <= ROOM_BYTES,
        "the socket took more than it has room for"
    );
    match occasion {
        Occasion::FinishedSending => client.finish_sending(),
        Occasion::Stop => {
            stop.turn_on();
            polled.woken.clone().wake();
        }
        Occasion::Kept | Occasion::Close | Occasion::UnreadRequest => {}
    }
    loop {
        polled.run();
        let taken = client.taken();
        if let Some(shut_down_after) = client.shut_down_after() {
            assert!(
                ends_whole(&taken),
                "shut down after {shut_down_after} bytes of an answer with a body of {BODY_BYTES}"
            );
            // It has its answer, and leaves.
            client.finish_sending();
        }
        if let Some(end) = polled.end {
            end.expect("the connection ends well");
            assert_eq!(
                client.shut_down_after(),
                Some(taken.len()),
                "shut down once, after the last byte"
            );
            return taken;
        }
        if occasion == Occasion::Kept && ends_whole(&taken) {
            assert_eq!(client.shut_down_after(), KEPT_OPEN);
            return taken;
        }
        if !client.make_room() {
            // Nothing to write: it is another thread's turn.
            polled.wait();
        }
    }
}

const KEPT_OPEN: Option<usize> = None;

/// Whether the answer that begins these bytes ends with them.
fn ends_whole(taken: &[u8]) -> bool {
    let (head, body) = split(taken);
    if head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked\r\n") {
        unchunked(body).is_some()
    } else {
        body.len() == BODY_BYTES
    }
}

/// The head with its empty line, and what follows it.
fn split(answer: &[u8]) -> (&str, &[u8]) {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map_or(0, |at| at + 4);
    let (head, rest) = answer.split_at(end);
    (std::str::from_utf8(head).expect("a head in ASCII"), rest)
}

/// The data of a chunked body (RFC 9112, 7.1) that ends with these bytes. `None`: it does not end here.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        let (chunk, after) = (rest.get(..size)?, rest.get(size..)?);
        rest = after.strip_prefix(b"\r\n")?;
        if size == 0 {
            return rest.is_empty().then_some(data);
        }
        data.extend_from_slice(chunk);
    }
}
