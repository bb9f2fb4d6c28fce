//! An S3 server of the tests' own, over a temporary directory, for as long as their process lives.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use calotype_store::RemoteSettings;

/// The key that the server takes.
pub(crate) const ACCESS_KEY: &str = "calotype-test";
/// The secret of that key.
pub(crate) const SECRET_KEY: &str = "a secret that no log may show";
/// The server ends when the tests' end of its input does. It tells its address in its log alone.
const SCRIPT: &str = r#"
    set -e
    RUST_LOG=s3s_fs=info NO_COLOR=1 "$2" --host 127.0.0.1 --port 0 --access-key "$3" --secret-key "$4" "$1/objects" >"$1/log" 2>&1 </dev/null &
    server=$!
    until grep -q 'running at http' "$1/log"; do kill -0 $server; sleep 0.05; done
    sed -n 's/.*running at \(http:[^ ]*\).*/\1/p' "$1/log"
    cat >/dev/null
    kill $server
    rm -rf "$1"
"#;

/// A bucket of a server.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    /// Where the server is, as `http://127.0.0.1:9000`.
    pub(crate) endpoint: String,
    /// Its name.
    pub(crate) name: String,
    /// The directory that has its objects as files.
    pub(crate) directory: PathBuf,
}

struct Server {
    endpoint: String,
    directory: PathBuf,
    buckets: AtomicU32,
    _input: ChildStdin,
    _child: Child,
}

/// An empty bucket, if there is a server.
pub(crate) fn bucket() -> Option<Bucket> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(Server::start).as_ref()?;
    let name = format!("bucket-{}", server.buckets.fetch_add(1, Ordering::Relaxed));
    let directory = server.directory.join(&name);
    fs::create_dir(&directory).unwrap();
    Some(Bucket {
        endpoint: server.endpoint.clone(),
        name,
        directory,
    })
}

impl Bucket {
    /// The settings of a store below a prefix of the bucket.
    pub(crate) fn settings(&self) -> RemoteSettings {
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        RemoteSettings {
            url: format!("s3://{}/images/originals", self.name),
            options: vec![
                option("endpoint", &self.endpoint),
                option("allow_http", "true"),
                option("access_key_id", ACCESS_KEY),
                option("secret_access_key", SECRET_KEY),
            ],
        }
    }
}

impl Server {
    #[expect(clippy::print_stdout, reason = "what was left out must be seen")]
    fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "s3s-fs is not installed");
            println!("left out: s3s-fs is not installed (scripts/setup.sh test)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap().keep();
        fs::create_dir(directory.join("objects")).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "s3"])
            .args([&directory, &program])
            .args([ACCESS_KEY, SECRET_KEY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(
            line.starts_with("http"),
            "s3s-fs starts; see {}/log",
            directory.display()
        );
        Some(Self {
            endpoint: line.trim().to_owned(),
            directory: directory.join("objects"),
            buckets: AtomicU32::new(0),
            _input: child.stdin.take().unwrap(),
            _child: child,
        })
    }
}

/// Where scripts/setup.sh puts it, or on the path.
fn program() -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(tools)
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("s3s-fs"))
        .find(|program| program.is_file())
}
