//! Every SVG of the corpus against its verdict, and what may be left in a filtered one.
//!
//! The corpus lies in the folder that `CALOTYPE_SHARED` names. Without it, on CI, the tests fail.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)] // A test may end by an unwrap, and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use calotype_codec::{Budget, CodecError, DecodeRequest, Picture, decode, filter_svg, probe, render_svg, sniff};
use calotype_plan::{ImageFormat, Limits, Size};

struct Entry {
    file: String,
    bytes: Vec<u8>,
    expected: String,
    size: Option<Size>,
    grid: Option<Vec<[u8; 3]>>,
}

/// The SVGs of the corpus, plain or packed, well or not; `None` without a corpus.
fn corpus() -> Option<Vec<Entry>> {
    let Ok(shared) = std::env::var("CALOTYPE_SHARED") else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "CALOTYPE_SHARED must name the corpus on CI"
        );
        eprintln!("left out: CALOTYPE_SHARED names no corpus");
        return None;
    };
    let root = PathBuf::from(shared).join("corpus");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap().iter();
    let entries = files.filter_map(|entry| {
        let file = entry["file"].as_str().unwrap().to_owned();
        let is_svg = file.starts_with("svg") || file.ends_with(".svg") || file.ends_with(".svgz");
        let side = |name: &str| entry[name].as_u64().and_then(|side| u32::try_from(side).ok());
        is_svg.then(|| Entry {
            bytes: std::fs::read(root.join(&file)).unwrap(),
            expected: entry["expected"].as_str().unwrap().to_owned(),
            size: side("width")
                .zip(side("height"))
                .map(|(width, height)| Size::new(width, height)),
            grid: serde_json::from_value(entry["display_grid"].clone()).ok(),
            file,
        })
    });
    Some(entries.collect())
}

fn filtered(bytes: &[u8]) -> Result<String, CodecError> {
    let out = filter_svg(bytes, &Limits::default(), &Budget::new(100 << 20), &mut |_| None)?;
    Ok(String::from_utf8(out).unwrap())
}

/// Reads a filtered document with another parser than the filter's, and looks for anything that runs, links or fetches.
fn faults(text: &str) -> Vec<String> {
    let document = match resvg::usvg::roxmltree::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![format!("not well-formed: {error}")],
    };
    let mut faults = Vec::new();
    let svg = "http://www.w3.org/2000/svg";
    if document.root_element().tag_name().name() != "svg" {
        faults.push("the root is no svg".to_owned());
    }
    for node in document.descendants() {
        if node.is_pi() || node.is_comment() {
            faults.push("an instruction or a comment".to_owned());
        }
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        if node.tag_name().namespace() != Some(svg) {
            faults.push(format!("an element of another namespace: {name}"));
        }
        let banned = [
            "script",
            "foreignobject",
            "handler",
            "iframe",
            "object",
            "embed",
            "audio",
            "video",
            "listener",
        ];
        if banned.contains(&name.to_ascii_lowercase().as_str()) {
            faults.push(format!("an element that runs: {name}"));
        }
        for attribute in node.attributes() {
            let (key, value) = (attribute.name().to_ascii_lowercase(), attribute.value());
            if key.starts_with("on") {
                faults.push(format!("an event: {key}"));
            }
            if key == "href" && (name == "a" || !(value.starts_with('#') || value.starts_with("data:image/"))) {
                faults.push(format!("a link: {name} {value}"));
            }
            let compact: String = value.to_ascii_lowercase().split_whitespace().collect();
            let value_is_data = key == "href" && value.starts_with("data:image/") && !compact.contains("svg");
            if !value_is_data && ["aria-label", "id", "class"].iter().all(|plain| *plain != key) {
                faults.extend(fetches(&compact).map(|what| format!("{key}: {what}")));
            }
            if key == "attributename" && (value.contains("href") || value.to_ascii_lowercase().starts_with("on")) {
                faults.push(format!("an animated link: {value}"));
            }
        }
        if name == "style" {
            let css: String = node
                .text()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .split_whitespace()
                .collect();
            faults.extend(fetches(&css).map(|what| format!("style: {what}")));
        }
    }
    faults
}

/// What in CSS or an attribute could fetch: any `url()` but of the document itself and of pictures and fonts in it.
fn fetches(text: &str) -> impl Iterator<Item = String> {
    let words = [
        "javascript:",
        "vbscript:",
        "@import",
        "image-set(",
        "src(",
        "http:",
        "https:",
        "file:",
        "\\",
        "expression(",
    ];
    let known = words.into_iter().filter(|word| text.contains(word)).map(str::to_owned);
    let urls: Vec<String> = text
        .split("url(")
        .skip(1)
        .map(|rest| rest.trim_start_matches(['"', '\'']))
        .filter(|rest| !rest.starts_with('#') && !rest.starts_with("data:image/") && !rest.starts_with("data:font/"))
        .map(|rest| format!("url({}", rest.chars().take(30).collect::<String>()))
        .collect();
    known.chain(urls).collect::<Vec<_>>().into_iter()
}

#[test]
fn every_verdict_holds_and_nothing_that_runs_survives() {
    let Some(entries) = corpus() else { return };
    let mut counts: BTreeMap<String, [u32; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for entry in &entries {
        let folder = entry.file.split('/').next().unwrap().to_owned();
        let count = counts.entry(folder).or_default();
        let result = match sniff(&entry.bytes) {
            Some(ImageFormat::Svg) => filtered(&entry.bytes),
            _ => Err(CodecError::NotAnImage),
        };
        match (&result, entry.expected.as_str()) {
            (Ok(_), "must be refused cleanly") => wrong.push(format!("{}: not refused", entry.file)),
            (Err(error), "decodes") => wrong.push(format!("{}: {error}", entry.file)),
            _ => {}
        }
        match &result {
            Ok(text) => {
                count[0] += 1;
                wrong.extend(faults(text).into_iter().map(|fault| format!("{}: {fault}", entry.file)));
                let again = filtered(text.as_bytes()).unwrap();
                if again != *text {
                    wrong.push(format!("{}: filtering again changes it", entry.file));
                }
            }
            Err(error) => {
                count[1] += 1;
                println!("refused: {}: {error}", entry.file);
            }
        }
    }
    for (folder, [passed, refused, _]) in counts {
        println!("{folder}: {passed} filtered, {refused} refused");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The means of 4x4 cells on white, as the manifest has them.
fn grid(picture: &Picture) -> Vec<[u8; 3]> {
    let size = picture.size();
    let mut cells = Vec::new();
    for row in 0..4 {
        for column in 0..4 {
            let (x0, x1) = (size.width * column / 4, size.width * (column + 1) / 4);
            let (y0, y1) = (size.height * row / 4, size.height * (row + 1) / 4);
            let mut sums = [0u64; 3];
            for y in y0..y1 {
                for x in x0..x1 {
                    let [r, g, b, a] = picture.pixel(x, y).unwrap().map(u64::from);
                    for (sum, sample) in sums.iter_mut().zip([r, g, b]) {
                        *sum += sample * a + 255 * (255 - a);
                    }
                }
            }
            let count = u64::from((x1 - x0) * (y1 - y0)).max(1) * 255;
            cells.push(sums.map(|sum| u8::try_from(sum / count).unwrap()));
        }
    }
    cells
}

fn drawn(bytes: &[u8], size: Size) -> Result<Picture, CodecError> {
    let (limits, budget) = (Limits::default(), Budget::new(1 << 30));
    let mut pictures = |bytes: &[u8]| {
        let header = probe(bytes, &limits).ok()?;
        let decoded = decode(bytes, &header, &DecodeRequest::default(), &limits, &budget).ok()?;
        Some(decoded.picture)
    };
    render_svg(bytes, size, &limits, &budget, &mut pictures)
}

/// librsvg drew the grids of the manifest. It knows other fonts and some features less, so what it sees otherwise is
/// named here.
#[test]
fn drawings_are_those_of_librsvg() {
    let Some(entries) = corpus() else { return };
    let (mut same, mut other) = (0, Vec::new());
    for entry in &entries {
        if entry.expected != "decodes" {
            // Drawn or refused, but in the end.
            let _ = drawn(&entry.bytes, Size::new(100, 80));
            continue;
        }
        let (Some(want), Some(size)) = (&entry.grid, entry.size) else {
            continue;
        };
        let picture = match drawn(&entry.bytes, size) {
            Ok(picture) => picture,
            Err(error) => {
                other.push(format!("{}: {error}", entry.file));
                continue;
            }
        };
        if want.len() != 16 {
            continue;
        }
        let cells = grid(&picture)
            .into_iter()
            .zip(want)
            .flat_map(|(a, b)| a.into_iter().zip(*b));
        let most = cells.map(|(a, b)| a.abs_diff(b)).max().unwrap();
        if most <= 10 {
            same += 1;
        } else {
            other.push(format!("{}: {most}", entry.file));
        }
    }
    println!("{same} as librsvg, {} otherwise:\n{}", other.len(), other.join("\n"));
    assert!(same > 150, "{same}");
}

/// The pixels that the renderer makes of a text as it stands.
fn as_it_stands(text: &str) -> Option<Vec<u8>> {
    let mut options = resvg::usvg::Options::default();
    options.image_href_resolver.resolve_string = Box::new(|_, _| None);
    options.fontdb_mut().load_system_fonts();
    // Whatever the system has: what matters is that letters are drawn.
    let family = options.fontdb.faces().next()?.families.first()?.0.clone();
    options.fontdb_mut().set_serif_family(family.clone());
    options.font_family = family;
    let tree = resvg::usvg::Tree::from_str(text, &options).ok()?;
    let size = tree.size().to_int_size();
    let mut pixmap = resvg::tiny_skia::Pixmap::new(size.width(), size.height())?;
    resvg::render(&tree, resvg::tiny_skia::Transform::identity(), &mut pixmap.as_mut());
    Some(pixmap.take())
}

#[test]
fn filtering_a_benign_file_leaves_its_picture() {
    let Some(entries) = corpus() else { return };
    let (mut same, mut other, mut hushed) = (0u32, Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| entry.file.starts_with("svg/resvg/")) {
        let Ok(text) = std::str::from_utf8(&entry.bytes) else {
            continue;
        };
        // An SVG inside an SVG is taken out by rule.
        if text.contains("data:image/svg+xml") {
            continue;
        }
        let Some(before) = as_it_stands(text) else { continue };
        let after = as_it_stands(&filtered(&entry.bytes).unwrap());
        if after.as_ref() == Some(&before) {
            same += 1;
        } else {
            other.push(entry.file.clone());
        }
        let mut filter = svg_hush::Filter::new();
        filter.set_data_url_filter(svg_hush::data_url_filter::allow_standard_images);
        let mut out = Vec::new();
        let done = filter.filter(entry.bytes.as_slice(), &mut out);
        let hush = done.ok().and_then(|()| as_it_stands(std::str::from_utf8(&out).ok()?));
        if hush.as_ref() != Some(&before) {
            hushed.push(entry.file.clone());
        }
    }
    println!("{same} the same, {} not:\n{}", other.len(), other.join("\n"));
    println!("svg-hush changes {}:\n{}", hushed.len(), hushed.join("\n"));
    assert!(other.is_empty(), "{}", other.join("\n"));
}

/// The names of elements, and of attributes with their elements.
fn names(text: &str) -> BTreeSet<String> {
    let document = resvg::usvg::roxmltree::Document::parse(text).unwrap();
    let elements = document.descendants().filter(resvg::usvg::roxmltree::Node::is_element);
    let of = |node: resvg::usvg::roxmltree::Node<'_, '_>| {
        let element = node.tag_name().name().to_owned();
        let attributes: Vec<String> = node.attributes().map(|a| format!("{element} {}", a.name())).collect();
        std::iter::once(element).chain(attributes).collect::<Vec<_>>()
    };
    elements.flat_map(of).collect()
}

/// What this filter keeps and `svg-hush` does not, and why that is harmless.
fn is_known_to_be_kept(name: &str) -> bool {
    let (element, attribute) = name.split_once(' ').unwrap_or((name, ""));
    match attribute {
        // Within the document, or an embedded picture: that is checked of every file.
        "href" => ["textPath", "mpath", "filter", "tref", "set", "animate"].contains(&element),
        // Of the XML namespace.
        "space" => true,
        // Properties that only draw.
        "paint-order"
        | "isolation"
        | "mix-blend-mode"
        | "font"
        | "font-kerning"
        | "font-variation-settings"
        | "marker" => true,
        _ => false,
    }
}

#[test]
fn little_is_kept_that_svg_hush_removes() {
    let Some(entries) = corpus() else { return };
    let mut more = BTreeSet::new();
    let mut compared = 0;
    for entry in &entries {
        let Ok(ours) = filtered(&entry.bytes) else { continue };
        let mut out = Vec::new();
        let mut filter = svg_hush::Filter::new();
        filter.set_data_url_filter(svg_hush::data_url_filter::allow_standard_images);
        if filter.filter(entry.bytes.as_slice(), &mut out).is_err() {
            continue;
        }
        let Ok(theirs) = String::from_utf8(out) else { continue };
        let (ours, theirs) = (names(&ours), names(&theirs));
        compared += 1;
        let surplus = ours.difference(&theirs).filter(|name| !is_known_to_be_kept(name));
        more.extend(surplus.map(|name| format!("{}: {name}", entry.file)));
    }
    assert!(compared > 200, "{compared}");
    assert!(more.is_empty(), "{}", Vec::from_iter(more).join("\n"));
}

/// Every number of every file, a few at a time, replaced by one that is hard to draw.
#[test]
fn files_with_odd_numbers_are_drawn_or_refused_in_time() {
    let Some(entries) = corpus() else { return };
    let mut dice = 1u64;
    let mut roll = |sides: usize| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).unwrap() % sides
    };
    let odd = [
        "0",
        "1e9",
        "-5",
        "1e38",
        "1e-38",
        "0.0001",
        "100000",
        "999999999",
        "-1e8",
        "1e300",
    ];
    let (mut count, mut slowest) = (0u32, (0.0, String::new()));
    for entry in entries.iter().filter(|entry| entry.bytes.len() < 20_000) {
        let Ok(text) = std::str::from_utf8(&entry.bytes) else {
            continue;
        };
        for _ in 0..6 {
            let mut out = String::new();
            let mut was_digit = false;
            for c in text.chars() {
                let is_digit = c.is_ascii_digit();
                if is_digit && !was_digit && roll(40) == 0 {
                    out.push_str(odd[roll(odd.len())]);
                } else {
                    out.push(c);
                }
                was_digit = is_digit;
            }
            let start = std::time::Instant::now();
            let _ = drawn(out.as_bytes(), Size::new(200, 200));
            let seconds = start.elapsed().as_secs_f64();
            count += 1;
            if seconds > slowest.0 {
                slowest = (seconds, entry.file.clone());
            }
        }
    }
    println!("{count} files; the slowest took {:.1} s: {}", slowest.0, slowest.1);
    // Half a minute on the slowest machine; what is not bounded takes for ever.
    assert!(slowest.0 < 30.0, "{slowest:?}");
}
