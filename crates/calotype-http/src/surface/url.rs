//! `/cdn-cgi/image/<options>/<source>`: transforms by URL (spec sections 1, 9 to 13).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use calotype_plan::{
    AcceptedFormats, ClientHints, Fault, FaultKind, FormatChoice, Limits, Options, Planned, SourceRef, TransformPath,
    Warning,
};
use calotype_source::OriginAuth;
use calotype_worker::{Task, Worker};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, LINK, LOCATION,
    RETRY_AFTER, VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

use crate::answer::{self, Answer, CF_CACHE_STATUS, CF_RESIZED};
use crate::client::{self, PublicBase, Trail};
use crate::conditional;
use crate::flight::Flights;
use crate::freshness::{DEFAULT_CACHE_CONTROL, Freshness};
use crate::sources::{Located, Original, Sources};
use crate::transforms::{Transforms, Wanted};

const ALLOWED: &str = "GET, HEAD";

/// What a transform gave, for everybody who asked for it at once.
#[derive(Debug, Clone)]
struct Rendered {
    bytes: Bytes,
    digest: String,
    content_type: &'static str,
    warnings: Vec<Warning>,
    queue_ms: u32,
    decode_ms: u32,
    encode_ms: u32,
}

/// The surface's state.
pub(crate) struct UrlSurface {
    sources: Arc<Sources>,
    worker: Arc<dyn Worker>,
    limits: Limits,
    /// `Link: <source>; rel="canonical"` on results (spec 13.1).
    links_canonical: bool,
    /// What the bytes of a result depend on besides plan and source.
    encoder_version: String,
    flights: Flights<String, Result<Rendered, Fault>>,
}

/// One transform request, taken apart.
struct Request<'r> {
    parts: &'r Parts,
    base: Option<PublicBase>,
    trail: Trail,
    /// What the source's origin may see, and no overlay's.
    auth: OriginAuth,
    located: Located,
    planned: Planned,
    accepted: AcceptedFormats,
    /// Name the source as canonical.
    links_canonical: bool,
}

impl UrlSurface {
    pub(crate) fn new(
        sources: Arc<Sources>,
        worker: Arc<dyn Worker>,
        limits: Limits,
        links_canonical: bool,
        encoder_version: String,
    ) -> Self {
        Self {
            sources,
            worker,
            limits,
            links_canonical,
            encoder_version,
            flights: Flights::default(),
        }
    }

    /// The answer, if the target is a transform's.
    pub(crate) async fn serve(&self, parts: &Parts) -> Option<Answer> {
        let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let path = TransformPath::parse(target)?;
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return Some(answer::method_not_allowed(ALLOWED));
        }
        Some(match path {
            Ok(path) => self.transform(parts, &path).await,
            Err(fault) => refuse(&fault),
        })
    }

    /// The answer to a target that is longer than `target_bytes_max`, if it is a transform's; of the target only a start is known, which is longer than
    /// options may be.
    pub(crate) fn refuse_long(&self, start: &str, target_bytes_max: usize) -> Option<Answer> {
        let rest = start.strip_prefix("/cdn-cgi/image/")?;
        let options = rest.split(['/', '?']).next().unwrap_or_default();
        let of_options = Options::parse_url(options, &self.limits).err();
        let fault = of_options
            .filter(|fault| fault.kind() == FaultKind::OptionsTooLong)
            .unwrap_or_else(|| {
                let text =
                    format!("the URL is longer than {target_bytes_max} bytes; shorten its options or its source");
                Fault::new(FaultKind::OptionsTooLong, text)
            });
        Some(refuse(&fault))
    }

    async fn transform(&self, parts: &Parts, path: &TransformPath<'_>) -> Answer {
        let base = PublicBase::of(parts);
        let trail = Trail::of(&parts.headers);
        let options = Options::parse_url(path.options, &self.limits);
        let located = match self.sources.locate(&path.source, base.as_ref()) {
            Ok(located) => located,
            // Wrong options are said before a wrong source.
            Err(fault) => return refuse(&options.err().unwrap_or(fault)),
        };
        if trail.is_from_a_resizer() {
            return refuse(&from_a_resizer());
        }
        let asked = match &options {
            Ok(options) => options.redirects_on_error(),
            Err(_) => Options::segment_redirects_on_error(path.options, &self.limits),
        };
        let redirect_to = (asked && self.sources.is_in_zone(&located))
            .then(|| absolute(&located, base.as_ref()))
            .flatten();
        let options = match (options, redirect_to.as_deref()) {
            (Ok(options), _) => options,
            (Err(fault), Some(url)) => return redirect(url, &fault),
            (Err(fault), None) => return refuse(&fault),
        };
        let planned = options.plan(&client::hints(&parts.headers));
        let accepted = client::accepted(&parts.headers);
        let request = Request {
            parts,
            base,
            trail,
            auth: OriginAuth::default(),
            located,
            planned,
            accepted,
            links_canonical: self.links_canonical,
        };
        match self.result(&request).await {
            Ok(answer) => answer,
            Err(fault) => match redirect_to {
                Some(url) if !matches!(fault.kind(), FaultKind::Loop | FaultKind::InvalidSourceUrl) => {
                    redirect(&url, &fault)
                }
                _ => self.refuse_with_hint(&fault),
            },
        }
    }

    /// A refusal for want of room says when there may be some.
    fn refuse_with_hint(&self, fault: &Fault) -> Answer {
        let mut answer = refuse(fault);
        if fault.kind() == FaultKind::Busy {
            answer.headers_mut().insert(
                RETRY_AFTER,
                HeaderValue::from(self.worker.retry_after().as_secs().max(1)),
            );
        }
        answer
    }

    async fn result(&self, request: &Request<'_>) -> Result<Answer, Fault> {
        let trail = Trail {
            auth: request.auth.clone(),
            ..request.trail.clone()
        };
        let original = self.sources.get(&request.located, &trail).await?;
        let plan = &request.planned.plan;
        let recipe = conditional::digest([
            original.identity.as_bytes(),
            plan.key(request.accepted).as_bytes(),
            self.encoder_version.as_bytes(),
        ]);

        let mut headers = HeaderMap::new();
        self.describe(request, &original, &mut headers);
        // With a tag of the source the answer to a conditional request is known before any work is done.
        if let Some(source_tag) = original.headers.text(ETAG) {
            let tag = conditional::result_tag(&recipe, Some(source_tag));
            headers.extend(tag.clone().map(|tag| (ETAG, tag)));
            if conditional::is_not_modified(&request.parts.headers, tag.as_ref(), headers.get(LAST_MODIFIED)) {
                return Ok(not_modified(headers, &original));
            }
        }

        // One flight per recipe and original: two requests for one URL may be given different bytes by the origin.
        let key = format!("{recipe}:{}", original.version);
        let rendered = self.flights.share(key, || self.render(request, &original)).await?;

        if !headers.contains_key(ETAG) {
            let tag = conditional::result_tag(&rendered.digest, None);
            headers.extend(tag.clone().map(|tag| (ETAG, tag)));
            if conditional::is_not_modified(&request.parts.headers, tag.as_ref(), headers.get(LAST_MODIFIED)) {
                return Ok(not_modified(headers, &original));
            }
        }
        Ok(success(headers, request, &original, &rendered))
    }

    async fn render(&self, request: &Request<'_>, original: &Original) -> Result<Rendered, Fault> {
        let plan = &request.planned.plan;
        let (base, trail) = (request.base.as_ref(), &request.trail);
        let (overlays, fonts) = tokio::try_join!(
            self.sources.overlays(plan, base, trail),
            self.sources.fonts(plan, base, trail, self.limits.font_bytes_max),
        )?;
        let task = Task {
            plan: Arc::new(plan.clone()),
            source: original.bytes.clone(),
            overlays,
            fonts,
            accepted: request.accepted,
            ..Task::default()
        };
        let done = self.worker.run(task).await?;
        let bytes = Bytes::from(done.outcome.bytes);
        Ok(Rendered {
            digest: conditional::digest_off_thread(bytes.clone()).await?,
            bytes,
            content_type: done.outcome.content_type,
            warnings: done.outcome.warnings,
            queue_ms: done.queue_ms,
            decode_ms: done.outcome.decode_ms,
            encode_ms: done.outcome.encode_ms,
        })
    }

    /// The headers that a result and a 304 share.
    fn describe(&self, request: &Request<'_>, original: &Original, headers: &mut HeaderMap) {
        let source = &original.headers;
        let lines: Vec<HeaderValue> = source
            .iter()
            .filter(|(name, _)| *name == CACHE_CONTROL)
            .map(|(_, value)| value.clone())
            .collect();
        for line in &lines {
            headers.append(CACHE_CONTROL, line.clone());
        }
        headers.entry(CACHE_CONTROL).or_insert(DEFAULT_CACHE_CONTROL);
        headers.extend(source.get(LAST_MODIFIED).map(|date| (LAST_MODIFIED, date.clone())));
        let freshness = Freshness::of(source, SystemTime::now());
        let status = if freshness.is_unstorable { "BYPASS" } else { "MISS" };
        headers.insert(CF_CACHE_STATUS, HeaderValue::from_static(status));
        headers.extend(vary(&request.planned).map(|vary| (VARY, vary)));
        for (name, value) in source.copied_to_client() {
            headers.append(name.clone(), value.clone());
        }
        if request.links_canonical
            && let Some(url) = absolute(&request.located, request.base.as_ref())
            && let Ok(link) = HeaderValue::from_str(&format!("<{url}>; rel=\"canonical\""))
        {
            headers.insert(LINK, link);
        }
        answer::protect(headers);
    }
}

impl Transforms for UrlSurface {
    fn transform<'w>(&'w self, wanted: Wanted<'w>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'w>> {
        Box::pin(async move {
            let trail = Trail::of(&wanted.parts.headers);
            if trail.is_from_a_resizer() {
                return refuse(&from_a_resizer());
            }
            // Without a host of ours: the Worker says what is fetched, also if it is this server.
            let located = match self.sources.locate(&SourceRef::Absolute(wanted.source_url), None) {
                Ok(located) => located,
                Err(fault) => return refuse(&fault),
            };
            let request = Request {
                parts: wanted.parts,
                base: None,
                trail,
                auth: wanted.auth,
                located,
                planned: wanted.options.plan(&ClientHints::default()),
                accepted: client::accepted(&wanted.parts.headers),
                links_canonical: false,
            };
            self.result(&request)
                .await
                .unwrap_or_else(|fault| self.refuse_with_hint(&fault))
        })
    }
}

fn from_a_resizer() -> Fault {
    Fault::new(
        FaultKind::Loop,
        "Requested resized version of an already-resized image; the request came from an image resizer",
    )
}

/// `Accept` whenever the service chose the format, and the hints that decided (spec 13.1).
fn vary(planned: &Planned) -> Option<HeaderValue> {
    let output = &planned.plan.output;
    let mut names = Vec::new();
    if !output.fast && matches!(output.format, FormatChoice::Absent | FormatChoice::Auto) {
        names.push("Accept");
    }
    names.extend(planned.vary.iter().copied());
    if names.is_empty() {
        None
    } else {
        HeaderValue::from_str(&names.join(", ")).ok()
    }
}

/// The absolute URL of a source.
fn absolute(located: &Located, base: Option<&PublicBase>) -> Option<String> {
    match located {
        Located::Url(url) => Some(url.as_str().to_owned()),
        Located::Path(path) => base.map(|base| base.url(path)),
    }
}

fn success(mut headers: HeaderMap, request: &Request<'_>, original: &Original, rendered: &Rendered) -> Answer {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(rendered.content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(rendered.bytes.len()));
    let resized = format!(
        "internal=ok/{} q={} n={}+{} c={}+{} v={} l={}",
        how(original),
        rendered.queue_ms,
        original.headers_ms,
        original.body_ms,
        rendered.decode_ms,
        rendered.encode_ms,
        env!("CARGO_PKG_VERSION"),
        rendered.bytes.len()
    );
    headers.extend(HeaderValue::from_str(&resized).ok().map(|value| (CF_RESIZED, value)));
    let restrictive = Freshness::of(&original.headers, SystemTime::now()).is_too_restrictive();
    let of_caching = restrictive.then_some(Warning::CacheControlTooRestrictive);
    let mut warnings: Vec<&Warning> = Vec::new();
    for warning in request
        .planned
        .warnings
        .iter()
        .chain(&rendered.warnings)
        .chain(&of_caching)
    {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    answer::warn(&mut headers, warnings);
    let mut answer = Response::new(Full::new(rendered.bytes.clone()));
    *answer.headers_mut() = headers;
    answer
}

fn how(original: &Original) -> char {
    if original.is_fetched { 'm' } else { '-' }
}

/// 304 with the headers that a 200 would have, but for those of its body (RFC 9110, 15.4.5).
fn not_modified(mut headers: HeaderMap, original: &Original) -> Answer {
    let resized = format!("internal=ok/{}", how(original));
    headers.extend(HeaderValue::from_str(&resized).ok().map(|value| (CF_RESIZED, value)));
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    *answer.headers_mut() = headers;
    answer
}

fn refuse(fault: &Fault) -> Answer {
    log(fault);
    answer::fault(fault)
}

/// 307 to the untouched source (spec 13.5).
fn redirect(url: &str, fault: &Fault) -> Answer {
    log(fault);
    let Ok(location) = HeaderValue::from_str(url) else {
        return answer::fault(fault);
    };
    let mut answer = answer::text(StatusCode::TEMPORARY_REDIRECT, fault.to_string());
    let headers = answer.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CF_RESIZED, answer::err_value(fault));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What the client must not see goes to the log.
fn log(fault: &Fault) {
    let detail = fault.detail().unwrap_or_default();
    if fault.status() >= 500 {
        tracing::warn!(
            code = fault.code(),
            answered = fault.public_message(),
            detail,
            "transform failed"
        );
    } else {
        tracing::debug!(
            code = fault.code(),
            answered = fault.public_message(),
            detail,
            "transform refused"
        );
    }
}
