//! Names to addresses, behind a trait, so that tests decide what a name means.

use std::io;
use std::net::IpAddr;

use super::BoxFuture;

/// Finds the addresses of a host name.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses in order of preference.
    ///
    /// # Errors
    /// When the name does not resolve; the text goes to the log.
    fn resolve(&self, host: &str) -> BoxFuture<io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> BoxFuture<io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0))
                .await?
                .map(|address| address.ip())
                .collect())
        })
    }
}
