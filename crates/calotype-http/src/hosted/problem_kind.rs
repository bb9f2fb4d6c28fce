//! What failures of the API are called.

use http::StatusCode;

/// What a failure is called: its status, its code, and the text of the reference (spec 3.2, D9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    BadRequest,
    VariantNotFound,
    AccountNotValid,
    NotFound,
    TooSlow,
    Taken,
    TooLarge,
    NotAForm,
    BrokenUpload,
    Full,
    UnsupportedFormat,
    Internal,
    Busy,
    Storage,
    AccountNotLoaded,
    BadHeaders,
    WrongMethod,
    NoRoute,
    Unauthenticated,
    Forbidden,
    TooManyRequests,
}

impl ProblemKind {
    const fn facts(self) -> (StatusCode, u32, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, 5400, "Bad request"),
            Self::VariantNotFound => (StatusCode::NOT_FOUND, 5401, "Variant name not found"),
            Self::AccountNotValid => (
                StatusCode::FORBIDDEN,
                5403,
                "The given account is not valid or is not authorized to access this service",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, 5404, "Image not found"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, 5408, "Client sent the upload too slowly"),
            Self::Taken => (StatusCode::CONFLICT, 5409, "Resource already exists"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 5413, "Maximum image size reached"),
            Self::NotAForm => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                5415,
                "Images must be uploaded as a form, not as raw image data",
            ),
            Self::BrokenUpload => (StatusCode::BAD_REQUEST, 5450, "Error while receiving upload"),
            Self::Full => (StatusCode::FORBIDDEN, 5453, "The account has reached a service limit"),
            Self::UnsupportedFormat => (StatusCode::UNSUPPORTED_MEDIA_TYPE, 5455, "Unsupported image format"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 5500, "Internal server error"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, 5503, "Server unavailable"),
            Self::Storage => (
                StatusCode::INTERNAL_SERVER_ERROR,
                5540,
                "Error received from the storage",
            ),
            Self::AccountNotLoaded => (StatusCode::INTERNAL_SERVER_ERROR, 5542, "Error while loading account"),
            Self::BadHeaders => (StatusCode::BAD_REQUEST, 6003, "Invalid request headers"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, 7000, "No route for that method"),
            Self::NoRoute => (StatusCode::NOT_FOUND, 7003, "Could not route to this path"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, 10_000, "Authentication error"),
            Self::Forbidden => (StatusCode::FORBIDDEN, 10_000, "Authentication error"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, 10_429, "Too many requests"),
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        self.facts().0
    }

    pub(crate) const fn code(self) -> u32 {
        self.facts().1
    }

    pub(crate) const fn text(self) -> &'static str {
        self.facts().2
    }
}
