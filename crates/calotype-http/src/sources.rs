//! Where originals come from: the playground's own pictures, the root directory, the origin, or any allowed URL.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind, Plan, SourceRef};
use calotype_source::{FetchRequest, Fetcher, LocalRoot, SourceHeaders};
use http::HeaderMap;
use tokio::task::JoinSet;
use url::Url;

use crate::client::{PublicBase, Trail};
use crate::conditional;
use crate::flight::Flights;
use crate::zone::Zones;

/// Servers of our kind in a row. Two or three are a sensible set-up; more are one that asks itself.
const HOPS_MAX: usize = 4;

/// Where originals may come from.
#[derive(Debug)]
pub struct SourceSettings {
    /// Fetches by HTTP.
    pub fetcher: Fetcher,
    /// `--root`: files below a directory. Asked first.
    pub root: Option<LocalRoot>,
    /// `--origin`: an HTTP origin for every path that the root does not have.
    pub origin: Option<Url>,
    /// Our zones and the rule on other hosts.
    pub zones: Zones,
}

/// An original, whole.
#[derive(Debug, Clone)]
pub(crate) struct Original {
    pub(crate) bytes: Bytes,
    pub(crate) headers: SourceHeaders,
    /// What it was asked for by: the URL or path, query included.
    pub(crate) identity: String,
    /// Tells these bytes from others that were had by the same name.
    pub(crate) version: String,
    /// It came over HTTP: `m` in `Cf-Resized`, else `-`.
    pub(crate) is_fetched: bool,
    pub(crate) headers_ms: u32,
    pub(crate) body_ms: u32,
    /// The media type to serve it with untouched.
    pub(crate) content_type: Option<String>,
}

/// Pictures that a surface holds itself, under paths of its own.
pub(crate) trait OwnPictures: Send + Sync + std::fmt::Debug {
    /// The picture at a path; `None` when the path is not one of these. 9404 when it is, and nothing is there.
    fn picture(&self, path: &str) -> Result<Option<Picture>, Fault>;
}

/// A picture that a surface holds.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) bytes: Bytes,
    pub(crate) headers: HeaderMap,
    pub(crate) content_type: &'static str,
}

/// Finds and fetches originals, once for everybody who wants the same one at the same time.
#[derive(Debug)]
pub(crate) struct Sources {
    settings: SourceSettings,
    own: Option<Arc<dyn OwnPictures>>,
    flights: Flights<String, Result<Original, Fault>>,
}

/// A source after the rules were applied to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Located {
    /// A path on this zone.
    Path(String),
    /// A URL elsewhere that may be fetched.
    Url(Url),
}

impl Located {
    fn identity(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Url(url) => url.as_str(),
        }
    }
}

impl Sources {
    pub(crate) fn new(settings: SourceSettings, own: Option<Arc<dyn OwnPictures>>) -> Self {
        Self {
            settings,
            own,
            flights: Flights::default(),
        }
    }

    /// Whether ordinary paths have anything behind them.
    pub(crate) fn has_site(&self) -> bool {
        self.settings.root.is_some() || self.settings.origin.is_some()
    }

    /// Applies the rules on sources (spec 1.8, 1.9, 11.1). A URL on the very host of the request is a path of this zone.
    pub(crate) fn locate(&self, source: &SourceRef, base: Option<&PublicBase>) -> Result<Located, Fault> {
        let text = match source {
            SourceRef::Path(path) => return Ok(Located::Path(path.clone())),
            SourceRef::Absolute(text) => text,
        };
        let url = Url::parse(text).map_err(|error| {
            Fault::new(FaultKind::InvalidSourceUrl, "invalid source URL: it cannot be parsed")
                .with_detail(error.to_string())
        })?;
        // The URL standard may have changed the path (`/a/../cdn-cgi/image/…`), so the rule on loops is asked again.
        if url.path().trim_start_matches('/').starts_with("cdn-cgi/image/") {
            return Err(Fault::new(
                FaultKind::Loop,
                "Requested resized version of an already-resized image; use the URL of the original",
            ));
        }
        let is_this_host = base.is_some_and(|base| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", url.host_str().unwrap_or_default()).eq_ignore_ascii_case(base.host_and_port())
        });
        if is_this_host && (self.has_site() || self.own.is_some()) {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            return Ok(Located::Path(format!("{}{query}", url.path())));
        }
        self.settings.zones.check(&url)?;
        Ok(Located::Url(url))
    }

    /// Whether an error may be answered with a redirect to the source (spec 13.5): only within the zone.
    pub(crate) fn is_in_zone(&self, located: &Located) -> bool {
        match located {
            Located::Path(_) => true,
            Located::Url(url) => self.settings.zones.holds(url),
        }
    }

    /// The original, fetched once for everybody who waits for it.
    pub(crate) async fn get(&self, located: &Located, trail: &Trail) -> Result<Original, Fault> {
        let key = located.identity().to_owned();
        self.flights.share(key, || self.fetch(located, trail)).await
    }

    async fn fetch(&self, located: &Located, trail: &Trail) -> Result<Original, Fault> {
        let mut original = match located {
            Located::Url(url) => self.fetch_url(url.clone(), located.identity(), trail).await?,
            Located::Path(path) => self.fetch_path(path, trail).await?,
        };
        original.version = match original.headers.text(http::header::ETAG) {
            Some(tag) => tag.to_owned(),
            None => conditional::digest_off_thread(original.bytes.clone()).await?,
        };
        Ok(original)
    }

    async fn fetch_path(&self, path: &str, trail: &Trail) -> Result<Original, Fault> {
        let (bare, query) = path
            .split_once('?')
            .map_or((path, None), |(bare, query)| (bare, Some(query)));
        if let Some(own) = &self.own
            && let Some(picture) = own.picture(bare)?
        {
            return Ok(Original {
                bytes: picture.bytes,
                headers: SourceHeaders::pick(&picture.headers),
                identity: path.to_owned(),
                version: String::new(),
                is_fetched: false,
                headers_ms: 0,
                body_ms: 0,
                content_type: Some(picture.content_type.to_owned()),
            });
        }
        let mut missing = Fault::new(
            FaultKind::SourceNotFound,
            "this server has no files of its own; start it with --root or --origin, or name the source by its full URL",
        );
        if let Some(root) = &self.settings.root {
            let started = Instant::now();
            match root.read(bare).await {
                Ok(file) => {
                    let content_type = mime_guess::from_path(bare).first_raw().map(str::to_owned);
                    return Ok(Original {
                        bytes: file.bytes,
                        headers: file.headers,
                        identity: path.to_owned(),
                        version: String::new(),
                        is_fetched: false,
                        headers_ms: 0,
                        body_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
                        content_type,
                    });
                }
                Err(fault) if fault.kind() == FaultKind::SourceNotFound => missing = fault,
                Err(fault) => return Err(fault),
            }
        }
        let Some(origin) = &self.settings.origin else {
            return Err(missing);
        };
        let mut url = origin.clone();
        // The origin may have a path of its own, which stands before every path of ours.
        url.set_path(&format!("{}{bare}", origin.path().trim_end_matches('/')));
        url.set_query(query);
        self.fetch_url(url, path, trail).await
    }

    async fn fetch_url(&self, url: Url, identity: &str, trail: &Trail) -> Result<Original, Fault> {
        if trail.hops() >= HOPS_MAX {
            return Err(Fault::new(
                FaultKind::Loop,
                "The request went round in a circle; an origin must not be this server itself",
            ));
        }
        let request = FetchRequest {
            url,
            via: trail.via.clone(),
            cdn_loop: trail.cdn_loop.clone(),
            authorization: None,
        };
        let fetched = self.settings.fetcher.fetch(request).await?;
        let content_type = fetched.headers.text(http::header::CONTENT_TYPE).map(str::to_owned);
        Ok(Original {
            bytes: fetched.bytes,
            headers: fetched.headers,
            identity: identity.to_owned(),
            version: String::new(),
            is_fetched: true,
            headers_ms: fetched.headers_ms,
            body_ms: fetched.body_ms,
            content_type,
        })
    }

    /// The bytes of every overlay of a plan, under the rules of sources (spec 8.6: one that fails fails the request).
    pub(crate) async fn overlays(
        self: &Arc<Self>,
        plan: &Plan,
        base: Option<&PublicBase>,
        trail: &Trail,
    ) -> Result<HashMap<String, Bytes>, Fault> {
        let mut downloads = JoinSet::new();
        let mut wanted: Vec<&str> = plan.overlay_urls();
        wanted.sort_unstable();
        wanted.dedup();
        for url in wanted {
            let located = self.locate(&SourceRef::Absolute(url.to_owned()), base)?;
            let (sources, trail, url) = (self.clone(), trail.clone(), url.to_owned());
            downloads.spawn(async move { (url, sources.get(&located, &trail).await) });
        }
        let mut overlays = HashMap::new();
        while let Some(download) = downloads.join_next().await {
            let (url, result) = download.map_err(|error| {
                Fault::new(FaultKind::Internal, "an overlay could not be fetched").with_detail(error.to_string())
            })?;
            overlays.insert(url, result?.bytes);
        }
        Ok(overlays)
    }
}
