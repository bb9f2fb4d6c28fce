//! Hosted images as the surfaces share them: the store, what is taken in, and how it is told of.

mod facts;
mod form;
mod problem;
mod problem_kind;
mod rate_limits;
mod record;
mod split_metadata;
mod urls;
mod webhooks;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use calotype_source::{Fetcher, Poster, SourceMemory};
use calotype_store::Store;
use calotype_worker::Worker;
use ipnet::IpNet;
use tokio::sync::Semaphore;

pub(crate) use form::{Bounds, UploadForm};
pub(crate) use problem::{Outcome, Problem, allow, success, success_with, success_written, tell_ray};
pub(crate) use problem_kind::ProblemKind;
pub(crate) use rate_limits::{Counters, Standing};
pub(crate) use record::{Records, timestamp};
/// How long browsers keep public images if nobody says otherwise: two days.
pub(crate) const DEFAULT_BROWSER_TTL_S: u32 = 172_800;

pub(crate) use urls::{Bases, DELIVERY_PREFIX};
pub(crate) use webhooks::{ALERT_TYPE, body as message_body, type_of as message_type};

pub use facts::{HOSTED_FORMATS, Inspector, NotHosted, tidy_filename};
pub use rate_limits::RateLimits;
pub use record::parse_timestamp;
pub use urls::PublicUrls;
pub use webhooks::Webhooks;

/// Samples that are posted to webhooks while somebody waits; one more is answered with 5503.
const WEBHOOK_TESTS_MAX: usize = 8;

/// What hosted images are made of.
#[derive(Debug)]
pub struct HostedSettings {
    /// Where they are kept.
    pub store: Arc<Store>,
    /// Where the world finds them.
    pub urls: PublicUrls,
    /// Fetches images that are uploaded by their URL; its bound on bytes is at least that of uploads.
    pub fetcher: Fetcher,
    /// Posts to webhooks.
    pub poster: Poster,
    /// The memory that originals share.
    pub memory: SourceMemory,
    /// Bounds.
    pub limits: HostedLimits,
    /// From the head of a request to the end of its form.
    pub receive_timeout: Duration,
    /// Reading signing keys takes Write (D4).
    pub keys_take_write: bool,
    /// Delivery at `/{hash}/…` too, without the prefix.
    pub short_delivery_paths: bool,
    /// What stands before `/images/v1` for the batch API, e.g. `https://batch.example.com`, beside the host `batch.imagedelivery.net`.
    pub batch_url: Option<String>,
    /// How often the API may be asked.
    pub rate_limits: RateLimits,
    /// Proxies whose `X-Forwarded-For` says where a request of the API comes from.
    pub trusted_proxies: Vec<IpNet>,
}

/// Bounds on hosted images (spec 5.1).
#[derive(Debug, Clone, Copy)]
pub struct HostedLimits {
    /// Bytes of an upload: 10 MiB, inclusive (D27). Over it: 5413.
    pub upload_bytes_max: u64,
    /// Uploads that arrive at once; one more is answered with 5503.
    pub uploads_max: usize,
    /// Variants of an account.
    pub variants_max: u64,
    /// Signing keys of an account.
    pub signing_keys_max: u64,
}

impl Default for HostedLimits {
    fn default() -> Self {
        Self {
            upload_bytes_max: 10 << 20,
            uploads_max: 64,
            variants_max: 100,
            signing_keys_max: 2,
        }
    }
}

/// Hosted images, as every surface of them sees them.
pub(crate) struct Hosted {
    pub(crate) store: Arc<Store>,
    pub(crate) urls: PublicUrls,
    pub(crate) limits: HostedLimits,
    pub(crate) keys_take_write: bool,
    pub(crate) webhooks: Webhooks,
    /// Samples that are posted while somebody waits.
    pub(crate) webhook_tests: Semaphore,
    pub(crate) batch_url: Option<String>,
    pub(crate) counters: Counters,
    pub(crate) trusted_proxies: Vec<IpNet>,
    short_delivery_paths: bool,
    inspector: Inspector,
    fetcher: Fetcher,
    memory: SourceMemory,
    receive_timeout: Duration,
    uploads: Semaphore,
}

impl std::fmt::Debug for Hosted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hosted")
            .field("urls", &self.urls)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Hosted {
    pub(crate) fn new(settings: HostedSettings, worker: Arc<dyn Worker>, animation_area_px_max: u64) -> Self {
        Self {
            webhooks: Webhooks::new(settings.store.clone(), Arc::new(settings.poster)),
            webhook_tests: Semaphore::new(WEBHOOK_TESTS_MAX),
            store: settings.store,
            urls: settings.urls,
            keys_take_write: settings.keys_take_write,
            batch_url: settings.batch_url,
            counters: Counters::new(&settings.rate_limits),
            trusted_proxies: settings.trusted_proxies,
            short_delivery_paths: settings.short_delivery_paths,
            inspector: Inspector::new(worker, animation_area_px_max),
            fetcher: settings.fetcher,
            memory: settings.memory,
            receive_timeout: settings.receive_timeout,
            uploads: Semaphore::new(settings.limits.uploads_max),
            limits: settings.limits,
        }
    }

    /// `{hash}/{id}/{variant}` of a request's path, if it is for an image.
    pub(crate) fn delivery_path<'r>(&self, request: &'r http::request::Parts) -> Option<Cow<'r, str>> {
        self.urls.delivery_path(request, self.short_delivery_paths)
    }
}
