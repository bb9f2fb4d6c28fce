//! Encodes raw frames as an animation, and says how long that took: what `bench/animation` measures.
//!
//! `animate FRAMES WIDTHxHEIGHT DURATION_MS gif|gif-fast|webp-QUALITY|webp-lossless OUT [REPEATS]`
//!
//! FRAMES holds RGBA, frame after frame. Prints a line per repeat: milliseconds by the clock, and of CPU (Linux).

#![allow(clippy::print_stdout)] // Its purpose.

use std::error::Error;
use std::time::{Duration, Instant};

use calotype_codec::{AnimationEncoder, AnimationRequest, Budget, Layout, Loops, OutputMetadata, Picture};
use calotype_plan::Size;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [frames, size, duration_ms, format, out, repeats @ ..] = arguments.as_slice() else {
        return Err("animate FRAMES WIDTHxHEIGHT DURATION_MS FORMAT OUT [REPEATS]".into());
    };
    let (width, height) = size.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    let size = Size::new(width.parse()?, height.parse()?);
    let duration = Duration::from_millis(duration_ms.parse()?);
    let request = match format.as_str() {
        "gif" => AnimationRequest::Gif { fast: false },
        "gif-fast" => AnimationRequest::Gif { fast: true },
        "webp-lossless" => AnimationRequest::Webp {
            quality: 85,
            lossless: true,
        },
        other => AnimationRequest::Webp {
            quality: other.strip_prefix("webp-").ok_or("unknown format")?.parse()?,
            lossless: false,
        },
    };
    let raw = std::fs::read(frames)?;
    let frame_bytes = usize::try_from(Layout::Rgba.bytes(size))?;
    let opaque = raw.iter().skip(3).step_by(4).all(|&alpha| alpha == 255);
    let pictures = raw
        .chunks_exact(frame_bytes)
        .map(|frame| {
            let picture = Picture::from_raw(size, Layout::Rgba, frame.to_vec())?;
            if opaque {
                picture.into_rgb_on([0; 3], &Budget::unlimited())
            } else {
                Ok(picture)
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let repeats: u32 = repeats.first().map_or(Ok(1), |text| text.parse())?;
    for _ in 0..repeats {
        let (start, cpu_before) = (Instant::now(), cpu_ms());
        let metadata = OutputMetadata::default();
        let mut encoder = AnimationEncoder::new(size, &request, Loops::Forever, &metadata, &Budget::unlimited())?;
        for picture in &pictures {
            encoder.push(picture, duration)?;
        }
        let bytes = encoder.finish()?;
        let wall_ms = start.elapsed().as_secs_f64() * 1000.0;
        println!("{wall_ms:.2} {:.2}", cpu_ms() - cpu_before);
        std::fs::write(out, bytes)?;
    }
    Ok(())
}

/// Milliseconds that this thread, which does all the work, has run; 0 where the system does not say.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.unwrap_or_default() / 1e6
}
