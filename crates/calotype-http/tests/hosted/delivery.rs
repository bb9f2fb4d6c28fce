use calotype_http::PublicUrls;
use calotype_plan::Size;
use calotype_store::Config;
use serde_json::json;

use crate::place::{Form, NOW_MS, Place, Wishes, path_of, picture, place, place_with, result};
use crate::support::client::{Answer, Request};
use crate::support::pictures;
use crate::support::reader;

const WEBP: &str = "image/webp,image/*,*/*;q=0.8";

async fn get(place: &Place, target: &str, accept: &str) -> Answer {
    place.served.ask(&Request::get(target).header("Accept", accept)).await
}

/// The path of an image through a variant.
fn path(place: &Place, id: &str, recipe: &str) -> String {
    format!("/cdn-cgi/imagedelivery/{}/{id}/{recipe}", place.account.hash)
}

async fn variant(place: &Place, definition: serde_json::Value) {
    result(&place.ask_json("POST", "v1/variants", &definition).await);
}

/// The status, and the body of a refusal with the headers it must have.
#[track_caller]
fn refused(answer: &Answer) -> (u16, String) {
    let text = answer.text();
    let code = text
        .strip_prefix("ERROR ")
        .and_then(|rest| rest.split(':').next())
        .unwrap_or_else(|| panic!("{text}"));
    let header = format!("err={code}");
    assert_eq!(answer.header("cf-images"), Some(header.as_str()));
    assert_eq!(answer.header("cf-resized"), Some(header.as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    (answer.status, text)
}

#[tokio::test]
async fn the_printed_url_shows_the_picture_with_the_headers_of_the_specification() {
    let place = place().await;
    for id in ["", "catalog/2026/50% off.png", "ü/😀"] {
        let form = if id.is_empty() {
            Form::default()
        } else {
            Form::default().text("id", id)
        };
        let record = place.upload(form).await;
        let url = path_of(record["variants"][0].as_str().unwrap());
        let answer = get(&place, &url, WEBP).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("image/webp"));
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=172800, stale-while-revalidate=7200")
        );
        assert_eq!(answer.header("vary"), Some("Accept"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cf-cache-status"), Some("MISS"));
        assert!(answer.header("cf-images").unwrap().starts_with("internal=ok/"));
        assert_eq!(answer.header("cf-images"), answer.header("cf-resized"));
        let tag = answer.header("etag").unwrap();
        assert!(tag.starts_with('"'), "strong: {tag}");
        let again = Request::get(&url).header("Accept", WEBP).header("If-None-Match", tag);
        assert_eq!(place.served.ask(&again).await.status, 304);
        // Another format is another tag.
        let plain = get(&place, &url, "*/*").await;
        assert_eq!(plain.header("content-type"), Some("image/png"));
        assert_ne!(plain.header("etag"), Some(tag));
    }
}

#[tokio::test]
async fn a_variant_fixes_the_size_and_a_changed_one_shows_at_once() {
    let place = place().await;
    variant(
        &place,
        json!({"id": "thumb", "options": {"fit": "cover", "width": 10, "height": 10}}),
    )
    .await;
    let record = place.upload(Form::default()).await;
    let url = path(&place, record["id"].as_str().unwrap(), "thumb");
    let size = |answer: &Answer| reader::inspect(&answer.body).1;
    assert_eq!(size(&get(&place, &url, "*/*").await), Size::new(10, 10));
    let change = json!({"options": {"width": 20, "browser_ttl": 7_200}});
    result(&place.ask_json("PATCH", "v1/variants/thumb", &change).await);
    let answer = get(&place, &url, "*/*").await;
    assert_eq!(size(&answer), Size::new(20, 10));
    assert_eq!(
        answer.header("cache-control"),
        Some("public, max-age=7200, stale-while-revalidate=7200")
    );
    result(&place.ask("DELETE", "v1/variants/thumb").await);
    assert_eq!(get(&place, &url, "*/*").await.status, 403);
}

#[tokio::test]
async fn failures_are_those_of_the_table_byte_for_byte() {
    let place = place().await;
    let record = place.upload(Form::default()).await;
    let id = record["id"].as_str().unwrap();
    let draft = result(&place.send("v2/direct_upload", Form::default()).await);
    let ask = async |target: &str| refused(&place.served.get(target).await);
    for (target, status, body) in [
        (path(&place, "nosuch", "public"), 404, "ERROR 9404: Image not found"),
        (path(&place, "nosuch", "nosuch"), 404, "ERROR 9404: Image not found"),
        (
            path(&place, draft["id"].as_str().unwrap(), "public"),
            404,
            "ERROR 9404: Image not found",
        ),
        (
            path(&place, id, "nosuch"),
            403,
            "ERROR 9425: Image access denied: This account doesn't have variant with this name",
        ),
        (
            path(&place, id, "w=10"),
            403,
            "ERROR 9429: Flexible variants are not enabled for the account",
        ),
        (
            format!("/cdn-cgi/imagedelivery/{}/{id}/public", "x".repeat(22)),
            403,
            "ERROR 9427: Image access denied with incorrect account id",
        ),
        (
            format!("/cdn-cgi/imagedelivery/{}/{id}", place.account.hash),
            403,
            "ERROR 9426: The URL of imagedelivery.net has invalid text part",
        ),
        (
            path(&place, "a%FF", "public"),
            403,
            "ERROR 9426: The URL of imagedelivery.net has invalid text part",
        ),
    ] {
        assert_eq!(ask(&target).await, (status, body.to_owned()), "{target}");
    }
    result(&place.ask("DELETE", &format!("v1/{id}")).await);
    assert_eq!(ask(&path(&place, id, "public")).await.0, 404, "gone at once");
    let post = place
        .served
        .ask(&Request::new("POST", &path(&place, id, "public")))
        .await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let options = place
        .served
        .ask(&Request::new("OPTIONS", &path(&place, id, "public")))
        .await;
    assert_eq!(options.status, 204);
}

#[tokio::test]
async fn options_in_the_url_work_where_they_are_switched_on() {
    let place = place().await;
    let config = Config {
        flexible_variants: true,
        browser_ttl_s: Some(3_600),
    };
    place.store.set_config(&place.account, config).await.unwrap();
    let record = place.upload(Form::default()).await;
    let id = record["id"].as_str().unwrap();
    for (options, size) in [
        ("w=10,h=10,fit=cover", (10, 10)),
        ("width=20", (20, 15)),
        ("w%3D20", (20, 15)),
    ] {
        let answer = get(&place, &path(&place, id, options), "*/*").await;
        assert_eq!(answer.status, 200, "{options}: {}", answer.text());
        assert_eq!(reader::inspect(&answer.body).1, Size::new(size.0, size.1), "{options}");
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=3600, stale-while-revalidate=7200")
        );
    }
    let forced = get(&place, &path(&place, id, "w=10,format=jpeg"), WEBP).await;
    assert_eq!(
        (forced.header("content-type"), forced.header("vary")),
        (Some("image/jpeg"), None)
    );
    let (status, text) = refused(&get(&place, &path(&place, id, "nosuch=1"), "*/*").await);
    assert!(status == 400 && text.starts_with("ERROR 9401: "), "{status} {text}");
}

#[tokio::test]
async fn a_private_image_opens_by_the_table_and_by_nothing_else() {
    let place = place_with(Wishes {
        short_delivery_paths: true,
        ..Wishes::default()
    })
    .await;
    let config = Config {
        flexible_variants: true,
        ..Config::default()
    };
    place.store.set_config(&place.account, config).await.unwrap();
    variant(
        &place,
        json!({"id": "preview", "options": {"blur": 25}, "neverRequireSignedURLs": true}),
    )
    .await;
    let record = place.upload(Form::default().text("requireSignedURLs", "true")).await;
    let id = record["id"].as_str().unwrap();
    let public = place.upload(Form::default()).await;
    let public_id = public["id"].as_str().unwrap();
    place.store.put_signing_key(&place.account, "second", 2).await.unwrap();
    let keys = place.store.signing_keys(&place.account).await.unwrap();
    let full = path(&place, id, "public");
    let short = format!("/{}/{id}/public", place.account.hash);
    let now_s = u64::try_from(NOW_MS / 1_000).unwrap();
    let sign = |key: usize, path: &str, query: &str| {
        let message = calotype_plan::signed_message(path, query);
        let signature = calotype_plan::signature(keys[key].value.reveal(), &message);
        let and = if query.is_empty() { "" } else { "&" };
        format!("{query}{and}sig={signature}")
    };
    let exp = format!("exp={}", now_s + 60);
    for (target, cache_control) in [
        (format!("{full}?{}", sign(0, &full, &exp)), "private, max-age=60"),
        (format!("{full}?{}", sign(1, &full, "")), "private, max-age=3600"),
        (format!("{full}?{}", sign(0, &short, &exp)), "private, max-age=60"),
        (format!("{short}?{}", sign(0, &short, &exp)), "private, max-age=60"),
        (
            format!("{full}?{}", sign(0, &full, &format!("v=2&exp={now_s}"))),
            "private, max-age=0",
        ),
        (
            format!("{full}?{}", sign(0, &full, "exp=99999999999")),
            "private, max-age=31536000",
        ),
        (
            path(&place, id, "preview"),
            "public, max-age=172800, stale-while-revalidate=7200",
        ),
        (
            format!("{}?sig=wrong&exp=1", path(&place, public_id, "public")),
            "public, max-age=172800, stale-while-revalidate=7200",
        ),
    ] {
        let answer = place.served.get(&target).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, Some(cache_control)),
            "{target}"
        );
    }
    for (target, text) in [
        (full.clone(), "signature required"),
        (format!("{full}?{exp}"), "signature required"),
        (format!("{full}?sig={}", "0".repeat(64)), "invalid signature"),
        (format!("{full}?{}&v=1", sign(0, &full, &exp)), "invalid signature"),
        (
            format!("{full}?{}", sign(0, &full, &format!("exp={}", now_s - 1))),
            "URL has expired",
        ),
        (
            format!(
                "{}?{}",
                path(&place, id, "w=10"),
                sign(0, &path(&place, id, "w=10"), "")
            ),
            "flexible variants cannot be used with private images",
        ),
    ] {
        let refusal = refused(&place.served.get(&target).await);
        assert_eq!(
            refusal,
            (403, format!("ERROR 9425: Image access denied: {text}")),
            "{target}"
        );
    }
    let signed = format!("{full}?{}", sign(1, &full, ""));
    place.store.delete_signing_key(&place.account, "second").await.unwrap();
    assert_eq!(place.served.get(&signed).await.status, 403, "the key is gone");
    let moved = result(
        &place
            .ask_json("PATCH", &format!("v1/{id}"), &json!({"requireSignedURLs": false}))
            .await,
    );
    assert_eq!(
        place.served.get(&format!("{full}?{}", sign(0, &full, ""))).await.status,
        404,
        "the old id is dead"
    );
    assert_eq!(
        place
            .served
            .get(&path(&place, moved["id"].as_str().unwrap(), "public"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_svg_is_filtered_whatever_the_variant() {
    let place = place().await;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>alert(1)</script><rect width="5" height="5"/></svg>"#;
    let record = result(&place.send("v1", Form::default().file("a.svg", svg)).await);
    let answer = get(&place, &path(&place, record["id"].as_str().unwrap(), "public"), WEBP).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("image/svg+xml"))
    );
    assert!(answer.text().contains("<rect") && !answer.text().contains("script"));
    assert_eq!(
        answer.header("content-security-policy"),
        Some("default-src 'none'; style-src 'unsafe-inline'; sandbox")
    );
    assert_eq!(answer.header("vary"), None);
}

#[tokio::test]
async fn the_official_hosts_have_the_official_layout() {
    let place = place().await;
    let record = place.upload(Form::default()).await;
    let target = format!("/{}/{}/public", place.account.hash, record["id"].as_str().unwrap());
    let request = Request::get(&target).header("Host", "imagedelivery.net");
    assert_eq!(place.served.ask(&request).await.status, 200);
    assert_eq!(place.served.get(&target).await.status, 404, "not on other hosts");
}

#[tokio::test]
async fn formats_follow_accept_for_every_kind_of_original() {
    let place = place().await;
    let jpeg = pictures::jpeg(Size::new(40, 30));
    for (bytes, own) in [(picture(), "image/png"), (jpeg, "image/jpeg")] {
        let record = result(&place.send("v1", Form::default().file("a", &bytes)).await);
        let url = path(&place, record["id"].as_str().unwrap(), "public");
        for (accept, want) in [
            ("", own),
            ("*/*", own),
            ("image/*", own),
            ("image/webp", "image/webp"),
            ("image/avif", "image/avif"),
            ("image/avif;q=0,image/webp", "image/webp"),
            ("image/avif,image/webp", "image/avif"),
        ] {
            let answer = get(&place, &url, accept).await;
            assert_eq!(answer.header("content-type"), Some(want), "{own}, {accept}");
        }
    }
}

#[tokio::test]
async fn a_bound_host_serves_its_account_and_an_alias_stands_for_the_hash() {
    let place = place().await;
    let other = place.store.create_account("other").await.unwrap();
    let hash = place.account.hash.clone();
    let place = place
        .with_urls(PublicUrls {
            hosts: [
                ("shop.example".to_owned(), hash.clone()),
                ("other.example".to_owned(), other.hash),
            ]
            .into(),
            aliases: [("/images/".to_owned(), hash.clone())].into(),
            ..PublicUrls::default()
        })
        .await;
    place.upload(Form::default().text("id", "a/cat")).await;
    let long = path(&place, "a/cat", "public");
    for (host, target, want) in [
        ("shop.example", long.as_str(), Ok(())),
        ("SHOP.example:8080", &long, Ok(())),
        ("nobody.example", &long, Ok(())),
        ("other.example", &long, Err(9427)),
        ("shop.example", "/images/a/cat/public", Ok(())),
        ("nobody.example", "/images/a/cat/public", Ok(())),
        ("other.example", "/images/a/cat/public", Err(9427)),
        ("shop.example", "/images/none/public", Err(9404)),
        ("shop.example", "/images/public", Err(9426)),
    ] {
        let answer = place.served.ask(&Request::get(target).header("Host", host)).await;
        match want {
            Ok(()) => assert_eq!(answer.status, 200, "{host}{target}: {}", answer.text()),
            Err(code) => assert!(
                refused(&answer).1.starts_with(&format!("ERROR {code}: ")),
                "{host}{target}"
            ),
        }
    }
}

#[tokio::test]
async fn behind_an_alias_the_written_path_may_be_signed_or_the_one_it_stands_for() {
    let place = place().await;
    let hash = place.account.hash.clone();
    let place = place
        .with_urls(PublicUrls {
            aliases: [("/images/".to_owned(), hash.clone())].into(),
            ..PublicUrls::default()
        })
        .await;
    let record = place.upload(Form::default().text("requireSignedURLs", "true")).await;
    let id = record["id"].as_str().unwrap();
    let written = format!("/images/{id}/public");
    let secret = place.store.signing_keys(&place.account).await.unwrap()[0]
        .value
        .reveal()
        .to_owned();
    for (signed, want) in [
        (written.clone(), 200),
        (format!("/{hash}/{id}/public"), 200),
        (format!("/cdn-cgi/imagedelivery/{hash}/{id}/public"), 200),
        (format!("/images/{id}/thumb"), 403),
    ] {
        let signature = calotype_plan::signature(&secret, &calotype_plan::signed_message(&signed, ""));
        let answer = place.served.get(&format!("{written}?sig={signature}")).await;
        assert_eq!(answer.status, want, "{signed}: {}", answer.text());
    }
    assert_eq!(refused(&place.served.get(&written).await).0, 403);
}

#[tokio::test]
async fn what_a_get_is_given_is_counted_and_nothing_else() {
    let place = place().await;
    result(
        &place
            .ask_json("PATCH", "v1/config", &json!({"flexible_variants": true}))
            .await,
    );
    place.upload(Form::default().text("id", "lamp")).await;
    let (named, options) = (path(&place, "lamp", "public"), path(&place, "lamp", "w=10"));
    let first = get(&place, &named, WEBP).await;
    let tag = first.header("etag").unwrap();
    let second = get(&place, &options, "*/*").await;
    for (request, status) in [
        (
            Request::get(&named).header("Accept", WEBP).header("If-None-Match", tag),
            304,
        ),
        (Request::new("HEAD", &named), 200),
        (Request::new("OPTIONS", &named), 204),
        (Request::get(&path(&place, "lamp", "none")), 403),
        (Request::get(&path(&place, "none", "public")), 404),
    ] {
        assert_eq!(place.served.ask(&request).await.status, status);
    }
    place.store.write_usage().await.unwrap();
    let usage = place.store.usage(&place.account, 1).await.unwrap();
    let rows: Vec<_> = usage
        .iter()
        .map(|row| {
            (
                row.variant.as_str(),
                row.media_type.as_str(),
                row.status,
                row.requests,
                row.bytes,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("", "image/png", 200, 1, second.body.len() as u64),
            ("public", "", 304, 1, 0),
            ("public", "image/webp", 200, 1, first.body.len() as u64),
        ]
    );
}
