//! Methods, and the headers of requests and answers.

use super::{MODIFIED, get, scene};
use crate::support::client::{Answer, Request};

/// Headers that say how long something took, or when, are not compared.
fn without_times(answer: &Answer) -> Vec<(String, String)> {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date" && name != "cf-resized");
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_has_the_headers_of_the_table_and_no_others() {
    let (_origin, server) = scene(&[
        ("ETag", "\"abc\""),
        ("Last-Modified", MODIFIED),
        ("Cache-Control", "public, max-age=31536000, immutable"),
        ("Set-Cookie", "session=1"),
        ("Server", "secret/1.0"),
        ("X-Powered-By", "secret"),
        ("Content-Type", "image/x-wrong"),
        ("Accept-Ranges", "bytes"),
        ("Access-Control-Allow-Origin", "https://app.example"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Max-Age", "9"),
        ("Timing-Allow-Origin", "*"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("Vary", "Cookie"),
    ])
    .await;
    let answer = server.ask(&get("w=30")).await.transformed();
    let mut names: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "access-control-allow-credentials",
            "access-control-allow-origin",
            "cache-control",
            "cf-cache-status",
            "cf-resized",
            "content-length",
            "content-security-policy",
            "content-type",
            "cross-origin-resource-policy",
            "date",
            "etag",
            "last-modified",
            "link",
            "timing-allow-origin",
            "vary",
            "x-content-type-options",
        ]
    );
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("last-modified", MODIFIED),
        ("cf-cache-status", "MISS"),
        ("vary", "Accept"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-credentials", "true"),
        ("timing-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("link", "<http://calotype.test/a.png>; rel=\"canonical\""),
        (
            "content-security-policy",
            "default-src 'none'; navigate-to 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'",
        ),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let resized = answer.header("cf-resized").unwrap();
    assert!(resized.starts_with("internal=ok/m q="), "{resized}");
    assert!(resized.ends_with(&format!(" l={}", answer.body.len())), "{resized}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_is_asked_anonymously_and_told_who_asks() {
    let (origin, server) = scene(&[]).await;
    let request = get("w=30")
        .header("Cookie", "session=1")
        .header("Authorization", "Bearer x")
        .header("Range", "bytes=0-9")
        .header("If-None-Match", "\"x\"")
        .header("X-Forwarded-For", "192.0.2.1")
        .header("Via", "1.0 fred");
    server.ask(&request).await.transformed();
    let requests = origin.requests();
    let [head] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let mut lines: Vec<String> = head.trim_end().split("\r\n").map(str::to_lowercase).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept: image/*,*/*;q=0.8".to_owned(),
            "cdn-loop: calotype".to_owned(),
            "get /a.png http/1.1".to_owned(),
            format!("host: {}", origin.address),
            concat!("user-agent: calotype/", env!("CARGO_PKG_VERSION")).to_owned(),
            "via: 1.0 fred, 1.1 image-resizing-proxy".to_owned(),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_without_a_body() {
    let (_origin, server) = scene(&[("ETag", "\"abc\"")]).await;
    for target in [
        "/cdn-cgi/image/w=30/a.png",
        "/cdn-cgi/image/w=30/missing.png",
        "/cdn-cgi/image/blur=300/a.png",
        "/a.png",
    ] {
        let mut connection = server.connect().await;
        let get = connection.ask(&Request::get(target)).await;
        let head = connection.ask(&Request::new("HEAD", target)).await;
        assert_eq!(head.status, get.status, "{target}");
        assert_eq!(
            head.header("content-length").unwrap(),
            get.body.len().to_string(),
            "{target}"
        );
        assert_eq!(without_times(&head), without_times(&get), "{target}");
        // Nothing came behind the head: the next answer begins where it should.
        assert_eq!(
            connection.ask(&Request::get(target)).await.status,
            get.status,
            "{target}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_told_which_there_are() {
    let (origin, server) = scene(&[]).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        for target in ["/cdn-cgi/image/w=30/a.png", "/a.png", "/health"] {
            let answer = server.ask(&Request::new(method, target)).await;
            assert_eq!(answer.status, 405, "{method} {target}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {target}");
        }
    }
    assert_eq!(origin.targets(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn vary_names_what_decided_and_nothing_else() {
    let (_origin, server) = scene(&[]).await;
    for (options, vary) in [
        ("w=30", Some("Accept")),
        ("w=30,f=auto", Some("Accept")),
        ("w=30,f=jpeg", None),
        ("w=30,f=webp", None),
        ("w=30,f=avif", None),
        ("w=30,f=png", None),
        ("w=auto", Some("Accept, Sec-CH-Viewport-Width, User-Agent")),
        ("w=auto,f=jpeg", Some("Sec-CH-Viewport-Width, User-Agent")),
        ("scq=50", Some("Accept, RTT, Save-Data, ECT, Downlink")),
        ("scq=50,f=jpeg", Some("RTT, Save-Data, ECT, Downlink")),
        (
            "w=auto,scq=50,f=webp",
            Some("Sec-CH-Viewport-Width, User-Agent, RTT, Save-Data, ECT, Downlink"),
        ),
    ] {
        let answer = server.ask(&get(options)).await.transformed();
        assert_eq!(answer.header("vary"), vary, "{options}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sources_word_on_caching_reaches_the_client() {
    const RESTRICTIVE: &str = "cache-control is too restrictive";
    for (lines, want, status, is_restrictive) in [
        (&[][..], &["public, max-age=14400"][..], "MISS", false),
        (
            &["public, max-age=31536000, immutable"],
            &["public, max-age=31536000, immutable"],
            "MISS",
            false,
        ),
        (&["max-age=3600"], &["max-age=3600"], "MISS", false),
        (&["public, max-age=1800"], &["public, max-age=1800"], "MISS", true),
        (
            &["max-age=60, s-maxage=7200"],
            &["max-age=60, s-maxage=7200"],
            "MISS",
            false,
        ),
        (&["no-cache"], &["no-cache"], "MISS", true),
        (&["private, max-age=7200"], &["private, max-age=7200"], "BYPASS", false),
        (&["no-store"], &["no-store"], "BYPASS", false),
        (&["public", "max-age=60"], &["public", "max-age=60"], "MISS", true),
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("Cache-Control", *line)).collect();
        let (_origin, server) = scene(&headers).await;
        let answer = server.ask(&get("w=30")).await.transformed();
        assert_eq!(answer.all("cache-control"), want, "{lines:?}");
        assert_eq!(answer.header("cf-cache-status"), Some(status), "{lines:?}");
        let warnings: Vec<&str> = is_restrictive.then_some(RESTRICTIVE).into_iter().collect();
        assert_eq!(answer.warnings(), warnings, "{lines:?}");
    }
    let (_origin, server) = scene(&[("Expires", "0")]).await;
    assert_eq!(server.ask(&get("w=30")).await.transformed().warnings(), [RESTRICTIVE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn quality_follows_the_connection_when_it_is_asked_to() {
    let (_origin, server) = scene(&[]).await;
    let bytes = |options: &'static str, hint: Option<(&'static str, &'static str)>| {
        let server = &server;
        async move {
            let mut request = get(options);
            if let Some((name, value)) = hint {
                request = request.header(name, value);
            }
            server.ask(&request).await.transformed().body
        }
    };
    let (low, high) = (bytes("q=10", None).await, bytes("q=90", None).await);
    assert!(low.len() < high.len());
    for (hint, want) in [
        (None, &high),
        (Some(("RTT", "151")), &low),
        (Some(("RTT", "150")), &high),
        (Some(("Save-Data", "On")), &low),
        (Some(("Save-Data", "off")), &high),
        (Some(("ECT", "3g")), &low),
        (Some(("ECT", "4g")), &high),
        (Some(("Downlink", "4.9")), &low),
        (Some(("Downlink", "5")), &high),
        (Some(("RTT", "slow")), &high),
    ] {
        assert!(bytes("q=90,scq=10", hint).await == *want, "{hint:?}");
        assert!(bytes("q=90", hint).await == high, "{hint:?} without the option");
    }
    assert!(
        bytes("scq=10", Some(("Save-Data", "on"))).await == low,
        "without quality"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_ignored() {
    let (_origin, server) = scene(&[]).await;
    let whole = server.ask(&get("w=30")).await.transformed();
    for range in ["bytes=0-9", "bytes=-1", "bytes=999999-", "nonsense"] {
        let answer = server.ask(&get("w=30").header("Range", range)).await.transformed();
        assert_eq!(answer.body, whole.body, "{range}");
        assert_eq!(answer.header("content-range"), None);
        assert_eq!(answer.header("accept-ranges"), None);
    }
}
