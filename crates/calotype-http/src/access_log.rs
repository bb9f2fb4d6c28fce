//! Paths as the access log may have them.
//!
//! Whoever reads the log must not be able to use what is in it. Queries, where signatures are, are never written. A URL that takes an upload is not written
//! either; and since the made id of a draft is all that is secret about its URL, such ids are cut short wherever the answer is not about a stored image.
//! Users and passwords within the URL of a source are left out.

use std::borrow::Cow;

use crate::answer::Answer;

/// Stands in the extensions of an answer that tells of a draft.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfDraft;

/// Characters of an id of the server's own: 8-4-4-4-12.
const ID_CHARS: usize = 36;
/// What is left of one.
const KEPT_CHARS: usize = 8;

/// The raw path of a request, as it may be logged beside its answer.
pub(crate) fn path<'p>(raw: &'p str, answer: &Answer) -> Cow<'p, str> {
    let is_of_stored = answer.status().as_u16() < 400 && answer.extensions().get::<OfDraft>().is_none();
    let path = if is_of_stored {
        Cow::Borrowed(raw)
    } else {
        without_ids(raw)
    };
    match without_users(&path) {
        Some(path) => Cow::Owned(path),
        None => path,
    }
}

/// The path without what stands before an `@` in the authority of a URL (RFC 3986, 3.2.1), however much of it is escaped; `None` if there is nothing.
fn without_users(path: &str) -> Option<String> {
    // Of one length with the path, so that places in one are places in the other.
    let plain = path
        .to_ascii_lowercase()
        .replace("%2f", "\0\0/")
        .replace("%40", "\0\0@")
        .replace("%3a", "\0\0:");
    let mut kept = String::new();
    let mut from = 0;
    while let Some(at) = plain
        .get(from..)?
        .find('/')
        .map(|at| from.saturating_add(at).saturating_add(1))
    {
        let is_behind_scheme = plain.get(..at)?.trim_end_matches(['/', '\0']).ends_with(':');
        let authority = plain.get(at..)?.split('/').next()?;
        kept.push_str(path.get(from..at)?);
        from = at;
        if let Some(user) = authority.rfind('@').filter(|_| is_behind_scheme) {
            kept.push_str("…@");
            from = at.saturating_add(user).saturating_add(1);
        }
    }
    kept.push_str(path.get(from..)?);
    (kept != path).then_some(kept)
}

fn without_ids(path: &str) -> Cow<'_, str> {
    let mut shortened = String::new();
    let mut rest = path;
    while let Some(at) = (0..rest.len()).find(|at| is_id(rest, *at)) {
        let (before, after) = rest.split_at(at);
        shortened.push_str(before);
        shortened.push_str(after.get(..KEPT_CHARS).unwrap_or_default());
        shortened.push('…');
        rest = after.get(ID_CHARS..).unwrap_or_default();
    }
    if shortened.is_empty() {
        return Cow::Borrowed(path);
    }
    shortened.push_str(rest);
    Cow::Owned(shortened)
}

/// Whether there is an id at this place, of whatever case.
fn is_id(text: &str, at: usize) -> bool {
    let Some(id) = text.as_bytes().get(at..at.saturating_add(ID_CHARS)) else {
        return false;
    };
    id.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    const ID: &str = "5b0f6a1e-93c7-4d28-b1e4-7a60cc21d900";

    #[test]
    fn users_and_passwords_of_sources_are_left_out() {
        for (raw, logged) in [
            (
                "/cdn-cgi/image/w=1/http://u:p@h/a@b.png",
                Some("/cdn-cgi/image/w=1/http://…@h/a@b.png"),
            ),
            (
                "/cdn-cgi/image/w=1/https:/u:p@h/a.png",
                Some("/cdn-cgi/image/w=1/https:/…@h/a.png"),
            ),
            ("/x/http:%2F%2fu:p%40q@h%2Fa", Some("/x/http:%2F%2f…@h%2Fa")),
            (
                "/x/draw.url=http%3A%2F%2Fu:p%40h%2Fa/b@c",
                Some("/x/draw.url=http%3A%2F%2F…@h%2Fa/b@c"),
            ),
            ("/x/http://u@a/http://v@b/", Some("/x/http://…@a/http://…@b/")),
            ("/x/a@b/c", None),
            ("/x/http://h/a@b", None),
            ("/é%2F", None),
        ] {
            assert_eq!(without_users(raw).as_deref(), logged, "{raw}");
        }
    }

    #[test]
    fn ids_are_whole_only_beside_answers_about_stored_images() {
        let path_of = |status: u16, is_of_draft: bool, raw: &str| {
            let mut answer = Answer::default();
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            if is_of_draft {
                answer.extensions_mut().insert(OfDraft);
            }
            path(raw, &answer).into_owned()
        };
        let raw = format!("/a/{ID}/public");
        assert_eq!(path_of(200, false, &raw), raw);
        assert_eq!(path_of(304, false, &raw), raw);
        assert_eq!(path_of(200, true, &raw), "/a/5b0f6a1e…/public");
        assert_eq!(path_of(404, false, &raw), "/a/5b0f6a1e…/public");
        let upper = format!("/{}", ID.to_ascii_uppercase());
        assert_eq!(path_of(403, false, &upper), "/5B0F6A1E…");
        assert_eq!(path_of(404, false, &format!("{ID}/x/{ID}é")), "5b0f6a1e…/x/5b0f6a1e…é");
        // One digit more, and there is still an id in it.
        assert_eq!(path_of(404, false, &format!("/0{ID}")), "/05b0f6a1e…");
        for other in [
            "",
            "/health",
            "/é5b0f6a1e-93c7-4d28-b1e4",
            "/catalog/2026/50%25%20off.png",
        ] {
            assert_eq!(path_of(404, false, other), other);
        }
    }
}
