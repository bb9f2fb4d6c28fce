//! Rows of a small picture through the resampler, in any order that makes sense or none. The input is the order, then the rows.
#![no_main]

use calotype_resample::{Axis, Channels, Filter, Kernel, Levels, Light, Resampler, Spec};
use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;

/// Samples of a source and of a result that keep one input cheap.
const SAMPLES_MAX: u64 = 200_000;

fuzz_target!(|input: &[u8]| {
    let mut input = Unstructured::new(input);
    if let Ok((spec, bits)) = order(&mut input) {
        resample(&spec, bits, input.take_rest());
    }
});

fn order(input: &mut Unstructured<'_>) -> Result<(Spec, u8)> {
    let spec = Spec {
        horizontal: axis(input)?,
        vertical: axis(input)?,
        channels: *input.choose(&[Channels::One, Channels::Three, Channels::Four, Channels::Alpha])?,
        levels: *input.choose(&[Levels::Full, Levels::LimitedLuma, Levels::LimitedChroma])?,
        light: *input.choose(&[Light::Encoded, Light::Linear])?,
    };
    Ok((spec, input.int_in_range(7..=16)?))
}

fn axis(input: &mut Unstructured<'_>) -> Result<Axis> {
    let source = input.int_in_range(0..=2000)?;
    let output = input.int_in_range(0..=2000)?;
    let (start, length) = match input.int_in_range(0..=3)? {
        0 => (0.0, f64::from(source)),
        1 => (f64::arbitrary(input)?, f64::arbitrary(input)?),
        2 => (f64::from(i16::arbitrary(input)?), f64::from(output)),
        _ => (
            f64::from(i16::arbitrary(input)?) / 16.0,
            f64::from(u16::arbitrary(input)?) / 32.0,
        ),
    };
    let filter = *input.choose(&[Filter::Lanczos3, Filter::CatmullRom])?;
    Ok(Axis {
        source,
        start,
        length,
        output,
        filter,
    })
}

fn resample(spec: &Spec, bits: u8, samples: &[u8]) {
    let area = |a: u32, b: u32| u64::from(a) * u64::from(b);
    let (across, down) = (spec.horizontal, spec.vertical);
    if area(across.source, down.source)
        .max(area(across.output, down.output))
        .max(area(across.source, down.output))
        > SAMPLES_MAX
    {
        return;
    }
    let bytes = Resampler::working_bytes(spec).max(Resampler::working_bytes_deep(spec));
    let Ok(resampler) = Resampler::new(spec) else {
        assert_eq!(bytes, 0);
        return;
    };
    let portable = run(resampler.with_kernel(Kernel::portable()), spec, samples, None);
    let fastest = run(
        Resampler::new(spec).unwrap().with_kernel(Kernel::fastest()),
        spec,
        samples,
        None,
    );
    assert!(portable == fastest);
    if bits > 7 {
        let portable = run(
            Resampler::deep(spec).unwrap().with_kernel(Kernel::portable()),
            spec,
            samples,
            Some(bits),
        );
        let fastest = run(
            Resampler::deep(spec).unwrap().with_kernel(Kernel::fastest()),
            spec,
            samples,
            Some(bits),
        );
        assert!(portable == fastest);
    }
}

fn run(mut resampler: Resampler, spec: &Spec, samples: &[u8], bits: Option<u8>) -> Vec<u8> {
    let length = spec.horizontal.source as usize * spec.channels.count();
    let mut samples = samples.iter().copied().cycle();
    let mut next = || samples.next().unwrap_or(255);
    let line_length = spec.horizontal.output as usize * spec.channels.count();
    let mut out = Vec::new();
    let needed = resampler.rows_needed();
    assert!(needed.start < needed.end && needed.end <= spec.vertical.source);
    for number in 0..needed.end {
        assert!(!resampler.is_complete());
        let mut take = |line: &[u8]| {
            assert_eq!(line.len(), line_length);
            out.extend_from_slice(line);
        };
        if !needed.contains(&number) {
            resampler.skip();
        } else if let Some(bits) = bits {
            let row: Vec<u16> = (0..length).map(|_| u16::from_le_bytes([next(), next()])).collect();
            resampler.push_deep(&row, bits, &mut take);
        } else {
            let row: Vec<u8> = (0..length).map(|_| next()).collect();
            resampler.push(&row, &mut take);
        }
    }
    assert!(resampler.is_complete());
    assert_eq!(out.len(), line_length * spec.vertical.output as usize);
    out
}
