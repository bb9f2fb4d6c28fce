//! Refusals and failures, in the words of the wire protocol (spec 13.4).

use std::fmt;

/// What went wrong, as a row of the protocol's error table: the variant fixes both the code and the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// 9401/400: options missing or invalid.
    InvalidOptions,
    /// 9401/414: the options are longer than any real use.
    OptionsTooLong,
    /// 9401/403: the source's origin is not in the allowed list.
    OriginNotAllowed,
    /// 9402/413: the source file is too large.
    SourceTooLarge,
    /// 9402/502: the source could not be read whole.
    SourceBroken,
    /// 9403/508: the source is itself a transform.
    Loop,
    /// 9404/404: the origin says the source does not exist.
    SourceNotFound,
    /// 9406/403: the source URL is invalid or points where it must not.
    InvalidSourceUrl,
    /// 9407/523: the source's host name does not resolve.
    HostNotFound,
    /// 9408 with the origin's own 4xx status.
    OriginRefused(u16),
    /// 9410: a font could not be fetched or read, with the status that the same failure has for an image (spec 9.1).
    FontFailed(u16),
    /// 9412/415: not an image.
    NotAnImage,
    /// 9413/403: over a limit of size, or of size 0.
    LimitExceeded,
    /// 9419/403: refused by a path or suffix rule of the operator.
    SuffixNotAllowed,
    /// 9420/400: a redirect to something that is no http(s) URL.
    InvalidRedirect,
    /// 9421/400: too many redirects.
    TooManyRedirects,
    /// 9429/403: flexible variants are not switched on.
    FlexibleVariantsOff,
    /// 9432/400: bad request (the binding's form of 9401).
    BadRequest,
    /// 9504/522: connecting to the origin timed out.
    ConnectTimeout,
    /// 9504/524: the download timed out.
    DownloadTimeout,
    /// 9505/502: the origin answered in a way that is neither success nor failure.
    OriginUnexpected,
    /// 9509/502: the origin said 5xx.
    OriginFailed,
    /// 9510/523: the origin could not be reached.
    OriginUnreachable,
    /// 9516/422: the image data is cut or corrupt.
    DecodeFailed,
    /// 9516/500: encoding failed.
    EncodeFailed,
    /// 9519/502: the origin said 400.
    OriginBadRequest,
    /// 9520/415: an image of a kind that is not decoded here.
    UnsupportedFormat,
    /// 9522/503: the queue is full.
    Busy,
    /// 9522/503: a model that the plan needs is not installed.
    ModelMissing,
    /// 9523/500: our own failure.
    Internal,
    /// 9528/502: the client went away.
    Aborted,
    /// 9529/504: over the time budget.
    TooSlow,
}

impl FaultKind {
    /// The four-digit code of the protocol.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::InvalidOptions | Self::OptionsTooLong | Self::OriginNotAllowed => 9401,
            Self::SourceTooLarge | Self::SourceBroken => 9402,
            Self::Loop => 9403,
            Self::SourceNotFound => 9404,
            Self::InvalidSourceUrl => 9406,
            Self::HostNotFound => 9407,
            Self::OriginRefused(_) => 9408,
            Self::FontFailed(_) => 9410,
            Self::NotAnImage => 9412,
            Self::LimitExceeded => 9413,
            Self::SuffixNotAllowed => 9419,
            Self::InvalidRedirect => 9420,
            Self::TooManyRedirects => 9421,
            Self::FlexibleVariantsOff => 9429,
            Self::BadRequest => 9432,
            Self::ConnectTimeout | Self::DownloadTimeout => 9504,
            Self::OriginUnexpected => 9505,
            Self::OriginFailed => 9509,
            Self::OriginUnreachable => 9510,
            Self::DecodeFailed | Self::EncodeFailed => 9516,
            Self::OriginBadRequest => 9519,
            Self::UnsupportedFormat => 9520,
            Self::Busy | Self::ModelMissing => 9522,
            Self::Internal => 9523,
            Self::Aborted => 9528,
            Self::TooSlow => 9529,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidOptions | Self::InvalidRedirect | Self::TooManyRedirects | Self::BadRequest => 400,
            Self::OriginNotAllowed
            | Self::InvalidSourceUrl
            | Self::LimitExceeded
            | Self::SuffixNotAllowed
            | Self::FlexibleVariantsOff => 403,
            Self::SourceNotFound => 404,
            Self::OptionsTooLong => 414,
            Self::OriginRefused(status) | Self::FontFailed(status) => status,
            Self::SourceTooLarge => 413,
            Self::NotAnImage | Self::UnsupportedFormat => 415,
            Self::DecodeFailed => 422,
            Self::EncodeFailed | Self::Internal => 500,
            Self::SourceBroken
            | Self::OriginUnexpected
            | Self::OriginFailed
            | Self::OriginBadRequest
            | Self::Aborted => 502,
            Self::Busy | Self::ModelMissing => 503,
            Self::TooSlow => 504,
            Self::Loop => 508,
            Self::ConnectTimeout => 522,
            Self::HostNotFound | Self::OriginUnreachable => 523,
            Self::DownloadTimeout => 524,
        }
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::SourceBroken
                | Self::HostNotFound
                | Self::ConnectTimeout
                | Self::DownloadTimeout
                | Self::OriginUnexpected
                | Self::OriginFailed
                | Self::OriginUnreachable
                | Self::Busy
                | Self::Internal
                | Self::TooSlow
                | Self::FontFailed(500..)
        )
    }
}

/// A refusal or failure with the message that the client may read.
///
/// The message says what is wrong and what to change, and never holds paths, addresses or library texts from inside; those go to the log by
/// [`Fault::detail`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    message: String,
    detail: Option<String>,
}

impl Fault {
    /// A fault with its public message.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
        }
    }

    /// 9401/400 with this message.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FaultKind::InvalidOptions, message)
    }

    /// Adds what only the operator's log may know.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The row of the error table.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The four-digit code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.kind.code()
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.status()
    }

    /// The text for the client, without the `ERROR <code>: ` prefix.
    #[must_use]
    pub fn public_message(&self) -> &str {
        &self.message
    }

    /// The text for the log alone.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The same failure where it befell a font: 9410 with its status, naming the font. A font that is too large is a wrong option (spec 9.1); what
    /// is not the font's doing (an origin that is not allowed, a loop, a busy server) stays as it is.
    #[must_use]
    pub fn of_font(self, url: &str) -> Self {
        match self.kind {
            FaultKind::SourceTooLarge => Self {
                kind: FaultKind::InvalidOptions,
                message: format!("the font {url} is too large; {}", self.message),
                detail: self.detail,
            },
            FaultKind::OriginNotAllowed
            | FaultKind::Loop
            | FaultKind::Busy
            | FaultKind::Internal
            | FaultKind::Aborted
            | FaultKind::TooSlow => self,
            _ => Self {
                kind: FaultKind::FontFailed(self.status()),
                message: format!("the font {url} could not be fetched: {}", self.message),
                detail: self.detail,
            },
        }
    }

    /// The same fault as the binding words it: every 9401 becomes 9432 with a text that begins `Bad request: ` (spec 2.1).
    #[must_use]
    pub fn for_binding(self) -> Self {
        match self.kind {
            FaultKind::InvalidOptions => Self {
                kind: FaultKind::BadRequest,
                message: format!("Bad request: {}", self.message),
                detail: self.detail,
            },
            _ => self,
        }
    }
}

impl fmt::Display for Fault {
    /// The body of an error answer: `ERROR <code>: <message>` (spec 13.4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR {}: {}", self.code(), self.message)
    }
}

impl std::error::Error for Fault {}
