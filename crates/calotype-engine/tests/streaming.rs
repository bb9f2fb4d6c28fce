//! What is decoded and resampled row by row comes out where it belongs, in every orientation, and takes little memory.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use calotype_codec::{Layout, Picture};
use calotype_plan::{Fit, FormatChoice, Light, Limits, Op, Output, Plan, Rotate, Size};
use common::{Around, difference, jpeg, png, resize, unpacked};

/// Colours that change slowly, so that a shift by half a pixel shows in every plane.
fn waves(size: Size) -> Picture {
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let (x, y) = (
                f64::from(x) / f64::from(size.width),
                f64::from(y) / f64::from(size.height),
            );
            let wave = |phase: f64| (127.5 + 110.0 * (phase * std::f64::consts::TAU).sin()).round() as u8;
            data.extend([wave(x * 3.0 + 0.1), wave(y * 2.0 + 0.4), wave(x * 2.0 - y * 2.0)]);
        }
    }
    Picture::from_raw(size, Layout::Rgb, data).unwrap()
}

/// The mean difference of all samples.
fn mean(a: &Picture, b: &Picture) -> f64 {
    assert_eq!(a.size(), b.size());
    let sum: u64 = a
        .data()
        .iter()
        .zip(b.data())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.data().len() as f64
}

fn written(ops: Vec<Op>, format: FormatChoice) -> Plan {
    Plan {
        ops,
        output: Output {
            format,
            ..Output::default()
        },
        ..Plan::default()
    }
}

#[test]
fn planes_lie_on_each_other_in_every_turn_size_and_format() {
    // The picture without loss, on the road of whole pictures, is the measure for what goes through planes.
    let around = Around::default();
    for from in [Size::new(643, 417), Size::new(416, 640)] {
        let picture = waves(from);
        let (lossless, lossy) = (png(&picture), jpeg(&picture, 96));
        for turn in [None, Some(Rotate::Deg90), Some(Rotate::Deg180), Some(Rotate::Deg270)] {
            for width in [327, 160, 81, 33] {
                let ops = || {
                    let mut ops: Vec<_> = turn.map(Op::Rotate).into_iter().collect();
                    ops.push(resize(width, 0, Fit::ScaleDown));
                    ops
                };
                let wanted = around.pixels(ops(), &lossless);
                for format in [
                    FormatChoice::Jpeg,
                    FormatChoice::BaselineJpeg,
                    FormatChoice::Webp,
                    FormatChoice::Avif,
                ] {
                    let done = around.run(&written(ops(), format), &lossy).unwrap();
                    let off = mean(&wanted, &unpacked(&done.bytes));
                    // What the encoder alone loses. Half a pixel of shift would be 4 at 81 pixels of width.
                    let whole = around.run(&written(ops(), format), &lossless).unwrap();
                    let loss = mean(&wanted, &unpacked(&whole.bytes));
                    assert!(
                        off < loss + 0.6,
                        "{from} {turn:?} to {width} as {format:?}: {off:.2}, {loss:.2}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_large_source_is_never_whole_in_memory() {
    let size = Size::new(3000, 2000);
    let source = jpeg(&waves(size), 90);
    let around = Around::default();
    let plan = written(vec![resize(600, 0, Fit::ScaleDown)], FormatChoice::Jpeg);
    let done = around.run(&plan, &source).unwrap();
    // 600x400 in planes is 360,000 bytes, its coefficients 1.4 million; a whole source would be 18 million.
    assert!(done.memory_peak_bytes < 4_000_000, "{} bytes", done.memory_peak_bytes);
    let source = png(&waves(size));
    let done = around.run(&plan, &source).unwrap();
    assert!(done.memory_peak_bytes < 4_000_000, "{} bytes", done.memory_peak_bytes);
}

#[test]
fn a_picture_that_is_only_written_anew_keeps_its_planes() {
    // 4:2:0 to 4:2:0: nothing is resampled, so what is lost is what the coders lose.
    let picture = waves(Size::new(201, 133));
    let source = jpeg(&picture, 85);
    let around = Around::default();
    let decoded = unpacked(&source);
    for format in [FormatChoice::Webp, FormatChoice::Avif] {
        let done = around.run(&written(Vec::new(), format), &source).unwrap();
        let off = mean(&decoded, &unpacked(&done.bytes));
        let whole = around.run(&written(Vec::new(), format), &png(&decoded)).unwrap();
        let loss = mean(&decoded, &unpacked(&whole.bytes));
        assert!(off < loss + 0.2, "{format:?}: {off:.2}, {loss:.2}");
    }
}

#[test]
fn linear_light_keeps_the_light_of_a_chequerboard() {
    let size = Size::new(64, 64);
    let data = (0..64 * 64)
        .flat_map(|at| [if (at % 64 + at / 64) % 2 == 0 { 255 } else { 0 }; 3])
        .collect();
    let board = Picture::from_raw(size, Layout::Rgb, data).unwrap();
    let ops = || vec![resize(8, 8, Fit::Squeeze)];
    for source in [png(&board), jpeg(&board, 100)] {
        let encoded = Around::default().pixels(ops(), &source);
        let linear = Around {
            limits: Limits {
                light: Light::Linear,
                ..Limits::default()
            },
            ..Around::default()
        }
        .pixels(ops(), &source);
        // Half the light is 0.5 on the curve of sRGB: 1.055 * 0.5^(1 / 2.4) - 0.055 = 0.7354, of 255 that is 187.5.
        for y in 2..6 {
            for x in 2..6 {
                let (encoded, linear) = (encoded.pixel(x, y).unwrap(), linear.pixel(x, y).unwrap());
                assert!(encoded[..3].iter().all(|&v| v.abs_diff(128) <= 2), "{encoded:?}");
                assert!(linear[..3].iter().all(|&v| v.abs_diff(188) <= 2), "{linear:?}");
            }
        }
    }
}

#[test]
fn a_gray_source_stays_gray() {
    let size = Size::new(300, 200);
    let data = (0..size.area())
        .flat_map(|at| [(at % 300 * 255 / 300) as u8; 3])
        .collect();
    let gray = Picture::from_raw(size, Layout::Rgb, data).unwrap();
    let around = Around::default();
    let ops = || vec![resize(100, 0, Fit::ScaleDown)];
    let wanted = around.pixels(ops(), &png(&gray));
    let done = around
        .run(&written(ops(), FormatChoice::Jpeg), &jpeg(&gray, 95))
        .unwrap();
    assert!(difference(&wanted, &unpacked(&done.bytes)) <= 4);
}
