//! The HTTP surfaces.
//!
//! Each surface is a module that knows nothing of the others: [`url`](surface::url) (transforms by URL), `site` (untouched files of the root or
//! origin), `playground`, `binding` (the Images binding), `api`, `upload` and `delivery` (hosted images), `ops`. They share what stands beside them: sources,
//! negotiation, conditional requests, the answer to a fault, complete bodies.
//!
//! Two doors accept connections: [`Server`], behind which [`App`] answers, and [`BindingServer`], behind which a [`Router`] asks the surfaces that are mounted
//! on it.

mod accept;
mod access_log;
mod answer;
mod app;
mod binding_server;
mod client;
mod client_address;
mod conditional;
mod connection;
mod digest;
mod drained;
mod embedded;
mod flight;
mod form_body;
mod freshness;
mod hosted;
mod refusal;
mod router;
mod server;
mod sources;
mod surface;
mod transforms;
mod unix_socket;
mod zone;

pub use app::{App, AppSettings, PlaygroundSettings};
pub use binding_server::BindingServer;
pub use hosted::{
    HOSTED_FORMATS, HostedLimits, HostedSettings, Inspector, NotHosted, PublicUrls, RateLimits, Webhooks,
    parse_timestamp, tidy_filename,
};
pub use router::{AnswerFuture, RequestBytes, Router, Surface};
pub use server::{Server, ServerSettings};
pub use sources::SourceSettings;
pub use surface::api::description as api_description;
pub use surface::binding::{Binding, BindingSettings};
pub use surface::cf_image::CfImage;
pub use zone::Zones;
