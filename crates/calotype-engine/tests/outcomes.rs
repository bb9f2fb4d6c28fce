//! Whole jobs: formats, warnings, errors, limits, what is sent back unchanged.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::collections::HashMap;
use std::time::Instant;

use calotype_codec::{Budget, Layout, Picture};
use calotype_engine::{Job, NoModels, NoOverlays, run};
use calotype_plan::{
    AcceptedFormats, BorderWidths, Color, Composite, Draw, DrawSource, FaceCrop, Fit, Font, FormatChoice, Gravity,
    ImageFormat, Inputs, Limits, Op, Output, OutputFormat, Plan, Quality, Repeat, Rotate, Size, Text, Upscale, Warning,
};

use common::{Around, decimal, jpeg, picture, plan, png, resize, smooth, unpacked, with};

fn sniffed(bytes: &[u8]) -> Option<ImageFormat> {
    calotype_codec::sniff(bytes)
}

#[test]
fn a_jpeg_becomes_a_small_jpeg_or_webp() {
    let source = jpeg(&smooth(Size::new(800, 600)), 90);
    for (format, want) in [
        (FormatChoice::Absent, ImageFormat::Jpeg),
        (FormatChoice::Webp, ImageFormat::Webp),
        (FormatChoice::Avif, ImageFormat::Avif),
        (FormatChoice::Png, ImageFormat::Png),
        (FormatChoice::Gif, ImageFormat::Gif),
    ] {
        let outcome = Around::default()
            .run(&with(format, vec![resize(200, 0, Fit::ScaleDown)]), &source)
            .unwrap();
        assert_eq!(sniffed(&outcome.bytes), Some(want));
        assert_eq!(outcome.content_type, want.mime());
        assert_eq!(outcome.size, Some(Size::new(200, 150)));
        assert_eq!(unpacked(&outcome.bytes).size(), Size::new(200, 150));
        assert!(outcome.memory_peak_bytes > 0);
        assert_eq!(
            outcome.steps.iter().map(|step| step.name).collect::<Vec<_>>(),
            ["decode", "resize"]
        );
    }
}

#[test]
fn the_format_follows_accept_and_transparency() {
    let opaque = png(&smooth(Size::new(60, 50)));
    let clear = png(&picture(Size::new(60, 50), true));
    let small = || vec![resize(30, 0, Fit::ScaleDown)];
    let both = AcceptedFormats { avif: true, webp: true };
    let none = AcceptedFormats::default();
    for (source, format, accepted, want) in [
        (&opaque, FormatChoice::Absent, both, "image/jpeg"),
        (&clear, FormatChoice::Absent, both, "image/png"),
        (&clear, FormatChoice::Jpeg, both, "image/jpeg"),
        (&opaque, FormatChoice::Auto, none, "image/jpeg"),
        (&clear, FormatChoice::Auto, none, "image/png"),
        (
            &clear,
            FormatChoice::Auto,
            AcceptedFormats {
                avif: false,
                webp: true,
            },
            "image/webp",
        ),
        (&clear, FormatChoice::Auto, both, "image/avif"),
    ] {
        let around = Around {
            accepted,
            ..Around::default()
        };
        assert_eq!(
            around.run(&with(format, small()), source).unwrap().content_type,
            want,
            "{format:?}"
        );
    }
}

#[test]
fn transparent_pixels_are_white_in_a_jpeg() {
    let clear = Picture::new(Size::new(16, 16), Layout::Rgba, [255, 0, 0, 0], &Budget::unlimited()).unwrap();
    let outcome = Around::default()
        .run(&with(FormatChoice::Jpeg, vec![]), &png(&clear))
        .unwrap();
    assert!(unpacked(&outcome.bytes).data().iter().all(|&v| v > 250));
}

#[test]
fn raw_samples_have_the_layout_that_was_asked_for() {
    let source = png(&picture(Size::new(8, 5), true));
    let rgb = Around::default()
        .run(&with(FormatChoice::Rgb, vec![]), &source)
        .unwrap();
    let rgba = Around::default()
        .run(&with(FormatChoice::Rgba, vec![]), &source)
        .unwrap();
    assert_eq!((rgb.bytes.len(), rgba.bytes.len()), (8 * 5 * 3, 8 * 5 * 4));
    assert_eq!(rgba.bytes, picture(Size::new(8, 5), true).data());
    assert_eq!(rgba.format, OutputFormat::Raw { alpha: true });
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    let source = jpeg(&smooth(Size::new(400, 300)), 85);
    for format in [
        FormatChoice::Absent,
        FormatChoice::Webp,
        FormatChoice::Avif,
        FormatChoice::Png,
        FormatChoice::Gif,
    ] {
        let plan = with(
            format,
            vec![
                resize(150, 150, Fit::Cover),
                Op::Saturation(decimal("1.3")),
                Op::Sharpen(decimal("1")),
                Op::Blur(decimal("30")),
            ],
        );
        let first = Around::default().run(&plan, &source).unwrap().bytes;
        assert_eq!(
            first,
            Around::default().run(&plan, &source).unwrap().bytes,
            "{format:?}"
        );
    }
}

#[test]
fn bytes_that_are_no_picture_have_their_own_code() {
    let code = |bytes: &[u8]| {
        Around::default()
            .run(&plan(vec![]), bytes)
            .map(|_| ())
            .map_err(|f| (f.code(), f.status()))
    };
    assert_eq!(code(b"<html>no</html>"), Err((9412, 415)));
    assert_eq!(code(b""), Err((9412, 415)));
    assert_eq!(code(b"<svg xmlns=\"http://www.w3.org/2000/svg\">"), Err((9516, 422)));
    // A TIFF of 4x4 that says no more than that.
    let tiff = b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x04\0\0\0\x01\x01\x03\0\x01\0\0\0\x04\0\0\0\0\0\0\0";
    assert_eq!(code(tiff), Err((9516, 422)));
    let mut cut = png(&picture(Size::new(300, 300), false));
    cut.truncate(cut.len() / 2);
    assert_eq!(code(&cut), Err((9516, 422)));
}

#[test]
fn an_operator_can_take_what_the_reference_takes_and_no_more() {
    // One red pixel of 24 bits (BITMAPINFOHEADER).
    let mut bitmap = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bitmap.extend([0; 24]);
    bitmap.extend([0, 0, 255, 0]);
    let around = |inputs| Around {
        limits: Limits {
            inputs,
            ..Limits::default()
        },
        ..Around::default()
    };
    let taken = around(Inputs::All).run(&plan(vec![]), &bitmap).unwrap();
    assert_eq!(unpacked(&taken.bytes).pixel(0, 0), Some([255, 0, 0, 255]));
    let fault = around(Inputs::Reference).run(&plan(vec![]), &bitmap).unwrap_err();
    assert_eq!((fault.code(), fault.status()), (9520, 415));
}

#[test]
fn a_raster_picture_does_not_become_svg() {
    let fault = Around::default()
        .run(&with(FormatChoice::Svg, vec![]), &png(&smooth(Size::new(4, 4))))
        .unwrap_err();
    assert_eq!((fault.code(), fault.status()), (9412, 415));
    assert_eq!(
        fault.public_message(),
        "Conversion between SVG and raster formats is not supported"
    );
}

#[test]
fn limits_are_checked_on_source_and_result() {
    let source = png(&smooth(Size::new(100, 100)));
    let run = |ops: Vec<Op>, limits: Limits| {
        Around {
            limits,
            ..Around::default()
        }
        .run(&plan(ops), &source)
    };
    let fault = run(vec![resize(13_000, 0, Fit::Contain)], Limits::default()).unwrap_err();
    assert_eq!(fault.code(), 9413);
    assert_eq!(
        fault.public_message(),
        "The image enlarged too much: 13000x13000, but maximum dimension allowed is 12000"
    );
    // Scale-down looks at the result only.
    assert_eq!(
        run(vec![resize(13_000, 0, Fit::ScaleDown)], Limits::default())
            .unwrap()
            .size,
        Some(Size::new(100, 100))
    );
    // A frame counts.
    let frame = BorderWidths {
        top: 6_000,
        right: 0,
        bottom: 5_901,
        left: 0,
        color: Color::BLACK,
    };
    assert_eq!(
        run(vec![Op::Border(frame)], Limits::default()).unwrap_err().code(),
        9413
    );
    let small = Limits {
        side_px_max: 99,
        ..Limits::default()
    };
    assert_eq!(run(vec![], small).unwrap_err().code(), 9413);
    let small = Limits {
        source_area_px_max: 9_999,
        ..Limits::default()
    };
    assert_eq!(run(vec![], small).unwrap_err().code(), 9413);
    let small = Limits {
        source_bytes_max: 10,
        ..Limits::default()
    };
    assert_eq!(run(vec![], small).unwrap_err().status(), 413);
    let small = Limits {
        job_memory_bytes_max: 20_000,
        ..Limits::default()
    };
    assert_eq!(run(vec![], small).unwrap_err().code(), 9413);
}

#[test]
fn a_cut_of_a_giant_scale_needs_no_giant_memory() {
    // Scaled to 1200000x12000 before the cut, which has no limit of its own.
    let source = png(&smooth(Size::new(100, 1)));
    let outcome = Around::default()
        .run(&plan(vec![resize(1_000, 1_000, Fit::Cover)]), &source)
        .unwrap();
    assert_eq!(outcome.size, Some(Size::new(1_000, 1_000)));
    assert!(outcome.memory_peak_bytes < 20_000_000, "{}", outcome.memory_peak_bytes);
}

#[test]
fn a_job_past_its_deadline_ends() {
    let source = png(&smooth(Size::new(10, 10)));
    let (plan, limits) = (plan(vec![]), Limits::default());
    let job = Job {
        plan: &plan,
        source: &source,
        overlays: &NoOverlays,
        accepted: AcceptedFormats::default(),
        limits: &limits,
        vision: &NoModels,
        deadline: Some(Instant::now()),
        hosted: false,
    };
    assert_eq!(run(&job).unwrap_err().code(), 9529);
}

#[test]
fn a_description_has_its_members_in_order() {
    let source = png(&smooth(Size::new(200, 100)));
    let frame = BorderWidths {
        top: 1,
        right: 2,
        bottom: 3,
        left: 4,
        color: Color::BLACK,
    };
    let ops = vec![
        Op::Rotate(Rotate::Deg90),
        resize(0, 50, Fit::ScaleDown),
        Op::Border(frame),
    ];
    let outcome = Around::default().run(&with(FormatChoice::Json, ops), &source).unwrap();
    assert_eq!(outcome.content_type, "application/json");
    let want = format!(
        r#"{{"width":31,"height":54,"original":{{"file_size":{},"width":200,"height":100,"format":"image/png"}}}}"#,
        source.len()
    );
    assert_eq!(String::from_utf8(outcome.bytes).unwrap(), want);
}

#[test]
fn a_description_agrees_with_the_picture_that_is_described() {
    let source = png(&picture(Size::new(203, 101), true));
    let trim = calotype_plan::ColorTrim {
        color: None,
        tolerance: 10,
        keep: 0,
    };
    for ops in [
        vec![resize(50, 50, Fit::Cover)],
        vec![Op::TrimColor(trim), resize(90, 0, Fit::Contain)],
        vec![resize(77, 300, Fit::Pad), Op::Rotate(Rotate::Deg270)],
        vec![
            Op::FaceCrop(FaceCrop {
                zoom: decimal("0.5"),
                ratio: None,
            }),
            resize(40, 40, Fit::AspectCrop),
        ],
    ] {
        let image = Around::default().run(&plan(ops.clone()), &source).unwrap();
        let json = Around::default().run(&with(FormatChoice::Json, ops), &source).unwrap();
        assert_eq!(json.size, image.size);
        assert_eq!(json.warnings, image.warnings);
        let value: serde_json::Value = serde_json::from_slice(&json.bytes).unwrap();
        let size = image.size.unwrap();
        assert_eq!(
            (value["width"].as_u64(), value["height"].as_u64()),
            (Some(size.width.into()), Some(size.height.into()))
        );
        assert_eq!(value["original"]["width"], 203);
    }
}

#[test]
fn without_models_faces_are_the_centre_and_the_rest_is_said() {
    let source = png(&smooth(Size::new(100, 50)));
    let face = Op::FaceCrop(FaceCrop {
        zoom: decimal("0.9"),
        ratio: Some(Size::new(20, 20)),
    });
    let by_face = match resize(20, 20, Fit::Cover) {
        Op::Resize(resize) => Op::Resize(calotype_plan::Resize {
            gravity: Gravity::Face,
            ..resize
        }),
        other => other,
    };
    let outcome = Around::default().run(&plan(vec![face, by_face]), &source).unwrap();
    assert_eq!(outcome.warnings, [Warning::FacesNotAvailable]);
    let centre = Around::default()
        .run(&plan(vec![resize(20, 20, Fit::Cover)]), &source)
        .unwrap();
    assert_eq!(outcome.bytes, centre.bytes);

    let generate = match resize(200, 0, Fit::Contain) {
        Op::Resize(resize) => Op::Resize(calotype_plan::Resize {
            upscale: Upscale::Generate,
            ..resize
        }),
        other => other,
    };
    let outcome = Around::default().run(&plan(vec![generate]), &source).unwrap();
    assert_eq!(outcome.warnings, [Warning::GenerateNotAvailable]);
    let plain = Around::default()
        .run(&plan(vec![resize(200, 0, Fit::Contain)]), &source)
        .unwrap();
    assert_eq!(outcome.bytes, plain.bytes);

    let fault = Around::default().run(&plan(vec![Op::Segment]), &source).unwrap_err();
    assert_eq!((fault.code(), fault.status()), (9522, 503));
}

fn overlay(source: DrawSource) -> Op {
    Op::Draw(Box::new(Draw {
        source,
        ops: Vec::new(),
        opacity: decimal("1"),
        repeat: Repeat::No,
        composite: Composite::Over,
        x: None,
        y: None,
    }))
}

#[test]
fn an_overlay_that_fails_fails_the_whole() {
    let source = png(&smooth(Size::new(20, 20)));
    let text = Text {
        text: "hello".into(),
        font: Font::Url("https://a.test/x".into()),
        size: decimal("12"),
        color: Color::BLACK,
    };
    let overlays = HashMap::from([("https://a.test/x".to_owned(), b"no picture".to_vec())]);
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let fault = around
        .run(&plan(vec![overlay(DrawSource::Text(text))]), &source)
        .unwrap_err();
    assert_eq!((fault.code(), fault.status()), (9410, 415));
    let fault = around
        .run(
            &plan(vec![overlay(DrawSource::Url("https://a.test/x".into()))]),
            &source,
        )
        .unwrap_err();
    assert_eq!(fault.code(), 9412);
    let fault = around
        .run(
            &plan(vec![overlay(DrawSource::Url("https://a.test/y".into()))]),
            &source,
        )
        .unwrap_err();
    assert_eq!(fault.code(), 9523);
    assert!(!fault.public_message().contains("a.test"));
}

#[test]
fn quality_one_hundred_makes_webp_lossless() {
    let original = smooth(Size::new(40, 30));
    let output = Output {
        format: FormatChoice::Webp,
        quality: Some(Quality::clamped(100)),
        ..Output::default()
    };
    let outcome = Around::default()
        .run(
            &Plan {
                ops: vec![],
                output,
                ..Plan::default()
            },
            &png(&original),
        )
        .unwrap();
    assert_eq!(unpacked(&outcome.bytes).data(), original.data());
}
