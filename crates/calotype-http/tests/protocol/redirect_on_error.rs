//! `onerror=redirect`.

use super::{scene, small};
use crate::support::client::Request;
use crate::support::network::Network;
use crate::support::origin::{Origin, Step, answer};
use crate::support::served::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn an_error_may_be_answered_with_the_way_to_the_source() {
    let origin = Origin::start().await;
    origin.file("/a.png", &[], &small());
    origin.file("/broken.png", &[], &small()[..200]);
    origin.file("/page.html", &[], b"<p>a page");
    origin.on("/failing.png", vec![Step::Send(answer("500 Oops", &[], b""))]);
    let network = Network::default();
    for (name, address) in [
        ("img.zone.example", "93.184.215.14"),
        ("zone.example", "93.184.215.14"),
        ("far.example", "93.184.215.14"),
    ] {
        network.name(name, address);
    }
    network.route("93.184.215.14:80", origin.address);
    let mut setup = Setup::with_origin(&origin);
    setup.network = network;
    setup.zones = vec!["zone.example".to_owned()];
    setup.allowed = "any".parse().unwrap();
    let server = setup.serve().await;
    let ask = |options: &'static str, source: &'static str, headers: &'static [(&'static str, &'static str)]| {
        let server = &server;
        async move {
            let mut request = Request::get(&format!("/cdn-cgi/image/{options},onerror=redirect{source}"))
                .header("Host", "www.zone.example");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            server.ask(&request).await
        }
    };
    let https: &[_] = &[("X-Forwarded-Proto", "https")];
    for (options, source, headers, code, location) in [
        (
            "w=30",
            "/broken.png",
            &[][..],
            9516,
            "http://www.zone.example/broken.png",
        ),
        (
            "w=30",
            "/broken.png?v=2&x",
            &[],
            9404,
            "http://www.zone.example/broken.png?v=2&x",
        ),
        // Options that are refused are an error as any other.
        ("blur=300", "/a.png", &[], 9401, "http://www.zone.example/a.png"),
        ("w=30", "/page.html", https, 9412, "https://www.zone.example/page.html"),
        ("w=30", "/failing.png", &[], 9509, "http://www.zone.example/failing.png"),
        ("w=30", "/missing.png", &[], 9404, "http://www.zone.example/missing.png"),
        (
            "w=13000,fit=contain",
            "/a.png",
            &[],
            9413,
            "http://www.zone.example/a.png",
        ),
        (
            "w=30",
            "/http://img.zone.example/broken.png",
            &[],
            9516,
            "http://img.zone.example/broken.png",
        ),
        (
            "w=30",
            "/http://zone.example/broken.png",
            &[],
            9516,
            "http://zone.example/broken.png",
        ),
    ] {
        let answer = ask(options, source, headers).await;
        assert_eq!(
            (answer.status, answer.code()),
            (307, Some(code)),
            "{source}: {}",
            answer.text()
        );
        assert_eq!(answer.header("location"), Some(location), "{source}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{source}");
    }
    for (source, status, code) in [
        // Another zone: the option does nothing.
        ("/http://far.example/broken.png", 422, 9516),
        // Loops and invalid URLs would only lead back.
        ("/cdn-cgi/image/w=1/a.png", 508, 9403),
        ("/ftp://www.zone.example/a.png", 403, 9406),
    ] {
        let answer = ask("w=30", source, &[]).await;
        assert_eq!((answer.status, answer.code()), (status, Some(code)), "{source}");
        assert_eq!(answer.header("location"), None, "{source}");
    }
    let via: &[_] = &[("Via", "1.1 image-resizing-proxy")];
    assert_eq!(ask("w=30", "/broken.png", via).await.status, 508);
    // What is ignored is no error.
    ask("w=abc,h=20", "/a.png", &[]).await.transformed();
    // Without the option.
    let plain = server.get("/cdn-cgi/image/w=30/broken.png").await;
    assert_eq!((plain.status, plain.header("location")), (422, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_the_source_is_never_one_that_the_client_made_up() {
    let (_origin, server) = scene(&[]).await;
    let target = "/cdn-cgi/image/w=30,onerror=redirect/missing.png";
    for host in ["a.example/evil?", "a.example@evil.example", "a\"b", "evil.example/#"] {
        let answer = server.ask(&Request::get(target).header("Host", host)).await;
        assert_ne!(answer.status, 307, "{host}: {:?}", answer.headers);
        assert_eq!(answer.header("location"), None, "{host}");
        assert_eq!(answer.header("link"), None, "{host}");
    }
}
