//! `metadata=keep` keeps wide colours and their profile in every format that can carry one (spec 9.5); another program
//! (Pillow with LittleCMS, `reference/kept_colors.py`) sees the same picture as in the converted output.
//!
//! Needs a Python with Pillow and NumPy: `CALOTYPE_PYTHON`, or `python3`. Without one the test says what it left out;
//! under `CI=true` it fails.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.
#![allow(clippy::print_stdout)] // What is left out is said.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use calotype_codec::{Budget, ColorSource, EncodeRequest, Layout, OutputMetadata, Picture, encode, to_srgb};
use calotype_plan::{Fit, FormatChoice, Metadata, Output, Plan, Size};
use serde_json::Value;

use common::{Around, resize};

/// How far the cells may be from what the converted picture shows, in levels, on average: as PNG, where two roundings
/// differ, and in formats with loss, of which a wide space makes more.
const LEVELS_EXACT: f64 = 0.3;
const LEVELS: f64 = 3.0;

#[test]
fn every_format_keeps_wide_colors_with_their_profile() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut cases) = (Vec::new(), Vec::new());
    for (name, source, profile) in sources() {
        for format in [
            FormatChoice::Absent,
            FormatChoice::Jpeg,
            FormatChoice::PngForce,
            FormatChoice::Webp,
            FormatChoice::Avif,
        ] {
            let what = format!("{name} to {format:?}");
            let write = |policy: Metadata, kind: &str| {
                let path = folder.path().join(format!("{name}-{format:?}-{kind}"));
                std::fs::write(&path, transform(&source, format, policy)).unwrap();
                path
            };
            files.push(write(Metadata::None, "converted"));
            files.push(write(Metadata::Keep, "kept"));
            cases.push((what, profile.clone()));
        }
    }
    let answers = ask(&python, &files);
    for (pair, (what, profile)) in answers.chunks(2).zip(&cases) {
        let [converted, kept] = pair else { panic!("{what}") };
        assert!(converted["icc"].is_null(), "{what}: the converted one is sRGB");
        match profile {
            Keeps::This(icc) => assert_eq!(kept["icc"].as_str(), Some(hex(icc).as_str()), "{what}"),
            Keeps::Equivalent => assert!(kept["icc"].is_string(), "{what}"),
            Keeps::Nothing => assert!(kept["icc"].is_null(), "{what}"),
        }
        let cells = |of: &Value| -> Vec<f64> {
            let cells = of["cells"].as_array().unwrap().iter();
            cells
                .flat_map(|cell| cell.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()))
                .collect()
        };
        let apart: Vec<f64> = cells(converted)
            .iter()
            .zip(cells(kept))
            .map(|(a, b)| (a - b).abs())
            .collect();
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        let most = if what.ends_with("PngForce") {
            LEVELS_EXACT
        } else {
            LEVELS
        };
        assert!(mean <= most, "{what}: {mean:.2} levels apart");
    }
}

/// What the output shall carry.
#[derive(Clone)]
enum Keeps {
    This(Vec<u8>),
    /// A profile made of what the source says by other means.
    Equivalent,
    Nothing,
}

fn sources() -> Vec<(&'static str, Vec<u8>, Keeps)> {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let adobe = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    let prophoto = moxcms::ColorProfile::new_pro_photo_rgb().encode().unwrap();
    let rec2020 = moxcms::ColorProfile::new_bt2020().encode().unwrap();
    let mut all = Vec::new();
    for (name, icc) in [
        ("p3", &p3),
        ("adobe", &adobe),
        ("prophoto", &prophoto),
        ("rec2020", &rec2020),
    ] {
        let metadata = OutputMetadata {
            icc: Some(icc.clone()),
            ..OutputMetadata::default()
        };
        for (kind, request) in requests() {
            let file = encode(&colors(), &request, &metadata, &Budget::unlimited()).unwrap();
            all.push((
                Box::leak(format!("{name}-{kind}").into_boxed_str()) as &str,
                file,
                Keeps::This(icc.clone()),
            ));
        }
    }
    all.push(("p3-16-bit", png16(|e| e.set_icc(&p3)), Keeps::This(p3.clone())));
    all.push(("p3-cicp", png16(|e| e.cicp(12, 13)), Keeps::Equivalent));
    all.push(("gamma-chrm", png16(|e| e.gamma_chrm(0.55)), Keeps::Equivalent));
    // 8 bits are too few for linear samples and for high dynamic range.
    all.push(("linear", png16(|e| e.gamma_chrm(1.0)), Keeps::Nothing));
    all.push(("pq", png16(|e| e.cicp(9, 16)), Keeps::Nothing));
    // The profile speaks of one channel, the outputs have three.
    let gray = moxcms::ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    all.push(("gray", gray_png(&gray), Keeps::Nothing));
    // Code points of an AVIF: those of our own encoder, changed in the container.
    let mut avif = encode(
        &colors(),
        &EncodeRequest::Avif { quality: 90 },
        &OutputMetadata::default(),
        &Budget::unlimited(),
    )
    .unwrap();
    let at = avif.windows(8).position(|w| w == b"colrnclx").unwrap();
    avif[at + 9] = 12;
    avif[at + 11] = 13;
    all.push(("p3-nclx", avif, Keeps::Equivalent));
    all
}

fn requests() -> Vec<(&'static str, EncodeRequest)> {
    vec![
        (
            "jpeg",
            EncodeRequest::Jpeg {
                quality: 95,
                progressive: false,
            },
        ),
        (
            "png",
            EncodeRequest::Png {
                palette: calotype_codec::PaletteUse::Never,
                fast: true,
                quality: 85,
            },
        ),
        (
            "webp",
            EncodeRequest::Webp {
                quality: 95,
                lossless: true,
            },
        ),
        ("avif", EncodeRequest::Avif { quality: 95 }),
    ]
}

const SIDE: u32 = 128;

/// Sixteen flat fields, strong and weak colours, so that nothing is lost to codecs.
fn color_at(x: u32, y: u32) -> [u8; 3] {
    const FIELDS: [[u8; 3]; 16] = [
        [200, 60, 60],
        [60, 190, 70],
        [70, 70, 200],
        [210, 200, 60],
        [60, 190, 190],
        [190, 70, 180],
        [128, 128, 128],
        [30, 30, 30],
        [220, 220, 220],
        [160, 120, 90],
        [90, 120, 160],
        [140, 160, 100],
        [100, 60, 40],
        [230, 180, 150],
        [50, 60, 50],
        [180, 140, 190],
    ];
    FIELDS[(y * 4 / SIDE * 4 + x * 4 / SIDE) as usize]
}

fn colors() -> Picture {
    let data = (0..SIDE)
        .flat_map(|y| (0..SIDE).flat_map(move |x| color_at(x, y)))
        .collect();
    Picture::from_raw(Size::new(SIDE, SIDE), Layout::Rgb, data).unwrap()
}

/// What a PNG says of its colours.
#[derive(Default)]
struct Says {
    icc: Option<Vec<u8>>,
    cicp: Option<[u8; 4]>,
    gamma: Option<f32>,
}

impl Says {
    fn set_icc(&mut self, icc: &[u8]) {
        self.icc = Some(icc.to_vec());
    }

    fn cicp(&mut self, primaries: u8, transfer: u8) {
        self.cicp = Some([primaries, transfer, 0, 1]);
    }

    fn gamma_chrm(&mut self, gamma: f32) {
        self.gamma = Some(gamma);
    }
}

fn png16(set: impl FnOnce(&mut Says)) -> Vec<u8> {
    let mut says = Says::default();
    set(&mut says);
    let mut info = png::Info::with_size(SIDE, SIDE);
    (info.color_type, info.bit_depth) = (png::ColorType::Rgb, png::BitDepth::Sixteen);
    info.icc_profile = says.icc.map(Into::into);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
    if let Some(gamma) = says.gamma {
        encoder.set_source_gamma(png::ScaledFloat::new(gamma));
        // Adobe RGB's.
        encoder.set_source_chromaticities(png::SourceChromaticities::new(
            (0.3127, 0.3290),
            (0.64, 0.33),
            (0.21, 0.71),
            (0.15, 0.06),
        ));
    }
    let mut writer = encoder.write_header().unwrap();
    if let Some(cicp) = says.cicp {
        writer.write_chunk(png::chunk::ChunkType(*b"cICP"), &cicp).unwrap();
    }
    let samples: Vec<u8> = colors().data().iter().flat_map(|&v| [v, v]).collect();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    bytes
}

fn gray_png(icc: &[u8]) -> Vec<u8> {
    let mut info = png::Info::with_size(SIDE, SIDE);
    (info.color_type, info.bit_depth) = (png::ColorType::Grayscale, png::BitDepth::Eight);
    info.icc_profile = Some(icc.to_vec().into());
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info)
        .unwrap()
        .write_header()
        .unwrap();
    let samples: Vec<u8> = colors().data().iter().copied().step_by(3).collect();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn a_16_bit_gradient_kept_in_its_own_colors_has_every_level() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut info = png::Info::with_size(4096, 4);
    (info.color_type, info.bit_depth) = (png::ColorType::Rgb, png::BitDepth::Sixteen);
    info.icc_profile = Some(p3.clone().into());
    let mut source = Vec::new();
    let mut writer = png::Encoder::with_info(&mut source, info)
        .unwrap()
        .write_header()
        .unwrap();
    let row: Vec<u8> = (0..4096u32)
        .flat_map(|x| u16::try_from(x * 65_535 / 4095).unwrap().to_be_bytes().repeat(3))
        .collect();
    writer.write_image_data(&row.repeat(4)).unwrap();
    writer.finish().unwrap();
    for (policy, icc) in [(Metadata::Keep, Some(p3)), (Metadata::None, None)] {
        let plan = Plan {
            ops: vec![resize(1024, 0, Fit::ScaleDown)],
            output: Output {
                format: FormatChoice::PngForce,
                metadata: policy,
                ..Output::default()
            },
            ..Plan::default()
        };
        let output = Around::default().run(&plan, &source).unwrap().bytes;
        let limits = calotype_plan::Limits::default();
        let header = calotype_codec::probe(&output, &limits).unwrap();
        let decoded = calotype_codec::decode(
            &output,
            &header,
            &calotype_codec::DecodeRequest::default(),
            &limits,
            &Budget::unlimited(),
        )
        .unwrap();
        assert_eq!(decoded.metadata.icc, icc);
        let mut levels: Vec<u8> = decoded.picture.row(0).as_chunks::<3>().0.iter().map(|p| p[1]).collect();
        assert!(levels.is_sorted(), "{policy:?}");
        levels.dedup();
        assert_eq!(levels.len(), 256, "{policy:?}");
    }
}

#[test]
fn the_fields_are_wide_enough_to_tell_a_lost_profile() {
    for profile in [
        moxcms::ColorProfile::new_display_p3(),
        moxcms::ColorProfile::new_pro_photo_rgb(),
    ] {
        let mut converted = colors();
        to_srgb(&mut converted, &ColorSource::from_icc(profile.encode().unwrap())).unwrap();
        let apart: u64 = colors()
            .data()
            .iter()
            .zip(converted.data())
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        assert!(apart as f64 / colors().data().len() as f64 > 2.0 * LEVELS);
    }
}

fn transform(source: &[u8], format: FormatChoice, metadata: Metadata) -> Vec<u8> {
    let output = Output {
        format,
        metadata,
        ..Output::default()
    };
    let ops = vec![resize(64, 0, Fit::ScaleDown)];
    Around::default()
        .run(
            &Plan {
                ops,
                output,
                ..Plan::default()
            },
            source,
        )
        .unwrap()
        .bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn ask(python: &str, files: &[PathBuf]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/kept_colors.py");
    let output = Command::new(python).arg(script).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.as_array().unwrap().len(), files.len());
    answers.as_array().unwrap().clone()
}

fn python() -> Option<String> {
    let python = std::env::var("CALOTYPE_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python)
        .args(["-c", "import PIL, numpy"])
        .output()
        .is_ok_and(|output| output.status.success());
    if found {
        return Some(python);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no Python with Pillow and NumPy: set CALOTYPE_PYTHON, or `pip install pillow numpy`"
    );
    println!("left out: reading kept profiles back, for there is no Python with Pillow and NumPy");
    None
}
