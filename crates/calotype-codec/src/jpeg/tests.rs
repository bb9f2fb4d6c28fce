use calotype_plan::Size;

use super::*;
use crate::{Budget, ColorSource, DecodeRequest, Decoded, Layout, OutputMetadata, Picture};

/// A smooth picture with edges.
fn picture(width: u32, height: u32) -> Picture {
    let data = (0..height)
        .flat_map(|y| {
            (0..width).flat_map(move |x| {
                [
                    (x * 255 / width) as u8,
                    (y * 255 / height) as u8,
                    if (x / 16 + y / 16) % 2 == 0 { 60 } else { 190 },
                ]
            })
        })
        .collect();
    Picture::from_raw(Size::new(width, height), Layout::Rgb, data).unwrap()
}

fn encoded(quality: u8, progressive: bool) -> Vec<u8> {
    encode(
        &picture(101, 67),
        quality,
        progressive,
        &OutputMetadata::default(),
        &Budget::unlimited(),
    )
    .unwrap()
}

fn decoded(bytes: &[u8], scale: u8) -> Result<Decoded, CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    decode(
        bytes,
        &header,
        &DecodeRequest {
            scale,
            ..DecodeRequest::default()
        },
        &limits,
        &Budget::new(10 << 20),
    )
}

fn mean_error(a: &Picture, b: &Picture) -> f64 {
    let sum: u64 = a
        .data()
        .iter()
        .zip(b.data())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.data().len() as f64
}

#[test]
fn what_is_written_is_read_and_quality_buys_likeness() {
    let source = picture(101, 67);
    let errors: Vec<f64> = [30, 85, 95]
        .iter()
        .map(|&q| mean_error(&decoded(&encoded(q, false), 1).unwrap().picture, &source))
        .collect();
    assert!(
        errors[0] > errors[1] && errors[1] > errors[2] && errors[2] < 3.0,
        "{errors:?}"
    );
    assert!(encoded(30, false).len() < encoded(85, false).len());
}

#[test]
fn progressive_and_baseline_hold_the_same_pixels() {
    let (baseline, progressive) = (encoded(80, false), encoded(80, true));
    let limits = Limits::default();
    assert!(!probe(&baseline, &limits).unwrap().progressive);
    assert!(probe(&progressive, &limits).unwrap().progressive);
    assert_eq!(
        decoded(&baseline, 1).unwrap().picture.data(),
        decoded(&progressive, 1).unwrap().picture.data()
    );
}

#[test]
fn chroma_is_halved_below_quality_90() {
    for (quality, sampling) in [(89, 0x22), (90, 0x11)] {
        let bytes = encoded(quality, false);
        let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        assert_eq!(
            bytes[frame + 11],
            sampling,
            "luma sampling in SOF0 at quality {quality}"
        );
    }
}

#[test]
fn encoding_gives_the_same_bytes_every_time() {
    assert_eq!(encoded(85, true), encoded(85, true));
}

#[test]
fn scaled_decoding_rounds_sizes_up_and_says_what_it_did() {
    let bytes = encoded(90, false);
    for (wanted, used, size) in [
        (1, 1, (101, 67)),
        (2, 2, (51, 34)),
        (3, 2, (51, 34)),
        (4, 4, (26, 17)),
        (8, 8, (13, 9)),
        (200, 8, (13, 9)),
        (0, 1, (101, 67)),
    ] {
        let got = decoded(&bytes, wanted).unwrap();
        assert_eq!((got.scale, got.picture.size()), (used, Size::new(size.0, size.1)));
    }
}

#[test]
fn a_file_that_ends_early_is_refused_and_one_that_lacks_only_its_end_marker_is_not() {
    for progressive in [false, true] {
        let bytes = encoded(85, progressive);
        for keep in [bytes.len() / 2, bytes.len() * 3 / 4, bytes.len() * 9 / 10] {
            assert!(
                matches!(decoded(&bytes[..keep], 1), Err(CodecError::Corrupt { .. })),
                "progressive {progressive}, {keep} of {}",
                bytes.len()
            );
        }
        let whole = decoded(&bytes, 1).unwrap();
        let without_end = decoded(&bytes[..bytes.len() - 2], 1).unwrap();
        assert_eq!(whole.picture.data(), without_end.picture.data());
        let mut followed = bytes.clone();
        followed.extend(b"PK\x03\x04 a zip archive, or a second picture");
        assert_eq!(decoded(&followed, 1).unwrap().picture.data(), whole.picture.data());
    }
}

#[test]
fn a_progressive_file_is_charged_for_its_coefficients() {
    let bytes = encoded(85, true);
    let limits = Limits::default();
    let header = probe(&bytes, &limits).unwrap();
    // 101x67 in 4:2:0 is 7x5 units of 6 blocks of 64 coefficients of 2 bytes, beside 101*67*3 bytes of picture.
    let need = 7 * 5 * 6 * 64 * 2 + 101 * 67 * 3;
    assert!(decode(&bytes, &header, &DecodeRequest::default(), &limits, &Budget::new(need)).is_ok());
    assert!(matches!(
        decode(
            &bytes,
            &header,
            &DecodeRequest::default(),
            &limits,
            &Budget::new(need - 1)
        ),
        Err(CodecError::Limit { .. })
    ));
}

#[test]
fn too_many_passes_are_refused() {
    let bytes = encoded(85, true);
    let scan = bytes.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
    let end = scan
        + 2
        + bytes[scan + 2..]
            .windows(2)
            .position(|w| w[0] == 0xff && w[1] != 0)
            .unwrap();
    let mut many = bytes[..scan].to_vec();
    for _ in 0..101 {
        many.extend(&bytes[scan..end]);
    }
    many.extend([0xff, 0xd9]);
    assert_eq!(
        decoded(&many, 1).unwrap_err(),
        CodecError::limit("number of passes in the progressive JPEG", 101, 100)
    );
}

#[test]
fn metadata_comes_back_as_it_was_written() {
    let metadata = OutputMetadata {
        exif: Some(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec()),
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
        iptc: Some(vec![7; 70_000]),
        icc: Some(
            moxcms::ColorProfile::new_display_p3()
                .encode()
                .unwrap()
                .into_iter()
                .chain(vec![0; 140_000])
                .collect(),
        ),
    };
    let bytes = encode(&picture(20, 10), 80, false, &metadata, &Budget::unlimited()).unwrap();
    let header = probe(&bytes, &Limits::default()).unwrap();
    assert_eq!(header.orientation, Orientation::Rotate90);
    assert_eq!(header.upright_size(), Size::new(10, 20));
    let got = decoded(&bytes, 1).unwrap().metadata;
    assert_eq!(
        (got.exif, got.xmp, got.iptc, got.icc),
        (metadata.exif, metadata.xmp, metadata.iptc, metadata.icc)
    );
    // Over the limit a block counts as absent.
    let small = Limits {
        metadata_bytes_max: 1000,
        ..Limits::default()
    };
    let got = decode(&bytes, &header, &DecodeRequest::default(), &small, &Budget::unlimited()).unwrap();
    assert_eq!(
        (got.metadata.icc, got.metadata.iptc, got.color),
        (None, None, ColorSource::Srgb)
    );
}

#[test]
fn what_jpeg_cannot_hold_is_refused() {
    let translucent = Picture::from_raw(Size::new(1, 1), Layout::Rgba, vec![0; 4]).unwrap();
    assert!(matches!(
        encode(
            &translucent,
            80,
            false,
            &OutputMetadata::default(),
            &Budget::unlimited()
        ),
        Err(CodecError::Encode { .. })
    ));
    let budget = Budget::new(1000);
    assert!(matches!(
        encode(&picture(64, 64), 80, false, &OutputMetadata::default(), &budget),
        Err(CodecError::Limit { .. })
    ));
}

#[test]
fn rare_codings_are_named() {
    let mut file = encoded(80, false);
    let frame = file.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    file[frame + 1] = 0xc5;
    assert!(matches!(decoded(&file, 1), Err(CodecError::Unsupported { ref what }) if what.contains("hierarchical")));
    file[frame + 1] = 0xc9;
    file[frame + 4] = 12;
    assert!(matches!(decoded(&file, 1), Err(CodecError::Unsupported { ref what }) if what.contains("arithmetic")));
    // Of 12 bits in its header alone: the coefficients make a picture, though not this one.
    file[frame + 1] = 0xc1;
    assert_eq!(decoded(&file, 8).unwrap().scale, 1);
}
