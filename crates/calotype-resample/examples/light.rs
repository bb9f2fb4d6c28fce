//! What resizing in encoded values and in linear light make of a picture, and what both cost: what `bench/light` looks at.
//!
//! `light SOURCE WIDTH HEIGHT TO_WIDTH TO_HEIGHT ENCODED LINEAR` reads rows of 8-bit RGB from SOURCE and writes the smaller picture to ENCODED and to LINEAR.
//!
//! `light SOURCE WIDTH HEIGHT TO_WIDTH TO_HEIGHT ROUNDS` prints medians of processor time in ms, of rounds in which all take turns: RGB in encoded values,
//! RGB in linear light, and, of the same numbers taken as planes, luma and two halved planes of chroma in encoded values.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::hint::black_box;

use calotype_resample::{Axis, Channels, Light, Spec, SpecError, resample};

type Side = (u32, u32);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, sides @ .., last] = arguments.as_slice() else {
        return Err("light SOURCE WIDTH HEIGHT TO_WIDTH TO_HEIGHT ENCODED LINEAR, or ROUNDS at the end".into());
    };
    let pixels = std::fs::read(source)?;
    match sides {
        [width, height, to_width, to_height, encoded] => {
            let (from, to) = (side(width, height)?, side(to_width, to_height)?);
            std::fs::write(encoded, colors(&pixels, from, to, Light::Encoded)?)?;
            std::fs::write(last, colors(&pixels, from, to, Light::Linear)?)?;
        }
        [width, height, to_width, to_height] => {
            cost(&pixels, side(width, height)?, side(to_width, to_height)?, last.parse()?)?;
        }
        _ => return Err("the size of the source and of the result are missing".into()),
    }
    Ok(())
}

fn side(width: &str, height: &str) -> Result<Side, std::num::ParseIntError> {
    Ok((width.parse()?, height.parse()?))
}

fn colors(pixels: &[u8], from: Side, to: Side, light: Light) -> Result<Vec<u8>, SpecError> {
    let spec = Spec {
        light,
        ..Spec::new(Axis::whole(from.0, to.0), Axis::whole(from.1, to.1), Channels::Three)
    };
    resized(&spec, pixels)
}

fn plane(samples: &[u8], from: Side, to: Side) -> Result<Vec<u8>, SpecError> {
    resized(
        &Spec::new(Axis::whole(from.0, to.0), Axis::whole(from.1, to.1), Channels::One),
        samples,
    )
}

fn resized(spec: &Spec, samples: &[u8]) -> Result<Vec<u8>, SpecError> {
    let channels = spec.channels.count();
    let mut out = vec![0; spec.horizontal.output as usize * spec.vertical.output as usize * channels];
    resample(
        spec,
        samples.chunks_exact(spec.horizontal.source as usize * channels),
        &mut out,
    )?;
    Ok(out)
}

fn cost(pixels: &[u8], from: Side, to: Side, rounds: usize) -> Result<(), Box<dyn Error>> {
    let half = |(width, height): Side| (width.div_ceil(2), height.div_ceil(2));
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let [encoded, linear, planes] = &mut times;
        encoded.push(timed(|| colors(pixels, from, to, Light::Encoded))?);
        linear.push(timed(|| colors(pixels, from, to, Light::Linear))?);
        planes.push(timed(|| {
            plane(pixels, from, to)?;
            plane(pixels, half(from), half(to))?;
            plane(pixels, half(from), half(to))
        })?);
    }
    let [encoded, linear, planes] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    });
    println!("{encoded:.3}\t{linear:.3}\t{planes:.3}");
    Ok(())
}

/// Processor time of this thread in ms. Linux.
fn timed<T>(work: impl FnOnce() -> Result<T, SpecError>) -> Result<f64, Box<dyn Error>> {
    let start = account()?;
    black_box(work()?);
    Ok(account()? - start)
}

fn account() -> Result<f64, Box<dyn Error>> {
    // The kernel brings the account up to date when a thread yields.
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = account.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e6)
}
