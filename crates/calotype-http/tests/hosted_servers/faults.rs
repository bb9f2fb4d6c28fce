//! What a client sees when the object store says no, breaks off, or says nothing.

use calotype_plan::Size;
use calotype_store::StoreSettings;

use crate::fault_proxy::{Fault, FaultProxy};
use crate::place::{Form, Place, Wishes, failure, picture, place_in, result};
use crate::s3::{SECRET_KEY, bucket};
use crate::support::client::{Answer, Request};
use crate::support::pictures;

/// A server whose originals go through a proxy, and that loses patience soon.
async fn place() -> Option<(Place, FaultProxy)> {
    let bucket = bucket()?;
    let proxy = FaultProxy::before(&bucket.endpoint).await;
    let mut originals = bucket.settings();
    originals.options.retain(|(name, _)| name != "endpoint");
    for (name, value) in [
        ("endpoint", format!("http://{}", proxy.address)),
        ("read_timeout", "400ms".to_owned()),
        ("timeout", "2s".to_owned()),
    ] {
        originals.options.push((name.to_owned(), value));
    }
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings {
        originals: Some(originals),
        ..StoreSettings::in_directory(directory.path())
    };
    Some((place_in(directory, settings, Wishes::default()).await, proxy))
}

/// Nothing of the storage is told: its name, its codes, its keys.
#[track_caller]
fn tells_nothing(answer: &Answer) {
    let text = answer.text();
    for part in [
        "bucket",
        "127.0.0.1",
        "AccessDenied",
        "SlowDown",
        "NoSuchBucket",
        "InternalError",
        SECRET_KEY,
    ] {
        assert!(!text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn an_upload_is_refused_with_5540_or_5503_and_is_not_stored() {
    let Some((place, proxy)) = place().await else { return };
    for (fault, expected) in [
        (Fault::Answer(403, "AccessDenied"), (500, 5540)),
        (Fault::Answer(404, "NoSuchBucket"), (500, 5540)),
        (Fault::Answer(500, "InternalError"), (500, 5540)),
        (Fault::Reset(0), (500, 5540)),
        (Fault::Answer(503, "SlowDown"), (503, 5503)),
        (Fault::Silence(0), (503, 5503)),
    ] {
        proxy.hit("PUT", fault, usize::MAX);
        let form = Form::default().text("id", "lamp").file("lamp.png", &picture());
        let answer = place.send("v1", form).await;
        let (status, code, _) = failure(&answer);
        assert_eq!((status, code), expected, "{fault:?}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{fault:?}");
        tells_nothing(&answer);
        assert_eq!(failure(&place.ask("GET", "v1/lamp").await).1, 5404, "{fault:?}");
    }
    proxy.heal();
    let record = place.upload(Form::default().text("id", "lamp")).await;
    assert_eq!(record["id"], "lamp");
    assert_eq!(result(&place.ask("GET", "v1/stats").await)["count"]["current"], 1);
}

#[tokio::test]
async fn an_image_that_breaks_off_is_never_served_short() {
    let Some((place, proxy)) = place().await else { return };
    let bytes = pictures::coordinate_png(Size::new(400, 300));
    result(
        &place
            .send("v1", Form::default().text("id", "lake").file("lake.png", &bytes))
            .await,
    );
    let original = place.request("GET", "v1/lake/blob");
    let part = place.request("GET", "v1/lake/blob").header("Range", "bytes=10-99");
    let shown = Request::get(&format!("/cdn-cgi/imagedelivery/{}/lake/public", place.account.hash));
    for (fault, api, delivery) in [
        (Fault::Reset(700), (500, 5540), (500, 9523)),
        (Fault::Silence(700), (503, 5503), (503, 9522)),
        (Fault::Answer(403, "AccessDenied"), (500, 5540), (500, 9523)),
        (Fault::Answer(404, "NoSuchKey"), (500, 5540), (500, 9523)),
        (Fault::Answer(503, "SlowDown"), (503, 5503), (503, 9522)),
    ] {
        proxy.hit("GET", fault, usize::MAX);
        for request in [&original, &part] {
            let answer = place.served.ask(request).await;
            // A part may be so short that all of it comes before the fault.
            if answer.status == 206 {
                assert!(answer.body == bytes[10..=99], "{fault:?}");
                continue;
            }
            let (status, code, _) = failure(&answer);
            assert_eq!((status, code), api, "{fault:?}");
            tells_nothing(&answer);
        }
        let answer = place.served.ask(&shown).await;
        assert_eq!(answer.status, delivery.0, "{fault:?}");
        assert!(
            answer.text().starts_with(&format!("ERROR {}:", delivery.1)),
            "{}",
            answer.text()
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.header("retry-after").is_some(),
            answer.status == 503,
            "{fault:?}"
        );
        tells_nothing(&answer);
    }
    // Once is not noticed: the rest is asked for.
    proxy.hit("GET", Fault::Reset(700), 1);
    assert!(place.served.ask(&original).await.body == bytes);
    proxy.heal();
    let answer = place.served.ask(&part).await;
    assert!(answer.status == 206 && answer.body == bytes[10..=99]);
    assert_eq!(place.served.ask(&shown).await.status, 200);
}
