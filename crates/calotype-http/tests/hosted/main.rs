//! Hosted images over real connections: the management API, one-time uploads, and what the binding's adapter asks for.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod account;
mod by_url;
mod delivery;
mod direct_uploads;
mod images;
mod lists;
mod place;
mod receiver;
mod signed_urls;
mod webhooks;
