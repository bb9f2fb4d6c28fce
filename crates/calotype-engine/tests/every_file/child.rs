//! The child's side: reads a case per line, does it, answers with a line.
//!
//! A child exists so that a crash, a hang or an allocation without end is one case's finding and not the end of the run.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::damage::{self, Damage};
use crate::facts::{self, Facts};
use crate::read_back::{self, Written};

/// What a child is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Case {
    /// Everything that a verdict needs.
    Verdict { file: String, side_px_max: u32 },
    /// One file in every output format, written into a folder.
    Write { file: String, folder: PathBuf },
    /// One damaged copy.
    Damage { file: String, damage: Damage },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Done {
    Verdict(Box<Facts>),
    Write(Result<Written, String>),
    Damage(damage::Seen),
    /// It panicked, and was caught.
    Panic(String),
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Works until the parent closes the line.
pub(crate) fn work(corpus: &Path) {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string().replace('\n', " ");
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = text;
        }
    }));
    let mut held: Option<(String, Vec<u8>)> = None;
    for line in std::io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line.unwrap()).unwrap();
        let (Case::Verdict { file, .. } | Case::Write { file, .. } | Case::Damage { file, .. }) = &case;
        if held.as_ref().is_none_or(|(name, _)| name != file) {
            held = Some((file.clone(), std::fs::read(corpus.join(file)).unwrap()));
        }
        let bytes = held.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let done = catch_unwind(AssertUnwindSafe(|| match &case {
            Case::Verdict { side_px_max, .. } => Done::Verdict(Box::new(facts::gather(bytes, *side_px_max))),
            Case::Write { folder, .. } => Done::Write(read_back::write(bytes, folder)),
            Case::Damage { file, damage } => Done::Damage(damage::try_out(file, bytes, damage)),
        }));
        let done = done
            .unwrap_or_else(|_| Done::Panic(LAST_PANIC.lock().map_or_else(|e| e.into_inner().clone(), |s| s.clone())));
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &done).unwrap();
        writeln!(out).unwrap();
        out.flush().unwrap();
    }
}
