//! The binding on a port: what holds on the socket holds here.

use std::net::SocketAddr;

use calotype_http::BindingServer;
use calotype_plan::Size;
use calotype_source::SourceMemory;
use tempfile::TempDir;

use crate::form::{Connection, Form};
use crate::service::{Bounds, Running, binding};
use crate::support::pictures;
use crate::support::served::Setup;

fn body() -> Vec<u8> {
    let source = pictures::plain_png(Size::new(8, 6), [1, 2, 3]);
    Form::call(&source, r#"[{"imageIndex":0,"width":4}]"#, "rgb").whole()
}

/// A server that accepts nobody yet.
async fn bound(spool: &TempDir) -> (BindingServer, SocketAddr) {
    let (app, settings) = Setup::default().app();
    let router = binding(&app, &SourceMemory::new(1 << 30), spool.path(), &Bounds::default());
    let server = BindingServer::bind_port(SocketAddr::from(([127, 0, 0, 1], 0)), router, settings)
        .await
        .unwrap();
    let address = server.address().unwrap();
    (server, address)
}

#[tokio::test]
async fn calls_are_answered_one_after_the_other() {
    let spool = tempfile::tempdir().unwrap();
    let (server, address) = bound(&spool).await;
    let server = Running::start(server);
    let mut connection = Connection::open_port(address).await;
    for piece in [1, 58, 5_000] {
        let answer = connection.ask("/transform", &body(), piece).await;
        assert_eq!(answer.ok("application/octet-stream"), [1, 2, 3].repeat(12));
    }
    let (status, code, _) = connection.ask("/transform", b"", 1).await.error();
    assert_eq!((status, code), (400, 9523));
    server.ended().await;
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn an_early_refusal_arrives_whatever_was_sent_already() {
    let spool = tempfile::tempdir().unwrap();
    let (server, address) = bound(&spool).await;
    let server = Running::start(server);
    let parts = (0..40).fold(Form::new(), |form, _| form.file("unheard_of", &[7; 700_000]));
    for _ in 0..5 {
        let mut connection = Connection::open_port(address).await;
        let answer = connection.ask("/transform", &parts.clone().whole(), 8_000).await;
        assert_eq!(answer.error().0, 400, "{}", answer.text());
    }
    server.ended().await;
}

#[tokio::test]
async fn who_connected_before_a_stop_is_served() {
    let spool = tempfile::tempdir().unwrap();
    let (server, address) = bound(&spool).await;
    let mut waiting = Connection::open_port(address).await;
    waiting.send_head("/transform").await;
    waiting.send_chunks(&body(), 1_000).await;
    waiting.send_end().await;
    let server = tokio::spawn(server.run(std::future::ready(())));
    let answer = waiting.receive().await;
    assert_eq!(answer.ok("application/octet-stream"), [1, 2, 3].repeat(12));
    server.await.unwrap();
}
