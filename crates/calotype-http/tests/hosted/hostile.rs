//! Requests that want out of where they belong: out of paths, out of headers, out of forms.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{Form, Place, code, failure, path_of, picture, place, result};
use crate::support::client::{Answer, Request};

/// Raw segments that are no way to any image.
const SEGMENTS: [&str; 22] = [
    "..",
    ".",
    "%2e%2e",
    "%2E.",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    "%2e%2e%2f%2e%2e%2fsealing.key",
    "..%5C..%5Ccalotype.db",
    "..%252f..%252fcalotype.db",
    "a%2F..%2Fb",
    "%2Fetc%2Fpasswd",
    "%00",
    "a%00.png",
    "%c0%ae%c0%ae",
    "%c0%af",
    "%e0%80%af",
    "%ed%a0%80",
    "%FF",
    "%",
    "%2",
    "%zz",
    "../originals",
    "../../../../etc/passwd",
];

/// Nothing of a machine or a library is in an answer.
#[track_caller]
fn assert_plain(answer: &Answer, what: &str) {
    let text = answer.text().to_ascii_lowercase();
    for word in ["/tmp", "/originals", "sqlite", "sqlx", "panicked", "os error", "root:"] {
        // What the client wrote may be repeated to it.
        assert!(what.contains(word) || !text.contains(word), "{what}: {text}");
    }
    assert!(answer.status < 500, "{what}: {} {text}", answer.status);
}

#[tokio::test]
async fn no_path_leads_out_of_the_images() {
    let place = place().await;
    place.upload(Form::default().text("id", "b")).await;
    for segment in SEGMENTS {
        for (method, rest) in [("GET", ""), ("GET", "/blob"), ("PATCH", ""), ("DELETE", "")] {
            let what = format!("{method} v1/{segment}{rest}");
            let answer = place.ask(method, &format!("v1/{segment}{rest}")).await;
            assert_plain(&answer, &what);
            assert!(
                matches!(code(&answer), (404, 5404 | 7003) | (400, 5400)),
                "{what}: {}",
                answer.text()
            );
        }
        for rest in ["v1/variants/", "v1/keys/"] {
            let answer = place.ask("DELETE", &format!("{rest}{segment}")).await;
            assert_plain(&answer, segment);
            assert!(matches!(answer.status, 400 | 404), "{rest}{segment}: {}", answer.text());
        }
        let upload = Request::new("POST", &format!("/upload/{}/{segment}", place.account.hash));
        let answer = place
            .served
            .ask(&Form::default().file("a.png", &picture()).on(upload))
            .await;
        assert_plain(&answer, segment);
        assert_eq!(code(&answer), (404, 5404), "{segment}");
        for target in [
            format!("/cdn-cgi/imagedelivery/{}/{segment}/public", place.account.hash),
            format!("/cdn-cgi/imagedelivery/{segment}/b/public"),
            format!("/cdn-cgi/imagedelivery/{}/b/{segment}", place.account.hash),
        ] {
            let answer = place.served.get(&target).await;
            assert_plain(&answer, &target);
            assert!(
                matches!(answer.status, 403 | 404),
                "{target}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
    assert_eq!(result(&place.ask("GET", "v1/stats").await)["count"]["current"], 1);
}

#[tokio::test]
async fn an_id_that_climbs_is_refused_and_one_that_only_looks_so_is_a_name() {
    let place = place().await;
    for id in [
        "..", "../a", "a/..", "a/../b", "./a", "a/./b", "/a", "a\u{0}b", "a\nb", "a\u{7f}",
    ] {
        for endpoint in ["v1", "v2/direct_upload"] {
            let mut form = Form::default().text("id", id);
            if endpoint == "v1" {
                form = form.file("a.png", &picture());
            }
            assert_eq!(
                code(&place.send(endpoint, form).await),
                (400, 5400),
                "{id:?} {endpoint}"
            );
        }
    }
    for id in [
        "..\\..\\a",
        "...",
        "..a/b..",
        "%2e%2e/%2F",
        "a?b#c",
        "a\u{202e}b",
        "\u{feff}x",
    ] {
        let record = place.upload(Form::default().text("id", id)).await;
        assert_eq!(record["id"], id);
        let shown = place
            .served
            .get(&path_of(record["variants"][0].as_str().unwrap()))
            .await;
        assert_eq!(shown.status, 200, "{id:?}: {}", record["variants"][0]);
    }
}

#[tokio::test]
async fn nothing_that_is_uploaded_becomes_a_header() {
    let place = place().await;
    for (sent, kept) in [
        ("a.png\\r\\nX-Evil: 1", ""),
        ("a%0d%0aX-Evil: 1.png", "a%0d%0aX-Evil: 1.png"),
        ("ü\u{2028}\u{202e}gnp.exe", "ü\u{2028}\u{202e}gnp.exe"),
        ("a; filename*=UTF-8''evil.exe", ""),
        ("../../x.png", "x.png"),
    ] {
        let form = Form::default().text("creator", "c\r\nX-Evil: 1").text(
            "metadata",
            &json!({"a": "\r\nX-Evil: 1", "\r\nX-Evil": "1"}).to_string(),
        );
        let record = result(&place.send("v1", form.file(sent, &picture())).await);
        assert_eq!(record["creator"], "c\r\nX-Evil: 1", "what is only told is kept");
        let id = record["id"].as_str().unwrap();
        let mut answers = vec![place.ask("GET", &format!("v1/{id}")).await];
        let blob = place.ask("GET", &format!("v1/{id}/blob")).await;
        // RFC 8187, 3.2.1: letters, digits and escapes, whatever the name was.
        let name = blob
            .header("content-disposition")
            .unwrap()
            .strip_prefix("attachment; filename*=UTF-8''")
            .unwrap();
        assert!(
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'),
            "{name}"
        );
        if !kept.is_empty() {
            assert_eq!(record["filename"], kept);
        }
        answers.push(blob);
        answers.push(
            place
                .served
                .get(&path_of(record["variants"][0].as_str().unwrap()))
                .await,
        );
        for answer in answers {
            assert_eq!(answer.status, 200);
            assert!(
                answer.headers.iter().all(|(name, _)| !name.contains("evil")),
                "{:?}",
                answer.headers
            );
            let values = answer.headers.iter().filter(|(name, _)| name != "content-disposition");
            assert!(
                !values.into_iter().any(|(_, value)| value.contains("Evil")),
                "{:?}",
                answer.headers
            );
        }
    }
    // A name in quotes that does not end, and one that ends early.
    for head in [
        "Content-Disposition: form-data; name=\"file\"; filename=\"a\" X-Evil=\"b",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a\\\"; x=\"\r\nX-Evil: 1",
    ] {
        let mut body = format!("--x7\r\n{head}\r\n\r\n").into_bytes();
        body.extend_from_slice(&picture());
        body.extend_from_slice(b"\r\n--x7--\r\n");
        let request = place
            .request("POST", "v1")
            .header("Content-Type", "multipart/form-data; boundary=x7");
        let answer = place.served.ask(&request.body(body)).await;
        assert_plain(&answer, head);
        assert!(answer.headers.iter().all(|(name, _)| !name.contains("evil")));
    }
}

#[tokio::test]
async fn metadata_is_bounded_the_same_way_wherever_it_comes() {
    let place = place().await;
    // `{"a":"…"}` is 8 bytes and the text.
    let of_bytes = |bytes: usize| json!({"a": "x".repeat(bytes - 8)});
    let wide = json!({"a": "é".repeat(508)});
    assert_eq!(
        (of_bytes(1_024).to_string().len(), wide.to_string().len()),
        (1_024, 1_024)
    );
    let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
    let id = place.upload(Form::default()).await["id"].as_str().unwrap().to_owned();
    for (text, is_taken) in [
        (of_bytes(1_024).to_string(), true),
        (of_bytes(1_025).to_string(), false),
        (wide.to_string(), true),
        // Blanks do not count.
        (format!(" {}\n\t ", of_bytes(1_024)), true),
        (nested(100), true),
        (nested(130), false),
        (nested(100_000 / 2 - 100), false),
        (r#"{"a":1,"a":2}"#.to_owned(), true),
        (r#"{"a":1e308}"#.to_owned(), true),
        (r#"{"a":1e400}"#.to_owned(), false),
        (format!("{{\"a\":1{}}}", "0".repeat(900)), false),
        (r#"{"a":"\u0000"}"#.to_owned(), false),
        (r#"{"a":"\ud800"}"#.to_owned(), false),
        (r#"{"a":NaN}"#.to_owned(), false),
        ("7".to_owned(), false),
        ("\"text\"".to_owned(), false),
    ] {
        let what = text.chars().take(60).collect::<String>();
        let form = || Form::default().text("metadata", &text);
        let upload = place.send("v1", form().file("a.png", &picture())).await;
        let draft = place.send("v2/direct_upload", form()).await;
        let patch = place
            .request("PATCH", &format!("v1/{id}"))
            .body(format!("{{\"metadata\":{text}}}"));
        let patch = place.served.ask(&patch).await;
        for answer in [&upload, &draft, &patch] {
            if is_taken {
                result(answer);
            } else {
                assert_eq!(code(answer), (400, 5400), "{what}");
            }
        }
        if is_taken {
            let kept: Value = serde_json::from_str(&text).unwrap();
            for answer in [upload, patch] {
                let id = result(&answer)["id"].as_str().unwrap().to_owned();
                assert_eq!(
                    result(&place.ask("GET", &format!("v1/{id}")).await)["meta"],
                    kept,
                    "{what}"
                );
            }
        }
    }
}

/// A form of these pieces, closed.
async fn send_raw(place: &Place, pieces: &[&[u8]]) -> Answer {
    let request = place
        .request("POST", "v1")
        .header("Content-Type", "multipart/form-data; boundary=x7");
    place
        .served
        .ask(&request.body([&pieces.concat()[..], b"--x7--\r\n"].concat()))
        .await
}

#[tokio::test]
async fn forms_that_want_too_much_are_refused_and_leave_nothing() {
    let place = place().await;
    let png = picture();
    let file = [
        &b"--x7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n"[..],
        &png,
        b"\r\n",
    ]
    .concat();
    let part = |name: &str, text: &str| {
        format!("--x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n").into_bytes()
    };
    let many = part("x", "").repeat(10_000);
    let long_head = format!("--x7\r\nX-Long: {}\r\n", "y".repeat(1 << 20)).into_bytes();
    let many_heads = format!("--x7\r\n{}", "X-A: b\r\n".repeat(100_000)).into_bytes();
    let long_text = part("creator", &"z".repeat(17 << 10));
    let long_texts = (0..40)
        .flat_map(|n| part(&format!("metadata[{n}]"), &"z".repeat(4_000)))
        .collect::<Vec<_>>();
    let unknown = part("unknown", &"z".repeat((1 << 20) + 1));
    let deep = part(&format!("metadata{}", "[a]".repeat(100)), "1");
    let preamble = vec![b'p'; 1 << 20];
    for (what, pieces, want) in [
        ("10,000 parts", vec![&many[..], &file], (400, 5400)),
        ("a head of a mebibyte", vec![&long_head[..], &file], (400, 5450)),
        ("100,000 lines of head", vec![&many_heads[..], &file], (400, 5450)),
        (
            "a mebibyte before the first part",
            vec![&preamble[..], &file],
            (400, 5450),
        ),
        ("a long text", vec![&long_text[..], &file], (400, 5400)),
        ("many texts", vec![&long_texts[..], &file], (400, 5400)),
        ("much that is not known", vec![&unknown[..], &file], (400, 5400)),
        ("deep names", vec![&deep[..], &file], (400, 5400)),
        (
            "two ids",
            vec![&part("id", "a")[..], &part("id", "b"), &file],
            (400, 5400),
        ),
        ("two files", vec![&file[..], &file], (400, 5400)),
    ] {
        let answer = send_raw(&place, &pieces).await;
        assert_plain(&answer, what);
        assert_eq!(code(&answer), want, "{what}: {}", answer.text());
    }
    // A part without a name is nobody's, and so is a form within a form.
    let nameless = b"--x7\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x7\r\nX-A: b\r\n\r\nx\r\n";
    result(&send_raw(&place, &[nameless, &file]).await);
    let nested = [
        &b"--x7\r\nContent-Disposition: form-data; name=\"files\"\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n"[..],
        b"--inner\r\nContent-Disposition: file; filename=\"b.png\"\r\n\r\nx\r\n--inner--\r\n\r\n",
    ]
    .concat();
    assert_eq!(code(&send_raw(&place, &[&nested]).await), (400, 5400));
    for boundary in ["", &"b".repeat(71)] {
        let request = place.request("POST", "v1");
        let request = request.header("Content-Type", &format!("multipart/form-data; boundary={boundary}"));
        assert_eq!(code(&place.served.ask(&request.body("x")).await), (415, 5415));
    }
    assert_eq!(result(&place.ask("GET", "v1/stats").await)["count"]["current"], 1);
    assert_eq!(place.arriving().len(), 0, "what was refused is gone");
}

#[tokio::test]
async fn an_upload_goes_to_the_disk_while_it_arrives() {
    let place = place().await;
    let mut bytes = picture();
    bytes.resize(10 << 20, 0);
    let request = Form::default().file("a.png", &bytes).on(place.request("POST", "v1"));
    let mut connection = place.served.connect().await;
    let sent = [request.head().as_bytes(), &request.body].concat();
    let (most, last) = sent.split_at(sent.len() - 1_000);
    connection.write(most).await;
    // The server writes what it has; nobody tells when it has.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match place.arriving().as_slice() {
            [length] if *length > 9 << 20 => break,
            lengths => assert!(Instant::now() < deadline, "{lengths:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A client that leaves takes its file along.
    let mut leaving = place.served.connect().await;
    leaving.write(most).await;
    leaving.reset();
    connection.write(last).await;
    result(&connection.receive("POST").await);
    while !place.arriving().is_empty() {
        assert!(Instant::now() < deadline, "{:?}", place.arriving());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bytes.resize(12 << 20, 0);
    let (status, number, message) = failure(&place.send("v1", Form::default().file("a.png", &bytes)).await);
    assert_eq!(
        (status, number, message.as_str()),
        (413, 5413, "Maximum image size of 10 MB reached")
    );
}
