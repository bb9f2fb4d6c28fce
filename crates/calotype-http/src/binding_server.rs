//! The binding's connections: HTTP/1.1 on a Unix socket.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::server::{ACCEPT_PAUSE, ServerSettings};
use crate::surface::binding::Binding;
use crate::unix_socket::SocketFile;

/// How long a connection may be idle, and how long a head may take. The runtime closes idle connections after some ten seconds, and it should be the
/// runtime that closes (binding spec 2.1).
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection without a request may still send one once the server stops.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(1);
/// Bytes of a request's line and headers together; the runtime's have less than 300.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// A [`Binding`] on a Unix socket.
#[derive(Debug)]
pub struct BindingServer {
    socket: SocketFile,
    binding: Arc<Binding>,
    settings: ServerSettings,
}

impl BindingServer {
    /// Listens at a path, on a file of this mode. A socket that is there already is replaced without a gap.
    ///
    /// # Errors
    /// When the path is no place for a socket, or holds something else.
    pub fn bind(path: &Path, mode: u32, binding: Arc<Binding>, settings: ServerSettings) -> io::Result<Self> {
        Ok(Self {
            socket: SocketFile::bind(path, mode)?,
            binding,
            settings,
        })
    }

    /// Serves until `stop` is done; then takes what waits to be accepted and finishes what runs, for as long as the settings allow.
    ///
    /// Dropping the future closes every connection at once.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.settings.connections_max));
        // Connections hear of the stop when the sender is dropped.
        let (tell, stopping) = watch::channel(());
        let mut connections = JoinSet::new();
        let start = |stream, place| {
            let connection = Connection {
                stream,
                place,
                stopping: stopping.clone(),
            };
            connection.serve(self.binding.clone(), self.settings.write_timeout)
        };
        let mut stop = std::pin::pin!(stop);
        loop {
            let place = tokio::select! {
                () = &mut stop => break,
                Ok(place) = places.clone().acquire_owned() => place,
            };
            while connections.try_join_next().is_some() {}
            tokio::select! {
                () = &mut stop => break,
                accepted = self.socket.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(start(stream, place))),
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the binding could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        if let Err(error) = self.socket.remove() {
            tracing::warn!(%error, "the binding's socket could not be removed");
        }
        drop(tell);
        let finish = async {
            // Whoever connected before the name was gone, or was another's, is served still.
            match self.socket.listener.into_std() {
                Ok(listener) => {
                    while let Ok(place) = places.clone().acquire_owned().await
                        && let Some(stream) = accept_waiting(&listener)
                    {
                        connections.spawn(start(stream, place));
                    }
                }
                Err(error) => tracing::warn!(%error, "connections to the binding that waited were lost"),
            }
            while connections.join_next().await.is_some() {}
        };
        if tokio::time::timeout(self.settings.stop_timeout, finish).await.is_err() {
            tracing::warn!("some binding calls did not finish in time and were cut off");
        }
    }
}

/// A connection that waits already. The system is asked: the event loop may not have heard of it yet.
fn accept_waiting(listener: &std::os::unix::net::UnixListener) -> Option<UnixStream> {
    let (stream, _) = listener.accept().ok()?;
    stream.set_nonblocking(true).ok()?;
    UnixStream::from_std(stream).ok()
}

/// A connection that was accepted.
struct Connection {
    stream: UnixStream,
    /// Ends when the server stops.
    stopping: watch::Receiver<()>,
    place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(mut self, binding: Arc<Binding>, write_timeout: Duration) {
        if !self.speaks().await {
            return;
        }
        // A client that stops reading would hold its answer's memory for ever.
        let mut stream = TimeoutStream::new(self.stream);
        stream.set_write_timeout(Some(write_timeout));
        let service = service_fn(move |request: http::Request<Incoming>| {
            let binding = binding.clone();
            async move { Ok::<_, Infallible>(binding.handle(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            _ = self.stopping.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to the binding ended badly");
        }
        drop(self.place);
    }

    /// Waits for the first byte. The HTTP layer closes a connection that is asked to stop before it has read anything, and the client that has just
    /// connected would be left without an answer.
    async fn speaks(&mut self) -> bool {
        let silence = async {
            let stopped = tokio::time::timeout(IDLE_TIMEOUT, self.stopping.changed())
                .await
                .is_ok();
            if stopped {
                tokio::time::sleep(FIRST_BYTE_TIME).await;
            }
        };
        tokio::select! {
            ready = self.stream.readable() => ready.is_ok(),
            () = silence => false,
        }
    }
}
