use super::*;
use crate::gif::{decode, probe};
use crate::{DecodeRequest, Picture};
use calotype_plan::Size;

/// One image of a file that is put together by hand.
#[derive(Clone, Copy)]
struct Image<'a> {
    area: [u16; 4],
    /// Rows as they are stored, one after the other: `K`, `R`, `G`, `B` for black, red, green and blue.
    pixels: &'a str,
    /// The colour that is transparent.
    clear: Option<char>,
    /// The three bits of the disposal method.
    disposal: u8,
    delay_cs: u16,
    interlaced: bool,
    /// Red, green and blue of a table of its own.
    local: Option<[[u8; 3]; 4]>,
}

const fn image(area: [u16; 4], pixels: &str) -> Image<'_> {
    Image {
        area,
        pixels,
        clear: None,
        disposal: 0,
        delay_cs: 0,
        interlaced: false,
        local: None,
    }
}

const COLORS: [[u8; 3]; 4] = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]];

fn index(color: char) -> u8 {
    "KRGB".find(color).unwrap() as u8
}

fn head(screen: [u16; 2]) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend(screen.iter().flat_map(|side| side.to_le_bytes()));
    out.extend([0x81, 0, 0]);
    out.extend(COLORS.as_flattened());
    out
}

fn looped(name: &[u8; 11], repetitions: u16) -> Vec<u8> {
    let [low, high] = repetitions.to_le_bytes();
    [&[0x21, 0xff, 11][..], name, &[3, 1, low, high, 0]].concat()
}

fn block(image: Image<'_>) -> Vec<u8> {
    let mut out = vec![0x21, 0xf9, 4, image.disposal << 2 | u8::from(image.clear.is_some())];
    out.extend(image.delay_cs.to_le_bytes());
    out.extend([image.clear.map_or(0, index), 0, 0x2c]);
    out.extend(image.area.iter().flat_map(|value| value.to_le_bytes()));
    out.push(u8::from(image.interlaced) << 6 | image.local.map_or(0, |_| 0x81));
    out.extend(image.local.iter().flatten().flatten());
    // Codes of 3 bits: a clear code before every two pixels keeps the table from growing, and the end.
    let mut codes = Vec::new();
    for (at, color) in image.pixels.chars().enumerate() {
        if at % 2 == 0 {
            codes.push(4);
        }
        codes.push(index(color));
    }
    codes.push(5);
    let mut bits = codes.iter().flat_map(|code| (0..3).map(move |bit| code >> bit & 1));
    let mut packed = Vec::new();
    while let Some(first) = bits.next() {
        packed.push((1..8).fold(first, |byte, bit| byte | bits.next().unwrap_or(0) << bit));
    }
    out.push(2);
    for part in packed.chunks(255) {
        out.push(part.len() as u8);
        out.extend(part);
    }
    out.push(0);
    out
}

fn file(screen: [u16; 2], images: &[Image<'_>]) -> Vec<u8> {
    let mut out = head(screen);
    for &image in images {
        out.extend(block(image));
    }
    out.push(0x3b);
    out
}

fn open(bytes: &[u8]) -> Result<(Header, Animation<'_>), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let animation = crate::decode_animation(bytes, &header, &limits, &Budget::new(1 << 20))?;
    Ok((header, animation))
}

/// The frames as letters, `.` for transparent, and what ended them.
fn letters(bytes: &[u8]) -> (Vec<String>, Option<CodecError>) {
    let mut shown = Vec::new();
    let animation = match open(bytes) {
        Ok((_, animation)) => animation,
        Err(error) => return (shown, Some(error)),
    };
    for frame in animation {
        match frame {
            Ok(frame) => shown.push(spelled(&frame.picture)),
            Err(error) => return (shown, Some(error)),
        }
    }
    (shown, None)
}

fn spelled(picture: &Picture) -> String {
    let letter = |pixel: &[u8]| match pixel.get(3) {
        Some(0) => '.',
        _ => COLORS
            .iter()
            .position(|color| color == &pixel[..3])
            .map_or('?', |at| char::from(b"KRGB"[at])),
    };
    picture.data().chunks_exact(picture.channels()).map(letter).collect()
}

#[test]
fn every_disposal_method_leaves_what_it_says() {
    // What the third frame stands on: red at the left from the first, and the second's green, nothing, or the red below.
    for (disposal, third) in [
        (0, "RGGK"),
        (1, "RGGK"),
        (2, "R..K"),
        (3, "RRRK"),
        // Browsers take 4 for 3, and know none of the others.
        (4, "RRRK"),
        (5, "RGGK"),
        (6, "RGGK"),
        (7, "RGGK"),
    ] {
        let second = Image {
            disposal,
            ..image([1, 0, 2, 1], "GG")
        };
        let bytes = file([4, 1], &[image([0, 0, 4, 1], "RRRR"), second, image([3, 0, 1, 1], "K")]);
        assert_eq!(
            letters(&bytes),
            (vec!["RRRR".into(), "RGGR".into(), third.into()], None),
            "{disposal}"
        );
    }
}

#[test]
fn the_first_frame_gives_way_to_an_empty_screen() {
    for (disposal, second) in [(1, "RG"), (2, ".G"), (3, ".G")] {
        let first = Image {
            disposal,
            ..image([0, 0, 2, 1], "RR")
        };
        let bytes = file([2, 1], &[first, image([1, 0, 1, 1], "G")]);
        assert_eq!(letters(&bytes).0, ["RR", second], "{disposal}");
    }
}

#[test]
fn transparent_pixels_leave_what_is_below_and_frames_are_cut_to_the_screen() {
    let clear = Image {
        clear: Some('K'),
        ..image([0, 0, 3, 1], "KGK")
    };
    // The third lies across the right end, the fourth outside, the fifth is larger than the screen.
    let bytes = file(
        [3, 1],
        &[
            image([0, 0, 3, 1], "RRR"),
            clear,
            image([2, 0, 2, 1], "BK"),
            image([3, 1, 1, 1], "K"),
            image([0, 0, 4, 2], "KKKRRRRR"),
        ],
    );
    assert_eq!(letters(&bytes).0, ["RRR", "RGR", "RGB", "RGB", "KKK"]);
}

#[test]
fn the_screen_grows_to_hold_the_first_frame_alone() {
    let bytes = file([1, 1], &[image([1, 0, 1, 1], "R"), image([0, 0, 3, 1], "GBG")]);
    assert_eq!(letters(&bytes).0, [".R", "GB"]);
}

#[test]
fn loops_and_durations_are_as_the_file_says_them() {
    let once = file([1, 1], &[image([0, 0, 1, 1], "R")]);
    assert_eq!(open(&once).unwrap().1.loops, Loops::ONCE);
    let times = |n| Loops::Times(NonZeroU32::new(n).unwrap());
    for (name, repetitions, loops) in [
        (b"NETSCAPE2.0", 0, Loops::Forever),
        // Repetitions come after the first run.
        (b"NETSCAPE2.0", 1, times(2)),
        (b"ANIMEXTS1.0", 65_535, times(65_536)),
    ] {
        let mut bytes = [head([1, 1]), looped(name, repetitions)].concat();
        for delay_cs in [7, 0, 65_535] {
            bytes.extend(block(Image {
                delay_cs,
                ..image([0, 0, 1, 1], "R")
            }));
        }
        let (header, animation) = open(&bytes).unwrap();
        assert_eq!((animation.loops, header.frames), (loops, 3));
        let shown: Vec<_> = animation.map(|frame| frame.unwrap().duration.as_millis()).collect();
        assert_eq!(shown, [70, 0, 655_350]);
    }
}

#[test]
fn interlaced_rows_and_palettes_of_frames_are_read() {
    // Rows 0, 4, 2, 1, 3 (GIF89a, appendix E).
    let striped = Image {
        interlaced: true,
        ..image([0, 0, 1, 5], "KRGBR")
    };
    let other = Image {
        local: Some([COLORS[3], COLORS[2], COLORS[1], COLORS[0]]),
        ..image([0, 0, 1, 5], "KRGBB")
    };
    let bytes = file([1, 5], &[striped, other]);
    assert_eq!(letters(&bytes).0, ["KBGRR", "BGRKK"]);
}

#[test]
fn a_later_frame_of_nothing_or_with_too_few_pixels_leaves_what_is_there() {
    let nothing = Image {
        delay_cs: 9,
        ..image([0, 0, 0, 1], "")
    };
    let bytes = file([3, 1], &[image([0, 0, 3, 1], "RRR"), nothing, image([0, 0, 3, 1], "G")]);
    assert_eq!(letters(&bytes).0, ["RRR", "RRR", "GRR"]);
    assert_eq!(
        open(&bytes).unwrap().1.nth(1).unwrap().unwrap().duration.as_millis(),
        90
    );
    // The first frame has to be whole.
    let (shown, error) = letters(&file([3, 1], &[image([0, 0, 3, 1], "R")]));
    assert!(shown.is_empty() && matches!(error, Some(CodecError::Corrupt { .. })));
}

#[test]
fn a_cut_file_shows_the_frames_that_are_whole() {
    let images = [
        image([0, 0, 2, 1], "RR"),
        image([1, 0, 1, 1], "G"),
        image([0, 0, 2, 1], "BB"),
    ];
    let whole = file([2, 1], &images);
    let first = head([2, 1]).len() + block(images[0]).len();
    let second = first + block(images[1]).len();
    let mut seen = [0; 4];
    for length in head([2, 1]).len()..whole.len() {
        let cut = &whole[..length];
        let (shown, error) = letters(cut);
        assert!(["RR", "RG", "BB"].starts_with(&shown.iter().map(String::as_str).collect::<Vec<_>>()));
        // The closing zero of the data, and the padding before it, are not missed.
        assert!(length < first || !shown.is_empty(), "{length}");
        assert!(length < second || shown.len() >= 2, "{length}");
        assert_eq!(
            shown.is_empty(),
            matches!(error, Some(CodecError::Corrupt { .. })),
            "{length}"
        );
        seen[shown.len()] += 1;
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

#[test]
fn a_missing_trailer_and_stray_bytes_do_not_matter() {
    let mut bytes = head([2, 1]);
    bytes.extend([0, 0]);
    bytes.extend(block(image([0, 0, 2, 1], "RR")));
    bytes.extend([0, 7, 0]);
    bytes.extend(block(image([0, 0, 1, 1], "G")));
    assert_eq!(letters(&bytes), (vec!["RR".into(), "GR".into()], None));
}

#[test]
fn damaged_data_ends_the_animation_or_refuses_it() {
    let good = image([0, 0, 2, 1], "RR");
    // A code that no table has yet: 6 right after a clear code.
    let mut broken = block(good);
    let data = broken.len() - 4;
    broken[data..].copy_from_slice(&[2, 4 | 6 << 3, 0, 0]);
    let bytes = [head([2, 1]), block(good), broken.clone(), block(good)].concat();
    assert_eq!(letters(&bytes), (vec!["RR".into()], None));
    let (shown, error) = letters(&[head([2, 1]), broken, block(good)].concat());
    assert!(shown.is_empty() && matches!(error, Some(CodecError::Corrupt { .. })));
}

#[test]
fn only_files_that_can_be_transparent_have_an_alpha_channel() {
    let whole = image([0, 0, 2, 1], "RR");
    let cases = [
        (whole, Layout::Rgb),
        (
            Image {
                clear: Some('K'),
                ..whole
            },
            Layout::Rgba,
        ),
        (Image { disposal: 2, ..whole }, Layout::Rgba),
        (Image { disposal: 3, ..whole }, Layout::Rgba),
        (image([0, 0, 1, 1], "R"), Layout::Rgba),
    ];
    for (first, layout) in cases {
        let bytes = file(
            [2, 1],
            &[
                first,
                Image {
                    clear: Some('K'),
                    ..image([1, 0, 1, 1], "K")
                },
            ],
        );
        for frame in open(&bytes).unwrap().1 {
            assert_eq!(frame.unwrap().picture.layout(), layout);
        }
    }
}

#[test]
fn the_first_frame_is_the_still_picture() {
    let clear = Image {
        clear: Some('G'),
        ..image([0, 0, 2, 1], "RG")
    };
    for first in [clear, image([1, 0, 1, 1], "B"), image([0, 0, 2, 1], "RB")] {
        let bytes = file([2, 1], &[first, image([0, 0, 2, 1], "KK")]);
        let (header, mut animation) = open(&bytes).unwrap();
        let limits = Limits::default();
        let still = decode(
            &bytes,
            &header,
            &DecodeRequest::default(),
            &limits,
            &Budget::unlimited(),
        )
        .unwrap();
        let frame = animation.next().unwrap().unwrap();
        assert_eq!(frame.picture.pixel(0, 0), still.picture.pixel(0, 0));
        assert_eq!(frame.picture.pixel(1, 0), still.picture.pixel(1, 0));
    }
}

#[test]
fn frames_and_memory_have_bounds() {
    let bytes = file(
        [9, 9],
        &[image([0, 0, 9, 9], &"R".repeat(81)), image([0, 0, 1, 1], "G")],
    );
    let header = probe(&bytes, &Limits::default()).unwrap();
    let few = Limits {
        frames_max: 1,
        ..Limits::default()
    };
    let refused = crate::decode_animation(&bytes, &header, &few, &Budget::unlimited()).unwrap_err();
    assert_eq!(refused, CodecError::limit("the number of frames", 2, 1));
    // A frame that is larger than the screen is work that counts.
    let large = file([1, 1], &[image([0, 0, 1, 1], "R"), image([0, 0, 300, 200], "G")]);
    assert_eq!(probe(&large, &Limits::default()).unwrap().frames_area, 1 + 60_000);
    let small = Limits {
        source_area_px_max: 50_000,
        ..Limits::default()
    };
    let header = probe(&large, &small).unwrap();
    let mut frames = crate::decode_animation(&large, &header, &small, &Budget::unlimited()).unwrap();
    assert!(frames.next().unwrap().is_ok());
    assert_eq!(
        frames.next().unwrap().unwrap_err(),
        CodecError::limit("the image's area, in pixels,", 60_000, 50_000)
    );
    assert!(frames.next().is_none());
    // The canvas and a frame of three bytes a pixel do not fit.
    let header = probe(&bytes, &Limits::default()).unwrap();
    let budget = Budget::new(2 * 243 - 1);
    let mut frames = crate::decode_animation(&bytes, &header, &Limits::default(), &budget).unwrap();
    assert!(matches!(frames.next(), Some(Err(CodecError::Limit { .. }))));
    drop(frames);
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_screen_of_nothing_is_refused() {
    let bytes = file([0, 1], &[image([0, 0, 1, 1], "R")]);
    assert_eq!(open(&bytes).map(|_| ()).unwrap_err(), CodecError::Empty);
    let bytes = file([1, 1], &[image([0, 0, 0, 1], ""), image([0, 0, 1, 1], "R")]);
    assert_eq!(open(&bytes).map(|_| ()).unwrap_err(), CodecError::Empty);
    assert_eq!(
        Size::new(1, 1),
        open(&file([1, 1], &[image([0, 0, 1, 1], "R")])).unwrap().0.size
    );
}

#[test]
fn xmp_is_found_wherever_the_walk_over_its_bytes_ends() {
    // Letters of XML are lengths to a reader of sub-blocks; packets of many lengths make it land everywhere on the ramp.
    for length in 0..300 {
        let packet: Vec<u8> = (0..length).map(|at| b" <x:xmpmeta/>"[at % 13]).collect();
        let mut bytes = head([1, 1]);
        bytes.extend([&[0x21, 0xff, 11][..], b"XMP DataXMP", &packet, &[1]].concat());
        bytes.extend((0..=255).rev());
        bytes.push(0);
        bytes.extend(block(image([0, 0, 1, 1], "R")));
        let (header, animation) = open(&bytes).unwrap();
        assert_eq!((header.frames, animation.metadata.xmp), (1, Some(packet)), "{length}");
    }
}
