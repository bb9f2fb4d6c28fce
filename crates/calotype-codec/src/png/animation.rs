//! PNG to frames.

use calotype_plan::Limits;

use super::decode;
use crate::animation::{Animation, Still};
use crate::{Budget, CodecError, DecodeRequest, Header};

/// Begins to decode all frames.
pub(crate) fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    if header.is_animated() {
        return Err(CodecError::unsupported("animation in this format"));
    }
    decode(bytes, header, &DecodeRequest::default(), limits, budget).map(Still::animation)
}
