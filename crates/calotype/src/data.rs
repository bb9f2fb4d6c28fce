//! The directory of the server's own files: which one it is, and that only one server has it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::settings::Settings;

/// Its name among those of other programs.
const NAME: &str = "calotype";

/// Where a server keeps what is its own.
#[derive(Debug)]
pub(crate) enum Data {
    /// Here, until the lock is dropped.
    Here { directory: PathBuf, _lock: File },
    /// Nowhere: hosted images are off, for this reason.
    Nowhere(String),
}

impl Data {
    /// The directory of a server, made and locked.
    ///
    /// # Errors
    /// When it cannot be used. Only one that nobody named and that cannot be made is done without: a server that transforms other people's originals
    /// needs none.
    pub(crate) fn take(settings: &Settings) -> Result<Self, Failure> {
        if !settings.hosted {
            return Ok(Self::Nowhere("switched off".to_owned()));
        }
        if let Some(directory) = &settings.data {
            return make(directory).and_then(|()| lock(directory));
        }
        let Some(directory) = usual(|name| std::env::var_os(name)) else {
            return Ok(Self::Nowhere(
                "there is no home directory; name a directory with --data".to_owned(),
            ));
        };
        match make(&directory) {
            Ok(()) => lock(&directory),
            Err(failure) => Ok(Self::Nowhere(format!("{failure}; name another with --data"))),
        }
    }

    /// The directory, if there is one.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Here { directory, .. } => Some(directory),
            Self::Nowhere(_) => None,
        }
    }
}

/// The directory of a command that works on what a server keeps. One that nobody named has to be there: a command beside no server makes no store.
pub(crate) fn directory_of_command(settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(directory) = &settings.data {
        return Ok(directory.clone());
    }
    let usual = usual(|name| std::env::var_os(name));
    usual.clone().filter(|usual| usual.is_dir()).ok_or_else(|| {
        let place = usual.map_or_else(String::new, |usual| format!(", and {} is not there", usual.display()));
        Failure::Usage(format!(
            "no directory of hosted images is named{place}; name it with --data DIR or CALOTYPE_DATA, or start `calotype serve`, which makes it"
        ))
    })
}

/// Where a program's data is by convention: where systemd says, else where the XDG base directories say, else below the home directory.
fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let directory = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // systemd names several, with colons between them; the first is the service's own (systemd.exec(5)).
    if let Some(state) = variable("STATE_DIRECTORY").and_then(|state| std::env::split_paths(&state).next())
        && state.is_absolute()
    {
        return Some(state);
    }
    directory("XDG_DATA_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join(NAME))
}

fn wrong(directory: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("data directory {}: {why}", directory.display()))
}

fn make(directory: &Path) -> Result<(), Failure> {
    calotype_store::make_directory(directory).map_err(|error| wrong(directory, &error))
}

/// Two servers in one directory would tread on each other; the lock ends with the process.
fn lock(directory: &Path) -> Result<Data, Failure> {
    let lock = File::create(directory.join("lock")).map_err(|error| wrong(directory, &error))?;
    lock.try_lock().map_err(|_| {
        wrong(
            directory,
            &"another server is using it; stop that one, name another directory with --data, or serve without hosted images with --no-hosted",
        )
    })?;
    Ok(Data::Here {
        directory: directory.to_owned(),
        _lock: lock,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_directory_is_where_the_machine_says() {
        for (variables, want) in [
            (
                &[("STATE_DIRECTORY", "/var/lib/calotype:/var/lib/b"), ("HOME", "/root")][..],
                Some("/var/lib/calotype"),
            ),
            (&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")], Some("/x/calotype")),
            // "All paths set in these environment variables must be absolute. If […] relative […], ignore it" (XDG Base Directory Specification).
            (
                &[("XDG_DATA_HOME", "x"), ("HOME", "/h")],
                Some("/h/.local/share/calotype"),
            ),
            (&[("HOME", "/h")], Some("/h/.local/share/calotype")),
            (&[("HOME", "")], None),
            (&[], None),
        ] {
            let found = usual(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            });
            assert_eq!(found.as_deref(), want.map(Path::new), "{variables:?}");
        }
    }

    #[test]
    fn one_server_has_a_directory_until_it_ends() {
        let parent = tempfile::tempdir().unwrap();
        let settings = Settings {
            data: Some(parent.path().join("a/b")),
            ..Settings::default()
        };
        let first = Data::take(&settings).unwrap();
        let refused = Data::take(&settings).unwrap_err().to_string();
        assert!(
            refused.contains("another server") && refused.contains("--no-hosted"),
            "{refused}"
        );
        drop(first);
        assert_eq!(Data::take(&settings).unwrap().directory(), settings.data.as_deref());
        let off = Settings {
            hosted: false,
            ..settings
        };
        assert!(Data::take(&off).unwrap().directory().is_none());
    }
}
