//! Pages that are built with npm, embedded by the build script.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderValue};
use http::request::Parts;

use crate::answer::{self, Answer};
use crate::conditional;

/// The playground, with its sample pictures.
pub(crate) static PLAYGROUND: Page = Page(include!(concat!(env!("OUT_DIR"), "/playground.rs")));
/// The API reference.
pub(crate) static REFERENCE: Page = Page(include!(concat!(env!("OUT_DIR"), "/reference.rs")));

/// The files of a page, by their names.
pub(crate) struct Page(&'static [(&'static str, &'static [u8])]);

/// One embedded file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    name: &'static str,
    pub(crate) bytes: &'static [u8],
}

impl Page {
    /// The file of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Asset> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(name, bytes)| Asset { name, bytes })
    }

    /// The answer to a request for one of the files, under a policy; an empty name is the page itself.
    pub(crate) fn answer(&self, request: &Parts, name: &str, policy: HeaderValue) -> Option<Answer> {
        let name = if name.is_empty() { "index.html" } else { name };
        let asset = self.find(name)?;
        let tag = asset.tag();
        if conditional::is_not_modified(&request.headers, Some(&tag), None) {
            let mut answer = answer::text(StatusCode::NOT_MODIFIED, "");
            answer.headers_mut().clear();
            answer.headers_mut().insert(ETAG, tag);
            return Some(answer);
        }
        let mut answer = answer::with_body(StatusCode::OK, asset.content_type(), Bytes::from_static(asset.bytes));
        let headers = answer.headers_mut();
        headers.insert(ETAG, tag);
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        // Names under assets/ carry a hash of their content.
        let lifetime = if name.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(lifetime));
        Some(answer)
    }
}

impl Asset {
    /// A strong tag over the bytes.
    pub(crate) fn tag(&self) -> HeaderValue {
        // The first bytes and the length tell builds apart well enough, and cost nothing for large pictures.
        let head = self.bytes.get(..4096).unwrap_or(self.bytes);
        let tail = self
            .bytes
            .get(self.bytes.len().saturating_sub(4096)..)
            .unwrap_or_default();
        let length = self.bytes.len().to_le_bytes();
        let digest = conditional::digest([self.name.as_bytes(), head, tail, length.as_slice()]);
        HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"asset\""))
    }

    /// By the ending: these are our own files, so their names can be trusted.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next().unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" => "application/json",
            "txt" => "text/plain; charset=utf-8",
            "wasm" => "application/wasm",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "webp" => "image/webp",
            "ico" => "image/vnd.microsoft.icon",
            "woff2" => "font/woff2",
            _ => "application/octet-stream",
        }
    }
}
