//! Failures that are the server's, or the line's (spec 3.2).

use std::time::Duration;

use calotype_http::HostedLimits;
use serde_json::Value;

use crate::place::{Form, Wishes, code, failure, picture, place, place_with};
use crate::support::client::Request;

#[tokio::test]
async fn an_upload_that_takes_too_long_is_408() {
    let place = place_with(Wishes {
        receive_timeout: Some(Duration::from_millis(50)),
        ..Wishes::default()
    })
    .await;
    let mut upload = Form::default()
        .file("lamp.png", &picture())
        .on(place.request("POST", "v1"));
    // The head promises more than comes.
    upload.body.truncate(upload.body.len() - 10);
    let mut connection = place.served.connect().await;
    connection.send(&upload).await;
    let answer = connection.receive("POST").await;
    let (status, code, message) = failure(&answer);
    assert_eq!((status, code), (408, 5408));
    assert!(message.starts_with("Client sent the upload too slowly"), "{message}");
}

#[tokio::test]
async fn uploads_beyond_those_that_may_arrive_at_once_are_503_and_may_be_sent_again() {
    let place = place_with(Wishes {
        limits: HostedLimits {
            uploads_max: 0,
            ..HostedLimits::default()
        },
        ..Wishes::default()
    })
    .await;
    let answer = place.send("v1", Form::default().file("lamp.png", &picture())).await;
    let (status, code, message) = failure(&answer);
    assert_eq!((status, code, answer.header("retry-after")), (503, 5503, Some("2")));
    assert!(message.starts_with("Server unavailable"), "{message}");
}

#[tokio::test]
async fn an_original_that_the_disk_has_lost_is_500_without_a_word_of_paths() {
    let place = place().await;
    let record = place.upload(Form::default()).await;
    let originals = place.directory.path().join("originals");
    std::fs::remove_dir_all(&originals).unwrap();
    std::fs::create_dir(&originals).unwrap();
    let answer = place
        .ask("GET", &format!("v1/{}/blob", record["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        failure(&answer),
        (500, 5540, "Error received from the storage".to_owned())
    );
}

#[tokio::test]
async fn without_a_database_nobody_can_be_told_from_anybody() {
    let place = place().await;
    place.store.close().await;
    let answer = place.ask("GET", "v1/stats").await;
    assert_eq!(failure(&answer), (500, 5542, "Error while loading account".to_owned()));
}

#[tokio::test]
async fn every_answer_has_an_id_and_a_path_that_leads_nowhere_is_named() {
    let place = place().await;
    let record = place.upload(Form::default()).await;
    let blob = format!("v1/{}/blob", record["id"].as_str().unwrap());
    let whole = place.ask("GET", &blob).await;
    let tag = whole.header("etag").unwrap();
    let part = place
        .checked(&place.request("GET", &blob).header("Range", "bytes=0-3"))
        .await;
    let beyond = place
        .checked(&place.request("GET", &blob).header("Range", "bytes=99999-"))
        .await;
    let same = place
        .checked(&place.request("GET", &blob).header("If-None-Match", tag))
        .await;
    let head = place.ask("HEAD", &blob).await;
    let description = place.checked(&Request::get("/client/v4/openapi.json")).await;
    let nowhere = place.served.get("/client/v4/zones/some%22zone").await;
    for (answer, status) in [
        (&whole, 200),
        (&part, 206),
        (&beyond, 416),
        (&same, 304),
        (&head, 200),
        (&description, 200),
        (&nowhere, 404),
    ] {
        assert_eq!(answer.status, status);
        let ray = answer.header("cf-ray").unwrap();
        let (id, place) = ray.split_once('-').unwrap();
        assert!(
            id.len() == 16 && place == "LOCAL" && u64::from_str_radix(id, 16).is_ok(),
            "{ray}"
        );
    }
    assert_eq!(code(&nowhere), (404, 7003));
    let envelope: Value = serde_json::from_slice(&nowhere.body).unwrap();
    assert_eq!(
        envelope["errors"][0]["message"],
        "Could not route to /client/v4/zones/some%22zone, perhaps your object identifier is invalid?"
    );
}
