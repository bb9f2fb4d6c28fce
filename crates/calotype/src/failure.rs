//! How a command ends badly: a message that says what to change, and an exit code that means something.

use std::fmt;
use std::process::ExitCode;

use calotype_plan::{Fault, FaultKind};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The options or settings are wrong: exit code 2, as for a wrong command line.
    Usage(String),
    /// The source could not be had: 3.
    Source(String),
    /// The source was had and refused: no image, broken, unsupported, over a limit: 4.
    Image(String),
    /// Anything else: 1.
    Other(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Source(_) => 3,
            Self::Image(_) => 4,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Source(text) | Self::Image(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        // On one's own machine there is nobody to hide the detail from.
        let detail = fault.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let text = format!("{fault}{detail}");
        match fault.kind() {
            FaultKind::InvalidOptions | FaultKind::OptionsTooLong | FaultKind::BadRequest => Self::Usage(text),
            FaultKind::NotAnImage
            | FaultKind::UnsupportedFormat
            | FaultKind::DecodeFailed
            | FaultKind::LimitExceeded
            | FaultKind::FontFailed(413 | 415 | 422)
            | FaultKind::SourceTooLarge => Self::Image(text),
            FaultKind::Internal
            | FaultKind::EncodeFailed
            | FaultKind::Busy
            | FaultKind::ModelMissing
            | FaultKind::TooSlow
            | FaultKind::Aborted => Self::Other(text),
            _ => Self::Source(text),
        }
    }
}
