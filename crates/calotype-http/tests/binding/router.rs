//! Surfaces beside the binding on its socket.

use std::sync::Arc;

use bytes::Bytes;
use calotype_http::{AnswerFuture, BindingServer, RequestBytes, Router, Surface};
use calotype_plan::Size;
use calotype_source::SourceMemory;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};

use crate::form::{Connection, Form};
use crate::service::{Bounds, Running, binding};
use crate::support::pictures;
use crate::support::served::Setup;

/// Says how much came, or, at `/other/early`, nothing of it.
struct Counting;

impl Surface for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn has(&self, path: &str) -> bool {
        path.starts_with("/other/")
    }

    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_> {
        Box::pin(async move {
            let body = if request.uri().path() == "/other/early" {
                Bytes::from("early")
            } else {
                let bytes = request.into_body().collect().await.unwrap().to_bytes();
                Bytes::from(bytes.len().to_string())
            };
            let length = body.len();
            let mut answer = Response::new(Full::new(body));
            answer.headers_mut().insert("content-length", length.into());
            answer
        })
    }
}

#[tokio::test]
async fn each_path_is_answered_by_the_surface_that_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.sock");
    let (app, settings) = Setup::default().app();
    let memory = SourceMemory::new(1 << 30);
    let router = Router::clone(&binding(&app, &memory, directory.path(), &Bounds::default())).mount(Arc::new(Counting));
    let server = Running::start(BindingServer::bind(&path, 0o600, Arc::new(router), settings).unwrap());
    let mut connection = Connection::open(&path).await;
    let picture = pictures::plain_png(Size::new(3, 2), [9, 8, 7]);
    let call = Form::call(&picture, "[]", "rgb").whole();
    let large = vec![1; 20 << 20];
    for (target, body, status, answer) in [
        ("/other/count", &call, 200, call.len().to_string()),
        (
            "/transform",
            &call,
            200,
            String::from_utf8_lossy(&[9, 8, 7].repeat(6)).into_owned(),
        ),
        ("/other/early", &large, 200, "early".to_owned()),
        (
            "/others",
            &call,
            404,
            "not found; the binding is at /info and /transform\n".to_owned(),
        ),
        ("/other/", &call, 200, call.len().to_string()),
    ] {
        // All on one connection: what is left of a request is read out, whoever answers it.
        let found = connection.ask(target, body, 60_000).await;
        assert_eq!((found.status, found.text()), (status, answer), "{target}");
    }
    server.ended().await;
}
