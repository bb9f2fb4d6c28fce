//! How long a source may be kept, by its own word (spec 12.3; RFC 9111).

use std::time::{Duration, SystemTime};

use calotype_source::SourceHeaders;
use http::header::{CACHE_CONTROL, DATE, EXPIRES, HeaderValue};

/// What the client is told when the source says nothing.
pub(crate) const DEFAULT_CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=14400");
/// The lifetime of a source that says nothing.
const DEFAULT_TTL: Duration = Duration::from_secs(7_200);
/// The floor of a result's lifetime; sources that ask for less get a warning.
const RESULT_TTL_FLOOR: Duration = Duration::from_secs(3_600);

/// The source's word on caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// How long the source is fresh.
    pub(crate) ttl: Duration,
    /// `private` or `no-store`: serve, do not keep.
    pub(crate) is_unstorable: bool,
}

impl Freshness {
    pub(crate) fn of(headers: &SourceHeaders, now: SystemTime) -> Self {
        let mut s_maxage = None;
        let mut max_age = None;
        let mut is_unstorable = false;
        let lines = headers
            .iter()
            .filter(|(name, _)| *name == CACHE_CONTROL)
            .filter_map(|(_, value)| value.to_str().ok());
        for directive in lines.flat_map(|line| line.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let seconds = || value.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
            match name.trim().to_ascii_lowercase().as_str() {
                "s-maxage" => s_maxage = seconds().or(s_maxage),
                "max-age" => max_age = seconds().or(max_age),
                "no-cache" => max_age = Some(Duration::ZERO),
                "private" | "no-store" => is_unstorable = true,
                _ => {}
            }
        }
        let date = |name| headers.text(name).and_then(|text| httpdate::parse_http_date(text).ok());
        let expires = || {
            // An `Expires` that is no date means "already expired" (RFC 9111, 5.3).
            headers.text(EXPIRES)?;
            let from = date(DATE).unwrap_or(now);
            Some(
                date(EXPIRES)
                    .and_then(|expires| expires.duration_since(from).ok())
                    .unwrap_or_default(),
            )
        };
        let ttl = s_maxage.or(max_age).or_else(expires).unwrap_or(DEFAULT_TTL);
        Self { ttl, is_unstorable }
    }

    /// Below the floor of an hour (spec 12.3, rule 4).
    pub(crate) fn is_too_restrictive(self) -> bool {
        self.ttl < RESULT_TTL_FLOOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn ttl(lines: &[(http::HeaderName, &'static str)]) -> (u64, bool) {
        let map: HeaderMap = lines
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let freshness = Freshness::of(&SourceHeaders::pick(&map), now);
        (freshness.ttl.as_secs(), freshness.is_unstorable)
    }

    #[test]
    fn the_most_specific_word_wins() {
        assert_eq!(ttl(&[]), (7_200, false));
        assert_eq!(ttl(&[(CACHE_CONTROL, "public, max-age=1800")]), (1_800, false));
        assert_eq!(ttl(&[(CACHE_CONTROL, "max-age=5, s-maxage=\"9\"")]), (9, false));
        assert_eq!(ttl(&[(CACHE_CONTROL, "private")]), (7_200, true));
        assert_eq!(ttl(&[(CACHE_CONTROL, "No-Store, max-age=1")]), (1, true));
        assert_eq!(ttl(&[(EXPIRES, "Sun, 06 Nov 1994 08:50:37 GMT")]), (60, false));
        assert_eq!(ttl(&[(EXPIRES, "0")]), (0, false));
        assert_eq!(ttl(&[(EXPIRES, "0"), (CACHE_CONTROL, "max-age=60")]), (60, false));
    }
}
