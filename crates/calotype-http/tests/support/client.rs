//! An HTTP/1.1 client over a bare socket: what it sends and what it keeps is exact to the byte.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of a test takes longer; a test that would hang fails instead.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A request before it is written.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Adds a header. Without a `Host` of its own a request is sent to `calotype.test`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("Content-Length", &length)
    }

    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("Host: calotype.test\r\n");
        }
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        head
    }
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = |(n, _): &&(String, String)| n == name;
        self.headers
            .iter()
            .filter(same)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The value of a header that may stand there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands there {} times", all.len());
        all.first().copied()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The texts of all warnings, without their agent and code.
    pub fn warnings(&self) -> Vec<String> {
        let strip = |line: &str| {
            line.strip_prefix("cf-images 299 \"")
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or_else(|| panic!("no warning: {line}"))
                .to_owned()
        };
        self.all("warning").into_iter().map(strip).collect()
    }

    /// The code of an error answer, which stands in its header and in its body (spec 13.4).
    pub fn code(&self) -> Option<u16> {
        let code: u16 = self.header("cf-resized")?.strip_prefix("err=")?.parse().unwrap();
        let (text, prefix) = (self.text(), format!("ERROR {code}: "));
        assert!(
            text.starts_with(&prefix),
            "the body must begin with {prefix:?}: {text:?}"
        );
        Some(code)
    }

    /// Asserts that a transform ran, and gives the answer back.
    #[track_caller]
    pub fn transformed(self) -> Self {
        assert_eq!(self.status, 200, "{:?}: {}", self.headers, self.text());
        let resized = self.header("cf-resized").unwrap_or_default();
        assert!(resized.starts_with("internal=ok/"), "{resized}");
        self
    }
}

/// An open connection, which can ask more than once.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Read and not used yet.
    ahead: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::over(TcpStream::connect(address).await?))
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    pub async fn send(&mut self, request: &Request) {
        // In one piece: a server may close when a body comes later than its answer.
        self.write(&[request.head().as_bytes(), &request.body].concat()).await;
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    pub async fn ask(&mut self, request: &Request) -> Answer {
        self.send(request).await;
        self.receive(&request.method).await
    }

    /// The next answer, to a request with this method.
    pub async fn receive(&mut self, method: &str) -> Answer {
        let mut answer = self.receive_head().await;
        if let Some(length) = body_length(&answer, method) {
            answer.body = self.take(length).await;
        }
        answer
    }

    /// The status line and headers of the next answer.
    pub async fn receive_head(&mut self) -> Answer {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(end) = self.ahead.windows(4).position(|w| w == b"\r\n\r\n") {
                    let rest = self.ahead.split_off(end + 4);
                    let head = std::mem::replace(&mut self.ahead, rest);
                    return parse_head(&head);
                }
                let read = self.stream.read_buf(&mut self.ahead).await.expect("an answer");
                assert_ne!(
                    read,
                    0,
                    "closed within the head: {:?}",
                    String::from_utf8_lossy(&self.ahead)
                );
            }
        })
        .await
        .expect("an answer in time")
    }

    /// So many bytes of the body.
    pub async fn take(&mut self, length: usize) -> Vec<u8> {
        tokio::time::timeout(PATIENCE, async {
            while self.ahead.len() < length {
                let read = self.stream.read_buf(&mut self.ahead).await.expect("a body");
                assert_ne!(
                    read,
                    0,
                    "the body was cut: {} of {length} bytes arrived",
                    self.ahead.len()
                );
            }
        })
        .await
        .expect("a body in time");
        let rest = self.ahead.split_off(length);
        std::mem::replace(&mut self.ahead, rest)
    }

    /// Takes at most `piece` bytes from the socket at a time until `length` are there or the server closes.
    pub async fn take_slowly(&mut self, length: usize, piece: usize) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.ahead);
        let mut buffer = vec![0; piece];
        tokio::time::timeout(PATIENCE, async {
            while body.len() < length {
                let read = self.stream.read(&mut buffer).await.expect("a body");
                if read == 0 {
                    break;
                }
                body.extend_from_slice(&buffer[..read]);
            }
        })
        .await
        .expect("a body in time");
        body
    }

    /// Takes what comes until the connection ends, well or badly.
    pub async fn take_until_cut(&mut self, length: usize) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.ahead);
        tokio::time::timeout(PATIENCE, async {
            while body.len() < length && self.stream.read_buf(&mut body).await.is_ok_and(|read| read > 0) {}
        })
        .await
        .expect("an end in time");
        body
    }

    /// Takes what comes until the server resets the connection.
    pub async fn take_until_reset(&mut self) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.ahead);
        let end = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut body));
        let error = end.await.expect("an end in time").expect_err("a reset, and no end");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        body
    }

    /// Says that nothing more will be sent; answers are still read.
    pub async fn finish_sending(&mut self) {
        self.stream.shutdown().await.expect("an open connection");
    }

    /// Leaves at once: the server's system is told by a reset.
    pub fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Whether the server closes without another byte.
    pub async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut byte)).await;
        self.ahead.is_empty() && matches!(read.expect("an end in time"), Ok(0) | Err(_))
    }
}

/// Reads a head that ends with an empty line.
fn parse_head(head: &[u8]) -> Answer {
    let head = std::str::from_utf8(head).expect("a head in ASCII");
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer {
        status: status.unwrap_or_else(|| panic!("no status line: {status_line}")),
        headers: lines.map(header).collect(),
        body: Vec::new(),
    }
}

/// The length of the body to come, which every answer announces (spec 12.6). `None` where none comes.
fn body_length(answer: &Answer, method: &str) -> Option<usize> {
    assert_eq!(answer.header("transfer-encoding"), None, "bodies have a known length");
    if method == "HEAD" || matches!(answer.status, 204 | 304) || answer.status < 200 {
        return None;
    }
    let length = answer
        .header("content-length")
        .unwrap_or_else(|| panic!("no Content-Length: {answer:?}"));
    Some(length.parse().unwrap())
}

/// Reads to the end of whatever it is.
pub async fn read_to_end(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut all = Vec::new();
    tokio::time::timeout(PATIENCE, from.read_to_end(&mut all))
        .await
        .expect("an end in time")
        .expect("readable");
    all
}
