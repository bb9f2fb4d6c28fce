//! From a URL's authority to an open connection: resolve, ask the guard, dial, TLS.

mod connector;
mod dial;
mod race;
mod resolve;

pub use dial::{BoxedIo, Dial, SystemDialer};
pub use resolve::{Resolve, SystemResolver};

pub(crate) use connector::{ConnectFailure, Connector};

use std::future::Future;
use std::pin::Pin;

/// A future that a trait object can return.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
