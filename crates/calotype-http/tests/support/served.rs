//! The product on a loopback socket.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calotype_engine::{NoModels, Vision};
use calotype_http::{
    App, AppSettings, HostedSettings, PlaygroundSettings, Server, ServerSettings, SourceSettings, Zones,
};
use calotype_plan::Limits;
use calotype_source::{AllowedOrigins, FetchSettings, Fetcher, LocalRoot};
use calotype_worker::{InProcess, Worker, WorkerSettings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Answer, Connection, Request};
use super::network::Network;
use super::origin::Origin;

/// What to serve, as `calotype serve` would with no arguments, but for the network.
pub struct Setup {
    pub fetch: FetchSettings,
    pub network: Network,
    pub root: Option<LocalRoot>,
    pub zones: Vec<String>,
    pub allowed: AllowedOrigins,
    pub limits: Limits,
    pub playground: Option<PlaygroundSettings>,
    pub hosted: Option<HostedSettings>,
    pub links_canonical: bool,
    pub worker: Option<Arc<dyn Worker>>,
    pub vision: Arc<dyn Vision>,
    pub server: ServerSettings,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            fetch: FetchSettings::default(),
            network: Network::default(),
            root: None,
            zones: Vec::new(),
            allowed: AllowedOrigins::ThisZone,
            limits: Limits::default(),
            playground: None,
            hosted: None,
            links_canonical: true,
            worker: None,
            vision: Arc::new(NoModels),
            server: ServerSettings {
                stop_timeout: Duration::from_secs(30),
                ..ServerSettings::default()
            },
        }
    }
}

impl Setup {
    /// With `--origin`.
    pub fn with_origin(origin: &Origin) -> Self {
        let mut setup = Self::default();
        setup.fetch.trusted_origin = Some(origin.url("/").parse().unwrap());
        setup
    }

    /// With `--root`.
    pub fn with_root(directory: &Path) -> Self {
        let mut setup = Self::default();
        let memory = setup.fetch.memory.clone();
        setup.root = Some(LocalRoot::new(directory, setup.limits.source_bytes_max, memory).unwrap());
        setup
    }

    pub fn app(self) -> (Arc<App>, ServerSettings) {
        let origin = self.fetch.trusted_origin.clone();
        let network = Arc::new(self.network);
        let fetcher = Fetcher::with_network(self.fetch, network.clone(), network);
        let worker = self.worker.unwrap_or_else(|| real_worker(self.limits, self.vision));
        let settings = AppSettings {
            sources: SourceSettings {
                fetcher,
                root: self.root,
                origin,
                zones: Zones::new(self.zones, self.allowed),
            },
            worker,
            limits: self.limits,
            playground: self.playground,
            hosted: self.hosted,
            links_canonical: self.links_canonical,
            encoder_version: calotype_codec::encoder_version().to_owned(),
        };
        (Arc::new(App::new(settings)), self.server)
    }

    /// A server that listens and accepts nobody yet.
    pub async fn bind(self) -> Server {
        let (app, settings) = self.app();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Server::bind(loopback, app, settings).await.unwrap()
    }

    pub async fn serve(self) -> Served {
        let server = self.bind().await;
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move {
            // A dropped sender stops too.
            let _ = stopped.await;
        }));
        Served {
            address,
            stop: Some(stop),
            running,
        }
    }
}

pub fn real_worker(limits: Limits, vision: Arc<dyn Vision>) -> Arc<dyn Worker> {
    let settings = WorkerSettings {
        threads: 2,
        limits,
        ..WorkerSettings::default()
    };
    Arc::new(InProcess::start(settings, vision).unwrap())
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Served {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Served {
    pub async fn connect(&self) -> Connection {
        Connection::open(self.address).await.expect("the server accepts")
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, request: &Request) -> Answer {
        self.connect().await.ask(request).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask(&Request::get(target)).await
    }

    /// Asks the server to stop, as a signal does, and goes on at once.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until the server has ended.
    pub async fn ended(&mut self) {
        tokio::time::timeout(super::client::PATIENCE, &mut self.running)
            .await
            .expect("the server ends in time")
            .expect("no panic");
    }
}
