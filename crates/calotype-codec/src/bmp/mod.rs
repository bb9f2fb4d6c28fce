//! BMP in.

use calotype_plan::Limits;

use crate::stored;
use crate::{Budget, CodecError, DecodeRequest, Decoded, Header};

/// Reads the header.
pub(crate) fn probe(bytes: &[u8], _limits: &Limits) -> Result<Header, CodecError> {
    stored::bmp(bytes)
}

/// Decodes the picture.
pub(crate) fn decode(
    _bytes: &[u8],
    _header: &Header,
    _request: &DecodeRequest,
    _limits: &Limits,
    _budget: &Budget,
) -> Result<Decoded, CodecError> {
    Err(CodecError::unsupported("BMP input"))
}
