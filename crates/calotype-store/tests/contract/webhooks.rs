//! Webhooks, and the policies and subscriptions that lead to them.

use std::collections::HashMap;

use calotype_store::{
    Claim, HistoryQuery, ImageEvent, MessageKind, NewDraft, NewPolicy, NewSubscription, NewWebhook, PolicyChanges,
    Store, StoreError, SubscriptionChanges, Webhook, WebhookChanges, WebhookSecret, WebhookUrl,
};
use serde_json::json;

use crate::support::{NOW_MS, Place, described, facts, place, plain};

pub(crate) const ALL: HistoryQuery = HistoryQuery {
    since_ms: 0,
    before_ms: i64::MAX,
    skip: 0,
    max: 100,
};

pub(crate) fn new(name: &str) -> NewWebhook {
    NewWebhook {
        name: name.to_owned(),
        url: WebhookUrl::parse(&format!("https://{name}.example/in")).unwrap(),
        secret: None,
    }
}

pub(crate) async fn webhook(place: &Place, name: &str) -> Webhook {
    place.store.create_webhook(&place.account, &new(name)).await.unwrap()
}

/// A webhook that hears of these events; the id of the subscription.
pub(crate) async fn subscribe(place: &Place, webhook: &Webhook, events: &[ImageEvent]) -> String {
    let subscription = NewSubscription {
        name: "events".to_owned(),
        is_enabled: true,
        events: events.to_vec(),
        webhook: webhook.id.clone(),
    };
    let made = place.store.create_subscription(&place.account, &subscription).await;
    made.unwrap().id
}

/// A webhook that hears of direct uploads; the id of the policy.
pub(crate) async fn notify(place: &Place, webhook: &Webhook) -> String {
    let policy = NewPolicy {
        name: "uploads".to_owned(),
        description: String::new(),
        is_enabled: true,
        webhooks: vec![webhook.id.clone()],
    };
    place.store.create_policy(&place.account, &policy).await.unwrap().id
}

pub(crate) async fn take(store: &Store) -> Vec<Claim> {
    store.claim_messages(&HashMap::new(), 64).await.unwrap()
}

pub(crate) fn kinds(claims: &[Claim]) -> Vec<MessageKind> {
    claims.iter().map(|claim| claim.message.kind).collect()
}

pub(crate) async fn upload_draft(place: &Place) -> calotype_store::Image {
    let draft = NewDraft {
        image: described(json!({"order": "A-17"})),
        ends_ms: NOW_MS + 1_000_000_000,
    };
    let (id, _) = place.store.create_draft(&place.account, &draft).await.unwrap();
    let mut incoming = place.store.receive().await.unwrap();
    incoming.write(b"bytes").await.unwrap();
    let received = incoming.finish().await.unwrap();
    let (store, account) = (&place.store, &place.account);
    let finished = store.finish_draft(account, id.as_str(), None, received, &facts()).await;
    finished.unwrap()
}

#[tokio::test]
async fn secrets_of_webhooks_are_sealed_and_kept_unless_they_are_changed() {
    let Some(place) = place().await else { return };
    let (store, account) = (&place.store, &place.account);
    let with_secret = NewWebhook {
        secret: Some(WebhookSecret::parse("s3cret").unwrap()),
        ..new("a")
    };
    let made = store.create_webhook(account, &with_secret).await.unwrap();
    assert_eq!(store.webhook(account, &made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(store.webhooks(account).await.unwrap(), std::slice::from_ref(&made));
    let secret = async || {
        let secret = store.webhook_secret(account, &made.id).await.unwrap();
        secret.map(|secret| secret.reveal().to_owned())
    };
    assert_eq!(secret().await.as_deref(), Some("s3cret"));
    let renamed = WebhookChanges {
        name: Some("b".to_owned()),
        ..WebhookChanges::default()
    };
    assert_eq!(
        store.update_webhook(account, &made.id, &renamed).await.unwrap().name,
        "b"
    );
    assert_eq!(secret().await.as_deref(), Some("s3cret"));
    let forgotten = WebhookChanges {
        secret: Some(None),
        ..WebhookChanges::default()
    };
    store.update_webhook(account, &made.id, &forgotten).await.unwrap();
    assert_eq!(secret().await, None);
    let other = store.create_account("other").await.unwrap();
    assert_eq!(store.webhook(&other, &made.id).await.unwrap(), None);
    for wrong in [
        store.delete_webhook(&other, &made.id).await,
        store.delete_webhook(account, "x").await,
    ] {
        assert!(matches!(wrong, Err(StoreError::Missing("webhook"))), "{wrong:?}");
    }
}

#[tokio::test]
async fn an_account_has_at_most_fifty_webhooks() {
    let Some(place) = place().await else { return };
    for number in 0..50 {
        webhook(&place, &format!("w{number}")).await;
    }
    let more = place.store.create_webhook(&place.account, &new("more")).await;
    assert!(matches!(more, Err(StoreError::Full { max: 50, .. })), "{more:?}");
}

#[tokio::test]
async fn deleting_a_webhook_drops_what_waits_for_it_and_keeps_what_was_sent() {
    let Some(place) = place().await else { return };
    let (store, account) = (&place.store, &place.account);
    let (gone, stays) = (webhook(&place, "gone").await, webhook(&place, "stays").await);
    let subscription = subscribe(&place, &gone, &[ImageEvent::Uploaded]).await;
    let policy = notify(&place, &gone).await;
    let both = PolicyChanges {
        webhooks: Some(vec![gone.id.clone(), stays.id.clone()]),
        ..PolicyChanges::default()
    };
    store.update_policy(account, &policy, &both).await.unwrap();
    place.keep(plain(), b"1").await.unwrap();
    let [claim] = take(store).await.try_into().unwrap();
    store.settle_message(&claim, true, "HTTP 200").await.unwrap();
    upload_draft(&place).await;
    store.delete_webhook(account, &gone.id).await.unwrap();
    let claims = take(store).await;
    assert_eq!(kinds(&claims), [MessageKind::UploadSucceeded]);
    assert_eq!(claims.first().unwrap().message.webhook, stays.id);
    assert_eq!(
        store.policy(account, &policy).await.unwrap().unwrap().webhooks,
        [stays.id]
    );
    assert_eq!(store.subscription(account, &subscription).await.unwrap(), None);
    assert_eq!(store.sent_messages(account, &ALL).await.unwrap().1, 1);
}

#[tokio::test]
async fn policies_and_subscriptions_lead_to_webhooks_of_the_account_alone() {
    let Some(place) = place().await else { return };
    let (store, account) = (&place.store, &place.account);
    let other = store.create_account("other").await.unwrap();
    let theirs = store.create_webhook(&other, &new("theirs")).await.unwrap();
    let mine = webhook(&place, "mine").await;
    let subscription = subscribe(&place, &mine, &[ImageEvent::Uploaded]).await;
    let stolen = SubscriptionChanges {
        webhook: Some(theirs.id.clone()),
        ..SubscriptionChanges::default()
    };
    let refused = store.update_subscription(account, &subscription, &stolen).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    for webhooks in [vec![], vec![theirs.id], vec!["\0".to_owned()]] {
        let policy = NewPolicy {
            name: "p".to_owned(),
            description: String::new(),
            is_enabled: true,
            webhooks,
        };
        let refused = store.create_policy(account, &policy).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }
    assert!(store.policies(account).await.unwrap().is_empty());
    let changes = SubscriptionChanges {
        events: Some(vec![ImageEvent::Deleted, ImageEvent::Uploaded, ImageEvent::Deleted]),
        ..SubscriptionChanges::default()
    };
    let changed = store
        .update_subscription(account, &subscription, &changes)
        .await
        .unwrap();
    assert_eq!(changed.events, [ImageEvent::Uploaded, ImageEvent::Deleted]);
    store.delete_subscription(account, &subscription).await.unwrap();
    let gone = store.delete_subscription(account, &subscription).await;
    assert!(
        matches!(gone, Err(StoreError::Missing("event subscription"))),
        "{gone:?}"
    );
}
