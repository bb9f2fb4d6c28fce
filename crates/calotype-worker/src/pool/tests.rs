//! Jobs here are closures that wait for channels, so that every order of events is one that the test brings about.

use std::sync::mpsc;

use super::*;

type Job = Box<dyn FnOnce() -> u32 + Send>;

fn pool(threads: usize, queue_max: usize, memory_bytes_max: u64) -> Pool<Job, u32> {
    Pool::start(
        PoolSize {
            threads,
            queue_max,
            memory_bytes_max,
        },
        |job: Job| (job(), true),
    )
    .expect("threads start")
}

/// A job that says when it starts and ends when it is told to.
struct Gate {
    started: mpsc::Receiver<()>,
    finish: mpsc::Sender<u32>,
}

fn gated() -> (Gate, Job) {
    let (say_started, started) = mpsc::channel();
    let (finish, told) = mpsc::channel();
    let job = Box::new(move || {
        say_started.send(()).expect("the test listens");
        told.recv().expect("the test tells")
    });
    (Gate { started, finish }, job)
}

fn at_once(value: u32) -> Job {
    Box::new(move || value)
}

async fn value(ticket: Ticket<Job, u32>) -> u32 {
    match ticket.ended().await {
        Some((_, Ended::Returned(value))) => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_runs_and_its_place_is_free_when_its_result_is_heard() {
    let pool = pool(1, 4, 100);
    assert_eq!(value(pool.submit(at_once(7), 60).expect("taken")).await, 7);
    let stats = pool.stats();
    assert_eq!(
        (
            stats.running,
            stats.bytes_in_use,
            stats.bytes_peak,
            stats.done,
            stats.failed
        ),
        (0, 0, 60, 1, 0)
    );
}

#[tokio::test]
async fn a_full_queue_refuses_and_says_so_in_the_stats() {
    let pool = pool(1, 1, 100);
    let (gate, job) = gated();
    let running = pool.submit(job, 1).expect("taken");
    gate.started.recv().expect("it starts");
    let waiting = pool.submit(at_once(2), 1).expect("the queue has room for one");
    assert_eq!(pool.submit(at_once(3), 1).err(), Some(NotTaken::QueueFull));
    assert_eq!(
        (pool.stats().queued, pool.stats().running, pool.stats().refused),
        (1, 1, 1)
    );
    gate.finish.send(1).expect("it listens");
    assert_eq!(value(running).await, 1);
    assert_eq!(value(waiting).await, 2);
}

#[tokio::test]
async fn a_queue_of_none_still_takes_what_can_start_at_once() {
    let pool = pool(1, 0, 100);
    let (gate, job) = gated();
    let running = pool.submit(job, 1).expect("a thread is free");
    assert_eq!(pool.submit(at_once(2), 1).err(), Some(NotTaken::QueueFull));
    gate.finish.send(1).expect("it listens");
    assert_eq!(value(running).await, 1);
    assert_eq!(value(pool.submit(at_once(3), 1).expect("free again")).await, 3);
}

#[tokio::test]
async fn jobs_start_only_while_their_bytes_fit_and_in_the_order_of_arrival() {
    let pool = pool(3, 8, 100);
    let (first, job) = gated();
    let first_ticket = pool.submit(job, 60).expect("taken");
    first.started.recv().expect("it starts");
    let (large, job) = gated();
    let large_ticket = pool.submit(job, 60).expect("taken");
    let (small, job) = gated();
    let small_ticket = pool.submit(job, 40).expect("taken");
    // Two threads are free and the small job would fit, but it came after the large one.
    assert_eq!(
        (pool.stats().queued, pool.stats().running, pool.stats().bytes_in_use),
        (2, 1, 60)
    );
    assert!(small.started.try_recv().is_err());
    first.finish.send(1).expect("it listens");
    assert_eq!(value(first_ticket).await, 1);
    large.started.recv().expect("it starts");
    small.started.recv().expect("it starts beside the large one");
    assert_eq!(
        (pool.stats().queued, pool.stats().running, pool.stats().bytes_in_use),
        (0, 2, 100)
    );
    large.finish.send(2).expect("it listens");
    small.finish.send(3).expect("it listens");
    assert_eq!((value(large_ticket).await, value(small_ticket).await), (2, 3));
    assert_eq!((pool.stats().bytes_in_use, pool.stats().bytes_peak), (0, 100));
}

#[tokio::test]
async fn a_job_larger_than_the_whole_budget_is_refused_at_once() {
    let pool = pool(1, 8, 100);
    assert_eq!(pool.submit(at_once(1), 101).err(), Some(NotTaken::TooLarge));
    assert_eq!(
        value(pool.submit(at_once(1), 100).expect("exactly the budget")).await,
        1
    );
}

#[tokio::test]
async fn a_panic_is_reported_its_bytes_come_back_and_the_thread_lives_on() {
    let pool = pool(1, 8, 100);
    let ticket = pool.submit(Box::new(|| panic!("decoder on fire")), 100).expect("taken");
    match ticket.ended().await {
        Some((_, Ended::Panicked(message))) => assert_eq!(message, "decoder on fire"),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        (pool.stats().bytes_in_use, pool.stats().done, pool.stats().failed),
        (0, 1, 1)
    );
    assert_eq!(value(pool.submit(at_once(5), 100).expect("taken")).await, 5);
}

#[tokio::test]
async fn a_waiting_job_whose_client_leaves_never_runs_and_frees_its_place() {
    let pool = pool(1, 1, 100);
    let (gate, job) = gated();
    let running = pool.submit(job, 1).expect("taken");
    gate.started.recv().expect("it starts");
    let (never, job) = gated();
    let abandoned = pool.submit(job, 1).expect("taken");
    drop(abandoned);
    assert_eq!((pool.stats().queued, pool.stats().abandoned), (0, 1));
    let next = pool.submit(at_once(3), 1).expect("the place is free");
    gate.finish.send(1).expect("it listens");
    assert_eq!((value(running).await, value(next).await), (1, 3));
    // The job was dropped with its channel, unstarted.
    assert_eq!(never.started.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

#[tokio::test]
async fn when_the_job_that_did_not_fit_leaves_the_one_behind_it_starts() {
    let pool = pool(2, 8, 100);
    let (first, job) = gated();
    let first_ticket = pool.submit(job, 60).expect("taken");
    first.started.recv().expect("it starts");
    let large = pool.submit(at_once(2), 60).expect("taken");
    let (small, job) = gated();
    let small_ticket = pool.submit(job, 40).expect("taken");
    drop(large);
    small.started.recv().expect("it starts");
    small.finish.send(3).expect("it listens");
    first.finish.send(1).expect("it listens");
    assert_eq!((value(first_ticket).await, value(small_ticket).await), (1, 3));
}

#[tokio::test]
async fn a_running_job_whose_client_leaves_gives_everything_back() {
    let pool = pool(1, 8, 100);
    let (gate, job) = gated();
    let left = pool.submit(job, 100).expect("taken");
    gate.started.recv().expect("it starts");
    drop(left);
    gate.finish.send(1).expect("it listens");
    assert_eq!(value(pool.submit(at_once(2), 100).expect("taken")).await, 2);
    assert_eq!((pool.stats().done, pool.stats().abandoned), (2, 0));
}

#[tokio::test]
async fn the_wait_in_the_queue_is_measured() {
    let pool = pool(1, 8, 100);
    let (gate, job) = gated();
    let before = Instant::now();
    let running = pool.submit(job, 1).expect("taken");
    gate.started.recv().expect("it starts");
    let started_within = before.elapsed();
    let waiting = pool.submit(at_once(2), 1).expect("taken");
    let submitted = Instant::now();
    // Time passes, whatever the scheduler does.
    while submitted.elapsed() < Duration::from_millis(3) {
        std::hint::spin_loop();
    }
    gate.finish.send(1).expect("it listens");
    let (first_wait, _) = running.ended().await.expect("it ended");
    let (wait, _) = waiting.ended().await.expect("it ended");
    assert!(wait >= Duration::from_millis(3), "{wait:?}");
    // Only the wait counts, not the run.
    assert!(first_wait <= started_within, "{first_wait:?}");
}

#[tokio::test]
async fn closing_gives_up_waiting_jobs_and_lets_running_ones_end() {
    let pool = pool(1, 8, 100);
    let (gate, job) = gated();
    let running = pool.submit(job, 1).expect("taken");
    gate.started.recv().expect("it starts");
    let waiting = pool.submit(at_once(2), 1).expect("taken");
    drop(pool);
    assert!(waiting.ended().await.is_none());
    gate.finish.send(1).expect("it listens");
    assert_eq!(value(running).await, 1);
}

#[tokio::test]
async fn under_a_thousand_jobs_the_budget_is_never_passed_and_none_is_lost() {
    let pool = pool(4, 1000, 10);
    let tickets: Vec<_> = (0..1000u32)
        .map(|n| {
            pool.submit(at_once(n), u64::from(n % 10) + 1)
                .expect("the queue has room")
        })
        .collect();
    for (n, ticket) in (0..1000).zip(tickets) {
        assert_eq!(value(ticket).await, n);
    }
    let stats = pool.stats();
    assert_eq!(
        (stats.done, stats.running, stats.queued, stats.bytes_in_use),
        (1000, 0, 0, 0)
    );
    assert!(stats.bytes_peak <= 10, "{}", stats.bytes_peak);
}
