//! Hosted images over real connections: the management API, one-time uploads, and what the binding's adapter asks for.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod acceptance;
mod access;
mod account;
mod by_url;
mod delivery;
mod direct_uploads;
mod hostile;
mod images;
mod lists;
mod place;
mod polyglots;
mod races;
mod signed_urls;
mod strangers;
