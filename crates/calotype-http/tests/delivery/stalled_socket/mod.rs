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
//! Both are shown here without sockets and without a clock: connections are polled by hand, and the fake socket counts. Nothing here knows of more than HTTP/1 and
//! tokio's traits, so it can be put under several versions of hyper, and under our own server.

mod bodies;
mod polled;
mod socket;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;

pub use bodies::{AnyBody, BODY_BYTES, pattern};
use bodies::{EndsBetweenPolls, Fed};
use polled::{PATIENCE, Polled};
pub use socket::StalledSocket;
use socket::{ROOM_BYTES, stalled_socket};

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
            polled.wake();
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
