//! What is said of a wrong setting.

use std::path::Path;

use crate::failure::Failure;

/// Which setting is wrong, where it was set, why, and what would be right.
pub(super) fn explain(errors: figment::Error) -> Failure {
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
        "allow_networks" | "trusted_proxies" => "; write a list of networks, for example [\"10.1.0.0/16\"]",
        "binding_socket_mode" => "; write permissions as chmod takes them, for example 0660",
        "blobs_options" => "; write a table, for example {endpoint=\"https://s3.example.com\"}",
        key if key.starts_with("blobs_options.") => "; write it in quotes",
        "delivery_url" | "upload_url" | "batch_url" => "; write a URL, for example https://images.example.com",
        "delivery_hosts" => {
            "; write hosts with account hashes, for example {\"shop.example.com\"=\"qT7mVb2XLr0yJk4ZpN8sEw\"}"
        }
        "delivery_aliases" => {
            "; write path prefixes with account hashes, for example {\"/images/\"=\"qT7mVb2XLr0yJk4ZpN8sEw\"}"
        }
        "memory"
        | "source_memory"
        | "upload_bytes"
        | "binding_spool_bytes"
        | "binding_form_bytes"
        | "limits.job_memory" => "; write a size, for example 512MiB or 100MB",
        key if key.starts_with("limits.") && key.ends_with("_bytes") => "; write a size, for example 512MiB or 100MB",
        key if key.ends_with("_timeout") => "; write a time, for example 30s or 2m",
        "rate_limit_window" => "; write a time, for example 5m",
        "rate_limit_requests" | "rate_limit_address" | "rate_limit_batch" => "; write a whole number",
        "log_format" => "; write text or json",
        "threads" | "queue" | "redirects" | "connections" | "signing_keys" => "; write a whole number",
        key if key.starts_with("limits.") => "; write a whole number, for example 16000",
        "allow_private"
        | "binding_public"
        | "hosted"
        | "playground"
        | "canonical_link"
        | "short_delivery_paths"
        | "rate_limits"
        | "keys_take_write" => "; write true or false",
        _ => "",
    }
}
