//! The tree that every grammar is parsed into: a node may hold a compact value, named members and list items at once (`trim=border,trim.border.keep=5`).

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{Decimal, Fault};

/// Members of one node and depth of nesting; far above every real use.
const MEMBERS_MAX: usize = 512;
const DEPTH_MAX: usize = 8;

/// One option or a group of options.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    /// The compact value.
    pub(crate) leaf: Option<Leaf>,
    /// The structured form, by member name in lower case.
    pub(crate) members: BTreeMap<String, Node>,
    /// Items of a JSON list.
    pub(crate) items: Vec<Node>,
    /// The name as it was written, for messages: `w` where the node stands under `width`.
    pub(crate) written: String,
}

/// A single value, with as much of its type as the grammar gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// Text of the URL, or a JSON string.
    Text(String),
    /// A JSON number.
    Number(Decimal),
    /// A JSON boolean.
    Bool(bool),
    /// Something that is no value: undecodable bytes, or a number that is none.
    Unreadable,
}

impl Node {
    /// How many values the node holds, in itself and below.
    pub(crate) fn values(&self) -> usize {
        let below = self
            .members
            .values()
            .chain(&self.items)
            .map(Self::values)
            .sum::<usize>();
        below + usize::from(self.leaf.is_some())
    }

    /// Whether the node holds nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.leaf.is_none() && self.members.is_empty() && self.items.is_empty()
    }
}

/// Splits a URL's option segment into a tree (spec 1.2 to 1.5). Items without `=` are kept as members without a value, so that they can be named.
///
/// Errors: 9401 when the segment is empty, has no `=`, or nests or repeats without end.
pub(crate) fn parse_segment(segment: &str) -> Result<Node, Fault> {
    // Clients that encode the whole segment: decode once and parse again (spec 1.3).
    let decoded;
    let segment = if !segment.contains('=') && contains_encoded_equals(segment) {
        decoded = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        decoded.as_str()
    } else {
        segment
    };
    if segment.is_empty() {
        return Err(Fault::invalid(
            "no options given; write for example /cdn-cgi/image/width=400/<source>",
        ));
    }
    let mut root = Node::default();
    let mut items = 0_usize;
    for item in segment.split(',').filter(|item| !item.is_empty()) {
        items += 1;
        if items > MEMBERS_MAX {
            return Err(Fault::invalid(format!(
                "too many options; at most {MEMBERS_MAX} are read"
            )));
        }
        let (key, value) = match item.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (item, None),
        };
        let leaf = value.map(|value| match percent_decode_str(value).decode_utf8() {
            Ok(text) => Leaf::Text(text.into_owned()),
            Err(_) => Leaf::Unreadable,
        });
        let key = percent_decode_str(key).decode_utf8_lossy().to_ascii_lowercase();
        let mut node = &mut root;
        let mut names_an_option = true;
        for (depth, name) in key.split('.').enumerate() {
            if depth >= DEPTH_MAX {
                return Err(Fault::invalid(format!("option names nest at most {DEPTH_MAX} deep")));
            }
            let canonical = if names_an_option { canonical_name(name) } else { name };
            // Below `draw` and an overlay's number there are option names again.
            names_an_option =
                (depth == 0 && name == "draw") || (names_an_option && name.bytes().all(|b| b.is_ascii_digit()));
            node = node.members.entry(canonical.to_owned()).or_default();
            node.written = name.to_owned();
        }
        // The last one wins (spec 1.5).
        node.leaf = leaf.or_else(|| node.leaf.take());
    }
    if root.is_empty() || !segment.contains('=') {
        return Err(Fault::invalid(
            "no options given; an option is written name=value, for example width=400",
        ));
    }
    Ok(root)
}

/// The full name of an option that has a short one (spec section 3): an option and its alias are one, so the last one wins whichever it is.
fn canonical_name(name: &str) -> &str {
    match name {
        "w" => "width",
        "h" => "height",
        "g" => "gravity",
        "f" => "format",
        "q" => "quality",
        "scq" => "slow-connection-quality",
        "face-zoom" => "zoom",
        other => other,
    }
}

fn contains_encoded_equals(segment: &str) -> bool {
    segment.as_bytes().windows(3).any(|w| w.eq_ignore_ascii_case(b"%3d"))
}

/// The tree of an options object. `null` counts as not given.
///
/// Errors: 9401 when the value is no object, or nests or repeats without end.
pub(crate) fn from_json(value: &Value) -> Result<Node, Fault> {
    match value {
        Value::Object(_) => node(value, 0),
        _ => Err(Fault::invalid(
            "options must be a JSON object, for example {\"width\":400}",
        )),
    }
}

fn node(value: &Value, depth: usize) -> Result<Node, Fault> {
    if depth > DEPTH_MAX {
        return Err(Fault::invalid(format!("options nest at most {DEPTH_MAX} deep")));
    }
    let too_many = || {
        Fault::invalid(format!(
            "too many members in one object; at most {MEMBERS_MAX} are read"
        ))
    };
    let mut out = Node::default();
    match value {
        Value::Null => {}
        Value::Bool(b) => out.leaf = Some(Leaf::Bool(*b)),
        Value::Number(n) => {
            // Integers go through their digits, since large ones are not exact as doubles.
            let number = match (n.as_i64(), n.as_f64()) {
                (Some(i), _) => Some(Decimal::from_int(i)),
                (None, Some(f)) => Decimal::from_f64(f),
                (None, None) => None,
            };
            out.leaf = Some(number.map_or(Leaf::Unreadable, Leaf::Number));
        }
        Value::String(s) => out.leaf = Some(Leaf::Text(s.clone())),
        Value::Array(items) => {
            if items.len() > MEMBERS_MAX {
                return Err(too_many());
            }
            out.items = items
                .iter()
                .map(|item| node(item, depth + 1))
                .collect::<Result<_, _>>()?;
        }
        Value::Object(map) => {
            if map.len() > MEMBERS_MAX {
                return Err(too_many());
            }
            for (key, value) in map {
                let mut child = node(value, depth + 1)?;
                let written = key.to_ascii_lowercase();
                child.written.clone_from(&written);
                if !child.is_empty() || !value.is_null() {
                    out.members.insert(canonical_name(&written).to_owned(), child);
                }
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(node: &Node, path: &[&str]) -> Option<String> {
        let mut node = node;
        for name in path {
            node = node.members.get(*name)?;
        }
        match &node.leaf {
            Some(Leaf::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn values_are_decoded_once_and_the_last_wins() {
        let tree =
            parse_segment("w=80,,background=rgb%28240%2C40%2C145%29,W=40,trim=border,trim.border.keep=5,x=a+b%2520,")
                .unwrap();
        assert_eq!(text(&tree, &["width"]).as_deref(), Some("40"));
        assert_eq!(text(&tree, &["background"]).as_deref(), Some("rgb(240,40,145)"));
        assert_eq!(text(&tree, &["trim"]).as_deref(), Some("border"));
        assert_eq!(text(&tree, &["trim", "border", "keep"]).as_deref(), Some("5"));
        assert_eq!(text(&tree, &["x"]).as_deref(), Some("a+b%20"));
    }

    #[test]
    fn a_wholly_encoded_segment_is_decoded_first() {
        let tree = parse_segment("w%3D80%2Cq%3d5").unwrap();
        assert_eq!(text(&tree, &["width"]).as_deref(), Some("80"));
        assert_eq!(text(&tree, &["quality"]).as_deref(), Some("5"));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        for segment in ["", "thumb", ",,", "a,b"] {
            assert_eq!(parse_segment(segment).unwrap_err().code(), 9401, "{segment}");
        }
        assert_eq!(parse_segment(&"a=1,".repeat(600)).unwrap_err().code(), 9401);
        assert_eq!(parse_segment("a.b.c.d.e.f.g.h.i=1").unwrap_err().code(), 9401);
        let mut deep = Value::from(1);
        for _ in 0..20 {
            deep = serde_json::json!({ "a": deep });
        }
        assert_eq!(from_json(&deep).unwrap_err().code(), 9401);
        assert_eq!(from_json(&Value::from(1)).unwrap_err().code(), 9401);
    }

    #[test]
    fn undecodable_text_is_unreadable_not_replaced() {
        let tree = parse_segment("w=%ff").unwrap();
        assert_eq!(tree.members["width"].leaf, Some(Leaf::Unreadable));
    }

    #[test]
    fn an_option_and_its_alias_are_one_and_the_last_wins() {
        for (segment, want) in [("w=80,width=40", "40"), ("width=40,w=80", "80")] {
            let tree = parse_segment(segment).unwrap();
            assert_eq!(text(&tree, &["width"]).as_deref(), Some(want), "{segment}");
        }
        let tree = parse_segment("draw.0.width=5,draw.0.w=6,draw.h=7,trim.w=8").unwrap();
        assert_eq!(text(&tree, &["draw", "0", "width"]).as_deref(), Some("6"));
        assert_eq!(text(&tree, &["draw", "height"]).as_deref(), Some("7"));
        assert_eq!(
            text(&tree, &["trim", "w"]).as_deref(),
            Some("8"),
            "aliases are names of options, not of members"
        );
    }
}
