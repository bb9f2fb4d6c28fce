//! Typed reading of tree nodes, and the one place that knows how strict each door is (spec 2.1).

use super::Door;
use super::tree::{Leaf, Node};
use crate::{Color, Decimal, Fault, Limits, Warning};

/// Reads values for one door and collects the remarks.
pub(super) struct Reader<'l> {
    pub(super) door: Door,
    pub(super) limits: &'l Limits,
    /// Inside an overlay, where sizes may be shares of the base.
    pub(super) in_overlay: bool,
    pub(super) warnings: Vec<Warning>,
    /// Options and members that were ignored, also those whose warning was not kept.
    pub(super) dropped: usize,
}

/// Warnings kept of one request; a longer list helps nobody and every one is a header line.
const WARNINGS_MAX: usize = 16;
/// Characters of a key that are repeated in a warning or a message.
const KEY_CHARS_MAX: usize = 48;

/// A key as it may stand in a header line or a message: printable ASCII without quotes, cut short.
fn printable(key: &str) -> String {
    key.chars()
        .take(KEY_CHARS_MAX)
        .map(|c| {
            if c.is_ascii_graphic() && c != '"' && c != '\\' {
                c
            } else {
                '?'
            }
        })
        .collect()
}

impl<'l> Reader<'l> {
    pub(super) fn new(door: Door, limits: &'l Limits) -> Self {
        Self {
            door,
            limits,
            in_overlay: false,
            warnings: Vec::new(),
            dropped: 0,
        }
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        if self.warnings.len() < WARNINGS_MAX && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// An option nobody knows: ignored, with a warning by URL.
    pub(super) fn unknown(&mut self, key: &str) {
        self.dropped += 1;
        if self.door == Door::Url {
            self.warn(Warning::UnknownOption(printable(key)));
        }
    }

    /// A value that cannot be read: dropped with a warning by URL, an error elsewhere. `wanted` completes "KEY must be …".
    pub(super) fn unreadable<T>(&mut self, key: &str, wanted: &str) -> Result<Option<T>, Fault> {
        if self.door == Door::Url {
            self.dropped += 1;
            self.warn(Warning::InvalidValue(printable(key)));
            Ok(None)
        } else {
            Err(Fault::invalid(format!("{} must be {wanted}", printable(key))))
        }
    }

    /// A value that can be read but must not be: an error at every door.
    pub(super) fn refused(key: &str, wanted: &str) -> Fault {
        Fault::invalid(format!("{} must be {wanted}", printable(key)))
    }

    /// A number of any sign. A JSON string that holds a number counts, since Workers pass on query parameters.
    fn number(node: &Node) -> Option<Decimal> {
        match node.leaf.as_ref()? {
            Leaf::Number(n) => Some(*n),
            Leaf::Text(text) => Decimal::parse(text),
            Leaf::Bool(_) | Leaf::Unreadable => None,
        }
    }

    /// A decimal without a range.
    pub(super) fn decimal(&mut self, key: &str, node: &Node) -> Result<Option<Decimal>, Fault> {
        match Self::number(node) {
            Some(n) => Ok(Some(n)),
            None => self.unreadable(key, "a number, for example 0.5"),
        }
    }

    /// A decimal within a hard range: outside is an error at every door.
    pub(super) fn ranged(&mut self, key: &str, node: &Node, max: i64) -> Result<Option<Decimal>, Fault> {
        let Some(n) = self.decimal(key, node)? else {
            return Ok(None);
        };
        if n < Decimal::ZERO || n > Decimal::from_int(max) {
            return Err(Self::refused(key, &format!("between 0 and {max}")));
        }
        Ok(Some(n))
    }

    /// A whole number of pixels, at least `min`; fractions are rounded, anything else is unreadable.
    pub(super) fn pixels(&mut self, key: &str, node: &Node, min: i64) -> Result<Option<i64>, Fault> {
        match Self::number(node).map(Decimal::round) {
            Some(n) if n >= min => Ok(Some(n)),
            _ if min > 0 => self.unreadable(key, "a positive whole number of pixels"),
            _ if min == 0 => self.unreadable(key, "a whole number of pixels, 0 or more"),
            _ => self.unreadable(key, "a whole number of pixels"),
        }
    }

    /// `true`, `false`, `1`, `0`.
    pub(super) fn boolean(&mut self, key: &str, node: &Node) -> Result<Option<bool>, Fault> {
        let value = match node.leaf.as_ref() {
            Some(Leaf::Bool(b)) => Some(*b),
            Some(Leaf::Text(text)) => match text.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            Some(Leaf::Number(n)) if *n == Decimal::ONE => Some(true),
            Some(Leaf::Number(n)) if *n == Decimal::ZERO => Some(false),
            _ => None,
        };
        match value {
            Some(b) => Ok(Some(b)),
            None => self.unreadable(key, "true or false"),
        }
    }

    /// A CSS colour.
    pub(super) fn color(&mut self, key: &str, node: &Node) -> Result<Option<Color>, Fault> {
        // `background=123456` reaches the object door as text; a JSON number is no colour.
        match Self::text(node).and_then(Color::parse) {
            Some(color) => Ok(Some(color)),
            None => self.unreadable(key, "a CSS colour, for example %23ff8800, red or rgb(255 136 0)"),
        }
    }

    /// One of a list of words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, node: &Node, words: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let found = Self::text(node).and_then(|text| words.iter().find(|(word, _)| *word == text));
        match found {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.unreadable(key, &format!("one of {}", list.join(", ")))
            }
        }
    }

    /// The text of a node.
    pub(super) fn text(node: &Node) -> Option<&str> {
        match node.leaf.as_ref()? {
            Leaf::Text(text) => Some(text),
            _ => None,
        }
    }
}
