//! `/-/`: the playground, its sample pictures, and the pictures that visitors drop on it.

mod uploads;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind, FormatChoice, ImageFormat, Output, Plan};
use calotype_worker::{Task, Worker};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, HeaderMap, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};

use crate::answer::{self, Answer};
use crate::conditional;
use crate::embedded;
use crate::sources::{OwnPictures, Picture};
use uploads::Uploads;

/// Bounds on what visitors leave here.
#[derive(Debug, Clone, Copy)]
pub struct PlaygroundSettings {
    /// Bytes of one dropped picture.
    pub upload_bytes_max: u64,
    /// Bytes of all dropped pictures together; the one not used for longest goes first.
    pub uploads_bytes_max: u64,
    /// How long a dropped picture is kept.
    pub upload_lifetime: Duration,
    /// How long one may take to arrive.
    pub upload_timeout: Duration,
}

impl Default for PlaygroundSettings {
    fn default() -> Self {
        Self {
            upload_bytes_max: 40_000_000,
            uploads_bytes_max: 160_000_000,
            upload_lifetime: Duration::from_secs(3_600),
            upload_timeout: Duration::from_secs(60),
        }
    }
}

/// The surface's state.
pub(crate) struct Playground {
    settings: PlaygroundSettings,
    worker: Arc<dyn Worker>,
    uploads: Uploads,
}

impl std::fmt::Debug for Playground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playground")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What the page is told of a dropped picture; an SVG has no size of its own.
struct Facts {
    width: Option<u64>,
    height: Option<u64>,
    media_type: &'static str,
}

/// Our own copy of a media type, so that nothing of a stranger's file becomes a header.
fn known_media_type(text: &str) -> &'static str {
    const KNOWN: [ImageFormat; 11] = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::Webp,
        ImageFormat::Avif,
        ImageFormat::Heic,
        ImageFormat::Svg,
        ImageFormat::Tiff,
        ImageFormat::Bmp,
        ImageFormat::Ico,
        ImageFormat::Jxl,
    ];
    KNOWN
        .into_iter()
        .map(ImageFormat::mime)
        .find(|mime| *mime == text)
        .unwrap_or("application/octet-stream")
}

const PREFIX: &str = "/-/";
const UPLOADS: &str = "/-/upload/";
/// The page runs its own scripts and its own WebAssembly, talks to its own server, and is framed by nobody.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data: https: http:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

impl Playground {
    pub(crate) fn new(settings: PlaygroundSettings, worker: Arc<dyn Worker>) -> Self {
        let uploads = Uploads::new(settings.uploads_bytes_max, settings.upload_lifetime);
        Self {
            settings,
            worker,
            uploads,
        }
    }

    /// The answer to a request for a path of the playground.
    pub(crate) async fn serve<B>(&self, request: &Parts, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri.path();
        if path == "/-/upload" {
            return match request.method {
                Method::POST => self.receive(request, body).await,
                _ => answer::method_not_allowed("POST"),
            };
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return answer::method_not_allowed("GET, HEAD");
        }
        if path.starts_with(UPLOADS) {
            return match self.picture(path) {
                Ok(Some(picture)) => {
                    let mut answer = answer::with_body(StatusCode::OK, picture.content_type, picture.bytes);
                    answer.headers_mut().extend(picture.headers);
                    // A dropped file is a stranger's: never a document that runs anything.
                    answer::protect(answer.headers_mut());
                    answer
                }
                Ok(None) => answer::text(StatusCode::NOT_FOUND, "not found\n"),
                Err(fault) => answer::fault(&fault),
            };
        }
        page(request, path.strip_prefix(PREFIX).unwrap_or_default())
    }

    /// Takes a dropped picture.
    async fn receive<B>(&self, request: &Parts, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.take(request, body).await {
            Ok(description) => {
                let mut answer = answer::with_body(StatusCode::CREATED, "application/json", description.to_string());
                answer
                    .headers_mut()
                    .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                answer
            }
            Err(fault) => answer::fault(&fault),
        }
    }

    async fn take<B>(&self, request: &Parts, body: B) -> Result<serde_json::Value, Fault>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let max = self.settings.upload_bytes_max;
        let too_large = || {
            Fault::new(
                FaultKind::SourceTooLarge,
                format!("file too large; the playground takes up to {} MB", max / 1_000_000),
            )
        };
        let announced = request
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > max) {
            return Err(too_large());
        }
        let reservation = self.uploads.reserve(max)?;
        let limited = Limited::new(body, usize::try_from(max).unwrap_or(usize::MAX));
        let collected = tokio::time::timeout(self.settings.upload_timeout, std::pin::pin!(limited).collect()).await;
        let bytes = match collected {
            Err(_) => {
                return Err(Fault::new(
                    FaultKind::DownloadTimeout,
                    "the upload took too long; try again",
                ));
            }
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return Err(too_large()),
            Ok(Err(error)) => {
                return Err(
                    Fault::new(FaultKind::Aborted, "the upload broke off; try again").with_detail(error.to_string())
                );
            }
            Ok(Ok(collected)) => collected.to_bytes(),
        };
        let facts = self.describe(bytes.clone()).await?;
        let id = conditional::digest([bytes.as_ref()]);
        let length = bytes.len();
        self.uploads.put(&id, bytes, facts.media_type, reservation);
        Ok(serde_json::json!({
            "url": format!("{UPLOADS}{id}"),
            "width": facts.width,
            "height": facts.height,
            "format": facts.media_type.trim_start_matches("image/"),
            "bytes": length,
        }))
    }

    /// What a picture is: asked of the worker as `format=json`, because strangers' bytes are read nowhere else.
    async fn describe(&self, source: Bytes) -> Result<Facts, Fault> {
        let output = Output {
            format: FormatChoice::Json,
            still: true,
            ..Output::default()
        };
        let plan = Arc::new(Plan {
            ops: Vec::new(),
            output,
            ..Plan::default()
        });
        let done = self
            .worker
            .run(Task {
                plan,
                source,
                ..Task::default()
            })
            .await?;
        let unreadable = || Fault::new(FaultKind::Internal, "the picture could not be described");
        let json: serde_json::Value = serde_json::from_slice(&done.outcome.bytes).map_err(|_| unreadable())?;
        let original = json.get("original").ok_or_else(unreadable)?;
        let number = |name: &str| original.get(name).and_then(serde_json::Value::as_u64);
        let media_type = original
            .get("format")
            .and_then(serde_json::Value::as_str)
            .ok_or_else(unreadable)?;
        Ok(Facts {
            width: number("width"),
            height: number("height"),
            media_type: known_media_type(media_type),
        })
    }
}

impl OwnPictures for Playground {
    fn picture(&self, path: &str) -> Result<Option<Picture>, Fault> {
        let Some(name) = path.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        let missing = || {
            Fault::new(
                FaultKind::SourceNotFound,
                "the playground has no such picture; drop it again",
            )
        };
        if let Some(id) = path.strip_prefix(UPLOADS) {
            let upload = self.uploads.get(id).ok_or_else(missing)?;
            let headers = HeaderMap::from_iter([
                (CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
                (
                    ETAG,
                    HeaderValue::from_str(&format!("\"{id}\"")).unwrap_or(HeaderValue::from_static("\"upload\"")),
                ),
            ]);
            return Ok(Some(Picture {
                bytes: upload.bytes,
                headers,
                content_type: upload.content_type,
            }));
        }
        let asset = embedded::PLAYGROUND
            .find(name)
            .filter(|_| name.starts_with("samples/"))
            .ok_or_else(missing)?;
        let headers = HeaderMap::from_iter([
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
            (ETAG, asset.tag()),
        ]);
        Ok(Some(Picture {
            bytes: Bytes::from_static(asset.bytes),
            headers,
            content_type: asset.content_type(),
        }))
    }
}

/// `/` when nothing else is there: to the playground.
pub(crate) fn redirect_to_playground() -> Answer {
    let mut answer = answer::text(StatusCode::FOUND, "the playground is at /-/\n");
    answer.headers_mut().insert(LOCATION, HeaderValue::from_static(PREFIX));
    answer
}

/// A file of the page itself.
fn page(request: &Parts, name: &str) -> Answer {
    embedded::PLAYGROUND
        .answer(request, name, PAGE_POLICY)
        .unwrap_or_else(|| answer::text(StatusCode::NOT_FOUND, "not found\n"))
}
