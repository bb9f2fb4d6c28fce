//! `data:` URLs: which are let through, and how they are written again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calotype_plan::ImageFormat;
use data_url::DataUrl;

use crate::sniff;

/// The bytes of a `data:` URL; `None` if it is none or is damaged.
pub(super) fn bytes(url: &str) -> Option<Vec<u8>> {
    Some(DataUrl::process(url.trim()).ok()?.decode_to_vec().ok()?.0)
}

/// Whether a reference is a `data:` URL.
pub(super) fn is_data(url: &str) -> bool {
    url.trim_start()
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The format of an embedded picture, told by its content, if browsers show it and it is not another SVG.
pub(super) fn picture_format(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat as F;
    sniff(bytes).filter(|format| matches!(format, F::Jpeg | F::Png | F::Gif | F::Webp | F::Avif | F::Bmp | F::Ico))
}

/// The media type of an embedded font, told by its content (WOFF, WOFF2, TrueType, OpenType).
pub(super) fn font_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'w', b'O', b'F', b'F', ..] => Some("font/woff"),
        [b'w', b'O', b'F', b'2', ..] => Some("font/woff2"),
        [0, 1, 0, 0, ..] | [b't', b'r', b'u', b'e', ..] => Some("font/ttf"),
        [b'O', b'T', b'T', b'O', ..] => Some("font/otf"),
        _ => None,
    }
}

/// Writes a `data:` URL.
pub(super) fn written(media_type: &str, bytes: &[u8]) -> String {
    let mut out = format!("data:{media_type};base64,");
    STANDARD.encode_string(bytes, &mut out);
    out
}
