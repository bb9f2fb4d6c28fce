//! What answers hold.

use serde_json::{Map, Value, json};

use super::requests::time;

/// The schemas that answers name.
pub(super) fn schemas() -> Map<String, Value> {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let images = json!({ "type": "array", "items": reference("Image"), "maxItems": 1000 });
    let schemas = json!({
        "Failure": {
            "type": "object",
            "required": ["result", "result_info", "success", "errors", "messages"],
            "properties": {
                "result": { "type": "null" },
                "result_info": { "type": "null" },
                "success": { "const": false },
                "errors": { "type": "array", "minItems": 1, "items": reference("Problem") },
                "messages": { "type": "array", "items": reference("Problem") },
            },
        },
        "Problem": object(
            &["code", "message"],
            json!({
                "code": { "type": "integer", "minimum": 1000 },
                "message": { "type": "string" },
                "error_chain": { "type": "array", "items": reference("Problem") },
            }),
        ),
        "Empty": { "type": "object", "maxProperties": 0 },
        "PageInfo": object(
            &["page", "per_page", "count", "total_count", "total_pages"],
            json!({
                "page": whole_number(),
                "per_page": whole_number(),
                "count": whole_number(),
                "total_count": whole_number(),
                "total_pages": whole_number(),
            }),
        ),
        "Image": object(
            &["id", "uploaded", "requireSignedURLs", "variants"],
            json!({
                "id": { "type": "string", "maxLength": 1024 },
                "filename": { "type": "string" },
                "uploaded": time("Of a draft, when it was made."),
                "requireSignedURLs": { "type": "boolean" },
                "variants": { "type": "array", "items": { "type": "string", "format": "uri" }, "description": "A URL for each variant." },
                "meta": reference("Metadata"),
                "creator": { "type": "string" },
                "draft": { "const": true, "description": "Only as long as the upload has not come." },
            }),
        ),
        "ImageList": object(&["images"], json!({ "images": images })),
        "ImagePage": object(
            &["images", "continuation_token"],
            json!({ "images": images, "continuation_token": { "type": ["string", "null"], "maxLength": 128 } }),
        ),
        "MetadataKeys": object(
            &["keys", "truncated"],
            json!({
                "keys": { "type": "array", "items": { "type": "string", "maxLength": 100 }, "maxItems": 1000 },
                "truncated": { "type": "boolean" },
            }),
        ),
        "DirectUpload": object(
            &["id", "uploadURL"],
            json!({ "id": { "type": "string" }, "uploadURL": { "type": "string", "format": "uri" } }),
        ),
        "Stats": object(
            &["count"],
            json!({ "count": object(&["current", "allowed"], json!({ "current": whole_number(), "allowed": whole_number() })) }),
        ),
        "Config": object(
            &["flexible_variants", "browser_ttl", "preserve_content_credentials"],
            json!({
                "flexible_variants": { "type": "boolean", "description": "Options may stand in delivery URLs." },
                "browser_ttl": { "type": "integer", "minimum": 3600, "maximum": 31_536_000, "description": "Seconds that browsers keep public images." },
                "preserve_content_credentials": { "type": "boolean" },
            }),
        ),
        "SigningKeys": object(
            &["keys"],
            json!({ "keys": { "type": "array", "items": object(&["name", "value"], json!({ "name": { "type": "string" }, "value": { "type": "string" } })) } }),
        ),
        "VariantOptions": object(
            &["fit", "metadata"],
            json!({
                "fit": { "enum": ["scale-down", "contain", "cover", "crop", "pad"] },
                "metadata": { "enum": ["keep", "copyright", "none"] },
                "width": { "type": "number", "minimum": 1, "maximum": 12_000 },
                "height": { "type": "number", "minimum": 1, "maximum": 12_000 },
                "blur": { "type": "number", "minimum": 1, "maximum": 250 },
                "browser_ttl": { "type": "integer", "minimum": 3600, "maximum": 31_536_000 },
            }),
        ),
        "Variant": object(
            &["id", "options", "neverRequireSignedURLs"],
            json!({
                "id": { "type": "string" },
                "options": reference("VariantOptions"),
                "neverRequireSignedURLs": { "type": "boolean" },
            }),
        ),
        "VariantInside": object(&["variant"], json!({ "variant": reference("Variant") })),
        "Variants": object(
            &["variants"],
            json!({ "variants": { "type": "object", "additionalProperties": reference("Variant") } }),
        ),
        "BatchToken": object(
            &["token", "expiresAt"],
            json!({ "token": { "type": "string" }, "expiresAt": time("In an hour.") }),
        ),
        "VerifiedToken": object(
            &["id", "status"],
            json!({ "id": { "type": "string" }, "status": { "const": "active" }, "expires_on": time("When it ends.") }),
        ),
        "PermissionGroup": object(
            &["id", "name"],
            json!({
                "id": { "type": "string" },
                "name": { "enum": ["Images Read", "Images Write"] },
                "scopes": { "type": "array", "items": { "type": "string" } },
            }),
        ),
        "PermissionGroups": { "type": "array", "items": reference("PermissionGroup") },
        "Tokens": { "type": "array", "items": reference("Token") },
        "TokenId": object(&["id"], json!({ "id": { "type": "string" } })),
        "Token": object(TOKEN_NEEDS, token_members(None)),
        "CreatedToken": object(
            &[TOKEN_NEEDS, &["value"]].concat(),
            token_members(Some(json!({ "type": "string", "description": "The secret." }))),
        ),
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}

const TOKEN_NEEDS: &[&str] = &["id", "name", "status", "issued_on", "modified_on", "policies"];

fn token_members(value: Option<Value>) -> Value {
    let group = json!({ "$ref": "#/components/schemas/PermissionGroup" });
    let policy = object(
        &["id", "effect", "permission_groups", "resources"],
        json!({
            "id": { "type": "string" },
            "effect": { "const": "allow" },
            "permission_groups": { "type": "array", "items": group },
            "resources": { "type": "object", "additionalProperties": { "const": "*" } },
        }),
    );
    let mut members = json!({
        "id": { "type": "string" },
        "name": { "type": "string" },
        "status": { "enum": ["active", "expired"] },
        "issued_on": time("When it was made."),
        "modified_on": time("The same: tokens do not change."),
        "expires_on": time("When it ends."),
        "policies": { "type": "array", "items": policy },
        "condition": { "$ref": "#/components/schemas/Condition" },
    });
    if let (Some(members), Some(value)) = (members.as_object_mut(), value) {
        members.insert("value".to_owned(), value);
    }
    members
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn whole_number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}
