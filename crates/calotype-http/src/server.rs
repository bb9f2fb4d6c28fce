//! Connections: accepting, bounds, timeouts, and a stop that finishes what was begun.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::App;
use crate::connection::{HttpServer, TARGET_BYTES_MAX};
use crate::refusal;

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
        // As much as it takes to see that the options alone are too long.
        let line_bytes_kept = self
            .app
            .limits()
            .options_bytes_max
            .min(TARGET_BYTES_MAX)
            .saturating_add(256);
        let http = HttpServer::new(
            self.settings.header_timeout,
            self.settings.write_timeout,
            line_bytes_kept,
        );
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
            let app = self.app.clone();
            let connection = http.serve(stream, refusal::writer(self.app.clone()), move |request| {
                let app = app.clone();
                async move { app.handle(request).await }
            });
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
