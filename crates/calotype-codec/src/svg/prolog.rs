//! What comes before the root element: its entities are read, everything else is passed over.

use crate::CodecError;

/// A document without its prolog.
pub(super) struct Document<'a> {
    /// The general entities of the internal subset whose values are text, in their order.
    pub(super) entities: Vec<(String, String)>,
    /// The document from its root element on.
    pub(super) root: &'a str,
}

/// Entities of one document. Illustrator writes about ten, for namespaces.
const ENTITIES_MAX: usize = 256;

/// Takes the XML declaration, comments, processing instructions (style sheets among them) and the document type away.
///
/// Of the document type, internal entities count: editors write namespaces and styles as such. External ones are never
/// read, and one whose value is mark-up is refused. `bytes_max` bounds what all references together may grow to.
///
/// # Errors
/// [`CodecError::Corrupt`], [`CodecError::Unsupported`], [`CodecError::Limit`].
pub(super) fn document(text: &str, bytes_max: u64) -> Result<Document<'_>, CodecError> {
    let mut entities = Vec::new();
    let mut rest = text;
    let cut = || CodecError::corrupt("its text ends before the first element");
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->").ok_or_else(cut)?.1;
        } else if let Some(after) = rest.strip_prefix("<?") {
            rest = after.split_once("?>").ok_or_else(cut)?.1;
        } else if rest
            .get(..9)
            .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"))
        {
            let (subset, after) = doctype(rest).ok_or_else(cut)?;
            if let Some(subset) = subset {
                read_entities(subset, &mut entities)?;
            }
            rest = after;
        } else {
            break;
        }
    }
    if rest.is_empty() {
        return Err(cut());
    }
    let longest = entities.iter().map(|(_, value)| value.len()).max().unwrap_or_default();
    let grown = (longest as u64).saturating_mul(references(rest));
    if grown > bytes_max {
        return Err(CodecError::limit(
            "the length of the SVG with its entities, in bytes,",
            grown,
            bytes_max,
        ));
    }
    Ok(Document { entities, root: rest })
}

/// The internal subset of a document type and what follows it.
fn doctype(rest: &str) -> Option<(Option<&str>, &str)> {
    let (mut depth, mut quote, mut start) = (0u32, None, None);
    let (mut end, mut comment_end) = (None, 0);
    for (index, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            _ if index < comment_end => {}
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'<') if rest.get(index..)?.starts_with("<!--") => {
                let length = rest.get(index..)?.get(4..)?.find("-->")?;
                comment_end = index.checked_add(length)?.checked_add(7)?;
            }
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => {
                depth = depth.saturating_add(1);
                start = start.or(Some(index.checked_add(1)?));
            }
            (None, b']') => {
                depth = depth.saturating_sub(1);
                end = Some(index);
            }
            (None, b'>') if depth == 0 => {
                let subset = start.zip(end).and_then(|(start, end)| rest.get(start..end));
                return Some((subset, rest.get(index.checked_add(1)?..)?));
            }
            _ => {}
        }
    }
    None
}

/// Reads `<!ENTITY name "value">`. Other declarations, parameter entities and external entities are passed over.
fn read_entities(subset: &str, entities: &mut Vec<(String, String)>) -> Result<(), CodecError> {
    let mut rest = subset;
    while let Some(start) = rest.find('<') {
        rest = rest.get(start..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (declaration, after) = declaration(rest);
        rest = after;
        let Some(body) = declaration.strip_prefix("<!ENTITY") else {
            continue;
        };
        let body = body.trim_start();
        let Some((name, value)) = body.split_once([' ', '\t', '\r', '\n']) else {
            continue;
        };
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
            // `%` of a parameter entity, SYSTEM or PUBLIC of an external one.
            continue;
        };
        let Some(value) = value.get(1..).and_then(|value| value.split(quote).next()) else {
            continue;
        };
        // The first declaration of a name counts (XML 1.0, 4.2).
        if entities.iter().any(|(known, _)| known == name) {
            continue;
        }
        if entities.len() >= ENTITIES_MAX {
            let count = (ENTITIES_MAX as u64).saturating_add(1);
            return Err(CodecError::limit(
                "the number of entities in the SVG",
                count,
                ENTITIES_MAX as u64,
            ));
        }
        if value.contains(['<', '&']) {
            // Mark-up, and entities that are made of entities, which is how a file explodes.
            return Err(CodecError::unsupported(
                "an SVG with entities that hold mark-up or other entities",
            ));
        }
        entities.push((name.to_owned(), value.to_owned()));
    }
    Ok(())
}

/// A declaration up to its `>`, which may stand in quotes before, and what follows it.
fn declaration(rest: &str) -> (&str, &str) {
    let mut quote = None;
    for (index, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return rest.split_at_checked(index).unwrap_or((rest, "")),
            _ => {}
        }
    }
    (rest, "")
}

/// How many references to entities other than the five of XML a text may hold.
fn references(text: &str) -> u64 {
    let names = memchr::memchr_iter(b'&', text.as_bytes())
        .filter_map(|index| text.get(index..)?.get(1..))
        .filter(|rest| {
            !["#", "lt;", "gt;", "amp;", "quot;", "apos;"]
                .iter()
                .any(|known| rest.starts_with(known))
        });
    names.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prolog_is_passed_over_and_its_entities_are_read() {
        let text = "<?xml version='1.0'?><?xml-stylesheet href='http://x/'?>\n<!-- <svg> --><!DOCTYPE svg PUBLIC \"a>b\" 'c' [\
            <!-- ]> --><!ENTITY ns \"http://www.w3.org/2000/svg\"><!ENTITY % p 'x'><!ENTITY ext SYSTEM \"file:///etc/passwd\">\
            <!ATTLIST svg a CDATA 'x>y'><!ENTITY ns 'second'>]>\n<svg xmlns='&ns;'/>";
        let document = document(text, 1000).unwrap();
        assert_eq!(document.root, "<svg xmlns='&ns;'/>");
        let want = [("ns".to_owned(), "http://www.w3.org/2000/svg".to_owned())];
        assert_eq!(document.entities, want);
    }

    #[test]
    fn entities_never_explode() {
        let laughs = "<!DOCTYPE svg [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>";
        assert!(matches!(document(laughs, 1000), Err(CodecError::Unsupported { .. })));
        // Long but flat: ten references to a hundred bytes.
        let flat = format!(
            "<!DOCTYPE svg [<!ENTITY a '{}'>]><svg>{}</svg>",
            "x".repeat(100),
            "&a;".repeat(11)
        );
        assert!(matches!(
            document(&flat, 1000),
            Err(CodecError::Limit { value: 1100, .. })
        ));
        assert!(document(&flat, 1100).is_ok());
        let many: String = (0..257).map(|n| format!("<!ENTITY e{n} 'x'>")).collect();
        assert!(matches!(
            document(&format!("<!DOCTYPE svg [{many}]><svg/>"), 1000),
            Err(CodecError::Limit { .. })
        ));
        for cut in [
            "",
            "<!-- ",
            "<?xml ",
            "<!DOCTYPE svg [ <!ENTITY a 'b'> ",
            "<?xml version='1.0'?>\n",
        ] {
            assert!(matches!(document(cut, 1000), Err(CodecError::Corrupt { .. })), "{cut}");
        }
    }
}
