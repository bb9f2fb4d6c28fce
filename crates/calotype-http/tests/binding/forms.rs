//! Forms in every shape that is allowed.

use calotype_plan::Size;

use crate::form::{BOUNDARY, Connection, Form};
use crate::service::{Bounds, start, start_with};
use crate::support::pictures;
use crate::support::served::Setup;

fn small_call() -> Vec<u8> {
    let source = pictures::coordinate_png(Size::new(20, 20));
    Form::call(
        &source,
        r#"[{"imageIndex":0,"width":9,"height":7,"fit":"cover"}]"#,
        "rgba",
    )
    .whole()
}

#[tokio::test]
async fn pieces_carry_no_meaning() {
    let served = start();
    let body = small_call();
    let expected = served.ask(&body).await.ok("application/octet-stream");
    assert_eq!(expected.len(), 9 * 7 * 4);
    let mut connection = served.connect().await;
    for piece in [1, 2, 3, 7, 58, 1_000, usize::MAX] {
        let answer = connection.ask("/transform", &body, piece).await;
        assert!(
            answer.ok("application/octet-stream") == expected,
            "pieces of {piece} bytes, on one connection"
        );
    }
}

#[tokio::test]
async fn the_shape_of_heads_and_targets_does_not_matter() {
    let served = start();
    let source = pictures::plain_png(Size::new(3, 2), [9, 8, 7]);
    let form = Form::new()
        .raw(
            "Content-Disposition: form-data; name=\"image\"; filename=\"a b.png\"\r\nContent-Type: image/png",
            &source,
        )
        .raw("CONTENT-DISPOSITION: form-data; name=unheard_of", b"something")
        .raw(
            "Content-Disposition: form-data; name=transforms\r\nContent-Type: text/plain; charset=utf-8",
            b"[]",
        )
        .text("output_format", "rgb");
    let body = form.whole();
    let quoted = format!("Content-Type: multipart/form-data; boundary=\"{BOUNDARY}\"");
    for line in [
        "POST /transform HTTP/1.1\r\nHost: x",
        "POST http://y/transform HTTP/1.1\r\nHost: y",
    ] {
        let mut connection = served.connect().await;
        connection
            .send_head_with(&format!("{line}\r\n{quoted}\r\nContent-Length: {}\r\n\r\n", body.len()))
            .await;
        connection.send_head_with("").await;
        connection.send_plain(&body).await;
        let answer = connection.receive().await;
        assert_eq!(answer.ok("application/octet-stream"), [9, 8, 7].repeat(6));
    }
}

#[tokio::test]
async fn large_parts_wait_in_files_without_names_and_leave_nothing() {
    let served = start();
    let noise = pictures::noise_png(Size::new(1_600, 1_600));
    assert!(noise.len() > 6 << 20);
    let canvas = pictures::plain_png(Size::new(50, 50), [255; 3]);
    let transforms = r#"[{"imageIndex":1,"width":10},{"drawImageIndex":1,"targetImageIndex":0}]"#;
    let body = Form::layers(&canvas, &[&noise], transforms, "rgb").whole();

    let mut connection = served.connect().await;
    connection.send_head("/transform").await;
    assert!(connection.send_chunks(&body[..6 << 20], 60_000).await);
    let in_file = async {
        while served.open_spool_files() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::client::PATIENCE, in_file)
        .await
        .unwrap();
    connection.send_chunks(&body[6 << 20..], 60_000).await;
    connection.send_end().await;
    let through_a_file = connection.receive().await.ok("application/octet-stream");
    served.is_empty().await;

    // The same, reduced beforehand, never leaves memory.
    let small = Form::call(&noise, r#"[{"imageIndex":0,"width":10}]"#, "image/png");
    let small = served.transform(small).await.ok("image/png");
    let transforms = r#"[{"drawImageIndex":1,"targetImageIndex":0}]"#;
    let in_memory = served
        .transform(Form::layers(&canvas, &[&small], transforms, "rgb"))
        .await;
    assert!(through_a_file == in_memory.ok("application/octet-stream"));
    served.is_empty().await;
}

#[tokio::test]
async fn without_shared_memory_a_call_is_told_to_come_again() {
    let bounds = Bounds {
        memory_bytes: 1_000,
        ..Bounds::default()
    };
    let served = start_with(Setup::default(), &bounds);
    let noise = pictures::noise_png(Size::new(64, 64));
    let (status, code, _) = served.transform(Form::call(&noise, "[]", "image/png")).await.error();
    assert_eq!((status, code), (503, 9522));
    served.is_empty().await;
}

#[tokio::test]
async fn other_paths_and_methods_are_not_the_bindings() {
    let served = start();
    for (request, status) in [
        ("GET /info HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (
            "POST /cdn-cgi/image/w=1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            404,
        ),
        ("GET /-/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ] {
        let mut connection: Connection = served.connect().await;
        connection.send_head_with(request).await;
        assert_eq!(connection.receive().await.status, status, "{request}");
    }
}
