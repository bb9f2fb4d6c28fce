//! Where a redirect leads, and where it must not (spec 11.5).

use calotype_plan::{Fault, FaultKind};
use http::header::{HeaderMap, LOCATION};
use url::Url;

/// Paths below it are transforms; a transform of a transform is a loop (spec 11.4).
const TRANSFORM_PREFIX: &str = "/cdn-cgi/image/";

/// Refuses a first URL that no request may go to: 9406 for what is no plain http(s) URL, 9403 for a transform.
pub(crate) fn check_first(url: &Url) -> Result<(), Fault> {
    if !is_plain_http(url) {
        return Err(Fault::new(
            FaultKind::InvalidSourceUrl,
            "the source URL must begin with http:// or https://, name a host, and hold no user name or password",
        ));
    }
    check_loop(url)
}

/// A `Location` as the log may have it: without user and password.
fn shown(location: &[u8]) -> String {
    let text = String::from_utf8_lossy(location);
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("Location: {:?}", format!("…@{rest}")),
        None => format!("Location: {text:?}"),
    }
}

/// The URL that an answer with this `Location` leads to, relative to the URL that was asked; without fragment.
pub(crate) fn target(from: &Url, headers: &HeaderMap) -> Result<Url, Fault> {
    let location = headers.get(LOCATION).ok_or_else(|| {
        Fault::new(
            FaultKind::OriginUnexpected,
            "the origin answered with a redirect that has no Location",
        )
    })?;
    let invalid = || {
        Fault::new(
            FaultKind::InvalidRedirect,
            "the origin redirects to something that is not a plain http:// or https:// URL",
        )
        .with_detail(shown(location.as_bytes()))
    };
    let text = std::str::from_utf8(location.as_bytes()).map_err(|_| invalid())?;
    let mut url = from.join(text).map_err(|_| invalid())?;
    if !is_plain_http(&url) {
        return Err(invalid());
    }
    check_loop(&url)?;
    url.set_fragment(None);
    Ok(url)
}

fn check_loop(url: &Url) -> Result<(), Fault> {
    if url.path().starts_with(TRANSFORM_PREFIX) {
        return Err(Fault::new(
            FaultKind::Loop,
            "Requested resized version of an already-resized image",
        ));
    }
    Ok(())
}

fn is_plain_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn follow(location: &'static [u8]) -> Result<String, FaultKind> {
        let from = Url::parse("https://a.example/dir/pic.png?x=1").expect("a URL");
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_bytes(location).expect("a header value"));
        target(&from, &headers).map(String::from).map_err(|fault| fault.kind())
    }

    #[test]
    fn targets_are_resolved_as_browsers_do() {
        assert_eq!(follow(b"other.png").as_deref(), Ok("https://a.example/dir/other.png"));
        assert_eq!(follow(b"/root.png?y").as_deref(), Ok("https://a.example/root.png?y"));
        assert_eq!(follow(b"//b.example/p#frag").as_deref(), Ok("https://b.example/p"));
        assert_eq!(follow(b"http://b.example").as_deref(), Ok("http://b.example/"));
        assert_eq!(
            follow("/ü.png".as_bytes()).as_deref(),
            Ok("https://a.example/%C3%BC.png")
        );
    }

    #[test]
    fn what_is_no_plain_http_url_is_9420() {
        for location in [
            &b"ftp://a.example/x"[..],
            b"file:///etc/passwd",
            b"data:image/png;base64,AAAA",
            b"javascript:1",
            b"http://",
            b"http://a:b@c.example/",
            b"http://user@c.example/",
            b"//:80",
            b"http://[::1",
            b"http://1.2.3.4.5/",
            b"/\xff.png",
        ] {
            let fault = follow(location).expect_err("refused");
            assert_eq!(
                (fault.code(), fault.status()),
                (9420, 400),
                "{}",
                String::from_utf8_lossy(location)
            );
        }
    }

    #[test]
    fn a_transform_as_target_is_a_loop() {
        for location in [
            &b"/cdn-cgi/image/w=1/a.png"[..],
            b"https://other.example/cdn-cgi/image/w=1/a.png",
            b"../cdn-cgi/image/w=1/a.png",
        ] {
            let fault = follow(location).expect_err("refused");
            assert_eq!((fault.code(), fault.status()), (9403, 508));
        }
        assert!(follow(b"/cdn-cgi/images/a.png").is_ok());
    }

    #[test]
    fn a_redirect_without_location_is_9505() {
        let from = Url::parse("https://a.example/").expect("a URL");
        let fault = target(&from, &HeaderMap::new()).expect_err("refused");
        assert_eq!((fault.code(), fault.status()), (9505, 502));
    }

    #[test]
    fn a_first_url_with_credentials_or_another_scheme_is_9406_and_a_transform_is_9403() {
        let check = |text: &str| check_first(&Url::parse(text).expect("a URL")).map_err(|fault| fault.code());
        assert_eq!(check("https://a.example/x"), Ok(()));
        assert_eq!(check("https://u@a.example/x"), Err(9406));
        assert_eq!(check("https://:p@a.example/x"), Err(9406));
        assert_eq!(check("file:///etc/passwd"), Err(9406));
        assert_eq!(check("https://a.example/cdn-cgi/image/w=1/x"), Err(9403));
    }
}
