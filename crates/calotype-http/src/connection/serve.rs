//! HTTP on one connection: versions, bounds, and a service that turns requests into answers.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;

use super::{Connection, Ledger, Refuse, RequestBody, Socket};

/// Bytes of a request's line and headers together.
const HEAD_BYTES_MAX: usize = 512 << 10;
/// The same over HTTP/2, where a target that is too long for us can be refused by this bound alone.
const HTTP_2_HEAD_BYTES_MAX: u32 = 64 << 10;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves connections, all with the same bounds.
#[derive(Debug, Clone)]
pub(crate) struct HttpServer {
    builder: auto::Builder<TokioExecutor>,
    write_timeout: Duration,
    line_bytes_kept: usize,
    head_timeout: Duration,
}

impl HttpServer {
    /// A refusal is told of a request line that is too long, and of its first `line_bytes_kept` bytes.
    pub(crate) fn new(header_timeout: Duration, write_timeout: Duration, line_bytes_kept: usize) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_header_list_size(HTTP_2_HEAD_BYTES_MAX);
        Self {
            builder,
            write_timeout,
            line_bytes_kept,
            head_timeout: header_timeout,
        }
    }

    /// For doors whose clients speak nothing else, with heads of at most so many bytes.
    pub(crate) fn http_1_only(mut self, head_bytes_max: usize) -> Self {
        self.builder = self.builder.http1_only();
        self.builder.http1().max_buf_size(head_bytes_max);
        self
    }

    /// Serves one connection to its end.
    ///
    /// An answer whose body has no known length, or fails, or ends before its length, is never taken for whole by the client: see
    /// docs/design/delivery.md.
    pub(crate) fn serve<S, A, F, B>(
        &self,
        socket: S,
        refuse: Refuse,
        answer: A,
    ) -> impl GracefulConnection<Error = BoxError> + Send + 'static + use<S, A, F, B>
    where
        S: Socket,
        A: Fn(Request<RequestBody<Incoming>>) -> F + Send + 'static,
        F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let ledger = Arc::<Ledger>::default();
        let mut connection = Connection::new(socket, ledger.clone(), self.write_timeout, self.line_bytes_kept, refuse);
        connection.expect_version_within(self.head_timeout);
        let service = service_fn(move |request: Request<Incoming>| {
            // HTTP/2 answers in any order, and its connection does not ask.
            let in_order = request.version() < http::Version::HTTP_2;
            if in_order {
                ledger.begin();
            }
            let request = request.map(|body| RequestBody::new(body, ledger.clone(), in_order));
            let (answer, ledger) = (answer(request), ledger.clone());
            async move {
                let mut answer = answer.await;
                if in_order && let Ok(answer) = &mut answer {
                    let body_bytes = answer.body().size_hint().exact();
                    if body_bytes.is_none() {
                        // Its end is the connection's.
                        answer
                            .headers_mut()
                            .insert(CONNECTION, HeaderValue::from_static("close"));
                    }
                    ledger.answer(body_bytes);
                }
                answer
            }
        });
        self.builder
            .serve_connection(TokioIo::new(connection), service)
            .into_owned()
    }
}
