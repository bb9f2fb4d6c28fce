//! The same contract over PostgreSQL and S3 together, where their servers are installed; with `CI=true` they have to be.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fault_proxy;
mod faults;
mod postgres;
mod s3;

/// Where the tests of the contract keep what they have.
mod backend {
    use crate::support::Backend;

    pub(crate) fn backend() -> Option<Backend> {
        let bucket = crate::s3::bucket()?;
        Some(Backend {
            database: Some(crate::postgres::database()?),
            originals: Some((bucket.settings(), bucket.directory)),
        })
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
#[path = "../contract/pages.rs"]
mod pages;
#[path = "../contract/support.rs"]
mod support;
#[path = "../contract/usage.rs"]
mod usage;
