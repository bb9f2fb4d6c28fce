//! One request in, one answer out: which surface answers what.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use calotype_plan::Limits;
use calotype_worker::Worker;
use http::header::CONTENT_LENGTH;
use http::{Request, StatusCode};

use crate::answer::{self, Answer, CF_RESIZED};
use crate::sources::{OwnPictures, SourceSettings, Sources};
use crate::surface::playground::{self, Playground};
use crate::surface::url::UrlSurface;
use crate::surface::{ops, site};

pub use crate::surface::playground::PlaygroundSettings;

/// What the surfaces are made of.
pub struct AppSettings {
    /// Where originals come from.
    pub sources: SourceSettings,
    /// What does the work.
    pub worker: Arc<dyn Worker>,
    /// The bounds on images.
    pub limits: Limits,
    /// The playground, unless it is switched off.
    pub playground: Option<PlaygroundSettings>,
    /// Name the source as canonical on results (spec 13.1).
    pub links_canonical: bool,
    /// What the bytes of results depend on besides plan and source: part of every tag.
    pub encoder_version: String,
}

impl std::fmt::Debug for AppSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppSettings")
            .field("sources", &self.sources)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// All surfaces together. Answers requests without knowing where they came from.
pub struct App {
    sources: Arc<Sources>,
    worker: Arc<dyn Worker>,
    url: UrlSurface,
    playground: Option<Arc<Playground>>,
    started: Instant,
    stopping: AtomicBool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("sources", &self.sources)
            .field("worker", &self.worker.stats())
            .finish_non_exhaustive()
    }
}

impl App {
    /// The app.
    #[must_use]
    pub fn new(settings: AppSettings) -> Self {
        let playground = settings
            .playground
            .map(|playground| Arc::new(Playground::new(playground, settings.worker.clone())));
        let sources = Arc::new(Sources::new(
            settings.sources,
            playground.clone().map(|own| own as Arc<dyn OwnPictures>),
        ));
        let url = UrlSurface::new(
            sources.clone(),
            settings.worker.clone(),
            settings.limits,
            settings.links_canonical,
            settings.encoder_version,
        );
        Self {
            sources,
            worker: settings.worker,
            url,
            playground,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on `/health` says that no more requests should come.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Answers one request and writes its line of the access log.
    ///
    /// # Errors
    /// Never; the type is what servers expect.
    pub async fn handle<B>(&self, request: Request<B>) -> Result<Answer, Infallible>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let answer = self.route(&parts, body).await;
        let header = |name| {
            answer
                .headers()
                .get(name)
                .and_then(|value: &http::HeaderValue| value.to_str().ok())
                .unwrap_or("-")
        };
        tracing::info!(
            target: "calotype::access",
            method = %parts.method,
            path = %parts.uri.path(),
            status = answer.status().as_u16(),
            bytes = header(CONTENT_LENGTH),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            resized = header(CF_RESIZED),
        );
        Ok(answer::without_body_for_head(&parts.method, answer))
    }

    async fn route<B>(&self, parts: &http::request::Parts, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = parts.uri.path();
        if let Some(answer) = self.url.serve(parts).await {
            return answer;
        }
        if path == "/health" {
            return ops::health(
                &parts.method,
                &self.worker.stats(),
                self.uptime(),
                self.stopping.load(Ordering::Relaxed),
            );
        }
        if let Some(playground) = &self.playground {
            if path.starts_with("/-/") {
                return playground.serve(parts, body).await;
            }
            if path == "/-" || (path == "/" && !self.sources.has_site()) {
                return playground::redirect_to_playground();
            }
        }
        if path.starts_with("/cdn-cgi/") {
            // Never asked of the origin: these paths belong to the service.
            return answer::text(
                StatusCode::NOT_FOUND,
                "not found; transforms are at /cdn-cgi/image/<options>/<source>\n",
            );
        }
        if !self.sources.has_site() {
            return answer::text(
                StatusCode::NOT_FOUND,
                "not found; this server has no files of its own (--root, --origin)\n",
            );
        }
        site::serve(parts, &self.sources).await
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
