//! The service and the runtime as processes, and what the system says of the service.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Setup;

const START_TIME: Duration = Duration::from_secs(30);
/// Longer than the service waits for the rest of a request, and for idle readers to be told.
const SETTLE_TIME: Duration = Duration::from_secs(30);

/// A running service.
pub(crate) struct Calotype {
    child: Child,
    spool: PathBuf,
    /// Of the URL door.
    pub(crate) address: SocketAddr,
}

impl Calotype {
    pub(crate) fn start(setup: &Setup, socket: &Path, send_buffer: Option<usize>, more: &[&str]) -> Self {
        let spool = setup.work.join("spool");
        fs::create_dir_all(&spool).expect("a directory");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(setup.work.join("calotype.log"))
            .expect("a log");
        let mut command = Command::new(&setup.calotype);
        command.args([
            "serve",
            "--no-hosted",
            "--listen",
            "127.0.0.1:0",
            "--set",
            "log=warn",
            "--set",
            "queue=4096",
            "--set",
            "job_timeout=2m",
        ]);
        command.arg("--binding-socket").arg(socket);
        command.arg("--set").arg(format!("binding_spool={}", spool.display()));
        if let Some(bytes) = send_buffer {
            command.arg("--send-buffer").arg(bytes.to_string());
        }
        command
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().expect("the service starts");
        let mut first = String::new();
        let _ = BufReader::new(child.stdout.take().expect("its output")).read_line(&mut first);
        let address = first.trim().rsplit("http://").next().and_then(|text| text.parse().ok());
        let address = address.unwrap_or_else(|| panic!("the service said {first:?}; see calotype.log"));
        wait_until(|| UnixStream::connect(socket).is_ok(), "the socket of the service");
        Self { child, spool, address }
    }

    /// The most memory that it has held since it started, in bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
            .unwrap_or(0)
            * 1024
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// Descriptors once there are no more than there were, or when waiting has no sense any more.
    pub(crate) fn settled_descriptors(&self, before: usize) -> usize {
        let started = Instant::now();
        while self.descriptors() > before && started.elapsed() < SETTLE_TIME {
            sleep(Duration::from_millis(100));
        }
        self.descriptors()
    }

    /// Files in its spool directory, with names and without.
    pub(crate) fn spool_files(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .into_iter()
            .flatten()
            .flatten();
        let open = open.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(&self.spool)));
        open.count() + fs::read_dir(&self.spool).map_or(0, Iterator::count)
    }

    /// Tells it to stop, as a supervisor does. It waits for every connection that is open still, so the time shows whether one was left.
    pub(crate) fn stop(&mut self) -> Duration {
        let started = Instant::now();
        self.terminate();
        let _ = self.child.wait();
        started.elapsed()
    }

    /// The same without waiting.
    pub(crate) fn terminate(&mut self) {
        let _ = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status();
    }
}

impl Drop for Calotype {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running runtime with a Worker whose binding is the service.
pub(crate) struct Workerd {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Workerd {
    pub(crate) fn start(setup: &Setup, socket: &Path) -> Self {
        Self::start_at(setup, socket, free_address())
    }

    pub(crate) fn start_at(setup: &Setup, socket: &Path, address: SocketAddr) -> Self {
        let config = fs::read_to_string(setup.workers.join("config.capnp.in")).expect("the configuration");
        let config = config
            .replace("@SOCKET@", &socket.display().to_string())
            .replace("@ADDRESS@", &address.to_string());
        let directory = setup.work.join("workers");
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("config.capnp"), config).expect("a file");
        fs::copy(setup.workers.join("user.js"), directory.join("user.js")).expect("a file");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(setup.work.join("workerd.log"))
            .expect("a log");
        let mut command = Command::new(&setup.workerd);
        command.arg("serve").arg("config.capnp").current_dir(&directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("the runtime starts");
        wait_until(|| TcpStream::connect(address).is_ok(), "the runtime; see workerd.log");
        Self { child, address }
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that is free now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address")
}

fn wait_until(is_so: impl Fn() -> bool, what: &str) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < START_TIME, "{what} is not there");
        sleep(Duration::from_millis(20));
    }
}
