use calotype_plan::{ImageFormat, Limits, Size};

use super::*;
use crate::ycc::reference::planes;
use crate::{
    Budget, Chroma, CodecError, ColorProfile, ColorSource, DecodeRequest, Decoded, Layout, OutputMetadata, Picture,
    Range,
};

/// Soft colours with some detail; where there is alpha, the left third is transparent, the right third opaque, and it rises between.
fn picture(size: Size, layout: Layout) -> Picture {
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let wave = |f: f64| (127.5 + 100.0 * (f64::from(x) * f).sin() * (f64::from(y) * f * 0.7).cos()) as u8;
            data.extend([wave(0.05), wave(0.08), wave(0.11)]);
            if layout == Layout::Rgba {
                let along = 3.0 * f64::from(x) / f64::from(size.width) - 1.0;
                data.push((along.clamp(0.0, 1.0) * 255.0) as u8);
            }
        }
    }
    Picture::from_raw(size, layout, data).unwrap()
}

fn read(bytes: &[u8]) -> Result<Decoded, CodecError> {
    let limits = Limits {
        side_px_max: 70_000,
        ..Limits::default()
    };
    let header = probe(bytes, &limits)?;
    decode(bytes, &header, &DecodeRequest::default(), &limits, &Budget::unlimited())
}

fn write(picture: &Picture, quality: u8) -> Vec<u8> {
    encode(picture, quality, &OutputMetadata::default(), &Budget::unlimited()).unwrap()
}

fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.size(), a.layout()), (b.size(), b.layout()));
    let sum: f64 = a
        .data()
        .iter()
        .zip(b.data())
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum();
    10.0 * (255.0 * 255.0 * a.data().len() as f64 / sum.max(1e-9)).log10()
}

#[test]
fn pictures_come_back_close_and_closer_with_more_quality() {
    let source = picture(Size::new(133, 95), Layout::Rgb);
    let at = |quality| {
        let bytes = write(&source, quality);
        let back = read(&bytes).unwrap();
        assert_eq!((back.scale, &back.color), (1, &ColorSource::Srgb));
        (bytes.len(), psnr(&source, &back.picture))
    };
    let (low, middle, high) = (at(20), at(60), at(95));
    assert!(low.0 < middle.0 && middle.0 < high.0, "{low:?} {middle:?} {high:?}");
    assert!(low.1 < middle.1 && middle.1 < high.1, "{low:?} {middle:?} {high:?}");
    // Soft colours: at quality 95 what is left is rounding to 8 bits in both directions, an error of about one level, 48 dB; 42 leaves room for the
    // coder.
    assert!(high.1 > 42.0, "{high:?}");
}

#[test]
fn sizes_of_one_pixel_odd_sizes_and_long_ones_are_written_and_read() {
    for (width, height) in [(1, 1), (2, 1), (3, 5), (1, 300), (5000, 1), (17, 16)] {
        for layout in [Layout::Rgb, Layout::Rgba] {
            let source = picture(Size::new(width, height), layout);
            let bytes = write(&source, 90);
            let back = read(&bytes).unwrap().picture;
            assert_eq!(back.size(), source.size());
            assert_eq!(back.layout() == Layout::Rgba, source.has_transparency());
        }
    }
}

#[test]
fn flat_alpha_is_exact_and_soft_alpha_is_close() {
    let source = picture(Size::new(120, 90), Layout::Rgba);
    let back = read(&write(&source, 50)).unwrap().picture;
    for y in 0..90 {
        for x in 0..120 {
            let (from, to) = (source.pixel(x, y).unwrap()[3], back.pixel(x, y).unwrap()[3]);
            assert!(from.abs_diff(to) <= 3, "{x},{y}: {from} became {to}");
            if (8..32).contains(&x) || (88..112).contains(&x) {
                assert_eq!(from, to, "{x},{y}");
            }
        }
    }
}

#[test]
fn a_flat_colour_keeps_its_value() {
    // By JFIF: Y 130.65, Cb 105.06, Cr 41.94 become 131, 105, 42, and back: R 131 + 1.402 * -86 = 10.4, G 131 - 0.344136 * -23 - 0.714136 * -86 = 200.3,
    // B 131 + 1.772 * -23 = 90.2.
    let source = Picture::from_raw(Size::new(40, 40), Layout::Rgb, [10, 200, 90].repeat(1600)).unwrap();
    let back = read(&write(&source, 90)).unwrap().picture;
    for pixel in back.data().chunks_exact(3) {
        assert!(
            pixel.iter().zip([10u8, 200, 90]).all(|(&a, b)| a.abs_diff(b) <= 1),
            "{pixel:?}"
        );
    }
}

#[test]
fn planes_become_the_picture_that_their_colours_become() {
    for (width, height) in [(133, 95), (64, 48), (1, 1), (2, 5), (300, 1)] {
        let source = picture(Size::new(width, height), Layout::Rgb);
        let by_colors = read(&write(&source, 85)).unwrap().picture;
        for (chroma, range) in [
            (Chroma::Half, Range::Full),
            (Chroma::Full, Range::Full),
            (Chroma::Half, Range::Limited),
        ] {
            let budget = Budget::unlimited();
            let planes = planes(&source, chroma, range);
            let bytes = encode_planes(&planes, 85, &OutputMetadata::default(), &budget).unwrap();
            drop(planes);
            assert_eq!(budget.held(), 0);
            let back = read(&bytes).unwrap().picture;
            // Full range and half chroma are what the colours become: single samples are rounded otherwise, if any, and what is else lost is the coder's.
            // Other shapes are rounded twice, half a level more. In a picture of a few pixels that is all there is.
            let exact = (chroma, range) == (Chroma::Half, Range::Full);
            let less = if exact { 0.5 } else { 1.5 };
            let (of_colors, of_planes) = (psnr(&source, &by_colors), psnr(&source, &back));
            let case = format!("{width}x{height} {chroma:?} {range:?}: {of_colors:.1} and {of_planes:.1} dB");
            assert!(psnr(&by_colors, &back) > 40.0, "{case}");
            assert!(
                of_planes > 38.0 && (of_planes > of_colors - less || width * height < 100),
                "{case}"
            );
        }
    }
}

#[test]
fn opaque_pictures_are_written_without_a_mask() {
    let mut source = picture(Size::new(20, 20), Layout::Rgba);
    source
        .data_mut()
        .iter_mut()
        .skip(3)
        .step_by(4)
        .for_each(|alpha| *alpha = 255);
    let header = probe(&write(&source, 80), &Limits::default()).unwrap();
    assert!(!header.has_alpha);
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    let source = picture(Size::new(80, 60), Layout::Rgba);
    assert_eq!(write(&source, 70), write(&source, 70));
}

#[test]
fn metadata_and_profile_travel() {
    let metadata = OutputMetadata {
        exif: Some(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
        iptc: None,
        icc: Some(b"no profile at all".to_vec()),
    };
    let source = picture(Size::new(24, 16), Layout::Rgba);
    let bytes = encode(&source, 80, &metadata, &Budget::unlimited()).unwrap();
    let header = probe(&bytes, &Limits::default()).unwrap();
    assert_eq!(
        (header.format, header.size, header.bit_depth),
        (ImageFormat::Avif, source.size(), 8)
    );
    assert!(matches!(header.profile, ColorProfile::Icc { .. }));
    let back = read(&bytes).unwrap().metadata;
    assert_eq!(
        (&back.exif, &back.xmp, &back.icc),
        (&metadata.exif, &metadata.xmp, &metadata.icc)
    );
    assert_eq!(
        probe(&write(&source, 80), &Limits::default()).unwrap().profile,
        ColorProfile::Srgb
    );
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = write(&picture(Size::new(40, 30), Layout::Rgba), 60);
    assert!(read(&bytes).is_ok());
    for length in 0..bytes.len() {
        let error = read(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, CodecError::Corrupt { .. } | CodecError::NotAnImage),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_bitstream_of_another_size_than_its_header_says_is_refused() {
    let bytes = write(&picture(Size::new(40, 30), Layout::Rgb), 60);
    let at = bytes.windows(4).position(|window| window == b"ispe").unwrap();
    for (width, height) in [(41u32, 30u32), (40, 29), (4000, 3000), (2, 2)] {
        let mut changed = bytes.clone();
        changed[at + 8..at + 12].copy_from_slice(&width.to_be_bytes());
        changed[at + 12..at + 16].copy_from_slice(&height.to_be_bytes());
        assert!(
            matches!(read(&changed), Err(CodecError::Corrupt { .. })),
            "{width}x{height}"
        );
    }
}

#[test]
fn an_unknown_property_matters_only_where_it_says_so() {
    let bytes = write(&picture(Size::new(16, 16), Layout::Rgb), 60);
    let at = bytes.windows(4).position(|window| window == b"pixi").unwrap();
    let mut renamed = bytes.clone();
    renamed[at..at + 4].copy_from_slice(b"what");
    assert!(read(&renamed).is_ok());
    // Property 3 of 4 in the list of associations: 1, 2 (essential), 3, 4.
    let list = renamed.windows(4).position(|window| window == [1, 0x82, 3, 4]).unwrap();
    renamed[list + 2] = 0x83;
    assert_eq!(
        read(&renamed).unwrap_err(),
        CodecError::unsupported("the image property \"what\"")
    );
}

#[test]
fn a_budget_that_is_too_small_is_said_before_memory_is_taken() {
    let source = picture(Size::new(200, 100), Layout::Rgb);
    let small = Budget::new(100_000);
    assert!(matches!(
        encode(&source, 85, &OutputMetadata::default(), &small),
        Err(CodecError::Limit { .. })
    ));
    let bytes = write(&source, 85);
    let limits = Limits::default();
    let header = probe(&bytes, &limits).unwrap();
    let refused = decode(&bytes, &header, &DecodeRequest::default(), &limits, &small);
    assert!(matches!(refused, Err(CodecError::Limit { .. })));
    assert_eq!(small.held(), 0);
}
