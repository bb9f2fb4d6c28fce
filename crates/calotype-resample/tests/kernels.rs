//! Every kernel gives what the portable one gives, bit for bit.

mod common;

use calotype_resample::{Axis, Channels, Filter, Kernel, Levels, Light, Resampler, Spec};
use common::{Kind, Random, picture, run};
use proptest::prelude::*;

fn axis() -> impl Strategy<Value = Axis> {
    let source = prop_oneof![1..12_u32, 1..200_u32, 200..1500_u32];
    let output = prop_oneof![1..6_u32, 1..140_u32];
    (
        source,
        output,
        -0.2..0.9_f64,
        0.01..1.2_f64,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(source, output, start, length, whole, lanczos)| {
            let (mut start, mut length) = (start * f64::from(source), length * f64::from(source));
            if start + length <= 0.0 {
                length -= start;
            }
            if whole {
                (start, length) = (start.floor(), f64::from(output).max(1.0 - start.floor()));
            }
            let filter = if lanczos { Filter::Lanczos3 } else { Filter::CatmullRom };
            Axis {
                source,
                start,
                length,
                output,
                filter,
            }
        })
}

fn spec() -> impl Strategy<Value = Spec> {
    let kind = prop_oneof![
        Just((Channels::One, Levels::Full, Light::Encoded)),
        Just((Channels::One, Levels::LimitedLuma, Light::Encoded)),
        Just((Channels::Three, Levels::Full, Light::Encoded)),
        Just((Channels::Four, Levels::LimitedChroma, Light::Encoded)),
        Just((Channels::Alpha, Levels::Full, Light::Encoded)),
        Just((Channels::Three, Levels::Full, Light::Linear)),
        Just((Channels::Alpha, Levels::Full, Light::Linear)),
    ];
    (axis(), axis(), kind).prop_map(|(horizontal, vertical, (channels, levels, light))| Spec {
        horizontal,
        vertical,
        channels,
        levels,
        light,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fastest_kernel_equals_the_portable_one(spec in spec(), kind in 0..3_u8, seed: u64) {
        let (width, height) = (spec.horizontal.source as usize, spec.vertical.source as usize);
        prop_assume!(width * height < 300_000);
        let kind = [Kind::Noise, Kind::Extremes, Kind::Scene][usize::from(kind)];
        let data = picture(kind, width, height, spec.channels.count(), &mut Random::new(seed));
        let portable = run(Resampler::new(&spec).unwrap().with_kernel(Kernel::portable()), &spec, &data);
        let fastest = run(Resampler::new(&spec).unwrap().with_kernel(Kernel::fastest()), &spec, &data);
        prop_assert!(portable == fastest);
    }
}
