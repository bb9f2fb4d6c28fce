//! The layers above the file: the environment and the command line, each with a name that errors can say.

use std::str::FromStr as _;

use figment::Figment;
use figment::providers::{Env, Serialized};
use serde::Serialize;

use super::Settings;
use crate::cli::ServeArguments;
use crate::failure::Failure;

/// The names that the environment may set. Others that begin alike (`CALOTYPE_SHARED`) belong to other programs.
pub(super) fn environment() -> Env {
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

pub(super) fn command_line(mut figment: Figment, arguments: &ServeArguments) -> Figment {
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
        ("blobs", &arguments.blobs),
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
    if arguments.no_hosted {
        figment = figment.merge(Serialized::global("hosted", false));
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

/// A provider, and what errors call it.
pub(super) struct Named<T> {
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
pub(super) fn override_of(key: &str, value: &str, flag: &str) -> Named<figment::value::Value> {
    let parsed: figment::value::Value = match figment::value::Value::from_str(value) {
        Ok(value) => value,
        Err(never) => match never {},
    };
    Named {
        provider: Serialized::global(key, parsed),
        name: flag.to_owned(),
    }
}

pub(super) fn split<'t>(change: &'t str, flag: &str) -> Result<(&'t str, &'t str), Failure> {
    change
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "`{change}` ({flag}) must be written key=value, for example limits.side=16000"
            ))
        })
}
