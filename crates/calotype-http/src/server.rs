//! Connections: accepting, bounds, timeouts, and a stop that finishes what was begun.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::App;
use crate::connection::{Connection, Ledger, RequestBody, TARGET_BYTES_MAX};
use crate::refusal;

/// Bytes of a request's line and headers together.
const HEAD_BYTES_MAX: usize = 512 << 10;
/// The same over HTTP/2, where a target that is too long for us can be refused by this bound alone.
const HTTP_2_HEAD_BYTES_MAX: u32 = 64 << 10;
/// A pause after the system had no room for another connection.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Connections open at once; further ones wait to be accepted.
    pub connections_max: usize,
    /// From the first byte of a request to the end of its headers.
    pub header_timeout: Duration,
    /// How long a client may leave an answer unread before its connection is reset.
    pub write_timeout: Duration,
    /// How long running requests may take to finish once a stop was asked for.
    pub stop_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            header_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
        }
    }
}

/// An [`App`] on a socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
    settings: ServerSettings,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, app: Arc<App>, settings: ServerSettings) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            app,
            settings,
        })
    }

    /// The address in use; its port is the chosen one when 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is done, then finishes the requests that run, for as long as the settings allow.
    ///
    /// Dropping the future closes every connection at once.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.settings.connections_max));
        let graceful = GracefulShutdown::new();
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_header_list_size(HTTP_2_HEAD_BYTES_MAX);
        let mut stop = std::pin::pin!(stop);
        loop {
            let place = tokio::select! {
                () = &mut stop => break,
                place = places.clone().acquire_owned() => place,
            };
            let stream = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            // Answers are written whole: waiting to fill packets only delays them.
            let _ = stream.set_nodelay(true);
            let ledger = Arc::<Ledger>::default();
            let refuse = refusal::writer(self.app.clone());
            // As much as it takes to see that the options alone are too long.
            let line_bytes_kept = self
                .app
                .limits()
                .options_bytes_max
                .min(TARGET_BYTES_MAX)
                .saturating_add(256);
            let stream = Connection::new(
                stream,
                ledger.clone(),
                self.settings.write_timeout,
                line_bytes_kept,
                refuse,
            );
            let app = self.app.clone();
            let service = service_fn(move |request: http::Request<Incoming>| {
                let (app, ledger) = (app.clone(), ledger.clone());
                // HTTP/2 answers in any order, and its connection does not ask.
                let in_order = request.version() < http::Version::HTTP_2;
                if in_order {
                    ledger.begin();
                }
                async move {
                    let request = request.map(|body| RequestBody::new(body, ledger.clone(), in_order));
                    let answer = app.handle(request).await;
                    if in_order && let Ok(answer) = &answer {
                        ledger.answer(answer.body().size_hint().exact().unwrap_or(0));
                    }
                    answer
                }
            });
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = watched.await {
                    tracing::debug!(%error, "a connection ended badly");
                }
                drop(place);
            });
        }
        self.app.stop();
        drop(self.listener);
        if tokio::time::timeout(self.settings.stop_timeout, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
    }
}
