//! What every store keeps to, whatever is under it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod accounts;
mod images;
mod lists;
mod originals;
mod support;
