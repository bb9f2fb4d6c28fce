//! `calotype image upload` with the program itself: into a directory, and to a server that runs; cut off in the middle and begun again.

#![allow(clippy::unwrap_used)] // A test may end by it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A GIF (GIF89a, one pixel) that differs by its comment.
fn gif(comment: &str) -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xfe".to_vec();
    bytes.push(u8::try_from(comment.len()).unwrap());
    bytes.extend_from_slice(comment.as_bytes());
    bytes.extend_from_slice(b"\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;");
    bytes
}

fn calotype(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calotype"));
    command.args(arguments).env_clear().env("HOME", home);
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    calotype(home, arguments).output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// The images of a store: the hash of the bytes by the id.
fn stored(home: &Path, data: &str) -> Vec<(String, String)> {
    let (list, errors) = said(&run(home, &["image", "list", "--max", "10000", "--data", data]));
    assert_eq!(errors, "");
    let ids = list.lines().map(|line| line.split("  ").next().unwrap().to_owned());
    ids.map(|id| {
        let (image, _) = said(&run(home, &["image", "show", &id, "--data", data]));
        let image: serde_json::Value = serde_json::from_str(&image).unwrap();
        (id, image["filename"].as_str().unwrap().to_owned())
    })
    .collect()
}

/// A directory of `count` pictures.
fn pictures(directory: &Path, count: usize) -> BTreeMap<String, Vec<u8>> {
    (0..count)
        .map(|n| {
            let name = format!("{}/p{n}.gif", n % 3);
            fs::create_dir_all(directory.join((n % 3).to_string())).unwrap();
            fs::write(directory.join(&name), gif(&n.to_string())).unwrap();
            (name, gif(&n.to_string()))
        })
        .collect()
}

struct Server {
    child: Child,
    url: String,
    token: String,
    account: String,
}

impl Server {
    fn start(home: &Path, data: &str) -> Self {
        let mut child = calotype(
            home,
            &["serve", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--data", data],
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !(said.contains("http://") && said.contains("  hosted ")) {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        // What else it prints must find a reader.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let url = said
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap();
        let url = url.trim_end_matches('/').to_owned();
        let (token, _) = told(home, &["token", "create", "test", "--data", data]);
        let (accounts, _) = told(home, &["account", "list", "--data", data]);
        Self {
            child,
            url,
            token: token.trim().to_owned(),
            account: accounts.split_whitespace().next().unwrap().to_owned(),
        }
    }

    fn upload(&self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = calotype(
            home,
            &["image", "upload", "--server", &self.url, "--account", &self.account],
        );
        command.args(arguments).env("CALOTYPE_TOKEN", &self.token);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn told(home: &Path, arguments: &[&str]) -> (String, String) {
    said(&run(home, arguments))
}

#[test]
fn a_directory_into_a_store_is_there_once_however_often_it_is_uploaded() {
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("data"));
    let (data, photos) = (data.to_str().unwrap(), home.join("photos"));
    let expected = pictures(&photos, 7);
    fs::write(photos.join("notes.txt"), "text").unwrap();
    fs::write(photos.join(".hidden.gif"), gif("x")).unwrap();
    let arguments = [
        "image",
        "upload",
        photos.to_str().unwrap(),
        "--prefix",
        "cat/",
        "--data",
        data,
    ];
    let (plan, _) = said(&run(home, &[&arguments[..], &["--dry-run"]].concat()));
    assert!(
        plan.ends_with("7 to upload, 0 would fail; skipped: 1 hidden, 1 no pictures, 0 links\n"),
        "{plan}"
    );
    assert_eq!(stored(home, data), []);
    let first = run(home, &arguments);
    assert!(first.status.success(), "{:?}", said(&first));
    assert!(said(&first).0.starts_with("7 stored ("), "{:?}", said(&first));
    fs::write(photos.join("new.gif"), gif("new")).unwrap();
    let (second, _) = said(&run(home, &arguments));
    assert!(second.starts_with("1 stored ("), "{second}");
    assert!(second.contains(" 7 there already, 0 failed"), "{second}");
    let mut ids: Vec<_> = stored(home, data).into_iter().map(|(id, _)| id).collect();
    ids.sort();
    let mut names: Vec<_> = expected.keys().map(|name| format!("cat/{name}")).collect();
    names.push("cat/new.gif".to_owned());
    names.sort();
    assert_eq!(ids, names);
}

#[test]
fn failures_are_named_and_end_with_a_code() {
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("data"));
    let (data, photos) = (data.to_str().unwrap(), home.join("photos"));
    fs::create_dir_all(photos.join("keys")).unwrap();
    fs::write(photos.join("good.gif"), gif("good")).unwrap();
    fs::write(photos.join("broken.png"), b"\x89PNG\r\n\x1a\nbroken").unwrap();
    fs::write(photos.join("large.gif"), [gif("large"), vec![0; 10 << 20]].concat()).unwrap();
    fs::write(photos.join("keys/a.gif"), gif("reserved")).unwrap();
    let directory = photos.to_str().unwrap();
    let server = Server::start(home, data);
    for arguments in [
        vec!["--data", data],
        vec!["--server", &server.url, "--account", &server.account],
    ] {
        let output = calotype(home, &[&["image", "upload", directory], &arguments[..]].concat())
            .env("CALOTYPE_TOKEN", &server.token)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let (summary, failures) = said(&output);
        assert!(summary.contains(" 3 failed"), "{summary}");
        for (name, why) in [
            ("broken.png", "mage format"),
            ("large.gif", "larger than 10485760"),
            ("keys/a.gif", "word of the API"),
        ] {
            let line = failures.lines().find(|line| line.contains(name)).unwrap_or_default();
            assert!(line.starts_with("failed  ") && line.contains(why), "{name}: {failures}");
        }
        // The next round finds it.
        fs::write(photos.join("good.gif"), gif("good")).unwrap();
    }
    assert_eq!(stored(home, data), [("good.gif".to_owned(), "good.gif".to_owned())]);
    // Another picture of the name is not taken for it.
    fs::write(photos.join("good.gif"), gif("other")).unwrap();
    let (_, failures) = said(&server.upload(home, &[directory]).output().unwrap());
    assert!(
        failures.contains("there is another picture with the id good.gif"),
        "{failures}"
    );
    let wrong = server
        .upload(home, &[directory])
        .env("CALOTYPE_TOKEN", "wrong")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said(&wrong).1.contains("Authentication error"), "{:?}", said(&wrong));
}

/// Cut off once as soon as some images are there, and then begun again until all is done.
fn interrupted(arguments: &[&str]) {
    const COUNT: usize = 120;
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("data"));
    let (data, photos) = (data.to_str().unwrap(), home.join("photos"));
    let expected = pictures(&photos, COUNT);
    let server = Server::start(home, data);
    let arguments = [&[photos.to_str().unwrap()], arguments].concat();
    let count = || {
        let (list, _) = said(&run(home, &["image", "list", "--max", "10000", "--data", data]));
        list.lines().filter(|line| !line.ends_with("draft")).count()
    };
    let mut kills = 0;
    for at_least in [1, COUNT / 3, COUNT / 2] {
        let mut child = server
            .upload(home, &arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while count() < at_least && child.try_wait().unwrap().is_none() {}
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills > 0, "no run was cut off");
    let last = server.upload(home, &arguments).output().unwrap();
    assert!(last.status.success(), "{:?}", said(&last));
    assert!(said(&last).0.contains(" there already, 0 failed"), "{:?}", said(&last));
    let mut names: Vec<_> = stored(home, data).into_iter().map(|(_, name)| name).collect();
    names.sort();
    let mut expected: Vec<_> = expected
        .keys()
        .map(|name| name.split('/').next_back().unwrap().to_owned())
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let again = server.upload(home, &arguments).output().unwrap();
    assert!(
        said(&again).0.starts_with("0 stored (0 bytes), 120 there already"),
        "{:?}",
        said(&again)
    );
}

#[test]
fn an_upload_that_was_killed_goes_on_with_ids_of_paths() {
    interrupted(&["--jobs", "2", "--creator", "ann"]);
}

#[test]
fn an_upload_that_was_killed_goes_on_with_ids_that_the_server_makes() {
    interrupted(&["--jobs", "2", "--auto-ids", "--private", "--metadata", "{\"n\": 1}"]);
}
