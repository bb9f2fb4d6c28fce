use crate::place::{Form, Place, Wishes, code, failure, picture, place_with, result};
use crate::support::network::Network;
use crate::support::origin::{Origin, Step, answer};

/// A server to which `pics.example` is this origin.
async fn with_origin() -> (Place, Origin) {
    let origin = Origin::start().await;
    let network = Network::default();
    network.name("pics.example", "93.184.215.14");
    network.route("93.184.215.14:80", origin.address);
    network.name("other.example", "93.184.215.15");
    network.route("93.184.215.15:80", origin.address);
    network.name("inside.example", "10.0.0.1");
    network.route("10.0.0.1:80", origin.address);
    let wishes = Wishes {
        network,
        ..Wishes::default()
    };
    (place_with(wishes).await, origin)
}

async fn fetch(place: &Place, url: &str) -> crate::support::client::Answer {
    place.send("v1", Form::default().text("url", url)).await
}

#[tokio::test]
async fn an_image_is_fetched_and_called_as_its_path_ends() {
    let (place, origin) = with_origin().await;
    origin.file("/2026/gr%C3%BCn%20oak.png?v=1", &[], &picture());
    origin.file("/", &[], &picture());
    let record = result(&fetch(&place, "http://pics.example/2026/gr%C3%BCn%20oak.png?v=1").await);
    assert_eq!(record["filename"], "grün oak.png");
    let blob = place
        .ask("GET", &format!("v1/{}/blob", record["id"].as_str().unwrap()))
        .await;
    assert!(blob.body == picture());
    assert_eq!(
        result(&fetch(&place, "http://pics.example/").await)["filename"],
        "pics.example"
    );
}

#[tokio::test]
async fn credentials_go_to_their_own_host_and_to_no_other() {
    let (place, origin) = with_origin().await;
    origin.redirect("/a.png", "http://pics.example/b.png");
    origin.redirect("/b.png", "http://other.example/c.png");
    origin.file("/c.png", &[], &picture());
    let record = result(&fetch(&place, "http://us%65r:p%40ss@pics.example/a.png").await);
    assert_eq!(record["filename"], "a.png");
    let sent: Vec<_> = origin
        .requests()
        .iter()
        .map(|head| {
            let line = head
                .lines()
                .find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
            line.map(|line| line.split_once(':').unwrap().1.trim().to_owned())
        })
        .collect();
    // base64 of `user:p@ss`.
    let basic = Some("Basic dXNlcjpwQHNz".to_owned());
    assert_eq!(sent, [basic.clone(), basic, None]);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_said() {
    let (place, origin) = with_origin().await;
    origin.on("/gone.png", vec![Step::Send(answer("410 Gone", &[], b""))]);
    origin.on(
        "/broken.png",
        vec![Step::Send(answer("500 Internal Server Error", &[], b""))],
    );
    origin.redirect("/inside.png", "http://inside.example/a.png");
    origin.file("/a.png", &[], &picture());
    origin.file("/page.html", &[], b"<html></html>");
    let mut large = picture();
    large.resize((10 << 20) + 1, 0);
    origin.file("/large.png", &[], &large);
    let (status, number, message) = failure(&fetch(&place, "http://pics.example/nosuch.png").await);
    assert_eq!(
        (status, number, message.as_str()),
        (400, 5400, "Could not fetch the image: HTTP 404")
    );
    let message = failure(&fetch(&place, "http://pics.example/gone.png").await).2;
    assert_eq!(message, "Could not fetch the image: HTTP 410");
    for (url, want) in [
        ("http://pics.example/broken.png", (400, 5400)),
        ("http://pics.example/large.png", (413, 5413)),
        ("http://pics.example/page.html", (415, 5455)),
        ("http://pics.example/inside.png", (400, 5400)),
        ("http://inside.example/a.png", (400, 5400)),
        ("http://127.0.0.1/a.png", (400, 5400)),
        ("http://[::ffff:10.0.0.1]/a.png", (400, 5400)),
        ("http://169.254.169.254/latest", (400, 5400)),
        ("http://nosuch.example/a.png", (400, 5400)),
        ("ftp://pics.example/a.png", (400, 5400)),
        ("/a.png", (400, 5400)),
        ("pics.example/a.png", (400, 5400)),
    ] {
        assert_eq!(code(&fetch(&place, url).await), want, "{url}");
    }
    assert_eq!(
        origin
            .requests()
            .iter()
            .filter(|head| head.contains("inside.example"))
            .count(),
        0
    );
}

#[tokio::test]
async fn no_spelling_and_no_detour_leads_to_an_inside_address() {
    let (place, origin) = with_origin().await;
    let network = place.network();
    for (name, address) in [
        ("loopback.example", "127.0.0.1"),
        ("link.example", "169.254.169.254"),
        ("mapped.example", "::ffff:10.0.0.1"),
        ("unique.example", "fd00::1"),
        ("multicast.example", "224.0.0.1"),
        ("nat64.example", "64:ff9b::a00:1"),
    ] {
        network.name(name, address);
    }
    origin.file("/a.png", &[], &picture());
    for url in [
        "http://127.0.0.1/a.png",
        "http://127.1/a.png",
        "http://2130706433/a.png",
        "http://0x7f000001/a.png",
        "http://0x7f.0.0.1/a.png",
        "http://0177.0.0.1/a.png",
        "http://0/a.png",
        "http://[::]/a.png",
        "http://[::1]/a.png",
        "http://[::ffff:127.0.0.1]/a.png",
        "http://[::ffff:7f00:1]/a.png",
        "http://[64:ff9b::7f00:1]/a.png",
        "http://[2002:7f00:1::]/a.png",
        "http://[fe80::1]/a.png",
        "http://10.0.0.1/a.png",
        "http://172.16.0.1/a.png",
        "http://192.168.1.1/a.png",
        "http://100.64.0.1/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://255.255.255.255/a.png",
        "http://loopback.example/a.png",
        "http://link.example/a.png",
        "http://mapped.example/a.png",
        "http://unique.example/a.png",
        "http://multicast.example/a.png",
        "http://nat64.example/a.png",
        "http://user:pass@127.0.0.1/a.png",
        "http://pics.example@127.0.0.1/a.png",
        "http://127.0.0.1\\@pics.example/a.png",
        "http://\u{ff11}27.0.0.1/a.png",
    ] {
        for url in [url, "http://pics.example/there.png"] {
            if url.contains("there.png") {
                origin.redirect("/there.png", "http://127.0.0.1/a.png");
            }
            let answer = fetch(&place, url).await;
            assert_eq!(code(&answer), (400, 5400), "{url}");
            assert!(
                !answer.text().contains("127.0.0.1"),
                "no address is told: {}",
                answer.text()
            );
        }
        origin.redirect("/x.png", url);
        assert_eq!(
            code(&fetch(&place, "http://pics.example/x.png").await),
            (400, 5400),
            "redirect to {url}"
        );
    }
    for url in [
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/_HELO",
        "ftp://pics.example/a.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(1)",
        "//pics.example/a.png",
        "http:",
        "http://",
        "",
    ] {
        assert_eq!(code(&fetch(&place, url).await), (400, 5400), "{url}");
        if url.starts_with("//") {
            continue;
        }
        origin.redirect("/x.png", url);
        assert_eq!(
            code(&fetch(&place, "http://pics.example/x.png").await),
            (400, 5400),
            "redirect to {url}"
        );
    }
    let dialled: Vec<String> = network.dialled().iter().map(ToString::to_string).collect();
    assert!(
        dialled.iter().all(|address| address == "93.184.215.14:80"),
        "{dialled:?}"
    );
    assert_eq!(result(&place.ask("GET", "v1/stats").await)["count"]["current"], 0);
}

#[tokio::test]
async fn a_name_that_means_another_address_the_second_time_is_judged_again() {
    let (place, origin) = with_origin().await;
    let network = place.network();
    // The connection is not kept, so that the name is looked up again.
    let once = [&answer("200 OK", &[("Connection", "close")], &picture())[..]].concat();
    origin.on("/a.png", vec![Step::Send(once), Step::Close]);
    result(&fetch(&place, "http://pics.example/a.png").await);
    network.name("pics.example", "10.0.0.1");
    assert_eq!(code(&fetch(&place, "http://pics.example/a.png").await), (400, 5400));
    let dialled: Vec<String> = network.dialled().iter().map(ToString::to_string).collect();
    assert_eq!(dialled, ["93.184.215.14:80"]);
}
