//! A PostgreSQL of the tests' own, in a temporary directory, for as long as their process lives.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;
/// The server ends when the tests' end of its input does.
const SCRIPT: &str = r#"
    set -e
    cd "$1"
    "$2/initdb" -D "$1/data" -U calotype --auth=trust -E UTF8 --no-sync >/dev/null
    "$2/pg_ctl" -D "$1/data" -w -l "$1/log" -o "-c listen_addresses= -c unix_socket_directories=$1 -c fsync=off -c max_connections=500" start >/dev/null
    echo ready
    cat >/dev/null
    "$2/pg_ctl" -D "$1/data" -m immediate stop >/dev/null
    cd /
    rm -rf "$1"
"#;

struct Server {
    directory: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    _input: ChildStdin,
    _child: Child,
}

/// The URL of an empty database, if there is a server.
pub(crate) fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(Server::start).as_ref()?;
    let name = format!("t{}", server.databases.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(server.programs.join("createdb"))
        .args(["-h".as_ref(), server.directory.as_os_str()])
        .args(["-U", "calotype", &name])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(format!(
        "postgres://calotype@localhost/{name}?host={}",
        server.directory.display()
    ))
}

impl Server {
    #[expect(clippy::print_stdout, reason = "what was left out must be seen")]
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "PostgreSQL is not installed"
            );
            println!("left out: PostgreSQL is not installed");
            return None;
        };
        let directory = tempfile::tempdir().unwrap().keep();
        let is_root =
            fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
        let mut command = if is_root {
            chown(&directory, Some(NOBODY), Some(NOBODY)).unwrap();
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        let mut child = command
            .args(["-c", SCRIPT, "postgres"])
            .args([&directory, &programs])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n", "PostgreSQL starts; see {}/log", directory.display());
        Some(Self {
            directory,
            programs,
            databases: AtomicU32::new(0),
            _input: child.stdin.take().unwrap(),
            _child: child,
        })
    }
}

/// The directory of the server's programs: Debian keeps them away from the path.
fn programs() -> Option<PathBuf> {
    let of_debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = of_debian.map(|version| version.path().join("bin")).collect();
    places.sort();
    places.reverse();
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let has = |place: &Path, program: &str| place.join(program).is_file();
    places.into_iter().find(|place| {
        ["initdb", "pg_ctl", "createdb"]
            .iter()
            .all(|program| has(place, program))
    })
}
