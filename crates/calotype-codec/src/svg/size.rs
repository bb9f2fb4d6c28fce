//! The size that a document asks for.

use calotype_plan::{Limits, Size};
use xml::attribute::OwnedAttribute;
use xml::reader::XmlEvent;

use super::filter;
use crate::CodecError;

/// Width and height in CSS pixels (96 to the inch), as a browser gives them to an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntrinsicSize {
    /// Width, above 0.
    pub width: f64,
    /// Height, above 0.
    pub height: f64,
}

/// The size of a replaced element that names none (CSS 2.1, 10.3.2).
const DEFAULT: (f64, f64) = (300.0, 150.0);

impl IntrinsicSize {
    /// In whole pixels: rounded up, at least 1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn pixels(self) -> Size {
        // A thousandth of a pixel is an inexact unit, not a pixel: 25.4mm are 96px.
        let side = |length: f64| (length - 0.001).ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
        Size::new(side(self.width), side(self.height))
    }
}

/// Reads the size from the root element: `width` and `height` in absolute units, what is missing by the proportions of
/// the `viewBox`, or by its size if both are; without a `viewBox` 300 by 150.
///
/// # Errors
/// [`CodecError::Empty`] if a side is 0 or less, [`CodecError::Corrupt`] if there is no root element.
pub(super) fn intrinsic(text: &str, limits: &Limits) -> Result<IntrinsicSize, CodecError> {
    let events = filter::events(text, limits)?;
    for event in events.reader {
        let event = event.map_err(|error| filter::problem(&error, events.lines_before))?;
        if let XmlEvent::StartElement { name, attributes, .. } = event {
            if name.local_name != "svg" {
                break;
            }
            return of_root(&attributes);
        }
    }
    Err(CodecError::corrupt("its root is no SVG element"))
}

fn of_root(attributes: &[OwnedAttribute]) -> Result<IntrinsicSize, CodecError> {
    let value = |name: &str| {
        let found = attributes
            .iter()
            .find(|attribute| attribute.name.namespace.is_none() && attribute.name.local_name == name);
        found.map(|attribute| attribute.value.trim())
    };
    let (width, height) = (value("width").and_then(length), value("height").and_then(length));
    let view_box = value("viewBox").and_then(view_box);
    let (width, height) = match (width, height, view_box) {
        (Some(width), Some(height), _) => (width, height),
        (Some(width), None, Some((w, h))) => (width, width * h / w),
        (None, Some(height), Some((w, h))) => (height * w / h, height),
        (None, None, Some(size)) => size,
        (width, height, None) => (width.unwrap_or(DEFAULT.0), height.unwrap_or(DEFAULT.1)),
    };
    if width.is_finite() && height.is_finite() && width > 0.0 && height > 0.0 {
        Ok(IntrinsicSize { width, height })
    } else {
        Err(CodecError::Empty)
    }
}

/// An absolute length in pixels; `None` for percentages, `auto` and what is no length.
fn length(text: &str) -> Option<f64> {
    let end = text
        .find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E') || c == '%')
        .unwrap_or(text.len());
    // `1e3` is a number, `1em` is not.
    let end = match text.get(..end) {
        Some(number) if number.ends_with(['e', 'E']) => end.saturating_sub(1),
        _ => end,
    };
    let number: f64 = text.get(..end)?.trim().parse().ok()?;
    let unit = text.get(end..)?.trim().to_ascii_lowercase();
    let factor = match unit.as_str() {
        "" | "px" => 1.0,
        "in" => 96.0,
        "cm" => 96.0 / 2.54,
        "mm" => 96.0 / 25.4,
        "q" => 96.0 / 101.6,
        "pt" => 96.0 / 72.0,
        "pc" => 16.0,
        // The default font of every browser.
        "em" | "rem" => 16.0,
        "ex" | "ch" => 8.0,
        _ => return None,
    };
    let length = number * factor;
    length.is_finite().then_some(length)
}

/// Width and height of a `viewBox`, if they are above 0.
fn view_box(text: &str) -> Option<(f64, f64)> {
    let mut numbers = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|part| !part.is_empty())
        .map(str::parse::<f64>);
    let (_, _) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let (width, height) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let is_size = |side: f64| side.is_finite() && side > 0.0;
    (is_size(width) && is_size(height)).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_browsers() {
        // By CSS 2.1, 10.3.2 and CSS Values 3, 6.2.
        for (root, want) in [
            ("width='20' height='10'", Ok((20, 10))),
            ("width='20px' height=' 10.2 '", Ok((20, 11))),
            ("width='1in' height='25.4mm'", Ok((96, 96))),
            ("width='72pt' height='6pc'", Ok((96, 96))),
            ("width='2.54cm' height='101.6Q'", Ok((96, 96))),
            ("width='1e2' height='2em'", Ok((100, 32))),
            ("width='0.2' height='0.9'", Ok((1, 1))),
            ("viewBox='0 0 30 40'", Ok((30, 40))),
            ("viewBox='-5,-5 30,40'", Ok((30, 40))),
            ("width='60' viewBox='0 0 30 40'", Ok((60, 80))),
            ("height='20' viewBox='0 0 30 40'", Ok((15, 20))),
            ("width='100%' height='100%' viewBox='0 0 30 40'", Ok((30, 40))),
            ("width='100%' height='50'", Ok((300, 50))),
            ("", Ok((300, 150))),
            ("viewBox='0 0 0 40'", Ok((300, 150))),
            ("width='auto' height='x'", Ok((300, 150))),
            (
                "width='1000000000' height='1000000000'",
                Ok((1_000_000_000, 1_000_000_000)),
            ),
            ("width='0' height='10'", Err(CodecError::Empty)),
            ("width='-3' height='10'", Err(CodecError::Empty)),
        ] {
            let text = format!("<svg xmlns='http://www.w3.org/2000/svg' {root}/>");
            let size = intrinsic(&text, &Limits::default()).map(IntrinsicSize::pixels);
            assert_eq!(size, want.map(|(w, h)| Size::new(w, h)), "{root}");
        }
    }
}
