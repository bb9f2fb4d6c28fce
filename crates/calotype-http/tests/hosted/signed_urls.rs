//! `POST /binding/signed-url`, on a door that asks for no token.

use std::net::SocketAddr;
use std::sync::Arc;

use calotype_http::{BindingServer, PublicUrls, Router, ServerSettings};
use serde_json::{Value, json};

use crate::place::{Form, Place, Wishes, code, place, place_with, result};
use crate::support::client::{Answer, Connection, Request};

/// The same store behind the binding's door.
async fn socket(place: &Place) -> SocketAddr {
    let app = place.another_app();
    app.is_reached_at("http://127.0.0.1:8080");
    let router = Arc::new(Router::new().mount(app.binding_api().unwrap()));
    let server = BindingServer::bind_port("127.0.0.1:0".parse().unwrap(), router, ServerSettings::default())
        .await
        .unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.run(std::future::pending()));
    address
}

async fn ask(address: SocketAddr, request: &Request) -> Answer {
    Connection::open(address).await.unwrap().ask(request).await
}

async fn sign(address: SocketAddr, body: &Value) -> Answer {
    let request = Request::new("POST", "/binding/signed-url").header("Content-Type", "application/json");
    ask(address, &request.body(body.to_string())).await
}

#[tokio::test]
async fn the_socket_takes_no_token_and_knows_the_local_account() {
    let place = place().await;
    let socket = socket(&place).await;
    let upload = Request::new("POST", "/client/v4/accounts/local/images/v1");
    let form = Form::default().file("a.png", &crate::place::picture());
    let record = result(&ask(socket, &form.on(upload)).await);
    let url = record["variants"][0].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:8080/cdn-cgi/imagedelivery/"), "{url}");
    let list = result(&ask(socket, &Request::get("/client/v4/accounts/local/images/v2")).await);
    assert_eq!(list["images"].as_array().unwrap().len(), 1);
    assert_eq!(
        result(&ask(socket, &Request::get(&place.path("v1/stats"))).await)["count"]["current"],
        1
    );
    // The public door knows neither.
    assert_eq!(place.served.get("/binding/signed-url").await.status, 404);
}

#[tokio::test]
async fn a_url_is_signed_with_the_key_of_the_name() {
    let place = place_with(Wishes {
        urls: PublicUrls {
            delivery: Some("https://imagedelivery.net".to_owned()),
            ..PublicUrls::default()
        },
        ..Wishes::default()
    })
    .await;
    let socket = socket(&place).await;
    let record = place.upload(Form::default().text("requireSignedURLs", "true")).await;
    let id = record["id"].as_str().unwrap();
    place.store.put_signing_key(&place.account, "autumn", 2).await.unwrap();
    let keys = place.store.signing_keys(&place.account).await.unwrap();
    let path = format!("/{}/{id}/public", place.account.hash);
    for (body, query, name) in [
        (
            json!({"account": "local", "id": id, "variant": "public"}),
            String::new(),
            "default",
        ),
        (
            json!({"account": place.account.id, "id": id, "variant": "public", "expiresIn": 60, "keyName": "autumn"}),
            "?exp=1800000060".to_owned(),
            "autumn",
        ),
    ] {
        let url = result(&sign(socket, &body).await)["url"].as_str().unwrap().to_owned();
        let key = keys.iter().find(|key| key.name == name).unwrap();
        let signature = calotype_plan::signature(key.value.reveal(), &format!("{path}{query}"));
        let mark = if query.is_empty() { '?' } else { '&' };
        assert_eq!(
            url,
            format!("https://imagedelivery.net{path}{query}{mark}sig={signature}")
        );
    }
    for (body, want) in [
        (json!({"id": "nosuch", "variant": "public"}), (404, 5404)),
        (json!({"id": id, "variant": "nosuch"}), (404, 5401)),
        (json!({"id": id, "variant": "w=100"}), (404, 5401)),
        (json!({"id": id, "variant": "public", "keyName": "nosuch"}), (404, 5404)),
        (json!({"id": id, "variant": "public", "expiresIn": 0}), (400, 5400)),
        (json!({"id": id, "variant": "public", "expiresIn": "60"}), (400, 5400)),
        (json!({"id": id}), (400, 5400)),
        (json!({"variant": "public"}), (400, 5400)),
        (
            json!({"account": "0".repeat(32), "id": id, "variant": "public"}),
            (403, 5403),
        ),
    ] {
        assert_eq!(code(&sign(socket, &body).await), want, "{body}");
    }
}
