//! Fetching one original over HTTP.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use http::{HeaderValue, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::body::{self, error_chain};
use crate::connect::{ConnectFailure, Connector, Dial, Resolve, SystemDialer, SystemResolver};
use crate::guard::AddressGuard;
use crate::headers::{SourceHeaders, Validators};
use crate::memory::SourceMemory;
use crate::redirect;
use crate::request::{self, Head};
use crate::status::{self, Verdict};

/// Bytes of an answer's head, and of one read of its body.
const HEAD_BYTES_MAX: usize = 64 << 10;
const IDLE_CONNECTIONS_PER_HOST_MAX: usize = 8;
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// How originals are fetched.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// Which addresses may be connected to.
    pub guard: AddressGuard,
    /// The operator's own origin (`--origin`): the first hop to exactly this scheme, host and port may go to a private address. Where it redirects
    /// to is guarded as everything else.
    pub trusted_origin: Option<Url>,
    /// The `User-Agent` we show.
    pub user_agent: HeaderValue,
    /// Resolving, connecting and the TLS handshake of one hop (spec 11.6).
    pub connect_timeout: Duration,
    /// Everything, from the first look-up to the last byte (spec 11.6).
    pub download_timeout: Duration,
    /// Redirects that are followed (spec 11.5).
    pub redirects_max: usize,
    /// Bytes of a source file, before and after undoing its content codings (spec 9.1).
    pub source_bytes_max: u64,
    /// Fetches under way at once; one more is refused with 9522.
    pub fetches_max: usize,
    /// The bytes that all sources in memory share.
    pub memory: SourceMemory,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            guard: AddressGuard::public_only(),
            trusted_origin: None,
            user_agent: HeaderValue::from_static(concat!("Calotype/", env!("CARGO_PKG_VERSION"))),
            connect_timeout: Duration::from_secs(10),
            download_timeout: Duration::from_secs(60),
            redirects_max: 5,
            source_bytes_max: 100_000_000,
            fetches_max: 512,
            memory: SourceMemory::new(512 << 20),
        }
    }
}

/// What to fetch. Nothing of the client's request goes to the origin but the two headers that show loops.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// Where the original is.
    pub url: Url,
    /// The `Via` lines of the client's request; ours is appended.
    pub via: Vec<HeaderValue>,
    /// The `CDN-Loop` lines of the client's request; ours is appended (RFC 8586).
    pub cdn_loop: Vec<HeaderValue>,
    /// Credentials for the URL's own origin; no other is told them, also not after a redirect.
    pub authorization: Option<HeaderValue>,
}

impl FetchRequest {
    /// A request without a history.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            via: Vec::new(),
            cdn_loop: Vec::new(),
            authorization: None,
        }
    }
}

/// A whole original.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its bytes, at least one.
    pub bytes: Bytes,
    /// Where it was found after all redirects.
    pub final_url: Url,
    /// The headers that matter later.
    pub headers: SourceHeaders,
    /// Milliseconds to the head of the final answer.
    pub headers_ms: u32,
    /// Milliseconds from there to the last byte.
    pub body_ms: u32,
}

/// The origin's word that a stored copy is still good.
#[derive(Debug, Clone)]
pub struct Unchanged {
    /// The headers of the 304, which renew the stored ones.
    pub headers: SourceHeaders,
    /// Milliseconds to the answer.
    pub headers_ms: u32,
}

/// The answer to [`Fetcher::revalidate`].
#[derive(Debug, Clone)]
pub enum Revalidated {
    /// The stored copy is still good.
    Unchanged(Unchanged),
    /// There is a new original.
    Changed(Fetched),
}

/// Fetches originals; keeps connections open between fetches. Cheap to share behind an `Arc`.
pub struct Fetcher {
    settings: FetchSettings,
    guarded: HttpClient,
    /// A pool of its own, so that a connection which was opened to the trusted origin without the guard never serves another request.
    unguarded: HttpClient,
    fetches: Semaphore,
}

type HttpClient = Client<Connector, Empty<Bytes>>;

impl Fetcher {
    /// A fetcher on the machine's network.
    #[must_use]
    pub fn new(settings: FetchSettings) -> Self {
        Self::with_network(settings, Arc::new(SystemResolver), Arc::new(SystemDialer))
    }

    /// A fetcher with another way to resolve and connect: tests, or a network of one's own.
    #[must_use]
    pub fn with_network(settings: FetchSettings, resolver: Arc<dyn Resolve>, dialer: Arc<dyn Dial>) -> Self {
        let connector = |guard| Connector::new(guard, resolver.clone(), dialer.clone(), settings.connect_timeout);
        Self {
            guarded: client(connector(settings.guard.clone())),
            unguarded: client(connector(AddressGuard::off())),
            fetches: Semaphore::new(settings.fetches_max),
            settings,
        }
    }

    /// The whole original.
    ///
    /// Dropping the future ends the download.
    ///
    /// # Errors
    /// A fault per row of spec 11.6; see also spec 11.5 for redirects.
    pub async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Fault> {
        match self.run(request, None).await? {
            Revalidated::Changed(fetched) => Ok(fetched),
            // `status::judge` lets a 304 pass only where validators were sent.
            Revalidated::Unchanged(_) => Err(Fault::new(
                FaultKind::OriginUnexpected,
                "the origin sent a 304 that was not asked for",
            )),
        }
    }

    /// The original if it is another than the stored copy that these validators describe.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub async fn revalidate(&self, request: FetchRequest, validators: &Validators) -> Result<Revalidated, Fault> {
        let validators = Some(validators).filter(|validators| !validators.is_empty());
        self.run(request, validators).await
    }

    async fn run(&self, request: FetchRequest, validators: Option<&Validators>) -> Result<Revalidated, Fault> {
        let Ok(_place) = self.fetches.try_acquire() else {
            return Err(Fault::new(
                FaultKind::Busy,
                "too many originals are being fetched; try again shortly",
            ));
        };
        let limit = self.settings.download_timeout;
        timeout(limit, self.follow(request, validators))
            .await
            .unwrap_or_else(|_| {
                Err(Fault::new(
                    FaultKind::DownloadTimeout,
                    format!("the source did not arrive whole within {} s", limit.as_secs()),
                ))
            })
    }

    async fn follow(&self, request: FetchRequest, validators: Option<&Validators>) -> Result<Revalidated, Fault> {
        let start = Instant::now();
        let head = Head {
            user_agent: &self.settings.user_agent,
            via: &request.via,
            cdn_loop: &request.cdn_loop,
            authorization: None,
            validators,
        };
        let mut url = request.url;
        let first_origin = url.origin();
        url.set_fragment(None);
        redirect::check_first(&url)?;
        let mut client = if self.is_trusted(&url) {
            &self.unguarded
        } else {
            &self.guarded
        };
        for _hop in 0..=self.settings.redirects_max {
            let answer = client
                .request(request::build(
                    &url,
                    &Head {
                        authorization: request.authorization.as_ref().filter(|_| url.origin() == first_origin),
                        ..head
                    },
                )?)
                .await
                .map_err(|error| request_fault(&error))?;
            let headers_ms = millis_since(start);
            match status::judge(answer.status(), validators.is_some()) {
                Verdict::Take => return self.take(answer, url, headers_ms).await.map(Revalidated::Changed),
                Verdict::Unchanged => {
                    return Ok(Revalidated::Unchanged(Unchanged {
                        headers: SourceHeaders::pick(answer.headers()),
                        headers_ms,
                    }));
                }
                Verdict::Follow => url = redirect::target(&url, answer.headers())?,
                Verdict::Refuse(fault) => return Err(fault),
            }
            client = &self.guarded;
        }
        Err(Fault::new(
            FaultKind::TooManyRedirects,
            format!("the source redirects more than {} times", self.settings.redirects_max),
        ))
    }

    async fn take(&self, answer: Response<Incoming>, final_url: Url, headers_ms: u32) -> Result<Fetched, Fault> {
        let start = Instant::now();
        let headers = SourceHeaders::pick(answer.headers());
        let bytes = body::read(answer, self.settings.source_bytes_max, &self.settings.memory).await?;
        Ok(Fetched {
            bytes,
            final_url,
            headers,
            headers_ms,
            body_ms: millis_since(start),
        })
    }

    fn is_trusted(&self, url: &Url) -> bool {
        self.settings
            .trusted_origin
            .as_ref()
            .is_some_and(|origin| origin.origin() == url.origin())
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn client(connector: Connector) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST_MAX)
        .http1_max_buf_size(HEAD_BYTES_MAX)
        .build(connector)
}

/// The fault for a request that got no answer.
fn request_fault(error: &legacy::Error) -> Fault {
    let detail = error_chain(error);
    if let Some(failure) = cause::<ConnectFailure>(error) {
        return connect_fault(failure);
    }
    let fault = match cause::<hyper::Error>(error) {
        Some(error) if error.is_parse() => Fault::new(
            FaultKind::OriginUnexpected,
            "the origin's answer is not valid HTTP, or its headers are too long",
        ),
        _ => Fault::new(
            FaultKind::SourceBroken,
            "the connection to the origin broke before it answered",
        ),
    };
    fault.with_detail(detail)
}

fn connect_fault(failure: &ConnectFailure) -> Fault {
    let fault = match failure {
        ConnectFailure::HostNotFound(_) => {
            Fault::new(FaultKind::HostNotFound, "the source's host name does not resolve")
        }
        ConnectFailure::Forbidden(_) => Fault::new(
            FaultKind::InvalidSourceUrl,
            "the source's host has a private address, which is not allowed here; the operator can allow it with --allow-private (for development)",
        ),
        ConnectFailure::TimedOut => Fault::new(FaultKind::ConnectTimeout, "connecting to the origin took too long"),
        ConnectFailure::Unreachable(_) => Fault::new(
            FaultKind::OriginUnreachable,
            "the origin refused the connection or cannot be reached",
        ),
        ConnectFailure::Tls(_) => Fault::new(
            FaultKind::OriginUnreachable,
            "no secure connection to the origin: the TLS handshake failed or its certificate is not valid",
        ),
    };
    fault.with_detail(failure.to_string())
}

/// The first error of a type in a chain of causes.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn millis_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
