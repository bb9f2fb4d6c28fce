//! Settings: defaults, then the TOML file, then the environment, then the command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use calotype_plan::Limits;
use calotype_source::AllowedOrigins;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

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
    /// Directory for the server's own files.
    pub(crate) data: Option<PathBuf>,
    /// PostgreSQL by its URL; SQLite in the data directory if none.
    pub(crate) database: Option<Hidden>,
    /// The key that seals secrets in the database, as 64 hex digits; a file in the data directory if none.
    pub(crate) sealing_key: Option<Hidden>,
    /// What stands before `/{hash}/{id}/{variant}` in URLs of hosted images.
    pub(crate) delivery_url: Option<Url>,
    /// What stands before `/{hash}/{id}` in URLs that take one upload.
    pub(crate) upload_url: Option<Url>,
    /// Hosted images at `/{hash}/{id}/{variant}` too.
    pub(crate) short_delivery_paths: bool,
    /// Bytes of an uploaded image.
    pub(crate) upload_bytes: Bytes,
    /// Signing keys of an account.
    pub(crate) signing_keys: u64,
    /// Reading signing keys takes a token that may write.
    pub(crate) keys_take_write: bool,
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

/// Bounds on images, in the units operators think in. One megapixel is 1,000,000 pixels.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitSettings {
    /// Size of a source file.
    pub(crate) source_bytes: Bytes,
    /// Megapixels of a still source.
    pub(crate) source_area_mp: u64,
    /// Pixels on one side of a source or an output.
    pub(crate) side: u32,
    /// Megapixels of all frames of an animation that is transformed.
    pub(crate) animation_area_mp: u64,
    /// Megapixels of all frames above which an animation is refused.
    pub(crate) animation_area_refused_mp: u64,
    /// Frames of an animation.
    pub(crate) frames: u32,
    /// Passes that a JPEG makes over its picture.
    pub(crate) scans: u32,
    /// Megapixels of a JPEG times its passes.
    pub(crate) scan_area_mp: u64,
    /// Items, tiles, pages or chunks that a file lists.
    pub(crate) container_items: usize,
    /// Size of an SVG, unpacked.
    pub(crate) svg_bytes: Bytes,
    /// Elements of an SVG.
    pub(crate) svg_elements: usize,
    /// Elements inside elements of an SVG.
    pub(crate) svg_depth: usize,
    /// Size of one block of metadata.
    pub(crate) metadata_bytes: Bytes,
    /// Longest side of a negotiated AVIF.
    pub(crate) avif_side: u32,
    /// Longest side of an AVIF that was asked for.
    pub(crate) avif_explicit_side: u32,
    /// Overlays of one image.
    pub(crate) draws: usize,
    /// Characters of a text overlay.
    pub(crate) text_chars: usize,
    /// Size of a font file.
    pub(crate) font_bytes: Bytes,
    /// Length of an option list.
    pub(crate) options_bytes: Bytes,
    /// Memory that one image may take.
    pub(crate) job_memory: Bytes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            root: None,
            origin: None,
            data: None,
            database: None,
            sealing_key: None,
            delivery_url: None,
            upload_url: None,
            short_delivery_paths: false,
            upload_bytes: Bytes(10 << 20),
            signing_keys: 2,
            keys_take_write: false,
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

const MP: u64 = 1_000_000;
/// Drawing calls itself once for every level of an SVG.
const SVG_DEPTH_MAX: usize = 256;

impl Default for LimitSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            source_bytes: Bytes(limits.source_bytes_max),
            source_area_mp: limits.source_area_px_max / MP,
            side: limits.side_px_max,
            animation_area_mp: limits.animation_area_px_max / MP,
            animation_area_refused_mp: limits.animation_area_px_refused / MP,
            frames: limits.frames_max,
            scans: limits.scans_max,
            scan_area_mp: limits.scan_area_px_max / MP,
            container_items: limits.container_items_max,
            svg_bytes: Bytes(limits.svg_bytes_max as u64),
            svg_elements: limits.svg_elements_max,
            svg_depth: limits.svg_depth_max,
            metadata_bytes: Bytes(limits.metadata_bytes_max as u64),
            avif_side: limits.avif_side_px_max,
            avif_explicit_side: limits.avif_explicit_side_px_max,
            draws: limits.draws_max,
            text_chars: limits.text_chars_max,
            font_bytes: Bytes(limits.font_bytes_max),
            options_bytes: Bytes(limits.options_bytes_max as u64),
            job_memory: Bytes(limits.job_memory_bytes_max),
        }
    }
}

impl LimitSettings {
    /// The limits as the other crates know them.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            source_bytes_max: self.source_bytes.0,
            source_area_px_max: self.source_area_mp.saturating_mul(MP),
            side_px_max: self.side,
            animation_area_px_max: self.animation_area_mp.saturating_mul(MP),
            animation_area_px_refused: self.animation_area_refused_mp.saturating_mul(MP),
            frames_max: self.frames,
            scans_max: self.scans,
            scan_area_px_max: self.scan_area_mp.saturating_mul(MP),
            container_items_max: self.container_items,
            svg_bytes_max: self.svg_bytes.as_usize(),
            svg_elements_max: self.svg_elements,
            svg_depth_max: self.svg_depth,
            metadata_bytes_max: self.metadata_bytes.as_usize(),
            avif_side_px_max: self.avif_side,
            avif_explicit_side_px_max: self.avif_explicit_side,
            draws_max: self.draws,
            text_chars_max: self.text_chars,
            font_bytes_max: self.font_bytes.0,
            options_bytes_max: self.options_bytes.as_usize(),
            job_memory_bytes_max: self.job_memory.0,
            ..Limits::default()
        }
    }

    /// What a type cannot say.
    fn check(&self) -> Result<(), Failure> {
        if self.svg_depth > SVG_DEPTH_MAX {
            return Err(Failure::Usage(format!(
                "limits.svg_depth is {}; it must be at most {SVG_DEPTH_MAX}, for which the stack of a worker is large enough",
                self.svg_depth
            )));
        }
        Ok(())
    }

    /// The defaults with some of them changed, each as `name=value`.
    pub(crate) fn with(changes: &[String]) -> Result<Self, Failure> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        for change in changes {
            let (key, value) = split(change, "--limit")?;
            figment = figment.merge(override_of(key, value, "--limit"));
        }
        let limits: Self = figment.extract().map_err(explain)?;
        limits.check()?;
        Ok(limits)
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

/// The names that the environment may set. Others that begin alike (`CALOTYPE_SHARED`) belong to other programs.
fn environment() -> Env {
    let top = known_keys();
    Env::prefixed("CALOTYPE_")
        .map(|key| {
            let key = key.as_str().to_ascii_lowercase();
            match key.strip_prefix("limits_") {
                Some(rest) => format!("limits.{rest}").into(),
                None => key.into(),
            }
        })
        .filter(move |key| key.as_str().starts_with("limits.") || top.iter().any(|known| key == known.as_str()))
}

/// The names of all settings, read off the type.
fn known_keys() -> Vec<String> {
    match serde_json::to_value(Settings::default()) {
        Ok(serde_json::Value::Object(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

fn command_line(mut figment: Figment, arguments: &ServeArguments) -> Figment {
    let set = |figment: Figment, key: &str, value: String| figment.merge(named(Serialized::global(key, value), key));
    if let Some(listen) = arguments.listen {
        figment = set(figment, "listen", listen.to_string());
    }
    if let Some(listen) = arguments.binding_listen {
        figment = set(figment, "binding_listen", listen.to_string());
    }
    if arguments.binding_public {
        figment = figment.merge(Serialized::global("binding_public", true));
    }
    if let Some(mode) = &arguments.binding_socket_mode {
        figment = set(figment, "binding_socket_mode", mode.clone());
    }
    for (key, path) in [
        ("root", &arguments.root),
        ("data", &arguments.data),
        ("binding_socket", &arguments.binding_socket),
        ("workers_outbound_socket", &arguments.workers_outbound_socket),
    ] {
        if let Some(path) = path {
            figment = set(figment, key, path.display().to_string());
        }
    }
    for (key, text) in [
        ("origin", &arguments.origin),
        ("allow_origin", &arguments.allow_origin),
        ("database", &arguments.database),
    ] {
        if let Some(text) = text {
            figment = set(figment, key, text.clone());
        }
    }
    if !arguments.zones.is_empty() {
        figment = figment.merge(named(Serialized::global("zones", &arguments.zones), "zone"));
    }
    if arguments.allow_private {
        figment = figment.merge(Serialized::global("allow_private", true));
    }
    if arguments.no_playground {
        figment = figment.merge(Serialized::global("playground", false));
    }
    if let Some(threads) = arguments.threads {
        figment = figment.merge(Serialized::global("threads", threads));
    }
    figment
}

/// A provider that errors name by its flag.
fn named<T: Serialize>(provider: Serialized<T>, key: &str) -> Named<T> {
    Named {
        provider,
        name: format!("--{}", key.replace('_', "-")),
    }
}

struct Named<T> {
    provider: Serialized<T>,
    name: String,
}

impl<T: Serialize> figment::Provider for Named<T> {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<figment::value::Map<figment::Profile, figment::value::Dict>, figment::Error> {
        self.provider.data()
    }
}

/// `KEY=VALUE` as TOML, or as text where the value is no TOML.
fn override_of(key: &str, value: &str, flag: &str) -> Named<figment::value::Value> {
    let parsed: figment::value::Value = match figment::value::Value::from_str(value) {
        Ok(value) => value,
        Err(never) => match never {},
    };
    Named {
        provider: Serialized::global(key, parsed),
        name: flag.to_owned(),
    }
}

fn split<'t>(change: &'t str, flag: &str) -> Result<(&'t str, &'t str), Failure> {
    change
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "`{change}` ({flag}) must be written key=value, for example limits.side=16000"
            ))
        })
}

/// Which setting is wrong, where it was set, why, and what would be right.
fn explain(errors: figment::Error) -> Failure {
    let lines: Vec<String> = errors
        .into_iter()
        .map(|error| {
            let key = error.path.join(".");
            let place = error.metadata.as_ref().map(describe_place).unwrap_or_default();
            let hint = hint(&key);
            let key = if key.is_empty() {
                String::new()
            } else {
                format!("setting `{key}`{place}: ")
            };
            format!("{key}{}{hint}", error.kind)
        })
        .collect();
    Failure::Usage(lines.join("\n"))
}

fn describe_place(metadata: &figment::Metadata) -> String {
    match metadata.source.as_ref().and_then(|source| source.file_path()) {
        Some(file) => format!(" in {}", Path::display(file)),
        None if metadata.name.contains("environment") => " in the environment".to_owned(),
        None => format!(" ({})", metadata.name),
    }
}

/// An example of a right value.
fn hint(key: &str) -> &'static str {
    match key {
        "listen" => "; write address:port, for example 0.0.0.0:8080",
        "binding_listen" => "; write address:port, for example 127.0.0.1:8081",
        "origin" => "; write a URL, for example https://shop.example.com",
        "zones" => "; write a list of domains, for example [\"example.com\"]",
        "allow_networks" => "; write a list of networks, for example [\"10.1.0.0/16\"]",
        "binding_socket_mode" => "; write permissions as chmod takes them, for example 0660",
        "delivery_url" | "upload_url" => "; write a URL, for example https://images.example.com",
        "memory"
        | "source_memory"
        | "upload_bytes"
        | "binding_spool_bytes"
        | "binding_form_bytes"
        | "limits.job_memory" => "; write a size, for example 512MiB or 100MB",
        key if key.starts_with("limits.") && key.ends_with("_bytes") => "; write a size, for example 512MiB or 100MB",
        key if key.ends_with("_timeout") => "; write a time, for example 30s or 2m",
        "log_format" => "; write text or json",
        "threads" | "queue" | "redirects" | "connections" | "signing_keys" => "; write a whole number",
        key if key.starts_with("limits.") => "; write a whole number, for example 16000",
        "allow_private"
        | "binding_public"
        | "playground"
        | "canonical_link"
        | "short_delivery_paths"
        | "keys_take_write" => "; write true or false",
        _ => "",
    }
}

/// A length of time that is written `30s` or `2m`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Seconds(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) => Ok(Self(Duration::from_secs(seconds))),
            Written::Text(text) => humantime::parse_duration(&text)
                .map(Self)
                .map_err(serde::de::Error::custom),
        }
    }
}

/// Permissions of a file, written in octal as for `chmod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04o}", self.0))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            /// The digits without quotes: `660`.
            Number(u32),
            Text(String),
        }
        let digits = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        match u32::from_str_radix(&digits, 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err(serde::de::Error::custom(format!("`{digits}` is no file mode"))),
        }
    }
}

/// A text that is nobody else's business: `--print-settings` shows that it is set, and not what it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hidden(String);

impl<'de> Deserialize<'de> for Hidden {
    /// The message of a wrong type would have the value in it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match <figment::value::Value as Deserialize>::deserialize(deserializer)? {
            figment::value::Value::String(_, text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("it must be a text; put it in double quotes")),
        }
    }
}

impl Hidden {
    /// The text.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(set)")
    }
}

/// A number of bytes that is written `512MiB` or `100MB`; a bare number is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Bytes(pub(crate) u64);

impl Bytes {
    fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text
                .parse::<bytesize::ByteSize>()
                .map(|size| Self(size.as_u64()))
                .map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(arguments: &ServeArguments) -> Result<Settings, String> {
        Settings::load(arguments).map_err(|failure| failure.to_string())
    }

    fn set(changes: &[&str]) -> Result<Settings, String> {
        load(&ServeArguments {
            set: changes.iter().map(|c| (*c).to_owned()).collect(),
            ..ServeArguments::default()
        })
    }

    #[test]
    fn nothing_need_be_set() {
        let settings = load(&ServeArguments::default()).unwrap();
        assert_eq!(settings.limits.limits(), Limits::default());
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn every_setting_is_in_the_manual() {
        let manual = include_str!("../../../docs/settings.md");
        let settings = serde_json::to_value(Settings::default()).unwrap();
        for (key, value) in settings.as_object().unwrap() {
            let names: Vec<String> = match value.as_object() {
                Some(members) => members.keys().map(|member| format!("`{key}.{member}`")).collect(),
                None => vec![format!("`{key}`")],
            };
            for name in names {
                assert!(manual.contains(&name), "{name} is missing in docs/settings.md");
            }
        }
    }

    #[test]
    fn every_limit_is_changed_by_its_own_name() {
        let changes = [
            "source_bytes=1",
            "source_area_mp=2",
            "side=3",
            "animation_area_mp=4",
            "animation_area_refused_mp=5",
            "frames=6",
            "scans=7",
            "scan_area_mp=8",
            "container_items=9",
            "svg_bytes=10",
            "svg_elements=11",
            "svg_depth=12",
            "metadata_bytes=13",
            "avif_side=14",
            "avif_explicit_side=15",
            "draws=16",
            "text_chars=17",
            "options_bytes=18",
            "job_memory=19",
            "font_bytes=20",
        ];
        let all = serde_json::to_value(LimitSettings::default()).unwrap();
        assert_eq!(changes.len(), all.as_object().unwrap().len());
        let limits = LimitSettings::with(&changes.map(str::to_owned)).unwrap().limits();
        let expected = Limits {
            source_bytes_max: 1,
            source_area_px_max: 2_000_000,
            side_px_max: 3,
            animation_area_px_max: 4_000_000,
            animation_area_px_refused: 5_000_000,
            frames_max: 6,
            scans_max: 7,
            scan_area_px_max: 8_000_000,
            container_items_max: 9,
            svg_bytes_max: 10,
            svg_elements_max: 11,
            svg_depth_max: 12,
            metadata_bytes_max: 13,
            avif_side_px_max: 14,
            avif_explicit_side_px_max: 15,
            draws_max: 16,
            text_chars_max: 17,
            options_bytes_max: 18,
            job_memory_bytes_max: 19,
            font_bytes_max: 20,
            ..Limits::default()
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn single_settings_are_changed_by_name() {
        let settings = set(&[
            "limits.side=65535",
            "limits.source_bytes=1GiB",
            "job_timeout=90s",
            "download_timeout=5",
            "allow_networks=[10.0.0.0/8]",
            "binding_socket_mode=0660",
            "binding_listen=192.0.2.1:9",
            "binding_public=true",
        ])
        .unwrap();
        assert_eq!(settings.limits.limits().side_px_max, 65_535);
        assert_eq!(settings.limits.limits().source_bytes_max, 1 << 30);
        assert_eq!(settings.job_timeout.0, Duration::from_secs(90));
        assert_eq!(settings.download_timeout.0, Duration::from_secs(5));
        assert_eq!(settings.allow_networks.len(), 1);
        assert_eq!(settings.binding_socket_mode, Mode(0o660));
        assert_eq!(settings.binding_listen.map(|address| address.port()), Some(9));
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_place_and_what_would_be_right() {
        for (change, parts) in [
            ("limits.side=wide", &["limits.side", "--set", "wide"][..]),
            ("job_timeout=soon", &["job_timeout", "30s"]),
            ("listen=here", &["listen", "0.0.0.0:8080"]),
            ("memory=lots", &["memory", "512MiB"]),
            ("colour=red", &["colour"]),
            ("allow_origin=this-zone,b.com", &["allow_origin"]),
            ("origin=ftp://a.b", &["origin", "https://"]),
            ("root=/does/not/exist", &["root", "directory"]),
            ("binding_listen=everywhere", &["binding_listen", "127.0.0.1:8081"]),
            (
                "binding_listen=0.0.0.0:9",
                &["credentials", "127.0.0.1:9", "--binding-public"],
            ),
            ("binding_socket_mode=rw", &["binding_socket_mode", "0660"]),
            ("binding_socket_mode=1777", &["binding_socket_mode", "0660"]),
            ("queue=0", &["queue"]),
            ("limits.svg_bytes=big", &["limits.svg_bytes", "512MiB"]),
            ("limits.frames=many", &["limits.frames", "whole number"]),
            ("limits.svg_depth=257", &["limits.svg_depth", "256"]),
            ("nothing", &["key=value"]),
        ] {
            let message = set(&[change]).unwrap_err();
            for part in parts {
                assert!(message.contains(part), "{change}: {message}");
            }
        }
    }

    #[test]
    fn the_file_is_read_and_the_command_line_wins() {
        let file = std::env::temp_dir().join(format!("calotype-settings-{}.toml", std::process::id()));
        std::fs::write(
            &file,
            "listen = \"0.0.0.0:1\"\nzones = [\"example.com\"]\n[limits]\nside = 5\n",
        )
        .unwrap();
        let arguments = ServeArguments {
            config: Some(file.clone()),
            listen: Some("0.0.0.0:2".parse().unwrap()),
            ..ServeArguments::default()
        };
        let settings = load(&arguments).unwrap();
        std::fs::write(&file, "[limits]\nside = \"five\"\n").unwrap();
        let message = load(&arguments).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.limits.side, 5);
        assert_eq!(settings.zones, ["example.com"]);
        assert!(
            message.contains("limits.side") && message.contains("calotype-settings"),
            "{message}"
        );
    }
}
