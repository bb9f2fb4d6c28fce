//! The origin's headers that outlive the fetch.

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
};

/// The headers of a source that say how long it is valid, what it is, and who may read it (spec 12.3, 12.4, 13.1). Everything else, `Set-Cookie`
/// above all, stays behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceHeaders(HeaderMap);

impl SourceHeaders {
    /// Picks the headers to keep.
    #[must_use]
    pub fn pick(headers: &HeaderMap) -> Self {
        let mut kept = HeaderMap::new();
        for (name, value) in headers {
            if is_kept(name) {
                kept.append(name.clone(), value.clone());
            }
        }
        Self(kept)
    }

    /// The first value of a header.
    #[must_use]
    pub fn get(&self, name: impl http::header::AsHeaderName) -> Option<&HeaderValue> {
        self.0.get(name)
    }

    /// The first value of a header, if it is visible ASCII.
    #[must_use]
    pub fn text(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// All kept headers.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter()
    }

    /// The headers that go to the client as they are: `Access-Control-Allow-*`, `Timing-Allow-Origin`, `Cross-Origin-Resource-Policy` (spec 13.1).
    pub fn copied_to_client(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().filter(|(name, _)| is_copied(name))
    }

    /// What a conditional request for this source says.
    #[must_use]
    pub fn validators(&self) -> Validators {
        Validators {
            etag: self.0.get(ETAG).cloned(),
            last_modified: self.0.get(LAST_MODIFIED).cloned(),
        }
    }

    pub(crate) fn from_map(headers: HeaderMap) -> Self {
        Self(headers)
    }
}

/// What makes a request conditional on a stored copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The stored copy's `ETag`, sent as `If-None-Match`.
    pub etag: Option<HeaderValue>,
    /// The stored copy's `Last-Modified`, sent as `If-Modified-Since`.
    pub last_modified: Option<HeaderValue>,
}

impl Validators {
    /// Whether there is nothing to be conditional on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

fn is_kept(name: &HeaderName) -> bool {
    const LIFETIME_AND_TYPE: [HeaderName; 7] = [CACHE_CONTROL, EXPIRES, ETAG, LAST_MODIFIED, AGE, DATE, CONTENT_TYPE];
    LIFETIME_AND_TYPE.contains(name) || is_copied(name)
}

fn is_copied(name: &HeaderName) -> bool {
    name.as_str().starts_with("access-control-allow-")
        || matches!(name.as_str(), "timing-allow-origin" | "cross-origin-resource-policy")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn lifetime_type_and_sharing_headers_are_kept_and_the_rest_is_not() {
        let all = headers(&[
            ("cache-control", "max-age=60"),
            ("expires", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ("etag", "\"a\""),
            ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ("age", "3"),
            ("content-type", "image/png"),
            ("access-control-allow-origin", "*"),
            ("timing-allow-origin", "*"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("set-cookie", "a=b"),
            ("server", "x"),
            ("access-control-max-age", "9"),
        ]);
        let kept = SourceHeaders::pick(&all);
        assert_eq!(kept.iter().count(), 10);
        assert!(kept.get("set-cookie").is_none());
        let mut copied: Vec<_> = kept.copied_to_client().map(|(name, _)| name.as_str()).collect();
        copied.sort_unstable();
        assert_eq!(
            copied,
            [
                "access-control-allow-origin",
                "cross-origin-resource-policy",
                "timing-allow-origin"
            ]
        );
        assert_eq!(
            kept.validators().etag.as_ref().map(HeaderValue::as_bytes),
            Some(&b"\"a\""[..])
        );
    }
}
