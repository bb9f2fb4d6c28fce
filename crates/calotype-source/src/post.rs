//! Posting to a URL that a user named: the same guard as for fetching, and nothing that fetching has beside it.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::connect::{ConnectFailure, Connector, Dial, Resolve, SystemDialer, SystemResolver};
use crate::guard::AddressGuard;

/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// How it is posted.
#[derive(Debug, Clone)]
pub struct PostSettings {
    /// Which addresses may be connected to.
    pub guard: AddressGuard,
    /// The `User-Agent` we show.
    pub user_agent: HeaderValue,
    /// Everything, from the look-up to the head of the answer.
    pub timeout: Duration,
}

impl Default for PostSettings {
    fn default() -> Self {
        Self {
            guard: AddressGuard::public_only(),
            user_agent: HeaderValue::from_static(concat!("Calotype/", env!("CARGO_PKG_VERSION"))),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Why there is no answer. What it prints is for users: no address, no text of a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostFailure {
    /// No request can go to this URL.
    InvalidUrl,
    /// The name has no address.
    HostNotFound,
    /// The guard let none of its addresses through.
    Forbidden,
    /// Not within the time.
    TimedOut,
    /// Refused, unreachable.
    Unreachable,
    /// No TLS session, or no valid certificate.
    Tls,
    /// The connection broke before the answer, or the answer is no HTTP.
    Broken,
}

impl fmt::Display for PostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUrl => "the URL is not one that can be posted to",
            Self::HostNotFound => "the host name does not resolve",
            Self::Forbidden => "the address is not allowed",
            Self::TimedOut => "no answer in time",
            Self::Unreachable => "the connection was refused or the host cannot be reached",
            Self::Tls => "the TLS handshake failed or the certificate is not valid",
            Self::Broken => "the connection broke, or the answer is not valid HTTP",
        })
    }
}

impl std::error::Error for PostFailure {}

/// Posts, each time over a new connection: a name is looked up and judged each time, and nothing is sent on a connection that is about to close.
pub struct Poster {
    client: Client<Connector, Full<Bytes>>,
    settings: PostSettings,
}

impl Poster {
    /// A poster on the machine's network.
    #[must_use]
    pub fn new(settings: PostSettings) -> Self {
        Self::with_network(settings, Arc::new(SystemResolver), Arc::new(SystemDialer))
    }

    /// A poster with another way to resolve and connect: tests, or a network of one's own.
    #[must_use]
    pub fn with_network(settings: PostSettings, resolver: Arc<dyn Resolve>, dialer: Arc<dyn Dial>) -> Self {
        let connector = Connector::new(settings.guard.clone(), resolver, dialer, settings.timeout);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Self { client, settings }
    }

    /// The status of the answer. Redirects are not followed, and no byte of the body is read.
    ///
    /// # Errors
    /// When there is no answer, in words for users.
    pub async fn post(&self, url: &str, mut headers: HeaderMap, body: Bytes) -> Result<StatusCode, PostFailure> {
        let uri: Uri = url.parse().map_err(|_| PostFailure::InvalidUrl)?;
        headers.insert(USER_AGENT, self.settings.user_agent.clone());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        match tokio::time::timeout(self.settings.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer.status()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(PostFailure::TimedOut),
        }
    }
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn failure(error: &legacy::Error) -> PostFailure {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(failure) = cause.downcast_ref::<ConnectFailure>() {
            return match failure {
                ConnectFailure::HostNotFound(_) => PostFailure::HostNotFound,
                ConnectFailure::Forbidden(_) => PostFailure::Forbidden,
                ConnectFailure::TimedOut => PostFailure::TimedOut,
                ConnectFailure::Unreachable(_) => PostFailure::Unreachable,
                ConnectFailure::Tls(_) => PostFailure::Tls,
            };
        }
        next = cause.source();
    }
    PostFailure::Broken
}
