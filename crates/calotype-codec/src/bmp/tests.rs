use calotype_plan::Size;

use super::*;
use crate::{ColorProfile, EncodeRequest, OutputMetadata, encode};

/// A file: headers, what follows the second one, pixels.
fn file(header: &[u8], behind: &[u8], pixels: &[u8]) -> Vec<u8> {
    let at = 14 + header.len() + behind.len();
    let size = (at + pixels.len()) as u32;
    let first = [b"BM", &size.to_le_bytes()[..], &[0; 4], &(at as u32).to_le_bytes()].concat();
    [&first, header, behind, pixels].concat()
}

/// A second header of `length` bytes, as far as version 1 goes; the rest is 0.
fn info(length: usize, width: i32, height: i32, bits: u16, compression: u32, colors: u32) -> Vec<u8> {
    let mut out = (length as u32).to_le_bytes().to_vec();
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(compression.to_le_bytes());
    out.extend([0; 12]);
    out.extend(colors.to_le_bytes());
    out.resize(length, 0);
    out
}

/// Entries of four bytes: blue, green, red, 0.
fn palette(colors: &[[u8; 3]]) -> Vec<u8> {
    colors.iter().flat_map(|&[r, g, b]| [b, g, r, 0]).collect()
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let budget = Budget::new(1 << 20);
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert_eq!(decoded.picture.size(), header.size);
    Ok((header, decoded))
}

fn pixels_of(bytes: &[u8]) -> Vec<u8> {
    open(bytes).unwrap().1.picture.into_raw()
}

const BLACK: [u8; 3] = [0; 3];
const RED: [u8; 3] = [255, 0, 0];
const LIME: [u8; 3] = [0, 255, 0];
const GREY: [u8; 3] = [9, 8, 7];
const FOUR: [[u8; 3]; 4] = [BLACK, RED, LIME, GREY];

#[test]
fn indices_of_every_width_lie_highest_first_and_rows_bottom_up() {
    for (bits, top, bottom) in [
        // Red, black, red, as indices 1, 0, 1 above 0, 1, 1.
        (1u16, [0b1010_0000u8, 0, 0], [0b0110_0000u8, 0, 0]),
        (2, [0b0100_0100, 0, 0], [0b0001_0100, 0, 0]),
        (4, [0x10, 0x10, 0], [0x01, 0x10, 0]),
        (8, [1, 0, 1], [0, 1, 1]),
    ] {
        let rows = [&bottom[..], &[0xff], &top, &[0xff]].concat();
        let bytes = file(&info(40, 3, 2, bits, 0, 4), &palette(&FOUR), &rows);
        // With one bit there are two colours.
        let bytes = if bits == 1 {
            file(&info(40, 3, 2, 1, 0, 2), &palette(&FOUR[..2]), &rows)
        } else {
            bytes
        };
        let (header, decoded) = open(&bytes).unwrap();
        let want = [RED, BLACK, RED, BLACK, RED, RED].concat();
        assert_eq!(decoded.picture.data(), want, "{bits} bits");
        assert_eq!((u16::from(header.bit_depth), header.has_alpha), (bits, false));
        assert_eq!(header.profile, ColorProfile::Untagged);
        // The same rows the other way round.
        let mut turned = bytes.clone();
        turned[22..26].copy_from_slice(&(-2i32).to_le_bytes());
        let want = [BLACK, RED, RED, RED, BLACK, RED].concat();
        assert_eq!(pixels_of(&turned), want, "{bits} bits, top down");
    }
}

#[test]
fn colours_of_16_24_and_32_bits() {
    let row = [0x00, 0x7c, 0xe0, 0x03];
    let bytes = file(&info(40, 2, 1, 16, 0, 0), &[], &row);
    assert_eq!(pixels_of(&bytes), [RED, LIME].concat());
    let bytes = file(&info(40, 2, 1, 24, 0, 0), &[], &[7, 8, 9, 0, 255, 0, 0, 0]);
    assert_eq!(pixels_of(&bytes), [GREY, LIME].concat());
    // The fourth byte means nothing without a mask.
    let bytes = file(&info(40, 1, 1, 32, 0, 0), &[], &[7, 8, 9, 100]);
    let (header, decoded) = open(&bytes).unwrap();
    assert_eq!((decoded.picture.data(), header.has_alpha), (&GREY[..], false));
}

#[test]
fn masks_name_the_bits_of_each_channel() {
    let masks = |m: &[u32]| m.iter().flat_map(|m| m.to_le_bytes()).collect::<Vec<_>>();
    let bytes = file(
        &info(40, 2, 1, 16, 3, 0),
        &masks(&[0xf800, 0x07e0, 0x001f]),
        &[0x00, 0xf8, 0x10, 0x00],
    );
    // 16 of 31 is 131.6, and the references round down.
    assert_eq!(pixels_of(&bytes), [255, 0, 0, 0, 0, 131]);
    // Four masks behind the first version, four bits each: 8 of 15 is 136.
    let behind = masks(&[0x0f00, 0x00f0, 0x000f, 0xf000]);
    let (header, decoded) = open(&file(&info(40, 2, 1, 16, 6, 0), &behind, &[0x2f, 0x81, 0x00, 0xf0])).unwrap();
    assert_eq!(decoded.picture.data(), [17, 34, 255, 136, 0, 0, 0, 255]);
    assert_eq!((header.has_alpha, header.bit_depth), (true, 4));
    // In the third version they are a part of the header. A picture that shows nothing means nothing by its alpha.
    let mut third = info(56, 1, 1, 32, 3, 0);
    third[40..56].copy_from_slice(&masks(&[0xff, 0xff00, 0xff_0000, 0xff00_0000]));
    assert_eq!(pixels_of(&file(&third, &[], &[9, 8, 7, 0])), [9, 8, 7, 255]);
    assert_eq!(pixels_of(&file(&third, &[], &[9, 8, 7, 3])), [9, 8, 7, 3]);
}

#[test]
fn the_headers_of_os2_are_shorter() {
    // 12 bytes, sides of 16 bits, colours of three bytes; fewer than 256, because the pixels begin behind them.
    let core = [&12u32.to_le_bytes()[..], &[2, 0, 1, 0, 1, 0, 8, 0]].concat();
    let colors: Vec<u8> = [RED, LIME].iter().flat_map(|&[r, g, b]| [b, g, r]).collect();
    assert_eq!(pixels_of(&file(&core, &colors, &[1, 0, 0, 0])), [LIME, RED].concat());
    assert_eq!(pixels_of(&file(&core, &colors, &[1, 9, 0, 0])), [LIME, BLACK].concat());
    // 16 bytes, of which nothing says that there is compression.
    let short = &info(40, 2, 1, 24, 0, 0)[..16];
    let mut short = short.to_vec();
    short[0] = 16;
    assert_eq!(
        pixels_of(&file(&short, &[], &[7, 8, 9, 0, 0, 255, 0, 0])),
        [GREY, RED].concat()
    );
}

#[test]
fn runs_deltas_and_early_ends_of_rle8() {
    let colors = palette(&[GREY, RED, LIME]);
    let open = |data: &[u8]| open(&file(&info(40, 4, 3, 8, 1, 3), &colors, data)).map(|(_, d)| d.picture.into_raw());
    let rows = |rows: [[[u8; 3]; 4]; 3]| rows.as_flattened().as_flattened().to_vec();
    // Two red; then three as they are, of which one lies outside; end of row; one to the right and one up, then lime.
    let data = [2, 1, 0, 3, 2, 1, 2, 0, 0, 0, 0, 2, 1, 1, 1, 2, 0, 1];
    let want = rows([[GREY, LIME, GREY, GREY], [GREY; 4], [RED, RED, LIME, RED]]);
    assert_eq!(open(&data).unwrap(), want);
    // An end mark at once leaves the first colour.
    assert_eq!(open(&[0, 1]).unwrap(), rows([[GREY; 4]; 3]));
    // A run that is longer than its row ends with it.
    assert_eq!(
        open(&[9, 1, 0, 0, 1, 2, 0, 1]).unwrap(),
        rows([[GREY; 4], [LIME, GREY, GREY, GREY], [RED; 4]])
    );
    // Without an end mark the last row must be full.
    let full = [4, 1, 0, 0, 4, 2, 0, 0, 4, 0];
    assert_eq!(open(&full).unwrap(), rows([[GREY; 4], [LIME; 4], [RED; 4]]));
    for length in 0..full.len() {
        let cut = open(&full[..length]).unwrap_err();
        assert!(matches!(cut, CodecError::Corrupt { .. }), "{length} bytes: {cut}");
    }
}

#[test]
fn runs_of_4_and_24_bits() {
    let four = file(
        &info(40, 5, 1, 4, 2, 4),
        &palette(&FOUR),
        &[3, 0x12, 0, 3, 0x30, 0x10, 0, 1],
    );
    // Red, lime and red in turn; then three as they are, of which one lies outside.
    assert_eq!(pixels_of(&four), [RED, LIME, RED, GREY, BLACK].concat());
    let deep = file(
        &info(64, 5, 1, 24, 4, 0),
        &[],
        &[2, 0, 0, 255, 0, 3, 7, 8, 9, 0, 255, 0, 0, 0, 255, 0, 0, 1],
    );
    assert_eq!(pixels_of(&deep), [RED, RED, GREY, LIME, RED].concat());
}

#[test]
fn huffman_rows_are_white_and_black_runs() {
    // T.4 tables 2 and 3: white 2 is 0111, black 3 is 10, white 3 is 1000; white 0 is 00110101, black 8 is 000101; each
    // row behind a line end of eleven zeros and a one.
    let bits = "000000000001 0111 10 1000 000000000001 00110101 000101 0000";
    let bits: Vec<u8> = bits.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
    let data: Vec<u8> = bits
        .chunks(8)
        .map(|b| b.iter().enumerate().map(|(i, b)| b << (7 - i)).sum())
        .collect();
    let header = info(64, 8, 2, 1, 3, 2);
    let bytes = file(&header, &palette(&[LIME, RED]), &data);
    let want = [
        [RED; 8].as_flattened(),
        [LIME, LIME, RED, RED, RED, LIME, LIME, LIME].as_flattened(),
    ]
    .concat();
    assert_eq!(pixels_of(&bytes), want);
    assert!(open(&file(&header, &palette(&[LIME, RED]), &data[..3])).is_err());
}

#[test]
fn a_png_or_jpeg_inside_is_decoded_as_such() {
    let budget = Budget::unlimited();
    let picture = Picture::new(Size::new(5, 3), Layout::Rgb, [9, 8, 7, 0], &budget).unwrap();
    let png = EncodeRequest::Png {
        palette: crate::PaletteUse::Never,
        fast: true,
        quality: 85,
    };
    let jpeg = EncodeRequest::Jpeg {
        quality: 90,
        progressive: false,
    };
    for (compression, request) in [(5, png), (4, jpeg)] {
        let inner = encode(&picture, &request, &OutputMetadata::default(), &budget).unwrap();
        let (header, decoded) = open(&file(&info(40, 5, 3, 0, compression, 0), &[], &inner)).unwrap();
        assert_eq!((header.format, header.size), (ImageFormat::Bmp, Size::new(5, 3)));
        assert!(
            decoded
                .picture
                .data()
                .iter()
                .zip(picture.data())
                .all(|(a, b)| a.abs_diff(*b) <= 2)
        );
        let lying = probe(
            &file(&info(40, 6, 3, 0, compression, 0), &[], &inner),
            &Limits::default(),
        )
        .unwrap_err();
        assert_eq!(
            lying.to_string(),
            "the image is damaged: it says 6x3, but the picture inside is 5x3"
        );
    }
}

#[test]
fn colour_spaces_of_versions_4_and_5() {
    let profile = |header: &[u8], behind: &[u8]| {
        // The profile stands behind the pixel.
        let bytes = [&file(header, &[], &[1, 2, 3, 0])[..], behind].concat();
        let (header, decoded) = open(&bytes).unwrap();
        (header.profile, decoded.color, decoded.metadata.icc)
    };
    let mut header = info(124, 1, 1, 24, 0, 0);
    header[56..60].copy_from_slice(b"BGRs");
    assert_eq!(profile(&header, &[]), (ColorProfile::Srgb, ColorSource::Srgb, None));
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    header[56..60].copy_from_slice(b"DEBM");
    header[112..116].copy_from_slice(&128u32.to_le_bytes());
    header[116..120].copy_from_slice(&(icc.len() as u32).to_le_bytes());
    let (named, color, kept) = profile(&header, &icc);
    assert_eq!(
        (named, color),
        (ColorProfile::from_icc(&icc), ColorSource::Icc(icc.clone()))
    );
    assert_eq!(kept, Some(icc.clone()));
    // One byte short.
    let none = (ColorProfile::Untagged, ColorSource::Srgb, None);
    assert_eq!(profile(&header, &icc[1..]), none);
    // A profile on the writer's disk is not looked for.
    header[56..60].copy_from_slice(b"KNIL");
    assert_eq!(profile(&header, &icc), none);

    // Columns of the matrix of sRGB as its end points, in 2.30, and gammas in 16.16.
    let calibrated = |gamma: f64, xyz: [f64; 9]| {
        let mut header = info(108, 1, 1, 24, 0, 0);
        for (field, value) in header[60..96].as_chunks_mut::<4>().0.iter_mut().zip(xyz) {
            *field = ((value * f64::from(1 << 30)) as i32).to_le_bytes();
        }
        for field in header[96..108].as_chunks_mut::<4>().0 {
            *field = ((gamma * 65_536.0) as u32).to_le_bytes();
        }
        profile(&header, &[])
    };
    let srgb = [0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505];
    assert_eq!(calibrated(2.2, srgb), (ColorProfile::Srgb, ColorSource::Srgb, None));
    let (named, color, _) = calibrated(1.0, srgb);
    assert_eq!(named, ColorProfile::Gamma);
    assert!(
        matches!(color, ColorSource::GammaChrm { gamma, chromaticities: Some([[x, _], ..]) }
        if (gamma - 1.0).abs() < 1e-6 && (x - 0.3127).abs() < 1e-3)
    );
    assert_eq!(calibrated(0.0, [0.0; 9]), none);
}

#[test]
fn damage_is_named_and_nothing_is_charged_for_it() {
    let rows = file(&info(40, 3, 2, 24, 0, 0), &[], &[0; 24]);
    for (bytes, words) in [
        (rows[..30].to_vec(), "its header is cut or damaged"),
        (
            rows[..14 + 40 + 12 + 8].to_vec(),
            "the file ends before the picture does",
        ),
        (file(&info(40, -3, 2, 24, 0, 0), &[], &[0; 24]), "its width is negative"),
        (
            file(&info(40, 3, 2, 17, 0, 0), &[], &[0; 24]),
            "it has 17 bits per pixel",
        ),
        (
            file(&info(40, 1, 1, 8, 0, 1_000_000), &[], &[0; 4]),
            "it says it has 1000000 colours, which is more than fits into the file",
        ),
    ] {
        assert_eq!(open(&bytes).unwrap_err(), CodecError::corrupt(words));
    }
    // The padding of the last row may be missing.
    assert!(open(&rows[..rows.len() - 3]).is_ok());
    assert_eq!(
        open(&file(&info(40, 3, 2, 8, 9, 0), &[], &[0; 24])).unwrap_err(),
        CodecError::unsupported("a bitmap of 8 bits with compression 9")
    );
    let huge = file(&info(40, 10_000, 10_000, 32, 0, 0), &[], &[0; 100]);
    let (limits, budget) = (Limits::default(), Budget::unlimited());
    let header = probe(&huge, &limits).unwrap();
    assert!(decode(&huge, &header, &DecodeRequest::default(), &limits, &budget).is_err());
    assert_eq!(budget.peak(), 0);
}
