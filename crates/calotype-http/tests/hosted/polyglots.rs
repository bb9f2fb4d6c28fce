//! Files that are two things: taken if one of them is a picture, and shown as that picture alone.

use calotype_plan::Size;
use serde_json::json;

use crate::place::{Form, Place, code, path_of, picture, place, result};
use crate::support::client::Answer;
use crate::support::pictures;

const SCRIPT: &str = "<script>alert(1)</script>";
const PHAR: &str = "<?php __HALT_COMPILER(); ?>";

/// Everything that is answered with such a file says what it is, and that it is nothing else.
#[track_caller]
fn assert_harmless(answer: &Answer, content_type: &str, policy: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some(content_type));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let sent = answer.header("content-security-policy").unwrap();
    assert!(sent.contains(policy), "{sent}");
}

async fn shown_and_stored(place: &Place, name: &str, bytes: &[u8], media_type: &str) {
    let record = result(&place.send("v1", Form::default().file(name, bytes)).await);
    let id = record["id"].as_str().unwrap();
    let blob = place.ask("GET", &format!("v1/{id}/blob")).await;
    assert_harmless(&blob, media_type, "sandbox");
    assert!(blob.header("content-disposition").unwrap().starts_with("attachment"));
    assert!(blob.body == bytes, "the original is what was uploaded");
    let url = path_of(record["variants"][0].as_str().unwrap());
    for url in [url.clone(), url.replace("/public", "/kept")] {
        let shown = place.served.get(&url).await;
        let policy = if media_type == "image/svg+xml" {
            "default-src 'none'"
        } else {
            "default-src"
        };
        assert_harmless(&shown, media_type, policy);
        let text = shown.text();
        for payload in ["alert(", "__HALT_COMPILER", "PK\u{3}\u{4}", "<html"] {
            assert!(!text.contains(payload), "{name} shows {payload} at {url}");
        }
    }
}

#[tokio::test]
async fn a_picture_that_is_something_else_too_is_shown_as_a_picture_alone() {
    let place = place().await;
    let kept = json!({"id": "kept", "options": {"metadata": "keep"}});
    result(&place.ask_json("POST", "v1/variants", &kept).await);
    let behind = |picture: &[u8], more: &str| [picture, more.as_bytes()].concat();
    let size = Size::new(40, 30);
    let gif = pictures::animated_gif(size, 3);
    let zip = "PK\u{3}\u{4}\u{14}\u{0}evil.php<?php system($_GET[0]);";
    for (name, bytes, media_type) in [
        ("a.js", behind(&gif, "/*alert(1)*/=1;alert(1)//"), "image/gif"),
        (
            "a.html",
            behind(&picture(), &format!("<html><body>{SCRIPT}")),
            "image/png",
        ),
        (
            "a.phar",
            behind(&pictures::jpeg(size), &format!("{PHAR}{zip}")),
            "image/jpeg",
        ),
        ("a.php", behind(&pictures::webp(size), PHAR), "image/webp"),
    ] {
        shown_and_stored(&place, name, &bytes, media_type).await;
    }
    // A comment of a JPEG that is a page, and a text of a PNG.
    let mut jpeg = pictures::jpeg(size);
    let comment = format!("<html>{SCRIPT}{PHAR}");
    let length = u16::try_from(comment.len() + 2).unwrap().to_be_bytes();
    let segment = [&[0xff, 0xfe][..], &length, comment.as_bytes()].concat();
    jpeg.splice(2..2, segment);
    shown_and_stored(&place, "a.jpg", &jpeg, "image/jpeg").await;
}

#[tokio::test]
async fn an_svg_is_told_by_its_content_and_filtered() {
    let place = place().await;
    result(&place.ask_json("POST", "v1/variants", &json!({"id": "kept"})).await);
    let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";
    let svg = format!(
        r#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10" onload="alert(1)">
        {SCRIPT}<a href="https://evil.example/"><rect width="5" height="5"/></a><image href="https://evil.example/a.png" width="1" height="1"/>
        <image xlink:href="{png}" width="1" height="1"/><foreignObject><html xmlns="http://www.w3.org/1999/xhtml">x</html></foreignObject>
        <style>@import url(https://evil.example/a.css); rect {{ fill: url(https://evil.example/b.svg#c) }}</style></svg>"#
    );
    shown_and_stored(&place, "holiday.jpg", svg.as_bytes(), "image/svg+xml").await;
    let page = result(&place.ask("GET", "v2").await);
    let url = path_of(page["images"][0]["variants"][0].as_str().unwrap());
    let shown = place.served.get(&url).await;
    let text = shown.text();
    assert!(
        !text.contains("evil.example") && !text.contains("onload") && !text.contains("foreignObject"),
        "{text}"
    );
    assert!(text.contains("<rect") && text.contains("data:image/png"), "{text}");
    assert_eq!(
        shown.header("content-security-policy"),
        Some("default-src 'none'; style-src 'unsafe-inline'; sandbox")
    );
}

#[tokio::test]
async fn what_is_no_picture_is_not_stored_whatever_it_is_called() {
    let place = place().await;
    let html = format!("<!doctype html><html><body>{SCRIPT}<svg xmlns=\"http://www.w3.org/2000/svg\"/></body></html>");
    let mut bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bmp.resize(70, 0);
    let tiff = b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
    let video = b"\0\0\0\x18ftypisom\0\0\0\0isomavc1\0\0\0\x08moov";
    for (name, bytes) in [
        ("a.png", html.as_bytes()),
        ("a.jpg", PHAR.as_bytes()),
        ("a.jpg", b"PK\x03\x04\x14\0\0\0\0\0"),
        ("a.jpg", b"%PDF-1.7\n%\xff\xd8\xff\xe0"),
        ("a.png", bmp.as_slice()),
        ("a.png", tiff),
        ("a.heic", video),
        ("a.png", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"),
        ("a.svg", b"<svg><script>alert(1)</script></svg>   <html>"),
    ] {
        let answer = place.send("v1", Form::default().file(name, bytes)).await;
        assert_eq!(code(&answer), (415, 5455), "{name}: {}", String::from_utf8_lossy(bytes));
        assert!(!answer.text().contains("alert"), "nothing of a file is said back");
    }
    // As a GIF this is 12,605 pixels wide and holds no frame.
    let script = place
        .send("v1", Form::default().file("a.gif", b"GIF89a=1;alert(1)"))
        .await;
    assert_eq!(code(&script), (400, 5400));
    assert_eq!(result(&place.ask("GET", "v1/stats").await)["count"]["current"], 0);
    assert_eq!(place.arriving().len(), 0);
}
