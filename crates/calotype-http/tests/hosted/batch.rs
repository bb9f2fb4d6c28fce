//! The batch API (spec 6.17).

use serde_json::{Value, json};

use crate::place::{Form, Place, Wishes, code, picture, place, place_with, result};
use crate::support::client::{Answer, Request};

const HOST: &str = "batch.imagedelivery.net";

async fn batch_token(place: &Place) -> String {
    result(&place.ask("GET", "v1/batch_token").await)["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A request to a batch host.
fn request(host: &str, token: &str, method: &str, path: &str) -> Request {
    let mut request = Request::new(method, path).header("Authorization", &format!("Bearer {token}"));
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    request.header("Host", host)
}

fn id_of(answer: &Answer) -> String {
    result(answer)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_batch_host_does_what_the_reference_has_there_and_nothing_else() {
    let place = place().await;
    let token = batch_token(&place).await;
    let ask = async |method: &str, path: &str| place.checked(&request(HOST, &token, method, path)).await;
    let send = async |path: &str, form: Form| place.checked(&form.on(request(HOST, &token, "POST", path))).await;

    let id = id_of(&send("/images/v1", Form::default().file("lamp.png", &picture())).await);
    assert_eq!(
        result(&ask("GET", &format!("/images/v1/{id}")).await)["filename"],
        "lamp.png"
    );
    let change = request(HOST, &token, "PATCH", &format!("/images/v1/{id}")).body(r#"{"creator":"me"}"#);
    assert_eq!(result(&place.checked(&change).await)["creator"], "me");
    let draft = result(&send("/images/v2/direct_upload", Form::default()).await);
    assert!(draft["uploadURL"].as_str().unwrap().contains("/upload/"));
    // Both paths are the list of the second version (D62).
    for path in ["/images/v2", "/images/v1", "/images/v1?per_page=1&sort_order=asc"] {
        let list = result(&ask("GET", path).await);
        assert_eq!(list["images"][0]["id"], id.as_str(), "{path}");
        assert_eq!(list["continuation_token"], Value::Null);
    }
    assert_eq!(result(&ask("DELETE", &format!("/images/v1/{id}")).await), json!({}));

    let id = id_of(&send("/images/v1", Form::default().file("lamp.png", &picture())).await);
    for (method, path) in [
        ("GET", format!("/images/v1/{id}/blob")),
        ("HEAD", format!("/images/v1/{id}/blob")),
        ("PUT", format!("/images/v1/{id}")),
        ("GET", "/images/v1/stats".to_owned()),
        ("GET", "/images/v1/keys".to_owned()),
        ("PUT", "/images/v1/keys/other".to_owned()),
        ("DELETE", "/images/v1/keys/default".to_owned()),
        ("GET", "/images/v1/variants".to_owned()),
        ("POST", "/images/v1/variants".to_owned()),
        ("GET", "/images/v1/variants/public".to_owned()),
        ("DELETE", "/images/v1/variants/public".to_owned()),
        ("GET", "/images/v1/variants/public/flat".to_owned()),
        ("GET", "/images/v1/config".to_owned()),
        ("PATCH", "/images/v1/config".to_owned()),
        ("GET", "/images/v1/batch_token".to_owned()),
        ("POST", "/images/v1/direct_upload".to_owned()),
        ("GET", "/images/v2/metadata/keys".to_owned()),
        ("DELETE", "/images/v2".to_owned()),
        ("GET", "/images/v3".to_owned()),
        ("GET", "/".to_owned()),
        ("GET", "/health".to_owned()),
        ("GET", place.path("v1/stats")),
        ("GET", "/client/v4/user/tokens/verify".to_owned()),
    ] {
        let answer = place.served.ask(&request(HOST, &token, method, &path)).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        if method != "HEAD" {
            assert_eq!(code(&answer), (404, 7003), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn batch_tokens_and_other_tokens_are_good_in_their_own_places_alone() {
    let place = place().await;
    let token = batch_token(&place).await;
    let ask = async |host: &str, token: &str, path: &str| {
        let answer = place.served.ask(&request(host, token, "GET", path)).await;
        (answer.status == 200).then_some(()).ok_or_else(|| code(&answer))
    };
    assert_eq!(ask(HOST, &token, "/images/v2").await, Ok(()));
    // On every other host the token says whose path it is.
    assert_eq!(ask("calotype.test", &token, "/images/v2").await, Ok(()));
    assert_eq!(ask("calotype.test", &token, "/images/v1/stats").await, Err((404, 7003)));
    assert_eq!(
        ask("calotype.test", &token, &place.path("v2")).await,
        Err((401, 10_000))
    );
    assert_eq!(ask(HOST, &place.token, "/images/v2").await, Err((401, 10_000)));
    let nobody = Request::get("/images/v2");
    assert_eq!(
        place.served.ask(&nobody).await.header("cf-ray"),
        None,
        "no path of ours"
    );
    let mut nobody = nobody;
    nobody.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    assert_eq!(code(&place.served.ask(&nobody.header("Host", HOST)).await), (400, 6003));
    place.clock.advance_ms(3_600_000);
    assert_eq!(ask(HOST, &token, "/images/v2").await, Err((401, 10_000)));
    assert_eq!(ask("calotype.test", &token, "/images/v2").await, Err((401, 10_000)));
}

#[tokio::test]
async fn the_operator_may_name_another_address() {
    let place = place_with(Wishes {
        batch_url: Some("https://batch.example.com/b/".to_owned()),
        ..Wishes::default()
    })
    .await;
    let token = batch_token(&place).await;
    for (host, path, status) in [
        ("batch.example.com", "/b/images/v2", 200),
        ("BATCH.example.com", "/b/images/v2", 200),
        ("batch.example.com", "/b/images/v1/stats", 404),
        ("other.example.com", "/b/images/v2", 404),
        (HOST, "/images/v2", 200),
    ] {
        let answer = place.served.ask(&request(host, &token, "GET", path)).await;
        assert_eq!(answer.status, status, "{host}{path}");
    }
}

#[tokio::test]
async fn a_batch_token_has_two_hundred_requests_a_second_and_they_count_nowhere_else() {
    let place = place_with(Wishes {
        rate_limits: calotype_http::RateLimits {
            is_on: true,
            requests_max: 10,
            ..calotype_http::RateLimits::default()
        },
        ..Wishes::default()
    })
    .await;
    let (token, other) = (batch_token(&place).await, batch_token(&place).await);
    let mut connection = place.served.connect().await;
    let list = request(HOST, &token, "GET", "/images/v2");
    for left in (0..200).rev() {
        let answer = connection.ask(&list).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("ratelimit"),
            Some(format!("\"default\";r={left};t=1").as_str())
        );
        assert_eq!(answer.header("ratelimit-policy"), Some("\"default\";q=200;w=1"));
    }
    let refused = connection.ask(&list).await;
    assert_eq!(code(&refused), (429, 10_429));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit"), Some("\"default\";r=0;t=1"));
    assert_eq!(
        connection.ask(&request(HOST, &other, "GET", "/images/v2")).await.status,
        200
    );
    place.clock.advance_ms(999);
    assert_eq!(connection.ask(&list).await.status, 429);
    place.clock.advance_ms(1);
    assert_eq!(connection.ask(&list).await.status, 200);
    // Two of the account's ten were the tokens.
    let answer = place.ask("GET", "v1/stats").await;
    assert_eq!(answer.header("ratelimit"), Some("\"default\";r=7;t=299"));
}
