//! Many small pictures, each another.

use std::sync::OnceLock;

use calotype_samples::{Raster, SAMPLES};

const WIDTH: usize = 16;
const HEIGHT: usize = 12;

/// A PNG of 16 × 12: a piece of the textile, which has detail everywhere, with its number in the first pixels.
pub fn picture(number: u32) -> Vec<u8> {
    static TEXTILE: OnceLock<Raster> = OnceLock::new();
    let textile = TEXTILE.get_or_init(|| {
        let sample = SAMPLES.iter().find(|sample| sample.name == "textile").unwrap();
        (sample.render)()
    });
    let (width, height) = (textile.width as usize, textile.height as usize);
    let (left, top) = (
        number as usize * 7 % (width - WIDTH),
        number as usize * 13 % (height - HEIGHT),
    );
    let channels = usize::from(textile.channels);
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT * 3);
    for y in top..top + HEIGHT {
        for x in left..left + WIDTH {
            let at = (y * width + x) * channels;
            pixels.extend_from_slice(&textile.data[at..at + 3]);
        }
    }
    pixels[..4].copy_from_slice(&number.to_le_bytes());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The pixels of a PNG, three bytes each.
pub fn pixels(png: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    // A picture of few colours has a palette.
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    assert_eq!((info.width as usize, info.height as usize), (WIDTH, HEIGHT));
    data.truncate(info.buffer_size());
    data
}
