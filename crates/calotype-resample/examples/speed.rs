//! Processor time of resampling a picture in memory, beside that of fast_image_resize, round by round in one process.
//!
//! `cargo run --release -p calotype-resample --example speed [ROUNDS [PART OF A NAME]]`; pin it to one core.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;

use calotype_resample::{Axis, Channels, Kernel, Light, Resampler, Spec};
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, create_srgb_mapper};

fn main() {
    let rounds = std::env::args().nth(1).map_or(21, |rounds| rounds.parse().unwrap());
    println!(
        "{:44} {:>8} {:>8} {:>8} {:>6}",
        "median ms of processor time",
        "portable",
        Kernel::fastest().name(),
        "fir",
        "ratio"
    );
    let sizes = [
        ((2016, 1512), (800, 600)),
        ((1008, 756), (800, 600)),
        ((4032, 3024), (800, 600)),
        ((4032, 3024), (200, 150)),
        ((400, 300), (800, 600)),
    ];
    for channels in [Channels::One, Channels::Three] {
        for (from, to) in sizes {
            compare(from, to, channels, Light::Encoded, rounds);
        }
    }
    for (from, to) in [((3000, 2000), (600, 400)), ((1008, 756), (800, 600))] {
        compare(from, to, Channels::Alpha, Light::Encoded, rounds);
        compare(from, to, Channels::Four, Light::Encoded, rounds);
    }
    compare((2016, 1512), (800, 600), Channels::Three, Light::Linear, rounds);
    compare((3000, 2000), (600, 400), Channels::Alpha, Light::Linear, rounds);
}

/// Time that this thread has run. Linux.
fn cpu_ms() -> f64 {
    // The kernel brings the account up to date when a thread yields.
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    account.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn compare(from: (u32, u32), to: (u32, u32), channels: Channels, light: Light, rounds: usize) {
    let name = format!("{}x{} -> {}x{} {channels:?} {light:?}", from.0, from.1, to.0, to.1);
    if !name.contains(&std::env::args().nth(2).unwrap_or_default()) {
        return;
    }
    let count = channels.count();
    let mut seed = 1_u32;
    let data: Vec<u8> = (0..from.0 as usize * from.1 as usize * count)
        .map(|index| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Grain over slopes, so that opacity is neither 0 nor full everywhere.
            ((index / 977 % 200) as u8).wrapping_add((seed >> 27) as u8)
        })
        .collect();
    let spec = Spec {
        light,
        ..Spec::new(Axis::whole(from.0, to.0), Axis::whole(from.1, to.1), channels)
    };
    let filter = if to.0 > from.0 {
        FilterType::CatmullRom
    } else {
        FilterType::Lanczos3
    };
    let mut out = vec![0; to.0 as usize * to.1 as usize * count];
    let mut ours = |kernel: Kernel| {
        let start = cpu_ms();
        let mut resampler = Resampler::new(&spec).unwrap().with_kernel(kernel);
        let mut place = 0;
        for row in data.chunks_exact(from.0 as usize * count) {
            resampler.push(row, &mut |line| {
                out[place..place + line.len()].copy_from_slice(line);
                place += line.len();
            });
        }
        black_box(&mut out);
        cpu_ms() - start
    };
    let kind = |wide: bool| match (channels, wide) {
        (Channels::One, _) => PixelType::U8,
        (Channels::Three, false) => PixelType::U8x3,
        (Channels::Three, true) => PixelType::U16x3,
        (_, false) => PixelType::U8x4,
        (_, true) => PixelType::U16x4,
    };
    let source = Image::from_vec_u8(from.0, from.1, data.clone(), kind(false)).unwrap();
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .use_alpha(channels == Channels::Alpha);
    let mapper = create_srgb_mapper();
    let mut resizer = Resizer::new();
    let mut theirs = || {
        let start = cpu_ms();
        let mut result = Image::new(to.0, to.1, kind(false));
        if light == Light::Linear {
            let mut wide = Image::new(from.0, from.1, kind(true));
            mapper.forward_map(&source, &mut wide).unwrap();
            let mut small = Image::new(to.0, to.1, kind(true));
            resizer.resize(&wide, &mut small, &options).unwrap();
            mapper.backward_map(&small, &mut result).unwrap();
        } else {
            resizer.resize(&source, &mut result, &options).unwrap();
        }
        black_box(&mut result);
        cpu_ms() - start
    };
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        times[0].push(ours(Kernel::portable()));
        times[1].push(ours(Kernel::fastest()));
        times[2].push(theirs());
    }
    let [portable, fastest, fir] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("{name:44} {portable:8.2} {fastest:8.2} {fir:8.2} {:6.2}", fir / fastest);
}
