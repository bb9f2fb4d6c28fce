//! Who asks (spec section 2).

use calotype_store::{Store, Token};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};

use crate::hosted::Problem;

const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");
/// Longer ones are no tokens of ours.
const TOKEN_CHARS_MAX: usize = 200;

/// The token of a request.
///
/// There are no users here, so the pair of email and key of older clients is a token in the place of the key; the email may be any.
pub(super) async fn token(store: &Store, headers: &HeaderMap) -> Result<Token, Problem> {
    store
        .token(secret(headers)?)
        .await
        .map_err(|error| Problem::account_not_loaded(&error))?
        .ok_or_else(Problem::unauthenticated)
}

/// What a request brings as its secret.
pub(super) fn secret(headers: &HeaderMap) -> Result<&str, Problem> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let wrong = || Problem::bad_headers(&[(6111, "Invalid format for Authorization header")]);
        let text = value.to_str().map_err(|_| wrong())?;
        let (scheme, token) = text.split_once(' ').ok_or_else(wrong)?;
        let token = token.trim();
        return (scheme.eq_ignore_ascii_case("bearer") && is_token(token))
            .then_some(token)
            .ok_or_else(wrong);
    }
    let text = |name: &HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (email, key) = (text(&X_AUTH_EMAIL), text(&X_AUTH_KEY));
    match (email.is_empty(), key.is_empty()) {
        (true, true) => Err(Problem::bad_headers(&[
            (6100, "Missing X-Auth-Email header"),
            (6101, "Missing X-Auth-Key header"),
        ])),
        (true, false) => Err(Problem::bad_headers(&[(6100, "Missing X-Auth-Email header")])),
        (false, true) => Err(Problem::bad_headers(&[(6101, "Missing X-Auth-Key header")])),
        (false, false) if !is_token(key) => {
            Err(Problem::bad_headers(&[(6103, "Invalid format for X-Auth-Key header")]))
        }
        (false, false) => Ok(key),
    }
}

fn is_token(text: &str) -> bool {
    (1..=TOKEN_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
