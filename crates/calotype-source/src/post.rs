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

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::testing::{Answer, Events, Network};

    const URL: &str = "http://a.example/in?b=c";

    fn receiver(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Poster, Events) {
        Network::new()
            .name("a.example", &["93.184.215.14"])
            .origin("93.184.215.14:80", script)
            .poster(PostSettings::default())
    }

    async fn post(poster: &Poster) -> Result<u16, PostFailure> {
        let posted = poster.post(URL, HeaderMap::new(), Bytes::new()).await;
        posted.map(|status| status.as_u16())
    }

    #[tokio::test]
    async fn every_status_is_an_answer_and_redirects_lead_nowhere() {
        for status in [200, 204, 302, 308, 404, 500] {
            let (poster, mut events) = receiver(move |_| Answer::new(status, "Location: /elsewhere\r\n", b""));
            let posted = poster.post(URL, HeaderMap::new(), Bytes::from_static(b"{}")).await;
            assert_eq!(posted.map(|status| status.as_u16()), Ok(status));
            let expected = format!(
                "POST /in?b=c HTTP/1.1\r\nuser-agent: Calotype/{}\r\nhost: a.example\r\ncontent-length: 2\r\n\r\n",
                env!("CARGO_PKG_VERSION")
            );
            assert_eq!(events.requests(), [expected]);
        }
    }

    #[tokio::test]
    async fn each_post_has_a_connection_of_its_own() {
        let (poster, mut events) = receiver(|_| Answer::ok(b""));
        for _ in 0..2 {
            assert_eq!(post(&poster).await, Ok(200));
        }
        assert_eq!(events.dialled(), ["93.184.215.14:80", "93.184.215.14:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_silent_or_drips_has_ten_seconds() {
        let name = || Network::new().name("a.example", &["93.184.215.14"]);
        let second = Duration::from_secs(1);
        for (poster, want, seconds) in [
            (receiver(|_| Answer::raw("").then_stall()), PostFailure::TimedOut, 10),
            (
                receiver(move |_| Answer::raw("HTTP/1.1 200 X\r\nA: ").then_drip(second)),
                PostFailure::TimedOut,
                10,
            ),
            (
                name().hangs("93.184.215.14:80").poster(PostSettings::default()),
                PostFailure::TimedOut,
                10,
            ),
            (
                Network::new().hanging_name("a.example").poster(PostSettings::default()),
                PostFailure::HostNotFound,
                5,
            ),
        ] {
            let start = Instant::now();
            assert_eq!(post(&poster.0).await, Err(want));
            assert_eq!(start.elapsed().as_secs(), seconds, "{want}");
        }
    }

    #[tokio::test]
    async fn failures_are_told_apart_and_name_no_address() {
        let settings = PostSettings::default;
        let long = format!("HTTP/1.1 200 X\r\nA: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
        let inside = Network::new()
            .name("a.example", &["10.1.2.3"])
            .origin("10.1.2.3:80", |_| Answer::ok(b""));
        for (poster, want) in [
            (receiver(|_| Answer::raw("hello")), PostFailure::Broken),
            (receiver(|_| Answer::raw("").then_close()), PostFailure::Broken),
            (receiver(move |_| Answer::raw(&long)), PostFailure::Broken),
            (inside.poster(settings()), PostFailure::Forbidden),
            (Network::new().poster(settings()), PostFailure::HostNotFound),
            (
                Network::new().name("a.example", &["93.184.215.14"]).poster(settings()),
                PostFailure::Unreachable,
            ),
        ] {
            assert_eq!(post(&poster.0).await, Err(want));
            assert!(!want.to_string().contains(|c: char| c.is_ascii_digit()), "{want}");
        }
    }
}
