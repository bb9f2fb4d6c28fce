//! Every worked example of the specification through the real socket: the row's source as a file, its options as a URL, its answer read by readers
//! that are not ours. Sizes, formats, codes and warnings exactly; cuts by pixels, on pictures whose colours tell where they are.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../../../calotype-plan/tests/tables/mod.rs"]
mod tables;

#[path = "../support/mod.rs"]
mod support;

mod geometry;
mod mapping;
mod models;
mod overlays;
mod requests;

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use calotype_plan::{Rect, Size};
use geometry::{a_fit, b_gravity, e_trim_rotate_flip_dpr_border, l_colour_trim};
use models::{c_faces, d_inference_size, j_generate};
use overlays::i_overlay_placement;
use requests::{f_width_auto, g_format, h_limits, k_urls};
use support::client::Answer;
use support::pictures;
use support::reader::{Kind, Pixels, inspect, png_pixels};
use support::served::{Served, Setup};
use support::vision::FakeVision;
use tables::{json_of, rect, rows, size};
use tempfile::TempDir;

/// Rows that the product does not serve yet: animations with all their frames (G12, G13, H1 to H5), and background removal (G16).
const LEFT_OUT: [&str; 8] = ["G12", "G13", "G16", "H1", "H2", "H3", "H4", "H5"];
const SERVED_ROWS: usize = 194 - LEFT_OUT.len();

type Row = Vec<String>;
type Table = Pin<Box<dyn Future<Output = Vec<String>> + Send>>;

#[tokio::test(flavor = "multi_thread")]
async fn every_worked_example_is_served_but_those_left_out() {
    let tables: [Table; 12] = [
        Box::pin(a_fit()),
        Box::pin(b_gravity()),
        Box::pin(c_faces()),
        Box::pin(d_inference_size()),
        Box::pin(e_trim_rotate_flip_dpr_border()),
        Box::pin(f_width_auto()),
        Box::pin(g_format()),
        Box::pin(h_limits()),
        Box::pin(i_overlay_placement()),
        Box::pin(j_generate()),
        Box::pin(k_urls()),
        Box::pin(l_colour_trim()),
    ];
    let tables: Vec<_> = tables.into_iter().map(tokio::spawn).collect();
    let mut served = BTreeSet::new();
    let mut failed = 0;
    for table in tables {
        match table.await {
            Ok(rows) => served.extend(rows),
            // The panic has already said which row.
            Err(_) => failed += 1,
        }
    }
    assert_eq!(failed, 0, "{failed} tables have failed");
    let all: BTreeSet<String> = ('A'..='L').flat_map(rows).map(|row| row[0].clone()).collect();
    let missing: Vec<_> = all.difference(&served).map(String::as_str).collect();
    assert_eq!(missing, LEFT_OUT);
    assert_eq!(served.len(), SERVED_ROWS);
    println!("{} of {} rows were served", served.len(), all.len());
}

/// The rows of a table that are served.
fn served_rows(letter: char) -> Vec<Row> {
    let is_served = |row: &Row| !LEFT_OUT.contains(&row[0].as_str());
    rows(letter).into_iter().filter(is_served).collect()
}

fn names(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row[0].clone()).collect()
}

/// The files of this test, made when they are first asked for.
fn directory() -> &'static TempDir {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    DIRECTORY.get_or_init(|| tempfile::tempdir().unwrap())
}

/// The URL path of a file; makes it at the first time.
fn file(name: &str, make: impl FnOnce() -> Vec<u8>) -> String {
    static MADE: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap();
    if made.get_or_insert_default().insert(name.to_owned()) {
        std::fs::write(directory().path().join(name), make()).unwrap();
    }
    format!("/{name}")
}

/// A picture whose colours tell where they are, of the size in a cell.
fn coordinate_source(cell: &str) -> (Size, String) {
    let sides = size(cell);
    (sides, file(&format!("{cell}.png"), || pictures::coordinate_png(sides)))
}

async fn files() -> Served {
    Setup::with_root(directory().path()).serve().await
}

async fn files_seen_by(vision: Arc<FakeVision>) -> Served {
    let mut setup = Setup::with_root(directory().path());
    setup.vision = vision;
    setup.serve().await
}

/// Options as the table writes them, as a URL segment: objects become dotted keys (spec 2.3).
fn url_form(cell: &str) -> String {
    let text = cell.trim_matches('`');
    if !text.starts_with('{') {
        return text.to_owned();
    }
    let json: serde_json::Value = serde_json::from_str(&json_of(text)).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut options = Vec::new();
    flatten("", &json, &mut options);
    options.join(",")
}

fn flatten(key: &str, value: &serde_json::Value, options: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                let dot = if key.is_empty() { "" } else { "." };
                flatten(&format!("{key}{dot}{name}"), value, options);
            }
        }
        serde_json::Value::String(text) => options.push(format!("{key}={}", encoded(text))),
        value => options.push(format!("{key}={value}")),
    }
}

/// Percent-encodes all but letters, digits, dots and hyphens.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-') {
            out.push(char::from(b));
        } else {
            write!(out, "%{b:02X}").unwrap();
        }
    }
    out
}

async fn transform(server: &Served, options: &str, path: &str) -> Answer {
    server.get(&format!("/cdn-cgi/image/{options}{path}")).await
}

/// The result of a row as it is written: a JPEG of the right size and coding (spec 9.3, 9.4).
async fn check_jpeg(server: &Served, row: &Row, cell: &str, path: &str, output: Size) -> Answer {
    let answer = transform(server, &url_form(cell), path).await.transformed();
    let (kind, found) = inspect(&answer.body);
    assert_eq!(found, output, "{row:?}");
    let area = u64::from(output.width) * u64::from(output.height);
    let coding = if (2_500..=9_000_000).contains(&area) {
        Kind::ProgressiveJpeg
    } else {
        Kind::BaselineJpeg
    };
    assert_eq!(kind, coding, "{row:?}");
    assert_eq!(answer.header("content-type"), Some("image/jpeg"), "{row:?}");
    assert_eq!(answer.header("vary"), Some("Accept"), "{row:?}");
    answer
}

/// The pixels of a result without loss.
async fn pixels(server: &Served, options: &str, path: &str) -> Pixels {
    let comma = if options.is_empty() { "" } else { "," };
    let answer = transform(server, &format!("{options}{comma}f=png-force"), path)
        .await
        .transformed();
    assert_eq!(answer.header("content-type"), Some("image/png"));
    assert_eq!(answer.header("vary"), None);
    png_pixels(&answer.body)
}

/// A refusal as the tables write them: `403, 9413`, `400, 9401 (…)`, `error 9413 (403)`.
fn check_refused(row: &Row, answer: &Answer, cell: &str) {
    let numbers: Vec<u16> = cell
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect();
    let (status, code) = if numbers[0] > 999 {
        (numbers[1], numbers[0])
    } else {
        (numbers[0], numbers[1])
    };
    assert_eq!(
        (answer.status, answer.code()),
        (status, Some(code)),
        "{row:?}: {}",
        answer.text()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{row:?}");
}

fn crop_of(cell: &str, scaled: Size) -> Rect {
    if cell == "—" { Rect::of(scaled) } else { rect(cell) }
}

fn place_of(text: &str) -> (u32, u32) {
    let (left, top) = text.split_once('+').unwrap();
    (left.parse().unwrap(), top.parse().unwrap())
}

/// Cuts the picture out of its canvas or border, all of which must have this colour.
fn inner(row: &Row, pixels: &Pixels, (left, top): (u32, u32), sides: Size, margin: [u8; 3]) -> Pixels {
    let mut data = Vec::new();
    for y in 0..pixels.size.height {
        for x in 0..pixels.size.width {
            if (left..left + sides.width).contains(&x) && (top..top + sides.height).contains(&y) {
                data.extend_from_slice(&pixels.at(x, y));
            } else {
                assert_eq!(pixels.at(x, y), margin, "{row:?} at {x},{y}");
            }
        }
    }
    Pixels {
        size: sides,
        channels: 3,
        data,
    }
}
