//! Every bound on images, in one place (spec 9.1). Operators may raise each of them.

use crate::{Fault, FaultKind, ImageFormat};

/// Which formats are taken as sources (spec 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Inputs {
    /// All that can be read.
    #[default]
    All,
    /// Those of the reference: TIFF, BMP, icons and JPEG XL are refused.
    Reference,
}

impl Inputs {
    /// Refuses a source of a format that is not taken: TIFF with 9412/415, others with 9520/415, as the reference does.
    pub fn check(self, format: ImageFormat) -> Result<(), Fault> {
        let refused = match (self, format) {
            (Self::Reference, ImageFormat::Tiff) => FaultKind::NotAnImage,
            (Self::Reference, ImageFormat::Bmp | ImageFormat::Ico | ImageFormat::Jxl) => FaultKind::UnsupportedFormat,
            _ => return Ok(()),
        };
        Err(Fault::new(
            refused,
            format!(
                "This server takes no {} images; use JPEG, PNG, WebP, AVIF, GIF or SVG",
                format.name()
            ),
        ))
    }
}

/// What a resize averages (spec 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Light {
    /// The numbers as they are stored. JPEG can be decoded at a fraction of its size then, which averages so.
    #[default]
    Encoded,
    /// Amounts of light, by the curve of sRGB: bright details on dark stay as bright as they look from afar.
    Linear,
}

/// Bounds on sources, outputs and work, and what the operator chose that changes pixels. One megapixel is 1,000,000 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Formats taken as sources.
    pub inputs: Inputs,
    /// What a resize averages.
    pub light: Light,
    /// Bytes of a source file. Over it: 9402/413.
    pub source_bytes_max: u64,
    /// Pixels of a still source. Over it: 9413.
    pub source_area_px_max: u64,
    /// Pixels on one side of a source or an output. Over it: 9413. An output may be as large as its source.
    pub side_px_max: u32,
    /// The same for WebP sources, whose own limit is higher (hosted images specification, D27). Where `side_px_max` is higher, that one counts.
    pub webp_source_side_px_max: u32,
    /// Pixels of all frames of an animation that is still transformed; above, it is delivered unchanged.
    pub animation_area_px_max: u64,
    /// Pixels of all frames of an animation above which it is refused with 9413.
    pub animation_area_px_refused: u64,
    /// Frames of an animation of which all are asked for, however small they are. Over it: 9413.
    pub frames_max: u32,
    /// Passes that a JPEG may make over its picture. Encoders make about ten; a hundred and more is only seen in files
    /// made to keep a decoder busy. Over it: 9413.
    pub scans_max: u32,
    /// Pixels of a JPEG times its passes: work, not memory. Four gigapixels are some ten seconds of one core. Over it:
    /// 9413.
    pub scan_area_px_max: u64,
    /// Items, properties, tiles, pages or directories that a container may list. Over it: 9413.
    pub container_items_max: usize,
    /// Bytes of an SVG, unpacked if it was packed. Over it: 9413.
    pub svg_bytes_max: usize,
    /// Elements of an SVG. Over it: 9413.
    pub svg_elements_max: usize,
    /// Elements inside elements of an SVG. Over it: 9413.
    pub svg_depth_max: usize,
    /// Longest side of an AVIF output when the format was negotiated; above, WebP.
    pub avif_side_px_max: u32,
    /// Longest side of an AVIF output when `format=avif` was written out; above, WebP.
    pub avif_explicit_side_px_max: u32,
    /// Longest side of a WebP output: the format's own.
    pub webp_side_px_max: u32,
    /// Longest side of a JPEG output: that of the encoder; above, PNG. Only reached where `side_px_max` was raised.
    pub jpeg_side_px_max: u32,
    /// Longest side of a GIF output: the format's own; above, PNG. Only reached where `side_px_max` was raised.
    pub gif_side_px_max: u32,
    /// Overlays of one pass.
    pub draws_max: usize,
    /// Operations of one binding call.
    pub binding_operations_max: usize,
    /// Characters of a text overlay.
    pub text_chars_max: usize,
    /// Bytes of a font file. Over it: 9401.
    pub font_bytes_max: u64,
    /// Bytes of an options segment or object. Over it: 414 by URL, 9401 elsewhere.
    pub options_bytes_max: usize,
    /// Bytes an EXIF, XMP, IPTC or ICC block may have; a larger block is treated as absent.
    pub metadata_bytes_max: usize,
    /// Bytes of memory that one job may hold in pixel buffers.
    pub job_memory_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inputs: Inputs::All,
            light: Light::Encoded,
            source_bytes_max: 100_000_000,
            source_area_px_max: 100_000_000,
            side_px_max: 12_000,
            webp_source_side_px_max: 16_383,
            animation_area_px_max: 50_000_000,
            animation_area_px_refused: 100_000_000,
            frames_max: 10_000,
            scans_max: 100,
            scan_area_px_max: 4_000_000_000,
            container_items_max: 4_096,
            svg_bytes_max: 10 << 20,
            svg_elements_max: 100_000,
            svg_depth_max: 128,
            avif_side_px_max: 1_200,
            avif_explicit_side_px_max: 1_600,
            webp_side_px_max: 16_383,
            jpeg_side_px_max: 65_500,
            gif_side_px_max: 65_535,
            draws_max: 32,
            binding_operations_max: 256,
            text_chars_max: 1_000,
            font_bytes_max: 20_000_000,
            options_bytes_max: 16_384,
            metadata_bytes_max: 4 << 20,
            job_memory_bytes_max: 2 << 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reference_refuses_can_be_refused() {
        let code = |inputs: Inputs, format| inputs.check(format).map_err(|fault| (fault.code(), fault.status()));
        for (format, refused) in [
            (ImageFormat::Tiff, Err((9412, 415))),
            (ImageFormat::Bmp, Err((9520, 415))),
            (ImageFormat::Ico, Err((9520, 415))),
            (ImageFormat::Jxl, Err((9520, 415))),
            (ImageFormat::Heic, Ok(())),
            (ImageFormat::Png, Ok(())),
        ] {
            assert_eq!(code(Inputs::All, format), Ok(()));
            assert_eq!(code(Inputs::Reference, format), refused);
        }
    }
}
