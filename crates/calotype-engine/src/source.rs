//! From bytes to a frame: header, limits, the scale of the decode, pixels.

use calotype_codec::{Budget, DecodeRequest, Header, can_stream, probe};
use calotype_plan::{Fault, FaultKind, ImageFormat, Light, Limits, Models, Op, Size, Turn, decode_scale};

use crate::error::fault;
use crate::frame::Frame;
use crate::job::Job;
use crate::shrink::Coded;

/// Reads the header of a source or an overlay and checks its size against the limits (spec 9.1).
pub(crate) fn open(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    if bytes.len() as u64 > limits.source_bytes_max {
        return Err(Fault::new(
            FaultKind::SourceTooLarge,
            format!(
                "The file is too large: {} bytes, but at most {} are allowed",
                bytes.len(),
                limits.source_bytes_max
            ),
        ));
    }
    let header = probe(bytes, limits).map_err(fault)?;
    limits.inputs.check(header.format)?;
    limits.check_source(header.size, Some(header.format))?;
    Ok(header)
}

/// A frame of what `open` has looked at, which is decoded no larger than `ops` need it, and not before they do.
pub(crate) fn load<'a>(
    bytes: &'a [u8],
    header: &'a Header,
    needs: &Needs<'a>,
    limits: &'a Limits,
    budget: &Budget,
) -> Result<Frame<'a>, Fault> {
    let turn = Turn::from(header.orientation);
    let request = DecodeRequest {
        // A scaled decode averages encoded values.
        scale: match limits.light {
            Light::Encoded => decode_scale(needs.ops, header.size, turn, needs.base, needs.models),
            Light::Linear => 1,
        },
        keep_colors: needs.keep_colors,
    };
    let mut frame = Frame::coded(Coded {
        bytes,
        header,
        limits,
        request,
        answer: needs.answer,
    });
    // Linear light has to know colours before it averages, which planes of luma and chroma are not.
    if !can_stream(header) || (limits.light == Light::Linear && header.format != ImageFormat::Png) {
        frame.look(budget)?;
    }
    Ok(frame)
}

/// What will be done with the pixels, as far as it tells how many of them are needed.
pub(crate) struct Needs<'a> {
    pub(crate) ops: &'a [Op],
    /// The picture below, for an overlay.
    pub(crate) base: Option<Size>,
    pub(crate) models: Models,
    /// The picture will be written in the colours of its source.
    pub(crate) keep_colors: bool,
    /// The job whose answer the picture becomes, if it is not an overlay.
    pub(crate) answer: Option<&'a Job<'a>>,
}
