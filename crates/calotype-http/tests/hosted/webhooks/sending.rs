//! What a receiver gets, and when.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::{WEBHOOKS, beside_a_receiver, id_of, policy, promise, subscription, upload, webhook};
use crate::place::{Form, Wishes, code, failure, picture, place_with, result};
use crate::receiver::{Receiver, Reply};
use crate::support::network::Network;

#[tokio::test]
async fn a_direct_upload_is_told_with_the_secret_in_its_header() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    let policy = policy(&place, &hook).await;
    let (id, path) = promise(&place, Form::default().text("metadata", r#"{"order":"A-17"}"#)).await;
    place.clock.advance_ms(1_234);
    result(&upload(&place, &path, Form::default().file("me.png", &picture())).await);
    assert_eq!(place.sender().send_due().await.unwrap(), 1);
    let received = receiver.only();
    assert_eq!(received.line, "POST /in?from=calotype HTTP/1.1");
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("cf-webhook-auth"), Some("s3cret ~ value"));
    let correlation = received.body["alert_correlation_id"].as_str().unwrap();
    assert_eq!(correlation.len(), 32);
    assert_eq!(
        received.body,
        json!({
            "name": "uploads", "text": format!("Image {id} was uploaded."),
            "data": {
                "account_id": place.account.id, "image_id": id, "status": "success", "filename": "me.png",
                "uploaded": "2027-01-15T08:00:01.234Z", "metadata": {"order": "A-17"}, "creator": null, "error": null
            },
            "ts": 1_800_000_001, "account_id": place.account.id, "policy_id": policy, "policy_name": "uploads",
            "alert_type": "image_notification", "alert_correlation_id": correlation, "alert_event": "ALERT_STATE_EVENT_START",
        })
    );
    let told = result(&place.get_at(&format!("{WEBHOOKS}/{hook}")).await);
    assert_eq!(
        (&told["last_success"], &told["last_failure"]),
        (&json!("2027-01-15T08:00:01.234Z"), &Value::Null)
    );
    assert_eq!(told.get("secret"), None);
    // Only direct uploads are told.
    place.upload(Form::default()).await;
    assert_eq!(place.sender().send_due().await.unwrap(), 0);
}

#[tokio::test]
async fn a_refused_upload_is_told_and_one_url_does_not_flood() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    policy(&place, &hook).await;
    let (id, path) = promise(&place, Form::default()).await;
    let refused = upload(&place, &path, Form::default().file("../a.txt", b"no image")).await;
    let (_, told_code, told_message) = failure(&refused);
    place.sender().send_due().await.unwrap();
    let received = receiver.only();
    let data = &received.body["data"];
    assert_eq!(
        (&data["status"], &data["image_id"], &data["filename"], &data["uploaded"]),
        (&json!("error"), &json!(id), &json!("a.txt"), &Value::Null)
    );
    assert_eq!(data["error"], json!({"code": told_code, "message": told_message}));
    assert_eq!(
        received.body["text"],
        format!("The upload of image {id} failed: {told_message}")
    );
    for _ in 0..8 {
        assert_eq!(
            code(&upload(&place, &path, Form::default().text("creator", "x")).await),
            (400, 5400)
        );
    }
    place.sender().send_due().await.unwrap();
    assert_eq!(receiver.take().len(), 4, "five in all");
    // Nobody's upload failed.
    let nobody = format!("/upload/{}/nobody", place.account.hash);
    assert_eq!(code(&upload(&place, &nobody, Form::default()).await), (404, 5404));
    assert_eq!(place.sender().send_due().await.unwrap(), 0);
    result(&upload(&place, &path, Form::default().file("a.png", &picture())).await);
    place.sender().send_due().await.unwrap();
    assert_eq!(receiver.only().body["data"]["status"], "success");
}

#[tokio::test]
async fn every_upload_change_and_deletion_is_an_event() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    let subscription = subscription(&place, &hook, &["image.uploaded", "image.updated", "image.deleted"]).await;
    let record = place.upload(Form::default().text("creator", "c")).await;
    let id = id_of(&record);
    place.sender().send_due().await.unwrap();
    let received = receiver.only();
    assert_eq!(
        received.body,
        json!({
            "type": "cf.images.image.uploaded",
            "source": {"type": "images"},
            "payload": {"id": id, "filename": "lamp.png", "uploaded": "2027-01-15T08:00:00.000Z", "requireSignedURLs": false, "creator": "c"},
            "metadata": {
                "accountId": place.account.id, "eventSubscriptionId": subscription, "eventSchemaVersion": 1,
                "eventTimestamp": "2027-01-15T08:00:00.000Z"
            },
        })
    );
    let mut without_variants = record;
    without_variants.as_object_mut().unwrap().remove("variants");
    assert_eq!(received.body["payload"], without_variants);
    let changed = place
        .ask_json(
            "PATCH",
            &format!("v1/{id}"),
            &json!({"requireSignedURLs": true, "metadata": {"a": 1}}),
        )
        .await;
    let new_id = id_of(&result(&changed));
    result(&place.ask("DELETE", &format!("v1/{new_id}")).await);
    let (_, path) = promise(&place, Form::default()).await;
    result(&upload(&place, &path, Form::default().file("me.png", &picture())).await);
    place.sender().send_due().await.unwrap();
    let mut received = receiver.take();
    received.sort_by_key(|received| received.body["type"].to_string());
    let types: Vec<_> = received
        .iter()
        .map(|received| received.body["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "cf.images.image.deleted",
            "cf.images.image.updated",
            "cf.images.image.uploaded"
        ]
    );
    assert_eq!(received[0].body["payload"]["id"], json!(new_id));
    let updated = &received[1].body["payload"];
    assert_eq!(
        (
            &updated["id"],
            &updated["previousId"],
            &updated["meta"],
            &updated["requireSignedURLs"]
        ),
        (&json!(new_id), &json!(id), &json!({"a": 1}), &json!(true))
    );
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_with_the_same_message() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    subscription(&place, &hook, &["image.uploaded"]).await;
    place.upload(Form::default()).await;
    receiver.then_status("500 Internal Server Error");
    receiver.then_status("302 Found\r\nLocation: http://127.0.0.1:1/");
    assert_eq!(place.sender().send_due().await.unwrap(), 1);
    assert_eq!(
        place.sender().send_due().await.unwrap(),
        0,
        "not before half a minute is over"
    );
    place.clock.advance_ms(30_000);
    assert_eq!(place.sender().send_due().await.unwrap(), 1);
    place.clock.advance_ms(300_000);
    assert_eq!(place.sender().send_due().await.unwrap(), 1);
    let received = receiver.take();
    let ids: Vec<_> = received
        .iter()
        .map(|received| received.header("calotype-message-id"))
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.is_some() && *id == ids[0]), "{ids:?}");
    assert!(received.iter().all(|other| other.body == received[0].body));
    let history = result(&place.get_at("alerting/v3/history").await);
    let line = &history[0];
    assert_eq!(
        (
            &line["status"],
            &line["tries"],
            &line["outcome"],
            &line["mechanism"],
            &line["mechanism_type"]
        ),
        (
            &json!("delivered"),
            &json!(3),
            &json!("HTTP 200"),
            &json!(hook),
            &json!("webhook")
        )
    );
    assert_eq!(line["alert_type"], "cf.images.image.uploaded");
    let body: Value = serde_json::from_str(line["alert_body"].as_str().unwrap()).unwrap();
    assert_eq!(body, received[0].body);
}

#[tokio::test]
async fn three_failures_are_the_end_and_silence_is_one() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    subscription(&place, &hook, &["image.uploaded"]).await;
    place.upload(Form::default()).await;
    for wait_ms in [30_000, 300_000, 86_400_000] {
        receiver.then(Reply::Nothing);
        assert_eq!(place.sender().send_due().await.unwrap(), 1);
        place.clock.advance_ms(wait_ms);
    }
    assert_eq!(place.sender().send_due().await.unwrap(), 0);
    let history = result(&place.get_at("alerting/v3/history").await);
    assert_eq!(
        (&history[0]["status"], &history[0]["tries"], &history[0]["outcome"]),
        (&json!("failed"), &json!(3), &json!("no answer in time"))
    );
    let told = result(&place.get_at(&format!("{WEBHOOKS}/{hook}")).await);
    assert_eq!(told["last_failure"], "2027-01-15T08:05:30.000Z");
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    subscription(&place, &hook, &["image.uploaded"]).await;
    place.upload(Form::default()).await;
    receiver.then(Reply::Bytes(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{}",
        "x".repeat(100_000)
    )));
    place.sender().send_due().await.unwrap();
    assert_eq!(
        result(&place.get_at("alerting/v3/history").await)[0]["status"],
        "delivered"
    );
}

#[tokio::test]
async fn private_addresses_and_names_that_lead_there_are_refused() {
    let network = Network::default();
    network.name("inside.example", "10.1.2.3");
    network.name("hooks.example", "93.184.215.14");
    let receiver = Receiver::start().await;
    network.route("93.184.215.14:80", receiver.address);
    let wishes = Wishes {
        network: network.clone(),
        ..Wishes::default()
    };
    let place = place_with(wishes).await;
    let body = |url: &str| json!({"name": "n", "url": url});
    for url in [
        receiver.url().as_str(),
        "http://inside.example/",
        "http://169.254.169.254/",
        "http://[::ffff:10.0.0.1]/",
    ] {
        let (status, told_code, message) = failure(&place.ask_at("POST", WEBHOOKS, &body(url)).await);
        assert_eq!((status, told_code), (400, 5400), "{url}");
        assert!(message.contains("the address is not allowed"), "{message}");
        assert!(!message.contains("10.1.2.3"), "{message}");
    }
    assert_eq!(network.dialled(), Vec::<SocketAddr>::new());
    // The name turns private after it was public.
    let made = place.ask_at("POST", WEBHOOKS, &body("http://hooks.example/in")).await;
    subscription(&place, &id_of(&result(&made)), &["image.uploaded"]).await;
    receiver.only();
    network.name("hooks.example", "127.0.0.1");
    place.upload(Form::default()).await;
    place.sender().send_due().await.unwrap();
    assert!(receiver.take().is_empty());
    place.clock.advance_ms(30_000);
    network.name("hooks.example", "93.184.215.14");
    place.sender().send_due().await.unwrap();
    receiver.only();
}

#[tokio::test]
async fn a_running_sender_hears_of_uploads_and_ends_when_it_is_told() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    subscription(&place, &hook, &["image.uploaded"]).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(place.sender().run(async move {
        let _ = stopped.await;
    }));
    place.upload(Form::default()).await;
    let delivered = async {
        while result(&place.get_at("alerting/v3/history").await)
            .as_array()
            .unwrap()
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), delivered).await.unwrap();
    receiver.only();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), running)
        .await
        .unwrap()
        .unwrap();
}
