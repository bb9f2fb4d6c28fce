//! The forms of uploads (spec 6.1, 6.15): read as they arrive, the file to the disk, every bound charged before bytes are taken.

use calotype_store::{ImageId, Metadata, NewImage, Received};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyDataStream;
use multer::{Field, Multipart};
use serde_json::{Map, Value};

use super::split_metadata;
use super::{Hosted, Problem};
use crate::form_body::{Allowance, HeadTooLong, Upload};
use crate::router::RequestBytes;

/// Parts of a form.
const PARTS_MAX: usize = 256;
/// Bytes of one part that is no file: an id has up to 4 KiB, a URL perhaps more.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Bytes of all parts that are no files, names included.
const TEXTS_BYTES_MAX: usize = 64 << 10;
/// Bytes of parts that are read and forgotten.
const SKIPPED_BYTES_MAX: u64 = 1 << 20;

/// What a form may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// A file, and texts.
    FileAndTexts,
    /// Texts alone; a file is read and forgotten.
    Texts,
}

/// A form that has come whole.
#[derive(Debug, Default)]
pub(crate) struct UploadForm {
    /// The file, with the name it came with.
    pub(crate) file: Option<(String, Received)>,
    texts: Map<String, Value>,
    split_metadata: Map<String, Value>,
}

impl Hosted {
    /// Reads a form to its closing delimiter, within the time for it.
    pub(crate) async fn read_form(
        &self,
        headers: &HeaderMap,
        body: RequestBytes,
        bounds: Bounds,
    ) -> Result<UploadForm, Problem> {
        let _place = self
            .uploads
            .try_acquire()
            .map_err(|_| Problem::busy("uploads_max uploads are arriving"))?;
        tokio::time::timeout(self.receive_timeout, self.form(headers, body, bounds))
            .await
            .unwrap_or_else(|_| Err(Problem::too_slow()))
    }

    async fn form(&self, headers: &HeaderMap, body: RequestBytes, bounds: Bounds) -> Result<UploadForm, Problem> {
        let boundary = headers
            .get(CONTENT_TYPE)
            .and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok())
            .filter(|boundary| (1..=70).contains(&boundary.len()))
            .ok_or_else(Problem::not_a_form)?;
        let allowance = Allowance::new();
        let mut parts = parts_of(body, boundary, &allowance);
        let mut reading = Reading {
            hosted: self,
            form: UploadForm::default(),
            texts_left: TEXTS_BYTES_MAX,
            skipped_left: SKIPPED_BYTES_MAX,
        };
        let mut count = 0_usize;
        loop {
            allowance.for_head();
            let Some(field) = parts.next_field().await.map_err(|error| broken(&error))? else {
                return Ok(reading.form);
            };
            count = count.saturating_add(1);
            if count > PARTS_MAX {
                return Err(Problem::bad_request(format!(
                    "the form has more than {PARTS_MAX} parts"
                )));
            }
            allowance.for_data();
            reading.take(field, bounds).await?;
        }
    }
}

/// A form while it arrives.
struct Reading<'h> {
    hosted: &'h Hosted,
    form: UploadForm,
    texts_left: usize,
    skipped_left: u64,
}

impl Reading<'_> {
    async fn take(&mut self, field: Field<'_>, bounds: Bounds) -> Result<(), Problem> {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if bounds == Bounds::FileAndTexts => self.file(field).await,
            "id" | "url" | "metadata" | "requireSignedURLs" | "creator" | "expiry" => {
                let text = self.text(field, &name).await?;
                if self.form.texts.insert(name.clone(), Value::String(text)).is_some() {
                    return Err(Problem::bad_request(format!("the form has two parts {name}")));
                }
                Ok(())
            }
            _ => match split_metadata::path(&name) {
                Some(path) => {
                    let text = self.text(field, &name).await?;
                    split_metadata::put(&mut self.form.split_metadata, &path, text)
                }
                None => self.skip(field).await,
            },
        }
    }

    async fn file(&mut self, mut field: Field<'_>) -> Result<(), Problem> {
        if self.form.file.is_some() {
            return Err(Problem::bad_request(
                "the form has two parts file; upload one image at a time",
            ));
        }
        let bytes_max = self.hosted.limits.upload_bytes_max;
        let filename = field.file_name().unwrap_or_default().to_owned();
        let storage = |error: std::io::Error| Problem::of_storage(&error);
        let mut incoming = self.hosted.store.receive().await?;
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            if incoming.bytes().saturating_add(piece.len() as u64) > bytes_max {
                return Err(Problem::too_large(bytes_max));
            }
            incoming.write(&piece).await.map_err(storage)?;
        }
        self.form.file = Some((filename, incoming.finish().await.map_err(storage)?));
        Ok(())
    }

    async fn text(&mut self, mut field: Field<'_>, name: &str) -> Result<String, Problem> {
        self.charge(name.len())?;
        let mut text = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.charge(piece.len())?;
            if text.len().saturating_add(piece.len()) > TEXT_BYTES_MAX {
                return Err(Problem::bad_request(format!(
                    "the part {name:.100} is longer than {TEXT_BYTES_MAX} bytes"
                )));
            }
            text.extend_from_slice(&piece);
        }
        String::from_utf8(text).map_err(|_| Problem::bad_request(format!("the part {name:.100} is not UTF-8")))
    }

    async fn skip(&mut self, mut field: Field<'_>) -> Result<(), Problem> {
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.skipped_left = self
                .skipped_left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| Problem::bad_request("the form holds too much that is not known"))?;
        }
        Ok(())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Problem> {
        self.texts_left = self.texts_left.checked_sub(bytes).ok_or_else(|| {
            Problem::bad_request(format!(
                "the texts of the form are longer than {TEXTS_BYTES_MAX} bytes together"
            ))
        })?;
        Ok(())
    }
}

impl UploadForm {
    /// The same of a JSON object or a list of pairs, for the endpoints that take those too (D54).
    pub(crate) fn from_members(members: Map<String, Value>) -> Self {
        Self {
            texts: members,
            ..Self::default()
        }
    }

    /// Whether there is a part of this name that says something.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.texts.get(name).is_some_and(|value| !value.is_null())
    }

    /// A text; empty ones count as none.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.texts.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Problem::bad_request(format!("{name} must be a text"))),
        }
    }

    /// What the form says of the image to come.
    pub(crate) fn image(&self) -> Result<NewImage, Problem> {
        let new = NewImage {
            id: self.text("id")?.map(ImageId::custom).transpose()?,
            is_private: self.is_private()?,
            creator: self.text("creator")?.map(str::to_owned),
            metadata: self.metadata()?,
        };
        if new.is_private && new.id.is_some() {
            return Err(Problem::bad_request("Custom IDs cannot be used with requireSignedURLs"));
        }
        Ok(new)
    }

    /// `requireSignedURLs`, as the ways of writing it go (D16).
    fn is_private(&self) -> Result<bool, Problem> {
        let text = match self.texts.get("requireSignedURLs") {
            None | Some(Value::Null) => return Ok(false),
            Some(Value::Bool(boolean)) => return Ok(*boolean),
            Some(Value::String(text)) => text.to_ascii_lowercase(),
            Some(other) => other.to_string(),
        };
        match text.as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Problem::bad_request("requireSignedURLs must be true or false")),
        }
    }

    fn metadata(&self) -> Result<Option<Metadata>, Problem> {
        let whole = match self.texts.get("metadata") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) => Some(
                serde_json::from_str(text)
                    .map_err(|_| Problem::bad_request("Invalid metadata: it is not valid JSON"))?,
            ),
            Some(value) => Some(value.clone()),
        };
        let value = match (whole, self.split_metadata.is_empty()) {
            (None, true) => return Ok(None),
            (Some(value), true) => value,
            (None, false) => Value::Object(self.split_metadata.clone()),
            (Some(_), false) => {
                return Err(Problem::bad_request(
                    "Invalid metadata: it came both whole and split; send it one way",
                ));
            }
        };
        Ok(Metadata::new(value)?)
    }
}

fn parts_of(body: RequestBytes, boundary: String, allowance: &Allowance) -> Multipart<'static> {
    Multipart::new(BodyDataStream::new(Upload::new(body, allowance.clone())), boundary)
}

/// A form that ends too early, or that is none.
fn broken(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(cause) if cause.is::<HeadTooLong>() => Problem::broken_upload("no part begins"),
        error => Problem::broken_upload(error.to_string()),
    }
}
