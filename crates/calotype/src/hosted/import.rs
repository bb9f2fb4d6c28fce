//! `calotype store import`: records of images as lines of JSON, with their originals as files.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use calotype_http::{Inspector, parse_timestamp};
use calotype_store::{
    Account, Facts, IMPORT_MAX, ImageId, Imported, ImportedImage, KeptOriginal, Metadata, NewImage, Store, StoreError,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{failed, inspector};
use crate::failure::Failure;
use crate::settings::Settings;

/// Bytes of a line.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Originals that are remembered, so that a file that many images share is read once.
const ORIGINALS_MAX: usize = 10_000;
/// Between two lines of progress on a terminal.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// A line. What the API lists of an image can be a line, with a path beside it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    path: PathBuf,
    id: Option<String>,
    filename: Option<String>,
    uploaded: Option<String>,
    #[serde(rename = "requireSignedURLs", default)]
    requires_signed_urls: bool,
    creator: Option<String>,
    #[serde(alias = "meta")]
    metadata: Option<Value>,
    #[serde(rename = "variants")]
    _variants: Option<IgnoredAny>,
}

/// What became of the lines.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    stored: u64,
    taken: u64,
    refused: u64,
}

struct Import<'w> {
    store: &'w Store,
    account: &'w Account,
    inspector: Inspector,
    originals: PathBuf,
    bytes_max: u64,
    known: HashMap<PathBuf, (KeptOriginal, Facts)>,
    batch: Vec<(u64, ImportedImage)>,
    counts: Counts,
    told: Instant,
}

/// Imports a file, or the standard input for `-`.
pub(super) async fn run(
    store: &Store,
    account: &Account,
    settings: &Settings,
    file: &Path,
    originals: Option<&Path>,
) -> Result<(), Failure> {
    let is_stdin = file == Path::new("-");
    let originals = match (originals, file.parent()) {
        (Some(originals), _) => originals.to_owned(),
        (None, Some(folder)) if !is_stdin && folder != Path::new("") => folder.to_owned(),
        (None, _) => PathBuf::from("."),
    };
    let unreadable = |error: io::Error| Failure::Source(format!("{}: {error}", file.display()));
    let mut lines: Box<dyn BufRead> = if is_stdin {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(file).map_err(unreadable)?))
    };
    let mut import = Import {
        store,
        account,
        inspector: inspector(settings)?,
        originals,
        bytes_max: settings.upload_bytes.0,
        known: HashMap::new(),
        batch: Vec::with_capacity(IMPORT_MAX),
        counts: Counts::default(),
        told: Instant::now(),
    };
    let mut text = Vec::new();
    for number in 1_u64.. {
        text.clear();
        let read = (&mut lines)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut text)
            .map_err(unreadable)?;
        if read == 0 {
            break;
        }
        if read as u64 == LINE_BYTES_MAX && !text.ends_with(b"\n") {
            return Err(Failure::Source(format!(
                "line {number} is longer than {LINE_BYTES_MAX} bytes"
            )));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        match import.image(&text).await {
            Ok(image) => import.batch.push((number, image)),
            Err(why) => import.refuse(number, &why),
        }
        if import.batch.len() == IMPORT_MAX {
            import.flush().await?;
        }
    }
    import.flush().await?;
    let Counts { stored, taken, refused } = import.counts;
    let told = format!("{stored} stored, {taken} already there, {refused} refused");
    writeln!(io::stdout(), "{told}").map_err(|error| Failure::Other(error.to_string()))?;
    if refused > 0 {
        return Err(Failure::Other("some lines were refused".to_owned()));
    }
    Ok(())
}

impl Import<'_> {
    /// The image of a line, or what is wrong with it.
    async fn image(&mut self, text: &[u8]) -> Result<ImportedImage, String> {
        let line: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let in_words = |error: StoreError| error.to_string();
        let new = NewImage {
            id: line
                .id
                .as_deref()
                .map(ImageId::imported)
                .transpose()
                .map_err(in_words)?,
            is_private: line.requires_signed_urls,
            creator: line.creator.filter(|creator| !creator.is_empty()),
            metadata: match line.metadata {
                None | Some(Value::Null) => None,
                Some(value) => Metadata::new(value).map_err(in_words)?,
            },
        };
        new.check_imported().map_err(in_words)?;
        let uploaded_ms = match line.uploaded.as_deref() {
            None => None,
            Some(text) => Some(
                parse_timestamp(text)
                    .filter(|ms| *ms >= 0)
                    .ok_or_else(|| format!("`{text:.100}` is no time; write for example 2026-07-14T09:31:05.207Z"))?,
            ),
        };
        let (original, facts) = self.original(&line.path).await?;
        let filename = line
            .filename
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty());
        let filename = match filename {
            Some(name) => calotype_http::tidy_filename(&name),
            None => facts.filename.clone(),
        };
        Ok(ImportedImage {
            new,
            uploaded_ms,
            original,
            facts: Facts { filename, ..facts },
        })
    }

    /// The original of a path, read if it is not known.
    async fn original(&mut self, path: &Path) -> Result<(KeptOriginal, Facts), String> {
        if let Some(known) = self.known.get(path) {
            return Ok(known.clone());
        }
        let is_below = path
            .components()
            .all(|component| matches!(component, Component::Normal(_) | Component::CurDir));
        if !is_below {
            return Err(format!(
                "{}: a path is relative to the folder of originals (--originals), without `..`",
                path.display()
            ));
        }
        let unreadable = |error: io::Error| format!("{}: {error}", path.display());
        let file = File::open(self.originals.join(path)).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(self.bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > self.bytes_max {
            return Err(format!(
                "{}: larger than {} bytes (upload_bytes)",
                path.display(),
                self.bytes_max
            ));
        }
        let bytes = Bytes::from(bytes);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let inspected = self.inspector.inspect(bytes.clone(), &name).await;
        let facts = inspected.map_err(|refused| format!("{}: {}", path.display(), refused.message))?;
        let kept = keep(self.store, &bytes).await;
        let kept = kept.map_err(|error| format!("{}: {error}", path.display()))?;
        if self.known.len() >= ORIGINALS_MAX {
            self.known.clear();
        }
        self.known.insert(path.to_owned(), (kept.clone(), facts.clone()));
        Ok((kept, facts))
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let (numbers, images): (Vec<u64>, Vec<ImportedImage>) = std::mem::take(&mut self.batch).into_iter().unzip();
        if images.is_empty() {
            return Ok(());
        }
        let imported = self.store.import_images(self.account, &images).await;
        let outcomes = imported.map_err(|error| {
            let first = numbers.first().copied().unwrap_or_default();
            match failed(error) {
                Failure::Usage(text) => Failure::Usage(format!("from line {first}: {text}")),
                other => Failure::Other(format!("from line {first}: {other}")),
            }
        })?;
        for outcome in outcomes {
            match outcome {
                Imported::Stored => self.counts.stored += 1,
                Imported::Taken => self.counts.taken += 1,
            }
        }
        if io::stderr().is_terminal() && self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let _ = write!(io::stderr(), "\r{} stored", self.counts.stored);
        }
        Ok(())
    }

    fn refuse(&mut self, number: u64, why: &str) {
        self.counts.refused += 1;
        let _ = writeln!(io::stderr(), "line {number}: {why}");
    }
}

async fn keep(store: &Store, bytes: &[u8]) -> Result<KeptOriginal, StoreError> {
    let mut incoming = store.receive().await?;
    incoming.write(bytes).await?;
    store.keep_original(incoming.finish().await?).await
}
