//! Every SVG of the corpus against its verdict, and what may be left in a filtered one.
//!
//! The corpus lies in the folder that `CALOTYPE_SHARED` names. Without it, on CI, the tests fail.

#![allow(clippy::unwrap_used)] // A test may end by an unwrap.

use std::collections::BTreeMap;
use std::path::PathBuf;

use calotype_codec::{Budget, CodecError, filter_svg, sniff};
use calotype_plan::{ImageFormat, Limits};

struct Entry {
    file: String,
    bytes: Vec<u8>,
    expected: String,
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
        is_svg.then(|| Entry {
            bytes: std::fs::read(root.join(&file)).unwrap(),
            expected: entry["expected"].as_str().unwrap().to_owned(),
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
