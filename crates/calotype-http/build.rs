//! Embeds the pages that are built with npm, the playground and the API reference: a table of files each. Without them the crate still builds, with pages
//! that say how to make them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for (name, unbuilt) in [
        ("playground", "src/surface/playground/unbuilt.html"),
        ("reference", "src/surface/api/reference/unbuilt.html"),
    ] {
        embed(
            name,
            &manifest.join(unbuilt),
            &manifest.join("../../js").join(name).join("dist"),
            &out,
        )?;
    }
    Ok(())
}

/// Writes the table of a page's files.
fn embed(page: &str, unbuilt: &Path, dist: &Path, out: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut table = String::from("&[\n");
    if dist.join("index.html").is_file() {
        for file in files(dist)?.into_iter().filter(|file| !is_hidden(file)) {
            println!("cargo::rerun-if-changed={}", file.display());
            let name = file
                .strip_prefix(dist)
                .unwrap_or(&file)
                .to_string_lossy()
                .replace('\\', "/");
            // A copy of our own: the folder may be built anew while the compiler reads.
            let path = out.join(format!("{page}-{}", name.replace('/', "-")));
            fs::copy(&file, &path)?;
            let _ = writeln!(
                table,
                "    ({name:?}, include_bytes!({:?})),",
                path.display().to_string()
            );
        }
    } else {
        let _ = writeln!(
            table,
            "    (\"index.html\", include_bytes!({:?})),",
            unbuilt.display().to_string()
        );
    }
    table.push(']');
    fs::write(out.join(format!("{page}.rs")), table)
}

fn is_hidden(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// All files below a folder, sorted, so that builds repeat.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
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
