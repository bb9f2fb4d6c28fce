//! What a message tells, in the store's words.

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::image::Metadata;
use crate::webhook::ImageEvent;
use crate::{Result, StoreError};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// The notification of a policy: a direct upload succeeded.
    UploadSucceeded,
    /// The notification of a policy: a direct upload was refused.
    UploadFailed,
    /// The event of a subscription.
    Event(ImageEvent),
}

impl MessageKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UploadSucceeded => "upload.succeeded",
            Self::UploadFailed => "upload.failed",
            Self::Event(event) => event.name(),
        }
    }

    fn stored(name: &str) -> Result<Self> {
        match name {
            "upload.succeeded" => Ok(Self::UploadSucceeded),
            "upload.failed" => Ok(Self::UploadFailed),
            name => ImageEvent::parse(name).map(Self::Event),
        }
    }
}

/// An image as it was when it happened.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageFacts {
    /// What it is called.
    pub id: String,
    /// What it was called until now, if that is another.
    pub previous_id: Option<String>,
    /// What the file was called.
    pub filename: Option<String>,
    /// When it was uploaded; `None` for an upload that was refused.
    pub uploaded_ms: Option<i64>,
    /// Whether its delivery takes a signature.
    pub is_private: bool,
    /// Who uploaded it.
    pub creator: Option<String>,
    /// What the user wrote beside it.
    pub metadata: Option<Value>,
    /// Why it was refused.
    pub error: Option<UploadError>,
}

/// Why an upload was refused, as its sender was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadError {
    /// Of the API's list.
    pub code: u32,
    /// What to change.
    pub message: String,
}

impl ImageFacts {
    /// What a row of images tells that has at least these columns: `filename`, `is_private`, `creator`, `metadata`.
    pub(crate) fn of_row(id: &str, uploaded_ms: Option<i64>, row: &AnyRow) -> Result<Self> {
        let metadata: Option<String> = row.try_get("metadata")?;
        let metadata = metadata.map(Metadata::stored);
        Ok(Self {
            id: id.to_owned(),
            filename: row.try_get("filename")?,
            uploaded_ms,
            is_private: row.try_get::<i64, _>("is_private")? != 0,
            creator: row.try_get("creator")?,
            metadata: metadata.map(|metadata| metadata.value().clone()),
            ..Self::default()
        })
    }

    pub(super) fn text(&self) -> String {
        json!({
            "id": self.id,
            "previous_id": self.previous_id,
            "filename": self.filename,
            "uploaded_ms": self.uploaded_ms,
            "is_private": self.is_private,
            "creator": self.creator,
            "metadata": self.metadata,
            "error": self.error.as_ref().map(|error| json!({"code": error.code, "message": error.message})),
        })
        .to_string()
    }

    fn stored(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| StoreError::damaged(format!("a message to a webhook: {error}")))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let error = value.get("error").and_then(|error| {
            Some(UploadError {
                code: u32::try_from(error.get("code")?.as_u64()?).ok()?,
                message: error.get("message")?.as_str()?.to_owned(),
            })
        });
        Ok(Self {
            id: text("id").unwrap_or_default(),
            previous_id: text("previous_id"),
            filename: text("filename"),
            uploaded_ms: value.get("uploaded_ms").and_then(Value::as_i64),
            is_private: value.get("is_private").and_then(Value::as_bool).unwrap_or_default(),
            creator: text("creator"),
            metadata: value.get("metadata").filter(|metadata| !metadata.is_null()).cloned(),
            error,
        })
    }
}

/// A message to one webhook, the same in every try.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// 32 hex digits: what a receiver tells by that it has it already.
    pub id: String,
    /// 32 hex digits, the same for all messages of one happening.
    pub correlation: String,
    /// The account's id in API paths.
    pub account_id: String,
    /// The id of the webhook.
    pub webhook: String,
    /// The id of the policy or subscription that asked for it.
    pub route: String,
    /// What that was called then.
    pub route_name: String,
    /// What it is.
    pub kind: MessageKind,
    /// What it tells.
    pub image: ImageFacts,
    /// When it happened, in milliseconds since 1970.
    pub happened_ms: i64,
}

impl Message {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            correlation: row.try_get("correlation")?,
            account_id: row.try_get("account_id")?,
            webhook: row.try_get("webhook")?,
            route: row.try_get("route")?,
            route_name: row.try_get("route_name")?,
            kind: MessageKind::stored(&row.try_get::<String, _>("kind")?)?,
            image: ImageFacts::stored(&row.try_get::<String, _>("facts")?)?,
            happened_ms: row.try_get("happened_ms")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_as_they_were() {
        let facts = ImageFacts {
            id: "people/me \"1\"".to_owned(),
            previous_id: Some("p".to_owned()),
            filename: Some("ü.png".to_owned()),
            uploaded_ms: Some(1_800_000_000_000),
            is_private: true,
            creator: Some("c".to_owned()),
            metadata: Some(json!({"a": [1, null]})),
            error: Some(UploadError {
                code: 5455,
                message: "m".to_owned(),
            }),
        };
        assert_eq!(ImageFacts::stored(&facts.text()).unwrap(), facts);
        let least = ImageFacts::default();
        assert_eq!(ImageFacts::stored(&least.text()).unwrap(), least);
    }
}
