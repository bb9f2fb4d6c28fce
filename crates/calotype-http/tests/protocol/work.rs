//! Who computes, how often, and for whom.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calotype_engine::NoModels;
use calotype_plan::{Limits, Size};
use http_body_util::{BodyExt, Empty};
use tokio::sync::Semaphore;

use super::{get, small};
use crate::support::client::Request;
use crate::support::origin::{Origin, Step, ok};
use crate::support::pictures;
use crate::support::served::{Setup, real_worker};
use crate::support::worker::Gated;

/// The app without a socket, where it is certain that all requests are under way before the work goes on.
#[tokio::test]
async fn identical_requests_at_once_are_computed_once() {
    let worker = Gated::closed(real_worker(Limits::default(), Arc::new(NoModels)));
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.png"), small()).unwrap();
    std::fs::write(
        directory.path().join("b.png"),
        pictures::plain_png(Size::new(40, 40), [1, 2, 3]),
    )
    .unwrap();
    let mut setup = Setup::with_root(directory.path());
    setup.worker = Some(worker.clone());
    let (app, _) = setup.app();
    let ask = |target: &'static str| {
        let app = app.clone();
        tokio::spawn(async move {
            let request = http::Request::get(target).body(Empty::<Bytes>::new()).unwrap();
            let answer = app.handle(request).await.unwrap();
            assert_eq!(answer.status(), 200, "{target}");
            answer.into_body().collect().await.unwrap().to_bytes()
        })
    };
    let same: Vec<_> = [
        "/cdn-cgi/image/w=30/a.png",
        "/cdn-cgi/image/width=30,fit=scale-down/a.png",
        "/cdn-cgi/image/w=30,,/a.png",
    ]
    .into_iter()
    .cycle()
    .take(9)
    .map(ask)
    .collect();
    let others = [ask("/cdn-cgi/image/w=31/a.png"), ask("/cdn-cgi/image/w=30/b.png")];
    // The worker's gate is closed. Once one of each kind stands before it, the files are read, and a few turns of this one thread bring everybody else
    // to where they can only wait.
    while worker.started() < 3 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    worker.open();
    let mut bodies = Vec::new();
    for task in same {
        bodies.push(task.await.unwrap());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    for task in others {
        assert_ne!(task.await.unwrap(), bodies[0]);
    }
    assert_eq!(worker.started(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_work_with_it() {
    let gate = Arc::new(Semaphore::new(0));
    let origin = Origin::start().await;
    origin.on(
        "/slow.png",
        vec![Step::Wait(gate.clone()), Step::Send(ok(&[], &small()))],
    );
    origin.file("/a.png", &[], &small());
    let worker = Gated::open_from_the_start(real_worker(Limits::default(), Arc::new(NoModels)));
    let mut setup = Setup::with_origin(&origin);
    setup.worker = Some(worker.clone());
    // One place: the next connection is served when the first is gone.
    setup.server.connections_max = 1;
    let server = setup.serve().await;
    let mut leaving = server.connect().await;
    leaving.send(&Request::get("/cdn-cgi/image/w=30/slow.png")).await;
    while origin.targets().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(leaving);
    assert_eq!(server.get("/health").await.status, 200);
    gate.add_permits(1);
    server.ask(&get("w=30")).await.transformed();
    assert_eq!(worker.started(), 1, "the download of nobody was not transformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_lack_of_room_says_when_to_come_back() {
    let fault = calotype_plan::Fault::new(
        calotype_plan::FaultKind::Busy,
        "the server has too many images to process; try again shortly",
    );
    let origin = Origin::start().await;
    origin.file("/a.png", &[], &small());
    let mut setup = Setup::with_origin(&origin);
    setup.worker = Some(Arc::new(crate::support::worker::Always(Err(fault))));
    let server = setup.serve().await;
    let answer = server.ask(&get("w=30")).await;
    assert_eq!((answer.status, answer.code()), (503, Some(9522)));
    // What the worker says of its queue.
    assert_eq!(answer.header("retry-after"), Some("7"));
}
