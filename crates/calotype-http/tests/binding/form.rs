//! Forms as the runtime writes them (binding spec 2.2), and a client that sends them in any pieces.

use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::support::client::PATIENCE;

/// 26 dashes and 24 digits.
pub const BOUNDARY: &str = "--------------------------102938475610293847561029";

/// A multipart form.
#[derive(Debug, Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    /// A part with these header lines.
    pub fn raw(mut self, head: &str, data: &[u8]) -> Self {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        self.0.extend_from_slice(data);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn file(self, name: &str, data: &[u8]) -> Self {
        self.raw(
            &format!("content-disposition: form-data; name=\"{name}\"; filename=\"{name}\""),
            data,
        )
    }

    pub fn text(self, name: &str, text: &str) -> Self {
        self.raw(
            &format!("content-disposition: form-data; name=\"{name}\""),
            text.as_bytes(),
        )
    }

    /// The canvas, the operations and the format of a whole call.
    pub fn call(canvas: &[u8], transforms: &str, format: &str) -> Self {
        Self::layers(canvas, &[], transforms, format)
    }

    pub fn layers(canvas: &[u8], drawn: &[&[u8]], transforms: &str, format: &str) -> Self {
        drawn
            .iter()
            .fold(Self::new().file("image", canvas), |form, layer| {
                form.file("draw_image", layer)
            })
            .text("transforms", transforms)
            .text("output_format", format)
    }

    /// The body, up to and with the closing delimiter and the line break after it.
    pub fn whole(self) -> Vec<u8> {
        let mut body = self.0;
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    /// The body as it is when the runtime's own source broke off.
    pub fn cut(self) -> Vec<u8> {
        self.0
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().filter(|(n, _)| n == name);
        let first = all.next().map(|(_, value)| value.as_str());
        assert!(all.next().is_none(), "{name} stands there twice");
        first
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The bytes of a success of this type.
    #[track_caller]
    pub fn ok(self, content_type: &str) -> Vec<u8> {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("cf-images-binding"), None);
        assert_eq!(self.header("content-type"), Some(content_type));
        self.body
    }

    /// Status, code and text of an error, as the runtime reads them (5.1).
    #[track_caller]
    pub fn error(&self) -> (u16, u16, String) {
        let code: u16 = self
            .header("cf-images-binding")
            .and_then(|value| value.strip_prefix("err="))
            .unwrap_or_else(|| panic!("no error: {self:?}"))
            .parse()
            .unwrap();
        assert_eq!(self.header("content-type"), Some("text/plain"));
        let text = self.text();
        assert_eq!(text.trim(), text, "no line break at the end");
        let message = text
            .strip_prefix(&format!("ERROR {code}: "))
            .unwrap_or_else(|| panic!("{text}"));
        (self.status, code, message.to_owned())
    }
}

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// A connection of the runtime.
pub struct Connection {
    stream: Box<dyn Socket>,
    ahead: Vec<u8>,
}

impl Connection {
    pub async fn open(path: &Path) -> Self {
        Self {
            stream: Box::new(UnixStream::connect(path).await.expect("somebody listens")),
            ahead: Vec::new(),
        }
    }

    pub async fn open_port(address: SocketAddr) -> Self {
        Self {
            stream: Box::new(TcpStream::connect(address).await.expect("somebody listens")),
            ahead: Vec::new(),
        }
    }

    /// The three headers that the runtime sends.
    pub async fn send_head(&mut self, target: &str) {
        self.send_head_and(target, "").await;
    }

    pub async fn send_head_to_close(&mut self, target: &str) {
        self.send_head_and(target, "Connection: close\r\n").await;
    }

    pub async fn send_head_and(&mut self, target: &str, more: &str) {
        self.send_head_with(&format!(
            "POST {target} HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: js.images.cloudflare.com\r\nContent-Type: multipart/form-data; \
             boundary={BOUNDARY}\r\n{more}\r\n"
        ))
        .await;
    }

    pub async fn send_head_with(&mut self, head: &str) {
        self.stream.write_all(head.as_bytes()).await.unwrap();
    }

    /// Chunks of so many bytes. `false`: the server takes no more.
    pub async fn send_chunks(&mut self, body: &[u8], piece: usize) -> bool {
        for chunk in body.chunks(piece) {
            let framed = [format!("{:X}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
            if self.stream.write_all(&framed).await.is_err() {
                return false;
            }
        }
        true
    }

    pub async fn send_end(&mut self) {
        let _ = self.stream.write_all(b"0\r\n\r\n").await;
    }

    pub async fn ask(&mut self, target: &str, body: &[u8], piece: usize) -> Answer {
        self.send_head(target).await;
        self.send_chunks(body, piece).await;
        self.send_end().await;
        self.receive().await
    }

    pub async fn receive(&mut self) -> Answer {
        tokio::time::timeout(PATIENCE, self.receive_whole())
            .await
            .expect("an answer in time")
    }

    /// The next so many bytes, of head and body alike, in pieces of at most `piece`.
    pub async fn take_slowly(&mut self, count: usize, piece: usize) -> Vec<u8> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            let mut buffer = vec![0; piece.min(count - taken.len())];
            let read = self.stream.read(&mut buffer).await.expect("an answer");
            assert_ne!(read, 0, "cut after {} bytes", taken.len());
            taken.extend_from_slice(&buffer[..read]);
            // The server may go on, and must not take this for the end.
            tokio::task::yield_now().await;
        }
        taken
    }

    /// Says that nothing more will be sent; answers are still read.
    pub async fn finish_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Whether an answer has begun to come. Does not wait for it.
    pub async fn has_answer(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.ahead);
        tokio::select! {
            biased;
            read = read => assert_ne!(read.expect("an answer"), 0, "closed"),
            () = std::future::ready(()) => {}
        }
        !self.ahead.is_empty()
    }

    /// Gives bytes back that were taken.
    pub fn put_back(&mut self, bytes: Vec<u8>) {
        self.ahead.splice(0..0, bytes);
    }

    async fn receive_whole(&mut self) -> Answer {
        let head_end = loop {
            if let Some(end) = self.ahead.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(
                self.stream.read_buf(&mut self.ahead).await.expect("an answer"),
                0,
                "closed"
            );
        };
        let head = String::from_utf8(self.ahead.drain(..head_end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let mut answer = Answer {
            status,
            headers: headers.map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect(),
            body: Vec::new(),
        };
        assert_eq!(answer.header("transfer-encoding"), None, "the length is known");
        let length: usize = answer.header("content-length").expect("a length").parse().unwrap();
        while self.ahead.len() < length {
            assert_ne!(self.stream.read_buf(&mut self.ahead).await.expect("a body"), 0, "cut");
        }
        answer.body = self.ahead.drain(..length).collect();
        answer
    }

    /// Whether the server closes without another byte.
    pub async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut byte)).await;
        matches!(read.expect("an end in time"), Ok(0) | Err(_))
    }
}

impl Connection {
    /// Bytes without framing.
    pub async fn send_plain(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}
