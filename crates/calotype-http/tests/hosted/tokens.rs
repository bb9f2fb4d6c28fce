//! Tokens over the API, and the networks that they are bound to.

use calotype_store::{Networks, NewToken, Scope};
use serde_json::{Value, json};

use crate::place::{NOW_MS, Place, Wishes, code, place, place_with, result};
use crate::support::client::{Answer, Request};

fn path(place: &Place, rest: &str) -> String {
    format!("/client/v4/accounts/{}/tokens{rest}", place.account.id)
}

async fn ask_with(place: &Place, token: &str, method: &str, rest: &str, body: Option<&Value>) -> Answer {
    let mut request = Request::new(method, &path(place, rest)).header("Authorization", &format!("Bearer {token}"));
    if let Some(body) = body {
        request = request
            .header("Content-Type", "application/json")
            .body(body.to_string());
    }
    place.checked(&request).await
}

async fn ask(place: &Place, method: &str, rest: &str, body: Option<&Value>) -> Answer {
    ask_with(place, &place.token, method, rest, body).await
}

fn policies(group: &str) -> Value {
    json!([{ "effect": "allow", "permission_groups": [{ "name": group }] }])
}

#[tokio::test]
async fn a_token_is_made_used_listed_and_revoked_over_the_api() {
    let place = place().await;
    let groups = result(&ask(&place, "GET", "/permission_groups", None).await);
    assert_eq!(groups[0]["name"], "Images Read");
    let resource = format!("com.cloudflare.api.account.{}", place.account.id);
    let wanted = json!({
        "name": "reader",
        "policies": [{
            "effect": "allow",
            "resources": { resource.as_str(): "*" },
            "permission_groups": [{ "id": groups[0]["id"] }],
        }],
        "expires_on": "2027-01-15T09:00:00Z",
        "condition": { "request.ip": { "in": ["127.0.0.0/8", "192.0.2.1"], "not_in": ["127.0.0.9"] } },
    });
    place.clock.advance_ms(1_000);
    let made = result(&ask(&place, "POST", "", Some(&wanted)).await);
    let value = made["value"].as_str().unwrap();
    let id = made["id"].as_str().unwrap();
    let mut record = made.clone();
    record.as_object_mut().unwrap().remove("value");
    assert_eq!(
        record,
        json!({
            "id": id,
            "name": "reader",
            "status": "active",
            "issued_on": "2027-01-15T08:00:01.000Z",
            "modified_on": "2027-01-15T08:00:01.000Z",
            "expires_on": "2027-01-15T09:00:00.000Z",
            "policies": [{
                "id": id,
                "effect": "allow",
                "permission_groups": [{ "id": groups[0]["id"], "name": "Images Read" }],
                "resources": { resource: "*" },
            }],
            "condition": { "request_ip": { "in": ["127.0.0.0/8", "192.0.2.1/32"], "not_in": ["127.0.0.9/32"] } },
        })
    );
    let verify = Request::get("/client/v4/user/tokens/verify").header("Authorization", &format!("Bearer {value}"));
    let verified = result(&place.checked(&verify).await);
    assert_eq!(
        verified,
        json!({"id": id, "status": "active", "expires_on": "2027-01-15T09:00:00.000Z"})
    );
    // It may read and not write, and tokens take Write.
    let stats = Request::get(&place.path("v1/stats")).header("Authorization", &format!("Bearer {value}"));
    result(&place.checked(&stats).await);
    assert_eq!(code(&ask_with(&place, value, "GET", "", None).await), (403, 10_000));

    let list = ask(&place, "GET", "?per_page=1&page=2", None).await;
    assert_eq!(result(&list), json!([record]), "its secret is not told again");
    let envelope: Value = serde_json::from_slice(&list.body).unwrap();
    assert_eq!(
        envelope["result_info"],
        json!({"page": 2, "per_page": 1, "count": 1, "total_count": 2, "total_pages": 2})
    );
    assert_eq!(result(&ask(&place, "GET", "?page=2", None).await), json!([]));
    place.clock.advance_ms(3_600_000);
    assert_eq!(
        result(&ask(&place, "GET", &format!("/{id}"), None).await)["status"],
        "expired"
    );
    assert_eq!(
        result(&ask(&place, "DELETE", &format!("/{id}"), None).await),
        json!({ "id": id })
    );
    for method in ["GET", "DELETE"] {
        assert_eq!(code(&ask(&place, method, &format!("/{id}"), None).await), (404, 5404));
        assert_eq!(code(&ask(&place, method, "/a%00b", None).await), (404, 5404));
    }
}

#[tokio::test]
async fn what_a_token_cannot_be_is_said() {
    let place = place().await;
    for (wrong, about) in [
        (json!({"policies": policies("Images Read")}), "name"),
        (json!({"name": "", "policies": policies("Images Read")}), "name"),
        (json!({"name": "a"}), "policies"),
        (json!({"name": "a", "policies": []}), "policies"),
        (
            json!({"name": "a", "policies": policies("Images Sing")}),
            "permission_groups",
        ),
        (
            json!({"name": "a", "policies": [{"effect": "deny", "permission_groups": [{"name": "Images Read"}]}]}),
            "effect",
        ),
        (
            json!({"name": "a", "policies": [{"permission_groups": [{"name": "Images Read"}], "resources": {"com.cloudflare.api.account.0": "*"}}]}),
            "resources",
        ),
        (
            json!({"name": "a", "policies": policies("Images Read"), "expires_on": "soon"}),
            "expires_on",
        ),
        (
            json!({"name": "a", "policies": policies("Images Read"), "expires_on": "2020-01-01T00:00:00Z"}),
            "ended",
        ),
        (
            json!({"name": "a", "policies": policies("Images Read"), "not_before": "2028-01-01T00:00:00Z"}),
            "not_before",
        ),
        (
            json!({"name": "a", "policies": policies("Images Read"), "condition": {"request_ip": {"in": ["10.0.0.0/40"]}}}),
            "condition.request_ip.in",
        ),
        (
            json!({"name": "a", "policies": policies("Images Read"), "condition": {"request_ip": {"not_in": "10.0.0.0/8"}}}),
            "not_in",
        ),
    ] {
        let answer = ask(&place, "POST", "", Some(&wrong)).await;
        assert_eq!(code(&answer), (400, 5400), "{wrong}");
        assert!(answer.text().contains(about), "{wrong}: {}", answer.text());
    }
    assert_eq!(place.store.tokens(&place.account).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_bound_makes_no_others() {
    let place = place().await;
    let bound = |expires_ms: Option<i64>, networks: &[&str]| NewToken {
        name: "bound".to_owned(),
        scope: Scope::Write,
        expires_ms,
        networks: Networks::new(networks.iter().map(|text| text.parse().unwrap()).collect(), Vec::new()).unwrap(),
    };
    let wanted = json!({"name": "free", "policies": policies("Images Write")});
    for new in [bound(Some(NOW_MS + 1), &[]), bound(None, &["127.0.0.0/8"])] {
        let (_, secret) = place.store.create_token_of(&place.account, new).await.unwrap();
        let answer = ask_with(&place, secret.reveal(), "POST", "", Some(&wanted)).await;
        assert_eq!(code(&answer), (403, 10_000));
    }
    let made = result(&ask(&place, "POST", "", Some(&wanted)).await);
    assert_eq!(made["policies"][0]["permission_groups"][0]["name"], "Images Write");
}

#[tokio::test]
async fn a_token_that_is_bound_to_networks_is_good_from_there_alone() {
    let place = place_with(Wishes {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Wishes::default()
    })
    .await;
    let new = NewToken {
        name: "office".to_owned(),
        scope: Scope::Write,
        expires_ms: None,
        networks: Networks::new(
            vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            vec!["203.0.113.9/32".parse().unwrap()],
        )
        .unwrap(),
    };
    let (_, secret) = place.store.create_token_of(&place.account, new).await.unwrap();
    for (address, passes) in [
        ("203.0.113.1", true),
        ("2001:db8::1", true),
        ("203.0.113.9", false),
        ("203.0.114.1", false),
        // The client's own words count for nothing behind the proxy's.
        ("203.0.113.1, 198.51.100.1", false),
    ] {
        for target in [place.path("v1/stats"), "/client/v4/user/tokens/verify".to_owned()] {
            let request = Request::get(&target)
                .header("Authorization", &format!("Bearer {}", secret.reveal()))
                .header("X-Forwarded-For", address);
            let answer = place.checked(&request).await;
            let want = if passes { 200 } else { 403 };
            assert_eq!(answer.status, want, "{address}");
            if !passes {
                assert_eq!(code(&answer), (403, 10_000));
            }
        }
    }
    // Without the proxy's word it comes from this machine.
    let direct = Request::get(&place.path("v1/stats")).header("Authorization", &format!("Bearer {}", secret.reveal()));
    assert_eq!(code(&place.checked(&direct).await), (403, 10_000));
}
