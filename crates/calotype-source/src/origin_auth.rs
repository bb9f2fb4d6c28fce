//! What a caller sends along so that the origin lets it in (spec 11.3).

use std::fmt;

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// The headers that may go to an origin, and no others.
const NAMES: [HeaderName; 9] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("x-amz-content-sha256"),
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-ms-date"),
    HeaderName::from_static("x-ms-version"),
    HeaderName::from_static("x-sa-date"),
    HeaderName::from_static("cf-access-client-id"),
    HeaderName::from_static("cf-access-client-secret"),
];

/// Credentials for the origin of one source. Whoever gives them accepts that what they open is shared: `origin-auth: "share-publicly"`.
///
/// They are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OriginAuth(HeaderMap);

impl OriginAuth {
    /// Picks the headers of spec 11.3 out of a request's.
    #[must_use]
    pub fn pick(headers: &HeaderMap) -> Self {
        let mut kept = HeaderMap::new();
        for name in NAMES {
            for value in headers.get_all(&name) {
                let mut value = value.clone();
                value.set_sensitive(true);
                kept.append(name.clone(), value);
            }
        }
        Self(kept)
    }

    /// The value of `Authorization` alone.
    #[must_use]
    pub fn authorization(mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The headers.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter()
    }

    /// Whether they may go where a redirect leads: to the same host, on the same port, and never from a secure connection to one that is not.
    pub(crate) fn may_follow(from: &Url, to: &Url) -> bool {
        let is_upgrade =
            from.scheme() == "http" && to.scheme() == "https" && from.port().is_none() && to.port().is_none();
        from.origin() == to.origin() || (is_upgrade && from.host() == to.host())
    }
}

impl fmt::Debug for OriginAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nine_headers_of_the_specification_are_picked_and_nothing_else() {
        let mut headers = HeaderMap::new();
        for name in NAMES {
            headers.insert(name, HeaderValue::from_static("hunter2"));
        }
        for name in [
            "x-api-key",
            "accept",
            "proxy-authorization",
            "host",
            "x-amz-security-token",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("no"));
        }
        let auth = OriginAuth::pick(&headers);
        let names: Vec<&str> = auth.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "authorization",
                "cookie",
                "x-amz-content-sha256",
                "x-amz-date",
                "x-ms-date",
                "x-ms-version",
                "x-sa-date",
                "cf-access-client-id",
                "cf-access-client-secret"
            ]
        );
        assert!(
            !format!("{auth:?}").contains("hunter2"),
            "values are not printed: {auth:?}"
        );
    }

    #[test]
    fn credentials_stay_with_the_host_they_were_meant_for() {
        let may = |from: &str, to: &str| OriginAuth::may_follow(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(may("https://a.example/x", "https://a.example/y"));
        assert!(may("http://a.example/x", "https://a.example/x"));
        assert!(!may("https://a.example/x", "http://a.example/x"));
        assert!(!may("https://a.example/x", "https://b.example/x"));
        assert!(!may("https://a.example/x", "https://img.a.example/x"));
        assert!(!may("https://a.example/x", "https://a.example:8443/x"));
        assert!(!may("http://a.example:8080/x", "https://a.example/x"));
    }
}
