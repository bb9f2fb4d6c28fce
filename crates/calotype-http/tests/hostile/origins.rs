//! Origins that lie, stall, fail or send too much.

use std::io::Write as _;
use std::time::{Duration, Instant};

use calotype_plan::Size;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Scene, check_refused, send};
use crate::support::origin::{Step, answer, ok};
use crate::support::pictures;

#[tokio::test(flavor = "multi_thread")]
async fn origins_that_lie_about_lengths_are_found_out() {
    let scene = Scene::start().await;
    let png = pictures::coordinate_png(Size::new(300, 200));
    let with_length = |length: usize| {
        let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        bytes.extend_from_slice(&png);
        bytes
    };
    let chunked = |body: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    for (case, steps, status, code, hint) in [
        (
            "longer than sent",
            vec![send(with_length(png.len() + 1)), Step::Close],
            502,
            9402,
            "whole",
        ),
        // What arrives is cut as announced; the rest of it must not become the answer to the next request.
        (
            "shorter than sent",
            vec![send(with_length(png.len() / 2))],
            422,
            9516,
            "",
        ),
        (
            "cut within a chunk",
            vec![send(chunked("ff\r\nabc")), Step::Close],
            502,
            9402,
            "whole",
        ),
        (
            "cut between chunks",
            vec![send(chunked("3\r\nabc\r\n")), Step::Close],
            502,
            9402,
            "whole",
        ),
        ("no chunk length", vec![send(chunked("xyz\r\nabc"))], 502, 9402, ""),
        (
            "two lengths",
            vec![send(
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            )],
            502,
            9505,
            "HTTP",
        ),
        (
            "a length that is none",
            vec![send("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc")],
            502,
            9505,
            "HTTP",
        ),
        (
            "no HTTP at all",
            vec![send("SSH-2.0-OpenSSH_9.6\r\n"), Step::Close],
            502,
            9505,
            "HTTP",
        ),
        (
            "headers without end",
            vec![send(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(200_000)))],
            502,
            9505,
            "too long",
        ),
        ("hung up at once", vec![Step::Close], 502, 9402, "broke"),
    ] {
        check_refused(case, &scene.get_scripted(steps).await, status, code, hint);
        scene.check_alive().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_that_stall_are_given_up_in_time() {
    // Short, because this test waits for them.
    const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
    const DOWNLOAD_TIMEOUT: Duration = Duration::from_millis(800);
    let scene = Scene::start_with(CONNECT_TIMEOUT, DOWNLOAD_TIMEOUT).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    for (case, steps) in [
        ("before the head", vec![Step::Stall]),
        ("within the head", vec![send("HTTP/1.1 200 OK\r\nCont"), Step::Stall]),
        ("within the body", vec![send(head), send("abc"), Step::Stall]),
        (
            "a byte at a time",
            vec![send(head), Step::Drip(Duration::from_millis(20))],
        ),
    ] {
        let start = Instant::now();
        check_refused(case, &scene.get_scripted(steps).await, 524, 9504, "whole");
        assert!(start.elapsed() >= DOWNLOAD_TIMEOUT, "{case}: too early");
        assert!(
            start.elapsed() < DOWNLOAD_TIMEOUT + Duration::from_secs(5),
            "{case}: {:?}",
            start.elapsed()
        );
    }
    scene.network.name("silent.example", "93.184.215.20");
    scene.network.silent("93.184.215.20:80");
    check_refused(
        "connecting",
        &scene.get("http://silent.example/x").await,
        522,
        9504,
        "connect",
    );
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_status_of_an_origin_has_its_answer() {
    let scene = Scene::start().await;
    for (origin, status, code) in [
        ("204 No Content", 502, 9505),
        ("206 Partial Content", 502, 9505),
        ("304 Not Modified", 502, 9505),
        ("400 Bad Request", 502, 9519),
        ("401 Unauthorized", 401, 9408),
        ("403 Forbidden", 403, 9408),
        ("404 Not Found", 404, 9404),
        ("410 Gone", 410, 9408),
        ("429 Too Many Requests", 429, 9408),
        ("500 Internal Server Error", 502, 9509),
        ("503 Service Unavailable", 502, 9509),
    ] {
        // A 204 and a 304 have no body, so that the next answer begins where the reader expects it.
        let bytes = match &origin[..3] {
            "204" | "304" => format!("HTTP/1.1 {origin}\r\n\r\n").into_bytes(),
            _ => answer(origin, &[("Set-Cookie", "a=b")], b"<p>secret page of the origin"),
        };
        let answer = scene.get_scripted(vec![send(bytes)]).await;
        check_refused(origin, &answer, status, code, "origin");
        assert!(!answer.text().contains("secret"), "{origin}");
        assert_eq!(answer.header("set-cookie"), None, "{origin}");
    }
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_over_the_limit_are_refused_before_they_are_held() {
    let scene = Scene::start().await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        gzip.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 100_000, "a small file of 64 MiB");
    let bomb = ok(&[("Content-Encoding", "gzip")], &bomb);
    let declared = "HTTP/1.1 200 OK\r\nContent-Length: 2000001\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let endless = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        chunk.repeat(32)
    );
    for (case, steps) in [
        // Refused by its announcement: the body that never comes is not waited for.
        ("declared", vec![send(declared), Step::Stall]),
        ("not declared", vec![send(endless), Step::Stall]),
        ("packed", vec![send(bomb)]),
    ] {
        let start = Instant::now();
        check_refused(case, &scene.get_scripted(steps).await, 413, 9402, "2000000");
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{case}: {:?}",
            start.elapsed()
        );
    }
    for coding in ["br", "zstd", "gzip, gzip, gzip, gzip"] {
        let answer = scene
            .get_scripted(vec![send(ok(&[("Content-Encoding", coding)], b"abc"))])
            .await;
        check_refused(coding, &answer, 502, 9402, "Content-Encoding");
    }
    let not_gzip = scene
        .get_scripted(vec![send(ok(&[("Content-Encoding", "gzip")], b"abc"))])
        .await;
    check_refused("not gzip", &not_gzip, 502, 9402, "Content-Encoding");
    scene.check_alive().await;
}
