//! Requests that are too long for the HTTP layer, or no HTTP: they are refused in the same words as others, and the refusal arrives.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::{Scene, check_keeps_secrets, check_refused};
use crate::support::client::{Answer, Connection, Request};

fn long_options(bytes: usize) -> Request {
    Request::get(&format!(
        "/cdn-cgi/image/w=30,{}/http://pictures.example/good.png",
        "x".repeat(bytes)
    ))
}

/// The answer to long options that the HTTP layer still takes.
async fn expected(scene: &Scene) -> Answer {
    let answer = scene.server.ask(&long_options(20_000)).await;
    check_refused("20 KB", &answer, 414, 9401, "16384");
    answer
}

/// The same refusal, but for the end of the connection that it announces.
#[track_caller]
fn check_same(case: &str, answer: &Answer, expected: &Answer) {
    check_refused(case, answer, 414, 9401, "16384");
    assert_eq!(answer.body, expected.body, "{case}");
    let comparable = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.retain(|(name, _)| name != "date" && name != "connection");
        headers.sort();
        headers
    };
    assert_eq!(comparable(answer), comparable(expected), "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_any_length_are_refused_in_the_same_words() {
    let scene = Scene::start().await;
    let expected = expected(&scene).await;
    // 65,534 bytes are the longest target that the HTTP layer takes; 512 KiB the longest head.
    for bytes in [
        60_000, 65_480, 65_481, 65_482, 65_483, 65_484, 65_490, 65_600, 100_000, 400_000, 524_288, 2_000_000,
    ] {
        let mut connection = scene.server.connect().await;
        let answer = connection.ask(&long_options(bytes)).await;
        check_same(&format!("{bytes} bytes"), &answer, &expected);
        if bytes > 65_600 {
            assert_eq!(answer.header("connection"), Some("close"));
            assert!(connection.is_closed().await, "{bytes} bytes: closed without a reset");
        }
    }
    assert_eq!(scene.origin.targets(), [""; 0]);
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_requests_of_a_connection_are_refused_as_the_first_is() {
    let scene = Scene::start().await;
    let expected = expected(&scene).await;
    for bytes in [100_000, 400_000, 2_000_000] {
        let mut connection = scene.server.connect().await;
        for _ in 0..2 {
            assert_eq!(connection.ask(&Request::get("/health")).await.status, 200);
        }
        let answer = connection.ask(&long_options(bytes)).await;
        check_same(&format!("{bytes} bytes"), &answer, &expected);
        assert!(connection.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_ahead_of_a_long_one_are_answered_first() {
    let scene = Scene::start().await;
    let expected = expected(&scene).await;
    let good = Request::get("/cdn-cgi/image/w=30/http://pictures.example/good.png");
    let whole = scene.server.ask(&good).await.transformed().body;
    for bytes in [100_000, 400_000, 2_000_000] {
        let mut connection = scene.server.connect().await;
        let long = long_options(bytes);
        let health = Request::get("/health");
        // The last one is never answered: after a request that cannot be read nobody knows where the next begins.
        let all: String = [&good, &health, &good, &long, &health].map(Request::head).concat();
        connection.write(all.as_bytes()).await;
        assert_eq!(connection.receive("GET").await.transformed().body, whole);
        assert_eq!(connection.receive("GET").await.status, 200);
        assert_eq!(connection.receive("GET").await.transformed().body, whole);
        check_same(&format!("{bytes} bytes"), &connection.receive("GET").await, &expected);
        assert!(connection.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_line_that_comes_slowly_is_refused_as_one_that_comes_at_once() {
    let scene = Scene::start().await;
    let expected = expected(&scene).await;
    let mut connection = scene.server.connect().await;
    for piece in long_options(100_000).head().as_bytes().chunks(7_001) {
        connection.write(piece).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    check_same("slowly", &connection.receive("GET").await, &expected);
    assert!(connection.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_is_refused_without_a_body() {
    let scene = Scene::start().await;
    let expected = expected(&scene).await;
    let mut request = long_options(100_000);
    request.method = "HEAD".to_owned();
    let mut connection = scene.server.connect().await;
    let answer = connection.ask(&request).await;
    assert_eq!((answer.status, answer.header("cf-resized")), (414, Some("err=9401")));
    assert_eq!(answer.header("content-length"), expected.header("content-length"));
    assert!(connection.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_long_urls_are_refused_with_what_is_wrong_with_them() {
    let scene = Scene::start().await;
    let long = "x".repeat(100_000);
    for target in [
        format!("/cdn-cgi/image/w=30/http://pictures.example/{long}.png"),
        format!("http://calotype.test/cdn-cgi/image/w=30/{long}.png"),
    ] {
        let answer = scene.server.get(&target).await;
        check_refused("long source", &answer, 414, 9401, "65534");
    }
    for target in [format!("/{long}"), format!("/health?{long}"), format!("*{long}"), long] {
        let answer = scene.server.get(&target).await;
        assert_eq!((answer.status, answer.header("cf-resized")), (414, None));
        assert_eq!(answer.text(), "the URL is longer than 65534 bytes; shorten it\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_told_so() {
    let scene = Scene::start().await;
    let ask = async |mut connection: Connection, bytes: &[u8]| {
        connection.write(bytes).await;
        let answer = connection.receive("GET").await;
        assert!(connection.is_closed().await, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        check_keeps_secrets("no HTTP", &answer.text());
        answer
    };
    let good = Request::get("/health").head();
    for bad in [
        "hello\r\n\r\n".to_owned(),
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nNo colon\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nNo colon\r\n\r\n{good}"),
    ] {
        let answer = ask(scene.server.connect().await, bad.as_bytes()).await;
        assert_eq!(answer.status, 400, "{bad:?}");
        assert!(
            answer.text().starts_with("the request is not valid HTTP; "),
            "{answer:?}"
        );
        let mut used = scene.server.connect().await;
        assert_eq!(used.ask(&Request::get("/health")).await.status, 200);
        assert_eq!(ask(used, bad.as_bytes()).await, answer, "{bad:?}");
    }
    let filler = "x".repeat(600_000);
    let lines: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect();
    for headers in [format!("X-Filler: {filler}\r\n"), lines] {
        let bytes = format!("GET /health HTTP/1.1\r\nHost: calotype.test\r\n{headers}\r\n");
        let answer = ask(scene.server.connect().await, bytes.as_bytes()).await;
        assert_eq!(answer.status, 431);
        assert!(
            answer
                .text()
                .starts_with("the headers of the request are too many or too long")
        );
    }
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_looks_like_our_refusal_arrives_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let trap = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n";
    std::fs::write(directory.path().join("trap.txt"), trap.repeat(3)).unwrap();
    let server = crate::support::served::Setup::with_root(directory.path()).serve().await;
    let mut connection = server.connect().await;
    let trap_request = Request::get("/trap.txt");
    let all: String = [&trap_request, &trap_request, &long_options(100_000)]
        .map(Request::head)
        .concat();
    connection.write(all.as_bytes()).await;
    for _ in 0..2 {
        assert_eq!(connection.receive("GET").await.body, trap.repeat(3));
    }
    assert_eq!(connection.receive("GET").await.code(), Some(9401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_path_over_http_2_ends_its_stream_and_not_the_connection() {
    let scene = Scene::start().await;
    let stream = TcpStream::connect(scene.server.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut ask = async |bytes: usize| {
        let uri = format!("http://calotype.test{}", long_options(bytes).target);
        let request = http::Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        sender.send_request(request).await.unwrap()
    };
    let answer = ask(20_000).await;
    assert_eq!(
        (answer.status(), answer.headers()["cf-resized"].as_bytes()),
        (http::StatusCode::URI_TOO_LONG, &b"err=9401"[..])
    );
    // The header list is longer than the server says it takes (RFC 9113, 6.5.2), and is refused by that.
    assert_eq!(ask(65_400).await.status(), 431);
    let answer = ask(20_000).await;
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(text.starts_with(b"ERROR 9401: "));
}
