//! Many calls, by as many clients at once as one says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::{Connection, End, Head};
use crate::numbers::Numbers;
use crate::reader::{self, Body, Kind};
use crate::sources::{Source, Sources};

/// No answer rests for so long.
const PATIENCE: Duration = Duration::from_secs(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    Full,
    Quick,
}

impl Share {
    pub(crate) const fn concurrencies(self) -> &'static [usize] {
        match self {
            Self::Full => &[1, 8, 64],
            Self::Quick => &[1, 32],
        }
    }

    /// Large and small answers at each door.
    pub(crate) const fn counts(self) -> (usize, usize) {
        match self {
            Self::Full => (500, 10_000),
            Self::Quick => (12, 120),
        }
    }
}

/// Whom one asks.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    /// The service itself.
    Socket(PathBuf),
    /// The runtime, whose binding asks the service.
    Workerd(SocketAddr),
}

/// One call.
#[derive(Debug, Clone)]
struct Call {
    source: Arc<Source>,
    is_large: bool,
    kind: Kind,
    /// The connection is for further calls.
    keeps: bool,
    end: End,
    seed: u64,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) is_large: bool,
    pub(crate) result: Result<Body, String>,
}

pub(crate) struct Batch {
    calls: VecDeque<Call>,
    patience: Duration,
}

impl Batch {
    pub(crate) fn warm_up(sources: &Sources) -> Self {
        Self {
            calls: [call(&sources.large, true, Kind::Eager, 0)].into(),
            patience: PATIENCE,
        }
    }

    /// The same call again and again, by readers who do not wait long.
    pub(crate) fn of_one(source: &Arc<Source>, count: usize, patience: Duration) -> Self {
        let calls = (0..count as u64).map(|seed| Call {
            keeps: false,
            end: End::AtOnce,
            ..call(source, false, Kind::Eager, seed)
        });
        Self {
            calls: calls.collect(),
            patience,
        }
    }

    /// A batch's part of all calls: most with many clients, few with one.
    pub(crate) fn of(share: Share, concurrency: usize, phases: usize, sources: &Sources) -> Self {
        let (large, small) = share.counts();
        let percent = match concurrency {
            1 => 2,
            8 => 28,
            64 => 70,
            _ => 98,
        };
        let part = |count: usize| (count * percent).div_ceil(100 * phases);
        let mut numbers = Numbers::new(concurrency as u64);
        let mut calls: Vec<Call> = (0..part(large))
            .map(|n| call(&sources.large, true, Kind::ALL[n % 5], n as u64))
            .collect();
        calls.extend((0..part(small)).map(|n| {
            let source = &sources.small[numbers.below(sources.small.len())];
            call(source, false, Kind::ALL[n % 5], n as u64)
        }));
        // Large and small ones, and readers of all kinds, at the same time.
        for n in (1..calls.len()).rev() {
            calls.swap(n, numbers.below(n + 1));
        }
        Self {
            calls: calls.into(),
            patience: PATIENCE,
        }
    }

    /// Does all of them.
    pub(crate) fn run(self, door: &Door, concurrency: usize) -> Vec<Outcome> {
        let (calls, outcomes) = (Mutex::new(self.calls), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..concurrency {
                scope.spawn(|| {
                    let mut kept = None;
                    while let Some(call) = { calls.lock().expect("no panic").pop_front() } {
                        let result = ask(door, &call, &mut kept, self.patience);
                        let outcome = Outcome {
                            kind: call.kind,
                            is_large: call.is_large,
                            result,
                        };
                        outcomes.lock().expect("no panic").push(outcome);
                    }
                });
            }
        });
        outcomes.into_inner().expect("no panic")
    }
}

/// Small calls by so many clients until it is over.
pub(crate) fn run_until(door: &Door, clients: usize, sources: &Sources, is_over: &AtomicBool) -> Vec<Outcome> {
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for client in 0..clients {
            let outcomes = &outcomes;
            scope.spawn(move || {
                let mut kept = None;
                let mut seed = (client as u64) << 32;
                while !is_over.load(Ordering::Relaxed) {
                    seed += 1;
                    let source = &sources.small[seed as usize % sources.small.len()];
                    let call = call(source, false, Kind::Eager, seed);
                    let outcome = Outcome {
                        kind: call.kind,
                        is_large: false,
                        result: ask(door, &call, &mut kept, PATIENCE),
                    };
                    outcomes.lock().expect("no panic").push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().expect("no panic")
}

fn call(source: &Arc<Source>, is_large: bool, kind: Kind, seed: u64) -> Call {
    let mut numbers = Numbers::new(seed + 1);
    Call {
        source: source.clone(),
        is_large,
        kind,
        keeps: numbers.below(2) == 0,
        end: [End::AtOnce, End::Late, End::Never][numbers.below(3)],
        seed,
    }
}

/// One call, on the connection that is left of the last one if there is one.
fn ask(door: &Door, call: &Call, kept: &mut Option<Connection>, patience: Duration) -> Result<Body, String> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => match door {
            Door::Socket(path) => Connection::unix(path, patience),
            Door::Workerd(address) => Connection::tcp(*address, patience),
        }
        .map_err(|error| format!("no connection: {error}"))?,
    };
    let sent = match door {
        Door::Socket(_) => connection.send_form(&call.source.png, call.keeps, call.end),
        Door::Workerd(_) => connection.send_plain("POST", "/", &call.source.png, call.keeps),
    };
    sent.map_err(|error| format!("the request was not taken: {error}"))?;
    let Head { status, length, closes } = connection.read_head()?;
    if status != 200 || length != call.source.rgba.len() {
        return Err(format!("status {status}, {length} bytes announced"));
    }
    let is_direct = matches!(door, Door::Socket(_));
    if is_direct && call.end == End::Late {
        // A service that has closed its side by now is found out by what it has sent.
        let _ = connection.send_end();
    }
    let mut numbers = Numbers::new(call.seed + 7);
    let body = reader::read(&mut connection, &call.source.rgba, call.kind, &mut numbers);
    if body == Body::Whole {
        if is_direct && call.end == End::Never {
            // The service waits for the end of the request for a while.
        } else if call.keeps && !closes {
            *kept = Some(connection);
        } else if !connection.is_at_end() {
            return Err("more came after the body, or no end".to_owned());
        }
    }
    Ok(body)
}
