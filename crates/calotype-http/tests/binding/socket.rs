//! The socket's life: restarts without a gap, clients that leave, stops.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calotype_engine::NoModels;
use calotype_http::BindingServer;
use calotype_plan::{Fault, FaultKind, Limits, Size};
use sha2::{Digest as _, Sha256};

use crate::form::{Connection, Form};
use crate::service::{Bounds, Running, binding, start_with};
use crate::support::pictures;
use crate::support::served::{Setup, real_worker};
use crate::support::worker::{Always, Gated};
use calotype_source::SourceMemory;

fn body() -> Vec<u8> {
    let source = pictures::plain_png(Size::new(8, 6), [1, 2, 3]);
    Form::call(&source, r#"[{"imageIndex":0,"width":4}]"#, "rgb").whole()
}

fn gated() -> (Arc<Gated>, Setup) {
    let gate = Gated::closed(real_worker(Limits::default(), Arc::new(NoModels)));
    let setup = Setup {
        worker: Some(gate.clone()),
        ..Setup::default()
    };
    (gate, setup)
}

#[tokio::test]
async fn a_new_server_takes_the_name_while_the_old_one_finishes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.sock");
    let memory = SourceMemory::new(1 << 30);
    let (gate, setup) = gated();
    let (app, settings) = setup.app();
    let server = |app: &calotype_http::App| {
        let binding = binding(app, &memory, directory.path(), &Bounds::default());
        BindingServer::bind(&path, 0o600, binding, settings).unwrap()
    };
    let mut old = Running::start(server(&app));
    let mut early = Connection::open(&path).await;
    early.send_head("/transform").await;
    early.send_chunks(&body(), 1_000).await;
    early.send_end().await;
    gate.wait_for_a_task().await;

    let new = Running::start(server(&Setup::default().app().0));
    old.begin_stop();
    let mut late = Connection::open(&path).await;
    let late = late
        .ask("/transform", &body(), 1_000)
        .await
        .ok("application/octet-stream");
    gate.open();
    assert_eq!(early.receive().await.ok("application/octet-stream"), late);
    old.ended().await;
    // The name is the new server's, and stays.
    let again = Connection::open(&path).await.ask("/transform", &body(), 1_000).await;
    assert_eq!(again.ok("application/octet-stream"), late);
    new.ended().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_kept_connection_is_answered_once_more_by_a_server_that_was_succeeded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.sock");
    let memory = SourceMemory::new(1 << 30);
    let server = || {
        let (app, settings) = Setup::default().app();
        let binding = binding(&app, &memory, directory.path(), &Bounds::default());
        BindingServer::bind(&path, 0o600, binding, settings).unwrap()
    };
    let mut old = Running::start(server());
    let mut kept = Connection::open(&path).await;
    kept.ask("/transform", &body(), 1_000)
        .await
        .ok("application/octet-stream");
    let new = Running::start(server());
    old.begin_stop();
    loop {
        let answer = kept.ask("/transform", &body(), 1_000).await;
        let is_last = answer.header("connection") == Some("close");
        answer.ok("application/octet-stream");
        if is_last {
            break;
        }
    }
    assert!(kept.is_closed().await);
    old.ended().await;
    new.ended().await;
}

#[tokio::test]
async fn who_connected_before_a_stop_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.sock");
    let (app, settings) = Setup::default().app();
    let binding = binding(&app, &SourceMemory::new(1 << 30), directory.path(), &Bounds::default());
    let server = BindingServer::bind(&path, 0o600, binding, settings).unwrap();
    // In the system's queue; nobody has accepted it when the stop comes.
    let mut waiting = Connection::open(&path).await;
    waiting.send_head("/transform").await;
    waiting.send_chunks(&body(), 1_000).await;
    waiting.send_end().await;
    let server = tokio::spawn(server.run(std::future::ready(())));
    assert_eq!(
        waiting.receive().await.ok("application/octet-stream"),
        [1, 2, 3].repeat(12)
    );
    server.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_client_that_leaves_while_we_compute_leaves_nothing_behind() {
    let (gate, setup) = gated();
    let served = start_with(setup, &Bounds::default());
    let mut connection = served.connect().await;
    connection.send_head("/transform").await;
    connection.send_chunks(&body(), 1_000).await;
    connection.send_end().await;
    gate.wait_for_a_task().await;
    drop(connection);
    served.is_empty().await;
    gate.open();
    served.ask(&body()).await.ok("application/octet-stream");
}

#[tokio::test]
async fn a_client_that_has_only_finished_sending_has_its_answer() {
    let (gate, setup) = gated();
    let served = start_with(setup, &Bounds::default());
    let mut connection = served.connect().await;
    connection.send_head("/transform").await;
    connection.send_chunks(&body(), 1_000).await;
    connection.send_end().await;
    connection.finish_sending().await;
    gate.wait_for_a_task().await;
    // What is said ahead shows that the end of input was seen.
    let start = connection.take_slowly(7, 7).await;
    assert_eq!(start, b"HTTP/1.");
    connection.put_back(start);
    gate.open();
    let answer = connection.receive().await;
    assert_eq!(answer.ok("application/octet-stream"), [1, 2, 3].repeat(12));
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn a_large_answer_is_whole_however_slowly_it_is_read() {
    let served = start_with(Setup::default(), &Bounds::default());
    let source = pictures::plain_png(Size::new(20, 20), [1, 2, 3]);
    let size = r#"[{"imageIndex":0,"width":2000,"fit":"contain"}]"#;
    let body = Form::call(&source, size, "rgba").whole();
    for closes in [false, true] {
        let mut connection = served.connect().await;
        if closes {
            // The server may shut its side down as soon as it has handed the answer over.
            connection.send_head_to_close("/transform").await;
        } else {
            connection.send_head("/transform").await;
        }
        connection.send_chunks(&body, 1_000).await;
        connection.send_end().await;
        let start = connection.take_slowly(64 << 10, 7).await;
        connection.put_back(start);
        let answer = connection.receive().await.ok("application/octet-stream");
        assert!(answer == [1, 2, 3, 255].repeat(2_000 * 2_000));
        if closes {
            assert!(connection.is_closed().await);
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_its_answer_leaves_nothing_behind() {
    let served = start_with(Setup::default(), &Bounds::default());
    let source = pictures::plain_png(Size::new(20, 20), [1, 2, 3]);
    let size = r#"[{"imageIndex":0,"width":2000,"fit":"contain"}]"#;
    let body = Form::call(&source, size, "rgba").whole();
    let mut connection = served.connect().await;
    connection.send_head("/transform").await;
    connection.send_chunks(&body, 1_000).await;
    connection.send_end().await;
    connection.take_slowly(1 << 20, 60_000).await;
    drop(connection);
    served.is_empty().await;
    // A stop waits for whoever is still there: nobody.
    served.stop().await;
}

#[tokio::test]
async fn a_busy_server_says_so_in_the_bindings_words() {
    for (fault, status) in [
        (Fault::new(FaultKind::Busy, "try again shortly"), (503, 9522)),
        (Fault::new(FaultKind::TooSlow, "too slow"), (504, 9529)),
        (
            Fault::new(FaultKind::Internal, "a mistake").with_detail("/etc/secret"),
            (500, 9523),
        ),
        (Fault::new(FaultKind::SourceTooLarge, "too large"), (403, 9413)),
    ] {
        let setup = Setup {
            worker: Some(Arc::new(Always(Err(fault)))),
            ..Setup::default()
        };
        let served = start_with(setup, &Bounds::default());
        let answer = served.ask(&body()).await;
        let (found_status, code, message) = answer.error();
        assert_eq!((found_status, code), status);
        assert!(!message.contains("secret"));
        served.is_empty().await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_by_a_stop() {
    let served = start_with(Setup::default(), &Bounds::default());
    let mut connection = served.connect().await;
    connection
        .ask("/transform", &body(), 1_000)
        .await
        .ok("application/octet-stream");
    served.stop().await;
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn answers_have_the_digest_that_is_wanted() {
    let served = start_with(Setup::default(), &Bounds::default());
    let body = body();
    let mut connection = served.connect().await;
    let plain = connection.ask("/transform", &body, 1_000).await;
    assert_eq!(plain.header("repr-digest"), None);
    connection
        .send_head_and("/transform", "Want-Repr-Digest: sha-256=1\r\n")
        .await;
    connection.send_chunks(&body, 1_000).await;
    connection.send_end().await;
    let answer = connection.receive().await;
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&plain.body)));
    assert_eq!(answer.header("repr-digest"), Some(digest.as_str()));
    assert_eq!(answer.body, plain.body);
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let served = start_with(Setup::default(), &Bounds::default());
    for (request, status) in [
        ("one two\r\n\r\n".to_owned(), 400),
        (
            format!("POST /info HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(300 << 10)),
            431,
        ),
        (format!("POST /{} HTTP/1.1\r\n\r\n", "y".repeat(70 << 10)), 414),
    ] {
        let mut connection = served.connect().await;
        connection.send_plain(request.as_bytes()).await;
        let answer = connection.receive().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(!answer.body.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_kept_longer_than_the_runtime_keeps_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.sock");
    let memory = SourceMemory::new(1 << 30);
    let server = || {
        let (app, settings) = Setup::default().app();
        let binding = binding(&app, &memory, directory.path(), &Bounds::default());
        BindingServer::bind(&path, 0o600, binding, settings).unwrap()
    };
    let mut old = Running::start(server());
    // No work for the worker's threads, whose time does not stand still.
    let mut kept = Connection::open(&path).await;
    assert_eq!(kept.ask("/nothing", b"", 1).await.status, 404);
    tokio::time::sleep(Duration::from_secs(50)).await;
    let answer = kept.ask("/nothing", b"", 1).await;
    assert_eq!((answer.status, answer.header("connection")), (404, None));

    // When another server has taken the name, a little longer still.
    let _new = Running::start(server());
    let mut left = Connection::open(&path).await;
    assert_eq!(left.ask("/nothing", b"", 1).await.status, 404);
    old.begin_stop();
    tokio::time::sleep(Duration::from_secs(11)).await;
    let answer = kept.ask("/nothing", b"", 1).await;
    assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));
    assert!(kept.is_closed().await);
    old.ended().await;
    assert_eq!(left.ask("/nothing", b"", 1).await.status, 404, "the new server's own");
}
