//! What a server says when it has started.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use calotype_http::BindingServer;

use crate::data::Data;
use crate::failure::Failure;
use crate::hosted::FirstRun;
use crate::settings::Settings;

/// A host to reach the server at, on this machine.
pub(crate) fn host_of(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// What to open, for whoever started it.
pub(crate) fn announce(
    settings: &Settings,
    data: &Data,
    address: SocketAddr,
    bindings: &[BindingServer],
    first_run: Option<&FirstRun>,
) -> Result<(), Failure> {
    let host = host_of(address);
    let example = if settings.playground {
        "-/samples/lake.jpg"
    } else {
        "<path or URL of an image>"
    };
    let mut lines = format!(
        "Calotype {} is listening on http://{address}\n",
        env!("CARGO_PKG_VERSION")
    );
    if settings.playground {
        lines.push_str(&format!("  playground   http://{host}/-/\n"));
    }
    lines.push_str(&format!(
        "  try          http://{host}/cdn-cgi/image/width=400/{example}\n"
    ));
    if let Some(root) = &settings.root {
        lines.push_str(&format!("  files        {}\n", root.display()));
    }
    if let Some(path) = &settings.binding_socket {
        lines.push_str(&format!("  binding      {}\n", path.display()));
    }
    for address in bindings.iter().filter_map(BindingServer::address) {
        lines.push_str(&format!("  binding      http://{address}\n"));
    }
    if let Some(path) = &settings.workers_outbound_socket {
        lines.push_str(&format!("  cf.image     {}\n", path.display()));
    }
    if let Some(origin) = &settings.origin {
        lines.push_str(&format!("  origin       {origin}\n"));
    }
    match data {
        Data::Here { directory, .. } => lines.push_str(&format!("  hosted       {}\n", directory.display())),
        Data::Nowhere(why) => lines.push_str(&format!("  hosted       off: {why}\n")),
    }
    let delivery_url = settings.delivery_url.as_ref().map(url::Url::as_str);
    lines.extend(first_run.map(|first_run| first_run.hint(&format!("http://{host}"), delivery_url)));
    io::stdout()
        .write_all(lines.as_bytes())
        .map_err(|error| Failure::Other(error.to_string()))?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    if settings.allow_private {
        tracing::warn!(
            "--allow-private is on: whoever can send requests can make this server fetch from its private network"
        );
    }
    Ok(())
}
