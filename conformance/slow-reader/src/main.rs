//! Thousands of answers to readers of every kind, through a real Unix socket and through the real Workers runtime: not one may be short.
//!
//! `slow-reader self-test` shows that a server that cuts, stalls or changes its answers is noticed.
//! `slow-reader run` starts servers of its own and writes a report.

mod batch;
mod client;
mod nested;
mod numbers;
mod process;
mod reader;
mod report;
mod restarts;
mod self_test;
mod sources;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use batch::{Batch, Door, Share};
use process::{Calotype, Workerd};
use report::{Phase, Report};
use sources::Sources;

/// Send buffers of the service: what the system holds of an answer while its reader waits.
const SEND_BUFFERS: [Option<usize>; 3] = [Some(4 << 10), None, Some(8 << 20)];

/// Where things are.
pub(crate) struct Setup {
    pub(crate) calotype: PathBuf,
    pub(crate) workerd: PathBuf,
    pub(crate) workers: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) sources: Sources,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["self-test"] => self_test::run(),
        ["run", share, calotype, workerd, workers, sources, work, report] => {
            let setup = Setup {
                calotype: calotype.into(),
                workerd: workerd.into(),
                workers: workers.into(),
                work: work.into(),
                sources: Sources::read(sources.as_ref()),
            };
            let share = if *share == "full" { Share::Full } else { Share::Quick };
            run(&setup, share, report)
        }
        _ => {
            eprintln!("slow-reader self-test | run full|quick CALOTYPE WORKERD WORKERS SOURCES WORK REPORT");
            ExitCode::from(2)
        }
    }
}

fn run(setup: &Setup, share: Share, path: &str) -> ExitCode {
    let started = Instant::now();
    let mut report = Report::new(setup, share);
    let buffers = match share {
        Share::Full => &SEND_BUFFERS[..],
        Share::Quick => &SEND_BUFFERS[..1],
    };
    for send_buffer in buffers {
        let socket = setup.work.join("images.sock");
        let mut calotype = Calotype::start(setup, &socket, *send_buffer, &[]);
        let mut workerd = Workerd::start(setup, &socket);
        let doors = [Door::Socket(socket), Door::Workerd(workerd.address)];
        for door in &doors {
            // One answer at each door first: what is opened once is open then.
            Batch::warm_up(&setup.sources).run(door, 1);
        }
        let before = calotype.descriptors();
        for door in &doors {
            for concurrency in share.concurrencies() {
                let batch = Batch::of(share, *concurrency, buffers.len(), &setup.sources);
                report.add(door, batch.run(door, *concurrency));
            }
        }
        workerd.stop();
        report.phases.push(Phase {
            send_buffer: *send_buffer,
            peak_bytes: calotype.peak_bytes(),
            descriptors_before: before,
            descriptors_after: calotype.settled_descriptors(before),
            spool_files: calotype.spool_files(),
            stop: calotype.stop(),
        });
    }
    report.nested = Some(nested::run(setup, share));
    report.restarts = restarts::run(setup, share);
    report.seconds = started.elapsed().as_secs();
    let text = report.text();
    std::fs::write(path, &text).expect("the report can be written");
    println!("{}", report.summary());
    if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        eprintln!("{text}");
        ExitCode::FAILURE
    }
}
