//! Our own server on the stalled socket: what `tests/delivery` shows of plain hyper, and what hyper alone does not do.

#[allow(unreachable_pub, reason = "shared with tests/delivery and conformance/hyper-1.10")]
#[path = "../../tests/delivery/stalled_socket/mod.rs"]
pub(super) mod stalled_socket;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper_util::server::graceful::GracefulConnection as _;

use super::{HttpServer, Refuse, Socket};
use stalled_socket::{BoxError, MakeBody, Occasion, Serve, StalledSocket, Switch};

impl Socket for StalledSocket {
    type Read = Self;
    type Write = Self;

    fn halves(self) -> (Self, Self) {
        Self::halves(self)
    }

    fn write_now(write: &Self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(Self::write_now(write, bytes))
    }

    async fn gone(_: Self) {
        std::future::pending::<()>().await;
    }

    fn abort(write: Self) {
        Self::abort(write);
    }
}

const OURS: Serve = our_server;

fn our_server(
    socket: StalledSocket,
    make_body: MakeBody,
    stop: Switch,
) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>> {
    let second = Duration::from_secs(1);
    let refuse: Refuse = Box::new(|_| Bytes::new());
    let connection = HttpServer::new(second, second, 100).serve(socket, refuse, move |_| {
        let answer = Response::new(make_body());
        async move { Ok(answer) }
    });
    Box::pin(async move {
        let mut connection = std::pin::pin!(connection);
        let mut is_stopping = false;
        poll_fn(|cx| {
            if stop.is_on() && !std::mem::replace(&mut is_stopping, true) {
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(cx)
        })
        .await
    })
}

/// Timers can be made, and time stands still.
fn without_time(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _entered = runtime.enter();
    test();
}

#[test]
fn complete_answers_are_sent_whole_whatever_becomes_of_the_connection() {
    without_time(|| {
        for occasion in [
            Occasion::Kept,
            Occasion::Close,
            Occasion::UnreadRequest,
            Occasion::FinishedSending,
            Occasion::Stop,
        ] {
            stalled_socket::a_complete_answer_is_taken_whole(OURS, occasion);
        }
    });
}

#[test]
fn answers_that_another_thread_feeds_are_sent_whole_and_end_the_connection() {
    without_time(|| {
        for occasion in [
            Occasion::Close,
            Occasion::UnreadRequest,
            Occasion::FinishedSending,
            Occasion::Stop,
        ] {
            stalled_socket::a_fed_answer_is_taken_whole(OURS, occasion);
        }
    });
}

#[test]
fn the_end_of_a_body_that_comes_between_two_polls_is_sent() {
    without_time(|| stalled_socket::an_end_between_two_polls_is_sent(OURS));
}

#[test]
fn an_answer_that_is_given_up_is_never_ended_politely() {
    without_time(|| stalled_socket::an_answer_that_is_given_up_is_aborted(OURS));
}
