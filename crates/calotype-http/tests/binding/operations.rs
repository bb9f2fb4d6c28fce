//! Operations in the user's order, and the URL door as the measure of one pass.

use calotype_plan::Size;

use crate::form::Form;
use crate::service::{Bounds, start, start_over, start_with};
use crate::support::pictures;
use crate::support::reader::{self, Pixels};
use crate::support::served::Setup;

/// Raw samples of a result, which are exact.
fn raw(size: Size, data: Vec<u8>) -> Pixels {
    assert_eq!(data.len(), size.width as usize * size.height as usize * 3);
    Pixels {
        size,
        channels: 3,
        data,
    }
}

#[tokio::test]
async fn one_pass_is_what_the_url_door_gives_byte_for_byte() {
    let files = tempfile::tempdir().unwrap();
    let size = Size::new(321, 200);
    let sources = [
        ("a.png", pictures::coordinate_png(size)),
        ("a.jpg", pictures::jpeg(size)),
        ("half.png", pictures::half_transparent_png(Size::new(64, 40))),
        ("a.gif", pictures::animated_gif(Size::new(40, 30), 3)),
    ];
    for (name, bytes) in &sources {
        std::fs::write(files.path().join(name), bytes).unwrap();
    }
    let passes = [
        ("{}", ""),
        (r#"{"width":100}"#, "width=100"),
        (
            r#"{"width":100,"height":90,"fit":"pad","background":"red"}"#,
            "width=100,height=90,fit=pad,background=red",
        ),
        (
            r#"{"width":50,"height":50,"fit":"cover","gravity":{"x":0.25,"y":0.75}}"#,
            "width=50,height=50,fit=cover,gravity=0.25x0.75",
        ),
        (r#"{"rotate":90,"flip":"h","sharpen":1}"#, "rotate=90,flip=h,sharpen=1"),
        (
            r#"{"trim":{"left":3,"top":4,"width":30,"height":20},"blur":2,"saturation":0.5}"#,
            "trim.left=3,trim.top=4,trim.width=30,trim.height=20,blur=2,saturation=0.5",
        ),
        (
            r#"{"brightness":1.2,"contrast":0.8,"gamma":1.1,"border":{"color":"blue","width":4}}"#,
            "brightness=1.2,contrast=0.8,gamma=1.1,border.color=blue,border.width=4",
        ),
    ];
    let outputs = [
        ("image/jpeg", None, "format=jpeg"),
        ("image/png", None, "format=png"),
        ("image/webp", Some("62.5"), "format=webp,quality=62.5"),
        ("image/gif", None, "format=gif"),
        ("image/avif", Some("low"), "format=avif,quality=low"),
    ];
    let (app, settings) = Setup::with_root(files.path()).app();
    let served = start_over(&app, settings, &Bounds::default());
    let url = Setup::with_root(files.path()).serve().await;
    for (index, (pass, options)) in passes.iter().enumerate() {
        for (at, (format, quality, output)) in outputs.iter().enumerate() {
            // Every source meets every pass and every format, but not all three at once.
            let (name, bytes) = &sources[(index + at) % sources.len()];
            let pass = pass.replacen('{', r#"{"imageIndex":0,"#, 1).replace(",}", "}");
            let mut form = Form::call(bytes, &format!("[{pass}]"), format);
            if let Some(quality) = quality {
                form = form.text("output_quality", quality);
            }
            let ours = served.transform(form).await;
            let options = [*output, *options].join(",");
            let theirs = url
                .get(&format!("/cdn-cgi/image/{}/{name}", options.trim_end_matches(',')))
                .await
                .transformed();
            assert_eq!(
                ours.header("content-type"),
                theirs.header("content-type"),
                "{name} {options}"
            );
            assert_eq!(ours.status, 200, "{}", ours.text());
            assert!(ours.body == theirs.body, "{name} {options} {pass}");
        }
    }
    served.stop().await;
}

#[tokio::test]
async fn transforms_are_done_in_their_order_and_never_merged() {
    let served = start();
    let source = pictures::plain_png(Size::new(200, 100), [1, 2, 3]);
    for (transforms, width, height) in [
        (r#"[{"imageIndex":0,"width":80},{"imageIndex":0,"rotate":90}]"#, 40, 80),
        (r#"[{"imageIndex":0,"rotate":90},{"imageIndex":0,"width":80}]"#, 80, 160),
        (
            r#"[{"imageIndex":0,"rotate":90},{"imageIndex":0,"rotate":90}]"#,
            200,
            100,
        ),
        (
            r#"[{"imageIndex":0,"width":50,"height":50,"fit":"crop"},{"imageIndex":0,"width":100,"fit":"contain"}]"#,
            100,
            100,
        ),
        (
            r#"[{"imageIndex":0,"trim":{"left":150}},{"imageIndex":0,"trim":{"top":60}}]"#,
            50,
            40,
        ),
        ("[]", 200, 100),
    ] {
        let answer = served.transform(Form::call(&source, transforms, "image/png")).await;
        let (_, size) = reader::inspect(&answer.ok("image/png"));
        assert_eq!(size, Size::new(width, height), "{transforms}");
    }
}

#[tokio::test]
async fn a_chain_is_its_passes_one_after_the_other_with_nothing_lost_between() {
    let served = start();
    let source = pictures::coordinate_png(Size::new(320, 240));
    let passes = [
        r#"{"imageIndex":0,"width":200,"height":180,"fit":"cover","gravity":"left"}"#,
        r#"{"imageIndex":0,"rotate":90,"blur":1.5}"#,
        r#"{"imageIndex":0,"width":77,"sharpen":2,"brightness":1.1}"#,
    ];
    // Each pass alone, on the picture that the one before it gave, carried over without loss.
    let mut carried = source.clone();
    for pass in passes {
        let answer = served
            .transform(Form::call(&carried, &format!("[{pass}]"), "image/png"))
            .await;
        carried = answer.ok("image/png");
    }
    let chain = Form::call(&source, &format!("[{}]", passes.join(",")), "rgb");
    let at_once = served.transform(chain).await.ok("application/octet-stream");
    let step_by_step = served.transform(Form::call(&carried, "[]", "rgb")).await;
    assert!(at_once == step_by_step.ok("application/octet-stream"));
    assert_eq!(at_once.len() % (77 * 3), 0);
}

#[tokio::test]
async fn layers_are_transformed_before_they_are_drawn_and_land_where_they_shall() {
    let served = start();
    let (white, red) = (Size::new(40, 20), Size::new(20, 10));
    let layers = [
        pictures::plain_png(red, [255, 0, 0]),
        pictures::plain_png(Size::new(4, 2), [0, 0, 255]),
        pictures::plain_png(Size::new(3, 3), [0, 255, 0]),
    ];
    // The blue one, turned to 2x4, goes onto the red one at 1, 1; the red one, halved before, into the lower right corner; the green ones down the left.
    let transforms = r#"[{"imageIndex":1,"width":10},{"imageIndex":2,"rotate":90},
        {"drawImageIndex":2,"targetImageIndex":1,"top":1,"left":1},
        {"drawImageIndex":1,"targetImageIndex":0,"bottom":0,"right":0},
        {"drawImageIndex":3,"targetImageIndex":0,"repeat":"y","left":0}]"#;
    let canvas = pictures::plain_png(white, [255; 3]);
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    let answer = served
        .transform(Form::layers(&canvas, &layers, transforms, "rgb"))
        .await;
    let result = raw(white, answer.ok("application/octet-stream"));
    assert_eq!(result.extent_of([255, 0, 0]), Some((30, 15, 10, 5)));
    assert_eq!(result.extent_of([0, 0, 255]), Some((31, 16, 2, 4)));
    assert_eq!(result.extent_of([0, 255, 0]), Some((0, 0, 3, 20)));
    assert_eq!(result.at(15, 5), [255; 3]);
}

#[tokio::test]
async fn what_is_done_after_a_draw_is_done_to_both() {
    let served = start();
    let canvas = pictures::plain_png(Size::new(40, 20), [255; 3]);
    let layer = pictures::plain_png(Size::new(10, 10), [255, 0, 0]);
    let transforms = r#"[{"drawImageIndex":1,"targetImageIndex":0,"top":0,"left":0},{"imageIndex":0,"rotate":90}]"#;
    let answer = served
        .transform(Form::layers(&canvas, &[&layer], transforms, "rgb"))
        .await;
    let result = raw(Size::new(20, 40), answer.ok("application/octet-stream"));
    assert_eq!(result.extent_of([255, 0, 0]), Some((10, 0, 10, 10)));
}

#[tokio::test]
async fn draws_know_opacity_and_composite() {
    let served = start();
    let canvas = pictures::plain_png(Size::new(8, 8), [100, 0, 0]);
    let layer = pictures::plain_png(Size::new(4, 4), [200, 100, 0]);
    for (options, expected) in [
        // Half of each; rounding may go either way.
        (r#""opacity":0.5"#, [150, 50, 0]),
        (r#""composite":"lighter""#, [255, 100, 0]),
        (r#""composite":"atop""#, [200, 100, 0]),
    ] {
        let transforms = format!(r#"[{{"drawImageIndex":1,"targetImageIndex":0,{options}}}]"#);
        let answer = served
            .transform(Form::layers(&canvas, &[&layer], &transforms, "rgb"))
            .await;
        let result = raw(Size::new(8, 8), answer.ok("application/octet-stream"));
        // No position: the middle.
        assert_eq!(result.at(1, 1), [100, 0, 0]);
        let close = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 1;
        assert!(
            result.at(4, 4).iter().zip(&expected).all(close),
            "{options}: {:?}",
            result.at(4, 4)
        );
    }
}

#[tokio::test]
async fn texts_and_images_share_one_count() {
    let served = start();
    let canvas = pictures::plain_png(Size::new(8, 8), [255; 3]);
    let layer = pictures::plain_png(Size::new(2, 2), [0, 0, 255]);
    let form = Form::new()
        .file("image", &canvas)
        .text("draw_text", r#"{"text":"never drawn"}"#)
        .file("draw_image", &layer)
        .text(
            "transforms",
            r#"[{"drawImageIndex":2,"targetImageIndex":0,"top":0,"left":0}]"#,
        )
        .text("output_format", "rgb");
    let result = raw(
        Size::new(8, 8),
        served.transform(form).await.ok("application/octet-stream"),
    );
    assert_eq!(result.extent_of([0, 0, 255]), Some((0, 0, 2, 2)));
}

#[tokio::test]
async fn raw_results_are_the_samples_and_the_output_background_is_under_all() {
    let served = start();
    let source = pictures::half_transparent_png(Size::new(2, 1));
    let rgba = served.transform(Form::call(&source, "[]", "rgba")).await;
    assert_eq!(rgba.ok("application/octet-stream")[3..], [0, 0, 0, 255, 255]);
    let form = Form::call(&source, "[]", "rgba").text("background", "rgb(0 255 0)");
    let rgba = served.transform(form).await.ok("application/octet-stream");
    assert_eq!(rgba, [0, 255, 0, 255, 0, 0, 255, 255]);
}

#[tokio::test]
async fn animations_stay_so_unless_a_still_is_asked_for() {
    let served = start();
    let source = pictures::animated_gif(Size::new(40, 30), 3);
    for (anim, frames) in [(None, 3), (Some("true"), 3), (Some("false"), 1)] {
        let mut form = Form::call(&source, r#"[{"imageIndex":0,"width":20}]"#, "image/gif");
        if let Some(anim) = anim {
            form = form.text("anim", anim);
        }
        let gif = served.transform(form).await.ok("image/gif");
        assert_eq!(reader::frames(&gif), frames, "{anim:?}");
        assert_eq!(reader::inspect(&gif).1, Size::new(20, 15));
    }
}

#[tokio::test]
async fn info_says_what_an_image_is() {
    let served = start_with(Setup::default(), &Bounds::default());
    let size = Size::new(61, 47);
    for (bytes, format) in [
        (pictures::coordinate_png(size), "image/png"),
        (pictures::jpeg(size), "image/jpeg"),
        (pictures::webp(size), "image/webp"),
        (pictures::animated_gif(size, 2), "image/gif"),
    ] {
        let json = String::from_utf8(served.info(&bytes).await.ok("application/json")).unwrap();
        let expected = format!(
            r#"{{"format":"{format}","file_size":{},"width":61,"height":47}}"#,
            bytes.len()
        );
        assert_eq!(json, expected);
    }
    for svg in [
        "<svg></svg>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"5\" height=\"5\"/>",
    ] {
        let json = served.info(svg.as_bytes()).await.ok("application/json");
        assert_eq!(json, br#"{"format":"image/svg+xml"}"#, "{svg}");
    }
    // BMP, of which the binding knows nothing: 1 pixel of 24 bits.
    let mut bmp = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bmp.resize(58, 0);
    let (status, code, _) = served.info(&bmp).await.error();
    assert_eq!((status, code), (415, 9520));
}
