//! The API: webhooks, policies, subscriptions.

use serde_json::{Value, json};

use super::{POLICIES, SUBSCRIPTIONS, WEBHOOKS, beside_a_receiver, id_of, policy, subscription, webhook};
use crate::place::{Form, code, failure, place, result};
use crate::support::client::Request;

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
    assert_eq!(ids("direction=desc&per_page=1").await, std::slice::from_ref(&second));
    assert_eq!(
        ids("direction=desc&per_page=1&page=2").await,
        std::slice::from_ref(&first)
    );
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
