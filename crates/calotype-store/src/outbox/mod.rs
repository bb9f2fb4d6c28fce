//! Messages to webhooks: written with the change that they tell of, sent later, kept as history (docs/design/events.md).

mod announce;
mod claim;
mod facts;
mod history;

pub use claim::{Claim, Settled};
pub use facts::{ImageFacts, Message, MessageKind, UploadError};
pub use history::{HistoryQuery, Sent};

pub(crate) use announce::{Happening, announce};

/// What `from_row` of a message reads.
const COLUMNS: &str =
    "o.id, o.correlation, a.id AS account_id, o.webhook, o.route, o.route_name, o.kind, o.facts, o.happened_ms";
