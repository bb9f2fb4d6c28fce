//! The connector under the HTTP client: it tells apart what the protocol's error table tells apart, and asks the guard where it counts.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use super::{BoxFuture, BoxedIo, Dial, Resolve, race};
use crate::guard::{AddressGuard, Refusal};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectFailure {
    /// The name has no address, or the resolver did not answer in time.
    HostNotFound(String),
    /// The guard let none of the addresses through.
    Forbidden(Refusal),
    /// No connection, or no TLS session, within the time allowed.
    TimedOut,
    /// Refused, unreachable, reset.
    Unreachable(io::Error),
    /// The TLS handshake failed, the certificate included.
    Tls(String),
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostNotFound(why) => write!(f, "name resolution failed: {why}"),
            Self::Forbidden(refusal) => write!(f, "{refusal}"),
            Self::TimedOut => f.write_str("connecting took too long"),
            Self::Unreachable(error) => write!(f, "connecting failed: {error}"),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
        }
    }
}

impl std::error::Error for ConnectFailure {}

/// Connects to the authority of an http or https URI within a deadline.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: HttpsConnector<GuardedTcp>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(
        guard: AddressGuard,
        resolver: Arc<dyn Resolve>,
        dialer: Arc<dyn Dial>,
        timeout: Duration,
    ) -> Self {
        let tcp = GuardedTcp {
            guard: Arc::new(guard),
            resolver,
            dialer,
            timeout,
        };
        let tls = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self { tls, timeout }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<BoxedIo>>;
    type Error = ConnectFailure;
    type Future = BoxFuture<Result<Self::Response, ConnectFailure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.tls.call(uri);
        let timeout = self.timeout;
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(failure(error)),
                Err(_) => Err(ConnectFailure::TimedOut),
            }
        })
    }
}

/// What is not a failure of the TCP connector below is one of the TLS layer above it.
fn failure(error: BoxError) -> ConnectFailure {
    match error.downcast::<ConnectFailure>() {
        Ok(failure) => *failure,
        Err(error) => ConnectFailure::Tls(error.to_string()),
    }
}

/// TCP to the addresses of a host that the guard lets through.
#[derive(Clone)]
struct GuardedTcp {
    guard: Arc<AddressGuard>,
    resolver: Arc<dyn Resolve>,
    dialer: Arc<dyn Dial>,
    timeout: Duration,
}

impl Service<Uri> for GuardedTcp {
    type Response = TokioIo<BoxedIo>;
    type Error = ConnectFailure;
    type Future = BoxFuture<Result<Self::Response, ConnectFailure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tcp = self.clone();
        Box::pin(async move { tcp.connect(&uri).await.map(TokioIo::new) })
    }
}

impl GuardedTcp {
    async fn connect(&self, uri: &Uri) -> Result<BoxedIo, ConnectFailure> {
        // Resolving has half of the time, so that a name server which does not answer is told apart from a host that does not.
        let deadline = Instant::now() + self.timeout / 2;
        let found = timeout_at(deadline, self.addresses(uri))
            .await
            .map_err(|_| ConnectFailure::HostNotFound("the resolver did not answer in time".into()))??;
        let allowed = self.allowed(found)?;
        race::first_to_open(&self.dialer, &allowed)
            .await
            .map_err(ConnectFailure::Unreachable)
    }

    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, ConnectFailure> {
        let host = uri.host().unwrap_or_default();
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let literal = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let addresses = match literal.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self
                .resolver
                .resolve(host)
                .await
                .map_err(|error| ConnectFailure::HostNotFound(error.to_string()))?,
        };
        if addresses.is_empty() {
            return Err(ConnectFailure::HostNotFound("the name has no address".into()));
        }
        Ok(addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    /// The addresses that may be connected to. These very values are dialled: there is no second look-up that could answer differently.
    fn allowed(&self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ConnectFailure> {
        let mut allowed = Vec::with_capacity(addresses.len());
        let mut refusal = None;
        for address in addresses {
            match self.guard.check(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refusal) if allowed.is_empty() => Err(ConnectFailure::Forbidden(refusal)),
            _ => Ok(allowed),
        }
    }
}
