//! Webhooks end to end: made by the API, told of uploads and changes, tried again.

mod api;
mod sending;

use std::time::Duration;

use calotype_http::Webhooks;
use calotype_source::{AddressGuard, PostSettings};
use serde_json::{Value, json};

use crate::place::{Form, Place, Wishes, path_of, place_with, result};
use crate::receiver::Receiver;
use crate::support::client::{Answer, Request};

/// Time for a try in these tests; a receiver on loopback answers in a thousandth of it, or never.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// A server that may post to loopback, and somebody there.
pub async fn beside_a_receiver() -> (Place, Receiver) {
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
    pub async fn ask_at(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let request = Request::new(method, &format!("/client/v4/accounts/{}/{rest}", self.account.id))
            .header("Authorization", &format!("Bearer {}", self.token));
        self.served.ask(&request.body(body.to_string())).await
    }

    pub async fn get_at(&self, rest: &str) -> Answer {
        self.ask_at("GET", rest, &json!({})).await
    }

    /// A sender of its own, as a server that was started now has it.
    pub fn sender(&self) -> Webhooks {
        self.another_app().webhooks().unwrap()
    }
}

pub const WEBHOOKS: &str = "alerting/v3/destinations/webhooks";
pub const POLICIES: &str = "alerting/v3/policies";
pub const SUBSCRIPTIONS: &str = "event_subscriptions/subscriptions";

pub fn id_of(result: &Value) -> String {
    result["id"].as_str().unwrap().to_owned()
}

/// A webhook with a secret; the test post that it was made with is taken away.
pub async fn webhook(place: &Place, receiver: &Receiver) -> String {
    let body = json!({"name": "shop", "url": receiver.url(), "secret": "s3cret ~ value"});
    let id = id_of(&result(&place.ask_at("POST", WEBHOOKS, &body).await));
    receiver.only();
    id
}

pub async fn policy(place: &Place, webhook: &str) -> String {
    let body = json!({
        "name": "uploads", "alert_type": "image_notification", "enabled": true, "mechanisms": {"webhooks": [{"id": webhook}]}, "new_member": 1
    });
    id_of(&result(&place.ask_at("POST", POLICIES, &body).await))
}

pub async fn subscription(place: &Place, webhook: &str, events: &[&str]) -> String {
    let body = json!({
        "name": "index", "source": {"type": "images"}, "events": events, "destination": {"type": "webhook", "webhook_id": webhook}
    });
    id_of(&result(&place.ask_at("POST", SUBSCRIPTIONS, &body).await))
}

pub async fn promise(place: &Place, form: Form) -> (String, String) {
    let promised = result(&place.send("v2/direct_upload", form).await);
    (id_of(&promised), path_of(promised["uploadURL"].as_str().unwrap()))
}

pub async fn upload(place: &Place, path: &str, form: Form) -> Answer {
    place.served.ask(&form.on(Request::new("POST", path))).await
}
