//! `cargo xtask perf`: counts the instructions of some programs and compares them with the counts that are kept in the repository.
//!
//! Instructions, unlike times, are the same on a busy machine, so that a change which makes a path longer is seen at once. They are counted by
//! valgrind's callgrind, in release builds, over the whole life of a process. Counts differ between processors where code is chosen by what a
//! processor can do, and with another compiler: the file says which ones it was written with.

use std::{
    collections::BTreeMap,
    env, fs,
    io::BufWriter,
    path::{Path, PathBuf},
    process::Command,
};

use calotype_samples::{Raster, SAMPLES};
use serde_json::{Value, json};

use crate::Outcome;

/// What is measured. A program more is a line more, after which `cargo xtask perf --write` counts it.
const PROGRAMS: &[Program] = &[
    // The jobs of bench/jobs that are most common, on pictures of ours; one run each, nothing written.
    Program {
        name: "J1: 12 MP JPEG to 800 px JPEG",
        package: "calotype-engine",
        example: "job",
        arguments: &["{textile 2x2}", "w=800,f=jpeg,q=85", "0", "0", "-"],
    },
    Program {
        name: "J4: 4 MP JPEG to 262 px JPEG",
        package: "calotype-engine",
        example: "job",
        arguments: &["{lake 1x1}", "w=262,f=jpeg,q=80", "0", "0", "-"],
    },
    // What most of those jobs is, by itself.
    Program {
        name: "JPEG planes at 1/2, 12 MP",
        package: "calotype-codec",
        example: "jpeg_decode",
        arguments: &["ours", "2", "{textile 2x2}"],
    },
    Program {
        name: "JPEG planes at 1/4, 12 MP",
        package: "calotype-codec",
        example: "jpeg_decode",
        arguments: &["ours", "4", "{textile 2x2}"],
    },
    // Each kernel, on the sizes of J1 behind a decode at 1/2.
    kernel("kernel, one plane", &["one", "2016x1512", "800x600"]),
    kernel("kernel, three channels", &["three", "2016x1512", "800x600"]),
    kernel("kernel, opacity", &["alpha", "2016x1512", "800x600"]),
    kernel("kernel, 10 bits", &["deep", "2016x1512", "800x600"]),
    kernel("kernel, linear light", &["linear", "2016x1512", "800x600"]),
    kernel("kernel, enlarging", &["three", "400x300", "800x600"]),
];

const fn kernel(name: &'static str, arguments: &'static [&'static str]) -> Program {
    Program {
        name,
        package: "calotype-resample",
        example: "kernel",
        arguments,
    }
}

/// A change by more than this is reported.
const TOLERANCE_PERCENT: u64 = 3;

/// Quality of the JPEGs that are read: about that of a camera.
const JPEG_QUALITY: f32 = 93.0;

/// An example of a package, with its arguments. `{NAME 2x2}` stands for the path of a JPEG of a sample picture, mirrored to two by two of it.
struct Program {
    name: &'static str,
    package: &'static str,
    example: &'static str,
    arguments: &'static [&'static str],
}

/// Counts, and compares or, with `--write`, stores.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let write = match arguments {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => return Err("usage: cargo xtask perf [--write]".into()),
    };
    let root = crate::root();
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let file = root.join("bench/report/instructions.json");
    let folder = target.join("perf");
    fs::create_dir_all(&folder)?;

    let mut counts = BTreeMap::new();
    for program in PROGRAMS {
        let count = count(program, &root, &target, &folder)?;
        counts.insert(program.name, count);
    }
    if write {
        let kept = json!({"valgrind": version("valgrind")?, "rustc": version("rustc")?, "processor": processor(), "instructions": counts});
        fs::write(&file, format!("{kept:#}\n"))?;
        return Ok(());
    }
    let kept =
        fs::read(&file).map_err(|error| format!("{}: {error}; `cargo xtask perf --write` makes it", file.display()))?;
    let kept: Value = serde_json::from_slice(&kept)?;
    let mut changed = Vec::new();
    for (name, &now) in &counts {
        let before = kept
            .pointer("/instructions")
            .and_then(|all| all.get(name))
            .and_then(Value::as_u64);
        let (line, is_changed) = verdict(name, before, now);
        say(&line);
        changed.extend(is_changed.then_some(line));
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "instructions changed by more than {TOLERANCE_PERCENT} %; `cargo xtask perf --write` keeps what is meant to be:\n{}",
        changed.join("\n")
    )
    .into())
}

/// What is said of one program, and whether it is a change: by more than the tolerance, up or down, or from nothing. Less is a change as well, since
/// a count that is too high would hide what comes after.
fn verdict(name: &str, before: Option<u64>, now: u64) -> (String, bool) {
    let Some(before) = before else {
        return (format!("{name}: {now}, not counted before"), true);
    };
    #[allow(clippy::cast_precision_loss)] // For people.
    let percent = (now as f64 / before as f64 - 1.0) * 100.0;
    let is_changed = now.abs_diff(before) * 100 > before * TOLERANCE_PERCENT;
    (format!("{name}: {now}, before {before} ({percent:+.2} %)"), is_changed)
}

/// Builds the program and counts the instructions of one process of it.
fn count(program: &Program, root: &Path, target: &Path, folder: &Path) -> Result<u64, Box<dyn std::error::Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--release", "--locked", "--quiet"])
        .args(["--package", program.package, "--example", program.example])
        .status()?;
    if !built.success() {
        return Err(format!("building the example {} failed", program.example).into());
    }
    let out = folder.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(target.join("release/examples").join(program.example));
    for argument in program.arguments {
        match argument.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(picture) => command.arg(source(picture, folder)?),
            None => command.arg(argument),
        };
    }
    let ran = command
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}; it is a package of every distribution"))?;
    if !ran.status.success() {
        return Err(format!("{} fails: {}", program.name, String::from_utf8_lossy(&ran.stderr)).into());
    }
    total(&fs::read_to_string(&out)?).ok_or_else(|| format!("{} holds no count", out.display()).into())
}

/// The count of a whole process (the manual of callgrind, "Callgrind Format Specification").
fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The path of `NAME COLUMNSxROWS`; made if it is not there yet.
fn source(picture: &str, folder: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let path = folder.join(format!("{}.jpg", picture.replace(' ', "-")));
    if !path.exists() {
        let wrong = || format!("no sample is meant by {picture}");
        let (name, tiles) = picture.split_once(' ').ok_or_else(wrong)?;
        let (columns, rows) = tiles.split_once('x').ok_or_else(wrong)?;
        let sample = SAMPLES.iter().find(|sample| sample.name == name).ok_or_else(wrong)?;
        let raster = mirrored(&(sample.render)(), columns.parse()?, rows.parse()?);
        write_jpeg(&path, &raster)?;
    }
    Ok(path)
}

/// The picture some times beside and below itself, each other one mirrored, so that there are no seams.
fn mirrored(raster: &Raster, columns: usize, rows: usize) -> Raster {
    let channels = usize::from(raster.channels);
    let stride = raster.width as usize * channels;
    let lines: Vec<&[u8]> = raster.data.chunks_exact(stride).collect();
    let mut data = Vec::with_capacity(raster.data.len() * columns * rows);
    for row in 0..rows {
        for index in 0..lines.len() {
            let line = lines[if row % 2 == 0 { index } else { lines.len() - 1 - index }];
            for column in 0..columns {
                if column % 2 == 0 {
                    data.extend_from_slice(line);
                } else {
                    data.extend(line.chunks_exact(channels).rev().flatten());
                }
            }
        }
    }
    Raster {
        width: raster.width * u32::try_from(columns).unwrap_or(1),
        height: raster.height * u32::try_from(rows).unwrap_or(1),
        channels: raster.channels,
        data,
    }
}

/// As cameras write it: baseline, with halved chroma.
fn write_jpeg(path: &Path, raster: &Raster) -> Outcome {
    let mut compress = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    compress.set_fastest_defaults();
    compress.set_size(raster.width as usize, raster.height as usize);
    compress.set_quality(JPEG_QUALITY);
    compress.set_chroma_sampling_pixel_sizes((2, 2), (2, 2));
    let mut started = compress.start_compress(BufWriter::new(fs::File::create(path)?))?;
    started.write_scanlines(&raster.data)?;
    started.finish()?;
    Ok(())
}

fn version(tool: &str) -> Result<String, Box<dyn std::error::Error>> {
    let said = Command::new(tool).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

fn processor() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = known
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

#[allow(clippy::print_stdout)] // For whoever called it.
fn say(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_what_differs_by_more_than_three_percent_either_way_or_is_new() {
        for (before, now, changed) in [
            (Some(1000), 1000, false),
            (Some(1000), 1030, false),
            (Some(1000), 1031, true),
            (Some(1000), 969, true),
            (None, 5, true),
        ] {
            assert_eq!(verdict("a", before, now).1, changed, "{before:?} {now}");
        }
    }

    #[test]
    fn the_count_is_read_from_a_profile() {
        assert_eq!(
            total("version: 1\nevents: Ir\n\nfn=main\n1 5\n\ntotals: 123456\n"),
            Some(123_456)
        );
        assert_eq!(total("version: 1\n"), None);
    }

    #[test]
    fn a_picture_is_mirrored_into_its_neighbours() {
        let raster = Raster {
            width: 2,
            height: 2,
            channels: 1,
            data: vec![1, 2, 3, 4],
        };
        let large = mirrored(&raster, 2, 2);
        assert_eq!((large.width, large.height), (4, 4));
        assert_eq!(large.data, [1, 2, 2, 1, 3, 4, 4, 3, 3, 4, 4, 3, 1, 2, 2, 1]);
    }
}
