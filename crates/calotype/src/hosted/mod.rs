//! Hosted images: the store, the first run, what is swept regularly, and the commands that work on it.

mod cli;
mod commands;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use calotype_http::{HostedLimits, HostedSettings, PublicUrls, RateLimits};
use calotype_source::{FetchSettings, Fetcher, SourceMemory};
use calotype_store::{Account, GRACE, RemoteSettings, Scope, Store, StoreError, StoreSettings};

pub(crate) use cli::HostedCommand;
pub(crate) use commands::run;

use crate::failure::Failure;
use crate::settings::Settings;

/// Between two collections of what nobody names any more.
const COLLECT_EVERY: Duration = Duration::from_secs(600);
/// Between two additions of what was delivered: a server that dies forgets as much.
const USAGE_EVERY: Duration = Duration::from_secs(10);
/// Time for an image that is uploaded by its URL (hosted images spec, D34).
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// What the first run tells.
#[derive(Debug)]
pub(crate) struct FirstRun {
    pub(crate) account: Account,
    /// Shown once.
    pub(crate) token: String,
}

/// Opens the store in the data directory.
pub(crate) async fn open(data: PathBuf, settings: &Settings) -> Result<Store, Failure> {
    let place = data.display().to_string();
    Store::open(StoreSettings {
        database: settings.database.as_ref().map(|url| url.reveal().to_owned()),
        originals: originals(settings)?,
        sealing_key: settings.sealing_key.as_ref().map(|key| key.reveal().to_owned()),
        ..StoreSettings::in_directory(data)
    })
    .await
    .map_err(|error| Failure::Usage(format!("hosted images in {place}: {error}")))
}

/// The object store of originals, if they are to be in one.
fn originals(settings: &Settings) -> Result<Option<RemoteSettings>, Failure> {
    let options = settings.blobs_options.iter();
    let options: Vec<_> = options
        .map(|(name, value)| (name.clone(), value.0.reveal().to_owned()))
        .collect();
    match &settings.blobs {
        Some(url) => Ok(Some(RemoteSettings {
            url: url.reveal().to_owned(),
            options,
        })),
        None if options.is_empty() => Ok(None),
        None => Err(Failure::Usage(
            "blobs_options are those of an object store; name it with --blobs, for example s3://bucket/prefix"
                .to_owned(),
        )),
    }
}

/// Fails at the start, with what to change, where the first upload would.
pub(crate) async fn reach_originals(store: &Store) -> Result<(), Failure> {
    store
        .reach_originals()
        .await
        .map_err(|error| Failure::Usage(error.to_string()))
}

/// Makes the first account, and its token if it has none.
pub(crate) async fn first_run(store: &Store) -> Result<Option<FirstRun>, Failure> {
    let account = store.default_account().await.map_err(failed)?;
    if !store.tokens(&account).await.map_err(failed)?.is_empty() {
        return Ok(None);
    }
    let (_, secret) = store
        .create_token(&account, "admin", Scope::Write, None)
        .await
        .map_err(failed)?;
    Ok(Some(FirstRun {
        account,
        token: secret.reveal().to_owned(),
    }))
}

impl FirstRun {
    /// What to do first, for whoever started it. `server` is the address of this server, `delivery_url` what the operator has set for delivery.
    pub(crate) fn hint(&self, server: &str, delivery_url: Option<&str>) -> String {
        let delivery = delivery_url.map_or_else(
            || format!("{server}/cdn-cgi/imagedelivery"),
            |url| url.trim_end_matches('/').to_owned(),
        );
        format!(
            "\n  Your API token, which is shown only now:\n    {token}\n  Upload a picture:\n    curl -H 'Authorization: Bearer {token}' -F file=@photo.jpg -F id=hello \\\n      {server}/client/v4/accounts/{id}/images/v1\n  It is then at\n    {delivery}/{hash}/hello/public\n\n",
            token = self.token,
            id = self.account.id,
            hash = self.account.hash,
        )
    }
}

/// Looks whether the accounts are there that the settings name.
pub(crate) async fn check_named_accounts(store: &Store, settings: &Settings) -> Result<(), Failure> {
    for (key, hash) in settings.delivery_hosts.iter().chain(&settings.delivery_aliases) {
        if store.account_by_hash(hash).await.map_err(failed)?.is_none() {
            return Err(Failure::Usage(format!(
                "there is no account with the hash {hash} (delivery_hosts, delivery_aliases: {key}); `calotype account list` shows all"
            )));
        }
    }
    Ok(())
}

/// What the surfaces of hosted images are made of.
pub(crate) fn surfaces(
    store: Arc<Store>,
    settings: &Settings,
    fetch: FetchSettings,
    memory: SourceMemory,
) -> HostedSettings {
    let upload_bytes_max = settings.upload_bytes.0;
    let url = |url: &Option<url::Url>| url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    HostedSettings {
        store,
        urls: PublicUrls {
            delivery: url(&settings.delivery_url),
            upload: url(&settings.upload_url),
            hosts: settings.delivery_hosts.clone(),
            aliases: settings.delivery_aliases.clone(),
            ..PublicUrls::default()
        },
        fetcher: Fetcher::new(FetchSettings {
            source_bytes_max: upload_bytes_max,
            download_timeout: FETCH_TIMEOUT,
            redirects_max: 5,
            trusted_origin: None,
            ..fetch
        }),
        memory,
        limits: HostedLimits {
            upload_bytes_max,
            signing_keys_max: settings.signing_keys,
            ..HostedLimits::default()
        },
        receive_timeout: settings.download_timeout.0,
        keys_take_write: settings.keys_take_write,
        short_delivery_paths: settings.short_delivery_paths,
        batch_url: url(&settings.batch_url),
        rate_limits: RateLimits {
            is_on: settings.rate_limits,
            requests_max: settings.rate_limit_requests,
            window: settings.rate_limit_window.0,
            address_requests_max: settings.rate_limit_address,
            batch_requests_max: settings.rate_limit_batch,
        },
        trusted_proxies: settings.trusted_proxies.clone(),
    }
}

/// Writes what was delivered for as long as it is polled.
pub(crate) async fn write_usage(store: Arc<Store>) {
    loop {
        tokio::time::sleep(USAGE_EVERY).await;
        if let Err(error) = store.write_usage().await {
            tracing::warn!(%error, "what was delivered could not be counted; it is tried again later");
        }
    }
}

/// Sweeps for as long as it is polled.
pub(crate) async fn sweep(store: Arc<Store>) {
    loop {
        match store.collect(GRACE).await {
            Ok(collected) => tracing::debug!(?collected, "what nobody names was collected"),
            Err(error) => tracing::warn!(%error, "what nobody names could not be collected; it is tried again later"),
        }
        tokio::time::sleep(COLLECT_EVERY).await;
    }
}

/// A failure of the store, in its own words: on one's own machine there is nobody to hide them from.
pub(crate) fn failed(error: StoreError) -> Failure {
    match error {
        StoreError::Missing(_) | StoreError::Taken(_) | StoreError::Full { .. } | StoreError::Invalid(_) => {
            Failure::Usage(error.to_string())
        }
        error => Failure::Other(error.to_string()),
    }
}
