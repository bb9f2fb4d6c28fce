//! Held against the transform in double precision, and against libjpeg.

mod damage;
pub(super) mod writer;

use std::f64::consts::PI;

use crate::CodecError;
use crate::jpeg::baseline::{Baseline, Stop};
use crate::jpeg::compare::{jpeg_planes_libjpeg, jpeg_planes_ours};
use writer::Drawing;

/// A file's planes: width, height, samples.
type Planes = Vec<(u32, u32, Vec<u8>)>;

fn ours(bytes: &[u8], scale: u8) -> Option<Planes> {
    let mut samples = vec![vec![]; 4];
    let shapes = jpeg_planes_ours(bytes, scale, &mut |plane, row| {
        samples[plane].extend(row);
        Ok(())
    });
    let planes = shapes.unwrap()?.into_iter().zip(samples);
    Some(
        planes
            .map(|((width, height), samples)| (width, height, samples))
            .collect(),
    )
}

/// What libjpeg gives without complaint.
fn theirs(bytes: &[u8], scale: u8) -> Option<Planes> {
    let mut samples = vec![vec![]; 4];
    let decoded = jpeg_planes_libjpeg(bytes, scale, &mut |plane, row| {
        samples[plane].extend(row);
        Ok(())
    });
    let (shapes, warnings) = decoded.ok()?;
    let planes = shapes.into_iter().zip(samples);
    (warnings == 0).then(|| {
        planes
            .map(|((width, height), samples)| (width, height, samples))
            .collect()
    })
}

/// Samples, not rounded, of the lowest `side` x `side` coefficients: the inverse transform of that size (T.81 A.3.3 for
/// 8), so that the mean stays.
fn exact(coefficients: &[f64; 64], side: usize) -> Vec<f64> {
    let weight = |place: usize, frequency: usize| {
        let scale = if frequency == 0 { 1.0 } else { 2f64.sqrt() };
        scale * ((2 * place + 1) as f64 * frequency as f64 * PI / (2 * side) as f64).cos()
    };
    let mut samples = vec![];
    for y in 0..side {
        for x in 0..side {
            let sum: f64 = (0..side)
                .flat_map(|v| (0..side).map(move |u| (v, u)))
                .map(|(v, u)| coefficients[v * 8 + u] * weight(y, v) * weight(x, u))
                .sum();
            samples.push((sum / 8.0 + 128.0).clamp(0.0, 255.0));
        }
    }
    samples
}

/// How many samples a side a block of a component becomes: by libjpeg's rule, in words of its own. Doubled as long as
/// neither side becomes larger than that of the component with the most samples.
fn side(scale: u8, max: (u32, u32), sampling: (u32, u32)) -> usize {
    let least = 8 / usize::from(scale);
    let spare = (max.0 / sampling.0).min(max.1 / sampling.1) as usize;
    // What both ratios are divisible by, of the powers of 2.
    let both = |n: u32| (max.0 / sampling.0).is_multiple_of(n) && (max.1 / sampling.1).is_multiple_of(n);
    let factor = [4, 2, 1].into_iter().find(|&n| both(n) && n as usize <= spare).unwrap() as usize;
    (least * factor).min(8)
}

const SAMPLINGS: [&[(u32, u32)]; 15] = [
    &[(1, 1)],
    &[(2, 2)],
    &[(1, 1), (1, 1), (1, 1)],
    &[(2, 1), (1, 1), (1, 1)],
    &[(1, 2), (1, 1), (1, 1)],
    &[(2, 2), (1, 1), (1, 1)],
    &[(2, 2), (1, 2), (1, 2)],
    &[(2, 2), (2, 1), (1, 2)],
    &[(3, 1), (1, 1), (1, 1)],
    &[(4, 1), (1, 1), (1, 1)],
    &[(1, 4), (1, 1), (1, 1)],
    &[(4, 2), (1, 1), (1, 1)],
    &[(1, 1), (1, 1), (2, 2)],
    &[(1, 1), (1, 1), (1, 1), (1, 1)],
    &[(2, 2), (1, 1), (1, 1), (2, 2)],
];

#[test]
fn every_sampling_at_every_scale_is_the_transform_of_its_low_frequencies() {
    for (seed, sampling) in (1..).zip(SAMPLINGS) {
        for size in [(1, 1), (16, 16), (37, 83), (130, 31)] {
            let drawing = Drawing::random(size, sampling, seed * 77 + u64::from(size.0));
            let bytes = drawing.write();
            let alone = sampling.len() == 1;
            let most = |side: fn(&(u32, u32)) -> u32| {
                if alone {
                    1
                } else {
                    sampling.iter().map(side).max().unwrap()
                }
            };
            let max = (most(|s| s.0), most(|s| s.1));
            for scale in [1, 2, 4, 8] {
                let what = format!("{sampling:?} {size:?} 1/{scale}");
                let got = ours(&bytes, scale).unwrap_or_else(|| panic!("{what} is covered"));
                let library = theirs(&bytes, scale).unwrap();
                assert_eq!(got.len(), sampling.len());
                for (plane, ((got, library), (across, blocks))) in
                    got.iter().zip(&library).zip(&drawing.blocks).enumerate()
                {
                    let factors = if alone { (1, 1) } else { sampling[plane] };
                    let side = side(scale, max, factors);
                    assert_eq!((got.0, got.1), (library.0, library.1), "{what} plane {plane}");
                    assert_eq!(got.2.len(), (got.0 * got.1) as usize, "{what} plane {plane}");
                    if side == 8 || side == 1 {
                        assert!(got.2 == library.2, "{what} plane {plane} is libjpeg's");
                    }
                    let expected: Vec<Vec<f64>> = blocks
                        .iter()
                        .map(|block| {
                            let dequantized =
                                std::array::from_fn(|at| f64::from(block[at] * i32::from(drawing.quantization[at])));
                            exact(&dequantized, side)
                        })
                        .collect();
                    for (at, &sample) in got.2.iter().enumerate() {
                        let (x, y) = (at % got.0 as usize, at / got.0 as usize);
                        let block = &expected[y / side * *across as usize + x / side];
                        let distance = (f64::from(sample) - block[y % side * side + x % side]).abs();
                        // Half for rounding, and what 13 bits of constants and 2 between the passes cost.
                        assert!(distance < 0.75, "{what} plane {plane} at {x}, {y}: {distance}");
                    }
                }
            }
        }
    }
}

#[test]
fn restart_markers_are_followed() {
    for interval in [1, 2, 3, 7, 50] {
        let mut drawing = Drawing::random((150, 90), &[(2, 2), (1, 1), (1, 1)], u64::from(interval) + 5);
        let plain = drawing.write();
        drawing.restart_interval = interval;
        let restarted = drawing.write();
        assert_ne!(plain, restarted);
        for scale in [1, 2, 4, 8] {
            assert!(ours(&plain, scale).unwrap() == ours(&restarted, scale).unwrap());
        }
        assert!(ours(&restarted, 1) == theirs(&restarted, 1));
    }
}

#[test]
fn long_steps_of_quantisation_are_read() {
    let mut drawing = Drawing::random((40, 40), &[(1, 1)], 3);
    drawing.quantization[63] = 300;
    let bytes = drawing.write();
    assert!(bytes.windows(5).any(|w| w == [0xff, 0xdb, 0, 131, 0x10]));
    assert_eq!(ours(&bytes, 1), theirs(&bytes, 1));
}

#[test]
fn rows_come_an_mcu_row_at_a_time_and_the_receiver_may_stop() {
    let drawing = Drawing::random((20, 40), &[(2, 2), (1, 1), (1, 1)], 9);
    let bytes = drawing.write();
    let mut planes = vec![];
    Baseline::open(&bytes, 1)
        .unwrap()
        .decode(&mut |plane, row| {
            planes.push((plane, row.len()));
            Ok(())
        })
        .unwrap();
    let mcu_row = |rows: usize| [vec![(0, 20); rows], vec![(1, 10); rows / 2], vec![(2, 10); rows / 2]].concat();
    assert_eq!(planes, [mcu_row(16), mcu_row(16), mcu_row(8)].concat());
    let mut rows = 0;
    let stopped = Baseline::open(&bytes, 1).unwrap().decode(&mut |_, _| {
        rows += 1;
        if rows < 3 {
            Ok(())
        } else {
            Err(CodecError::corrupt("enough"))
        }
    });
    assert!(matches!(stopped, Err(Stop::Sink(_))));
    assert_eq!(rows, 3);
}
