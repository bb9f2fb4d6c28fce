//! Pages made by hand.

mod codings;
mod colors;

use calotype_plan::{Orientation, Size};

use super::facts::tag;
use super::*;
use crate::{Budget, ColorSource, DecodeRequest, Decoded, EncodeRequest, Layout, OutputMetadata, Picture, encode};

/// The values of a tag.
#[derive(Clone)]
enum Values {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Fraction(Vec<(u32, u32)>),
    Bytes(u16, Vec<u8>),
}

fn short(values: &[u16]) -> Values {
    Values::Short(values.to_vec())
}

/// A file with one page.
#[derive(Clone)]
struct Page {
    big_endian: bool,
    wide: bool,
    tags: Vec<(u16, Values)>,
    chunks: Vec<Vec<u8>>,
}

impl Page {
    /// A page of one strip, unless it is given more.
    fn new(width: u16, height: u16, photometric: u16, bits: &[u16], data: &[u8]) -> Self {
        let tags = [
            (tag::WIDTH, vec![width]),
            (tag::LENGTH, vec![height]),
            (tag::BITS, bits.to_vec()),
            (tag::PHOTOMETRIC, vec![photometric]),
            (tag::SAMPLES, vec![bits.len() as u16]),
        ];
        Self {
            big_endian: false,
            wide: false,
            tags: tags
                .into_iter()
                .map(|(tag, values)| (tag, Values::Short(values)))
                .collect(),
            chunks: vec![data.to_vec()],
        }
    }

    fn with(mut self, tag: u16, values: Values) -> Self {
        self.tags.retain(|(known, _)| *known != tag);
        self.tags.push((tag, values));
        self
    }

    fn chunks(mut self, chunks: &[&[u8]]) -> Self {
        self.chunks = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        self
    }

    fn number(&self, value: u64, bytes: usize) -> Vec<u8> {
        if self.big_endian {
            value.to_be_bytes()[8 - bytes..].to_vec()
        } else {
            value.to_le_bytes()[..bytes].to_vec()
        }
    }

    fn file(&self) -> Vec<u8> {
        let word = if self.wide { 8 } else { 4 };
        let mut out = if self.big_endian {
            b"MM".to_vec()
        } else {
            b"II".to_vec()
        };
        out.extend(self.number(if self.wide { 43 } else { 42 }, 2));
        if self.wide {
            out.extend(self.number(8, 2));
            out.extend([0; 2]);
        }
        let link = out.len();
        out.extend(vec![0; word]);
        let mut tags = self.tags.clone();
        let mut offsets = Vec::new();
        for chunk in &self.chunks {
            offsets.push(out.len() as u32);
            out.extend(chunk);
        }
        let tiled = tags.iter().any(|(tag, _)| *tag == tag::TILE_WIDTH);
        let lengths = self.chunks.iter().map(|chunk| chunk.len() as u32).collect();
        tags.push((
            if tiled { tag::TILE_OFFSETS } else { tag::STRIP_OFFSETS },
            Values::Long(offsets),
        ));
        tags.push((
            if tiled { tag::TILE_BYTES } else { tag::STRIP_BYTES },
            Values::Long(lengths),
        ));
        tags.sort_by_key(|(tag, _)| *tag);
        let mut entries = Vec::new();
        for (tag, values) in tags {
            let join = |parts: Vec<Vec<u8>>| parts.concat();
            let (kind, count, bytes) = match values {
                Values::Short(v) => (3, v.len(), join(v.iter().map(|&v| self.number(v.into(), 2)).collect())),
                Values::Long(v) => (4, v.len(), join(v.iter().map(|&v| self.number(v.into(), 4)).collect())),
                Values::Fraction(v) => (
                    5,
                    v.len(),
                    join(
                        v.iter()
                            .flat_map(|&(a, b)| [self.number(a.into(), 4), self.number(b.into(), 4)])
                            .collect(),
                    ),
                ),
                Values::Bytes(kind, v) => (kind, v.len(), v),
            };
            entries.extend(self.number(tag.into(), 2));
            entries.extend(self.number(kind.into(), 2));
            entries.extend(self.number(count as u64, word));
            if bytes.len() <= word {
                entries.extend(&bytes);
                entries.resize(entries.len() + word - bytes.len(), 0);
            } else {
                entries.extend(self.number(out.len() as u64, word));
                out.extend(&bytes);
            }
        }
        let at = self.number(out.len() as u64, word);
        out[link..link + word].copy_from_slice(&at);
        let count = entries.len() / (4 + 2 * word);
        out.extend(self.number(count as u64, if self.wide { 8 } else { 2 }));
        out.extend(entries);
        // The next page is this page.
        out.extend(at);
        out
    }
}

fn open(bytes: &[u8]) -> Result<(Header, Decoded), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let budget = Budget::new(64 << 20);
    let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget)?;
    assert_eq!(decoded.picture.size(), header.size);
    assert_eq!(budget.held(), decoded.picture.data().len() as u64);
    Ok((header, decoded))
}

fn pixels(page: &Page) -> Vec<u8> {
    open(&page.file()).unwrap().1.picture.into_raw()
}

/// Grey as three channels.
fn grey(levels: &[u8]) -> Vec<u8> {
    levels.iter().flat_map(|&v| [v; 3]).collect()
}

#[test]
fn both_byte_orders_and_both_widths_of_offsets_are_read() {
    let samples = [0x1234u16, 0xff80, 0x0080, 0x007f, 0xffff, 0];
    for big_endian in [false, true] {
        for wide in [false, true] {
            let mut page = Page::new(2, 1, 2, &[16, 16, 16], &[]).with(tag::ORIENTATION, short(&[6]));
            (page.big_endian, page.wide) = (big_endian, wide);
            page.chunks = vec![samples.iter().flat_map(|&v| page.number(v.into(), 2)).collect()];
            let (header, decoded) = open(&page.file()).unwrap();
            assert_eq!((header.size, header.bit_depth), (Size::new(2, 1), 16));
            assert_eq!(header.orientation, Orientation::from_exif(6));
            // 0x1234 * 255 / 65535 = 18.13; 0xff80: 254.5; 0x80: 0.498; 0x7f: 0.494.
            assert_eq!(decoded.picture.data(), [18, 255, 0, 0, 255, 0]);
        }
    }
}

#[test]
fn samples_of_every_width_and_kind_become_levels() {
    let cases: &[(u16, u16, &[u8], &[u8])] = &[
        // Bits, kind, a row, levels.
        (1, 1, &[0b1010_0000], &[255, 0, 255]),
        (2, 1, &[0b0001_1011], &[0, 85, 170, 255]),
        (4, 1, &[0x0f, 0x80], &[0, 255, 136]),
        (6, 1, &[0b1111_1100, 0b0000_0000], &[255, 0]),
        // 0x800 of 0xfff is 127.53.
        (12, 1, &[0x80, 0x0f, 0xff], &[128, 255]),
        (24, 1, &[0xff, 0xff, 0x7f, 0, 0, 0xff], &[127, 254]),
        (32, 1, &[0xff, 0xff, 0xff, 0x7f], &[127]),
        (64, 1, &[0, 0, 0, 0, 0, 0, 0, 0x80], &[128]),
        (16, 2, &[0xff, 0x7f, 0, 0x80], &[127, 0]),
        (32, 2, &[7, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff], &[7, 255, 0]),
        // Floating point is linear light: 0.5 is 187.5 in sRGB, rounded up.
        (16, 3, &[0x00, 0x38, 0x00, 0x3c, 0x00, 0xbc], &[188, 255, 0]),
        (24, 3, &[0, 0, 0x3e, 0, 0, 0x3f], &[188, 255]),
        (32, 3, &[0, 0, 0, 0x3f, 0, 0, 0xc0, 0x7f, 0, 0, 0, 0x43], &[188, 0, 255]),
        (64, 3, &[0, 0, 0, 0, 0, 0, 0xe0, 0x3f], &[188]),
    ];
    for &(bits, kind, row, levels) in cases {
        let page = Page::new(levels.len() as u16, 1, 1, &[bits], row).with(tag::SAMPLE_FORMAT, short(&[kind]));
        assert_eq!(pixels(&page), grey(levels), "{bits} bits of kind {kind}");
    }
    let inverted = Page::new(4, 1, 0, &[2], &[0b0001_1011]);
    assert_eq!(pixels(&inverted), grey(&[255, 170, 85, 0]));
}

#[test]
fn strips_tiles_and_planes_are_put_together() {
    let (width, height) = (19u8, 18u8);
    let value = |x: u8, y: u8, channel: u8| x.wrapping_mul(11) ^ y.wrapping_mul(23) ^ channel.wrapping_mul(77);
    let rows = |left: u8, top: u8, w: u8, h: u8, channels: &[u8]| -> Vec<u8> {
        (top..top + h)
            .flat_map(|y| (left..left + w).flat_map(move |x| channels.iter().map(move |&c| value(x, y, c))))
            .collect()
    };
    let want = rows(0, 0, width, height, &[0, 1, 2]);
    let page = Page::new(width.into(), height.into(), 2, &[8, 8, 8], &want);
    assert_eq!(pixels(&page), want);
    let strips = |channels: &[u8]| -> Vec<Vec<u8>> {
        [0, 7, 14]
            .map(|top| rows(0, top, width, 7.min(height - top), channels))
            .to_vec()
    };
    let tiles = |channels: &[u8]| -> Vec<Vec<u8>> {
        [(0, 0), (16, 0), (0, 16), (16, 16)]
            .map(|(x, y)| rows(x, y, 16, 16, channels))
            .to_vec()
    };
    let striped = page.clone().with(tag::ROWS_PER_STRIP, short(&[7]));
    let tiled = page
        .with(tag::TILE_WIDTH, short(&[16]))
        .with(tag::TILE_LENGTH, short(&[16]));
    let planar = |page: &Page| page.clone().with(tag::PLANAR, short(&[2]));
    for (page, parts) in [
        (planar(&striped), [strips(&[0]), strips(&[1]), strips(&[2])].concat()),
        (planar(&tiled), [tiles(&[0]), tiles(&[1]), tiles(&[2])].concat()),
        (striped, strips(&[0, 1, 2])),
        (tiled, tiles(&[0, 1, 2])),
    ] {
        let mut parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(pixels(&page.clone().chunks(&parts)), want);
        parts[0] = &parts[0][1..];
        let refused = open(&page.chunks(&parts).file()).unwrap_err();
        assert_eq!(refused, CodecError::corrupt("the file ends before the picture does"));
    }
}

#[test]
fn metadata_is_gathered_from_the_page() {
    let mut page = Page::new(1, 1, 1, &[8], &[7]);
    for big_endian in [false, true] {
        page.big_endian = big_endian;
        let page = page
            .clone()
            .with(315, Values::Bytes(2, b"An artist\0".to_vec()))
            .with(33_432, Values::Bytes(2, b"(c) 2026 Someone\0".to_vec()))
            .with(tag::ORIENTATION, short(&[3]))
            .with(tag::XMP, Values::Bytes(1, b"<x:xmpmeta/>".to_vec()))
            .with(tag::IPTC, Values::Bytes(7, vec![0x1c, 2, 116, 0, 1, b'c', 0]));
        let (header, decoded) = open(&page.file()).unwrap();
        assert_eq!(header.orientation, Orientation::from_exif(3));
        let metadata = decoded.metadata;
        assert_eq!(metadata.copyright().as_deref(), Some(&b"(c) 2026 Someone"[..]));
        assert!(metadata.copyright_only().exif.is_some());
        let exif = metadata.exif.as_deref().unwrap();
        assert!(exif.windows(9).any(|w| w == b"An artist"));
        assert_eq!(crate::exif_orientation(exif), Orientation::Upright);
        assert_eq!(metadata.xmp.as_deref(), Some(&b"<x:xmpmeta/>"[..]));
        let resources = b"8BIM\x04\x04\0\0\0\0\0\x07\x1c\x02\x74\0\x01c\0\0";
        assert_eq!(metadata.iptc.as_deref(), Some(&resources[..]));
        // Blocks over the limit are absent.
        let small = Limits {
            metadata_bytes_max: 10,
            ..Limits::default()
        };
        let bytes = page.file();
        let header = probe(&bytes, &small).unwrap();
        let decoded = decode(&bytes, &header, &DecodeRequest::default(), &small, &Budget::unlimited()).unwrap();
        assert_eq!((decoded.metadata.xmp, decoded.metadata.exif), (None, None));
    }
}

#[test]
fn what_is_not_read_is_named() {
    let page = Page::new(2, 1, 1, &[8], &[1, 2]);
    for (tag, value, words) in [
        (tag::COMPRESSION, 34_925, "TIFF with LZMA compression is not supported"),
        (tag::COMPRESSION, 9, "TIFF with unknown compression is not supported"),
        (
            tag::PHOTOMETRIC,
            32_803,
            "TIFF with raw camera samples is not supported",
        ),
        (tag::PREDICTOR, 9, "TIFF with this predictor is not supported"),
        (
            tag::SAMPLE_FORMAT,
            5,
            "TIFF with samples of 8 bits of this kind is not supported",
        ),
    ] {
        let bytes = page.clone().with(tag, short(&[value])).file();
        assert_eq!(open(&bytes).unwrap_err().to_string(), words);
        assert!(
            probe(&bytes, &Limits::default()).is_ok(),
            "the header is still reported"
        );
    }
    let mixed = Page::new(1, 1, 2, &[5, 6, 5], &[0; 2]).file();
    assert_eq!(
        open(&mixed).unwrap_err(),
        CodecError::unsupported("TIFF with samples of different widths")
    );
}

#[test]
fn work_and_memory_are_bounded() {
    let limits = Limits::default();
    let refused = |page: &Page, budget: &Budget| {
        let bytes = page.file();
        let header = probe(&bytes, &limits).unwrap();
        decode(&bytes, &header, &DecodeRequest::default(), &limits, budget).unwrap_err()
    };
    // A tile that is far larger than the picture is charged before it is made.
    let tile = Page::new(1, 1, 1, &[8], &[0])
        .with(tag::TILE_WIDTH, Values::Long(vec![u32::MAX]))
        .with(tag::TILE_LENGTH, Values::Long(vec![u32::MAX]))
        .with(tag::COMPRESSION, short(&[8]));
    let budget = Budget::new(1 << 20);
    assert!(matches!(refused(&tile, &budget), CodecError::Limit { .. }));
    assert!(budget.peak() < 1000 && budget.held() == 0);
    // Tiles of one pixel.
    let tiny = Page::new(1000, 1000, 1, &[8], &[0])
        .with(tag::TILE_WIDTH, short(&[1]))
        .with(tag::TILE_LENGTH, short(&[1]));
    assert_eq!(
        refused(&tiny, &budget),
        CodecError::limit("number of tiles", 1_000_000, 65_536)
    );
    // Samples that nobody looks at have to be decompressed too.
    let many = Page::new(10_000, 1000, 2, &[8; 3], &[0])
        .with(tag::SAMPLES, short(&[65_535]))
        .with(tag::BITS, short(&[8]))
        .with(tag::ROWS_PER_STRIP, short(&[1]));
    assert_eq!(
        refused(&many, &budget),
        CodecError::limit("size of the decompressed TIFF, in bytes,", 655_350_000_000, 4 << 30)
    );
    // Strips that all name the same long data.
    let rows = 1000;
    let data = vec![0x80; 1 << 20];
    let mut overlapping = Page::new(1, rows, 1, &[8], &data)
        .with(tag::COMPRESSION, short(&[32_773]))
        .with(tag::ROWS_PER_STRIP, short(&[1]))
        .file();
    let end = overlapping.len();
    // The directory is the last thing in the file; its entries of offsets and lengths get 1000 values each.
    let value_at = |file: &[u8], wanted: u16| {
        let at = file[..end]
            .windows(4)
            .rposition(|w| w[..2] == wanted.to_le_bytes() && w[2..4] == [4, 0])
            .unwrap();
        (at + 4, at + 8)
    };
    for (wanted, value) in [(tag::STRIP_OFFSETS, 8u32), (tag::STRIP_BYTES, 1 << 20)] {
        let (count, place) = value_at(&overlapping, wanted);
        // A few bytes of literals would do for a strip, but there are none.
        let at = overlapping.len() as u32;
        overlapping.extend(value.to_le_bytes().repeat(rows.into()));
        overlapping[count..count + 4].copy_from_slice(&u32::from(rows).to_le_bytes());
        overlapping[place..place + 4].copy_from_slice(&at.to_le_bytes());
    }
    // One pixel at the very end of the data.
    overlapping[8 + (1 << 20) - 2..8 + (1 << 20)].copy_from_slice(&[0, 7]);
    assert_eq!(
        open(&overlapping).unwrap_err(),
        CodecError::corrupt("its strips or tiles overlap")
    );
}
fn close(got: &[u8], want: [u8; 3]) -> bool {
    got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 3)
}
