//! Engines here are closures over channels: a job starts, hangs and ends when the test says so.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use calotype_engine::NoModels;
use calotype_plan::{OutputFormat, Size};

use super::*;

fn outcome(text: &str) -> Outcome {
    Outcome {
        bytes: text.into(),
        content_type: "image/png",
        format: OutputFormat::Png { palette: false },
        size: Some(Size::new(1, 1)),
        warnings: Vec::new(),
        passed_through: false,
        decode_ms: 0,
        encode_ms: 0,
        memory_peak_bytes: 0,
        steps: Vec::new(),
    }
}

fn settings(threads: usize, queue_max: usize, memory_bytes_max: u64) -> WorkerSettings {
    WorkerSettings {
        threads,
        queue_max,
        memory_bytes_max,
        ..WorkerSettings::default()
    }
}

/// A task that costs its length.
fn task(text: &'static str) -> Task {
    Task {
        source: Bytes::from_static(text.as_bytes()),
        ..Task::default()
    }
}

fn by_length(task: &Task, _: &Limits) -> u64 {
    task.source.len() as u64
}

/// An engine whose jobs say that they started and wait to be told their end.
struct Gate {
    started: mpsc::Receiver<()>,
    finish: mpsc::Sender<Result<Outcome, Fault>>,
}

fn gated(settings: WorkerSettings) -> (InProcess, Gate) {
    let (say_started, started) = mpsc::channel();
    let (finish, told) = mpsc::channel();
    let channels = Mutex::new((say_started, told));
    let worker = InProcess::with_engine(settings, by_length, move |_, _| {
        let channels = channels.lock().expect("no panic");
        channels.0.send(()).expect("the test listens");
        channels.1.recv().expect("the test tells")
    });
    (worker.expect("threads start"), Gate { started, finish })
}

/// Gives a future its first poll, which must not finish it.
fn begin(future: &mut JobFuture) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(future).poll(&mut context), Poll::Pending));
}

#[tokio::test]
async fn a_result_says_how_long_it_waited() {
    let (worker, gate) = gated(settings(1, 4, 100));
    let mut first = worker.run(task("a"));
    begin(&mut first);
    gate.started.recv().expect("it starts");
    let mut second = worker.run(task("b"));
    begin(&mut second);
    let submitted = Instant::now();
    while submitted.elapsed() < Duration::from_millis(3) {
        std::hint::spin_loop();
    }
    gate.finish.send(Ok(outcome("one"))).expect("it listens");
    gate.finish.send(Ok(outcome("two"))).expect("it listens");
    assert_eq!(first.await.expect("done").outcome.bytes, b"one");
    let second = second.await.expect("done");
    assert_eq!(second.outcome.bytes, b"two");
    assert!(second.queue_ms >= 3, "{}", second.queue_ms);
}

#[tokio::test]
async fn faults_of_the_engine_pass_as_they_are() {
    let (worker, gate) = gated(settings(1, 4, 100));
    let fault = Fault::new(FaultKind::DecodeFailed, "cut short");
    gate.finish.send(Err(fault.clone())).expect("it listens");
    assert_eq!(worker.run(task("a")).await, Err(fault));
    assert_eq!((worker.stats().done, worker.stats().failed), (1, 1));
}

#[tokio::test]
async fn a_full_queue_is_9522_with_a_time_to_come_back() {
    let (worker, gate) = gated(settings(1, 1, 100));
    let mut running = worker.run(task("a"));
    begin(&mut running);
    gate.started.recv().expect("it starts");
    let mut waiting = worker.run(task("b"));
    begin(&mut waiting);
    let fault = worker.run(task("c")).await.expect_err("no place");
    assert_eq!((fault.code(), fault.status()), (9522, 503));
    assert_eq!(worker.stats().refused, 1);
    assert!(worker.retry_after() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_task_that_can_never_fit_is_9413_and_says_what_it_needs() {
    let (worker, _gate) = gated(settings(1, 4, 2));
    let fault = worker.run(task("abc")).await.expect_err("too large");
    assert_eq!((fault.code(), fault.status()), (9413, 403));
    assert!(fault.public_message().contains("needs about 1 MB"), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_hangs_is_answered_at_its_deadline_and_its_bytes_stay_charged_until_it_ends() {
    let (worker, gate) = gated(settings(1, 4, 100));
    let start = tokio::time::Instant::now();
    let mut hanging = worker.run(task("abc"));
    begin(&mut hanging);
    // The paused clock jumps as soon as nothing else is to do, so the job must be on its thread before.
    gate.started.recv().expect("it starts");
    let fault = hanging.await.expect_err("too slow");
    assert_eq!((fault.code(), fault.status()), (9529, 504));
    // The timer's grain is a millisecond.
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!((worker.stats().running, worker.stats().bytes_in_use), (1, 3));
    // The thread takes the next job once it is free.
    let mut next = worker.run(task("d"));
    begin(&mut next);
    gate.finish.send(Ok(outcome("late"))).expect("it listens");
    gate.started.recv().expect("it starts");
    tokio::time::resume();
    gate.finish.send(Ok(outcome("next"))).expect("it listens");
    assert_eq!(next.await.expect("done").outcome.bytes, b"next");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_past_its_deadline_leaves_the_queue() {
    let (worker, gate) = gated(settings(1, 4, 100));
    let mut running = worker.run(task("a"));
    begin(&mut running);
    gate.started.recv().expect("it starts");
    let fault = worker.run(task("b")).await.expect_err("too slow");
    assert_eq!((fault.code(), fault.status()), (9529, 504));
    assert_eq!((worker.stats().queued, worker.stats().abandoned), (0, 1));
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_waiting_job_along() {
    let (worker, gate) = gated(settings(1, 4, 100));
    let mut running = worker.run(task("a"));
    begin(&mut running);
    gate.started.recv().expect("it starts");
    let mut waiting = worker.run(task("b"));
    begin(&mut waiting);
    assert_eq!(worker.stats().queued, 1);
    drop(waiting);
    assert_eq!((worker.stats().queued, worker.stats().abandoned), (0, 1));
}

#[tokio::test]
async fn a_future_that_is_never_polled_asks_for_nothing() {
    let (worker, _gate) = gated(settings(1, 4, 100));
    drop(worker.run(task("a")));
    assert_eq!(worker.stats(), WorkerStats::default());
}

#[tokio::test]
async fn a_panic_is_9523_tells_the_client_nothing_and_the_thread_lives_on() {
    let worker = InProcess::with_engine(settings(1, 4, 100), by_length, |task, _| {
        assert_ne!(&task.source[..], b"bad", "index 7 out of range at /src/secret.rs");
        Ok(outcome("good"))
    })
    .expect("threads start");
    let fault = worker.run(task("bad")).await.expect_err("a panic");
    assert_eq!((fault.code(), fault.status()), (9523, 500));
    assert!(!fault.public_message().contains("secret.rs"), "{fault}");
    assert!(
        fault.detail().is_some_and(|detail| detail.contains("secret.rs")),
        "{:?}",
        fault.detail()
    );
    assert_eq!(worker.run(task("fine")).await.expect("done").outcome.bytes, b"good");
}

#[tokio::test]
async fn a_panic_while_reading_headers_is_9523_wherever_they_are_read() {
    let worker = InProcess::with_engine(
        settings(1, 4, u64::MAX),
        |_, _| panic!("bad header"),
        |_, _| Ok(outcome("x")),
    )
    .expect("threads start");
    for length in [1, PROBE_INLINE_BYTES_MAX + 1] {
        let task = Task {
            source: vec![0; length].into(),
            ..Task::default()
        };
        let fault = worker.run(task).await.expect_err("a panic");
        assert_eq!((fault.code(), fault.status()), (9523, 500), "{length}");
    }
}

#[tokio::test]
async fn the_engine_learns_the_deadline() {
    let before = Instant::now();
    let (say, said) = mpsc::channel();
    let worker = InProcess::with_engine(settings(1, 4, 100), by_length, move |_, deadline| {
        say.send(deadline).expect("the test listens");
        Ok(outcome("x"))
    })
    .expect("threads start");
    worker.run(task("a")).await.expect("done");
    let deadline = said.recv().expect("said");
    assert!(deadline >= before + Duration::from_secs(30) && deadline <= Instant::now() + Duration::from_secs(30));
}

#[test]
fn the_time_to_come_back_follows_the_work_ahead() {
    let stats = |queued, running, done, busy_ms| WorkerStats {
        queued,
        running,
        done,
        busy_ms,
        ..WorkerStats::default()
    };
    let seconds = |stats, threads| retry_after(&stats, threads).as_secs();
    assert_eq!(seconds(stats(0, 0, 0, 0), 4), 1);
    // 44 jobs of 500 ms on 4 threads: 5.5 s.
    assert_eq!(seconds(stats(40, 4, 10, 5000), 4), 6);
    assert_eq!(seconds(stats(10_000, 4, 10, 5000), 4), 30);
}

#[tokio::test]
async fn the_real_engine_answers_through_the_queue() {
    let worker = InProcess::start(WorkerSettings::default(), Arc::new(NoModels)).expect("threads start");
    let fault = worker.run(task("<html>no picture</html>")).await.expect_err("no image");
    assert_eq!((fault.code(), fault.status()), (9412, 415));

    let source = crate::cost::tests::png(40, 20);
    let task = Task {
        source,
        plan: crate::cost::tests::plan("w=20,format=webp"),
        ..Task::default()
    };
    let done = worker.run(task).await.expect("done");
    assert_eq!(done.outcome.size, Some(Size::new(20, 10)));
    assert!(done.outcome.bytes.starts_with(b"RIFF"));
    assert_eq!((worker.stats().done, worker.stats().bytes_in_use), (2, 0));
}
