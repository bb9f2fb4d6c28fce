//! Accepting connections, and a stop that loses none of them: what the doors share.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper_util::server::graceful::GracefulConnection as _;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::client_address::Peer;
use crate::connection::{HttpServer, RequestBody, Socket, Unreadable};
use crate::refusal;
use crate::unix_socket::SocketFile;

/// A pause after the system had no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long an idle connection is kept when another server has taken over: a little longer than the Workers runtime keeps one.
const HAND_OVER_TIME: Duration = Duration::from_secs(12);
/// How long a connection without a request may still send one once the server stops.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(1);
/// Connections that are taken from the system's queue when the server stops: what it may hold. More can come only while they are taken.
const QUEUE_MAX: usize = 4_096;

/// What a door is made of, but for its listener and its service.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// For the log.
    pub(crate) name: &'static str,
    pub(crate) http: HttpServer,
    /// Connections open at once; further ones wait to be accepted.
    pub(crate) connections_max: usize,
    /// How long a new connection may say nothing.
    pub(crate) first_byte_timeout: Duration,
    /// How long running requests may take to finish once a stop was asked for.
    pub(crate) stop_timeout: Duration,
    /// Bytes that the system holds of what is written to one connection. `None`: as many as it sees fit.
    pub(crate) send_buffer_bytes: Option<usize>,
}

/// What answers behind a door.
pub(crate) trait Service: Send + Sync + 'static {
    /// The answer to a request.
    fn answer(
        self: Arc<Self>,
        request: Request<RequestBody<Incoming>>,
    ) -> impl Future<Output = Answer> + Send + 'static;

    /// The answer to a request that could not be read.
    fn refuse(&self, unreadable: &Unreadable) -> Answer;

    /// A stop was asked for: no connections are accepted any more but those that wait already.
    fn stopping(&self) {}
}

/// What connections come from.
pub(crate) trait Listener: Send + Sync {
    type Stream: Stream;
    type Waiting: Iterator<Item = Self::Stream> + Send;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Gives the address up, as far as that can be done with clients still waiting. Says whether another server has it.
    fn leave(&self) -> io::Result<bool>;

    /// The connections that wait to be accepted; when they are through, nobody can connect any more.
    fn waiting(self) -> io::Result<Self::Waiting>;
}

/// A connection that was accepted.
pub(crate) trait Stream: Socket + Sync {
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send;

    fn prepare(&self, send_buffer_bytes: Option<usize>) -> io::Result<()>;

    /// The address of the other end, where it has one.
    fn peer(&self) -> Option<Peer>;
}

/// Whether the server goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    /// Connections that ask nothing are closed.
    Now,
    /// Another server has the address. A client that is about to ask once more would lose its request with a connection that is closed now, although
    /// there is somebody to answer: it is answered here, and told to go.
    HandOver,
}

impl Door {
    /// Serves until `stop` is done; then takes what waits to be accepted and finishes what runs, for as long as it may.
    ///
    /// Dropping the future closes every connection at once.
    pub(crate) async fn run<L: Listener>(
        &self,
        listener: L,
        service: Arc<impl Service>,
        stop: impl Future<Output = ()>,
    ) {
        let places = Arc::new(Semaphore::new(self.connections_max));
        let (tell, stopping) = watch::channel(Stop::No);
        let mut connections = JoinSet::new();
        let start = |stream, place| {
            let connection = Connection {
                stream,
                place,
                stopping: stopping.clone(),
            };
            connection.serve(self.clone(), service.clone())
        };
        let mut stop = std::pin::pin!(stop);
        loop {
            let place = tokio::select! {
                biased;
                () = &mut stop => break,
                Ok(place) = places.clone().acquire_owned() => place,
            };
            while connections.try_join_next().is_some() {}
            tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok(stream) => drop(connections.spawn(start(stream, place))),
                    Err(error) => {
                        tracing::warn!(door = self.name, %error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        service.stopping();
        let has_successor = listener.leave().unwrap_or_else(|error| {
            tracing::warn!(door = self.name, %error, "the address could not be given up");
            false
        });
        tell.send_replace(if has_successor { Stop::HandOver } else { Stop::Now });
        let finish = async {
            // Whoever connected before the address was given up is served still: closing the listener would reset those who wait.
            match listener.waiting() {
                Ok(mut waiting) => {
                    while let Ok(place) = places.clone().acquire_owned().await
                        && let Some(stream) = waiting.next()
                    {
                        connections.spawn(start(stream, place));
                    }
                }
                Err(error) => tracing::warn!(door = self.name, %error, "connections that waited were lost"),
            }
            while connections.join_next().await.is_some() {}
        };
        if tokio::time::timeout(self.stop_timeout, finish).await.is_err() {
            tracing::warn!(
                door = self.name,
                "some requests did not finish in time and were cut off"
            );
        }
    }
}

/// A connection with a place among those that may be open.
struct Connection<S> {
    stream: S,
    stopping: watch::Receiver<Stop>,
    place: OwnedSemaphorePermit,
}

impl<S: Stream> Connection<S> {
    async fn serve(mut self, door: Door, service: Arc<impl Service>) {
        let prepared = self.stream.prepare(door.send_buffer_bytes);
        if let Err(error) = prepared {
            tracing::debug!(door = door.name, %error, "a connection is left as it is");
        }
        if !self.speaks(door.first_byte_timeout).await {
            return;
        }
        let stopping = self.stopping.clone();
        let refuser = service.clone();
        let refuse = refusal::writer(move |unreadable| refuser.refuse(unreadable));
        let peer = self.stream.peer();
        let connection = door.http.serve(self.stream, refuse, move |mut request| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let is_http_1 = request.version() < http::Version::HTTP_2;
            let (answer, stopping) = (service.clone().answer(request), stopping.clone());
            async move {
                let mut answer = answer.await;
                if is_http_1 && *stopping.borrow() != Stop::No {
                    answer
                        .headers_mut()
                        .insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let mut connection = std::pin::pin!(connection);
        let close = async {
            if stopped(&mut self.stopping).await == Stop::HandOver {
                tokio::time::sleep(HAND_OVER_TIME).await;
            }
        };
        let ended = tokio::select! {
            // A request that has come is read before the connection is asked to stop.
            biased;
            ended = connection.as_mut() => ended,
            () = close => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(door = door.name, %error, "a connection ended badly");
        }
        drop(self.place);
    }

    /// Waits for the first byte. The HTTP layer closes a connection that is asked to stop before it has read anything, and the client that has just
    /// connected would be left without an answer.
    async fn speaks(&mut self, timeout: Duration) -> bool {
        let silence = async {
            if tokio::time::timeout(timeout, stopped(&mut self.stopping)).await.is_ok() {
                tokio::time::sleep(FIRST_BYTE_TIME).await;
            }
        };
        tokio::select! {
            biased;
            ready = self.stream.readable() => ready.is_ok(),
            () = silence => false,
        }
    }
}

/// Waits for the stop.
async fn stopped(stopping: &mut watch::Receiver<Stop>) -> Stop {
    match stopping.wait_for(|stop| *stop != Stop::No).await {
        Ok(stop) => *stop,
        Err(_) => Stop::Now,
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Waiting = Waiting<std::net::TcpListener>;

    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(Self::accept(self).await?.0)
    }

    /// A port has one owner and cannot be given up before its listener is closed.
    fn leave(&self) -> io::Result<bool> {
        Ok(false)
    }

    fn waiting(self) -> io::Result<Self::Waiting> {
        Ok(Waiting::new(self.into_std()?))
    }
}

impl Listener for SocketFile {
    type Stream = UnixStream;
    type Waiting = Waiting<std::os::unix::net::UnixListener>;

    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }

    fn leave(&self) -> io::Result<bool> {
        self.remove()
    }

    fn waiting(self) -> io::Result<Self::Waiting> {
        Ok(Waiting::new(self.listener.into_std()?))
    }
}

/// What is left in the queue of a listener that does not block.
pub(crate) struct Waiting<L> {
    listener: L,
    left: usize,
}

impl<L> Waiting<L> {
    const fn new(listener: L) -> Self {
        Self {
            listener,
            left: QUEUE_MAX,
        }
    }

    fn take<S>(&mut self, mut accept: impl FnMut(&L) -> io::Result<S>) -> Option<S> {
        loop {
            self.left = self.left.checked_sub(1)?;
            match accept(&self.listener) {
                Ok(stream) => return Some(stream),
                // This one left while it waited.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return None,
            }
        }
    }
}

impl Iterator for Waiting<std::net::TcpListener> {
    type Item = TcpStream;

    fn next(&mut self) -> Option<TcpStream> {
        self.take(|listener| {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        })
    }
}

impl Iterator for Waiting<std::os::unix::net::UnixListener> {
    type Item = UnixStream;

    fn next(&mut self) -> Option<UnixStream> {
        self.take(|listener| {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        })
    }
}

impl Stream for TcpStream {
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send {
        Self::readable(self)
    }

    fn prepare(&self, send_buffer_bytes: Option<usize>) -> io::Result<()> {
        // Answers are written whole: waiting to fill packets only delays them.
        self.set_nodelay(true)?;
        match send_buffer_bytes {
            Some(bytes) => socket2::SockRef::from(self).set_send_buffer_size(bytes),
            None => Ok(()),
        }
    }

    fn peer(&self) -> Option<Peer> {
        self.peer_addr().ok().map(|address| Peer(address.ip()))
    }
}

impl Stream for UnixStream {
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send {
        Self::readable(self)
    }

    fn prepare(&self, send_buffer_bytes: Option<usize>) -> io::Result<()> {
        match send_buffer_bytes {
            Some(bytes) => socket2::SockRef::from(self).set_send_buffer_size(bytes),
            None => Ok(()),
        }
    }

    fn peer(&self) -> Option<Peer> {
        None
    }
}
