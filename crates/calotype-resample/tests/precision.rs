//! Distance from a resampler of floating-point numbers that knows nothing of ours.
#![allow(clippy::unwrap_used)]

mod common;

use calotype_resample::{Axis, Channels, Filter, Levels, Light, Resampler, Spec};
use common::{Distance, Kind, Random, distance, picture, reference, run};

fn measure(spec: &Spec, kind: Kind, random: &mut Random) -> Distance {
    let (width, height) = (spec.horizontal.source as usize, spec.vertical.source as usize);
    let data = picture(kind, width, height, spec.channels.count(), random);
    let out = run(Resampler::new(spec).unwrap(), spec, &data);
    let exact: Vec<f64> = data.iter().map(|&sample| f64::from(sample)).collect();
    distance(&out, &reference(spec, &exact))
}

/// Ratios of both kinds, extents that stick out, sides of one sample.
fn axes() -> Vec<Axis> {
    let part = Axis::part;
    vec![
        part(1, 0.0, 1.0, 1),
        part(1, 0.0, 1.0, 9),
        part(2, 0.3, 0.4, 5),
        part(5, 0.0, 5.0, 3),
        part(40, 0.0, 40.0, 31),
        part(101, 3.0, 60.0, 60),
        part(101, 10.25, 60.0, 60),
        part(130, 0.0, 130.0, 26),
        part(164, 0.0, 164.0 * 328.0 / 327.0, 80),
        part(164, -0.5, 164.5, 83),
        part(64, 20.7, 0.3, 40),
        part(97, -3.0, 100.0, 100),
        part(600, 0.0, 600.0, 7),
        part(600, 100.2, 420.6, 3),
        part(3000, 0.0, 3000.0, 2),
        Axis {
            filter: Filter::Lanczos3,
            ..part(30, 0.0, 30.0, 70)
        },
        Axis {
            filter: Filter::CatmullRom,
            ..part(90, 0.0, 90.0, 31)
        },
    ]
}

#[test]
fn no_sample_is_further_than_a_level_from_the_exact_value_and_nearly_all_are_rounded_correctly() {
    let mut random = Random::new(1);
    for (number, horizontal) in axes().into_iter().enumerate() {
        for (other, vertical) in axes().into_iter().enumerate() {
            if horizontal.source * vertical.source > 400_000 || (number * 7 + other) % 3 == 0 && number != other {
                continue;
            }
            for kind in [Kind::Noise, Kind::Extremes, Kind::Scene, Kind::Flat] {
                let spec = Spec::new(horizontal, vertical, Channels::One);
                let found = measure(&spec, kind, &mut random);
                assert!(found.most <= 0.60, "{spec:?} {kind:?} {found:?}");
                assert!(found.mean <= found.mean_rounded + 0.004, "{spec:?} {kind:?} {found:?}");
            }
        }
    }
}

#[test]
fn channels_are_kept_apart() {
    let mut random = Random::new(2);
    for channels in [Channels::Three, Channels::Four] {
        for (horizontal, vertical) in [
            (Axis::whole(131, 40), Axis::whole(60, 90)),
            (Axis::whole(17, 40), Axis::whole(300, 9)),
        ] {
            let spec = Spec::new(horizontal, vertical, channels);
            let found = measure(&spec, Kind::Noise, &mut random);
            assert!(found.most <= 0.60, "{spec:?} {found:?}");
        }
    }
}

#[test]
fn limited_levels_are_reached_in_one_rounding() {
    let mut random = Random::new(3);
    for levels in [Levels::LimitedLuma, Levels::LimitedChroma] {
        for horizontal in [
            Axis::whole(131, 40),
            Axis::whole(40, 131),
            Axis::whole(40, 40),
            Axis::whole(2000, 3),
        ] {
            let spec = Spec {
                levels,
                ..Spec::new(horizontal, Axis::whole(50, 30), Channels::One)
            };
            for kind in [Kind::Noise, Kind::Extremes, Kind::Scene] {
                let found = measure(&spec, kind, &mut random);
                assert!(found.most <= 0.60, "{spec:?} {found:?}");
            }
        }
    }
}

#[test]
fn light_is_within_a_level() {
    let mut random = Random::new(4);
    for horizontal in [Axis::whole(131, 40), Axis::whole(40, 131), Axis::whole(2000, 3)] {
        for vertical in [Axis::whole(61, 22), Axis::whole(20, 33), Axis::whole(400, 3)] {
            let spec = Spec {
                light: Light::Linear,
                ..Spec::new(horizontal, vertical, Channels::Three)
            };
            for kind in [Kind::Noise, Kind::Extremes, Kind::Scene, Kind::Flat] {
                let found = measure(&spec, kind, &mut random);
                assert!(found.most <= 1.0, "{spec:?} {kind:?} {found:?}");
                assert!(found.mean <= found.mean_rounded + 0.01, "{spec:?} {kind:?} {found:?}");
            }
        }
    }
}
