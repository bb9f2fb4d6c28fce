//! The built-in font's files, which a build without npm packages lacks.

#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// A part of the built-in font as it is packed, by the end of its name; `None` where there is none, which is said.
pub(crate) fn builtin_file(part: &str, test: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("font");
    let found: Option<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(&format!("-{part}.woff2")));
    let Some(found) = found else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no built-in font; run scripts/playground.sh"
        );
        println!("left out: {test}, for there is no built-in font (scripts/playground.sh fetches it)");
        return None;
    };
    Some(std::fs::read(found).unwrap())
}
