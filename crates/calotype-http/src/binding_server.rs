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
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use crate::server::{ACCEPT_PAUSE, ServerSettings};
use crate::surface::binding::Binding;
use crate::unix_socket::SocketFile;

/// How long a connection may be idle, and how long a head may take. The runtime closes idle connections after some ten seconds, and it should be the
/// runtime that closes (binding spec 2.1).
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
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
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let place = tokio::select! {
                () = &mut stop => break,
                Ok(place) = places.clone().acquire_owned() => place,
            };
            tokio::select! {
                () = &mut stop => break,
                accepted = self.socket.listener.accept() => match accepted {
                    Ok((stream, _)) => self.serve(stream, place, &graceful),
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
        // Whoever connected before the name was gone, or was another's, is served still.
        while let Ok(place) = places.clone().try_acquire_owned()
            && let Some(stream) = self.accept_waiting().await
        {
            self.serve(stream, place, &graceful);
        }
        drop(self.socket);
        let finished = tokio::time::timeout(self.settings.stop_timeout, graceful.shutdown());
        if finished.await.is_err() {
            tracing::warn!("some binding calls did not finish in time and were cut off");
        }
    }

    /// A connection that waits already.
    async fn accept_waiting(&self) -> Option<UnixStream> {
        tokio::select! {
            biased;
            accepted = self.socket.listener.accept() => accepted.ok().map(|(stream, _)| stream),
            () = std::future::ready(()) => None,
        }
    }

    fn serve(&self, stream: UnixStream, place: OwnedSemaphorePermit, graceful: &GracefulShutdown) {
        // A client that stops reading would hold its answer's memory for ever.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.settings.write_timeout));
        let binding = self.binding.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let binding = binding.clone();
            async move { Ok::<_, Infallible>(binding.handle(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection to the binding ended badly");
            }
            drop(place);
        });
    }
}
