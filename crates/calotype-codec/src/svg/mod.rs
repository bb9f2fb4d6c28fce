//! SVG: filtered and passed on, or rendered.

use calotype_plan::Limits;

use crate::{CodecError, Header};

/// Reads the size that the root element asks for.
pub(crate) fn probe(_bytes: &[u8], _limits: &Limits) -> Result<Header, CodecError> {
    Err(CodecError::unsupported("SVG input"))
}
