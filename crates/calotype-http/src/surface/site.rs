//! Ordinary paths: the files of `--root`, the objects of `--origin`, untouched. `onerror=redirect` needs them.

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

use crate::answer::{self, Answer};
use crate::client::Trail;
use crate::conditional;
use crate::freshness::DEFAULT_CACHE_CONTROL;
use crate::sources::{Located, Sources};

const ALLOWED: &str = "GET, HEAD";

/// The file or object at an ordinary path.
pub(crate) async fn serve(request: &Parts, sources: &Sources) -> Answer {
    if request.method != Method::GET && request.method != Method::HEAD {
        return answer::method_not_allowed(ALLOWED);
    }
    let path = request
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str)
        .to_owned();
    let original = match sources.get(&Located::Path(path), &Trail::of(&request.headers)).await {
        Ok(original) => original,
        Err(fault) => {
            // A fault of a plain file is an ordinary error: no transform was asked for, so no code of one is shown.
            let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_GATEWAY);
            return answer::text(status, format!("{}\n", fault.public_message()));
        }
    };
    let headers = &original.headers;
    let not_modified = conditional::is_not_modified(&request.headers, headers.get(ETAG), headers.get(LAST_MODIFIED));
    let length = original.bytes.len();
    let mut answer = Response::new(Full::new(if not_modified {
        bytes::Bytes::new()
    } else {
        original.bytes.clone()
    }));
    let out = answer.headers_mut();
    for name in [ETAG, LAST_MODIFIED, CACHE_CONTROL] {
        if let Some(value) = headers.get(&name) {
            out.insert(name, value.clone());
        }
    }
    out.entry(CACHE_CONTROL).or_insert(DEFAULT_CACHE_CONTROL);
    for (name, value) in headers.copied_to_client() {
        out.append(name.clone(), value.clone());
    }
    out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if not_modified {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    let content_type = original.content_type.as_deref().unwrap_or("application/octet-stream");
    if content_type.trim_start().to_ascii_lowercase().starts_with("image/svg") {
        // Unfiltered, for example behind `onerror=redirect`: an image, and no document that runs anything.
        answer::protect(out);
    }
    out.insert(
        CONTENT_TYPE,
        HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    out.insert(CONTENT_LENGTH, HeaderValue::from(length));
    answer
}
