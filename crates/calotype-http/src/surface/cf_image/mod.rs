//! `fetch(url, { cf: { image: … } })` of a Worker, as the Workers runtime sends it on (docs/design/workers.md).

use std::sync::Arc;

use calotype_plan::{Door, Fault, FaultKind, Limits, Options};
use calotype_source::OriginAuth;
use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use serde_json::Value;

use crate::answer::{self, Answer};
use crate::router::{AnswerFuture, RequestBytes, Surface};
use crate::transforms::{Transforms, Wanted};

/// The header that the runtime writes `request.cf` into, as JSON: `cfBlobHeader` of its configuration. A Worker cannot set it by itself; the runtime removes what it
/// finds there.
const CF_BLOB: HeaderName = HeaderName::from_static("cf-blob");
/// The scheme of a request without an absolute target: `forwardedProtoHeader` of the configuration.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The surface for `cf.image`.
pub struct CfImage {
    transforms: Arc<dyn Transforms>,
    limits: Limits,
}

impl std::fmt::Debug for CfImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CfImage").finish_non_exhaustive()
    }
}

impl CfImage {
    pub(crate) fn new(transforms: Arc<dyn Transforms>, limits: Limits) -> Self {
        Self { transforms, limits }
    }

    async fn serve(&self, parts: &Parts) -> Answer {
        let wanted = match self.read(parts) {
            Ok(Some(wanted)) => wanted,
            Ok(None) => {
                return answer::text(
                    StatusCode::BAD_REQUEST,
                    "ERROR 9424: this socket takes a Worker's requests with cf.image alone; let the outbound Worker of @calotype/workers send only those here",
                );
            }
            Err(fault) => {
                tracing::debug!(
                    code = fault.code(),
                    answered = fault.public_message(),
                    detail = fault.detail().unwrap_or_default(),
                    "cf.image refused"
                );
                return answer::fault(&fault);
            }
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return answer::method_not_allowed("GET, HEAD");
        }
        let auth = if wanted.options.shares_origin_auth() {
            OriginAuth::pick(&parts.headers)
        } else {
            OriginAuth::default()
        };
        let wanted = Wanted {
            parts,
            source_url: wanted.source_url,
            options: &wanted.options,
            auth,
        };
        self.transforms.transform(wanted).await
    }

    /// What a request wants; `None` without `cf.image`.
    fn read(&self, parts: &Parts) -> Result<Option<Read>, Fault> {
        let Some(image) = image_of(parts)? else {
            return Ok(None);
        };
        // As text again, for the bound on options; what else stands in `cf` does not count.
        let options = Options::parse_json(&image.to_string(), Door::Object, &self.limits)?;
        Ok(Some(Read {
            source_url: source_url(parts)?,
            options,
        }))
    }
}

struct Read {
    source_url: String,
    options: Options,
}

impl Surface for CfImage {
    fn name(&self) -> &'static str {
        "cf-image"
    }

    fn has(&self, _path: &str) -> bool {
        true
    }

    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_> {
        Box::pin(async move {
            // The body is dropped here, and read to its end in the background.
            let (parts, _) = request.into_parts();
            self.serve(&parts).await
        })
    }
}

/// `image` of the `cf` object. `null` is as good as nothing.
fn image_of(parts: &Parts) -> Result<Option<Value>, Fault> {
    let Some(header) = parts.headers.get(CF_BLOB) else {
        return Ok(None);
    };
    let mut cf: Value = serde_json::from_slice(header.as_bytes())
        .map_err(|error| Fault::invalid("cf is not valid JSON").with_detail(error.to_string()))?;
    Ok(cf.get_mut("image").map(Value::take).filter(|image| !image.is_null()))
}

/// The URL that the Worker fetches: the target itself (`style = proxy`), or made of target, `Host` and scheme (`style = host`).
fn source_url(parts: &Parts) -> Result<String, Fault> {
    if parts.uri.authority().is_some() {
        return Ok(parts.uri.to_string());
    }
    let text = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(&HOST).ok_or_else(|| {
        Fault::new(
            FaultKind::InvalidSourceUrl,
            "invalid source URL: the request names no host",
        )
    })?;
    let scheme = text(&X_FORWARDED_PROTO).unwrap_or("http");
    Ok(format!("{scheme}://{host}{}", parts.uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_url_is_the_target_or_made_of_host_and_scheme() {
        let url = |target: &str, headers: &[(&str, &str)]| source_url(&parts(target, headers)).ok();
        let given = "https://a.example:8443/p%20q/x.png?w=1&b=%2F";
        assert_eq!(url(given, &[("host", "other.example")]).as_deref(), Some(given));
        assert_eq!(
            url("/x.png?w=1", &[("host", "a.example:8080")]).as_deref(),
            Some("http://a.example:8080/x.png?w=1")
        );
        assert_eq!(
            url("/x.png", &[("host", "a.example"), ("x-forwarded-proto", "https")]).as_deref(),
            Some("https://a.example/x.png")
        );
        assert_eq!(url("/x.png", &[]), None);
    }

    #[test]
    fn only_an_image_that_is_there_counts() {
        let image = |blob: &str| image_of(&parts("/", &[("cf-blob", blob)]));
        assert_eq!(image_of(&parts("/", &[])).unwrap(), None);
        for blob in ["{}", "null", "[]", "5", r#"{"image":null}"#, r#"{"cacheTtl":5}"#] {
            assert_eq!(image(blob).unwrap(), None, "{blob}");
        }
        assert_eq!(
            image(r#"{"cacheTtl":5,"image":{"width":8}}"#).unwrap(),
            Some(serde_json::json!({"width": 8}))
        );
        assert_eq!(image("{").unwrap_err().code(), 9401);
        // A value of the wrong kind is the options' error, and not a request without an image.
        assert_eq!(
            image(r#"{"image":"width=8"}"#).unwrap(),
            Some(serde_json::json!("width=8"))
        );
    }
}
