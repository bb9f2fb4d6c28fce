//! SVG over HTTP: what leaves the server, and under which headers (spec 9.7, 13.1).

use crate::support::client::Request;
use crate::support::origin::Origin;
use crate::support::reader::png_pixels;
use crate::support::served::Setup;

const POLICY: &str =
    "default-src 'none'; navigate-to 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'";
const HOSTILE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\" onload=\"alert(1)\">\
    <script>alert(1)</script><image href=\"http://198.51.100.7/a.png\"/><rect width=\"40\" height=\"20\" fill=\"#f00\"/></svg>";
const FILTERED: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\"><image/>\
    <rect width=\"40\" height=\"20\" fill=\"#f00\"/></svg>";

#[tokio::test(flavor = "multi_thread")]
async fn an_svg_leaves_filtered_and_under_the_policy() {
    let origin = Origin::start().await;
    origin.file(
        "/a.svg",
        &[("Content-Type", "image/svg+xml"), ("ETag", "\"a\"")],
        HOSTILE.as_bytes(),
    );
    origin.file("/named.png", &[("Content-Type", "image/png")], HOSTILE.as_bytes());
    let server = Setup::with_origin(&origin).serve().await;
    for options in [
        "w=100,f=auto",
        "f=webp,blur=20",
        "f=svg",
        "format=jpeg,fit=cover,w=7,h=7",
    ] {
        for path in ["/a.svg", "/named.png"] {
            let answer = server
                .get(&format!("/cdn-cgi/image/{options}{path}"))
                .await
                .transformed();
            assert_eq!(answer.text(), FILTERED, "{options}");
            assert_eq!(answer.header("content-type"), Some("image/svg+xml"), "{options}");
            assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{options}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{options}");
        }
    }
    let described = server.get("/cdn-cgi/image/f=json/a.svg").await.transformed();
    let want = format!(
        r#"{{"original":{{"file_size":{},"format":"image/svg+xml"}}}}"#,
        HOSTILE.len()
    );
    assert_eq!(described.text(), want);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_svg_is_drawn_when_that_is_asked_for() {
    let origin = Origin::start().await;
    origin.file("/a.svg", &[], HOSTILE.as_bytes());
    let server = Setup::with_origin(&origin).serve().await;
    let drawn = server
        .get("/cdn-cgi/image/svg=raster,w=80,f=png/a.svg")
        .await
        .transformed();
    assert_eq!(drawn.header("content-type"), Some("image/png"));
    let pixels = png_pixels(&drawn.body);
    assert_eq!((pixels.size.width, pixels.size.height), (80, 40));
    assert_eq!(pixels.at(79, 39)[..3], [255, 0, 0]);
}

/// `onerror=redirect` leads to the original, which is then asked for as it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_original_that_is_passed_on_untouched_is_no_document_that_runs() {
    let origin = Origin::start().await;
    origin.file("/a.svg", &[("Content-Type", "image/svg+xml")], HOSTILE.as_bytes());
    let server = Setup::with_origin(&origin).serve().await;
    let untouched = server.get("/a.svg").await;
    assert_eq!(untouched.text(), HOSTILE);
    assert_eq!(untouched.header("content-security-policy"), Some(POLICY));
    assert_eq!(untouched.header("x-content-type-options"), Some("nosniff"));
    let taken = server
        .ask(&Request::new("POST", "/-/upload").body(HOSTILE.as_bytes()))
        .await;
    if taken.status == 201 {
        let facts: serde_json::Value = serde_json::from_slice(&taken.body).unwrap();
        let dropped = server.get(facts["url"].as_str().unwrap()).await;
        assert_eq!(dropped.header("content-security-policy"), Some(POLICY));
    }
}
