//! Hosted images over real connections: the management API, one-time uploads, and what the binding's adapter asks for.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod account;
mod batch;
mod by_url;
mod delivery;
mod described;
mod direct_uploads;
mod failures;
mod images;
mod lists;
mod place;
mod rate_limits;
mod signed_urls;
mod tokens;
