//! GIF to pixels.

use calotype_plan::{Limits, Size};
use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use crate::{Budget, CodecError, ColorSource, DecodeRequest, Decoded, Header, Layout, Picture, SourceMetadata};

/// Decodes the first frame onto the screen, which is transparent where nothing is painted, as in browsers; the
/// background colour of the file is not used. Opaque pictures come as RGB.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    _request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    options.allow_unknown_blocks(true);
    let mut decoder = options.read_info(bytes).map_err(explain)?;
    let xmp = decoder.xmp_metadata().map(<[u8]>::to_vec);
    let frame = decoder
        .next_frame_info()
        .map_err(explain)?
        .ok_or_else(|| CodecError::corrupt("it holds no picture"))?;
    let area = Size::new(frame.width.into(), frame.height.into());
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let transparent = frame.transparent;
    if area.is_empty() {
        return Err(CodecError::Empty);
    }
    if area.area() > limits.source_area_px_max {
        return Err(CodecError::limit(
            "the image's area, in pixels,",
            area.area(),
            limits.source_area_px_max,
        ));
    }
    let _held = budget.reserve(area.area())?;
    let mut indices = vec![0u8; decoder.buffer_size()];
    decoder.read_into_buffer(&mut indices).map_err(explain)?;

    // 256 entries, so that an index beyond the table is black, as in browsers.
    let mut colors = [[0u8, 0, 0, 255]; 256];
    if let Ok(palette) = decoder.palette() {
        for (to, from) in colors.iter_mut().zip(palette.as_chunks::<3>().0) {
            *to = [from[0], from[1], from[2], 255];
        }
    }
    if let Some(color) = transparent.and_then(|index| colors.get_mut(usize::from(index))) {
        color[3] = 0;
    }
    let layout = if header.has_alpha { Layout::Rgba } else { Layout::Rgb };
    let channels = layout.channels();
    let mut picture = Picture::new(header.size, layout, [0; 4], budget)?;
    for (row, indices) in picture
        .rows_mut()
        .skip(top)
        .zip(indices.chunks_exact(area.width as usize))
    {
        for (pixel, &index) in row.chunks_exact_mut(channels).skip(left).zip(indices) {
            let color = colors.get(usize::from(index)).copied().unwrap_or_default();
            if let Some(color) = color.get(..channels) {
                pixel.copy_from_slice(color);
            }
        }
    }
    let xmp = xmp.filter(|xmp| xmp.len() <= limits.metadata_bytes_max);
    let metadata = SourceMetadata {
        xmp,
        ..SourceMetadata::default()
    };
    Ok(Decoded {
        picture,
        scale: 1,
        color: ColorSource::Srgb,
        metadata,
    })
}

/// The library's objection in our words.
fn explain(error: DecodingError) -> CodecError {
    match error {
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            CodecError::corrupt("the file ends before the picture does")
        }
        _ => CodecError::corrupt("its GIF data cannot be read"),
    }
}
