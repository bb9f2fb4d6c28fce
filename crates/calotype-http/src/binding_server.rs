//! The door of the Workers runtime: HTTP/1.1 on a Unix socket, or on a port of this machine.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::accept::{Door, Service};
use crate::answer::Answer;
use crate::connection::{HttpServer, RequestBody, Unreadable};
use crate::refusal;
use crate::router::Router;
use crate::server::ServerSettings;
use crate::unix_socket::SocketFile;

/// How long a connection may be idle, and how long a head may take. The runtime closes idle connections after some ten seconds, and it should be the
/// runtime that closes (binding spec 2.1).
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's line and headers together; the runtime's have less than 300.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// As much of a request line that is too long as it takes to know it for one.
const LINE_BYTES_KEPT: usize = 64;

/// A [`Router`] on the binding's socket.
#[derive(Debug)]
pub struct BindingServer {
    listener: BindingListener,
    router: Arc<Router>,
    settings: ServerSettings,
}

#[derive(Debug)]
enum BindingListener {
    Unix(SocketFile),
    Tcp(TcpListener),
}

impl BindingServer {
    /// Listens at a path, on a file of this mode. A socket that is there already is replaced without a gap.
    ///
    /// # Errors
    /// When the path is no place for a socket, or holds something else.
    pub fn bind(path: &Path, mode: u32, router: Arc<Router>, settings: ServerSettings) -> io::Result<Self> {
        Ok(Self {
            listener: BindingListener::Unix(SocketFile::bind(path, mode)?),
            router,
            settings,
        })
    }

    /// Listens on a port. Whoever reaches it may use it: this door asks for no credentials.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind_port(address: SocketAddr, router: Arc<Router>, settings: ServerSettings) -> io::Result<Self> {
        Ok(Self {
            listener: BindingListener::Tcp(TcpListener::bind(address).await?),
            router,
            settings,
        })
    }

    /// The address in use, if it is a port's; the port is the chosen one when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.listener {
            BindingListener::Unix(_) => None,
            BindingListener::Tcp(listener) => listener.local_addr().ok(),
        }
    }

    /// Serves until `stop` is done; then takes what waits to be accepted and finishes what runs, for as long as the settings allow.
    ///
    /// Dropping the future closes every connection at once.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let settings = self.settings;
        let door = Door {
            name: "binding",
            http: HttpServer::new(IDLE_TIMEOUT, settings.write_timeout, LINE_BYTES_KEPT).http_1_only(HEAD_BYTES_MAX),
            connections_max: settings.connections_max,
            first_byte_timeout: IDLE_TIMEOUT,
            stop_timeout: settings.stop_timeout,
            send_buffer_bytes: settings.send_buffer_bytes,
        };
        match self.listener {
            BindingListener::Unix(listener) => door.run(listener, self.router, stop).await,
            BindingListener::Tcp(listener) => door.run(listener, self.router, stop).await,
        }
    }
}

impl Service for Router {
    async fn answer(self: Arc<Self>, request: Request<RequestBody<Incoming>>) -> Answer {
        Self::answer(&self, request).await
    }

    fn refuse(&self, unreadable: &Unreadable) -> Answer {
        match unreadable {
            Unreadable::LongLine(_) => crate::answer::text(StatusCode::URI_TOO_LONG, "the URL is too long\n"),
            Unreadable::LongHeaders => refusal::long_headers(),
            Unreadable::Malformed => refusal::malformed(),
        }
    }
}
