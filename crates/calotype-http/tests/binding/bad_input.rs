//! What is refused, in which words, and that nothing of it stays.

use calotype_plan::{Limits, Size};

use crate::form::{BOUNDARY, Form};
use crate::service::{Bounds, Service, start, start_with};
use crate::support::pictures;
use crate::support::served::Setup;

fn picture() -> Vec<u8> {
    pictures::plain_png(Size::new(8, 6), [1, 2, 3])
}

fn call(transforms: &str) -> Form {
    let picture = picture();
    Form::layers(&picture, &[&picture, &picture], transforms, "rgb")
}

#[track_caller]
fn assert_refused(answer: &crate::form::Answer, status: u16, code: u16, words: &str) {
    let (found_status, found_code, message) = answer.error();
    assert_eq!((found_status, found_code), (status, code), "{message}");
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

#[tokio::test]
async fn a_form_that_is_cut_anywhere_is_refused_however_properly_its_body_ends() {
    let served = start();
    let body = Form::call(&picture(), "[]", "rgb").whole();
    // The delimiter is whole when its two last dashes are there; what follows it says nothing.
    let delimiter_end = body.len() - 2;
    let mut connection = served.connect().await;
    for length in 0..delimiter_end {
        let answer = connection.ask("/transform", &body[..length], 4_000).await;
        assert_refused(&answer, 400, 9523, "closing delimiter");
    }
    for length in delimiter_end..=body.len() {
        connection
            .ask("/transform", &body[..length], 4_000)
            .await
            .ok("application/octet-stream");
    }
    // As the runtime sends it when the user's stream fails.
    let failed = Form::new().file("image", b"").cut();
    let answer = connection.ask("/info", &failed[..failed.len() - 2], 4_000).await;
    assert_refused(&answer, 400, 9523, "closing delimiter");
    served.is_empty().await;
}

#[tokio::test]
async fn a_boundary_that_never_comes_is_not_waited_for() {
    let served = start();
    let noise = pictures::noise_png(Size::new(1_500, 1_500));
    for size in [100, noise.len()] {
        let body = Form::call(&noise[..size], "[]", "rgb").whole();
        let mut connection = served.connect().await;
        connection
            .send_head_with(
                "POST /transform HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: js.images.cloudflare.com\r\nContent-Type: multipart/form-data; \
                 boundary=another\r\n\r\n",
            )
            .await;
        connection.send_chunks(&body, 8_000).await;
        connection.send_end().await;
        let (status, code, _) = connection.receive().await.error();
        assert_eq!((status, code), (400, 9523));
        // The rest was read out: the connection can be used again.
        connection
            .ask("/info", &Form::new().file("image", &picture()).whole(), 9)
            .await
            .ok("application/json");
    }
    served.is_empty().await;
}

#[tokio::test]
async fn a_part_with_an_endless_head_is_refused() {
    let served = start();
    let body = Form::new().raw(&"x-a: b\r\n".repeat(40_000), b"").whole();
    let answer = served.ask(&body).await;
    assert_eq!(answer.error().1, 9523, "{}", answer.text());
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let served = start();
    for content_type in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
    ] {
        let mut connection = served.connect().await;
        connection
            .send_head_with(&format!(
                "POST /transform HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: 2\r\n\r\n{{}}"
            ))
            .await;
        assert_refused(&connection.receive().await, 400, 9523, "multipart/form-data");
    }
}

#[tokio::test]
async fn forms_that_lack_or_repeat_a_part_are_refused_by_its_name() {
    let served = start();
    let picture = picture();
    let whole = |form: Form| form.text("transforms", "[]").text("output_format", "rgb");
    for (form, words) in [
        (whole(Form::new()), "no part image"),
        (whole(Form::new().file("draw_image", &picture)), "no part image"),
        (
            Form::new().file("image", &picture).text("output_format", "rgb"),
            "no part transforms",
        ),
        (
            Form::new().file("image", &picture).text("transforms", "[]"),
            "no part output_format",
        ),
        (
            whole(Form::new().file("image", &picture).file("image", &picture)),
            "two canvases",
        ),
        (
            whole(Form::new().file("draw_image", &picture).file("image", &picture)),
            "first",
        ),
        (
            whole(Form::new().file("image", &picture)).text("transforms", "[]"),
            "two parts transforms",
        ),
        (
            Form::new()
                .file("image", &picture)
                .raw("content-disposition: form-data; name=\"transforms\"", b"[\xff]"),
            "UTF-8",
        ),
    ] {
        assert_refused(&served.transform(form).await, 400, 9432, words);
    }
    let answer = served
        .connect()
        .await
        .ask("/info", &Form::new().text("anim", "true").whole(), 99)
        .await;
    assert_refused(&answer, 400, 9432, "no part image");
    served.is_empty().await;
}

#[tokio::test]
async fn options_and_indices_that_make_no_sense_are_refused() {
    let served = start();
    for (transforms, words) in [
        ("{}", "array"),
        ("[", "array"),
        ("[1]", "object"),
        ("[{}]", "imageIndex"),
        (r#"[{"width":5}]"#, "imageIndex"),
        (r#"[{"imageIndex":3}]"#, "imageIndex"),
        (r#"[{"imageIndex":-1}]"#, "imageIndex"),
        (r#"[{"imageIndex":"0"}]"#, "imageIndex"),
        (r#"[{"imageIndex":0.5}]"#, "imageIndex"),
        (
            r#"[{"imageIndex":9,"nope":true,"height":null,"d":"1970-01-01T00:00:00.000Z","deep":{"a":[1,2]}}]"#,
            "imageIndex",
        ),
        (r#"[{"drawImageIndex":1}]"#, "targetImageIndex"),
        (r#"[{"drawImageIndex":1,"targetImageIndex":null}]"#, "targetImageIndex"),
        (r#"[{"drawImageIndex":1,"targetImageIndex":7}]"#, "targetImageIndex"),
        (r#"[{"drawImageIndex":1,"targetImageIndex":1}]"#, "itself"),
        (r#"[{"drawImageIndex":0,"targetImageIndex":1}]"#, "canvas"),
        (
            r#"[{"drawImageIndex":1,"targetImageIndex":0},{"drawImageIndex":1,"targetImageIndex":0}]"#,
            "already drawn",
        ),
        (
            r#"[{"drawImageIndex":1,"targetImageIndex":0},{"imageIndex":1,"width":3}]"#,
            "already drawn",
        ),
        (
            r#"[{"drawImageIndex":1,"targetImageIndex":0,"left":1,"right":1}]"#,
            "left",
        ),
        (r#"[{"imageIndex":0,"width":"wide"}]"#, "width"),
        (r#"[{"imageIndex":0,"fit":"sideways"}]"#, "fit"),
    ] {
        let answer = served.transform(call(transforms)).await;
        assert_refused(&answer, 400, 9432, words);
        assert!(answer.error().2.starts_with("Bad request: "), "{transforms}");
    }
    let many = vec![r#"{"imageIndex":0,"rotate":90}"#; Limits::default().binding_operations_max + 1].join(",");
    assert_refused(
        &served.transform(call(&format!("[{many}]"))).await,
        400,
        9432,
        "256 operations",
    );
    let long = format!("[{}]", " ".repeat(4 * Limits::default().options_bytes_max));
    assert_refused(&served.transform(call(&long)).await, 400, 9432, "longer than");
    served.is_empty().await;
}

#[tokio::test]
async fn layers_on_layers_end_somewhere() {
    let served = start();
    let picture = picture();
    // Each is drawn onto the one before it, the last first.
    let chain = |layers: usize| {
        let drawn = vec![picture.as_slice(); layers];
        let draws: Vec<String> = (1..=layers)
            .rev()
            .map(|n| format!(r#"{{"drawImageIndex":{n},"targetImageIndex":{}}}"#, n - 1))
            .collect();
        Form::layers(&picture, &drawn, &format!("[{}]", draws.join(",")), "rgb")
    };
    served.transform(chain(8)).await.ok("application/octet-stream");
    assert_refused(&served.transform(chain(9)).await, 400, 9432, "nested");
    assert_refused(&served.transform(chain(33)).await, 400, 9432, "32 layers");
}

#[tokio::test]
async fn null_is_what_was_not_given_and_unknown_keys_are_passed_over() {
    let served = start();
    let expected = served
        .transform(call(r#"[{"imageIndex":0,"height":3}]"#))
        .await
        .ok("application/octet-stream");
    assert_eq!(expected.len(), 4 * 3 * 3);
    for transforms in [
        r#"[{"imageIndex":0,"height":3,"width":null,"gravity":null}]"#,
        r#"[{"drawImageIndex":null,"imageIndex":0,"height":3,"nope":true,"deep":{"a":[1,{"b":null}]}}]"#,
    ] {
        let answer = served.transform(call(transforms)).await;
        assert!(answer.ok("application/octet-stream") == expected, "{transforms}");
    }
}

#[tokio::test]
async fn output_options_are_read_strictly() {
    let served = start();
    for (name, value, words) in [
        ("output_format", "undefined", "output format"),
        ("output_format", "image/bmp", "output format"),
        ("output_format", "", "output format"),
        ("output_quality", "rubbish", "quality"),
        ("output_quality", "null", "quality"),
        ("anim", "1", "anim"),
        ("background", "nothing", "background"),
    ] {
        let form = Form::new().file("image", &picture()).text("transforms", "[]");
        let form = match name {
            "output_format" => form,
            _ => form.text("output_format", "image/png"),
        };
        assert_refused(&served.transform(form.text(name, value)).await, 400, 9432, words);
    }
}

#[tokio::test]
async fn texts_are_refused_plainly_until_there_are_fonts() {
    let served = start();
    let canvas = Form::new()
        .text(
            "text_input",
            r#"{"text":"Hello","font":{"url":"https://example.com/f.ttf"}}"#,
        )
        .text("transforms", "[]")
        .text("output_format", "image/png");
    assert_refused(&served.transform(canvas).await, 400, 9432, "text");
    let layer = Form::new()
        .file("image", &picture())
        .text("draw_text", r#"{"text":"Hello"}"#)
        .text("transforms", r#"[{"drawImageIndex":1,"targetImageIndex":0}]"#)
        .text("output_format", "image/png");
    assert_refused(&served.transform(layer).await, 400, 9432, "text");
}

#[tokio::test]
async fn what_is_no_picture_has_the_code_for_it() {
    let served = start();
    let svg: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"5\" height=\"5\"/>";
    for image in [b"".as_slice(), b"<html>no</html>", svg] {
        let answer = served.transform(Form::call(image, "[]", "image/png")).await;
        assert_eq!((answer.error().0, answer.error().1), (415, 9412), "{}", answer.text());
    }
    assert_refused(&served.info(b"").await, 415, 9412, "");
    let cut = &picture()[..60];
    let (status, code, _) = served.transform(Form::call(cut, "[]", "image/png")).await.error();
    assert_eq!((status, code), (422, 9516));
    let layer = Form::layers(
        &picture(),
        &[b""],
        r#"[{"drawImageIndex":1,"targetImageIndex":0}]"#,
        "rgb",
    );
    assert_refused(&served.transform(layer).await, 415, 9412, "");
    served.is_empty().await;
}

#[tokio::test]
async fn ten_thousand_parts_are_not_read() {
    let served = start();
    for (name, words) in [("draw_image", "layers"), ("unheard_of", "parts")] {
        let first = Form::new().file("image", &picture());
        let body = (0..10_000).fold(first, |form, _| form.file(name, b"x")).whole();
        assert_refused(&served.ask(&body).await, 400, 9432, words);
    }
    served.is_empty().await;
}

fn start_small() -> Service {
    let setup = Setup {
        limits: Limits {
            source_bytes_max: 100_000,
            ..Limits::default()
        },
        ..Setup::default()
    };
    let bounds = Bounds {
        form_bytes_max: 150_000,
        ..Bounds::default()
    };
    start_with(setup, &bounds)
}

#[tokio::test]
async fn a_part_that_is_too_large_is_refused_early_and_the_answer_arrives_whole() {
    let served = start_small();
    let large = vec![7; 30 << 20];
    let body = Form::call(&large, "[]", "rgb").whole();
    for _ in 0..5 {
        // Everything is sent before the answer is looked at, as the runtime may do.
        let mut connection = served.connect().await;
        let answer = connection.ask("/transform", &body, 8_000).await;
        assert_refused(&answer, 403, 9413, "100000 bytes");
        connection
            .ask("/info", &Form::new().file("image", &picture()).whole(), 9)
            .await
            .ok("application/json");
    }
    served.is_empty().await;
}

#[tokio::test]
async fn parts_that_are_too_large_together_are_refused() {
    let served = start_small();
    let part = vec![7; 80_000];
    for name in ["draw_image", "unheard_of"] {
        let body = Form::new().file("image", &part).file(name, &part).whole();
        assert_refused(&served.ask(&body).await, 403, 9413, "150000 bytes together");
    }
    served.is_empty().await;
}

#[tokio::test]
async fn an_endless_request_is_not_read_for_ever() {
    let served = start_small();
    let mut connection = served.connect().await;
    connection.send_head("/transform").await;
    let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\n");
    connection.send_chunks(head.as_bytes(), 1_000).await;
    let piece = vec![7; 1 << 20];
    let mut sent = 0_u64;
    while connection.send_chunks(&piece, 64 << 10).await {
        sent += 1;
        assert!(sent < 1_000, "a gigabyte was taken");
    }
    served.is_empty().await;
}

#[tokio::test]
async fn a_client_that_leaves_during_its_upload_leaves_nothing_behind() {
    let served = start();
    let noise = pictures::noise_png(Size::new(1_600, 1_600));
    let body = Form::call(&noise, "[]", "rgb").whole();
    for length in [10, 200, 1 << 20, 6 << 20] {
        let mut connection = served.connect().await;
        connection.send_head("/transform").await;
        assert!(connection.send_chunks(&body[..length], 60_000).await);
        drop(connection);
        served.is_empty().await;
    }
    served.info(&picture()).await.ok("application/json");
}

/// Bytes of this process's files in the spool directory.
fn spooled(served: &Service) -> u64 {
    served.spool_files().iter().map(std::fs::Metadata::len).sum()
}

#[tokio::test]
async fn a_part_of_a_gigabyte_costs_a_bounded_file_and_no_memory() {
    let served = start();
    let mut connection = served.connect().await;
    connection.send_head("/transform").await;
    let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\n");
    connection.send_chunks(head.as_bytes(), 1_000).await;
    let piece = vec![7; 1 << 20];
    let (mut in_memory, mut in_files, mut sent) = (0, 0, 0);
    // As the runtime does: it goes on until it has the answer.
    while sent < 1 << 30 && !connection.has_answer().await && connection.send_chunks(&piece, 64 << 10).await {
        sent += piece.len();
        in_memory = in_memory.max(served.memory.bytes_in_use());
        in_files = in_files.max(spooled(&served));
    }
    assert_refused(&connection.receive().await, 403, 9413, "100000000 bytes");
    let max = Limits::default().source_bytes_max;
    assert!(in_files > max / 2 && in_files <= max, "{in_files} bytes in files");
    assert!(in_memory <= 4 << 20, "{in_memory} bytes in memory");
    served.is_empty().await;
}
