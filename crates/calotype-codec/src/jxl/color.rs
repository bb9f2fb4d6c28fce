//! From the colours of a JPEG XL file to sRGB: what the library does, and what is left to us.

use jxl_oxide::color::{
    ColourEncoding, ColourSpace, EnumColourEncoding, RenderingIntent, TransferFunction, WhitePoint,
};
use jxl_oxide::{ExtraChannelType, HdrType, JxlImage};

use super::head::Head;
use crate::{ColorProfile, ColorSource};

/// What the samples are that the library will give.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Samples {
    /// RGB or grey that becomes sRGB by this; most often nothing is to do.
    Light(ColorSource),
    /// Cyan, magenta, yellow and black, by this profile; 0 is full ink.
    Inks(Vec<u8>),
}

/// Asks the library for sRGB where it can convert: XYB, and colours that are named by numbers. Colours of an ICC profile
/// and those of high dynamic range come as they are, for the conversions that all formats share.
pub(super) fn ask(image: &mut JxlImage, head: &Head) -> Samples {
    let gray = image.pixel_format().is_grayscale();
    // Spot colours are named in the picture's own colours and are mixed in after the library's conversion.
    let has_spots = |kind: &ExtraChannelType| matches!(kind, ExtraChannelType::SpotColour { .. });
    if !gray
        && head
            .header
            .metadata
            .ec_info
            .iter()
            .any(|channel| has_spots(&channel.ty))
    {
        return Samples::Light(ColorSource::from_icc(image.rendered_icc()));
    }
    // The library recognises profiles that say no more than numbers can. Otherwise the profile stands for the samples.
    if let Some(icc) = &head.icc
        && *icc == image.rendered_icc()
    {
        return if image.pixel_format().has_black() {
            Samples::Inks(icc.clone())
        } else {
            Samples::Light(ColorSource::from_icc(icc.clone()))
        };
    }
    let intent = match &head.header.metadata.colour_encoding {
        ColourEncoding::Enum(encoding) => encoding.rendering_intent,
        ColourEncoding::IccProfile(_) => RenderingIntent::Relative,
    };
    if let Some(hdr) = image.hdr_type() {
        let transfer = match hdr {
            HdrType::Pq => 16,
            HdrType::Hlg => 18,
        };
        // Grey has no primaries; those of sRGB stand for "as they are".
        if gray {
            return Samples::Light(ColorSource::from_cicp(1, transfer));
        }
        image.request_color_encoding(match hdr {
            HdrType::Pq => EnumColourEncoding::bt2100_pq(intent),
            HdrType::Hlg => EnumColourEncoding::bt2100_hlg(intent),
        });
        return Samples::Light(ColorSource::from_cicp(9, transfer));
    }
    // What is sRGB already is left alone: another intent would count as another encoding, and round.
    let is_srgb = !gray && image.rendered_cicp().is_some_and(|cicp| cicp.starts_with(&[1, 13])) && !has_odd_white(head);
    if !is_srgb {
        image.request_color_encoding(if gray {
            EnumColourEncoding::gray_srgb(intent)
        } else {
            EnumColourEncoding::srgb(intent)
        });
    }
    Samples::Light(ColorSource::Srgb)
}

/// Code points imply a white point; JPEG XL names it beside them.
fn has_odd_white(head: &Head) -> bool {
    match &head.header.metadata.colour_encoding {
        ColourEncoding::Enum(encoding) => encoding.white_point != WhitePoint::D65,
        ColourEncoding::IccProfile(_) => true,
    }
}

/// The colour space that the file names, for reports.
pub(super) fn profile(head: &Head) -> ColorProfile {
    let encoding = match (&head.header.metadata.colour_encoding, &head.icc) {
        (ColourEncoding::Enum(encoding), _) => encoding,
        (ColourEncoding::IccProfile(_), Some(icc)) => return ColorProfile::from_icc(icc),
        (ColourEncoding::IccProfile(_), None) => return ColorProfile::Untagged,
    };
    let gray_srgb = encoding.colour_space == ColourSpace::Grey && encoding.tf == TransferFunction::Srgb;
    if encoding.is_srgb() || gray_srgb {
        return ColorProfile::Srgb;
    }
    match encoding.cicp() {
        Some([primaries, transfer, matrix, _]) => ColorProfile::Cicp {
            primaries,
            transfer,
            matrix,
            full_range: true,
        },
        None => ColorProfile::Gamma,
    }
}
