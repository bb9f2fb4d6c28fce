//! Operations that move pixels and do not mix them: exact to the bit, in every order, for every EXIF orientation.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use calotype_codec::{Budget, EncodeRequest, Layout, OutputMetadata, Picture, encode};
use calotype_plan::{BorderWidths, Color, Edge, Fit, Flip, Op, Orientation, Rect, Rotate, Size, TrimBox};

use common::{Around, difference, exif_with_orientation, jpeg, picture, png, resize, smooth, unpacked};

/// The picture whose pixel at `x`, `y` is that of `from` where `at` says.
fn mapped(from: &Picture, size: Size, at: impl Fn(u32, u32) -> (u32, u32)) -> Picture {
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let (x, y) = at(x, y);
            data.extend_from_slice(&from.pixel(x, y).unwrap()[..from.channels()]);
        }
    }
    Picture::from_raw(size, from.layout(), data).unwrap()
}

fn flipped(from: &Picture, x: bool, y: bool) -> Picture {
    let (right, bottom) = (from.size().width - 1, from.size().height - 1);
    mapped(from, from.size(), |px, py| {
        (if x { right - px } else { px }, if y { bottom - py } else { py })
    })
}

fn quarter_turn(from: &Picture) -> Picture {
    // Clockwise: the left column, read upwards, becomes the top row.
    let bottom = from.size().height - 1;
    mapped(from, from.size().swapped(), |x, y| (y, bottom - x))
}

fn cropped(from: &Picture, rect: Rect) -> Picture {
    mapped(from, rect.size(), |x, y| (x + rect.left, y + rect.top))
}

/// What an operation does, one pixel after the other.
fn slow(op: &Op, from: &Picture) -> Picture {
    match op {
        Op::Trim(trim) => cropped(from, trim.cut(from.size()).unwrap()),
        Op::Flip(flip) => flipped(
            from,
            matches!(flip, Flip::Horizontal | Flip::Both),
            matches!(flip, Flip::Vertical | Flip::Both),
        ),
        Op::Rotate(Rotate::Deg90) => quarter_turn(from),
        Op::Rotate(Rotate::Deg180) => quarter_turn(&quarter_turn(from)),
        Op::Rotate(Rotate::Deg270) => quarter_turn(&quarter_turn(&quarter_turn(from))),
        _ => unreachable!("only geometry is tested here"),
    }
}

/// The upright picture, as EXIF 2.32 defines each orientation by row 0 and column 0.
fn upright(stored: &Picture, orientation: u8) -> Picture {
    match orientation {
        1 => flipped(stored, false, false),
        2 => flipped(stored, true, false),
        3 => flipped(stored, true, true),
        4 => flipped(stored, false, true),
        5 => flipped(&quarter_turn(stored), true, false),
        6 => quarter_turn(stored),
        7 => flipped(&quarter_turn(stored), false, true),
        _ => quarter_turn(&quarter_turn(&quarter_turn(stored))),
    }
}

fn trims() -> Op {
    Op::Trim(TrimBox {
        left: Some(Edge::Px(3)),
        top: Some(Edge::Px(2)),
        right: Some(Edge::Px(1)),
        bottom: Some(Edge::Px(4)),
        ..TrimBox::default()
    })
}

fn chains() -> Vec<Vec<Op>> {
    vec![
        vec![],
        vec![trims()],
        vec![Op::Flip(Flip::Horizontal)],
        vec![Op::Flip(Flip::Vertical), Op::Rotate(Rotate::Deg90)],
        vec![trims(), Op::Flip(Flip::Both), Op::Rotate(Rotate::Deg270), trims()],
        vec![
            Op::Rotate(Rotate::Deg180),
            trims(),
            Op::Rotate(Rotate::Deg90),
            trims(),
            Op::Flip(Flip::Horizontal),
        ],
    ]
}

#[test]
fn cuts_and_turns_are_exact_in_every_order() {
    for alpha in [false, true] {
        let original = picture(Size::new(23, 17), alpha);
        let source = png(&original);
        for ops in chains() {
            let want = ops
                .iter()
                .fold(original.duplicate(&Budget::unlimited()).unwrap(), |from, op| {
                    slow(op, &from)
                });
            let got = Around::default().pixels(ops.clone(), &source);
            assert_eq!(difference(&got, &want), 0, "{ops:?}");
        }
    }
}

/// A JPEG with an orientation, and the pixels that a decoder sees in it.
fn oriented(original: &Picture, orientation: u8) -> (Vec<u8>, Picture) {
    let metadata = OutputMetadata {
        exif: Some(exif_with_orientation(orientation)),
        ..OutputMetadata::default()
    };
    let request = EncodeRequest::Jpeg {
        quality: 95,
        progressive: false,
    };
    let source = encode(original, &request, &metadata, &Budget::unlimited()).unwrap();
    let stored = unpacked(&source);
    (source, stored)
}

#[test]
fn every_exif_orientation_equals_turning_first() {
    for orientation in 1..=8 {
        let (source, stored) = oriented(&smooth(Size::new(29, 19)), orientation);
        let turned = upright(&stored, orientation);
        for ops in chains() {
            let want = ops
                .iter()
                .fold(turned.duplicate(&Budget::unlimited()).unwrap(), |from, op| {
                    slow(op, &from)
                });
            let got = Around::default().pixels(ops.clone(), &source);
            assert_eq!(got.size(), want.size());
            assert_eq!(difference(&got, &want), 0, "orientation {orientation} {ops:?}");
        }
    }
}

#[test]
fn a_resize_of_what_is_still_to_be_turned_equals_one_of_what_was_turned() {
    for orientation in 1..=8 {
        let (source, stored) = oriented(&smooth(Size::new(64, 48)), orientation);
        let turned = png(&upright(&stored, orientation));
        for resizing in [
            resize(21, 0, Fit::ScaleDown),
            resize(20, 20, Fit::Cover),
            resize(90, 71, Fit::Squeeze),
            resize(10, 90, Fit::Squeeze),
        ] {
            for mut ops in chains() {
                ops.push(resizing.clone());
                let lazy = Around::default().pixels(ops.clone(), &source);
                let eager = Around::default().pixels(ops.clone(), &turned);
                assert_eq!(lazy.size(), eager.size());
                // The resampler rounds to 8 bits between its two passes, and a quarter turn exchanges them. Each result is within 0.5 * 1.3 (the
                // sum of the filter's absolute weights) + 0.5 of the exact one, so two of them differ by 2 at most.
                assert!(difference(&lazy, &eager) <= 2, "orientation {orientation} {ops:?}");
            }
        }
    }
}

#[test]
fn a_scaled_decode_lands_where_a_full_decode_does() {
    // Odd sizes, so that the scaled picture has a column that stands for a part of eight.
    for (width, height) in [(1203, 907), (1001, 1003), (1607, 1209)] {
        let source = jpeg(&smooth(Size::new(width, height)), 95);
        let full = png(&unpacked(&source));
        for target in [60, 75, 100, 151, 300, 400] {
            for before in [vec![], vec![trims()], vec![Op::Rotate(Rotate::Deg90), trims()]] {
                for fit in [Fit::ScaleDown, Fit::Cover] {
                    let mut ops = before.clone();
                    ops.push(resize(target, target, fit));
                    let scaled = Around::default().pixels(ops.clone(), &source);
                    let exact = Around::default().pixels(ops, &full);
                    // A shift by half a pixel of the result would be off by ten and more here: the waves change by up to 12 levels a pixel at 100 px.
                    let off = difference(&scaled, &exact);
                    assert!(off <= 4, "{width}x{height} to {target} {fit:?}: {off}");
                }
            }
        }
    }
}

#[test]
fn what_was_trimmed_away_does_not_bleed_in() {
    // A red frame of 8 px around grey.
    let mut original = Picture::new(Size::new(96, 80), Layout::Rgb, [255, 0, 0, 0], &Budget::unlimited()).unwrap();
    for row in original.rows_mut().skip(8).take(64) {
        row[8 * 3..88 * 3].fill(128);
    }
    let px = Some(Edge::Px(8));
    let trim = Op::Trim(TrimBox {
        left: px,
        top: px,
        right: px,
        bottom: px,
        ..TrimBox::default()
    });
    for to in [
        resize(31, 0, Fit::Contain),
        resize(200, 0, Fit::Contain),
        resize(20, 20, Fit::Cover),
    ] {
        let out = Around::default().pixels(vec![trim.clone(), to], &png(&original));
        assert!(out.data().iter().all(|&v| v == 128));
    }
}

#[test]
fn a_frame_that_was_trimmed_away_leaves_no_line_in_a_scaled_decode() {
    // Light grey to the very edge of the frame, which is on the grid of the blocks of eight, on that of four, or on none.
    for frame in [16, 20, 21, 31] {
        let size = Size::new(800, 600);
        let mut original = Picture::new(size, Layout::Rgb, [0; 4], &Budget::unlimited()).unwrap();
        let (start, end) = (frame as usize * 3, (800 - frame) as usize * 3);
        for row in original
            .rows_mut()
            .skip(frame as usize)
            .take((600 - 2 * frame) as usize)
        {
            row[start..end].fill(200);
        }
        let px = Some(Edge::Px(frame));
        let trim = Op::Trim(TrimBox {
            left: px,
            top: px,
            right: px,
            bottom: px,
            ..TrimBox::default()
        });
        let source = jpeg(&original, 100);
        for width in [40, 90, 180] {
            let out = Around::default().pixels(vec![trim.clone(), resize(width, 0, Fit::Contain)], &source);
            let off = out.data().iter().map(|v| v.abs_diff(200)).max().unwrap();
            assert!(off <= 8, "frame {frame} to {width}: {off}");
        }
    }
}

#[test]
fn colour_does_not_bleed_out_of_transparent_pixels() {
    // Transparent green beside opaque grey: premultiplied, no green ever shows.
    let mut original = Picture::new(Size::new(40, 40), Layout::Rgba, [0, 255, 0, 0], &Budget::unlimited()).unwrap();
    for row in original.rows_mut() {
        for pixel in row[20 * 4..].chunks_exact_mut(4) {
            pixel.copy_from_slice(&[100, 100, 100, 255]);
        }
    }
    for ops in [
        vec![resize(13, 0, Fit::Contain)],
        vec![resize(100, 0, Fit::Contain)],
        vec![Op::Blur(common::decimal("3"))],
        vec![Op::Blur(common::decimal("20"))],
        vec![Op::Sharpen(common::decimal("2"))],
    ] {
        let out = Around::default().pixels(ops.clone(), &png(&original));
        for pixel in out.data().chunks_exact(4).filter(|pixel| pixel[3] > 16) {
            assert!(pixel[..3].iter().all(|v| v.abs_diff(100) <= 8), "{ops:?}: {pixel:?}");
        }
    }
}

#[test]
fn a_size_that_stays_is_not_resampled() {
    let original = picture(Size::new(33, 21), false);
    for op in [
        resize(33, 21, Fit::Squeeze),
        resize(99, 0, Fit::ScaleDown),
        resize(0, 21, Fit::Contain),
    ] {
        assert_eq!(
            Around::default().pixels(vec![op], &png(&original)).data(),
            original.data()
        );
    }
    let cut = Around::default().pixels(vec![resize(10, 99, Fit::Crop)], &png(&original));
    // rhu((33 - 10) / 2) = 12
    assert_eq!(cut.data(), cropped(&original, Rect::new(12, 0, 10, 21)).data());
}

#[test]
fn a_frame_and_a_canvas_surround_the_picture() {
    let original = picture(Size::new(10, 6), false);
    let color = Color {
        r: 1,
        g: 2,
        b: 3,
        a: 255,
    };
    let frame = BorderWidths {
        top: 1,
        right: 2,
        bottom: 3,
        left: 4,
        color,
    };
    let out = Around::default().pixels(vec![Op::Border(frame)], &png(&original));
    assert_eq!(out.size(), Size::new(16, 10));
    for y in 0..10 {
        for x in 0..16 {
            let inside = (4..14).contains(&x) && (1..7).contains(&y);
            let want = if inside {
                original.pixel(x - 4, y - 1)
            } else {
                Some([1, 2, 3, 255])
            };
            assert_eq!(out.pixel(x, y), want);
        }
    }
    // 10x6 on 10x11: placed at floor(5 / 2) = 2; the canvas is white without a background, else of that colour.
    let pad = resize(10, 11, Fit::Pad);
    let background = Op::Background(calotype_plan::Background(color));
    for (ops, want) in [
        (vec![pad.clone()], [255; 4]),
        (vec![pad.clone(), background], [1, 2, 3, 255]),
    ] {
        let out = Around::default().pixels(ops, &png(&original));
        assert_eq!((out.pixel(0, 1), out.pixel(0, 8)), (Some(want), Some(want)));
        assert_eq!(
            (out.pixel(0, 2), out.pixel(9, 7)),
            (original.pixel(0, 0), original.pixel(9, 5))
        );
    }
    // A translucent background leaves the canvas translucent.
    let half = Op::Background(calotype_plan::Background(Color {
        r: 9,
        g: 9,
        b: 9,
        a: 100,
    }));
    let out = Around::default().pixels(vec![pad, half], &png(&original));
    assert_eq!(
        (out.pixel(0, 0), out.pixel(0, 2)),
        (Some([9, 9, 9, 100]), original.pixel(0, 0))
    );
}

#[test]
fn orientations_are_all_different() {
    // So that the tests above cannot pass by an accident of symmetry.
    let original = picture(Size::new(5, 5), false);
    let all: Vec<_> = (1..=8).map(|value| upright(&original, value).into_raw()).collect();
    for (index, a) in all.iter().enumerate() {
        assert!(all.iter().skip(index + 1).all(|b| a != b));
        assert_eq!(
            u8::try_from(index + 1).unwrap(),
            Orientation::from_exif(u32::try_from(index + 1).unwrap()).to_exif()
        );
    }
}
