//! Which files are meant.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes that are looked at to tell a picture from other files.
const START_BYTES: usize = 512;

/// A file that is to be uploaded.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its place below the directory that was named, with `/`; `None` for a file that was named itself.
    pub(super) relative: Option<String>,
}

/// What is in the directories.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// In the order of their names.
    pub(super) found: Vec<Found>,
    /// Names that begin with a dot.
    pub(super) hidden: u64,
    /// Files that do not begin as a picture does.
    pub(super) others: u64,
    /// Links that lead out of the directory, or nowhere, or in a circle.
    pub(super) links: u64,
    /// What cannot be read, or be an id, and why.
    pub(super) failures: Vec<(PathBuf, String)>,
}

impl Files {
    /// Adds a file, or all pictures below a directory.
    pub(super) fn add(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => match fs::canonicalize(path) {
                Ok(top) => self.walk(path, "", &top, &mut HashSet::from([top.clone()])),
                Err(error) => self.fail(path, &error),
            },
            Ok(_) => self.found.push(Found {
                path: path.to_owned(),
                relative: None,
            }),
            Err(error) => self.fail(path, &error),
        }
    }

    fn walk(&mut self, folder: &Path, prefix: &str, top: &Path, seen: &mut HashSet<PathBuf>) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.fail(folder, &error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                self.hidden += 1;
                continue;
            }
            let Some(name) = name.to_str() else {
                self.failures.push((path, "its name is not UTF-8".to_owned()));
                continue;
            };
            let relative = format!("{prefix}{name}");
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let real = if is_link {
                fs::canonicalize(&path)
            } else {
                Ok(path.clone())
            };
            let Some(real) = real.ok().filter(|real| !is_link || real.starts_with(top)) else {
                self.links += 1;
                continue;
            };
            match fs::metadata(&real) {
                Ok(metadata) if metadata.is_dir() => match fs::canonicalize(&real) {
                    // A folder once: links may lead to each other.
                    Ok(canonical) if seen.insert(canonical.clone()) => {
                        self.walk(&path, &format!("{relative}/"), top, seen);
                    }
                    Ok(_) => self.links += 1,
                    Err(error) => self.fail(&path, &error),
                },
                Ok(metadata) if metadata.is_file() => match is_picture(&path) {
                    Ok(true) => self.found.push(Found {
                        path,
                        relative: Some(relative),
                    }),
                    Ok(false) => self.others += 1,
                    Err(error) => self.fail(&path, &error),
                },
                Ok(_) => self.others += 1,
                Err(error) => self.fail(&path, &error),
            }
        }
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        self.failures.push((path.to_owned(), error.to_string()));
    }
}

/// Whether a file begins as one of the formats does that can be hosted. Whoever looks at all of it decides.
fn is_picture(path: &Path) -> io::Result<bool> {
    let mut start = Vec::with_capacity(START_BYTES);
    fs::File::open(path)?.take(START_BYTES as u64).read_to_end(&mut start)?;
    Ok(begins_as_picture(&start))
}

fn begins_as_picture(start: &[u8]) -> bool {
    let at = |range: std::ops::Range<usize>| start.get(range).unwrap_or_default();
    let starts: [&[u8]; 4] = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"];
    if starts.iter().any(|known| start.starts_with(known)) {
        return true;
    }
    if at(0..4) == b"RIFF" && at(8..12) == b"WEBP" {
        return true;
    }
    if at(4..8) == b"ftyp" {
        // ISO 14496-12: the major brand and those that are compatible.
        let is_brand = |brand: &[u8]| {
            matches!(
                brand,
                b"avif" | b"avis" | b"mif1" | b"msf1" | b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx"
            )
        };
        return start.get(8..).unwrap_or_default().chunks(4).any(is_brand);
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with("<svg")
        || (text.starts_with('<') && text.contains("<svg"))
        || text.starts_with("<?xml")
        || text.starts_with("<!DOCTYPE svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_by_their_first_bytes() {
        for (start, is) in [
            (&b"\xff\xd8\xff\xe0"[..], true),
            (b"\x89PNG\r\n\x1a\n....", true),
            (b"GIF89a", true),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", true),
            (b"RIFF\x00\x00\x00\x00WAVEfmt ", false),
            (b"\x00\x00\x00\x18ftypavif", true),
            (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00mp42", false),
            (b"<?xml version='1.0'?><svg/>", true),
            (b"<!-- a --><svg/>", true),
            (b"<html></html>", false),
            (b"hello", false),
            (b"", false),
        ] {
            assert_eq!(begins_as_picture(start), is, "{}", String::from_utf8_lossy(start));
        }
    }

    #[test]
    fn a_walk_skips_what_is_hidden_other_or_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let (top, gif) = (directory.path(), b"GIF89a".as_slice());
        fs::create_dir_all(top.join("b/.git")).unwrap();
        for name in ["b/2.gif", "a.gif", "b/.git/x.gif", ".hidden.gif", "b/1.gif"] {
            fs::write(top.join(name), gif).unwrap();
        }
        fs::write(top.join("notes.txt"), "text").unwrap();
        fs::write(outside.path().join("secret.gif"), gif).unwrap();
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, top.join(name)).unwrap();
        link(&outside.path().join("secret.gif"), "secret.gif");
        link(&top.join("a.gif"), "c.gif");
        link(top, "b/round");
        link(Path::new("nowhere"), "gone.gif");
        let mut files = Files::default();
        files.add(top);
        let found: Vec<_> = files
            .found
            .iter()
            .map(|found| found.relative.clone().unwrap())
            .collect();
        assert_eq!(found, ["a.gif", "b/1.gif", "b/2.gif", "c.gif"]);
        assert_eq!((files.hidden, files.others, files.links), (2, 1, 3));
        assert!(files.failures.is_empty(), "{:?}", files.failures);
    }
}
