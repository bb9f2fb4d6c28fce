//! The request that goes to an origin (spec 11.2): a GET that carries nothing of the client's, unless the client said so.

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use http::header::{ACCEPT, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT, VIA};
use http::{Request, Uri};
use http_body_util::Empty;
use url::Url;

use crate::headers::Validators;
use crate::origin_auth::OriginAuth;

/// How we name ourselves in `Via`; requests that carry it are recognised as loops (spec 11.4).
const VIA_OURSELVES: &str = "1.1 image-resizing-proxy";
/// Ourselves in `CDN-Loop` (RFC 8586).
const CDN_LOOP_OURSELVES: &str = "calotype";
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
const ACCEPTED: HeaderValue = HeaderValue::from_static("image/*,*/*;q=0.8");

/// What is the same for every hop of one fetch, but for the credentials.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) user_agent: &'a HeaderValue,
    pub(crate) via: &'a [HeaderValue],
    pub(crate) cdn_loop: &'a [HeaderValue],
    pub(crate) validators: Option<&'a Validators>,
    pub(crate) auth: Option<&'a OriginAuth>,
}

/// The request for one hop.
pub(crate) fn build(url: &Url, head: &Head<'_>) -> Result<Request<Empty<Bytes>>, Fault> {
    let uri: Uri = url.as_str().parse().map_err(|error: http::uri::InvalidUri| {
        Fault::new(
            FaultKind::InvalidSourceUrl,
            "the source URL holds characters that must be percent-encoded",
        )
        .with_detail(error.to_string())
    })?;
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, ACCEPTED);
    headers.insert(USER_AGENT, head.user_agent.clone());
    headers.insert(VIA, appended(head.via, VIA_OURSELVES));
    headers.insert(CDN_LOOP, appended(head.cdn_loop, CDN_LOOP_OURSELVES));
    for (name, value) in head.auth.into_iter().flat_map(OriginAuth::iter) {
        headers.append(name.clone(), value.clone());
    }
    if let Some(validators) = head.validators {
        if let Some(etag) = &validators.etag {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        if let Some(date) = &validators.last_modified {
            headers.insert(IF_MODIFIED_SINCE, date.clone());
        }
    }
    Ok(request)
}

/// A list header with one more element at its end, in one line.
fn appended(before: &[HeaderValue], last: &'static str) -> HeaderValue {
    let mut line = Vec::new();
    for value in before.iter().filter(|value| !value.is_empty()) {
        line.extend_from_slice(value.as_bytes());
        line.extend_from_slice(b", ");
    }
    line.extend_from_slice(last.as_bytes());
    // Joined valid values are valid, so the fallback is only for the type.
    HeaderValue::from_bytes(&line).unwrap_or(HeaderValue::from_static(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_is_appended_to_what_the_client_sent() {
        let before = [
            HeaderValue::from_static("1.0 fred"),
            HeaderValue::from_static("1.1 p.example"),
        ];
        assert_eq!(
            appended(&before, VIA_OURSELVES),
            "1.0 fred, 1.1 p.example, 1.1 image-resizing-proxy"
        );
        assert_eq!(appended(&[], VIA_OURSELVES), "1.1 image-resizing-proxy");
    }

    #[test]
    fn every_url_that_parses_becomes_a_request() {
        let agent = HeaderValue::from_static("t");
        let head = Head {
            user_agent: &agent,
            via: &[],
            cdn_loop: &[],
            validators: None,
            auth: None,
        };
        for text in [
            "http://a.b/x y.png?q=a b#frag",
            "http://a.b/{x}|y^z`w\"<>[]\\.png?q={}|^`'[]\\",
            "http://münchen.example/ü.png?ü",
            "http://[2a00::1]:81/%zz",
            "https://a.b",
        ] {
            let url = Url::parse(text).expect(text);
            assert!(build(&url, &head).is_ok(), "{text} → {url}");
        }
    }
}
