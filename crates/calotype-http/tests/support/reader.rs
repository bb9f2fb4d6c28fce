//! Reads pictures without our codecs: headers by hand from the formats' specifications, PNG pixels by the `png` crate, JPEG pixels by `zune-jpeg`.

use calotype_plan::Size;

/// A format, as far as the tables tell formats apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    BaselineJpeg,
    ProgressiveJpeg,
    Png,
    Gif,
    LossyWebp,
    LosslessWebp,
    AnimatedWebp,
    Avif,
}

impl Kind {
    pub fn mime(self) -> &'static str {
        match self {
            Self::BaselineJpeg | Self::ProgressiveJpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::LossyWebp | Self::LosslessWebp | Self::AnimatedWebp => "image/webp",
            Self::Avif => "image/avif",
        }
    }
}

fn be(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

fn le(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b))
}

/// Format and size of a picture; also that the file is whole, as far as its container tells.
pub fn inspect(bytes: &[u8]) -> (Kind, Size) {
    if bytes.starts_with(&[0xff, 0xd8]) {
        assert!(bytes.ends_with(&[0xff, 0xd9]), "the JPEG has no end marker");
        return jpeg(bytes);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        assert_eq!(&bytes[bytes.len() - 8..bytes.len() - 4], b"IEND");
        return (Kind::Png, Size::new(be(&bytes[16..20]), be(&bytes[20..24])));
    }
    if bytes.starts_with(b"GIF8") {
        assert!(bytes.ends_with(&[0x3b]), "the GIF has no trailer");
        return (Kind::Gif, Size::new(le(&bytes[6..8]), le(&bytes[8..10])));
    }
    if bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WEBP" {
        let whole = (le(&bytes[4..8]) as usize + 8).next_multiple_of(2);
        assert_eq!(whole, bytes.len(), "the RIFF length is another");
        return webp(&bytes[12..]);
    }
    if bytes.len() > 12 && &bytes[4..12] == b"ftypavif" {
        // ISO/IEC 23008-12, 6.5.3: the image spatial extents property, a full box.
        let at = bytes.windows(4).position(|w| w == b"ispe").expect("an ispe box") + 8;
        return (
            Kind::Avif,
            Size::new(be(&bytes[at..at + 4]), be(&bytes[at + 4..at + 8])),
        );
    }
    panic!("no known format: {:02x?}", &bytes[..bytes.len().min(16)]);
}

/// ITU-T T.81, B.2.2: the frame header.
fn jpeg(bytes: &[u8]) -> (Kind, Size) {
    let mut at = 2;
    loop {
        assert_eq!(bytes[at], 0xff, "no marker at {at}");
        let marker = bytes[at + 1];
        let segment = &bytes[at + 4..];
        let size = Size::new(be(&segment[3..5]), be(&segment[1..3]));
        match marker {
            0xc0 | 0xc1 => return (Kind::BaselineJpeg, size),
            0xc2 => return (Kind::ProgressiveJpeg, size),
            0xda => panic!("a scan before the frame header"),
            _ => at += 2 + be(&bytes[at + 2..at + 4]) as usize,
        }
    }
}

/// RFC 9649: the first chunk, or the one that holds the bitstream behind `VP8X`.
fn webp(mut chunks: &[u8]) -> (Kind, Size) {
    loop {
        let (name, data) = (&chunks[..4], &chunks[8..]);
        match name {
            b"VP8 " => {
                // RFC 6386, 9.1: three bytes of frame tag, three of start code, two sides of 14 bits.
                let side = |at: usize| le(&data[at..at + 2]) & 0x3fff;
                return (Kind::LossyWebp, Size::new(side(6), side(8)));
            }
            b"VP8L" => {
                let bits = le(&data[1..5]);
                return (
                    Kind::LosslessWebp,
                    Size::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1),
                );
            }
            // The canvas: a reserved word, then two sides of 24 bits less 1.
            b"VP8X" if data[0] & 2 != 0 => {
                return (Kind::AnimatedWebp, Size::new(le(&data[4..7]) + 1, le(&data[7..10]) + 1));
            }
            _ => chunks = &chunks[8 + (le(&chunks[4..8]) as usize).next_multiple_of(2)..],
        }
    }
}

/// Frames of an animated GIF or WebP.
pub fn frames(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"GIF8") {
        let mut decoder = gif::DecodeOptions::new().read_info(bytes).unwrap();
        let mut count = 0;
        while decoder.next_frame_info().unwrap().is_some() {
            count += 1;
        }
        return count;
    }
    let (mut chunks, mut count) = (&bytes[12..], 0);
    while !chunks.is_empty() {
        count += usize::from(&chunks[..4] == b"ANMF");
        chunks = &chunks[8 + (le(&chunks[4..8]) as usize).next_multiple_of(2)..];
    }
    count
}

/// Decoded pixels, three or four bytes each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub size: Size,
    pub channels: usize,
    pub data: Vec<u8>,
}

impl Pixels {
    /// Red, green and blue of a pixel.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.size.width as usize + x as usize) * self.channels;
        [self.data[start], self.data[start + 1], self.data[start + 2]]
    }

    /// The smallest box around all pixels of this colour: left, top, width, height.
    pub fn extent_of(&self, color: [u8; 3]) -> Option<(u32, u32, u32, u32)> {
        let mut edges: Option<(u32, u32, u32, u32)> = None;
        for y in 0..self.size.height {
            for x in 0..self.size.width {
                if self.at(x, y) == color {
                    let (l, t, r, b) = edges.unwrap_or((x, y, x, y));
                    edges = Some((l.min(x), t.min(y), r.max(x), b.max(y)));
                }
            }
        }
        edges.map(|(l, t, r, b)| (l, t, r - l + 1, b - t + 1))
    }
}

pub fn png_pixels(bytes: &[u8]) -> Pixels {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    // A picture of few colours has a palette.
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut data = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut data).expect("whole PNG data");
    assert_eq!(info.bit_depth, png::BitDepth::Eight);
    let channels = match info.color_type {
        png::ColorType::Rgb => 3,
        png::ColorType::Rgba => 4,
        other => panic!("{other:?} was not asked for"),
    };
    data.truncate(info.buffer_size());
    Pixels {
        size: Size::new(info.width, info.height),
        channels,
        data,
    }
}

pub fn jpeg_pixels(bytes: &[u8]) -> Pixels {
    let mut decoder = zune_jpeg::JpegDecoder::new(std::io::Cursor::new(bytes));
    let data = decoder.decode().expect("whole JPEG data");
    let info = decoder.info().expect("a JPEG");
    assert_eq!(info.components, 3);
    Pixels {
        size: Size::new(u32::from(info.width), u32::from(info.height)),
        channels: 3,
        data,
    }
}
