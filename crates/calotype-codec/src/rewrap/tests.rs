use calotype_plan::{ImageFormat, Limits, Size};

use super::rewrap;
use crate::{Budget, DecodeRequest, EncodeRequest, Layout, OutputMetadata, Picture, decode, encode, probe};

const CANARY: &[u8] = b"canary-in-a-coal-mine";

fn picture(layout: Layout) -> Picture {
    let samples = (0..24 * 16 * layout.channels())
        .map(|at| (at * 37 % 251) as u8)
        .collect();
    Picture::from_raw(Size::new(24, 16), layout, samples).unwrap()
}

fn private() -> OutputMetadata {
    OutputMetadata {
        exif: Some([b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0", CANARY].concat()),
        xmp: Some([b"<x:xmpmeta>", CANARY, b"</x:xmpmeta>"].concat()),
        iptc: Some([b"8BIM", CANARY].concat()),
        icc: None,
    }
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    let limits = Limits::default();
    let header = probe(bytes, &limits).unwrap();
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &Budget::unlimited()).unwrap();
    decoded.picture.into_raw()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// The requests with the picture that each can hold.
fn files() -> Vec<(ImageFormat, Vec<u8>)> {
    let jpeg = |progressive| EncodeRequest::Jpeg {
        quality: 80,
        progressive,
    };
    let png = EncodeRequest::Png {
        palette: crate::PaletteUse::Never,
        fast: true,
        quality: 80,
    };
    let webp = |lossless| EncodeRequest::Webp { quality: 80, lossless };
    [
        (ImageFormat::Jpeg, jpeg(false), Layout::Rgb),
        (ImageFormat::Jpeg, jpeg(true), Layout::Rgb),
        (ImageFormat::Png, png, Layout::Rgba),
        (ImageFormat::Webp, webp(false), Layout::Rgba),
        (ImageFormat::Webp, webp(true), Layout::Rgba),
    ]
    .into_iter()
    .map(|(format, request, layout)| {
        let bytes = encode(&picture(layout), &request, &private(), &Budget::unlimited()).unwrap();
        assert!(holds(&bytes, CANARY));
        (format, bytes)
    })
    .collect()
}

#[test]
fn pixels_stay_and_metadata_goes() {
    for (format, bytes) in files() {
        let budget = Budget::unlimited();
        let bare = rewrap(&bytes, format, &OutputMetadata::default(), &budget)
            .unwrap()
            .unwrap();
        assert!(!holds(&bare, CANARY), "{format:?}");
        assert!(bare.len() < bytes.len());
        assert_eq!(pixels(&bare), pixels(&bytes), "{format:?}");
        assert_eq!(budget.held(), 0);
        // Nothing is left to take away.
        assert_eq!(
            rewrap(&bare, format, &OutputMetadata::default(), &budget)
                .unwrap()
                .as_deref(),
            Some(bare.as_slice()),
            "{format:?}"
        );
    }
}

#[test]
fn the_metadata_that_is_given_is_all_that_is_there() {
    for (format, bytes) in files() {
        let wanted = OutputMetadata {
            exif: Some(b"II\x2a\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
            ..OutputMetadata::default()
        };
        let rewrapped = rewrap(&bytes, format, &wanted, &Budget::unlimited()).unwrap().unwrap();
        assert!(!holds(&rewrapped, CANARY), "{format:?}");
        let limits = Limits::default();
        let header = probe(&rewrapped, &limits).unwrap();
        let decoded = decode(
            &rewrapped,
            &header,
            &DecodeRequest::default(),
            &limits,
            &Budget::unlimited(),
        )
        .unwrap();
        assert_eq!(decoded.metadata.exif, wanted.exif, "{format:?}");
        assert_eq!((decoded.metadata.xmp, decoded.metadata.iptc), (None, None));
        assert_eq!(decoded.picture.data(), pixels(&bytes));
    }
}

#[test]
fn what_follows_the_picture_is_left_behind() {
    for (format, mut bytes) in files() {
        let bare = rewrap(&bytes, format, &OutputMetadata::default(), &Budget::unlimited()).unwrap();
        bytes.extend_from_slice(CANARY);
        let again = rewrap(&bytes, format, &OutputMetadata::default(), &Budget::unlimited()).unwrap();
        assert!(bare == again && bare.is_some(), "{format:?}");
    }
}

#[test]
fn a_cut_file_is_not_rewrapped() {
    for (format, bytes) in files() {
        for length in 0..bytes.len() - 2 {
            let cut = bytes.get(..length).unwrap();
            assert_eq!(
                rewrap(cut, format, &OutputMetadata::default(), &Budget::unlimited()).unwrap(),
                None,
                "{format:?} at {length} of {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn an_animated_gif_keeps_its_frames_their_times_and_its_loop() {
    let control = b"\x21\xf9\x04\x04\x07\0\0\0".as_slice();
    let frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0".as_slice();
    let forever = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0".as_slice();
    let comment = [b"\x21\xfe\x15".as_slice(), CANARY, b"\0"].concat();
    let other = [b"\x21\xff\x0bXMP DataXMP\x15".as_slice(), CANARY, b"\0"].concat();
    let screen = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".as_slice();
    let full = [
        screen, forever, &comment, control, frame, &other, control, frame, b"\x3b", CANARY,
    ]
    .concat();
    let bare = [screen, forever, control, frame, control, frame, b"\x3b"].concat();
    let none = OutputMetadata::default();
    let budget = Budget::unlimited();
    assert_eq!(
        rewrap(&full, ImageFormat::Gif, &none, &budget).unwrap().as_deref(),
        Some(bare.as_slice())
    );
    for length in 0..bare.len() {
        let cut = bare.get(..length).unwrap();
        assert_eq!(
            rewrap(cut, ImageFormat::Gif, &none, &budget).unwrap(),
            None,
            "at {length}"
        );
    }
    let limits = Limits::default();
    let header = probe(&bare, &limits).unwrap();
    let animation = crate::decode_animation(&bare, &header, &limits, &budget).unwrap();
    assert_eq!(animation.loops, crate::Loops::Forever);
    assert_eq!(animation.count(), 2);
}
