//! What goes into a worker and what comes out.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use calotype_engine::{Outcome, Overlays};
use calotype_plan::{AcceptedFormats, Plan};

/// One transform to make. All its bytes are there already: the engine does no I/O.
#[derive(Clone, Default)]
pub struct Task {
    /// What to do.
    pub plan: Arc<Plan>,
    /// The bytes of the source file.
    pub source: Bytes,
    /// The bytes of the overlays, by the URL that the plan names them with.
    pub overlays: HashMap<String, Bytes>,
    /// The bytes of the fonts, by the URL that the plan names them with.
    pub fonts: HashMap<String, Bytes>,
    /// The bytes of the `draw_*` parts of a binding call in their order, the first being part 1; a text has none.
    pub parts: Vec<Bytes>,
    /// The formats that the client accepts.
    pub accepted: AcceptedFormats,
    /// Whether the source is a hosted image, whose last resort is its own format (spec 9.3).
    pub hosted: bool,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("plan", &self.plan)
            .field("source_bytes", &self.source.len())
            .field("overlays", &self.overlays.len())
            .field("fonts", &self.fonts.len())
            .field("parts", &self.parts.len())
            .field("accepted", &self.accepted)
            .field("hosted", &self.hosted)
            .finish()
    }
}

impl Task {
    /// All files that are laid on, wherever they came from.
    pub(crate) fn overlay_files(&self) -> impl Iterator<Item = &Bytes> {
        self.overlays.values().chain(&self.parts)
    }
}

impl Overlays for Task {
    fn by_url(&self, url: &str) -> Option<&[u8]> {
        self.overlays.by_url(url)
    }

    fn by_part(&self, part: u32) -> Option<&[u8]> {
        let index = usize::try_from(part.checked_sub(1)?).ok()?;
        self.parts.get(index).map(AsRef::as_ref)
    }

    fn font(&self, url: &str) -> Option<&[u8]> {
        self.fonts.get(url).map(AsRef::as_ref)
    }
}

/// What a task gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The engine's result.
    pub outcome: Outcome,
    /// Milliseconds that the task waited for its turn: `q=` in `Cf-Resized` (spec 13.2).
    pub queue_ms: u32,
}
