//! The envelope of the management API, and its errors (spec 3.1, 3.2).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use calotype_store::{StoreError, is_full_disk};
use http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::problem_kind::ProblemKind;
use crate::answer::{self, Answer};

const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Seconds after which an upload that found no room may be tried again.
const RETRY_AFTER_S: u64 = 2;

/// Why a request of the API failed.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    message: Cow<'static, str>,
    chain: &'static [(u32, &'static str)],
    allowed: Option<String>,
    retry_after_s: Option<u64>,
    detail: String,
}

/// What an endpoint answers.
pub(crate) type Outcome = Result<Answer, Problem>;

impl Problem {
    fn new(kind: ProblemKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            chain: &[],
            allowed: None,
            retry_after_s: None,
            detail: String::new(),
        }
    }

    /// In the words of the reference.
    fn plain(kind: ProblemKind) -> Self {
        Self::new(kind, kind.text())
    }

    fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Of the list of codes.
    pub(crate) const fn code(&self) -> u32 {
        self.kind.code()
    }

    /// What the client is told.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// 5400: the message says what.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemKind::BadRequest, message)
    }

    /// 5404.
    pub(crate) fn image_not_found() -> Self {
        Self::plain(ProblemKind::NotFound)
    }

    /// 5404 of the one-time upload (D10).
    pub(crate) fn upload_url_not_found() -> Self {
        Self::new(ProblemKind::NotFound, "Upload URL not found, expired or already used")
    }

    /// 5404 of a signing key.
    pub(crate) fn signing_key_not_found() -> Self {
        Self::new(ProblemKind::NotFound, "Signing key not found")
    }

    /// 5404 of a token.
    pub(crate) fn token_not_found() -> Self {
        Self::new(ProblemKind::NotFound, "Token not found")
    }

    /// 5404 of what is no image.
    fn not_found(message: &'static str) -> Self {
        Self::new(ProblemKind::NotFound, message)
    }

    /// 5401.
    pub(crate) fn variant_not_found() -> Self {
        Self::plain(ProblemKind::VariantNotFound)
    }

    /// 5403.
    pub(crate) fn account_not_valid() -> Self {
        Self::plain(ProblemKind::AccountNotValid)
    }

    /// 5408.
    pub(crate) fn too_slow() -> Self {
        Self::new(ProblemKind::TooSlow, "Client sent the upload too slowly; try again")
    }

    /// 5413.
    pub(crate) fn too_large(bytes_max: u64) -> Self {
        let mib = bytes_max >> 20;
        let message = if bytes_max == mib << 20 && mib > 0 {
            format!("Maximum image size of {mib} MB reached")
        } else {
            format!("Maximum image size of {bytes_max} bytes reached")
        };
        Self::new(ProblemKind::TooLarge, message)
    }

    /// 5415.
    pub(crate) fn not_a_form() -> Self {
        Self::new(
            ProblemKind::NotAForm,
            "Images must be uploaded as a form, not as raw image data. Please use multipart/form-data",
        )
    }

    /// 5450.
    pub(crate) fn broken_upload(detail: impl Into<String>) -> Self {
        Self::new(
            ProblemKind::BrokenUpload,
            "Error while receiving upload: the form is not whole",
        )
        .with_detail(detail)
    }

    /// 5455.
    pub(crate) fn unsupported_format() -> Self {
        Self::new(
            ProblemKind::UnsupportedFormat,
            "Unsupported image format; use JPEG, PNG, GIF, WebP, AVIF, HEIC or SVG",
        )
    }

    /// 5500; the detail is for the log alone.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::plain(ProblemKind::Internal).with_detail(detail)
    }

    /// 5503.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self {
            retry_after_s: Some(RETRY_AFTER_S),
            ..Self::new(
                ProblemKind::Busy,
                "Server unavailable: too much is going on; try again shortly",
            )
        }
        .with_detail(detail)
    }

    /// 5540.
    pub(crate) fn storage(detail: impl Into<String>) -> Self {
        Self::plain(ProblemKind::Storage).with_detail(detail)
    }

    /// 5542: whose request it is cannot be found out.
    pub(crate) fn account_not_loaded(error: &StoreError) -> Self {
        Self::plain(ProblemKind::AccountNotLoaded).with_detail(error.to_string())
    }

    /// 5540, or 5503 where it may be better soon: a store of objects that does not answer, or asks for patience.
    pub(crate) fn of_storage(error: &io::Error) -> Self {
        match error.kind() {
            _ if is_full_disk(error) => Self::full_disk(error.to_string()),
            io::ErrorKind::ResourceBusy | io::ErrorKind::TimedOut | io::ErrorKind::NotConnected => {
                Self::busy(error.to_string())
            }
            _ => Self::storage(error.to_string()),
        }
    }

    /// 5540, where the operator has to make room.
    fn full_disk(detail: impl Into<String>) -> Self {
        Self::new(
            ProblemKind::Storage,
            "Error received from the storage: it is full. What is stored can be read; try again when there is room",
        )
        .with_detail(detail)
    }

    /// 7003.
    pub(crate) fn no_route() -> Self {
        Self::new(
            ProblemKind::NoRoute,
            "Could not route to this path, perhaps your object identifier is invalid?",
        )
    }

    /// 7000/405 (D18); the methods are joined by commas.
    pub(crate) fn wrong_method(allowed: impl Into<String>) -> Self {
        let allowed = allowed.into();
        Self {
            message: format!("No route for that method; use {allowed}").into(),
            allowed: Some(allowed),
            ..Self::plain(ProblemKind::WrongMethod)
        }
    }

    /// 6003 with what is wrong about the credentials (spec section 2).
    pub(crate) fn bad_headers(chain: &'static [(u32, &'static str)]) -> Self {
        Self {
            chain,
            ..Self::plain(ProblemKind::BadHeaders)
        }
    }

    /// 10000: the token is unknown, or has ended (D5).
    pub(crate) fn unauthenticated() -> Self {
        Self::plain(ProblemKind::Unauthenticated)
    }

    /// 10000: the token does not reach so far (D5).
    pub(crate) fn forbidden() -> Self {
        Self::plain(ProblemKind::Forbidden)
    }

    /// 10429 (D11).
    pub(crate) fn too_many_requests(retry_after_s: u64) -> Self {
        Self {
            message: format!("Too many requests; try again in {retry_after_s} s").into(),
            retry_after_s: Some(retry_after_s),
            ..Self::plain(ProblemKind::TooManyRequests)
        }
    }

    /// The same for a request to this path, which is told if there is nothing at it.
    pub(crate) fn at(mut self, path: &str) -> Self {
        if self.kind == ProblemKind::NoRoute {
            self.message = format!("Could not route to {path:.200}, perhaps your object identifier is invalid?").into();
        }
        self
    }

    /// Whether there was no room, and may be later.
    pub(crate) fn is_busy(&self) -> bool {
        self.kind == ProblemKind::Busy
    }

    /// A fault of reading an image's headers.
    pub(crate) fn of_image(fault: &Fault) -> Self {
        let detail = || fault.detail().unwrap_or_default().to_owned();
        match fault.kind() {
            FaultKind::LimitExceeded => {
                // What helps a transform does not help an upload.
                let message = fault.public_message();
                Self::bad_request(message.split("; use anim=false").next().unwrap_or(message).to_owned())
            }
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
        let Self { message, detail, .. } = self;
        let (status, code, ray) = (self.kind.status(), self.kind.code(), ray());
        // Written as strings, which the log escapes: a message may quote what a client wrote. A path that leads nowhere is in the access log, as that may have it.
        let answered = match self.kind {
            ProblemKind::NoRoute => self.kind.text(),
            _ => message.as_ref(),
        };
        if status.is_server_error() {
            tracing::warn!(?ray, code, answered, detail, "an API request failed");
        } else {
            tracing::debug!(?ray, code, answered, detail, "an API request was refused");
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
        let mut answer = enveloped(status, body);
        let headers = answer.headers_mut();
        headers.insert(CF_RAY, ray);
        if status == StatusCode::CONFLICT {
            // The official SDKs send again what met a conflict, which never helps (D12).
            headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let allowed = self
            .allowed
            .as_deref()
            .and_then(|allowed| HeaderValue::from_str(allowed).ok());
        headers.extend(allowed.map(|allowed| (ALLOW, allowed)));
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
            StoreError::Missing("token") => Self::token_not_found(),
            StoreError::Missing(_) => Self::image_not_found(),
            StoreError::Taken(what) => Self::new(
                ProblemKind::Taken,
                format!("Resource already exists: the id or name of the {what} is taken"),
            ),
            StoreError::Full { of, max } => Self::new(
                ProblemKind::Full,
                format!("The account has reached a service limit: {max} {of}"),
            ),
            StoreError::Invalid(message) => Self::bad_request(message),
            error if error.is_full_disk() => Self::full_disk(error.to_string()),
            StoreError::Blob(error) => Self::of_storage(&error),
            error => Self::internal(error.to_string()),
        }
    }
}

/// A success: 200 whatever was done (spec 6.16).
pub(crate) fn success(result: &impl serde::Serialize) -> Outcome {
    success_with(result, None)
}

/// The same with the numbers of a page.
pub(crate) fn success_with(result: &impl serde::Serialize, info: Option<&Value>) -> Outcome {
    let result = serde_json::to_vec(result).map_err(|error| Problem::internal(error.to_string()))?;
    success_written(result.len(), info, |body| {
        body.extend_from_slice(&result);
        Ok(())
    })
}

/// A success whose result is written right into the body, which is about so long.
pub(crate) fn success_written(
    bytes: usize,
    info: Option<&Value>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Problem>,
) -> Outcome {
    let end = format!(
        r#","result_info":{},"success":true,"errors":[],"messages":[]}}"#,
        info.unwrap_or(&Value::Null)
    );
    let mut body = Vec::with_capacity(bytes.saturating_add(end.len()).saturating_add(16));
    body.extend_from_slice(br#"{"result":"#);
    write(&mut body)?;
    body.extend_from_slice(end.as_bytes());
    Ok(enveloped(StatusCode::OK, body))
}

fn enveloped(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = answer::with_body(status, "application/json", body);
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CF_RAY, ray());
    answer
}

/// Gives an answer that has no envelope its id.
pub(crate) fn tell_ray(headers: &mut HeaderMap) {
    if !headers.contains_key(CF_RAY) {
        headers.insert(CF_RAY, ray());
    }
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
