//! How often the API may be asked (spec 3.4).

use calotype_http::RateLimits;
use calotype_store::Scope;

use crate::place::{Place, Wishes, code, place, place_with};
use crate::support::client::{Answer, Request};

async fn limited(requests_max: u32, address_requests_max: u32) -> Place {
    place_with(Wishes {
        rate_limits: RateLimits {
            is_on: true,
            requests_max,
            address_requests_max,
            ..RateLimits::default()
        },
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Wishes::default()
    })
    .await
}

fn told(answer: &Answer) -> (Option<&str>, Option<&str>, Option<&str>) {
    (
        answer.header("ratelimit"),
        answer.header("ratelimit-policy"),
        answer.header("retry-after"),
    )
}

#[tokio::test]
async fn without_a_word_of_the_operator_nobody_is_limited() {
    let place = place().await;
    let mut connection = place.served.connect().await;
    let request = place.request("GET", "v1/stats");
    for _ in 0..1_300 {
        let answer = connection.ask(&request).await;
        assert_eq!((answer.status, told(&answer)), (200, (None, None, None)));
    }
}

#[tokio::test]
async fn an_account_that_asks_too_often_is_refused_for_five_minutes_whatever_token_it_uses() {
    let place = limited(1_200, 10_000).await;
    let (_, reader) = place
        .store
        .create_token(&place.account, "r", Scope::Read, None)
        .await
        .unwrap();
    let reading = Request::get(&place.path("v1/stats")).header("Authorization", &format!("Bearer {}", reader.reveal()));
    let writing = place.request("GET", "v1/stats");
    let mut connection = place.served.connect().await;
    let policy = Some("\"default\";q=1200;w=300");
    for left in (0..1_200).rev() {
        let request = if left % 2 == 0 { &reading } else { &writing };
        let answer = connection.ask(request).await;
        let ratelimit = format!("\"default\";r={left};t=300");
        assert_eq!(
            (answer.status, told(&answer)),
            (200, (Some(ratelimit.as_str()), policy, None))
        );
    }
    place.clock.advance_ms(60_000);
    let refused = connection.ask(&reading).await;
    assert_eq!(code(&refused), (429, 10_429));
    // From the request that was too many: five minutes.
    assert_eq!(told(&refused), (Some("\"default\";r=0;t=300"), policy, Some("300")));
    place.clock.advance_ms(299_000);
    let refused = place.checked(&writing).await;
    assert_eq!(told(&refused), (Some("\"default\";r=0;t=1"), policy, Some("1")));
    let verify =
        Request::get("/client/v4/user/tokens/verify").header("Authorization", &format!("Bearer {}", place.token));
    assert_eq!(code(&place.checked(&verify).await), (429, 10_429));
    place.clock.advance_ms(1_000);
    let answer = connection.ask(&writing).await;
    assert_eq!(told(&answer), (Some("\"default\";r=1199;t=300"), policy, None));
    // Another account is not concerned.
    let other = place.store.create_account("other").await.unwrap();
    let (_, token) = place.store.create_token(&other, "o", Scope::Read, None).await.unwrap();
    let request = Request::get(&format!("/client/v4/accounts/{}/images/v1/stats", other.id))
        .header("Authorization", &format!("Bearer {}", token.reveal()));
    assert_eq!(
        connection.ask(&request).await.header("ratelimit"),
        Some("\"default\";r=1199;t=300")
    );
}

#[tokio::test]
async fn an_address_has_so_many_requests_a_second_with_any_token_or_none() {
    let place = limited(10_000, 3).await;
    let from = |request: Request, address: &str| request.header("X-Forwarded-For", address);
    let without_token = Request::get(&place.path("v1/stats"));
    let ask = async |request: Request, address: &str| place.checked(&from(request, address)).await;
    let first = ask(without_token.clone(), "203.0.113.7").await;
    assert_eq!(code(&first), (400, 6003));
    assert_eq!(
        told(&first),
        (Some("\"default\";r=2;t=1"), Some("\"default\";q=3;w=1"), None)
    );
    // What a token of an account has left is more to the point.
    let second = ask(place.request("GET", "v1/stats"), "203.0.113.7").await;
    assert_eq!(
        told(&second),
        (
            Some("\"default\";r=9999;t=300"),
            Some("\"default\";q=10000;w=300"),
            None
        )
    );
    assert_eq!(
        ask(Request::get("/client/v4/openapi.json"), "203.0.113.7").await.status,
        200
    );
    let refused = ask(place.request("GET", "v1/stats"), "203.0.113.7").await;
    assert_eq!(code(&refused), (429, 10_429));
    assert_eq!(
        told(&refused),
        (Some("\"default\";r=0;t=1"), Some("\"default\";q=3;w=1"), Some("1"))
    );
    let other = ask(place.request("GET", "v1/stats"), "203.0.113.8").await;
    assert_eq!(told(&other).0, Some("\"default\";r=9998;t=300"));
    place.clock.advance_ms(1_000);
    assert_eq!(ask(place.request("GET", "v1/stats"), "203.0.113.7").await.status, 200);
}
