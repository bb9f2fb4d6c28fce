//! What test suites of others are answered with (binding spec, section 11).

use crate::form::{Answer, Form};
use crate::service::{Bounds, Service, start, start_with};
use crate::support::served::Setup;

fn start_echoing() -> Service {
    let bounds = Bounds {
        echo: true,
        ..Bounds::default()
    };
    start_with(Setup::default(), &bounds)
}

async fn ask(served: &Service, path: &str, body: &[u8]) -> Answer {
    let mut connection = served.connect().await;
    connection.send_head_and(path, "X-Binding-Echo: 1\r\n").await;
    connection.send_chunks(body, 7).await;
    connection.send_end().await;
    connection.receive().await
}

async fn json(served: &Service, path: &str, form: Form) -> String {
    String::from_utf8(ask(served, path, &form.whole()).await.ok("application/json")).unwrap()
}

#[tokio::test]
async fn info_is_a_constant() {
    let served = start_echoing();
    for (image, expected) in [
        (
            "png",
            r#"{"format":"image/png","file_size":123,"width":123,"height":123}"#,
        ),
        ("", r#"{"format":"image/png","file_size":123,"width":123,"height":123}"#),
        ("<svg></svg>", r#"{"format":"image/svg+xml"}"#),
    ] {
        assert_eq!(
            json(&served, "/info", Form::new().file("image", image.as_bytes())).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_form_comes_back_as_compact_json_in_one_order() {
    let served = start_echoing();
    let form = Form::call(b"png", r#"[{"imageIndex":0,"width":10}]"#, "image/avif");
    assert_eq!(
        json(&served, "/transform", form).await,
        r#"{"image":"png","transforms":[{"imageIndex":0,"width":10}],"output_format":"image/avif"}"#
    );
    // The parts of the capture "Text canvas with a text layer and an image layer", and all output options.
    let form = Form::new()
        .text(
            "text_input",
            r#"{"text":"Hello é","font":{"url":"https://example.com/f.ttf"},"size":48}"#,
        )
        .text(
            "draw_text",
            r#"{"text":"inner","font":{"url":"https://example.com/g.ttf"}}"#,
        )
        .file("draw_image", b"a \"png\"")
        .file("draw_image", b"")
        .text("transforms", r#"[{"drawImageIndex":1,"targetImageIndex":0,"top":1}]"#)
        .text("output_format", "undefined")
        .text("output_quality", "62.5")
        .text("background", "rgba(1,2,3,0.5)")
        .text("anim", "false");
    assert_eq!(
        json(&served, "/transform", form).await,
        "{\"image\":null,\"transforms\":[{\"drawImageIndex\":1,\"targetImageIndex\":0,\"top\":1}],\"output_format\":\"undefined\",\
         \"output_quality\":\"62.5\",\"background\":\"rgba(1,2,3,0.5)\",\"anim\":\"false\",\
         \"text_input\":{\"text\":\"Hello é\",\"font\":{\"url\":\"https://example.com/f.ttf\"},\"size\":48},\"draw_image\":[\"a \\\"png\\\"\",\"\"],\
         \"draw_text\":[{\"text\":\"inner\",\"font\":{\"url\":\"https://example.com/g.ttf\"}}]}"
    );
}

#[tokio::test]
async fn an_image_that_says_that_it_is_bad_is_refused() {
    let served = start_echoing();
    for path in ["/info", "/transform"] {
        let answer = ask(&served, path, &Form::call(b"a BAD one", "[]", "image/png").whole()).await;
        assert_eq!(answer.error(), (409, 123, "Bad request".to_owned()));
    }
    // The parser is that of production: a form without its end is none.
    let cut = Form::call(b"png", "[]", "image/png").cut();
    let (status, code, _) = ask(&served, "/transform", &cut).await.error();
    assert_eq!((status, code), (400, 9523));
}

#[tokio::test]
async fn only_a_server_that_was_started_for_it_and_only_a_request_that_asks_is_echoed() {
    let body = Form::call(b"png", "[]", "image/png").whole();
    let answer = ask(&start(), "/transform", &body).await;
    assert_eq!((answer.error().0, answer.error().1), (415, 9412));
    let answer = start_echoing().ask(&body).await;
    assert_eq!((answer.error().0, answer.error().1), (415, 9412));
}
