use super::*;
use crate::png::{decode, probe};
use calotype_plan::Size;

const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const CLEAR: [u8; 4] = [0; 4];

/// A file that is put together by hand.
struct File {
    bytes: Vec<u8>,
    sequence: u32,
}

impl File {
    /// A canvas of pixels of a colour type and depth.
    fn new(size: [u32; 2], depth: u8, color_type: u8, interlaced: bool) -> Self {
        let mut this = Self {
            bytes: b"\x89PNG\r\n\x1a\n".to_vec(),
            sequence: 0,
        };
        let sides = size.map(u32::to_be_bytes);
        this.chunk(
            b"IHDR",
            &[sides.as_flattened(), &[depth, color_type, 0, 0, u8::from(interlaced)]].concat(),
        );
        this
    }

    /// A canvas of RGBA.
    fn rgba(size: [u32; 2], frames: u32, plays: u32) -> Self {
        let mut this = Self::new(size, 8, 6, false);
        this.chunk(b"acTL", [frames, plays].map(u32::to_be_bytes).as_flattened());
        this
    }

    fn chunk(&mut self, name: &[u8; 4], content: &[u8]) -> &mut Self {
        let checked = [name.as_slice(), content].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&checked);
        self.bytes.extend((content.len() as u32).to_be_bytes());
        self.bytes.extend(checked);
        self.bytes.extend(crc.sum().to_be_bytes());
        self
    }

    fn number(&mut self) -> [u8; 4] {
        let number = self.sequence.to_be_bytes();
        self.sequence += 1;
        number
    }

    /// A frame header: width, height, left and top; numerator and denominator; disposal and blending.
    fn control(&mut self, area: [u32; 4], delay: [u16; 2], operations: [u8; 2]) -> &mut Self {
        let number = self.number();
        let (area, delay) = (area.map(u32::to_be_bytes), delay.map(u16::to_be_bytes));
        let content = [&number[..], area.as_flattened(), delay.as_flattened(), &operations].concat();
        self.chunk(b"fcTL", &content)
    }

    /// Rows of the default image, each with its filter byte.
    fn image(&mut self, rows: &[u8]) -> &mut Self {
        self.chunk(b"IDAT", &packed(rows))
    }

    /// Rows of a frame, in two chunks.
    fn frame(&mut self, rows: &[u8]) -> &mut Self {
        let packed = packed(rows);
        for part in [&packed[..5], &packed[5..]] {
            let content = [&self.number()[..], part].concat();
            self.chunk(b"fdAT", &content);
        }
        self
    }

    fn end(&mut self) -> Vec<u8> {
        self.chunk(b"IEND", &[]);
        self.bytes.clone()
    }
}

fn packed(rows: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(rows).unwrap();
    packer.finish().unwrap()
}

/// One row of RGBA with its filter byte.
fn row(pixels: &[[u8; 4]]) -> Vec<u8> {
    [&[0], pixels.as_flattened()].concat()
}

fn open(bytes: &[u8]) -> Result<(Header, Animation<'_>), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let animation = crate::decode_animation(bytes, &header, &limits, &Budget::new(1 << 20))?;
    Ok((header, animation))
}

/// The pixels of all frames, as RGBA.
fn frames(bytes: &[u8]) -> Vec<Vec<[u8; 4]>> {
    let pixels = |frame: Result<Frame, CodecError>| {
        let picture = frame.unwrap().picture.into_rgba(&Budget::unlimited()).unwrap();
        picture.data().as_chunks::<4>().0.to_vec()
    };
    open(bytes).unwrap().1.map(pixels).collect()
}

#[test]
fn every_disposal_and_blending_is_done_as_the_standard_says() {
    // On a canvas of two red pixels, half of green goes to the right one, and then a frame of nothing shows what is left.
    let half = [0, 255, 0, 128];
    // 255 * 127/255 of red shines through, 255 * 128/255 of green lies above.
    let blended = [127, 128, 0, 255];
    for (operations, second, third) in [
        ([0, 0], half, half),
        ([1, 0], half, CLEAR),
        ([2, 0], half, RED),
        ([0, 1], blended, blended),
        ([1, 1], blended, CLEAR),
        ([2, 1], blended, RED),
    ] {
        let bytes = File::rgba([2, 1], 3, 0)
            .control([2, 1, 0, 0], [0, 0], [0, 0])
            .image(&row(&[RED, RED]))
            .control([1, 1, 1, 0], [0, 0], operations)
            .frame(&row(&[half]))
            .control([1, 1, 0, 0], [0, 0], [0, 1])
            .frame(&row(&[CLEAR]))
            .end();
        assert_eq!(
            frames(&bytes),
            [vec![RED, RED], vec![RED, second], vec![RED, third]],
            "{operations:?}"
        );
    }
}

#[test]
fn the_first_frame_gives_way_to_an_empty_canvas_and_blends_with_nothing() {
    let half = [10, 20, 30, 128];
    for dispose in [1, 2] {
        let bytes = File::rgba([2, 1], 2, 0)
            .control([2, 1, 0, 0], [0, 0], [dispose, 1])
            .image(&row(&[half, half]))
            .control([1, 1, 1, 0], [0, 0], [0, 0])
            .frame(&row(&[GREEN]))
            .end();
        assert_eq!(frames(&bytes), [[half, half], [CLEAR, GREEN]]);
    }
}

#[test]
fn a_default_image_without_a_header_is_no_frame() {
    let bytes = File::rgba([2, 1], 2, 0)
        .image(&row(&[RED, RED]))
        .control([1, 1, 1, 0], [0, 0], [0, 0])
        .frame(&row(&[GREEN]))
        .control([1, 1, 0, 0], [0, 0], [0, 0])
        .frame(&row(&[GREEN]))
        .end();
    assert_eq!(open(&bytes).unwrap().0.frames, 2);
    assert_eq!(frames(&bytes), [[CLEAR, GREEN], [GREEN, GREEN]]);
    let header = probe(&bytes, &Limits::default()).unwrap();
    let request = DecodeRequest::default();
    let still = decode(&bytes, &header, &request, &Limits::default(), &Budget::unlimited()).unwrap();
    assert_eq!(still.picture.data(), [RED, RED].as_flattened());
}

#[test]
fn plays_and_delays_are_as_the_file_says_them() {
    for (plays, loops) in [
        (0, Loops::Forever),
        (1, Loops::ONCE),
        (7, Loops::Times(NonZeroU32::new(7).unwrap())),
    ] {
        let mut file = File::rgba([1, 1], 4, plays);
        file.control([1, 1, 0, 0], [1, 3], [0, 0]).image(&row(&[RED]));
        // A denominator of 0 is 100.
        for delay in [[7, 0], [0, 9], [65_535, 1]] {
            file.control([1, 1, 0, 0], delay, [0, 0]).frame(&row(&[RED]));
        }
        let bytes = file.end();
        let animation = open(&bytes).unwrap().1;
        assert_eq!(animation.loops, loops);
        let shown: Vec<u128> = animation.map(|frame| frame.unwrap().duration.as_nanos()).collect();
        assert_eq!(shown, [333_333_333, 70_000_000, 0, 65_535_000_000_000]);
    }
}

#[test]
fn frames_are_those_that_are_there_and_no_more_than_are_named() {
    for (named, there) in [(u32::MAX, 3), (3, 3), (2, 2), (1, 1)] {
        let mut file = File::rgba([1, 1], named, 0);
        file.control([1, 1, 0, 0], [0, 0], [0, 0]).image(&row(&[RED]));
        for _ in 0..2 {
            file.control([1, 1, 0, 0], [0, 0], [0, 0]).frame(&row(&[GREEN]));
        }
        let bytes = file.end();
        assert_eq!(open(&bytes).unwrap().0.frames, there);
        assert_eq!(frames(&bytes).len() as u32, there);
    }
    // Without frame headers, and with a header that names none, it is a still.
    for named in [0, 5] {
        let bytes = File::rgba([1, 1], named, 0).image(&row(&[GREEN])).end();
        assert_eq!(frames(&bytes), [[GREEN]]);
    }
}

#[test]
fn later_frames_that_are_damaged_end_the_animation() {
    let mut good = File::rgba([2, 1], 3, 0);
    good.control([2, 1, 0, 0], [0, 0], [0, 0]).image(&row(&[RED, RED]));
    let start = good.bytes.len();
    let continued = |change: &dyn Fn(&mut File)| {
        let mut file = File {
            bytes: good.bytes.clone(),
            sequence: good.sequence,
        };
        change(&mut file);
        file.control([1, 1, 0, 0], [0, 0], [0, 0]).frame(&row(&[GREEN]));
        file.end()
    };
    let fine = continued(&|_| {});
    assert_eq!(frames(&fine), [[RED, RED], [GREEN, RED]]);
    // Outside of the canvas; of nothing; out of order; without data; with too little data.
    let bad: [&dyn Fn(&mut File); 5] = [
        &|file| {
            file.control([1, 1, 2, 0], [0, 0], [0, 0]).frame(&row(&[GREEN]));
        },
        &|file| {
            file.control([0, 1, 0, 0], [0, 0], [0, 0]).frame(&row(&[GREEN]));
        },
        &|file| file.sequence += 1,
        &|file| {
            file.control([1, 1, 0, 0], [0, 0], [0, 0]);
        },
        &|file| {
            file.control([2, 1, 0, 0], [0, 0], [0, 0]).frame(&row(&[GREEN]));
        },
    ];
    for (index, change) in bad.into_iter().enumerate() {
        assert_eq!(frames(&continued(change)), [[RED, RED]], "{index}");
    }
    // A wrong checksum of the data: its last chunk ends 4 + 12 bytes before the end.
    let mut flipped = fine.clone();
    let at = flipped.len() - 13;
    flipped[at] ^= 1;
    assert_eq!(frames(&flipped), [[RED, RED]]);
    // Cut anywhere the file shows the frames that are whole.
    let mut seen = [0; 3];
    for length in start..fine.len() {
        let shown = frames(&fine[..length]);
        assert!(
            [[RED, RED], [GREEN, RED]].map(Vec::from).starts_with(&shown),
            "{length}"
        );
        seen[shown.len()] += 1;
    }
    assert!(seen[0] == 0 && seen[1] > 0 && seen[2] > 0, "{seen:?}");
}

#[test]
fn a_broken_first_frame_leaves_the_default_image() {
    let out_of_order = |default: &[u8]| {
        let mut file = File::rgba([1, 1], 2, 0);
        file.sequence = 5;
        file.image(default)
            .control([1, 1, 0, 0], [1, 1], [0, 0])
            .frame(&row(&[GREEN]))
            .control([1, 1, 0, 0], [1, 1], [0, 0])
            .frame(&row(&[GREEN]))
            .end()
    };
    assert_eq!(frames(&out_of_order(&row(&[RED]))), [[RED]]);
    // Where that is broken too, the file is refused.
    let broken = out_of_order(&[0, 255]);
    let mut animation = open(&broken).unwrap().1;
    assert!(matches!(animation.next(), Some(Err(CodecError::Corrupt { .. }))));
    assert!(animation.next().is_none());
}

#[test]
fn palettes_interlacing_and_keys_are_those_of_the_file() {
    let mut file = File::new([2, 2], 8, 3, true);
    file.chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])
        .chunk(b"PLTE", &[255, 0, 0, 0, 255, 0])
        .chunk(b"tRNS", &[255, 0]);
    // Adam7: the first pixel, the one beside it, the row below.
    let bytes = file
        .control([2, 2, 0, 0], [0, 0], [0, 0])
        .image(&[0, 0, 0, 0, 0, 0, 0])
        .control([2, 2, 0, 0], [0, 0], [0, 0])
        .frame(&[0, 0, 0, 1, 0, 1, 0])
        .end();
    let key = [0, 255, 0, 0];
    assert_eq!(frames(&bytes), [[RED; 4], [RED, key, key, RED]]);
}

#[test]
fn opaque_files_have_no_alpha_channel_unless_a_frame_leaves_the_canvas_free() {
    for (dispose, layout) in [(0, Layout::Rgb), (1, Layout::Rgba)] {
        let mut file = File::new([2, 1], 8, 2, false);
        let bytes = file
            .chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])
            .control([2, 1, 0, 0], [0, 0], [dispose, 0])
            .image(&[0, 1, 2, 3, 4, 5, 6])
            .control([1, 1, 0, 0], [0, 0], [0, 1])
            .frame(&[0, 7, 8, 9])
            .end();
        let shown: Vec<_> = open(&bytes).unwrap().1.map(|frame| frame.unwrap().picture).collect();
        assert!(shown.iter().all(|picture| picture.layout() == layout));
        let right = if dispose == 0 { [4, 5, 6, 255] } else { CLEAR };
        assert_eq!(shown[0].pixel(1, 0), Some([4, 5, 6, 255]));
        assert_eq!(
            (shown[1].pixel(0, 0), shown[1].pixel(1, 0)),
            (Some([7, 8, 9, 255]), Some(right))
        );
    }
}

#[test]
fn deep_samples_in_other_colours_are_converted_as_those_of_stills_are() {
    let mut file = File::new([1, 1], 16, 2, false);
    let sample = [0, 0x40, 0, 0x80, 0, 0xc0, 0];
    let bytes = file
        .chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])
        // A gamma of 1: linear light.
        .chunk(b"gAMA", &100_000u32.to_be_bytes())
        .control([1, 1, 0, 0], [0, 0], [0, 0])
        .image(&sample)
        .control([1, 1, 0, 0], [0, 0], [0, 0])
        .frame(&sample)
        .end();
    let (_, animation) = open(&bytes).unwrap();
    assert!(animation.color.is_srgb());
    // 255 * (64/256)^(1/2.2) = 135.8, 255 * (128/256)^(1/2.2) = 186.1, 255 * (192/256)^(1/2.2) = 223.7.
    assert_eq!(frames(&bytes), [[[136, 186, 224, 255]]; 2]);
}

#[test]
fn memory_is_charged_and_given_back() {
    let bytes = File::rgba([100, 100], 2, 0)
        .control([100, 100, 0, 0], [0, 0], [0, 0])
        .image(&row(&[RED; 100]).repeat(100))
        .control([1, 1, 0, 0], [0, 0], [0, 0])
        .frame(&row(&[GREEN]))
        .end();
    let header = probe(&bytes, &Limits::default()).unwrap();
    let budget = Budget::new(1 << 20);
    let animation = crate::decode_animation(&bytes, &header, &Limits::default(), &budget).unwrap();
    assert!(budget.held() >= 40_000);
    assert_eq!(
        animation.map(|frame| frame.unwrap().picture.size()).collect::<Vec<_>>(),
        [Size::new(100, 100); 2]
    );
    assert_eq!(budget.held(), 0);
    // The canvas, a part and a frame, of which two fit.
    let small = Budget::new(100_000);
    let mut animation = crate::decode_animation(&bytes, &header, &Limits::default(), &small).unwrap();
    assert!(matches!(animation.next(), Some(Err(CodecError::Limit { .. }))));
}
