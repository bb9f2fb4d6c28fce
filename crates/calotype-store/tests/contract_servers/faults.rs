//! An object store that says no, breaks off, or says nothing.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use calotype_store::{GRACE, ListQuery, Order, RemoteSettings, Store, StoreError, StoreSettings};

use crate::fault_proxy::{Fault, FaultProxy};
use crate::s3::{Bucket, SECRET_KEY, bucket};
use crate::support::{NOW_MS, Place, plain};

/// A store whose requests go through a proxy, and that loses patience soon.
async fn place() -> Option<(Place, FaultProxy)> {
    let bucket = bucket()?;
    let proxy = FaultProxy::before(&bucket.endpoint).await;
    let settings = impatient(&bucket, &proxy);
    Some((Place::new(None, Some((settings, bucket.directory))).await, proxy))
}

fn impatient(bucket: &Bucket, proxy: &FaultProxy) -> RemoteSettings {
    let mut settings = bucket.settings();
    set(&mut settings, "endpoint", &format!("http://{}", proxy.address));
    set(&mut settings, "read_timeout", "400ms");
    set(&mut settings, "timeout", "2s");
    settings
}

fn set(settings: &mut RemoteSettings, name: &str, value: &str) {
    settings.options.retain(|(known, _)| known != name);
    settings.options.push((name.to_owned(), value.to_owned()));
}

async fn images(place: &Place) -> usize {
    let all = ListQuery {
        order: Order::Ascending,
        creator: None,
        filters: Vec::new(),
        after: None,
        max: 100,
    };
    place
        .store
        .list_images(&place.account, &all)
        .await
        .unwrap()
        .images
        .len()
}

fn kind(error: StoreError) -> ErrorKind {
    let StoreError::Blob(error) = error else {
        panic!("{error}")
    };
    assert!(!format!("{error} {error:?}").contains(SECRET_KEY));
    error.kind()
}

#[tokio::test]
async fn an_upload_that_the_store_does_not_take_leaves_no_image() {
    let Some((place, proxy)) = place().await else { return };
    for (fault, expected, attempts) in [
        (Fault::Answer(403, "AccessDenied"), ErrorKind::PermissionDenied, 1),
        (Fault::Answer(404, "NoSuchBucket"), ErrorKind::Other, 1),
        (Fault::Answer(400, "EntityTooLarge"), ErrorKind::Other, 1),
        (Fault::Answer(500, "InternalError"), ErrorKind::Other, 4),
        (Fault::Answer(503, "SlowDown"), ErrorKind::ResourceBusy, 4),
        (Fault::Reset(0), ErrorKind::UnexpectedEof, 4),
        (Fault::Silence(0), ErrorKind::TimedOut, 4),
    ] {
        proxy.take_requests();
        proxy.hit("PUT", fault, usize::MAX);
        let begun = Instant::now();
        let refused = place.keep(plain(), b"one picture").await.unwrap_err();
        assert_eq!(kind(refused), expected, "{fault:?}");
        assert_eq!(proxy.take_requests().len(), attempts, "{fault:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{fault:?}");
        assert_eq!(images(&place).await, 0, "{fault:?}");
    }
    // It has recovered, and what was refused can be sent again.
    proxy.heal();
    let image = place.keep(plain(), b"one picture").await.unwrap();
    assert_eq!(place.bytes(&image).await.unwrap(), b"one picture");
    assert_eq!((images(&place).await, place.files().len()), (1, 1));
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    let Some((place, proxy)) = place().await else { return };
    for fault in [
        Fault::Answer(500, "InternalError"),
        Fault::Answer(503, "SlowDown"),
        Fault::Reset(0),
        Fault::Silence(0),
    ] {
        proxy.hit("PUT", fault, 1);
        let image = place.keep(plain(), format!("{fault:?}").as_bytes()).await.unwrap();
        proxy.hit("GET", fault, 1);
        assert_eq!(place.bytes(&image).await.unwrap(), format!("{fault:?}").as_bytes());
    }
}

#[tokio::test]
async fn an_original_that_breaks_off_is_read_on_or_fails_and_is_never_short() {
    let Some((place, proxy)) = place().await else { return };
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 249) as u8).collect();
    let image = place.keep(plain(), &bytes).await.unwrap();
    for fault in [Fault::Reset(200_000), Fault::Silence(200_000)] {
        proxy.hit("GET", fault, 1);
        assert!(place.bytes(&image).await.unwrap() == bytes, "{fault:?} once");
        proxy.hit("GET", fault, usize::MAX);
        let hash = &image.original.as_ref().unwrap().blob;
        let mut reader = place.store.open_blob(hash).await.unwrap();
        let mut read = 0;
        let end = loop {
            match reader.next_piece().await {
                Ok(Some(piece)) => read += piece.len(),
                end => break end,
            }
        };
        assert!(end.is_err() && read < bytes.len(), "{fault:?} always: {read}");
        assert_eq!(reader.bytes(), 1_000_000);
    }
    for (fault, expected) in [
        (Fault::Answer(403, "AccessDenied"), ErrorKind::PermissionDenied),
        (Fault::Answer(404, "NoSuchKey"), ErrorKind::NotFound),
        (Fault::Answer(503, "SlowDown"), ErrorKind::ResourceBusy),
        (Fault::Silence(0), ErrorKind::TimedOut),
    ] {
        proxy.hit("GET", fault, usize::MAX);
        assert_eq!(kind(place.bytes(&image).await.unwrap_err()), expected, "{fault:?}");
    }
}

#[tokio::test]
async fn parts_of_an_upload_that_failed_are_taken_back() {
    let Some((place, proxy)) = place().await else { return };
    proxy.hit("PUT", Fault::Answer(403, "AccessDenied"), usize::MAX);
    let refused = place.keep(plain(), &vec![7; 9 << 20]).await.unwrap_err();
    assert_eq!(kind(refused), ErrorKind::PermissionDenied);
    let requests = proxy.take_requests();
    let methods: Vec<&str> = requests.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        methods,
        ["POST", "PUT", "DELETE"],
        "begun, refused, taken back: {requests:?}"
    );
    assert!(requests[2].contains("uploadId="), "{}", requests[2]);
    assert_eq!((images(&place).await, place.files().len()), (0, 0));
}

#[test]
fn a_stop_between_the_object_and_its_row_leaves_an_object_that_is_collected() {
    let waiting = tokio::runtime::Runtime::new().unwrap();
    let Some((bucket, proxy)) = waiting.block_on(async {
        let bucket = bucket()?;
        let proxy = FaultProxy::before(&bucket.endpoint).await;
        Some((bucket, proxy))
    }) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings {
        originals: Some(impatient(&bucket, &proxy)),
        clock: calotype_store::Clock::standing_at(NOW_MS),
        ..StoreSettings::in_directory(directory.path())
    };
    // The server that is stopped: its runtime ends while the answer to its object is on the way.
    let stopped = tokio::runtime::Runtime::new().unwrap();
    proxy.hit("PUT", Fault::Lost, usize::MAX);
    stopped.spawn({
        let settings = settings.clone();
        async move {
            let store = Store::open(settings).await.unwrap();
            let account = store.default_account().await.unwrap();
            let mut incoming = store.receive().await.unwrap();
            incoming.write(b"half way").await.unwrap();
            let received = incoming.finish().await.unwrap();
            let facts = crate::support::facts();
            store.create_image(&account, plain(), received, &facts).await
        }
    });
    waiting.block_on(proxy.has_lost());
    stopped.shutdown_timeout(Duration::from_secs(5));
    proxy.heal();
    waiting.block_on(async {
        let place = Place::reopened(settings, directory, bucket.directory).await;
        assert_eq!(
            (images(&place).await, place.files().len()),
            (0, 1),
            "an object, and no image"
        );
        assert_eq!(place.store.collect(GRACE).await.unwrap().originals, 0, "its grace runs");
        place.clock.advance_ms(3_600_001);
        assert_eq!(place.store.collect(GRACE).await.unwrap().originals, 1);
        assert_eq!(place.files().len(), 0);
    });
}

#[tokio::test]
async fn what_could_not_be_collected_or_checked_is_said_and_is_done_the_next_time() {
    let Some((place, proxy)) = place().await else { return };
    let image = place.keep(plain(), b"to go").await.unwrap();
    let kept = place.keep(plain(), b"to stay").await.unwrap();
    place
        .store
        .delete_image(&place.account, image.id.as_str())
        .await
        .unwrap();
    place.clock.advance_ms(3_600_001);
    for method in ["DELETE", "GET"] {
        proxy.hit(method, Fault::Answer(403, "AccessDenied"), usize::MAX);
        assert_eq!(
            kind(place.store.collect(GRACE).await.unwrap_err()),
            ErrorKind::PermissionDenied,
            "{method}"
        );
        assert_eq!(place.bytes(&kept).await.is_ok(), method == "DELETE");
    }
    // HEAD and the list: a store that says no is not one without originals.
    for method in ["HEAD", "GET"] {
        proxy.hit(method, Fault::Answer(403, ""), usize::MAX);
        assert_eq!(
            kind(place.store.check(false).await.unwrap_err()),
            ErrorKind::PermissionDenied,
            "{method}"
        );
    }
    proxy.heal();
    place.store.collect(GRACE).await.unwrap();
    assert_eq!(place.files().len(), 1);
    let report = place.store.check(true).await.unwrap();
    assert_eq!(
        (
            report.originals,
            report.missing.len(),
            report.damaged.len(),
            report.strays
        ),
        (1, 0, 0, 0)
    );
}

#[tokio::test]
async fn at_the_start_it_is_said_what_is_wrong_and_what_to_change() {
    let Some((place, proxy)) = place().await else { return };
    let right = place.settings.originals.clone().unwrap();
    for (method, fault, parts) in [
        (
            "PUT",
            Fault::Answer(403, "AccessDenied"),
            ["writing", "may not do this"],
        ),
        (
            "GET",
            Fault::Answer(403, "AccessDenied"),
            ["reading", "may not do this"],
        ),
        ("PUT", Fault::Answer(404, "NoSuchBucket"), ["writing", "create it"]),
        ("PUT", Fault::Answer(301, "PermanentRedirect"), ["writing", "region"]),
        ("PUT", Fault::Answer(503, "SlowDown"), ["writing", "later"]),
        ("PUT", Fault::Silence(0), ["in time", "endpoint"]),
        (
            "DELETE",
            Fault::Answer(403, "AccessDenied"),
            ["deleting", "may not do this"],
        ),
    ] {
        proxy.hit(method, fault, usize::MAX);
        let text = place.store.reach_originals().await.unwrap_err().to_string();
        for part in parts.iter().chain([&right.url.as_str()]) {
            assert!(text.contains(part), "{fault:?}: {text}");
        }
    }
    proxy.heal();
    place.store.reach_originals().await.unwrap();
    for (name, value, parts) in [
        (
            "secret_access_key",
            "another secret",
            ["SignatureDoesNotMatch", "correct them"],
        ),
        ("access_key_id", "nobody", ["403", "credentials"]),
        ("endpoint", "http://127.0.0.1:1", ["connection refused", "endpoint"]),
        ("endpoint", "http://nowhere.invalid", ["no connection", "endpoint"]),
        ("allow_http", "false", ["not https", "allow_http"]),
    ] {
        let mut wrong = right.clone();
        set(&mut wrong, name, value);
        let settings = StoreSettings {
            originals: Some(wrong),
            ..place.settings.clone()
        };
        let store = Store::open(settings).await.unwrap();
        let text = store.reach_originals().await.unwrap_err().to_string();
        for part in parts {
            assert!(text.contains(part), "{name}: {text}");
        }
        assert!(!text.contains(SECRET_KEY) && !text.contains("another secret"), "{text}");
    }
}

#[tokio::test]
async fn settings_and_store_print_no_secrets() {
    let Some((place, _)) = place().await else { return };
    let text = format!("{:?} {:?}", place.settings, place.store);
    assert!(
        !text.contains(SECRET_KEY) && text.contains("secret_access_key"),
        "{text}"
    );
}
