//! Lists that are longer than a block of the counted ones.

use calotype_store::{
    Changes, CreatorIs, FieldPath, Filter, FilterTest, IMPORT_MAX, Image, ImportedImage, ListQuery, Metadata, NewImage,
    Order, Store,
};
use serde_json::json;
use sqlx::{AnyPool, Row};

use crate::support::{NOW_MS, Place, facts, place, plain};

/// More than two blocks, and so one that has been cut.
const IMAGES: usize = 5_000;

/// Images in turn of `ann`, `bob` and nobody, each second a newer one; every tenth is as old as the one before.
async fn fill(place: &Place) {
    let mut incoming = place.store.receive().await.unwrap();
    incoming.write(b"shared").await.unwrap();
    let original = incoming.finish().await.unwrap();
    let original = place.store.keep_original(original).await.unwrap();
    let images: Vec<_> = (0..IMAGES)
        // Not in their order.
        .map(|n| n * 7 % IMAGES)
        .map(|n| ImportedImage {
            new: NewImage {
                creator: [Some("ann"), Some("bob"), None][n % 3].map(str::to_owned),
                metadata: Metadata::new(json!({"even": n % 2 == 0, "odd": n % 2 == 1, "n": n})).unwrap(),
                ..plain()
            },
            uploaded_ms: Some(NOW_MS - 1_000 * i64::try_from(IMAGES - n + usize::from(n % 10 == 0)).unwrap()),
            original: original.clone(),
            facts: facts(),
        })
        .collect();
    for images in images.chunks(IMPORT_MAX) {
        place.store.import_images(&place.account, images).await.unwrap();
    }
}

async fn newest(place: &Place, creator: Option<CreatorIs>) -> Vec<Image> {
    let query = ListQuery {
        order: Order::Descending,
        creator,
        filters: Vec::new(),
        after: None,
        max: 1_000_000,
    };
    place.store.list_images(&place.account, &query).await.unwrap().images
}

/// Every page by its number is what the whole list says.
async fn compare(place: &Place) {
    for creator in [
        None,
        Some(CreatorIs::Named("ann".to_owned())),
        Some(CreatorIs::Named("nobody".to_owned())),
        Some(CreatorIs::Unset),
    ] {
        let whole = newest(place, creator.clone()).await;
        for per_page in [1_000, 37] {
            let pages = whole.chunks(per_page).chain([[].as_slice()]);
            // All large pages; the first, the last and every tenth small one.
            for (index, expected) in pages.enumerate() {
                let is_looked_at = per_page == 1_000 || index % 10 == 0 || expected.len() < per_page;
                if !is_looked_at {
                    continue;
                }
                let (page, max) = (index as u64 + 1, u32::try_from(per_page).unwrap());
                let found = place
                    .store
                    .list_images_numbered(&place.account, creator.clone(), page, max)
                    .await;
                let (images, total) = found.unwrap();
                assert_eq!(total, whole.len() as u64, "{creator:?}");
                assert!(images == expected, "page {page} of {per_page}, {creator:?}");
            }
        }
    }
}

#[tokio::test]
async fn numbered_pages_of_long_lists_are_exact_whatever_comes_and_goes() {
    let Some(place) = place().await else { return };
    fill(&place).await;
    assert_eq!(newest(&place, None).await.len(), IMAGES);
    compare(&place).await;
    // A whole stretch, and here and there.
    let images = newest(&place, None).await;
    let gone = images.iter().enumerate();
    let gone = gone.filter(|(index, _)| (1_000..1_250).contains(index) || index % 100 == 0);
    for (_, image) in gone {
        place
            .store
            .delete_image(&place.account, image.id.as_str())
            .await
            .unwrap();
    }
    // One from the middle for another creator, under another id.
    let changed = &newest(&place, None).await[2_000];
    let creator = if changed.creator.as_deref() == Some("ann") {
        None
    } else {
        Some("ann".to_owned())
    };
    let changes = Changes {
        creator: Some(creator),
        is_private: Some(true),
        ..Changes::default()
    };
    place
        .store
        .update_image(&place.account, changed.id.as_str(), &changes)
        .await
        .unwrap();
    assert_eq!(newest(&place, None).await[2_000].position, changed.position);
    for n in 0..3_u8 {
        place.keep(plain(), &[n]).await.unwrap();
    }
    compare(&place).await;
    for image in newest(&place, Some(CreatorIs::Unset)).await.iter().skip(1_300) {
        place
            .store
            .delete_image(&place.account, image.id.as_str())
            .await
            .unwrap();
    }
    compare(&place).await;
}

#[tokio::test]
async fn tables_without_counted_blocks_get_them() {
    let Some(place) = place().await else { return };
    fill(&place).await;
    let url = place
        .settings
        .database
        .clone()
        .unwrap_or_else(|| format!("sqlite://{}", place.directory.path().join("calotype.db").display()));
    place.store.close().await;
    let pool = AnyPool::connect(&url).await.unwrap();
    for statement in [
        "DROP TABLE list_blocks",
        "DELETE FROM _sqlx_migrations WHERE version = 4",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let store = Store::open(place.settings.clone()).await.unwrap();
    let blocks = sqlx::query("SELECT COUNT(*) AS blocks FROM list_blocks WHERE list = 'a'")
        .fetch_one(&pool)
        .await;
    assert_eq!(blocks.unwrap().try_get::<i64, _>("blocks").unwrap(), 5);
    pool.close().await;
    let place = Place { store, ..place };
    compare(&place).await;
    for image in &newest(&place, None).await[..200] {
        place
            .store
            .delete_image(&place.account, image.id.as_str())
            .await
            .unwrap();
    }
    compare(&place).await;
}

#[tokio::test]
async fn filters_over_long_lists_find_all_in_bounded_pages() {
    let Some(place) = place().await else { return };
    fill(&place).await;
    let all = newest(&place, None).await;
    let is = |path: &str, test: FilterTest| Filter {
        path: FieldPath::new(path).unwrap(),
        test,
    };
    let field = |image: &Image| image.metadata.as_ref().unwrap().value()["n"].as_u64().unwrap();
    let even = || is("even", FilterTest::Boolean(true));
    for (creator, filters, expected) in [
        (None, vec![even()], (|n| n % 2 == 0) as fn(u64) -> bool),
        (None, vec![even(), is("odd", FilterTest::Boolean(true))], |_| false),
        (None, vec![even(), is("n", FilterTest::AtLeast(4_990.0))], |n| {
            n % 2 == 0 && n >= 4_990
        }),
        (Some(CreatorIs::Named("ann".to_owned())), vec![even()], |n| n % 6 == 0),
        (
            Some(CreatorIs::Unset),
            vec![is("n", FilterTest::Number(vec![2.0, 3.0, 5.0]))],
            |n| n == 2 || n == 5,
        ),
        (
            Some(CreatorIs::Named("bob".to_owned())),
            vec![is("n", FilterTest::Less(4.0)), even()],
            |n| n == 4 % 3 + 3 && n < 4,
        ),
    ] {
        let mut query = ListQuery {
            order: Order::Descending,
            creator,
            filters,
            after: None,
            max: 7,
        };
        let mut found = Vec::new();
        loop {
            let page = place.store.list_images(&place.account, &query).await.unwrap();
            found.extend(page.images.iter().map(|image| image.position));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        let expected: Vec<_> = all
            .iter()
            .filter(|image| expected(field(image)))
            .map(|image| image.position)
            .collect();
        assert_eq!(found, expected, "{query:?}");
    }
}
