//! Several surfaces on one socket: by path, the first that has it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use crate::access_log;
use crate::answer::{self, Answer};
use crate::digest;
use crate::drained::Drained;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request as a mounted surface gets it. Dropping it before its end reads the rest in the background, so that an early answer is heard.
pub type RequestBytes = UnsyncBoxBody<Bytes, BoxError>;

/// An answer on its way.
pub type AnswerFuture<'s> = Pin<Box<dyn Future<Output = Answer> + Send + 's>>;

/// A surface that can be mounted beside others.
pub trait Surface: Send + Sync {
    /// Its name in the access log.
    fn name(&self) -> &'static str;

    /// Whether a path is its own.
    fn has(&self, path: &str) -> bool;

    /// Answers a request to one of its paths. Digests, HEAD and the access log are the router's.
    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_>;
}

/// The surfaces of the binding's socket.
///
/// ```ignore
/// let router = Router::new().mount(Arc::new(app.binding(settings)?)).mount(Arc::new(api));
/// ```
#[derive(Default, Clone)]
pub struct Router {
    surfaces: Vec<Arc<dyn Surface>>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.surfaces.iter().map(|surface| surface.name());
        f.debug_list().entries(names).finish()
    }
}

impl Router {
    /// A router without surfaces, to which everything is 404.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a surface, which is asked after those that are there.
    #[must_use]
    pub fn mount(mut self, surface: Arc<dyn Surface>) -> Self {
        self.surfaces.push(surface);
        self
    }

    /// Answers one request and writes its line of the access log.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let wanted = digest::wanted(&parts.headers);
        let request = Request::from_parts(parts, Drained::new(body).map_err(Into::into).boxed_unsync());
        let surface = self.surfaces.iter().find(|surface| surface.has(&path));
        let mut answer = match surface {
            Some(surface) => surface.answer(request).await,
            None => answer::text(
                StatusCode::NOT_FOUND,
                "not found; the binding is at /info and /transform\n",
            ),
        };
        if let Some(algorithm) = wanted {
            digest::describe(&mut answer, algorithm).await;
        }
        tracing::info!(
            target: "calotype::access",
            surface = surface.map_or("-", |surface| surface.name()),
            %method,
            path = %access_log::path(&path, &answer),
            status = answer.status().as_u16(),
            bytes = answer.body().size_hint().exact(),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        answer::without_body_for_head(&method, answer)
    }
}
