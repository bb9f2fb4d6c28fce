//! A disk without room: what is refused, what goes on, and what is left.
//!
//! The disk is a small file system in memory, mounted by the test; where that is not allowed the tests say that they are left out.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::client::{Client, Form};
use crate::kills::{ShownOnFailure, assert_no_panic};
use crate::pictures::picture;
use crate::program::Place;

const DISK_BYTES: usize = 8 << 20;
const FULL: &str =
    "Error received from the storage: it is full. What is stored can be read; try again when there is room";

/// A small disk. Dropped, it is gone.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={DISK_BYTES}"), "calotype-test"])
            .arg(directory.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        println!("left out: no file system can be mounted here, so none can be filled");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room but so many pages of 4 KiB.
    fn fill(&self, pages_left: usize) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(4096 * pages_left as u64)).unwrap();
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// A picture with so many bytes behind its end.
fn large(number: u32, bytes: usize) -> Vec<u8> {
    let mut picture = picture(number);
    picture.resize(bytes, 0);
    picture
}

fn upload(client: &Client, id: &str, bytes: &[u8]) -> (u16, String) {
    let form = Form::default().text("id", id).file(bytes);
    let answer = client.send_form("v1", form).unwrap();
    let message = answer.json()["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if answer.status != 200 {
        assert_eq!(answer.code(), (500, 5540), "{message}");
    }
    (answer.status, message)
}

/// Stored images can be listed, read and shown.
fn assert_readable(client: &Client, hash: &str, images: &[(String, Vec<u8>)]) {
    let page = client.ask("GET", "v2").unwrap().result();
    assert_eq!(page["images"].as_array().unwrap().len(), images.len());
    for (id, bytes) in images {
        assert!(
            client.ask("GET", &format!("v1/{id}/blob")).unwrap().body == *bytes,
            "{id}"
        );
        let target = format!("/cdn-cgi/imagedelivery/{hash}/{id}/public");
        assert_eq!(client.send("GET", &target, &[], b"").unwrap().status, 200, "{id}");
    }
}

#[test]
fn uploads_to_a_full_disk_are_refused_in_words_and_everything_else_goes_on() {
    let Some(disk) = Disk::mount() else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let _shown = ShownOnFailure(&log);
    let data = disk.path().join("data");
    let place = Place::new(&data, None);
    let server = place.serve(&log, &[]);
    let client = &server.client;
    let mut images = Vec::new();
    let mut keep = |id: &str, bytes: Vec<u8>| {
        assert_eq!(upload(client, id, &bytes), (200, String::new()));
        images.push((id.to_owned(), bytes));
        images.clone()
    };
    keep("first", picture(1));
    let stored = keep("second", large(2, 100_000));
    // From no room at all to room for the file but perhaps not for its row: each step is refused or done, never by halves.
    let mut refused = 0;
    let mut stored = stored;
    for pages in [0, 1, 2, 4, 8, 16, 30] {
        let ballast = disk.fill(pages);
        let (id, bytes) = (format!("full{pages}"), large(10 + pages as u32, 60_000));
        let (status, message) = upload(client, &id, &bytes);
        match status {
            200 => stored.push((id.clone(), bytes)),
            _ => {
                assert_eq!(message, FULL);
                refused += 1;
            }
        }
        assert_readable(client, &place.hash, &stored);
        assert_eq!(
            std::fs::read_dir(data.join("incoming")).unwrap().count(),
            0,
            "no leftovers"
        );
        std::fs::remove_file(ballast).unwrap();
    }
    assert!(refused >= 3, "{refused}");
    // Rows cannot be written either: the database has no room.
    let ballast = disk.fill(0);
    let mut failures = 0;
    for round in 0..200 {
        let metadata = json!({"metadata": {"text": "x".repeat(900), "round": round}});
        let answer = client.ask_json("PATCH", "v1/first", &metadata).unwrap();
        if answer.status != 200 {
            assert_eq!(answer.code(), (500, 5540), "{}", answer.json());
            assert_eq!(answer.json()["errors"][0]["message"], FULL);
            failures += 1;
            break;
        }
    }
    assert_eq!(failures, 1, "the database grew where there was no room");
    assert_readable(client, &place.hash, &stored);
    // Room again: everything works at once, by the same process.
    std::fs::remove_file(ballast).unwrap();
    for (id, number) in [("later", 100), ("last", 101)] {
        let bytes = large(number, 60_000);
        assert_eq!(upload(client, id, &bytes).0, 200);
        stored.push((id.to_owned(), bytes));
    }
    client
        .ask_json("PATCH", "v1/first", &json!({"creator": "room"}))
        .unwrap()
        .result();
    assert_readable(client, &place.hash, &stored);
    let stats = client.ask("GET", "v1/stats").unwrap().result();
    assert_eq!(stats["count"]["current"], stored.len());
    drop(server);
    place.command(&["store", "check", "--bytes"]);
    assert_no_panic(&log);
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("No space left on device"), "the operator is told: {log}");
}
