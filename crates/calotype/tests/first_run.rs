//! The program as a stranger starts it: no arguments, and then what it prints, line by line.

#![allow(clippy::unwrap_used)] // A test may end by it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server that is told to stop when it goes out of scope.
struct Server {
    child: Child,
    /// What it printed, up to the last line of the first run.
    said: String,
}

impl Server {
    /// Starts the program in an empty environment with this home, on a free port.
    fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_calotype"))
            .args(["serve", "--listen", "127.0.0.1:0", "--stop-with-stdin"])
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        // The whole announcement is one write; the line of the store is its last, or the URL of the first picture.
        while !(said.contains("  hosted ") && (said.contains("hello/public\n") || !is_first(home, &said))) {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        Self { child, said }
    }

    /// The first word that begins so.
    fn word(&self, start: &str) -> &str {
        let found = self.said.split_whitespace().find(|word| word.starts_with(start));
        found.unwrap_or_else(|| panic!("{start} in {}", self.said))
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Whether a token is still to be printed: on the first start in a home, unless hosted images are off.
fn is_first(home: &Path, said: &str) -> bool {
    !said.contains("hosted       off") && !home.join("seen").exists()
}

fn get(url: &str) -> Vec<u8> {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn body(answer: &[u8]) -> &[u8] {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    answer.get(head + 4..).unwrap()
}

#[test]
fn what_the_first_start_prints_works_as_printed_and_the_second_prints_no_token() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let sample = get(&format!(
        "http://{}/-/samples/lake.jpg",
        server.word("http://").rsplit('/').next().unwrap()
    ));
    std::fs::write(home.path().join("photo.jpg"), body(&sample)).unwrap();
    // The two lines of curl, as they stand there.
    let curl = server
        .said
        .split_once("    curl ")
        .unwrap()
        .1
        .split_once("It is then at")
        .unwrap()
        .0;
    let uploaded = Command::new("sh")
        .args(["-c", &format!("curl -sS {curl}")])
        .current_dir(home.path())
        .output()
        .unwrap();
    let answer = String::from_utf8(uploaded.stdout).unwrap();
    assert!(answer.contains("\"success\":true"), "{answer}");
    let url = server
        .said
        .lines()
        .find(|line| line.ends_with("/hello/public"))
        .unwrap()
        .trim();
    assert!(answer.contains(url), "{url} is among the variants: {answer}");
    let picture = get(url);
    assert!(
        picture.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&picture)
    );
    assert!(body(&picture).starts_with(&[0xff, 0xd8]), "a JPEG");
    let place = home.path().join(".local/share/calotype");
    assert!(place.join("calotype.db").is_file());

    // A second server would tread on the first one; it says what to do.
    let second = Command::new(env!("CARGO_BIN_EXE_calotype"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let refused = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{refused}");
    assert!(
        refused.contains("--data") && refused.contains("--no-hosted"),
        "{refused}"
    );
    // Commands work beside the server, on the same directory.
    let listed = Command::new(env!("CARGO_BIN_EXE_calotype"))
        .args(["image", "list"])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&listed.stdout).starts_with("hello "),
        "{listed:?}"
    );
    server.stop();

    std::fs::write(home.path().join("seen"), "").unwrap();
    let again = Server::start(home.path(), &[]);
    assert!(!again.said.contains("ctk_"), "{}", again.said);
}

#[test]
fn without_hosted_images_nothing_is_written() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &["--no-hosted"]);
    assert!(server.said.contains("off: switched off"), "{}", server.said);
    let base = server.word("http://").to_owned();
    assert!(get(&format!("{base}/client/v4/user/tokens/verify")).starts_with(b"HTTP/1.1 404 "));
    server.stop();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
