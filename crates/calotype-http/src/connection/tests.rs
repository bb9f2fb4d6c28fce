//! The socket alone, polled by hand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pair() -> (TcpStream, Connection<TcpStream>, Arc<Ledger>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let ledger = Arc::<Ledger>::default();
    let refuse: Refuse = Box::new(|unreadable| format!("HTTP/1.1 refused {unreadable:?}").into());
    let timeout = Duration::from_secs(60);
    let connection = Connection::new(server, ledger.clone(), timeout, 100, refuse);
    (client, connection, ledger)
}

#[tokio::test]
async fn the_end_of_input_is_kept_back_without_turning_in_circles_until_the_answer_is_written() {
    let (mut client, mut connection, ledger) = pair().await;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut request = [0; 18];
    connection.read_exact(&mut request).await.unwrap();
    ledger.begin();
    client.shutdown().await.unwrap();

    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let poll = |connection: &mut Connection<TcpStream>| {
        let mut byte = [0];
        Pin::new(connection).poll_read(&mut Context::from_waker(&waker), &mut ReadBuf::new(&mut byte))
    };
    // Once the start of the answer has come, the end of input was seen.
    let mut start = [0; 7];
    tokio::select! {
        biased;
        read = client.read_exact(&mut start) => drop(read.unwrap()),
        () = async { loop { assert!(poll(&mut connection).is_pending()); tokio::task::yield_now().await; } } => {}
    }
    assert_eq!(&start, b"HTTP/1.");
    let before = wakes.0.load(Ordering::SeqCst);
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        wakes.0.load(Ordering::SeqCst),
        before,
        "nothing happened, and nobody was woken"
    );

    ledger.answer(Some(2));
    connection.write_all(b"HTTP/1.1 200 OK\r\n\r\no").await.unwrap();
    assert!(poll(&mut connection).is_pending(), "the answer is not whole");
    connection.write_all(b"k").await.unwrap();
    assert_eq!(
        wakes.0.load(Ordering::SeqCst),
        before + 1,
        "the end of input can be read now"
    );
    assert!(matches!(poll(&mut connection), Poll::Ready(Ok(()))));
    drop(connection);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"1 200 OK\r\n\r\nok");
}

#[tokio::test]
async fn only_what_no_answer_of_the_service_accounts_for_is_replaced() {
    let (mut client, mut connection, ledger) = pair().await;
    let own = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // A service's 400 with the HTTP layer's own as its body, an interim answer, and then, in one piece, another answer and the layer's own.
    ledger.begin();
    ledger.answer(Some(own.len() as u64));
    connection.write_all(&[&own[..], own].concat()).await.unwrap();
    connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    ledger.begin();
    ledger.answer(Some(0));
    connection.write_all(&[&own[..], own].concat()).await.unwrap();
    connection.flush().await.unwrap();
    drop(connection);
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    let expected = [
        &own[..],
        own,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        own,
        b"HTTP/1.1 refused Malformed",
    ]
    .concat();
    assert_eq!(String::from_utf8_lossy(&all), String::from_utf8_lossy(&expected));
}

#[tokio::test]
async fn a_shutdown_in_the_middle_of_an_answer_becomes_a_reset() {
    let (mut client, mut connection, ledger) = pair().await;
    ledger.begin();
    ledger.answer(Some(10));
    connection.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
    let refused = connection.shutdown().await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionAborted);
    drop(connection);
    let mut all = Vec::new();
    let reset = client.read_to_end(&mut all).await.unwrap_err();
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(all, b"HTTP/1.1 200 OK\r\n\r\nhello");
}

#[tokio::test]
async fn an_answer_of_unknown_length_is_at_its_end_when_the_connection_is_shut_down() {
    let (mut client, mut connection, ledger) = pair().await;
    ledger.begin();
    ledger.answer(None);
    connection.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
    assert!(ledger.is_under_way());
    connection.shutdown().await.unwrap();
    assert!(!ledger.is_under_way());
    drop(connection);
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"HTTP/1.1 200 OK\r\n\r\nhello");
}

#[tokio::test]
async fn http_2_passes_untouched() {
    let (mut client, mut connection, _ledger) = pair().await;
    for piece in HTTP_2_PREFACE.chunks(5) {
        client.write_all(piece).await.unwrap();
        connection.read_exact(&mut vec![0; piece.len()]).await.unwrap();
    }
    let own = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    connection.write_all(own).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, own);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_is_waited_for_so_long_and_no_longer() {
    let (mut client, mut connection, _ledger) = pair().await;
    connection.write_all(b"HTTP/1.1 431 Too Large\r\n\r\n").await.unwrap();
    let started = tokio::time::Instant::now();
    connection.shutdown().await.unwrap();
    assert_eq!(started.elapsed().as_secs(), LINGER_TIME.as_secs());
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"HTTP/1.1 refused LongHeaders");
}
