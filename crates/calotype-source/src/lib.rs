//! Fetching originals from outside: over HTTP with an address guard, or from a directory.
//!
//! Every byte that enters here is a stranger's. A [`Fetcher`] asks for nothing on anybody's behalf (no cookies, no credentials but an explicit [`OriginAuth`]), connects only to
//! addresses that its [`AddressGuard`] lets through, follows at most a few redirects, and gives back a whole body or a [`Fault`](calotype_plan::Fault)
//! that says what happened; a body that was cut is never handed on. [`LocalRoot`] does the same for files below one directory. Both charge every
//! byte they hold to one [`SourceMemory`].

mod allowed_origins;
mod body;
mod connect;
mod content_encoding;
mod fetch;
mod guard;
mod headers;
mod local_root;
mod memory;
mod origin_auth;
mod post;
mod redirect;
mod request;
mod status;
#[cfg(test)]
mod testing;

pub use allowed_origins::{AllowedOrigins, AllowedOriginsError, OriginRule};
pub use connect::{BoxedIo, Dial, Resolve, SystemDialer, SystemResolver};
pub use fetch::{FetchRequest, FetchSettings, Fetched, Fetcher, Revalidated, Unchanged};
pub use guard::{AddressGuard, Refusal};
pub use headers::{SourceHeaders, Validators};
pub use local_root::{LocalFile, LocalRoot, OpenFile};
pub use memory::{GrowingBuffer, SourceMemory};
pub use origin_auth::OriginAuth;
pub use post::{PostFailure, PostSettings, Poster};
