//! Failures of delivery (spec 7.4).

use std::borrow::Cow;

use calotype_plan::{Fault, SignatureFault};
use calotype_store::StoreError;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER};

use crate::answer::{self, Answer, CF_RESIZED};

/// What older clients read for [`CF_RESIZED`].
pub(super) const CF_IMAGES: HeaderName = HeaderName::from_static("cf-images");

/// Why an image is not shown.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: u16,
    text: Cow<'static, str>,
    detail: String,
}

impl Refusal {
    const fn new(status: u16, code: u16, text: &'static str) -> Self {
        Self {
            status,
            code,
            text: Cow::Borrowed(text),
            detail: String::new(),
        }
    }

    pub(super) const fn unreadable() -> Self {
        Self::new(403, 9426, "The URL of imagedelivery.net has invalid text part")
    }

    pub(super) const fn wrong_account() -> Self {
        Self::new(403, 9427, "Image access denied with incorrect account id")
    }

    pub(super) const fn flexible_off() -> Self {
        Self::new(403, 9429, "Flexible variants are not enabled for the account")
    }

    pub(super) const fn flexible_private() -> Self {
        Self::new(
            403,
            9425,
            "Image access denied: flexible variants cannot be used with private images",
        )
    }

    pub(super) const fn image_not_found() -> Self {
        Self::new(404, 9404, "Image not found")
    }

    pub(super) const fn no_variant() -> Self {
        Self::new(
            403,
            9425,
            "Image access denied: This account doesn't have variant with this name",
        )
    }

    pub(super) const fn signature(fault: SignatureFault) -> Self {
        let text = match fault {
            SignatureFault::Missing => "Image access denied: signature required",
            SignatureFault::Invalid => "Image access denied: invalid signature",
            SignatureFault::Expired => "Image access denied: URL has expired",
        };
        Self::new(403, 9425, text)
    }

    /// The store failed, or had no room.
    pub(super) fn storage(is_busy: bool, detail: String) -> Self {
        let refusal = if is_busy {
            Self::new(503, 9522, "the original cannot be had right now; try again shortly")
        } else {
            Self::new(500, 9523, "the image could not be read")
        };
        Self { detail, ..refusal }
    }

    const fn retry_after_s(&self) -> Option<u64> {
        if self.code == 9522 { Some(1) } else { None }
    }

    /// The answer; what the client must not see goes to the log.
    pub(super) fn answer(&self) -> Answer {
        let Self {
            status,
            code,
            text,
            detail,
        } = self;
        // Written as a string, which the log escapes: it may quote what a client wrote.
        let text = text.as_ref();
        if *status >= 500 {
            tracing::warn!(code, text, detail, "a hosted image could not be delivered");
        } else {
            tracing::debug!(code, text, detail, "the delivery of a hosted image was refused");
        }
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = answer::with_body(status, "text/plain", format!("ERROR {code}: {text}"));
        let headers = answer.headers_mut();
        let value = HeaderValue::from_str(&format!("err={code}")).unwrap_or(HeaderValue::from_static("err=9523"));
        headers.insert(CF_IMAGES, value.clone());
        headers.insert(CF_RESIZED, value);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(
            self.retry_after_s()
                .map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))),
        );
        answer
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self {
            status: fault.status(),
            code: fault.code(),
            text: fault.public_message().to_owned().into(),
            detail: fault.detail().unwrap_or_default().to_owned(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::storage(false, error.to_string())
    }
}
