//! The filter: a document is read event by event and written anew from what is on the lists (spec 9.7).
//!
//! `svg-hush` was the model, and its parser is used. It is not used itself: it lays text out anew, so that letters move,
//! loses `xml:space`, text on paths and names beyond ASCII, takes the namespace from prefixed documents, and leaves
//! references to the server's other files, and the CSS functions `image-set()` and `src()`. A test compares both.

use calotype_plan::Limits;
use xml::attribute::OwnedAttribute;
use xml::common::Position as _;
use xml::reader::{ErrorKind, EventReader, XmlEvent};
use xml::{Encoding, ParserConfig};

use super::IntrinsicSize;
use super::css::{self, UrlUse};
use super::{data_url, names, prolog};
use crate::CodecError;

pub(super) const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Attributes of one element. The longest list of SVG has about seventy.
const ATTRIBUTES_MAX: usize = 256;
/// Declarations of namespaces in one document. Inkscape writes ten.
const NAMESPACES_MAX: u64 = 1024;
/// Embedded pictures of one document that are made smaller; further ones stay as they are.
const IMAGES_MAX: u32 = 100;

/// Makes an embedded picture smaller: `None` if it is to stay as it is.
pub(super) type Images<'i> = &'i mut dyn FnMut(&[u8]) -> Option<Vec<u8>>;

/// What the result is for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Request {
    /// The size that the root is given in place of its own, so that a renderer takes it as browsers do.
    pub(super) root_size: Option<IntrinsicSize>,
}

/// Filters the text of a document.
pub(super) fn filter(text: &str, request: &Request, limits: &Limits, images: Images<'_>) -> Result<String, CodecError> {
    let mut filter = Filter {
        out: String::with_capacity(text.len().min(1 << 20)),
        root_size: request.root_size,
        limits,
        images,
        images_count: 0,
        elements: 0,
        bytes_read: 0,
        open: Vec::new(),
        dropped: 0,
        style: None,
        text_depth: 0,
        tag_is_open: false,
        root_has_no_namespace: false,
    };
    let Events { reader, lines_before } = events(text, limits)?;
    for event in reader {
        filter.event(event.map_err(|error| problem(&error, lines_before))?)?;
    }
    if filter.out.is_empty() {
        return Err(CodecError::corrupt("its root is no SVG element"));
    }
    Ok(filter.out)
}

/// The events of a document from its root element on.
pub(super) struct Events<'t> {
    pub(super) reader: EventReader<&'t [u8]>,
    /// Lines of the prolog.
    pub(super) lines_before: usize,
}

/// Begins to read a document under our bounds.
pub(super) fn events<'t>(text: &'t str, limits: &Limits) -> Result<Events<'t>, CodecError> {
    let max = limits.svg_bytes_max;
    let document = prolog::document(text, max as u64)?;
    let namespaces = memchr::memmem::find_iter(document.root.as_bytes(), b"xmlns").count() as u64;
    if namespaces > NAMESPACES_MAX {
        return Err(CodecError::limit(
            "the number of namespaces in the SVG",
            namespaces,
            NAMESPACES_MAX,
        ));
    }
    let config = ParserConfig::new()
        .override_encoding(Some(Encoding::Utf8))
        .cdata_to_characters(true)
        .whitespace_to_characters(true)
        .ignore_comments(true)
        .coalesce_characters(false)
        .allow_multiple_root_elements(false)
        .max_attributes(ATTRIBUTES_MAX)
        .max_attribute_length(max)
        .max_data_length(max)
        .max_name_length(1000)
        // No entity is declared where the parser could see it, so there is nothing to expand.
        .max_entity_expansion_depth(1)
        .max_entity_expansion_length(1)
        .add_entities(document.entities);
    let prolog_length = text.len().saturating_sub(document.root.len());
    let prolog = text.as_bytes().get(..prolog_length).unwrap_or_default();
    Ok(Events {
        reader: config.create_reader(document.root.as_bytes()),
        lines_before: memchr::memchr_iter(b'\n', prolog).count(),
    })
}

/// The error of the parser in words that say nothing of it.
pub(super) fn problem(error: &xml::reader::Error, lines_before: usize) -> CodecError {
    let row = usize::try_from(error.position().row).unwrap_or(usize::MAX);
    let line = row.saturating_add(lines_before).saturating_add(1);
    match error.kind() {
        ErrorKind::UnexpectedEof => CodecError::corrupt("its text ends within an element"),
        _ => CodecError::corrupt(format!("its XML is not well-formed in line {line}")),
    }
}

struct Filter<'a> {
    out: String,
    root_size: Option<IntrinsicSize>,
    limits: &'a Limits,
    images: Images<'a>,
    images_count: u32,
    elements: usize,
    bytes_read: u64,
    /// Elements that have been written and not closed.
    open: Vec<String>,
    /// Open elements that are left out, the outermost first.
    dropped: usize,
    /// The style sheet that is being read: its text, and its media.
    style: Option<(String, Option<String>)>,
    /// Open elements whose text is shown, and those in them.
    text_depth: usize,
    /// The last start tag still lacks its `>`.
    tag_is_open: bool,
    root_has_no_namespace: bool,
}

impl Filter<'_> {
    fn event(&mut self, event: XmlEvent) -> Result<(), CodecError> {
        match event {
            XmlEvent::StartElement { name, attributes, .. } => {
                self.count(&attributes)?;
                if self.open.is_empty() && self.dropped == 0 {
                    // Many a hand-written file forgets the namespace.
                    self.root_has_no_namespace = name.namespace.as_deref().unwrap_or_default().is_empty();
                    if name.local_name != "svg" || !self.is_svg(name.namespace.as_deref()) {
                        return Err(CodecError::corrupt("its root is no SVG element"));
                    }
                }
                let is_svg = self.is_svg(name.namespace.as_deref());
                if self.dropped > 0 || self.style.is_some() || !is_svg {
                    self.dropped = self.dropped.saturating_add(1);
                } else if name.local_name == "style" {
                    if is_css(&attributes) {
                        let media = attributes.iter().find(|attribute| {
                            attribute.name.namespace.is_none() && attribute.name.local_name == "media"
                        });
                        self.style = Some((String::new(), media.map(|media| media.value.clone())));
                    } else {
                        self.dropped = 1;
                    }
                } else if names::is_element(&name.local_name) {
                    self.start(&name.local_name, &attributes);
                } else {
                    self.dropped = 1;
                }
            }
            XmlEvent::EndElement { .. } => self.end(),
            XmlEvent::Characters(text) | XmlEvent::CData(text) | XmlEvent::Whitespace(text) => {
                self.bytes_read = self.bytes_read.saturating_add(text.len() as u64);
                if self.dropped > 0 {
                } else if let Some((style, _)) = &mut self.style {
                    style.push_str(&text);
                } else if self.text_depth > 0 && !text.is_empty() {
                    self.close_tag();
                    escape(&text, false, &mut self.out);
                }
            }
            XmlEvent::StartDocument { .. }
            | XmlEvent::EndDocument
            | XmlEvent::ProcessingInstruction { .. }
            | XmlEvent::Comment(_)
            | XmlEvent::Doctype { .. } => {}
        }
        let max = self.limits.svg_bytes_max as u64;
        let written = (self.out.len() as u64).max(self.bytes_read);
        if written > max {
            return Err(CodecError::limit("the length of the SVG, in bytes,", written, max));
        }
        Ok(())
    }

    /// Charges an element to the limits, also one that is left out.
    fn count(&mut self, attributes: &[OwnedAttribute]) -> Result<(), CodecError> {
        let values = attributes.iter().map(|attribute| attribute.value.len() as u64);
        self.bytes_read = values.fold(self.bytes_read, u64::saturating_add);
        self.elements = self.elements.saturating_add(1);
        let max = self.limits.svg_elements_max;
        if self.elements > max {
            return Err(CodecError::limit(
                "the number of elements in the SVG",
                self.elements as u64,
                max as u64,
            ));
        }
        let depth = self.open.len().saturating_add(self.dropped);
        let max = self.limits.svg_depth_max;
        if depth >= max {
            return Err(CodecError::limit(
                "the nesting of elements in the SVG",
                (depth as u64).saturating_add(1),
                max as u64,
            ));
        }
        Ok(())
    }

    fn is_svg(&self, namespace: Option<&str>) -> bool {
        match namespace {
            Some(SVG) => true,
            None | Some("") => self.root_has_no_namespace,
            Some(_) => false,
        }
    }

    fn start(&mut self, name: &str, attributes: &[OwnedAttribute]) {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        let root_size = self.root_size.filter(|_| self.open.is_empty());
        if self.open.is_empty() {
            self.attribute("xmlns", SVG);
        }
        if let Some(size) = root_size {
            self.attribute("width", &size.width.to_string());
            self.attribute("height", &size.height.to_string());
        }
        let has_plain_href = attributes
            .iter()
            .any(|attribute| attribute.name.namespace.is_none() && attribute.name.local_name == "href");
        for attribute in attributes {
            let local = attribute.name.local_name.as_str();
            let value = &attribute.value;
            match attribute.name.namespace.as_deref() {
                // The plain `href` goes first (SVG 2, 16.1.5).
                Some(XLINK) if local == "href" && !has_plain_href => self.reference(name, value),
                Some(XML) if local == "space" || local == "lang" => self.attribute(&format!("xml:{local}"), value),
                None if local == "href" => self.reference(name, value),
                None if local == "style" => {
                    let style = self.css(|urls| css::declarations(value, urls));
                    if !style.is_empty() {
                        self.attribute(local, &style);
                    }
                }
                // Not on the list of attributes: only by this arm it is let through.
                None if local == "attributeName" && names::is_animatable(value) => self.attribute(local, value),
                None if root_size.is_some() && (local == "width" || local == "height") => {}
                None if names::is_attribute(local) => self.plain(local, value),
                _ => {}
            }
        }
        self.tag_is_open = true;
        if self.text_depth > 0 || names::has_text(name) {
            self.text_depth = self.text_depth.saturating_add(1);
        }
        self.open.push(name.to_owned());
    }

    fn plain(&mut self, name: &str, value: &str) {
        if self.root_size.is_some() && name != "id" && name != "class" && has_giant_number(value) {
            return;
        }
        if names::is_plain_text(name) || !value.contains(['(', '\\', '@']) {
            self.attribute(name, value);
        } else if let Some(value) = self.css_value(value) {
            self.attribute(name, &value);
        }
    }

    /// A reference: within the document, or to an embedded picture. Nothing else is kept.
    fn reference(&mut self, element: &str, value: &str) {
        if !names::may_reference(element) {
            return;
        }
        let value = value.trim();
        if value.starts_with('#') {
            self.attribute("href", value);
        } else if names::may_show_image(element)
            && let Some(url) = self.picture(value)
        {
            self.attribute("href", &url);
        }
    }

    /// An embedded picture as it is written: with the media type of its content, and made smaller.
    fn picture(&mut self, url: &str) -> Option<String> {
        picture(url, self.images, &mut self.images_count)
    }

    fn css(&mut self, filter: impl FnOnce(css::Urls<'_>) -> String) -> String {
        let (images, count) = (&mut *self.images, &mut self.images_count);
        filter(&mut |url, use_of_url| target(url, use_of_url, images, count))
    }

    fn css_value(&mut self, value: &str) -> Option<String> {
        let (images, count) = (&mut *self.images, &mut self.images_count);
        css::value(value, &mut |url, use_of_url| target(url, use_of_url, images, count))
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(value, true, &mut self.out);
        self.out.push('"');
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.tag_is_open) {
            self.out.push('>');
        }
    }

    fn end(&mut self) {
        if self.dropped > 0 {
            self.dropped = self.dropped.saturating_sub(1);
            return;
        }
        if let Some((style, media)) = self.style.take() {
            let sheet = self.css(|urls| css::sheet(&style, urls));
            let media = match media {
                // A sheet for media that are not understood is for none.
                Some(media) => self.css_value(&media),
                None => Some(String::new()),
            };
            if let Some(media) = media.filter(|_| !sheet.is_empty()) {
                self.close_tag();
                self.out.push_str("<style");
                if !media.is_empty() {
                    self.attribute("media", &media);
                }
                self.out.push('>');
                escape(&sheet, false, &mut self.out);
                self.out.push_str("</style>");
            }
            return;
        }
        let Some(name) = self.open.pop() else { return };
        self.text_depth = self.text_depth.saturating_sub(1);
        if std::mem::take(&mut self.tag_is_open) {
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(&name);
            self.out.push('>');
        }
    }
}

/// Whether a number of ten digits or more before its point is in a value. No drawing has them, and a renderer makes of one
/// arc of that radius as many curves as memory holds.
fn has_giant_number(value: &str) -> bool {
    let mut rest = value.as_bytes();
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        rest = rest.get(start..).unwrap_or_default();
        let length = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zeros = rest.iter().take_while(|&&byte| byte == b'0').count();
        let whole = length(rest);
        let mut digits = whole.saturating_sub(zeros);
        rest = rest.get(whole..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b".") {
            rest = after.get(length(after)..).unwrap_or_default();
        }
        if let [b'e' | b'E', after @ ..] = rest {
            let is_negative = after.first() == Some(&b'-');
            let exponent = after.strip_prefix(b"-").or(after.strip_prefix(b"+")).unwrap_or(after);
            let exponent = exponent.get(..length(exponent)).unwrap_or_default();
            let number = std::str::from_utf8(exponent).unwrap_or_default();
            if !is_negative && !number.is_empty() {
                digits = digits.saturating_add(number.parse().unwrap_or(usize::MAX));
            }
            rest = after
                .get(usize::from(is_negative).saturating_add(exponent.len())..)
                .unwrap_or_default();
        }
        if digits > 9 {
            return true;
        }
    }
    false
}

/// Decides on a `url()` in CSS.
fn target(url: &str, use_of_url: UrlUse, images: Images<'_>, count: &mut u32) -> Option<String> {
    let url = url.trim();
    match use_of_url {
        UrlUse::Value if url.starts_with('#') => Some(url.to_owned()),
        UrlUse::Value => picture(url, images, count),
        UrlUse::Font => {
            let font = data_url::is_data(url).then(|| data_url::bytes(url)).flatten()?;
            Some(data_url::written(data_url::font_type(&font)?, &font))
        }
    }
}

fn picture(url: &str, images: Images<'_>, count: &mut u32) -> Option<String> {
    let bytes = data_url::is_data(url).then(|| data_url::bytes(url)).flatten()?;
    let format = data_url::picture_format(&bytes)?;
    *count = count.saturating_add(1);
    let smaller = if *count <= IMAGES_MAX { images(&bytes) } else { None };
    match smaller {
        Some(smaller) => {
            let format = data_url::picture_format(&smaller)?;
            Some(data_url::written(format.mime(), &smaller))
        }
        None => Some(data_url::written(format.mime(), &bytes)),
    }
}

/// Whether a `<style>` holds CSS.
fn is_css(attributes: &[OwnedAttribute]) -> bool {
    let kind = attributes
        .iter()
        .find(|attribute| attribute.name.namespace.is_none() && attribute.name.local_name == "type");
    kind.is_none_or(|kind| kind.value.is_empty() || kind.value.trim().eq_ignore_ascii_case("text/css"))
}

/// Writes text so that a parser reads the same text, in an element or in a double-quoted attribute.
fn escape(text: &str, in_attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '\t' | '\n' if in_attribute => out.push_str(if c == '\t' { "&#9;" } else { "&#10;" }),
            '\r' => out.push_str("&#13;"),
            // Not allowed in XML at all; the parser has refused them already.
            _ if c.is_control() && c != '\t' && c != '\n' => {}
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(text: &str) -> String {
        filter(text, &Request::default(), &Limits::default(), &mut |_| None).unwrap()
    }

    /// What becomes of the content of a root element.
    fn content(text: &str) -> String {
        let root = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'>";
        let out = filtered(&format!("{root}{text}</svg>"));
        let inner = out.strip_prefix("<svg xmlns=\"http://www.w3.org/2000/svg\"").unwrap();
        match inner {
            "/>" => String::new(),
            _ => inner.trim_start_matches('>').trim_end_matches("</svg>").to_owned(),
        }
    }

    #[test]
    fn what_was_filtered_stays_as_it_is_also_where_nothing_was_left_of_a_content() {
        for content in [
            "<style>@import url(a.css);</style>",
            "<text><![CDATA[]]></text>",
            "<g><style/></g>",
            "<g><script/></g>",
        ] {
            let once = filtered(&format!("<svg xmlns='http://www.w3.org/2000/svg'>{content}</svg>"));
            assert_eq!(filtered(&once), once);
        }
    }

    #[test]
    fn what_draws_is_written_as_it_was() {
        for same in [
            "<g id=\"a&quot;b\"><path d=\"M0 0L1 1\" fill=\"url(#a)\" transform=\"rotate(45)\"/></g>",
            "<text xml:space=\"preserve\"> a <tspan>b</tspan> <tspan>&lt;c&gt; &amp;</tspan></text>",
            "<text><textPath href=\"#p\">é 日本</textPath></text>",
            "<rect id=\"日本\" style=\"fill:red;stroke:url(#a)\"/>",
            "<style>a&gt;b{fill:red}</style>",
            "<style media=\"print and (min-width: 3px)\">a{fill:red}</style>",
            "<rect><animate attributeName=\"fill\" values=\"url(#a);red\" dur=\"1s\"/></rect>",
            "<a><rect/></a>",
        ] {
            assert_eq!(content(same), same);
        }
    }

    #[test]
    fn references_lead_into_the_document_or_nowhere() {
        for (text, want) in [
            ("<use xlink:href='#a'/>", "<use href=\"#a\"/>"),
            ("<use xlink:href='#a' href='#b'/>", "<use href=\"#b\"/>"),
            ("<use xlink:href='#a' href='http://x/'/>", "<use/>"),
            (
                "<use href='a.svg#b'/><use href='//x#b'/><use href=' #b'/>",
                "<use/><use/><use href=\"#b\"/>",
            ),
            ("<a href='#a' xlink:href='#b' target='x'/>", "<a/>"),
            ("<image href='data:image/svg+xml,&lt;svg/>'/>", "<image/>"),
            (
                "<image href='data:text/html,x'/><image href='data:;base64,!'/>",
                "<image/><image/>",
            ),
            // GIF89a by its content, whatever it is called; spaces as editors break lines.
            (
                "<image href='data:text/html;base64,R0lGO\n Dlh'/>",
                "<image href=\"data:image/gif;base64,R0lGODlh\"/>",
            ),
            ("<use href='data:image/gif;base64,R0lGODlh#a'/>", "<use/>"),
            ("<rect xml:base='http://x/' fill='url(x.svg#a)'/>", "<rect/>"),
            (
                "<set attributeName='href' to='x'/><set attributeName=' href'/>",
                "<set to=\"x\"/><set/>",
            ),
        ] {
            assert_eq!(content(text), want, "{text}");
        }
    }

    #[test]
    fn a_namespace_is_what_it_is_bound_to() {
        let want = "<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>";
        for text in [
            "<s:svg xmlns:s='http://www.w3.org/2000/svg' xmlns='http://www.w3.org/1999/xhtml'><s:g/><g/><script/></s:svg>",
            "<svg xmlns='http://www.w3.org/2000/svg'><g xmlns:e='urn:e' e:onload='x' e:id='y'/><e:g xmlns:e='urn:e'/></svg>",
            "<svg xmlns='http://www.w3.org/2000/svg'><g/><g xmlns=''/></svg>",
            // Without any namespace: forgotten.
            "<svg><g/><g xmlns='urn:x'/></svg>",
            "<!DOCTYPE svg [<!ENTITY n 'http://www.w3.org/2000/svg'>]><svg xmlns='&n;'><g/></svg>",
        ] {
            assert_eq!(filtered(text), want, "{text}");
        }
        for text in ["<svg xmlns='urn:x'/>", "<svgx/>", "<html><svg/></html>"] {
            let refused = filter(text, &Request::default(), &Limits::default(), &mut |_| None);
            assert!(matches!(refused, Err(CodecError::Corrupt { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_goes_with_all_that_is_in_it() {
        for (text, want) in [
            ("<foreignObject><g/><style/>x</foreignObject><g/>", "<g/>"),
            ("<SCRIPT/><Script/><g ONLOAD='x' onload='x' OnLoad='x'/>", "<g/>"),
            ("<style>a{fill:red}<g/></style>", "<style>a{fill:red}</style>"),
            ("<style type='text/less'>a{fill:red}</style><style> </style>", ""),
            ("text <g>of the layout</g><?x y?><!-- z --><![CDATA[w]]>", "<g></g>"),
        ] {
            assert_eq!(
                content(text).replace("<g></g>", "<g/>"),
                want.replace("<g></g>", "<g/>"),
                "{text}"
            );
        }
    }

    #[test]
    fn giant_numbers_are_told_by_their_digits() {
        for small in [
            "",
            "M0 0",
            "999999999",
            "1e8",
            "1.5e-30",
            "0000000000001",
            "1em",
            "12e",
            "0.12345678901",
            ".5e3",
        ] {
            assert!(!has_giant_number(small), "{small}");
        }
        for giant in [
            "1000000000",
            "M0 0L1e9 5",
            "-1e+10",
            "0.1e38",
            "a37,37,0,0,0-12.4,6.1e38,60",
            "1e99999999999999999999",
        ] {
            assert!(has_giant_number(giant), "{giant}");
        }
    }

    #[test]
    fn a_crowd_of_attributes_or_namespaces_is_refused() {
        let many = |make: &dyn Fn(u32) -> String, count: u32| {
            let attributes: String = (0..count).map(make).collect();
            let text = format!("<svg xmlns='http://www.w3.org/2000/svg' {attributes}/>");
            filter(&text, &Request::default(), &Limits::default(), &mut |_| None)
        };
        assert!(many(&|n| format!(" a{n}='x'"), 200).is_ok());
        assert!(many(&|n| format!(" a{n}='x'"), 300).is_err());
        assert!(many(&|n| format!(" xmlns:a{n}='x'"), 2000).is_err());
    }
}
