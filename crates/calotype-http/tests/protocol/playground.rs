//! Pictures dropped on the playground.

use calotype_http::PlaygroundSettings;
use calotype_plan::Size;

use super::small;
use crate::support::client::Request;
use crate::support::reader::{Kind, inspect, jpeg_pixels};
use crate::support::served::Setup;

fn playground(upload_bytes_max: u64) -> Setup {
    Setup {
        playground: Some(PlaygroundSettings {
            upload_bytes_max,
            ..PlaygroundSettings::default()
        }),
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_picture_becomes_a_source() {
    let server = playground(1_000_000).serve().await;
    let picture = small();
    let answer = server
        .ask(&Request::new("POST", "/-/upload").body(picture.clone()))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let facts: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(facts["width"], 60);
    assert_eq!(facts["height"], 40);
    assert_eq!(facts["format"], "png");
    assert_eq!(facts["bytes"], picture.len());
    let url = facts["url"].as_str().unwrap();
    assert!(url.starts_with("/-/upload/"), "{url}");

    let result = server.get(&format!("/cdn-cgi/image/w=30{url}")).await.transformed();
    assert_eq!(inspect(&result.body), (Kind::BaselineJpeg, Size::new(30, 20)));
    assert_eq!(jpeg_pixels(&result.body).size, Size::new(30, 20));
    let untouched = server.get(url).await;
    assert_eq!((untouched.status, &untouched.body), (200, &picture));
    assert_eq!(untouched.header("content-type"), Some("image/png"));
    assert_eq!(untouched.header("x-content-type-options"), Some("nosniff"));
    // The same picture again is the same source.
    let again = server.ask(&Request::new("POST", "/-/upload").body(picture)).await;
    assert_eq!(again.body, answer.body);
    let unknown = server.get("/cdn-cgi/image/w=30/-/upload/AAAA").await;
    assert_eq!((unknown.status, unknown.code()), (404, Some(9404)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_must_be_a_picture_and_not_too_large() {
    let server = playground(50_000).serve().await;
    let upload = |body: &[u8]| Request::new("POST", "/-/upload").body(body);
    for (body, status, code) in [
        (&b"just text"[..], 415, 9412),
        (b"<!doctype html>", 415, 9412),
        (b"", 415, 9412),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0", 422, 9516),
    ] {
        let answer = server.ask(&upload(body)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, Some(code)),
            "{:?}",
            answer.text()
        );
    }
    // Refused by its announcement, before a byte of it is sent.
    let mut connection = server.connect().await;
    connection
        .write(b"POST /-/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 50001\r\n\r\n")
        .await;
    let answer = connection.receive("POST").await;
    assert_eq!((answer.status, answer.code()), (413, Some(9402)));
    // Without one, when it has grown too large.
    let mut connection = server.connect().await;
    connection
        .write(b"POST /-/upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    let mut chunk = b"c351\r\n".to_vec();
    chunk.extend_from_slice(&[b'x'; 0xc351]);
    chunk.extend_from_slice(b"\r\n");
    connection.write(&chunk).await;
    let answer = connection.receive("POST").await;
    assert_eq!((answer.status, answer.code()), (413, Some(9402)));
    let get = server.get("/-/upload").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    // And with the playground off there is nothing.
    let off = Setup::default().serve().await;
    assert_eq!(off.ask(&upload(&small())).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_a_file_arrives_although_the_file_is_still_coming() {
    let server = playground(1_000).serve().await;
    let upload = Request::new("POST", "/-/upload").body(vec![0; 20_000_000]);
    let mut connection = server.connect().await;
    connection.write(upload.head().as_bytes()).await;
    let mut rest = &upload.body[..];
    while let Some((piece, more)) = rest.split_at_checked(100_000) {
        connection.write(piece).await;
        rest = more;
    }
    let refused = connection.receive("POST").await;
    assert_eq!((refused.status, refused.code()), (413, Some(9402)));
    assert!(connection.is_closed().await);
}
