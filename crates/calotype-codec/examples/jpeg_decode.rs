//! Time of a JPEG's planes by our own decoder and by libjpeg.
//!
//! `jpeg_decode REPEATS FILE...`, best pinned: `taskset -c 0`. Prints a line per file and scale: CPU milliseconds of both
//! (medians of interleaved runs) and their ratio. `jpeg_decode ours|libjpeg SCALE FILE` decodes once, for a profiler.

#![allow(clippy::print_stdout)] // Its purpose.

use std::error::Error;
use std::hint::black_box;

use calotype_codec::{CodecError, jpeg_planes_libjpeg, jpeg_planes_ours};
use cpu_time::ProcessTime;

/// What is done with the rows: a sample of each is looked at.
fn look(_plane: usize, row: &[u8]) -> Result<(), CodecError> {
    black_box(row.first());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [who, scale, file] if who == "ours" || who == "libjpeg" => {
            let bytes = std::fs::read(file)?;
            if who == "ours" {
                jpeg_planes_ours(&bytes, scale.parse()?, &mut look)?.ok_or("not covered, or not in order")?;
            } else {
                jpeg_planes_libjpeg(&bytes, scale.parse()?, &mut look)?;
            }
            Ok(())
        }
        [repeats, files @ ..] if !files.is_empty() => measure(repeats.parse()?, files),
        _ => Err("jpeg_decode REPEATS FILE..., or jpeg_decode ours|libjpeg SCALE FILE".into()),
    }
}

fn measure(repeats: usize, files: &[String]) -> Result<(), Box<dyn Error>> {
    for file in files {
        let bytes = std::fs::read(file)?;
        let name = file.rsplit('/').next().unwrap_or(file);
        for scale in [1, 2, 4, 8] {
            let (mut ours, mut theirs) = (vec![], vec![]);
            for _ in 0..repeats {
                let start = cpu_ms();
                if jpeg_planes_ours(&bytes, scale, &mut look)?.is_none() {
                    println!("{name}: not covered, or not in order");
                    break;
                }
                let middle = cpu_ms();
                jpeg_planes_libjpeg(&bytes, scale, &mut look)?;
                ours.push(middle - start);
                theirs.push(cpu_ms() - middle);
            }
            let (Some(ours), Some(theirs)) = (median(&mut ours), median(&mut theirs)) else {
                break;
            };
            println!(
                "{name} 1/{scale}: ours {ours:.2} ms, libjpeg {theirs:.2} ms, ratio {:.3}",
                ours / theirs
            );
        }
    }
    Ok(())
}

fn median(times_ms: &mut [f64]) -> Option<f64> {
    times_ms.sort_by(f64::total_cmp);
    times_ms.get(times_ms.len() / 2).copied()
}

/// CPU time of the process, in milliseconds.
fn cpu_ms() -> f64 {
    ProcessTime::now().as_duration().as_secs_f64() * 1e3
}
