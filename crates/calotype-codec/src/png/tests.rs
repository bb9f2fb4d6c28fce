use calotype_plan::Size;

use super::*;
use crate::{Budget, ColorProfile, ColorSource, DecodeRequest, Decoded, Layout, OutputMetadata, PaletteUse, Picture};

/// A file with these chunks; checksums are right.
fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in chunks {
        out.extend((content.len() as u32).to_be_bytes());
        let checked = [name.as_slice(), content].concat();
        out.extend(&checked);
        let mut crc = flate2::Crc::new();
        crc.update(&checked);
        out.extend(crc.sum().to_be_bytes());
    }
    out
}

fn ihdr(width: u32, height: u32, depth: u8, color_type: u8) -> Vec<u8> {
    [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[depth, color_type, 0, 0, 0],
    ]
    .concat()
}

fn packed(rows: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(rows).unwrap();
    packer.finish().unwrap()
}

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

fn gradient(size: Size, layout: Layout) -> Picture {
    let alpha = layout == Layout::Rgba;
    let data = (0..size.height)
        .flat_map(|y| {
            (0..size.width).flat_map(move |x| {
                let pixel = [(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8, (x * 3 + y) as u8];
                pixel.into_iter().take(if alpha { 4 } else { 3 })
            })
        })
        .collect();
    Picture::from_raw(size, layout, data).unwrap()
}

#[test]
fn truecolour_comes_back_exactly_and_opaque_pictures_lose_their_alpha_channel() {
    for fast in [false, true] {
        for layout in [Layout::Rgb, Layout::Rgba] {
            let picture = gradient(Size::new(61, 43), layout);
            let bytes = encode(
                &picture,
                PaletteUse::Never,
                fast,
                85,
                &OutputMetadata::default(),
                &Budget::unlimited(),
            )
            .unwrap();
            assert_eq!(decoded(&bytes).unwrap().1.picture.data(), picture.data());
        }
    }
    let opaque = gradient(Size::new(61, 43), Layout::Rgb)
        .into_rgba(&Budget::unlimited())
        .unwrap();
    let bytes = encode(
        &opaque,
        PaletteUse::Never,
        false,
        85,
        &OutputMetadata::default(),
        &Budget::unlimited(),
    )
    .unwrap();
    let (header, got) = decoded(&bytes).unwrap();
    assert!(!header.has_alpha);
    assert_eq!(got.picture.data(), gradient(Size::new(61, 43), Layout::Rgb).data());
}

#[test]
fn few_colours_become_an_exact_palette_of_fitting_depth() {
    for (colors, depth) in [(2u32, 1u8), (4, 2), (16, 4), (17, 8)] {
        let data = (0..33 * 20)
            .flat_map(|i: u32| {
                [
                    (i * 7919 % colors * 15) as u8,
                    9,
                    200,
                    if i * 7919 % colors == 1 { 100 } else { 255 },
                ]
            })
            .collect();
        let picture = Picture::from_raw(Size::new(33, 20), Layout::Rgba, data).unwrap();
        let bytes = encode(
            &picture,
            PaletteUse::Fitted,
            false,
            100,
            &OutputMetadata::default(),
            &Budget::unlimited(),
        )
        .unwrap();
        let (header, got) = decoded(&bytes).unwrap();
        assert_eq!((header.bit_depth, bytes[25]), (depth, 3), "{colors} colours");
        assert_eq!(got.picture.data(), picture.data());
    }
}

#[test]
fn samples_of_16_bits_are_rounded() {
    // 0x0080 is 0.498 of a level of 8 bits, 0x0081 0.502; 0xff7f is 254.502 levels.
    let rows = [0, 0x00, 0x80, 0x00, 0x81, 0xff, 0x7f];
    let bytes = file(&[(b"IHDR", &ihdr(1, 1, 16, 2)), (b"IDAT", &packed(&rows)), (b"IEND", &[])]);
    assert_eq!(decoded(&bytes).unwrap().1.picture.data(), [0, 1, 255]);
}

#[test]
fn transparency_is_read_from_keys_and_palettes() {
    // Two grey samples of 1 bit; white is the key, said with more bits than there are.
    let bytes = file(&[
        (b"IHDR", &ihdr(2, 1, 1, 0)),
        (b"tRNS", &[0, 255]),
        (b"IDAT", &packed(&[0, 0x40])),
        (b"IEND", &[]),
    ]);
    assert_eq!(
        decoded(&bytes).unwrap().1.picture.data(),
        [0, 0, 0, 255, 255, 255, 255, 0]
    );
    let bytes = file(&[
        (b"IHDR", &ihdr(2, 1, 8, 3)),
        (b"PLTE", &[1, 2, 3, 4, 5, 6]),
        (b"tRNS", &[9]),
        (b"IDAT", &packed(&[0, 1, 0])),
        (b"IEND", &[]),
    ]);
    assert_eq!(decoded(&bytes).unwrap().1.picture.data(), [4, 5, 6, 255, 1, 2, 3, 9]);
}

#[test]
fn a_palette_of_broken_colours_or_too_many_is_refused() {
    // The decoder under this one reads past the end of the first three (52 bytes: found by fuzzing).
    for length in [1, 4, 52, 3 * 257] {
        let palette = vec![7; length];
        let data = packed(&[0, 0]);
        let chunks: [(&[u8; 4], &[u8]); 4] = [
            (b"IHDR", &ihdr(1, 1, 8, 3)),
            (b"PLTE", &palette),
            (b"IDAT", &data),
            (b"IEND", &[]),
        ];
        assert!(
            matches!(decoded(&file(&chunks)), Err(CodecError::Corrupt { .. })),
            "{length}"
        );
    }
    // Of a picture with colours of its own it is a suggestion.
    let chunks: [(&[u8; 4], &[u8]); 4] = [
        (b"IHDR", &ihdr(1, 1, 8, 2)),
        (b"PLTE", &[1; 4]),
        (b"IDAT", &packed(&[0, 1, 2, 3])),
        (b"IEND", &[]),
    ];
    assert_eq!(decoded(&file(&chunks)).unwrap().1.picture.data(), [1, 2, 3]);
}

#[test]
fn colour_chunks_are_ranked_as_the_standard_says() {
    let gamma = 100_000u32.to_be_bytes();
    let with = |chunks: &[(&[u8; 4], &[u8])]| {
        let header = ihdr(1, 1, 8, 2);
        let data = packed(&[0, 1, 2, 3]);
        let mut all: Vec<(&[u8; 4], &[u8])> = vec![(b"IHDR", &header)];
        all.extend(chunks);
        all.extend([(b"IDAT", data.as_slice()), (b"IEND", &[][..])]);
        let (header, got) = decoded(&file(&all)).unwrap();
        (header.profile, got.color)
    };
    assert_eq!(with(&[]), (ColorProfile::Untagged, ColorSource::Srgb));
    let linear = ColorSource::GammaChrm {
        gamma: 1.0,
        chromaticities: None,
    };
    assert_eq!(with(&[(b"gAMA", &gamma)]), (ColorProfile::Gamma, linear));
    assert_eq!(
        with(&[(b"gAMA", &gamma), (b"sRGB", &[0])]),
        (ColorProfile::Srgb, ColorSource::Srgb)
    );
    assert_eq!(
        with(&[(b"gAMA", &45_455u32.to_be_bytes())]),
        (ColorProfile::Srgb, ColorSource::Srgb)
    );
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let iccp = [b"name\0\0", packed(&p3).as_slice()].concat();
    assert_eq!(with(&[(b"iCCP", &iccp), (b"gAMA", &gamma)]).1, ColorSource::Icc(p3));
    let (profile, color) = with(&[(b"iCCP", &iccp), (b"cICP", &[9, 16, 0, 1])]);
    assert_eq!(
        profile,
        ColorProfile::Cicp {
            primaries: 9,
            transfer: 16,
            matrix: 0,
            full_range: true
        }
    );
    assert_eq!(
        color,
        ColorSource::Cicp {
            primaries: 9,
            transfer: 16
        }
    );
    // A profile that unpacks to more than is allowed counts as absent.
    let bomb = [b"name\0\0", packed(&vec![0; 5 << 20]).as_slice()].concat();
    assert_eq!(with(&[(b"iCCP", &bomb)]), (ColorProfile::Untagged, ColorSource::Srgb));
}

#[test]
fn metadata_comes_back_as_it_was_written() {
    let metadata = OutputMetadata {
        exif: Some(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0".to_vec()),
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
        iptc: None,
        icc: Some(moxcms::ColorProfile::new_display_p3().encode().unwrap()),
    };
    let bytes = encode(
        &gradient(Size::new(3, 2), Layout::Rgb),
        PaletteUse::Never,
        false,
        85,
        &metadata,
        &Budget::unlimited(),
    )
    .unwrap();
    let (header, got) = decoded(&bytes).unwrap();
    assert_eq!(header.orientation, Orientation::Rotate270);
    assert_eq!(
        (got.metadata.exif, got.metadata.xmp, got.metadata.icc),
        (metadata.exif, metadata.xmp, metadata.icc)
    );
}

#[test]
fn frames_are_counted_by_what_is_there() {
    let header = ihdr(1, 1, 8, 0);
    let data = packed(&[0, 7]);
    let control = [0u8; 26];
    let claimed = u32::MAX.to_be_bytes();
    let bytes = file(&[
        (b"IHDR", &header),
        (b"acTL", &[claimed, [0; 4]].concat()),
        (b"fcTL", &control),
        (b"fcTL", &control),
        (b"IDAT", &data),
    ]);
    assert_eq!(probe(&bytes, &Limits::default()).unwrap().frames, 2);
    let bytes = file(&[
        (b"IHDR", &header),
        (b"fcTL", &control),
        (b"fcTL", &control),
        (b"IDAT", &data),
    ]);
    assert_eq!(probe(&bytes, &Limits::default()).unwrap().frames, 1);
}

#[test]
fn a_file_that_ends_early_is_refused_and_one_that_lacks_only_its_end_is_not() {
    let picture = gradient(Size::new(61, 43), Layout::Rgb);
    let bytes = encode(
        &picture,
        PaletteUse::Never,
        false,
        85,
        &OutputMetadata::default(),
        &Budget::unlimited(),
    )
    .unwrap();
    assert!(matches!(
        decoded(&bytes[..bytes.len() / 2]),
        Err(CodecError::Corrupt { .. })
    ));
    assert_eq!(
        decoded(&bytes[..bytes.len() - 12]).unwrap().1.picture.data(),
        picture.data()
    );
}

/// Color type of the header (PNG 3rd edition, section 11.2.1): 2 truecolour, 3 indexed, 6 with alpha.
fn color_type(bytes: &[u8]) -> u8 {
    bytes[25]
}

#[test]
fn few_colours_get_a_palette_that_loses_nothing_unless_it_is_forbidden() {
    let budget = Budget::unlimited();
    let write =
        |picture: &Picture, palette| encode(picture, palette, false, 85, &OutputMetadata::default(), &budget).unwrap();
    let of = |colors: usize| {
        let sample = |at: usize| {
            let index = at * 7 % colors;
            [
                (index % 16 * 17) as u8,
                (index / 16 * 15) as u8,
                9,
                if index == 3 { 40 } else { 255 },
            ]
        };
        let data = (0..64 * 48).flat_map(sample).collect();
        Picture::from_raw(Size::new(64, 48), Layout::Rgba, data).unwrap()
    };
    let few = of(256);
    let indexed = write(&few, PaletteUse::Exact);
    assert_eq!(color_type(&indexed), 3);
    assert!(indexed.len() < write(&few, PaletteUse::Never).len());
    // Read by the library, not by our decoder.
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&indexed));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels, few.data());

    assert_eq!(color_type(&write(&few, PaletteUse::Never)), 6);
    // One colour more than a palette holds.
    assert_eq!(color_type(&write(&of(257), PaletteUse::Exact)), 6);
    assert_eq!(budget.held(), 0);
}
