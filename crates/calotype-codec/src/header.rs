//! What the first bytes of a file say about its picture.

use std::borrow::Cow;

use calotype_plan::{ImageFormat, Limits, Orientation, Size};

use crate::CodecError;

/// The facts of a file that can be read without decoding pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The format, told by content.
    pub format: ImageFormat,
    /// The size of the stored pixels (of the canvas, if animated), before orientation is applied.
    pub size: Size,
    /// How stored pixels must be turned to be upright.
    pub orientation: Orientation,
    /// Pictures in the animation; 1 for a still image, and for formats whose further pictures are pages.
    pub frames: u32,
    /// Pixels of all frames together: the canvas times the number of frames, because every frame is shown on the whole
    /// canvas. A part of a GIF that is larger than the canvas counts whole, because it is decoded.
    pub frames_area: u64,
    /// Whether the file can say that a pixel is transparent. It may still be opaque everywhere.
    pub has_alpha: bool,
    /// Bits of a stored sample.
    pub bit_depth: u8,
    /// The colour space that the file names.
    pub profile: ColorProfile,
    /// Whether the picture comes in several passes (progressive JPEG, interlaced PNG or GIF), which takes a decoder
    /// more memory.
    pub progressive: bool,
}

impl Header {
    /// The facts of a still, opaque, upright 8-bit picture without a profile.
    #[must_use]
    pub const fn new(format: ImageFormat, size: Size) -> Self {
        Self {
            format,
            size,
            orientation: Orientation::Upright,
            frames: 1,
            frames_area: size.area(),
            has_alpha: false,
            bit_depth: 8,
            profile: ColorProfile::Untagged,
            progressive: false,
        }
    }

    /// The size as a viewer shows it.
    #[must_use]
    pub const fn upright_size(&self) -> Size {
        self.orientation.apply(self.size)
    }

    /// Whether it has more than one frame.
    #[must_use]
    pub const fn is_animated(&self) -> bool {
        self.frames > 1
    }

    /// Checks one picture of the file against the limits on sources (spec 9.1): sides and area. The limits on whole
    /// animations are the caller's, who knows whether they will be played.
    ///
    /// # Errors
    /// [`CodecError::Empty`] if a side is 0, [`CodecError::Limit`] if a limit is passed.
    pub fn check(&self, limits: &Limits) -> Result<(), CodecError> {
        if self.size.is_empty() {
            return Err(CodecError::Empty);
        }
        let side = self.size.longest();
        let side_px_max = limits.source_side_px_max(Some(self.format));
        if side > side_px_max {
            return Err(CodecError::limit(
                "the longest side of the image, in pixels,",
                u64::from(side),
                u64::from(side_px_max),
            ));
        }
        if self.size.area() > limits.source_area_px_max {
            return Err(CodecError::limit(
                "the image's area, in pixels,",
                self.size.area(),
                limits.source_area_px_max,
            ));
        }
        Ok(())
    }
}

/// The colour space that a file names, for reports. [`ColorSource`](crate::ColorSource) is what pixels are converted
/// with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColorProfile {
    /// It names none; sRGB is assumed.
    Untagged,
    /// sRGB, said by the format's own means or by a profile that is sRGB.
    Srgb,
    /// An ICC profile.
    Icc {
        /// Its description, at most 80 characters; empty if it has none.
        name: String,
    },
    /// Code points of ITU-T H.273.
    Cicp {
        /// Colour primaries.
        primaries: u8,
        /// Transfer characteristics.
        transfer: u8,
        /// Matrix coefficients.
        matrix: u8,
        /// Whether samples use all values.
        full_range: bool,
    },
    /// Printing inks (CMYK), with the description of their ICC profile if there is one. What is decoded is sRGB.
    Cmyk {
        /// Its description, at most 80 characters; empty if it has none.
        name: String,
    },
    /// A PNG's own gamma or primaries (chunks gAMA and cHRM) other than those of sRGB.
    Gamma,
}

impl ColorProfile {
    /// A short name for logs and answers: `sRGB`, `untagged`, the profile's description, `CICP 9/16/9`.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Untagged => "untagged".into(),
            Self::Srgb => "sRGB".into(),
            Self::Icc { name } if name.is_empty() => "ICC profile without a name".into(),
            Self::Icc { name } => name.into(),
            Self::Cmyk { name } if name.is_empty() => "CMYK".into(),
            Self::Cmyk { name } => name.into(),
            Self::Cicp {
                primaries,
                transfer,
                matrix,
                ..
            } => format!("CICP {primaries}/{transfer}/{matrix}").into(),
            Self::Gamma => "gamma and primaries".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_name_what_is_too_large() {
        let limits = Limits {
            side_px_max: 100,
            webp_source_side_px_max: 200,
            source_area_px_max: 5000,
            ..Limits::default()
        };
        let check = |w, h| Header::new(ImageFormat::Png, Size::new(w, h)).check(&limits);
        let webp = |w| Header::new(ImageFormat::Webp, Size::new(w, 1)).check(&limits);
        assert_eq!(check(100, 50), Ok(()));
        assert_eq!(webp(200), Ok(()));
        assert!(matches!(webp(201), Err(CodecError::Limit { max: 200, .. })));
        assert_eq!(check(100, 0), Err(CodecError::Empty));
        assert!(
            matches!(check(101, 1), Err(CodecError::Limit { ref what, value: 101, max: 100 }) if what.contains("side"))
        );
        assert!(
            matches!(check(100, 51), Err(CodecError::Limit { ref what, value: 5100, max: 5000 }) if what.contains("area"))
        );
    }
}
