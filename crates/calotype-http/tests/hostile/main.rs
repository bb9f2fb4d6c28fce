//! What strangers send: options, origins and files that lie, stall, or are out to kill. Each is answered with its documented code and status and a
//! text that says what to change and nothing of the inside; afterwards the service serves as before.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod files;
mod long_requests;
mod options;
mod origins;

use std::time::Duration;

use calotype_plan::Size;
use support::client::Answer;
use support::network::Network;
use support::origin::{Origin, Step};
use support::pictures;
use support::reader::inspect;
use support::served::{Served, Setup};

const SOURCE_BYTES_MAX: u64 = 2_000_000;
/// A server that may fetch from everywhere, and `pictures.example`, where the scripted origin is.
struct Scene {
    origin: Origin,
    network: Network,
    server: Served,
}

impl Scene {
    async fn start() -> Self {
        Self::start_with(Duration::from_secs(20), Duration::from_secs(20)).await
    }

    async fn start_with(connect_timeout: Duration, download_timeout: Duration) -> Self {
        let origin = Origin::start().await;
        let network = Network::default();
        network.name("pictures.example", "93.184.215.14");
        network.route("93.184.215.14:80", origin.address);
        let mut setup = Setup {
            allowed: "any".parse().unwrap(),
            network: network.clone(),
            ..Setup::default()
        };
        setup.fetch.connect_timeout = connect_timeout;
        setup.fetch.download_timeout = download_timeout;
        setup.fetch.source_bytes_max = SOURCE_BYTES_MAX;
        let server = setup.serve().await;
        origin.file("/good.png", &[], &pictures::coordinate_png(Size::new(60, 40)));
        Self {
            origin,
            network,
            server,
        }
    }

    async fn get(&self, source: &str) -> Answer {
        self.server.get(&format!("/cdn-cgi/image/w=30/{source}")).await
    }

    async fn get_scripted(&self, steps: Vec<Step>) -> Answer {
        self.origin.on("/x", steps);
        self.get("http://pictures.example/x").await
    }

    /// The service still works, and nothing of the last answer is in its next one.
    async fn check_alive(&self) {
        let answer = self.get("http://pictures.example/good.png").await.transformed();
        assert_eq!(inspect(&answer.body).1, Size::new(30, 20));
    }
}

/// An error answer is the documented one, says `hint`, and keeps the inside to itself.
#[track_caller]
fn check_refused(case: &str, answer: &Answer, status: u16, code: u16, hint: &str) {
    let text = answer.text();
    assert_eq!((answer.status, answer.code()), (status, Some(code)), "{case}: {text}");
    assert!(text.contains(hint), "{case}: {text:?} should say {hint:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8"),
        "{case}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{case}");
    check_keeps_secrets(case, &text);
}

fn check_keeps_secrets(case: &str, text: &str) {
    const SECRETS: [&str; 16] = [
        "127.0.0.1",
        "169.254",
        "10.0.0.7",
        "10.9.8.7",
        "93.184",
        "::ffff",
        "/tmp",
        env!("CARGO_MANIFEST_DIR"),
        ".rs",
        "os error",
        "hyper",
        "tokio",
        "panic",
        "NXDOMAIN",
        "Connect",
        "mozjpeg",
    ];
    for secret in SECRETS {
        assert!(!text.contains(secret), "{case}: {text:?} tells {secret:?}");
    }
    assert!(text.len() < 400, "{case}: {} bytes of text", text.len());
}

fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}
