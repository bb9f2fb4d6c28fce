//! The URL interface whose origin is the binding: what a Worker draws together, transformed again on its way out.

use std::fs;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use crate::Setup;
use crate::batch::Share;
use crate::client::{Connection, Head};
use crate::numbers::Numbers;
use crate::process::{Calotype, Workerd, free_address};
use crate::reader::{self, Body, Kind};

const PATIENCE: Duration = Duration::from_secs(50);
const CLIENTS: u64 = 8;
/// The width tells the calls apart, so that each is work of its own.
const WIDTHS: usize = 10;

/// How the nested calls went.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    pub(crate) calls: usize,
    pub(crate) left: usize,
    pub(crate) whole: usize,
    /// Everything else, in words.
    pub(crate) failures: Vec<String>,
}

pub(crate) fn run(setup: &Setup, share: Share) -> Nested {
    let socket = setup.work.join("images.sock");
    let address = free_address();
    let root = setup.work.join("root");
    fs::create_dir_all(&root).expect("a directory");
    let origin = format!("http://{address}");
    let service = Calotype::start(setup, &socket, Some(4 << 10), &["--origin", &origin]);
    let _workerd = Workerd::start_at(setup, &socket, address);
    // What the binding makes, twice: it must be the same. A second service that finds it as a file says what comes out of the URL interface.
    let composed = fetch(address, "/composed.jpg");
    let mut nested = Nested::default();
    if fetch(address, "/composed.jpg") != composed {
        nested
            .failures
            .push("the binding's result is another the second time".to_owned());
    }
    fs::write(root.join("composed.jpg"), composed).expect("a file");
    let root = root.display().to_string();
    let reference = Calotype::start(setup, &setup.work.join("reference.sock"), None, &["--root", &root]);
    let target = |width: usize| format!("/cdn-cgi/image/width={},format=png-force/composed.jpg", 500 + width);
    let expected: Vec<Vec<u8>> = (0..WIDTHS)
        .map(|width| fetch(reference.address, &target(width)))
        .collect();

    let count = match share {
        Share::Full => 500,
        Share::Quick => 16,
    };
    let all = Mutex::new(nested);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (all, expected, target) = (&all, &expected, &target);
            scope.spawn(move || {
                for n in (client..count).step_by(CLIENTS as usize) {
                    let width = n as usize % WIDTHS;
                    let kind = Kind::ALL[n as usize % Kind::ALL.len()];
                    let result = ask(service.address, &target(width), &expected[width], kind, n);
                    let mut all = all.lock().expect("no panic");
                    all.calls += 1;
                    match result {
                        Ok(Body::Whole) => all.whole += 1,
                        Ok(Body::Left) => all.left += 1,
                        Ok(other) => all.failures.push(format!("{other:?}")),
                        Err(error) => all.failures.push(error),
                    }
                }
            });
        }
    });
    all.into_inner().expect("no panic")
}

fn ask(address: SocketAddr, target: &str, expected: &[u8], kind: Kind, seed: u64) -> Result<Body, String> {
    let mut connection = Connection::tcp(address, PATIENCE).map_err(|error| error.to_string())?;
    connection
        .send_plain("GET", target, b"", true)
        .map_err(|error| error.to_string())?;
    let Head { status, length, .. } = connection.read_head()?;
    if status != 200 || length != expected.len() {
        return Err(format!(
            "status {status}, {length} bytes announced instead of {}",
            expected.len()
        ));
    }
    Ok(reader::read(&mut connection, expected, kind, &mut Numbers::new(seed)))
}

/// A whole body, read at once.
fn fetch(address: SocketAddr, target: &str) -> Vec<u8> {
    let mut connection = Connection::tcp(address, PATIENCE).expect("a connection");
    connection.send_plain("GET", target, b"", true).expect("a request");
    let Head { status, length, .. } = connection.read_head().expect("a head");
    let mut body = vec![0; length];
    std::io::Read::read_exact(&mut connection, &mut body).expect("a body");
    assert_eq!(
        status,
        200,
        "{target}: {}",
        String::from_utf8_lossy(&body[..length.min(500)])
    );
    body
}
