//! Which object store, and how it is reached.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as S3Key};
use object_store::azure::{AzureConfigKey as AzureKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as GoogleKey};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::http::Connector;
use crate::{Result, StoreError};

/// How often a request is sent again, and until when: an upload waits for it.
const RETRIES_MAX: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(15);
const BACKOFF: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(100),
    max_backoff: Duration::from_secs(2),
    base: 2.0,
};
/// What our client does not do, so that nobody believes that it does.
const NOT_TAKEN: [ClientConfigKey; 11] = [
    ClientConfigKey::AllowInvalidCertificates,
    ClientConfigKey::Http2KeepAliveInterval,
    ClientConfigKey::Http2KeepAliveTimeout,
    ClientConfigKey::Http2KeepAliveWhileIdle,
    ClientConfigKey::Http2MaxFrameSize,
    ClientConfigKey::Http2Only,
    ClientConfigKey::NoSystemCertificates,
    ClientConfigKey::ProxyCaCertificate,
    ClientConfigKey::ProxyExcludes,
    ClientConfigKey::ProxyUrl,
    ClientConfigKey::RandomizeAddresses,
];

/// An object store by its URL, with its options. It prints the names of the options, and none of their values.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteSettings {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or another form that the library knows.
    pub url: String,
    /// Options as the library names them: `endpoint`, `region`, `access_key_id`, …. They stand before those of the environment.
    pub options: Vec<(String, String)>,
}

impl fmt::Debug for RemoteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.options.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RemoteSettings")
            .field(
                "url",
                &Url::parse(&self.url).map_or_else(|_| String::new(), |url| shown(&url)),
            )
            .field("options", &names)
            .finish()
    }
}

/// A store that is ready to be asked, and what must not be shown of it.
pub(super) struct Opened {
    pub(super) store: Box<dyn ObjectStore>,
    pub(super) prefix: Path,
    pub(super) shown: String,
    pub(super) secrets: Vec<String>,
}

/// A store from its builder, and its secrets. The builders are alike and have no trait. The environment comes first, so that options win.
macro_rules! built {
    ($settings:expr, $url:expr, $builder:ident, $key:ident, [$($secret:ident),+]) => {{
        let mut builder = $builder::from_env()
            .with_url($url.as_str())
            .with_retry(retry())
            .with_http_connector(Connector);
        let client_key = |key: &$key| if let $key::Client(key) = key { Some(*key) } else { None };
        for (key, value) in $settings.keyed(client_key)? {
            builder = builder.with_config(key, value);
        }
        let secrets: Vec<String> = [$($key::$secret),+].iter().filter_map(|key| builder.get_config_value(key)).collect();
        (builder.build().map(|store| Box::new(store) as Box<dyn ObjectStore>), secrets)
    }};
}

impl RemoteSettings {
    /// Makes the store; nothing is asked of it yet.
    pub(super) fn open(&self) -> Result<Opened> {
        let url = self.parsed()?;
        let (scheme, path) = ObjectStoreScheme::parse(&url).map_err(|_| no_store())?;
        let (store, secrets) = match scheme {
            ObjectStoreScheme::AmazonS3 => built!(self, url, AmazonS3Builder, S3Key, [SecretAccessKey, Token]),
            ObjectStoreScheme::GoogleCloudStorage => {
                built!(
                    self,
                    url,
                    GoogleCloudStorageBuilder,
                    GoogleKey,
                    [ServiceAccountKey, BearerToken]
                )
            }
            ObjectStoreScheme::MicrosoftAzure => built!(
                self,
                url,
                MicrosoftAzureBuilder,
                AzureKey,
                [
                    AccessKey,
                    ClientSecret,
                    SasKey,
                    Token,
                    EncryptionKey,
                    FabricSessionToken
                ]
            ),
            _ => return Err(no_store()),
        };
        let store = store.map_err(|error| {
            let why = hide(&secrets, error.to_string());
            StoreError::Invalid(format!("the object store {} cannot be used: {why}", shown(&url)))
        })?;
        Ok(Opened {
            store,
            prefix: path,
            shown: shown(&url),
            secrets,
        })
    }

    /// The URL, if it is one without secrets.
    fn parsed(&self) -> Result<Url> {
        let url = Url::parse(&self.url).map_err(|_| no_store())?;
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(StoreError::Invalid(
                "the URL of originals must have no password and no query: write credentials into [blobs_options] or the environment".to_owned(),
            ));
        }
        Ok(url)
    }

    /// The options with the library's keys; one that it does not know, or that our client does not have, is an error.
    fn keyed<K: FromStr>(&self, client_key: impl Fn(&K) -> Option<ClientConfigKey>) -> Result<Vec<(K, String)>> {
        self.options
            .iter()
            .map(|(name, value)| {
                let key = name.to_ascii_lowercase().parse().map_err(|_| {
                    StoreError::Invalid(format!(
                        "there is no option `{name}` of this object store (blobs_options)"
                    ))
                })?;
                if client_key(&key).is_some_and(|key| NOT_TAKEN.contains(&key)) {
                    return Err(StoreError::Invalid(format!(
                        "the option `{name}` (blobs_options) is not supported"
                    )));
                }
                Ok((key, value.clone()))
            })
            .collect()
    }
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BACKOFF,
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_TIMEOUT,
    }
}

fn no_store() -> StoreError {
    StoreError::Invalid(
        "originals can be in s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX; without a URL they are in the data directory".to_owned(),
    )
}

/// The URL without anything that could be a secret.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// A text of the library without the secrets that it might hold.
pub(super) fn hide(secrets: &[String], mut text: String) -> String {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret.as_str(), "(hidden)");
    }
    text
}
