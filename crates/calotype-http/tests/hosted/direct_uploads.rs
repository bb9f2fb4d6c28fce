use serde_json::{Value, json};

use crate::place::{Form, Place, code, failure, path_of, picture, place, result};
use crate::support::client::{Answer, Request};

const MINUTE_MS: i64 = 60_000;

async fn promise(place: &Place, form: Form) -> (String, String) {
    let result = result(&place.send("v2/direct_upload", form).await);
    let text = |name: &str| result[name].as_str().unwrap().to_owned();
    (text("id"), path_of(&text("uploadURL")))
}

async fn upload(place: &Place, path: &str, form: Form) -> Answer {
    place.served.ask(&form.on(Request::new("POST", path))).await
}

#[tokio::test]
async fn a_url_takes_one_picture_from_whoever_has_it() {
    let place = place().await;
    let form = Form::default()
        .text("metadata", r#"{"order":"A-17"}"#)
        .text("creator", "c");
    let (id, path) = promise(&place, form).await;
    assert_eq!(path, format!("/upload/{}/{id}", place.account.hash));
    let draft = result(&place.ask("GET", &format!("v1/{id}")).await);
    assert_eq!(
        (&draft["draft"], &draft["meta"]),
        (&json!(true), &json!({"order": "A-17"}))
    );
    assert_eq!(draft.get("filename"), None);
    assert_eq!(code(&place.ask("GET", &format!("v1/{id}/blob")).await), (404, 5404));
    assert_eq!(result(&place.ask("GET", "v2").await)["images"], json!([]));
    place.clock.advance_ms(MINUTE_MS);
    let answer = upload(&place, &path, Form::default().file("me.png", &picture())).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let record = result(&answer);
    assert_eq!(
        (&record["filename"], &record["uploaded"]),
        (&json!("me.png"), &json!("2027-01-15T08:01:00.000Z"))
    );
    assert_eq!(
        (record.get("meta"), record.get("creator"), record.get("draft")),
        (None, None, None)
    );
    let stored = result(&place.ask("GET", &format!("v1/{id}")).await);
    assert_eq!(
        (&stored["meta"], &stored["creator"]),
        (&json!({"order": "A-17"}), &json!("c"))
    );
    let again = upload(&place, &path, Form::default().file("me.png", &picture())).await;
    assert_eq!(
        failure(&again),
        (404, 5404, "Upload URL not found, expired or already used".to_owned())
    );
    assert_eq!(
        again.header("access-control-allow-origin"),
        Some("*"),
        "a page can read the error"
    );
}

#[tokio::test]
async fn a_refused_file_does_not_spend_the_url() {
    let place = place().await;
    let (_, path) = promise(&place, Form::default()).await;
    assert_eq!(
        code(&upload(&place, &path, Form::default().file("a.txt", b"no image")).await),
        (415, 5455)
    );
    assert_eq!(code(&upload(&place, &path, Form::default()).await), (400, 5400));
    let with_url = Form::default()
        .text("url", "https://a.example/b.png")
        .file("a.png", &picture());
    assert_eq!(code(&upload(&place, &path, with_url).await), (400, 5400));
    let raw = Request::new("POST", &path)
        .header("Content-Type", "image/png")
        .body(picture());
    assert_eq!(code(&place.served.ask(&raw).await), (415, 5415));
    result(&upload(&place, &path, Form::default().file("a.png", &picture())).await);
}

#[tokio::test]
async fn of_uploads_at_once_one_wins() {
    let place = place().await;
    let (_, path) = promise(&place, Form::default()).await;
    let uploads = (0..6).map(|_| upload(&place, &path, Form::default().file("a.png", &picture())));
    let mut won = 0;
    for answer in join_all(uploads).await {
        match answer.status {
            200 => won += 1,
            _ => assert_eq!(code(&answer), (404, 5404)),
        }
    }
    assert_eq!(won, 1);
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_url_ends_when_it_was_said_to() {
    let place = place().await;
    let (id, path) = promise(&place, Form::default().text("expiry", "2027-01-15T08:10:00Z")).await;
    place.clock.advance_ms(10 * MINUTE_MS);
    assert_eq!(
        code(&upload(&place, &path, Form::default().file("a.png", &picture())).await),
        (404, 5404)
    );
    assert_eq!(code(&place.ask("GET", &format!("v1/{id}")).await), (404, 5404));
    let (_, path) = promise(&place, Form::default()).await;
    place.clock.advance_ms(30 * MINUTE_MS - 1);
    result(&upload(&place, &path, Form::default().file("a.png", &picture())).await);
    for wrong in ["2027-01-15T08:30:00Z", "2027-01-16T08:30:00Z", "soon"] {
        let answer = place
            .send("v2/direct_upload", Form::default().text("expiry", wrong))
            .await;
        assert_eq!(code(&answer), (400, 5400), "{wrong}");
    }
}

#[tokio::test]
async fn the_url_of_a_custom_id_cannot_be_guessed() {
    let place = place().await;
    let (id, path) = promise(&place, Form::default().text("id", "people/me 1")).await;
    assert_eq!(id, "people/me 1");
    let guessed = format!("/upload/{}/people/me%201", place.account.hash);
    let secret = path.strip_prefix(&format!("{guessed}/")).unwrap();
    assert_eq!(secret.len(), 22);
    for wrong in [guessed.clone(), format!("{guessed}/{}", "x".repeat(22))] {
        let answer = upload(&place, &wrong, Form::default().file("a.png", &picture())).await;
        assert_eq!(code(&answer), (404, 5404), "{wrong}");
    }
    let taken = place
        .send("v2/direct_upload", Form::default().text("id", "people/me 1"))
        .await;
    assert_eq!(code(&taken), (409, 5409));
    assert_eq!(
        result(&upload(&place, &path, Form::default().file("a.png", &picture())).await)["id"],
        "people/me 1"
    );
    let private = Form::default().text("id", "p").text("requireSignedURLs", "true");
    assert_eq!(code(&place.send("v2/direct_upload", private).await), (400, 5400));
}

#[tokio::test]
async fn deleting_a_draft_voids_its_url() {
    let place = place().await;
    let (id, path) = promise(&place, Form::default()).await;
    let changed = result(
        &place
            .ask_json("PATCH", &format!("v1/{id}"), &json!({"creator": "x"}))
            .await,
    );
    assert_eq!((&changed["creator"], &changed["draft"]), (&json!("x"), &json!(true)));
    result(&place.ask("DELETE", &format!("v1/{id}")).await);
    assert_eq!(
        code(&upload(&place, &path, Form::default().file("a.png", &picture())).await),
        (404, 5404)
    );
}

#[tokio::test]
async fn every_kind_of_body_makes_a_promise() {
    let place = place().await;
    let private = |result: &Value| result["id"].as_str().unwrap().ends_with("01");
    let ask = async |media_type: &str, body: &str| {
        let mut request = place.request("POST", "v2/direct_upload");
        if !media_type.is_empty() {
            request = request.header("Content-Type", media_type);
        }
        result(&place.served.ask(&request.body(body)).await)
    };
    // Without options an SDK sends a form that only ends.
    assert!(!private(&ask("multipart/form-data; boundary=x7", "--x7--\r\n").await));
    assert!(!private(&ask("", "").await));
    assert!(private(
        &ask("application/json", r#"{"requireSignedURLs":true,"metadata":{"a":1}}"#).await
    ));
    assert!(private(
        &ask("application/x-www-form-urlencoded", r#"{"requireSignedURLs":true}"#).await
    ));
    assert!(private(
        &ask("application/x-www-form-urlencoded", "requireSignedURLs=true&creator=a").await
    ));
    let v1 = place
        .ask_json(
            "POST",
            "v1/direct_upload",
            &json!({"expiry": "2027-01-15T08:10:00Z", "requireSignedURLs": true}),
        )
        .await;
    assert!(!private(&result(&v1)), "only its expiry counts");
    result(&place.ask("POST", "v1/direct_upload").await);
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_first() {
    let place = place().await;
    let (_, path) = promise(&place, Form::default()).await;
    let request = Request::new("OPTIONS", &path)
        .header("Origin", "https://shop.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type, x-mine");
    let answer = place.served.ask(&request).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST, OPTIONS"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("content-type, x-mine")
    );
    assert_eq!(code(&place.served.get(&path).await), (405, 7000));
    let api = place.ask("GET", "v1/stats").await;
    assert_eq!(
        api.header("access-control-allow-origin"),
        None,
        "tokens do not belong in browsers"
    );
}

#[tokio::test]
async fn the_official_host_has_the_official_layout() {
    let place = place().await;
    let (id, _) = promise(&place, Form::default()).await;
    let request =
        Request::new("POST", &format!("/{}/{id}", place.account.hash)).header("Host", "upload.imagedelivery.net");
    result(
        &place
            .served
            .ask(&Form::default().file("a.png", &picture()).on(request))
            .await,
    );
}
