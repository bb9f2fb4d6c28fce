//! Large bodies are whole, whatever the reader or the server is about to do.

use std::time::Duration;

use calotype_http::ServerSettings;
use calotype_plan::Size;
use tokio::net::TcpSocket;

use super::wait_until_refused;
use crate::support::client::{Connection, Request};
use crate::support::pictures;
use crate::support::served::{Served, Setup};

/// A result that is far larger than what sockets hold, and a reader who takes a few bytes at a time.
pub(super) struct LargeBody {
    pub(super) server: Served,
    _directory: tempfile::TempDir,
    pub(super) whole: Vec<u8>,
}

impl LargeBody {
    pub(super) const TARGET: &str = "/cdn-cgi/image/f=png-force/noise.png";

    pub(super) async fn start() -> Self {
        Self::start_with(ServerSettings::default()).await
    }

    async fn start_with(settings: ServerSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("noise.png"),
            pictures::noise_png(Size::new(1200, 1000)),
        )
        .unwrap();
        let mut setup = Setup::with_root(directory.path());
        setup.server = settings;
        let server = setup.serve().await;
        let whole = server.get(Self::TARGET).await.transformed().body;
        assert!(whole.len() > 3_000_000, "{} bytes", whole.len());
        Self {
            server,
            _directory: directory,
            whole,
        }
    }

    /// A connection whose receive buffer is as small as the system allows.
    pub(super) async fn slow_connection(&self) -> Connection {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2_048).unwrap();
        Connection::over(socket.connect(self.server.address).await.unwrap())
    }

    pub(super) fn check(&self, body: &[u8]) {
        assert_eq!(body.len(), self.whole.len());
        assert!(body == self.whole, "the bytes differ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_every_byte() {
    let large = LargeBody::start().await;
    for close in [false, true] {
        let mut request = Request::get(LargeBody::TARGET);
        if close {
            request = request.header("Connection", "close");
        }
        let mut connection = large.slow_connection().await;
        connection.send(&request).await;
        let head = connection.receive_head().await;
        let length: usize = head.header("content-length").unwrap().parse().unwrap();
        let body = connection.take_slowly(length, 61).await;
        large.check(&body);
        if close {
            assert!(connection.is_closed().await);
        } else {
            assert_eq!(connection.ask(&Request::get("/health")).await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_every_byte_of_a_server_that_stops() {
    let mut large = LargeBody::start().await;
    let mut connection = large.slow_connection().await;
    connection.send(&Request::get(LargeBody::TARGET)).await;
    let head = connection.receive_head().await;
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    let mut body = connection.take_slowly(10_000, 61).await;
    large.server.begin_stop();
    wait_until_refused(&large.server).await;
    body.extend(connection.take_slowly(length - body.len(), 61).await);
    large.check(&body);
    assert!(connection.is_closed().await);
    large.server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stops_reading_is_dropped_and_can_tell() {
    let large = LargeBody::start_with(ServerSettings {
        // One place: the next connection is served when this one is gone.
        connections_max: 1,
        write_timeout: Duration::from_millis(100),
        ..ServerSettings::default()
    })
    .await;
    let mut connection = large.slow_connection().await;
    connection.send(&Request::get(LargeBody::TARGET)).await;
    let head = connection.receive_head().await;
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert_eq!(large.server.get("/health").await.status, 200);
    let body = connection.take_until_reset().await;
    assert!(
        body.len() < length,
        "the answer was finished for a reader who did not read"
    );
    assert!(large.whole.starts_with(&body));
}
