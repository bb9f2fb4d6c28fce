//! Metadata blocks: EXIF, XMP, IPTC and ICC as they travel between files.

mod exif;
mod iptc;
mod strays;
mod xmp;

use std::borrow::Cow;

pub use exif::exif_orientation;
pub use strays::holds_nothing_but;

/// The metadata that a source carried, each block without its container's framing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMetadata {
    /// EXIF: a TIFF structure, without the `Exif\0\0` of JPEG.
    pub exif: Option<Vec<u8>>,
    /// XMP: an XML packet.
    pub xmp: Option<Vec<u8>>,
    /// IPTC: the image resource blocks of Photoshop, without the `Photoshop 3.0\0` of JPEG.
    pub iptc: Option<Vec<u8>>,
    /// The ICC profile of the decoded samples. `None` also where decoding has converted them to sRGB already (CMYK,
    /// 16-bit wide gamut).
    pub icc: Option<Vec<u8>>,
}

/// The metadata to write, each block as in [`SourceMetadata`]. A format that cannot carry a block leaves it out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutputMetadata {
    /// EXIF: a TIFF structure.
    pub exif: Option<Vec<u8>>,
    /// XMP: an XML packet.
    pub xmp: Option<Vec<u8>>,
    /// IPTC: image resource blocks.
    pub iptc: Option<Vec<u8>>,
    /// ICC profile of the samples; none for sRGB.
    pub icc: Option<Vec<u8>>,
}

impl SourceMetadata {
    /// The copyright notice: EXIF tag 0x8298 as stored, without the closing NUL; `None` if there is none or it is
    /// blank.
    #[must_use]
    pub fn copyright(&self) -> Option<Vec<u8>> {
        exif::copyright(self.exif.as_deref()?)
    }

    /// For `metadata=copyright` (spec 9.5): an EXIF block that holds the copyright tag alone; nothing if there is none.
    #[must_use]
    pub fn copyright_only(&self) -> OutputMetadata {
        OutputMetadata {
            exif: self.copyright().map(|notice| exif::with_copyright(&notice)),
            ..OutputMetadata::default()
        }
    }

    /// Whether `metadata=keep` would carry every block on just as it is.
    #[must_use]
    pub fn is_kept_whole(&self) -> bool {
        let kept = self.kept();
        (&kept.exif, &kept.xmp, &kept.iptc) == (&self.exif, &self.xmp, &self.iptc)
    }

    /// For `metadata=keep` (spec 9.5): what people have said about the picture, without what is only true of the
    /// source's own samples and bytes.
    ///
    /// EXIF has Orientation 1 and neither thumbnail, dimensions nor colour space; XMP no orientation, dimensions, gain
    /// maps, further pictures and credentials; IPTC is the records alone. The profile is left out: whether it stays
    /// true is known to whoever converts the colours. A block that cannot be read is dropped.
    #[must_use]
    pub fn kept(&self) -> OutputMetadata {
        OutputMetadata {
            exif: self.exif.as_deref().and_then(exif::kept),
            xmp: self.xmp.as_deref().and_then(xmp::kept).map(Cow::into_owned),
            iptc: self.iptc.as_deref().and_then(iptc::kept),
            icc: None,
        }
    }
}

/// Strips the `Exif\0\0` that some writers put in front of the TIFF structure where the format wants none.
#[must_use]
pub(crate) fn exif_payload(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(b"Exif\0\0")
        .or_else(|| exif.strip_prefix(b"Exif\0\xff"))
        .unwrap_or(exif)
}
