//! Webhooks, policies and subscriptions: what requests bring and answers hold.

use serde_json::{Map, Value, json};

use super::requests::time;

/// The schemas of both.
pub(super) fn schemas() -> Map<String, Value> {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let list = |name: &str| json!({ "type": "array", "items": reference(name) });
    let text = |max: u32| json!({ "type": "string", "maxLength": max });
    let url = json!({ "type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 2048 });
    let secret = json!({ "type": "string", "maxLength": 1024, "description": "Sent in the header `cf-webhook-auth`; printable ASCII." });
    let alert = json!({ "const": "image_notification" });
    let mechanisms = object(
        &[],
        json!({ "webhooks": { "type": "array", "items": reference("Id"), "minItems": 1, "maxItems": 50 } }),
    );
    let source = object(&["type"], json!({ "type": { "const": "images" } }));
    let events = json!({ "type": "array", "minItems": 1, "items": { "enum": ["image.uploaded", "image.updated", "image.deleted"] } });
    let destination = object(
        &["type", "webhook_id"],
        json!({ "type": { "const": "webhook" }, "webhook_id": id() }),
    );
    let maybe_time = || json!({ "type": ["string", "null"], "format": "date-time" });
    let schemas = json!({
        "Id": object(&["id"], json!({ "id": id() })),
        "NewWebhook": object(&["name", "url"], json!({ "name": text(256), "url": url, "secret": secret })),
        "WebhookChanges": object(&[], json!({ "name": text(256), "url": url, "secret": secret })),
        "Webhook": object(
            &["id", "name", "url", "type", "created_at", "last_success", "last_failure"],
            json!({
                "id": id(),
                "name": text(256),
                "url": url,
                "type": { "const": "generic" },
                "created_at": time("When it was made."),
                "last_success": maybe_time(),
                "last_failure": maybe_time(),
            }),
        ),
        "Webhooks": list("Webhook"),
        "WebhookTest": object(
            &["id", "status"],
            json!({ "id": id(), "status": { "type": "integer", "minimum": 200, "maximum": 299, "description": "What it answered." } }),
        ),
        "NewPolicy": object(
            &["name", "alert_type", "mechanisms"],
            json!({ "name": text(256), "description": text(1024), "enabled": { "type": "boolean" }, "alert_type": alert, "mechanisms": mechanisms }),
        ),
        "PolicyChanges": object(
            &[],
            json!({ "name": text(256), "description": text(1024), "enabled": { "type": "boolean" }, "alert_type": alert, "mechanisms": mechanisms }),
        ),
        "Policy": object(
            &["id", "name", "description", "enabled", "alert_type", "mechanisms", "filters", "created", "modified"],
            json!({
                "id": id(),
                "name": text(256),
                "description": text(1024),
                "enabled": { "type": "boolean" },
                "alert_type": alert,
                "mechanisms": object(&["webhooks"], json!({ "webhooks": list("Id") })),
                "filters": { "type": "object", "maxProperties": 0 },
                "created": time("When it was made."),
                "modified": time("When it was changed."),
            }),
        ),
        "Policies": list("Policy"),
        "AvailableAlerts": {
            "type": "object",
            "additionalProperties": {
                "type": "array",
                "items": object(
                    &["type", "display_name", "description", "filter_options"],
                    json!({
                        "type": { "type": "string" },
                        "display_name": { "type": "string" },
                        "description": { "type": "string" },
                        "filter_options": { "type": "array" },
                    }),
                ),
            },
        },
        "Message": object(
            &[
                "id", "name", "description", "policy_id", "alert_type", "alert_body", "mechanism", "mechanism_type", "sent", "status", "tries", "outcome",
            ],
            json!({
                "id": id(),
                "name": { "type": "string", "description": "Of the policy or subscription." },
                "description": { "type": "string" },
                "policy_id": id(),
                "alert_type": { "type": "string" },
                "alert_body": { "type": "string", "description": "What was posted." },
                "mechanism": id(),
                "mechanism_type": { "const": "webhook" },
                "sent": time("When it was delivered or given up."),
                "status": { "enum": ["delivered", "failed"] },
                "tries": { "type": "integer", "minimum": 0 },
                "outcome": { "type": "string", "description": "Of the last try." },
            }),
        ),
        "Messages": list("Message"),
        "NewSubscription": object(
            &["name", "source", "events", "destination"],
            json!({ "name": text(256), "enabled": { "type": "boolean" }, "source": source, "events": events, "destination": destination }),
        ),
        "SubscriptionChanges": object(
            &[],
            json!({ "name": text(256), "enabled": { "type": "boolean" }, "events": events, "destination": destination }),
        ),
        "Subscription": object(
            &["id", "name", "enabled", "source", "events", "destination", "created_at", "modified_at"],
            json!({
                "id": id(),
                "name": text(256),
                "enabled": { "type": "boolean" },
                "source": source,
                "events": events,
                "destination": destination,
                "created_at": time("When it was made."),
                "modified_at": time("When it was changed."),
            }),
        ),
        "Subscriptions": list("Subscription"),
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn id() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
}
