//! The HTTP side of transforms: methods, validators, caching headers, what varies, redirects on errors, one computation for many, and bodies that are
//! whole whatever the reader or the server is about to do.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod digests;
mod half_closed;
mod headers;
mod playground;
mod redirect_on_error;
mod svg;
mod validators;
mod whole_bodies;
mod work;

use std::time::Duration;

use calotype_plan::Size;
use support::client::Request;
use support::origin::Origin;
use support::pictures;
use support::served::{Served, Setup};
use tokio::net::TcpStream;

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn small() -> Vec<u8> {
    pictures::coordinate_png(Size::new(60, 40))
}

/// An origin with `/a.png`, and the server in front of it.
async fn scene(headers: &[(&str, &str)]) -> (Origin, Served) {
    let origin = Origin::start().await;
    origin.file("/a.png", headers, &small());
    let server = Setup::with_origin(&origin).serve().await;
    (origin, server)
}

fn get(options: &str) -> Request {
    Request::get(&format!("/cdn-cgi/image/{options}/a.png"))
}

/// Whether the server takes no connections any more; waits until it does not.
async fn wait_until_refused(server: &Served) {
    for _ in 0..10_000 {
        if TcpStream::connect(server.address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the server still accepts");
}
