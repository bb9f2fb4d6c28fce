//! Animated sources: the limits on whole animations (spec 9.1, table H), and the still of the first frame.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use calotype_plan::{Fit, FormatChoice, Limits, Output, OutputFormat, Plan, Size, Warning};

use common::{Around, resize, unpacked, with};

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
    };
    let outcome = around.run(&still, &animation(21)).unwrap();
    assert_eq!(
        (outcome.content_type, outcome.size),
        ("image/jpeg", Some(Size::new(5, 3)))
    );
}

#[test]
fn the_first_frame_is_shown() {
    for format in [FormatChoice::Absent, FormatChoice::Webp, FormatChoice::Png] {
        let outcome = Around::default()
            .run(&with(format, vec![resize(10, 0, Fit::ScaleDown)]), &animation(3))
            .unwrap();
        assert!(
            unpacked(&outcome.bytes)
                .data()
                .iter()
                .all(|value| value.abs_diff(80) <= 2),
            "{format:?}"
        );
    }
    let gif = Around::default()
        .run(&with(FormatChoice::Absent, vec![]), &animation(3))
        .unwrap();
    assert_eq!(gif.content_type, "image/gif");
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
        };
        String::from_utf8(Around::default().run(&plan, &animation(3)).unwrap().bytes).unwrap()
    };
    assert!(describe(false).ends_with(r#""format":"image/gif","frames":3}}"#));
    assert!(describe(true).ends_with(r#""format":"image/gif"}}"#));
}
