//! What a resampler promises.

mod common;

use calotype_resample::{Axis, Channels, Light, Resampler, SIDE_MAX, Spec, SpecError, resample};
use common::{Kind, Random, distance, picture, reference, run};

fn plane(horizontal: Axis, vertical: Axis) -> Spec {
    Spec::new(horizontal, vertical, Channels::One)
}

#[test]
fn orders_that_make_no_sense_are_refused_by_name() {
    let good = Axis::whole(10, 5);
    let refused = |axis: Axis| {
        let error = Resampler::new(&plane(axis, good)).unwrap_err();
        assert_eq!(Resampler::new(&plane(good, axis)).unwrap_err(), error);
        assert_eq!(Resampler::working_bytes(&plane(axis, good)), 0);
        error
    };
    assert_eq!(refused(Axis { source: 0, ..good }), SpecError::EmptySide);
    assert_eq!(refused(Axis { output: 0, ..good }), SpecError::EmptySide);
    assert_eq!(
        refused(Axis {
            output: SIDE_MAX + 1,
            ..good
        }),
        SpecError::TooLong
    );
    assert_eq!(
        refused(Axis {
            source: u32::MAX,
            ..good
        }),
        SpecError::TooLong
    );
    assert_eq!(
        refused(Axis {
            start: f64::NAN,
            ..good
        }),
        SpecError::NotFinite
    );
    assert_eq!(
        refused(Axis {
            length: f64::INFINITY,
            ..good
        }),
        SpecError::NotFinite
    );
    assert_eq!(refused(Axis { length: 0.0, ..good }), SpecError::EmptyExtent);
    assert_eq!(refused(Axis { length: -2.0, ..good }), SpecError::EmptyExtent);
    assert_eq!(refused(Axis { length: 5e-324, ..good }), SpecError::EmptyExtent);
    assert_eq!(refused(Axis { start: 10.0, ..good }), SpecError::Outside);
    assert_eq!(refused(Axis { start: -10.0, ..good }), SpecError::Outside);
    let light = Spec {
        light: Light::Linear,
        ..plane(good, good)
    };
    assert_eq!(Resampler::new(&light).unwrap_err(), SpecError::LightWithoutColor);
    let levels = calotype_resample::Levels::LimitedLuma;
    let alpha = Spec {
        levels,
        ..Spec::new(good, good, Channels::Alpha)
    };
    assert_eq!(Resampler::new(&alpha).unwrap_err(), SpecError::LimitedLevels);
}

#[test]
fn opaque_pixels_are_what_three_channels_give() {
    let mut random = Random::new(11);
    for light in [Light::Encoded, Light::Linear] {
        for (across, down) in [
            (Axis::whole(131, 40), Axis::whole(60, 21)),
            (Axis::whole(40, 131), Axis::whole(700, 5)),
            (Axis::part(900, 1.5, 890.25, 3), Axis::whole(30, 47)),
            (Axis::whole(64, 64), Axis::whole(30, 47)),
            (Axis::whole(70, 64), Axis::part(50, 4.0, 30.0, 30)),
        ] {
            for kind in [Kind::Noise, Kind::Extremes, Kind::Scene] {
                let (width, height) = (across.source as usize, down.source as usize);
                let three = picture(kind, width, height, 3, &mut random);
                let four: Vec<u8> = three.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
                let spec = Spec {
                    light,
                    ..Spec::new(across, down, Channels::Three)
                };
                let expected = run(Resampler::new(&spec).unwrap(), &spec, &three);
                let expected: Vec<u8> = expected.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
                let spec = Spec {
                    channels: Channels::Alpha,
                    ..spec
                };
                assert!(
                    run(Resampler::new(&spec).unwrap(), &spec, &four) == expected,
                    "{spec:?} {kind:?}"
                );
            }
        }
    }
}

#[test]
fn a_constant_opacity_stays_and_low_opacity_keeps_its_color() {
    for light in [Light::Encoded, Light::Linear] {
        for (across, down) in [
            (Axis::whole(50, 20), Axis::whole(40, 13)),
            (Axis::whole(20, 50), Axis::whole(9, 31)),
            (Axis::whole(700, 4), Axis::whole(300, 4)),
        ] {
            let spec = Spec {
                light,
                ..Spec::new(across, down, Channels::Alpha)
            };
            let size = across.source as usize * down.source as usize;
            for alpha in [1_u8, 2, 3, 5, 17, 128, 254] {
                for color in [[255, 0, 90], [13, 200, 101]] {
                    let pixel = [color[0], color[1], color[2], alpha];
                    let out = run(Resampler::new(&spec).unwrap(), &spec, &pixel.repeat(size));
                    // Of the 16 bits of a product, opacity leaves 8 and its own.
                    let most = match alpha {
                        1 => 2,
                        2..=5 => 1,
                        _ => 0,
                    };
                    let most = if light == Light::Linear && alpha < 128 {
                        most * 4 + 3
                    } else {
                        most
                    };
                    for got in out.chunks_exact(4) {
                        assert_eq!(got[3], alpha);
                        for (got, color) in got.iter().zip(color) {
                            assert!(got.abs_diff(color) <= most, "{pixel:?} {got} {color} {spec:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn colors_under_transparent_pixels_never_show() {
    let mut random = Random::new(12);
    let spec = Spec::new(Axis::whole(96, 31), Axis::whole(80, 100), Channels::Alpha);
    let mut data = picture(Kind::Noise, 96, 80, 4, &mut random);
    for pixel in data.chunks_exact_mut(4) {
        if random.below(2) == 0 {
            pixel[3] = 0;
        }
    }
    let first = run(Resampler::new(&spec).unwrap(), &spec, &data);
    for pixel in data.chunks_exact_mut(4).filter(|pixel| pixel[3] == 0) {
        pixel[..3].copy_from_slice(&[random.byte(), random.byte(), random.byte()]);
    }
    assert!(run(Resampler::new(&spec).unwrap(), &spec, &data) == first);
}

#[test]
fn opacity_is_near_the_exact_value_and_colors_are_where_it_is_not_low() {
    let mut random = Random::new(13);
    for (across, down) in [
        (Axis::whole(131, 40), Axis::whole(60, 21)),
        (Axis::whole(40, 61), Axis::whole(700, 5)),
    ] {
        let spec = Spec::new(across, down, Channels::Alpha);
        let data = picture(
            Kind::Scene,
            across.source as usize,
            down.source as usize,
            4,
            &mut random,
        );
        let out = run(Resampler::new(&spec).unwrap(), &spec, &data);
        let exact = reference(&spec, &data.iter().map(|&sample| f64::from(sample)).collect::<Vec<_>>());
        for (out, exact) in out.chunks_exact(4).zip(exact.chunks_exact(4)) {
            assert!((f64::from(out[3]) - exact[3]).abs() <= 0.55);
            if out[3] > 32 {
                let found = distance(&out[..3], &exact[..3]);
                assert!(found.most <= 0.75, "{out:?} {exact:?}");
            }
        }
    }
}

#[test]
fn deep_rows_are_rounded_once() {
    let mut random = Random::new(14);
    for bits in [9, 10, 12, 16_u8] {
        let most = (1_u32 << bits) - 1;
        for light in [Light::Encoded, Light::Linear] {
            for (across, down) in [
                (Axis::whole(131, 40), Axis::whole(60, 21)),
                (Axis::whole(40, 61), Axis::whole(300, 5)),
                (Axis::whole(64, 64), Axis::whole(20, 20)),
            ] {
                let spec = Spec {
                    light,
                    ..Spec::new(across, down, Channels::Three)
                };
                let row = across.source as usize * 3;
                let data: Vec<u16> = (0..row * down.source as usize)
                    .map(|index| {
                        ((random.below(u64::from(most) / 8) as u32 + index as u32 * 3 % (most / 2)) % most) as u16
                    })
                    .collect();
                let mut resampler = Resampler::deep(&spec).unwrap();
                let mut out = Vec::new();
                for row in data.chunks_exact(row) {
                    resampler.push_deep(row, bits, &mut |line| out.extend_from_slice(line));
                }
                let exact: Vec<f64> = data.iter().map(|&v| f64::from(v) * 255.0 / f64::from(most)).collect();
                let found = distance(&out, &reference(&spec, &exact));
                let bound = if light == Light::Linear { 0.9 } else { 0.56 };
                assert!(found.most <= bound, "{bits} {spec:?} {found:?}");
            }
        }
    }
}

#[test]
fn deep_resamplers_give_rows_of_8_bits_the_same() {
    let mut random = Random::new(15);
    for channels in [Channels::One, Channels::Three, Channels::Four, Channels::Alpha] {
        for (across, down) in [
            (Axis::whole(131, 40), Axis::whole(60, 21)),
            (Axis::whole(40, 61), Axis::whole(300, 5)),
        ] {
            let spec = Spec::new(across, down, channels);
            let data = picture(
                Kind::Noise,
                across.source as usize,
                down.source as usize,
                channels.count(),
                &mut random,
            );
            let bytes = run(Resampler::new(&spec).unwrap(), &spec, &data);
            assert!(run(Resampler::deep(&spec).unwrap(), &spec, &data) == bytes);
            let mut deep = Resampler::deep(&spec).unwrap();
            let mut out = Vec::new();
            for row in data.chunks_exact(across.source as usize * channels.count()) {
                let row: Vec<u16> = row.iter().map(|&sample| u16::from(sample)).collect();
                deep.push_deep(&row, 8, &mut |line| out.extend_from_slice(line));
            }
            assert!(out == bytes, "{spec:?}");
        }
    }
}

#[test]
fn what_is_not_resized_is_copied() {
    let mut random = Random::new(16);
    for channels in [Channels::One, Channels::Three, Channels::Four, Channels::Alpha] {
        let count = channels.count();
        let data = picture(Kind::Noise, 50, 40, count, &mut random);
        let spec = Spec::new(Axis::part(50, 7.0, 20.0, 20), Axis::part(40, 9.0, 11.0, 11), channels);
        let resampler = Resampler::new(&spec).unwrap();
        assert_eq!(resampler.rows_needed(), 9..20);
        let expected: Vec<u8> = (9..20)
            .flat_map(|y| data[(y * 50 + 7) * count..(y * 50 + 27) * count].to_vec())
            .collect();
        assert!(run(resampler, &spec, &data) == expected);
    }
}

#[test]
fn samples_that_a_row_lacks_are_zero_and_those_behind_its_end_are_nothing() {
    let mut random = Random::new(18);
    let kinds = [
        (Channels::One, Light::Encoded),
        (Channels::Three, Light::Encoded),
        (Channels::Four, Light::Encoded),
        (Channels::Alpha, Light::Encoded),
        (Channels::Three, Light::Linear),
        (Channels::Alpha, Light::Linear),
    ];
    let axes = [
        (Axis::whole(150, 40), Axis::whole(30, 11)),
        (Axis::part(150, 20.5, 90.0, 120), Axis::whole(30, 30)),
        (Axis::part(150, 20.0, 90.0, 90), Axis::part(30, 3.0, 20.0, 20)),
        (Axis::whole(150, 150), Axis::whole(30, 1)),
    ];
    for (channels, light) in kinds {
        for (across, down) in axes {
            let spec = Spec {
                light,
                ..Spec::new(across, down, channels)
            };
            let length = 150 * channels.count();
            // Rows that are whole, cut short anywhere, pixels included, empty, or too long; and what they stand for.
            let rows: Vec<Vec<u8>> = (0..30)
                .map(|_| {
                    let length = match random.below(4) {
                        0 => length,
                        1 => random.below(3) as usize * 5,
                        2 => length + random.below(200) as usize,
                        _ => random.below(length as u64) as usize,
                    };
                    (0..length).map(|_| random.byte() | 1).collect()
                })
                .collect();
            let stands_for = |row: &Vec<u8>| {
                let mut whole = row.clone();
                whole.resize(length, 0);
                whole
            };
            let whole: Vec<u8> = rows.iter().flat_map(stands_for).collect();
            for deep in [false, true] {
                let new = if deep { Resampler::deep } else { Resampler::new };
                let expected = run(new(&spec).unwrap(), &spec, &whole);
                let (mut bytes, mut words) = (new(&spec).unwrap(), new(&spec).unwrap());
                let (mut of_bytes, mut of_words) = (Vec::new(), Vec::new());
                for row in &rows {
                    bytes.push(row, &mut |line| of_bytes.extend_from_slice(line));
                    let row: Vec<u16> = row.iter().map(|&sample| sample.into()).collect();
                    words.push_deep(&row, 8, &mut |line| of_words.extend_from_slice(line));
                }
                assert!(of_bytes == expected, "{spec:?}, deep: {deep}");
                assert!(of_words == expected, "{spec:?}, deep: {deep}");
            }
        }
    }
}

#[test]
fn rows_come_as_soon_as_they_can() {
    let spec = plane(Axis::whole(16, 8), Axis::whole(40, 20));
    let mut resampler = Resampler::new(&spec).unwrap();
    let mut given = Vec::new();
    for _ in 0..40 {
        let mut rows = 0;
        resampler.push(&[100; 16], &mut |line| {
            assert_eq!(line, [100; 8]);
            rows += 1;
        });
        given.push(rows);
    }
    assert!(resampler.is_complete());
    // A row of two to one reaches 6 rows up and down of its middle, 2n + 1: the last row that counts is 2n + 6, for the filter is zero at its end.
    let expected: Vec<i32> = (0..40)
        .map(|row| {
            if row == 39 {
                3
            } else {
                i32::from(row >= 6 && row % 2 == 0)
            }
        })
        .collect();
    assert_eq!(given, expected);
}

#[test]
fn only_needed_rows_and_columns_are_looked_at() {
    let mut random = Random::new(17);
    for (across, down) in [
        (Axis::part(300, 100.3, 80.0, 31), Axis::part(200, 60.0, 50.5, 80)),
        (Axis::part(2000, 900.0, 60.0, 5), Axis::part(900, 300.0, 300.0, 9)),
    ] {
        let spec = Spec::new(across, down, Channels::Three);
        let data = picture(
            Kind::Noise,
            across.source as usize,
            down.source as usize,
            3,
            &mut random,
        );
        let expected = run(Resampler::new(&spec).unwrap(), &spec, &data);
        let needed = Resampler::new(&spec).unwrap().rows_needed();
        // The filter's own reach, and not much more.
        let reach = down.filter_reach();
        assert!(
            f64::from(needed.start) >= down.start - reach && f64::from(needed.end) <= down.start + down.length + reach
        );
        let length = across.source as usize * 3;
        let mut changed = data.clone();
        for (number, row) in changed.chunks_exact_mut(length).enumerate() {
            if !needed.contains(&(number as u32)) {
                row.fill(7);
            }
        }
        assert!(run(Resampler::new(&spec).unwrap(), &spec, &changed) == expected);
    }
}

/// How far a filter reaches, for the tests.
trait Reach {
    fn filter_reach(&self) -> f64;
}

impl Reach for Axis {
    fn filter_reach(&self) -> f64 {
        3.0 * (self.length / f64::from(self.output)).max(1.0)
    }
}

#[test]
fn a_very_long_side_becomes_one_sample() {
    let mut random = Random::new(18);
    for spec in [
        plane(Axis::whole(65_535, 1), Axis::whole(2, 1)),
        plane(Axis::whole(2, 1), Axis::whole(65_535, 1)),
    ] {
        for kind in [Kind::Noise, Kind::Extremes] {
            let data = picture(
                kind,
                spec.horizontal.source as usize,
                spec.vertical.source as usize,
                1,
                &mut random,
            );
            let out = run(Resampler::new(&spec).unwrap(), &spec, &data);
            let exact = reference(&spec, &data.iter().map(|&sample| f64::from(sample)).collect::<Vec<_>>());
            assert!((f64::from(out[0]) - exact[0]).abs() <= 0.51, "{out:?} {exact:?}");
        }
    }
}

#[test]
fn a_mirrored_picture_gives_the_mirrored_result_but_for_single_levels() {
    let mut random = Random::new(19);
    let spec = plane(Axis::whole(120, 37), Axis::whole(90, 33));
    let data = picture(Kind::Noise, 120, 90, 1, &mut random);
    let mut mirrored = data.clone();
    mirrored.reverse();
    let first = run(Resampler::new(&spec).unwrap(), &spec, &data);
    let mut second = run(Resampler::new(&spec).unwrap(), &spec, &mirrored);
    second.reverse();
    let differing = first.iter().zip(&second).filter(|(a, b)| a != b).count();
    assert!(first.iter().zip(&second).all(|(a, b)| a.abs_diff(*b) <= 1));
    assert!(differing * 50 < first.len(), "{differing} of {}", first.len());
}

#[test]
fn a_whole_picture_at_once_is_the_same() {
    let mut random = Random::new(20);
    let spec = Spec::new(Axis::whole(60, 17), Axis::whole(50, 70), Channels::Three);
    let data = picture(Kind::Scene, 60, 50, 3, &mut random);
    let mut out = vec![0; 17 * 70 * 3];
    resample(&spec, data.chunks_exact(180), &mut out).unwrap();
    assert!(out == run(Resampler::new(&spec).unwrap(), &spec, &data));
}
