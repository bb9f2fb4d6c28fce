//! Embeds the built-in font: a table of its files, the text of its licence, and a digest of all that. Without the files the crate still builds; a text without a
//! font of its own is refused then.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // The folder is always there, so nothing is built anew while it stays as it is.
    let folder = manifest.join("font");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut digest = Sha256::new();
    let mut table = String::from("&[\n");
    let files = files(&folder)?;
    for file in &files {
        let bytes = fs::read(file)?;
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(&bytes);
        // A copy of our own: the folder may be filled anew while the compiler reads.
        let copy = out.join(file.file_name().unwrap_or_default());
        fs::write(&copy, bytes)?;
        let _ = writeln!(table, "    include_bytes!({:?}),", copy.display().to_string());
    }
    table.push(']');
    let license = fs::read_to_string(folder.join("OFL.txt")).unwrap_or_default();
    let mut version = String::from("none");
    if files.is_empty() {
        println!(
            "cargo::warning=no built-in font: texts without a font of their own will be refused; `make playground` fetches it"
        );
    } else {
        version.clear();
        for byte in digest.finalize().iter().take(8) {
            let _ = write!(version, "{byte:02x}");
        }
    }
    fs::write(
        out.join("font.rs"),
        format!(
            "pub(crate) const FILES: &[&[u8]] = {table};\npub(crate) const VERSION: &str = {version:?};\npub(crate) const LICENSE: &str = {license:?};\n"
        ),
    )
}

/// The parts of the font in the order in which they are asked for a character: that of their names.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "woff2") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
