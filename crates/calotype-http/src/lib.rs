//! The HTTP surfaces.
//!
//! Each surface is a module that knows nothing of the others: [`url`](surface::url) (transforms by URL), `site` (untouched files of the root or
//! origin), `playground`, `binding` (the Images binding, on a socket of its own: [`BindingServer`]), `ops`. They share what stands beside them: sources,
//! negotiation, conditional requests, the answer to a fault, complete bodies. [`Server`] accepts connections; [`App`] answers requests and can be called without a socket.

mod answer;
mod app;
mod client;
mod conditional;
mod connection;
mod digest;
mod flight;
mod freshness;
mod refusal;
mod server;
mod sources;
mod surface;
mod unix_socket;
mod zone;

pub use app::{App, AppSettings, PlaygroundSettings};
pub use server::{Server, ServerSettings};
pub use sources::SourceSettings;
pub use surface::binding::{Binding, BindingServer, BindingSettings};
pub use zone::Zones;
