//! Clients that close their sending side once they have asked: they wait for their answers, and get them.

use std::sync::Arc;
use std::time::Duration;

use calotype_engine::NoModels;
use calotype_http::PlaygroundSettings;
use calotype_plan::{Limits, Size};

use super::whole_bodies::LargeBody;
use super::{get, scene, small};
use crate::support::client::{Connection, Request};
use crate::support::origin::Origin;
use crate::support::reader::inspect;
use crate::support::served::{Served, Setup, real_worker};
use crate::support::worker::Gated;

/// A server with one place for connections and a worker that waits.
async fn one_place() -> (Origin, Arc<Gated>, Served) {
    let origin = Origin::start().await;
    origin.file("/a.png", &[], &small());
    let worker = Gated::closed(real_worker(Limits::default(), Arc::new(NoModels)));
    let mut setup = Setup::with_origin(&origin);
    setup.worker = Some(worker.clone());
    setup.server.connections_max = 1;
    let server = setup.serve().await;
    (origin, worker, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_finished_sending_gets_an_answer_that_takes_long() {
    let (_origin, worker, server) = one_place().await;
    let mut waiting = server.connect().await;
    waiting.send(&get("w=30")).await;
    waiting.finish_sending().await;
    worker.wait_for_a_task().await;
    // The end of input is seen long before this, and the task is as long in the queue.
    tokio::time::sleep(Duration::from_millis(200)).await;
    worker.open();
    let answer = waiting.receive("GET").await.transformed();
    assert_eq!(inspect(&answer.body).1, Size::new(30, 20));
    assert!(waiting.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_finished_sending_gets_every_byte_however_slowly_it_reads() {
    let large = LargeBody::start().await;
    for pause in [0, 300] {
        let mut connection = large.slow_connection().await;
        connection.send(&Request::get(LargeBody::TARGET)).await;
        connection.finish_sending().await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let head = connection.receive_head().await;
        assert_eq!(
            head.header("content-length"),
            Some(large.whole.len().to_string().as_str())
        );
        let body = connection.take_slowly(large.whole.len(), 61).await;
        large.check(&body);
        assert!(connection.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_requests_sent_ahead_are_answered_after_the_end_of_sending() {
    let (_origin, server) = scene(&[]).await;
    let mut connection = server.connect().await;
    let head = Request::new("HEAD", "/cdn-cgi/image/w=33/a.png");
    for request in [get("w=31"), head, get("w="), get("w=32"), Request::get("/a.png")] {
        connection.send(&request).await;
    }
    connection.finish_sending().await;
    let width = |body: &[u8]| inspect(body).1.width;
    assert_eq!(width(&connection.receive("GET").await.transformed().body), 31);
    assert!(connection.receive("HEAD").await.transformed().body.is_empty());
    assert_eq!(connection.receive("GET").await.code(), Some(9401));
    assert_eq!(width(&connection.receive("GET").await.transformed().body), 32);
    assert_eq!(connection.receive("GET").await.body, small());
    assert!(connection.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_refused_after_the_end_of_sending() {
    let (_origin, server) = scene(&[]).await;
    let mut connection = server.connect().await;
    connection.send(&get("w=31")).await;
    connection.send(&get(&"x".repeat(100_000))).await;
    connection.finish_sending().await;
    connection.receive("GET").await.transformed();
    let refused = connection.receive("GET").await;
    assert_eq!((refused.status, refused.code()), (414, Some(9401)));
    assert!(connection.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_1_0_may_finish_sending_too() {
    let (_origin, server) = scene(&[]).await;
    let mut connection = server.connect().await;
    connection
        .write(b"GET /a.png HTTP/1.0\r\nHost: calotype.test\r\n\r\n")
        .await;
    connection.finish_sending().await;
    let all = connection.take_until_cut(usize::MAX).await;
    assert!(
        all.starts_with(b"HTTP/1.0 200 OK\r\n"),
        "{}",
        String::from_utf8_lossy(&all[..40])
    );
    assert!(all.ends_with(&small()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_taken_whole_or_refused_when_it_was_cut() {
    let server = Setup {
        playground: Some(PlaygroundSettings::default()),
        ..Setup::default()
    }
    .serve()
    .await;
    let upload = Request::new("POST", "/-/upload").body(small());
    let mut whole = server.connect().await;
    whole.send(&upload).await;
    whole.finish_sending().await;
    assert_eq!(whole.receive("POST").await.status, 201);
    assert!(whole.is_closed().await);

    for sent in [0, small().len() / 2] {
        let mut cut = server.connect().await;
        cut.write(&[upload.head().as_bytes(), &small()[..sent]].concat()).await;
        cut.finish_sending().await;
        let refused = cut.receive("POST").await;
        assert_eq!((refused.status, refused.code()), (502, Some(9528)));
        assert!(refused.text().contains("the upload broke off"), "{refused:?}");
        assert!(cut.is_closed().await);
    }
}

/// Waits until the one place is free, which is when a connection is served.
async fn wait_for_a_place(server: &Served) {
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_gives_its_place_back_whichever_way_it_leaves() {
    let leave_by: [fn(Connection); 2] = [drop, Connection::reset];
    for leave in leave_by {
        let (_origin, worker, server) = one_place().await;
        let mut leaving = server.connect().await;
        leaving.send(&get("w=30")).await;
        worker.wait_for_a_task().await;
        leave(leaving);
        wait_for_a_place(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_finished_sending_and_then_left_is_noticed_when_its_system_says_so() {
    let (_origin, worker, server) = one_place().await;
    let mut leaving = server.connect().await;
    leaving.send(&get("w=30")).await;
    leaving.finish_sending().await;
    worker.wait_for_a_task().await;
    // The start of the answer shows that the end of input was seen.
    assert_eq!(leaving.take(7).await, b"HTTP/1.");
    leaving.reset();
    wait_for_a_place(&server).await;
}
