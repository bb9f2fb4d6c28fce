//! What an SVG that is sent must not hold (spec 9.7): scripts, handlers, references outside itself, SVG inside SVG.

use roxmltree::{Document, ParsingOptions};

/// Elements that run, load or embed.
const ELEMENTS: &[&str] = &[
    "script",
    "foreignObject",
    "iframe",
    "object",
    "embed",
    "audio",
    "video",
    "handler",
    "listener",
];

/// The rules that a text breaks, in words.
pub(crate) fn broken_by(text: &str) -> Vec<String> {
    let document = match Document::parse_with_options(
        text,
        ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        },
    ) {
        Ok(document) => document,
        Err(error) => return vec![format!("what is sent is no XML: {error}")],
    };
    let mut broken = Vec::new();
    if document.root_element().tag_name().name() != "svg" {
        broken.push(format!("the root is {}", document.root_element().tag_name().name()));
    }
    if text.contains("<!ENTITY") {
        broken.push("it declares an entity".to_owned());
    }
    for node in document.descendants() {
        if node.is_pi() {
            broken.push("it has a processing instruction".to_owned());
        }
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        if ELEMENTS.iter().any(|element| element.eq_ignore_ascii_case(name)) {
            broken.push(format!("it has an element {name}"));
        }
        if name.eq_ignore_ascii_case("style") {
            broken.extend(css(&node
                .descendants()
                .filter_map(|node| node.text())
                .collect::<String>()));
        }
        for attribute in node.attributes() {
            let (attribute, value) = (attribute.name(), attribute.value());
            if attribute.len() > 2 && attribute.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on")) {
                broken.push(format!("it has a handler {attribute}"));
            }
            match attribute {
                "href" | "src" | "action" | "formaction" | "data" if name == "a" => {
                    // A link is followed by the reader's hand; it must not run anything.
                    if is_script(value) {
                        broken.push(format!("{attribute}={value:.60}"));
                    }
                }
                "href" | "src" | "action" | "formaction" | "data" => {
                    if !is_inside(value) {
                        broken.push(format!("{name} has {attribute}={value:.60}"));
                    }
                }
                // `values`, `to`, `from`, `by` of an animation can set a link.
                "values" | "to" | "from" | "by" if is_script(value) => broken.push(format!("{attribute}={value:.60}")),
                _ => broken.extend(css(value)),
            }
        }
    }
    broken
}

/// Whether a reference stays in the document: a fragment, or a raster picture in a data URL.
fn is_inside(value: &str) -> bool {
    let value = value.trim();
    let data = value.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    value.is_empty()
        || value.starts_with('#')
        || (data && !value.to_ascii_lowercase().starts_with("data:image/svg") && !is_text(value))
}

fn is_text(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    lower.starts_with("data:text/") || lower.contains("xml") && lower.find("xml") < lower.find(',')
}

fn is_script(value: &str) -> bool {
    let plain: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .collect();
    let plain = plain.to_ascii_lowercase();
    plain.contains("javascript:") || plain.contains("vbscript:") || plain.starts_with("data:text/html")
}

/// Style rules: imports, and addresses that leave the document.
fn css(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let mut broken = Vec::new();
    if lower.contains("@import") {
        broken.push("a style has @import".to_owned());
    }
    let mut rest = lower.as_str();
    while let Some(at) = rest.find("url(") {
        rest = &rest[at + 4..];
        let end = rest.find(')').unwrap_or(rest.len());
        let inside = rest[..end].trim().trim_matches(['"', '\'']);
        if !is_inside(inside) {
            broken.push(format!("a style has url({inside:.60})"));
        }
    }
    if is_script(text) {
        broken.push(format!("a value names a script: {text:.60}"));
    }
    broken
}

/// Whether a drawing has another size than the reference's only because that does not follow CSS: it takes an inch for 72 pixels where CSS has 96, and
/// gives a picture without a size or a view box the size of what is in it, where CSS has 300x150.
pub(crate) fn is_size_by_css(size: (u32, u32), reference: (u32, u32)) -> bool {
    // The reference has rounded too.
    let by_inches = |ours: u32, theirs: u32| (3 * i64::from(ours) - 4 * i64::from(theirs)).abs() <= 4;
    size == (300, 150) || (by_inches(size.0, reference.0) && by_inches(size.1, reference.1))
}
