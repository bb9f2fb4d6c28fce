//! The path of a transform URL: `/cdn-cgi/image/<options>/<source>` (spec section 1).

use percent_encoding::percent_decode_str;

use crate::{Fault, FaultKind};

/// The path prefix of the URL interface, matched case-sensitively.
const PREFIX: &str = "/cdn-cgi/image/";

/// A transform URL taken apart. The options are not parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformPath<'a> {
    /// The raw option segment.
    pub options: &'a str,
    /// What to transform.
    pub source: SourceRef,
}

/// The image a request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// An absolute http(s) URL, query included.
    Absolute(String),
    /// A path on the same zone's origin, beginning with one slash, query included.
    Path(String),
}

impl SourceRef {
    /// The URL or path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Absolute(url) => url,
            Self::Path(path) => path,
        }
    }
}

impl<'a> TransformPath<'a> {
    /// Takes a request target (raw path and query, in origin form) apart. `None`: it is no transform URL.
    ///
    /// Errors: 9401 without a source, 9406 for a source that is no valid http(s) URL, 9403 for a source that is a transform itself.
    #[must_use]
    pub fn parse(target: &'a str) -> Option<Result<Self, Fault>> {
        let rest = target.strip_prefix(PREFIX)?;
        Some(Self::parse_rest(rest))
    }

    fn parse_rest(rest: &'a str) -> Result<Self, Fault> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let Some((options, source)) = path.split_once('/') else {
            return Err(Fault::invalid(
                "no source given; write /cdn-cgi/image/<options>/<path or URL of the image>",
            ));
        };
        Ok(Self {
            options,
            source: source_ref(source, query)?,
        })
    }
}

fn source_ref(raw: &str, query: Option<&str>) -> Result<SourceRef, Fault> {
    let with_query = |mut text: String| {
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        text
    };
    let lower: String = raw.chars().take(16).collect::<String>().to_ascii_lowercase();
    for scheme in ["https", "http"] {
        let rest_of = |prefix: &str| lower.starts_with(prefix).then(|| raw.get(prefix.len()..)).flatten();
        let rest = rest_of(&format!("{scheme}://")).or_else(|| rest_of(&format!("{scheme}:/")));
        if let Some(rest) = rest {
            let url = with_query(format!("{scheme}://{rest}"));
            check_source_url(&url)?;
            return Ok(SourceRef::Absolute(url));
        }
        if lower.starts_with(&format!("{scheme}%3a%2f%2f")) {
            // The whole URL was encoded, its own query and all: decode once.
            let decoded = percent_decode_str(raw)
                .decode_utf8()
                .map_err(|_| invalid_source("is not valid UTF-8"))?;
            let rest = decoded.get(scheme.len() + 3..).unwrap_or_default();
            let url = with_query(format!("{scheme}://{rest}"));
            check_source_url(&url)?;
            return Ok(SourceRef::Absolute(url));
        }
    }
    if has_scheme(raw) {
        return Err(invalid_source("must be an http or https URL, or a path"));
    }
    let path = format!("/{}", raw.trim_start_matches('/'));
    if path == "/" {
        return Err(Fault::invalid(
            "no source given; write /cdn-cgi/image/<options>/<path or URL of the image>",
        ));
    }
    refuse_loop(&path)?;
    let path = with_query(path);
    check_characters(&path)?;
    Ok(SourceRef::Path(path))
}

/// Checks an absolute source, overlay or font URL (spec 1.8, 1.9): http or https, a host, no user-info, no raw spaces, control characters or non-ASCII
/// bytes, not a transform itself.
pub(crate) fn check_source_url(url: &str) -> Result<(), Fault> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        url.get(..scheme.len())
            .filter(|head| head.eq_ignore_ascii_case(scheme))
            .and_then(|_| url.get(scheme.len()..))
    });
    let Some(rest) = rest else {
        return Err(invalid_source("must begin with http:// or https://"));
    };
    check_characters(url)?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err(invalid_source("must not hold a user name or password"));
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(invalid_source("has no host"));
    }
    refuse_loop(path.split(['?', '#']).next().unwrap_or_default())
}

fn check_characters(text: &str) -> Result<(), Fault> {
    if text.bytes().any(|b| !b.is_ascii_graphic()) {
        return Err(invalid_source(
            "holds spaces, control characters or non-ASCII bytes; percent-encode them",
        ));
    }
    Ok(())
}

/// A source that points at a transform again is refused (spec 1.9): 508, 9403.
pub(crate) fn refuse_loop(path: &str) -> Result<(), Fault> {
    let merged = path.split('/').filter(|segment| !segment.is_empty()).take(2);
    if merged.eq(["cdn-cgi", "image"]) {
        return Err(Fault::new(
            FaultKind::Loop,
            "Requested resized version of an already-resized image; use the URL of the original",
        ));
    }
    Ok(())
}

fn invalid_source(what: &str) -> Fault {
    Fault::new(FaultKind::InvalidSourceUrl, format!("invalid source URL: it {what}"))
}

/// `scheme://` with a scheme as RFC 3986 writes one.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(target: &str) -> Result<String, u16> {
        match TransformPath::parse(target) {
            Some(Ok(path)) => Ok(path.source.as_str().to_owned()),
            Some(Err(fault)) => Err(fault.code()),
            None => Err(0),
        }
    }

    #[test]
    fn paths_and_absolute_urls_are_told_apart() {
        for (rest, want) in [
            ("uploads/a.jpg", "/uploads/a.jpg"),
            ("/uploads/a.jpg", "/uploads/a.jpg"),
            ("///uploads//a.jpg", "/uploads//a.jpg"),
            ("a.jpg?v=2", "/a.jpg?v=2"),
            ("a%20b.jpg", "/a%20b.jpg"),
            ("https://s3.example.net/b/i.png", "https://s3.example.net/b/i.png"),
            ("HTTPS://example.com/i.png?x=1", "https://example.com/i.png?x=1"),
            ("https:/example.com/i.png", "https://example.com/i.png"),
            ("http:/example.com/i.png", "http://example.com/i.png"),
            ("https%3A%2F%2Fexample.com%2Fi.png", "https://example.com/i.png"),
            ("http%3a%2f%2fexample.com%2fi%2520.png", "http://example.com/i%20.png"),
        ] {
            assert_eq!(
                source(&format!("/cdn-cgi/image/w=80/{rest}")).as_deref(),
                Ok(want),
                "{rest}"
            );
        }
    }

    #[test]
    fn what_is_no_source_is_refused_by_its_code() {
        for (rest, code) in [
            ("ftp://example.com/a.jpg", 9406),
            ("https://", 9406),
            ("https:///x.png", 9406),
            ("https://user@example.com/a.png", 9406),
            ("https://user:pw@example.com/a.png", 9406),
            ("https://example.com/a b.png", 9406),
            ("https%3A%2F%2Fexample.com%2Fa%20b.png", 9406),
            ("caf\u{e9}.png", 9406),
            ("a.png?q=caf\u{e9}", 9406),
            ("cdn-cgi/image/w=40/a.jpg", 9403),
            ("//cdn-cgi//image/w=40/a.jpg", 9403),
            ("https://b.net/cdn-cgi/image/w=40/a.jpg", 9403),
            ("", 9401),
        ] {
            assert_eq!(source(&format!("/cdn-cgi/image/w=80/{rest}")), Err(code), "{rest}");
        }
        assert_eq!(source("/cdn-cgi/image/w=80"), Err(9401));
        assert_eq!(source("/cdn-cgi/Image/w=80/a.jpg"), Err(0));
        assert_eq!(source("/a.jpg"), Err(0));
    }
}
