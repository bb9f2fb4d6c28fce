//! Hosted images with their rows in PostgreSQL and their originals in S3: what the suite `hosted` asks of uploads, delivery and deletion, and what clients
//! see of an object store that fails. Where the servers are not installed one directory is under it again; with `CI=true` they have to be.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../hosted/by_url.rs"]
mod by_url;
#[path = "../hosted/delivery.rs"]
mod delivery;
#[path = "../hosted/described.rs"]
mod described;
#[path = "../hosted/direct_uploads.rs"]
mod direct_uploads;
#[path = "../../../calotype-store/tests/contract_servers/fault_proxy.rs"]
mod fault_proxy;
mod faults;
#[path = "../hosted/images.rs"]
mod images;
#[path = "../hosted/place.rs"]
mod place;
#[path = "../../../calotype-store/tests/contract_servers/postgres.rs"]
mod postgres;
#[path = "../../../calotype-store/tests/contract_servers/s3.rs"]
mod s3;

/// Where the tests keep what they have.
mod backend {
    use std::path::Path;

    use calotype_store::StoreSettings;

    pub fn settings(directory: &Path) -> StoreSettings {
        let settings = StoreSettings::in_directory(directory);
        let servers = crate::postgres::database().zip(crate::s3::bucket());
        servers.map_or(settings.clone(), |(database, bucket)| StoreSettings {
            database: Some(database),
            originals: Some(bucket.settings()),
            ..settings
        })
    }
}
