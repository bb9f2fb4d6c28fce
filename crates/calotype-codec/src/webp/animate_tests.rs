use std::num::NonZeroU32;

use super::*;
use crate::webp::container::Chunks;

/// A pseudo-random sequence (D. Knuth's constants).
struct Random(u32);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % end
    }
}

/// What a frame shows, and for how many milliseconds.
type Shown = (Vec<[u8; 4]>, u32);

fn u24(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0])
}

/// Plays a file as RFC 9649 says, section 2.7.1: what each frame shows, and how often all are played.
fn play(file: &[u8]) -> (Vec<Shown>, u16) {
    let mut chunks = Chunks {
        rest: &file[12..],
        cut: false,
    };
    let vp8x = chunks.next().unwrap().payload;
    let (width, height) = ((u24(vp8x, 4) + 1) as usize, (u24(vp8x, 7) + 1) as usize);
    assert_eq!(vp8x[0] & 2, 2, "it is no animation");
    let mut canvas = vec![[0u8; 4]; width * height];
    let (mut frames, mut plays) = (Vec::new(), 0);
    for chunk in chunks {
        if &chunk.name == b"ANIM" {
            plays = u16::from_le_bytes([chunk.payload[4], chunk.payload[5]]);
        }
        if &chunk.name != b"ANMF" {
            continue;
        }
        let head = chunk.payload;
        let (left, top) = (u24(head, 0) as usize * 2, u24(head, 3) as usize * 2);
        let size = Size::new(u24(head, 6) + 1, u24(head, 9) + 1);
        let mut pixels = vec![0u8; Layout::Rgba.bytes(size) as usize];
        let stride = size.width as usize * 4;
        sys::decode_into(&head[16..], size, Layout::Rgba, &mut pixels, stride).unwrap();
        let (replaces, disposes) = (head[15] & 2 != 0, head[15] & 1 != 0);
        assert!(!disposes, "this player knows no disposal");
        for (y, row) in pixels.as_chunks::<4>().0.chunks(size.width as usize).enumerate() {
            for (x, &pixel) in row.iter().enumerate() {
                let at = &mut canvas[(top + y) * width + left + x];
                match pixel[3] {
                    _ if replaces => *at = pixel,
                    0 => {}
                    255 => *at = pixel,
                    _ => panic!("a blended frame must be opaque or nothing, so that it is exact"),
                }
            }
        }
        frames.push((canvas.clone(), u24(head, 12)));
    }
    (frames, plays)
}

fn encoded(size: Size, frames: &[(Vec<[u8; 4]>, Duration)], quality: u8, lossless: bool, loops: Loops) -> Vec<u8> {
    let budget = Budget::unlimited();
    let writer = AnimationWriter::new(size, quality, lossless, loops, &OutputMetadata::default(), &budget);
    let mut writer = Box::new(writer.unwrap());
    for (pixels, duration) in frames {
        let picture = Picture::from_raw(size, Layout::Rgba, pixels.as_flattened().to_vec()).unwrap();
        writer.push(&picture, *duration).unwrap();
    }
    let file = writer.finish().unwrap();
    assert_eq!(budget.held(), 0);
    file
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Soft waves, as in a photograph out of focus.
fn soft(size: Size) -> Vec<[u8; 4]> {
    (0..size.height)
        .flat_map(|y| (0..size.width).map(move |x| (f64::from(x), f64::from(y))))
        .map(|(x, y)| {
            let wave = |f: f64| (127.5 + 90.0 * (x * f).sin() * (y * f * 0.7).cos()) as u8;
            [wave(0.05), wave(0.08), wave(0.11), 255]
        })
        .collect()
}

fn mean_error(a: &[[u8; 4]], b: &[[u8; 4]]) -> f64 {
    let off = a.as_flattened().iter().zip(b.as_flattened());
    let sum: f64 = off.map(|(&a, &b)| f64::from(a.abs_diff(b))).sum();
    sum / (a.len() * 3) as f64
}

#[test]
fn lossless_animations_are_exact_whatever_appears_and_disappears() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let size = Size::new(1 + random.below(14), 1 + random.below(11));
        let pixels = size.area() as usize;
        let pick = |random: &mut Random| {
            let a = [0, 0, 255, 255, 255, 100][random.below(6) as usize];
            [random.below(256) as u8, random.below(4) as u8, 7, a]
        };
        let mut frame: Vec<[u8; 4]> = (0..pixels).map(|_| pick(&mut random)).collect();
        let mut frames: Vec<(Vec<[u8; 4]>, Duration)> = Vec::new();
        for _ in 0..1 + random.below(6) {
            match random.below(5) {
                0 => frame.fill([0; 4]),
                1 => frame = (0..pixels).map(|_| pick(&mut random)).collect(),
                2 => {}
                _ => (0..3).for_each(|_| frame[random.below(pixels as u32) as usize] = pick(&mut random)),
            }
            frames.push((frame.clone(), ms(u64::from(random.below(300)))));
        }
        let (got, _) = play(&encoded(size, &frames, 85, true, Loops::Forever));
        let mut want: Vec<Shown> = Vec::new();
        for (pixels, duration) in frames {
            let duration = duration.as_millis() as u32;
            match want.last_mut() {
                Some((last, sum)) if *last == pixels => *sum += duration,
                _ => want.push((pixels, duration)),
            }
        }
        assert!(got == want, "seed {seed}");
    }
}

#[test]
fn lossy_animations_stay_close_and_their_opacity_is_exact() {
    let size = Size::new(120, 90);
    let frames: Vec<_> = (0..8usize)
        .map(|step| {
            let mut pixels = soft(size);
            for y in 20..50 {
                pixels[y * 120 + step * 8..y * 120 + step * 8 + 30].fill([200, 40, 60, 255]);
                // A hole and something translucent, which come and go.
                pixels[(y + 30) * 120 + step * 5..(y + 30) * 120 + step * 5 + 20].fill([0; 4]);
                pixels[(y + 30) * 120 + 80..(y + 30) * 120 + 100].fill([10, 200, 30, (step * 30) as u8]);
            }
            (pixels, ms(40))
        })
        .collect();
    let (got, _) = play(&encoded(size, &frames, 90, false, Loops::Forever));
    assert_eq!(got.len(), 8);
    for ((got, _), (want, _)) in got.iter().zip(&frames) {
        assert!(got.iter().zip(want).all(|(got, want)| got[3] == want[3]));
        // Steps of the quantiser at quality 90 are about 4 levels, 1 off in the mean; hard coloured edges cost more, as
        // halved chroma spreads them.
        let opaque = |pixels: &[[u8; 4]]| -> Vec<[u8; 4]> {
            let both = pixels.iter().zip(want);
            both.filter(|(_, want)| want[3] == 255)
                .map(|(&pixel, _)| pixel)
                .collect()
        };
        let error = mean_error(&opaque(got), &opaque(want));
        assert!(error < 3.0, "{error}");
    }
}

#[test]
fn only_what_changes_is_written() {
    let size = Size::new(320, 240);
    let frames: Vec<_> = (0..12usize)
        .map(|step| {
            let mut pixels = soft(size);
            for y in 100..116 {
                pixels[y * 320 + step * 16..y * 320 + step * 16 + 16].fill([250, 250, 5, 255]);
            }
            (pixels, ms(100))
        })
        .collect();
    for lossless in [false, true] {
        let whole = encoded(size, &frames, 85, lossless, Loops::Forever).len();
        let first = encoded(size, &frames[..1], 85, lossless, Loops::Forever).len();
        // 32 by 16 pixels, or 33 and an even start: never more than their 3 bytes each uncompressed, with 40 bytes of
        // heads and a table of codes below 300. A whole frame of 230,400 samples is not among them.
        let most = first + 11 * (34 * 16 * 3 + 340);
        assert!(whole <= most, "lossless {lossless}: {whole} bytes, at most {most}");
    }
}

#[test]
fn noise_is_left_out_and_a_slow_fade_is_not() {
    let size = Size::new(96, 64);
    let mut random = Random(5);
    let noisy: Vec<_> = (0..6)
        .map(|_| {
            let mut pixels = soft(size);
            for pixel in &mut pixels {
                pixel[..3].iter_mut().for_each(|v| *v += random.below(3) as u8);
            }
            (pixels, ms(50))
        })
        .collect();
    let (got, _) = play(&encoded(size, &noisy, 80, false, Loops::Forever));
    let sum: u32 = got.iter().map(|(_, duration)| duration).sum();
    assert!(got.len() == 1 && sum == 300, "{} frames, {sum} ms", got.len());
    // One level in each frame; at quality 50 a sample may be 10 off before its block is written again for that alone.
    let fade: Vec<_> = (0..40u8)
        .map(|step| {
            (
                soft(size)
                    .into_iter()
                    .map(|[r, g, b, a]| [r / 2 + step, g / 2 + step, b / 2 + step, a])
                    .collect(),
                ms(50),
            )
        })
        .collect::<Vec<(Vec<[u8; 4]>, _)>>();
    let (got, _) = play(&encoded(size, &fade, 50, false, Loops::Forever));
    assert!(got.len() >= 20, "{} frames of 40", got.len());
    let error = mean_error(&got.last().unwrap().0, &fade[39].0);
    assert!(error < 4.0, "{error}");
}

#[test]
fn durations_and_plays_are_as_the_format_counts_them() {
    let size = Size::new(1, 1);
    let frames: Vec<_> = [1_000_000u64, 1_400_000, 0, 16_777_216_000_000]
        .iter()
        .zip(1u8..)
        .map(|(&ns, i)| (vec![[i * 50, 0, 0, 255]], Duration::from_nanos(ns)))
        .collect();
    let (got, plays) = play(&encoded(size, &frames, 85, true, Loops::Forever));
    // 1; 2.4 -> 2; 2.4 -> 2; and what is left of 16,777,218.4, of which one frame holds 16,777,215.
    let durations: Vec<u32> = got.iter().map(|(_, duration)| *duration).collect();
    assert_eq!((durations, plays), (vec![1, 1, 0, 16_777_215, 1], 0));
    assert_eq!(got[4].0, got[3].0);
    let plays = |loops| play(&encoded(size, &frames[..2], 85, true, loops)).1;
    let times = |n| Loops::Times(NonZeroU32::new(n).unwrap());
    assert_eq!(
        [plays(Loops::ONCE), plays(times(7)), plays(times(70_000))],
        [1, 7, 65_535]
    );
}

#[test]
fn metadata_is_carried_and_bytes_repeat() {
    let size = Size::new(9, 7);
    let metadata = OutputMetadata {
        exif: Some(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        xmp: Some(b"<x:xmpmeta/>x".to_vec()),
        iptc: None,
        icc: Some(b"no profile".to_vec()),
    };
    let write = || {
        let budget = Budget::unlimited();
        let mut writer = Box::new(AnimationWriter::new(size, 85, false, Loops::Forever, &metadata, &budget).unwrap());
        for shade in [10, 200] {
            let picture = Picture::new(size, Layout::Rgb, [shade; 4], &budget).unwrap();
            writer.push(&picture, ms(10)).unwrap();
        }
        writer.finish().unwrap()
    };
    let file = write();
    let found = crate::webp::container::Container::parse(&file, &calotype_plan::Limits::default()).unwrap();
    assert_eq!((found.frames, found.size, found.has_alpha), (2, size, false));
    assert_eq!(
        (found.exif, found.xmp, found.icc),
        (
            metadata.exif.as_deref(),
            metadata.xmp.as_deref(),
            metadata.icc.as_deref()
        )
    );
    assert_eq!(file, write());
}

#[test]
fn small_empty_and_impossible_animations() {
    let nothing = vec![[0; 4]; 6];
    for lossless in [false, true] {
        let file = encoded(
            Size::new(3, 2),
            &[(nothing.clone(), ms(70))],
            85,
            lossless,
            Loops::Forever,
        );
        let (got, _) = play(&file);
        assert!(got.len() == 1 && got[0].0.iter().all(|pixel| pixel[3] == 0) && got[0].1 == 70);
    }
    let new = |size, budget: &Budget| {
        AnimationWriter::new(size, 85, false, Loops::Forever, &OutputMetadata::default(), budget)
    };
    let unlimited = Budget::unlimited();
    assert!(matches!(
        new(Size::new(16_384, 1), &unlimited),
        Err(CodecError::Encode { .. })
    ));
    assert!(matches!(
        new(Size::new(1000, 1000), &Budget::new(1_000_000)),
        Err(CodecError::Limit { .. })
    ));
    let empty = Box::new(new(Size::new(1, 1), &unlimited).unwrap());
    assert!(matches!(empty.finish(), Err(CodecError::Encode { .. })));
    // Room for the canvas, but not for the encoder.
    let picture = Picture::new(Size::new(100, 100), Layout::Rgb, [7; 4], &unlimited).unwrap();
    let mut writer = new(Size::new(100, 100), &Budget::new(200_000)).unwrap();
    assert!(matches!(writer.push(&picture, ms(10)), Err(CodecError::Limit { .. })));
}
