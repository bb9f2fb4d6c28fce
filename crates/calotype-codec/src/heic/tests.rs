//! Files built here around three bitstreams of 64x64 pixels that x265 wrote: four squares, red (200, 40, 40) and green
//! (40, 200, 40) above blue (40, 40, 200) and grey (230, 230, 230).
//!
//! Pixels need libheif. Where it is not installed, the tests of pixels say so and pass.

use calotype_plan::{ImageFormat, Limits, Orientation, Size};

use super::{decoder, hevc};
use crate::{Budget, CodecError, ColorProfile, ColorSource, DecodeRequest, Decoded, Header, decode, probe};

const CONFIGURATION: &str = "0103700000000000000000001ef000fcfdf8f800000f03200001001840010c01ffff03700000030090000003000003001eba024021000100\
                             2b42010103700000030090000003000003001ea020810596ea4929ae6e04040c08000003000800000300084022000100074401c172b02240";
const DATA: &str = "0000003c2801af09e02139755ffffc693ffffbfa0f21fb0519679e7e2ba29ff7eaaffff1f32709fff8b04407f272b17feee076cefffee14a74fa4\
                    1da17d65f84";
/// An alpha plane: 128 on the green square, 255 elsewhere.
const ALPHA_CONFIGURATION: &str = "0104080000000000000000001ef000fcfcf8f800000f03200001001740010c01ffff0408000003009ff800000300001eba0240210001\
                                   00264201010408000003009ff800000300001ec08204165ba924a6b9b0200000030020000003002122000100074401c172b02240";
const ALPHA_DATA: &str = "000000182801ae13c03b88ebf5ffee70eae7fffaa6664bc7ffe3bbfe";
/// In 10 bits.
const DEEP_CONFIGURATION: &str = "0104080000000000000000001ef000fcfdfafa00000f03200001001740010c01ffff0408000003009db800000300001eba0240210001002a\
                                  4201010408000003009db800000300001ea0208104d96ea4929ae6e04040c0800000030080000003008422000100074401c172b02240";
const DEEP_DATA: &str = "0000003c2801af09e021397bcffffd7d7ffffc93b721fc89ee14dc7f7cee7fff236bfffeb342effffcf72203fa3f3cbff95af43b2c7f6a219bfcb6\
                         b4ff7effc0";

const RED: [u8; 3] = [200, 40, 40];
const GREEN: [u8; 3] = [40, 200, 40];
const BLUE: [u8; 3] = [40, 40, 200];
const GREY: [u8; 3] = [230, 230, 230];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, payload].concat()
}

/// A box with version 0 and no flags.
fn full(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 4][..], payload].concat())
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn u32s(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn ispe(width: u32, height: u32) -> Vec<u8> {
    full(b"ispe", &u32s(&[width, height]))
}

/// An item with its properties, in order.
#[derive(Clone)]
struct Item {
    kind: [u8; 4],
    /// What follows the type in `infe`.
    about: &'static [u8],
    data: Vec<u8>,
    properties: Vec<Vec<u8>>,
}

impl Item {
    fn new(kind: &[u8; 4], data: Vec<u8>) -> Self {
        Self {
            kind: *kind,
            about: b"\0",
            data,
            properties: Vec::new(),
        }
    }

    fn coded(configuration: &str, data: &str) -> Self {
        Self::new(b"hvc1", bytes(data))
            .with(boxed(b"hvcC", &bytes(configuration)))
            .with(ispe(64, 64))
    }

    fn with(mut self, property: Vec<u8>) -> Self {
        self.properties.push(property);
        self
    }
}

/// A file whose first item is the primary; items count from 1. References are type, from and to.
fn file(items: &[Item], references: &[(&[u8; 4], u16, Vec<u16>)]) -> Vec<u8> {
    let id = |at: usize| u16::try_from(at + 1).unwrap();
    let count = u16::try_from(items.len()).unwrap();
    let entries: Vec<u8> = items
        .iter()
        .enumerate()
        .flat_map(|(at, item)| {
            let payload = [&[2, 0, 0, 0][..], &u16s(&[id(at), 0]), &item.kind, item.about].concat();
            boxed(b"infe", &payload)
        })
        .collect();
    let properties: Vec<u8> = items.iter().flat_map(|item| item.properties.concat()).collect();
    let mut associations = u32s(&[u32::from(count)]);
    let mut next = 1u8;
    for (at, item) in items.iter().enumerate() {
        associations.extend(u16s(&[id(at)]));
        associations.push(u8::try_from(item.properties.len()).unwrap());
        for _ in &item.properties {
            associations.push(next);
            next += 1;
        }
    }
    let lists: Vec<u8> = references
        .iter()
        .flat_map(|(kind, from, to)| {
            boxed(
                kind,
                &u16s(&[&[*from, u16::try_from(to.len()).unwrap()][..], to].concat()),
            )
        })
        .collect();
    let head = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
    // The offsets in `iloc` depend on the length of `meta`, which does not depend on them.
    let meta = |start: usize| {
        let mut locations = [&[0x44, 0][..], &u16s(&[count])].concat();
        let mut offset = start;
        for (at, item) in items.iter().enumerate() {
            locations.extend(u16s(&[id(at), 0, 1]));
            locations.extend(u32s(&[
                u32::try_from(offset).unwrap(),
                u32::try_from(item.data.len()).unwrap(),
            ]));
            offset += item.data.len();
        }
        let boxes = [
            full(b"hdlr", b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            full(b"pitm", &u16s(&[1])),
            full(b"iloc", &locations),
            full(b"iinf", &[u16s(&[count]), entries.clone()].concat()),
            boxed(
                b"iprp",
                &[boxed(b"ipco", &properties), full(b"ipma", &associations)].concat(),
            ),
            full(b"iref", &lists),
        ];
        full(b"meta", &boxes.concat())
    };
    let data: Vec<u8> = items.iter().flat_map(|item| item.data.clone()).collect();
    let start = head.len() + meta(0).len() + 8;
    [head, meta(start), boxed(b"mdat", &data)].concat()
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let (limits, budget) = (Limits::default(), Budget::new(64 << 20));
    let header = probe(bytes, &limits)?;
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert_eq!(budget.held(), decoded.picture.data().len() as u64);
    assert!(budget.peak() > budget.held(), "the library's memory was charged");
    Ok((header, decoded))
}

fn has_pixels() -> bool {
    let version = decoder();
    if version.is_none() {
        eprintln!("left out: libheif is not installed, so no pixels are decoded");
    }
    version.is_some()
}

/// Within what the encoder's quantisation and the conversion from YCbCr may do.
fn assert_color(decoded: &Decoded, (x, y): (u32, u32), wanted: [u8; 3]) {
    let pixel = decoded.picture.pixel(x, y).unwrap();
    let off = pixel.iter().zip(wanted).map(|(&a, b)| a.abs_diff(b)).max();
    assert!(off <= Some(3), "{pixel:?} at {x} {y}, expected {wanted:?}");
}

#[test]
fn a_picture_has_its_colours_and_its_metadata() {
    let exif = Item::new(b"Exif", b"\0\0\0\x06Exif\0\0MM\0*\0\0\0\x08".to_vec());
    let xmp = Item {
        about: b"\0application/rdf+xml\0",
        ..Item::new(b"mime", b"<x/>".to_vec())
    };
    let picture = Item::coded(CONFIGURATION, DATA);
    let bytes = file(&[picture, exif, xmp], &[(b"cdsc", 2, vec![1]), (b"cdsc", 3, vec![1])]);
    let header = probe(&bytes, &Limits::default()).unwrap();
    assert_eq!(header, Header::new(ImageFormat::Heic, Size::new(64, 64)));
    if !has_pixels() {
        let error = open(&bytes).unwrap_err();
        assert!(matches!(error, CodecError::NotInstalled { .. }), "{error}");
        return;
    }
    let (_, decoded) = open(&bytes).unwrap();
    for (at, color) in [((8, 8), RED), ((56, 8), GREEN), ((8, 56), BLUE), ((56, 56), GREY)] {
        assert_color(&decoded, at, color);
    }
    assert_eq!(decoded.color, ColorSource::Srgb);
    assert_eq!(decoded.metadata.exif.as_deref(), Some(&b"MM\0*\0\0\0\x08"[..]));
    assert_eq!(decoded.metadata.xmp.as_deref(), Some(&b"<x/>"[..]));
}

#[test]
fn turns_and_mirrors_count_in_the_order_of_the_file() {
    // "a b" above "c d", by hand.
    type Grid = [[char; 2]; 2];
    let stored: Grid = [['a', 'b'], ['c', 'd']];
    let quarter_left = |g: Grid| [[g[0][1], g[1][1]], [g[0][0], g[1][0]]];
    let mirrored = |g: Grid, axis: u8| {
        if axis == 0 {
            [g[1], g[0]]
        } else {
            [[g[0][1], g[0][0]], [g[1][1], g[1][0]]]
        }
    };
    let upright = |orientation: Orientation| match orientation.to_exif() {
        1 => stored,
        2 => [['b', 'a'], ['d', 'c']],
        3 => [['d', 'c'], ['b', 'a']],
        4 => [['c', 'd'], ['a', 'b']],
        5 => [['a', 'c'], ['b', 'd']],
        6 => [['c', 'a'], ['d', 'b']],
        7 => [['d', 'b'], ['c', 'a']],
        _ => [['b', 'd'], ['a', 'c']],
    };
    // Every sequence of three of: no more, a quarter, half, three quarters, either mirror.
    for sequence in 0..6 * 6 * 6 {
        let mut item = Item::coded(CONFIGURATION, DATA);
        let mut expected = stored;
        for step in [sequence / 36, sequence / 6 % 6, sequence % 6] {
            match step {
                0 => {}
                1..=3 => {
                    item = item.with(boxed(b"irot", &[step]));
                    expected = (0..step).fold(expected, |grid, _| quarter_left(grid));
                }
                axis => {
                    item = item.with(boxed(b"imir", &[axis - 4]));
                    expected = mirrored(expected, axis - 4);
                }
            }
        }
        let header = probe(&file(&[item], &[]), &Limits::default()).unwrap();
        assert_eq!(upright(header.orientation), expected, "{sequence}");
    }
}

#[test]
fn a_picture_is_cut_and_left_to_be_turned() {
    // 20 x 40 around a centre that is 16 to the right and 8 up: from 38 and 4.
    let cut = boxed(b"clap", &u32s(&[20, 1, 40, 1, 16, 1, 8u32.wrapping_neg(), 1]));
    let bytes = file(
        &[Item::coded(CONFIGURATION, DATA)
            .with(cut.clone())
            .with(boxed(b"irot", &[1]))],
        &[],
    );
    let header = probe(&bytes, &Limits::default()).unwrap();
    assert_eq!(header.size, Size::new(20, 40));
    assert_eq!(
        (header.upright_size(), header.orientation),
        (Size::new(40, 20), Orientation::Rotate270)
    );
    let late = Item::coded(CONFIGURATION, DATA).with(boxed(b"irot", &[1])).with(cut);
    assert!(probe(&file(&[late], &[]), &Limits::default()).is_err());
    if !has_pixels() {
        return;
    }
    let (_, decoded) = open(&bytes).unwrap();
    assert_eq!(decoded.picture.size(), Size::new(20, 40));
    assert_color(&decoded, (10, 20), GREEN);
    assert_color(&decoded, (10, 36), GREY);
}

#[test]
fn a_grid_is_put_together_and_cut_to_its_size() {
    let grid = |columns: u8, width: u16, cells: u16| {
        let header = [&[0, 0, 0, columns - 1][..], &u16s(&[width, 64])].concat();
        let mut items = vec![Item::new(b"grid", header).with(ispe(u32::from(width), 64))];
        items.extend((0..cells).map(|_| Item::coded(CONFIGURATION, DATA)));
        file(&items, &[(b"dimg", 1, (2..2 + cells).collect())])
    };
    let header = probe(&grid(2, 110, 2), &Limits::default()).unwrap();
    assert_eq!(header.size, Size::new(110, 64));
    for wrong in [grid(2, 110, 1), grid(3, 110, 2), grid(2, 129, 2)] {
        assert!(matches!(
            probe(&wrong, &Limits::default()),
            Err(CodecError::Corrupt { .. })
        ));
    }
    if !has_pixels() {
        return;
    }
    let (_, decoded) = open(&grid(2, 110, 2)).unwrap();
    assert_color(&decoded, (8, 8), RED);
    assert_color(&decoded, (56, 8), GREEN);
    assert_color(&decoded, (72, 8), RED);
    assert_color(&decoded, (104, 56), GREY);
}

#[test]
fn alpha_comes_with_the_picture_and_is_taken_out_of_its_colours() {
    let alpha = Item::coded(ALPHA_CONFIGURATION, ALPHA_DATA).with(full(b"auxC", b"urn:mpeg:hevc:2015:auxid:1\0"));
    let items = [Item::coded(CONFIGURATION, DATA), alpha];
    let plain = file(&items, &[(b"auxl", 2, vec![1])]);
    let multiplied = file(&items, &[(b"auxl", 2, vec![1]), (b"prem", 1, vec![2])]);
    assert!(probe(&plain, &Limits::default()).unwrap().has_alpha);
    if !has_pixels() {
        return;
    }
    let (_, decoded) = open(&plain).unwrap();
    assert_color(&decoded, (56, 8), GREEN);
    let alphas = [(8, 8), (56, 8)].map(|(x, y)| decoded.picture.pixel(x, y).unwrap()[3]);
    assert!(alphas[0] >= 253 && alphas[1].abs_diff(128) <= 2, "{alphas:?}");
    // 40 * 255 / 128 = 80; 200 * 255 / 128 is over 255.
    let (_, decoded) = open(&multiplied).unwrap();
    assert_color(&decoded, (8, 8), RED);
    let pixel = decoded.picture.pixel(56, 8).unwrap();
    assert!(
        pixel[0].abs_diff(80) <= 6 && pixel[1] == 255 && pixel[2].abs_diff(80) <= 6,
        "{pixel:?}"
    );
}

#[test]
fn deep_pictures_are_converted_before_they_are_rounded() {
    let deep = Item::coded(DEEP_CONFIGURATION, DEEP_DATA);
    let header = probe(&file(std::slice::from_ref(&deep), &[]), &Limits::default()).unwrap();
    assert_eq!((header.bit_depth, header.profile), (10, ColorProfile::Untagged));
    // BT.2020 and PQ, matrix of BT.601, full range.
    let nclx = boxed(b"colr", &[&b"nclx"[..], &u16s(&[9, 16, 6]), &[0x80]].concat());
    let hdr = file(&[deep.clone().with(nclx)], &[]);
    let header = probe(&hdr, &Limits::default()).unwrap();
    let profile = ColorProfile::Cicp {
        primaries: 9,
        transfer: 16,
        matrix: 6,
        full_range: true,
    };
    assert_eq!(header.profile, profile);
    if !has_pixels() {
        return;
    }
    let (_, decoded) = open(&file(&[deep], &[])).unwrap();
    for (at, color) in [((8, 8), RED), ((56, 8), GREEN), ((8, 56), BLUE), ((56, 56), GREY)] {
        assert_color(&decoded, at, color);
    }
    let (_, decoded) = open(&hdr).unwrap();
    assert_eq!(decoded.color, ColorSource::Srgb);
    // 230 / 255 of PQ is some 4000 cd/m²: white.
    assert_color(&decoded, (56, 56), [255; 3]);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let whole = file(&[Item::coded(CONFIGURATION, DATA)], &[]);
    for length in 0..whole.len() {
        let error = open(&whole[..length]).unwrap_err();
        assert!(
            matches!(
                error,
                CodecError::Corrupt { .. } | CodecError::NotAnImage | CodecError::NotInstalled { .. }
            ),
            "{length}: {error}"
        );
    }
}

/// A configuration whose parameter set names a size, in three temporal sub-layers, and is right in nothing else.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let exp_golomb = |value: u32| {
        let digits = format!("{:b}", value + 1);
        "0".repeat(digits.len() - 1) + &digits
    };
    // One sub-layer has a profile and the other a level; the rest up to eight are padded. Ones stand where nobody looks.
    let head = [
        "0000",
        "010",
        "1",
        &"1".repeat(96),
        "1001",
        &"0".repeat(12),
        &"1".repeat(88 + 8),
    ]
    .concat();
    // 4:4:4, planes not separate.
    let mut digits = head + "1" + &exp_golomb(3) + "0" + &exp_golomb(width) + &exp_golomb(height) + "1";
    digits += &"0".repeat(digits.len().next_multiple_of(8) - digits.len());
    let mut unit = vec![0x42, 1];
    unit.extend(
        digits
            .as_bytes()
            .chunks(8)
            .map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap()),
    );
    let mut configuration = bytes(CONFIGURATION);
    configuration.truncate(22);
    configuration.extend([1, 0x21, 0, 1, 0, u8::try_from(unit.len()).unwrap()]);
    [configuration, unit].concat()
}

#[test]
fn sizes_in_bitstreams_are_read() {
    let size = |configuration: &[u8], data: &[u8]| hevc::coded_size(configuration, data);
    assert_eq!(size(&bytes(CONFIGURATION), &bytes(DATA)), Some(Size::new(64, 64)));
    assert_eq!(size(&bytes(DEEP_CONFIGURATION), &[]), Some(Size::new(64, 64)));
    assert_eq!(size(&claiming(30_000, 17), &[]), Some(Size::new(30_000, 17)));
    // A larger one in the data counts.
    let large = claiming(500, 400);
    let unit = &large[28..];
    let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
    let data = [&length[..], unit].concat();
    assert_eq!(size(&bytes(CONFIGURATION), &data), Some(Size::new(500, 400)));
    for length in 0..large.len() {
        assert_eq!(size(&large[..length], &[]), None, "{length}");
    }
}

#[test]
fn what_a_bitstream_claims_is_checked_before_anything_is_decoded() {
    if !has_pixels() {
        return;
    }
    let small = Item::new(b"hvc1", bytes(DATA))
        .with(boxed(b"hvcC", &bytes(CONFIGURATION)))
        .with(ispe(32, 32));
    assert!(matches!(open(&file(&[small], &[])), Err(CodecError::Corrupt { .. })));
    let giant = Item::new(b"hvc1", bytes(DATA))
        .with(boxed(b"hvcC", &claiming(12_001, 8)))
        .with(ispe(64, 64));
    let refused = open(&file(&[giant], &[])).unwrap_err();
    assert!(matches!(refused, CodecError::Limit { value: 12_001, .. }), "{refused}");
    let bytes = file(&[Item::coded(CONFIGURATION, DATA)], &[]);
    let (limits, budget) = (Limits::default(), Budget::new(1 << 20));
    let header = probe(&bytes, &limits).unwrap();
    let refused = decode(&bytes, &header, &DecodeRequest::default(), &limits, &budget).unwrap_err();
    assert!(matches!(refused, CodecError::Limit { .. }), "{refused}");
}

#[test]
fn other_codings_are_named() {
    let error = probe(
        &file(&[Item::new(b"j2k1", vec![0]).with(ispe(4, 4))], &[]),
        &Limits::default(),
    )
    .unwrap_err();
    assert_eq!(error, CodecError::unsupported("a HEIF picture of the kind \"j2k1\""));
}
