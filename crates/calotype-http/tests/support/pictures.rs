//! Source pictures, made on the fly.

use std::f64::consts::TAU;

use calotype_codec::{Budget, EncodeRequest, Layout, OutputMetadata, Picture, encode};
use calotype_plan::Size;

use super::reader::Pixels;

/// The waves that a coordinate picture has along each side.
const WAVES: f64 = 16.0;
/// How far they swing from the middle grey.
const SWING: f64 = 112.0;

/// The colour at a point of a picture whose colours tell where they are: red is a wave along x, green a wave along y, and blue rises from the top
/// left to the bottom right, so that no two places a wave apart look alike.
pub fn color_at(x: f64, y: f64, size: Size) -> [f64; 3] {
    let wave = |at: f64, side: u32| 127.5 + SWING * (TAU * WAVES * at / f64::from(side)).sin();
    let rise = (x / f64::from(size.width) + y / f64::from(size.height)) / 2.0;
    [wave(x, size.width), wave(y, size.height), 255.0 * rise]
}

/// The rows of a coordinate picture, three bytes a pixel.
fn coordinates(size: Size) -> Vec<u8> {
    let byte = |value: f64| value.round() as u8;
    // Red depends on x alone and green on y alone: one sine per column and row is enough for pictures of any size.
    let red: Vec<u8> = (0..size.width)
        .map(|x| byte(color_at(f64::from(x) + 0.5, 0.0, size)[0]))
        .collect();
    let mut data = Vec::with_capacity(size.width as usize * size.height as usize * 3);
    for y in 0..size.height {
        let green = byte(color_at(0.0, f64::from(y) + 0.5, size)[1]);
        let down = (f64::from(y) + 0.5) / f64::from(size.height);
        let step = 1.0 / f64::from(size.width);
        for (x, red) in red.iter().enumerate() {
            data.extend_from_slice(&[*red, green, byte(127.5 * (down + (x as f64 + 0.5) * step))]);
        }
    }
    data
}

/// A coordinate picture as PNG.
pub fn coordinate_png(size: Size) -> Vec<u8> {
    png(size, png::ColorType::Rgb, png::BitDepth::Eight, &coordinates(size))
}

/// A PNG of these samples.
pub fn png(size: Size, color: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fast);
    // The coordinate pictures hardly change from row to row.
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A black PNG with one bit a pixel: as many pixels as one likes in few bytes.
pub fn bilevel_png(size: Size) -> Vec<u8> {
    let data = vec![0; size.width.div_ceil(8) as usize * size.height as usize];
    png(size, png::ColorType::Grayscale, png::BitDepth::One, &data)
}

/// A PNG of one colour.
pub fn plain_png(size: Size, color: [u8; 3]) -> Vec<u8> {
    let data = color.repeat(size.width as usize * size.height as usize);
    png(size, png::ColorType::Rgb, png::BitDepth::Eight, &data)
}

/// A PNG whose left half is a fully transparent red and whose right half is an opaque blue.
pub fn half_transparent_png(size: Size) -> Vec<u8> {
    let mut data = Vec::new();
    for _ in 0..size.height {
        for x in 0..size.width {
            let pixel = if x < size.width / 2 {
                [255, 0, 0, 0]
            } else {
                [0, 0, 255, 255]
            };
            data.extend_from_slice(&pixel);
        }
    }
    png(size, png::ColorType::Rgba, png::BitDepth::Eight, &data)
}

/// A PNG that does not compress: results of it are as large as their pixels.
pub fn noise_png(size: Size) -> Vec<u8> {
    // The minimal standard generator of Park and Miller (1988).
    let mut state: u64 = 1;
    let data: Vec<u8> = (0..size.width as usize * size.height as usize * 3)
        .map(|_| {
            state = state * 48_271 % 2_147_483_647;
            (state >> 11) as u8
        })
        .collect();
    png(size, png::ColorType::Rgb, png::BitDepth::Eight, &data)
}

/// The source of table L: white, a grey area in it, a black one in that.
pub fn framed(x: u32, y: u32) -> u8 {
    let inside = |left: u32, top: u32, width: u32, height: u32| {
        (left..left + width).contains(&x) && (top..top + height).contains(&y)
    };
    if inside(30, 20, 40, 30) {
        0
    } else if inside(20, 10, 60, 50) {
        245
    } else {
        255
    }
}

pub fn framed_png() -> Vec<u8> {
    let size = Size::new(100, 80);
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            data.extend_from_slice(&[framed(x, y); 3]);
        }
    }
    png(size, png::ColorType::Rgb, png::BitDepth::Eight, &data)
}

/// A coordinate picture as JPEG or WebP, by our own encoders: the sources of rows that tell source formats apart.
fn encoded(size: Size, request: &EncodeRequest) -> Vec<u8> {
    let budget = Budget::unlimited();
    let picture = Picture::from_raw(size, Layout::Rgb, coordinates(size)).unwrap();
    encode(&picture, request, &OutputMetadata::default(), &budget).unwrap()
}

pub fn jpeg(size: Size) -> Vec<u8> {
    encoded(
        size,
        &EncodeRequest::Jpeg {
            quality: 90,
            progressive: false,
        },
    )
}

pub fn webp(size: Size) -> Vec<u8> {
    encoded(
        size,
        &EncodeRequest::Webp {
            quality: 90,
            lossless: false,
        },
    )
}

/// A GIF of so many frames, each of another grey.
pub fn animated_gif(size: Size, frames: u8) -> Vec<u8> {
    let (width, height) = (u16::try_from(size.width).unwrap(), u16::try_from(size.height).unwrap());
    let palette: Vec<u8> = (0..frames).flat_map(|n| [n * 2; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &palette).unwrap();
    for n in 0..frames {
        let pixels = vec![n; usize::from(width) * usize::from(height)];
        encoder
            .write_frame(&gif::Frame {
                delay: 10,
                ..gif::Frame::from_indexed_pixels(width, height, pixels, None)
            })
            .unwrap();
    }
    drop(encoder);
    bytes
}

/// How far a picture is from what it should show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// Mean over all samples, in levels of 255.
    pub mean: f64,
    /// The greatest, a few pixels away from the edges, where filters have to invent neighbours.
    pub worst_inside: f64,
}

/// Pixels this near to an edge count for the mean alone.
const EDGE_PX: u32 = 4;

/// Compares a picture with what `wanted` says of the middle of each pixel.
pub fn distance(pixels: &Pixels, wanted: impl Fn(f64, f64) -> [f64; 3]) -> Distance {
    let Size { width, height } = pixels.size;
    let (mut sum, mut worst_inside) = (0.0, 0.0_f64);
    for y in 0..height {
        for x in 0..width {
            let want = wanted(f64::from(x) + 0.5, f64::from(y) + 0.5);
            let inside = x.min(width - 1 - x) >= EDGE_PX && y.min(height - 1 - y) >= EDGE_PX;
            for (got, want) in pixels.at(x, y).into_iter().zip(want) {
                let off = (f64::from(got) - want).abs();
                sum += off;
                if inside {
                    worst_inside = worst_inside.max(off);
                }
            }
        }
    }
    Distance {
        mean: sum / f64::from(width) / f64::from(height) / 3.0,
        worst_inside,
    }
}
