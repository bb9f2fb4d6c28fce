//! `calotype health`: for scripts and container health checks.

use std::io::{self, Write};

use calotype_source::{AddressGuard, FetchRequest, FetchSettings, Fetcher};
use url::Url;

use crate::cli::HealthArguments;
use crate::failure::Failure;

/// Prints the server's own words; fails when it is not well or not there.
pub(crate) fn run(arguments: &HealthArguments) -> Result<(), Failure> {
    let url = Url::parse(&arguments.url)
        .and_then(|url| url.join("/health"))
        .map_err(|error| {
            Failure::Usage(format!(
                "{}: {error}; write for example http://127.0.0.1:8080",
                arguments.url
            ))
        })?;
    let fetcher = Fetcher::new(FetchSettings {
        guard: AddressGuard::off(),
        ..FetchSettings::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(error.to_string()))?;
    let answer = runtime
        .block_on(fetcher.fetch(FetchRequest::new(url)))
        .map_err(|fault| Failure::Other(format!("{} is not well: {}", arguments.url, fault.public_message())))?;
    let mut out = io::stdout().lock();
    out.write_all(&answer.bytes)
        .and_then(|()| out.write_all(b"\n"))
        .map_err(|error| Failure::Other(error.to_string()))
}
