//! What users write beside an image, and the fields of it that filters can name (spec 4.4, 6.9).

use std::sync::OnceLock;

use serde_json::Value;

use crate::{Result, StoreError};

const BYTES_MAX: usize = 1_024;
const LEVELS_MAX: usize = 5;
const PATH_CHARS_MAX: usize = 100;

/// A JSON object that is not empty, of at most 1,024 bytes.
#[derive(Debug, Clone)]
pub struct Metadata {
    text: String,
    /// Lists pass the text on and need no value.
    value: OnceLock<Value>,
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The name of a field: names of letters, digits and `_`, joined by `.`, at most 5 of them and 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(String);

/// A scalar that filters can compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'m> {
    Text(&'m str),
    Number(f64),
    Boolean(bool),
}

impl Metadata {
    /// The object of a JSON value; `None` for an empty one.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is no object, or too large.
    pub fn new(value: Value) -> Result<Option<Self>> {
        let refuse = |why: &str| Err(StoreError::Invalid(format!("Invalid metadata: {why}")));
        let Some(object) = value.as_object() else {
            return refuse("it must be a JSON object");
        };
        if object.is_empty() {
            return Ok(None);
        }
        let text = value.to_string();
        if text.len() > BYTES_MAX {
            return refuse("it must not be larger than 1024 bytes");
        }
        // No database keeps it in text.
        if holds_nul(&value) {
            return refuse("it must not hold U+0000");
        }
        Ok(Some(Self {
            text,
            value: value.into(),
        }))
    }

    /// What the database kept: the text of what [`Metadata::new`] made.
    pub(crate) const fn stored(text: String) -> Self {
        Self {
            text,
            value: OnceLock::new(),
        }
    }

    /// As JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.value
            .get_or_init(|| serde_json::from_str(&self.text).unwrap_or_default())
    }

    /// As compact JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The scalars that filters can name.
    pub(crate) fn fields(&self) -> Vec<(FieldPath, Scalar<'_>)> {
        let mut fields = Vec::new();
        collect(self.value(), "", 0, &mut fields);
        fields
    }
}

fn collect<'m>(value: &'m Value, path: &str, levels: usize, fields: &mut Vec<(FieldPath, Scalar<'m>)>) {
    let scalar = match value {
        Value::Object(members) if levels < LEVELS_MAX => {
            for (name, member) in members {
                // A name with a dot of its own cannot be told from two names.
                if FieldPath::is_name(name) {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    collect(member, &path, levels + 1, fields);
                }
            }
            return;
        }
        Value::String(text) => Scalar::Text(text),
        Value::Bool(boolean) => Scalar::Boolean(*boolean),
        Value::Number(number) => match number.as_f64() {
            Some(number) => Scalar::Number(number),
            None => return,
        },
        Value::Object(_) | Value::Array(_) | Value::Null => return,
    };
    if let Some(path) = FieldPath::new(path) {
        fields.push((path, scalar));
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, member)| name.contains('\0') || holds_nul(member)),
        _ => false,
    }
}

impl FieldPath {
    /// A field's name, if it is one.
    #[must_use]
    pub fn new(path: &str) -> Option<Self> {
        let is_path =
            path.len() <= PATH_CHARS_MAX && path.split('.').count() <= LEVELS_MAX && path.split('.').all(Self::is_name);
        is_path.then(|| Self(path.to_owned()))
    }

    fn is_name(name: &str) -> bool {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn size_counts_on_compact_json_to_the_byte() {
        // {"a":"…"} has 8 bytes beside the text.
        assert!(Metadata::new(json!({"a": "x".repeat(1_016)})).unwrap().is_some());
        assert!(Metadata::new(json!({"a": "x".repeat(1_017)})).is_err());
        assert!(Metadata::new(json!({})).unwrap().is_none());
        for value in [json!(null), json!([1]), json!("a"), json!(5), json!({"a": "\0"})] {
            assert!(Metadata::new(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn scalars_are_found_by_their_dotted_paths() {
        let metadata = Metadata::new(json!({
            "a": "x", "n": 5, "b": true, "o": {"p": {"q": 1.5}}, "list": [1], "none": null, "a.b": 1, "c d": 2,
            "l1": {"l2": {"l3": {"l4": {"l5": "deep", "m": {"l6": "too deep"}}}}},
        }))
        .unwrap()
        .unwrap();
        let mut fields: Vec<_> = metadata
            .fields()
            .into_iter()
            .map(|(path, value)| (path.0, value))
            .collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            fields,
            [
                ("a".to_owned(), Scalar::Text("x")),
                ("b".to_owned(), Scalar::Boolean(true)),
                ("l1.l2.l3.l4.l5".to_owned(), Scalar::Text("deep")),
                ("n".to_owned(), Scalar::Number(5.0)),
                ("o.p.q".to_owned(), Scalar::Number(1.5)),
            ]
        );
    }
}
