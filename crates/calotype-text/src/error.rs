//! Why a text cannot be rendered.

/// What is wrong. The texts are for clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The bytes are no font.
    #[error("it is no font; use a TTF, OTF, WOFF or WOFF2 file")]
    NotAFont,
    /// A font of a kind that is not drawn.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A font whose data are damaged.
    #[error("it is damaged: {0}")]
    Broken(&'static str),
    /// A font that becomes too large when it is unpacked, in bytes.
    #[error("it is too large: unpacked it has more than {max} bytes")]
    FontTooLarge {
        /// Bytes that are allowed.
        max: u64,
    },
    /// A font that makes of the text more than can be drawn.
    #[error("it makes {0}")]
    TooComplex(&'static str),
    /// The picture would be too large.
    #[error("the text is {width}x{height} px large, but at most {SIDE}x{SIDE} is drawn; make the font or the text smaller", SIDE = crate::SIDE_PX_MAX)]
    TooLarge {
        /// Pixels, saturated.
        width: u32,
        /// Pixels, saturated.
        height: u32,
    },
    /// Neither the text nor the build has a font.
    #[error("this server was built without a font; name one by font.url")]
    NoBuiltinFont,
    /// The time is over.
    #[error("the time is over")]
    Late,
}
