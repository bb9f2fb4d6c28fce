use calotype_plan::Size;

use super::*;
use crate::{Budget, DecodeRequest, Decoded, Layout, Picture};

fn decoded(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let decoded = decode(
        bytes,
        &header,
        &DecodeRequest::default(),
        &limits,
        &Budget::new(1 << 20),
    )?;
    Ok((header, decoded))
}

/// A 2x1 screen with a table of black, red, green, blue; frames are `left, top, width` and packed data for index 1.
fn file(screen: [u8; 2], frames: &[[u8; 3]], transparent: bool) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend([screen[0], 0, screen[1], 0, 0x81, 0, 0]);
    out.extend([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
    for &[left, top, width] in frames {
        if transparent {
            out.extend([0x21, 0xf9, 4, 1, 0, 0, 1, 0]);
        }
        out.extend([0x2c, left, 0, top, 0, width, 0, 1, 0, 0]);
        // Minimum code size 2: clear (4), one code 1 per pixel, end (5), 3 bits each from the low end.
        let codes = std::iter::once(4u32)
            .chain(std::iter::repeat_n(1, usize::from(width)))
            .chain([5]);
        let bits = codes.enumerate().fold(0u32, |bits, (i, code)| bits | code << (3 * i));
        out.extend([2, 2, bits as u8, (bits >> 8) as u8, 0]);
    }
    out.push(0x3b);
    out
}

#[test]
fn the_first_frame_lies_on_a_transparent_screen() {
    let (header, got) = decoded(&file([2, 1], &[[1, 0, 1], [0, 0, 2]], false)).unwrap();
    assert_eq!((header.frames, header.frames_area, header.has_alpha), (2, 4, true));
    assert_eq!(got.picture.data(), [0, 0, 0, 0, 255, 0, 0, 255]);
}

#[test]
fn a_frame_that_covers_the_screen_is_opaque_unless_it_has_a_transparent_colour() {
    let (header, got) = decoded(&file([2, 1], &[[0, 0, 2]], false)).unwrap();
    assert!(!header.has_alpha);
    assert_eq!(
        (got.picture.layout(), got.picture.data()),
        (Layout::Rgb, &[255, 0, 0, 255, 0, 0][..])
    );
    let (header, got) = decoded(&file([2, 1], &[[0, 0, 2]], true)).unwrap();
    assert!(header.has_alpha);
    assert_eq!(got.picture.data(), [255, 0, 0, 0, 255, 0, 0, 0]);
}

#[test]
fn the_screen_grows_to_hold_the_first_frame_but_a_screen_of_nothing_is_refused() {
    assert_eq!(
        decoded(&file([1, 1], &[[1, 0, 1]], false)).unwrap().0.size,
        Size::new(2, 1)
    );
    let nothing = file([0, 1], &[[0, 0, 1]], false);
    assert_eq!(
        crate::decode(
            &nothing,
            &probe(&nothing, &Limits::default()).unwrap(),
            &DecodeRequest::default(),
            &Limits::default(),
            &Budget::unlimited()
        )
        .unwrap_err(),
        CodecError::Empty
    );
}

#[test]
fn pictures_of_few_colours_come_back_exactly_with_hard_transparency() {
    let data: Vec<u8> = (0..40u8)
        .flat_map(|i| [i * 6, 10, 20, if i % 5 == 0 { 0 } else { 255 }])
        .collect();
    let picture = Picture::from_raw(Size::new(8, 5), Layout::Rgba, data.clone()).unwrap();
    let (header, got) = decoded(&encode(&picture, &Budget::unlimited()).unwrap()).unwrap();
    assert!(header.has_alpha);
    for (got, want) in got
        .picture
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .zip(data.as_chunks::<4>().0)
    {
        assert_eq!(got[3], want[3]);
        assert!(want[3] == 0 || got == want);
    }
    let edge = [[200, 0, 0, 0], [200, 0, 0, 127], [0, 200, 0, 128], [0, 200, 0, 255]];
    let edge = Picture::from_raw(Size::new(4, 1), Layout::Rgba, edge.as_flattened().to_vec()).unwrap();
    let (_, got) = decoded(&encode(&edge, &Budget::unlimited()).unwrap()).unwrap();
    assert_eq!(
        (got.picture.data()[7], &got.picture.data()[8..]),
        (0, &[0, 200, 0, 255, 0, 200, 0, 255][..])
    );
}

#[test]
fn two_hundred_and_fifty_six_colours_are_exact_also_if_one_is_nothing() {
    for least in [0u8, 1] {
        // Red tells all apart; the first is transparent where `least` is 0.
        let data: Vec<u8> = (0..=255u8).flat_map(|i| [i, i / 2, 255 - i, 255]).collect();
        let mut data = [data.clone(), data].concat();
        data[3] = least * 255;
        data[1027] = least * 255;
        let picture = Picture::from_raw(Size::new(32, 16), Layout::Rgba, data).unwrap();
        let (_, got) = decoded(&encode(&picture, &Budget::unlimited()).unwrap()).unwrap();
        for y in 0..16 {
            for x in 0..32 {
                let (want, got) = (picture.pixel(x, y).unwrap(), got.picture.pixel(x, y).unwrap());
                assert!(
                    got == want || (got[3], want[3]) == (0, 0),
                    "{x},{y}: {got:?}, not {want:?}"
                );
            }
        }
    }
}

#[test]
fn cut_files_are_refused() {
    let bytes = file([2, 1], &[[0, 0, 2]], false);
    for length in [10, 20, 30] {
        assert!(decoded(&bytes[..length]).is_err(), "{length} bytes");
    }
}
