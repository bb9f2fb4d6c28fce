//! `draw`: overlays (spec section 8, 2.3).

use std::collections::BTreeMap;

use super::Door;
use super::pass::Pass;
use super::reader::Reader;
use super::tree::Node;
use crate::canonical;
use crate::op::{Composite, Draw, DrawSource, Font, Offset, Op, Repeat, Text};
use crate::path::check_source_url;
use crate::{Color, Decimal, Fault, Warning};

/// One validated overlay; its own pass is settled when the plan is made.
#[derive(Debug, Clone)]
pub(super) struct Overlay {
    pub(super) source: DrawSource,
    pub(super) pass: Pass,
    pub(super) placement: Placement,
    /// Operations of an overlay with passes or layers of its own (binding, canonical print).
    chain: Option<Vec<Op>>,
}

/// Where and how an overlay is painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placement {
    opacity: Decimal,
    repeat: Repeat,
    composite: Composite,
    left: Option<i64>,
    right: Option<i64>,
    top: Option<i64>,
    bottom: Option<i64>,
}

impl Default for Placement {
    fn default() -> Self {
        Self {
            opacity: Decimal::ONE,
            repeat: Repeat::No,
            composite: Composite::Over,
            left: None,
            right: None,
            top: None,
            bottom: None,
        }
    }
}

pub(super) const COMPOSITES: &[(&str, Composite)] = &[
    ("over", Composite::Over),
    ("in", Composite::In),
    ("atop", Composite::Atop),
    ("out", Composite::Out),
    ("xor", Composite::Xor),
    ("lighter", Composite::Lighter),
];

/// Reads all overlays: a JSON list, one JSON object, or `draw.N.MEMBER` and `draw.MEMBER` of a URL.
pub(super) fn read_overlays(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Vec<Overlay>, Fault> {
    let mut entries: BTreeMap<u64, Node> = BTreeMap::new();
    if node.leaf.is_some() {
        reader.unreadable::<()>(key, "a list of overlays, each with url or text")?;
    }
    for (index, item) in node.items.iter().enumerate() {
        entries.insert(index as u64, item.clone());
    }
    for (name, member) in &node.members {
        match name.parse::<u64>() {
            Ok(index) => {
                // `draw.url` and `draw.0.left` may both be given: they name the same entry.
                let entry = entries.entry(index).or_default();
                entry.members.extend(member.members.clone());
                entry.leaf = entry.leaf.take().or_else(|| member.leaf.clone());
            }
            Err(_) => {
                entries
                    .entry(0)
                    .or_default()
                    .members
                    .insert(name.clone(), member.clone());
            }
        }
    }
    if entries.len() > reader.limits.draws_max {
        return Err(Fault::invalid(format!(
            "{key} has {} overlays; at most {} are drawn",
            entries.len(),
            reader.limits.draws_max
        )));
    }
    entries
        .iter()
        .map(|(index, entry)| Overlay::read(reader, &format!("{key}.{index}"), entry))
        .collect()
}

impl Overlay {
    fn read(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Self, Fault> {
        let mut pass = Pass::default();
        let mut placement = Placement::default();
        let (mut url, mut text) = (None, None);
        let mut style = TextStyle::default();
        let (mut part, mut chain) = (None, None);
        reader.in_overlay = true;
        for (name, member) in &node.members {
            let path = format!("{key}.{}", member.written);
            if member.is_empty() {
                continue;
            }
            match name.as_str() {
                "url" => url = read_url(reader, &path, member)?,
                "text" => text = read_text(reader, &path, member)?,
                "part" if reader.door == Door::Canonical => {
                    part = reader.pixels(&path, member, 1)?.and_then(|n| u32::try_from(n).ok());
                }
                "ops" if reader.door == Door::Canonical => {
                    let text = Reader::text(member).unwrap_or_default();
                    chain = Some(canonical::parse_ops(text, reader.limits)?);
                }
                "font" | "size" | "color" => style.read(reader, name, &path, member)?,
                _ if placement.read(reader, name, &path, member)? => {}
                _ if pass.read(reader, name, &path, member)? => {}
                _ => reader.unknown(&path),
            }
        }
        reader.in_overlay = false;
        placement.check(key)?;
        if text.is_some() && reader.door != Door::Canonical {
            // Lengths are those of image overlays (spec 8.1); a text has its size.
            for (name, was_given) in [
                ("width", pass.width.take().is_some()),
                ("height", pass.height.take().is_some()),
            ] {
                if was_given {
                    reader.unknown(&format!("{key}.{name}"));
                }
            }
        }
        let source = match (url, text) {
            (None, None) if part.is_some() => DrawSource::Part(part.unwrap_or(1)),
            (Some(url), None) => DrawSource::Url(url),
            (None, Some(text)) => DrawSource::Text(style.with(text)),
            (Some(_), Some(_)) => return Err(Fault::invalid(format!("{key} has both url and text; give one of them"))),
            (None, None) => {
                return Err(Fault::invalid(format!(
                    "{key} has neither url nor text; give one of them"
                )));
            }
        };
        Ok(Self {
            source,
            pass,
            placement,
            chain,
        })
    }

    /// The operation that paints this overlay.
    pub(super) fn op(self, warnings: &mut Vec<Warning>) -> Op {
        let ops = self.chain.unwrap_or_else(|| self.pass.ops(None, Vec::new(), warnings));
        self.placement.op(self.source, ops)
    }
}

/// How a text looks.
#[derive(Debug, Clone, Default)]
struct TextStyle {
    font: Option<String>,
    size: Option<Decimal>,
    color: Option<Color>,
}

impl TextStyle {
    /// Reads `font`, `size` or `color`.
    fn read(&mut self, reader: &mut Reader<'_>, name: &str, key: &str, node: &Node) -> Result<(), Fault> {
        match name {
            "font" => {
                for (member, value) in &node.members {
                    let path = format!("{key}.{member}");
                    match member.as_str() {
                        "url" => self.font = read_url(reader, &path, value)?,
                        _ => reader.unknown(&path),
                    }
                }
                if node.leaf.is_some() {
                    reader.unreadable::<()>(key, "an object with the url of a font")?;
                }
            }
            "size" => {
                if let Some(size) = reader.decimal(key, node)? {
                    if size <= Decimal::ZERO || size > Decimal::from_int(4096) {
                        return Err(Reader::refused(key, "a font size above 0 and at most 4096 px"));
                    }
                    self.size = Some(size);
                }
            }
            _ => self.color = reader.color(key, node)?.or(self.color),
        }
        Ok(())
    }

    /// The text in this style; what was not said has its default (spec 8.1).
    fn with(self, text: String) -> Text {
        Text {
            text,
            font: self.font.map_or(Font::BuiltIn, Font::Url),
            size: self.size.unwrap_or(Decimal::from_int(12)),
            color: self.color.unwrap_or(Color::BLACK),
        }
    }
}

/// A text with its style, where there is nothing else: a text part of the binding.
pub(super) fn read_whole_text(reader: &mut Reader<'_>, node: &Node) -> Result<Text, Fault> {
    let mut style = TextStyle::default();
    let mut text = None;
    for (name, node) in &node.members {
        match name.as_str() {
            _ if node.is_empty() => {}
            "text" => text = read_text(reader, name, node)?,
            "font" | "size" | "color" => style.read(reader, name, name, node)?,
            _ => reader.unknown(name),
        }
    }
    Ok(style.with(text.ok_or_else(|| Fault::invalid("a text part needs text"))?))
}

/// A text of bounded length.
fn read_text(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<String>, Fault> {
    let Some(text) = Reader::text(node) else {
        return reader.unreadable(key, "a text");
    };
    let max = reader.limits.text_chars_max;
    if text.chars().nth(max).is_some() {
        return Err(Reader::refused(key, &format!("at most {max} characters long")));
    }
    if text.is_empty() {
        return Err(Reader::refused(key, "at least one character long"));
    }
    Ok(Some(text.to_owned()))
}

/// An absolute http(s) URL.
fn read_url(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<String>, Fault> {
    let Some(url) = Reader::text(node) else {
        return reader.unreadable(key, "an absolute http or https URL");
    };
    check_source_url(url)?;
    Ok(Some(url.to_owned()))
}

impl Placement {
    /// Reads one placement member. `false`: the name is none.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, name: &str, key: &str, node: &Node) -> Result<bool, Fault> {
        match name {
            "opacity" => self.opacity = reader.ranged(key, node, 1)?.unwrap_or(self.opacity),
            "repeat" => {
                self.repeat = match Reader::text(node) {
                    Some("x") => Repeat::X,
                    Some("y") => Repeat::Y,
                    _ => match reader.boolean(key, node)? {
                        Some(true) => Repeat::Both,
                        Some(false) => Repeat::No,
                        None => self.repeat,
                    },
                }
            }
            "composite" => self.composite = reader.word(key, node, COMPOSITES)?.unwrap_or(self.composite),
            "left" => self.left = offset(reader, key, node)?.or(self.left),
            "right" => self.right = offset(reader, key, node)?.or(self.right),
            "top" => self.top = offset(reader, key, node)?.or(self.top),
            "bottom" => self.bottom = offset(reader, key, node)?.or(self.bottom),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// left with right, or top with bottom: an error (spec 8.2).
    pub(super) fn check(&self, key: &str) -> Result<(), Fault> {
        if self.left.is_some() && self.right.is_some() {
            return Err(Fault::invalid(format!(
                "{key} has both left and right; give one of them"
            )));
        }
        if self.top.is_some() && self.bottom.is_some() {
            return Err(Fault::invalid(format!(
                "{key} has both top and bottom; give one of them"
            )));
        }
        Ok(())
    }

    /// The operation that paints `source`, after `ops` on it alone, at this place.
    pub(super) fn op(&self, source: DrawSource, ops: Vec<Op>) -> Op {
        let axis = |start: Option<i64>, end: Option<i64>| {
            let px = |value: i64| i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX });
            start.map(|v| Offset::Start(px(v))).or(end.map(|v| Offset::End(px(v))))
        };
        Op::Draw(Box::new(Draw {
            source,
            ops,
            opacity: self.opacity,
            repeat: self.repeat,
            composite: self.composite,
            x: axis(self.left, self.right),
            y: axis(self.top, self.bottom),
        }))
    }
}

fn offset(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<i64>, Fault> {
    reader.pixels(key, node, i64::MIN)
}
