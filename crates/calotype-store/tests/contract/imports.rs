use calotype_store::{
    EventKind, IMPORT_MAX, ImageId, Imported, ImportedImage, Metadata, NewImage, Position, StoreError,
};
use serde_json::json;

use crate::support::{NOW_MS, Place, facts, place, plain};

/// An image of shared bytes.
async fn bring(place: &Place, new: NewImage, uploaded_ms: Option<i64>) -> ImportedImage {
    let mut incoming = place.store.receive().await.unwrap();
    incoming.write(b"shared").await.unwrap();
    let received = incoming.finish().await.unwrap();
    ImportedImage {
        new,
        uploaded_ms,
        original: place.store.keep_original(received).await.unwrap(),
        facts: facts(),
    }
}

fn called(id: &str) -> NewImage {
    NewImage {
        id: Some(ImageId::imported(id).unwrap()),
        ..plain()
    }
}

#[tokio::test]
async fn what_is_brought_along_is_as_if_it_had_been_uploaded_then() {
    let Some(place) = place().await else { return };
    let described = NewImage {
        creator: Some("ann".to_owned()),
        metadata: Metadata::new(json!({"a": 1, "b": {"c": "x"}})).unwrap(),
        ..called("cats/1.png")
    };
    let private = NewImage {
        is_private: true,
        ..called("5b0f6a1e-93c7-4d28-b1e4-7a60cc21d901")
    };
    let one = bring(&place, described.clone(), Some(1_600_000_000_123)).await;
    let images = [
        one.clone(),
        bring(&place, private, None).await,
        bring(&place, plain(), None).await,
        one,
    ];
    let outcomes = place.store.import_images(&place.account, &images).await.unwrap();
    let expected = [Imported::Stored, Imported::Stored, Imported::Stored, Imported::Taken];
    assert_eq!(outcomes, expected);
    let image = place.store.image(&place.account, "cats/1.png").await.unwrap().unwrap();
    assert_eq!(image.position.ms(), 1_600_000_000_123);
    assert_eq!(
        (&image.creator, &image.metadata),
        (&described.creator, &described.metadata)
    );
    assert_eq!(place.bytes(&image).await.unwrap(), b"shared");
    let private = place
        .store
        .image(&place.account, "5b0f6a1e-93c7-4d28-b1e4-7a60cc21d901")
        .await;
    let private = private.unwrap().unwrap();
    assert!(private.is_private);
    assert_eq!(private.position.ms(), NOW_MS);
    assert_eq!(place.files().len(), 1);
    assert_eq!(place.store.default_account().await.unwrap().images, 3);
    let names = place.store.metadata_keys(&place.account).await.unwrap().0;
    assert_eq!(names, ["a", "b.c"]);
    let events = place.store.events(Position(0), 100).await.unwrap();
    let uploaded = events
        .iter()
        .filter(|event| event.kind == EventKind::ImageUploaded)
        .count();
    assert_eq!(uploaded, 3);
}

#[tokio::test]
async fn a_second_import_stores_only_what_is_missing() {
    let Some(place) = place().await else { return };
    let mut images = vec![
        bring(&place, called("a"), None).await,
        bring(&place, called("b"), None).await,
    ];
    place.store.import_images(&place.account, &images).await.unwrap();
    images.push(bring(&place, called("c"), None).await);
    let outcomes = place.store.import_images(&place.account, &images).await.unwrap();
    assert_eq!(outcomes, [Imported::Taken, Imported::Taken, Imported::Stored]);
    assert_eq!(place.store.default_account().await.unwrap().images, 3);
}

#[tokio::test]
async fn over_the_quota_nothing_of_a_transaction_is_stored() {
    let Some(place) = place().await else { return };
    place.store.set_quota(&place.account, Some(1)).await.unwrap();
    let images = [
        bring(&place, called("a"), None).await,
        bring(&place, called("b"), None).await,
    ];
    let error = place.store.import_images(&place.account, &images).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(place.store.image(&place.account, "a").await.unwrap(), None);
    let taken = place.store.import_images(&place.account, &images[..1]).await.unwrap();
    assert_eq!(taken, [Imported::Stored]);
}

#[tokio::test]
async fn what_could_not_be_uploaded_cannot_be_imported() {
    let Some(place) = place().await else { return };
    let private = |id: &str| NewImage {
        is_private: true,
        ..called(id)
    };
    for new in [
        private("custom"),
        private("5b0f6a1e-93c7-4d28-b1e4-7a60cc21d900"),
        called("5b0f6a1e-93c7-4d28-b1e4-7a60cc21d901"),
        called("5b0f6a1e-93c7-4d28-b1e4-7a60cc21d9ff"),
        NewImage {
            creator: Some("x".repeat(1_025)),
            ..plain()
        },
    ] {
        let image = bring(&place, new.clone(), None).await;
        let error = place.store.import_images(&place.account, &[image]).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{new:?}: {error}");
    }
    let one = bring(&place, plain(), None).await;
    let many = vec![one; IMPORT_MAX + 1];
    assert!(place.store.import_images(&place.account, &many).await.is_err());
}
