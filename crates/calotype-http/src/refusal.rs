//! Answers to requests that the HTTP layer could not read, as bytes: no service is asked for them, and nothing follows them.

use std::fmt::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;

use crate::answer::{self, Answer};
use crate::connection::{Refuse, Unreadable};

/// Writes the refusals of a service.
pub(crate) fn writer(refuse: impl Fn(&Unreadable) -> Answer + Send + Sync + 'static) -> Refuse {
    Box::new(move |unreadable| {
        let is_head = matches!(unreadable, Unreadable::LongLine(line) if line.method == "HEAD");
        written(refuse(unreadable), is_head)
    })
}

pub(crate) fn long_headers() -> Answer {
    answer::text(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "the headers of the request are too many or too long; send fewer and shorter ones\n",
    )
}

pub(crate) fn malformed() -> Answer {
    answer::text(
        StatusCode::BAD_REQUEST,
        "the request is not valid HTTP; look at its first line and its headers, and encode special characters in its URL\n",
    )
}

/// The last answer of an HTTP/1 connection (RFC 9112, 9.6).
fn written(answer: Answer, is_head: bool) -> Bytes {
    let (parts, body) = answer.into_parts();
    let mut head = format!("HTTP/1.1 {}\r\n", parts.status);
    for (name, value) in &parts.headers {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    let _ = write!(head, "date: {date}\r\nconnection: close\r\n\r\n");
    let mut bytes = head.into_bytes();
    if !is_head {
        bytes.extend_from_slice(&body.into_inner().unwrap_or_default());
    }
    bytes.into()
}
