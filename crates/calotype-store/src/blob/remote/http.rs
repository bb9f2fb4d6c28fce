//! The HTTP client under the object stores: the one of the rest of the program, with bounds on how long anything may take.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::failure::{Cause, Failure, code_of};

/// A connection, unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Without a byte of an answer, unless `read_timeout` says otherwise.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// A request and its whole answer, unless `timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that nobody uses is kept for so long: stores close theirs after 20 to 60 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Of a document that tells of an error.
const ERROR_BYTES_MAX: usize = 64 << 10;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("calotype/", env!("CARGO_PKG_VERSION")));

/// Makes clients; the library asks for one with its options for each kind of host that it talks to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let time = |key, default| time_of(options, key, default);
        let may_be_plain = options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(time(ClientConfigKey::ConnectTimeout, CONNECT_TIMEOUT)?));
        let tls = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(HttpClient::new(Service {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                .build(tls),
            may_be_plain,
            read_timeout: time(ClientConfigKey::ReadTimeout, READ_TIMEOUT)?,
            timeout: time(ClientConfigKey::Timeout, TIMEOUT)?,
        }))
    }
}

fn time_of(options: &ClientOptions, key: ClientConfigKey, default: Duration) -> object_store::Result<Duration> {
    let Some(text) = options.get_config_value(&key) else {
        return Ok(default);
    };
    humantime::parse_duration(&text).map_err(|error| object_store::Error::Generic {
        store: "options",
        source: format!("{} is no time ({error}); write for example 30s", key.as_ref()).into(),
    })
}

struct Service {
    client: Client<HttpsConnector<Tcp>, HttpRequestBody>,
    may_be_plain: bool,
    read_timeout: Duration,
    timeout: Duration,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_metadata = request.uri().host().is_some_and(is_metadata_service);
        if !self.may_be_plain && request.uri().scheme_str() != Some("https") {
            return Err(error(HttpErrorKind::Unknown, Cause::NotEncrypted));
        }
        request.headers_mut().entry(USER_AGENT).or_insert(AGENT);
        let now = Instant::now();
        let deadline = now + self.timeout;
        // While a body goes out nothing can come back.
        let head_end = if request.body().content_length() == 0 {
            deadline.min(now + self.read_timeout)
        } else {
            deadline
        };
        let answer = match timeout_at(head_end, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) if is_metadata => return Err(error(HttpErrorKind::Unknown, Cause::NoCredentials)),
            Ok(Err(failed)) => return Err(of_client(&failed)),
            Err(_) => return Err(error(HttpErrorKind::Timeout, Cause::Slow)),
        };
        let (parts, body) = answer.into_parts();
        let body = TimedBody {
            body,
            read_timeout: self.read_timeout,
            read_end: Box::pin(sleep_until(deadline.min(Instant::now() + self.read_timeout))),
            deadline,
        };
        // The library has another way to credentials when the first is forbidden.
        if parts.status.is_success() || (is_metadata && parts.status == StatusCode::FORBIDDEN) {
            return Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)));
        }
        if is_metadata {
            return Err(error(HttpErrorKind::Unknown, Cause::NoCredentials));
        }
        let document = Limited::new(body, ERROR_BYTES_MAX).collect().await;
        let document = document.map(Collected::to_bytes).unwrap_or_default();
        let failure = Failure {
            cause: Cause::Status(parts.status.as_u16()),
            code: code_of(&String::from_utf8_lossy(&document)),
        };
        let kind = match parts.status.as_u16() {
            408 | 429 | 500.. => HttpErrorKind::Request,
            _ => HttpErrorKind::Unknown,
        };
        Err(HttpError::new(kind, failure))
    }
}

/// Whether this host is not the store but the service that gives a machine in a cloud its credentials: all of them are link-local.
fn is_metadata_service(host: &str) -> bool {
    host.starts_with("169.254.") || host == "metadata.google.internal" || host == "metadata"
}

fn error(kind: HttpErrorKind, cause: Cause) -> HttpError {
    HttpError::new(kind, Failure::new(cause))
}

fn of_client(failed: &ClientError) -> HttpError {
    if !failed.is_connect() {
        // Before the head of an answer: nothing of it is lost that was there.
        return error(HttpErrorKind::Interrupted, Cause::Broken);
    }
    let mut source = failed.source();
    let mut why = "the TLS session could not be made".to_owned();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // An error of the system has a number and no names; any other is one of the TLS library, which tells of certificates.
            why = if error.raw_os_error().is_some() {
                error.kind().to_string()
            } else {
                error.to_string()
            };
        }
        source = error.source();
    }
    error(HttpErrorKind::Connect, Cause::Connect(why))
}

/// An answer's body that fails when nothing comes for too long, or when all of it takes too long.
struct TimedBody {
    body: Incoming,
    read_timeout: Duration,
    read_end: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let end = this.deadline.min(Instant::now() + this.read_timeout);
            this.read_end.as_mut().reset(end);
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| error(HttpErrorKind::Interrupted, Cause::Broken))));
        }
        ready!(this.read_end.as_mut().poll(cx));
        Poll::Ready(Some(Err(error(HttpErrorKind::Timeout, Cause::Slow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
