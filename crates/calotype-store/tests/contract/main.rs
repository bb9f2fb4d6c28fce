//! What every store keeps to, whatever is under it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

/// Where the tests keep their rows.
mod backend {
    pub(crate) async fn database() -> crate::support::Backend {
        crate::support::Backend::Sqlite
    }
}

mod accounts;
mod images;
mod imports;
mod lists;
mod originals;
mod outbox;
mod pages;
mod support;
mod usage;
mod webhooks;
