//! What can go wrong with an image, divided by who must act.

use std::borrow::Cow;

/// Why bytes did not become a picture, or a picture did not become bytes.
///
/// The texts are for clients: they name the fault in the words of the format, and hold nothing of libraries, paths or
/// addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes are no image of any kind we know. The requester named the wrong file.
    #[error("the file is not an image")]
    NotAnImage,
    /// An image, but of a kind that is not decoded here.
    #[error("{what} is not supported")]
    Unsupported {
        /// The format or the feature, as the subject of the sentence.
        what: Cow<'static, str>,
    },
    /// An image whose decoder is not part of this program and has not been installed by the operator.
    #[error("{what}")]
    NotInstalled {
        /// What is missing and who can do what about it, as a sentence.
        what: Cow<'static, str>,
    },
    /// An image of a kind we know, whose data is cut or damaged.
    #[error("the image is damaged: {what}")]
    Corrupt {
        /// What is wrong with the data.
        what: Cow<'static, str>,
    },
    /// The image is fine but over a limit that the operator set, or of size 0.
    #[error("{what} is {value}, but at most {max} is allowed")]
    Limit {
        /// The measured quantity with its unit, as the subject of the sentence.
        what: Cow<'static, str>,
        /// What it is.
        value: u64,
        /// What it may be at most.
        max: u64,
    },
    /// The picture has no pixels: a side of 0.
    #[error("the image has a size of 0")]
    Empty,
    /// The picture could not be written in this format.
    #[error("the result could not be encoded: {what}")]
    Encode {
        /// What the encoder objected to.
        what: Cow<'static, str>,
    },
}

impl CodecError {
    /// An image that is not decoded here.
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// A decoder that the operator can install.
    pub fn not_installed(what: impl Into<Cow<'static, str>>) -> Self {
        Self::NotInstalled { what: what.into() }
    }

    /// Cut or damaged data.
    pub fn corrupt(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// A bound that was passed.
    pub fn limit(what: impl Into<Cow<'static, str>>, value: u64, max: u64) -> Self {
        Self::Limit {
            what: what.into(),
            value,
            max,
        }
    }

    /// A failed encode.
    pub fn encode(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Encode { what: what.into() }
    }
}
