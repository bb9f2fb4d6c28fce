//! `border`: a frame outside the picture (spec 5.9, 2.3).

use super::reader::Reader;
use super::tree::Node;
use crate::op::{BorderWidths, Op};
use crate::{Color, Decimal, Fault, rhu};

/// What `border` said, before dpr.
#[derive(Debug, Clone, Default)]
pub(super) struct Border {
    color: Option<Color>,
    width: Option<i64>,
    top: Option<i64>,
    right: Option<i64>,
    bottom: Option<i64>,
    left: Option<i64>,
}

impl Border {
    /// Reads the node of `border`: a width, or members.
    pub(super) fn read(reader: &mut Reader<'_>, key: &str, node: &Node) -> Result<Option<Self>, Fault> {
        let mut border = Self::default();
        if node.leaf.is_some() {
            border.width = reader.pixels(key, node, 0)?;
        }
        for (name, member) in &node.members {
            let path = format!("{key}.{name}");
            match name.as_str() {
                "color" => border.color = reader.color(&path, member)?,
                "width" => border.width = reader.pixels(&path, member, 0)?.or(border.width),
                "top" => border.top = reader.pixels(&path, member, 0)?,
                "right" => border.right = reader.pixels(&path, member, 0)?,
                "bottom" => border.bottom = reader.pixels(&path, member, 0)?,
                "left" => border.left = reader.pixels(&path, member, 0)?,
                _ => reader.unknown(&path),
            }
        }
        let given = border.color.is_some()
            || [border.width, border.top, border.right, border.bottom, border.left]
                .iter()
                .any(Option::is_some);
        Ok(given.then_some(border))
    }

    /// The operation, unless every side is 0.
    pub(super) fn op(&self, dpr: Decimal) -> Option<Op> {
        let px = |side: Option<i64>| {
            let value = i128::from(side.or(self.width).unwrap_or(0));
            u32::try_from(rhu(value * dpr.units(), Decimal::ONE.units())).unwrap_or(u32::MAX)
        };
        let widths = BorderWidths {
            top: px(self.top),
            right: px(self.right),
            bottom: px(self.bottom),
            left: px(self.left),
            color: self.color.unwrap_or(Color::BLACK),
        };
        let any = widths.top > 0 || widths.right > 0 || widths.bottom > 0 || widths.left > 0;
        any.then_some(Op::Border(widths))
    }
}
