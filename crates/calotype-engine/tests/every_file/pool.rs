//! The parent's side: children that are given cases, watched, and replaced when they die or hang.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::child::{Case, Done};

/// Wall time after which a child that has not answered is ended. Far above what is allowed of the processor: other programs may be running.
const PATIENCE: Duration = Duration::from_secs(90);
/// The argument that makes the program a child.
pub(crate) const CHILD: &str = "--child";

/// How a case ended.
#[derive(Debug)]
pub(crate) enum End {
    /// With an answer.
    Done(Done),
    /// With the end of the child: the last words it said.
    Died(String),
    /// It was ended, because it had not answered for this long.
    Hung(Duration),
}

/// A child process and the lines to it.
pub(crate) struct Worker {
    running: Option<Running>,
    /// Where what it says on its error stream goes.
    errors: tempfile::NamedTempFile,
}

struct Running {
    process: Child,
    to: ChildStdin,
    from: Receiver<String>,
}

impl Worker {
    pub(crate) fn new() -> Self {
        Self {
            running: None,
            errors: tempfile::NamedTempFile::new().unwrap(),
        }
    }

    /// Does one case.
    pub(crate) fn ask(&mut self, case: &Case) -> End {
        let errors = self.errors.path();
        let running = self
            .running
            .get_or_insert_with(|| Running::start(File::create(errors).unwrap()));
        let mut line = serde_json::to_string(case).unwrap();
        line.push('\n');
        // A child that is gone shows in the answer.
        let _ = running.to.write_all(line.as_bytes()).and_then(|()| running.to.flush());
        match running.from.recv_timeout(PATIENCE) {
            Ok(answer) => End::Done(serde_json::from_str(&answer).unwrap()),
            Err(reason) => {
                let _ = running.process.kill();
                let status = running.process.wait().unwrap();
                self.running = None;
                match reason {
                    RecvTimeoutError::Timeout => End::Hung(PATIENCE),
                    RecvTimeoutError::Disconnected => {
                        let said = std::fs::read_to_string(self.errors.path()).unwrap_or_default();
                        let lines: Vec<&str> = said.lines().collect();
                        let last = lines[lines.len().saturating_sub(4)..].join(" ");
                        End::Died(format!("{status}: {last}"))
                    }
                }
            }
        }
    }
}

impl Running {
    fn start(errors: File) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(CHILD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let (to, out) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, to, from }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.to);
            let _ = running.process.wait();
        }
    }
}

/// Does something with every item, in their order, on as many threads as the machine has cores; each thread has a value of its own.
pub(crate) fn each<T: Sync, W>(items: &[T], new: impl Fn() -> W + Sync, act: impl Fn(&mut W, &T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = new();
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    act(&mut own, item);
                }
            });
        }
    });
}
