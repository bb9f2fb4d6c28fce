//! Sources that lead where they must not: inside addresses, loops, other schemes, files outside the root.

use calotype_plan::Size;

use super::{Scene, check_keeps_secrets, check_refused, send};
use crate::support::client::Request;
use crate::support::origin::answer;
use crate::support::pictures;
use crate::support::served::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_to_an_inside_address() {
    let scene = Scene::start().await;
    scene.network.name("inside.example", "10.0.0.7");
    scene.network.name("inside6.example", "fd00::7");
    let inside = [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://10.0.0.7/",
        "http://192.168.0.1/",
        "http://inside.example/",
        "http://inside6.example/",
        "https://inside.example/",
    ];
    for url in inside {
        check_refused(url, &scene.get(&format!("{url}x.png")).await, 403, 9406, "address");
        scene.origin.redirect("/x", url);
        check_refused(
            &format!("redirect to {url}"),
            &scene.get("http://pictures.example/x").await,
            403,
            9406,
            "address",
        );
    }
    // Overlays go the same way.
    let overlay = "/cdn-cgi/image/draw.url=http:%2F%2Finside.example%2Fo.png/http://pictures.example/good.png";
    check_refused("overlay", &scene.server.get(overlay).await, 403, 9406, "address");
    let dialled: Vec<String> = scene.network.dialled().iter().map(ToString::to_string).collect();
    assert!(
        dialled.iter().all(|address| address == "93.184.215.14:80"),
        "{dialled:?}"
    );
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_that_lead_nowhere_are_refused() {
    let scene = Scene::start().await;
    scene.network.name("refusing.example", "93.184.215.30");
    let long = format!("http://pictures.example/{}", "x".repeat(30_000));
    for (to, status, code, hint) in [
        ("/x", 400, 9421, "5"),
        (
            "http://pictures.example/cdn-cgi/image/w=1/good.png",
            508,
            9403,
            "already",
        ),
        ("/cdn-cgi/image/w=1/good.png", 508, 9403, "already"),
        ("ftp://pictures.example/good.png", 400, 9420, "http"),
        ("file:///etc/passwd", 400, 9420, "http"),
        ("http://user:pw@pictures.example/good.png", 400, 9420, "http"),
        ("http://", 400, 9420, "http"),
        ("http://nowhere.example/a.png", 523, 9407, "name"),
        ("http://refusing.example/a.png", 523, 9510, "reach"),
        (&long, 404, 9404, "exist"),
    ] {
        scene.origin.redirect("/x", to);
        let to = &to[..to.len().min(60)];
        check_refused(to, &scene.get("http://pictures.example/x").await, status, code, hint);
    }
    let no_location = scene.get_scripted(vec![send(answer("302 Found", &[], b""))]).await;
    check_refused("no Location", &no_location, 502, 9505, "Location");
    // A chain of five is followed, one of six is not.
    for n in 0..6 {
        let to = if n == 0 {
            "/good.png".to_owned()
        } else {
            format!("/hop{}", n - 1)
        };
        scene.origin.redirect(&format!("/hop{n}"), &to);
    }
    scene.get("http://pictures.example/hop4").await.transformed();
    check_refused(
        "six hops",
        &scene.get("http://pictures.example/hop5").await,
        400,
        9421,
        "5",
    );
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn source_urls_that_are_none_are_refused() {
    let scene = Scene::start().await;
    for (source, status, code, hint) in [
        ("ftp://pictures.example/a.png", 403, 9406, "http"),
        ("http://user:pw@pictures.example/a.png", 403, 9406, "password"),
        ("http://:80/a.png", 403, 9406, "host"),
        ("http://pictures.example:99999/a.png", 403, 9406, "URL"),
        ("http%3A%2F%2Fpictures.example%2Fa%20b.png", 403, 9406, "percent-encode"),
        (
            "http://pictures.example/a/../cdn-cgi/image/w=1/b.png",
            508,
            9403,
            "already",
        ),
        ("http://pictures.example//cdn-cgi/image/w=1/b.png", 508, 9403, "already"),
        ("", 400, 9401, "source"),
    ] {
        check_refused(source, &scene.get(source).await, status, code, hint);
    }
    let from_a_resizer =
        Request::get("/cdn-cgi/image/w=30/http://pictures.example/good.png").header("Via", "1.1 image-resizing-proxy");
    check_refused("Via", &scene.server.ask(&from_a_resizer).await, 508, 9403, "already");
    assert_eq!(scene.origin.targets(), [""; 0]);
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_do_not_leave_the_root() {
    let outside = tempfile::tempdir().unwrap();
    let root = outside.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let picture = pictures::coordinate_png(Size::new(60, 40));
    for path in [
        outside.path().join("secret.png"),
        root.join("good.png"),
        root.join(".hidden.png"),
    ] {
        std::fs::write(path, &picture).unwrap();
    }
    std::os::unix::fs::symlink(outside.path().join("secret.png"), root.join("link.png")).unwrap();
    let server = Setup::with_root(&root).serve().await;
    for path in [
        "/../secret.png",
        "/%2e%2e/secret.png",
        "/..%2fsecret.png",
        "/link.png",
        "/.hidden.png",
        "/good.png/../../secret.png",
        "/good.png%00",
        "/",
        "/nothing.png",
    ] {
        let answer = server.get(&format!("/cdn-cgi/image/w=30{path}")).await;
        if path != "/" {
            check_refused(path, &answer, 404, 9404, "no such file");
        }
        let answer = server.get(path).await;
        assert_ne!(answer.status, 200, "{path}");
        check_keeps_secrets(path, &answer.text());
        assert_eq!(answer.header("cf-resized"), None, "{path}");
    }
    server.get("/cdn-cgi/image/w=30/good.png").await.transformed();
}
