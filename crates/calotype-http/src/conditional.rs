//! Entity tags and conditional requests (spec 12.4; RFC 9110, section 13).

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use http::HeaderMap;
use http::header::{HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

/// Sixteen bytes of SHA-256 over length-prefixed parts, as base64url.
pub(crate) fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}

/// The digest of bytes of any length. Long ones are hashed off the async threads.
pub(crate) async fn digest_off_thread(bytes: Bytes) -> Result<String, Fault> {
    const INLINE_BYTES_MAX: usize = 64 << 10;
    if bytes.len() <= INLINE_BYTES_MAX {
        return Ok(digest([bytes.as_ref()]));
    }
    tokio::task::spawn_blocking(move || digest([bytes.as_ref()]))
        .await
        .map_err(|error| {
            Fault::new(FaultKind::Internal, "the image could not be hashed").with_detail(error.to_string())
        })
}

/// The tag of a result: `"cf-<hash>:<source etag>"`, weak when the source's is, or `"cf-<hash>"` without one.
pub(crate) fn result_tag(hash: &str, source_tag: Option<&str>) -> Option<HeaderValue> {
    let tag = match source_tag {
        None => format!("\"cf-{hash}\""),
        Some(tag) => {
            let (weak, tag) = tag.strip_prefix("W/").map_or(("", tag), |tag| ("W/", tag));
            // Bytes that may not stand inside a tag (RFC 9110, 8.8.3) would end it early.
            let opaque: String = tag
                .trim_matches('"')
                .chars()
                .filter(|c| c.is_ascii_graphic() && *c != '"')
                .collect();
            format!("{weak}\"cf-{hash}:{opaque}\"")
        }
    };
    HeaderValue::from_str(&tag).ok()
}

/// Whether the client's copy is still good. `If-None-Match` counts alone when it is there.
pub(crate) fn is_not_modified(request: &HeaderMap, tag: Option<&HeaderValue>, modified: Option<&HeaderValue>) -> bool {
    let mut lines = request.get_all(IF_NONE_MATCH).iter().peekable();
    if lines.peek().is_some() {
        return lines.any(|line| matches(line, tag));
    }
    let date =
        |value: Option<&HeaderValue>| -> Option<SystemTime> { httpdate::parse_http_date(value?.to_str().ok()?).ok() };
    match (date(request.get(IF_MODIFIED_SINCE)), date(modified)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// Weak comparison with a list of tags, or `*`.
fn matches(line: &HeaderValue, tag: Option<&HeaderValue>) -> bool {
    let (Ok(line), Some(Ok(tag))) = (line.to_str(), tag.map(HeaderValue::to_str)) else {
        return false;
    };
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    line.trim() == "*" || split_tags(line).any(|candidate| strong(candidate) == strong(tag))
}

/// The tags of a list: commas inside quotes do not separate.
fn split_tags(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn tags_carry_the_source_tag_and_its_weakness() {
        let tag = |source| result_tag("H", source).unwrap();
        assert_eq!(tag(Some("\"abc\"")), "\"cf-H:abc\"");
        assert_eq!(tag(Some("W/\"abc\"")), "W/\"cf-H:abc\"");
        assert_eq!(tag(Some("unquoted")), "\"cf-H:unquoted\"");
        assert_eq!(tag(Some("\"a\"b c\"")), "\"cf-H:abc\"");
        assert_eq!(tag(None), "\"cf-H\"");
    }

    #[test]
    fn if_none_match_compares_weakly_over_lists() {
        let tag = HeaderValue::from_static("\"cf-H:a,b\"");
        for (line, want) in [
            ("\"cf-H:a,b\"", true),
            ("W/\"cf-H:a,b\"", true),
            ("\"x\", \"cf-H:a,b\"", true),
            ("*", true),
            ("\"cf-H:a\"", false),
            ("\"x\"", false),
        ] {
            assert_eq!(
                is_not_modified(&request(IF_NONE_MATCH, line), Some(&tag), None),
                want,
                "{line}"
            );
        }
    }

    #[test]
    fn dates_count_only_without_tags() {
        let modified = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        let mut headers = request(IF_MODIFIED_SINCE, later);
        assert!(is_not_modified(&headers, None, Some(&modified)));
        assert!(!is_not_modified(
            &request(IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT"),
            None,
            Some(&modified)
        ));
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert!(!is_not_modified(
            &headers,
            Some(&HeaderValue::from_static("\"mine\"")),
            Some(&modified)
        ));
    }
}
