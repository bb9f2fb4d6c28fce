//! One front for all formats: which module reads and writes what.

use std::sync::LazyLock;

use calotype_plan::{ImageFormat, Limits};

use crate::{
    Budget, Chroma, CodecError, ColorSource, Header, OutputMetadata, Picture, Range, SourceMetadata, YccPicture,
};
use crate::{avif, bmp, gif, heic, ico, jpeg, jxl, png, sniff, svg, tiff, webp};

/// What is wanted of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeRequest {
    /// The wanted denominator of a scaled decode: 1, 2, 4 or 8. A decoder that cannot scale ignores it; other values
    /// count as the next lower one.
    pub scale: u8,
    /// The picture will be written with the profile of its own colours, so nothing is to be converted while decoding
    /// where 8 bits are enough for that profile; [`SourceMetadata::icc`] is then the profile to write, also for
    /// colours that the file describes by other means. `None` there means that the colours cannot be kept: convert
    /// them.
    pub keep_colors: bool,
}

impl Default for DecodeRequest {
    /// Full size.
    fn default() -> Self {
        Self {
            scale: 1,
            keep_colors: false,
        }
    }
}

/// A decoded picture and what came with it.
#[derive(Debug)]
pub struct Decoded {
    /// The pixels as stored, `ceil(stored / scale)` per side; orientation and colour are not applied.
    pub picture: Picture,
    /// The denominator that was used: 1, 2, 4 or 8.
    pub scale: u8,
    /// How the samples become sRGB, for [`to_srgb`](crate::to_srgb).
    pub color: ColorSource,
    /// Metadata of the file.
    pub metadata: SourceMetadata,
}

/// When a PNG has a palette of at most 256 colours. It always has to make the file smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaletteUse {
    /// Never.
    Never,
    /// Where it loses nothing, because the picture has so few colours.
    Exact,
    /// Also where colours have to be merged.
    Fitted,
}

/// How a picture is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncodeRequest {
    /// JPEG. An alpha channel is refused: composite it first.
    Jpeg {
        /// 1..=100, the scale of libjpeg.
        quality: u8,
        /// Progressive instead of baseline.
        progressive: bool,
    },
    /// PNG.
    Png {
        /// Whether it may have a palette.
        palette: PaletteUse,
        /// Compress less and faster.
        fast: bool,
        /// 1..=100, for a fitted palette alone: how many colours it has.
        quality: u8,
    },
    /// WebP.
    Webp {
        /// 1..=100.
        quality: u8,
        /// Every pixel exactly; `quality` is not used then.
        lossless: bool,
    },
    /// AVIF.
    Avif {
        /// 1..=100.
        quality: u8,
    },
    /// A still GIF of at most 256 colours.
    Gif,
}

impl EncodeRequest {
    /// The planes that this encoder takes as they are, for [`encode_planes`]; `None` if it takes pixels alone.
    #[must_use]
    pub const fn planes(&self) -> Option<(Chroma, Range)> {
        match *self {
            Self::Jpeg { quality, .. } => Some((jpeg::chroma(quality), Range::Full)),
            // Above, chroma is halved with a look at luma, for which it has to be whole.
            Self::Webp {
                quality,
                lossless: false,
            } if !webp::halves_with_care(quality) => Some((Chroma::Half, Range::Limited)),
            Self::Avif { .. } => Some((Chroma::Half, Range::Full)),
            _ => None,
        }
    }
}

/// Reads the header of an image of any known format. No pixels are decoded and no limit on sizes is checked: see
/// [`Header::check`].
///
/// # Errors [`CodecError::NotAnImage`] if no format is recognised, [`CodecError::Corrupt`] if the header is damaged,
/// [`CodecError::Unsupported`] if the format's header is not read here.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, CodecError> {
    let format = sniff(bytes).ok_or(CodecError::NotAnImage)?;
    match format {
        ImageFormat::Jpeg => jpeg::probe(bytes, limits),
        ImageFormat::Png => png::probe(bytes, limits),
        ImageFormat::Gif => gif::probe(bytes, limits),
        ImageFormat::Webp => webp::probe(bytes, limits),
        ImageFormat::Avif => avif::probe(bytes, limits),
        ImageFormat::Bmp => bmp::probe(bytes, limits),
        ImageFormat::Ico => ico::probe(bytes, limits),
        ImageFormat::Tiff => tiff::probe(bytes, limits),
        ImageFormat::Jxl => jxl::probe(bytes, limits),
        ImageFormat::Heic => heic::probe(bytes, limits),
        ImageFormat::Svg => svg::probe(bytes, limits),
    }
}

/// Decodes the picture, or the first frame of an animation.
///
/// `header` is what [`probe`] gave for the same bytes.
///
/// # Errors [`CodecError::Limit`] or [`CodecError::Empty`] before anything is allocated; [`CodecError::Corrupt`] if the
/// data is cut or damaged so that not every pixel has its value; [`CodecError::Unsupported`].
pub fn decode(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    header.check(limits)?;
    let mut decoded = match header.format {
        ImageFormat::Jpeg => jpeg::decode(bytes, header, request, limits, budget),
        ImageFormat::Png => png::decode(bytes, header, request, limits, budget),
        ImageFormat::Gif => gif::decode(bytes, header, request, limits, budget),
        ImageFormat::Webp => webp::decode(bytes, header, request, limits, budget),
        ImageFormat::Avif => avif::decode(bytes, header, request, limits, budget),
        ImageFormat::Bmp => bmp::decode(bytes, header, request, limits, budget),
        ImageFormat::Ico => ico::decode(bytes, header, request, limits, budget),
        ImageFormat::Tiff => tiff::decode(bytes, header, request, limits, budget),
        ImageFormat::Jxl => jxl::decode(bytes, header, request, limits, budget),
        ImageFormat::Heic => heic::decode(bytes, header, request, limits, budget),
        // Rendering needs a size: see `svg::render`.
        ImageFormat::Svg => Err(CodecError::unsupported("SVG input")),
    }?;
    if request.keep_colors {
        decoded.metadata.icc = decoded.color.profile_to_keep();
    }
    Ok(decoded)
}

/// Encodes a picture whose samples are sRGB, unless `metadata` carries a profile that says otherwise.
///
/// The same picture, request and metadata give the same bytes on every machine with the same [`encoder_version`].
///
/// # Errors [`CodecError::Encode`] if the format cannot hold the picture, [`CodecError::Limit`] if the budget does not
/// allow the encoder's memory.
pub fn encode(
    picture: &Picture,
    request: &EncodeRequest,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    match *request {
        EncodeRequest::Jpeg { quality, progressive } => jpeg::encode(picture, quality, progressive, metadata, budget),
        EncodeRequest::Png { palette, fast, quality } => png::encode(picture, palette, fast, quality, metadata, budget),
        EncodeRequest::Webp { quality, lossless } => webp::encode(picture, quality, lossless, metadata, budget),
        EncodeRequest::Avif { quality } => avif::encode(picture, quality, metadata, budget),
        EncodeRequest::Gif => gif::encode(picture, budget),
    }
}

/// As [`encode`], of an opaque picture in planes. Those of the kind that [`EncodeRequest::planes`] names go in as they
/// are; others are brought there first.
///
/// # Errors [`CodecError::Encode`] if the format takes no planes or chroma has to be enlarged, and as [`encode`].
pub fn encode_planes(
    picture: &YccPicture,
    request: &EncodeRequest,
    metadata: &OutputMetadata,
    budget: &Budget,
) -> Result<Vec<u8>, CodecError> {
    match *request {
        EncodeRequest::Jpeg { quality, progressive } => {
            jpeg::encode_planes(picture, quality, progressive, metadata, budget)
        }
        EncodeRequest::Webp {
            quality,
            lossless: false,
        } => webp::encode_planes(picture, quality, metadata, budget),
        EncodeRequest::Avif { quality } => avif::encode_planes(picture, quality, metadata, budget),
        _ => Err(CodecError::encode("this format does not take planes")),
    }
}

/// Names, versions and settings of all encoders: part of every cache key, so that a new encoder never answers with an
/// old one's bytes.
#[must_use]
pub fn encoder_version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        [
            jpeg::ENCODER_VERSION,
            png::ENCODER_VERSION,
            gif::ENCODER_VERSION,
            webp::ENCODER_VERSION,
            avif::encoder_version(),
            svg::ENCODER_VERSION,
        ]
        .join("; ")
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, probe};
    use calotype_plan::Size;

    #[test]
    fn what_is_no_image_and_what_is_not_read_here_are_told_apart() {
        let limits = Limits::default();
        assert_eq!(
            probe(b"<html><body>not found</body></html>", &limits),
            Err(CodecError::NotAnImage)
        );
        assert_eq!(probe(b"", &limits), Err(CodecError::NotAnImage));
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
        let header = probe(svg, &limits).unwrap();
        let refused = decode(svg, &header, &DecodeRequest::default(), &limits, &Budget::unlimited()).unwrap_err();
        assert_eq!(refused.to_string(), "SVG input is not supported");
    }

    #[test]
    fn limits_are_checked_before_anything_is_charged() {
        let picture = Picture::new(Size::new(300, 200), Layout::Rgb, [9; 4], &Budget::unlimited()).unwrap();
        let metadata = OutputMetadata::default();
        for request in [
            EncodeRequest::Jpeg {
                quality: 80,
                progressive: true,
            },
            EncodeRequest::Png {
                palette: PaletteUse::Never,
                fast: false,
                quality: 85,
            },
            EncodeRequest::Gif,
        ] {
            let bytes = encode(&picture, &request, &metadata, &Budget::unlimited()).unwrap();
            let header = probe(&bytes, &Limits::default()).unwrap();
            let small = Limits {
                source_area_px_max: 59_999,
                ..Limits::default()
            };
            let budget = Budget::unlimited();
            let refused = decode(&bytes, &header, &DecodeRequest::default(), &small, &budget).unwrap_err();
            assert_eq!(
                refused,
                CodecError::limit("the image's area, in pixels,", 60_000, 59_999)
            );
            assert_eq!(budget.peak(), 0);
            let decoded = decode(&bytes, &header, &DecodeRequest::default(), &Limits::default(), &budget).unwrap();
            assert_eq!(decoded.picture.pixel(299, 199), Some([9, 9, 9, 255]));
        }
    }

    #[test]
    fn the_version_names_every_encoder() {
        for name in ["mozjpeg", "png", "gif", "webp", "aom"] {
            assert!(encoder_version().contains(name), "{name} in {}", encoder_version());
        }
    }
}
