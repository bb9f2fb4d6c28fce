//! `trim`: an explicit box, a found frame, or both (spec 5.3, 2.3).

use super::reader::Reader;
use super::tree::{Leaf, Node};
use crate::op::{ColorTrim, Edge, Op, TrimBox};
use crate::{Color, Decimal, Fault, rhu};

/// What `trim` said, before dpr.
#[derive(Debug, Clone, Default)]
pub(super) struct Trim {
    left: Option<RawEdge>,
    top: Option<RawEdge>,
    right: Option<RawEdge>,
    bottom: Option<RawEdge>,
    width: Option<RawEdge>,
    height: Option<RawEdge>,
    border: Option<FrameTrim>,
}

#[derive(Debug, Clone, Copy)]
enum RawEdge {
    Px(Decimal),
    Share(Decimal),
}

#[derive(Debug, Clone, Copy, Default)]
struct FrameTrim {
    color: Option<Color>,
    tolerance: Option<u8>,
    keep: Option<i64>,
}

impl Trim {
    /// Reads the node of `trim`.
    pub(super) fn read(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<Self>, Fault> {
        let mut trim = Self::default();
        if let Some(leaf) = &node.leaf {
            trim.read_compact(reader, key, leaf)?;
        }
        for (name, member) in &node.members {
            let path = format!("{key}.{name}");
            match name.as_str() {
                "left" => trim.left = edge(reader, &path, member)?.or(trim.left),
                "top" => trim.top = edge(reader, &path, member)?.or(trim.top),
                "right" => trim.right = edge(reader, &path, member)?.or(trim.right),
                "bottom" => trim.bottom = edge(reader, &path, member)?.or(trim.bottom),
                "width" => trim.width = edge(reader, &path, member)?.or(trim.width),
                "height" => trim.height = edge(reader, &path, member)?.or(trim.height),
                "border" => trim.read_frame(reader, &path, member)?,
                "color" => trim.read_color(reader, &path, member)?,
                "tolerance" | "keep" => trim.read_frame_member(reader, &path, name, member)?,
                _ => reader.unknown(&path),
            }
        }
        let given = trim.border.is_some()
            || [trim.left, trim.top, trim.right, trim.bottom, trim.width, trim.height]
                .iter()
                .any(Option::is_some);
        Ok(given.then_some(trim))
    }

    /// `trim=border`, `trim=color`, `trim=20;30;20;0`.
    fn read_compact(&mut self, reader: &mut Reader<'_>, key: &str, leaf: &Leaf) -> Result<(), Fault> {
        let wanted = "border, or pixels as top;right;bottom;left";
        let text = match leaf {
            Leaf::Text(text) => text.clone(),
            Leaf::Number(n) => n.to_string(),
            Leaf::Bool(_) | Leaf::Unreadable => return reader.unreadable::<()>(key, wanted).map(|_| ()),
        };
        if text == "border" || text == "color" {
            self.border.get_or_insert_default();
            return Ok(());
        }
        let values: Option<Vec<RawEdge>> = text.split(';').map(edge_of_text).collect();
        let sides = match values.as_deref() {
            Some(&[all]) => [all; 4],
            Some(&[vertical, horizontal]) => [vertical, horizontal, vertical, horizontal],
            Some(&[top, right, bottom, left]) => [top, right, bottom, left],
            _ => return reader.unreadable::<()>(key, wanted).map(|_| ()),
        };
        let [top, right, bottom, left] = sides.map(Some);
        (self.top, self.right, self.bottom, self.left) = (top, right, bottom, left);
        Ok(())
    }

    /// `trim.border`: a boolean, or color, tolerance, keep.
    fn read_frame(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        if node.leaf.is_some() && reader.boolean(key, node)? == Some(true) {
            self.border.get_or_insert_default();
        }
        if node.leaf.is_none() && node.members.is_empty() && node.items.is_empty() {
            // `border: {}` in an object: switched on, nothing said.
            self.border.get_or_insert_default();
        }
        for (name, member) in &node.members {
            let path = format!("{key}.{name}");
            match name.as_str() {
                "color" => self.read_color(reader, &path, member)?,
                "tolerance" | "keep" => self.read_frame_member(reader, &path, name, member)?,
                _ => reader.unknown(&path),
            }
        }
        Ok(())
    }

    /// `trim.color`: a colour, or value, tolerance, keep.
    fn read_color(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<(), Fault> {
        if node.leaf.is_some() {
            if let Some(color) = reader.color(key, node)? {
                self.border.get_or_insert_default().color = Some(color);
            }
        } else if node.members.is_empty() && node.items.is_empty() {
            self.border.get_or_insert_default();
        }
        for (name, member) in &node.members {
            let path = format!("{key}.{name}");
            match name.as_str() {
                "value" => {
                    if let Some(color) = reader.color(&path, member)? {
                        self.border.get_or_insert_default().color = Some(color);
                    }
                }
                "tolerance" | "keep" => self.read_frame_member(reader, &path, name, member)?,
                _ => reader.unknown(&path),
            }
        }
        Ok(())
    }

    fn read_frame_member(&mut self, reader: &mut Reader<'_>, key: &str, name: &str, node: &Node) -> Result<(), Fault> {
        if name == "keep" {
            if let Some(keep) = reader.pixels(key, node, 0)? {
                self.border.get_or_insert_default().keep = Some(keep);
            }
        } else if let Some(tolerance) = reader.ranged(key, node, 255)? {
            let tolerance = u8::try_from(tolerance.round()).unwrap_or(u8::MAX);
            self.border.get_or_insert_default().tolerance = Some(tolerance);
        }
        Ok(())
    }

    /// The operations: explicit box first, then the frame on what is left. Operations that cannot change anything are left out.
    pub(super) fn ops(&self, dpr: Decimal, ops: &mut Vec<Op>) {
        let px = |value: Decimal| {
            let scaled = rhu(value.units() * dpr.units(), Decimal::ONE.units() * Decimal::ONE.units());
            u32::try_from(scaled.max(0)).unwrap_or(u32::MAX)
        };
        let settle = |edge: Option<RawEdge>| {
            edge.map(|edge| match edge {
                RawEdge::Share(share) if share != Decimal::ZERO => Edge::Share(share),
                RawEdge::Share(_) => Edge::Px(0),
                RawEdge::Px(value) => Edge::Px(px(value)),
            })
        };
        let mut cut = TrimBox {
            left: settle(self.left),
            top: settle(self.top),
            right: settle(self.right),
            bottom: settle(self.bottom),
            width: settle(self.width),
            height: settle(self.height),
        };
        canonical_axis(&mut cut.left, &mut cut.right, cut.width);
        canonical_axis(&mut cut.top, &mut cut.bottom, cut.height);
        if cut != TrimBox::default() {
            ops.push(Op::Trim(cut));
        }
        if let Some(frame) = self.border {
            ops.push(Op::TrimColor(ColorTrim {
                color: frame.color,
                tolerance: frame.tolerance.unwrap_or(ColorTrim::DEFAULT_TOLERANCE),
                keep: px(Decimal::from_int(frame.keep.unwrap_or(0))),
            }));
        }
    }
}

/// Leaves out what the per-axis rules of spec 5.3 do not read, so that equal boxes are equal values.
fn canonical_axis(start: &mut Option<Edge>, end: &mut Option<Edge>, keep: Option<Edge>) {
    let zero = Some(Edge::Px(0));
    if keep.is_none() {
        if *start == zero {
            *start = None;
        }
        if *end == zero {
            *end = None;
        }
    } else if start.is_some() {
        *end = None;
        if *start == zero {
            *start = None;
        }
    }
}

/// Pixels or a share, told apart as spec 5.3 says.
fn edge(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<RawEdge>, Fault> {
    match edge_of(node) {
        Some(edge) => Ok(Some(edge)),
        None => reader.unreadable(
            key,
            "a number of pixels, or a share from 0 to 1 written with a decimal point",
        ),
    }
}

fn edge_of(node: &Node) -> Option<RawEdge> {
    match node.leaf.as_ref()? {
        Leaf::Number(n) => edge_of_number(*n),
        Leaf::Text(text) => edge_of_text(text),
        Leaf::Bool(_) | Leaf::Unreadable => None,
    }
}

/// JSON: a non-integer below 1 is a share, everything else pixels.
fn edge_of_number(n: Decimal) -> Option<RawEdge> {
    if n < Decimal::ZERO {
        None
    } else if !n.is_whole() && n < Decimal::ONE {
        Some(RawEdge::Share(n))
    } else {
        Some(RawEdge::Px(Decimal::from_int(n.round())))
    }
}

/// URL: a value with a point that is at most 1 is a share, everything else pixels.
fn edge_of_text(text: &str) -> Option<RawEdge> {
    let n = Decimal::parse(text)?;
    if n < Decimal::ZERO {
        None
    } else if text.contains('.') && n <= Decimal::ONE {
        Some(RawEdge::Share(n))
    } else {
        Some(RawEdge::Px(Decimal::from_int(n.round())))
    }
}

/// A width or height of an overlay: pixels, or a share of the base (spec 8.1). `None` is unreadable.
pub(super) fn pixels_or_share(node: &Node) -> Option<PixelsOrShare> {
    match edge_of(node)? {
        RawEdge::Px(px) if px < Decimal::ONE => None,
        RawEdge::Px(px) => Some(PixelsOrShare::Px(px.round())),
        RawEdge::Share(share) if share == Decimal::ZERO => None,
        RawEdge::Share(share) => Some(PixelsOrShare::Share(share)),
    }
}

/// See [`pixels_or_share`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PixelsOrShare {
    Px(i64),
    Share(Decimal),
}
