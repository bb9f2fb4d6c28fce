//! `/client/v4/docs/`: the API reference, a page over the description that tries every operation (js/reference).

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use http::request::Parts;

use crate::answer;
use crate::embedded;
use crate::hosted::{Outcome, Problem};

/// The page asks this server alone, and shows pictures that it got. Its component writes styles into the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A file of the page.
pub(super) fn answer(request: &Parts, name: &str) -> Outcome {
    embedded::REFERENCE
        .answer(request, name, POLICY)
        .ok_or_else(Problem::no_route)
}

/// From the address without the slash: what the page names stands below it.
pub(super) fn redirect() -> Outcome {
    let mut answer = answer::text(StatusCode::FOUND, "the reference is at /client/v4/docs/\n");
    answer
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static("/client/v4/docs/"));
    Ok(answer)
}
