//! A server that does wrong on purpose: whoever does not notice it proves nothing of others.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Batch, Door};
use crate::reader::Body;
use crate::sources::Source;

const BODY_BYTES: usize = 300_000;
/// Every third answer is wrong.
const WRONG_EVERY: usize = 3;
const CALLS: usize = 30;
/// A stalled answer is noticed after so long.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is wrong with the wrong ones.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    /// An orderly end after a part of the body.
    Cut,
    /// One byte is another.
    Byte,
    /// The rest never comes.
    Stall,
    /// More comes after the body.
    More,
    /// Nothing.
    Nothing,
}

pub(crate) fn run() -> ExitCode {
    let body: Vec<u8> = (0..BODY_BYTES).map(|n| (n * 7 / 5) as u8).collect();
    let source = Arc::new(Source {
        png: b"anything".to_vec(),
        rgba: body,
    });
    let directory = std::env::temp_dir().join(format!("slow-reader-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let mut is_good = true;
    for wrong in [Wrong::Cut, Wrong::Byte, Wrong::Stall, Wrong::More, Wrong::Nothing] {
        let path = directory.join(format!("{wrong:?}.sock"));
        let listener = UnixListener::bind(&path).expect("a socket");
        let answers = source.clone();
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let wrong = if n % WRONG_EVERY == 0 { wrong } else { Wrong::Nothing };
                let answers = answers.clone();
                std::thread::spawn(move || serve(stream.expect("a client"), &answers.rgba, wrong));
            }
        });
        let outcomes = Batch::of_one(&source, CALLS, PATIENCE).run(&Door::Socket(path), 4);
        let noticed = outcomes.iter().filter(|outcome| match (&outcome.result, wrong) {
            (Ok(Body::Short(_)), Wrong::Cut) | (Ok(Body::Stalled(_)), Wrong::Stall) | (Err(_), Wrong::More) => true,
            (Ok(Body::Differs(at)), Wrong::Byte) => *at <= BODY_BYTES / 2,
            _ => false,
        });
        let noticed = noticed.count();
        let whole = outcomes
            .iter()
            .filter(|outcome| matches!(outcome.result, Ok(Body::Whole)))
            .count();
        let expected = if matches!(wrong, Wrong::Nothing) {
            0
        } else {
            CALLS / WRONG_EVERY
        };
        println!("self-test: {wrong:?}: {noticed} of {expected} wrong answers noticed, {whole} whole");
        is_good &= noticed == expected && whole == CALLS - expected;
    }
    let _ = std::fs::remove_dir_all(&directory);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One answer to one request.
fn serve(mut stream: UnixStream, body: &[u8], wrong: Wrong) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"0\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    let head = answer.len();
    answer.extend_from_slice(body);
    match wrong {
        Wrong::Cut => answer.truncate(head + 8_192),
        Wrong::Byte => answer[head + BODY_BYTES / 2] ^= 1,
        Wrong::Stall => answer.truncate(head + BODY_BYTES / 2),
        Wrong::More => answer.push(0),
        Wrong::Nothing => {}
    }
    let _ = stream.write_all(&answer);
    if matches!(wrong, Wrong::Stall) {
        std::thread::sleep(4 * PATIENCE);
    }
}
