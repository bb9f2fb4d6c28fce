//! A server with hosted images, and requests to it.

use std::sync::Arc;
use std::time::Duration;

use calotype_http::{App, HostedLimits, HostedSettings, PublicUrls, RateLimits};
use calotype_plan::Size;
use calotype_source::{Fetcher, PostSettings, Poster, SourceMemory};
use calotype_store::{Account, Clock, Scope, Store, StoreSettings};
use ipnet::IpNet;
use serde_json::Value;
use tempfile::TempDir;

use crate::described;
use crate::support::client::{Answer, Request};
use crate::support::network::Network;
use crate::support::pictures;
use crate::support::served::{Served, Setup};

/// The time at which tests begin: 2027-01-15T08:00:00Z.
pub const NOW_MS: i64 = 1_800_000_000_000;

pub struct Place {
    pub served: Served,
    pub store: Arc<Store>,
    pub account: Account,
    pub clock: Clock,
    pub token: String,
    wishes: Wishes,
    pub directory: TempDir,
}

/// What to change before it is served.
#[derive(Default)]
pub struct Wishes {
    pub limits: HostedLimits,
    pub urls: PublicUrls,
    pub network: Network,
    pub keys_take_write: bool,
    pub short_delivery_paths: bool,
    pub post: PostSettings,
    pub batch_url: Option<String>,
    pub rate_limits: RateLimits,
    pub trusted_proxies: Vec<IpNet>,
    pub receive_timeout: Option<Duration>,
}

pub async fn place() -> Place {
    place_with(Wishes::default()).await
}

pub async fn place_with(wishes: Wishes) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let settings = crate::backend::settings(directory.path());
    place_in(directory, settings, wishes).await
}

/// A server over this store.
pub async fn place_in(directory: TempDir, settings: StoreSettings, wishes: Wishes) -> Place {
    let clock = Clock::standing_at(NOW_MS);
    let settings = StoreSettings {
        clock: clock.clone(),
        ..settings
    };
    let store = Arc::new(Store::open(settings).await.unwrap());
    let account = store.default_account().await.unwrap();
    let (_, token) = store.create_token(&account, "test", Scope::Write, None).await.unwrap();
    Place {
        served: setup(store.clone(), &wishes).serve().await,
        store,
        account,
        clock,
        token: token.reveal().to_owned(),
        wishes,
        directory,
    }
}

fn setup(store: Arc<Store>, wishes: &Wishes) -> Setup {
    let mut setup = Setup::default();
    let network = Arc::new(wishes.network.clone());
    let mut fetch = setup.fetch.clone();
    fetch.source_bytes_max = wishes.limits.upload_bytes_max;
    setup.hosted = Some(HostedSettings {
        poster: Poster::with_network(wishes.post.clone(), network.clone(), network.clone()),
        store,
        urls: wishes.urls.clone(),
        fetcher: Fetcher::with_network(fetch, network.clone(), network),
        memory: SourceMemory::new(256 << 20),
        limits: wishes.limits,
        receive_timeout: wishes.receive_timeout.unwrap_or(Duration::from_secs(30)),
        keys_take_write: wishes.keys_take_write,
        short_delivery_paths: wishes.short_delivery_paths,
        batch_url: wishes.batch_url.clone(),
        rate_limits: wishes.rate_limits,
        trusted_proxies: wishes.trusted_proxies.clone(),
    });
    setup
}

impl Place {
    /// The same, served once more with other addresses.
    pub async fn with_urls(mut self, urls: PublicUrls) -> Self {
        self.wishes.urls = urls;
        self.served = setup(self.store.clone(), &self.wishes).serve().await;
        self
    }

    /// The lengths of files that have not arrived yet, or were left over.
    pub fn arriving(&self) -> Vec<u64> {
        let files = std::fs::read_dir(self.directory.path().join("incoming")).unwrap();
        files
            .filter_map(|file| Some(file.ok()?.metadata().ok()?.len()))
            .collect()
    }

    /// The network on which images are fetched.
    pub fn network(&self) -> Network {
        self.wishes.network.clone()
    }

    /// Another app over the same store.
    pub fn another_app(&self) -> Arc<App> {
        setup(self.store.clone(), &self.wishes).app().0
    }
}

/// A PNG of 40 × 30.
pub fn picture() -> Vec<u8> {
    pictures::coordinate_png(Size::new(40, 30))
}

/// A multipart form.
#[derive(Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub fn text(mut self, name: &str, text: &str) -> Self {
        let part = format!("--x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    pub fn file(mut self, filename: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "--x7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn on(self, request: Request) -> Request {
        let body = [&self.0[..], b"--x7--\r\n"].concat();
        request
            .header("Content-Type", "multipart/form-data; boundary=x7")
            .body(body)
    }
}

impl Place {
    /// The path of an endpoint.
    pub fn path(&self, rest: &str) -> String {
        format!("/client/v4/accounts/{}/images/{rest}", self.account.id)
    }

    /// A request with the token.
    pub fn request(&self, method: &str, rest: &str) -> Request {
        Request::new(method, &self.path(rest)).header("Authorization", &format!("Bearer {}", self.token))
    }

    pub async fn ask(&self, method: &str, rest: &str) -> Answer {
        self.checked(&self.request(method, rest)).await
    }

    pub async fn ask_json(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let request = self.request(method, rest).header("Content-Type", "application/json");
        self.checked(&request.body(body.to_string())).await
    }

    pub async fn send(&self, rest: &str, form: Form) -> Answer {
        self.checked(&form.on(self.request("POST", rest))).await
    }

    /// Asks, and holds the answer against the description of the API.
    pub async fn checked(&self, request: &Request) -> Answer {
        let answer = self.served.ask(request).await;
        described::check(request, &answer);
        answer
    }

    /// Uploads a picture; the record.
    pub async fn upload(&self, form: Form) -> Value {
        result(&self.send("v1", form.file("lamp.png", &picture())).await)
    }
}

/// The result of a success.
#[track_caller]
pub fn result(answer: &Answer) -> Value {
    let envelope: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.text()));
    assert_eq!(
        (answer.status, envelope["success"].as_bool()),
        (200, Some(true)),
        "{envelope}"
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        (&envelope["errors"], &envelope["messages"]),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );
    assert!(envelope.get("result_info").is_some());
    assert!(answer.header("cf-ray").unwrap().ends_with("-LOCAL"));
    envelope["result"].clone()
}

/// The status, code and message of a failure.
#[track_caller]
pub fn failure(answer: &Answer) -> (u16, u64, String) {
    let envelope: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.text()));
    assert_eq!(envelope["success"], false, "{envelope}");
    assert_eq!(envelope["result"], Value::Null);
    let error = &envelope["errors"][0];
    (
        answer.status,
        error["code"].as_u64().unwrap(),
        error["message"].as_str().unwrap().to_owned(),
    )
}

/// The status and code of a failure.
#[track_caller]
pub fn code(answer: &Answer) -> (u16, u64) {
    let (status, code, _) = failure(answer);
    (status, code)
}

/// An id as a client encodes it, as one segment.
pub fn segment(id: &str) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The path of an absolute URL on the test's host.
pub fn path_of(url: &str) -> String {
    url.strip_prefix("http://calotype.test")
        .unwrap_or_else(|| panic!("{url}"))
        .to_owned()
}
