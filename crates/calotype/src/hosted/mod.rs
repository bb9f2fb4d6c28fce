//! Hosted images: the store, the first run, what is swept regularly, and the commands that work on it.

mod cli;
mod commands;
mod webhook;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calotype_http::{HostedLimits, HostedSettings, PublicUrls};
use calotype_source::{FetchSettings, Fetcher, SourceMemory};
use calotype_store::{GRACE, Scope, Store, StoreError, StoreSettings};

pub(crate) use cli::HostedCommand;
pub(crate) use commands::run;

use crate::failure::Failure;
use crate::settings::Settings;

/// Between two collections of what nobody names any more.
const COLLECT_EVERY: Duration = Duration::from_secs(600);
/// Time for an image that is uploaded by its URL (hosted images spec, D34).
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// What the first run tells.
#[derive(Debug)]
pub(crate) struct FirstRun {
    pub(crate) account: String,
    /// Shown once.
    pub(crate) token: String,
}

/// Opens the store in the data directory.
pub(crate) async fn open(data: PathBuf, settings: &Settings) -> Result<Store, Failure> {
    let place = data.display().to_string();
    Store::open(StoreSettings {
        database: settings.database.as_ref().map(|url| url.reveal().to_owned()),
        sealing_key: settings.sealing_key.as_ref().map(|key| key.reveal().to_owned()),
        ..StoreSettings::in_directory(data)
    })
    .await
    .map_err(|error| Failure::Usage(format!("hosted images in {place}: {error}")))
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
        account: account.id,
        token: secret.reveal().to_owned(),
    }))
}

impl FirstRun {
    /// What to do first, for whoever started it.
    pub(crate) fn hint(&self, server: &str) -> String {
        format!(
            "\n  Your API token, which is shown only now:\n    {token}\n  Upload a picture:\n    curl -H 'Authorization: Bearer {token}' -F file=@photo.jpg \\\n      {server}/client/v4/accounts/{account}/images/v1\n  The answer has the URL that shows it under \"variants\".\n\n",
            token = self.token,
            account = self.account,
        )
    }
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
        poster: webhook::poster(settings),
        store,
        urls: PublicUrls {
            delivery: url(&settings.delivery_url),
            upload: url(&settings.upload_url),
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
    }
}

/// Sweeps for as long as it is polled.
pub(crate) async fn sweep(store: Arc<Store>) {
    loop {
        match store.collect(GRACE).await {
            Ok(collected) => tracing::debug!(?collected, "what nobody names was collected"),
            Err(error) => tracing::warn!(%error, "what nobody names could not be collected; it is tried again later"),
        }
        match store.trim_messages().await {
            Ok(messages) => tracing::debug!(messages, "old messages to webhooks were forgotten"),
            Err(error) => {
                tracing::warn!(%error, "old messages to webhooks could not be forgotten; it is tried again later")
            }
        }
        tokio::time::sleep(COLLECT_EVERY).await;
    }
}

/// The data directory of a command that works on it.
pub(crate) fn data_of(settings: &Settings) -> Result<&Path, Failure> {
    settings.data.as_deref().ok_or_else(|| {
        Failure::Usage("hosted images need a directory; name it with --data DIR, or set CALOTYPE_DATA".to_owned())
    })
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
