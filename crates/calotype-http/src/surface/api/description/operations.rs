//! Operations, from the table and beside it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::endpoint::{self, Endpoint, Kind, Operation, Parameter, Success, Verb};
use super::requests;
use crate::hosted::ProblemKind;

/// What every call of an account may meet.
const COMMON: &[ProblemKind] = &[
    ProblemKind::BadRequest,
    ProblemKind::BadHeaders,
    ProblemKind::Unauthenticated,
    ProblemKind::Forbidden,
    ProblemKind::AccountNotValid,
    ProblemKind::NoRoute,
    ProblemKind::TooManyRequests,
    ProblemKind::Internal,
    ProblemKind::AccountNotLoaded,
];
/// The same where no account is named.
const OF_TOKEN: &[ProblemKind] = &[
    ProblemKind::BadHeaders,
    ProblemKind::Unauthenticated,
    ProblemKind::Forbidden,
    ProblemKind::TooManyRequests,
    ProblemKind::Internal,
    ProblemKind::AccountNotLoaded,
];

type Responses = Map<String, Value>;

/// All paths, and the responses that they name.
pub(super) fn paths() -> (Value, Responses) {
    let mut paths = Map::new();
    let mut responses = Responses::new();
    for endpoint in endpoint::ALL.iter().copied().flatten() {
        let path = format!("/client/v4/accounts/{{account_id}}{}", endpoint.path);
        let mut methods = Map::from_iter([("parameters".to_owned(), path_parameters(&path))]);
        for operation in endpoint.operations {
            let described = of_account(endpoint, operation, &mut responses);
            methods.insert(operation.method.name().to_lowercase(), described);
        }
        paths.insert(path, methods.into());
    }
    batch(&mut paths, &mut responses);
    about(&mut paths, &mut responses);
    uploads(&mut paths, &mut responses);
    (paths.into(), responses)
}

fn of_account(endpoint: &Endpoint, operation: &Operation, responses: &mut Responses) -> Value {
    let problems = [COMMON, operation.problems].concat();
    let mut described = base(endpoint.tag, operation.id, operation, &problems, responses);
    let needs = match operation.needs {
        calotype_store::Scope::Read => "Takes Images Read or Write.",
        calotype_store::Scope::Write => "Takes Images Write.",
    };
    put(
        &mut described,
        "description",
        format!("{} {needs}", operation.text).trim().into(),
    );
    put(
        &mut described,
        "security",
        json!([{ "apiToken": [] }, { "authEmail": [], "authKey": [] }]),
    );
    described
}

/// The operations of the batch API (spec 6.17).
fn batch(paths: &mut Map<String, Value>, responses: &mut Responses) {
    let mut add = |path: &str, id: String, operation: &Operation| {
        let problems = [COMMON, operation.problems].concat();
        let mut described = base("Batch", &id, operation, &problems, responses);
        put(&mut described, "security", json!([{ "batchToken": [] }]));
        let methods = paths
            .entry(path.to_owned())
            .or_insert_with(|| json!({ "parameters": path_parameters(path) }));
        put(methods, &operation.method.name().to_lowercase(), described);
    };
    for endpoint in endpoint::ALL.iter().copied().flatten() {
        for operation in endpoint.operations.iter().filter(|operation| operation.is_for_batch) {
            add(endpoint.path, format!("batch-{}", operation.id), operation);
            // The list has a second path (D62).
            if endpoint.path == "/images/v2" {
                add("/images/v1", format!("batch-{}-at-v1", operation.id), operation);
            }
        }
    }
}

/// What tells of tokens and of the API.
fn about(paths: &mut Map<String, Value>, responses: &mut Responses) {
    const VERIFY: Operation =
        Operation::new(Verb::Get, "", "Whether a token is good").answers(Success::Result("VerifiedToken"));
    for (path, id) in [
        ("/client/v4/user/tokens/verify", "tokens-verify"),
        (
            "/client/v4/accounts/{account_id}/tokens/verify",
            "tokens-verify-of-account",
        ),
    ] {
        let mut described = base("Tokens", id, &VERIFY, OF_TOKEN, responses);
        if path.contains("account_id") {
            put(
                &mut described,
                "summary",
                "Whether a token is good, by an account's path".into(),
            );
        }
        put(
            &mut described,
            "security",
            json!([{ "apiToken": [] }, { "authEmail": [], "authKey": [] }]),
        );
        paths.insert(
            path.to_owned(),
            json!({ "parameters": path_parameters(path), "get": described }),
        );
    }
    let too_many = named(&[ProblemKind::TooManyRequests], responses);
    let description = |id: &str, summary: &str, content: Value| {
        json!({
            "tags": ["About"],
            "operationId": id,
            "summary": summary,
            "security": [],
            "responses": {
                "200": { "description": "OpenAPI 3.1.", "content": content },
                "304": { "description": "The one with the tag of `If-None-Match`." },
                "429": too_many,
            },
        })
    };
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    paths.insert(
        "/client/v4/openapi.json".to_owned(),
        json!({
            "get": description("openapi", "This description", content),
            "head": description("openapi-head", "Its headers", json!({})),
        }),
    );
}

/// The URLs of direct uploads (spec 6.15).
fn uploads(paths: &mut Map<String, Value>, responses: &mut Responses) {
    const TAKE: Operation = Operation::new(Verb::Post, "", "Upload to a one-time URL")
        .text("The URL is the one that a direct upload answered. A success spends it; after a refusal it can be used again. Pages of every origin may use it.")
        .takes(endpoint::Body::OneTimeUpload)
        .answers(Success::Result("Image"));
    let mut problems = vec![ProblemKind::BadRequest, ProblemKind::NotFound, ProblemKind::Internal];
    problems.extend(endpoint::UPLOAD_PROBLEMS);
    for (path, id, summary) in [
        ("/upload/{account_hash}/{image_id}", "upload", TAKE.summary),
        (
            "/upload/{account_hash}/{image_id}/{secret}",
            "upload-custom-id",
            "Upload to a one-time URL of a custom id",
        ),
    ] {
        let mut described = base("Direct uploads", id, &TAKE, &problems, responses);
        put(&mut described, "summary", summary.into());
        put(&mut described, "security", json!([]));
        paths.insert(
            path.to_owned(),
            json!({ "parameters": path_parameters(path), "post": described }),
        );
    }
}

fn base(tag: &str, id: &str, operation: &Operation, problems: &[ProblemKind], responses: &mut Responses) -> Value {
    let mut described = json!({
        "tags": [tag],
        "operationId": id,
        "summary": operation.summary,
        "description": operation.text,
        "responses": answers(operation, problems, responses),
    });
    if operation.is_deprecated {
        put(&mut described, "deprecated", true.into());
    }
    if !operation.query.is_empty() {
        let parameters: Vec<Value> = operation.query.iter().map(query_parameter).collect();
        put(&mut described, "parameters", parameters.into());
    }
    if let Some(body) = requests::body(operation.body) {
        put(&mut described, "requestBody", body);
    }
    described
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// The answers of an operation: its success, and a response for each status that it may fail with.
fn answers(operation: &Operation, problems: &[ProblemKind], responses: &mut Responses) -> Value {
    let mut by_status = BTreeMap::<u16, Vec<ProblemKind>>::new();
    for problem in problems {
        let kinds = by_status.entry(problem.status().as_u16()).or_default();
        if !kinds.contains(problem) {
            kinds.push(*problem);
        }
    }
    let mut answers = Map::new();
    successes(operation, &mut answers);
    for (status, mut kinds) in by_status {
        kinds.sort_by_key(|kind| kind.code());
        answers.insert(status.to_string(), named(&kinds, responses));
    }
    answers.into()
}

/// Failures of one status, by a name that says which.
fn named(kinds: &[ProblemKind], responses: &mut Responses) -> Value {
    let codes: Vec<String> = kinds.iter().map(|kind| kind.code().to_string()).collect();
    let status = kinds.first().map_or(0, |kind| kind.status().as_u16());
    let name = format!("Failed{status}_{}", codes.join("_"));
    let reference = json!({ "$ref": format!("#/components/responses/{name}") });
    responses.entry(name).or_insert_with(|| response(kinds));
    reference
}

fn successes(operation: &Operation, answers: &mut Map<String, Value>) {
    let envelope = |result: Value, info: Value| {
        json!({
            "type": "object",
            "required": ["result", "result_info", "success", "errors", "messages"],
            "properties": {
                "result": result,
                "result_info": info,
                "success": { "const": true },
                "errors": { "type": "array", "maxItems": 0 },
                "messages": { "type": "array", "items": { "$ref": "#/components/schemas/Problem" } },
            },
        })
    };
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let schema = match operation.result {
        Success::Result(name) => envelope(schema(name), json!({ "type": "null" })),
        Success::Page(name) => envelope(schema(name), schema("PageInfo")),
        Success::Nothing => envelope(schema("Empty"), json!({ "type": "null" })),
        Success::Image => {
            let whole = json!({ "schema": { "contentMediaType": "image/*" } });
            let has_body = operation.method != Verb::Head;
            let content = || {
                if has_body {
                    json!({ "image/*": whole })
                } else {
                    json!({})
                }
            };
            for (status, text) in [
                ("200", "The image."),
                ("206", "The part that `Range` asked for."),
                ("304", "The one with the tag of `If-None-Match`."),
                ("416", "`Range` begins behind the end."),
            ] {
                let content = if status == "304" { json!({}) } else { content() };
                answers.insert(status.to_owned(), json!({ "description": text, "content": content }));
            }
            return;
        }
    };
    answers.insert(
        "200".to_owned(),
        json!({
            "description": "Done.",
            "headers": headers(&["cf-ray", "Ratelimit", "Ratelimit-Policy"]),
            "content": { "application/json": { "schema": schema } },
        }),
    );
}

/// Failures of one status.
fn response(kinds: &[ProblemKind]) -> Value {
    let lines: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{} {}", kind.code(), kind.text()))
        .collect();
    let codes: Vec<u32> = kinds.iter().map(|kind| kind.code()).collect();
    let mut names = vec!["cf-ray"];
    for kind in kinds {
        let extra = match kind {
            ProblemKind::Busy | ProblemKind::TooManyRequests => "Retry-After",
            ProblemKind::Taken => "x-should-retry",
            _ => continue,
        };
        names.push(extra);
    }
    names.extend(["Ratelimit", "Ratelimit-Policy"]);
    json!({
        "description": lines.join("; "),
        "headers": headers(&names),
        "content": { "application/json": { "schema": { "allOf": [
            { "$ref": "#/components/schemas/Failure" },
            { "properties": { "errors": { "items": { "properties": { "code": { "enum": codes } } } } } },
        ] } } },
    })
}

fn headers(names: &[&str]) -> Value {
    let named = names.iter().map(|name| {
        (
            (*name).to_owned(),
            json!({ "$ref": format!("#/components/headers/{name}") }),
        )
    });
    named.collect::<Map<_, _>>().into()
}

/// The parameters that stand in braces in a path.
fn path_parameters(path: &str) -> Value {
    let names = path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    let parameter = |name: &str| {
        let (text, schema) = match name {
            "account_id" => (
                "32 hex digits.",
                json!({ "type": "string", "pattern": "^[0-9a-fA-F]{32}$" }),
            ),
            "account_hash" => (
                "As it stands in delivery URLs.",
                json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{22}$" }),
            ),
            "image_id" => (
                "An id, percent-encoded as one segment.",
                json!({ "type": "string", "minLength": 1, "maxLength": 1024 }),
            ),
            "signing_key_name" => (
                "Letters and digits.",
                json!({ "type": "string", "pattern": "^[A-Za-z0-9]{1,20}$" }),
            ),
            "variant_id" => (
                "Letters and digits.",
                json!({ "type": "string", "pattern": "^[A-Za-z0-9]{1,99}$" }),
            ),
            "token_id" | "webhook_id" | "policy_id" | "subscription_id" => (
                "As the list has it.",
                json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
            ),
            _ => ("As it came.", json!({ "type": "string", "minLength": 1 })),
        };
        json!({ "name": name, "in": "path", "required": true, "description": text, "schema": schema })
    };
    names.map(parameter).collect::<Vec<_>>().into()
}

fn query_parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        Kind::Filters => json!({
            "type": "object",
            "maxProperties": 5,
            "propertyNames": {
                "pattern": "^meta\\.[A-Za-z0-9_]+(\\.[A-Za-z0-9_]+){0,4}\\[((eq|in)(:string|:number)?|eq:boolean|(gt|gte|lt|lte)(:number)?)\\]$",
            },
            "additionalProperties": { "type": "string" },
            "examples": [{ "meta.shelf[eq]": "B4", "meta.size.width[gte:number]": "100" }],
        }),
    };
    json!({
        "name": parameter.name,
        "in": "query",
        "required": false,
        "description": parameter.text,
        "schema": schema,
    })
}
