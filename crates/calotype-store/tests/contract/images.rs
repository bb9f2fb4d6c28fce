use std::collections::HashSet;
use std::sync::Arc;

use calotype_store::{
    Changes, EventKind, FieldPath, Filter, FilterTest, Image, ImageId, ListQuery, Metadata, NewDraft, NewImage, Order,
    Position, Secret, StoreError,
};
use serde_json::json;

use crate::support::{NOW_MS, Place, described, facts, place, plain};

const MINUTE_MS: i64 = 60_000;

fn named(id: &str) -> NewImage {
    NewImage {
        id: Some(ImageId::custom(id).unwrap()),
        ..plain()
    }
}

/// Keeps the promise of a draft.
async fn finish(place: &Place, id: &ImageId, secret: Option<&Secret>) -> calotype_store::Result<Image> {
    let mut incoming = place.store.receive().await?;
    incoming.write(b"kept").await?;
    let received = incoming.finish().await?;
    let secret = secret.map(Secret::reveal);
    let store = &place.store;
    store
        .finish_draft(&place.account, id.as_str(), secret, received, &facts())
        .await
}

fn draft(image: NewImage) -> NewDraft {
    NewDraft {
        image,
        ends_ms: NOW_MS + 30 * MINUTE_MS,
    }
}

#[tokio::test]
async fn metadata_is_kept_whatever_kind_of_value_came_before() {
    let Some(place) = place().await else { return };
    for value in [json!("v"), json!(5), json!(true), json!(2.5), json!("w"), json!(7)] {
        // Often enough to meet each connection of the pool more than once.
        for _ in 0..3 {
            let metadata = json!({"a": value, "b": {"c": value}});
            let image = place.keep(described(metadata.clone()), b"bytes").await.unwrap();
            assert_eq!(image.metadata.as_ref().unwrap().value(), &metadata);
        }
    }
}

#[tokio::test]
async fn an_image_is_what_was_uploaded() {
    let Some(place) = place().await else { return };
    let new = NewImage {
        creator: Some("user-318".to_owned()),
        ..described(json!({"shelf": "B4", "priority": 2}))
    };
    let image = place.keep(new, b"bytes").await.unwrap();
    assert_eq!(image.position.ms(), NOW_MS);
    assert_eq!(image.creator.as_deref(), Some("user-318"));
    assert_eq!(
        image.metadata.as_ref().unwrap().value(),
        &json!({"shelf": "B4", "priority": 2})
    );
    let original = image.original.as_ref().unwrap();
    assert_eq!(
        (original.filename.as_str(), original.bytes, original.width),
        ("a.png", 5, Some(4))
    );
    assert_eq!(place.bytes(&image).await.unwrap(), b"bytes");
    assert_eq!(
        place.store.image(&place.account, image.id.as_str()).await.unwrap(),
        Some(image)
    );
    assert_eq!(place.store.image(&place.account, "nosuch\0").await.unwrap(), None);
}

#[tokio::test]
async fn an_id_is_taken_by_images_and_drafts_alike_until_it_is_free_again() {
    let Some(place) = place().await else { return };
    place.keep(named("a/b"), b"1").await.unwrap();
    assert!(matches!(
        place.keep(named("a/b"), b"2").await,
        Err(StoreError::Taken(_))
    ));
    let taken = place.store.create_draft(&place.account, &draft(named("a/b"))).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))));
    place
        .store
        .create_draft(&place.account, &draft(named("c")))
        .await
        .unwrap();
    assert!(matches!(place.keep(named("c"), b"3").await, Err(StoreError::Taken(_))));
    // One account's ids are nothing to another.
    let second = place.store.create_account("second").await.unwrap();
    assert!(place.store.create_draft(&second, &draft(named("c"))).await.is_ok());
    place.clock.advance_ms(30 * MINUTE_MS);
    place.keep(named("c"), b"4").await.unwrap();
    place.store.delete_image(&place.account, "a/b").await.unwrap();
    place.keep(named("a/b"), b"5").await.unwrap();
    let stored = place.store.default_account().await.unwrap().images;
    assert_eq!(stored, 2, "a refused upload is not counted");
}

#[tokio::test]
async fn custom_ids_are_never_private() {
    let Some(place) = place().await else { return };
    let new = NewImage {
        is_private: true,
        ..named("a")
    };
    assert!(matches!(place.keep(new, b"1").await, Err(StoreError::Invalid(_))));
    place.keep(named("a"), b"1").await.unwrap();
    let private = Changes {
        is_private: Some(true),
        ..Changes::default()
    };
    let refused = place.store.update_image(&place.account, "a", &private).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn access_gives_another_id_and_giving_it_back_gives_the_first_one() {
    let Some(place) = place().await else { return };
    let first = place.keep(described(json!({"a": 1})), b"1").await.unwrap();
    let change = |is_private| Changes {
        is_private: Some(is_private),
        ..Changes::default()
    };
    let same = place
        .store
        .update_image(&place.account, first.id.as_str(), &change(false))
        .await
        .unwrap();
    assert_eq!(same, first);
    let second = place
        .store
        .update_image(&place.account, first.id.as_str(), &change(true))
        .await
        .unwrap();
    assert!(second.is_private && second.id.as_str().ends_with("01") && second.position == first.position);
    assert_eq!(
        place.store.image(&place.account, first.id.as_str()).await.unwrap(),
        None
    );
    let third = place
        .store
        .update_image(&place.account, second.id.as_str(), &change(false))
        .await
        .unwrap();
    assert_eq!(third, first);
}

#[tokio::test]
async fn what_is_changed_is_replaced_and_what_is_not_named_stays() {
    let Some(place) = place().await else { return };
    let new = NewImage {
        creator: Some("a".to_owned()),
        ..described(json!({"old": 1}))
    };
    let image = place.keep(new, b"1").await.unwrap();
    let id = image.id.as_str();
    let changes = Changes {
        metadata: Some(Metadata::new(json!({"new": 2})).unwrap()),
        ..Changes::default()
    };
    let changed = place.store.update_image(&place.account, id, &changes).await.unwrap();
    assert_eq!(changed.metadata.unwrap().value(), &json!({"new": 2}));
    assert_eq!(changed.creator.as_deref(), Some("a"));
    assert_eq!(
        place.store.metadata_keys(&place.account).await.unwrap(),
        (vec!["new".to_owned()], false)
    );
    let cleared = Changes {
        creator: Some(None),
        metadata: Some(None),
        ..Changes::default()
    };
    let changed = place.store.update_image(&place.account, id, &cleared).await.unwrap();
    assert_eq!((changed.creator, changed.metadata), (None, None));
    assert_eq!(place.store.metadata_keys(&place.account).await.unwrap().0.len(), 0);
    let missing = place.store.update_image(&place.account, "nosuch", &cleared).await;
    assert!(matches!(missing, Err(StoreError::Missing(_))));
}

#[tokio::test]
async fn a_draft_becomes_an_image_once() {
    let Some(place) = place().await else { return };
    let (account, store) = (&place.account, &place.store);
    let (id, secret) = store
        .create_draft(account, &draft(described(json!({"order": "A-17"}))))
        .await
        .unwrap();
    assert!(secret.is_none(), "its id is its secret");
    let seen = store.image(account, id.as_str()).await.unwrap().unwrap();
    assert_eq!(seen.original, None);
    assert_eq!(
        store.metadata_keys(account).await.unwrap().0.len(),
        0,
        "drafts are in no list"
    );
    place.clock.advance_ms(MINUTE_MS);
    let receive = async || {
        let mut incoming = store.receive().await.unwrap();
        incoming.write(b"me").await.unwrap();
        incoming.finish().await.unwrap()
    };
    let image = store
        .finish_draft(account, id.as_str(), None, receive().await, &facts())
        .await
        .unwrap();
    assert_eq!(image.position.ms(), NOW_MS + MINUTE_MS, "uploaded when it was uploaded");
    assert_eq!(store.metadata_keys(account).await.unwrap().0, ["order"]);
    let again = store
        .finish_draft(account, id.as_str(), None, receive().await, &facts())
        .await;
    assert!(matches!(again, Err(StoreError::Missing(_))));
    assert_eq!(store.default_account().await.unwrap().images, 1);
}

#[tokio::test]
async fn of_many_uploads_to_one_draft_one_wins() {
    let Some(place) = place().await else { return };
    let (id, _) = place.store.create_draft(&place.account, &draft(plain())).await.unwrap();
    let place = std::sync::Arc::new(place);
    let mut uploads = tokio::task::JoinSet::new();
    for n in 0..8_u8 {
        let (place, id) = (place.clone(), id.clone());
        uploads.spawn(async move {
            let mut incoming = place.store.receive().await.unwrap();
            incoming.write(&[n]).await.unwrap();
            let received = incoming.finish().await.unwrap();
            let done = place
                .store
                .finish_draft(&place.account, id.as_str(), None, received, &facts())
                .await;
            match done {
                Ok(_) => true,
                Err(StoreError::Missing(_)) => false,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won = uploads.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(place.store.default_account().await.unwrap().images, 1);
}

#[tokio::test]
async fn the_draft_of_a_custom_id_takes_a_secret_and_every_draft_ends() {
    let Some(place) = place().await else { return };
    let (account, store) = (&place.account, &place.store);
    let (id, secret) = store.create_draft(account, &draft(named("me"))).await.unwrap();
    let secret = secret.unwrap();
    assert_eq!(secret.reveal().len(), 22);
    assert!(
        store
            .draft_waits(account, id.as_str(), Some(secret.reveal()))
            .await
            .unwrap()
    );
    for wrong in [None, Some("guess")] {
        assert!(!store.draft_waits(account, id.as_str(), wrong).await.unwrap());
    }
    let (made, _) = store.create_draft(account, &draft(plain())).await.unwrap();
    assert!(!store.draft_waits(account, made.as_str(), Some("guess")).await.unwrap());
    place.clock.advance_ms(30 * MINUTE_MS);
    assert!(
        !store
            .draft_waits(account, id.as_str(), Some(secret.reveal()))
            .await
            .unwrap()
    );
    assert_eq!(store.image(account, id.as_str()).await.unwrap(), None);
    assert!(matches!(
        store.delete_image(account, id.as_str()).await,
        Err(StoreError::Missing(_))
    ));
    assert_eq!(store.collect(calotype_store::GRACE).await.unwrap().drafts, 2);
}

#[tokio::test]
async fn a_quota_is_exact_under_uploads_at_once() {
    let Some(place) = place().await else { return };
    place.store.set_quota(&place.account, Some(5)).await.unwrap();
    let place = std::sync::Arc::new(place);
    let mut uploads = tokio::task::JoinSet::new();
    for n in 0..12_u8 {
        let place = place.clone();
        uploads.spawn(async move {
            match place.keep(plain(), &[n]).await {
                Ok(_) => true,
                Err(StoreError::Full { .. }) => false,
                Err(error) => panic!("{error}"),
            }
        });
    }
    assert_eq!(uploads.join_all().await.into_iter().filter(|kept| *kept).count(), 5);
    let images = place.store.accounts().await.unwrap()[0].images;
    assert_eq!(images, 5);
}

#[tokio::test]
async fn the_log_tells_what_happened_in_its_order() {
    let Some(place) = place().await else { return };
    let image = place.keep(plain(), b"1").await.unwrap();
    place.clock.advance_ms(1);
    let private = Changes {
        is_private: Some(true),
        ..Changes::default()
    };
    let moved = place
        .store
        .update_image(&place.account, image.id.as_str(), &private)
        .await
        .unwrap();
    place.clock.advance_ms(1);
    place
        .store
        .delete_image(&place.account, moved.id.as_str())
        .await
        .unwrap();
    place.clock.advance_ms(1);
    place.store.put_signing_key(&place.account, "default", 2).await.unwrap();
    let events = place.store.events(Position(0), 100).await.unwrap();
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.subject.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (EventKind::ImageUploaded, image.id.as_str()),
            (EventKind::ImageRemoved, image.id.as_str()),
            (EventKind::ImageRemoved, moved.id.as_str()),
            (EventKind::KeyChanged, "default"),
        ]
    );
    assert_eq!(place.store.events(events[2].position, 100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn made_ids_are_all_different() {
    let ids: HashSet<String> = (0..1_000)
        .map(|_| ImageId::generate(false).as_str().to_owned())
        .collect();
    assert_eq!(ids.len(), 1_000);
}

#[tokio::test]
async fn words_may_come_before_numbers() {
    let Some(place) = place().await else { return };
    // More than there are connections, so that each of them has seen a word first.
    for round in 0..20 {
        for metadata in [json!({"a": "word"}), json!({"a": true}), json!({"a": 1.5})] {
            let image = place.keep(described(metadata.clone()), b"x").await;
            let image = image.unwrap_or_else(|error| panic!("{metadata}, round {round}: {error}"));
            assert_eq!(image.metadata.unwrap().value(), &metadata);
        }
    }
}

#[tokio::test]
async fn two_who_change_different_things_at_once_both_succeed() {
    let Some(place) = place().await else { return };
    let place = Arc::new(place);
    for round in 0..40 {
        let image = place.keep(plain(), b"x").await.unwrap();
        let change = |changes: Changes| {
            let (place, id) = (place.clone(), image.id.clone());
            tokio::spawn(async move { place.store.update_image(&place.account, id.as_str(), &changes).await })
        };
        let creator = change(Changes {
            creator: Some(Some("somebody".to_owned())),
            ..Changes::default()
        });
        let metadata = change(Changes {
            metadata: Some(Metadata::new(json!({"a": 1})).unwrap()),
            ..Changes::default()
        });
        creator.await.unwrap().unwrap();
        metadata.await.unwrap().unwrap();
        let image = place
            .store
            .image(&place.account, image.id.as_str())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(image.creator.as_deref(), Some("somebody"), "round {round}");
        assert_eq!(image.metadata.unwrap().value(), &json!({"a": 1}), "round {round}");
    }
}

#[tokio::test]
async fn a_draft_that_is_kept_while_it_is_changed_is_changed_all_the_same() {
    let Some(place) = place().await else { return };
    let place = Arc::new(place);
    for round in 0..20 {
        let (id, _) = place.store.create_draft(&place.account, &draft(plain())).await.unwrap();
        let kept = tokio::spawn({
            let (place, id) = (place.clone(), id.clone());
            async move { finish(&place, &id, None).await }
        });
        let changed = tokio::spawn({
            let (place, id) = (place.clone(), id.clone());
            let changes = Changes {
                metadata: Some(Metadata::new(json!({"a": "b"})).unwrap()),
                ..Changes::default()
            };
            async move { place.store.update_image(&place.account, id.as_str(), &changes).await }
        });
        kept.await.unwrap().unwrap();
        changed
            .await
            .unwrap()
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        let query = ListQuery {
            order: Order::Ascending,
            creator: None,
            filters: vec![Filter {
                path: FieldPath::new("a").unwrap(),
                test: FilterTest::Text(vec!["b".to_owned()]),
            }],
            after: None,
            max: 100,
        };
        let found = place.store.list_images(&place.account, &query).await.unwrap();
        assert_eq!(found.images.len(), round + 1, "filters find it too");
    }
}

#[tokio::test]
async fn the_url_of_a_draft_that_is_gone_does_not_fill_the_next_one_of_its_id() {
    let Some(place) = place().await else { return };
    let place = Arc::new(place);
    for round in 0..30 {
        let (id, first) = place
            .store
            .create_draft(&place.account, &draft(named("a")))
            .await
            .unwrap();
        let late = tokio::spawn({
            let (place, id) = (place.clone(), id.clone());
            async move { finish(&place, &id, first.as_ref()).await }
        });
        place.store.delete_image(&place.account, "a").await.unwrap();
        let (_, second) = place
            .store
            .create_draft(&place.account, &draft(named("a")))
            .await
            .unwrap();
        // It was kept before it was deleted, or not at all.
        let late = late.await.unwrap();
        assert!(
            matches!(late, Ok(_) | Err(StoreError::Missing(_))),
            "round {round}: {late:?}"
        );
        let waiting = place.store.image(&place.account, "a").await.unwrap().unwrap();
        assert_eq!(waiting.original, None, "round {round}");
        finish(&place, &id, second.as_ref()).await.unwrap();
        place.store.delete_image(&place.account, "a").await.unwrap();
    }
}
