//! Small files, written by the reference encoder cjxl 0.7 from pictures whose pixels are known.

use std::time::Duration;

use calotype_plan::{ImageFormat, Limits, Size};
use jxl_oxide::AllocTracker;

use super::container::Container;
use super::frames::Frames;
use super::head::Head;
use crate::{
    Budget, CodecError, ColorProfile, ColorSource, DecodeRequest, Decoded, Header, Loops, decode, decode_animation,
    probe,
};

/// `cjxl -d 0` of 4x3 RGBA: with v = 21 * (4 * y + x), the pixel is (v, 255 - v, v / 2, 255 - v / 3).
const RGBA: &str = "ff0a1030b0a0b81008081000f0004b188b15525cd6dc9a7b9c3ee444377f6163f58a20e8e301f81e0263a4300149f7fa929efaf3dcdafe\
                    77d6813fbd10093e39aedcfd59e979b0074202";
/// `cjxl -d 0` of 4x3 grey: v as above.
const GRAY: &str = "ff0a103010141702080201005c004b188b15525c0a9c178000840c018e8f10f1ab0fbabb25";
/// `cjxl -d 0` of 3x2 grey in 16 bits, the values 0, 1/5, 2/5 … 1. A container.
const GRAY_16: &str = "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c0a000000296a786c63ff0a0840fc00\
                       c585080201004c004b188b15428a7c204ecc4c66e62e05cc4c6626";
/// `cjxl -d 0` of an animation of 4x3: red, then half transparent green, then blue, for 100, 50 and 200 ms, without end. In
/// frame k the pixel (k, k) is (9, 8, 7, 255).
const ANIMATION: &str = "ff0a1030c1001614970408082099000070004b188b15c209e26d1ee507100ff6610b982000517e2af10da0fe00000808a08c000098004b\
                         188b15c209b2b99bb5e0007be0fae6d836ea0fed2f9de2c40658c60c0580f8537b9ac45f0108082072000064004b188b15c209ca6ea5f0\
                         0388003cdcf207d07f7000acc91f00";
/// As `ANIMATION`, but each frame blends over the last. The first is shown for no time: a layer.
const LAYERS: &str = "ff0a1030c1001614970408082211020070004b188b15c209e26d1ee507100ff6610b982000517e2af10da0fe00000808229132020098004b\
                      188b15c209b2b99bb5e0007be0fae6d836ea0fed2f9de2c40658c60c0580f8537b9ac45f0108082291c8010064004b188b15c209ca6ea5f003\
                      88003cdcf207d07f7000acc91f00";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let (limits, budget) = (Limits::default(), Budget::new(64 << 20));
    let header = probe(bytes, &limits)?;
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert_eq!(budget.held(), decoded.picture.data().len() as u64);
    Ok((header, decoded))
}

#[test]
fn lossless_pixels_come_out_exactly() {
    let (header, decoded) = open(&bytes(RGBA)).unwrap();
    let expected = Header {
        has_alpha: true,
        profile: ColorProfile::Srgb,
        ..Header::new(ImageFormat::Jxl, Size::new(4, 3))
    };
    assert_eq!(
        header,
        Header {
            profile: header.profile.clone(),
            ..expected
        }
    );
    assert_eq!(
        (decoded.scale, &decoded.color, decoded.metadata),
        (1, &ColorSource::Srgb, Default::default())
    );
    for (at, pixel) in (0u8..).zip(decoded.picture.data().chunks(4)) {
        let v = 21 * at;
        assert_eq!(pixel, [v, 255 - v, v / 2, 255 - v / 3], "pixel {at}");
    }
    let (header, decoded) = open(&bytes(GRAY)).unwrap();
    assert!(!header.has_alpha);
    for (at, pixel) in (0u8..).zip(decoded.picture.data().chunks(3)) {
        assert_eq!(pixel, [21 * at; 3], "pixel {at}");
    }
    let (header, decoded) = open(&bytes(GRAY_16)).unwrap();
    assert_eq!((header.size, header.bit_depth), (Size::new(3, 2), 16));
    for (at, pixel) in (0u8..).zip(decoded.picture.data().chunks(3)) {
        assert_eq!(pixel, [51 * at; 3], "pixel {at}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for whole in [bytes(RGBA), bytes(GRAY), bytes(GRAY_16)] {
        for length in 0..whole.len() {
            let error = open(&whole[..length]).unwrap_err();
            assert!(
                matches!(error, CodecError::Corrupt { .. } | CodecError::NotAnImage),
                "{length}: {error}"
            );
        }
        assert!(open(&whole).is_ok());
    }
}

#[test]
fn frames_come_with_their_times() {
    let file = bytes(ANIMATION);
    let (limits, budget) = (Limits::default(), Budget::new(64 << 20));
    let header = probe(&file, &limits).unwrap();
    assert_eq!((header.frames, header.frames_area), (3, 36));
    let animation = decode_animation(&file, &header, &limits, &budget).unwrap();
    assert_eq!(animation.loops, Loops::Forever);
    assert_eq!(animation.color, ColorSource::Srgb);
    let frames: Vec<_> = animation.map(Result::unwrap).collect();
    let colors = [[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 255, 255]];
    let milliseconds = [100, 50, 200];
    assert_eq!(frames.len(), 3);
    for (at, frame) in (0u32..).zip(&frames) {
        assert_eq!(frame.duration, Duration::from_millis(milliseconds[at as usize]));
        for (x, y) in (0..4).flat_map(|x| (0..3).map(move |y| (x, y))) {
            let expected = if (x, y) == (at, at) {
                [9, 8, 7, 255]
            } else {
                colors[at as usize]
            };
            assert_eq!(frame.picture.pixel(x, y), Some(expected), "frame {at}, pixel {x} {y}");
        }
    }
    let (_, still) = open(&file).unwrap();
    assert_eq!(still.picture.data(), frames[0].picture.data());
    drop(frames);
    drop(still);
    assert_eq!(budget.held(), 0);
    // A still picture is an animation of one frame.
    let file = bytes(RGBA);
    let header = probe(&file, &limits).unwrap();
    let still: Vec<_> = decode_animation(&file, &header, &limits, &budget).unwrap().collect();
    assert_eq!(still.len(), 1);
    assert_eq!(still[0].as_ref().unwrap().duration, Duration::ZERO);
}

#[test]
fn an_animation_that_is_cut_plays_what_is_whole() {
    let whole = bytes(ANIMATION);
    let limits = Limits::default();
    let mut played = Vec::new();
    for length in 0..=whole.len() {
        let cut = &whole[..length];
        let Ok(header) = probe(cut, &limits) else { continue };
        let Ok(animation) = decode_animation(cut, &header, &limits, &Budget::new(64 << 20)) else {
            continue;
        };
        let frames: Vec<_> = animation.collect();
        if frames[0].is_err() {
            assert!(frames.len() == 1 && open(cut).is_err(), "{length}");
            continue;
        }
        assert!(frames.iter().all(Result::is_ok), "{length}");
        assert_eq!(frames.len(), header.frames as usize, "{length}");
        played.push(frames.len());
    }
    assert!(played.is_sorted());
    assert_eq!((played.first(), played.last()), (Some(&1), Some(&3)));
}

/// `LAYERS` with its first frame so many times.
fn layers(count: usize) -> Vec<u8> {
    let file = bytes(LAYERS);
    let limits = Limits::default();
    let container = Container::parse(&file, &limits).unwrap();
    let head = Head::read(&container, &limits).unwrap();
    let mut frames = Frames::open(&container, &head, &limits, AllocTracker::with_limit(1 << 20)).unwrap();
    assert_eq!(frames.load(1).unwrap(), 2, "the first helping holds the whole file");
    assert_eq!(frames.image.frame(0).unwrap().header().duration, 0);
    let [first, second] = [0, 1].map(|frame| frames.image.frame_offset(frame).unwrap());
    [&file[..first], &file[first..second].repeat(count), &file[second..]].concat()
}

#[test]
fn layers_make_one_picture_and_are_bounded() {
    let (header, decoded) = open(&layers(1)).unwrap();
    assert_eq!(header.frames, 2);
    // Green of alpha 128 over red, in encoded values: 128 / 255 green and 127 / 255 red.
    assert_eq!(decoded.picture.pixel(3, 0), Some([127, 128, 0, 255]));
    assert_eq!(decoded.picture.pixel(1, 1), Some([9, 8, 7, 255]));
    // One within the other, on the stack of a test: a quarter of what a server's threads have.
    let many = layers(127);
    let (_, decoded) = open(&many).unwrap();
    assert_eq!(decoded.picture.pixel(3, 0), Some([127, 128, 0, 255]));
    assert!(matches!(
        open(&layers(128)).unwrap_err(),
        CodecError::Limit {
            value: 129,
            max: 128,
            ..
        }
    ));
    // 4 x 3 pixels in two layers.
    let limits = Limits {
        animation_area_px_refused: 23,
        source_area_px_max: 12,
        ..Limits::default()
    };
    let file = layers(1);
    let header = probe(&file, &Limits::default()).unwrap();
    let refused = decode(&file, &header, &DecodeRequest::default(), &limits, &Budget::unlimited()).unwrap_err();
    assert!(
        matches!(refused, CodecError::Limit { value: 24, max: 23, .. }),
        "{refused}"
    );
}

#[test]
fn memory_is_charged_before_it_is_taken() {
    let file = bytes(RGBA);
    let limits = Limits::default();
    let header = probe(&file, &limits).unwrap();
    let refused = decode(
        &file,
        &header,
        &DecodeRequest::default(),
        &limits,
        &Budget::new(1 << 20),
    )
    .unwrap_err();
    assert!(matches!(refused, CodecError::Limit { .. }), "{refused}");
    let tight = Limits {
        source_area_px_max: 11,
        ..limits
    };
    let budget = Budget::unlimited();
    assert!(decode(&file, &header, &DecodeRequest::default(), &tight, &budget).is_err());
    assert_eq!(budget.peak(), 0);
}

#[test]
fn a_profile_that_the_library_does_not_find_again_is_damage() {
    // Ten bytes that a fuzzer found: the library is asked for the profile's curve, and ends in a panic of its own.
    let file = bytes("ff0a0f003325 3c3c4833");
    let limits = Limits::default();
    let budget = Budget::new(64 << 20);
    let header = probe(&file, &limits).unwrap();
    let still = decode(&file, &header, &DecodeRequest::default(), &limits, &budget).unwrap_err();
    assert!(matches!(still, CodecError::Corrupt { .. }), "{still:?}");
    let moving = decode_animation(&file, &header, &limits, &budget).unwrap_err();
    assert!(matches!(moving, CodecError::Corrupt { .. }), "{moving:?}");
    assert_eq!(budget.held(), 0);
}
