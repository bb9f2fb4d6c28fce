//! A network of our own making: what names mean, and where public addresses lead.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use calotype_source::{BoxedIo, Dial, Resolve};
use tokio::net::TcpStream;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Names, addresses, and a record of who asked for them. Clones share one record.
#[derive(Debug, Clone, Default)]
pub struct Network(Arc<State>);

#[derive(Debug, Default)]
struct State {
    names: Mutex<HashMap<String, IpAddr>>,
    routes: Mutex<HashMap<SocketAddr, SocketAddr>>,
    silent: Mutex<Vec<SocketAddr>>,
    resolved: Mutex<Vec<String>>,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl Network {
    /// A name means this address from now on.
    pub fn name(&self, host: &str, address: &str) {
        let address = address.parse().unwrap();
        self.0.names.lock().unwrap().insert(host.to_owned(), address);
    }

    /// Whoever dials `address` is connected to `to`. Loopback addresses lead to themselves; all others refuse.
    pub fn route(&self, address: &str, to: SocketAddr) {
        let address = address.parse().unwrap();
        self.0.routes.lock().unwrap().insert(address, to);
    }

    /// Whoever dials `address` waits for ever.
    pub fn silent(&self, address: &str) {
        self.0.silent.lock().unwrap().push(address.parse().unwrap());
    }

    /// The names that were looked up.
    pub fn resolved(&self) -> Vec<String> {
        self.0.resolved.lock().unwrap().clone()
    }

    /// The addresses that were dialled.
    pub fn dialled(&self) -> Vec<SocketAddr> {
        self.0.dialled.lock().unwrap().clone()
    }
}

impl Resolve for Network {
    fn resolve(&self, host: &str) -> BoxFuture<io::Result<Vec<IpAddr>>> {
        self.0.resolved.lock().unwrap().push(host.to_owned());
        let found = self.0.names.lock().unwrap().get(host).copied();
        Box::pin(async move {
            found
                .map(|address| vec![address])
                .ok_or_else(|| io::Error::other("NXDOMAIN from 10.9.8.7"))
        })
    }
}

impl Dial for Network {
    fn dial(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxedIo>> {
        self.0.dialled.lock().unwrap().push(address);
        let route = self.0.routes.lock().unwrap().get(&address).copied();
        if self.0.silent.lock().unwrap().contains(&address) {
            return Box::pin(std::future::pending());
        }
        let to = route.or(address.ip().is_loopback().then_some(address));
        Box::pin(async move {
            let to = to.ok_or(io::ErrorKind::ConnectionRefused)?;
            Ok(BoxedIo::new(TcpStream::connect(to).await?))
        })
    }
}
