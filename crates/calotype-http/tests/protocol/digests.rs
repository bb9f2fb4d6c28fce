//! `Want-Repr-Digest` and `Repr-Digest` (RFC 9530).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

use super::{get, scene, small};
use crate::support::client::{Answer, Request};

const WANT: &str = "Want-Repr-Digest";

fn sha256(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)))
}

fn digest(answer: &Answer) -> Option<&str> {
    answer.header("repr-digest")
}

#[tokio::test(flavor = "multi_thread")]
async fn results_have_the_digest_that_is_wanted_and_none_unasked() {
    let (_origin, server) = scene(&[]).await;
    let plain = server.ask(&get("w=30")).await.transformed();
    assert_eq!(digest(&plain), None);

    let answer = server.ask(&get("w=30").header(WANT, "sha-256=10, sha-512=3")).await;
    let answer = answer.transformed();
    assert_eq!(answer.body, plain.body);
    assert_eq!(digest(&answer), Some(sha256(&plain.body).as_str()));

    let sha512 = format!("sha-512=:{}:", STANDARD.encode(Sha512::digest(&plain.body)));
    let answer = server.ask(&get("w=30").header(WANT, "md5=10, sha-512=3")).await;
    assert_eq!(digest(&answer), Some(sha512.as_str()));

    for other in ["md5=10", "sha-256=0", "what is this?"] {
        let answer = server.ask(&get("w=30").header(WANT, other)).await.transformed();
        assert_eq!((digest(&answer), &answer.body), (None, &plain.body), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_results_have_one_too() {
    let large = super::whole_bodies::LargeBody::start().await;
    let request = Request::get(super::whole_bodies::LargeBody::TARGET).header(WANT, "sha-256=1");
    let answer = large.server.ask(&request).await.transformed();
    large.check(&answer.body);
    assert_eq!(digest(&answer), Some(sha256(&large.whole).as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_tells_the_digest_of_what_get_would_send() {
    let (_origin, server) = scene(&[]).await;
    let body = server.ask(&get("w=30")).await.transformed().body;
    let head = Request::new("HEAD", "/cdn-cgi/image/w=30/a.png").header(WANT, "sha-256=1");
    let answer = server.ask(&head).await.transformed();
    assert!(answer.body.is_empty());
    assert_eq!(digest(&answer), Some(sha256(&body).as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_result_is_told_without_a_digest() {
    let (_origin, server) = scene(&[("ETag", "\"abc\"")]).await;
    let tag = server.ask(&get("w=30")).await.transformed();
    let tag = tag.header("etag").unwrap();
    let conditional = get("w=30").header(WANT, "sha-256=1").header("If-None-Match", tag);
    let answer = server.ask(&conditional).await;
    assert_eq!((answer.status, digest(&answer)), (304, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_untouched_files_have_one_as_well() {
    let (_origin, server) = scene(&[]).await;
    let refused = server.ask(&get("w=").header(WANT, "sha-256=1")).await;
    assert_eq!(refused.code(), Some(9401));
    assert_eq!(digest(&refused), Some(sha256(&refused.body).as_str()));

    let file = server.ask(&Request::get("/a.png").header(WANT, "sha-256=1")).await;
    assert_eq!(file.body, small());
    assert_eq!(digest(&file), Some(sha256(&small()).as_str()));
}
