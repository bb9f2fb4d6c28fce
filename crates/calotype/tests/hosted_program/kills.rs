//! The program is killed again and again while clients write; nothing that it had acknowledged may be missing, and nothing may be there by halves.
//!
//! `KILL_REQUESTS` says another number of changes, `KILL_SEED` another seed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::Client;
use crate::program::Place;
use crate::shelf::{Random, Shelf};

const SEED: u64 = 0x0ca1_0717;
const CLIENTS: u32 = 6;
/// Between two kills this many changes are acknowledged, at most.
const BETWEEN_MAX: u64 = 90;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_there_by_halves_when_the_program_is_killed() {
    killed(None, 2_000);
}

#[test]
fn nor_with_the_rows_in_postgresql() {
    if let Some(database) = crate::postgres::database() {
        killed(Some(database), 600);
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |number| number.parse().unwrap())
}

fn killed(database: Option<String>, changes: u64) {
    let (changes, seed) = (number("KILL_REQUESTS", changes), number("KILL_SEED", SEED));
    println!("seed {seed}, {changes} changes");
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("data"), database);
    let log = folder.path().join("log");
    let _shown = ShownOnFailure(&log);
    let mut random = Random(seed);
    let mut shelves: Vec<Shelf> = (0..CLIENTS).map(|number| Shelf::new(number, seed)).collect();
    let (mut done, mut kills) = (0, 0);
    while done < changes {
        let mut server = place.serve(&log, &[]);
        verify(&mut shelves, &place, &server.client);
        let target = 1 + random.below(BETWEEN_MAX);
        let pause = Duration::from_micros(random.below(6_000));
        done += write_until(&mut shelves, &server.client.clone(), target, || {
            std::thread::sleep(pause);
            server.kill();
        });
        kills += 1;
        // Before anything could be mended by a start.
        place.command(&["store", "check", "--bytes"]);
    }
    let server = place.serve(&log, &[]);
    verify(&mut shelves, &place, &server.client);
    drop(server);
    place.command(&["store", "check", "--bytes"]);
    let sum = |of: fn(&Shelf) -> u32| shelves.iter().map(of).sum::<u32>();
    let (interrupted, taken) = (
        sum(|shelf| shelf.tally.interrupted),
        sum(|shelf| shelf.tally.interrupted_and_done),
    );
    println!(
        "{} acknowledged, {kills} kills, {interrupted} interrupted, {taken} of those done all the same",
        sum(|shelf| shelf.tally.acknowledged)
    );
    assert!(interrupted > taken && taken > 0, "the kills came too early or too late");
    assert_no_panic(&log);
}

/// All clients write until `target` changes are acknowledged; then `end` runs, and they write on until the server is gone. How many it were.
fn write_until(shelves: &mut [Shelf], client: &Client, target: u64, end: impl FnOnce()) -> u64 {
    let acknowledged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let mut writers = Vec::new();
        for shelf in shelves {
            let acknowledged = &acknowledged;
            writers.push(scope.spawn(move || {
                while shelf.act(client).is_ok() {
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        while acknowledged.load(Ordering::Relaxed) < target
            && !writers.iter().any(std::thread::ScopedJoinHandle::is_finished)
        {
            std::thread::sleep(Duration::from_micros(200));
        }
        end();
    });
    acknowledged.load(Ordering::Relaxed)
}

/// Every image is as it should be, lists have all of them and no other, and the count is right.
fn verify(shelves: &mut [Shelf], place: &Place, client: &Client) {
    let expected: BTreeSet<String> = std::thread::scope(|scope| {
        let looking: Vec<_> = shelves
            .iter_mut()
            .map(|shelf| scope.spawn(|| shelf.verify(client, &place.hash)))
            .collect();
        looking.into_iter().flat_map(|shelf| shelf.join().unwrap()).collect()
    });
    let page = client.ask("GET", "v2").unwrap().result();
    let listed: BTreeSet<String> = page["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, expected);
    let stats = client.ask("GET", "v1/stats").unwrap().result();
    assert_eq!(stats["count"]["current"], expected.len());
}

/// What the servers logged tells why a test failed.
pub struct ShownOnFailure<'l>(pub &'l Path);

impl Drop for ShownOnFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.0).unwrap_or_default();
            let lines: Vec<&str> = log.lines().filter(|line| !line.contains("calotype::access")).collect();
            println!("{}", lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
}

pub fn assert_no_panic(log: &Path) {
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
