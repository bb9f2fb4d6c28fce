//! Hosted images, shown to the world (spec 7 to 9).

mod refusal;
mod target;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use calotype_plan::{
    AcceptedFormats, Door, Fault, FormatChoice, Limits, Options, Planned, Signed, Warning, verify_url,
};
use calotype_store::{Account, Image, Original, Variant};
use calotype_worker::{Task, Worker};
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::Full;

use self::refusal::{CF_IMAGES, Refusal};
use self::target::{Recipe, Target};
use crate::answer::{self, Answer, CF_CACHE_STATUS, CF_RESIZED};
use crate::client::{self, PublicBase, Trail};
use crate::conditional;
use crate::flight::Flights;
use crate::hosted::{DEFAULT_BROWSER_TTL_S, DELIVERY_PREFIX, Hosted};
use crate::router::{AnswerFuture, RequestBytes, Surface};
use crate::sources::Sources;

const ALLOWED: &str = "GET, HEAD, OPTIONS";
/// How long a browser keeps a private image at most, and how long if its URL never expires (D67).
const PRIVATE_TTL_S_MAX: u64 = 31_536_000;
const PRIVATE_TTL_S: u64 = 3_600;
/// An SVG is a picture, and no document that runs (D31).
const SVG_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

/// That a transform ran (spec 7.3).
const DONE: HeaderValue = HeaderValue::from_static(concat!("internal=ok/m v=", env!("CARGO_PKG_VERSION")));

/// The surface.
pub(crate) struct Delivery {
    hosted: Arc<Hosted>,
    sources: Arc<Sources>,
    worker: Arc<dyn Worker>,
    limits: Limits,
    /// What the bytes of a result depend on besides plan and original.
    encoder_version: String,
    flights: Flights<String, Result<Rendered, Failed>>,
}

/// What a transform gave, for everybody who asked for it at once.
#[derive(Debug, Clone)]
struct Rendered {
    bytes: Bytes,
    content_type: &'static str,
    warnings: Vec<Warning>,
}

/// Why there is none, for everybody too.
#[derive(Debug, Clone)]
enum Failed {
    Work(Fault),
    Storage { is_busy: bool, detail: String },
}

/// A request whose image may be seen.
struct Shown<'r> {
    parts: &'r Parts,
    account: Account,
    image: Image,
    planned: Planned,
    accepted: AcceptedFormats,
    cache_control: String,
    /// The variant's name, for the counts; empty for options.
    variant: String,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

impl Delivery {
    pub(crate) fn new(
        hosted: Arc<Hosted>,
        sources: Arc<Sources>,
        worker: Arc<dyn Worker>,
        limits: Limits,
        encoder_version: String,
    ) -> Self {
        Self {
            hosted,
            sources,
            worker,
            limits,
            encoder_version,
            flights: Flights::default(),
        }
    }

    async fn route(&self, parts: &Parts) -> Answer {
        let mut answer = match parts.method {
            Method::GET | Method::HEAD => self.deliver(parts).await.unwrap_or_else(|refusal| refusal.answer()),
            Method::OPTIONS => {
                let mut answer = Answer::default();
                *answer.status_mut() = StatusCode::NO_CONTENT;
                let headers = answer.headers_mut();
                headers.insert(ALLOW, HeaderValue::from_static(ALLOWED));
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOWED));
                answer
            }
            _ => answer::method_not_allowed(ALLOWED),
        };
        answer
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        answer
    }

    /// The checks in their order (D73), then the picture.
    async fn deliver(&self, parts: &Parts) -> Result<Answer, Refusal> {
        let path = self.hosted.delivery_path(parts).unwrap_or_default();
        let target = Target::parse(&path).ok_or_else(Refusal::unreadable)?;
        if !self.hosted.urls.may_serve(parts, &target.hash) {
            return Err(Refusal::wrong_account());
        }
        let store = &self.hosted.store;
        let account = store
            .account_by_hash(&target.hash)
            .await?
            .ok_or_else(Refusal::wrong_account)?;
        if matches!(target.recipe, Recipe::Options(_)) && !account.config.flexible_variants {
            return Err(Refusal::flexible_off());
        }
        let image = store.image(&account, &target.id).await?;
        let image = image
            .filter(|image| image.original.is_some())
            .ok_or_else(Refusal::image_not_found)?;
        let (options, cache_control, variant) = match target.recipe {
            Recipe::Options(_) if image.is_private => return Err(Refusal::flexible_private()),
            Recipe::Options(options) => (
                Options::parse_url(options, &self.limits)?,
                public(account.config.browser_ttl_s),
                String::new(),
            ),
            Recipe::Variant(name) => {
                let variant = store.variant(&account, &name).await?.ok_or_else(Refusal::no_variant)?;
                let cache_control = self.may_see(parts, &path, &account, &image, &variant).await?;
                let options = variant.options.to_plan_options();
                (
                    Options::parse_object(&options, Door::Variant, &self.limits)?,
                    cache_control,
                    name,
                )
            }
        };
        let mut planned = options.plan(&client::hints(&parts.headers));
        // Without a format of its own a hosted image has the one that the client takes (spec 7.2).
        if planned.plan.output.format == FormatChoice::Absent {
            planned.plan.output.format = FormatChoice::Auto;
        }
        let shown = Shown {
            accepted: client::accepted(&parts.headers),
            parts,
            account,
            image,
            planned,
            cache_control,
            variant,
        };
        self.picture(&shown).await
    }

    /// How long the answer may be kept, if the image may be seen at all (spec 8.2).
    async fn may_see(
        &self,
        parts: &Parts,
        short_path: &str,
        account: &Account,
        image: &Image,
        variant: &Variant,
    ) -> Result<String, Refusal> {
        if !image.is_private || variant.never_requires_signed_urls {
            return Ok(public(variant.options.browser_ttl_s().or(account.config.browser_ttl_s)));
        }
        let keys = self.hosted.store.signing_keys(account).await?;
        let secrets: Vec<&str> = keys.iter().map(|key| key.value.reveal()).collect();
        let now_s = u64::try_from(self.hosted.store.clock().now_ms() / 1_000).unwrap_or_default();
        // Either the whole path is signed, or what stands behind the prefix (D77); where an alias was written, the path with the prefix that it stands for.
        let short_path = format!("/{short_path}");
        let long_path = format!("{DELIVERY_PREFIX}{short_path}");
        let paths = [parts.uri.path(), short_path.as_str(), long_path.as_str()];
        let query = parts.uri.query().unwrap_or_default();
        let Signed { expires_s } = verify_url(&paths, query, &secrets, now_s).map_err(Refusal::signature)?;
        let ttl = expires_s.map_or(PRIVATE_TTL_S, |last| last.saturating_sub(now_s).min(PRIVATE_TTL_S_MAX));
        Ok(format!("private, max-age={ttl}"))
    }

    async fn picture(&self, shown: &Shown<'_>) -> Result<Answer, Refusal> {
        let Some(original) = &shown.image.original else {
            return Err(Refusal::image_not_found());
        };
        let recipe = conditional::digest([
            original.blob.as_str().as_bytes(),
            shown.planned.plan.key(shown.accepted).as_bytes(),
            self.encoder_version.as_bytes(),
        ]);
        let mut headers = HeaderMap::new();
        headers.extend(conditional::result_tag(&recipe, None).map(|tag| (ETAG, tag)));
        headers.extend(
            HeaderValue::from_str(&shown.cache_control)
                .ok()
                .map(|value| (CACHE_CONTROL, value)),
        );
        headers.extend(vary(&shown.planned, original).map(|vary| (VARY, vary)));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CF_CACHE_STATUS, HeaderValue::from_static("MISS"));
        if conditional::is_not_modified(&shown.parts.headers, headers.get(ETAG), None) {
            let mut answer = Answer::default();
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = headers;
            self.count(shown, answer.status(), "", 0);
            return Ok(answer);
        }
        // Originals of other accounts have other overlays only if their URLs say so, and those are in the plan.
        let key = format!("{}:{recipe}", shown.account.hash);
        let rendered = self.flights.share(key, || self.render(shown, original)).await?;
        for name in [CF_IMAGES, CF_RESIZED] {
            headers.insert(name, DONE);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(rendered.content_type));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(rendered.bytes.len()));
        if rendered.content_type == "image/svg+xml" {
            headers.insert(CONTENT_SECURITY_POLICY, SVG_POLICY);
        } else {
            answer::protect(&mut headers);
        }
        answer::warn(&mut headers, shown.planned.warnings.iter().chain(&rendered.warnings));
        self.count(
            shown,
            StatusCode::OK,
            rendered.content_type,
            rendered.bytes.len() as u64,
        );
        let mut answer = Answer::new(Full::new(rendered.bytes));
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    /// Counts what a GET is given (D89).
    fn count(&self, shown: &Shown<'_>, status: StatusCode, media_type: &'static str, bytes: u64) {
        if shown.parts.method == Method::GET {
            let delivery = calotype_store::Delivery {
                variant: shown.variant.clone(),
                media_type,
                status: status.as_u16(),
            };
            self.hosted.store.count_delivery(&shown.account, delivery, bytes);
        }
    }

    async fn render(&self, shown: &Shown<'_>, original: &Original) -> Result<Rendered, Failed> {
        let storage = |problem: crate::hosted::Problem| Failed::Storage {
            is_busy: problem.is_busy(),
            detail: format!("{problem:?}"),
        };
        let plan = &shown.planned.plan;
        let overlays = if plan.overlay_urls().is_empty() {
            HashMap::new()
        } else {
            let (base, trail) = (PublicBase::of(shown.parts), Trail::of(&shown.parts.headers));
            let overlays = self.sources.overlays(plan, base.as_ref(), &trail).await;
            overlays.map_err(Failed::Work)?
        };
        let reader = self.hosted.store.open_blob(&original.blob).await;
        let mut reader = reader.map_err(|error| storage(error.into()))?;
        let task = Task {
            plan: Arc::new(plan.clone()),
            source: self.hosted.original(&mut reader).await.map_err(storage)?,
            overlays,
            accepted: shown.accepted,
            hosted: true,
            ..Task::default()
        };
        let outcome = self.worker.run(task).await.map_err(Failed::Work)?.outcome;
        Ok(Rendered {
            bytes: outcome.bytes.into(),
            content_type: outcome.content_type,
            warnings: outcome.warnings,
        })
    }
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Work(fault) => fault.into(),
            Failed::Storage { is_busy, detail } => Self::storage(is_busy, detail),
        }
    }
}

impl Surface for Delivery {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn has(&self, path: &str) -> bool {
        path.starts_with("/cdn-cgi/imagedelivery/")
    }

    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_> {
        Box::pin(async move {
            let (parts, _) = request.into_parts();
            self.route(&parts).await
        })
    }
}

fn public(browser_ttl_s: Option<u32>) -> String {
    let ttl = browser_ttl_s.unwrap_or(DEFAULT_BROWSER_TTL_S);
    format!("public, max-age={ttl}, stale-while-revalidate=7200")
}

/// `Accept` when the format depended on it, and the hints that decided.
fn vary(planned: &Planned, original: &Original) -> Option<HeaderValue> {
    let output = &planned.plan.output;
    let is_svg = original.media_type == "image/svg+xml" && !output.rasterize_svg;
    let mut names = Vec::new();
    if output.format == FormatChoice::Auto && !output.fast && !is_svg {
        names.push("Accept");
    }
    names.extend(planned.vary.iter().copied());
    if names.is_empty() {
        return None;
    }
    HeaderValue::from_str(&names.join(", ")).ok()
}
