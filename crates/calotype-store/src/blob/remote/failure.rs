//! Why an object store did not do what it was asked, in words of our own: nothing of its answers or of a request is repeated but a code.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// The code of the store's error document, as `NoSuchBucket`.
    pub(super) code: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// Another status than success.
    Status(u16),
    /// No connection, or no TLS session.
    Connect(String),
    /// Nothing came for too long.
    Slow,
    /// The connection ended in the middle of an answer.
    Broken,
    /// The endpoint is `http://`, and that is not allowed.
    NotEncrypted,
    /// The service that gives this machine its credentials does not answer, or says no.
    NoCredentials,
    /// Anything else, as the library says it.
    Other(String),
}

impl Failure {
    pub(super) const fn new(cause: Cause) -> Self {
        Self { cause, code: None }
    }

    /// The failure inside an error of the library, whose own words may hold addresses.
    pub(super) fn of(error: &object_store::Error, hide: impl FnOnce(String) -> String) -> Self {
        let mut source: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = source {
            if let Some(failure) = error.downcast_ref::<Self>() {
                return failure.clone();
            }
            source = error.source();
        }
        Self::new(Cause::Other(hide(error.to_string())))
    }

    fn is_bucket_missing(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("NoSuchBucket" | "ContainerNotFound" | "ContainerBeingDeleted")
        )
    }

    /// What the system would have called it.
    fn kind(&self) -> io::ErrorKind {
        match &self.cause {
            Cause::Status(404) if !self.is_bucket_missing() => io::ErrorKind::NotFound,
            Cause::Status(401 | 403) | Cause::NoCredentials => io::ErrorKind::PermissionDenied,
            Cause::Status(408 | 429 | 503) => io::ErrorKind::ResourceBusy,
            Cause::Connect(_) => io::ErrorKind::NotConnected,
            Cause::Slow => io::ErrorKind::TimedOut,
            Cause::Broken => io::ErrorKind::UnexpectedEof,
            Cause::Status(_) | Cause::NotEncrypted | Cause::Other(_) => io::ErrorKind::Other,
        }
    }

    /// What whoever runs the server should change.
    pub(super) fn advice(&self) -> &'static str {
        match (&self.cause, self.code.as_deref()) {
            _ if self.is_bucket_missing() => "there is no such bucket: create it, or correct --blobs",
            (_, Some("SignatureDoesNotMatch" | "InvalidAccessKeyId" | "AuthenticationFailed" | "InvalidToken")) => {
                "it does not know these credentials: correct them in the environment or in [blobs_options]"
            }
            (_, Some("ExpiredToken")) => "the credentials have expired: give it new ones",
            (_, Some("RequestTimeTooSkewed")) => "the clock of this machine is wrong: set it",
            (_, Some("AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException"))
            | (Cause::Status(301 | 307), _) => {
                "the bucket is in another region: name it as `region` in [blobs_options], or in AWS_REGION"
            }
            (Cause::Status(401 | 403), _) => {
                "the credentials may not do this: they need to write, read, list and delete objects of this bucket (docs/hosted.md)"
            }
            (Cause::Status(404), _) => "there is no such bucket: create it, or correct --blobs",
            (Cause::Status(408 | 429 | 500..), _) => "it is overloaded or out of order: try again later",
            (Cause::Status(_), _) => "it does not take the request: look at --blobs and [blobs_options]",
            (Cause::Connect(_), _) => {
                "look at the host in --blobs, or at `endpoint` in [blobs_options], and at the network between"
            }
            (Cause::Slow | Cause::Broken, _) => {
                "it does not answer: look at `endpoint` in [blobs_options], and at the network between"
            }
            (Cause::NotEncrypted, _) => "write an https endpoint, or say `allow_http = true` in [blobs_options]",
            (Cause::NoCredentials, _) => {
                "there are no credentials: set those of your store (docs/hosted.md) in the environment or in [blobs_options]"
            }
            (Cause::Other(_), _) => "look at --blobs and [blobs_options]",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Status(status) => write!(f, "the object store answered {status}")?,
            Cause::Connect(why) => write!(f, "no connection to the object store: {why}")?,
            Cause::Slow => f.write_str("the object store did not answer in time")?,
            Cause::Broken => f.write_str("the object store broke off its answer")?,
            Cause::NotEncrypted => f.write_str("the object store's endpoint is not https")?,
            Cause::NoCredentials => f.write_str("no credentials for the object store")?,
            Cause::Other(text) => write!(f, "the object store: {text}")?,
        }
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl Error for Failure {}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind(), failure)
    }
}

/// The code of an error document: of S3, of Google's XML, of Azure. Letters and digits alone, since anybody may have written it.
pub(super) fn code_of(document: &str) -> Option<String> {
    let (_, rest) = document.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_words_of_a_document_and_nothing_else_of_it() {
        // The documents of the vendors' manuals: S3 "REST error responses", Azure "Status and error codes".
        let s3 = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>m</Message><Resource>/b</Resource></Error>";
        let azure = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ContainerNotFound</Code><Message>m</Message></Error>";
        assert_eq!(code_of(s3).as_deref(), Some("NoSuchBucket"));
        assert_eq!(code_of(azure).as_deref(), Some("ContainerNotFound"));
        for document in [
            "",
            "<Code>",
            "<Code></Code>",
            "<Code>a b</Code>",
            "<Code>a</code>",
            "<html>404</html>",
        ] {
            assert_eq!(code_of(document), None, "{document}");
        }
    }

    #[test]
    fn each_failure_is_of_its_kind_and_says_what_to_change() {
        use io::ErrorKind as Kind;
        let status = |status, code: &str| Failure {
            cause: Cause::Status(status),
            code: (!code.is_empty()).then(|| code.to_owned()),
        };
        for (failure, kind, part) in [
            (status(404, "NoSuchKey"), Kind::NotFound, "bucket"),
            (status(404, "NoSuchBucket"), Kind::Other, "create it"),
            (status(404, "ContainerNotFound"), Kind::Other, "create it"),
            (
                status(403, "AccessDenied"),
                Kind::PermissionDenied,
                "write, read, list and delete",
            ),
            (
                status(403, "SignatureDoesNotMatch"),
                Kind::PermissionDenied,
                "credentials",
            ),
            (status(403, "RequestTimeTooSkewed"), Kind::PermissionDenied, "clock"),
            (status(503, "SlowDown"), Kind::ResourceBusy, "later"),
            (status(429, ""), Kind::ResourceBusy, "later"),
            (status(500, "InternalError"), Kind::Other, "later"),
            (status(301, "PermanentRedirect"), Kind::Other, "region"),
            (status(400, "AuthorizationHeaderMalformed"), Kind::Other, "region"),
            (Failure::new(Cause::Slow), Kind::TimedOut, "endpoint"),
            (Failure::new(Cause::Broken), Kind::UnexpectedEof, "endpoint"),
            (
                Failure::new(Cause::Connect("refused".to_owned())),
                Kind::NotConnected,
                "endpoint",
            ),
            (Failure::new(Cause::NotEncrypted), Kind::Other, "allow_http"),
            (
                Failure::new(Cause::NoCredentials),
                Kind::PermissionDenied,
                "environment",
            ),
        ] {
            assert!(failure.advice().contains(part), "{failure}: {}", failure.advice());
            let text = failure.to_string();
            let error = io::Error::from(failure);
            assert_eq!((error.kind(), error.to_string()), (kind, text));
        }
    }
}
