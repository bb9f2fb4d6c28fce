//! Metadata blocks: EXIF, XMP and IPTC read and cleaned, and files looked through for strays.
#![no_main]

use calotype_codec::{SourceMetadata, exif_orientation, holds_nothing_but};
use calotype_plan::{ImageFormat, Orientation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = exif_orientation(bytes);
    let block = || Some(bytes.to_vec());
    let source = SourceMetadata {
        exif: block(),
        xmp: block(),
        iptc: block(),
        icc: None,
    };
    let _ = source.copyright_only();
    let kept = source.kept();
    if let Some(exif) = &kept.exif {
        assert_eq!(exif_orientation(exif), Orientation::Upright);
        assert!(exif.len() <= bytes.len());
    }
    // What was cleaned is clean.
    let again = SourceMetadata {
        exif: None,
        xmp: kept.xmp.clone(),
        iptc: kept.iptc.clone(),
        icc: None,
    }
    .kept();
    assert_eq!((&again.xmp, &again.iptc), (&kept.xmp, &kept.iptc));
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::Webp,
        ImageFormat::Avif,
    ] {
        let _ = holds_nothing_but(bytes, format, &source);
    }
});
