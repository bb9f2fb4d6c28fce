//! From the codec's errors to the protocol's: the one place that knows both.

use calotype_codec::CodecError;
use calotype_plan::{Fault, FaultKind};

/// The fault for an error of the codec (spec 13.4). The codec's texts are written for clients, so they are passed on.
pub fn fault(error: CodecError) -> Fault {
    let kind = match error {
        CodecError::NotAnImage => FaultKind::NotAnImage,
        CodecError::Unsupported { .. } | CodecError::NotInstalled { .. } => FaultKind::UnsupportedFormat,
        CodecError::Corrupt { .. } => FaultKind::DecodeFailed,
        CodecError::Limit { .. } => FaultKind::LimitExceeded,
        // The words are the reference's (spec 5.3).
        CodecError::Empty => return Fault::new(FaultKind::LimitExceeded, "The image has width or height of size 0"),
        CodecError::Encode { .. } => FaultKind::EncodeFailed,
    };
    Fault::new(kind, sentence(&error.to_string()))
}

/// Our own failure, with a detail for the log alone.
pub(crate) fn internal(detail: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Internal, "Internal error while transforming the image").with_detail(detail)
}

/// With a capital letter in front.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_code_and_status() {
        for (error, code, status) in [
            (CodecError::NotAnImage, 9412, 415),
            (CodecError::unsupported("TIFF input"), 9520, 415),
            (CodecError::not_installed("it needs a decoder"), 9520, 415),
            (CodecError::corrupt("cut"), 9516, 422),
            (CodecError::limit("the area", 2, 1), 9413, 403),
            (CodecError::Empty, 9413, 403),
            (CodecError::encode("no"), 9516, 500),
        ] {
            let fault = fault(error.clone());
            assert_eq!((fault.code(), fault.status()), (code, status), "{error}");
        }
        assert_eq!(
            fault(CodecError::unsupported("TIFF input")).public_message(),
            "TIFF input is not supported"
        );
    }
}
