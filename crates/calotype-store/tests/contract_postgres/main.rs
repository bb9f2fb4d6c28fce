//! The same contract over PostgreSQL, where it is installed; with `CI=true` it has to be.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod server;

/// Where the tests of the contract keep their rows.
mod backend {
    pub(crate) async fn database() -> crate::support::Backend {
        crate::server::database().await
    }
}

#[path = "../contract/accounts.rs"]
mod accounts;
#[path = "../contract/images.rs"]
mod images;
#[path = "../contract/imports.rs"]
mod imports;
#[path = "../contract/lists.rs"]
mod lists;
#[path = "../contract/originals.rs"]
mod originals;
#[path = "../contract/outbox.rs"]
mod outbox;
#[path = "../contract/pages.rs"]
mod pages;
#[path = "../contract/support.rs"]
mod support;
#[path = "../contract/usage.rs"]
mod usage;
#[path = "../contract/webhooks.rs"]
mod webhooks;
