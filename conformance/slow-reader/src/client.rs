//! HTTP/1.1 on a bare socket: requests as the runtime writes them, and heads of answers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// 26 dashes and 24 digits, as the runtime's.
const BOUNDARY: &str = "--------------------------102938475610293847561029";
/// Bytes of the runtime's chunks.
const CHUNK: usize = 8 << 10;

/// A connection to the service or to the runtime.
#[derive(Debug)]
pub(crate) enum Connection {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// When the last chunk of a request is sent, which ends its body after the form is at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    AtOnce,
    /// When the answer has begun to come.
    Late,
    /// Not at all: the service has to give up reading, and yet to send its answer whole.
    Never,
}

/// What the head of an answer says.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) length: usize,
    /// No further request is taken on this connection.
    pub(crate) closes: bool,
}

impl Connection {
    /// An answer that does not go on for so long is taken for stalled.
    pub(crate) fn unix(path: &Path, patience: Duration) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Self::Unix(stream))
    }

    pub(crate) fn tcp(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Self::Tcp(stream))
    }

    /// A call of the binding: a canvas, no operations, raw pixels.
    pub(crate) fn send_form(&mut self, image: &[u8], keeps: bool, end: End) -> io::Result<()> {
        let close = if keeps { "" } else { "Connection: close\r\n" };
        let head = format!(
            "POST /transform HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: js.images.cloudflare.com\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n{close}\r\n"
        );
        let mut form =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"image\"\r\n\r\n")
                .into_bytes();
        form.extend_from_slice(image);
        for (name, value) in [("transforms", "[]"), ("output_format", "rgba")] {
            form.extend_from_slice(
                format!("\r\n--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}")
                    .as_bytes(),
            );
        }
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let mut request = head.into_bytes();
        for chunk in form.chunks(CHUNK) {
            request.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        self.write_all(&request)?;
        if end == End::AtOnce { self.send_end() } else { Ok(()) }
    }

    pub(crate) fn send_end(&mut self) -> io::Result<()> {
        self.write_all(b"0\r\n\r\n")
    }

    pub(crate) fn send_plain(&mut self, method: &str, target: &str, body: &[u8], keeps: bool) -> io::Result<()> {
        let close = if keeps { "" } else { "Connection: close\r\n" };
        let length = if method == "GET" {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: slow-reader.test\r\n{length}{close}\r\n").into_bytes();
        request.extend_from_slice(body);
        self.write_all(&request)
    }

    /// The head of the next answer.
    pub(crate) fn read_head(&mut self) -> Result<Head, String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                Ok(_) => return Err(format!("closed within the head, after {} bytes", head.len())),
                Err(error) => return Err(format!("no head: {error}")),
            }
        }
        let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .ok_or("no status")?;
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        Ok(Head {
            status,
            length: length.ok_or("no length")?,
            closes: text.contains("\r\nconnection: close\r\n"),
        })
    }

    /// Whether the other side ends the connection without another byte.
    pub(crate) fn is_at_end(&mut self) -> bool {
        matches!(self.read(&mut [0]), Ok(0))
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
