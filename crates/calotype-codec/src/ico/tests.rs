use calotype_plan::Size;

use super::*;
use crate::{Budget, DecodeRequest, Decoded, EncodeRequest, Layout, OutputMetadata, Picture, encode};

/// A picture without a file header: height counted twice, then `rest`.
fn bitmap(width: u32, height: u32, bits: u16, rest: &[u8]) -> Vec<u8> {
    let mut out = 40u32.to_le_bytes().to_vec();
    out.extend(width.to_le_bytes());
    out.extend((height * 2).to_le_bytes());
    out.extend([1, 0]);
    out.extend(bits.to_le_bytes());
    out.extend([0; 24]);
    out.extend(rest);
    out
}

/// An icon of pictures, each with the side and depth that the directory claims.
fn icon(kind: u8, pictures: &[(u8, u16, &[u8])]) -> Vec<u8> {
    let mut out = vec![0, 0, kind, 0];
    out.extend((pictures.len() as u16).to_le_bytes());
    let mut at = 6 + 16 * pictures.len();
    for (side, depth, bytes) in pictures {
        out.extend([*side, *side, 0, 0, 1, 0]);
        out.extend(depth.to_le_bytes());
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend((at as u32).to_le_bytes());
        at += bytes.len();
    }
    pictures.iter().for_each(|(.., bytes)| out.extend(*bytes));
    out
}

/// A picture of 24 bits and one pixel of `level`, opaque.
fn dot(level: u8) -> Vec<u8> {
    bitmap(1, 1, 24, &[level, level, level, 0, 0, 0, 0, 0])
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let decoded = decode(
        bytes,
        &header,
        &DecodeRequest::default(),
        &limits,
        &Budget::new(1 << 20),
    )?;
    assert_eq!(decoded.picture.size(), header.size);
    Ok((header, decoded))
}

fn png(size: Size, layout: Layout) -> Vec<u8> {
    let budget = Budget::unlimited();
    let picture = Picture::new(size, layout, [1, 2, 3, 4], &budget).unwrap();
    let request = EncodeRequest::Png {
        palette: crate::PaletteUse::Never,
        fast: true,
        quality: 85,
    };
    encode(&picture, &request, &OutputMetadata::default(), &budget).unwrap()
}

#[test]
fn the_mask_hides_pixels_and_rows_lie_bottom_up() {
    // Two rows of two pixels; the mask hides the left one below and the right one above.
    let rest = [
        1, 1, 1, 2, 2, 2, 0, 0, 3, 3, 3, 4, 4, 4, 0, 0, 0x80, 0, 0, 0, 0x40, 0, 0, 0,
    ];
    for kind in [1, 2] {
        let (header, decoded) = open(&icon(kind, &[(2, 24, &bitmap(2, 2, 24, &rest))])).unwrap();
        assert_eq!(
            (header.format, header.size, header.has_alpha),
            (ImageFormat::Ico, Size::new(2, 2), true)
        );
        let want = [3, 3, 3, 255, 4, 4, 4, 0, 1, 1, 1, 0, 2, 2, 2, 255];
        assert_eq!(decoded.picture.data(), want);
    }
    let cut = open(&icon(1, &[(2, 24, &bitmap(2, 2, 24, &rest[..20]))])).unwrap_err();
    assert_eq!(cut, CodecError::corrupt("the file ends before the picture's mask does"));
}

#[test]
fn alpha_counts_if_anything_shows_by_it() {
    let deep = |alpha: [u8; 2], mask: &[u8]| {
        let rest = [&[1, 1, 1, alpha[0], 2, 2, 2, alpha[1]], mask].concat();
        open(&icon(1, &[(2, 32, &bitmap(2, 1, 32, &rest))]))
            .unwrap()
            .1
            .picture
            .into_raw()
    };
    assert_eq!(deep([7, 0], &[0xff, 0, 0, 0]), [1, 1, 1, 7, 2, 2, 2, 0]);
    assert_eq!(deep([0, 0], &[0x40, 0, 0, 0]), [1, 1, 1, 255, 2, 2, 2, 0]);
    assert_eq!(deep([0, 0], &[]), [1, 1, 1, 255, 2, 2, 2, 255]);
}

#[test]
fn a_mask_without_padding_is_known_by_the_length_of_the_picture() {
    // One bit per pixel, two colours, one column and two rows: rows of four bytes, mask rows of one.
    let rest = [9, 9, 9, 0, 5, 5, 5, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
    let mut picture = bitmap(1, 2, 1, &rest);
    picture[32] = 2;
    let tail = [0xff; 16];
    let mut bytes = icon(1, &[(1, 1, &picture)]);
    bytes.extend(tail);
    assert_eq!(open(&bytes).unwrap().1.picture.data(), [9, 9, 9, 0, 5, 5, 5, 255]);
}

#[test]
fn the_best_picture_is_the_largest_then_the_deepest_by_its_own_header() {
    let small = bitmap(1, 2, 32, &[7; 16]);
    // The directory has it the other way round.
    let (header, decoded) = open(&icon(1, &[(200, 32, &dot(9)), (1, 1, &small)])).unwrap();
    assert_eq!(
        (header.size, decoded.picture.pixel(0, 0)),
        (Size::new(1, 2), Some([7; 4]))
    );
    let (_, decoded) = open(&icon(
        1,
        &[(1, 24, &dot(9)), (1, 32, &bitmap(1, 1, 32, &[8; 8])), (1, 32, &dot(5))],
    ))
    .unwrap();
    assert_eq!(decoded.picture.pixel(0, 0), Some([8; 4]));
    let (_, decoded) = open(&icon(1, &[(1, 24, &dot(9)), (1, 24, &dot(5))])).unwrap();
    assert_eq!(
        decoded.picture.pixel(0, 0),
        Some([9, 9, 9, 255]),
        "the first among equals"
    );
    // What cannot be read does not count.
    let (header, _) = open(&icon(1, &[(255, 32, b"nothing"), (1, 24, &dot(9))])).unwrap();
    assert_eq!(header.size, Size::new(1, 1));
}

#[test]
fn a_png_is_decoded_as_one() {
    for (layout, alpha) in [(Layout::Rgb, 255), (Layout::Rgba, 4)] {
        let picture = png(Size::new(300, 7), layout);
        let (header, decoded) = open(&icon(1, &[(1, 24, &dot(9)), (0, 8, &picture)])).unwrap();
        assert_eq!((header.format, header.size), (ImageFormat::Ico, Size::new(300, 7)));
        assert_eq!(header.has_alpha, layout == Layout::Rgba);
        assert_eq!(decoded.picture.pixel(299, 6), Some([1, 2, 3, alpha]));
    }
}

#[test]
fn directories_are_bounded_and_damage_is_named() {
    let bytes = icon(1, &[(1, 24, &dot(9)), (1, 24, &dot(9))]);
    let few = Limits {
        container_items_max: 1,
        ..Limits::default()
    };
    assert_eq!(
        probe(&bytes, &few),
        Err(CodecError::limit("number of pictures in the icon", 2, 1))
    );
    assert_eq!(
        probe(&bytes[..5], &Limits::default()),
        Err(CodecError::corrupt("its directory is cut or damaged"))
    );
    assert_eq!(
        probe(&bytes[..20], &Limits::default()),
        Err(CodecError::corrupt("no picture of the icon can be read"))
    );
}
