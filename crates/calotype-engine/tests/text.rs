//! Texts as overlays and as what a plan starts from (spec section 8), with fonts that can be reckoned with by hand.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::collections::HashMap;

use calotype_codec::{Budget, Layout, Picture};
use calotype_plan::{
    Background, Color, Composite, Draw, DrawSource, Fault, Fit, Font, FormatChoice, Offset, Op, Output, Plan, Repeat,
    Rotate, Size, Text,
};
use calotype_samples::font::{BoxFont, BoxGlyph, woff};

use common::{Around, decimal, plan, png, resize, unpacked};

const URL: &str = "https://fonts.test/boxes";

/// `A` at 100 px is a picture of 60x100 with a box of ink from 5,10 to 55,80.
fn font() -> BoxFont {
    BoxFont::default().with([
        BoxGlyph::new('A', 600, [50, 0, 550, 700]),
        BoxGlyph::new('█', 1000, [0, -200, 1000, 800]),
    ])
}

fn text(text: &str, size: &str, color: &str) -> Text {
    Text {
        text: text.into(),
        font: Font::Url(URL.into()),
        size: decimal(size),
        color: Color::parse(color).unwrap(),
    }
}

fn draw(text: Text, ops: Vec<Op>, x: Option<Offset>, y: Option<Offset>) -> Draw {
    Draw {
        source: DrawSource::Text(text),
        ops,
        opacity: decimal("1"),
        repeat: Repeat::No,
        composite: Composite::Over,
        x,
        y,
    }
}

fn fonts(file: Vec<u8>) -> HashMap<String, Vec<u8>> {
    HashMap::from([(URL.to_owned(), file)])
}

fn base(size: Size, color: [u8; 3]) -> Vec<u8> {
    let color = [color[0], color[1], color[2], 255];
    png(&Picture::new(size, Layout::Rgb, color, &Budget::unlimited()).unwrap())
}

fn drawn(draw: Draw, size: Size, ground: [u8; 3]) -> Picture {
    let overlays = fonts(font().truetype());
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    around.pixels(vec![Op::Draw(Box::new(draw))], &base(size, ground))
}

/// The box of pixels of another colour than the first: left, top, width, height.
fn inked(picture: &Picture) -> (u32, u32, u32, u32) {
    let ground = picture.pixel(0, 0);
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for y in 0..picture.size().height {
        for x in 0..picture.size().width {
            if picture.pixel(x, y) != ground {
                (left, top) = (left.min(x), top.min(y));
                (right, bottom) = (right.max(x + 1), bottom.max(y + 1));
            }
        }
    }
    (left, top, right - left, bottom - top)
}

#[test]
fn a_text_lies_where_an_image_of_its_size_would() {
    let size = Size::new(200, 160);
    let a = || text("A", "100", "black");
    for (ops, x, y, want) in [
        // Centred: 60x100 on 200x160 begins at 70,30.
        (vec![], None, None, (75, 40, 50, 70)),
        (vec![], Some(Offset::Start(0)), Some(Offset::Start(0)), (5, 10, 50, 70)),
        (vec![], Some(Offset::End(0)), Some(Offset::End(0)), (145, 70, 50, 70)),
        // Turned clockwise: 100x60, the ink from 20,5 to 90,55.
        (
            vec![Op::Rotate(Rotate::Deg90)],
            Some(Offset::Start(0)),
            Some(Offset::Start(0)),
            (20, 5, 70, 50),
        ),
    ] {
        let picture = drawn(draw(a(), ops, x, y), size, [255; 3]);
        assert_eq!(inked(&picture), want);
    }
    // Half as large: nothing beyond 30x50, all ink inside.
    let half = draw(
        a(),
        vec![resize(30, 0, Fit::Contain)],
        Some(Offset::Start(9)),
        Some(Offset::Start(7)),
    );
    let picture = drawn(half, size, [255; 3]);
    let (left, top, width, height) = inked(&picture);
    assert!(left >= 9 && top >= 7 && left + width <= 39 && top + height <= 57);
    assert_eq!(picture.pixel(9 + 15, 7 + 22), Some([0, 0, 0, 255]));
    let tiled = Draw {
        repeat: Repeat::X,
        ..draw(a(), vec![], None, Some(Offset::Start(0)))
    };
    let picture = drawn(tiled, size, [255; 3]);
    // 60 px apart; the last is cut.
    let row: Vec<bool> = (0..200).map(|x| picture.pixel(x, 50) == Some([0, 0, 0, 255])).collect();
    let starts: Vec<usize> = (1..200).filter(|&x| row[x] && !row[x - 1]).collect();
    assert_eq!(starts, [5, 65, 125, 185]);
}

#[test]
fn colour_alpha_and_opacity_count() {
    let half = draw(text("A", "100", "rgb(255 0 0 / 0.5)"), vec![], None, None);
    // 0.5 is 128 of 255: 255 - 128 = 127 of what is below.
    let picture = drawn(half, Size::new(60, 100), [255; 3]);
    assert_eq!(picture.pixel(30, 40), Some([255, 127, 127, 255]));
    let faint = Draw {
        opacity: decimal("0.25"),
        ..draw(text("A", "100", "blue"), vec![], None, None)
    };
    let picture = drawn(faint, Size::new(60, 100), [255; 3]);
    assert_eq!(picture.pixel(30, 40), Some([191, 191, 255, 255]));
    assert_eq!(picture.pixel(2, 40), Some([255, 255, 255, 255]));
}

#[test]
fn edges_have_the_colour_of_the_ink_and_nothing_darker() {
    // White on white stays white, at fractions of pixels, turned and made smaller.
    for (size, ops) in [
        ("33.3", vec![]),
        ("97.7", vec![resize(31, 0, Fit::Contain)]),
        ("50", vec![Op::Blur(decimal("3"))]),
    ] {
        let white = draw(text("AA", size, "white"), ops, None, None);
        let picture = drawn(white, Size::new(120, 100), [255; 3]);
        assert!(picture.data().iter().all(|&v| v == 255), "{size}");
    }
    let picture = drawn(
        draw(text("A", "10", "red"), vec![], None, None),
        Size::new(6, 10),
        [0, 0, 255],
    );
    // The first column of the ink is half covered.
    assert_eq!(picture.pixel(0, 4), Some([128, 0, 127, 255]));
    assert_eq!(picture.pixel(1, 4), Some([255, 0, 0, 255]));
}

#[test]
fn a_plan_may_start_from_a_text_and_draw_on_it() {
    let overlays = fonts(font().truetype());
    let around = Around {
        overlays: &overlays,
        ..Around::default()
    };
    let from = |ops: Vec<Op>, format: FormatChoice| {
        let plan = Plan {
            canvas: Some(text("A", "100", "#102030")),
            ops,
            output: Output {
                format,
                ..Output::default()
            },
        };
        around.run(&plan, b"").unwrap()
    };
    let plain = unpacked(&from(vec![], FormatChoice::PngForce).bytes);
    assert_eq!(plain.size(), Size::new(60, 100));
    assert_eq!(plain.pixel(30, 40), Some([16, 32, 48, 255]));
    assert_eq!(plain.pixel(2, 40).unwrap()[3], 0);
    // JPEG has no alpha: white below.
    let jpeg = unpacked(&from(vec![], FormatChoice::Jpeg).bytes);
    assert!(jpeg.pixel(2, 2).unwrap()[..3].iter().all(|&v| v > 250));
    let raw = from(vec![], FormatChoice::Rgba);
    assert_eq!(raw.bytes.len(), 60 * 100 * 4);

    let white = Color::parse("white").unwrap();
    let small = draw(
        text("█", "10", "lime"),
        vec![],
        Some(Offset::Start(0)),
        Some(Offset::Start(0)),
    );
    let nested = Draw {
        ops: vec![Op::Draw(Box::new(small))],
        ..draw(
            text("█", "20", "red"),
            vec![],
            Some(Offset::End(0)),
            Some(Offset::End(0)),
        )
    };
    let ops = vec![Op::Background(Background(white)), Op::Draw(Box::new(nested))];
    let picture = unpacked(&from(ops, FormatChoice::PngForce).bytes);
    for (x, y, want) in [
        (2, 2, [255, 255, 255, 255]),
        (30, 40, [16, 32, 48, 255]),
        (41, 81, [0, 255, 0, 255]),
        (59, 99, [255, 0, 0, 255]),
        (49, 89, [0, 255, 0, 255]),
        (50, 90, [255, 0, 0, 255]),
    ] {
        assert_eq!(picture.pixel(x, y), Some(want), "{x},{y}");
    }
}

#[test]
fn packed_fonts_draw_the_same() {
    let want = drawn(
        draw(text("A", "40", "black"), vec![], None, None),
        Size::new(60, 60),
        [255; 3],
    );
    for file in [woff(&font().truetype()), font().cff()] {
        let overlays = fonts(file);
        let around = Around {
            overlays: &overlays,
            ..Around::default()
        };
        // Twice with one font, and within a text.
        let twice = |ops| Op::Draw(Box::new(draw(text("A", "40", "black"), ops, None, None)));
        let nested = twice(vec![twice(vec![])]);
        let picture = around.pixels(vec![twice(vec![]), nested], &base(Size::new(60, 60), [255; 3]));
        assert_eq!(picture.data(), want.data());
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_with_its_code() {
    let fault = |file: Vec<u8>, text: Text, limits: fn(&mut calotype_plan::Limits)| -> Fault {
        let overlays = fonts(file);
        let mut around = Around {
            overlays: &overlays,
            ..Around::default()
        };
        limits(&mut around.limits);
        let ops = vec![Op::Draw(Box::new(draw(text, vec![], None, None)))];
        around.run(&plan(ops), &base(Size::new(20, 20), [255; 3])).unwrap_err()
    };
    let plain = || font().truetype();
    let mut cut = woff(&plain());
    cut.truncate(cut.len() - 40);
    let a = || text("A", "20", "black");
    for (file, text, limits, code, status, words) in [
        (
            b"<html>".to_vec(),
            a(),
            (|_| {}) as fn(&mut calotype_plan::Limits),
            9410,
            415,
            "it is no font",
        ),
        (cut, a(), |_| {}, 9410, 422, "damaged"),
        (
            plain(),
            text("AAAA", "2000", "black"),
            |_| {},
            9401,
            400,
            "4800x2000 px large, but at most 4096x4096",
        ),
        (
            plain(),
            a(),
            |limits| limits.font_bytes_max = 100,
            9401,
            400,
            "at most 100 are allowed",
        ),
        (
            plain(),
            text("A", "4000", "black"),
            |limits| limits.job_memory_bytes_max = 1 << 20,
            9413,
            403,
            "",
        ),
    ] {
        let fault = fault(file, text, limits);
        assert_eq!((fault.code(), fault.status()), (code, status), "{fault}");
        assert!(fault.public_message().contains(words), "{fault} does not say {words}");
        assert_eq!(
            fault.public_message().contains(URL),
            code == 9410 || words.contains("allowed"),
            "{fault}"
        );
    }
}

#[test]
fn the_builtin_font_draws_or_says_that_it_is_not_there() {
    let text = Text {
        font: Font::BuiltIn,
        ..text("Grüße, Γειά, Привет", "24", "black")
    };
    let ops = vec![Op::Draw(Box::new(draw(text, vec![], None, None)))];
    let outcome = Around::default().run(&plan(ops), &base(Size::new(400, 60), [255; 3]));
    if !calotype_text::has_builtin_font() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no built-in font; run scripts/playground.sh"
        );
        println!("left out: pixels of the built-in font, for there is none (scripts/playground.sh fetches it)");
        let fault = outcome.unwrap_err();
        assert_eq!((fault.code(), fault.status()), (9401, 400));
        assert!(fault.public_message().contains("font.url"), "{fault}");
        return;
    }
    let picture = unpacked(&outcome.unwrap().bytes);
    let (_, _, width, height) = inked(&picture);
    assert!(
        (200..300).contains(&width) && (20..32).contains(&height),
        "{width}x{height}"
    );
}
