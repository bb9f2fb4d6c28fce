//! The corpus and what its manifest says of every file.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The corpus that `CALOTYPE_SHARED` names.
pub(crate) struct Corpus {
    /// The folder of the files.
    pub(crate) folder: PathBuf,
    /// Every file, in the order of the manifest.
    pub(crate) entries: Vec<Entry>,
}

/// What is to be expected of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expected {
    /// Decodes whole, to the right picture.
    Decodes,
    /// Ends in an error code.
    Refused,
    /// One of both.
    Either,
}

/// One file of the manifest.
pub(crate) struct Entry {
    /// The path below the corpus: `png/sharp/x.png`.
    pub(crate) name: String,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// The format by content, in our names; `None` for what is no image.
    pub(crate) format: Option<&'static str>,
    /// As stored.
    pub(crate) stored: Option<(u32, u32)>,
    /// After orientation and crop.
    pub(crate) shown: Option<(u32, u32)>,
    /// Frames, pages or pictures, as the file claims.
    pub(crate) frames: Option<u64>,
    /// EXIF value of the orientation that counts.
    pub(crate) orientation: Option<u32>,
    /// Bits of a sample.
    pub(crate) bit_depth: Option<u64>,
    /// SHA-256 of the first frame as RGBA8.
    pub(crate) sha256: Option<String>,
    /// Mean colours of 16 cells, or of one.
    pub(crate) grid: Option<Vec<[f64; 3]>>,
    /// The grid that stands for the manifest's, by another reference: `other_grids.json`.
    pub(crate) other_grid: Option<Vec<[f64; 3]>>,
    /// By how much a channel of a cell may be off.
    pub(crate) grid_tolerance: f64,
    /// The verdict.
    pub(crate) expected: Expected,
}

impl Corpus {
    /// Opens the corpus. `None`, with a word about it, where there is none.
    ///
    /// # Panics
    /// Without a corpus under `CI=true`.
    pub(crate) fn open() -> Option<Self> {
        let Some(shared) = std::env::var_os("CALOTYPE_SHARED") else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "CALOTYPE_SHARED must name the folder of the test corpus in CI"
            );
            println!(
                "left out: every file of the corpus (verdicts, read back, damage), for CALOTYPE_SHARED is not set"
            );
            return None;
        };
        let folder = Path::new(&shared).join("corpus");
        let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        let others: Value = serde_json::from_str(include_str!("other_grids.json")).unwrap();
        let entries = manifest["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| Entry::read(file, &others))
            .collect();
        Some(Self { folder, entries })
    }

    /// A file by its name.
    pub(crate) fn entry(&self, name: &str) -> &Entry {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .unwrap_or_else(|| panic!("the corpus has no {name}"))
    }
}

impl Entry {
    fn read(value: &Value, others: &Value) -> Self {
        let side = |key: &str| value[key].as_u64().and_then(|side| u32::try_from(side).ok());
        let format = match value["format"].as_str().unwrap() {
            "jpeg" => Some("jpeg"),
            "png" => Some("png"),
            "gif" => Some("gif"),
            "webp" => Some("webp"),
            "avif" => Some("avif"),
            "svg" | "svgz" => Some("svg"),
            "tiff" => Some("tiff"),
            "bmp" => Some("bmp"),
            "ico" => Some("ico"),
            "jxl" => Some("jxl"),
            "heif" => Some("heic"),
            "other" => None,
            unknown => panic!("the manifest names a format {unknown}"),
        };
        let name = value["file"].as_str().unwrap().to_owned();
        let agreement = value["display_grid_by"]
            .as_str()
            .and_then(|by| by.strip_prefix("vips+pillow agree within "))
            .map(|levels| levels.parse::<u32>().unwrap());
        Self {
            grid: cells(&value["display_grid"]),
            other_grid: cells(&others["grids"][&name]["grid"]),
            name,
            bytes: value["bytes"].as_u64().unwrap(),
            format,
            stored: side("width").zip(side("height")),
            shown: side("display_width").zip(side("display_height")),
            frames: value["frames"].as_u64(),
            orientation: side("container_orientation").or_else(|| side("exif_orientation")),
            bit_depth: value["bit_depth"].as_u64(),
            // For lossless formats only, as the manifest says; JPEG inside TIFF is none.
            sha256: value["frame0_rgba8_sha256"]
                .as_str()
                .filter(|_| {
                    !value["tiff"]["compression"]
                        .as_str()
                        .is_some_and(|coding| coding.contains("jpeg"))
                })
                .map(str::to_owned),
            grid_tolerance: if agreement.is_some_and(|levels| levels <= 3) {
                6.0
            } else {
                10.0
            },
            expected: match value["expected"].as_str().unwrap() {
                "decodes" => Expected::Decodes,
                "must be refused cleanly" => Expected::Refused,
                "either" => Expected::Either,
                unknown => panic!("the manifest expects {unknown}"),
            },
        }
    }

    /// Whether its hash is of samples that the reference cut to 8 bits, where we round.
    pub(crate) fn is_cut(&self) -> bool {
        self.sha256.is_some() && self.bit_depth.is_some_and(|bits| bits > 8)
    }

    /// The folder it is in: `png`.
    pub(crate) fn folder(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

fn cells(value: &Value) -> Option<Vec<[f64; 3]>> {
    let cell = |cell: &Value| [0, 1, 2].map(|channel| cell[channel].as_f64().unwrap());
    Some(value.as_array()?.iter().map(cell).collect())
}
