use serde_json::{Value, json};

use crate::place::{NOW_MS, code, place, result};

#[tokio::test]
async fn keys_are_made_rotated_and_deleted_and_all_are_told_each_time() {
    let place = place().await;
    let names = |result: &Value| {
        let keys = result["keys"].as_array().unwrap();
        keys.iter()
            .map(|key| key["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = result(&place.ask("GET", "v1/keys").await);
    assert_eq!(names(&first), ["default"]);
    place.clock.advance_ms(1);
    let both = result(&place.ask("PUT", "v1/keys/autumn").await);
    assert_eq!(names(&both), ["default", "autumn"]);
    assert_eq!(code(&place.ask("PUT", "v1/keys/winter").await), (403, 5453));
    let rotated = result(&place.ask("PUT", "v1/keys/default").await);
    assert_ne!(rotated["keys"][0], both["keys"][0]);
    assert_eq!(rotated["keys"][1], both["keys"][1]);
    assert_eq!(
        names(&result(&place.ask("DELETE", "v1/keys/default").await)),
        ["autumn"]
    );
    assert_eq!(
        names(&result(&place.ask("DELETE", "v1/keys/autumn").await)),
        ["default"]
    );
    assert_eq!(code(&place.ask("DELETE", "v1/keys/autumn").await), (404, 5404));
    assert_eq!(code(&place.ask("PUT", "v1/keys/a-b").await), (400, 5400));
}

#[tokio::test]
async fn variants_come_and_go_by_name() {
    let place = place().await;
    let public = json!({
        "id": "public",
        "options": {"fit": "scale-down", "metadata": "none", "width": 1366, "height": 768},
        "neverRequireSignedURLs": false,
    });
    assert_eq!(
        result(&place.ask("GET", "v1/variants").await),
        json!({"variants": {"public": public}})
    );
    let teaser = json!({
        "id": "teaser",
        "options": {"fit": "cover", "metadata": "none", "width": 320, "height": 180, "blur": 25},
        "neverRequireSignedURLs": true,
    });
    assert_eq!(
        result(&place.ask_json("POST", "v1/variants", &teaser).await),
        json!({"variant": teaser})
    );
    assert_eq!(code(&place.ask_json("POST", "v1/variants", &teaser).await), (409, 5409));
    assert_eq!(
        result(&place.ask("GET", "v1/variants/teaser").await),
        json!({"variant": teaser})
    );
    assert_eq!(result(&place.ask("GET", "v1/variants/teaser/flat").await), teaser);
    let changes = json!({"options": {"fit": "cover", "metadata": "none", "width": 480, "height": 270}});
    let changed = result(&place.ask_json("PATCH", "v1/variants/teaser", &changes).await);
    assert_eq!(
        changed["variant"],
        json!({
            "id": "teaser",
            "options": {"fit": "cover", "metadata": "none", "width": 480, "height": 270, "blur": 25},
            "neverRequireSignedURLs": true,
        })
    );
    assert_eq!(result(&place.ask("DELETE", "v1/variants/teaser").await), json!({}));
    assert_eq!(result(&place.ask("DELETE", "v1/variants/public").await), json!({}));
    assert_eq!(result(&place.ask("GET", "v1/variants/public").await)["variant"], public);
    for (method, rest) in [
        ("GET", "teaser"),
        ("DELETE", "teaser"),
        ("GET", "teaser/flat"),
        ("GET", "a%20b"),
    ] {
        assert_eq!(
            code(&place.ask(method, &format!("v1/variants/{rest}")).await),
            (404, 5401)
        );
    }
    assert_eq!(
        code(&place.ask_json("PATCH", "v1/variants/teaser", &changes).await),
        (404, 5401)
    );
    for wrong in [
        json!({"options": {"fit": "cover"}}),
        json!({"id": "a-b"}),
        json!({"id": "a_b"}),
        json!({"id": ""}),
        json!({"id": "x".repeat(100)}),
        json!({"id": "a", "options": {"fit": "stretch"}}),
        json!({"id": "a", "options": {"widht": 5}}),
        json!({"id": "a", "options": []}),
        json!({"id": "a", "neverRequireSignedURLs": "yes"}),
    ] {
        assert_eq!(
            code(&place.ask_json("POST", "v1/variants", &wrong).await),
            (400, 5400),
            "{wrong}"
        );
    }
    assert_eq!(
        code(&place.ask_json("PATCH", "v1/variants/public", &json!({})).await),
        (400, 5400)
    );
}

#[tokio::test]
async fn there_are_at_most_a_hundred_variants_and_each_is_a_url_of_every_image() {
    let place = place().await;
    let record = place.upload(crate::place::Form::default()).await;
    for n in 1..100 {
        let name = format!("{}{n}", "v".repeat(97));
        result(&place.ask_json("POST", "v1/variants", &json!({"id": name})).await);
    }
    assert_eq!(
        code(&place.ask_json("POST", "v1/variants", &json!({"id": "more"})).await),
        (403, 5453)
    );
    let record = result(
        &place
            .ask("GET", &format!("v1/{}", record["id"].as_str().unwrap()))
            .await,
    );
    let urls = record["variants"].as_array().unwrap();
    assert_eq!(urls.len(), 100);
    assert!(urls[0].as_str().unwrap().ends_with("/public"));
}

#[tokio::test]
async fn settings_are_told_whole_and_changed_one_by_one() {
    let place = place().await;
    let told = |flexible: bool, ttl: u32| json!({"flexible_variants": flexible, "browser_ttl": ttl, "preserve_content_credentials": false});
    assert_eq!(result(&place.ask("GET", "v1/config").await), told(false, 172_800));
    for (change, want) in [
        (json!({"flexible_variants": true}), told(true, 172_800)),
        (json!({"browser_ttl": 3_600}), told(true, 3_600)),
        (
            json!({"browser_ttl": null, "preserve_content_credentials": false}),
            told(true, 172_800),
        ),
        (json!({}), told(true, 172_800)),
    ] {
        assert_eq!(result(&place.ask_json("PATCH", "v1/config", &change).await), want);
        assert_eq!(result(&place.ask("GET", "v1/config").await), want);
    }
    for wrong in [
        json!({"browser_ttl": 3_599}),
        json!({"browser_ttl": 31_536_001}),
        json!({"flexible_variants": 1}),
        json!({"preserve_content_credentials": true}),
    ] {
        assert_eq!(
            code(&place.ask_json("PATCH", "v1/config", &wrong).await),
            (400, 5400),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_batch_token_is_told_with_its_end_in_nanoseconds() {
    let place = place().await;
    let token = result(&place.ask("GET", "v1/batch_token").await);
    assert!(token["token"].as_str().unwrap().starts_with("bt_"));
    assert_eq!(NOW_MS, 1_800_000_000_000);
    assert_eq!(token["expiresAt"], "2027-01-15T09:00:00.000000000Z");
}
