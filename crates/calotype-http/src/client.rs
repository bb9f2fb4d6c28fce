//! What a request says of its client and its zone.

use calotype_plan::{AcceptedFormats, ClientHints};
use calotype_source::OriginAuth;
use http::header::{ACCEPT, HOST, HeaderMap, HeaderName, HeaderValue, VIA};
use http::request::Parts;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// The formats of all `Accept` lines together.
pub(crate) fn accepted(headers: &HeaderMap) -> AcceptedFormats {
    let lines: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    AcceptedFormats::from_accept(&lines.join(","))
}

/// The hints that options may depend on.
pub(crate) fn hints(headers: &HeaderMap) -> ClientHints {
    ClientHints::from_headers(|name| headers.get(name)?.to_str().ok())
}

/// What of a request goes on to origins: the lines that show where it has been.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    pub(crate) via: Vec<HeaderValue>,
    pub(crate) cdn_loop: Vec<HeaderValue>,
    /// What the origin of the one source that was named may see; empty but for requests that say so (spec 11.3).
    pub(crate) auth: OriginAuth,
}

/// Lines of `Via` and `CDN-Loop` that are passed on; a longer trail is a loop by itself.
const TRAIL_LINES_MAX: usize = 16;

impl Trail {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = |name: &HeaderName| headers.get_all(name).iter().take(TRAIL_LINES_MAX).cloned().collect();
        Self {
            via: lines(&VIA),
            cdn_loop: lines(&CDN_LOOP),
            auth: OriginAuth::default(),
        }
    }

    /// How many servers of our kind the request has passed already (RFC 8586).
    pub(crate) fn hops(&self) -> usize {
        let elements = self
            .cdn_loop
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        elements
            .filter(|element| element.trim().starts_with("calotype"))
            .count()
    }

    /// Whether an image resizer sent this request (spec 11.4).
    pub(crate) fn is_from_a_resizer(&self) -> bool {
        self.via.iter().any(|line| {
            line.as_bytes()
                .windows(14)
                .any(|w| w.eq_ignore_ascii_case(b"image-resizing"))
        })
    }
}

/// Scheme and host that the client used, for absolute URLs in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicBase {
    scheme: &'static str,
    /// Host with port as the client wrote it; checked to be one.
    host: String,
}

impl PublicBase {
    pub(crate) fn of(request: &Parts) -> Option<Self> {
        let host = match request.uri.authority() {
            Some(authority) => authority.as_str().to_owned(),
            None => request.headers.get(HOST)?.to_str().ok()?.to_owned(),
        };
        // What stands here goes into `Location` and `Link`, so it must be a host and nothing else.
        let is_host = !host.is_empty()
            && host.len() <= 255
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'));
        let https = request
            .headers
            .get(X_FORWARDED_PROTO)
            .is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        is_host.then_some(Self {
            scheme: if https { "https" } else { "http" },
            host,
        })
    }

    /// Host and port as written.
    pub(crate) fn host_and_port(&self) -> &str {
        &self.host
    }

    /// The host alone; an IPv6 address in its brackets.
    pub(crate) fn host(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.host,
        }
    }

    /// The absolute URL of a path on this host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn base(host: &str) -> Option<PublicBase> {
        let request = Request::builder().uri("/a").header(HOST, host).body(()).unwrap();
        PublicBase::of(&request.into_parts().0)
    }

    #[test]
    fn only_a_host_becomes_part_of_an_absolute_url() {
        assert_eq!(base("example.com:8080").unwrap().url("/a"), "http://example.com:8080/a");
        for host in ["", "a/b", "a@b", "a\"b", "a>b"] {
            assert_eq!(base(host), None, "{host}");
        }
    }

    #[test]
    fn the_trail_of_a_resizer_is_recognised_in_any_line_and_case() {
        let mut headers = HeaderMap::new();
        assert!(!Trail::of(&headers).is_from_a_resizer());
        headers.append(VIA, HeaderValue::from_static("1.0 fred"));
        assert!(!Trail::of(&headers).is_from_a_resizer());
        headers.append(VIA, HeaderValue::from_static("1.1 Image-Resizing-proxy"));
        assert!(Trail::of(&headers).is_from_a_resizer());
    }
}
