use calotype_store::Scope;
use serde_json::{Value, json};

use crate::place::{NOW_MS, Wishes, code, place, place_with, result};
use crate::support::client::Request;

#[tokio::test]
async fn what_is_wrong_with_credentials_is_said_in_the_codes_of_the_reference() {
    let place = place().await;
    let ask = async |headers: &[(&str, &str)]| {
        let mut request = Request::get(&place.path("v1/stats"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = place.served.ask(&request).await;
        let envelope: Value = serde_json::from_slice(&answer.body).unwrap();
        let chain: Vec<u64> = envelope["errors"][0]["error_chain"]
            .as_array()
            .map(|chain| chain.iter().map(|error| error["code"].as_u64().unwrap()).collect())
            .unwrap_or_default();
        (answer.status, envelope["errors"][0]["code"].as_u64(), chain)
    };
    let token = place.token.as_str();
    assert_eq!(ask(&[]).await, (400, Some(6003), vec![6100, 6101]));
    for wrong in ["Basic abc", "Bearer", "Bearer ", "Bearer a b", token] {
        assert_eq!(
            ask(&[("Authorization", wrong)]).await,
            (400, Some(6003), vec![6111]),
            "{wrong}"
        );
    }
    assert_eq!(ask(&[("X-Auth-Email", "a@b.c")]).await, (400, Some(6003), vec![6101]));
    assert_eq!(
        ask(&[("X-Auth-Email", "a@b.c"), ("X-Auth-Key", "a b")]).await,
        (400, Some(6003), vec![6103])
    );
    assert_eq!(
        ask(&[("Authorization", "Bearer unknown")]).await,
        (401, Some(10_000), vec![])
    );
    let good = format!("Bearer {token}");
    assert_eq!(ask(&[("Authorization", &good)]).await.0, 200);
    assert_eq!(ask(&[("Authorization", &format!("bearer {token}"))]).await.0, 200);
    assert_eq!(ask(&[("X-Auth-Email", "a@b.c"), ("X-Auth-Key", token)]).await.0, 200);
}

#[tokio::test]
async fn a_token_reaches_as_far_as_its_account_and_scope() {
    let place = place().await;
    let (_, reader) = place
        .store
        .create_token(&place.account, "reader", Scope::Read, Some(NOW_MS + 1_000))
        .await
        .unwrap();
    let other = place.store.create_account("other").await.unwrap();
    let ask = async |method: &str, target: &str| {
        let request = Request::new(method, target).header("Authorization", &format!("Bearer {}", reader.reveal()));
        place.served.ask(&request).await
    };
    result(&ask("GET", &place.path("v1/keys")).await);
    for (method, rest) in [
        ("POST", "v1"),
        ("DELETE", "v1/abc"),
        ("PUT", "v1/keys/a"),
        ("GET", "v1/batch_token"),
        ("POST", "v2/direct_upload"),
        ("PATCH", "v1/config"),
    ] {
        assert_eq!(
            code(&ask(method, &place.path(rest)).await),
            (403, 10_000),
            "{method} {rest}"
        );
    }
    let stranger = format!("/client/v4/accounts/{}/images/v1/stats", other.id);
    assert_eq!(code(&ask("GET", &stranger).await), (403, 10_000));
    let nobody = format!("/client/v4/accounts/{}/images/v1/stats", "0".repeat(32));
    assert_eq!(code(&ask("GET", &nobody).await), (403, 5403));
    assert_eq!(
        code(&ask("GET", "/client/v4/accounts/local/images/v1/stats").await),
        (403, 5403)
    );
    place.clock.advance_ms(1_000);
    assert_eq!(code(&ask("GET", &place.path("v1/stats")).await), (401, 10_000));
}

#[tokio::test]
async fn reading_keys_can_be_made_to_take_write() {
    let place = place_with(Wishes {
        keys_take_write: true,
        ..Wishes::default()
    })
    .await;
    let (_, reader) = place
        .store
        .create_token(&place.account, "reader", Scope::Read, None)
        .await
        .unwrap();
    let request = Request::get(&place.path("v1/keys")).header("Authorization", &format!("Bearer {}", reader.reveal()));
    assert_eq!(code(&place.served.ask(&request).await), (403, 10_000));
    result(&place.ask("GET", "v1/keys").await);
}

#[tokio::test]
async fn scripts_can_ask_whether_their_token_is_good() {
    let place = place().await;
    let ask = async |token: &str| {
        let request = Request::get("/client/v4/user/tokens/verify").header("Authorization", &format!("Bearer {token}"));
        place.served.ask(&request).await
    };
    let id = &place.store.tokens(&place.account).await.unwrap()[0].id;
    assert_eq!(result(&ask(&place.token).await), json!({"id": id, "status": "active"}));
    assert_eq!(code(&ask("unknown").await), (401, 10_000));
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_said_in_the_envelope() {
    let place = place().await;
    for rest in ["v3", "v2/nosuch", "v1/keys/a/b", "v1/variants/a/b"] {
        assert_eq!(code(&place.ask("GET", rest).await), (404, 7003), "{rest}");
    }
    for target in ["/client/v4/zones", "/client/v4/accounts/xyz/images/v1", "/client/v4"] {
        assert_eq!(code(&place.served.get(target).await), (404, 7003), "{target}");
    }
    for (method, rest, allowed) in [
        ("PUT", "v1", "GET, POST"),
        ("POST", "v1/abc", "GET, PATCH, DELETE"),
        ("DELETE", "v2", "GET"),
        ("GET", "v2/direct_upload", "POST"),
        ("GET", "v1/keys/default", "PUT, DELETE"),
    ] {
        let answer = place.ask(method, rest).await;
        assert_eq!(code(&answer), (405, 7000), "{method} {rest}");
        assert_eq!(answer.header("allow"), Some(allowed));
    }
    assert_eq!(code(&place.ask("GET", "v1/a%FFb").await), (400, 5400));
}
