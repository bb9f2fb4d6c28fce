//! A server somewhere, by its API.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use calotype_store::{ImageId, Metadata};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use url::Url;

use super::notes::Promise;
use super::place::{Picture, Presence, Traits, Trouble, TroubleKind};

/// For one request, with its file.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What stays as it is in an id in a path: RFC 3986's unreserved characters, and slashes.
const ID: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

pub(super) struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// `https://host/client/v4/accounts/{account}/images`
    images: String,
    token: HeaderValue,
}

/// What a server said.
struct Answer {
    status: StatusCode,
    retry_after: Duration,
    json: Value,
}

impl Remote {
    /// With the address of a server, e.g. `https://images.example.com`, or of its API.
    pub(super) fn new(server: &Url, account: &str, token: &str) -> Result<Self, String> {
        if !matches!(server.scheme(), "http" | "https") || !server.has_host() {
            return Err(format!(
                "{server} is no server; write for example https://images.example.com"
            ));
        }
        let mut token = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| "the token holds characters that no token has".to_owned())?;
        token.set_sensitive(true);
        let base = server.as_str().trim_end_matches('/').trim_end_matches("/client/v4");
        let account = utf8_percent_encode(account, NON_ALPHANUMERIC);
        let tls = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(tls),
            images: format!("{base}/client/v4/accounts/{account}/images"),
            token,
        })
    }

    pub(super) fn name(&self) -> String {
        self.images.clone()
    }

    pub(super) async fn presence(&self, id: &str, sha256: &str) -> Result<Presence, Trouble> {
        let url = format!("{}/v1/{}", self.images, utf8_percent_encode(id, &ID));
        // An original's tag is the hash of its bytes.
        let request = self.request(Method::HEAD, &format!("{url}/blob"));
        let request = request.header(IF_NONE_MATCH, format!("\"{sha256}\""));
        let answer = self.send(request, Bytes::new()).await?;
        match answer.status {
            StatusCode::NOT_MODIFIED => return Ok(Presence::Same),
            StatusCode::NOT_FOUND => {}
            status if status.is_success() => return Ok(Presence::Other),
            _ => return Err(answer.trouble()),
        }
        // Of a draft there are no bytes yet.
        let answer = self.send(self.request(Method::GET, &url), Bytes::new()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Presence::Missing),
            status if status.is_success() => {
                let is_draft = answer.json.pointer("/result/draft").and_then(Value::as_bool) == Some(true);
                // It has come between the two questions; ask again.
                is_draft
                    .then_some(Presence::Draft)
                    .ok_or_else(|| Trouble::new(TroubleKind::Later(Duration::ZERO), "the image has just come"))
            }
            _ => Err(answer.trouble()),
        }
    }

    pub(super) async fn upload(
        &self,
        id: Option<&ImageId>,
        traits: &Traits,
        picture: &Picture,
    ) -> Result<String, Trouble> {
        let mut texts = Vec::new();
        texts.extend(id.map(|id| ("id", id.as_str())));
        texts.extend(traits.creator.as_deref().map(|creator| ("creator", creator)));
        texts.extend(traits.metadata.as_ref().map(|metadata| ("metadata", metadata.text())));
        if traits.is_private {
            texts.push(("requireSignedURLs", "true"));
        }
        let (media_type, form) = form(&texts, picture);
        let request = self
            .request(Method::POST, &format!("{}/v1", self.images))
            .header(CONTENT_TYPE, media_type);
        let answer = self.send(request, form).await?;
        answer.text("/result/id")
    }

    pub(super) async fn promise(&self, traits: &Traits) -> Result<Promise, Trouble> {
        let mut body = json!({"requireSignedURLs": traits.is_private});
        if let Some(members) = body.as_object_mut() {
            members.extend(
                traits
                    .creator
                    .as_ref()
                    .map(|creator| ("creator".to_owned(), creator.as_str().into())),
            );
            let metadata = traits.metadata.as_ref().map(Metadata::value).cloned();
            members.extend(metadata.map(|metadata| ("metadata".to_owned(), metadata)));
        }
        let request = self.request(Method::POST, &format!("{}/v2/direct_upload", self.images));
        let request = request.header(CONTENT_TYPE, "application/json");
        let answer = self.send(request, body.to_string().into()).await?;
        Ok(Promise {
            id: answer.text("/result/id")?,
            url: answer.text("/result/uploadURL")?,
        })
    }

    pub(super) async fn keep(&self, promise: &Promise, picture: &Picture) -> Result<(), Trouble> {
        let (media_type, form) = form(&[], picture);
        // Whoever has the URL may upload: no token.
        let request = Request::builder()
            .method(Method::POST)
            .uri(&promise.url)
            .header(CONTENT_TYPE, media_type);
        let answer = self.send(request, form).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Err(Trouble::new(TroubleKind::NoPromise, answer.words())),
            status if status.is_success() => Ok(()),
            _ => Err(answer.trouble()),
        }
    }

    fn request(&self, method: Method, url: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(url)
            .header(AUTHORIZATION, self.token.clone())
    }

    async fn send(&self, request: http::request::Builder, body: Bytes) -> Result<Answer, Trouble> {
        let request = request
            .body(Full::new(body))
            .map_err(|error| Trouble::refused(error.to_string()))?;
        let later = |why: String| Trouble::new(TroubleKind::Later(Duration::ZERO), why);
        let asked = async {
            let response = self.client.request(request).await.map_err(|error| {
                let cause = std::error::Error::source(&error)
                    .map(|cause| format!(": {cause}"))
                    .unwrap_or_default();
                later(format!("{error}{cause}"))
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body
                .map_err(|error| later(format!("the answer broke off: {error}")))?
                .to_bytes();
            Ok(Answer::of(&Response::from_parts(head, ()), &body))
        };
        tokio::time::timeout(TIMEOUT, asked)
            .await
            .unwrap_or_else(|_| Err(later(format!("no answer within {} seconds", TIMEOUT.as_secs()))))
    }
}

impl Answer {
    fn of(response: &Response<()>, body: &[u8]) -> Self {
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Self {
            status: response.status(),
            retry_after: Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(0)),
            json: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    fn text(&self, pointer: &str) -> Result<String, Trouble> {
        if !self.status.is_success() {
            return Err(self.trouble());
        }
        let text = self.json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| Trouble::refused("the server's answer is not one of this API"))
    }

    /// What the server says is wrong.
    fn words(&self) -> String {
        let mut words = format!("HTTP {}", self.status.as_u16());
        let error = self.json.pointer("/errors/0");
        if let Some(message) = error.and_then(|error| error.get("message")).and_then(Value::as_str) {
            let _ = write!(words, ": {message:.300}");
        }
        words
    }

    fn trouble(&self) -> Trouble {
        let code = self.json.pointer("/errors/0/code").and_then(Value::as_u64);
        let kind = match (self.status.as_u16(), code) {
            (429 | 500..=599, _) => TroubleKind::Later(self.retry_after),
            (409, _) => TroubleKind::Taken,
            // Not allowed here, no such account, over the quota.
            (401, _) | (403, _) | (_, Some(10_000 | 5403 | 5453)) => TroubleKind::Fatal,
            _ => TroubleKind::Refused,
        };
        Trouble::new(kind, self.words())
    }
}

/// A form (RFC 7578) with texts and the picture, and its media type. The boundary is made of the picture's hash, so it is not in the picture.
fn form(texts: &[(&str, &str)], picture: &Picture) -> (String, Bytes) {
    let boundary = format!("calotype-{}", picture.sha256);
    let mut body = BytesMut::with_capacity(picture.bytes.len() + 2_048);
    for (name, text) in texts {
        body.put_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n").as_bytes(),
        );
    }
    let filename = picture
        .filename
        .replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    body.put_slice(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n")
            .as_bytes(),
    );
    body.put_slice(&picture.bytes);
    body.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.freeze())
}
