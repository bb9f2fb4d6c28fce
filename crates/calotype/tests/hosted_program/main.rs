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

/// The URL of an empty PostgreSQL database, where PostgreSQL is installed.
#[path = "../../../calotype-store/tests/contract_servers/postgres.rs"]
mod postgres;
