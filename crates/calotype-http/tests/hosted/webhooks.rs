//! Webhooks end to end: made by the API, told of uploads and changes, tried again.

use std::net::SocketAddr;
use std::time::Duration;

use calotype_http::Webhooks;
use calotype_source::{AddressGuard, PostSettings};
use serde_json::{Value, json};

use crate::place::{Form, NOW_MS, Place, Wishes, code, failure, path_of, picture, place, place_with, result};
use crate::receiver::{Receiver, Reply};
use crate::support::client::{Answer, Request};
use crate::support::network::Network;

/// Time for a try in these tests; a receiver on loopback answers in a thousandth of it, or never.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A server that may post to loopback, and somebody there.
async fn beside_a_receiver() -> (Place, Receiver) {
    let post = PostSettings {
        guard: AddressGuard::off(),
        timeout: TIMEOUT,
        ..PostSettings::default()
    };
    let wishes = Wishes {
        post,
        ..Wishes::default()
    };
    (place_with(wishes).await, Receiver::start().await)
}

impl Place {
    async fn ask_at(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let request = Request::new(method, &format!("/client/v4/accounts/{}/{rest}", self.account.id))
            .header("Authorization", &format!("Bearer {}", self.token));
        self.served.ask(&request.body(body.to_string())).await
    }

    async fn get_at(&self, rest: &str) -> Answer {
        self.ask_at("GET", rest, &json!({})).await
    }

    /// A sender of its own, as a server that was started now has it.
    fn sender(&self) -> Webhooks {
        self.another_app().webhooks().unwrap()
    }
}

const WEBHOOKS: &str = "alerting/v3/destinations/webhooks";
const POLICIES: &str = "alerting/v3/policies";
const SUBSCRIPTIONS: &str = "event_subscriptions/subscriptions";

fn id_of(result: &Value) -> String {
    result["id"].as_str().unwrap().to_owned()
}

/// A webhook with a secret; the test post that it was made with is taken away.
async fn webhook(place: &Place, receiver: &Receiver) -> String {
    let body = json!({"name": "shop", "url": receiver.url(), "secret": "s3cret ~ value"});
    let id = id_of(&result(&place.ask_at("POST", WEBHOOKS, &body).await));
    receiver.only();
    id
}

async fn policy(place: &Place, webhook: &str) -> String {
    let body = json!({
        "name": "uploads", "alert_type": "image_notification", "enabled": true, "mechanisms": {"webhooks": [{"id": webhook}]}, "new_member": 1
    });
    id_of(&result(&place.ask_at("POST", POLICIES, &body).await))
}

async fn subscription(place: &Place, webhook: &str, events: &[&str]) -> String {
    let body = json!({
        "name": "index", "source": {"type": "images"}, "events": events, "destination": {"type": "webhook", "webhook_id": webhook}
    });
    id_of(&result(&place.ask_at("POST", SUBSCRIPTIONS, &body).await))
}

async fn promise(place: &Place, form: Form) -> (String, String) {
    let promised = result(&place.send("v2/direct_upload", form).await);
    (id_of(&promised), path_of(promised["uploadURL"].as_str().unwrap()))
}

async fn upload(place: &Place, path: &str, form: Form) -> Answer {
    place.served.ask(&form.on(Request::new("POST", path))).await
}

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
    assert_eq!(NOW_MS, 1_800_000_000_000);
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
async fn a_webhook_is_tried_before_it_is_made_and_on_demand() {
    let (place, receiver) = beside_a_receiver().await;
    receiver.then_status("403 Forbidden");
    let body = json!({"name": "shop", "url": receiver.url(), "secret": "s"});
    let (status, told_code, message) = failure(&place.ask_at("POST", WEBHOOKS, &body).await);
    assert_eq!((status, told_code), (400, 5400));
    assert_eq!(
        message,
        "error connecting webhooks destination shop: Webhook test failed: HTTP 403"
    );
    assert_eq!(result(&place.get_at(WEBHOOKS).await), json!([]));
    let tried = receiver.only();
    assert_eq!(
        (tried.header("cf-webhook-auth"), &tried.body["data"]["status"]),
        (Some("s"), &json!("success"))
    );
    assert_eq!(tried.body["policy_id"], "0".repeat(32));

    let id = webhook(&place, &receiver).await;
    let tested = result(&place.ask_at("POST", &format!("{WEBHOOKS}/{id}/test"), &json!({})).await);
    assert_eq!(tested, json!({"id": id, "status": 200}));
    assert_eq!(receiver.only().header("cf-webhook-auth"), Some("s3cret ~ value"));
    receiver.then_status("410 Gone");
    assert_eq!(
        code(&place.ask_at("POST", &format!("{WEBHOOKS}/{id}/test"), &json!({})).await),
        (400, 5400)
    );
    receiver.only();

    let renamed = json!({"name": "other", "url": receiver.url()});
    result(&place.ask_at("PUT", &format!("{WEBHOOKS}/{id}"), &renamed).await);
    assert_eq!(
        receiver.only().header("cf-webhook-auth"),
        Some("s3cret ~ value"),
        "what is not said stays"
    );
    let told = result(&place.get_at(&format!("{WEBHOOKS}/{id}")).await);
    assert_eq!(
        told,
        json!({
            "id": id, "name": "other", "url": receiver.url(), "type": "generic", "created_at": "2027-01-15T08:00:00.000Z",
            "last_success": null, "last_failure": null
        })
    );
    result(
        &place
            .ask_at("PUT", &format!("{WEBHOOKS}/{id}"), &json!({"secret": ""}))
            .await,
    );
    assert_eq!(receiver.only().header("cf-webhook-auth"), None);
}

#[tokio::test]
async fn deleting_a_webhook_drops_what_waits_for_it() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    let subscription = subscription(&place, &hook, &["image.uploaded"]).await;
    place.upload(Form::default()).await;
    result(&place.ask_at("DELETE", &format!("{WEBHOOKS}/{hook}"), &json!({})).await);
    assert_eq!(place.sender().send_due().await.unwrap(), 0);
    assert!(receiver.take().is_empty());
    let gone = place.get_at(&format!("{SUBSCRIPTIONS}/{subscription}")).await;
    assert_eq!(failure(&gone), (404, 5404, "Event subscription not found".to_owned()));
    let gone = place.get_at(&format!("{WEBHOOKS}/{hook}")).await;
    assert_eq!(failure(&gone), (404, 5404, "Webhook not found".to_owned()));
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

#[tokio::test]
async fn policies_and_subscriptions_are_made_changed_listed_and_deleted() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    let made = policy(&place, &hook).await;
    let told = result(&place.get_at(&format!("{POLICIES}/{made}")).await);
    let mut want = json!({
        "id": made, "name": "uploads", "description": "", "enabled": true, "alert_type": "image_notification",
        "mechanisms": {"webhooks": [{"id": hook}]}, "filters": {}, "created": "2027-01-15T08:00:00.000Z", "modified": "2027-01-15T08:00:00.000Z"
    });
    assert_eq!(told, want);
    place.clock.advance_ms(1_000);
    result(
        &place
            .ask_at(
                "PUT",
                &format!("{POLICIES}/{made}"),
                &json!({"enabled": false, "description": "d"}),
            )
            .await,
    );
    want["enabled"] = json!(false);
    want["description"] = json!("d");
    want["modified"] = json!("2027-01-15T08:00:01.000Z");
    assert_eq!(result(&place.get_at(POLICIES).await), json!([want]));
    result(&place.ask_at("DELETE", &format!("{POLICIES}/{made}"), &json!({})).await);
    assert_eq!(code(&place.get_at(&format!("{POLICIES}/{made}")).await), (404, 5404));

    let first = subscription(&place, &hook, &["image.uploaded"]).await;
    place.clock.advance_ms(1_000);
    let second = subscription(&place, &hook, &["image.deleted"]).await;
    let patched = json!({"enabled": false, "events": ["image.deleted", "image.updated"], "name": "a"});
    let told = result(
        &place
            .ask_at("PATCH", &format!("{SUBSCRIPTIONS}/{second}"), &patched)
            .await,
    );
    assert_eq!(
        told,
        json!({
            "id": second, "name": "a", "enabled": false, "source": {"type": "images"}, "events": ["image.updated", "image.deleted"],
            "destination": {"type": "webhook", "webhook_id": hook}, "created_at": "2027-01-15T08:00:02.000Z", "modified_at": "2027-01-15T08:00:02.000Z"
        })
    );
    let ids = async |query: &str| {
        let list = result(&place.get_at(&format!("{SUBSCRIPTIONS}?{query}")).await);
        list.as_array().unwrap().iter().map(id_of).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [first.clone(), second.clone()]);
    assert_eq!(ids("direction=desc&per_page=1").await, [second.clone()]);
    assert_eq!(ids("direction=desc&per_page=1&page=2").await, [first.clone()]);
    assert_eq!(ids("page=2").await, Vec::<String>::new());
    assert_eq!(ids("order=name").await, [second.clone(), first.clone()]);
    assert_eq!(
        id_of(&result(
            &place
                .ask_at("DELETE", &format!("{SUBSCRIPTIONS}/{first}"), &json!({}))
                .await
        )),
        first
    );
    assert_eq!(ids("").await, [second]);
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_words_that_help() {
    let place = place().await;
    let hook = "0".repeat(32);
    let policy = |alert: &str, mechanisms: Value| json!({"name": "n", "alert_type": alert, "enabled": true, "mechanisms": mechanisms});
    let subscription = |source: &str, event: &str, destination: Value| json!({"name": "n", "source": {"type": source}, "events": [event], "destination": destination});
    let webhooks = json!({"webhooks": [{"id": hook}]});
    let to_webhook = json!({"type": "webhook", "webhook_id": hook});
    for (path, body, words) in [
        (
            POLICIES,
            policy("universal_ssl_event_type", webhooks.clone()),
            "alert_type must be image_notification",
        ),
        (
            POLICIES,
            policy("image_notification", json!({"email": [{"id": "a@b.example"}]})),
            "mechanisms.email is not there",
        ),
        (
            POLICIES,
            policy("image_notification", webhooks),
            "there is no webhook 0000",
        ),
        (
            POLICIES,
            policy("image_notification", json!({})),
            "mechanisms.webhooks must name 1 to 50",
        ),
        (
            SUBSCRIPTIONS,
            subscription("r2", "image.uploaded", to_webhook.clone()),
            "source must be",
        ),
        (
            SUBSCRIPTIONS,
            subscription("images", "image.seen", to_webhook.clone()),
            "unknown event `image.seen`",
        ),
        (
            SUBSCRIPTIONS,
            subscription(
                "images",
                "image.uploaded",
                json!({"type": "queues.queue", "queue_id": "q"}),
            ),
            "there are no queues here",
        ),
        (
            SUBSCRIPTIONS,
            subscription("images", "image.uploaded", to_webhook),
            "there is no webhook 0000",
        ),
        (
            WEBHOOKS,
            json!({"name": "n", "url": "ftp://a.example/"}),
            "url must be an http or https URL",
        ),
        (
            WEBHOOKS,
            json!({"name": "n", "url": "https://a.example/", "secret": "a\nb"}),
            "secret must have",
        ),
        (WEBHOOKS, json!({"url": "https://a.example/"}), "name must be given"),
    ] {
        let (status, told_code, message) = failure(&place.ask_at("POST", path, &body).await);
        assert_eq!((status, told_code), (400, 5400), "{body}");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(code(&place.get_at("alerting/v3/silences").await), (404, 7003));
    assert_eq!(code(&place.ask_at("PATCH", POLICIES, &json!({})).await), (405, 7000));
    let alerts = result(&place.get_at("alerting/v3/available_alerts").await);
    assert_eq!(alerts["Images"][0]["type"], "image_notification");
    for query in ["page=0", "per_page=1001", "since=yesterday"] {
        let answer = place.get_at(&format!("alerting/v3/history?{query}")).await;
        assert_eq!(code(&answer), (400, 5400), "{query}");
    }
}

#[tokio::test]
async fn a_token_that_only_reads_changes_and_tests_nothing() {
    let (place, receiver) = beside_a_receiver().await;
    let hook = webhook(&place, &receiver).await;
    let (_, reader) = place
        .store
        .create_token(&place.account, "reader", calotype_store::Scope::Read, None)
        .await
        .unwrap();
    let ask = async |method: &str, rest: &str| {
        let request = Request::new(method, &format!("/client/v4/accounts/{}/{rest}", place.account.id))
            .header("Authorization", &format!("Bearer {}", reader.reveal()));
        place.served.ask(&request.body("{}")).await
    };
    result(&ask("GET", WEBHOOKS).await);
    result(&ask("GET", "alerting/v3/history").await);
    for (method, rest) in [
        ("POST", WEBHOOKS.to_owned()),
        ("DELETE", format!("{WEBHOOKS}/{hook}")),
        ("POST", format!("{WEBHOOKS}/{hook}/test")),
        ("POST", POLICIES.to_owned()),
        ("POST", SUBSCRIPTIONS.to_owned()),
    ] {
        assert_eq!(code(&ask(method, &rest).await), (403, 10_000), "{method} {rest}");
    }
    assert!(receiver.take().is_empty());
}
