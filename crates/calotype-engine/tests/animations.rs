//! Animated sources: every frame transformed, the still of the first, the limits on whole animations (spec 9.1, 9.8).

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use calotype_codec::{Budget, Frame, Layout, Loops, Picture, decode_animation, probe};
use calotype_engine::Overlays;
use calotype_plan::{
    Color, ColorTrim, Composite, Draw, DrawSource, Fit, FormatChoice, Limits, Offset, Op, Output, OutputFormat, Plan,
    Repeat, Size, Warning,
};

use common::{Around, decimal, png, resize, unpacked, with};

/// Frames of one grey each, 20x10.
fn animation(frames: u8) -> Vec<u8> {
    let palette: Vec<u8> = (0..4).flat_map(|level: u8| [level * 80; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 20, 10, &palette).unwrap();
    for frame in 0..frames {
        let pixels = vec![(frame + 1) % 4; 200];
        encoder
            .write_frame(&gif::Frame {
                delay: 10,
                width: 20,
                height: 10,
                buffer: pixels.into(),
                ..gif::Frame::default()
            })
            .unwrap();
    }
    drop(encoder);
    bytes
}

/// A bound of 2,000 px on what is transformed, of 4,000 px on what is passed on.
fn small() -> Limits {
    Limits {
        animation_area_px_max: 2_000,
        animation_area_px_refused: 4_000,
        ..Limits::default()
    }
}

#[test]
fn an_animation_over_the_first_limit_is_delivered_unchanged() {
    let around = Around {
        limits: small(),
        ..Around::default()
    };
    let plan = with(FormatChoice::Absent, vec![resize(5, 0, Fit::ScaleDown)]);
    assert_eq!(around.run(&plan, &animation(10)).unwrap().size, Some(Size::new(5, 3)));
    let source = animation(11);
    let outcome = around.run(&plan, &source).unwrap();
    assert_eq!(outcome.bytes, source);
    assert!(outcome.passed_through);
    assert_eq!(outcome.warnings, [Warning::AnimationTooLarge]);
    assert_eq!(
        (outcome.content_type, outcome.format),
        ("image/gif", OutputFormat::Gif { animated: true })
    );
}

#[test]
fn an_animation_over_the_second_limit_is_refused_unless_one_frame_is_wanted() {
    let around = Around {
        limits: small(),
        ..Around::default()
    };
    let ops = vec![resize(5, 0, Fit::ScaleDown)];
    let fault = around
        .run(&with(FormatChoice::Absent, ops.clone()), &animation(21))
        .unwrap_err();
    assert_eq!(fault.code(), 9413);
    assert!(fault.public_message().contains("20x10") && fault.public_message().contains("at most 20 frames"));
    let still = Plan {
        ops,
        output: Output {
            still: true,
            ..Output::default()
        },
        ..Plan::default()
    };
    let outcome = around.run(&still, &animation(21)).unwrap();
    assert_eq!(
        (outcome.content_type, outcome.size),
        ("image/jpeg", Some(Size::new(5, 3)))
    );
}

/// What a file plays: the canvas of every frame, its time in milliseconds, and how often.
fn played(bytes: &[u8]) -> (Vec<(Picture, u128)>, Loops) {
    let limits = Limits::default();
    let header = probe(bytes, &limits).unwrap();
    let animation = decode_animation(bytes, &header, &limits, &Budget::unlimited()).unwrap();
    let loops = animation.loops;
    let frame = |frame: Result<Frame, _>| {
        let frame = frame.unwrap();
        (frame.picture, frame.duration.as_millis())
    };
    (animation.map(frame).collect(), loops)
}

#[test]
fn every_frame_is_transformed_and_keeps_its_time() {
    for (format, mime, tolerance) in [
        (FormatChoice::Absent, "image/gif", 0),
        (FormatChoice::Gif, "image/gif", 0),
        (FormatChoice::Webp, "image/webp", 3),
        // There is no animated AVIF output.
        (FormatChoice::Avif, "image/webp", 3),
    ] {
        let outcome = Around::default()
            .run(&with(format, vec![resize(10, 0, Fit::ScaleDown)]), &animation(3))
            .unwrap();
        assert_eq!(outcome.content_type, mime);
        assert!(outcome.format.is_animated());
        let (frames, loops) = played(&outcome.bytes);
        assert_eq!(loops, Loops::ONCE);
        let times: Vec<u128> = frames.iter().map(|(_, time)| *time).collect();
        assert_eq!(times, [100, 100, 100], "{format:?}");
        for ((picture, _), level) in frames.iter().zip([80u8, 160, 240]) {
            assert_eq!(picture.size(), Size::new(10, 5));
            let pixel = picture.pixel(4, 2).unwrap();
            assert!(
                pixel[0].abs_diff(level) <= tolerance && pixel[3] == 255,
                "{pixel:?} for {level}"
            );
        }
    }
}

#[test]
fn a_format_without_motion_gets_the_first_frame() {
    for format in [FormatChoice::Jpeg, FormatChoice::Png, FormatChoice::BaselineJpeg] {
        let outcome = Around::default()
            .run(&with(format, vec![resize(10, 0, Fit::ScaleDown)]), &animation(3))
            .unwrap();
        assert!(!outcome.format.is_animated());
        let first = unpacked(&outcome.bytes);
        assert!(first.data().iter().all(|value| value.abs_diff(80) <= 1), "{format:?}");
    }
}

#[test]
fn an_animation_that_gains_nothing_is_the_source_itself() {
    let source = animation(3);
    let outcome = Around::default()
        .run(&with(FormatChoice::Absent, vec![]), &source)
        .unwrap();
    // A file this plain cannot be written smaller.
    assert_eq!((outcome.content_type, outcome.passed_through), ("image/gif", true));
    assert_eq!(outcome.bytes, source);
    assert_eq!(outcome.warnings, [Warning::OriginalIsSmaller]);
    // One that goes on for ever too: its loop is no stranger's block.
    let mut endless = source;
    let behind_table = 13 + 4 * 3;
    endless.splice(behind_table..behind_table, *b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    let outcome = Around::default()
        .run(&with(FormatChoice::Absent, vec![]), &endless)
        .unwrap();
    assert_eq!((outcome.passed_through, outcome.bytes), (true, endless));
}

/// Two frames of 12x8: a white square of 4x4 at (2, 2), then one at (6, 3), each on black.
fn wandering() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 12, 8, &[0, 0, 0, 255, 255, 255]).unwrap();
    for (left, top) in [(2, 2), (6, 3)] {
        let pixels: Vec<u8> = (0..96u16)
            .map(|at| u8::from((left..left + 4).contains(&(at % 12)) && (top..top + 4).contains(&(at / 12))))
            .collect();
        encoder
            .write_frame(&gif::Frame {
                delay: 7,
                width: 12,
                height: 8,
                buffer: pixels.into(),
                ..gif::Frame::default()
            })
            .unwrap();
    }
    drop(encoder);
    bytes
}

#[test]
fn what_is_found_on_the_first_frame_is_used_for_all() {
    let trim = Op::TrimColor(ColorTrim {
        color: Some(Color::BLACK),
        tolerance: 10,
        keep: 0,
    });
    let outcome = Around::default()
        .run(&with(FormatChoice::Gif, vec![trim]), &wandering())
        .unwrap();
    let (frames, _) = played(&outcome.bytes);
    let white = |picture: &Picture| {
        let is_white = |x, y| picture.pixel(x, y).unwrap() == [255; 4];
        (0..4)
            .flat_map(|y| (0..4).map(move |x| (x, y)))
            .filter(|&(x, y)| is_white(x, y))
            .count()
    };
    // The box of the first square; of the second square nothing lies in it, for they share no column.
    assert_eq!(frames[0].0.size(), Size::new(4, 4));
    assert_eq!((white(&frames[0].0), white(&frames[1].0)), (16, 0));
}

#[test]
fn an_overlay_lies_on_every_frame_and_is_fetched_once() {
    struct Counted(Vec<u8>, AtomicUsize);
    impl Overlays for Counted {
        fn by_url(&self, _url: &str) -> Option<&[u8]> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Some(&self.0)
        }
    }
    let red = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![255, 0, 0]).unwrap();
    let overlays = Counted(png(&red), AtomicUsize::new(0));
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let draw = Draw {
        source: DrawSource::Url("red".into()),
        ops: vec![],
        opacity: decimal("1"),
        repeat: Repeat::No,
        composite: Composite::Over,
        x: Some(Offset::Start(0)),
        y: Some(Offset::Start(0)),
    };
    let ops = vec![Op::Draw(Box::new(draw))];
    let outcome = around.run(&with(FormatChoice::Gif, ops), &animation(3)).unwrap();
    let (frames, _) = played(&outcome.bytes);
    assert_eq!(frames.len(), 3);
    for ((picture, _), level) in frames.iter().zip([80, 160, 240]) {
        assert_eq!(picture.pixel(0, 0), Some([255, 0, 0, 255]));
        assert_eq!(picture.pixel(1, 0), Some([level, level, level, 255]));
    }
    assert_eq!(overlays.1.load(Ordering::Relaxed), 1);
}

#[test]
fn a_description_counts_the_frames() {
    let describe = |still| {
        let plan = Plan {
            ops: vec![],
            output: Output {
                format: FormatChoice::Json,
                still,
                ..Output::default()
            },
            ..Plan::default()
        };
        String::from_utf8(Around::default().run(&plan, &animation(3)).unwrap().bytes).unwrap()
    };
    assert!(describe(false).ends_with(r#""format":"image/gif","frames":3}}"#));
    assert!(describe(true).ends_with(r#""format":"image/gif"}}"#));
}
