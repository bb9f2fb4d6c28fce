//! Errors as the runtime reads them (binding spec, section 5).

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::answer::{self, Answer};

const CF_IMAGES_BINDING: HeaderName = HeaderName::from_static("cf-images-binding");
/// The code of what has no other, and of a form that is broken (5.4).
const CODE_INTERNAL: u16 = 9523;

/// Why a call failed.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: u16,
    message: String,
    detail: String,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let fault = match fault.kind() {
            // The binding knows no code for the size of a file, but one for all that is too large (5.2).
            FaultKind::SourceTooLarge => Fault::new(FaultKind::LimitExceeded, fault.public_message()),
            FaultKind::OptionsTooLong => Fault::invalid(fault.public_message()),
            _ => fault,
        }
        .for_binding();
        Self {
            status: StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: fault.code(),
            message: fault.public_message().to_owned(),
            detail: fault.detail().unwrap_or_default().to_owned(),
        }
    }
}

impl Refusal {
    /// A form that is not whole or none at all.
    pub(super) fn malformed(message: &str, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: CODE_INTERNAL,
            message: message.to_owned(),
            detail: detail.into(),
        }
    }

    /// What test suites of others expect of an image that says that it is bad (section 11).
    pub(super) fn echoed() -> Self {
        Self {
            status: StatusCode::CONFLICT,
            code: 123,
            message: "Bad request".to_owned(),
            detail: String::new(),
        }
    }

    /// The answer; what the client must not see goes to the log.
    pub(super) fn answer(&self) -> Answer {
        let Self {
            status,
            code,
            message,
            detail,
        } = self;
        if status.is_server_error() {
            tracing::warn!(code, answered = message, detail, "a binding call failed");
        } else {
            tracing::debug!(code, answered = message, detail, "a binding call was refused");
        }
        // The body is taken into an attribute of a trace as it is: no line break at its end (5.1).
        let body = Bytes::from(format!("ERROR {code}: {}", message.trim_end()));
        let mut answer = answer::with_body(*status, "text/plain", body);
        let value = HeaderValue::from_str(&format!("err={code}")).unwrap_or(HeaderValue::from_static("err=9523"));
        answer.headers_mut().insert(CF_IMAGES_BINDING, value);
        answer
    }
}
