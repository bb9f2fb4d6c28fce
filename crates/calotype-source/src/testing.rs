//! A network in memory: names, addresses and origins that follow a script.
//!
//! Connections are pipes inside the process, so that paused clocks work: nothing is ever under way outside the runtime.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::connect::{BoxFuture, BoxedIo, Dial, Resolve};
use crate::{FetchSettings, Fetcher, PostSettings, Poster};

/// What an origin does with one request.
#[derive(Clone)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone)]
enum Then {
    /// Waits for the next request.
    KeepOpen,
    /// Ends the connection.
    Close,
    /// Says nothing more and keeps the connection.
    Stall,
    /// One byte more at every interval, for ever.
    Drip(Duration),
}

impl Answer {
    /// A whole answer with its length.
    pub(crate) fn new(status: u16, headers: &str, body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        Self {
            bytes,
            then: Then::KeepOpen,
        }
    }

    /// 200 with this body.
    pub(crate) fn ok(body: &[u8]) -> Self {
        Self::new(200, "", body)
    }

    /// A redirect.
    pub(crate) fn redirect(to: &str) -> Self {
        Self::new(302, &format!("Location: {to}\r\n"), b"moved")
    }

    /// These bytes as they are.
    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: bytes.as_ref().to_vec(),
            then: Then::Close,
        }
    }

    pub(crate) fn then_close(self) -> Self {
        Self {
            then: Then::Close,
            ..self
        }
    }

    pub(crate) fn then_stall(self) -> Self {
        Self {
            then: Then::Stall,
            ..self
        }
    }

    pub(crate) fn then_drip(self, interval: Duration) -> Self {
        Self {
            then: Then::Drip(interval),
            ..self
        }
    }
}

type Script = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

/// What is at an address.
#[derive(Clone)]
enum Port {
    Origin(Script),
    Hangs,
}

/// What happened on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Dialled(SocketAddr),
    Request(String),
    /// The client closed a connection.
    Closed,
}

#[derive(Default)]
pub(crate) struct Network {
    names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    ports: HashMap<SocketAddr, Port>,
    hanging_names: Vec<String>,
    events: Option<UnboundedSender<Event>>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The addresses of a name. Said again for the same name, it is what the next look-ups answer; the last one stays.
    pub(crate) fn name(self, host: &str, addresses: &[&str]) -> Self {
        let addresses = addresses
            .iter()
            .map(|address| address.parse().expect("an address"))
            .collect();
        self.names
            .lock()
            .expect("no panic")
            .entry(host.to_owned())
            .or_default()
            .push_back(addresses);
        self
    }

    /// A name whose look-up never ends.
    pub(crate) fn hanging_name(mut self, host: &str) -> Self {
        self.hanging_names.push(host.to_owned());
        self
    }

    /// An origin at an address; it is asked with the path of each request.
    pub(crate) fn origin(mut self, address: &str, script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        self.ports
            .insert(address.parse().expect("an address"), Port::Origin(Arc::new(script)));
        self
    }

    /// An address where connecting never ends.
    pub(crate) fn hangs(mut self, address: &str) -> Self {
        self.ports.insert(address.parse().expect("an address"), Port::Hangs);
        self
    }

    /// A fetcher on this network, and what happens there.
    pub(crate) fn fetcher(mut self, settings: FetchSettings) -> (Fetcher, Events) {
        let (sender, receiver) = unbounded_channel();
        self.events = Some(sender);
        let network = Arc::new(self);
        (
            Fetcher::with_network(settings, Arc::new(Names(network.clone())), Arc::new(Ports(network))),
            Events(receiver),
        )
    }

    /// A poster on this network, and what happens there.
    pub(crate) fn poster(mut self, settings: PostSettings) -> (Poster, Events) {
        let (sender, receiver) = unbounded_channel();
        self.events = Some(sender);
        let network = Arc::new(self);
        (
            Poster::with_network(settings, Arc::new(Names(network.clone())), Arc::new(Ports(network))),
            Events(receiver),
        )
    }

    fn tell(&self, event: Event) {
        // The test may have stopped listening.
        let _ = self.events.as_ref().expect("set by `fetcher` and `poster`").send(event);
    }
}

/// What happened so far and what happens next.
pub(crate) struct Events(UnboundedReceiver<Event>);

impl Events {
    /// Everything up to now.
    pub(crate) fn so_far(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }

    /// The requests up to now, as text.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        let request = |event| {
            if let Event::Request(text) = event {
                Some(text)
            } else {
                None
            }
        };
        self.so_far().into_iter().filter_map(request).collect()
    }

    /// The addresses dialled up to now.
    pub(crate) fn dialled(&mut self) -> Vec<String> {
        let dialled = |event| {
            if let Event::Dialled(address) = event {
                Some(address.to_string())
            } else {
                None
            }
        };
        self.so_far().into_iter().filter_map(dialled).collect()
    }

    /// Waits until this happens.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Event) -> bool) {
        while let Some(event) = self.0.recv().await {
            if wanted(&event) {
                return;
            }
        }
        panic!("the network is gone");
    }
}

struct Names(Arc<Network>);

impl Resolve for Names {
    fn resolve(&self, host: &str) -> BoxFuture<io::Result<Vec<IpAddr>>> {
        if self.0.hanging_names.iter().any(|name| name == host) {
            return Box::pin(std::future::pending());
        }
        let mut names = self.0.names.lock().expect("no panic");
        let answer = names.get_mut(host).and_then(|answers| {
            if answers.len() > 1 {
                answers.pop_front()
            } else {
                answers.front().cloned()
            }
        });
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("NXDOMAIN at 10.9.8.7")) })
    }
}

struct Ports(Arc<Network>);

impl Dial for Ports {
    fn dial(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxedIo>> {
        let network = self.0.clone();
        Box::pin(async move {
            network.tell(Event::Dialled(address));
            match network.ports.get(&address).cloned() {
                None => Err(io::ErrorKind::ConnectionRefused.into()),
                Some(Port::Hangs) => std::future::pending().await,
                Some(Port::Origin(script)) => {
                    let (ours, theirs) = tokio::io::duplex(64 << 10);
                    tokio::spawn(async move { serve(theirs, &script, &network).await });
                    Ok(BoxedIo::new(ours))
                }
            }
        })
    }
}

/// Answers requests until the script or the client ends the connection. Errors only mean that the client left.
async fn serve(mut io: DuplexStream, script: &Script, network: &Network) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match io.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return network.tell(Event::Closed),
            }
        }
        let head = String::from_utf8(head).expect("requests are ASCII");
        let path = head.split(' ').nth(1).expect("a request line").to_owned();
        network.tell(Event::Request(head));
        let answer = script(&path);
        if io.write_all(&answer.bytes).await.is_err() {
            return network.tell(Event::Closed);
        }
        match answer.then {
            Then::KeepOpen => {}
            Then::Close => return,
            Then::Stall => {
                // Ends when the client closes.
                let _ = io.read_u8().await;
                return network.tell(Event::Closed);
            }
            Then::Drip(interval) => loop {
                tokio::time::sleep(interval).await;
                if io.write_all(b".").await.is_err() {
                    return network.tell(Event::Closed);
                }
            },
        }
    }
}
