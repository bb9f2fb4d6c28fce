//! Settings: defaults, then the TOML file, then the environment, then the command line.

mod delivery;
mod explain;
mod layers;
mod limits;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use calotype_source::AllowedOrigins;
use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use self::explain::explain;
use self::layers::{command_line, environment, override_of, split};
pub(crate) use self::limits::LimitSettings;
pub(crate) use self::values::{Bytes, Hidden, HiddenOption, Mode, Span};
use crate::cli::ServeArguments;
use crate::failure::Failure;

/// Every setting of the server, by the name it has in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// Directory whose files are the originals of plain paths.
    pub(crate) root: Option<PathBuf>,
    /// HTTP origin of plain paths that the root does not have.
    pub(crate) origin: Option<Url>,
    /// Keep hosted images.
    pub(crate) hosted: bool,
    /// Directory for the server's own files; the usual one for a program's data if none.
    pub(crate) data: Option<PathBuf>,
    /// PostgreSQL by its URL; SQLite in the data directory if none.
    pub(crate) database: Option<Hidden>,
    /// The object store of originals by its URL; the data directory if none.
    pub(crate) blobs: Option<Hidden>,
    /// Options of that object store, by the names that it has for them.
    pub(crate) blobs_options: BTreeMap<String, HiddenOption>,
    /// The key that seals secrets in the database, as 64 hex digits; a file in the data directory if none.
    pub(crate) sealing_key: Option<Hidden>,
    /// What stands before `/{hash}/{id}/{variant}` in URLs of hosted images.
    pub(crate) delivery_url: Option<Url>,
    /// What stands before `/{hash}/{id}` in URLs that take one upload.
    pub(crate) upload_url: Option<Url>,
    /// Hosted images at `/{hash}/{id}/{variant}` too.
    pub(crate) short_delivery_paths: bool,
    /// Hosts that belong to an account, with its hash: no other account's images are served there.
    pub(crate) delivery_hosts: BTreeMap<String, String>,
    /// Prefixes of paths that stand for the delivery prefix and an account's hash.
    pub(crate) delivery_aliases: BTreeMap<String, String>,
    /// Bytes of an uploaded image.
    pub(crate) upload_bytes: Bytes,
    /// Signing keys of an account.
    pub(crate) signing_keys: u64,
    /// Reading signing keys takes a token that may write.
    pub(crate) keys_take_write: bool,
    /// What stands before `/images/v1` for the batch API.
    pub(crate) batch_url: Option<Url>,
    /// Limit how often accounts and addresses may ask the API.
    pub(crate) rate_limits: bool,
    /// Requests of an account in `rate_limit_window`.
    pub(crate) rate_limit_requests: u32,
    /// See there.
    pub(crate) rate_limit_window: Span,
    /// Requests of one address in a second.
    pub(crate) rate_limit_address: u32,
    /// Requests with one batch token in a second; 0: any number.
    pub(crate) rate_limit_batch: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Domains that this server serves.
    pub(crate) zones: Vec<String>,
    /// Rule on the hosts of absolute sources.
    pub(crate) allow_origin: String,
    /// Fetch from private addresses.
    pub(crate) allow_private: bool,
    /// Private networks that may be fetched from, e.g. `10.1.0.0/16`.
    pub(crate) allow_networks: Vec<IpNet>,
    /// Serve the playground.
    pub(crate) playground: bool,
    /// Unix socket of the Images binding.
    pub(crate) binding_socket: Option<PathBuf>,
    /// Who may connect to it.
    pub(crate) binding_socket_mode: Mode,
    /// Address and port of the Images binding.
    pub(crate) binding_listen: Option<SocketAddr>,
    /// Let that address be reached from other machines.
    pub(crate) binding_public: bool,
    /// Directory for large images on their way; the system's temporary directory if none.
    pub(crate) binding_spool: Option<PathBuf>,
    /// Bytes of all images in that directory.
    pub(crate) binding_spool_bytes: Bytes,
    /// Bytes of all images of one binding call.
    pub(crate) binding_form_bytes: Bytes,
    /// Unix socket for `cf.image` of Workers.
    pub(crate) workers_outbound_socket: Option<PathBuf>,
    /// `Link: rel="canonical"` on results.
    pub(crate) canonical_link: bool,
    /// Images worked on at once; 0 is one per core.
    pub(crate) threads: usize,
    /// Images that wait for their turn.
    pub(crate) queue: usize,
    /// Memory for the images that are worked on.
    pub(crate) memory: Bytes,
    /// Memory for originals on their way to work.
    pub(crate) source_memory: Bytes,
    /// From arrival of a transform to its result, waiting included.
    pub(crate) job_timeout: Span,
    /// Connecting to an origin.
    pub(crate) connect_timeout: Span,
    /// Downloading an original, all in all.
    pub(crate) download_timeout: Span,
    /// Redirects followed.
    pub(crate) redirects: usize,
    /// Connections open at once.
    pub(crate) connections: usize,
    /// How long running requests may take to finish on a stop.
    pub(crate) stop_timeout: Span,
    /// What is logged: `info`, `debug`, `calotype::access=off,info`, ….
    pub(crate) log: String,
    /// `text` or `json`.
    pub(crate) log_format: LogFormat,
    /// `all`, or `reference` for the formats that the reference takes.
    pub(crate) inputs: InputSettings,
    /// `encoded`, or `linear` for resizing in amounts of light.
    pub(crate) light: LightSettings,
    /// Bounds on images.
    pub(crate) limits: LimitSettings,
}

/// What a resize averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LightSettings {
    /// The numbers as they are stored.
    Encoded,
    /// Amounts of light.
    Linear,
}

/// Which formats are taken as sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InputSettings {
    /// All that can be read.
    All,
    /// Those of the reference.
    Reference,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            root: None,
            origin: None,
            hosted: true,
            data: None,
            database: None,
            blobs: None,
            blobs_options: BTreeMap::new(),
            sealing_key: None,
            delivery_url: None,
            upload_url: None,
            short_delivery_paths: false,
            delivery_hosts: BTreeMap::new(),
            delivery_aliases: BTreeMap::new(),
            upload_bytes: Bytes(10 << 20),
            signing_keys: 2,
            keys_take_write: false,
            batch_url: None,
            rate_limits: false,
            rate_limit_requests: 1_200,
            rate_limit_window: Span(Duration::from_secs(300)),
            rate_limit_address: 200,
            rate_limit_batch: 200,
            trusted_proxies: Vec::new(),
            zones: Vec::new(),
            allow_origin: "this-zone".to_owned(),
            allow_private: false,
            allow_networks: Vec::new(),
            playground: true,
            binding_socket: None,
            binding_socket_mode: Mode(0o600),
            binding_listen: None,
            binding_public: false,
            binding_spool: None,
            binding_spool_bytes: Bytes(4 << 30),
            binding_form_bytes: Bytes(256 << 20),
            workers_outbound_socket: None,
            canonical_link: true,
            threads: 0,
            queue: 256,
            memory: Bytes(2 << 30),
            source_memory: Bytes(512 << 20),
            job_timeout: Span(Duration::from_secs(30)),
            connect_timeout: Span(Duration::from_secs(10)),
            download_timeout: Span(Duration::from_secs(60)),
            redirects: 5,
            connections: 4_096,
            stop_timeout: Span(Duration::from_secs(30)),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            inputs: InputSettings::All,
            light: LightSettings::Encoded,
            limits: LimitSettings::default(),
        }
    }
}

impl Settings {
    /// Reads all layers.
    pub(crate) fn load(arguments: &ServeArguments) -> Result<Self, Failure> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = &arguments.config {
            if !file.is_file() {
                return Err(Failure::Usage(format!(
                    "the settings file {} is not there (--config)",
                    file.display()
                )));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(environment());
        for change in &arguments.set {
            let (key, value) = split(change, "--set")?;
            figment = figment.merge(override_of(key, value, "--set"));
        }
        figment = command_line(figment, arguments);
        let settings: Self = figment.extract().map_err(explain)?;
        settings.check()?;
        Ok(settings)
    }

    /// What a type cannot say.
    fn check(&self) -> Result<(), Failure> {
        self.allowed_origins()?;
        delivery::check_hosts(&self.delivery_hosts)?;
        delivery::check_aliases(&self.delivery_aliases)?;
        if let Some(origin) = &self.origin {
            let plain = matches!(origin.scheme(), "http" | "https")
                && origin.host().is_some()
                && origin.username().is_empty()
                && origin.password().is_none()
                && origin.query().is_none();
            if !plain {
                let mut origin = origin.clone();
                // Who names a user names a password too, and messages are logged.
                let _ = (origin.set_username(""), origin.set_password(None));
                return Err(Failure::Usage(format!(
                    "origin `{origin}` is no origin; write an http or https URL without user and query, for example https://shop.example.com"
                )));
            }
        }
        if let Some(address) = self
            .binding_listen
            .filter(|address| !address.ip().is_loopback() && !self.binding_public)
        {
            return Err(Failure::Usage(format!(
                "binding_listen `{address}` can be reached from other machines, and the binding asks for no credentials; write 127.0.0.1:{}, use \
                 --binding-socket, or say that you mean it with --binding-public",
                address.port()
            )));
        }
        if let Some(root) = self.root.as_deref().filter(|root| !root.is_dir()) {
            return Err(Failure::Usage(format!(
                "root `{}` is no directory that exists; create it or name another",
                root.display()
            )));
        }
        for (name, value) in [
            ("queue", self.queue),
            ("connections", self.connections),
            ("rate_limit_requests", self.rate_limit_requests as usize),
            ("rate_limit_address", self.rate_limit_address as usize),
            ("limits.side", self.limits.side as usize),
        ] {
            if value == 0 {
                return Err(Failure::Usage(format!("{name} is 0; it must be at least 1")));
            }
        }
        self.limits.check()
    }

    /// The rule on origins, parsed.
    pub(crate) fn allowed_origins(&self) -> Result<AllowedOrigins, Failure> {
        self.allow_origin
            .parse()
            .map_err(|error| Failure::Usage(format!("allow_origin: {error}")))
    }
}
