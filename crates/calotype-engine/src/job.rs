//! What goes in and what comes out.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::Instant;

use calotype_plan::{AcceptedFormats, Fault, FaultKind, Limits, OutputFormat, Plan, Size, Warning};

use crate::vision::Vision;

/// One transform to make.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The bytes of the source file.
    pub source: &'a [u8],
    /// The bytes of the overlays and fonts.
    pub overlays: &'a dyn Overlays,
    /// The formats that the client accepts.
    pub accepted: AcceptedFormats,
    /// The bounds.
    pub limits: &'a Limits,
    /// The models.
    pub vision: &'a dyn Vision,
    /// When the job must be done; it ends with 9529 at the first step after that.
    pub deadline: Option<Instant>,
    /// Whether the source is a hosted image, whose last resort is its own format (spec 9.3).
    pub hosted: bool,
}

impl std::fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("plan", self.plan)
            .field("source_bytes", &self.source.len())
            .field("accepted", &self.accepted)
            .field("deadline", &self.deadline)
            .field("hosted", &self.hosted)
            .finish_non_exhaustive()
    }
}

impl Job<'_> {
    /// Ends the job when its time is over.
    pub(crate) fn check_time(&self) -> Result<(), Fault> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Fault::new(
                FaultKind::TooSlow,
                "The image takes too long to process; ask for a smaller or simpler result, or try again later",
            )),
            _ => Ok(()),
        }
    }
}

/// What a job gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The bytes to send.
    pub bytes: Vec<u8>,
    /// Their media type.
    pub content_type: &'static str,
    /// How they are written.
    pub format: OutputFormat,
    /// The size of the result in pixels; with `format=json` the size that the picture would have. `None` where nothing has been measured.
    pub size: Option<Size>,
    /// Remarks for the client, in the order in which they came up, each once.
    pub warnings: Vec<Warning>,
    /// Whether the bytes are those of the source, unchanged.
    pub passed_through: bool,
    /// Milliseconds of decoding and transforming: the first figure of `c=` in `Cf-Resized` (spec 13.2).
    pub decode_ms: u32,
    /// Milliseconds of encoding: the second figure.
    pub encode_ms: u32,
    /// The most bytes that the job held in large buffers at one time.
    pub memory_peak_bytes: u64,
    /// What was done and how long it took, for logs.
    pub steps: Vec<StepReport>,
}

/// One step of a job, for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepReport {
    /// The option's name, or `decode`.
    pub name: &'static str,
    /// The picture's size after it.
    pub size: Size,
    /// How long it took.
    pub duration_us: u32,
}

/// Where the bytes of overlays are.
pub trait Overlays: Sync {
    /// The bytes that were fetched from this URL.
    fn by_url(&self, url: &str) -> Option<&[u8]>;

    /// The bytes of the n-th `draw_*` part of a binding call, from 1.
    fn by_part(&self, part: u32) -> Option<&[u8]> {
        let _ = part;
        None
    }

    /// The bytes of the font that was fetched from this URL.
    fn font(&self, url: &str) -> Option<&[u8]> {
        let _ = url;
        None
    }
}

/// No overlays.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOverlays;

impl Overlays for NoOverlays {
    fn by_url(&self, _url: &str) -> Option<&[u8]> {
        None
    }
}

impl<B: AsRef<[u8]> + Sync, S: BuildHasher + Sync> Overlays for HashMap<String, B, S> {
    fn by_url(&self, url: &str) -> Option<&[u8]> {
        self.get(url).map(AsRef::as_ref)
    }

    fn font(&self, url: &str) -> Option<&[u8]> {
        self.get(url).map(AsRef::as_ref)
    }
}
