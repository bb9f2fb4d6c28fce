//! Hosted images over real connections: the management API, one-time uploads, and what the binding's adapter asks for.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod acceptance;
mod access;
mod account;
mod batch;
mod by_url;
mod delivery;
mod described;
mod direct_uploads;
mod failures;
mod hostile;
mod images;
mod lists;
mod place;
mod polyglots;
mod races;
mod rate_limits;
mod receiver;
mod signed_urls;
mod strangers;
mod tokens;
mod webhooks;

/// Where the tests keep what they have: in one directory.
mod backend {
    use std::path::Path;

    use calotype_store::StoreSettings;

    pub fn settings(directory: &Path) -> StoreSettings {
        StoreSettings::in_directory(directory)
    }
}
