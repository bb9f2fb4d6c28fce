//! Where glyphs go and what of them is painted, by fonts that can be reckoned with by hand.

use calotype_samples::font::{BoxFont, BoxGlyph, woff};
use calotype_text::{Setting, TextError, unpack, unpacked_bytes};

/// `A` is a box of 500x700 on the baseline; `g` goes 150 below it; `j` begins 100 left of its place and ends 50 beyond its advance.
fn font() -> BoxFont {
    BoxFont::default().with([
        BoxGlyph::new('A', 600, [50, 0, 550, 700]),
        BoxGlyph::new('g', 500, [0, -150, 500, 500]),
        BoxGlyph::new('j', 200, [-100, -200, 250, 500]),
        BoxGlyph::new('א', 400, [0, 0, 300, 600]),
        BoxGlyph {
            character: Some(' '),
            advance: 250,
            ..BoxGlyph::default()
        },
        BoxGlyph::new('^', 300, [0, 700, 300, 1000]),
    ])
}

fn rendered(font: &[u8], text: &str, size_px: f64) -> Result<(u32, u32, Vec<u8>), TextError> {
    let setting = Setting {
        text,
        font: Some(font),
        size_px,
    };
    let layout = setting.lay_out(&|| false)?;
    let size = layout.size();
    let mut coverage = vec![7; size.area() as usize];
    layout.paint(&mut coverage, &|| false)?;
    Ok((size.width, size.height, coverage))
}

/// Left, top, right and bottom of what is inked.
fn inked((width, _, coverage): &(u32, u32, Vec<u8>)) -> Option<[usize; 4]> {
    let width = *width as usize;
    let inked = || {
        coverage
            .iter()
            .enumerate()
            .filter(|(_, v)| **v > 0)
            .map(|(i, _)| (i % width, i / width))
    };
    Some([
        inked().map(|p| p.0).min()?,
        inked().map(|p| p.1).min()?,
        inked().map(|p| p.0).max()? + 1,
        inked().map(|p| p.1).max()? + 1,
    ])
}

#[test]
fn a_line_is_as_wide_as_its_glyphs_advance_and_as_high_as_its_font() {
    for font in [font().truetype(), font().cff()] {
        for (text, width, height, ink) in [
            ("A", 60, 100, Some([5, 10, 55, 80])),
            ("AA", 120, 100, Some([5, 10, 115, 80])),
            ("g", 50, 100, Some([0, 30, 50, 95])),
            (" ", 25, 100, None),
            // 10 px are added at the left and 5 at the right, so that nothing is cut.
            ("j", 35, 100, Some([0, 30, 35, 100])),
            ("Aj", 85, 100, Some([5, 10, 85, 100])),
            // 20 px are added above.
            ("^A", 90, 120, Some([0, 0, 85, 100])),
            // What the font and the built-in one lack is shown by the font's box.
            ("\u{e123}", 30, 100, Some([10, 30, 20, 80])),
        ] {
            let picture = rendered(&font, text, 100.0).unwrap();
            assert_eq!((picture.0, picture.1, inked(&picture)), (width, height, ink), "{text}");
        }
    }
}

#[test]
fn fractions_of_a_pixel_are_painted_as_such() {
    for font in [font().truetype(), font().cff()] {
        // 10 px: the box is 0.5..5.5 wide and 7 high; the line is 8 + 2 px high, its baseline at 8.
        let (width, height, coverage) = rendered(&font, "A", 10.0).unwrap();
        assert_eq!((width, height), (6, 10));
        for (y, row) in coverage.chunks(6).enumerate() {
            let want = if (1..8).contains(&y) {
                [128, 255, 255, 255, 255, 128]
            } else {
                [0; 6]
            };
            assert_eq!(row, want, "{y}");
        }
        // Glyphs stand where fractions put them: the second at 6.0 and the third at 12.0 of 17.5 px in all.
        let (width, _, coverage) = rendered(&font, "AAA", 10.0).unwrap();
        assert_eq!(width, 18);
        let row: Vec<u8> = coverage.chunks(18).nth(3).unwrap().to_vec();
        assert_eq!(row[..6], row[6..12]);
        assert_eq!(row[..6], row[12..]);
    }
}

#[test]
fn lines_lie_below_each_other_and_those_to_the_left_at_the_right() {
    let font = BoxFont {
        line_gap: 100,
        ..font()
    }
    .truetype();
    let (width, height, coverage) = rendered(&font, "AA\nא\nA", 100.0).unwrap();
    // Three lines of 100 px with 10 px between them.
    assert_eq!((width, height), (120, 320));
    let is_inked = |x: usize, y: usize| coverage[y * 120 + x] == 255;
    assert!(is_inked(5, 79) && !is_inked(4, 79) && !is_inked(5, 80));
    // The second line is 40 px wide and ends at the right: its box is 80..110.
    assert!(is_inked(80, 189) && is_inked(109, 189) && !is_inked(79, 189) && !is_inked(110, 189));
    assert!(is_inked(5, 299) && !is_inked(60, 299));
    assert_eq!(rendered(&font, "A\n\nA\n", 100.0).unwrap().1, 430);
}

#[test]
fn letters_from_right_to_left_stand_in_their_order_among_others() {
    let font = font().truetype();
    // Seen: A, the second and the first letter, A. Advances 60, 40, 40, 60.
    let (width, _, coverage) = rendered(&font, "A\u{5d0} \u{5d0}A", 100.0).unwrap();
    assert_eq!(width, 225);
    let row = &coverage[50 * 225..51 * 225];
    let starts: Vec<usize> = (1..225).filter(|&x| row[x] > 0 && row[x - 1] == 0).collect();
    assert_eq!(starts, [5, 60, 125, 170]);
}

#[test]
fn a_font_may_come_in_four_kinds_of_file() {
    let plain = font().truetype();
    let packed = woff(&plain);
    assert_eq!(unpacked_bytes(&plain), Ok(None));
    assert!(unpacked_bytes(&packed).unwrap().unwrap() > plain.len() as u64);
    let unpacked = unpack(&packed).unwrap();
    let want = rendered(&plain, "Agj", 40.0).unwrap();
    assert_eq!(rendered(&unpacked, "Agj", 40.0).unwrap(), want);
    assert_eq!(rendered(&font().cff(), "Agj", 40.0).unwrap(), want);
    assert_eq!(unpack(&plain), Err(TextError::NotAFont));
}

#[test]
fn a_picture_has_4096_pixels_a_side_at_most() {
    let font = font().truetype();
    let size = |text: &str, size| rendered(&font, text, size).map(|(width, height, _)| (width, height));
    assert_eq!(size("A", 4096.0), Ok((2458, 4096)));
    assert_eq!(size("AA", 3413.0), Ok((4096, 3413)));
    assert_eq!(
        size("AA", 3414.0),
        Err(TextError::TooLarge {
            width: 4097,
            height: 3414
        })
    );
    assert_eq!(
        size("A\nA", 2050.0),
        Err(TextError::TooLarge {
            width: 1230,
            height: 4100
        })
    );
    // However little there is, there is a pixel.
    assert_eq!(size("A", 0.000_001), Ok((1, 1)));
    assert_eq!(size("\u{200b}", 0.1), Ok((1, 1)));
}

#[test]
fn glyphs_that_are_made_of_glyphs_without_end_are_refused() {
    // Every glyph is two of the one before: the last is a million boxes.
    let doubled = (1..22).map(|number| BoxGlyph {
        character: (number == 21).then_some('A'),
        advance: 600,
        components: if number < 21 { vec![number - 1; 2] } else { vec![20; 2] },
        ..BoxGlyph::default()
    });
    let bomb = BoxFont::default().with(doubled).truetype();
    assert!(matches!(rendered(&bomb, "A", 20.0), Err(TextError::TooComplex(_))));
    let itself = BoxFont::default().with([BoxGlyph {
        character: Some('A'),
        advance: 600,
        components: vec![1],
        ..BoxGlyph::default()
    }]);
    assert!(matches!(
        rendered(&itself.truetype(), "A", 20.0),
        Err(TextError::TooComplex(_))
    ));
}

#[test]
fn programs_that_call_programs_without_end_draw_nothing() {
    // Ten levels, each calling the next a thousand times: 10^30 calls. A call is its number less the bias of 107, and callgsubr.
    let call = |number: u8| [139 - 107 + number, 29].repeat(1000);
    let mut subroutines: Vec<Vec<u8>> = (1..9).map(call).collect();
    subroutines.push(vec![11]);
    let font = BoxFont::default().with([BoxGlyph::new('A', 600, [0, 0, 1, 1])]);
    let bomb = font.cff_of(&[vec![14], [call(0), vec![14]].concat()], &subroutines);
    let picture = rendered(&bomb, "A", 20.0).unwrap();
    assert_eq!((picture.0, picture.1, inked(&picture)), (12, 20, None));
    // A few calls are what they should be.
    let box_of_500 = [28, 1, 244, 6, 28, 2, 188, 7, 28, 254, 12, 6].to_vec();
    let program = [vec![28, 0, 50, 139, 21], vec![32, 29], vec![14]].concat();
    let good = font.cff_of(&[vec![14], program], &[box_of_500]);
    let picture = rendered(&good, "A", 100.0).unwrap();
    assert_eq!(inked(&picture), Some([5, 10, 55, 80]));
}

#[test]
fn what_is_late_ends() {
    let font = font().truetype();
    let setting = Setting {
        text: "AAA",
        font: Some(&font),
        size_px: 20.0,
    };
    assert_eq!(setting.lay_out(&|| true).map(|_| ()), Err(TextError::Late));
    let layout = setting.lay_out(&|| false).unwrap();
    let mut coverage = vec![0; layout.size().area() as usize];
    assert_eq!(layout.paint(&mut coverage, &|| true), Err(TextError::Late));
}

#[test]
fn what_is_no_font_says_so() {
    for bytes in [&b""[..], b"<html>", b"\x89PNG\r\n\x1a\n0123456789", b"wOFFx"] {
        let error = rendered(bytes, "A", 20.0).unwrap_err();
        assert_eq!(error, TextError::NotAFont);
    }
    // A font without outlines, and one without a head.
    let cut = |tag: &[u8; 4]| {
        let mut font = font().truetype();
        let at = (12..200).find(|&at| font[at..].starts_with(tag)).unwrap();
        font[at..at + 4].copy_from_slice(b"none");
        rendered(&font, "A", 20.0).unwrap_err()
    };
    assert_eq!(cut(b"glyf"), TextError::Unsupported("it has no outlines"));
    assert_eq!(cut(b"head"), TextError::Broken("the table head is missing"));
}
