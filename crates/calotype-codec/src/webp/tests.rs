use calotype_plan::{ImageFormat, Limits, Orientation, Size};

use super::*;
use crate::ycc::reference::planes;
use crate::{Budget, Chroma, CodecError, DecodeRequest, Decoded, Layout, OutputMetadata, Picture, Range};

/// Soft colours with some detail, and alpha that falls from the left where there is any.
fn picture(size: Size, layout: Layout) -> Picture {
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let wave = |f: f64| (127.5 + 100.0 * (f64::from(x) * f).sin() * (f64::from(y) * f * 0.7).cos()) as u8;
            data.extend([wave(0.05), wave(0.08), wave(0.11)]);
            if layout == Layout::Rgba {
                data.push(u8::try_from(u64::from(x) * 255 / u64::from(size.width)).unwrap());
            }
        }
    }
    Picture::from_raw(size, layout, data).unwrap()
}

fn read(bytes: &[u8]) -> Result<Decoded, CodecError> {
    let limits = Limits {
        side_px_max: SIDE_PX_MAX,
        ..Limits::default()
    };
    let budget = Budget::unlimited();
    let header = probe(bytes, &limits)?;
    decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)
}

fn write(picture: &Picture, quality: u8, lossless: bool) -> Vec<u8> {
    encode(
        picture,
        quality,
        lossless,
        &OutputMetadata::default(),
        &Budget::unlimited(),
    )
    .unwrap()
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: f64 = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / sum.max(1e-9)).log10()
}

#[test]
fn lossless_pictures_come_back_exactly_even_under_transparency() {
    for (width, height) in [(1, 1), (3, 5), (64, 48), (16_383, 1), (1, 16_383)] {
        for layout in [Layout::Rgb, Layout::Rgba] {
            let source = picture(Size::new(width, height), layout);
            let bytes = write(&source, 1, true);
            let back = read(&bytes).unwrap().picture;
            assert_eq!(
                (back.size(), back.layout()),
                (source.size(), source.layout()),
                "{width}x{height}"
            );
            assert!(back.data() == source.data(), "{width}x{height} {layout:?} is not exact");
        }
    }
}

#[test]
fn lossy_pictures_stay_close_and_their_alpha_is_exact() {
    // The colours are soft, so halving chroma costs little; what is left is the quantiser, whose steps at quality 90 are about 4 levels wide: an error
    // spread evenly over such a step has a PSNR of 10 log10(255^2 / (4^2 / 12)) = 46.9 dB. Range and rounding of the conversion take some of it.
    for (layout, least) in [(Layout::Rgb, 40.0), (Layout::Rgba, 40.0)] {
        let source = picture(Size::new(201, 133), layout);
        let back = read(&write(&source, 90, false)).unwrap().picture;
        assert_eq!(back.layout(), layout);
        // Invisible colours may change, so colours are compared where alpha is above half.
        let visible = |picture: &Picture| -> Vec<u8> {
            let pixels = picture
                .data()
                .chunks_exact(picture.channels())
                .zip(source.data().chunks_exact(picture.channels()));
            pixels
                .filter(|(_, of)| of.get(3).is_none_or(|&a| a > 127))
                .flat_map(|(pixel, _)| pixel[..3].to_vec())
                .collect()
        };
        let quality = psnr(&visible(&source), &visible(&back));
        assert!(quality > least, "{layout:?}: {quality:.1} dB");
        if layout == Layout::Rgba {
            let alpha = |picture: &Picture| picture.data().iter().skip(3).step_by(4).copied().collect::<Vec<_>>();
            assert_eq!(alpha(&back), alpha(&source));
        }
    }
}

#[test]
fn planes_become_the_picture_that_their_colours_become() {
    for (width, height) in [(201, 133), (64, 48), (1, 1), (2, 5), (300, 1)] {
        let source = picture(Size::new(width, height), Layout::Rgb);
        let by_colors = read(&write(&source, 90, false)).unwrap().picture;
        for (chroma, range) in [
            (Chroma::Half, Range::Limited),
            (Chroma::Half, Range::Full),
            (Chroma::Full, Range::Full),
            (Chroma::Full, Range::Limited),
        ] {
            let budget = Budget::unlimited();
            let planes = planes(&source, chroma, range);
            let bytes = encode_planes(&planes, 90, &OutputMetadata::default(), &budget).unwrap();
            drop(planes);
            assert_eq!(budget.held(), 0);
            let back = read(&bytes).unwrap().picture;
            // libwebp halves the chroma of colours in nearly linear light, so the two are not the same; both are near the source. Of planes that are not
            // in the encoder's shape samples are rounded twice: half a level more, which in a picture of one pixel is all there is to lose.
            let less = if (chroma, range) == (Chroma::Half, Range::Limited) {
                0.5
            } else {
                1.5
            };
            let (of_colors, of_planes) = (psnr(source.data(), by_colors.data()), psnr(source.data(), back.data()));
            let case = format!("{width}x{height} {chroma:?} {range:?}: {of_colors:.1} and {of_planes:.1} dB");
            assert!(psnr(by_colors.data(), back.data()) > 38.0, "{case}");
            assert!(
                of_planes > 38.0 && (of_planes > of_colors - less || width * height < 100),
                "{case}"
            );
        }
    }
}

#[test]
fn metadata_travels_beside_planes() {
    let source = planes(&picture(Size::new(20, 10), Layout::Rgb), Chroma::Half, Range::Limited);
    let metadata = OutputMetadata {
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
        ..OutputMetadata::default()
    };
    let bytes = encode_planes(&source, 80, &metadata, &Budget::unlimited()).unwrap();
    assert_eq!(read(&bytes).unwrap().metadata.xmp, metadata.xmp);
}

#[test]
fn sizes_of_one_pixel_and_odd_sizes_are_written_lossy() {
    for (width, height) in [(1, 1), (3, 5), (2, 1), (16_383, 2)] {
        let source = picture(Size::new(width, height), Layout::Rgb);
        assert_eq!(read(&write(&source, 85, false)).unwrap().picture.size(), source.size());
    }
}

#[test]
fn a_side_over_the_formats_own_limit_is_refused_with_advice() {
    let source = Picture::from_raw(Size::new(16_384, 1), Layout::Rgb, vec![0; 16_384 * 3]).unwrap();
    let error = encode(&source, 85, false, &OutputMetadata::default(), &Budget::unlimited()).unwrap_err();
    assert!(matches!(error, CodecError::Encode { .. }));
    assert!(
        error.to_string().contains("16383") && error.to_string().contains("smaller"),
        "{error}"
    );
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    let source = picture(Size::new(80, 60), Layout::Rgba);
    assert_eq!(write(&source, 85, false), write(&source, 85, false));
    assert_eq!(write(&source, 85, true), write(&source, 85, true));
    assert_ne!(write(&source, 85, false), write(&source, 84, false));
}

#[test]
fn metadata_travels_and_leaves_the_pixels_alone() {
    // A TIFF structure with one entry, Orientation = 6, little-endian.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let metadata = OutputMetadata {
        exif: Some(exif.clone()),
        xmp: Some(b"<x:xmpmeta/>x".to_vec()),
        iptc: None,
        icc: Some(b"no profile at all".to_vec()),
    };
    for layout in [Layout::Rgb, Layout::Rgba] {
        for lossless in [false, true] {
            let source = picture(Size::new(31, 17), layout);
            let bytes = encode(&source, 85, lossless, &metadata, &Budget::unlimited()).unwrap();
            let header = probe(&bytes, &Limits::default()).unwrap();
            assert_eq!(
                (header.format, header.size, header.frames),
                (ImageFormat::Webp, source.size(), 1)
            );
            assert_eq!(
                (header.orientation, header.has_alpha),
                (Orientation::Rotate90, layout == Layout::Rgba)
            );
            let back = read(&bytes).unwrap();
            assert_eq!(back.metadata.exif.as_deref(), Some(exif.as_slice()));
            assert_eq!(
                (back.metadata.xmp, back.metadata.icc),
                (metadata.xmp.clone(), metadata.icc.clone())
            );
            let plain = read(&write(&source, 85, lossless)).unwrap();
            assert_eq!(back.picture.data(), plain.picture.data());
            let small = Limits {
                metadata_bytes_max: 8,
                ..Limits::default()
            };
            let bare = decode(&bytes, &header, &DecodeRequest::default(), &small, &Budget::unlimited()).unwrap();
            assert_eq!(bare.metadata, crate::SourceMetadata::default());
        }
    }
}

/// An animation of one frame of `frame`, at `left`, `top` of a canvas.
fn animation(canvas: Size, left: u32, top: u32, frame: &Picture, frames: usize) -> Vec<u8> {
    let chunk = |name: &[u8; 4], payload: &[u8]| {
        let mut out = [name, &u32::try_from(payload.len()).unwrap().to_le_bytes()[..], payload].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    };
    let u24 = |n: u32| n.to_le_bytes()[..3].to_vec();
    let mut body = b"WEBP".to_vec();
    let vp8x = [vec![0x12, 0, 0, 0], u24(canvas.width - 1), u24(canvas.height - 1)].concat();
    body.extend(chunk(b"VP8X", &vp8x));
    body.extend(chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]));
    let size = frame.size();
    let head = [
        u24(left / 2),
        u24(top / 2),
        u24(size.width - 1),
        u24(size.height - 1),
        u24(100),
        vec![0],
    ]
    .concat();
    let anmf = [head, write(frame, 85, true)[12..].to_vec()].concat();
    (0..frames).for_each(|_| body.extend(chunk(b"ANMF", &anmf)));
    chunk(b"RIFF", &body)
}

#[test]
fn the_first_frame_of_an_animation_lies_on_a_transparent_canvas() {
    let frame = picture(Size::new(3, 2), Layout::Rgb);
    let bytes = animation(Size::new(8, 6), 4, 2, &frame, 3);
    let header = probe(&bytes, &Limits::default()).unwrap();
    assert_eq!(
        (header.size, header.frames, header.frames_area, header.has_alpha),
        (Size::new(8, 6), 3, 144, true)
    );
    let back = read(&bytes).unwrap().picture;
    for y in 0..6 {
        for x in 0..8 {
            let inside = (4..7).contains(&x) && (2..4).contains(&y);
            let expected = if inside {
                frame.pixel(x - 4, y - 2).unwrap()
            } else {
                [0; 4]
            };
            assert_eq!(back.pixel(x, y), Some(expected), "{x},{y}");
        }
    }
    // A frame that covers its canvas needs no transparency.
    let whole = read(&animation(frame.size(), 0, 0, &frame, 1)).unwrap().picture;
    assert_eq!((whole.layout(), whole.data()), (Layout::Rgb, frame.data()));
    // One that leaves its canvas is broken.
    assert!(matches!(
        read(&animation(Size::new(8, 6), 6, 2, &frame, 1)),
        Err(CodecError::Corrupt { .. })
    ));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for lossless in [false, true] {
        for layout in [Layout::Rgb, Layout::Rgba] {
            let bytes = write(&picture(Size::new(23, 19), layout), 85, lossless);
            assert!(read(&bytes).is_ok());
            // The last byte may be padding.
            for length in 0..bytes.len() - 1 {
                let error = read(&bytes[..length]).unwrap_err();
                assert!(
                    matches!(error, CodecError::Corrupt { .. } | CodecError::NotAnImage),
                    "{length}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_budget_that_is_too_small_is_said_before_memory_is_taken() {
    let source = picture(Size::new(200, 100), Layout::Rgb);
    let small = Budget::new(100_000);
    assert!(matches!(
        encode(&source, 85, false, &OutputMetadata::default(), &small),
        Err(CodecError::Limit { .. })
    ));
    let bytes = write(&source, 85, true);
    let limits = Limits::default();
    let header = probe(&bytes, &limits).unwrap();
    let refused = decode(&bytes, &header, &DecodeRequest::default(), &limits, &small);
    assert!(matches!(refused, Err(CodecError::Limit { .. })));
    assert_eq!(small.held(), 0);
}
