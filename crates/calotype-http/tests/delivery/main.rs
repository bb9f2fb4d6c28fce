//! Under plain hyper: an HTTP/1 connection is not shut down before the last byte of its answer is taken. What it is about: [`stalled_socket`].
//!
//! The same file is built with an old hyper in `conformance/hyper-1.10`, where it has to fail; our own server is tested in `src/connection/delivery`.

#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, unreachable_pub, reason = "our own server uses all of it")]
mod stalled_socket;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use stalled_socket::{BoxError, MakeBody, Occasion, Serve, StalledSocket, Switch};

const HYPER: Serve = hyper_alone;

fn hyper_alone(
    socket: StalledSocket,
    make_body: MakeBody,
    stop: Switch,
) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>> {
    let service = service_fn(move |_| {
        let answer = http::Response::new(make_body());
        async move { Ok::<_, Infallible>(answer) }
    });
    Box::pin(async move {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        let mut connection = std::pin::pin!(connection);
        let mut is_stopping = false;
        poll_fn(|cx| {
            if stop.is_on() && !std::mem::replace(&mut is_stopping, true) {
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(cx)
        })
        .await
        .map_err(Into::into)
    })
}

#[test]
fn an_answer_to_a_request_that_was_not_read_to_its_end_is_sent_whole() {
    stalled_socket::a_complete_answer_is_taken_whole(HYPER, Occasion::UnreadRequest);
}

#[test]
fn a_body_that_another_thread_feeds_is_sent_whole_though_the_request_was_not_read_to_its_end() {
    stalled_socket::a_fed_answer_is_taken_whole(HYPER, Occasion::UnreadRequest);
}

#[test]
fn the_end_of_a_body_that_comes_between_two_polls_is_sent() {
    stalled_socket::an_end_between_two_polls_is_sent(HYPER);
}

// What the older versions did right too.

#[test]
fn an_answer_on_a_connection_that_is_kept_is_sent_whole() {
    stalled_socket::a_complete_answer_is_taken_whole(HYPER, Occasion::Kept);
    stalled_socket::a_fed_answer_is_taken_whole(HYPER, Occasion::Kept);
}

#[test]
fn an_answer_on_a_connection_that_is_to_be_closed_is_sent_whole() {
    stalled_socket::a_complete_answer_is_taken_whole(HYPER, Occasion::Close);
    stalled_socket::a_fed_answer_is_taken_whole(HYPER, Occasion::Close);
}

#[test]
fn an_answer_of_a_server_that_stops_is_sent_whole() {
    stalled_socket::a_complete_answer_is_taken_whole(HYPER, Occasion::Stop);
    stalled_socket::a_fed_answer_is_taken_whole(HYPER, Occasion::Stop);
}
