//! PNG to rows, where the file has them in their order.

use calotype_plan::Limits;

use super::chunks::Chunks;
use super::decode::{RowReader, metadata};
use crate::stream::Joining;
use crate::{
    Budget, CodecError, ColorSource, DecodeRequest, Header, Row, RowSink, Samples, StreamLayout, StreamPlane, Streamed,
};

/// Gives the rows of [`super::decode`]'s picture; interlaced files are decoded whole.
pub(crate) fn stream(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<Option<Streamed>, CodecError> {
    let chunks = Chunks::read(bytes, limits)?;
    if chunks.interlaced {
        return Ok(None);
    }
    let mut icc = chunks.icc(limits);
    let mut color = chunks.color_source(icc.clone());
    let conversion = chunks.wide_conversion(&color, request.keep_colors);
    let samples = if chunks.has_alpha() {
        Samples::Rgba
    } else {
        Samples::Rgb
    };
    let mut reader = RowReader::open(bytes, header.size, &chunks, conversion.as_deref())?;
    if conversion.is_some() {
        (color, icc) = (ColorSource::Srgb, None);
    }
    sink.begin(&StreamLayout {
        is_srgb: color.is_srgb(),
        is_deep: false,
        samples,
        planes: vec![StreamPlane {
            size: header.size,
            per_pixel: (1.0, 1.0),
        }],
    })?;
    let length = samples.channels() * header.size.width as usize;
    let _held = budget.reserve(length as u64)?;
    let mut row = vec![0; length];
    for _ in 0..header.size.height {
        reader.next(&mut row)?;
        sink.row(0, Row::Eight(&row))?;
    }
    Ok(Some(Streamed {
        color,
        metadata: metadata(&chunks, icc, limits),
        joining: Joining::Plain,
    }))
}
