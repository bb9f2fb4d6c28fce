//! Resamples one picture of grain once: what `cargo xtask perf` counts the instructions of.
//!
//! `kernel one|three|alpha|deep|linear WIDTHxHEIGHT WIDTHxHEIGHT`: of a plane, of three channels, with opacity, of a plane of 10 bits, of three channels
//! in linear light; from, and to.

use std::error::Error;
use std::hint::black_box;

use calotype_resample::{Axis, Channels, Light, Resampler, Spec};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, from, to] = arguments.as_slice() else {
        return Err("kernel one|three|alpha|deep|linear WIDTHxHEIGHT WIDTHxHEIGHT".into());
    };
    let (from, to) = (size(from)?, size(to)?);
    let channels = match kind.as_str() {
        "one" | "deep" => Channels::One,
        "three" | "linear" => Channels::Three,
        "alpha" => Channels::Alpha,
        other => return Err(format!("there is no {other}").into()),
    };
    let mut spec = Spec::new(Axis::whole(from.0, to.0), Axis::whole(from.1, to.1), channels);
    if kind == "linear" {
        spec.light = Light::Linear;
    }
    let is_deep = kind == "deep";
    let mut resampler = if is_deep {
        Resampler::deep(&spec)?
    } else {
        Resampler::new(&spec)?
    };
    // The same row again and again: what is counted does not depend on what it holds.
    let row: Vec<u8> = (0..from.0 as usize * channels.count())
        .map(|at| u8::try_from(at * 97 % 251).unwrap_or_default())
        .collect();
    let deep: Vec<u16> = row.iter().map(|&sample| u16::from(sample) * 4).collect();
    let mut rows = 0;
    let mut keep = |row: &[u8]| {
        rows += 1;
        black_box(row);
    };
    for _ in 0..from.1 {
        if is_deep {
            resampler.push_deep(&deep, 10, &mut keep);
        } else {
            resampler.push(&row, &mut keep);
        }
    }
    if rows == to.1 {
        Ok(())
    } else {
        Err("rows are missing".into())
    }
}

fn size(text: &str) -> Result<(u32, u32), Box<dyn Error>> {
    let (width, height) = text.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    Ok((width.parse()?, height.parse()?))
}
