//! An HTTP client that tells a whole answer from one that was cut off.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// No answer of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks one server, with one token.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub account: String,
    pub token: String,
}

/// An answer that has come whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// A multipart form.
#[derive(Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub fn text(mut self, name: &str, text: &str) -> Self {
        let part = format!("--x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    pub fn file(mut self, bytes: &[u8]) -> Self {
        self.0
            .extend_from_slice(b"--x7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n");
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The result of a success.
    #[track_caller]
    pub fn result(&self) -> Value {
        let envelope = self.json();
        assert_eq!(self.status, 200, "{envelope}");
        envelope["result"].clone()
    }

    /// The status and code of a failure.
    pub fn code(&self) -> (u16, u64) {
        (
            self.status,
            self.json()["errors"][0]["code"].as_u64().unwrap_or_default(),
        )
    }
}

impl Client {
    /// A request without credentials; `None` when the connection ended before its answer did.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let body = bytes.split_off(end);
        let head = String::from_utf8(bytes).unwrap();
        let status = head.get(9..12)?.parse().ok()?;
        let length = head.to_ascii_lowercase();
        let length = length
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.parse().ok());
        // A killed server's answer may end early, and its connection in order all the same.
        (method == "HEAD" || status == 204 || length == Some(body.len())).then_some(Answer { status, head, body })
    }

    /// The path of an endpoint.
    pub fn path(&self, rest: &str) -> String {
        format!("/client/v4/accounts/{}/images/{rest}", self.account)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// A request to an endpoint, with the token.
    pub fn ask(&self, method: &str, rest: &str) -> Option<Answer> {
        self.send(method, &self.path(rest), &[("Authorization", &self.bearer())], b"")
    }

    pub fn ask_json(&self, method: &str, rest: &str, body: &Value) -> Option<Answer> {
        let headers = [("Authorization", &*self.bearer()), ("Content-Type", "application/json")];
        self.send(method, &self.path(rest), &headers, body.to_string().as_bytes())
    }

    pub fn send_form(&self, rest: &str, form: Form) -> Option<Answer> {
        let body = [&form.0[..], b"--x7--\r\n"].concat();
        let headers = [
            ("Authorization", &*self.bearer()),
            ("Content-Type", "multipart/form-data; boundary=x7"),
        ];
        self.send("POST", &self.path(rest), &headers, &body)
    }

    /// A form to a path that takes no token.
    pub fn send_form_to(&self, target: &str, form: Form) -> Option<Answer> {
        let body = [&form.0[..], b"--x7--\r\n"].concat();
        self.send(
            "POST",
            target,
            &[("Content-Type", "multipart/form-data; boundary=x7")],
            &body,
        )
    }
}

/// An id as one segment of a path.
pub fn segment(id: &str) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The path of an absolute URL.
pub fn path_of(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    rest.get(rest.find('/').unwrap()..).unwrap().to_owned()
}
