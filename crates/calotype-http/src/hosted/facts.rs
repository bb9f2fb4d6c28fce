//! What an upload is: its headers are read by the worker, as strangers' bytes are read nowhere else. Nothing is transformed (D30).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use calotype_plan::{Fault, FaultKind, FormatChoice, ImageFormat, Output, Plan};
use calotype_source::{FetchRequest, GrowingBuffer, OriginAuth};
use calotype_store::{BlobReader, Facts, Received};
use calotype_worker::Task;
use http::HeaderValue;
use serde_json::Value;
use url::Url;

use super::{Hosted, Problem};

/// Bytes of a file name.
const FILENAME_BYTES_MAX: usize = 255;
/// The formats of hosted images (hosted images specification, 5.2); everything else is refused with 5455.
pub const HOSTED_FORMATS: [ImageFormat; 7] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::Gif,
    ImageFormat::Webp,
    ImageFormat::Avif,
    ImageFormat::Heic,
    ImageFormat::Svg,
];

impl Hosted {
    /// Looks at a file that has arrived; gives it back with what it is.
    pub(crate) async fn look(&self, mut received: Received, filename: &str) -> Result<(Received, Facts), Problem> {
        let bytes = self.buffered(received.bytes(), Pieces::Received(&mut received)).await?;
        let facts = self.facts(bytes, filename).await?;
        Ok((received, facts))
    }

    /// The bytes of an original, in the shared memory.
    pub(crate) async fn original(&self, reader: &mut BlobReader) -> Result<Bytes, Problem> {
        self.buffered(reader.bytes(), Pieces::Blob(reader)).await
    }

    /// Fetches an image by its URL into a file (spec 6.2), and tells what it should be called.
    pub(crate) async fn fetch(&self, url: &str) -> Result<(Received, String), Problem> {
        let bytes_max = self.limits.upload_bytes_max;
        let mut url = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Problem::bad_request("url must be an absolute http or https URL"))?;
        let filename = url
            .path_segments()
            .and_then(|mut segments| segments.next_back())
            .map(|segment| {
                percent_encoding::percent_decode_str(segment)
                    .decode_utf8_lossy()
                    .into_owned()
            })
            .filter(|name| !name.is_empty())
            .or_else(|| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        let auth = basic(&url).map(OriginAuth::authorization).unwrap_or_default();
        let _ = (url.set_username(""), url.set_password(None));
        let fetched = self
            .fetcher
            .fetch(FetchRequest {
                auth,
                bytes_max: Some(bytes_max),
                ..FetchRequest::new(url)
            })
            .await
            .map_err(|fault| Problem::of_fetch(&fault, bytes_max))?;
        if fetched.bytes.len() as u64 > bytes_max {
            return Err(Problem::too_large(bytes_max));
        }
        let mut incoming = self.store.receive().await?;
        let storage = |error: std::io::Error| Problem::of_storage(&error);
        incoming.write(&fetched.bytes).await.map_err(storage)?;
        Ok((incoming.finish().await.map_err(storage)?, filename))
    }

    async fn buffered(&self, length: u64, mut pieces: Pieces<'_>) -> Result<Bytes, Problem> {
        let mut buffer = GrowingBuffer::new(&self.memory, usize::try_from(length).unwrap_or(usize::MAX));
        while let Some(piece) = pieces.next().await? {
            let piece = piece.get(..piece.len().min(buffer.room())).unwrap_or_default();
            buffer
                .push(piece)
                .map_err(|fault| Problem::busy(fault.detail().unwrap_or_default()))?;
        }
        if buffer.len() as u64 != length {
            return Err(Problem::storage("an original is shorter than it was"));
        }
        Ok(buffer.into_bytes())
    }

    async fn facts(&self, source: Bytes, filename: &str) -> Result<Facts, Problem> {
        let output = Output {
            format: FormatChoice::Json,
            ..Output::default()
        };
        let plan = Plan {
            canvas: None,
            ops: Vec::new(),
            output,
        };
        let task = Task {
            plan: Arc::new(plan),
            source,
            hosted: true,
            ..Task::default()
        };
        let done = self.worker.run(task).await.map_err(|fault| Problem::of_image(&fault))?;
        let unreadable = || Problem::internal("the description of an image cannot be read");
        let json: Value = serde_json::from_slice(&done.outcome.bytes).map_err(|_| unreadable())?;
        let original = json.get("original").ok_or_else(unreadable)?;
        let number = |name: &str| original.get(name).and_then(Value::as_u64);
        let media_type = original.get("format").and_then(Value::as_str).ok_or_else(unreadable)?;
        let format = HOSTED_FORMATS.into_iter().find(|format| format.mime() == media_type);
        let format = format.ok_or_else(Problem::unsupported_format)?;
        let side = |name: &str| number(name).and_then(|side| u32::try_from(side).ok());
        let (width, height) = (side("width"), side("height"));
        let frames = number("frames").unwrap_or(1);
        let area = u64::from(width.unwrap_or(0))
            .saturating_mul(u64::from(height.unwrap_or(0)))
            .saturating_mul(frames);
        if frames > 1 && area > self.animation_area_px_max {
            return Err(Problem::of_image(&Fault::new(
                FaultKind::LimitExceeded,
                format!(
                    "Image dimensions are too large: all frames together have {area} pixels; the maximum is {}",
                    self.animation_area_px_max
                ),
            )));
        }
        Ok(Facts {
            filename: tidy(filename),
            media_type: format.mime().to_owned(),
            width,
            height,
        })
    }
}

/// The credentials of a URL, for its origin alone (RFC 7617).
fn basic(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [
        &decode(url.username())[..],
        b":",
        &decode(url.password().unwrap_or_default()),
    ]
    .concat();
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Where bytes come from, piece by piece.
enum Pieces<'f> {
    Received(&'f mut Received),
    Blob(&'f mut BlobReader),
}

impl Pieces<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = match self {
            Self::Received(received) => received.next_piece().await,
            Self::Blob(reader) => reader.next_piece().await,
        };
        piece.map_err(|error| Problem::of_storage(&error))
    }
}

/// The base name, without control characters, of at most 255 bytes (D33).
fn tidy(filename: &str) -> String {
    let base = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut tidy: String = base.chars().filter(|c| !c.is_control()).collect();
    while tidy.len() > FILENAME_BYTES_MAX {
        tidy.pop();
    }
    if tidy.is_empty() { "file".to_owned() } else { tidy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_base_names_of_at_most_255_bytes() {
        let long = "ü".repeat(200);
        for (name, tidied) in [
            ("lamp.jpg", "lamp.jpg"),
            ("/tmp/lamp.jpg", "lamp.jpg"),
            ("C:\\pics\\lamp.jpg", "lamp.jpg"),
            ("a\r\nb\0.png", "ab.png"),
            ("", "file"),
            ("dir/", "file"),
        ] {
            assert_eq!(tidy(name), tidied);
        }
        assert_eq!(tidy(&long), "ü".repeat(127));
    }
}
