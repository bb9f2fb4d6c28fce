//! The OpenAPI 3.1 description of the API, made of the table that the router goes by.

mod operations;
mod requests;
mod results;
mod webhooks;

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, ETAG, HeaderValue};
use http::request::Parts;
use serde_json::{Value, json};

use crate::answer;
use crate::conditional;
use crate::hosted::{Outcome, Problem};

const INTRODUCTION: &str = "Hosted images with the API of Cloudflare Images. Every answer but an original's bytes is an envelope of `result`, `result_info`, `success`, \
`errors` and `messages`; every success is 200. An error has a code, which stands at each operation, and a text that says what to change. Members of requests that \
are not known are ignored. Ids in paths are one segment: a `/` in an id is written `%2F`.";

static DESCRIPTION: LazyLock<(Value, Bytes)> = LazyLock::new(|| {
    let description = whole();
    let text = Bytes::from(description.to_string());
    (description, text)
});

/// The OpenAPI 3.1 description of the management API, the batch API and one-time uploads, as `GET /client/v4/openapi.json` serves it.
#[must_use]
pub fn description() -> &'static Value {
    &DESCRIPTION.0
}

/// The answer to whoever asks for it; it is no secret.
pub(super) fn answer(request: &Parts) -> Outcome {
    let text = &DESCRIPTION.1;
    let tag = HeaderValue::from_str(&format!("\"{}\"", conditional::digest([text.as_ref()])))
        .map_err(|error| Problem::internal(error.to_string()))?;
    let mut answer = if conditional::is_not_modified(&request.headers, Some(&tag), None) {
        let mut answer = answer::text(StatusCode::NOT_MODIFIED, "");
        answer.headers_mut().clear();
        answer
    } else {
        answer::with_body(StatusCode::OK, "application/json", text.clone())
    };
    let headers = answer.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

fn whole() -> Value {
    let (paths, responses) = operations::paths();
    let mut schemas = results::schemas();
    schemas.extend(requests::schemas());
    schemas.extend(webhooks::schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Calotype: hosted images",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "Images", "description": "Upload, details, changes, lists." },
            { "name": "Direct uploads", "description": "URLs that take one upload from whoever has them." },
            { "name": "Variants", "description": "Named sets of options, through which images are delivered." },
            { "name": "Signing keys", "description": "What signs the URLs of private images." },
            { "name": "Account", "description": "Settings and numbers." },
            { "name": "Webhooks", "description": "Posts when something happens: webhooks, and the policies and event subscriptions that lead to them." },
            { "name": "Tokens", "description": "API tokens, and those of the batch host." },
            {
                "name": "Batch",
                "description": "The same calls with a batch token: on the host `batch.imagedelivery.net`, below the setting `batch_url`, and on every host \
                                at these paths.",
            },
            { "name": "About", "description": "The API itself." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": headers(),
            "securitySchemes": {
                "apiToken": { "type": "http", "scheme": "bearer", "description": "An API token, `ctk_…`." },
                "authEmail": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Email",
                    "description": "Of older clients; any address will do.",
                },
                "authKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Key",
                    "description": "An API token in the place of the global key.",
                },
                "batchToken": { "type": "http", "scheme": "bearer", "description": "A batch token, `bt_…`." },
            },
        },
    })
}

fn headers() -> Value {
    let text = |description: &str, pattern: &str| json!({ "description": description, "schema": { "type": "string", "pattern": pattern } });
    json!({
        "cf-ray": text("An id to quote in bug reports.", "^[0-9a-f]{16}-LOCAL$"),
        "Ratelimit": text("What is left, and the seconds until there is more. Sent where a limit holds.", "^\"default\";r=[0-9]+;t=[0-9]+$"),
        "Ratelimit-Policy": text("How many requests a window of so many seconds has.", "^\"default\";q=[0-9]+;w=[0-9]+$"),
        "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 1 } },
        "x-should-retry": { "description": "Keeps the official SDKs from sending it again.", "schema": { "const": "false" } },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::endpoint;
    use super::*;

    /// Every `$ref` of a document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_operation_that_is_routed_is_described_once_and_every_reference_leads_somewhere() {
        let document = description();
        let mut ids = BTreeSet::new();
        let mut count = 0;
        for methods in document["paths"].as_object().unwrap().values() {
            for (method, operation) in methods.as_object().unwrap() {
                if method == "parameters" {
                    continue;
                }
                count += 1;
                ids.insert(operation["operationId"].as_str().unwrap().to_owned());
                assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()));
            }
        }
        assert_eq!(ids.len(), count);
        for endpoint in endpoint::ALL.iter().copied().flatten() {
            for operation in endpoint.operations {
                let path = format!("/client/v4/accounts/{{account_id}}{}", endpoint.path);
                let described = &document["paths"][path][operation.method.name().to_lowercase()];
                assert_eq!(described["operationId"], operation.id, "{}", endpoint.path);
            }
        }
        let mut found = Vec::new();
        references(document, &mut found);
        assert!(found.len() > 100);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
