//! Metadata that a client has split over several parts of a form (spec 4.4, D26).

use serde_json::{Map, Value};

use super::Problem;

/// Levels that split names may have: more do not fit into the metadata's own bound.
const LEVELS_MAX: usize = 64;

/// The path of a split part's name: `metadata[a][b]`, `metadata.a.b`; an empty name is the end of a list. `None`: it is no such part.
pub(super) fn path(name: &str) -> Option<Vec<&str>> {
    let rest = name.strip_prefix("metadata")?;
    let path: Vec<&str> = if let Some(dotted) = rest.strip_prefix('.') {
        dotted.split('.').collect()
    } else {
        let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
        inner.split("][").collect()
    };
    Some(path)
}

/// Puts a value where its path says. What comes there twice, or ends in `[]`, is a list.
pub(super) fn put(object: &mut Map<String, Value>, path: &[&str], text: String) -> Result<(), Problem> {
    let clash = || Problem::bad_request("Invalid metadata: its parts contradict each other");
    if path.len() > LEVELS_MAX {
        return Err(Problem::bad_request("Invalid metadata: it has too many levels"));
    }
    let (first, rest) = path.split_first().ok_or_else(clash)?;
    if first.is_empty() {
        return Err(Problem::bad_request("Invalid metadata: a field has no name"));
    }
    match rest {
        [] => match object.get_mut(*first) {
            None => {
                object.insert((*first).to_owned(), Value::String(text));
            }
            Some(Value::Array(items)) => items.push(Value::String(text)),
            Some(Value::Object(_)) => return Err(clash()),
            Some(before) => {
                let list = vec![before.take(), Value::String(text)];
                *before = Value::Array(list);
            }
        },
        [""] => match object.entry(*first).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(items) => items.push(Value::String(text)),
            _ => return Err(clash()),
        },
        rest => match object.entry(*first).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inner) => put(inner, rest, text)?,
            _ => return Err(clash()),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(parts: &[(&str, &str)]) -> Result<Value, ()> {
        let mut object = Map::new();
        for (name, text) in parts {
            put(&mut object, &path(name).ok_or(())?, (*text).to_owned()).map_err(|_| ())?;
        }
        Ok(object.into())
    }

    #[test]
    fn brackets_and_dots_give_the_same_object_of_texts() {
        let want = json!({"key": "v", "n": "5", "o": {"p": "true"}});
        assert_eq!(
            read(&[("metadata[key]", "v"), ("metadata[n]", "5"), ("metadata[o][p]", "true")]),
            Ok(want.clone())
        );
        assert_eq!(
            read(&[("metadata.key", "v"), ("metadata.n", "5"), ("metadata.o.p", "true")]),
            Ok(want)
        );
    }

    #[test]
    fn what_is_repeated_is_a_list() {
        let want = json!({"a": ["1", "2", "3"]});
        assert_eq!(
            read(&[("metadata[a]", "1"), ("metadata[a]", "2"), ("metadata[a]", "3")]),
            Ok(want.clone())
        );
        assert_eq!(
            read(&[("metadata[a][]", "1"), ("metadata[a][]", "2"), ("metadata[a][]", "3")]),
            Ok(want)
        );
        assert_eq!(read(&[("metadata[a][]", "1")]), Ok(json!({"a": ["1"]})));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for parts in [
            &[("metadata[a]", "1"), ("metadata[a][b]", "2")][..],
            &[("metadata[a][b]", "2"), ("metadata[a]", "1")],
            &[("metadata[]", "1")],
            &[("metadata.a..b", "1")],
            &[("metadata", "1")],
            &[("metadata[a", "1")],
            &[("metadatax", "1")],
        ] {
            assert_eq!(read(parts), Err(()), "{parts:?}");
        }
    }
}
