//! What every store keeps to, whatever is under it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

/// Where the tests keep what they have: in one directory.
mod backend {
    use crate::support::Backend;

    pub(crate) fn backend() -> Option<Backend> {
        Some(Backend {
            database: None,
            originals: None,
        })
    }
}

mod accounts;
mod images;
mod imports;
mod lists;
mod originals;
mod pages;
mod support;
mod usage;
