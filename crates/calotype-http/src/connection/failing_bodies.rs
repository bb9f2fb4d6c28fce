//! Bodies that fail half-way, on real sockets: what a client sees of them.

use std::error::Error as _;
use std::fmt::Debug;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::delivery::stalled_socket::{AnyBody, BODY_BYTES, pattern};
use super::{HttpServer, Refuse, Socket};

/// No end takes longer; a test that would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(60);

fn serve(socket: impl Socket, is_length_known: bool) {
    let refuse: Refuse = Box::new(|_| Bytes::new());
    let server = HttpServer::new(PATIENCE, PATIENCE, 100);
    tokio::spawn(server.serve(socket, refuse, move |_| {
        let answer = Response::new(AnyBody::failing(is_length_known));
        async move { Ok(answer) }
    }));
}

/// A client's socket; the other end is served.
async fn over_tcp(is_length_known: bool) -> TcpStream {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    serve(listener.accept().await.unwrap().0, is_length_known);
    client
}

async fn over_unix(is_length_known: bool) -> UnixStream {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calotype.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).await.unwrap();
    serve(listener.accept().await.unwrap().0, is_length_known);
    client
}

/// Asks, and returns the head, the body as far as it came, and how it ended.
async fn ask(mut client: impl AsyncRead + AsyncWrite + Unpin, version: &str) -> (String, Vec<u8>, io::Result<usize>) {
    let request = format!("GET / {version}\r\nHost: calotype.test\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let end = tokio::time::timeout(PATIENCE, client.read_to_end(&mut all))
        .await
        .expect("an end in time");
    let head = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = all.split_off(head);
    (String::from_utf8(all).unwrap().to_ascii_lowercase(), body, end)
}

fn is_reset(end: &io::Result<usize>) -> bool {
    matches!(end, Err(error) if error.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn tcp_connections_are_reset() {
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        let (head, body, end) = ask(over_tcp(true).await, version).await;
        assert!(head.contains("content-length: 500000\r\n"), "{head}");
        assert!(body.len() < BODY_BYTES);
        assert!(pattern(BODY_BYTES).starts_with(&body));
        assert!(is_reset(&end), "{version}: {end:?}");
    }
    let (head, body, end) = ask(over_tcp(false).await, "HTTP/1.1").await;
    assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    assert!(head.contains("connection: close\r\n"), "{head}");
    assert!(!body.ends_with(b"0\r\n\r\n"));
    assert!(is_reset(&end), "{end:?}");
    // Here the reset alone tells.
    let (head, _, end) = ask(over_tcp(false).await, "HTTP/1.0").await;
    assert!(!head.contains("content-length") && !head.contains("chunked"), "{head}");
    assert!(is_reset(&end), "{end:?}");
}

#[tokio::test]
async fn over_unix_sockets_the_answer_is_short() {
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        let (head, body, _) = ask(over_unix(true).await, version).await;
        assert!(head.contains("content-length: 500000\r\n"), "{head}");
        assert!(body.len() < BODY_BYTES);
        assert!(pattern(BODY_BYTES).starts_with(&body));
    }
    let (head, body, _) = ask(over_unix(false).await, "HTTP/1.1").await;
    assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    assert!(!body.ends_with(b"0\r\n\r\n"));
}

async fn http_2_resets_the_stream(client: impl AsyncRead + AsyncWrite + Unpin + Send + Debug + 'static) {
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client))
        .await
        .unwrap();
    tokio::spawn(connection);
    // The second one shows that the connection outlives the first.
    for _ in 0..2 {
        let request = Request::get("http://calotype.test/")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let error = answer.into_body().collect().await.expect_err("no whole body");
        let reason = error.source().map(ToString::to_string).unwrap_or_default();
        // RFC 9113, 6.4: RST_STREAM.
        assert!(reason.contains("stream error received"), "{reason}");
    }
}

#[tokio::test]
async fn over_http_2_the_stream_is_reset_and_the_connection_goes_on() {
    for is_length_known in [true, false] {
        http_2_resets_the_stream(over_tcp(is_length_known).await).await;
        http_2_resets_the_stream(over_unix(is_length_known).await).await;
    }
}
