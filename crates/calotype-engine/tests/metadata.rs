//! No metadata reaches an output by accident (spec 9.5): every place where a file can hold text gets a mark of its own,
//! and each output may show the marks that its policy allows and no others.

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.
#![allow(clippy::print_stdout)] // What is left out is said.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use calotype_codec::{
    Budget, ColorProfile, DecodeRequest, Decoded, EncodeRequest, OutputMetadata, SourceMetadata, decode, encode,
    holds_nothing_but, probe, sniff,
};
use calotype_plan::{AcceptedFormats, Fit, FormatChoice, ImageFormat, Limits, Metadata, Output, Plan, Size};

use common::{Around, picture, resize, smooth};

const POLICIES: [Metadata; 3] = [Metadata::None, Metadata::Copyright, Metadata::Keep];

const FORMATS: [FormatChoice; 8] = [
    FormatChoice::Absent,
    FormatChoice::Auto,
    FormatChoice::Avif,
    FormatChoice::Webp,
    FormatChoice::Jpeg,
    FormatChoice::BaselineJpeg,
    FormatChoice::PngForce,
    FormatChoice::Gif,
];

#[test]
fn only_the_marks_that_a_policy_allows_are_in_an_output() {
    for (source_format, source) in sources() {
        assert!(marks(&source).len() >= 4, "{source_format:?} has its marks");
        for format in FORMATS {
            for policy in POLICIES {
                // A resize, and nothing at all: then the source itself could be the answer.
                for ops in [vec![resize(40, 0, Fit::ScaleDown)], vec![]] {
                    let what = format!("{source_format:?} to {format:?}, {policy:?}, {} ops", ops.len());
                    let output = transform(&source, format, policy, ops);
                    let written = sniff(&output).unwrap();
                    assert_eq!(marks(&output), allowed(source_format, written, policy), "{what}");
                    if policy == Metadata::None {
                        let none = SourceMetadata::default();
                        assert!(holds_nothing_but(&output, written, &none), "{what}");
                    }
                    if policy == Metadata::Keep {
                        kept_is_upright_and_small(&output, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn what_nobody_should_get_is_in_no_output_of_real_files() {
    let Some(corpus) = corpus() else { return };
    let (mut files, mut kept) = (0, 0);
    for folder in ["metadata-payload", "ultrahdr", "mpo", "jpeg-icc", "avif/libavif"] {
        for path in walk(&corpus.join(folder)) {
            if folder.starts_with("avif") && !path.to_string_lossy().contains("gainmap") {
                continue;
            }
            let source = std::fs::read(&path).unwrap();
            let limits = Limits::default();
            if !probe(&source, &limits).is_ok_and(|header| decodes(&source, &header)) {
                continue;
            }
            files += 1;
            for format in FORMATS {
                for policy in POLICIES {
                    let what = format!("{} to {format:?}, {policy:?}", path.display());
                    let output = transform(&source, format, policy, vec![resize(64, 0, Fit::ScaleDown)]);
                    let written = sniff(&output).unwrap();
                    let known = match policy {
                        Metadata::None => SourceMetadata::default(),
                        _ => read(&output).metadata,
                    };
                    assert!(holds_nothing_but(&output, written, &known), "{what}");
                    if policy == Metadata::Copyright {
                        assert!(
                            known.xmp.is_none() && known.iptc.is_none() && known.icc.is_none(),
                            "{what}"
                        );
                        assert_eq!(known.exif, known.copyright_only().exif, "{what}");
                    }
                    if policy == Metadata::Keep {
                        kept += usize::from(known != SourceMetadata::default());
                        kept_is_upright_and_small(&output, &what);
                        for part in [
                            &b"hdrgm"[..],
                            b"GainMap",
                            b"HDRGainMap",
                            b"tmap",
                            b"MPF\0",
                            b"urn:iso:std:iso:ts:21496",
                            b"HasExtendedXMP",
                            b"xmp/extension",
                            b"jumb",
                            b"c2pa",
                        ] {
                            assert!(find(&output, part).is_none(), "{what}: {}", part.escape_ascii());
                        }
                    }
                }
            }
        }
    }
    assert!(files >= 20 && kept >= 20, "{files} files, {kept} outputs with metadata");
}

#[test]
fn codings_that_browsers_do_not_read_are_never_the_answer() {
    for source in [
        &include_bytes!("../../calotype-codec/src/jpeg/deep/fixtures/lossless-8-rgb-restart.jpg")[..],
        include_bytes!("../../calotype-codec/src/jpeg/deep/fixtures/progressive-12-444.jpg"),
    ] {
        let header = probe(source, &Limits::default()).unwrap();
        let none = SourceMetadata::default();
        assert!(header.bit_depth > 8 || !holds_nothing_but(source, ImageFormat::Jpeg, &none));
        for policy in POLICIES {
            let output = transform(source, FormatChoice::Absent, policy, vec![]);
            assert_eq!(probe(&output, &Limits::default()).unwrap().bit_depth, 8);
            let frame = (0xc0..=0xc3).find(|&marker| find(&output, &[0xff, marker, 0]).is_some());
            assert!(matches!(frame, Some(0xc0 | 0xc2)), "{frame:x?}");
        }
    }
}

#[test]
fn files_of_printing_inks_are_never_the_answer() {
    let Some(corpus) = corpus() else { return };
    for path in walk(&corpus.join("jpeg-cmyk")) {
        let source = std::fs::read(&path).unwrap();
        let header = probe(&source, &Limits::default()).unwrap();
        assert!(
            matches!(header.profile, ColorProfile::Cmyk { .. }),
            "{}",
            path.display()
        );
        for policy in POLICIES {
            let output = transform(&source, FormatChoice::Absent, policy, vec![]);
            assert_ne!(output, source, "{}", path.display());
            let header = probe(&output, &Limits::default()).unwrap();
            assert_eq!(header.profile, ColorProfile::Untagged, "{}", path.display());
        }
    }
}

/// What may be seen of a source in an output.
fn allowed(source: ImageFormat, output: ImageFormat, policy: Metadata) -> BTreeSet<String> {
    let mut allowed = Vec::new();
    // A GIF carries nothing here, and none of these came with one.
    if source != ImageFormat::Gif && output != ImageFormat::Gif {
        match policy {
            Metadata::None => {}
            Metadata::Copyright if output == ImageFormat::Jpeg => allowed.push("COPYRIGHT"),
            Metadata::Copyright => {}
            Metadata::Keep => {
                allowed.extend(["COPYRIGHT", "DESCRIPTION", "LENS", "GPS", "TITLE"]);
                if output != ImageFormat::Png {
                    // PNG packs its profile.
                    allowed.push("PROFILE");
                }
                if source == ImageFormat::Jpeg && output == ImageFormat::Jpeg {
                    allowed.push("IPTC");
                }
            }
        }
    }
    allowed.into_iter().map(|name| format!("MARK-{name}")).collect()
}

/// Every mark in the bytes, also in text of two bytes per character.
fn marks(bytes: &[u8]) -> BTreeSet<String> {
    let every_other = |from: usize| -> Vec<u8> { bytes.iter().copied().skip(from).step_by(2).collect() };
    let mut found = BTreeSet::new();
    for bytes in [bytes.to_vec(), every_other(0), every_other(1)] {
        let mut rest = bytes.as_slice();
        while let Some(at) = find(rest, b"MARK-") {
            let name: Vec<u8> = rest[at..]
                .iter()
                .copied()
                .take_while(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'0'..=b'9'))
                .collect();
            rest = &rest[at + name.len()..];
            found.insert(String::from_utf8(name).unwrap());
        }
    }
    found
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn kept_is_upright_and_small(output: &[u8], what: &str) {
    let read = read(output).metadata;
    assert!(
        read.is_kept_whole(),
        "{what}: what was kept could be kept again as it is"
    );
    assert_eq!(
        calotype_codec::exif_orientation(read.exif.as_deref().unwrap_or_default()),
        calotype_plan::Orientation::Upright,
        "{what}"
    );
}

fn transform(source: &[u8], format: FormatChoice, metadata: Metadata, ops: Vec<calotype_plan::Op>) -> Vec<u8> {
    let around = Around {
        accepted: AcceptedFormats { avif: true, webp: true },
        ..Around::default()
    };
    let output = Output {
        format,
        metadata,
        ..Output::default()
    };
    around
        .run(
            &Plan {
                ops,
                output,
                ..Plan::default()
            },
            source,
        )
        .unwrap()
        .bytes
}

fn read(bytes: &[u8]) -> Decoded {
    let limits = Limits::default();
    let header = probe(bytes, &limits).unwrap();
    decode(bytes, &header, &DecodeRequest::default(), &limits, &Budget::unlimited()).unwrap()
}

fn decodes(bytes: &[u8], header: &calotype_codec::Header) -> bool {
    decode(
        bytes,
        header,
        &DecodeRequest::default(),
        &Limits::default(),
        &Budget::unlimited(),
    )
    .is_ok()
}

/// A file of each format, of poor quality so that it is smaller than what is made of it, with marks in all its corners.
fn sources() -> Vec<(ImageFormat, Vec<u8>)> {
    let metadata = OutputMetadata {
        exif: Some(exif()),
        xmp: Some(xmp()),
        iptc: Some(iptc()),
        icc: Some(profile()),
    };
    let make =
        |request: EncodeRequest| encode(&smooth(Size::new(96, 64)), &request, &metadata, &Budget::unlimited()).unwrap();
    let jpeg = make(EncodeRequest::Jpeg {
        quality: 5,
        progressive: false,
    });
    let png = make(EncodeRequest::Png {
        palette: calotype_codec::PaletteUse::Never,
        fast: false,
        quality: 85,
    });
    let webp = make(EncodeRequest::Webp {
        quality: 1,
        lossless: false,
    });
    let avif = make(EncodeRequest::Avif { quality: 1 });
    let gif = encode(
        &picture(Size::new(96, 64), false),
        &EncodeRequest::Gif,
        &metadata,
        &Budget::unlimited(),
    )
    .unwrap();
    vec![
        (ImageFormat::Jpeg, marked_jpeg(&jpeg)),
        (ImageFormat::Png, marked_png(&png)),
        (ImageFormat::Webp, marked_webp(&webp)),
        (ImageFormat::Avif, marked_avif(avif)),
        (ImageFormat::Gif, marked_gif(&gif)),
    ]
}

fn marked_jpeg(file: &[u8]) -> Vec<u8> {
    let mut out = file[..2].to_vec();
    for (marker, content) in [
        (0xe0, &b"JFXX\0\x10MARK-JFXX"[..]),
        (0xfe, b"MARK-COMMENT"),
        (0xe1, b"http://ns.adobe.com/xmp/extension/\0MARK-EXTENSION"),
        (0xe2, b"MPF\0MARK-MPF"),
        (0xe2, b"urn:iso:std:iso:ts:21496:-1\0MARK-ISO"),
        (0xe3, b"MARK-APP3"),
        (0xeb, b"JP\0\0\0\0\0\x01jumbMARK-JUMBF"),
        (0xec, b"Ducky\0MARK-DUCKY"),
    ] {
        out.extend([0xff, marker]);
        out.extend(u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        out.extend(content);
    }
    out.extend(&file[2..]);
    out.extend(b"\xff\xd8\xff\xfe\0\x10MARK-SECOND..\xff\xd9MARK-TRAILER");
    out
}

fn marked_png(file: &[u8]) -> Vec<u8> {
    let mut out = file[..33].to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        out.extend(name);
        out.extend(content);
        let mut crc = !0u32;
        for byte in name.iter().chain(content) {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        out.extend((!crc).to_be_bytes());
    };
    chunk(b"tEXt", b"Comment\0MARK-TEXT");
    chunk(b"iTXt", b"Author\0\0\0\0\0MARK-INTERNATIONAL");
    chunk(b"caBX", b"MARK-CREDENTIALS");
    chunk(b"prVt", b"MARK-PRIVATE");
    // A stored block, so that the mark can be seen.
    chunk(
        b"zTXt",
        b"Raw profile type iptc\0\0\x78\x01\x01\x0b\0\xf4\xffMARK-PACKED\x1b\x64\x03\x83",
    );
    out.extend(&file[33..]);
    out.extend(b"MARK-TRAILER");
    out
}

fn marked_webp(file: &[u8]) -> Vec<u8> {
    let mut out = file.to_vec();
    for (name, content) in [
        (b"C2PA", &b"MARK-CREDENTIALS"[..]),
        (b"JUNK", b"MARK-UNKNOWN"),
        (b"EXIF", b"MARK-AGAIN"),
    ] {
        out.extend(name);
        out.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        out.extend(content);
    }
    let length = u32::try_from(out.len() - 8).unwrap().to_le_bytes();
    out[4..8].copy_from_slice(&length);
    out.extend(b"MARK-TRAILER");
    out
}

fn marked_avif(mut file: Vec<u8>) -> Vec<u8> {
    for (name, content) in [
        (b"free", &b"MARK-FREE..."[..]),
        (b"uuid", b"0123456789abcdefMARK-CREDENTIALS"),
    ] {
        file.extend(u32::try_from(content.len() + 8).unwrap().to_be_bytes());
        file.extend(name);
        file.extend(content);
    }
    file
}

fn marked_gif(file: &[u8]) -> Vec<u8> {
    let mut out = file[..file.len() - 1].to_vec();
    out.extend(b"\x21\xfe\x0cMARK-COMMENT\0");
    out.extend(b"\x21\xff\x0bXMP DataXMP\x08MARK-XMP\0");
    out.extend(b"\x21\xff\x0bPRIVATEAPPL\x10MARK-APPLICATION\0");
    out.extend(b"\x3bMARK-TRAILER");
    out
}

/// EXIF with text in all directories, a thumbnail, dimensions, a note with a picture, and bytes that nothing points to.
fn exif() -> Vec<u8> {
    let mut out = b"MM\0\x2a\0\0\0\x08".to_vec();
    let mut data: Vec<u8> = b"MARK-SLACK".to_vec();
    // Four directories of fixed places, then their values.
    const PLACES: [usize; 4] = [8, 100, 200, 300];
    const DATA: usize = 400;
    let mut directory = |at: usize, entries: &[(u16, u16, &[u8])], next: usize| {
        let mut content = u16::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        for &(tag, kind, value) in entries {
            let count = match kind {
                3 => value.len() / 2,
                4 => value.len() / 4,
                _ => value.len(),
            };
            content.extend(tag.to_be_bytes());
            content.extend(kind.to_be_bytes());
            content.extend(u32::try_from(count).unwrap().to_be_bytes());
            if value.len() <= 4 {
                content.extend(value);
                content.resize(content.len() + 4 - value.len(), 0);
            } else {
                content.extend(u32::try_from(DATA + data.len()).unwrap().to_be_bytes());
                data.extend(value);
            }
        }
        content.extend(u32::try_from(next).unwrap().to_be_bytes());
        assert!(content.len() <= 92);
        out.resize(at, 0);
        out.extend(content);
    };
    let at = |index: usize| u32::try_from(PLACES[index]).unwrap().to_be_bytes();
    directory(
        PLACES[0],
        &[
            (0x010e, 2, b"MARK-DESCRIPTION\0"),
            (0x0112, 3, &[0, 6]),
            (0x8298, 2, b"MARK-COPYRIGHT\0"),
            (0x8769, 4, &at(1)),
            (0x8825, 4, &at(2)),
            (0x83bb, 7, b"MARK-IPTC-IN-TIFF"),
        ],
        PLACES[3],
    );
    directory(
        PLACES[1],
        &[
            (0x927c, 7, b"MARK-NOTE \xff\xd8\xff preview"),
            (0xa002, 4, &[0, 0, 0x0f, 0xa0]),
            (0xa434, 2, b"MARK-LENS\0"),
        ],
        0,
    );
    directory(PLACES[2], &[(0x001b, 7, b"ASCII\0\0\0MARK-GPS.")], 0);
    directory(
        PLACES[3],
        &[
            (0x010f, 2, b"MARK-SECOND-DIRECTORY\0"),
            (0x0201, 4, &[0, 0, 3, 0]),
            (0x0202, 4, &[0, 0, 0, 14]),
        ],
        0,
    );
    out.resize(DATA, 0);
    out.extend(data);
    out.resize(0x300, 0);
    out.extend(b"MARK-THUMBNAIL");
    out
}

fn xmp() -> Vec<u8> {
    b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
      xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
      xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' \
      xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/' hdrgm:Version='MARK-GAIN' \
      xmlns:xmpNote='http://ns.adobe.com/xmp/note/' xmpNote:HasExtendedXMP='MARK-GUID' \
      xmlns:t='http://purl.org/dc/terms/' t:provenance='MARK-PROVENANCE'><dc:title>MARK-TITLE</dc:title>\
      <C:Directory xmlns:C='http://ns.google.com/photos/1.0/container/'><rdf:Seq><rdf:li>MARK-CONTAINER</rdf:li></rdf:Seq>\
      </C:Directory><xmp:Thumbnails>MARK-XMP-THUMBNAIL</xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>\
      <?xpacket end='w'?>"
        .to_vec()
}

fn iptc() -> Vec<u8> {
    let mut out = Vec::new();
    for (id, content) in [
        (0x040c_u16, &b"MARK-PHOTOSHOP-THUMBNAIL"[..]),
        (0x0404, b"\x1c\x02\x78\0\x09MARK-IPTC\x1c\x02\xca\0\x0cMARK-PREVIEW"),
        (0x0422, b"MARK-PHOTOSHOP-EXIF."),
    ] {
        out.extend(b"8BIM");
        out.extend(id.to_be_bytes());
        out.extend([0, 0]);
        out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        out.extend(content);
        if !content.len().is_multiple_of(2) {
            out.push(0);
        }
    }
    out
}

/// Display P3 under a name.
fn profile() -> Vec<u8> {
    let mut profile = moxcms::ColorProfile::new_display_p3();
    profile.description = Some(moxcms::ProfileText::Localizable(vec![moxcms::LocalizableString {
        language: "en".to_owned(),
        country: "US".to_owned(),
        value: "MARK-PROFILE".to_owned(),
    }]));
    profile.encode().unwrap()
}

fn corpus() -> Option<std::path::PathBuf> {
    match std::env::var_os("CALOTYPE_SHARED") {
        Some(shared) => Some(Path::new(&shared).join("corpus")),
        None => {
            assert!(
                std::env::var_os("CI").is_none_or(|v| v != "true"),
                "CALOTYPE_SHARED must name the test corpus in CI"
            );
            println!("left out: CALOTYPE_SHARED is not set");
            None
        }
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
