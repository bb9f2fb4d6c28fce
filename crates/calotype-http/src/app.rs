//! One request in, one answer out: which surface answers what.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use calotype_plan::Limits;
use calotype_worker::Worker;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use crate::access_log;
use crate::answer::{self, Answer, CF_RESIZED};
use crate::connection::{TARGET_BYTES_MAX, Unreadable};
use crate::digest;
use crate::drained::Drained;
use crate::hosted::{Hosted, HostedSettings};
use crate::refusal;
use crate::router::Surface;
use crate::sources::{OwnPictures, SourceSettings, Sources};
use crate::surface::api::{Api, Door, batch_path};
use crate::surface::binding::{Binding, BindingSettings};
use crate::surface::cf_image::CfImage;
use crate::surface::delivery::Delivery;
use crate::surface::playground::{self, Playground};
use crate::surface::upload::OneTimeUpload;
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
    /// Hosted images, if there is a place for them.
    pub hosted: Option<HostedSettings>,
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
    url: Arc<UrlSurface>,
    limits: Limits,
    playground: Option<Arc<Playground>>,
    hosted: Option<HostedSurfaces>,
    started: Instant,
    stopping: AtomicBool,
}

/// The surfaces of hosted images.
struct HostedSurfaces {
    hosted: Arc<Hosted>,
    api: Api,
    batch: Api,
    upload: OneTimeUpload,
    delivery: Delivery,
}

impl HostedSurfaces {
    fn new(hosted: Arc<Hosted>, delivery: Delivery) -> Self {
        Self {
            delivery,
            api: Api::new(hosted.clone(), Door::Public),
            batch: Api::new(hosted.clone(), Door::Batch),
            upload: OneTimeUpload::new(hosted.clone()),
            hosted,
        }
    }

    /// The surface that a request is for, if it is one of these.
    fn having(&self, parts: &http::request::Parts) -> Option<&dyn Surface> {
        if batch_path(&self.hosted, parts).is_some() {
            return Some(&self.batch);
        }
        if self.api.has(parts.uri.path()) {
            return Some(&self.api);
        }
        if self.hosted.urls.upload_path(parts).is_some() {
            return Some(&self.upload);
        }
        if self.hosted.delivery_path(parts).is_some() {
            return Some(&self.delivery);
        }
        None
    }
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
        let encoder_version = settings.encoder_version.clone();
        let url = Arc::new(UrlSurface::new(
            sources.clone(),
            settings.worker.clone(),
            settings.limits,
            settings.links_canonical,
            settings.encoder_version,
        ));
        let hosted = settings.hosted.map(|hosted| {
            let frames_area_px_max = settings.limits.animation_area_px_refused;
            let hosted = Arc::new(Hosted::new(hosted, settings.worker.clone(), frames_area_px_max));
            let delivery = Delivery::new(
                hosted.clone(),
                sources.clone(),
                settings.worker.clone(),
                settings.limits,
                encoder_version,
            );
            HostedSurfaces::new(hosted, delivery)
        });
        Self {
            sources,
            worker: settings.worker,
            hosted,
            url,
            limits: settings.limits,
            playground,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The Images binding, with this app's worker and bounds.
    ///
    /// # Errors
    /// When no file can be made in its spool directory.
    pub fn binding(&self, settings: BindingSettings) -> io::Result<Binding> {
        Binding::new(settings, self.sources.clone(), self.worker.clone(), self.limits)
    }

    /// `cf.image` of Workers, with this app's sources and worker.
    #[must_use]
    pub fn cf_image(&self) -> CfImage {
        CfImage::new(self.url.clone(), self.limits)
    }

    /// The management API for the binding's socket, if there are hosted images: no token is asked for there.
    #[must_use]
    pub fn binding_api(&self) -> Option<Arc<dyn Surface>> {
        let surfaces = self.hosted.as_ref()?;
        Some(Arc::new(Api::new(surfaces.hosted.clone(), Door::Socket)))
    }

    /// Tells the server's own address, which stands in URLs where neither the operator nor the client has named one.
    pub fn is_reached_at(&self, url: &str) {
        if let Some(surfaces) = &self.hosted {
            let _ = surfaces.hosted.urls.fallback.set(url.to_owned());
        }
    }

    /// From now on `/health` says that no more requests should come.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The bounds on images.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers a request that could not be read, and writes its line of the access log.
    pub(crate) fn refuse(&self, unreadable: &Unreadable) -> Answer {
        let (method, answer) = match unreadable {
            Unreadable::LongLine(line) => (line.method.as_str(), self.refuse_target(&line.target_start)),
            Unreadable::LongHeaders => ("-", refusal::long_headers()),
            Unreadable::Malformed => ("-", refusal::malformed()),
        };
        tracing::info!(
            target: "calotype::access",
            %method,
            path = "-",
            status = answer.status().as_u16(),
            bytes = answer.body().size_hint().exact(),
            duration_ms = 0_u64,
            resized = text_of(&answer, &CF_RESIZED),
        );
        answer
    }

    fn refuse_target(&self, start: &str) -> Answer {
        // A target in absolute form (RFC 9112, 3.2.2).
        let path = match start.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').and_then(|slash| rest.get(slash..)),
            _ => Some(start),
        };
        path.and_then(|path| self.url.refuse_long(path, TARGET_BYTES_MAX))
            .unwrap_or_else(|| {
                answer::text(
                    StatusCode::URI_TOO_LONG,
                    format!("the URL is longer than {TARGET_BYTES_MAX} bytes; shorten it\n"),
                )
            })
    }

    /// Answers one request and writes its line of the access log.
    ///
    /// # Errors
    /// Never; the type is what servers expect.
    pub async fn handle<B>(&self, request: Request<B>) -> Result<Answer, Infallible>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let mut answer = self.route(&parts, body).await;
        if let Some(algorithm) = digest::wanted(&parts.headers) {
            digest::describe(&mut answer, algorithm).await;
        }
        tracing::info!(
            target: "calotype::access",
            method = %parts.method,
            path = %self.logged_path(&parts, &answer),
            status = answer.status().as_u16(),
            bytes = text_of(&answer, &CONTENT_LENGTH),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            resized = text_of(&answer, &CF_RESIZED),
        );
        Ok(answer::without_body_for_head(&parts.method, answer))
    }

    async fn route<B>(&self, parts: &http::request::Parts, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = parts.uri.path();
        if let Some(answer) = self.url.serve(parts).await {
            return answer;
        }
        if let Some(surface) = self.hosted.as_ref().and_then(|surfaces| surfaces.having(parts)) {
            let body = Drained::new(body).map_err(Into::into).boxed_unsync();
            return surface.answer(Request::from_parts(parts.clone(), body)).await;
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

    /// A path as the log may have it: whoever reads one that takes an upload could use it.
    fn logged_path<'p>(&self, parts: &'p http::request::Parts, answer: &Answer) -> Cow<'p, str> {
        let takes_upload = |surfaces: &HostedSurfaces| surfaces.hosted.urls.upload_path(parts).is_some();
        if self.hosted.as_ref().is_some_and(takes_upload) {
            return "/upload/…".into();
        }
        access_log::path(parts.uri.path(), answer)
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

fn text_of<'a>(answer: &'a Answer, name: &HeaderName) -> &'a str {
    answer
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("-")
}
