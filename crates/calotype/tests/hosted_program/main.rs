//! Hosted images by the built program: killed, out of room, and with everything logged.

#![allow(missing_docs, unreachable_pub)] // Helpers of tests.
#![allow(clippy::unwrap_used)] // What fails here fails the test.
#![allow(clippy::print_stdout)] // Seeds, figures and what was left out are said.

mod client;
mod full_disk;
mod kills;
mod pictures;
mod program;
mod secrets;
mod shelf;

/// Where rows are kept, as the PostgreSQL of the store's tests tells it.
mod support {
    pub(crate) enum Backend {
        Postgres(String),
        Missing,
    }
}

#[path = "../../../calotype-store/tests/contract_postgres/server.rs"]
mod server;

/// The URL of an empty PostgreSQL database, where PostgreSQL is installed.
fn postgres() -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(server::database()) {
        support::Backend::Postgres(url) => Some(url),
        support::Backend::Missing => None,
    }
}
