//! Bytes that are no pictures, broken ones, and bombs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calotype_plan::Size;

use super::{Scene, check_keeps_secrets, check_refused};
use crate::support::pictures;
use crate::support::served::Setup;

/// A TIFF of one pixel in JBIG, which nobody reads.
fn tiff() -> Vec<u8> {
    // Width, height, bits, compression, photometric, strip offset, rows per strip, strip bytes.
    let entries: [(u16, u16); 8] = [
        (256, 1),
        (257, 1),
        (258, 1),
        (259, 34_661),
        (262, 1),
        (273, 8),
        (278, 1),
        (279, 1),
    ];
    let mut bytes = b"II*\0\x0a\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        const SHORT: u16 = 3;
        for part in [tag, SHORT, 1, 0, value, 0] {
            bytes.extend_from_slice(&part.to_le_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused_whatever_its_type_says() {
    let scene = Scene::start().await;
    let page = b"<!doctype html><title>Sign in</title><p>no picture";
    let png = pictures::coordinate_png(Size::new(300, 200));
    let jpeg = pictures::jpeg(Size::new(300, 200));
    let mut damaged = png.clone();
    for byte in &mut damaged[60..90] {
        *byte ^= 0x5a;
    }
    let tiff = tiff();
    for (case, body, status, code) in [
        ("HTML that says it is a JPEG", &page[..], 415, 9412),
        ("empty", b"", 415, 9412),
        ("text", b"just text", 415, 9412),
        ("JSON", b"{\"error\":\"no\"}", 415, 9412),
        ("zeros", &[0; 4096], 415, 9412),
        ("one byte", b"\xff", 415, 9412),
        ("a TIFF in JBIG", &tiff, 415, 9520),
        ("half a PNG", &png[..png.len() / 2], 422, 9516),
        ("a damaged PNG", &damaged, 422, 9516),
        ("half a JPEG", &jpeg[..jpeg.len() / 2], 422, 9516),
        ("the head of a JPEG", &jpeg[..20], 422, 9516),
    ] {
        scene.origin.file("/x", &[("Content-Type", "image/jpeg")], body);
        check_refused(case, &scene.get("http://pictures.example/x").await, status, code, "");
        scene.check_alive().await;
    }
    // And the other way: content decides.
    scene.origin.file("/x", &[("Content-Type", "text/html")], &png);
    scene.get("http://pictures.example/x").await.transformed();
}

fn corpus() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("CALOTYPE_SHARED") else {
        assert!(
            std::env::var_os("CI").is_none_or(|v| v != "true"),
            "CALOTYPE_SHARED must name the test corpus in CI"
        );
        eprintln!("CALOTYPE_SHARED is not set: the corpus was left out");
        return None;
    };
    Some(Path::new(&shared).join("corpus"))
}

/// Bytes that a bomb may make this whole process hold on top of what it holds anyway. A job's own limit is 2 GiB; a bomb is refused at sight or
/// stays small.
const BOMB_BYTES_MAX: u64 = 600 << 20;
const BOMB_TIME_MAX: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn decompression_bombs_are_answered_in_time_and_in_bounded_memory() {
    let Some(corpus) = corpus() else { return };
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let server = Setup::with_root(&corpus).serve().await;
    let mut seen = 0;
    let bombs = manifest["files"].as_array().unwrap().iter().filter(|entry| {
        let file = entry["file"].as_str().unwrap();
        file.contains("-bomb/")
            || entry["tags"]
                .as_array()
                .is_some_and(|tags| tags.iter().any(|tag| tag == "bomb"))
    });
    for entry in bombs {
        let file = entry["file"].as_str().unwrap();
        let before = resident_bytes();
        forget_peak();
        let start = Instant::now();
        let answer = server.get(&format!("/cdn-cgi/image/w=100/{file}")).await;
        let (took, held) = (start.elapsed(), peak_bytes().saturating_sub(before));
        assert!(took < BOMB_TIME_MAX, "{file}: {took:?}");
        assert!(held < BOMB_BYTES_MAX, "{file}: {held} bytes");
        if answer.status == 200 {
            assert_ne!(entry["expected"], "must be refused cleanly", "{file}");
            answer.transformed();
        } else {
            let code = answer.code().unwrap();
            let refused_well = matches!(
                (answer.status, code),
                (403, 9413) | (413, 9402) | (415, 9412 | 9520) | (422, 9516)
            );
            assert!(refused_well, "{file}: {} {}", answer.status, answer.text());
            check_keeps_secrets(file, &answer.text());
        }
        seen += 1;
    }
    assert!(seen >= 12, "{seen} bombs");
    server
        .get("/cdn-cgi/image/w=10/gif/image/interlaced.gif")
        .await
        .transformed();
}

fn status_bytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() * 1024
}

fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

fn peak_bytes() -> u64 {
    status_bytes("VmHWM:")
}

/// Begins a new peak (`proc_pid_clear_refs(5)`). Where that is not allowed, the old one counts, and the test is stricter.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
