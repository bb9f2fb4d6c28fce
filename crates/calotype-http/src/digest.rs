//! `Repr-Digest`, for those who want it (RFC 9530): the client can tell a whole picture from a damaged one, whatever lies between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha2::{Digest, Sha256, Sha512};

use crate::answer::Answer;

const WANT_REPR_DIGEST: HeaderName = HeaderName::from_static("want-repr-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Longer bodies are hashed off the async threads.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// The active algorithms of the registry (RFC 9530, 7.2). The others are not for proving anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    fn of_key(key: &str) -> Option<Self> {
        match key {
            "sha-256" => Some(Self::Sha256),
            "sha-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn field(self, bytes: &[u8]) -> String {
        let (key, digest) = match self {
            Self::Sha256 => ("sha-256", STANDARD.encode(Sha256::digest(bytes))),
            Self::Sha512 => ("sha-512", STANDARD.encode(Sha512::digest(bytes))),
        };
        format!("{key}=:{digest}:")
    }
}

/// The algorithm of ours that is wanted most; of several that are wanted as much, the first. `None`: no digest is wanted that we know. A field that is
/// not understood counts as none (RFC 9651, 4.2).
pub(crate) fn wanted(request: &HeaderMap) -> Option<Algorithm> {
    let lines: Vec<&[u8]> = request
        .get_all(WANT_REPR_DIGEST)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if lines.is_empty() {
        return None;
    }
    let field: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    let mut best: Option<(i64, Algorithm)> = None;
    for (key, value) in &field {
        let (Some(algorithm), ListEntry::Item(item)) = (Algorithm::of_key(key.as_str()), value) else {
            continue;
        };
        // From 1, the least, to 10; 0 is "not acceptable" (RFC 9530, 4).
        let BareItem::Integer(preference) = item.bare_item else {
            continue;
        };
        let preference = i64::from(preference);
        if (1..=10).contains(&preference) && best.is_none_or(|(best, _)| preference > best) {
            best = Some((preference, algorithm));
        }
    }
    best.map(|(_, algorithm)| algorithm)
}

/// Adds the digest to an answer that holds its representation whole, as one to HEAD does before its body is taken away.
///
/// A 304 gets none: it has no representation with it, and of the metadata of one only what a cache needs to choose by (RFC 9110, 15.4.5).
pub(crate) async fn describe(answer: &mut Answer, algorithm: Algorithm) {
    let body: Bytes = answer.body().clone().into_inner().unwrap_or_default();
    let is_whole = answer
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok())
        == Some(body.len());
    let is_other = matches!(
        answer.status(),
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT
    );
    if !is_whole || is_other || answer.headers().contains_key(REPR_DIGEST) {
        return;
    }
    let field = if body.len() <= INLINE_BYTES_MAX {
        Some(algorithm.field(&body))
    } else {
        tokio::task::spawn_blocking(move || algorithm.field(&body)).await.ok()
    };
    if let Some(Ok(field)) = field.map(HeaderValue::try_from) {
        answer.headers_mut().insert(REPR_DIGEST, field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Option<Algorithm> {
        let lines = lines
            .iter()
            .map(|line| (WANT_REPR_DIGEST, HeaderValue::from_str(line).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        wanted(&headers)
    }

    #[test]
    fn what_is_wanted_most_is_given() {
        let (sha256, sha512) = (Some(Algorithm::Sha256), Some(Algorithm::Sha512));
        for (lines, expected) in [
            (&["sha-256=1"][..], sha256),
            (&["sha-512=10"], sha512),
            // Examples of RFC 9530, 4 and appendix C.
            (&["sha-512=3, sha-256=10, unixsum=0"], sha256),
            (&["sha-256=3, sha=10"], sha256),
            (&["sha-256=5, sha-512=5"], sha256),
            (&["sha-512=5, sha-256=5"], sha512),
            (&["sha-256=1", "sha-512=2"], sha512),
            (&["sha-256=10;x=1, sha-512=9"], sha256),
            (&["sha-256=0, sha-512=1"], sha512),
            // The last of one name counts (RFC 9651, 4.2.2).
            (&["sha-256=9, sha-512=5, sha-256=1"], sha512),
        ] {
            assert_eq!(of(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_given_or_understood_is_nothing() {
        for lines in [
            &[][..],
            &[""],
            &["sha-256=0"],
            &["sha-256=11"],
            &["sha-256=-1"],
            &["sha-256=1.0"],
            &["sha-256"],
            &["sha-256=(1)"],
            &["sha-256=\"1\""],
            &["SHA-256=1"],
            &["md5=10, sha=9, unixsum=1"],
            &["sha-256=1,"],
            &["sha-256=1, ="],
            &["sha-256=1", "é"],
            &["sha-256=1000000000000000"],
        ] {
            assert_eq!(of(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn digests_are_those_of_the_standard() {
        // RFC 9530, appendix D: the representation `{"hello": "world"}` and a line feed.
        let bytes = b"{\"hello\": \"world\"}\n";
        assert_eq!(
            Algorithm::Sha256.field(bytes),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
        assert_eq!(
            Algorithm::Sha512.field(bytes),
            "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:"
        );
    }
}
