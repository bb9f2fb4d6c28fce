use calotype_plan::Size;

use super::super::{decode, probe};
use super::*;
use crate::{Header, Picture};

/// A file of `fixtures` (written by libjpeg-turbo, see `make.py` there) with its bits, components, point transform, and
/// how far its samples may be from the formula, in levels of 8 bits on average and at most.
struct File {
    name: &'static str,
    bytes: &'static [u8],
    bits: u32,
    components: usize,
    shift: u32,
    apart: (f64, u8),
}

macro_rules! file {
    ($name:literal, $bits:literal, $components:literal, $shift:literal, $apart:expr) => {
        File {
            name: $name,
            bytes: include_bytes!(concat!("fixtures/", $name, ".jpg")),
            bits: $bits,
            components: $components,
            shift: $shift,
            apart: $apart,
        }
    };
}

const EXACT: (f64, u8) = (0.0, 0);
/// Quality 100 in 12 bits is finer than a level of 8.
const ROUNDED: (f64, u8) = (0.1, 1);
/// Halved chroma; the gradient goes on at the edges, where chroma has no neighbour.
const HALVED: (f64, u8) = (1.0, 12);

const FILES: [File; 16] = [
    file!("sequential-12-444", 12, 3, 0, ROUNDED),
    file!("sequential-12-420-restart", 12, 3, 0, HALVED),
    file!("sequential-12-rgb", 12, 3, 0, ROUNDED),
    file!("progressive-12-444", 12, 3, 0, ROUNDED),
    file!("progressive-12-422-restart", 12, 3, 0, HALVED),
    file!("progressive-12-gray", 12, 1, 0, ROUNDED),
    file!("lossless-8-rgb-restart", 8, 3, 0, EXACT),
    file!("lossless-12-rgb", 12, 3, 0, EXACT),
    file!("lossless-16-rgb-shift", 16, 3, 3, EXACT),
    file!("lossless-16-gray-1", 16, 1, 0, EXACT),
    file!("lossless-16-gray-2", 16, 1, 0, EXACT),
    file!("lossless-16-gray-3", 16, 1, 0, EXACT),
    file!("lossless-16-gray-4", 16, 1, 0, EXACT),
    file!("lossless-16-gray-5", 16, 1, 0, EXACT),
    file!("lossless-16-gray-6", 16, 1, 0, EXACT),
    file!("lossless-16-gray-7", 16, 1, 0, EXACT),
];

const SIZE: Size = Size::new(26, 22);

/// The formula of the picture, in 8 bits, rounded to nearest.
fn sample(x: u32, y: u32, channel: usize, file: &File) -> u8 {
    let most = (1u32 << file.bits) - 1;
    let value = match channel {
        _ if file.components == 1 => x * y * (most / (SIZE.width * SIZE.height)),
        0 => x * most / SIZE.width,
        1 => y * most / SIZE.height,
        _ => most - (x + y) * most / (SIZE.width + SIZE.height),
    };
    let value = f64::from(value >> file.shift << file.shift);
    (value * 255.0 / f64::from(most)).round() as u8
}

fn read(bytes: &[u8]) -> Result<(Header, Picture), CodecError> {
    let limits = Limits {
        source_area_px_max: 1_000_000,
        ..Limits::default()
    };
    let header = probe(bytes, &limits)?;
    let budget = Budget::new(8 << 20);
    let outcome = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget);
    let held = outcome
        .as_ref()
        .map_or(0, |decoded| decoded.picture.data().len() as u64);
    assert_eq!(budget.held(), held, "only the picture is still charged");
    Ok((header, outcome?.picture))
}

#[test]
fn pictures_of_another_encoder_are_what_their_formula_says() {
    for file in &FILES {
        let (header, picture) = read(file.bytes).unwrap_or_else(|error| panic!("{}: {error}", file.name));
        assert_eq!(
            (picture.size(), u32::from(header.bit_depth)),
            (SIZE, file.bits),
            "{}",
            file.name
        );
        let (mut sum, mut worst) = (0u64, 0);
        for (y, row) in (0..).zip(picture.rows()) {
            for (x, pixel) in (0..).zip(row.as_chunks::<3>().0) {
                for (channel, &got) in pixel.iter().enumerate() {
                    let apart = got.abs_diff(sample(x, y, channel, file));
                    sum += u64::from(apart);
                    worst = worst.max(apart);
                }
            }
        }
        let mean = sum as f64 / (SIZE.area() * 3) as f64;
        let (mean_max, worst_max) = file.apart;
        assert!(
            mean <= mean_max && worst <= worst_max,
            "{}: {mean:.3} apart on average, {worst} at most",
            file.name
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for file in &FILES {
        // Without the end marker a sequential picture is still whole; a few bits of padding are no loss either.
        for length in 0..file.bytes.len() - 4 {
            assert!(read(&file.bytes[..length]).is_err(), "{} cut at {length}", file.name);
        }
    }
}

#[test]
fn damage_ends_in_a_picture_or_in_words() {
    let mut random = 0x5eed_u64;
    let mut draw = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    let (mut answered, mut refused) = (0, 0);
    for file in &FILES {
        for round in 0..400 {
            let mut bytes = file.bytes.to_vec();
            for _ in 0..round % 4 + 1 {
                let at = draw(bytes.len());
                bytes[at] = draw(256) as u8;
            }
            match read(&bytes) {
                Ok(_) => answered += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        answered > 500 && refused > 500,
        "{answered} answered, {refused} refused"
    );
}

#[test]
fn what_is_charged_is_enough_for_what_is_held() {
    // Coefficients and planes of 12 bits take 4 bytes a sample, and the picture 3 a pixel.
    let file = &FILES[0];
    let limits = Limits::default();
    let header = probe(file.bytes, &limits).unwrap();
    let budget = Budget::unlimited();
    decode(file.bytes, &header, &DecodeRequest::default(), &limits, &budget).unwrap();
    let samples = 32 * 24 * 3;
    assert_eq!(budget.peak(), samples * 4 + SIZE.area() * 3);
}
