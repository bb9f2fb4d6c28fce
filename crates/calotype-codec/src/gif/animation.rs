//! GIF to frames.

use calotype_plan::Limits;

use crate::animation::Animation;
use crate::{Budget, CodecError, Header};

/// Begins to decode all frames.
pub(crate) fn decode_animation<'a>(
    _bytes: &'a [u8],
    _header: &Header,
    _limits: &Limits,
    _budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    Err(CodecError::unsupported("animation in this format"))
}
