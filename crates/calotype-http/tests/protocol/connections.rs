//! Connections: one after the other, many at once, and their end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calotype_engine::NoModels;
use calotype_plan::{Limits, Size};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{get, scene, small, wait_until_refused};
use crate::support::client::{Connection, Request, read_to_end};
use crate::support::origin::Origin;
use crate::support::reader::inspect;
use crate::support::served::{Setup, real_worker};
use crate::support::worker::Gated;

#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_understood_by_prior_knowledge() {
    let (_origin, server) = scene(&[("ETag", "\"abc\"")]).await;
    let over_1 = server.ask(&get("w=30")).await.transformed();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = |method: &str, path: &str| {
        let uri = format!("http://calotype.test{path}");
        http::Request::builder()
            .method(method)
            .uri(uri)
            .body(Empty::<Bytes>::new())
            .unwrap()
    };
    // Several streams at once.
    let answers: Vec<_> = (0..4)
        .map(|_| sender.send_request(request("GET", "/cdn-cgi/image/w=30/a.png")))
        .collect();
    for answer in answers {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["etag"], over_1.header("etag").unwrap());
        // The authority stands for the host.
        assert_eq!(answer.headers()["link"], over_1.header("link").unwrap());
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), over_1.body);
    }
    let head = sender
        .send_request(request("HEAD", "/cdn-cgi/image/w=30/a.png"))
        .await
        .unwrap();
    assert_eq!(head.headers()["content-length"], over_1.body.len().to_string());
    assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
    let refused = sender
        .send_request(request("POST", "/cdn-cgi/image/w=30/a.png"))
        .await
        .unwrap();
    assert_eq!(refused.status(), 405);
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_requests_one_after_the_other_and_in_advance() {
    let (_origin, server) = scene(&[]).await;
    let mut connection = server.connect().await;
    let first = connection.ask(&get("w=30")).await.transformed();
    assert_eq!(connection.ask(&get("blur=300")).await.code(), Some(9401));
    assert_eq!(connection.ask(&get("w=30")).await.body, first.body);
    // Pipelined (RFC 9112, 9.3.2): answers come in the order of the requests.
    for request in [get("w=31"), get("w=30"), get("w=32")] {
        connection.send(&request).await;
    }
    for width in [31, 30, 32] {
        assert_eq!(
            inspect(&connection.receive("GET").await.transformed().body).1.width,
            width
        );
    }
    let last = connection.ask(&get("w=30").header("Connection", "close")).await;
    assert_eq!(last.body, first.body);
    assert!(connection.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_was_begun_and_takes_no_more() {
    let origin = Origin::start().await;
    origin.file("/a.png", &[], &small());
    let worker = Gated::closed(real_worker(Limits::default(), Arc::new(NoModels)));
    let mut setup = Setup::with_origin(&origin);
    setup.worker = Some(worker.clone());
    let mut server = setup.serve().await;
    let mut idle = server.connect().await;
    assert_eq!(idle.ask(&Request::get("/a.png")).await.status, 200);
    let mut busy = server.connect().await;
    busy.send(&get("w=30")).await;
    worker.wait_for_a_task().await;

    server.begin_stop();
    wait_until_refused(&server).await;
    assert!(
        idle.is_closed().await,
        "a connection without a request is closed at once"
    );
    worker.open();
    let answer = busy.receive("GET").await.transformed();
    assert_eq!(inspect(&answer.body).1, Size::new(30, 20));
    assert!(busy.is_closed().await, "and then the connection is closed");
    server.ended().await;
}

#[tokio::test]
async fn who_connected_before_a_stop_is_served() {
    let server = Setup::default().bind().await;
    // In the system's queue; nobody has accepted them when the stop comes. One has asked already, the other is in the middle of it.
    let mut asked = Connection::open(server.address().unwrap()).await.unwrap();
    asked.send(&Request::get("/nothing")).await;
    let mut slower = Connection::open(server.address().unwrap()).await.unwrap();
    slower.write(b"GET /not").await;
    let server = tokio::spawn(server.run(std::future::ready(())));
    assert_eq!(asked.receive("GET").await.status, 404);
    assert!(asked.is_closed().await);
    slower.write(b"hing HTTP/1.1\r\nHost: calotype.test\r\n\r\n").await;
    assert_eq!(slower.receive("GET").await.status, 404);
    assert!(slower.is_closed().await);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_says_which_protocol_it_speaks_is_not_waited_for() {
    let server = Setup::default().serve().await;
    let mut clients = Vec::new();
    // The beginning of HTTP/2, and nothing at all.
    for start in ["PRI * HT", ""] {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(start.as_bytes()).await.unwrap();
        clients.push(client);
    }
    for client in clients {
        assert!(read_to_end(client).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_longer_than_it_may() {
    let origin = Origin::start().await;
    origin.file("/a.png", &[], &small());
    let worker = Gated::closed(real_worker(Limits::default(), Arc::new(NoModels)));
    let mut setup = Setup::with_origin(&origin);
    setup.worker = Some(worker.clone());
    setup.server.stop_timeout = Duration::from_millis(50);
    let mut server = setup.serve().await;
    let mut busy = server.connect().await;
    busy.send(&get("w=30")).await;
    worker.wait_for_a_task().await;
    server.begin_stop();
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_request_must_come_in_time() {
    let (_origin, _) = scene(&[]).await;
    let mut setup = Setup::default();
    setup.server.header_timeout = Duration::from_millis(100);
    let server = setup.serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        .await
        .unwrap();
    let rest = read_to_end(stream).await;
    assert!(
        rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"),
        "{:?}",
        String::from_utf8_lossy(&rest)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_request_is_not_needed_and_does_no_harm() {
    let (_origin, server) = scene(&[]).await;
    let mut connection = server.connect().await;
    let with_body = get("w=30").body("ignored");
    let first = connection.ask(&with_body).await.transformed();
    assert_eq!(connection.ask(&get("w=30")).await.body, first.body);
}
