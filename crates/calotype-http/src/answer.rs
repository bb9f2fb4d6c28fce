//! Answers: complete bodies, security headers, and the one place that turns a fault into a response (spec 13).

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind, Warning};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;

/// Every answer has a body of known length, whole before its head is sent, so `Content-Length` is always exact.
pub(crate) type Answer = Response<Full<Bytes>>;

/// The proof that a transform ran, and the code when it did not (spec 13.2).
pub(crate) const CF_RESIZED: HeaderName = HeaderName::from_static("cf-resized");
/// How the answer was had from the cache (spec 13.1).
pub(crate) const CF_CACHE_STATUS: HeaderName = HeaderName::from_static("cf-cache-status");
const WARNING: HeaderName = HeaderName::from_static("warning");

/// The policy on results (spec 13.1): an image is never a document that runs anything.
const IMAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; navigate-to 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'",
);
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// An answer with this status, media type and body.
pub(crate) fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    let mut answer = Response::new(Full::new(body.clone()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    answer
}

/// A plain text answer of our own.
pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    with_body(status, "text/plain; charset=utf-8", body.into())
}

/// The answer of the transform surfaces to a fault (spec 13.4).
pub(crate) fn fault(fault: &Fault) -> Answer {
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = text(status, fault.to_string());
    let headers = answer.headers_mut();
    headers.insert(CF_RESIZED, err_value(fault));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, IMAGE_POLICY);
    if fault.kind() == FaultKind::Busy {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// `err=<code>`
pub(crate) fn err_value(fault: &Fault) -> HeaderValue {
    HeaderValue::from_str(&format!("err={}", fault.code())).unwrap_or(HeaderValue::from_static("err=9523"))
}

/// The answer to a method that the resource does not have.
pub(crate) fn method_not_allowed(allowed: &'static str) -> Answer {
    let mut answer = text(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("method not allowed; use {allowed}"),
    );
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// The headers that every image result has.
pub(crate) fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, IMAGE_POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

/// One `Warning` line each, in the reference's own form: agent before code (spec 13.3).
pub(crate) fn warn<'w>(headers: &mut HeaderMap, warnings: impl IntoIterator<Item = &'w Warning>) {
    for warning in warnings {
        let text = warning.to_string().replace(['"', '\\'], "?");
        if let Ok(value) = HeaderValue::from_str(&format!("cf-images 299 \"{text}\"")) {
            headers.append(WARNING, value);
        }
    }
}

/// Takes the body away for HEAD; its length stays announced (RFC 9110, 9.3.2).
pub(crate) fn without_body_for_head(method: &Method, answer: Answer) -> Answer {
    if method == Method::HEAD {
        answer.map(|_| Full::default())
    } else {
        answer
    }
}
