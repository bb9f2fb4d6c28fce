//! The files of the built playground, embedded by the build script.

use http::header::HeaderValue;

use crate::conditional;

static ASSETS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/playground.rs"));

/// One embedded file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset {
    name: &'static str,
    pub(super) bytes: &'static [u8],
}

/// The file of this name.
pub(super) fn find(name: &str) -> Option<Asset> {
    ASSETS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(name, bytes)| Asset { name, bytes })
}

impl Asset {
    /// A strong tag over the bytes.
    pub(super) fn tag(&self) -> HeaderValue {
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
    pub(super) fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next().unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" => "application/json",
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
