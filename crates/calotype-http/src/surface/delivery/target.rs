//! `{hash}/{image id}/{variant or options}` (spec 7.1).

use percent_encoding::percent_decode_str;

/// What a delivery URL names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'p> {
    pub(super) hash: String,
    pub(super) id: String,
    pub(super) recipe: Recipe<'p>,
}

/// How the image is to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recipe<'p> {
    Variant(String),
    /// A list of options, as it stands in the URL.
    Options(&'p str),
}

impl<'p> Target<'p> {
    /// The first segment is the hash, the last the recipe, and what is between is the id; `%2F` in it is a slash (D63). `None`: it is no such path.
    pub(super) fn parse(path: &'p str) -> Option<Self> {
        let (hash, rest) = path.split_once('/')?;
        let (id, recipe) = rest.rsplit_once('/')?;
        let id = id.split('/').map(decoded).collect::<Option<Vec<_>>>()?.join("/");
        let name = decoded(recipe)?;
        if id.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self {
            hash: decoded(hash)?,
            id,
            recipe: if name.contains('=') {
                Recipe::Options(recipe)
            } else {
                Recipe::Variant(name)
            },
        })
    }
}

/// A segment, if all its escapes are whole and its text is UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let is_whole = segment.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        let mut is_digit = || digits.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        is_digit() && is_digit()
    });
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    is_whole.then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_segment_is_the_recipe_and_the_middle_is_the_id() {
        let variant = |name: &str| Recipe::Variant(name.to_owned());
        for (path, id, recipe) in [
            ("H/abc/public", "abc", variant("public")),
            ("H/a/b/c.png/thumb", "a/b/c.png", variant("thumb")),
            ("H/a%2Fb%25/thumb", "a/b%", variant("thumb")),
            ("H/abc/w=100,h=50", "abc", Recipe::Options("w=100,h=50")),
            ("H/abc/w%3D100", "abc", Recipe::Options("w%3D100")),
        ] {
            let target = Target::parse(path).unwrap();
            assert_eq!(
                (target.hash.as_str(), target.id.as_str(), target.recipe),
                ("H", id, recipe),
                "{path}"
            );
        }
        for path in [
            "H",
            "H/abc",
            "H/abc/",
            "H//public",
            "H/a%FF/public",
            "H/a%2/public",
            "H/a%zz/public",
            "H/%+1/public",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }
}
