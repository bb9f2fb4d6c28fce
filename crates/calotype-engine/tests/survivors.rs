//! What of the source survives: its bytes where nothing is gained, its metadata where the policy keeps it (spec 9.3, 9.5).

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use calotype_codec::{Budget, DecodeRequest, EncodeRequest, Layout, OutputMetadata, Picture, decode, encode, probe};
use calotype_plan::{
    AcceptedFormats, BorderWidths, Color, Fit, Flip, FormatChoice, Limits, Metadata, Op, Output, Plan, Size, Warning,
};

use common::{Around, exif_with_orientation, jpeg, resize, smooth, with};

#[test]
fn what_gains_nothing_is_sent_as_it_was() {
    let poor = jpeg(&smooth(Size::new(300, 200)), 20);
    let run = |plan: &Plan, source: &[u8]| Around::default().run(plan, source).unwrap();
    let absent = with(FormatChoice::Absent, vec![]);
    let outcome = run(&absent, &poor);
    assert!(outcome.passed_through);
    assert_eq!(outcome.bytes, poor);
    assert_eq!(outcome.warnings, [Warning::OriginalIsSmaller]);
    // An operation that changes nothing does not count.
    assert!(run(&with(FormatChoice::Jpeg, vec![resize(9_999, 0, Fit::ScaleDown)]), &poor).passed_through);
    // One that does, another format, a gain, or metadata and turning that would be lost: encoded.
    assert!(!run(&with(FormatChoice::Jpeg, vec![resize(299, 0, Fit::ScaleDown)]), &poor).passed_through);
    assert!(!run(&with(FormatChoice::Jpeg, vec![Op::Flip(Flip::Horizontal)]), &poor).passed_through);
    assert!(!run(&with(FormatChoice::Webp, vec![]), &poor).passed_through);
    assert!(!run(&with(FormatChoice::BaselineJpeg, vec![]), &poor).passed_through);
    assert!(!run(&absent, &jpeg(&smooth(Size::new(300, 200)), 99)).passed_through);
    let metadata = OutputMetadata {
        exif: Some(exif_with_orientation(6)),
        ..OutputMetadata::default()
    };
    let request = EncodeRequest::Jpeg {
        quality: 20,
        progressive: false,
    };
    let turned = encode(&smooth(Size::new(300, 200)), &request, &metadata, &Budget::unlimited()).unwrap();
    let outcome = run(&absent, &turned);
    assert!(!outcome.passed_through);
    assert_eq!(outcome.size, Some(Size::new(200, 300)));
}

#[test]
fn what_gains_nothing_loses_its_private_metadata_and_no_pixel() {
    // The maker's name, and the copyright "me".
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend_from_slice(&[0x0f, 1, 2, 0, 4, 0, 0, 0, b'S', b'P', b'Y', 0]);
    exif.extend_from_slice(&[0x98, 0x82, 2, 0, 3, 0, 0, 0, b'm', b'e', 0, 0]);
    exif.extend_from_slice(&[0; 4]);
    let metadata = OutputMetadata {
        exif: Some(exif),
        xmp: Some(b"<x:xmpmeta>SPY</x:xmpmeta>".to_vec()),
        ..OutputMetadata::default()
    };
    let jpeg = EncodeRequest::Jpeg {
        quality: 20,
        progressive: false,
    };
    let poor = encode(&smooth(Size::new(300, 200)), &jpeg, &metadata, &Budget::unlimited()).unwrap();
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(&poor, b"SPY"));
    for (policy, has_copyright) in [(Metadata::Copyright, true), (Metadata::None, false)] {
        let mut plan = with(FormatChoice::Jpeg, vec![]);
        plan.output.metadata = policy;
        let outcome = Around::default().run(&plan, &poor).unwrap();
        assert_eq!(outcome.warnings, [Warning::OriginalIsSmaller]);
        assert!(!outcome.passed_through && outcome.bytes.len() < poor.len());
        assert_eq!(common::unpacked(&outcome.bytes).data(), common::unpacked(&poor).data());
        assert!(!holds(&outcome.bytes, b"SPY"));
        assert_eq!(holds(&outcome.bytes, b"me\0"), has_copyright);
    }
}

#[test]
fn a_webp_is_only_sent_as_it_was_where_webp_was_negotiated() {
    let request = EncodeRequest::Webp {
        quality: 10,
        lossless: false,
    };
    let source = encode(
        &smooth(Size::new(300, 200)),
        &request,
        &OutputMetadata::default(),
        &Budget::unlimited(),
    )
    .unwrap();
    let accepted = AcceptedFormats {
        avif: false,
        webp: true,
    };
    let run = |format| {
        Around {
            accepted,
            ..Around::default()
        }
        .run(&with(format, vec![]), &source)
        .unwrap()
    };
    assert!(run(FormatChoice::Auto).passed_through);
    assert_eq!(run(FormatChoice::Absent).content_type, "image/jpeg");
}

#[test]
fn metadata_follows_the_policy() {
    // Copyright "me", and an orientation of 1.
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend_from_slice(&[0x12, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    exif.extend_from_slice(&[0x98, 0x82, 2, 0, 3, 0, 0, 0, b'm', b'e', 0, 0]);
    exif.extend_from_slice(&[0; 4]);
    let metadata = OutputMetadata {
        exif: Some(exif),
        xmp: Some(b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>".to_vec()),
        ..OutputMetadata::default()
    };
    let request = EncodeRequest::Jpeg {
        quality: 90,
        progressive: false,
    };
    let source = encode(&smooth(Size::new(200, 100)), &request, &metadata, &Budget::unlimited()).unwrap();
    let run = |metadata: Metadata, format: FormatChoice| {
        let output = Output {
            metadata,
            format,
            ..Output::default()
        };
        let plan = Plan {
            ops: vec![resize(100, 0, Fit::ScaleDown)],
            output,
            ..Plan::default()
        };
        Around::default().run(&plan, &source).unwrap().bytes
    };
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let none = run(Metadata::None, FormatChoice::Jpeg);
    assert!(!has(&none, b"Exif") && !has(&none, b"xmpmeta"));
    let copyright = run(Metadata::Copyright, FormatChoice::Jpeg);
    assert!(has(&copyright, b"Exif") && has(&copyright, b"me\0") && !has(&copyright, b"xmpmeta"));
    let keep = run(Metadata::Keep, FormatChoice::Jpeg);
    assert!(has(&keep, b"Exif") && has(&keep, b"xmpmeta"));
    let webp = run(Metadata::Copyright, FormatChoice::Webp);
    assert!(!has(&webp, b"EXIF"));
}

#[test]
fn a_wide_gamut_is_converted_unless_its_profile_is_kept() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let metadata = OutputMetadata {
        icc: Some(profile.clone()),
        ..OutputMetadata::default()
    };
    let request = EncodeRequest::Png {
        palette: calotype_codec::PaletteUse::Never,
        fast: true,
        quality: 85,
    };
    let original = Picture::new(Size::new(8, 8), Layout::Rgb, [200, 60, 60, 0], &Budget::unlimited()).unwrap();
    let source = encode(&original, &request, &metadata, &Budget::unlimited()).unwrap();
    let run = |policy: Metadata, ops: Vec<Op>| {
        let output = Output {
            metadata: policy,
            format: FormatChoice::PngForce,
            ..Output::default()
        };
        let bytes = Around::default()
            .run(
                &Plan {
                    ops,
                    output,
                    ..Plan::default()
                },
                &source,
            )
            .unwrap()
            .bytes;
        let limits = Limits::default();
        let header = probe(&bytes, &limits).unwrap();
        let decoded = decode(
            &bytes,
            &header,
            &DecodeRequest::default(),
            &limits,
            &Budget::unlimited(),
        )
        .unwrap();
        (decoded.picture.pixel(0, 0).unwrap(), decoded.metadata.icc)
    };
    let small = || vec![resize(4, 0, Fit::ScaleDown)];
    // Display P3 (200, 60, 60) is (217.5, 41.6, 52.3) in sRGB: NumPy, with the matrices of both spaces and the curve of IEC 61966-2-1.
    let (converted, none) = run(Metadata::Copyright, small());
    assert_eq!(none, None);
    for (got, want) in converted.into_iter().zip([217, 42, 52, 255_u8]) {
        assert!(got.abs_diff(want) <= 1, "{converted:?}");
    }
    assert_eq!(run(Metadata::Keep, small()), ([200, 60, 60, 255], Some(profile)));
    // A colour of the options is sRGB, so the picture has to be.
    let border = BorderWidths {
        top: 0,
        right: 1,
        bottom: 0,
        left: 0,
        color: Color::BLACK,
    };
    assert_eq!(run(Metadata::Keep, vec![Op::Border(border)]), (converted, None));
}
