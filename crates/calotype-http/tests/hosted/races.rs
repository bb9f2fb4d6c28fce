//! Several at once. Requests that shall meet are sent up to their last bytes first, and those go out together.

use std::sync::Arc;
use std::time::Duration;

use calotype_plan::Size;
use calotype_store::{Config, GRACE};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::place::{Form, Place, code, path_of, picture, place, result};
use crate::support::client::{Answer, Connection, Request};
use crate::support::pictures;

/// Sends all requests so that they end at once; the answers in the order of the requests.
async fn at_once(place: &Arc<Place>, requests: Vec<Request>) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let asking: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (place, barrier) = (place.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut connection = place.served.connect().await;
                let bytes = [request.head().as_bytes(), &request.body].concat();
                let (most, last) = bytes.split_at(bytes.len() - 2);
                connection.write(most).await;
                barrier.wait().await;
                connection.write(last).await;
                connection.receive(&request.method).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for asked in asking {
        answers.push(asked.await.unwrap());
    }
    answers
}

/// How many succeeded; all others failed like this.
#[track_caller]
fn successes(answers: &[Answer], otherwise: (u16, u64)) -> usize {
    let (done, failed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    for answer in failed {
        assert_eq!(code(answer), otherwise, "{}", answer.text());
        let retry = answer.header("x-should-retry");
        assert_eq!(retry, (answer.status == 409).then_some("false"));
    }
    done.len()
}

async fn stored(place: &Place) -> Value {
    result(&place.ask("GET", "v1/stats").await)["count"]["current"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_uploads_to_one_id_at_once_one_is_stored() {
    let place = Arc::new(place().await);
    for (round, count) in [2, 16, 2, 16, 2].into_iter().enumerate() {
        let id = format!("one/{round}");
        let uploads = (0..count).map(|number| {
            let png = pictures::coordinate_png(Size::new(10 + number, 10));
            Form::default()
                .text("id", &id)
                .file("a.png", &png)
                .on(place.request("POST", "v1"))
        });
        let answers = at_once(&place, uploads.collect()).await;
        assert_eq!(successes(&answers, (409, 5409)), 1);
        let winner = answers.iter().position(|answer| answer.status == 200).unwrap();
        let blob = place.ask("GET", &format!("v1/one%2F{round}/blob")).await;
        let png = pictures::coordinate_png(Size::new(10 + u32::try_from(winner).unwrap(), 10));
        assert!(blob.body == png, "what is stored is what was acknowledged");
        assert_eq!(stored(&place).await, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_and_a_draft_of_one_id_exclude_each_other() {
    let place = Arc::new(place().await);
    for round in 0..10 {
        let id = format!("me {round}");
        let upload = Form::default().text("id", &id).file("a.png", &picture());
        let draft = Form::default().text("id", &id);
        let requests = vec![
            upload.on(place.request("POST", "v1")),
            draft.on(place.request("POST", "v2/direct_upload")),
        ];
        let answers = at_once(&place, requests).await;
        assert_eq!(successes(&answers, (409, 5409)), 1, "round {round}");
        let record = result(&place.ask("GET", &format!("v1/me%20{round}")).await);
        assert_eq!(record["draft"] == true, answers[1].status == 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_uploads_to_one_url_at_once_one_is_stored() {
    let place = Arc::new(place().await);
    for count in [2, 16] {
        let promise = result(
            &place
                .send("v2/direct_upload", Form::default().text("id", &format!("d{count}")))
                .await,
        );
        let target = path_of(promise["uploadURL"].as_str().unwrap());
        let uploads = (0..count).map(|_| {
            Form::default()
                .file("a.png", &picture())
                .on(Request::new("POST", &target))
        });
        let answers = at_once(&place, uploads.collect()).await;
        assert_eq!(successes(&answers, (404, 5404)), 1);
    }
    assert_eq!(stored(&place).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_signing_key_and_a_hundred_and_first_variant_are_refused_however_they_come() {
    let place = Arc::new(place().await);
    for _ in 0..5 {
        let puts = ["a", "b"].map(|name| place.request("PUT", &format!("v1/keys/{name}")).body("{}"));
        let answers = at_once(&place, puts.into()).await;
        assert_eq!(successes(&answers, (403, 5453)), 1);
        let keys = result(&place.ask("GET", "v1/keys").await);
        let other = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["name"] != "default")
            .unwrap();
        result(
            &place
                .ask("DELETE", &format!("v1/keys/{}", other["name"].as_str().unwrap()))
                .await,
        );
    }
    for number in 0..98 {
        result(
            &place
                .ask_json("POST", "v1/variants", &json!({"id": format!("v{number}")}))
                .await,
        );
    }
    let posts = (0..8).map(|number| {
        let body = json!({"id": format!("last{number}")}).to_string();
        place.request("POST", "v1/variants").body(body)
    });
    let answers = at_once(&place, posts.collect()).await;
    assert_eq!(successes(&answers, (403, 5453)), 1);
    let variants = result(&place.ask("GET", "v1/variants").await);
    assert_eq!(variants["variants"].as_object().unwrap().len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_and_a_deletion_at_once_leave_nothing() {
    let place = Arc::new(place().await);
    for round in 0..15 {
        let record = place.upload(Form::default().text("metadata", r#"{"before":1}"#)).await;
        let rest = format!("v1/{}", record["id"].as_str().unwrap());
        let change = json!({"metadata": {"after": round}, "requireSignedURLs": round % 2 == 0}).to_string();
        let requests = vec![
            place.request("PATCH", &rest).body(change),
            place.request("DELETE", &rest).body("{}"),
        ];
        let answers = at_once(&place, requests).await;
        // Whichever came first; a change of access takes the id away.
        assert!(answers.iter().any(|answer| answer.status == 200), "round {round}");
        assert!(successes(&answers, (404, 5404)) >= 1);
        if answers[1].status == 404 {
            let moved = result(&answers[0])["id"].as_str().unwrap().to_owned();
            result(&place.ask("DELETE", &format!("v1/{moved}")).await);
        }
        assert_eq!(code(&place.ask("GET", &rest).await), (404, 5404));
        assert_eq!(stored(&place).await, 0);
        let keys = result(&place.ask("GET", "v2/metadata/keys").await);
        assert_eq!(keys["keys"], json!([]), "no field of it is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_come_back_while_they_are_collected_are_kept() {
    let place = Arc::new(place().await);
    let grace_ms = i64::try_from(GRACE.as_millis()).unwrap();
    for round in 0..15 {
        let record = place.upload(Form::default()).await;
        result(
            &place
                .ask("DELETE", &format!("v1/{}", record["id"].as_str().unwrap()))
                .await,
        );
        place.clock.advance_ms(grace_ms + 1);
        let collecting = tokio::spawn({
            let place = place.clone();
            async move { place.store.collect(GRACE).await }
        });
        let back = place.upload(Form::default()).await;
        collecting.await.unwrap().unwrap();
        let rest = format!("v1/{}", back["id"].as_str().unwrap());
        let blob = place.ask("GET", &format!("{rest}/blob")).await;
        assert!(blob.body == picture(), "round {round}: {}", blob.text());
        let report = place.store.check(true).await.unwrap();
        assert_eq!(
            (report.missing.len(), report.damaged.len()),
            (0, 0),
            "round {round}: {report:?}"
        );
        result(&place.ask("DELETE", &rest).await);
    }
}

/// An answer of several megabytes, of which its head was read.
async fn begun(place: &Place, request: &Request) -> (Connection, usize) {
    let mut connection = place.served.connect().await;
    connection.send(request).await;
    let head = connection.receive_head().await;
    assert_eq!(head.status, 200);
    (connection, head.header("content-length").unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_slowly_gets_the_whole_image_though_it_is_deleted_or_moved_meanwhile() {
    let place = place().await;
    let config = Config {
        flexible_variants: true,
        ..Config::default()
    };
    place.store.set_config(&place.account, config).await.unwrap();
    let noise = pictures::noise_png(Size::new(1_500, 1_500));
    assert!(noise.len() > 4 << 20, "more than sockets hold");
    for deletes in [true, false] {
        let record = result(&place.send("v1", Form::default().file("a.png", &noise)).await);
        let id = record["id"].as_str().unwrap();
        let blob = place.request("GET", &format!("v1/{id}/blob"));
        let shown = format!("/cdn-cgi/imagedelivery/{}/{id}/format=png", place.account.hash);
        let whole = place.served.get(&shown).await;
        let (mut blob_reader, blob_bytes) = begun(&place, &blob).await;
        let (mut shown_reader, shown_bytes) = begun(&place, &Request::get(&shown)).await;
        if deletes {
            result(&place.ask("DELETE", &format!("v1/{id}")).await);
            place.clock.advance_ms(1);
            assert_eq!(place.store.collect(Duration::ZERO).await.unwrap().originals, 1);
        } else {
            let change = json!({"requireSignedURLs": true});
            result(&place.ask_json("PATCH", &format!("v1/{id}"), &change).await);
        }
        assert_eq!(code(&place.served.ask(&blob).await), (404, 5404));
        assert_eq!(place.served.get(&shown).await.status, 404);
        assert!(blob_reader.take_slowly(blob_bytes, 64 << 10).await == noise);
        assert!(shown_reader.take_slowly(shown_bytes, 64 << 10).await == whole.body);
    }
}
