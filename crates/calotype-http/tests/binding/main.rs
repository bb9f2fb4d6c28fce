//! The Images binding on a real Unix socket: forms as the runtime writes them, operations in their order, and what is refused.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod echo;
mod form;
mod forms;
mod operations;
mod port;
mod router;
mod service;
mod socket;
