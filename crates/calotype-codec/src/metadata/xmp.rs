//! XMP packets (ISO 16684-1) without what is only true of the source file.

use std::borrow::Cow;

use xml::name::OwnedName;
use xml::reader::{EventReader, ParserConfig, XmlEvent};
use xml::writer::{EmitterConfig, XmlEvent as Written};

/// Vocabularies that describe other pictures in the file, data behind it, or credentials over its bytes: gain maps
/// (Ultra HDR 1.1, Apple), containers of several pictures, depth maps, extended packets, C2PA.
const VOCABULARIES: &[&str] = &[
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/container/item/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/1.0/audio/",
    "http://ns.google.com/photos/dd/1.0/device/",
    "http://ns.google.com/photos/dd/1.0/container/",
    "http://ns.google.com/photos/dd/1.0/item/",
    "http://ns.apple.com/HDRGainMap/1.0/",
    "http://ns.apple.com/pixeldatainfo/1.0/",
    "http://ns.apple.com/depthData/1.0/",
    "http://ns.adobe.com/xmp/note/",
];

/// Properties, by vocabulary, that say how the source's samples lie or hold a small copy of them.
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "http://ns.adobe.com/tiff/1.0/",
        &[
            "Orientation",
            "ImageWidth",
            "ImageLength",
            "BitsPerSample",
            "SamplesPerPixel",
            "Compression",
            "PhotometricInterpretation",
            "PlanarConfiguration",
            "YCbCrSubSampling",
            "YCbCrPositioning",
            "NativeDigest",
        ],
    ),
    (
        "http://ns.adobe.com/exif/1.0/",
        &[
            "PixelXDimension",
            "PixelYDimension",
            "ColorSpace",
            "ComponentsConfiguration",
            "CompressedBitsPerPixel",
            "MakerNote",
            "NativeDigest",
        ],
    ),
    ("http://ns.adobe.com/xap/1.0/", &["Thumbnails"]),
    ("http://ns.adobe.com/photoshop/1.0/", &["ICCProfile", "ColorMode"]),
    // Where the manifest of Content Credentials is (C2PA 2.2, section 11.4).
    ("http://purl.org/dc/terms/", &["provenance"]),
    (
        "http://ns.google.com/photos/1.0/camera/",
        &["hdrp_makernote", "shot_log_data"],
    ),
];

/// Elements inside elements. Real packets have about ten.
const DEPTH_MAX: usize = 64;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 4_096;
/// Prefixes that are in force, summed over all elements: the reader copies them for each. Packets of megabytes, with the
/// history of a picture through all its programs, have some hundred thousand.
const PREFIXES_MAX: usize = 1_000_000;

/// The packet without those parts; unchanged, byte for byte, if it has none of them. `None` if it is not well-formed
/// XML in UTF-8 or UTF-16, declares a document type, or passes a bound: what cannot be read cannot be cleaned.
pub(super) fn kept(packet: &[u8]) -> Option<Cow<'_, [u8]>> {
    // Some writers end the packet with a NUL.
    let text = packet.trim_ascii_end();
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    let mut config = ParserConfig::new();
    config.whitespace_to_characters = true;
    config.cdata_to_characters = true;
    config.ignore_comments = false;
    config.max_entity_expansion_length = 1 << 16;
    config.max_attribute_length = text.len().max(1);
    config.max_attributes = ATTRIBUTES_MAX;
    config.max_data_length = text.len().max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut settings = EmitterConfig::new();
    settings.write_document_declaration = false;
    settings.perform_indent = false;
    let mut writer = settings.create_writer(&mut out);
    let (mut changed, mut has_element) = (false, false);
    // Elements that are open inside one that is left out, itself included.
    let mut left_out = 0usize;
    let (mut depth, mut prefixes) = (0usize, 0usize);
    for event in EventReader::new_with_config(text, config) {
        let event = event.ok()?;
        match &event {
            XmlEvent::StartElement { namespace, .. } => {
                depth += 1;
                prefixes = prefixes.saturating_add(namespace.0.len());
                if depth > DEPTH_MAX || prefixes > PREFIXES_MAX {
                    return None;
                }
            }
            XmlEvent::EndElement { .. } => depth = depth.saturating_sub(1),
            _ => {}
        }
        match event {
            XmlEvent::Doctype { .. } => return None,
            XmlEvent::StartElement { .. } if left_out > 0 => left_out += 1,
            XmlEvent::EndElement { .. } if left_out > 0 => left_out -= 1,
            XmlEvent::StartElement { name, .. } if is_stale(&name) => {
                (left_out, changed) = (1, true);
            }
            _ if left_out > 0 => {}
            // The packet's own declaration would be a second one inside some containers; UTF-8 needs none.
            XmlEvent::StartDocument { .. } | XmlEvent::EndDocument => {}
            XmlEvent::StartElement {
                name,
                attributes,
                mut namespace,
            } => {
                let kept: Vec<_> = attributes.iter().filter(|a| !is_stale(&a.name)).collect();
                changed |= kept.len() < attributes.len();
                namespace.0.retain(|_, uri| !is_stale_vocabulary(uri));
                let written = Written::StartElement {
                    name: name.borrow(),
                    attributes: kept.into_iter().map(|a| a.borrow()).collect(),
                    namespace: namespace.borrow(),
                };
                writer.write(written).ok()?;
                has_element = true;
            }
            other => {
                if let Some(event) = other.as_writer_event() {
                    writer.write(event).ok()?;
                }
            }
        }
    }
    // The outermost element may be one that is left out.
    has_element.then_some(if changed {
        Cow::Owned(out)
    } else {
        Cow::Borrowed(packet)
    })
}

fn is_stale(name: &OwnedName) -> bool {
    let Some(vocabulary) = name.namespace.as_deref() else {
        return false;
    };
    let is_listed = PROPERTIES
        .iter()
        .any(|(of, names)| *of == vocabulary && names.contains(&name.local_name.as_str()));
    // Motion photos and their older form: a film behind the picture.
    let is_film = vocabulary == "http://ns.google.com/photos/1.0/camera/"
        && (name.local_name.starts_with("MotionPhoto") || name.local_name.starts_with("MicroVideo"));
    is_listed || is_film || is_stale_vocabulary(vocabulary)
}

fn is_stale_vocabulary(vocabulary: &str) -> bool {
    VOCABULARIES.contains(&vocabulary) || vocabulary.to_ascii_lowercase().contains("c2pa")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(attributes: &str, inside: &str) -> Vec<u8> {
        format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
             xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" \
             xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" xmlns:C=\"http://ns.google.com/photos/1.0/container/\" \
             xmlns:I=\"http://ns.google.com/photos/1.0/container/item/\" xmlns:n=\"http://ns.adobe.com/xmp/note/\" \
             xmlns:dcterms=\"http://purl.org/dc/terms/\"{attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>\n   \n<?xpacket \
             end=\"w\"?>"
        )
        .into_bytes()
    }

    fn text(packet: &[u8]) -> String {
        String::from_utf8(kept(packet).unwrap().into_owned()).unwrap()
    }

    #[test]
    fn what_describes_the_author_stays_byte_for_byte() {
        let plain = packet(
            " dc:format='image/jpeg'",
            "<dc:creator><rdf:Seq><rdf:li>A &amp; B</rdf:li></rdf:Seq></dc:creator><!-- note -->",
        );
        assert!(matches!(kept(&plain), Some(Cow::Borrowed(same)) if same == plain));
    }

    #[test]
    fn gain_maps_containers_and_pointers_go_and_the_rest_stays() {
        let source = packet(
            " dc:format='image/jpeg' hdrgm:Version='1.0' n:HasExtendedXMP='0123456789ABCDEF' tiff:Orientation='6' tiff:Make='Maker \
             &lt;3' dcterms:provenance='self#jumbf=/c2pa/x'",
            "<hdrgm:GainMapMax><rdf:Seq><rdf:li>2.0</rdf:li></rdf:Seq></hdrgm:GainMapMax><C:Directory><rdf:Seq><rdf:li \
             rdf:parseType='Resource'><C:Item I:Semantic='GainMap' I:Length='4711'/></rdf:li></rdf:Seq></C:Directory><dc:rights>Mine \
             &amp; yours</dc:rights><tiff:ImageWidth>4000</tiff:ImageWidth>",
        );
        let cleaned = text(&source);
        for gone in [
            "hdrgm",
            "Directory",
            "GainMap",
            "4711",
            "HasExtendedXMP",
            "01234",
            "Orientation",
            "ImageWidth",
            "4000",
            "jumbf",
            "container",
        ] {
            assert!(!cleaned.contains(gone), "{gone} in {cleaned}");
        }
        for stays in [
            "dc:format=\"image/jpeg\"",
            "tiff:Make=\"Maker &lt;3\"",
            "<dc:rights>Mine &amp; yours</dc:rights>",
            "<?xpacket begin=",
            "<?xpacket end=",
        ] {
            assert!(cleaned.contains(stays), "{stays} not in {cleaned}");
        }
        // What was cleaned is clean.
        assert!(matches!(kept(cleaned.as_bytes()), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn another_prefix_is_no_hiding_place() {
        let source = packet(" xmlns:q='http://ns.adobe.com/hdr-gain-map/1.0/' q:GainMapMin='0'", "");
        assert!(!text(&source).contains("GainMapMin"));
    }

    #[test]
    fn what_cannot_be_read_is_dropped() {
        for broken in [
            &b""[..],
            b"no xml",
            b"<a>",
            b"<x:xmpmeta/>",
            b"\xff\xfe\xfd",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ] {
            assert_eq!(kept(broken), None, "{}", broken.escape_ascii());
        }
    }

    #[test]
    fn a_packet_of_which_nothing_is_left_is_dropped() {
        assert_eq!(kept(b"<a:b xmlns:a='urn:c2pa'>credentials</a:b>"), None);
        assert_eq!(
            kept(b"<?xpacket begin=''?><n:a xmlns:n='http://ns.adobe.com/xmp/note/'/><?xpacket end='w'?>"),
            None
        );
    }

    #[test]
    fn packets_made_to_keep_a_reader_busy_are_dropped_at_once() {
        let start = std::time::Instant::now();
        let deep = b"<a>".repeat(1_000_000);
        assert_eq!(kept(&deep), None);
        let mut wide = b"<r".to_vec();
        for prefix in 0..4_000 {
            wide.extend_from_slice(format!(" xmlns:p{prefix}='{prefix}'").as_bytes());
        }
        wide.extend_from_slice(b">");
        wide.extend(b"<a/>".repeat(900_000));
        wide.extend_from_slice(b"</r>");
        assert_eq!(kept(&wide), None);
        let mut attributes = b"<r".to_vec();
        for name in 0..300_000 {
            attributes.extend_from_slice(format!(" a{name}=''").as_bytes());
        }
        attributes.extend_from_slice(b"/>");
        assert_eq!(kept(&attributes), None);
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
