//! Which promise of the server belongs to which file, so that a second run makes no second image.
//!
//! An image whose id the server makes is promised first, and its upload uses the promise up. The promise is noted, on the disk, before a byte is sent; so
//! whatever happens between, the next run asks what became of it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// A promised image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Promise {
    pub(super) id: String,
    /// Where the upload goes; empty for a store on this machine.
    pub(super) url: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// Which server and account.
    place: String,
    file: String,
    sha256: String,
    #[serde(flatten)]
    promise: Promise,
}

/// A file of notes, a line of JSON each; the last one of a file counts.
#[derive(Debug)]
pub(super) struct Notes {
    place: String,
    known: HashMap<(String, String), Promise>,
    file: Mutex<File>,
}

impl Notes {
    /// Reads the notes, if there are any. A line that was not written to its end is none.
    pub(super) fn open(path: &Path, place: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(path)?;
        let mut known = HashMap::new();
        let mut is_cut = false;
        for line in BufReader::new(&file).split(b'\n') {
            let line = line?;
            let Ok(note) = serde_json::from_slice::<Note>(&line) else {
                is_cut = true;
                continue;
            };
            is_cut = false;
            if note.place == place {
                known.insert((note.file, note.sha256), note.promise);
            }
        }
        if is_cut {
            file.write_all(b"\n")?;
        }
        Ok(Self {
            place: place.to_owned(),
            known,
            file: Mutex::new(file),
        })
    }

    /// What was promised for a file of this content.
    pub(super) fn promise(&self, file: &str, sha256: &str) -> Option<&Promise> {
        self.known.get(&(file.to_owned(), sha256.to_owned()))
    }

    /// Writes a promise down; it is on the disk when this returns.
    pub(super) fn write(&self, file: &str, sha256: &str, promise: &Promise) -> io::Result<()> {
        let note = Note {
            place: self.place.clone(),
            file: file.to_owned(),
            sha256: sha256.to_owned(),
            promise: promise.clone(),
        };
        let mut line = serde_json::to_vec(&note)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&line)?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_outlive_a_line_that_was_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes");
        let promise = |id: &str| Promise {
            id: id.to_owned(),
            url: String::new(),
        };
        let notes = Notes::open(&path, "here").unwrap();
        notes.write("a", "1", &promise("x")).unwrap();
        notes.write("a", "1", &promise("y")).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"place\":\"here\",\"fi").unwrap();
        let notes = Notes::open(&path, "here").unwrap();
        notes.write("b", "2", &promise("z")).unwrap();
        let notes = Notes::open(&path, "here").unwrap();
        assert_eq!(notes.promise("a", "1"), Some(&promise("y")));
        assert_eq!(notes.promise("b", "2"), Some(&promise("z")));
        assert_eq!(notes.promise("a", "2"), None);
        assert_eq!(Notes::open(&path, "there").unwrap().promise("a", "1"), None);
    }
}
