//! A new service takes the socket while clients call, and the old one is stopped: nobody may notice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::Setup;
use crate::batch::{self, Door, Share};
use crate::process::{Calotype, Workerd};
use crate::reader::Body;

/// At each door.
const CLIENTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(800);

/// How the calls during restarts went.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    pub(crate) restarts: usize,
    pub(crate) calls: usize,
    pub(crate) failures: Vec<String>,
}

pub(crate) fn run(setup: &Setup, share: Share) -> Restarts {
    let socket = setup.work.join("images.sock");
    let mut services = vec![Calotype::start(setup, &socket, None, &[])];
    let mut workerd = Workerd::start(setup, &socket);
    let doors = [Door::Socket(socket.clone()), Door::Workerd(workerd.address)];
    let mut result = Restarts {
        restarts: match share {
            Share::Full => 20,
            Share::Quick => 2,
        },
        ..Restarts::default()
    };
    let is_over = AtomicBool::new(false);
    let outcomes = std::thread::scope(|scope| {
        let clients: Vec<_> = doors
            .iter()
            .map(|door| scope.spawn(|| batch::run_until(door, CLIENTS, &setup.sources, &is_over)))
            .collect();
        for _ in 0..result.restarts {
            sleep(PAUSE);
            let new = Calotype::start(setup, &socket, None, &[]);
            if let Some(old) = services.last_mut() {
                old.terminate();
            }
            services.push(new);
        }
        sleep(PAUSE);
        is_over.store(true, Ordering::Relaxed);
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("no panic"))
            .collect::<Vec<_>>()
    });
    workerd.stop();
    result.calls = outcomes.len();
    let wrong = outcomes
        .iter()
        .filter(|outcome| !matches!(outcome.result, Ok(Body::Whole | Body::Left)));
    result.failures = wrong
        .map(|outcome| format!("during a restart: {:?}", outcome.result))
        .collect();
    for mut service in services {
        service.stop();
    }
    if socket.exists() {
        result.failures.push("the last service left its socket".to_owned());
    }
    result
}
