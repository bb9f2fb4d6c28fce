//! `cargo xtask check`: rules on the code base that no compiler knows.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// The crates from bottom to top. A crate may use those above it in this list and none below (ARCHITECTURE.md).
const ORDER: [&str; 15] = [
    "calotype-plan",
    "calotype-resample",
    "calotype-text",
    "calotype-codec",
    "calotype-engine",
    "calotype-vision",
    "calotype-worker",
    "calotype-source",
    "calotype-store",
    "calotype-cache",
    "calotype-http",
    "calotype-import",
    "calotype-audit",
    "calotype",
    "xtask",
];

/// What a crate must not know of, although the order allows it or because it comes from outside.
const STRANGERS: [(&str, &[&str]); 9] = [
    ("calotype-plan", &["tokio", "hyper", "http", "url", "reqwest"]),
    ("calotype-resample", &["calotype-plan", "tokio", "hyper", "http"]),
    ("calotype-codec", &["tokio", "hyper", "http"]),
    ("calotype-engine", &["tokio", "hyper", "http"]),
    ("calotype-worker", &["hyper", "http"]),
    (
        "calotype-source",
        &["calotype-codec", "calotype-engine", "calotype-worker"],
    ),
    (
        "calotype-http",
        &["calotype-codec", "calotype-engine", "calotype-store-sql"],
    ),
    (
        "calotype-samples",
        &["calotype-plan", "calotype-codec", "calotype-engine"],
    ),
    ("calotype-plan-wasm", &["calotype-codec", "calotype-engine", "tokio"]),
];

/// Prints what is broken; fails if anything is.
pub(crate) fn run() -> Outcome {
    let mut broken = arrows()?;
    broken.extend(surfaces()?);
    broken.extend(unsafe_places()?);
    broken.extend(old_hyper(&fs::read_to_string(crate::root().join("Cargo.lock"))?));
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("\n").into())
    }
}

/// Dependencies between our crates point up the list, and nobody knows a stranger.
fn arrows() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(crate::root())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut broken = Vec::new();
    for package in list(&metadata, "packages") {
        let name = text(&package, "name");
        let strangers = STRANGERS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(&[][..], |(_, list)| list);
        for dependency in list(&package, "dependencies") {
            if text(&dependency, "kind") == "dev" {
                continue;
            }
            let other = text(&dependency, "name");
            if let (Some(from), Some(to)) = (place(&name), place(&other))
                && to >= from
            {
                broken.push(format!(
                    "{name} must not use {other}: arrows point up (ARCHITECTURE.md)"
                ));
            }
            if strangers.contains(&other.as_str()) {
                broken.push(format!("{name} must know nothing of {other} (ARCHITECTURE.md)"));
            }
        }
    }
    Ok(broken)
}

/// Surfaces never import one another, and what they share imports none of them.
fn surfaces() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let source = crate::root().join("crates/calotype-http/src");
    let mut broken = Vec::new();
    for file in files(&source)? {
        let relative = file.strip_prefix(&source).unwrap_or(&file).display().to_string();
        // The app wires surfaces together; nothing else names one.
        if relative == "app.rs" || relative == "surface/mod.rs" || relative == "lib.rs" {
            continue;
        }
        for (number, line) in fs::read_to_string(&file)?.lines().enumerate() {
            if line.contains("crate::surface::") {
                broken.push(format!(
                    "calotype-http/src/{relative}:{}: only app.rs may name a surface",
                    number + 1
                ));
            }
        }
    }
    Ok(broken)
}

/// No hyper is locked that lacks the repairs of docs/design/delivery.md.
fn old_hyper(lock: &str) -> Vec<String> {
    let mut lines = lock.lines();
    let mut broken = Vec::new();
    let mut is_found = false;
    while lines.by_ref().any(|line| line == "name = \"hyper\"") {
        is_found = true;
        let version = lines.next().unwrap_or_default();
        let mut numbers = version
            .trim_start_matches("version = ")
            .trim_matches('"')
            .split('.')
            .map_while(|number| number.parse::<u32>().ok());
        if (numbers.next(), numbers.next()) < (Some(1), Some(12)) {
            broken.push(format!(
                "Cargo.lock: hyper must be 1.12 or later, for older ones cut answers short (docs/design/delivery.md): {version}"
            ));
        }
    }
    if !is_found {
        broken.push("Cargo.lock: hyper is not there; this check looks at nothing (xtask/src/check.rs)".to_owned());
    }
    broken
}

/// `unsafe` stands only where a C library or a vector instruction is.
fn unsafe_places() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    const ALLOWED: [&str; 9] = [
        "calotype/src/allocator.rs",
        "calotype-codec/tests/leaks.rs",
        "calotype-codec/src/jpeg/",
        "calotype-codec/src/webp/",
        "calotype-codec/src/avif/",
        "calotype-codec/src/heic/sys.rs",
        "calotype-resample/src/kernel/avx2",
        "calotype-resample/src/kernel/neon",
        "calotype-source/src/local_root",
    ];
    let crates = crate::root().join("crates");
    let mut broken = Vec::new();
    for file in files(&crates)?
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
    {
        let relative = file.strip_prefix(&crates).unwrap_or(&file).display().to_string();
        if ALLOWED.iter().any(|allowed| relative.starts_with(allowed)) {
            continue;
        }
        for (number, line) in fs::read_to_string(&file)?.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl") {
                broken.push(format!(
                    "crates/{relative}:{}: unsafe outside the places for it (xtask/src/check.rs)",
                    number + 1
                ));
            }
        }
    }
    Ok(broken)
}

/// All files below a folder, sorted.
fn files(folder: &std::path::Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::old_hyper;

    fn lock(version: &str) -> String {
        format!(
            "[[package]]\nname = \"hyper-util\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"hyper\"\nversion = \"{version}\"\nsource = \"x\"\n"
        )
    }

    #[test]
    fn a_hyper_that_lacks_the_repairs_is_found() {
        for version in ["0.14.32", "1.0.0", "1.9.9", "1.10.1", "1.11.0", "x"] {
            assert_eq!(old_hyper(&lock(version)).len(), 1, "{version}");
        }
        for version in ["1.12.0", "1.12.1", "1.20.0", "2.0.0"] {
            assert!(old_hyper(&lock(version)).is_empty(), "{version}");
        }
        assert_eq!(old_hyper(&[lock("1.12.0"), lock("1.10.0")].concat()).len(), 1);
        assert_eq!(old_hyper("").len(), 1);
    }
}
