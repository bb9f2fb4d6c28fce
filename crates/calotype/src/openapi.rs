//! `calotype openapi`: the description of the API of hosted images.

use std::io::Write;

use crate::failure::Failure;

/// Prints what a server has at `/client/v4/openapi.json`.
pub(crate) fn run() -> Result<(), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Other(error.to_string());
    let text = serde_json::to_string_pretty(calotype_http::api_description()).map_err(|error| wrong(&error))?;
    writeln!(std::io::stdout().lock(), "{text}").map_err(|error| wrong(&error))
}
