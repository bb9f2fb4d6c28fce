//! For the test suites of others: what was understood of a form, in place of a picture (binding spec, section 11).
//!
//! The runtime's own tests send words as images and compare what the backend has read, up to the length of the answer. So the JSON is compact, and its keys
//! have one order.

use bytes::Bytes;
use calotype_plan::Fault;
use http::HeaderMap;

use super::{Form, Layer, Refusal, Spool};

/// Whether a request asks for its form.
pub(in super::super) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.get("x-binding-echo").is_some_and(|value| value == "1")
}

/// The JSON that answers a call whose form is this one.
pub(in super::super) async fn answer(form: Form, path: &str, spool: &Spool) -> Result<String, Refusal> {
    let mut echo = Echo::default();
    let mut layers = form.layers.into_iter();
    if form.has_canvas {
        match layers.next() {
            Some(Layer::Image(part)) => echo.image = Some(text_of(&spool.bytes_of(part).await?)),
            Some(Layer::Text(json)) => echo.text_input = Some(checked(json, "text_input")?),
            None => {}
        }
    }
    for layer in layers {
        match layer {
            Layer::Image(part) => echo.draw_images.push(quoted(&text_of(&spool.bytes_of(part).await?))),
            Layer::Text(json) => echo.draw_texts.push(checked(json, "draw_text")?),
        }
    }
    let image = echo.image.as_deref().unwrap_or_default();
    if image.contains("BAD") {
        return Err(Refusal::echoed());
    }
    if path == "/info" {
        return Ok(if image.contains("<svg") {
            r#"{"format":"image/svg+xml"}"#.to_owned()
        } else {
            r#"{"format":"image/png","file_size":123,"width":123,"height":123}"#.to_owned()
        });
    }
    let mut members = vec![
        format!("\"image\":{}", echo.image.as_deref().map_or("null".to_owned(), quoted)),
        format!(
            "\"transforms\":{}",
            checked(form.transforms.unwrap_or_else(|| "[]".to_owned()), "transforms")?
        ),
    ];
    for (name, value) in [
        ("output_format", form.output_format),
        ("output_quality", form.output_quality),
        ("background", form.background),
        ("anim", form.anim),
    ] {
        if let Some(value) = value {
            members.push(format!("\"{name}\":{}", quoted(&value)));
        }
    }
    if let Some(json) = echo.text_input {
        members.push(format!("\"text_input\":{json}"));
    }
    for (name, list) in [("draw_image", echo.draw_images), ("draw_text", echo.draw_texts)] {
        if !list.is_empty() {
            members.push(format!("\"{name}\":[{}]", list.join(",")));
        }
    }
    Ok(format!("{{{}}}", members.join(",")))
}

#[derive(Default)]
struct Echo {
    image: Option<String>,
    /// JSON, as are the lists.
    text_input: Option<String>,
    draw_images: Vec<String>,
    draw_texts: Vec<String>,
}

fn text_of(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// JSON goes back as it came: read and written once more its members might change their order.
fn checked(json: String, name: &str) -> Result<String, Refusal> {
    match serde_json::from_str::<serde_json::Value>(&json) {
        Ok(_) => Ok(json),
        Err(_) => Err(Fault::invalid(format!("the part {name} is no JSON")).into()),
    }
}
