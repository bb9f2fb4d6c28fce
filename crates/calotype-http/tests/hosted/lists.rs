use std::collections::HashSet;

use serde_json::{Value, json};

use crate::place::{Form, Place, code, failure, place, result};

/// Uploads so many images, a second apart, with their number in their metadata; the ids, oldest first.
async fn shelf(place: &Place, count: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        place.clock.advance_ms(1_000);
        let metadata = json!({"n": n, "parity": if n % 2 == 0 { "even" } else { "odd" }, "region": {"first": n == 0}});
        let record = place
            .upload(Form::default().text("metadata", &metadata.to_string()))
            .await;
        ids.push(record["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn ids(result: &Value) -> Vec<String> {
    let images = result["images"].as_array().unwrap();
    images
        .iter()
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn walk(place: &Place, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let page = result(
            &place
                .ask("GET", &format!("v2?{query}&continuation_token={token}"))
                .await,
        );
        found.extend(ids(&page));
        match page["continuation_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return found,
        }
    }
}

#[tokio::test]
async fn every_page_size_and_order_gives_every_image_once() {
    let place = place().await;
    let uploaded = shelf(&place, 23).await;
    let newest: Vec<_> = uploaded.iter().rev().cloned().collect();
    for per_page in [1, 10, 23, 1_000, 10_000] {
        assert_eq!(walk(&place, &format!("per_page={per_page}")).await, newest);
        assert_eq!(
            walk(&place, &format!("per_page={per_page}&sort_order=asc")).await,
            uploaded
        );
    }
    let whole = result(&place.ask("GET", "v2").await);
    assert_eq!((ids(&whole), &whole["continuation_token"]), (newest, &Value::Null));
}

#[tokio::test]
async fn a_token_is_good_for_its_own_list_alone() {
    let place = place().await;
    shelf(&place, 4).await;
    let page = result(&place.ask("GET", "v2?per_page=1&meta.parity[eq]=even").await);
    let token = page["continuation_token"].as_str().unwrap();
    assert_eq!(token.len(), 32, "as long as the schema allows");
    result(
        &place
            .ask(
                "GET",
                &format!("v2?meta.parity%5Beq%5D=even&continuation_token={token}"),
            )
            .await,
    );
    for query in [
        format!("continuation_token={token}"),
        format!("meta.parity[eq]=odd&continuation_token={token}"),
        format!("meta.parity[eq]=even&sort_order=asc&continuation_token={token}"),
        format!("meta.parity[eq]=even&creator=a&continuation_token={token}"),
        "continuation_token=x".to_owned(),
        "continuation_token=%C3%BC".to_owned(),
    ] {
        assert_eq!(
            code(&place.ask("GET", &format!("v2?{query}")).await),
            (400, 5400),
            "{query}"
        );
    }
}

#[tokio::test]
async fn filters_find_their_images_in_every_operator() {
    let place = place().await;
    let uploaded = shelf(&place, 10).await;
    place.upload(Form::default()).await;
    for (query, want) in [
        ("meta.parity[eq]=odd", vec![1, 3, 5, 7, 9]),
        (
            "meta.parity%5Beq%3Astring%5D=even&meta.n%5Bgte%3Anumber%5D=4",
            vec![4, 6, 8],
        ),
        ("meta.n[gt]=2&meta.n[lt]=6", vec![3, 4, 5]),
        ("meta.n[lte]=1", vec![0, 1]),
        ("meta.n[in:number]=1|5|99", vec![1, 5]),
        ("meta.parity[in]=odd|none&meta.n[gt]=6", vec![7, 9]),
        ("meta.n[eq]=5", vec![]),
        ("meta.n[eq:number]=5", vec![5]),
        ("meta.n[eq:number]=5.0", vec![5]),
        ("meta.region.first[eq:boolean]=true", vec![0]),
        ("meta.region.first[eq:string]=true", vec![]),
        ("meta.n[gt]=5&meta.n[lt]=3", vec![]),
        ("meta.nosuch[eq]=1", vec![]),
    ] {
        let want: Vec<_> = want.into_iter().map(|n: usize| uploaded[n].clone()).collect();
        assert_eq!(
            walk(&place, &format!("sort_order=asc&per_page=2&{query}")).await,
            want,
            "{query}"
        );
    }
    let keys = result(&place.ask("GET", "v2/metadata/keys").await);
    assert_eq!(
        keys,
        json!({"keys": ["n", "parity", "region.first"], "truncated": false})
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_made_is_refused_and_never_unfiltered() {
    let place = place().await;
    let (_, _, message) = failure(&place.ask("GET", "v2?meta.a[not-eq]=1").await);
    assert_eq!(message, "Unsupported metadata filter operator: 'not-eq'");
    let six = ["a", "b", "c", "d", "e", "f"]
        .map(|name| format!("meta.{name}[eq]=1"))
        .join("&");
    let (status, code_, message) = failure(&place.ask("GET", &format!("v2?{six}")).await);
    assert_eq!(
        (status, code_, message.as_str()),
        (400, 5400, "Too many metadata filters: 6 provided, maximum 5 allowed")
    );
    for query in [
        "per_page=0",
        "per_page=10001",
        "per_page=x",
        "sort_order=up",
        "meta.a=1",
        "meta.a b[eq]=1",
        "per_page=1&per_page=2",
    ] {
        let query = query.replace(' ', "%20");
        assert_eq!(
            code(&place.ask("GET", &format!("v2?{query}")).await),
            (400, 5400),
            "{query}"
        );
    }
    for query in ["page=0", "page=x", "per_page=0"] {
        assert_eq!(
            code(&place.ask("GET", &format!("v1?{query}")).await),
            (400, 5400),
            "{query}"
        );
    }
}

#[tokio::test]
async fn numbered_pages_tell_how_many_there_are() {
    let place = place().await;
    let uploaded = shelf(&place, 5).await;
    let answer = place.ask("GET", "v1?page=2&per_page=2").await;
    let envelope: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        envelope["result_info"],
        json!({"page": 2, "per_page": 2, "count": 2, "total_count": 5, "total_pages": 3})
    );
    assert_eq!(ids(&envelope["result"]), [uploaded[2].clone(), uploaded[1].clone()]);
    assert_eq!(envelope["result"].get("items"), None);
}

#[tokio::test]
async fn creators_are_matched_exactly_and_drafts_are_nowhere() {
    let place = place().await;
    place.upload(Form::default().text("creator", "a b")).await;
    place.upload(Form::default()).await;
    place
        .send("v2/direct_upload", Form::default().text("creator", "a b"))
        .await;
    for (query, count) in [
        ("", 2),
        ("creator=a%20b", 1),
        ("creator=a+b", 1),
        ("creator=", 1),
        ("creator=c", 0),
    ] {
        let found: HashSet<_> = walk(&place, &format!("per_page=1&{query}")).await.into_iter().collect();
        assert_eq!(found.len(), count, "{query}");
        let page = result(&place.ask("GET", &format!("v1?{query}")).await);
        assert_eq!(ids(&page).len(), count, "{query}");
    }
}
