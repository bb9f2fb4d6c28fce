//! SVG: filtered and passed on, or rendered.
//!
//! An SVG is a program as much as a picture. What goes out has no script, no event, no link, no reference to anything
//! outside of itself, and no other document in it; what is drawn here is drawn from the filtered text.

mod cost;
mod css;
mod data_url;
mod filter;
mod graph;
mod names;
mod prolog;
mod render;
mod size;
mod unpack;

use calotype_plan::{ImageFormat, Limits, Size};

pub use size::IntrinsicSize;

use crate::{Budget, CodecError, Header, Picture};

/// The filter, for cache keys: its own number, raised whenever a result changes.
pub(crate) const ENCODER_VERSION: &str = "svg-filter 1";

/// Reads the size that the root element asks for. No limit on the document's elements is checked.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let mut header = Header::new(ImageFormat::Svg, svg_size(bytes, limits)?.pixels());
    header.has_alpha = true;
    Ok(header)
}

/// The size that the root element of an SVG asks for, plain or gzipped.
///
/// # Errors
/// [`CodecError::Empty`] if it is 0; else as [`filter_svg`].
pub fn svg_size(bytes: &[u8], limits: &Limits) -> Result<IntrinsicSize, CodecError> {
    let text = unpack::text(bytes, limits, &Budget::unlimited())?;
    size::intrinsic(&text.text, limits)
}

/// Filters an SVG, plain or gzipped, in any of the encodings that XML parsers must know (spec 9.7).
///
/// The result is UTF-8 without a prolog. It holds only elements and attributes of an allow-list, in which nothing runs,
/// links or fetches: references point into the document itself, or are `data:` URLs of raster pictures and, in
/// `@font-face`, of fonts.
///
/// `images` is given the bytes of each embedded picture, at most a hundred of them, and may give others in its place.
///
/// # Errors
/// [`CodecError::Corrupt`] if it is no well-formed XML or its root is no `svg`; [`CodecError::Limit`] above
/// [`Limits::svg_bytes_max`], [`Limits::svg_elements_max`] or [`Limits::svg_depth_max`], or if `budget` does not allow
/// twice its text; [`CodecError::Unsupported`] for encodings and entities that are not read.
pub fn filter_svg(
    bytes: &[u8],
    limits: &Limits,
    budget: &Budget,
    images: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, CodecError> {
    let text = unpack::text(bytes, limits, budget)?;
    Ok(filter::filter(&text.text, &filter::Request::default(), limits, images)?.into_bytes())
}

/// Draws an SVG, plain or gzipped, filtered as by [`filter_svg`], at exactly `size`, on a transparent ground.
///
/// `pictures` decodes each embedded picture, upright and in sRGB. Text is set in the fonts of the system. The work is
/// bounded before it begins: what references multiply, filters, layers and patterns are counted, in pixels and bytes.
///
/// # Errors
/// As [`filter_svg`]; [`CodecError::Empty`] if the document has a size of 0; [`CodecError::Limit`] if `size` is over the
/// limits on sources, or the work or its memory is too much.
pub fn render_svg(
    bytes: &[u8],
    size: Size,
    limits: &Limits,
    budget: &Budget,
    pictures: &mut (dyn FnMut(&[u8]) -> Option<Picture> + Send),
) -> Result<Picture, CodecError> {
    let filtered = {
        let text = unpack::text(bytes, limits, budget)?;
        let intrinsic = size::intrinsic(&text.text, limits)?;
        let request = filter::Request {
            root_size: Some(intrinsic),
        };
        (filter::filter(&text.text, &request, limits, &mut |_| None)?, intrinsic)
    };
    let (text, intrinsic) = filtered;
    let _text = budget.reserve(text.len() as u64)?;
    render::render(&text, intrinsic, size, limits, budget, pictures)
}
