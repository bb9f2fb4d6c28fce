//! Two at once, on one image or draft.

use std::sync::Arc;

use calotype_store::{
    Changes, FieldPath, Filter, FilterTest, Image, ImageId, ListQuery, Metadata, Order, Secret, StoreError,
};
use serde_json::json;

use crate::images::{draft, named};
use crate::support::{Place, facts, place, plain};

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
