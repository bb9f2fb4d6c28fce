//! The binding as `calotype serve --binding-socket` has it, beside the URL door over the same app.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calotype_http::{App, BindingServer, BindingSettings, Router, ServerSettings};
use calotype_source::SourceMemory;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::form::{Answer, Connection, Form};
use crate::support::client::PATIENCE;
use crate::support::served::Setup;

/// A running binding. Dropping it stops it.
pub struct Service {
    pub path: PathBuf,
    pub memory: SourceMemory,
    spool: TempDir,
    _directory: TempDir,
    running: Running,
}

/// A server and the way to stop it.
pub struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start(server: BindingServer) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self { stop: Some(stop), task }
    }

    pub fn begin_stop(&mut self) {
        self.stop.take();
    }

    pub async fn ended(mut self) {
        self.begin_stop();
        tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .expect("the server ends in time")
            .expect("no panic");
    }
}

/// What a test changes.
pub struct Bounds {
    pub memory_bytes: u64,
    pub spool_bytes_max: u64,
    pub form_bytes_max: u64,
    pub echo: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            spool_bytes_max: 1 << 30,
            form_bytes_max: 256 << 20,
            echo: false,
        }
    }
}

pub fn binding(app: &App, memory: &SourceMemory, spool: &Path, bounds: &Bounds) -> Arc<Router> {
    let settings = BindingSettings {
        memory: memory.clone(),
        spool: spool.to_owned(),
        spool_bytes_max: bounds.spool_bytes_max,
        form_bytes_max: bounds.form_bytes_max,
        receive_timeout: Duration::from_secs(60),
        echo: bounds.echo,
    };
    Arc::new(Router::new().mount(Arc::new(app.binding(settings).unwrap())))
}

pub fn start() -> Service {
    start_with(Setup::default(), &Bounds::default())
}

pub fn start_with(setup: Setup, bounds: &Bounds) -> Service {
    let (app, settings) = setup.app();
    start_over(&app, settings, bounds)
}

pub fn start_over(app: &App, settings: ServerSettings, bounds: &Bounds) -> Service {
    let (spool, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let memory = SourceMemory::new(bounds.memory_bytes);
    let binding = binding(app, &memory, spool.path(), bounds);
    let path = directory.path().join("images.sock");
    let server = BindingServer::bind(&path, 0o600, binding, settings).unwrap();
    Service {
        path,
        memory,
        spool,
        _directory: directory,
        running: Running::start(server),
    }
}

impl Service {
    pub async fn connect(&self) -> Connection {
        Connection::open(&self.path).await
    }

    pub async fn info(&self, image: &[u8]) -> Answer {
        let body = Form::new().file("image", image).whole();
        self.connect().await.ask("/info", &body, 5_000).await
    }

    pub async fn transform(&self, form: Form) -> Answer {
        self.ask(&form.whole()).await
    }

    pub async fn ask(&self, body: &[u8]) -> Answer {
        self.connect().await.ask("/transform", body, 5_000).await
    }

    /// Waits until no part is held, neither in memory nor in a file.
    pub async fn is_empty(&self) {
        let empty = async {
            while self.memory.bytes_in_use() > 0 || self.open_spool_files() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, empty)
            .await
            .expect("all parts are given up");
        assert_eq!(std::fs::read_dir(self.spool.path()).unwrap().count(), 0);
    }

    /// Files of this process in the spool directory; they have no names there.
    pub fn spool_files(&self) -> Vec<std::fs::Metadata> {
        let descriptors = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        descriptors
            .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(self.spool.path())))
            .filter_map(|entry| std::fs::metadata(entry.path()).ok())
            .collect()
    }

    pub fn open_spool_files(&self) -> usize {
        self.spool_files().len()
    }

    pub async fn stop(self) {
        self.running.ended().await;
    }
}
