//! The built program, as a process that can be killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use crate::client::Client;

/// Where a server keeps its images.
pub struct Place {
    pub data: PathBuf,
    pub database: Option<String>,
    pub account: String,
    pub hash: String,
    pub token: String,
    /// Of every server that is started here, with its value.
    pub environment: Vec<(String, String)>,
}

/// A server. Dropped, it is killed.
pub struct Running {
    child: Child,
    pub client: Client,
    announced: Option<BufReader<std::process::ChildStdout>>,
    // The server stops when this ends, even if the test's own process is killed.
    _input: ChildStdin,
}

impl Place {
    /// A place with its first account and a token.
    pub fn new(data: &Path, database: Option<String>) -> Self {
        let mut place = Self {
            data: data.to_owned(),
            database,
            account: String::new(),
            hash: String::new(),
            token: String::new(),
            environment: Vec::new(),
        };
        place.token = place
            .command(&["token", "create", "test"])
            .lines()
            .last()
            .unwrap()
            .to_owned();
        let accounts = place.command(&["account", "list"]);
        let mut words = accounts.split_whitespace();
        place.account = words.next().unwrap().to_owned();
        place.hash = words.next().unwrap().to_owned();
        place
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calotype"));
        command.env("CALOTYPE_DATA", &self.data).env_remove("CALOTYPE_DATABASE");
        if let Some(database) = &self.database {
            command.env("CALOTYPE_DATABASE", database);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What a command does.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.program().args(arguments).output().unwrap()
    }

    /// What a command prints; it has to succeed.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}{errors}");
        text
    }

    /// Starts a server that logs to a file.
    pub fn serve(&self, log: &Path, arguments: &[&str]) -> Running {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = self
            .program()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--no-playground",
                "--stop-with-stdin",
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut announced = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        announced.read_line(&mut line).unwrap();
        let address = line
            .trim()
            .rsplit_once("http://")
            .unwrap_or_else(|| panic!("no server: {line}"))
            .1;
        Running {
            client: Client {
                address: address.parse().unwrap(),
                account: self.account.clone(),
                token: self.token.clone(),
            },
            _input: child.stdin.take().unwrap(),
            announced: Some(announced),
            child,
        }
    }
}

impl Running {
    /// Ends it as nothing can be prepared for.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and tells what else it printed.
    pub fn stop(mut self) -> String {
        let process = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &process])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
        let mut text = String::new();
        self.announced.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
