//! What others may not do: with tokens of another account, with tokens that only read, and with ids and URLs of another account.

use calotype_store::Scope;
use serde_json::{Value, json};

use crate::place::{Form, Place, code, path_of, picture, place, result};
use crate::support::client::{Answer, Request};

/// Every endpoint of an account: method, path, and whether it changes something.
fn endpoints(id: &str) -> Vec<(&'static str, String, bool)> {
    let mut endpoints = Vec::new();
    for (methods, rest) in [
        ("GET POST!", "v1"),
        ("GET PATCH! DELETE!", "v1/ID"),
        ("GET HEAD", "v1/ID/blob"),
        ("GET", "v1/stats"),
        ("GET", "v1/keys"),
        ("PUT! DELETE!", "v1/keys/default"),
        ("PUT!", "v1/keys/mine"),
        ("GET POST!", "v1/variants"),
        ("GET PATCH! DELETE!", "v1/variants/thumb"),
        ("GET", "v1/variants/thumb/flat"),
        ("GET PATCH!", "v1/config"),
        ("POST!", "v1/direct_upload"),
        ("POST!", "v2/direct_upload"),
        ("GET! POST!", "v1/batch_token"),
        ("GET", "v2"),
        ("GET", "v2/metadata/keys"),
    ] {
        for method in methods.split(' ') {
            let name = method.trim_end_matches('!');
            let rest = rest.replace("ID", id);
            endpoints.push((name, rest, name.len() < method.len()));
        }
    }
    endpoints
}

/// A request that would do something if it might.
fn request(place: &Place, token: &str, method: &str, rest: &str) -> Request {
    let request = Request::new(method, &place.path(rest)).header("Authorization", &format!("Bearer {token}"));
    match (method, rest) {
        ("POST", "v1") => Form::default().file("a.png", &picture()).on(request),
        ("POST", "v1/variants") => request.body(r#"{"id":"theirs"}"#),
        ("PATCH", "v1/variants/thumb") => request.body(r#"{"options":{"width":1}}"#),
        ("PATCH", "v1/config") => request.body(r#"{"flexible_variants":true}"#),
        ("PATCH", _) => request.body(r#"{"creator":"stranger","requireSignedURLs":true}"#),
        ("POST", _) => request.body(""),
        _ => request,
    }
}

/// All that an account can tell of itself.
async fn snapshot(place: &Place) -> Vec<Value> {
    let mut all = Vec::new();
    for rest in [
        "v2",
        "v1",
        "v1/keys",
        "v1/variants",
        "v1/config",
        "v1/stats",
        "v2/metadata/keys",
    ] {
        all.push(result(&place.ask("GET", rest).await));
    }
    all
}

fn assert_tells_nothing(answer: &Answer, secrets: &[&str], what: &str) {
    for secret in secrets {
        assert!(!answer.text().contains(secret), "{what} tells {secret}");
        assert!(
            answer.headers.iter().all(|(_, value)| !value.contains(secret)),
            "{what} tells {secret}"
        );
    }
}

async fn furnished() -> (Place, String) {
    let place = place().await;
    result(&place.ask_json("POST", "v1/variants", &json!({"id": "thumb"})).await);
    let form = Form::default()
        .text("metadata", r#"{"secretShelf":"B4"}"#)
        .text("creator", "secretary");
    let id = place.upload(form).await["id"].as_str().unwrap().to_owned();
    (place, id)
}

#[tokio::test]
async fn a_token_of_another_account_neither_changes_nor_learns_anything() {
    let (place, id) = furnished().await;
    let other = place.store.create_account("other").await.unwrap();
    let (_, theirs) = place
        .store
        .create_token(&other, "theirs", Scope::Write, None)
        .await
        .unwrap();
    let batch = place.store.create_batch_token(&place.account).await.unwrap();
    let before = snapshot(&place).await;
    let secrets = [
        "secretShelf",
        "secretary",
        "lamp.png",
        "thumb",
        before[2]["keys"][0]["value"].as_str().unwrap(),
    ];
    for (method, rest, _) in endpoints(&id) {
        let what = format!("{method} {rest}");
        let answer = place.served.ask(&request(&place, theirs.reveal(), method, &rest)).await;
        assert_eq!(answer.status, 403, "{what}");
        if method != "HEAD" {
            assert_eq!(code(&answer), (403, 10_000), "{what}");
        }
        assert_tells_nothing(&answer, &secrets, &what);
        // Whether the image exists makes no difference.
        if rest.contains(&id) {
            let nobody = place
                .served
                .ask(&request(&place, theirs.reveal(), method, &rest.replace(&id, "nosuch")))
                .await;
            assert_eq!((nobody.status, nobody.body), (answer.status, answer.body), "{what}");
        }
        // Nor does a token of the batch host reach this far, though it is the account's own.
        let answer = place
            .served
            .ask(&request(&place, batch.secret.reveal(), method, &rest))
            .await;
        assert!(matches!(answer.status, 401 | 403), "{what}: {}", answer.status);
    }
    assert_eq!(snapshot(&place).await, before);
}

#[tokio::test]
async fn a_token_that_reads_reads_all_and_changes_nothing() {
    let (place, id) = furnished().await;
    let (_, reader) = place
        .store
        .create_token(&place.account, "reader", Scope::Read, None)
        .await
        .unwrap();
    let before = snapshot(&place).await;
    for (method, rest, changes) in endpoints(&id) {
        let answer = place.served.ask(&request(&place, reader.reveal(), method, &rest)).await;
        let what = format!("{method} {rest}: {}", answer.text());
        if changes {
            assert_eq!(code(&answer), (403, 10_000), "{what}");
        } else {
            assert_eq!(answer.status, 200, "{what}");
        }
    }
    assert_eq!(snapshot(&place).await, before);
}

#[tokio::test]
async fn ids_and_urls_of_another_account_lead_nowhere() {
    let (place, id) = furnished().await;
    let other = place.store.create_account("other").await.unwrap();
    let (_, theirs) = place
        .store
        .create_token(&other, "theirs", Scope::Write, None)
        .await
        .unwrap();
    let bearer = format!("Bearer {}", theirs.reveal());
    for (method, rest) in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/blob")] {
        let target = format!("/client/v4/accounts/{}/images/v1/{id}{rest}", other.id);
        let answer = place
            .served
            .ask(&Request::new(method, &target).header("Authorization", &bearer))
            .await;
        assert_eq!(code(&answer), (404, 5404), "{method} {target}");
    }
    let shown = format!("/cdn-cgi/imagedelivery/{}/{id}/public", other.hash);
    assert_eq!(place.served.get(&shown).await.status, 404);
    let promise = result(&place.send("v2/direct_upload", Form::default()).await);
    let upload = path_of(promise["uploadURL"].as_str().unwrap());
    let elsewhere = upload.replace(&place.account.hash, &other.hash);
    let form = || Form::default().file("a.png", &picture());
    let answer = place.served.ask(&form().on(Request::new("POST", &elsewhere))).await;
    assert_eq!(code(&answer), (404, 5404));
    result(&place.served.ask(&form().on(Request::new("POST", &upload))).await);
    // The same custom id in two accounts is two images.
    let named = |bytes: &[u8]| Form::default().text("id", "same").file("a.png", bytes);
    result(&place.send("v1", named(&picture())).await);
    let target = format!("/client/v4/accounts/{}/images/v1", other.id);
    let theirs = Request::new("POST", &target).header("Authorization", &bearer);
    result(&place.served.ask(&named(&picture()).on(theirs)).await);
    result(&place.ask("DELETE", "v1/same").await);
    let shown = format!("/cdn-cgi/imagedelivery/{}/same/public", other.hash);
    assert_eq!(place.served.get(&shown).await.status, 200, "theirs is still there");
}
