//! Stands before an S3 server and does what networks and servers do on bad days. One request a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The proxy answers so itself, with this code in a document as S3 has it.
    Answer(u16, &'static str),
    /// So many bytes of the server's answer, head and all, and then a reset.
    Reset(usize),
    /// So many bytes of the server's answer, and then silence.
    Silence(usize),
    /// The server does what it is asked, and its answer is never passed on.
    Lost,
}

/// A proxy that is listening, for as long as the runtime lives.
#[derive(Debug, Clone)]
pub(crate) struct FaultProxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The method that is hit, the fault, and how often it still comes.
    fault: Option<(&'static str, Fault, usize)>,
    /// The first lines of all requests.
    requests: Vec<String>,
    /// Answers that the server gave and that were not passed on.
    lost: usize,
}

impl FaultProxy {
    /// Stands before the server of this endpoint.
    pub(crate) async fn before(endpoint: &str) -> Self {
        let upstream: SocketAddr = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let served = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move {
                    // A client or server that goes away ends the connection, which is all there is to do.
                    let _ = served.connection(client, upstream).await;
                });
            }
        });
        proxy
    }

    /// From now on, so many requests of this method are hit.
    pub(crate) fn hit(&self, method: &'static str, fault: Fault, times: usize) {
        self.state.lock().unwrap().fault = Some((method, fault, times));
    }

    /// From now on, every request is passed on.
    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().fault = None;
    }

    /// The first lines of the requests since the last time.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// Returns when the server has answered a request whose answer was lost.
    pub(crate) async fn has_lost(&self) {
        while self.state.lock().unwrap().lost == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What happens to this request.
    fn fault_of(&self, head: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.requests.push(head.lines().next().unwrap_or_default().to_owned());
        let (method, fault, times) = state.fault.as_mut()?;
        if *times == 0 || !head.starts_with(&format!("{method} ")) {
            return None;
        }
        *times -= 1;
        Some(*fault)
    }

    async fn connection(&self, mut client: TcpStream, upstream: SocketAddr) -> std::io::Result<()> {
        let (head, mut body) = read_head(&mut client).await?;
        let length = content_length(&head);
        let fault = self.fault_of(&head);
        if let Some(Fault::Answer(status, code)) = fault {
            let mut left = length.saturating_sub(body.len());
            while left > 0 {
                let count = client.read(&mut [0; 16 << 10]).await?;
                left = if count == 0 { 0 } else { left.saturating_sub(count) };
            }
            let document =
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as asked for</Message></Error>");
            let document = if head.starts_with("HEAD") {
                String::new()
            } else {
                document
            };
            let answer = format!(
                "HTTP/1.1 {status} Fault\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
                document.len()
            );
            client.write_all(answer.as_bytes()).await?;
            return client.shutdown().await;
        }
        let mut server = TcpStream::connect(upstream).await?;
        let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(head.as_bytes()).await?;
        while body.len() < length {
            let mut piece = vec![0; 16 << 10];
            let count = client.read(&mut piece).await?;
            if count == 0 {
                return Ok(());
            }
            body.extend_from_slice(&piece[..count]);
        }
        server.write_all(&body).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        match fault {
            None | Some(Fault::Answer(..)) => {
                client.write_all(&answer).await?;
                client.shutdown().await
            }
            Some(Fault::Reset(bytes)) => {
                client.write_all(&answer[..bytes.min(answer.len())]).await?;
                // What was written is read before the reset comes.
                tokio::time::sleep(Duration::from_millis(100)).await;
                client.set_zero_linger()
            }
            Some(Fault::Silence(bytes)) => {
                client.write_all(&answer[..bytes.min(answer.len())]).await?;
                std::future::pending().await
            }
            Some(Fault::Lost) => {
                self.state.lock().unwrap().lost += 1;
                std::future::pending().await
            }
        }
    }
}

/// A head, and what came with it of the body.
async fn read_head(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Ok((String::from_utf8(bytes).unwrap(), body));
        }
        let mut piece = vec![0; 16 << 10];
        let count = client.read(&mut piece).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&piece[..count]);
    }
}

fn content_length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(0, |(_, value)| value.trim().parse().unwrap())
}
