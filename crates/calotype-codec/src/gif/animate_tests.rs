use std::num::NonZeroU32;

use gif::{ColorOutput, DecodeOptions, DisposalMethod};

use super::*;
use crate::Layout;

const UNLIMITED: fn() -> Budget = Budget::unlimited;

/// A pseudo-random sequence (D. Knuth's constants).
struct Random(u32);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % end
    }
}

/// A frame as a viewer shows it, and its delay.
type Shown = (Vec<[u8; 4]>, u16);

/// Plays a file as GIF89a says, section 23: what each frame shows, and the repeats.
fn play(bytes: &[u8]) -> (Vec<Shown>, Repeat) {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let mut canvas = vec![[0u8; 4]; width * height];
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        let before = canvas.clone();
        let (left, top) = (usize::from(frame.left), usize::from(frame.top));
        let rows = frame.buffer.as_chunks::<4>().0.chunks(usize::from(frame.width));
        for (y, row) in rows.enumerate() {
            for (x, &pixel) in row.iter().enumerate() {
                let at = &mut canvas[(top + y) * width + left + x];
                if pixel[3] != 0 {
                    *at = pixel;
                }
            }
        }
        frames.push((canvas.clone(), frame.delay));
        match frame.dispose {
            DisposalMethod::Background => {
                for y in top..top + usize::from(frame.height) {
                    canvas[y * width + left..y * width + left + usize::from(frame.width)].fill([0; 4]);
                }
            }
            DisposalMethod::Previous => canvas = before,
            DisposalMethod::Keep | DisposalMethod::Any => {}
        }
    }
    (frames, decoder.repeat())
}

fn encoded(size: Size, frames: &[(Vec<[u8; 4]>, Duration)], loops: Loops) -> Vec<u8> {
    let mut writer = Box::new(AnimationWriter::new(size, false, loops, &UNLIMITED()).unwrap());
    for (pixels, duration) in frames {
        let picture = Picture::from_raw(size, Layout::Rgba, pixels.as_flattened().to_vec()).unwrap();
        writer.push(&picture, *duration).unwrap();
    }
    writer.finish().unwrap()
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A picture of many colours without noise: ramps and waves.
fn rich(size: Size, shift: u32) -> Vec<[u8; 4]> {
    (0..size.height)
        .flat_map(|y| (0..size.width).map(move |x| (x + shift, y)))
        .map(|(x, y)| {
            let wave = (f64::from(x) * 0.09).sin() * (f64::from(y) * 0.07).cos();
            [
                (x * 2 % 256) as u8,
                (y * 2 % 256) as u8,
                (128.0 + 100.0 * wave) as u8,
                255,
            ]
        })
        .collect()
}

fn mean_error(a: &[[u8; 4]], b: &[[u8; 4]]) -> f64 {
    let off = a.as_flattened().iter().zip(b.as_flattened());
    let sum: f64 = off.map(|(&a, &b)| f64::from(a.abs_diff(b))).sum();
    sum / (a.len() * 3) as f64
}

#[test]
fn animations_of_few_colours_are_exact_whatever_appears_and_disappears() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let size = Size::new(1 + random.below(12), 1 + random.below(9));
        let pixels = size.area() as usize;
        let colors: Vec<[u8; 4]> = (0..1 + random.below(60))
            .map(|i| [i as u8, random.below(256) as u8, random.below(256) as u8, 255])
            .collect();
        let pick = |random: &mut Random| match random.below(3) {
            0 => [0; 4],
            _ => colors[random.below(colors.len() as u32) as usize],
        };
        let mut frame: Vec<[u8; 4]> = (0..pixels).map(|_| pick(&mut random)).collect();
        let mut frames = Vec::new();
        for _ in 0..1 + random.below(8) {
            // A few changes, many, or none; now and then everything goes.
            match random.below(5) {
                0 => frame.fill([0; 4]),
                1 => frame = (0..pixels).map(|_| pick(&mut random)).collect(),
                2 => {}
                _ => (0..3).for_each(|_| frame[random.below(pixels as u32) as usize] = pick(&mut random)),
            }
            frames.push((frame.clone(), ms(10 * u64::from(2 + random.below(9)))));
        }
        let (got, _) = play(&encoded(size, &frames, Loops::Forever));
        // Equal frames in a row are one, for as long as all of them.
        let mut want: Vec<Shown> = Vec::new();
        for (pixels, duration) in frames {
            let delay = (duration.as_millis() / 10) as u16;
            match want.last_mut() {
                Some((last, sum)) if *last == pixels => *sum += delay,
                _ => want.push((pixels, delay)),
            }
        }
        assert!(got == want, "seed {seed}");
    }
}

#[test]
fn with_many_colours_transparency_stays_exact_and_colours_close() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let size = Size::new(90, 70);
        let mut frames = Vec::new();
        for step in 0..6 {
            let mut pixels = rich(size, step * 5);
            let (left, top) = (random.below(60) as usize, random.below(40) as usize);
            for y in top..top + 30 {
                pixels[y * 90 + left..y * 90 + left + 30].fill([0; 4]);
            }
            frames.push((pixels, ms(50)));
        }
        let (got, _) = play(&encoded(size, &frames, Loops::Forever));
        assert_eq!(got.len(), frames.len());
        for ((got, delay), (want, _)) in got.iter().zip(&frames) {
            assert_eq!(*delay, 5);
            assert!(got.iter().zip(want).all(|(got, want)| got[3] == want[3]), "seed {seed}");
            let visible = |pixels: &[[u8; 4]]| -> Vec<[u8; 4]> {
                pixels.iter().map(|&p| if p[3] == 0 { [0; 4] } else { p }).collect()
            };
            // The ramps fill about half a plane of 180 by 140 levels; 255 cells of it are about 10 levels wide, whose
            // pixels are 2.5 off in the mean on each axis. Twice that, for the dithering.
            let error = mean_error(got, &visible(want));
            assert!(error < 5.0, "seed {seed}: {error}");
        }
    }
}

#[test]
fn only_what_changes_is_written() {
    // A still background of many colours, over which a square of 10 pixels moves by 10.
    let size = Size::new(320, 240);
    let frames: Vec<_> = (0..20)
        .map(|step| {
            let mut pixels = rich(size, 0);
            for y in 100..110 {
                pixels[y * 320 + step * 10..y * 320 + step * 10 + 10].fill([250, 250, 5, 255]);
            }
            (pixels, ms(100))
        })
        .collect();
    let whole = encoded(size, &frames, Loops::Forever);
    let first = encoded(size, &frames[..1], Loops::Forever);
    // Two squares, old and new, are 200 pixels: at most 12 bits each and a length byte for each 255 bytes, 302 bytes;
    // 8 bytes of control, 10 of descriptor, 2 around the data, and at the worst a table of 16 colours: 370. Once 19 for
    // the repeats.
    let most = first.len() + 19 + 19 * 370;
    assert!(whole.len() <= most, "{} bytes, at most {most}", whole.len());
    // What did not change shows the same colours in every frame.
    let (got, _) = play(&whole);
    for (frame, _) in &got {
        assert!(frame[..100 * 320] == got[0].0[..100 * 320] && frame[110 * 320..] == got[0].0[110 * 320..]);
    }
}

#[test]
fn noise_too_small_to_be_seen_is_not_written() {
    let size = Size::new(120, 90);
    let mut random = Random(1);
    let noisy = |random: &mut Random, most: u32| {
        let mut pixels = rich(size, 0);
        for pixel in &mut pixels {
            pixel[..3]
                .iter_mut()
                .for_each(|v| *v = v.saturating_add(random.below(most + 1) as u8));
        }
        (pixels, ms(100))
    };
    let still = encoded(size, &[noisy(&mut random, 0)], Loops::Forever);
    let frames: Vec<_> = (0..8).map(|_| noisy(&mut random, 1)).collect();
    let moving = encoded(size, &frames, Loops::Forever);
    // Eight whole frames would be eight times as large.
    assert!(moving.len() < still.len() * 4, "{} of {}", moving.len(), still.len());
    let (got, _) = play(&moving);
    for ((got, _), (want, _)) in got.iter().zip(&frames) {
        assert!(mean_error(got, want) < 5.0);
    }
}

#[test]
fn a_slow_fade_never_stops_short() {
    // One level in each frame, from 60 to 100: whoever compares with the frame before alone may stay at 60.
    let size = Size::new(60, 60);
    let frames: Vec<_> = (0..40u8)
        .map(|step| {
            let fade = |mut p: [u8; 4]| {
                p[..3].iter_mut().for_each(|v| *v = *v / 4 + 60 + step);
                p
            };
            (rich(size, 0).into_iter().map(fade).collect::<Vec<_>>(), ms(40))
        })
        .collect();
    let (got, _) = play(&encoded(size, &frames, Loops::Forever));
    let (last, _) = got.last().unwrap();
    assert!(
        mean_error(last, &frames[39].0) < 3.0,
        "{}",
        mean_error(last, &frames[39].0)
    );
}

fn delays(durations: &[Duration]) -> Vec<u16> {
    let frames: Vec<_> = durations
        .iter()
        .zip(0u8..)
        .map(|(&duration, i)| (vec![[i, 0, 0, 255]], duration))
        .collect();
    let (frames, _) = play(&encoded(Size::new(1, 1), &frames, Loops::Forever));
    frames.into_iter().map(|(_, delay)| delay).collect()
}

#[test]
fn durations_are_rounded_as_sums() {
    assert_eq!(delays(&[ms(33), ms(33), ms(34), ms(100)]), [3, 4, 3, 10]);
    assert_eq!(delays(&[ms(0), ms(0), ms(10), ms(10)]), [0, 0, 1, 1]);
    // Thirty frames a second: a second stays a second.
    let second = delays(&[Duration::from_nanos(33_333_333); 30]);
    assert_eq!(second.iter().map(|&delay| u32::from(delay)).sum::<u32>(), 100);
    assert!(second.iter().all(|&delay| delay == 3 || delay == 4));
}

#[test]
fn frames_faster_than_viewers_can_are_thinned_out_in_time() {
    // Sixty a second: no delay below 2, which viewers would take for 10, and the sum is right within one frame's.
    let got = delays(&[Duration::from_nanos(16_666_667); 60]);
    assert!(got.iter().all(|&delay| delay >= 2), "{got:?}");
    let sum: u16 = got.iter().sum();
    assert!(
        (98..=102).contains(&sum) && got.len() >= 45,
        "{sum}, {} frames",
        got.len()
    );
    // The last frame is always there.
    for count in 3..12 {
        let frames: Vec<_> = (0..count).map(|i| (vec![[i, 0, 0, 255]], ms(11))).collect();
        let (shown, _) = play(&encoded(Size::new(1, 1), &frames, Loops::ONCE));
        assert_eq!(shown.last().unwrap().0, [[count - 1, 0, 0, 255]]);
    }
}

#[test]
fn what_is_shown_longer_than_a_frame_can_be_is_carried_on() {
    let red = vec![[255, 0, 0, 255], [0, 0, 255, 255]];
    let clear = vec![[0; 4], [0, 0, 255, 255]];
    let frames = [(red.clone(), ms(1_400_000)), (clear.clone(), ms(700_000))];
    let (got, _) = play(&encoded(Size::new(2, 1), &frames, Loops::Forever));
    let want = [
        (&red, 65_535),
        (&red, 65_535),
        (&red, 8_930),
        (&clear, 65_535),
        (&clear, 4_465),
    ];
    assert!(got.iter().map(|(pixels, delay)| (pixels, *delay)).eq(want), "{got:?}");
}

#[test]
fn loops_are_counted_as_the_extension_counts_them() {
    let frames = [(vec![[1, 1, 1, 255]], ms(100)), (vec![[2, 2, 2, 255]], ms(100))];
    let repeats = |loops| play(&encoded(Size::new(1, 1), &frames, loops)).1;
    let times = |n| Loops::Times(NonZeroU32::new(n).unwrap());
    assert_eq!(repeats(Loops::Forever), Repeat::Infinite);
    assert_eq!(repeats(times(2)), Repeat::Finite(1));
    assert_eq!(repeats(times(100_000)), Repeat::Finite(65_535));
    // Once is said by not having the extension.
    let once = encoded(Size::new(1, 1), &frames, Loops::ONCE);
    assert!(!once.windows(8).any(|part| part == b"NETSCAPE"));
}

#[test]
fn small_empty_and_impossible_animations() {
    let nothing = vec![[0; 4]; 6];
    let (got, _) = play(&encoded(Size::new(3, 2), &[(nothing.clone(), ms(70))], Loops::Forever));
    assert_eq!(got, [(nothing.clone(), 7)]);
    let (got, _) = play(&encoded(
        Size::new(3, 2),
        &[
            (nothing.clone(), ms(70)),
            (vec![[9, 9, 9, 255]; 6], ms(30)),
            (nothing.clone(), ms(20)),
        ],
        Loops::Forever,
    ));
    assert_eq!(got, [(nothing.clone(), 7), (vec![[9, 9, 9, 255]; 6], 3), (nothing, 2)]);
    let new = |size, budget: &Budget| AnimationWriter::new(size, false, Loops::Forever, budget);
    assert!(matches!(
        new(Size::new(65_536, 1), &UNLIMITED()),
        Err(CodecError::Encode { .. })
    ));
    assert!(matches!(
        new(Size::new(1000, 1000), &Budget::new(1_000_000)),
        Err(CodecError::Limit { .. })
    ));
    let empty = Box::new(new(Size::new(1, 1), &UNLIMITED()).unwrap());
    assert!(matches!(empty.finish(), Err(CodecError::Encode { .. })));
}

#[test]
fn memory_is_charged_and_given_back_and_bytes_repeat() {
    let size = Size::new(200, 150);
    let frames: Vec<_> = (0..4).map(|step| (rich(size, step * 3), ms(50))).collect();
    assert_eq!(
        encoded(size, &frames, Loops::Forever),
        encoded(size, &frames, Loops::Forever)
    );
    let budget = UNLIMITED();
    let mut writer = Box::new(AnimationWriter::new(size, true, Loops::Forever, &budget).unwrap());
    for (pixels, duration) in &frames {
        let picture = Picture::from_raw(size, Layout::Rgba, pixels.as_flattened().to_vec()).unwrap();
        writer.push(&picture, *duration).unwrap();
    }
    let held = budget.held();
    let file = writer.finish().unwrap();
    assert!(held >= file.len() as u64 + size.area() * 20);
    assert_eq!(budget.held(), 0);
    let (got, _) = play(&file);
    // The ramps fill the plane of 256 by 256 levels, so 255 cells are 16 wide: 4 off in the mean, twice that dithered.
    for ((got, _), (want, _)) in got.iter().zip(&frames) {
        assert!(mean_error(got, want) < 8.0, "{}", mean_error(got, want));
    }
}

#[test]
fn a_frame_after_which_the_canvas_is_cleared_names_its_transparent_entry() {
    // Wholly red, then nothing: readers that clear to the background colour otherwise would show it.
    let size = Size::new(8, 6);
    let bytes = encoded(
        size,
        &[(vec![[255, 0, 0, 255]; 48], ms(100)), (vec![[0; 4]; 48], ms(100))],
        Loops::Forever,
    );
    let mut decoder = DecodeOptions::new().read_info(bytes.as_slice()).unwrap();
    let first = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!(first.dispose, DisposalMethod::Background);
    let index = first.transparent.unwrap();
    // And no pixel of it is that entry.
    assert!(!first.buffer.contains(&index));
}

#[test]
fn colours_that_the_full_table_of_earlier_frames_lacks_are_shown() {
    // 255 bright colours, exact, fill the table; then black and greys that are nowhere near them.
    let size = Size::new(32, 32);
    let bright: Vec<[u8; 4]> = (0..1024u32)
        .map(|at| [255, (at % 255) as u8, 255 - (at % 255) as u8, 255])
        .collect();
    let mut dark = bright.clone();
    for (at, pixel) in dark.iter_mut().enumerate().skip(300).take(200) {
        let level = (at % 40) as u8;
        *pixel = [level, level, level, 255];
    }
    let bytes = encoded(size, &[(bright.clone(), ms(500)), (dark.clone(), ms(500))], Loops::ONCE);
    let (shown, _) = play(&bytes);
    assert!(shown[0].0 == bright);
    // A table of the frame's own, small for so few pixels: half a step of its greys.
    let most = dark
        .iter()
        .zip(&shown[1].0)
        .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)))
        .max();
    assert!(most <= Some(4), "{most:?}");
}
