//! `calotype image upload`: files and directories of pictures, into a store or to a server.
//!
//! A run may be cut off at any point and begun again. With ids made of paths the place itself knows what is there: what has the id and the same bytes is
//! left alone. Ids that the place makes are promised first, and the promises noted ([`notes`]).

mod files;
mod local;
mod notes;
mod place;
mod progress;
mod remote;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calotype_store::{Account, ImageId, Metadata, Store};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use self::files::{Files, Found};
use self::local::Local;
use self::notes::Notes;
use self::place::{Picture, Place, Presence, Traits, Trouble, TroubleKind};
use self::progress::Progress;
use self::remote::Remote;
use super::cli::UploadArguments;
use super::{failed, inspector};
use crate::failure::Failure;
use crate::settings::Settings;

const TOKEN_VARIABLE: &str = "CALOTYPE_TOKEN";
/// Tries at one step of one file.
const TRIES: u32 = 6;
/// After the first failure; twice as long after each other one.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The notes, in the directory whose pictures they tell of. Hidden names are not uploaded.
const NOTES_NAME: &str = ".calotype-upload";

/// What one file becomes.
#[derive(Debug, Clone)]
struct Job {
    file: Found,
    name: Naming,
}

#[derive(Debug, Clone)]
enum Naming {
    /// This id.
    Custom(ImageId),
    /// One that is made, which is noted under this name.
    Noted(String),
    /// One that is made.
    Made,
}

/// What all files of a run share.
struct Run {
    place: Place,
    traits: Traits,
    notes: Option<Notes>,
    bytes_max: u64,
    progress: Progress,
}

/// Uploads to a server.
pub(super) async fn to_server(
    arguments: &UploadArguments,
    account: Option<&str>,
    settings: &Settings,
) -> Result<(), Failure> {
    let Some(server) = &arguments.server else {
        return Err(Failure::Usage("no server is named; write --server URL".to_owned()));
    };
    let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
    let token = arguments.token.clone().or(token).ok_or_else(|| {
        Failure::Usage(format!(
            "a server takes a token; set {TOKEN_VARIABLE}, or write --token TOKEN"
        ))
    })?;
    let account = account.ok_or_else(|| {
        Failure::Usage("with --server, name the account with --account ID; it is in the URLs of the API".to_owned())
    })?;
    let place = Remote::new(server, account, &token).map_err(Failure::Usage)?;
    run(arguments, Place::Remote(place), settings).await
}

/// Uploads into a store.
pub(super) async fn to_store(
    arguments: &UploadArguments,
    store: Arc<Store>,
    account: Account,
    settings: &Settings,
) -> Result<(), Failure> {
    let inspector = inspector(settings)?;
    let place = Place::Local(Local {
        store,
        account,
        inspector,
    });
    run(arguments, place, settings).await
}

async fn run(arguments: &UploadArguments, place: Place, settings: &Settings) -> Result<(), Failure> {
    let traits = traits(arguments)?;
    let mut files = Files::default();
    for path in &arguments.paths {
        files.add(path);
    }
    let mut jobs = Vec::with_capacity(files.found.len());
    for file in std::mem::take(&mut files.found) {
        match naming(arguments, &file) {
            Ok(name) => jobs.push(Job { file, name }),
            Err(why) => files.failures.push((file.path, why)),
        }
    }
    let is_one_file = matches!(jobs.as_slice(), [job] if job.file.relative.is_none()) && files.failures.is_empty();
    if arguments.dry_run {
        return tell_plan(&jobs, &files);
    }
    let notes = match notes_path(arguments, &jobs) {
        Some(path) => {
            let notes = Notes::open(&path, &place.name());
            Some(notes.map_err(|error| {
                Failure::Usage(format!(
                    "{}: {error}; name another file for the notes with --state",
                    path.display()
                ))
            })?)
        }
        None => None,
    };
    let total = jobs.len() as u64 + files.failures.len() as u64;
    let run = Arc::new(Run {
        place,
        traits,
        notes,
        bytes_max: settings.upload_bytes.0,
        progress: Progress::new(total),
    });
    for (path, why) in &files.failures {
        run.progress.add(path, &Err(why.clone()));
    }
    let fatal = upload_all(&run, jobs, arguments.jobs, is_one_file).await;
    let Some(run) = Arc::into_inner(run) else {
        return Err(Failure::Other("an upload has not ended".to_owned()));
    };
    let counts = run.progress.end();
    if let Place::Local(local) = &run.place {
        local.store.close().await;
    }
    if !is_one_file {
        print(&format!(
            "{} stored ({} bytes), {} there already, {} failed; skipped: {} hidden, {} no pictures, {} links",
            counts.stored, counts.bytes, counts.present, counts.failed, files.hidden, files.others, files.links
        ))?;
    }
    match (fatal, counts.failed) {
        (Some(why), _) => Err(Failure::Other(format!("given up: {why}"))),
        (None, 0) => Ok(()),
        (None, 1) if is_one_file => Err(Failure::Image("the picture was not stored".to_owned())),
        (None, failed) => Err(Failure::Other(format!("{failed} of {total} were not stored"))),
    }
}

/// Uploads, so many at a time. Tells why it gave up, if it did.
async fn upload_all(run: &Arc<Run>, jobs: Vec<Job>, jobs_max: usize, tells_id: bool) -> Option<String> {
    let mut jobs = jobs.into_iter();
    let mut running = JoinSet::new();
    let mut fatal = None;
    loop {
        while fatal.is_none() && running.len() < jobs_max.max(1) {
            let Some(job) = jobs.next() else { break };
            let run = run.clone();
            running.spawn(async move {
                let done = run.upload(&job).await;
                (job.file.path, done)
            });
        }
        let Some(joined) = running.join_next().await else {
            return fatal;
        };
        let Ok((path, done)) = joined else {
            fatal = Some("an upload ended by itself".to_owned());
            continue;
        };
        let outcome = match done {
            Ok((id, bytes)) => {
                if tells_id {
                    let _ = print(&id);
                }
                Ok(bytes)
            }
            Err(trouble) => {
                if trouble.kind == TroubleKind::Fatal {
                    fatal = Some(trouble.why.clone());
                }
                Err(trouble.why)
            }
        };
        run.progress.add(&path, &outcome);
    }
}

impl Run {
    /// Uploads one file. Tells its id, and its bytes unless it was there already.
    async fn upload(&self, job: &Job) -> Result<(String, Option<u64>), Trouble> {
        let picture = read(&job.file.path, self.bytes_max).await?;
        let bytes = picture.bytes.len() as u64;
        match &job.name {
            Naming::Made => {
                let id = again(|| self.place.upload(None, &self.traits, &picture)).await?;
                Ok((id, Some(bytes)))
            }
            Naming::Custom(id) => {
                let is_new = again(|| self.custom(id, &picture)).await?;
                Ok((id.as_str().to_owned(), is_new.then_some(bytes)))
            }
            Naming::Noted(name) => again(|| self.noted(name, &picture)).await,
        }
    }

    /// Whether the image had to be stored.
    async fn custom(&self, id: &ImageId, picture: &Picture) -> Result<bool, Trouble> {
        if self.is_there(id.as_str(), picture).await? {
            return Ok(false);
        }
        match self.place.upload(Some(id), &self.traits, picture).await {
            Ok(_) => Ok(true),
            // Another upload was faster, or ours got there and its answer did not get here.
            Err(trouble) if trouble.kind == TroubleKind::Taken => match self.is_there(id.as_str(), picture).await {
                Ok(true) => Ok(true),
                Ok(false) => Err(trouble),
                Err(other) => Err(other),
            },
            Err(trouble) => Err(trouble),
        }
    }

    async fn is_there(&self, id: &str, picture: &Picture) -> Result<bool, Trouble> {
        match self.place.presence(id, &picture.sha256).await? {
            Presence::Missing => Ok(false),
            Presence::Same => Ok(true),
            Presence::Other => Err(Trouble::refused(format!("there is another picture with the id {id}"))),
            Presence::Draft => Err(Trouble::refused(format!("the id {id} is promised to another upload"))),
        }
    }

    async fn noted(&self, name: &str, picture: &Picture) -> Result<(String, Option<u64>), Trouble> {
        let Some(notes) = &self.notes else {
            return Err(Trouble::refused("there are no notes"));
        };
        let bytes = picture.bytes.len() as u64;
        let mut promise = None;
        if let Some(noted) = notes.promise(name, &picture.sha256) {
            match self.place.presence(&noted.id, &picture.sha256).await? {
                Presence::Same => return Ok((noted.id.clone(), None)),
                Presence::Draft => promise = Some(noted.clone()),
                // It was deleted, or the promise ended unused.
                Presence::Missing | Presence::Other => {}
            }
        }
        let promise = match promise {
            Some(promise) => promise,
            None => {
                let promise = self.place.promise(&self.traits).await?;
                notes.write(name, &picture.sha256, &promise).map_err(|error| {
                    Trouble::new(TroubleKind::Fatal, format!("the notes cannot be written: {error}"))
                })?;
                promise
            }
        };
        again(|| self.keep(&promise, picture)).await?;
        Ok((promise.id, Some(bytes)))
    }

    async fn keep(&self, promise: &notes::Promise, picture: &Picture) -> Result<(), Trouble> {
        match self.place.keep(promise, picture).await {
            Err(trouble) if trouble.kind == TroubleKind::NoPromise => {
                // Perhaps ours got there, and its answer did not get here.
                let presence = self.place.presence(&promise.id, &picture.sha256).await?;
                (presence == Presence::Same).then_some(()).ok_or(trouble)
            }
            other => other,
        }
    }
}

/// Does something that may have to be done again after a while.
async fn again<T, F: Future<Output = Result<T, Trouble>>>(step: impl Fn() -> F) -> Result<T, Trouble> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match step().await {
            Err(trouble) => match trouble.kind {
                TroubleKind::Later(at_least) => tokio::time::sleep(pause.max(at_least).min(PAUSE_MAX)).await,
                _ => return Err(trouble),
            },
            done => return done,
        }
        pause = pause.saturating_mul(2);
    }
    step().await
}

async fn read(path: &Path, bytes_max: u64) -> Result<Picture, Trouble> {
    use tokio::io::AsyncReadExt as _;
    let unreadable = |error: io::Error| Trouble::refused(error.to_string());
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .await
        .map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Trouble::refused(format!(
            "larger than {bytes_max} bytes (upload_bytes)"
        )));
    }
    let digest = Sha256::digest(&bytes);
    Ok(Picture {
        filename: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: Bytes::from(bytes),
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

fn traits(arguments: &UploadArguments) -> Result<Traits, Failure> {
    let metadata = match &arguments.metadata {
        None => None,
        Some(text) => {
            let value = serde_json::from_str(text)
                .map_err(|error| Failure::Usage(format!("--metadata is not valid JSON: {error}")))?;
            Metadata::new(value).map_err(failed)?
        }
    };
    Ok(Traits {
        creator: arguments.creator.clone().filter(|creator| !creator.is_empty()),
        metadata,
        is_private: arguments.private,
    })
}

/// What a file's image is called, or why it cannot be called so.
fn naming(arguments: &UploadArguments, file: &Found) -> Result<Naming, String> {
    let shown = || file.path.to_string_lossy().into_owned();
    if let Some(id) = &arguments.id {
        if arguments.paths.len() > 1 || file.relative.is_some() {
            return Err("--id is for one file; use --prefix for more".to_owned());
        }
        return custom(id, arguments.private);
    }
    match &file.relative {
        _ if arguments.auto_ids => Ok(Naming::Noted(file.relative.clone().unwrap_or_else(shown))),
        Some(relative) => custom(&format!("{}{relative}", arguments.prefix), arguments.private),
        None if arguments.prefix.is_empty() => Ok(Naming::Made),
        None => {
            let name = file
                .path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or("its name is not UTF-8")?;
            custom(&format!("{}{name}", arguments.prefix), arguments.private)
        }
    }
}

fn custom(id: &str, is_private: bool) -> Result<Naming, String> {
    if is_private {
        return Err("a private image has no id of one's own; add --auto-ids".to_owned());
    }
    ImageId::custom(id)
        .map(Naming::Custom)
        .map_err(|error| format!("{id}: {error}"))
}

/// Where notes are kept, if any are taken.
fn notes_path(arguments: &UploadArguments, jobs: &[Job]) -> Option<PathBuf> {
    if !jobs.iter().any(|job| matches!(job.name, Naming::Noted(_))) {
        return None;
    }
    if let Some(state) = &arguments.state {
        return Some(state.clone());
    }
    let first = arguments.paths.first()?;
    let folder = if first.is_dir() {
        Some(first.as_path())
    } else {
        first.parent()
    };
    Some(folder.unwrap_or(Path::new(".")).join(NOTES_NAME))
}

fn tell_plan(jobs: &[Job], files: &Files) -> Result<(), Failure> {
    for job in jobs {
        let id = match &job.name {
            Naming::Custom(id) => id.as_str(),
            Naming::Noted(_) | Naming::Made => "(made by the server)",
        };
        print(&format!("{}  {id}", job.file.path.display()))?;
    }
    for (path, why) in &files.failures {
        print(&format!("{}  would fail: {why}", path.display()))?;
    }
    print(&format!(
        "{} to upload, {} would fail; skipped: {} hidden, {} no pictures, {} links",
        jobs.len(),
        files.failures.len(),
        files.hidden,
        files.others,
        files.links
    ))?;
    if files.failures.is_empty() {
        return Ok(());
    }
    Err(Failure::Other("some files cannot be uploaded".to_owned()))
}

fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::Other(error.to_string()))
}
