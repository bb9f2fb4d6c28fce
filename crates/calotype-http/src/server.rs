//! The URL door: the app on a port, with bounds and timeouts.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::App;
use crate::accept::{Door, Service};
use crate::answer::Answer;
use crate::connection::{HttpServer, RequestBody, TARGET_BYTES_MAX, Unreadable};

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Connections open at once; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long a connection may say nothing, and how long the headers of a request may take from their first byte.
    pub header_timeout: Duration,
    /// How long a client may leave an answer unread before its connection is reset.
    pub write_timeout: Duration,
    /// How long running requests may take to finish once a stop was asked for.
    pub stop_timeout: Duration,
    /// Bytes that the system holds of what is written to one connection. `None`, for all but tests of slow readers: as many as it sees fit.
    pub send_buffer_bytes: Option<usize>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            header_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
            send_buffer_bytes: None,
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

    /// Serves until `stop` is done; then takes what waits to be accepted and finishes what runs, for as long as the settings allow.
    ///
    /// Dropping the future closes every connection at once.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let settings = self.settings;
        // As much as it takes to see that the options alone are too long.
        let line_bytes_kept = self
            .app
            .limits()
            .options_bytes_max
            .min(TARGET_BYTES_MAX)
            .saturating_add(256);
        let door = Door {
            name: "url",
            http: HttpServer::new(settings.header_timeout, settings.write_timeout, line_bytes_kept),
            connections_max: settings.connections_max,
            first_byte_timeout: settings.header_timeout,
            stop_timeout: settings.stop_timeout,
            send_buffer_bytes: settings.send_buffer_bytes,
        };
        door.run(self.listener, self.app, stop).await;
    }
}

impl Service for App {
    async fn answer(self: Arc<Self>, request: Request<RequestBody<Incoming>>) -> Answer {
        match self.handle(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    fn refuse(&self, unreadable: &Unreadable) -> Answer {
        Self::refuse(self, unreadable)
    }

    fn stopping(&self) {
        self.stop();
    }
}
