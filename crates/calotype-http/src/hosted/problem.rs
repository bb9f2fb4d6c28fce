//! The envelope of the management API, and its errors (spec 3.1, 3.2).

use std::borrow::Cow;
use std::fmt::Write as _;

use calotype_plan::{Fault, FaultKind};
use calotype_store::StoreError;
use http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::{self, Answer};

const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Seconds after which an upload that found no room may be tried again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("2");

/// Why a request of the API failed.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: u32,
    message: Cow<'static, str>,
    chain: &'static [(u32, &'static str)],
    allowed: Option<&'static str>,
    detail: String,
}

/// What an endpoint answers.
pub(crate) type Outcome = Result<Answer, Problem>;

impl Problem {
    fn new(status: StatusCode, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            chain: &[],
            allowed: None,
            detail: String::new(),
        }
    }

    fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// 5400: the message says what.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 5400, message)
    }

    /// 5404.
    pub(crate) fn image_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 5404, "Image not found")
    }

    /// 5404 of the one-time upload (D10).
    pub(crate) fn upload_url_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            5404,
            "Upload URL not found, expired or already used",
        )
    }

    /// 5404 of a signing key.
    pub(crate) fn signing_key_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 5404, "Signing key not found")
    }

    /// 5404 of what is no image.
    fn not_found(message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, 5404, message)
    }

    /// 5401.
    pub(crate) fn variant_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 5401, "Variant name not found")
    }

    /// 5403.
    pub(crate) fn account_not_valid() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            5403,
            "The given account is not valid or is not authorized to access this service",
        )
    }

    /// 5408.
    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, 5408, "The upload took too long; try again")
    }

    /// 5413.
    pub(crate) fn too_large(bytes_max: u64) -> Self {
        let mib = bytes_max >> 20;
        let message = if bytes_max == mib << 20 && mib > 0 {
            format!("Maximum image size of {mib} MB reached")
        } else {
            format!("Maximum image size of {bytes_max} bytes reached")
        };
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 5413, message)
    }

    /// 5415.
    pub(crate) fn not_a_form() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            5415,
            "Images must be uploaded as a form, not as raw image data. Please use multipart/form-data",
        )
    }

    /// 5450.
    pub(crate) fn broken_upload(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            5450,
            "Error while receiving upload: the form is not whole",
        )
        .with_detail(detail)
    }

    /// 5455.
    pub(crate) fn unsupported_format() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            5455,
            "Unsupported image format; use JPEG, PNG, GIF, WebP, AVIF, HEIC or SVG",
        )
    }

    /// 5500; the detail is for the log alone.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 5500, "Internal server error").with_detail(detail)
    }

    /// 5503.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            5503,
            "The server is busy; try again shortly",
        )
        .with_detail(detail)
    }

    /// 5540.
    pub(crate) fn storage(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            5540,
            "Error received from the storage",
        )
        .with_detail(detail)
    }

    /// 7003.
    pub(crate) fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            7003,
            "Could not route to this path, perhaps your object identifier is invalid?",
        )
    }

    /// 7000/405 (D18).
    pub(crate) fn wrong_method(allowed: &'static str) -> Self {
        Self {
            allowed: Some(allowed),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                7000,
                format!("No route for that method; use {allowed}"),
            )
        }
    }

    /// 6003 with what is wrong about the credentials (spec section 2).
    pub(crate) fn bad_headers(chain: &'static [(u32, &'static str)]) -> Self {
        Self {
            chain,
            ..Self::new(StatusCode::BAD_REQUEST, 6003, "Invalid request headers")
        }
    }

    /// 10000: the token is unknown, or has ended (D5).
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 10_000, "Authentication error")
    }

    /// 10000: the token does not reach so far (D5).
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, 10_000, "Authentication error")
    }

    /// Of the list of codes.
    pub(crate) const fn code(&self) -> u32 {
        self.code
    }

    /// What the client is told.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether there was no room, and may be later.
    pub(crate) fn is_busy(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// A fault of reading an image's headers.
    pub(crate) fn of_image(fault: &Fault) -> Self {
        let detail = || fault.detail().unwrap_or_default().to_owned();
        match fault.kind() {
            FaultKind::LimitExceeded => Self::bad_request(fault.public_message().to_owned()),
            FaultKind::Busy | FaultKind::ModelMissing | FaultKind::TooSlow => Self::busy(detail()),
            FaultKind::NotAnImage | FaultKind::UnsupportedFormat | FaultKind::DecodeFailed => {
                Self::unsupported_format().with_detail(detail())
            }
            _ => Self::internal(format!("{fault} {}", detail())),
        }
    }

    /// A fault of fetching an image (D34).
    pub(crate) fn of_fetch(fault: &Fault, bytes_max: u64) -> Self {
        let status = |status: u16| format!("Could not fetch the image: HTTP {status}");
        let message = match fault.kind() {
            FaultKind::SourceTooLarge => return Self::too_large(bytes_max),
            FaultKind::Busy => return Self::busy(fault.detail().unwrap_or_default()),
            FaultKind::OriginRefused(refused) => status(refused),
            FaultKind::SourceNotFound => status(404),
            FaultKind::OriginBadRequest => status(400),
            _ => format!("Could not fetch the image: {}", fault.public_message()),
        };
        Self::bad_request(message).with_detail(fault.detail().unwrap_or_default())
    }

    /// The answer; what the client must not see goes to the log.
    pub(crate) fn answer(&self) -> Answer {
        let Self {
            status,
            code,
            message,
            detail,
            ..
        } = self;
        if status.is_server_error() {
            tracing::warn!(code, %message, detail, "an API request failed");
        } else {
            tracing::debug!(code, %message, detail, "an API request was refused");
        }
        let mut error = json!({"code": code, "message": message});
        if !self.chain.is_empty() {
            let chain = self
                .chain
                .iter()
                .map(|(code, message)| json!({"code": code, "message": message}));
            if let Some(members) = error.as_object_mut() {
                members.insert("error_chain".to_owned(), chain.collect());
            }
        }
        let body = format!(r#"{{"result":null,"result_info":null,"success":false,"errors":[{error}],"messages":[]}}"#);
        let mut answer = enveloped(*status, body);
        let headers = answer.headers_mut();
        if *status == StatusCode::CONFLICT {
            // The official SDKs send again what met a conflict, which never helps (D12).
            headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if *status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        if let Some(allowed) = self.allowed {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        answer
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing("variant") => Self::variant_not_found(),
            StoreError::Missing("signing key") => Self::signing_key_not_found(),
            StoreError::Missing("draft") => Self::upload_url_not_found(),
            StoreError::Missing("webhook") => Self::not_found("Webhook not found"),
            StoreError::Missing("policy") => Self::not_found("Policy not found"),
            StoreError::Missing("event subscription") => Self::not_found("Event subscription not found"),
            StoreError::Missing(_) => Self::image_not_found(),
            StoreError::Taken(what) => Self::new(
                StatusCode::CONFLICT,
                5409,
                format!("Resource already exists: the id or name of the {what} is taken"),
            ),
            StoreError::Full { of, max } => Self::new(
                StatusCode::FORBIDDEN,
                5453,
                format!("The account has reached a service limit: {max} {of}"),
            ),
            StoreError::Invalid(message) => Self::bad_request(message),
            StoreError::Blob(error) => Self::storage(error.to_string()),
            error => Self::internal(error.to_string()),
        }
    }
}

/// A success: 200 whatever was done (spec 6.16).
pub(crate) fn success(result: &impl serde::Serialize) -> Outcome {
    success_with(result, &Value::Null)
}

/// A success that tells of pages.
pub(crate) fn success_with(result: &impl serde::Serialize, info: &Value) -> Outcome {
    let result = serde_json::to_string(result).map_err(|error| Problem::internal(error.to_string()))?;
    let body = format!(r#"{{"result":{result},"result_info":{info},"success":true,"errors":[],"messages":[]}}"#);
    Ok(enveloped(StatusCode::OK, body))
}

fn enveloped(status: StatusCode, body: String) -> Answer {
    let mut answer = answer::with_body(status, "application/json", body);
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CF_RAY, ray());
    answer
}

/// What a bug report quotes (D8).
fn ray() -> HeaderValue {
    let mut bytes = [0; 8];
    // Without random bytes the id is of no use, and nothing else is lost.
    let _ = getrandom::fill(&mut bytes);
    let mut text = bytes.iter().fold(String::with_capacity(22), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    text.push_str("-LOCAL");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0000000000000000-LOCAL"))
}

/// Refuses other methods than these.
pub(crate) fn allow(method: &Method, allowed: &'static str) -> Result<(), Problem> {
    if allowed.split(", ").any(|known| known == method.as_str()) {
        return Ok(());
    }
    Err(Problem::wrong_method(allowed))
}
