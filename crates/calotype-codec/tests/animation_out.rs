//! Animations that are written here, as other programs see them: Pillow (`reference/play.py`) plays them, and `webpinfo`
//! checks the structure of WebP where it is installed.
//!
//! Needs a Python with Pillow: `CALOTYPE_PYTHON`, or `python3`. Without one the tests say what they left out; under
//! `CI=true` they fail. Photographs come from `$CALOTYPE_SHARED/corpus/photo`.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.
#![allow(clippy::print_stdout)] // What is left out is said.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use calotype_codec::{
    AnimationEncoder, AnimationRequest, Budget, DecodeRequest, Layout, Loops, OutputMetadata, Picture, decode, probe,
};
use calotype_plan::{Limits, Size};
use serde_json::Value;

const GIF: AnimationRequest = AnimationRequest::Gif { fast: false };
const GIF_FAST: AnimationRequest = AnimationRequest::Gif { fast: true };
const WEBP: AnimationRequest = AnimationRequest::Webp {
    quality: 85,
    lossless: false,
};
const WEBP_LOSSLESS: AnimationRequest = AnimationRequest::Webp {
    quality: 85,
    lossless: true,
};

/// RGBA frames and how long each is shown, in milliseconds.
struct Movie {
    size: Size,
    frames: Vec<(Vec<u8>, u64)>,
}

/// What Pillow sees.
struct Played {
    facts: Value,
    frames: Vec<Vec<u8>>,
}

struct Player {
    python: String,
    folder: PathBuf,
}

impl Player {
    /// `None` where there is no Pillow, which is said.
    fn find(test: &str) -> Option<Self> {
        let python = std::env::var("CALOTYPE_PYTHON").unwrap_or_else(|_| "python3".into());
        let found = Command::new(&python)
            .args(["-c", "import PIL"])
            .output()
            .is_ok_and(|output| output.status.success());
        if !found {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no Python with Pillow: set CALOTYPE_PYTHON, or `pip install pillow`"
            );
            println!("left out: {test}, for there is no Python with Pillow (CALOTYPE_PYTHON, python3)");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        std::fs::create_dir_all(&folder).unwrap();
        Some(Self { python, folder })
    }

    fn play(&self, name: &str, bytes: &[u8], size: Size) -> Played {
        let (file, frames) = (self.folder.join(name), self.folder.join(format!("{name}.rgba")));
        std::fs::write(&file, bytes).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/play.py");
        let output = Command::new(&self.python)
            .arg(script)
            .args([&file, &frames])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        if bytes.starts_with(b"RIFF") {
            check_structure(name, &file);
        }
        let raw = std::fs::read(&frames).unwrap();
        let frame_bytes = usize::try_from(Layout::Rgba.bytes(size)).unwrap();
        Played {
            facts: serde_json::from_slice(&output.stdout).unwrap(),
            frames: raw.chunks(frame_bytes).map(<[u8]>::to_vec).collect(),
        }
    }
}

/// libwebp's own check, where it is installed.
fn check_structure(name: &str, file: &Path) {
    match Command::new("webpinfo").arg("-quiet").arg(file).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            let complaint = text.to_lowercase().replace("no error", "");
            assert!(
                output.status.success() && !complaint.contains("error") && !complaint.contains("warning"),
                "{name}: {text}"
            );
        }
        Err(_) => println!("left out: the structure of {name}, for there is no webpinfo"),
    }
}

fn write(movie: &Movie, request: AnimationRequest, loops: Loops, metadata: &OutputMetadata) -> Vec<u8> {
    let budget = Budget::unlimited();
    let mut encoder = AnimationEncoder::new(movie.size, &request, loops, metadata, &budget).unwrap();
    for (pixels, duration_ms) in &movie.frames {
        let picture = Picture::from_raw(movie.size, Layout::Rgba, pixels.clone()).unwrap();
        encoder.push(&picture, Duration::from_millis(*duration_ms)).unwrap();
    }
    encoder.finish().unwrap()
}

/// A ball on a transparent or striped ground, in 7 colours.
fn ball(is_transparent: bool) -> Movie {
    let size = Size::new(64, 48);
    let frames = (0..9i64).map(|step| {
        let mut pixels = Vec::new();
        for y in 0..48i64 {
            for x in 0..64i64 {
                let (dx, dy) = (x - 8 - step * 6, y - 24);
                pixels.extend(match dx * dx + dy * dy {
                    0..=9 => [255, 255, 255, 255],
                    10..=80 => [20, 90, 220, 255],
                    _ if is_transparent => [0; 4],
                    _ => [200, 180 + (y / 12 * 10) as u8, 40, 255],
                });
            }
        }
        (pixels, 30 + 10 * step.unsigned_abs())
    });
    Movie {
        size,
        frames: frames.collect(),
    }
}

fn numbers(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap() as u64)
        .collect()
}

/// Mean absolute difference of the colours of pixels that are opaque in `want`.
fn mean_error(got: &[u8], want: &[u8]) -> f64 {
    let (mut sum, mut count) = (0u64, 0u64);
    for (got, want) in got.chunks(4).zip(want.chunks(4)).filter(|(_, want)| want[3] == 255) {
        sum += got
            .iter()
            .zip(want)
            .map(|(&a, &b)| u64::from(a.abs_diff(b)))
            .sum::<u64>();
        count += 3;
    }
    sum as f64 / count as f64
}

#[test]
fn few_colours_timing_and_loops_arrive_exactly() {
    let Some(player) = Player::find("few_colours") else {
        return;
    };
    let none = OutputMetadata::default();
    for is_transparent in [false, true] {
        let movie = ball(is_transparent);
        for (name, request) in [("ball.gif", GIF), ("fast.gif", GIF_FAST), ("ball.webp", WEBP_LOSSLESS)] {
            for loops in [Loops::Forever, Loops::Times(NonZeroU32::new(3).unwrap())] {
                let got = player.play(name, &write(&movie, request, loops, &none), movie.size);
                assert_eq!(got.facts["size"], serde_json::json!([64, 48]));
                let want: Vec<u64> = movie.frames.iter().map(|frame| frame.1).collect();
                assert_eq!(numbers(&got.facts["durations"]), want, "{name}");
                // GIF counts repeats, WebP counts plays.
                let loops = match loops {
                    Loops::Forever => 0,
                    Loops::Times(n) => n.get() - u32::from(name.ends_with("gif")),
                };
                assert_eq!(got.facts["loop"], loops, "{name}");
                for (frame, (got, (want, _))) in got.frames.iter().zip(&movie.frames).enumerate() {
                    // Pillow gives invisible pixels any colour.
                    let same = got
                        .chunks(4)
                        .zip(want.chunks(4))
                        .all(|(got, want)| got == want || got[3] + want[3] == 0);
                    assert!(same, "{name}, transparent {is_transparent}, frame {frame}");
                }
            }
        }
    }
}

#[test]
fn lossy_webp_stays_close_and_carries_metadata() {
    let Some(player) = Player::find("lossy_webp") else {
        return;
    };
    let metadata = OutputMetadata {
        exif: Some(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0".to_vec()),
        icc: Some(vec![0; 128]),
        ..OutputMetadata::default()
    };
    for is_transparent in [false, true] {
        let movie = ball(is_transparent);
        let got = player.play("ball.webp", &write(&movie, WEBP, Loops::Forever, &metadata), movie.size);
        assert_eq!(
            (&got.facts["icc"], &got.facts["exif"]),
            (&Value::Bool(true), &Value::Bool(true))
        );
        assert_eq!(got.frames.len(), movie.frames.len());
        for (frame, (got, (want, _))) in got.frames.iter().zip(&movie.frames).enumerate() {
            assert!(got.chunks(4).zip(want.chunks(4)).all(|(got, want)| got[3] == want[3]));
            // Halved chroma bleeds over the ball's outline, about 70 of its 250 pixels by some 40 levels: 11 in the mean
            // of the ball alone, which is all that is opaque on a transparent ground.
            let error = mean_error(got, want);
            assert!(
                error < if is_transparent { 15.0 } else { 5.0 },
                "frame {frame}: {error}"
            );
        }
    }
}

#[test]
fn photographs_stay_close_to_what_they_were() {
    let Some(player) = Player::find("photographs") else {
        return;
    };
    let Some(shared) = std::env::var_os("CALOTYPE_SHARED") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CALOTYPE_SHARED is not set"
        );
        println!("left out: photographs, for CALOTYPE_SHARED is not set");
        return;
    };
    let folder = Path::new(&shared).join("corpus/photo/wallpapers");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jpg"));
    files.sort();
    assert!(!files.is_empty());
    let none = OutputMetadata::default();
    for file in files {
        let movie = pan(&std::fs::read(&file).unwrap());
        // Half of the distance of neighbouring colours if 255 fill a tenth of all colours evenly: (256³ / 10 / 255)^(1/3) is
        // 19 levels, a quarter of it the mean distance from the middle on one axis: 4.7. libwebp's quantiser at quality 85 is
        // finer than 4, but noise costs more, and its studio range and halved chroma have their part.
        for (name, request, most) in [
            ("photo.gif", GIF, 4.7),
            ("fast.gif", GIF_FAST, 6.0),
            ("photo.webp", WEBP, 6.0),
        ] {
            let bytes = write(&movie, request, Loops::Forever, &none);
            let got = player.play(name, &bytes, movie.size);
            assert_eq!(numbers(&got.facts["durations"]), [40; 6]);
            for (frame, (got, (want, _))) in got.frames.iter().zip(&movie.frames).enumerate() {
                let error = mean_error(got, want);
                assert!(error < most, "{}, {name}, frame {frame}: {error}", file.display());
            }
        }
        let got = player.play(
            "exact.webp",
            &write(&movie, WEBP_LOSSLESS, Loops::Forever, &none),
            movie.size,
        );
        assert!(got.frames.iter().eq(movie.frames.iter().map(|frame| &frame.0)));
    }
}

/// A window that moves over an eighth of a photograph.
fn pan(photograph: &[u8]) -> Movie {
    let limits = Limits::default();
    let header = probe(photograph, &limits).unwrap();
    let request = DecodeRequest {
        scale: 8,
        ..DecodeRequest::default()
    };
    let picture = decode(photograph, &header, &request, &limits, &Budget::unlimited())
        .unwrap()
        .picture;
    let picture = picture.into_rgba(&Budget::unlimited()).unwrap();
    let size = Size::new(200, 150);
    let frames = (0..6u32).map(|step| {
        let row = |y: u32| {
            picture
                .row(20 + y + step * 3)
                .chunks(4)
                .skip(30 + 7 * step as usize)
                .take(200)
        };
        ((0..150).flat_map(row).flatten().copied().collect(), 40)
    });
    Movie {
        size,
        frames: frames.collect(),
    }
}
