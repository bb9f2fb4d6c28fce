//! Overlays: where they lie, what is done to them alone (spec section 8, table I).

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::collections::HashMap;

use calotype_codec::{Budget, Layout, Picture};
use calotype_plan::{
    Color, Composite, Draw, DrawSource, Fit, Gravity, Length, Offset, Op, Repeat, Resize, Rotate, Size, Upscale,
};

use common::{Around, decimal, picture, plan, png, resize};

const URL: &str = "https://overlays.test/mark.png";

fn flat(size: Size, color: [u8; 4]) -> Picture {
    let layout = if color[3] == 255 { Layout::Rgb } else { Layout::Rgba };
    Picture::new(size, layout, color, &Budget::unlimited()).unwrap()
}

fn draw(ops: Vec<Op>, x: Option<Offset>, y: Option<Offset>) -> Draw {
    Draw {
        source: DrawSource::Url(URL.into()),
        ops,
        opacity: decimal("1"),
        repeat: Repeat::No,
        composite: Composite::Over,
        x,
        y,
    }
}

fn painted(base: &Picture, overlay: &Picture, draw: Draw) -> Picture {
    let overlays = HashMap::from([(URL.to_owned(), png(overlay))]);
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    around.pixels(vec![Op::Draw(Box::new(draw))], &png(base))
}

/// The box of pixels that are not white: left, top, width, height.
fn inked(picture: &Picture) -> (u32, u32, u32, u32) {
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for y in 0..picture.size().height {
        for x in 0..picture.size().width {
            if picture.pixel(x, y) != Some([255; 4]) {
                (left, top) = (left.min(x), top.min(y));
                (right, bottom) = (right.max(x + 1), bottom.max(y + 1));
            }
        }
    }
    (left, top, right - left, bottom - top)
}

fn share(width: Option<&str>, height: Option<&str>) -> Op {
    let of_base = |text: &str| Length::OfBase(decimal(text));
    Op::Resize(Resize {
        width: width.map(of_base),
        height: height.map(of_base),
        fit: Fit::ScaleDown,
        gravity: Gravity::CENTER,
        upscale: Upscale::Interpolate,
    })
}

#[test]
fn overlays_lie_where_the_specification_says() {
    let base = flat(Size::new(800, 600), [255; 4]);
    let (start, end) = (|px| Some(Offset::Start(px)), |px| Some(Offset::End(px)));
    for (name, size, entry, want) in [
        (
            "I1",
            (400, 200),
            draw(vec![resize(100, 50, Fit::Contain)], end(5), end(5)),
            (695, 545, 100, 50),
        ),
        (
            "I2",
            (400, 200),
            draw(vec![share(None, Some("0.25"))], None, None),
            (250, 225, 300, 150),
        ),
        ("I3", (401, 201), draw(vec![], None, None), (199, 199, 401, 201)),
        ("I4", (400, 200), draw(vec![], start(10), None), (10, 200, 400, 200)),
        (
            "I5",
            (400, 200),
            draw(vec![share(Some("0.1"), None)], start(0), start(0)),
            (0, 0, 80, 40),
        ),
        (
            "I6",
            (100, 100),
            draw(vec![Op::Rotate(Rotate::Deg90)], start(0), end(0)),
            (0, 500, 100, 100),
        ),
        ("I7", (1000, 100), draw(vec![], None, None), (0, 250, 800, 100)),
        (
            "negative",
            (50, 50),
            draw(vec![], start(-20), end(-30)),
            (0, 580, 30, 20),
        ),
    ] {
        let overlay = flat(Size::new(size.0, size.1), [0, 0, 0, 255]);
        assert_eq!(inked(&painted(&base, &overlay, entry)), want, "{name}");
    }
}

#[test]
fn the_first_entry_lies_lowest() {
    let overlays = HashMap::from([
        ("a".to_owned(), png(&flat(Size::new(4, 4), [1, 0, 0, 255]))),
        ("b".to_owned(), png(&flat(Size::new(2, 2), [2, 0, 0, 255]))),
    ]);
    let entry = |url: &str| {
        Op::Draw(Box::new(Draw {
            source: DrawSource::Url(url.into()),
            ..draw(vec![], None, None)
        }))
    };
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let out = around.pixels(vec![entry("a"), entry("b")], &png(&flat(Size::new(6, 6), [255; 4])));
    let at = |x, y| out.pixel(x, y).unwrap()[0];
    assert_eq!((at(0, 0), at(1, 1), at(2, 2), at(3, 3), at(4, 4)), (255, 1, 2, 2, 1));
}

#[test]
fn opacity_multiplies_alpha() {
    let base = flat(Size::new(4, 4), [200, 100, 0, 255]);
    let entry = Draw {
        opacity: decimal("0.25"),
        ..draw(vec![], None, None)
    };
    let out = painted(&base, &flat(Size::new(2, 2), [0, 100, 200, 128]), entry);
    // Alpha 128 / 255 * 0.25 = 0.12549: 200 - 25.098, 100, 25.098.
    assert_eq!(out.pixel(1, 1), Some([175, 100, 25, 255]));
    assert_eq!(out.pixel(0, 0), Some([200, 100, 0, 255]));
}

#[test]
fn operators_change_only_the_box_of_the_overlay() {
    let base = flat(Size::new(4, 4), [200, 100, 0, 255]);
    let overlay = flat(Size::new(2, 2), [0, 100, 200, 51]);
    for (composite, want) in [
        (Composite::Over, [160, 100, 40, 255]),
        (Composite::In, [0, 100, 200, 51]),
        (Composite::Atop, [160, 100, 40, 255]),
        (Composite::Out, [0, 0, 0, 0]),
        (Composite::Xor, [200, 100, 0, 204]),
        (Composite::Lighter, [200, 120, 40, 255]),
    ] {
        let out = painted(
            &base,
            &overlay,
            Draw {
                composite,
                ..draw(vec![], None, None)
            },
        );
        for (x, y) in [(1, 1), (2, 2)] {
            let got = out.pixel(x, y).unwrap();
            // A PNG may forget the colour of what is wholly transparent.
            assert!(got == want || (got[3] == 0 && want[3] == 0), "{composite:?}: {got:?}");
        }
        for (x, y) in [(0, 0), (3, 1), (1, 3), (3, 3)] {
            assert_eq!(out.pixel(x, y), Some([200, 100, 0, 255]), "{composite:?}");
        }
    }
}

#[test]
fn tiles_start_at_the_position_or_at_zero() {
    let base = flat(Size::new(7, 3), [255; 4]);
    let overlay = picture(Size::new(3, 2), false);
    for (repeat, x, want_x) in [
        (Repeat::Both, None, 0),
        (Repeat::Both, Some(Offset::Start(1)), 1),
        (Repeat::X, Some(Offset::End(0)), 4),
    ] {
        let out = painted(
            &base,
            &overlay,
            Draw {
                repeat,
                ..draw(vec![], x, None)
            },
        );
        for y in 0..3_u32 {
            for x in 0..7_u32 {
                let column = (x + 3 - want_x % 3) % 3;
                // `repeat=x` keeps its single place on the other axis: floor((3 - 2) / 2) = 0, two rows.
                let want = match repeat {
                    Repeat::X if y >= 2 => Some([255; 4]),
                    _ => overlay.pixel(column, y % 2),
                };
                assert_eq!(out.pixel(x, y), want, "{repeat:?} {x},{y}");
            }
        }
    }
}

#[test]
fn an_overlay_has_its_own_operations_and_its_own_overlays() {
    let overlays = HashMap::from([
        ("outer".to_owned(), png(&flat(Size::new(40, 40), [10, 0, 0, 255]))),
        ("inner".to_owned(), png(&flat(Size::new(100, 100), [60, 0, 0, 255]))),
    ]);
    // A quarter of the outer overlay, not of the base.
    let inner = Draw {
        source: DrawSource::Url("inner".into()),
        ..draw(
            vec![share(Some("0.25"), None)],
            Some(Offset::Start(0)),
            Some(Offset::Start(0)),
        )
    };
    let ops = vec![Op::Brightness(decimal("2")), Op::Draw(Box::new(inner))];
    let outer = Draw {
        source: DrawSource::Url("outer".into()),
        ..draw(ops, Some(Offset::Start(5)), Some(Offset::Start(5)))
    };
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let out = around.pixels(
        vec![Op::Draw(Box::new(outer))],
        &png(&flat(Size::new(80, 80), [255; 4])),
    );
    let at = |x, y| out.pixel(x, y).unwrap()[0];
    assert_eq!(
        (at(4, 4), at(5, 5), at(14, 14), at(15, 15), at(44, 44), at(45, 45)),
        (255, 60, 60, 20, 20, 255)
    );
    assert_eq!(inked(&out), (5, 5, 40, 40));
}

#[test]
fn overlays_on_overlays_without_end_are_refused() {
    let overlays = HashMap::from([(URL.to_owned(), png(&flat(Size::new(4, 4), [0, 0, 0, 255])))]);
    let nested = |depth: usize| {
        (0..depth).fold(draw(vec![], None, None), |inner, _| {
            draw(vec![Op::Draw(Box::new(inner))], None, None)
        })
    };
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let source = png(&flat(Size::new(4, 4), [255; 4]));
    assert!(around.run(&plan(vec![Op::Draw(Box::new(nested(7)))]), &source).is_ok());
    assert_eq!(
        around
            .run(&plan(vec![Op::Draw(Box::new(nested(8)))]), &source)
            .unwrap_err()
            .code(),
        9401
    );
}

#[test]
fn an_overlay_with_a_background_covers_its_whole_box() {
    let background = Op::Background(calotype_plan::Background(Color {
        r: 0,
        g: 0,
        b: 255,
        a: 255,
    }));
    let overlay = flat(Size::new(4, 4), [255, 0, 0, 0]);
    let out = painted(
        &flat(Size::new(8, 8), [255; 4]),
        &overlay,
        draw(vec![background], None, None),
    );
    assert_eq!(inked(&out), (2, 2, 4, 4));
    assert_eq!(out.pixel(3, 3), Some([0, 0, 255, 255]));
}

#[test]
fn parts_of_a_binding_call_are_overlays_too() {
    struct Parts(Vec<u8>);
    impl calotype_engine::Overlays for Parts {
        fn by_url(&self, _url: &str) -> Option<&[u8]> {
            None
        }

        fn by_part(&self, part: u32) -> Option<&[u8]> {
            (part == 2).then_some(&self.0)
        }
    }
    let parts = Parts(png(&flat(Size::new(2, 2), [0, 0, 0, 255])));
    let around = Around {
        overlays: &parts,
        ..Around::default()
    };
    let source = png(&flat(Size::new(6, 6), [255; 4]));
    let entry = |part| {
        vec![Op::Draw(Box::new(Draw {
            source: DrawSource::Part(part),
            ..draw(vec![], None, None)
        }))]
    };
    assert_eq!(inked(&around.pixels(entry(2), &source)), (2, 2, 2, 2));
    let fault = around.run(&plan(entry(1)), &source).unwrap_err();
    assert_eq!(
        (fault.code(), fault.public_message()),
        (9432, "Bad request: the part draw_1 is missing")
    );
}

#[test]
fn an_svg_overlay_is_drawn_at_the_size_that_it_is_laid_on_with() {
    // Left half red, right half empty: at the right size the edge is sharp, enlarged from 4 pixels it would be soft.
    let logo =
        "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='2'><rect width='2' height='2' fill='red'/></svg>";
    let overlays = HashMap::from([(URL.to_owned(), logo.as_bytes().to_vec())]);
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let entry = Op::Draw(Box::new(draw(
        vec![resize(40, 0, Fit::Contain)],
        Some(Offset::Start(10)),
        Some(Offset::Start(5)),
    )));
    let out = around.pixels(vec![entry], &png(&flat(Size::new(100, 50), [0, 0, 255, 255])));
    for y in 0..50 {
        for x in 0..100 {
            let inside = (10..30).contains(&x) && (5..25).contains(&y);
            let want = if inside { [255, 0, 0, 255] } else { [0, 0, 255, 255] };
            assert_eq!(out.pixel(x, y), Some(want), "at {x}, {y}");
        }
    }
}
