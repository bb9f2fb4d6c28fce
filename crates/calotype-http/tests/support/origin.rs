//! An origin on a loopback socket that answers each path with the bytes of a script, and remembers what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// One step of an answer.
#[derive(Debug, Clone)]
pub enum Step {
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Writes one byte again and again with a pause between.
    Drip(Duration),
    /// Waits for a permit of this gate.
    Wait(Arc<Semaphore>),
    /// Says nothing more until the other side leaves.
    Stall,
    /// Ends the connection. Without it the connection stays open for the next request.
    Close,
}

/// An origin. Ends when it is dropped.
#[derive(Debug)]
pub struct Origin {
    pub address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    scripts: Mutex<HashMap<String, Vec<Step>>>,
    /// The heads of all requests, as they came.
    requests: Mutex<Vec<String>>,
}

impl Origin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self {
            address,
            state,
            accepting,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers a path (with its query) by these steps from now on. Other paths are 404.
    pub fn on(&self, path: &str, steps: Vec<Step>) {
        self.state.scripts.lock().unwrap().insert(path.to_owned(), steps);
    }

    /// Answers a path with a file.
    pub fn file(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.on(path, vec![Step::Send(ok(headers, body))]);
    }

    /// Redirects a path.
    pub fn redirect(&self, path: &str, to: &str) {
        self.on(path, vec![Step::Send(answer("302 Found", &[("Location", to)], b""))]);
    }

    /// The heads of all requests up to now.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The targets that were asked for up to now.
    pub fn targets(&self) -> Vec<String> {
        self.requests().iter().map(|head| target(head).to_owned()).collect()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A whole answer with an honest length.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

pub fn ok(headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    answer("200 OK", headers, body)
}

fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    while let Some(head) = read_head(&mut stream).await {
        let script = state.scripts.lock().unwrap().get(target(&head)).cloned();
        state.requests.lock().unwrap().push(head);
        let script = script.unwrap_or_else(|| vec![Step::Send(answer("404 Not Found", &[], b""))]);
        for step in script {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Drip(pause) => loop {
                    tokio::time::sleep(pause).await;
                    if stream.write_all(b".").await.is_err() {
                        return;
                    }
                },
                Step::Wait(gate) => gate.acquire().await.unwrap().forget(),
                Step::Stall => {
                    // Ends when the other side closes.
                    let _ = stream.read_u8().await;
                    return;
                }
                Step::Close => return,
            }
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
