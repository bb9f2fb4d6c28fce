//! Entity tags and conditional requests.

use std::sync::Arc;

use calotype_engine::NoModels;
use calotype_plan::Limits;

use super::{MODIFIED, get, scene, small};
use crate::support::origin::Origin;
use crate::support::reader::{Kind, inspect};
use crate::support::served::{Setup, real_worker};
use crate::support::worker::Gated;

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_made_of_the_result_and_the_tag_of_the_source() {
    for (source, end) in [(Some("\"abc\""), ":abc\""), (Some("W/\"abc\""), ":abc\""), (None, "\"")] {
        let headers: Vec<_> = source.map(|tag| ("ETag", tag)).into_iter().collect();
        let (_origin, server) = scene(&headers).await;
        let answer = server.ask(&get("w=30")).await.transformed();
        let tag = answer.header("etag").unwrap().to_owned();
        let start = if source == Some("W/\"abc\"") {
            "W/\"cf-"
        } else {
            "\"cf-"
        };
        let hash = tag.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        let hash = hash.unwrap_or_else(|| panic!("{source:?}: {tag}"));
        // 16 bytes in base64url.
        assert_eq!(hash.len(), 22, "{tag}");
        assert!(
            hash.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{tag}"
        );
        // Equal plans have equal tags, whatever words they are written in; others have others.
        let tag_of = |options: &'static str| {
            let server = &server;
            async move {
                server
                    .ask(&get(options))
                    .await
                    .transformed()
                    .header("etag")
                    .unwrap()
                    .to_owned()
            }
        };
        assert_eq!(tag_of("width=30").await, tag);
        assert_eq!(tag_of("fit=scale-down,w=30,dpr=1,rotate=360").await, tag);
        assert_ne!(tag_of("w=31").await, tag);
        assert_ne!(tag_of("w=30,f=webp").await, tag);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negotiated_result_has_a_tag_for_each_format() {
    let (_origin, server) = scene(&[("ETag", "\"abc\"")]).await;
    let ask = |accept: &'static str| {
        let server = &server;
        async move {
            server
                .ask(&get("w=30,f=auto").header("Accept", accept))
                .await
                .transformed()
        }
    };
    let (avif, webp, jpeg) = (ask("image/avif").await, ask("image/webp").await, ask("*/*").await);
    assert_eq!(inspect(&avif.body).0, Kind::Avif);
    assert_eq!(inspect(&webp.body).0, Kind::LossyWebp);
    assert_eq!(inspect(&jpeg.body).0, Kind::BaselineJpeg);
    let tags = [&avif, &webp, &jpeg].map(|answer| answer.header("etag").unwrap());
    assert!(
        tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2],
        "{tags:?}"
    );
    // Two header lines count as one list.
    let two_lines = get("w=30,f=auto")
        .header("Accept", "text/html")
        .header("Accept", "image/webp");
    assert_eq!(server.ask(&two_lines).await.body, webp.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_has_already_is_not_sent_again() {
    for source_tag in [Some("\"abc\""), None] {
        let mut headers = vec![
            ("Last-Modified", MODIFIED),
            ("Cache-Control", "max-age=7200"),
            ("Access-Control-Allow-Origin", "*"),
        ];
        headers.extend(source_tag.map(|tag| ("ETag", tag)));
        let (_origin, server) = scene(&headers).await;
        let whole = server.ask(&get("w=30")).await.transformed();
        let tag = whole.header("etag").unwrap();
        let weak = format!("W/{tag}");
        let listed = format!("\"x\", {tag} , \"y\"");
        for (name, value, status) in [
            ("If-None-Match", tag, 304),
            ("If-None-Match", &weak, 304),
            ("If-None-Match", &listed, 304),
            ("If-None-Match", "*", 304),
            ("If-None-Match", "\"abc\"", 200),
            ("If-None-Match", "nonsense", 200),
            ("If-Modified-Since", MODIFIED, 304),
            ("If-Modified-Since", "Mon, 07 Nov 1994 08:49:37 GMT", 304),
            ("If-Modified-Since", "Sat, 05 Nov 1994 08:49:37 GMT", 200),
            ("If-Modified-Since", "yesterday", 200),
        ] {
            let mut connection = server.connect().await;
            let answer = connection.ask(&get("w=30").header(name, value)).await;
            assert_eq!(answer.status, status, "{name}: {value}");
            if status == 200 {
                assert_eq!(answer.body, whole.body, "{name}: {value}");
                continue;
            }
            assert_eq!(answer.body, b"");
            for same in [
                "etag",
                "cache-control",
                "vary",
                "last-modified",
                "access-control-allow-origin",
            ] {
                assert_eq!(answer.header(same), whole.header(same), "{same}");
                assert!(answer.header(same).is_some(), "{same}");
            }
            assert!(answer.header("cf-resized").unwrap().starts_with("internal=ok/"));
            for absent in ["content-type", "content-length"] {
                assert_eq!(answer.header(absent), None, "{absent}");
            }
            // The connection goes on behind an answer without a body.
            assert_eq!(connection.ask(&get("w=30")).await.body, whole.body);
        }
        // The date counts only where no tag was sent.
        let both = get("w=30")
            .header("If-None-Match", "\"x\"")
            .header("If-Modified-Since", MODIFIED);
        assert_eq!(server.ask(&both).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_tag_costs_no_work() {
    let origin = Origin::start().await;
    origin.file("/a.png", &[("ETag", "\"abc\"")], &small());
    let worker = Gated::open_from_the_start(real_worker(Limits::default(), Arc::new(NoModels)));
    let mut setup = Setup::with_origin(&origin);
    setup.worker = Some(worker.clone());
    let server = setup.serve().await;
    let tag = server
        .ask(&get("w=30"))
        .await
        .transformed()
        .header("etag")
        .unwrap()
        .to_owned();
    assert_eq!(worker.started(), 1);
    assert_eq!(server.ask(&get("w=30").header("If-None-Match", &tag)).await.status, 304);
    assert_eq!(worker.started(), 1);
    // A new version of the source has a new tag.
    origin.file("/a.png", &[("ETag", "\"def\"")], &small());
    assert_eq!(server.ask(&get("w=30").header("If-None-Match", &tag)).await.status, 200);
    assert_eq!(worker.started(), 2);
}
