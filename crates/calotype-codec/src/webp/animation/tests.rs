use super::*;
use crate::webp::{encode, probe};
use crate::{ColorSource, OutputMetadata};
use calotype_plan::Size;

const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const HALF: [u8; 4] = [0, 255, 0, 128];
const CLEAR: [u8; 4] = [0; 4];

fn chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = [name, &(payload.len() as u32).to_le_bytes()[..], payload].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

fn u24(n: u32) -> [u8; 3] {
    let [a, b, c, _] = n.to_le_bytes();
    [a, b, c]
}

/// A frame of one row, `left` pixels from the left side (an even number), shown for `ms`. Flags: 1 clears it afterwards, 2
/// replaces what is below.
fn frame(left: u32, ms: u32, flags: u8, pixels: &[[u8; 4]]) -> Vec<u8> {
    let size = Size::new(pixels.len() as u32, 1);
    let picture = Picture::from_raw(size, Layout::Rgba, pixels.concat()).unwrap();
    let file = encode(&picture, 100, true, &OutputMetadata::default(), &Budget::unlimited()).unwrap();
    let head = [u24(left / 2), u24(0), u24(size.width - 1), u24(0), u24(ms)].concat();
    chunk(b"ANMF", &[&head, &[flags][..], &file[12..]].concat())
}

fn file(width: u32, has_alpha: bool, plays: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    let flags = 2 | u8::from(has_alpha) << 4;
    let header = [&[flags, 0, 0, 0][..], &u24(width - 1), &u24(0)].concat();
    let [low, high] = plays.to_le_bytes();
    let mut body = b"WEBP".to_vec();
    body.extend(chunk(b"VP8X", &header));
    // A background that is white, and not used.
    body.extend(chunk(b"ANIM", &[255, 255, 255, 255, low, high]));
    body.extend(parts.concat());
    chunk(b"RIFF", &body)
}

fn open(bytes: &[u8]) -> Result<(Header, Animation<'_>), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let animation = crate::decode_animation(bytes, &header, &limits, &Budget::new(4 << 20))?;
    Ok((header, animation))
}

fn frames(bytes: &[u8]) -> Vec<Vec<[u8; 4]>> {
    let pixels = |frame: Result<Frame, CodecError>| {
        let picture = frame.unwrap().picture.into_rgba(&Budget::unlimited()).unwrap();
        picture.data().as_chunks::<4>().0.to_vec()
    };
    open(bytes).unwrap().1.map(pixels).collect()
}

#[test]
fn frames_are_blended_or_replace_and_stay_or_are_cleared() {
    // 255 * 127/255 of red shines through, 255 * 128/255 of green lies above.
    let blended = [127, 128, 0, 255];
    for (flags, second, third) in [
        (0, blended, blended),
        (1, blended, CLEAR),
        (2, HALF, HALF),
        (3, HALF, CLEAR),
    ] {
        let parts = [
            frame(0, 10, 0, &[RED; 4]),
            frame(2, 20, flags, &[HALF]),
            frame(0, 30, 2, &[GREEN]),
        ];
        assert_eq!(
            frames(&file(4, true, 0, &parts)),
            [vec![RED; 4], vec![RED, RED, second, RED], vec![GREEN, RED, third, RED]],
            "{flags}"
        );
    }
}

#[test]
fn what_no_frame_paints_is_transparent_and_the_background_is_not_used() {
    let parts = [frame(2, 0, 1, &[HALF]), frame(0, 0, 0, &[RED])];
    assert_eq!(
        frames(&file(3, false, 0, &parts)),
        [[CLEAR, CLEAR, HALF], [RED, CLEAR, CLEAR]]
    );
}

#[test]
fn plays_and_durations_are_as_the_file_says_them() {
    for (plays, loops) in [
        (0, Loops::Forever),
        (1, Loops::ONCE),
        (3, Loops::Times(NonZeroU32::new(3).unwrap())),
    ] {
        let parts = [0, 1, 0xff_ffff].map(|ms| frame(0, ms, 0, &[RED]));
        let bytes = file(1, false, plays, &parts);
        let (header, animation) = open(&bytes).unwrap();
        assert_eq!((animation.loops, header.frames), (loops, 3));
        let shown: Vec<u128> = animation.map(|frame| frame.unwrap().duration.as_millis()).collect();
        assert_eq!(shown, [0, 1, 0xff_ffff]);
    }
}

#[test]
fn a_later_frame_that_is_damaged_or_does_not_fit_ends_the_animation() {
    let good = frame(0, 0, 0, &[RED, RED]);
    let mut broken = frame(0, 0, 0, &[GREEN, RED]);
    let signature = 8 + 16 + 8;
    broken[signature] ^= 0xff;
    for bad in [frame(2, 0, 0, &[GREEN]), broken.clone()] {
        let bytes = file(2, false, 0, &[good.clone(), bad, good.clone()]);
        assert_eq!(frames(&bytes), [[RED, RED]]);
    }
    let bytes = file(2, false, 0, &[broken, good]);
    let mut animation = open(&bytes).unwrap().1;
    assert!(matches!(animation.next(), Some(Err(CodecError::Corrupt { .. }))));
    assert!(animation.next().is_none());
}

#[test]
fn a_cut_file_shows_the_frames_that_are_whole() {
    let parts = [frame(0, 0, 0, &[RED, RED]), frame(0, 0, 0, &[GREEN])];
    let whole = file(2, false, 0, &parts);
    let first = whole.len() - parts[1].len();
    for length in first..whole.len() - 1 {
        assert_eq!(frames(&whole[..length]), [[RED, RED]], "{length}");
    }
    for length in 0..first - 1 {
        assert!(open(&whole[..length]).is_err(), "{length}");
    }
}

#[test]
fn opaque_files_have_no_alpha_channel() {
    let whole = |flags| frame(0, 0, flags, &[RED, GREEN]);
    let cases = [
        (file(2, false, 0, &[whole(0), whole(0)]), Layout::Rgb),
        (file(2, true, 0, &[whole(0), whole(0)]), Layout::Rgba),
        (file(2, false, 0, &[whole(1), whole(0)]), Layout::Rgba),
        (
            file(2, false, 0, &[whole(0), frame(0, 0, 0, &[RED, HALF])]),
            Layout::Rgba,
        ),
    ];
    for (bytes, layout) in cases {
        for frame in open(&bytes).unwrap().1 {
            let picture = frame.unwrap().picture;
            assert_eq!((picture.layout(), picture.pixel(0, 0)), (layout, Some(RED)));
        }
    }
}

#[test]
fn profiles_travel_and_stills_are_one_frame() {
    let picture = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![1, 2, 3]).unwrap();
    let metadata = OutputMetadata {
        icc: Some(b"not a profile".to_vec()),
        xmp: Some(b"<x/>".to_vec()),
        ..OutputMetadata::default()
    };
    let bytes = encode(&picture, 100, true, &metadata, &Budget::unlimited()).unwrap();
    let (_, animation) = open(&bytes).unwrap();
    assert_eq!(animation.color, ColorSource::from_icc(b"not a profile".to_vec()));
    assert_eq!(
        (animation.metadata.icc.clone(), animation.metadata.xmp.clone()),
        (metadata.icc, metadata.xmp)
    );
    assert_eq!(frames(&bytes), [[[1, 2, 3, 255]]]);
}

#[test]
fn memory_is_charged_and_given_back() {
    let bytes = file(64, true, 0, &[frame(0, 0, 0, &[RED; 64]), frame(0, 0, 1, &[HALF; 32])]);
    let header = probe(&bytes, &Limits::default()).unwrap();
    let budget = Budget::new(4 << 20);
    let animation = crate::decode_animation(&bytes, &header, &Limits::default(), &budget).unwrap();
    assert_eq!(budget.held(), 256, "the canvas alone");
    assert!(animation.filter(Result::is_ok).count() == 2);
    assert_eq!(budget.held(), 0);
    let small = Budget::new(100_000);
    let mut animation = crate::decode_animation(&bytes, &header, &Limits::default(), &small).unwrap();
    assert!(matches!(animation.next(), Some(Err(CodecError::Limit { .. }))));
}
