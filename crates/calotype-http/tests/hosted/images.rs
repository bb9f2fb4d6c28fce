use calotype_plan::Size;
use serde_json::json;

use crate::place::{Form, Place, code, failure, picture, place, result, segment};
use crate::support::client::Request;
use crate::support::pictures;
use crate::support::reader;

fn base(place: &Place) -> String {
    format!("http://calotype.test/cdn-cgi/imagedelivery/{}", place.account.hash)
}

#[tokio::test]
async fn an_upload_is_answered_with_its_record_and_kept_to_the_byte() {
    let place = place().await;
    let record = place
        .upload(
            Form::default()
                .text("metadata", r#"{"shelf":"B4","priority":2}"#)
                .text("creator", "user-318")
                .text("unknown", "ignored"),
        )
        .await;
    let id = record["id"].as_str().unwrap();
    assert_eq!(
        record,
        json!({
            "id": id,
            "filename": "lamp.png",
            "uploaded": "2027-01-15T08:00:00.000Z",
            "requireSignedURLs": false,
            "variants": [format!("{}/{id}/public", base(&place))],
            "meta": {"shelf": "B4", "priority": 2},
            "creator": "user-318",
        })
    );
    assert!(id.len() == 36 && id.ends_with("00"));
    assert_eq!(result(&place.ask("GET", &format!("v1/{id}")).await), record);
    let blob = place.ask("GET", &format!("v1/{id}/blob")).await;
    assert_eq!((blob.status, blob.header("content-type")), (200, Some("image/png")));
    assert!(blob.body == picture());
    assert_eq!(
        blob.header("content-disposition"),
        Some("attachment; filename*=UTF-8''lamp%2Epng")
    );
    let tag = blob.header("etag").unwrap().to_owned();
    let part = place
        .request("GET", &format!("v1/{id}/blob"))
        .header("Range", "bytes=1-3");
    let part = place.served.ask(&part).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &b"PNG"[..]));
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes 1-3/{}", picture().len()).as_str())
    );
    let again = place
        .request("GET", &format!("v1/{id}/blob"))
        .header("If-None-Match", &tag);
    assert_eq!(place.served.ask(&again).await.status, 304);
    assert_eq!(result(&place.ask("DELETE", &format!("v1/{id}")).await), json!({}));
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("PATCH", ""), ("GET", "/blob")] {
        assert_eq!(
            code(&place.ask(method, &format!("v1/{id}{rest}")).await),
            (404, 5404),
            "{method} {rest}"
        );
    }
}

#[tokio::test]
async fn all_three_ways_of_sending_metadata_arrive() {
    let place = place().await;
    let texts = json!({"key": "v", "n": "5", "o": {"p": "true"}, "l": ["a", "b"]});
    for (form, meta) in [
        (
            Form::default().text("metadata", r#"{"key":"v","n":5,"o":{"p":true},"l":["a","b"]}"#),
            json!({"key": "v", "n": 5, "o": {"p": true}, "l": ["a", "b"]}),
        ),
        (
            Form::default()
                .text("metadata[key]", "v")
                .text("metadata[n]", "5")
                .text("metadata[o][p]", "true")
                .text("metadata[l][]", "a")
                .text("metadata[l][]", "b"),
            texts.clone(),
        ),
        (
            Form::default()
                .text("metadata.key", "v")
                .text("metadata.n", "5")
                .text("metadata.o.p", "true")
                .text("metadata.l", "a")
                .text("metadata.l", "b"),
            texts,
        ),
    ] {
        assert_eq!(place.upload(form).await["meta"], meta);
    }
    let none = place.upload(Form::default().text("metadata", "{}")).await;
    assert_eq!(none.get("meta"), None);
    for form in [
        Form::default().text("metadata", "{\"a\":1}").text("metadata[b]", "2"),
        Form::default().text("metadata", "[1]"),
        Form::default().text("metadata", "{"),
        Form::default().text("metadata", &json!({"a": "x".repeat(1_017)}).to_string()),
        Form::default().text("metadata[a]", "1").text("metadata[a][b]", "1"),
    ] {
        assert_eq!(
            code(&place.send("v1", form.file("a.png", &picture())).await),
            (400, 5400)
        );
    }
    let most = json!({"a": "x".repeat(1_016)});
    assert_eq!(
        place.upload(Form::default().text("metadata", &most.to_string())).await["meta"],
        most
    );
}

#[tokio::test]
async fn custom_ids_of_every_kind_are_kept_and_found() {
    let place = place().await;
    let longest = "é".repeat(1_024);
    for (id, in_url) in [
        ("catalog/2026/50% off.png", "catalog/2026/50%25%20off.png"),
        ("ümlaut/😀", "%C3%BCmlaut/%F0%9F%98%80"),
        ("plain", "plain"),
        (longest.as_str(), "%C3%A9".repeat(1_024).as_str()),
    ] {
        let record = place.upload(Form::default().text("id", id)).await;
        assert_eq!(record["id"], id);
        assert_eq!(record["variants"][0], format!("{}/{in_url}/public", base(&place)));
        assert_eq!(
            result(&place.ask("GET", &format!("v1/{}", segment(id))).await)["id"],
            id
        );
        assert_eq!(place.ask("GET", &format!("v1/{}/blob", segment(id))).await.status, 200);
        let taken = place
            .send("v1", Form::default().text("id", id).file("a.png", &picture()))
            .await;
        assert_eq!(code(&taken), (409, 5409));
        assert_eq!(taken.header("x-should-retry"), Some("false"));
    }
    // A client that pastes the id as it is.
    assert_eq!(
        place.ask("GET", "v1/catalog/2026/50%25%20off.png/blob").await.status,
        200
    );
    for id in [
        "/a",
        "a/",
        "a//b",
        "keys",
        "5b0f6a1e-93c7-4d28-b1e4-7a60cc21d900",
        &"x".repeat(1_025),
    ] {
        let answer = place
            .send("v1", Form::default().text("id", id).file("a.png", &picture()))
            .await;
        assert_eq!(code(&answer), (400, 5400), "{id}");
    }
    let private = Form::default().text("id", "p").text("requireSignedURLs", "true");
    let (status, code, message) = failure(&place.send("v1", private.file("a.png", &picture())).await);
    assert_eq!(
        (status, code, message.as_str()),
        (400, 5400, "Custom IDs cannot be used with requireSignedURLs")
    );
}

#[tokio::test]
async fn ways_of_writing_a_boolean() {
    let place = place().await;
    for (text, private) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("false", false),
        ("0", false),
    ] {
        let record = place.upload(Form::default().text("requireSignedURLs", text)).await;
        assert_eq!(record["requireSignedURLs"], private, "{text}");
        assert!(
            record["id"]
                .as_str()
                .unwrap()
                .ends_with(if private { "01" } else { "00" })
        );
    }
    let wrong = Form::default()
        .text("requireSignedURLs", "yes")
        .file("a.png", &picture());
    assert_eq!(code(&place.send("v1", wrong).await), (400, 5400));
}

#[tokio::test]
async fn what_is_no_form_or_no_image_is_refused_by_its_code() {
    let place = place().await;
    let raw = place
        .request("POST", "v1")
        .header("Content-Type", "image/png")
        .body(picture());
    assert_eq!(code(&place.served.ask(&raw).await), (415, 5415));
    let cut = place
        .request("POST", "v1")
        .header("Content-Type", "multipart/form-data; boundary=x7")
        .body("--x7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc");
    assert_eq!(code(&place.served.ask(&cut).await), (400, 5450));
    for (bytes, want) in [
        (&b"%PDF-1.7 and so on"[..], (415, 5455)),
        (b"", (415, 5455)),
        (b"BM and then nothing of a bitmap", (415, 5455)),
        (&picture()[..20], (415, 5455)),
    ] {
        let answer = place.send("v1", Form::default().file("a.png", bytes)).await;
        assert_eq!(
            code(&answer),
            want,
            "{:?}: {}",
            String::from_utf8_lossy(bytes),
            answer.text()
        );
    }
    assert_eq!(
        code(&place.send("v1", Form::default()).await),
        (400, 5400),
        "neither file nor url"
    );
    let both = Form::default()
        .text("url", "https://a.example/b.png")
        .file("a.png", &picture());
    assert_eq!(code(&place.send("v1", both).await), (400, 5400));
    let two = Form::default().file("a.png", &picture()).file("b.png", &picture());
    assert_eq!(code(&place.send("v1", two).await), (400, 5400));
    assert_eq!(result(&place.ask("GET", "v1/stats").await)["count"]["current"], 0);
}

#[tokio::test]
async fn ten_mebibytes_are_taken_and_not_one_byte_more() {
    let place = place().await;
    // What stands behind the end of a PNG is of no interest to whoever reads its header.
    let mut bytes = picture();
    bytes.resize(10 << 20, 0);
    let record = result(&place.send("v1", Form::default().file("a.png", &bytes)).await);
    let blob = place
        .ask("GET", &format!("v1/{}/blob", record["id"].as_str().unwrap()))
        .await;
    assert_eq!(blob.body.len(), 10 << 20);
    bytes.push(0);
    let (status, code, message) = failure(&place.send("v1", Form::default().file("a.png", &bytes)).await);
    assert_eq!(
        (status, code, message.as_str()),
        (413, 5413, "Maximum image size of 10 MB reached")
    );
}

#[tokio::test]
async fn sides_are_bounded() {
    let place = place().await;
    for (width, want) in [(12_000, None), (12_001, Some((400, 5400)))] {
        let png = pictures::coordinate_png(Size::new(width, 1));
        let answer = place.send("v1", Form::default().file("a.png", &png)).await;
        match want {
            None => drop(result(&answer)),
            Some(want) => assert_eq!(code(&answer), want),
        }
    }
}

/// The reference lets WebP be as long as the format allows (D27).
#[tokio::test]
async fn a_webp_may_be_longer_and_stays_as_long_unless_it_would_grow() {
    let place = place().await;
    result(
        &place
            .ask_json("PATCH", "v1/config", &json!({"flexible_variants": true}))
            .await,
    );
    let longest = Size::new(16_383, 8);
    let record = result(
        &place
            .send("v1", Form::default().file("a.webp", &pictures::webp(longest)))
            .await,
    );
    let id = record["id"].as_str().unwrap();
    for (recipe, want) in [
        ("public", Some(Size::new(1_366, 1))),
        ("quality=50", Some(longest)),
        ("w=12000,quality=50", Some(Size::new(12_000, 6))),
        ("border=1", None),
    ] {
        let path = format!("/cdn-cgi/imagedelivery/{}/{id}/{recipe}", place.account.hash);
        let answer = place
            .served
            .ask(&Request::get(&path).header("Accept", "image/webp"))
            .await;
        match want {
            Some(size) => assert_eq!(reader::inspect(&answer.body).1, size, "{recipe}: {}", answer.status),
            None => assert!(answer.text().starts_with("ERROR 9413: "), "{recipe}: {}", answer.status),
        }
    }
}

#[tokio::test]
async fn a_change_replaces_what_it_names_and_access_gives_another_id() {
    let place = place().await;
    let record = place
        .upload(
            Form::default()
                .text("metadata", r#"{"shelf":"B4"}"#)
                .text("creator", "a"),
        )
        .await;
    let id = record["id"].as_str().unwrap().to_owned();
    let path = format!("v1/{id}");
    assert_eq!(result(&place.ask("PATCH", &path).await), record, "nothing to change");
    let changed = result(
        &place
            .ask_json("PATCH", &path, &json!({"metadata": {"x": 1}, "later": true}))
            .await,
    );
    assert_eq!((&changed["meta"], &changed["creator"]), (&json!({"x": 1}), &json!("a")));
    for cleared in [
        json!({"metadata": null, "creator": null}),
        json!({"metadata": {}, "creator": ""}),
    ] {
        result(
            &place
                .ask_json("PATCH", &path, &json!({"metadata": {"x": 1}, "creator": "b"}))
                .await,
        );
        let changed = result(&place.ask_json("PATCH", &path, &cleared).await);
        assert_eq!((changed.get("meta"), changed.get("creator")), (None, None));
    }
    for wrong in [
        json!({"metadata": [1]}),
        json!({"metadata": "x"}),
        json!({"requireSignedURLs": "maybe"}),
        json!({"creator": 5}),
        json!({"creator": "x".repeat(1_025)}),
        json!([1]),
    ] {
        assert_eq!(
            code(&place.ask_json("PATCH", &path, &wrong).await),
            (400, 5400),
            "{wrong}"
        );
    }
    let private = result(
        &place
            .ask_json("PATCH", &path, &json!({"requireSignedURLs": true}))
            .await,
    );
    let new_id = private["id"].as_str().unwrap();
    assert_eq!((new_id.get(..34), new_id.get(34..)), (id.get(..34), Some("01")));
    assert_eq!(private["uploaded"], record["uploaded"]);
    assert_eq!(code(&place.ask("GET", &path).await), (404, 5404));
    assert_eq!(place.ask("GET", &format!("v1/{new_id}/blob")).await.status, 200);
    let public = result(
        &place
            .ask_json("PATCH", &format!("v1/{new_id}"), &json!({"requireSignedURLs": false}))
            .await,
    );
    assert_eq!(public["id"].as_str(), Some(id.as_str()));
}

#[tokio::test]
async fn an_svg_is_taken_and_given_back_as_it_was() {
    let place = place().await;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>1</script></svg>"#;
    let record = result(&place.send("v1", Form::default().file("a.svg", svg)).await);
    let blob = place
        .ask("GET", &format!("v1/{}/blob", record["id"].as_str().unwrap()))
        .await;
    assert_eq!(blob.header("content-type"), Some("image/svg+xml"));
    assert!(blob.header("content-security-policy").unwrap().contains("sandbox"));
    assert_eq!(blob.body, svg);
}

#[tokio::test]
async fn a_quota_is_told_and_kept() {
    let place = place().await;
    assert_eq!(
        result(&place.ask("GET", "v1/stats").await),
        json!({"count": {"current": 0, "allowed": 9_007_199_254_740_991_u64}})
    );
    place.store.set_quota(&place.account, Some(1)).await.unwrap();
    place.upload(Form::default()).await;
    assert_eq!(
        code(&place.send("v1", Form::default().file("a.png", &picture())).await),
        (403, 5453)
    );
    assert_eq!(
        result(&place.ask("GET", "v1/stats").await),
        json!({"count": {"current": 1, "allowed": 1}})
    );
}
