use calotype_store::{CreatorIs, FieldPath, Filter, FilterTest, Image, ListQuery, NewImage, Order, Position};
use serde_json::{Value, json};

use crate::support::{Place, described, place, plain};

fn all(order: Order, max: u32) -> ListQuery {
    ListQuery {
        order,
        creator: None,
        filters: Vec::new(),
        after: None,
        max,
    }
}

fn filter(path: &str, test: FilterTest) -> Filter {
    Filter {
        path: FieldPath::new(path).unwrap(),
        test,
    }
}

fn texts(values: &[&str]) -> FilterTest {
    FilterTest::Text(values.iter().map(|value| (*value).to_owned()).collect())
}

async fn whole(place: &Place, query: &ListQuery) -> Vec<Image> {
    let mut query = query.clone();
    let mut images = Vec::new();
    loop {
        let page = place.store.list_images(&place.account, &query).await.unwrap();
        assert!(page.images.len() <= query.max as usize);
        images.extend(page.images);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return images,
        }
    }
}

#[tokio::test]
async fn every_page_size_and_order_walks_all_images_once() {
    let Some(place) = place().await else { return };
    let mut made = Vec::new();
    for n in 0..57_u32 {
        // Several in one millisecond.
        if n % 3 == 0 {
            place.clock.advance_ms(1);
        }
        made.push(place.keep(plain(), &n.to_le_bytes()).await.unwrap());
    }
    made.sort_by_key(|image| image.position);
    for max in [1, 10, 56, 57, 1_000] {
        assert_eq!(whole(&place, &all(Order::Ascending, max)).await, made, "{max}");
        let mut reversed = whole(&place, &all(Order::Descending, max)).await;
        reversed.reverse();
        assert_eq!(reversed, made, "{max}");
    }
}

#[tokio::test]
async fn what_comes_and_goes_between_pages_changes_no_other_image() {
    let Some(place) = place().await else { return };
    let mut made = Vec::new();
    for n in 0..6_u8 {
        place.clock.advance_ms(1);
        made.push(place.keep(plain(), &[n]).await.unwrap());
    }
    let mut query = all(Order::Descending, 2);
    let first = place.store.list_images(&place.account, &query).await.unwrap();
    place.clock.advance_ms(1);
    place.keep(plain(), b"new").await.unwrap();
    place
        .store
        .delete_image(&place.account, made[4].id.as_str())
        .await
        .unwrap();
    place
        .store
        .delete_image(&place.account, made[2].id.as_str())
        .await
        .unwrap();
    query.after = first.next;
    let rest = whole(&place, &query).await;
    let ids: Vec<_> = first
        .images
        .iter()
        .chain(&rest)
        .map(|image| image.id.as_str())
        .collect();
    let expected: Vec<_> = [5, 4, 3, 1, 0].iter().map(|n: &usize| made[*n].id.as_str()).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn creators_are_compared_exactly_and_nobody_is_one_too() {
    let Some(place) = place().await else { return };
    for creator in [Some("a"), Some("A"), Some("a"), None] {
        let new = NewImage {
            creator: creator.map(str::to_owned),
            ..plain()
        };
        place.keep(new, b"same").await.unwrap();
    }
    for (creator, count) in [
        (CreatorIs::Named("a".to_owned()), 2),
        (CreatorIs::Named("A".to_owned()), 1),
        (CreatorIs::Named("b".to_owned()), 0),
        (CreatorIs::Named("a\0".to_owned()), 0),
        (CreatorIs::Unset, 1),
    ] {
        let query = ListQuery {
            creator: Some(creator.clone()),
            ..all(Order::Ascending, 1)
        };
        assert_eq!(whole(&place, &query).await.len(), count, "{creator:?}");
        if creator != CreatorIs::Named("a\0".to_owned()) {
            let (images, total) = place
                .store
                .list_images_numbered(&place.account, Some(creator), 1, 10)
                .await
                .unwrap();
            assert_eq!((images.len(), total), (count, count as u64));
        }
    }
}

#[tokio::test]
async fn numbered_pages_are_newest_first() {
    let Some(place) = place().await else { return };
    for n in 0..5_u8 {
        place.clock.advance_ms(1);
        place.keep(plain(), &[n]).await.unwrap();
    }
    let newest = whole(&place, &all(Order::Descending, 10)).await;
    for (page, expected) in [(1, &newest[..2]), (2, &newest[2..4]), (3, &newest[4..]), (4, &[])] {
        let (images, total) = place
            .store
            .list_images_numbered(&place.account, None, page, 2)
            .await
            .unwrap();
        assert_eq!((images.as_slice(), total), (expected, 5), "page {page}");
    }
}

/// The rule of each operator, in words of its own.
fn holds(metadata: &Value, filter: &Filter) -> bool {
    let value = filter
        .path
        .as_str()
        .split('.')
        .try_fold(metadata, |value, name| value.get(name));
    let Some(value) = value else { return false };
    let number = value.as_f64();
    match &filter.test {
        FilterTest::Text(texts) => value
            .as_str()
            .is_some_and(|text| texts.iter().any(|other| other == text)),
        FilterTest::Number(numbers) => number.is_some_and(|number| numbers.contains(&number)),
        FilterTest::Boolean(boolean) => value.as_bool() == Some(*boolean),
        FilterTest::Greater(than) => number.is_some_and(|number| number > *than),
        FilterTest::AtLeast(than) => number.is_some_and(|number| number >= *than),
        FilterTest::Less(than) => number.is_some_and(|number| number < *than),
        FilterTest::AtMost(than) => number.is_some_and(|number| number <= *than),
    }
}

#[tokio::test]
async fn filters_find_what_a_look_at_every_image_finds() {
    let Some(place) = place().await else { return };
    let shelves = [
        json!("A"),
        json!("B"),
        json!("5"),
        json!("true"),
        json!(5),
        json!(true),
        json!(["A"]),
        Value::Null,
    ];
    for n in 0..48_u32 {
        place.clock.advance_ms(1);
        let metadata = json!({
            "shelf": shelves[n as usize % shelves.len()], "priority": f64::from(n % 7) - 2.5, "region": {"name": if n % 5 == 0 { "eu" } else { "us" }},
        });
        place.keep(described(metadata), &n.to_le_bytes()).await.unwrap();
    }
    place.keep(plain(), b"none").await.unwrap();
    let everything = whole(&place, &all(Order::Ascending, 1_000)).await;
    let sets = [
        vec![filter("shelf", texts(&["A"]))],
        vec![filter("shelf", texts(&["A", "B", "C"]))],
        vec![filter("shelf", texts(&["5"]))],
        vec![filter("shelf", texts(&["true"]))],
        vec![filter("shelf", FilterTest::Number(vec![5.0]))],
        vec![filter("shelf", FilterTest::Boolean(true))],
        vec![filter("shelf", FilterTest::Boolean(false))],
        vec![filter("priority", FilterTest::Greater(0.5))],
        vec![filter("priority", FilterTest::AtLeast(0.5))],
        vec![filter("priority", FilterTest::Less(0.5))],
        vec![filter("priority", FilterTest::AtMost(0.5))],
        vec![filter("priority", FilterTest::Number(vec![-2.5, 1.5, 99.0]))],
        vec![
            filter("priority", FilterTest::Greater(-1.0)),
            filter("priority", FilterTest::Less(2.0)),
            filter("region.name", texts(&["eu"])),
        ],
        vec![
            filter("priority", FilterTest::Greater(3.0)),
            filter("priority", FilterTest::Less(2.0)),
        ],
        vec![filter("nosuch", texts(&["A"]))],
        vec![filter("region", texts(&["eu"]))],
        vec![filter("shelf", texts(&["A\0"]))],
    ];
    for filters in sets {
        for order in [Order::Ascending, Order::Descending] {
            let mut expected: Vec<_> = everything
                .iter()
                .filter(|image| {
                    let metadata = image
                        .metadata
                        .as_ref()
                        .map(|metadata| metadata.value().clone())
                        .unwrap_or_default();
                    filters.iter().all(|filter| holds(&metadata, filter))
                })
                .cloned()
                .collect();
            if order == Order::Descending {
                expected.reverse();
            }
            for max in [1, 3, 100] {
                let query = ListQuery {
                    filters: filters.clone(),
                    ..all(order, max)
                };
                assert_eq!(whole(&place, &query).await, expected, "{query:?}");
            }
        }
    }
    assert_eq!(
        place.store.metadata_keys(&place.account).await.unwrap(),
        (
            vec!["priority".to_owned(), "region.name".to_owned(), "shelf".to_owned()],
            false
        )
    );
}

#[tokio::test]
async fn no_more_than_a_thousand_field_names_are_told() {
    let Some(place) = place().await else { return };
    // 70 names of 3 characters fit into one image's metadata.
    for image in 0..15_u32 {
        let fields: serde_json::Map<_, _> = (0..70).map(|n| (format!("k{}", image * 70 + n), json!(1))).collect();
        place.keep(described(fields.into()), b"same").await.unwrap();
    }
    let (names, is_truncated) = place.store.metadata_keys(&place.account).await.unwrap();
    assert_eq!((names.len(), is_truncated), (1_000, true));
}

#[tokio::test]
async fn an_empty_list_ends_at_once() {
    let Some(place) = place().await else { return };
    let query = ListQuery {
        after: Some(Position(5)),
        ..all(Order::Ascending, 10)
    };
    assert_eq!(whole(&place, &query).await, []);
}
