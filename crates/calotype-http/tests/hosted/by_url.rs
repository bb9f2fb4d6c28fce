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
