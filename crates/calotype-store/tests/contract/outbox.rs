//! The outbox: messages are written with what they tell of, taken by one server, tried again, kept for some time.

use std::collections::HashMap;

use calotype_store::{
    Changes, HistoryQuery, ImageEvent, MessageKind, NewDraft, PolicyChanges, Settled, Store, StoreError, UploadError,
    Webhook,
};
use serde_json::json;
use sqlx::Row as _;

use crate::support::{NOW_MS, Place, described, facts, place, plain};
use crate::webhooks::{ALL, kinds, notify, subscribe, take, upload_draft, webhook};

#[tokio::test]
async fn without_a_policy_or_subscription_nothing_waits() {
    let Some(place) = place().await else { return };
    webhook(&place, "a").await;
    let image = place.keep(plain(), b"1").await.unwrap();
    upload_draft(&place).await;
    place
        .store
        .delete_image(&place.account, image.id.as_str())
        .await
        .unwrap();
    assert!(take(&place.store).await.is_empty());
}

#[tokio::test]
async fn every_change_of_an_image_is_an_event_and_a_change_of_nothing_is_none() {
    let Some(place) = place().await else { return };
    let (store, account) = (&place.store, &place.account);
    let hook = webhook(&place, "a").await;
    let subscription = subscribe(&place, &hook, &ImageEvent::ALL).await;
    let image = place.keep(described(json!({"a": 1})), b"1").await.unwrap();
    let [claim] = take(store).await.try_into().unwrap();
    assert_eq!(claim.message.kind, MessageKind::Event(ImageEvent::Uploaded));
    assert_eq!(
        (&claim.message.route, claim.message.route_name.as_str()),
        (&subscription, "events")
    );
    assert_eq!(
        (&claim.message.account_id, claim.message.happened_ms),
        (&account.id, NOW_MS)
    );
    assert_eq!(
        (claim.url.as_str(), claim.message.image.metadata.clone()),
        ("https://a.example/in", Some(json!({"a": 1})))
    );
    assert_eq!(claim.message.image.filename.as_deref(), Some("a.png"));

    store
        .update_image(account, image.id.as_str(), &Changes::default())
        .await
        .unwrap();
    assert!(take(store).await.is_empty(), "nothing has changed");

    let private = Changes {
        is_private: Some(true),
        ..Changes::default()
    };
    let changed = store.update_image(account, image.id.as_str(), &private).await.unwrap();
    let [claim] = take(store).await.try_into().unwrap();
    assert_eq!(claim.message.kind, MessageKind::Event(ImageEvent::Updated));
    let told = &claim.message.image;
    assert_eq!(
        (told.id.as_str(), told.previous_id.as_deref(), told.is_private),
        (changed.id.as_str(), Some(image.id.as_str()), true)
    );

    store.delete_image(account, changed.id.as_str()).await.unwrap();
    let [claim] = take(store).await.try_into().unwrap();
    assert_eq!(claim.message.kind, MessageKind::Event(ImageEvent::Deleted));
    assert_eq!(
        (claim.message.image.id.as_str(), &claim.message.image.metadata),
        (changed.id.as_str(), &Some(json!({"a": 1})))
    );
}

#[tokio::test]
async fn a_change_that_fails_leaves_no_message() {
    let Some(place) = place().await else { return };
    let hook = webhook(&place, "a").await;
    subscribe(&place, &hook, &ImageEvent::ALL).await;
    place.store.set_quota(&place.account, Some(0)).await.unwrap();
    let account = place.store.default_account().await.unwrap();
    let mut incoming = place.store.receive().await.unwrap();
    incoming.write(b"1").await.unwrap();
    let received = incoming.finish().await.unwrap();
    let refused = place.store.create_image(&account, plain(), received, &facts()).await;
    assert!(matches!(refused, Err(StoreError::Full { .. })), "{refused:?}");
    assert!(take(&place.store).await.is_empty());
}

#[tokio::test]
async fn direct_uploads_are_told_to_policies_and_events_to_their_subscriptions() {
    let Some(place) = place().await else { return };
    let (notified, uploads, deletions) = (
        webhook(&place, "a").await,
        webhook(&place, "b").await,
        webhook(&place, "c").await,
    );
    let policy = notify(&place, &notified).await;
    subscribe(&place, &uploads, &[ImageEvent::Uploaded]).await;
    subscribe(&place, &deletions, &[ImageEvent::Deleted]).await;
    place.keep(plain(), b"1").await.unwrap();
    assert_eq!(
        kinds(&take(&place.store).await),
        [MessageKind::Event(ImageEvent::Uploaded)]
    );
    let image = upload_draft(&place).await;
    let claims = take(&place.store).await;
    let of = |kind| claims.iter().find(|claim| claim.message.kind == kind).unwrap();
    assert_eq!(claims.len(), 2);
    let told = &of(MessageKind::UploadSucceeded).message;
    assert_eq!((&told.route, told.image.id.as_str()), (&policy, image.id.as_str()));
    let event = &of(MessageKind::Event(ImageEvent::Uploaded)).message;
    assert_eq!((&event.webhook, &event.correlation), (&uploads.id, &told.correlation));
    assert_eq!(event.image, told.image);

    let off = PolicyChanges {
        is_enabled: Some(false),
        ..PolicyChanges::default()
    };
    place.store.update_policy(&place.account, &policy, &off).await.unwrap();
    upload_draft(&place).await;
    assert_eq!(
        kinds(&take(&place.store).await),
        [MessageKind::Event(ImageEvent::Uploaded)]
    );
}

#[tokio::test]
async fn a_draft_makes_five_notifications_of_refusals_and_an_image_none() {
    let Some(place) = place().await else { return };
    let (store, account) = (&place.store, &place.account);
    let hook = webhook(&place, "a").await;
    notify(&place, &hook).await;
    let draft = NewDraft {
        image: described(json!({"order": 3})),
        ends_ms: NOW_MS + 60_000,
    };
    let (id, _) = store.create_draft(account, &draft).await.unwrap();
    let error = || UploadError {
        code: 5455,
        message: "Unsupported image format".to_owned(),
    };
    let refuse = async |id: &str| store.refuse_draft(account, id, Some("a.txt"), error()).await.unwrap();
    for _ in 0..7 {
        refuse(id.as_str()).await;
    }
    let mut refusals = Vec::new();
    loop {
        let claims = take(store).await;
        if claims.is_empty() {
            break;
        }
        refusals.extend(claims);
    }
    assert_eq!(refusals.len(), 5);
    let told = &refusals.first().unwrap().message;
    assert_eq!(
        (told.kind, &told.image.error),
        (MessageKind::UploadFailed, &Some(error()))
    );
    assert_eq!(
        (
            told.image.filename.as_deref(),
            &told.image.metadata,
            told.image.uploaded_ms
        ),
        (Some("a.txt"), &Some(json!({"order": 3})), None)
    );
    let image = upload_draft(&place).await;
    assert_eq!(kinds(&take(store).await), [MessageKind::UploadSucceeded]);
    refuse(image.id.as_str()).await;
    refuse("nobody").await;
    assert!(take(store).await.is_empty());
}

#[tokio::test]
async fn a_message_is_taken_by_one_server_and_comes_back_when_that_dies() {
    let Some(place) = place().await else { return };
    let hook = webhook(&place, "a").await;
    subscribe(&place, &hook, &[ImageEvent::Uploaded]).await;
    place.keep(plain(), b"1").await.unwrap();
    let another = Store::open(place.settings.clone()).await.unwrap();
    let (first, second) = tokio::join!(take(&place.store), take(&another));
    assert_eq!(first.len() + second.len(), 1, "one of the two has it");
    let dead = first.into_iter().chain(second).next().unwrap();
    place.clock.advance_ms(59_999);
    assert!(take(&another).await.is_empty());
    place.clock.advance_ms(1);
    let [again] = take(&another).await.try_into().unwrap();
    assert_eq!(again.message, dead.message);
    assert_eq!(
        place.store.settle_message(&dead, true, "HTTP 200").await.unwrap(),
        Settled::Lost
    );
    assert_eq!(
        another.settle_message(&again, true, "HTTP 200").await.unwrap(),
        Settled::Delivered
    );
    place.clock.advance_ms(1_000_000);
    assert!(take(&another).await.is_empty());
}

#[tokio::test]
async fn a_failed_try_is_made_again_after_half_a_minute_and_five_and_then_no_more() {
    let Some(place) = place().await else { return };
    let hook = webhook(&place, "a").await;
    subscribe(&place, &hook, &[ImageEvent::Uploaded]).await;
    place.keep(plain(), b"1").await.unwrap();
    for (wait_ms, want_s) in [(0, Some(30)), (30_000, Some(300)), (300_000, None)] {
        if wait_ms > 0 {
            place.clock.advance_ms(wait_ms - 1);
            assert!(take(&place.store).await.is_empty(), "{wait_ms}");
            place.clock.advance_ms(1);
        }
        let [claim] = take(&place.store).await.try_into().unwrap();
        let settled = place.store.settle_message(&claim, false, "HTTP 500").await.unwrap();
        let want = want_s.map_or(Settled::GivenUp, |s| Settled::Again(std::time::Duration::from_secs(s)));
        assert_eq!(settled, want);
    }
    place.clock.advance_ms(86_400_000);
    assert!(take(&place.store).await.is_empty());
    let (sent, total) = place.store.sent_messages(&place.account, &ALL).await.unwrap();
    let [sent] = sent.try_into().unwrap();
    assert_eq!(
        (total, sent.is_delivered, sent.tries, sent.outcome.as_str()),
        (1, false, 3, "HTTP 500")
    );
    let hook = place.store.webhook(&place.account, &hook.id).await.unwrap().unwrap();
    assert_eq!(
        (hook.last_success_ms, hook.last_failure_ms),
        (None, Some(NOW_MS + 330_000))
    );
}

#[tokio::test]
async fn a_message_that_every_server_dies_with_is_given_up() {
    let Some(place) = place().await else { return };
    let hook = webhook(&place, "a").await;
    subscribe(&place, &hook, &[ImageEvent::Uploaded]).await;
    place.keep(plain(), b"1").await.unwrap();
    for taking in 0..10 {
        assert_eq!(take(&place.store).await.len(), 1, "{taking}");
        place.clock.advance_ms(60_000);
    }
    assert!(take(&place.store).await.is_empty());
    assert_eq!(place.store.sent_messages(&place.account, &ALL).await.unwrap().1, 1);
}

#[tokio::test]
async fn a_webhook_that_fails_gets_one_message_at_once_after_those_that_answer() {
    let Some(place) = place().await else { return };
    let (dead, alive) = (webhook(&place, "dead").await, webhook(&place, "alive").await);
    subscribe(&place, &dead, &[ImageEvent::Uploaded]).await;
    place.keep(plain(), b"0").await.unwrap();
    let [claim] = take(&place.store).await.try_into().unwrap();
    place
        .store
        .settle_message(&claim, false, "no answer in time")
        .await
        .unwrap();
    place.clock.advance_ms(1);
    for bytes in [b"1", b"2", b"3", b"4", b"5", b"6"] {
        place.keep(plain(), bytes).await.unwrap();
    }
    place.clock.advance_ms(1);
    subscribe(&place, &alive, &[ImageEvent::Uploaded]).await;
    for bytes in [b"7", b"8", b"9"] {
        place.keep(plain(), bytes).await.unwrap();
    }
    let claims = take(&place.store).await;
    let names: Vec<_> = claims.iter().map(|claim| claim.url.as_str()).collect();
    let (alive_url, dead_url) = ("https://alive.example/in", "https://dead.example/in");
    assert_eq!(names, [alive_url, alive_url, alive_url, dead_url]);
    assert_eq!(
        take(&place.store).await.len(),
        1,
        "the dead one's is not under way here"
    );
    let under_way = HashMap::from([(dead.id.clone(), 1), (alive.id.clone(), 4)]);
    assert!(place.store.claim_messages(&under_way, 64).await.unwrap().is_empty());
}

async fn past_the_store(place: &Place) -> sqlx::AnyPool {
    let file = format!("sqlite://{}", place.directory.path().join("calotype.db").display());
    let url = place.settings.database.clone().unwrap_or(file);
    sqlx::AnyPool::connect(&url).await.unwrap()
}

/// Writes messages to a webhook past the store, as thousands of uploads would: numbered, the first the oldest.
async fn fill(place: &Place, webhook: &Webhook, count: u32, is_done: bool) {
    let pool = past_the_store(place).await;
    let done = if is_done { "1800000000000 + i" } else { "NULL" };
    let text = format!(
        "INSERT INTO outbox (id, correlation, account, webhook, route, route_name, kind, facts, happened_ms, due_ms, done_ms)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         SELECT 'message ' || i, '', 1, '{}', '', '', 'image.uploaded', '{{}}', 1, 1, {done} FROM n",
        webhook.id
    );
    sqlx::query(sqlx::AssertSqlSafe(text)).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn ten_thousand_messages_wait_for_a_webhook_and_no_more() {
    let Some(place) = place().await else { return };
    let (full, other) = (webhook(&place, "full").await, webhook(&place, "other").await);
    fill(&place, &full, 9_999, false).await;
    subscribe(&place, &full, &[ImageEvent::Uploaded]).await;
    subscribe(&place, &other, &[ImageEvent::Uploaded]).await;
    for bytes in [b"1", b"2", b"3"] {
        place.keep(plain(), bytes).await.unwrap();
    }
    let to_other = take(&place.store).await;
    assert_eq!(
        to_other
            .iter()
            .filter(|claim| claim.message.webhook == other.id)
            .count(),
        3
    );
    assert_eq!(waiting(&place, &full).await, 10_000);
}

async fn waiting(place: &Place, webhook: &Webhook) -> i64 {
    let pool = past_the_store(place).await;
    let row = sqlx::query("SELECT COUNT(*) AS waiting FROM outbox WHERE webhook = $1 AND done_ms IS NULL")
        .bind(&webhook.id)
        .fetch_one(&pool)
        .await
        .unwrap();
    pool.close().await;
    row.try_get("waiting").unwrap()
}

#[tokio::test]
async fn the_newest_thousand_messages_of_a_webhook_are_history() {
    let Some(place) = place().await else { return };
    let hook = webhook(&place, "a").await;
    fill(&place, &hook, 1_005, true).await;
    assert_eq!(place.store.trim_messages().await.unwrap(), 5);
    let oldest = HistoryQuery { skip: 999, ..ALL };
    let (sent, total) = place.store.sent_messages(&place.account, &oldest).await.unwrap();
    let ids: Vec<_> = sent.iter().map(|sent| sent.message.id.as_str()).collect();
    assert_eq!((ids, total), (vec!["message 6"], 1_000));
}

#[tokio::test]
async fn history_is_forgotten_after_thirty_days() {
    let Some(place) = place().await else { return };
    let hook = webhook(&place, "a").await;
    subscribe(&place, &hook, &[ImageEvent::Uploaded]).await;
    for bytes in [b"1", b"2"] {
        place.keep(plain(), bytes).await.unwrap();
        let [claim] = take(&place.store).await.try_into().unwrap();
        place.store.settle_message(&claim, true, "HTTP 204").await.unwrap();
        place.clock.advance_ms(86_400_000);
    }
    let page = HistoryQuery { skip: 1, max: 1, ..ALL };
    let (sent, total) = place.store.sent_messages(&place.account, &page).await.unwrap();
    assert_eq!((sent.first().unwrap().done_ms, sent.len(), total), (NOW_MS, 1, 2));
    let later = HistoryQuery {
        since_ms: NOW_MS + 1,
        ..ALL
    };
    assert_eq!(place.store.sent_messages(&place.account, &later).await.unwrap().1, 1);
    place.clock.advance_ms(28 * 86_400_000);
    assert_eq!(place.store.trim_messages().await.unwrap(), 0);
    place.clock.advance_ms(1);
    assert_eq!(place.store.trim_messages().await.unwrap(), 1);
    assert_eq!(place.store.sent_messages(&place.account, &ALL).await.unwrap().1, 1);
}
