use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ETAG, LAST_MODIFIED};

use super::*;
use crate::testing::{Answer, Event, Events, Network};

/// A public address for the origins of these tests; nothing leaves the process.
const PUBLIC: &str = "93.184.215.14";

fn request(url: &str) -> FetchRequest {
    FetchRequest::new(Url::parse(url).expect("a URL"))
}

/// One public origin named `a.example`.
fn origin(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Fetcher, Events) {
    origin_with(FetchSettings::default(), script)
}

fn origin_with(settings: FetchSettings, script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Fetcher, Events) {
    Network::new()
        .name("a.example", &[PUBLIC])
        .origin("93.184.215.14:80", script)
        .fetcher(settings)
}

/// Code and status of the fault that fetching `http://a.example/` from an origin with this one answer ends in.
async fn fault_of(answer: Answer) -> (u16, u16) {
    let (fetcher, _events) = origin(move |_| answer.clone());
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    (fault.code(), fault.status())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("to memory");
    encoder.finish().expect("to memory")
}

// ---- The request ----

#[tokio::test]
async fn the_request_says_what_the_specification_says_and_no_more() {
    let (fetcher, mut events) = origin(|_| Answer::ok(b"x"));
    let mut request = request("http://a.example/p%20q.png?v=1&w=%2F#part");
    request.via = vec![HeaderValue::from_static("1.1 edge")];
    fetcher.fetch(request).await.expect("fetched");
    let expected = format!(
        "GET /p%20q.png?v=1&w=%2F HTTP/1.1\r\naccept: image/*,*/*;q=0.8\r\nuser-agent: Calotype/{}\r\n\
         via: 1.1 edge, 1.1 image-resizing-proxy\r\ncdn-loop: calotype\r\nhost: a.example\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(events.requests(), [expected]);
}

#[tokio::test]
async fn what_is_fetched_carries_bytes_headers_and_final_url() {
    let (fetcher, _events) = origin(|path| match path {
        "/a" => Answer::redirect("/b?c"),
        _ => Answer::new(
            200,
            "ETag: \"e\"\r\nSet-Cookie: s=1\r\nContent-Type: image/png\r\n",
            b"picture",
        ),
    });
    let fetched = fetcher.fetch(request("http://a.example/a#f")).await.expect("fetched");
    assert_eq!(&fetched.bytes[..], b"picture");
    assert_eq!(fetched.final_url.as_str(), "http://a.example/b?c");
    assert_eq!(fetched.headers.text("etag"), Some("\"e\""));
    assert_eq!(fetched.headers.text("content-type"), Some("image/png"));
    assert!(fetched.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn connections_are_used_again() {
    let (fetcher, mut events) = origin(|_| Answer::ok(b"x"));
    for _ in 0..3 {
        fetcher.fetch(request("http://a.example/")).await.expect("fetched");
    }
    assert_eq!(events.dialled(), ["93.184.215.14:80"]);
}

// ---- Status mapping (spec 11.6) ----

#[tokio::test]
async fn every_status_is_answered_as_the_table_says() {
    for (origin, expected) in [
        (404, (9404, 404)),
        (400, (9519, 502)),
        (401, (9408, 401)),
        (403, (9408, 403)),
        (408, (9408, 408)),
        (410, (9408, 410)),
        (429, (9408, 429)),
        (500, (9509, 502)),
        (503, (9509, 502)),
        (201, (9505, 502)),
        (206, (9505, 502)),
        (300, (9505, 502)),
        (600, (9505, 502)),
    ] {
        assert_eq!(
            fault_of(Answer::new(origin, "", b"some text")).await,
            expected,
            "{origin}"
        );
    }
    assert_eq!(fault_of(Answer::raw("HTTP/1.1 204 X\r\n\r\n")).await, (9505, 502));
    assert_eq!(fault_of(Answer::raw("HTTP/1.1 304 X\r\n\r\n")).await, (9505, 502));
    assert_eq!(
        fault_of(Answer::raw(
            "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        ))
        .await,
        (9505, 502)
    );
}

#[tokio::test]
async fn interim_answers_before_the_real_one_are_skipped() {
    let (fetcher, _events) = origin(|_| {
        Answer::raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    });
    assert_eq!(
        &fetcher
            .fetch(request("http://a.example/"))
            .await
            .expect("fetched")
            .bytes[..],
        b"x"
    );
}

#[tokio::test]
async fn an_empty_body_is_not_an_image() {
    assert_eq!(fault_of(Answer::ok(b"")).await, (9412, 415));
    assert_eq!(
        fault_of(Answer::raw(
            "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ))
        .await,
        (9412, 415)
    );
    assert_eq!(
        fault_of(Answer::raw("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")).await,
        (9412, 415)
    );
    assert_eq!(
        fault_of(Answer::new(200, "Content-Encoding: gzip\r\n", &gzip(b""))).await,
        (9412, 415)
    );
}

#[tokio::test]
async fn a_304_to_our_conditional_keeps_the_stored_copy() {
    let (fetcher, mut events) =
        origin(|_| Answer::raw("HTTP/1.1 304 X\r\nETag: \"e\"\r\nCache-Control: max-age=9\r\n\r\n"));
    let stored = Validators {
        etag: Some(HeaderValue::from_static("\"e\"")),
        last_modified: Some(HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT")),
    };
    match fetcher.revalidate(request("http://a.example/"), &stored).await {
        Ok(Revalidated::Unchanged(unchanged)) => assert_eq!(unchanged.headers.text("cache-control"), Some("max-age=9")),
        other => panic!("{other:?}"),
    }
    let sent = events.requests().concat();
    assert!(sent.contains("\r\nif-none-match: \"e\"\r\n"), "{sent}");
    assert!(
        sent.contains("\r\nif-modified-since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_200_to_our_conditional_is_a_new_original_with_new_validators() {
    let (fetcher, _events) = origin(|_| {
        Answer::new(
            200,
            "ETag: W/\"f\"\r\nLast-Modified: Fri, 02 Jan 2026 00:00:00 GMT\r\n",
            b"new",
        )
    });
    let stored = Validators {
        etag: Some(HeaderValue::from_static("\"e\"")),
        last_modified: None,
    };
    match fetcher.revalidate(request("http://a.example/"), &stored).await {
        Ok(Revalidated::Changed(fetched)) => {
            assert_eq!(&fetched.bytes[..], b"new");
            assert_eq!(fetched.headers.validators().etag, fetched.headers.get(ETAG).cloned());
            assert_eq!(
                fetched.headers.validators().last_modified,
                fetched.headers.get(LAST_MODIFIED).cloned()
            );
            assert_eq!(fetched.headers.text(ETAG), Some("W/\"f\""));
        }
        other => panic!("{other:?}"),
    }
}

// ---- No connection ----

#[tokio::test]
async fn a_name_that_does_not_resolve_is_9407() {
    let (fetcher, _events) = Network::new()
        .name("empty.example", &[])
        .fetcher(FetchSettings::default());
    for host in ["nowhere.example", "empty.example"] {
        let fault = fetcher
            .fetch(request(&format!("http://{host}/")))
            .await
            .expect_err("a fault");
        assert_eq!((fault.code(), fault.status()), (9407, 523), "{host}");
        assert!(!fault.public_message().contains("10.9.8.7"), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_server_that_does_not_answer_is_9407_after_half_the_connect_timeout() {
    let (fetcher, _events) = Network::new()
        .hanging_name("slow.example")
        .fetcher(FetchSettings::default());
    let start = Instant::now();
    let fault = fetcher
        .fetch(request("http://slow.example/"))
        .await
        .expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9407, 523));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_refused_connection_is_9510() {
    let (fetcher, _events) = Network::new()
        .name("a.example", &[PUBLIC])
        .fetcher(FetchSettings::default());
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9510, 523));
}

#[tokio::test]
async fn an_origin_that_does_not_speak_tls_is_9510() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let fetcher = Fetcher::new(FetchSettings {
        guard: AddressGuard::off(),
        ..FetchSettings::default()
    });
    let fault = fetcher
        .fetch(request(&format!("https://127.0.0.1:{port}/")))
        .await
        .expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9510, 523));
    assert!(
        fault.detail().is_some_and(|detail| detail.contains("TLS")),
        "{:?}",
        fault.detail()
    );
}

#[tokio::test(start_paused = true)]
async fn connecting_that_hangs_is_9504_and_522_after_ten_seconds() {
    let (fetcher, _events) = Network::new()
        .name("a.example", &[PUBLIC])
        .hangs("93.184.215.14:80")
        .fetcher(FetchSettings::default());
    let start = Instant::now();
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9504, 522));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_tls_handshake_that_hangs_is_9504_and_522_after_ten_seconds() {
    let (fetcher, _events) = Network::new()
        .name("a.example", &[PUBLIC])
        .origin("93.184.215.14:443", |_| Answer::ok(b"never asked"))
        .fetcher(FetchSettings::default());
    let start = Instant::now();
    let fault = fetcher.fetch(request("https://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9504, 522));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn on_the_real_network_loopback_names_are_guarded_and_closed_ports_are_9510() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let fault = Fetcher::new(FetchSettings::default())
        .fetch(request(&format!("http://localhost:{port}/")))
        .await
        .expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9406, 403));
    drop(listener);
    let fault = Fetcher::new(FetchSettings {
        guard: AddressGuard::off(),
        ..FetchSettings::default()
    })
    .fetch(request(&format!("http://127.0.0.1:{port}/")))
    .await
    .expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9510, 523));
}

// ---- Slow and broken bodies ----

#[tokio::test(start_paused = true)]
async fn an_origin_that_stalls_is_9504_and_524_after_sixty_seconds() {
    for said in [
        "",
        "HTTP/1.1 200 X\r\nContent-Le",
        "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf",
    ] {
        let (fetcher, mut events) = origin(move |_| Answer::raw(said).then_stall());
        let start = Instant::now();
        let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
        assert_eq!((fault.code(), fault.status()), (9504, 524), "{said:?}");
        assert_eq!(start.elapsed().as_secs(), 60, "{said:?}");
        // The connection does not outlive the fetch.
        events.until(|event| *event == Event::Closed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_drips_gains_no_time_by_it() {
    let (fetcher, _events) =
        origin(|_| Answer::raw("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n").then_drip(Duration::from_secs(1)));
    let start = Instant::now();
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9504, 524));
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn redirects_share_the_time_of_one_download() {
    let (fetcher, _events) = origin(|path| match path {
        "/a" => Answer::redirect("/b"),
        _ => Answer::raw("").then_stall(),
    });
    let start = Instant::now();
    let fault = fetcher.fetch(request("http://a.example/a")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9504, 524));
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn a_connection_that_breaks_is_9402_and_502() {
    for said in [
        "",
        "HTTP/1.1 200 X\r\nContent-Le",
        "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nhalf",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ] {
        assert_eq!(fault_of(Answer::raw(said)).await, (9402, 502), "{said:?}");
    }
}

#[tokio::test]
async fn bytes_past_the_declared_length_are_no_part_of_the_source_nor_of_the_next() {
    let (fetcher, _events) = origin(|path| match path {
        "/long" => Answer::raw(
            "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nwholeHTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nevil",
        ),
        _ => Answer::ok(b"good"),
    });
    let long = fetcher.fetch(request("http://a.example/long")).await.expect("fetched");
    assert_eq!(&long.bytes[..], b"whole");
    let next = fetcher.fetch(request("http://a.example/next")).await.expect("fetched");
    assert_eq!(&next.bytes[..], b"good");
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_9505() {
    assert_eq!(fault_of(Answer::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n")).await, (9505, 502));
    assert_eq!(
        fault_of(Answer::raw(
            "HTTP/1.1 200 X\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nwhole"
        ))
        .await,
        (9505, 502)
    );
    let endless = format!("HTTP/1.1 200 X\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(fault_of(Answer::raw(endless)).await, (9505, 502));
}

#[tokio::test]
async fn chunked_and_close_delimited_bodies_are_read_whole() {
    for said in [
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwh\r\n3\r\nole\r\n0\r\n\r\n",
        "HTTP/1.1 200 X\r\nConnection: close\r\n\r\nwhole",
        "HTTP/1.0 200 X\r\n\r\nwhole",
    ] {
        let (fetcher, _events) = origin(move |_| Answer::raw(said));
        assert_eq!(
            &fetcher
                .fetch(request("http://a.example/"))
                .await
                .expect("fetched")
                .bytes[..],
            b"whole",
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let (fetcher, mut events) =
        origin(|_| Answer::raw("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf").then_stall());
    tokio::select! {
        biased;
        result = fetcher.fetch(request("http://a.example/")) => panic!("{result:?}"),
        () = events.until(|event| matches!(event, Event::Request(_))) => {}
    }
    events.until(|event| *event == Event::Closed).await;
}

// ---- Size ----

fn small(source_bytes_max: u64) -> FetchSettings {
    FetchSettings {
        source_bytes_max,
        ..FetchSettings::default()
    }
}

#[tokio::test]
async fn a_source_of_exactly_the_cap_passes_and_one_byte_more_is_413() {
    let body = vec![b'x'; 100_000];
    let chunked = [
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n",
        &body[..],
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let closing = [b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n", &body[..]].concat();
    for answer in [Answer::ok(&body), Answer::raw(chunked), Answer::raw(closing)] {
        for (cap, passes) in [(100_000, true), (99_999, false)] {
            let answer = answer.clone();
            let (fetcher, _events) = origin_with(small(cap), move |_| answer.clone());
            let result = fetcher.fetch(request("http://a.example/")).await;
            match result {
                Ok(fetched) => assert!(passes && fetched.bytes == body),
                Err(fault) => assert!(!passes && (fault.code(), fault.status()) == (9402, 413), "{fault}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_length_over_the_cap_is_refused_before_the_body() {
    let (fetcher, _events) = origin_with(small(1000), |_| {
        Answer::raw("HTTP/1.1 200 X\r\nContent-Length: 1001\r\n\r\n").then_stall()
    });
    let start = Instant::now();
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9402, 413));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_compressed_body_is_unpacked_within_the_cap() {
    let picture = b"the picture".repeat(10);
    let packed = gzip(&picture);
    let answer = Answer::new(200, "Content-Encoding: gzip\r\n", &packed);
    let (fetcher, _events) = origin({
        let answer = answer.clone();
        move |_| answer.clone()
    });
    assert_eq!(
        fetcher
            .fetch(request("http://a.example/"))
            .await
            .expect("fetched")
            .bytes,
        picture
    );

    let bomb = gzip(&vec![0; 2_000_000]);
    assert!(bomb.len() < 10_000);
    let settings = small(1_000_000);
    let memory = settings.memory.clone();
    let (fetcher, _events) = origin_with(settings, move |_| Answer::new(200, "Content-Encoding: gzip\r\n", &bomb));
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9402, 413));
    assert_eq!(memory.bytes_in_use(), 0);
}

#[tokio::test]
async fn an_unknown_coding_is_9402_with_words_that_help() {
    let (fetcher, _events) = origin(|_| Answer::new(200, "Content-Encoding: br\r\n", b"????"));
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9402, 502));
    assert!(fault.public_message().contains("without Content-Encoding"), "{fault}");
}

#[tokio::test]
async fn all_sources_in_memory_share_one_bound() {
    let settings = FetchSettings {
        memory: SourceMemory::new(150_000),
        ..FetchSettings::default()
    };
    let memory = settings.memory.clone();
    let (fetcher, _events) = origin_with(settings, |_| Answer::ok(&[1; 100_000]));
    let first = fetcher.fetch(request("http://a.example/")).await.expect("fetched");
    let fault = fetcher
        .fetch(request("http://a.example/"))
        .await
        .expect_err("no memory left");
    assert_eq!((fault.code(), fault.status()), (9522, 503));
    drop(first);
    assert_eq!(memory.bytes_in_use(), 0);
    fetcher
        .fetch(request("http://a.example/"))
        .await
        .expect("there is memory again");
}

#[tokio::test(start_paused = true)]
async fn one_fetch_too_many_is_9522() {
    let settings = FetchSettings {
        fetches_max: 1,
        ..FetchSettings::default()
    };
    let (fetcher, mut events) = origin_with(settings, |_| Answer::raw("").then_stall());
    let fetcher = Arc::new(fetcher);
    let first = tokio::spawn({
        let fetcher = fetcher.clone();
        async move {
            fetcher
                .fetch(request("http://a.example/"))
                .await
                .map_err(|fault| fault.status())
        }
    });
    events.until(|event| matches!(event, Event::Request(_))).await;
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9522, 503));
    assert_eq!(first.await.expect("no panic").err(), Some(524));
}

// ---- Redirects (spec 11.5) ----

#[tokio::test]
async fn five_redirects_are_followed_and_the_sixth_is_9421() {
    let countdown = |path: &str| match path.trim_start_matches('/').parse::<u32>() {
        Ok(0) | Err(_) => Answer::ok(b"end"),
        Ok(n) => Answer::redirect(&format!("/{}", n - 1)),
    };
    let (fetcher, mut events) = origin(countdown);
    assert_eq!(
        &fetcher
            .fetch(request("http://a.example/5"))
            .await
            .expect("fetched")
            .bytes[..],
        b"end"
    );
    assert_eq!(events.requests().len(), 6);
    let fault = fetcher.fetch(request("http://a.example/6")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9421, 400));
    assert_eq!(events.requests().len(), 6);
}

#[tokio::test]
async fn every_redirecting_status_is_followed_with_get() {
    for status in [301, 302, 303, 307, 308] {
        let (fetcher, mut events) = origin(move |path| match path {
            "/a" => Answer::new(status, "Location: b\r\n", b""),
            _ => Answer::ok(b"x"),
        });
        fetcher.fetch(request("http://a.example/a")).await.expect("fetched");
        assert!(
            events.requests().iter().all(|head| head.starts_with("GET ")),
            "{status}"
        );
    }
}

#[tokio::test]
async fn bad_redirect_targets_have_their_codes() {
    for (location, expected) in [
        ("ftp://a.example/x", (9420, 400)),
        ("http://user:pass@a.example/x", (9420, 400)),
        ("http://", (9420, 400)),
        ("/cdn-cgi/image/w=1/x", (9403, 508)),
        ("http://b.example/cdn-cgi/image/w=1/x", (9403, 508)),
        ("http://nowhere.example/x", (9407, 523)),
    ] {
        assert_eq!(fault_of(Answer::redirect(location)).await, expected, "{location}");
    }
    assert_eq!(fault_of(Answer::new(302, "", b"")).await, (9505, 502));
}

#[tokio::test]
async fn a_first_url_that_no_request_may_go_to_is_refused_unasked() {
    let (fetcher, mut events) = origin(|_| Answer::ok(b"x"));
    for (url, expected) in [
        ("http://user@a.example/", (9406, 403)),
        ("ftp://a.example/", (9406, 403)),
        ("http://a.example/cdn-cgi/image/w=1/x", (9403, 508)),
    ] {
        let fault = fetcher.fetch(request(url)).await.expect_err("a fault");
        assert_eq!((fault.code(), fault.status()), expected, "{url}");
    }
    assert_eq!(events.so_far(), []);
}

// ---- The guard, in place ----

#[tokio::test]
async fn private_literals_and_names_are_refused_without_a_connection_and_without_showing_the_address() {
    let network = Network::new()
        .name("inside.example", &["10.1.2.3"])
        .name("six.example", &["fd00::5", "::ffff:10.1.2.3"]);
    let (fetcher, mut events) = network
        .origin("10.1.2.3:80", |_| Answer::ok(b"secret"))
        .fetcher(FetchSettings::default());
    for url in [
        "http://inside.example/",
        "http://six.example/",
        "http://10.1.2.3/",
        "http://0x0a010203/",
        "http://[::ffff:10.1.2.3]/",
        "http://[64:ff9b::a01:203]/",
        "http://[2002:a01:203::]/",
        "https://10.1.2.3/",
        "http://127.1/",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        let fault = fetcher.fetch(request(url)).await.expect_err(url);
        assert_eq!((fault.code(), fault.status()), (9406, 403), "{url}");
        assert!(fault.public_message().contains("--allow-private"), "{fault}");
        assert!(!fault.public_message().contains("10.1.2.3"), "{fault}");
    }
    assert_eq!(events.so_far(), []);
}

#[tokio::test]
async fn the_log_learns_the_address_and_its_block() {
    let (fetcher, _events) = Network::new()
        .name("inside.example", &["10.1.2.3"])
        .fetcher(FetchSettings::default());
    let fault = fetcher
        .fetch(request("http://inside.example/"))
        .await
        .expect_err("a fault");
    assert_eq!(
        fault.detail(),
        Some("10.1.2.3 is not globally routable: private use (RFC 1918)")
    );
}

#[tokio::test]
async fn redirects_to_private_addresses_are_refused() {
    for location in [
        "http://169.254.169.254/latest/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://inside.example/",
        "//127.0.0.1/",
    ] {
        let (fetcher, mut events) = Network::new()
            .name("a.example", &[PUBLIC])
            .name("inside.example", &["192.168.0.1"])
            .origin("93.184.215.14:80", move |_| Answer::redirect(location))
            .fetcher(FetchSettings::default());
        let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
        assert_eq!((fault.code(), fault.status()), (9406, 403), "{location}");
        assert_eq!(events.dialled(), ["93.184.215.14:80"]);
    }
}

#[tokio::test]
async fn a_name_that_turns_private_the_second_time_gains_nothing() {
    let (fetcher, mut events) = Network::new()
        .name("a.example", &[PUBLIC])
        .name("a.example", &["127.0.0.1"])
        .origin("93.184.215.14:80", |_| {
            // The header keeps the connection out of the pool, so that the second hop must look the name up again.
            Answer::new(302, "Location: http://a.example/again\r\nConnection: close\r\n", b"").then_close()
        })
        .origin("127.0.0.1:80", |_| Answer::ok(b"secret"))
        .fetcher(FetchSettings::default());
    let fault = fetcher.fetch(request("http://a.example/")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9406, 403));
    assert_eq!(events.dialled(), ["93.184.215.14:80"]);
}

#[tokio::test]
async fn of_mixed_addresses_only_the_public_ones_are_dialled() {
    let (fetcher, mut events) = Network::new()
        .name("a.example", &["127.0.0.1", "::1", PUBLIC])
        .origin("93.184.215.14:80", |_| Answer::ok(b"public"))
        .origin("127.0.0.1:80", |_| Answer::ok(b"secret"))
        .fetcher(FetchSettings::default());
    assert_eq!(
        &fetcher
            .fetch(request("http://a.example/"))
            .await
            .expect("fetched")
            .bytes[..],
        b"public"
    );
    assert_eq!(events.dialled(), ["93.184.215.14:80"]);
}

#[tokio::test]
async fn allow_private_and_listed_networks_open_the_way() {
    for guard in [
        AddressGuard::off(),
        AddressGuard::with_networks(vec!["10.1.0.0/16".parse().expect("a network")]),
    ] {
        let (fetcher, _events) = Network::new()
            .origin("10.1.2.3:8080", |_| Answer::ok(b"inside"))
            .fetcher(FetchSettings {
                guard,
                ..FetchSettings::default()
            });
        assert_eq!(
            &fetcher
                .fetch(request("http://10.1.2.3:8080/"))
                .await
                .expect("fetched")
                .bytes[..],
            b"inside"
        );
    }
}

/// A private trusted origin at 10.0.0.1:8080 beside a public one.
fn trusting(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Fetcher, Events) {
    let settings = FetchSettings {
        trusted_origin: Some(Url::parse("http://home.example:8080").expect("a URL")),
        ..FetchSettings::default()
    };
    Network::new()
        .name("home.example", &["10.0.0.1"])
        .name("a.example", &[PUBLIC])
        .origin("10.0.0.1:8080", script)
        .origin("10.0.0.1:80", |_| Answer::ok(b"another service"))
        .origin("93.184.215.14:80", |_| {
            Answer::redirect("http://home.example:8080/admin")
        })
        .fetcher(settings)
}

#[tokio::test]
async fn the_trusted_origin_may_be_private_with_exactly_its_scheme_host_and_port() {
    let (fetcher, _events) = trusting(|_| Answer::ok(b"home"));
    assert_eq!(
        &fetcher
            .fetch(request("http://home.example:8080/x"))
            .await
            .expect("fetched")
            .bytes[..],
        b"home"
    );
    for url in [
        "http://home.example/x",
        "https://home.example:8080/x",
        "http://10.0.0.1:8080/x",
    ] {
        let fault = fetcher.fetch(request(url)).await.expect_err(url);
        assert_eq!((fault.code(), fault.status()), (9406, 403), "{url}");
    }
}

#[tokio::test]
async fn redirects_of_the_trusted_origin_are_guarded() {
    for location in ["/elsewhere", "http://10.0.0.1/", "http://127.0.0.1/"] {
        let (fetcher, _events) = trusting(move |path| {
            if path == "/x" {
                Answer::redirect(location)
            } else {
                Answer::ok(b"home")
            }
        });
        let fault = fetcher
            .fetch(request("http://home.example:8080/x"))
            .await
            .expect_err("a fault");
        assert_eq!((fault.code(), fault.status()), (9406, 403), "{location}");
    }
}

#[tokio::test]
async fn an_open_connection_to_the_trusted_origin_serves_no_stranger() {
    let (fetcher, _events) = trusting(|_| Answer::ok(b"home"));
    // Leaves an idle connection behind, which a redirect of a public origin then asks for.
    fetcher
        .fetch(request("http://home.example:8080/x"))
        .await
        .expect("fetched");
    let fault = fetcher.fetch(request("http://a.example/x")).await.expect_err("a fault");
    assert_eq!((fault.code(), fault.status()), (9406, 403));
}
