//! Answers against the OpenAPI description of the API: what is not described must not be answered.

use calotype_http::api_description;
use serde_json::{Map, Value, json};

use crate::place::{code, place};
use crate::support::client::{Answer, Request};

/// Holds an answer against the operation that was asked for. Members that no schema names are as wrong as those that are missing.
#[track_caller]
pub fn check(request: &Request, answer: &Answer) {
    let path = request.target.split('?').next().unwrap();
    let asked = format!("{} {path}: {}", request.method, answer.status);
    let Some(methods) = methods_of(path) else { return };
    let Some(operation) = methods.get(&request.method.to_lowercase()) else {
        assert_eq!(answer.status, 405, "{asked} is not described");
        return;
    };
    let responses = resolved(&operation["responses"]);
    let response = resolved(&responses[answer.status.to_string()]);
    assert!(response.is_object(), "{asked} is not described");
    let content = &response["content"];
    if request.method == "HEAD" || answer.status == 304 {
        return;
    }
    let media_type = answer
        .header("content-type")
        .unwrap_or_else(|| panic!("{asked} has no type"));
    let Some(schema) = content.get(media_type).map(|content| &content["schema"]) else {
        assert!(
            media_type.starts_with("image/") && content.get("image/*").is_some(),
            "{asked} is no {media_type}"
        );
        return;
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    if let Err(error) = valid(schema, &body) {
        panic!("{asked}: {error}: {body}");
    }
    for name in response["headers"].as_object().map(Map::keys).into_iter().flatten() {
        let may_be_absent = name.starts_with("Ratelimit");
        assert!(
            may_be_absent || answer.header(&name.to_lowercase()).is_some(),
            "{asked} lacks {name}"
        );
    }
}

/// The methods of the path that has the fewest names in braces.
fn methods_of(path: &str) -> Option<&'static Map<String, Value>> {
    let fits = |template: &str| {
        let (mut ours, mut theirs) = (template.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(name), Some(given)) if name.starts_with('{') && !given.is_empty() => {}
                (Some(name), Some(given)) if name == given => {}
                _ => return false,
            }
        }
    };
    let paths = api_description()["paths"].as_object().unwrap();
    let fitting = paths.iter().filter(|(template, _)| fits(template));
    let (_, methods) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    methods.as_object()
}

fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => api_description().pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// As much of JSON Schema as the description uses.
fn valid(schema: &'static Value, value: &Value) -> Result<(), String> {
    let rules = schema.as_object().unwrap();
    let wrong = |why: &str| Err(format!("{value} {why}"));
    for (keyword, rule) in rules {
        let number = || rule.as_f64().unwrap();
        let length = |of: usize| of as f64;
        let fits = match keyword.as_str() {
            "$ref" => {
                valid(resolved(schema), value)?;
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|kind| is(kind, value)),
                kind => is(kind, value),
            },
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|value| value >= number()),
            "maximum" => value.as_f64().is_none_or(|value| value <= number()),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| length(text.chars().count()) <= number()),
            "minItems" => value.as_array().is_none_or(|items| length(items.len()) >= number()),
            "maxItems" => value.as_array().is_none_or(|items| length(items.len()) <= number()),
            "maxProperties" => value
                .as_object()
                .is_none_or(|members| length(members.len()) <= number()),
            "required" => {
                let names = rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                value
                    .as_object()
                    .is_none_or(|members| names.into_iter().all(|name| members.contains_key(name)))
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    valid(rule, item)?;
                }
                true
            }
            "properties" => {
                let known = rule.as_object().unwrap();
                for (name, member) in value.as_object().into_iter().flatten() {
                    match known.get(name) {
                        Some(rule) => valid(rule, member)?,
                        // Schemas that only add a rule to another one name some members.
                        None if rules.contains_key("type") => return wrong(&format!("has a member {name}")),
                        None => {}
                    }
                }
                true
            }
            "additionalProperties" => {
                for member in value.as_object().into_iter().flat_map(Map::values) {
                    valid(rule, member)?;
                }
                true
            }
            "allOf" => {
                for rule in rule.as_array().unwrap() {
                    valid(rule, value)?;
                }
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|rule| valid(rule, value).is_ok()),
            "description" | "examples" | "default" | "format" | "pattern" | "contentMediaType" => true,
            keyword => panic!("the test does not know {keyword}"),
        };
        if !fits {
            return wrong(&format!("does not fit {keyword} {rule}"));
        }
    }
    Ok(())
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        kind => panic!("the test does not know {kind}"),
    }
}

#[tokio::test]
async fn the_description_is_served_to_everybody_as_it_is_printed() {
    let place = place().await;
    let request = Request::get("/client/v4/openapi.json");
    let answer = place.checked(&request).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let served: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(&served, api_description());
    assert_eq!(served["openapi"], "3.1.0");
    let tag = answer.header("etag").unwrap();
    let again = place.checked(&request.clone().header("If-None-Match", tag)).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = place.checked(&Request::new("HEAD", "/client/v4/openapi.json")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(
        place
            .served
            .ask(&Request::new("POST", "/client/v4/openapi.json"))
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn the_reference_is_a_page_that_asks_nobody_else() {
    let place = place().await;
    let answer = place.served.get("/client/v4/docs/").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(answer.text().contains("/client/v4/openapi.json"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let moved = place.served.get("/client/v4/docs").await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (302, Some("/client/v4/docs/"))
    );
    assert_eq!(code(&place.served.get("/client/v4/docs/nosuch.js").await), (404, 7003));
    assert_eq!(
        code(&place.served.ask(&Request::new("POST", "/client/v4/docs/")).await),
        (405, 7000)
    );
}

#[test]
fn the_check_sees_what_is_wrong() {
    let schema = |name: &str| {
        api_description()
            .pointer(&format!("/components/schemas/{name}"))
            .unwrap()
    };
    let image = json!({"id": "a", "uploaded": "2026-07-14T09:31:05.207Z", "requireSignedURLs": false, "variants": []});
    assert_eq!(valid(schema("Image"), &image), Ok(()));
    for (name, value) in [
        ("draft", json!(false)),
        ("filename", json!(5)),
        ("undescribed", json!("x")),
        ("variants", json!([1])),
        ("requireSignedURLs", json!(null)),
    ] {
        let mut image = image.clone();
        image[name] = value;
        assert!(valid(schema("Image"), &image).is_err(), "{name}");
    }
    assert!(valid(schema("Image"), &json!({"id": "a"})).is_err());
}
