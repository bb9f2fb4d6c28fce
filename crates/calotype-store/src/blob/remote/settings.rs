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
    ($settings:expr, $url:expr, $builder:expr, $key:ident, [$($secret:ident),+]) => {{
        let mut builder = $builder
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
            ObjectStoreScheme::AmazonS3 => {
                // Deletions are of one object each, and some stores know no others.
                let builder = AmazonS3Builder::from_env().with_config(S3Key::DisableBulkDelete, "true");
                built!(self, url, builder, S3Key, [SecretAccessKey, Token])
            }
            ObjectStoreScheme::GoogleCloudStorage => {
                built!(
                    self,
                    url,
                    GoogleCloudStorageBuilder::from_env(),
                    GoogleKey,
                    [ServiceAccountKey, BearerToken]
                )
            }
            ObjectStoreScheme::MicrosoftAzure => built!(
                self,
                url,
                MicrosoftAzureBuilder::from_env(),
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

#[cfg(test)]
mod tests {
    use super::*;

    const S3: &[(&str, &str)] = &[
        ("access_key_id", "AK"),
        ("secret_access_key", "hidden-s3"),
        ("region", "r1"),
    ];
    const GOOGLE: &[(&str, &str)] = &[("bearer_token", "hidden-google")];
    /// `hidden-azure` as base64: Azure's keys are.
    const AZURE: &[(&str, &str)] = &[("account_name", "acct"), ("account_key", "aGlkZGVuLWF6dXJl")];

    fn settings(url: &str, options: &[(&str, &str)]) -> RemoteSettings {
        let options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        RemoteSettings {
            url: url.to_owned(),
            options: options.collect(),
        }
    }

    fn refusal(url: &str, options: &[(&str, &str)]) -> String {
        match settings(url, options).open() {
            Err(StoreError::Invalid(text)) => text,
            other => panic!("{url}: {:?}", other.map(|opened| opened.shown)),
        }
    }

    #[test]
    fn each_form_of_url_is_the_store_bucket_and_prefix_that_it_says() {
        for (url, options, store, prefix) in [
            ("s3://b/a/p", S3, "AmazonS3(b)", "a/p"),
            ("s3://b", S3, "AmazonS3(b)", ""),
            ("s3a://b/p/", S3, "AmazonS3(b)", "p"),
            ("https://s3.eu-central-1.amazonaws.com/b/p", S3, "AmazonS3(b)", "p"),
            ("https://b.s3.eu-central-1.amazonaws.com/p", S3, "AmazonS3(b)", "p"),
            ("https://acct.r2.cloudflarestorage.com/b/p", S3, "AmazonS3(b)", "p"),
            ("gs://b/p", GOOGLE, "GoogleCloudStorage(b)", "p"),
            ("az://c/p", AZURE, "MicrosoftAzure { account: acct, container: c }", "p"),
            (
                "abfss://c@acct.dfs.core.windows.net/p",
                AZURE,
                "MicrosoftAzure { account: acct, container: c }",
                "p",
            ),
            (
                "https://acct.blob.core.windows.net/c/p",
                AZURE,
                "MicrosoftAzure { account: acct, container: c }",
                "p",
            ),
        ] {
            let opened = settings(url, options)
                .open()
                .unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (opened.store.to_string().as_str(), opened.prefix.as_ref()),
                (store, prefix),
                "{url}"
            );
            assert_eq!(opened.secrets.len(), 1, "{url}");
        }
    }

    #[test]
    fn options_are_taken_by_every_name_that_the_library_has_for_them() {
        for (url, options) in [
            (
                "s3://b",
                &[
                    ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"),
                    ("AWS_ALLOW_HTTP", "true"),
                    ("aws_session_token", "t"),
                ][..],
            ),
            (
                "s3://b",
                &[
                    ("virtual_hosted_style_request", "true"),
                    ("read_timeout", "3s"),
                    ("checksum_algorithm", "sha256"),
                ],
            ),
            (
                "gs://b",
                &[
                    ("google_skip_signature", "true"),
                    ("base_url", "http://127.0.0.1:4443"),
                    ("timeout", "1m"),
                ],
            ),
            ("az://c", &[("azure_storage_use_emulator", "true")]),
            (
                "az://c",
                &[
                    ("azure_storage_account_name", "a"),
                    ("azure_storage_sas_token", "sv=1&sig=x"),
                ],
            ),
        ] {
            settings(url, options)
                .open()
                .unwrap_or_else(|error| panic!("{url} {options:?}: {error}"));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_what_to_write() {
        for url in [
            "bucket",
            "",
            "file:///srv",
            "memory:///",
            "http://example.com/b",
            "ftp://b/p",
            "s3:///p",
        ] {
            assert!(refusal(url, &[]).contains("s3://BUCKET/PREFIX"), "{url}");
        }
        for url in [
            "s3://key:hidden@b/p",
            "https://acct.blob.core.windows.net/c?sig=hidden",
            "s3://b/p#hidden",
        ] {
            let text = refusal(url, &[]);
            assert!(text.contains("[blobs_options]") && !text.contains("hidden"), "{text}");
            assert!(!format!("{:?}", settings(url, &[])).contains("hidden"));
        }
        for (options, part) in [
            (("colour", "red"), "`colour`"),
            (("azure_client_id", "x"), "`azure_client_id`"),
            (("proxy_url", "http://p"), "`proxy_url`"),
            (("allow_invalid_certificates", "true"), "`allow_invalid_certificates`"),
            (("timeout", "soon"), "30s"),
        ] {
            let text = refusal("s3://b/p", &[S3, &[options]].concat());
            assert!(text.contains(part), "{text}");
        }
        assert!(refusal("az://c/p", &[]).to_lowercase().contains("account"));
    }

    #[test]
    fn a_secret_that_is_wrong_is_not_repeated() {
        let text = refusal("gs://b", &[("service_account_key", "hidden, and no JSON")]);
        assert!(!text.contains("hidden, and"), "{text}");
        assert_eq!(
            hide(&["key".to_owned(), String::new()], "a key, the key".to_owned()),
            "a (hidden), the (hidden)"
        );
        let shown = format!("{:?}", settings("s3://b/p", S3));
        assert!(
            shown.contains("s3://b/p") && shown.contains("secret_access_key") && !shown.contains("hidden"),
            "{shown}"
        );
    }
}
