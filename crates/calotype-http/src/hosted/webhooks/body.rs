//! What is posted (spec 11, D84, D85).

use calotype_store::{ImageEvent, ImageFacts, Message, MessageKind};
use serde_json::{Map, Value, json};

use crate::hosted::timestamp;

/// The alert that there is.
pub(crate) const ALERT_TYPE: &str = "image_notification";

/// The type that a message has in the history.
pub(crate) fn type_of(kind: MessageKind) -> String {
    match kind {
        MessageKind::UploadSucceeded | MessageKind::UploadFailed => ALERT_TYPE.to_owned(),
        MessageKind::Event(event) => event_type(event),
    }
}

/// The body of a message.
pub(crate) fn body(message: &Message) -> Value {
    match message.kind {
        MessageKind::UploadSucceeded | MessageKind::UploadFailed => notification(message),
        MessageKind::Event(event) => self::event(message, event),
    }
}

fn event_type(event: ImageEvent) -> String {
    format!("cf.images.{}", event.name())
}

/// The generic notification.
fn notification(message: &Message) -> Value {
    let image = &message.image;
    let (status, text) = match &image.error {
        None => ("success", format!("Image {} was uploaded.", image.id)),
        Some(error) => (
            "error",
            format!("The upload of image {} failed: {}", image.id, error.message),
        ),
    };
    json!({
        "name": message.route_name,
        "text": text,
        "data": {
            "account_id": message.account_id,
            "image_id": image.id,
            "status": status,
            "filename": image.filename,
            "uploaded": image.uploaded_ms.map(timestamp),
            "metadata": image.metadata,
            "creator": image.creator,
            "error": image.error.as_ref().map(|error| json!({"code": error.code, "message": error.message})),
        },
        "ts": message.happened_ms.div_euclid(1_000),
        "account_id": message.account_id,
        "policy_id": message.route,
        "policy_name": message.route_name,
        "alert_type": ALERT_TYPE,
        "alert_correlation_id": message.correlation,
        "alert_event": "ALERT_STATE_EVENT_START",
    })
}

fn event(message: &Message, event: ImageEvent) -> Value {
    json!({
        "type": event_type(event),
        "source": {"type": "images"},
        "payload": payload(&message.image),
        "metadata": {
            "accountId": message.account_id,
            "eventSubscriptionId": message.route,
            "eventSchemaVersion": 1,
            "eventTimestamp": timestamp(message.happened_ms),
        },
    })
}

/// The image record without variants: what is not set is left out (D20).
fn payload(image: &ImageFacts) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), image.id.as_str().into());
    let optional = [
        ("previousId", image.previous_id.as_deref().map(Value::from)),
        ("filename", image.filename.as_deref().map(Value::from)),
        ("uploaded", image.uploaded_ms.map(|ms| timestamp(ms).into())),
        ("requireSignedURLs", Some(image.is_private.into())),
        ("meta", image.metadata.clone()),
        ("creator", image.creator.as_deref().map(Value::from)),
    ];
    members.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    Value::Object(members)
}

/// A sample, which nobody can take for a real message: its ids are zeros, and its text says what it is.
pub(crate) fn sample(account_id: &str, name: &str, correlation: &str, now_ms: i64) -> Value {
    let nobody = "0".repeat(32);
    let message = Message {
        id: nobody.clone(),
        correlation: correlation.to_owned(),
        account_id: account_id.to_owned(),
        webhook: nobody.clone(),
        route: nobody,
        route_name: name.to_owned(),
        kind: MessageKind::UploadSucceeded,
        image: ImageFacts {
            id: "00000000-0000-0000-0000-000000000000".to_owned(),
            filename: Some("sample.jpg".to_owned()),
            uploaded_ms: Some(now_ms),
            ..ImageFacts::default()
        },
        happened_ms: now_ms,
    };
    let mut body = notification(&message);
    if let Some(members) = body.as_object_mut() {
        let text = "This is a test of a webhook. If you can read it, the webhook works.";
        members.insert("text".to_owned(), text.into());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use calotype_store::UploadError;

    fn message(kind: MessageKind) -> Message {
        Message {
            id: "m".to_owned(),
            correlation: "0b6c0000000000000000000000000000".to_owned(),
            account_id: "9f2c51d84be04a17a3d60e7785c1b2aa".to_owned(),
            webhook: "w".to_owned(),
            route: "5e0e2b0f3c0f4f3b8f6a9d6f5a3b2c1d".to_owned(),
            route_name: "uploads".to_owned(),
            kind,
            image: ImageFacts {
                id: "0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c600".to_owned(),
                filename: Some("me.heic".to_owned()),
                uploaded_ms: Some(1_784_023_519_660),
                metadata: Some(json!({"order": "A-17"})),
                ..ImageFacts::default()
            },
            happened_ms: 1_784_023_519_660,
        }
    }

    #[test]
    fn a_success_is_told_as_the_specification_shows() {
        let want = json!({
            "name": "uploads", "text": "Image 0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c600 was uploaded.",
            "data": { "account_id": "9f2c51d84be04a17a3d60e7785c1b2aa", "image_id": "0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c600", "status": "success",
                "filename": "me.heic", "uploaded": "2026-07-14T10:05:19.660Z", "metadata": { "order": "A-17" }, "creator": null, "error": null },
            "ts": 1_784_023_519, "account_id": "9f2c51d84be04a17a3d60e7785c1b2aa", "policy_id": "5e0e2b0f3c0f4f3b8f6a9d6f5a3b2c1d",
            "policy_name": "uploads", "alert_type": "image_notification", "alert_correlation_id": "0b6c0000000000000000000000000000",
            "alert_event": "ALERT_STATE_EVENT_START"
        });
        assert_eq!(body(&message(MessageKind::UploadSucceeded)), want);
    }

    #[test]
    fn a_refusal_says_what_its_sender_was_told() {
        let mut message = message(MessageKind::UploadFailed);
        message.image.uploaded_ms = None;
        message.image.error = Some(UploadError {
            code: 5455,
            message: "Unsupported image format".to_owned(),
        });
        let body = body(&message);
        assert_eq!(
            body["text"],
            "The upload of image 0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c600 failed: Unsupported image format"
        );
        assert_eq!(body["data"]["status"], "error");
        assert_eq!(body["data"]["uploaded"], Value::Null);
        assert_eq!(
            body["data"]["error"],
            json!({"code": 5455, "message": "Unsupported image format"})
        );
    }

    #[test]
    fn events_have_the_envelope_and_the_record_without_variants() {
        let mut message = message(MessageKind::Event(ImageEvent::Updated));
        message.image.previous_id = Some("0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c601".to_owned());
        let want = json!({
            "type": "cf.images.image.updated",
            "source": {"type": "images"},
            "payload": { "id": "0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c600", "previousId": "0c7d94e2-6b11-4f0a-9d35-e1f2a4b3c601", "filename": "me.heic",
                "uploaded": "2026-07-14T10:05:19.660Z", "requireSignedURLs": false, "meta": {"order": "A-17"} },
            "metadata": { "accountId": "9f2c51d84be04a17a3d60e7785c1b2aa", "eventSubscriptionId": "5e0e2b0f3c0f4f3b8f6a9d6f5a3b2c1d",
                "eventSchemaVersion": 1, "eventTimestamp": "2026-07-14T10:05:19.660Z" },
        });
        assert_eq!(body(&message), want);
    }
}
