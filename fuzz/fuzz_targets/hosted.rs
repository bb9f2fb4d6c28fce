//! A request for hosted images, answered by the whole service over a real store: paths, queries, forms, JSON, ids, metadata, signed URLs.
//!
//! The input is a line `METHOD TARGET`, a line with the `Content-Type`, and the body. In the target `@` stands for the account in the management API, `~` for
//! its images there, `^` for the delivery of its images, and `!` for its one-time uploads.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use calotype_engine::NoModels;
use calotype_http::{App, AppSettings, HostedLimits, HostedSettings, PublicUrls, RateLimits, SourceSettings, Zones};
use calotype_plan::Limits;
use calotype_source::{AllowedOrigins, FetchSettings, Fetcher, PostSettings, Poster, SourceMemory};
use calotype_store::{Clock, Scope, Store, StoreSettings};
use calotype_worker::{InProcess, WorkerSettings};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use libfuzzer_sys::{Corpus, fuzz_target};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Images that the account may have: the store stays small however long it runs.
const IMAGES_MAX: u64 = 100;

struct Service {
    runtime: Runtime,
    app: App,
    account: String,
    hash: String,
    token: String,
    directory: TempDir,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let settings = StoreSettings {
        clock: Clock::system(),
        ..StoreSettings::in_directory(directory.path())
    };
    let (store, account, token) = runtime.block_on(async {
        let store = Arc::new(Store::open(settings).await.expect("a store"));
        let account = store.default_account().await.expect("an account");
        store.set_quota(&account, Some(IMAGES_MAX)).await.expect("a quota");
        let (_, token) = store.create_token(&account, "fuzz", Scope::Write, None).await.expect("a token");
        (store, account, token.reveal().to_owned())
    });
    let limits = Limits::default();
    let memory = SourceMemory::new(64 << 20);
    // Nothing is fetched: the guard refuses every address of this machine, and no other is reached.
    let fetch = FetchSettings {
        connect_timeout: Duration::from_millis(1),
        download_timeout: Duration::from_millis(1),
        ..FetchSettings::default()
    };
    let settings = WorkerSettings {
        threads: 1,
        limits,
        ..WorkerSettings::default()
    };
    let worker = Arc::new(InProcess::start(settings, Arc::new(NoModels)).expect("a worker"));
    let hosted = HostedSettings {
        store,
        urls: PublicUrls::default(),
        fetcher: Fetcher::new(fetch.clone()),
        poster: Poster::new(PostSettings {
            timeout: Duration::from_millis(1),
            ..PostSettings::default()
        }),
        memory: memory.clone(),
        limits: HostedLimits::default(),
        receive_timeout: Duration::from_secs(5),
        keys_take_write: false,
        short_delivery_paths: true,
        batch_url: None,
        rate_limits: RateLimits::default(),
        trusted_proxies: Vec::new(),
    };
    let app = App::new(AppSettings {
        sources: SourceSettings {
            fetcher: Fetcher::new(fetch),
            root: None,
            origin: None,
            zones: Zones::new(Vec::new(), AllowedOrigins::ThisZone),
        },
        worker,
        limits,
        playground: None,
        hosted: Some(hosted),
        links_canonical: false,
        encoder_version: "fuzz".to_owned(),
    });
    Service {
        runtime,
        app,
        account: account.id,
        hash: account.hash,
        token,
        directory,
    }
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let service = &*SERVICE;
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let line = parts.next().and_then(|line| std::str::from_utf8(line).ok());
    let (Some((method, target)), Some(content_type), Some(body)) =
        (line.and_then(|line| line.split_once(' ')), parts.next(), parts.next())
    else {
        return Corpus::Reject;
    };
    let target = target
        .replace('@', &format!("/client/v4/accounts/{}", service.account))
        .replace('~', &format!("/client/v4/accounts/{}/images", service.account))
        .replace('^', &format!("/cdn-cgi/imagedelivery/{}", service.hash))
        .replace('!', &format!("/upload/{}", service.hash));
    let request = Request::builder()
        .method(method)
        .uri(&target)
        .header("host", "fuzz.test")
        .header("authorization", format!("Bearer {}", service.token))
        .header("content-type", content_type)
        .body(Full::new(Bytes::copy_from_slice(body)));
    let Ok(request) = request else { return Corpus::Reject };
    service.runtime.block_on(async {
        let answer = match service.app.handle(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status();
        // Too large for the machine, too slow, and nothing there at the other end are answers; our own failure is none.
        assert_ne!(status.as_u16(), 500, "{method} {target}");
        let is_envelope = target.starts_with("/client/v4/accounts/")
            && answer.headers().get("content-type").is_some_and(|value| value == "application/json");
        let body = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if is_envelope && !body.is_empty() {
            let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(json["success"], status.is_success(), "{method} {target}");
        }
        let place = service.directory.path().as_os_str().as_encoded_bytes();
        let tells = |secret: &[u8]| body.windows(secret.len()).any(|window| window == secret);
        assert!(!tells(place), "{method} {target} tells where files are");
    });
    Corpus::Keep
});
