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

/// Bytes of hexadecimal digits.
fn hex(digits: &str) -> Vec<u8> {
    let nibbles: Vec<u32> = digits.chars().map(|c| c.to_digit(16).unwrap()).collect();
    nibbles
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| (high * 16 + low) as u8)
        .collect()
}

#[test]
fn fax_codings_give_the_pixels_of_their_encoder() {
    // Written by libtiff: 20 columns, 4 rows, 1 where (x*x + 3*x*y) % 7 < 3; here in one dimension with line ends, in two
    // dimensions, with line ends at whole bytes, T.6, and without line ends at whole bytes.
    let want: Vec<u8> = (0..4u32)
        .flat_map(|y| (0..20u32).map(move |x| if (x * x + 3 * x * y) % 7 < 3 { 255 } else { 0 }))
        .collect();
    let one = "00135c7c787c787c700135509d427508700135a1c380013543e3a1d0f8e8743e3a";
    let whole = "000135c7c787c787c7000135509d427508700135a1c380013543e3a1d0f8e8743e3a";
    let two = "0019ae3e3c3e3c3e3800a9da769e00335a1c380014223e8a1c223e8a1c223ea0";
    let six = "26b91f23c47c8f025a769da7c31418a0c7088fa287088fa287088fa8008008";
    let bare = "35c7c787c787c735509d4275087035a1c3803543e3a1d0f8e8743e3a";
    for (compression, options, data) in [(3, 0, one), (3, 4, whole), (3, 1, two), (4, 0, six), (2, 0, bare)] {
        let data = hex(data);
        // libtiff calls its runs white and black by their bits; the page says that 1 is white.
        let page = Page::new(20, 4, 1, &[1], &data)
            .with(tag::COMPRESSION, short(&[compression]))
            .with(tag::T4_OPTIONS, short(&[options]));
        assert_eq!(
            pixels(&page),
            grey(&want),
            "compression {compression}, options {options}"
        );
        let reversed: Vec<u8> = data.iter().map(|byte| byte.reverse_bits()).collect();
        let turned = page.clone().chunks(&[&reversed]).with(tag::FILL_ORDER, short(&[2]));
        assert_eq!(pixels(&turned), grey(&want));
        assert!(open(&page.chunks(&[&data[..data.len() / 2]]).file()).is_err());
    }
}

#[test]
fn byte_codings_give_the_bytes_of_their_encoder() {
    // Written by libtiff: x * 10 + 3 * y, 20 columns and 4 rows.
    let want: Vec<u8> = (0..4u8).flat_map(|y| (0..20u8).map(move |x| x * 10 + y * 3)).collect();
    let lzw = "8000014140f0a0643c23140b464371e1048c4b28154b45f00c1a17108ac6a3f2494cba67389ed0a8f4ca8d5ab760818201a120b87\
               04226158c06a3a1f910924e29960ba62024261d138c4764527964c66d3ba0516954faa566bd63c040";
    let runs = "13000a141e28323c46505a646e78828c96a0aab4be13030d17212b353f49535d67717b858f99a3adb7c11306101a242e38424c56606\
                a747e88929ca6b0bac41309131d27313b454f59636d77818b959fa9b3bdc7";
    let zstd = "28b52ffd0060810200000a141e28323c46505a646e78828c96a0aab4be030d17212b353f49535d67717b858f99a3adb7c106101a242\
                e38424c56606a747e88929ca6b0bac409131d27313b454f59636d77818b959fa9b3bdc7";
    let deflate = "789c015000afff000a141e28323c46505a646e78828c96a0aab4be030d17212b353f49535d67717b858f99a3adb7c106101a242e3\
                   8424c56606a747e88929ca6b0bac409131d27313b454f59636d77818b959fa9b3bdc76c801f19";
    for (compression, data) in [
        (5, lzw),
        (32_773, runs),
        (50_000, zstd),
        (8, deflate),
        (32_946, deflate),
    ] {
        let data = hex(data);
        let page = Page::new(20, 4, 1, &[8], &data).with(tag::COMPRESSION, short(&[compression]));
        assert_eq!(pixels(&page), grey(&want), "compression {compression}");
        for length in [0, 1, data.len() / 2] {
            assert!(open(&page.clone().chunks(&[&data[..length]]).file()).is_err());
        }
    }
    // PackBits by hand: a run of three, nothing, two as they are, and surplus.
    let page = Page::new(5, 1, 1, &[8], &[0xfe, 7, 0x80, 1, 8, 9, 0xff, 1]).with(tag::COMPRESSION, short(&[32_773]));
    assert_eq!(pixels(&page), grey(&[7, 7, 7, 8, 9]));
    // The LZW of the first writers, lowest bits first: clear, 1, 2, end, 9 bits each.
    let page = Page::new(2, 1, 1, &[8], &[0x00, 0x03, 0x08, 0x08, 0x08]).with(tag::COMPRESSION, short(&[5]));
    assert_eq!(pixels(&page), grey(&[1, 2]));
}

#[test]
fn prediction_is_taken_back() {
    let page = |bits: u16, samples: usize, data: &[u8]| {
        let bits = vec![bits; samples];
        let photometric = if samples == 1 { 1 } else { 2 };
        let columns = data.len() / samples / usize::from(bits[0] / 8);
        Page::new(columns as u16, 1, photometric, &bits, data).with(tag::PREDICTOR, short(&[2]))
    };
    assert_eq!(pixels(&page(8, 1, &[250, 3, 3, 0])), grey(&[250, 253, 0, 0]));
    assert_eq!(
        pixels(&page(8, 3, &[1, 2, 3, 1, 1, 1, 255, 0, 1])),
        [1, 2, 3, 2, 3, 4, 1, 3, 5]
    );
    // Carries go from byte to byte, in the order of the file.
    let mut wide = page(16, 1, &[0x00, 0xff, 0x01, 0x01]);
    wide.big_endian = true;
    assert_eq!(pixels(&wide), grey(&[1, 2]));
    // Floating point, two rows of 0, 1/8, 2/8, 3/8 and 4/8 to 7/8; bytes by tifffile.
    let data = hex("003e0000c200804040000000000000003f000000c1202020a000000000000000");
    let page = Page::new(4, 2, 1, &[32], &data)
        .with(tag::SAMPLE_FORMAT, short(&[3]))
        .with(tag::PREDICTOR, short(&[3]));
    let levels: Vec<u8> = (0..8)
        .map(|n| f64::from(n) / 8.0)
        .map(|v| {
            if v == 0.0 {
                0.0
            } else {
                1.055 * v.powf(1.0 / 2.4) - 0.055
            }
        })
        .map(|v| (v * 255.0).round() as u8)
        .collect();
    assert_eq!(pixels(&page), grey(&levels));
}

#[test]
fn alpha_is_told_from_other_samples() {
    let data = [100, 50, 25, 128, 255, 9, 0, 0];
    let page = Page::new(2, 1, 2, &[8; 4], &data);
    let alpha = |page: &Page| {
        let (header, decoded) = open(&page.file()).unwrap();
        (header.has_alpha, decoded.picture.into_raw())
    };
    let as_stored = (true, data.to_vec());
    assert_eq!(alpha(&page), as_stored, "one sample more, of which nothing is said");
    assert_eq!(alpha(&page.clone().with(tag::EXTRA_SAMPLES, short(&[2]))), as_stored);
    let other = alpha(&page.clone().with(tag::EXTRA_SAMPLES, short(&[0])));
    assert_eq!(other, (false, vec![100, 50, 25, 255, 9, 0]));
    // Multiplied colours: 100 * 255 / 128 = 199.2, 99.6, 49.8, rounded down; where nothing shows they stay.
    let associated = alpha(&page.with(tag::EXTRA_SAMPLES, short(&[1])));
    assert_eq!(associated, (true, vec![199, 99, 49, 128, 255, 9, 0, 0]));
    // Two more samples, the second one alpha; in 16 bits 0x4000 over 0x8000 is a half.
    let samples = [0x4000u16, 0x2000, 0, 0xabcd, 0x8000].map(u16::to_le_bytes);
    let page = Page::new(1, 1, 2, &[16; 5], samples.as_flattened()).with(tag::EXTRA_SAMPLES, short(&[0, 1]));
    assert_eq!(alpha(&page), (true, vec![128, 64, 0, 128]));
}

#[test]
fn palettes_have_8_bits_in_either_half() {
    let map = |factor: u16| short(&[1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 255, 0].map(|v: u16| v * factor));
    for factor in [1, 256, 257] {
        let page = Page::new(4, 1, 3, &[2], &[0b0001_1011]).with(tag::COLOR_MAP, map(factor));
        assert_eq!(pixels(&page), [1, 10, 100, 2, 20, 200, 3, 30, 255, 4, 40, 0]);
    }
    let missing = open(&Page::new(4, 1, 3, &[2], &[0]).file()).unwrap_err();
    assert_eq!(missing, CodecError::corrupt("its palette is missing or cut"));
}

#[test]
fn inks_and_l_a_b_become_srgb() {
    let inks = Page::new(3, 1, 5, &[8; 4], &[255, 0, 0, 0, 0, 0, 0, 255, 100, 50, 0, 51]);
    // By the naive formula: 155 * 204 / 255 = 124, 205 * 204 / 255 = 164.
    assert_eq!(pixels(&inks), [0, 255, 255, 0, 0, 0, 124, 164, 204]);
    let others = open(&inks.with(tag::INK_SET, short(&[2])).file()).unwrap_err();
    assert!(matches!(others, CodecError::Unsupported { .. }));
    // L* 54.29, a* 80.80, b* 69.89 is the red of sRGB by D50 (CSS Color 4); whole numbers are a level or two off.
    let red = [(54.29f64 * 2.55).round() as u8, 81, 70];
    for (photometric, offset) in [(8, 0u8), (9, 128)] {
        let data = [
            red[0],
            red[1].wrapping_add(offset),
            red[2].wrapping_add(offset),
            255,
            offset,
            offset,
        ];
        let got = pixels(&Page::new(2, 1, photometric, &[8; 3], &data));
        let close = got
            .iter()
            .zip([255, 0, 0, 255, 255, 255])
            .all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 3);
        assert!(close, "{got:?}");
    }
}

#[test]
fn ycbcr_is_converted_by_its_own_numbers() {
    // Two by two luma samples share one of Cb and one of Cr; the third column begins another block.
    let blocks = [81, 82, 83, 84, 90, 240, 0, 255, 128, 7, 128, 128];
    let page = Page::new(3, 2, 6, &[8; 3], &blocks).with(tag::YCBCR_SUBSAMPLING, short(&[2, 2]));
    let got = pixels(&page);
    // BT.601: R = Y + 1.402 * 112, G = Y - 0.344136 * -38 - 0.714136 * 112, B = Y + 1.772 * -38.
    let block = |y: f64| [y + 157.024, y + 13.077 - 79.983, y - 67.336].map(|v: f64| v.clamp(0.0, 255.0).round());
    for (pixel, luma) in [(0, 81.0), (1, 82.0), (3, 83.0), (4, 84.0)] {
        for (got, want) in got[pixel * 3..].iter().zip(block(luma)) {
            assert!(
                (f64::from(*got) - want).abs() <= 1.0,
                "pixel {pixel}: {got:?}, not {want}"
            );
        }
    }
    assert_eq!((&got[6..9], &got[15..18]), (&[0; 3][..], &[128; 3][..]));
    // Video levels: 16 is black, 235 is white.
    let levels = [(16, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1)];
    let page = Page::new(2, 1, 6, &[8; 3], &[16, 128, 128, 235, 128, 128])
        .with(tag::YCBCR_SUBSAMPLING, short(&[1, 1]))
        .with(tag::REFERENCE_BLACK_WHITE, Values::Fraction(levels.to_vec()));
    assert_eq!(pixels(&page), [0, 0, 0, 255, 255, 255]);
}

/// A JPEG of one colour in 16 by 16 pixels.
fn jpeg(color: [u8; 3]) -> Vec<u8> {
    let budget = Budget::unlimited();
    let [r, g, b] = color;
    let picture = Picture::new(Size::new(16, 16), Layout::Rgb, [r, g, b, 0], &budget).unwrap();
    let request = EncodeRequest::Jpeg {
        quality: 95,
        progressive: false,
    };
    encode(&picture, &request, &OutputMetadata::default(), &budget).unwrap()
}

fn close(got: &[u8], want: [u8; 3]) -> bool {
    got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 3)
}

#[test]
fn jpeg_strips_are_coloured_as_the_page_says() {
    let (above, below) = (jpeg([200, 30, 60]), jpeg([10, 90, 250]));
    let page = Page::new(16, 32, 6, &[8; 3], &[])
        .with(tag::COMPRESSION, short(&[7]))
        .with(tag::ROWS_PER_STRIP, short(&[16]));
    let got = pixels(&page.clone().chunks(&[&above, &below]));
    assert!(close(&got[..3], [200, 30, 60]) && close(&got[31 * 48..], [10, 90, 250]));
    // The same data on a page of RGB is taken as it is: Y, Cb and Cr, by BT.601 84.2, 114.3 and 210.6.
    let page = page.with(tag::PHOTOMETRIC, short(&[2]));
    let got = pixels(&page.clone().chunks(&[&above, &below]));
    assert!(close(&got[..3], [84, 114, 211]), "{:?}", &got[..3]);
    // Tables of the directory stand in front.
    let scan = above.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    let (tables, data) = above.split_at(scan);
    let data = [b"\xff\xd8", data].concat();
    let with_tables = page
        .with(tag::PHOTOMETRIC, short(&[6]))
        .with(tag::LENGTH, short(&[16]))
        .with(tag::JPEG_TABLES, Values::Bytes(7, [tables, b"\xff\xd9"].concat()));
    let got = pixels(&with_tables.clone().chunks(&[&data]));
    assert!(close(&got[..3], [200, 30, 60]));
    // A strip that is smaller than its place.
    let refused = open(&with_tables.with(tag::WIDTH, short(&[17])).chunks(&[&data]).file()).unwrap_err();
    assert_eq!(refused, CodecError::corrupt("a JPEG inside does not fill its place"));
}

#[test]
fn jpeg_of_the_old_way_is_a_stream_of_its_own() {
    let stream = jpeg([200, 30, 60]);
    let page = Page::new(16, 16, 6, &[8; 3], &stream).with(tag::COMPRESSION, short(&[6]));
    // The data is what lies first behind the header.
    let page = page.with(tag::JPEG_INTERCHANGE, Values::Long(vec![8]));
    assert!(close(&pixels(&page)[..3], [200, 30, 60]));
    let bare = Page::new(16, 16, 6, &[8; 3], &stream).with(tag::COMPRESSION, short(&[6]));
    assert_eq!(
        open(&bare.file()).unwrap_err(),
        CodecError::corrupt("its JPEG tables are missing or damaged")
    );
}

#[test]
fn a_profile_is_applied_while_there_are_16_bits_and_named_else() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let with_profile = |page: Page| page.with(tag::ICC, Values::Bytes(7, icc.clone()));
    let (header, decoded) = open(&with_profile(Page::new(1, 1, 2, &[8; 3], &[255, 0, 0])).file()).unwrap();
    assert_eq!(header.profile, ColorProfile::from_icc(&icc));
    assert_eq!(
        (decoded.color, decoded.metadata.icc),
        (ColorSource::Icc(icc.clone()), Some(icc.clone()))
    );
    let samples = [0x8080u16, 0x4040, 0x4040].map(u16::to_le_bytes);
    let page = with_profile(Page::new(1, 1, 2, &[16; 3], samples.as_flattened()));
    let (_, decoded) = open(&page.file()).unwrap();
    assert_eq!((decoded.color, decoded.metadata.icc), (ColorSource::Srgb, None));
    // Display P3 of 128, 64, 64 in sRGB, by the matrices of CSS Color 4: 138.0, 60.8, 62.9.
    assert!(
        close(decoded.picture.data(), [138, 61, 63]),
        "{:?}",
        decoded.picture.data()
    );
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
