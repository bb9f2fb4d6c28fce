//! What the specification asks to be seen before anybody believes it (section 19), where no other file here has it: limits, formats, and what is gone.

use calotype_plan::Size;
use serde_json::json;

use crate::place::{Form, code, failure, path_of, picture, place, result, segment};
use crate::support::client::Request;
use crate::support::pictures;
use crate::support::reader;

#[tokio::test]
async fn the_longest_id_is_shown_where_its_record_says() {
    let place = place().await;
    for letter in ["a", "ü", "😀", "%"] {
        let id = letter.repeat(1_024);
        let record = place.upload(Form::default().text("id", &id)).await;
        assert_eq!(record["id"], id);
        let shown = place
            .served
            .get(&path_of(record["variants"][0].as_str().unwrap()))
            .await;
        assert_eq!(shown.status, 200, "{letter}: {}", shown.text());
        let rest = format!("v1/{}", segment(&id));
        assert_eq!(result(&place.ask("GET", &rest).await)["id"], id);
        result(&place.ask("DELETE", &rest).await);
        let form = Form::default()
            .text("id", &format!("{id}{letter}"))
            .file("a.png", &picture());
        assert_eq!(code(&place.send("v1", form).await), (400, 5400));
    }
}

#[tokio::test]
async fn the_longest_name_of_a_variant_is_one_of_99_letters() {
    let place = place().await;
    let name = "v".repeat(99);
    result(
        &place
            .ask_json("POST", "v1/variants", &json!({"id": name, "options": {"width": 10}}))
            .await,
    );
    let record = place.upload(Form::default()).await;
    let urls = record["variants"].as_array().unwrap();
    assert!(urls[1].as_str().unwrap().ends_with(&format!("/{name}")));
    let shown = place.served.get(&path_of(urls[1].as_str().unwrap())).await;
    assert_eq!(reader::inspect(&shown.body).1.width, 10);
    let long = place
        .ask_json("POST", "v1/variants", &json!({"id": format!("{name}v")}))
        .await;
    assert_eq!(code(&long), (400, 5400));
}

#[tokio::test]
async fn an_animation_has_a_hundred_megapixels_in_all_its_frames_at_most() {
    let place = place().await;
    let size = Size::new(1_000, 1_000);
    let most = pictures::animated_gif(size, 100);
    result(&place.send("v1", Form::default().file("a.gif", &most)).await);
    let more = pictures::animated_gif(size, 101);
    let (status, number, message) = failure(&place.send("v1", Form::default().file("a.gif", &more)).await);
    assert_eq!((status, number), (400, 5400));
    assert!(message.contains("101000000"), "it says how large it is: {message}");
}

#[tokio::test]
async fn every_original_is_shown_in_the_format_that_the_client_takes() {
    let place = place().await;
    let size = Size::new(40, 30);
    let accept = |accept: &str, url: &str| Request::get(url).header("Accept", accept);
    // An AVIF of our own making: nobody else's encoder is here.
    let record = place.upload(Form::default()).await;
    let url = path_of(record["variants"][0].as_str().unwrap());
    let avif = place.served.ask(&accept("image/avif", &url)).await.body;
    let png = result(
        &place
            .send("v1", Form::default().file("a", &pictures::half_transparent_png(size)))
            .await,
    );
    let url = path_of(png["variants"][0].as_str().unwrap());
    let transparent_avif = place.served.ask(&accept("image/avif", &url)).await.body;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>"#
        .to_vec();
    for (name, bytes, none, webp, avif) in [
        (
            "GIF",
            pictures::animated_gif(size, 1),
            "image/gif",
            "image/webp",
            "image/avif",
        ),
        (
            "animated GIF",
            pictures::animated_gif(size, 3),
            "image/gif",
            "image/webp",
            "image/gif",
        ),
        ("WebP", pictures::webp(size), "image/webp", "image/webp", "image/avif"),
        ("AVIF", avif, "image/jpeg", "image/webp", "image/avif"),
        (
            "AVIF with alpha",
            transparent_avif,
            "image/png",
            "image/webp",
            "image/avif",
        ),
        ("SVG", svg, "image/svg+xml", "image/svg+xml", "image/svg+xml"),
    ] {
        let record = result(&place.send("v1", Form::default().file("a", &bytes)).await);
        let url = path_of(record["variants"][0].as_str().unwrap());
        let both = if name == "animated GIF" { webp } else { avif };
        for (sent, want) in [
            ("", none),
            ("*/*", none),
            ("image/*", none),
            ("image/webp", webp),
            ("image/avif", avif),
            ("image/avif;q=0", none),
            ("image/avif;q=0,image/webp", webp),
            ("image/avif,image/webp,*/*;q=0.8", both),
        ] {
            let shown = place.served.ask(&accept(sent, &url)).await;
            assert_eq!(
                shown.header("content-type"),
                Some(want),
                "{name}, {sent}: {}",
                shown.text()
            );
            let vary = (want != "image/svg+xml").then_some("Accept");
            assert_eq!(shown.header("vary"), vary, "{name}, {sent}");
            if name == "animated GIF" {
                assert_eq!(reader::frames(&shown.body), 3, "{sent}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_gone_is_gone_for_whoever_has_a_copy_too() {
    let place = place().await;
    for change in [None, Some(json!({"requireSignedURLs": true}))] {
        let record = place.upload(Form::default()).await;
        let rest = format!("v1/{}", record["id"].as_str().unwrap());
        let url = path_of(record["variants"][0].as_str().unwrap());
        let tag = place.served.get(&url).await.header("etag").unwrap().to_owned();
        let again = Request::get(&url).header("If-None-Match", &tag);
        assert_eq!(place.served.ask(&again).await.status, 304);
        match change {
            None => result(&place.ask("DELETE", &rest).await),
            Some(change) => result(&place.ask_json("PATCH", &rest, &change).await),
        };
        assert_eq!(
            place.served.ask(&again).await.status,
            404,
            "no 304 for what may not be seen"
        );
        assert_eq!(code(&place.ask("GET", &format!("{rest}/blob")).await), (404, 5404));
    }
}
