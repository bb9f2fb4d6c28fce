//! What requests bring.

use serde_json::{Map, Value, json};

use super::super::endpoint::Body;

/// The schemas that bodies name.
pub(super) fn schemas() -> Map<String, Value> {
    let schemas = json!({
        "UploadForm": {
            "type": "object",
            "properties": form(&["file", "url", "id", "metadata", "requireSignedURLs", "creator"]),
            "oneOf": [{ "required": ["file"] }, { "required": ["url"] }],
        },
        "OneTimeUploadForm": { "type": "object", "properties": form(&["file"]), "required": ["file"] },
        "DirectUploadForm": {
            "type": "object",
            "description": "In JSON, `null` is as good as not given.",
            "properties": or_null(form(&["id", "metadata", "requireSignedURLs", "creator", "expiry"])),
        },
        "Metadata": {
            "type": "object",
            "description": "At most 1,024 bytes as JSON. Never shown to end users. In forms it is one part of JSON, or one part for each value: `metadata[size][width]` or \
                            `metadata.size.width`, whose values are texts then.",
        },
        "ImageChanges": {
            "type": "object",
            "properties": {
                "metadata": { "anyOf": [{ "$ref": "#/components/schemas/Metadata" }, { "type": "null" }] },
                "requireSignedURLs": { "type": ["boolean", "null"], "description": "Not `true` for custom ids." },
                "creator": { "type": ["string", "null"], "maxLength": 1024 },
            },
        },
        "Expiry": { "type": "object", "properties": or_null(json!({ "expiry": expiry() })) },
        "ConfigChanges": {
            "type": "object",
            "properties": {
                "flexible_variants": { "type": "boolean" },
                "browser_ttl": { "type": ["integer", "null"], "minimum": 3600, "maximum": 31_536_000 },
                "preserve_content_credentials": { "const": false, "description": "There is no certificate to sign with." },
            },
        },
        "ChangedOptions": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "fit": { "enum": ["scale-down", "contain", "cover", "crop", "pad", null] },
                "width": { "type": ["number", "null"], "minimum": 1, "maximum": 12_000 },
                "height": { "type": ["number", "null"], "minimum": 1, "maximum": 12_000 },
                "metadata": { "enum": ["keep", "copyright", "none", null] },
                "blur": { "anyOf": [{ "type": ["number", "null"], "minimum": 1, "maximum": 250 }, { "const": 0 }] },
                "browser_ttl": { "type": ["integer", "null"], "minimum": 3600, "maximum": 31_536_000 },
            },
        },
        "NewVariant": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": { "type": "string", "pattern": "^[A-Za-z0-9]{1,99}$" },
                "options": { "anyOf": [{ "$ref": "#/components/schemas/ChangedOptions" }, { "type": "null" }] },
                "neverRequireSignedURLs": { "type": ["boolean", "null"] },
            },
        },
        "VariantChanges": {
            "type": "object",
            "required": ["options"],
            "properties": {
                "options": { "$ref": "#/components/schemas/ChangedOptions" },
                "neverRequireSignedURLs": { "type": ["boolean", "null"] },
            },
        },
        "NewToken": {
            "type": "object",
            "required": ["name", "policies"],
            "properties": {
                "name": { "type": "string", "minLength": 1, "maxLength": 120, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" },
                "policies": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["permission_groups"],
                        "properties": {
                            "effect": { "const": "allow" },
                            "resources": {
                                "type": "object",
                                "description": "`com.cloudflare.api.account.{account_id}`, with the value `*`.",
                            },
                            "permission_groups": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "object",
                                    "description": "By id or by name.",
                                    "properties": {
                                        "id": { "enum": ["0cf6473ad41449e7b7b743d14fc20c60", "618ec6c64a3a42f8b08bdcb147ded4e4"] },
                                        "name": { "enum": ["Images Read", "Images Write"] },
                                    },
                                    "anyOf": [{ "required": ["id"] }, { "required": ["name"] }],
                                },
                            },
                        },
                    },
                },
                "expires_on": { "anyOf": [time("When it ends; for ever if not given."), { "type": "null" }] },
                "condition": { "anyOf": [{ "$ref": "#/components/schemas/Condition" }, { "type": "null" }] },
            },
        },
        "Condition": {
            "type": "object",
            "properties": {
                "request_ip": {
                    "type": "object",
                    "description": "Networks from which it may be used. At most a hundred.",
                    "properties": { "in": networks(), "not_in": networks() },
                },
            },
        },
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}

/// The body of a request.
pub(super) fn body(body: Body) -> Option<Value> {
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let multipart = |name: &str| {
        json!({
            "schema": schema(name),
            "encoding": {
                "file": { "contentType": "application/octet-stream" },
                "metadata": { "contentType": "application/json" },
            },
        })
    };
    Some(match body {
        Body::None => return None,
        Body::Upload => json!({ "required": true, "content": { "multipart/form-data": multipart("UploadForm") } }),
        Body::OneTimeUpload => json!({
            "required": true,
            "content": { "multipart/form-data": { "schema": schema("OneTimeUploadForm") } },
        }),
        Body::DirectUpload => json!({
            "required": false,
            "content": {
                "multipart/form-data": {
                    "schema": schema("DirectUploadForm"),
                    "encoding": { "metadata": { "contentType": "application/json" } },
                },
                "application/json": { "schema": schema("DirectUploadForm") },
                "application/x-www-form-urlencoded": {
                    "schema": schema("DirectUploadForm"),
                    "encoding": { "metadata": { "contentType": "application/json" } },
                },
            },
        }),
        Body::Json(name) => json!({ "required": true, "content": { "application/json": { "schema": schema(name) } } }),
        Body::OptionalJson(name) => {
            json!({ "required": false, "content": { "application/json": { "schema": schema(name) } } })
        }
    })
}

/// The parts of a form.
fn form(names: &[&str]) -> Value {
    let part = |name: &str| match name {
        "file" => {
            json!({ "type": "string", "contentMediaType": "application/octet-stream", "description": "The image; its name counts, its type is read from its bytes." })
        }
        "url" => {
            json!({ "type": "string", "format": "uri", "pattern": "^https?://", "description": "Where to fetch it; may hold `user:password@`." })
        }
        "id" => json!({
            "type": "string",
            "maxLength": 1024,
            "description": "A custom id: any text, perhaps with slashes inside; not in the form of a UUID. Such images cannot be private.",
        }),
        "metadata" => json!({ "$ref": "#/components/schemas/Metadata" }),
        "requireSignedURLs" => {
            json!({ "type": "boolean", "default": false, "description": "Private: its URLs must be signed." })
        }
        "creator" => json!({ "type": "string", "maxLength": 1024 }),
        _ => expiry(),
    };
    let parts = names.iter().map(|name| ((*name).to_owned(), part(name)));
    parts.collect::<Map<_, _>>().into()
}

/// The same members, any of which may be `null`.
fn or_null(members: Value) -> Value {
    let Value::Object(members) = members else {
        return members;
    };
    let nullable = members
        .into_iter()
        .map(|(name, schema)| (name, json!({ "anyOf": [schema, { "type": "null" }] })));
    nullable.collect::<Map<_, _>>().into()
}

fn expiry() -> Value {
    // An empty field of a form is none.
    let time = time("Two minutes to six hours ahead; half an hour if not given.");
    json!({ "anyOf": [time, { "const": "" }] })
}

pub(super) fn time(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}

fn networks() -> Value {
    json!({
        "type": ["array", "null"],
        "items": { "type": "string", "examples": ["10.0.0.0/8"], "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }, { "pattern": "/[0-9]{1,3}$" }] },
    })
}
