//! Colours of the options, read as CSS reads them (spec 5.8).

use std::fmt;

/// A non-premultiplied 8-bit sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
    /// Opacity, 255 is opaque.
    pub a: u8,
}

impl Color {
    /// Opaque white: the pad canvas and the ground of JPEGs.
    pub const WHITE: Self = Self {
        r: 255,
        g: 255,
        b: 255,
        a: 255,
    };
    /// Opaque black: the default border and text colour.
    pub const BLACK: Self = Self {
        r: 0,
        g: 0,
        b: 0,
        a: 255,
    };

    /// Reads any CSS colour: hex with or without `#`, names, `transparent`, `rgb()`, `hsl()` and the newer functions, with commas or spaces.
    /// Alpha above 1 means 1. `None` if it is no colour.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Bounded: the longest sensible colour is far shorter, and the parser lower-cases a copy.
        if text.len() > 128 {
            return None;
        }
        let [r, g, b, a] = csscolorparser::parse(text.trim()).ok()?.to_rgba8();
        Some(Self { r, g, b, a })
    }

    /// Whether nothing shows through.
    #[must_use]
    pub const fn is_opaque(self) -> bool {
        self.a == 255
    }

    /// The components in the order of RGBA pixels.
    #[must_use]
    pub const fn rgba(self) -> [u8; 4] {
        [self.r, self.g, self.b, self.a]
    }
}

impl fmt::Display for Color {
    /// `#rrggbb`, or `#rrggbbaa` if translucent: the canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.r, self.g, self.b)?;
        if self.a != 255 {
            write!(f, "{:02x}", self.a)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_the_documentation_are_read() {
        let cases = [
            ("#f00", "#ff0000"),
            ("#f008", "#ff000088"),
            ("ff0000", "#ff0000"),
            ("F00", "#ff0000"),
            ("#11223344", "#11223344"),
            ("red", "#ff0000"),
            ("RebeccaPurple", "#663399"),
            ("transparent", "#00000000"),
            ("rgb(240,40,145)", "#f02891"),
            ("rgb(240 40 145)", "#f02891"),
            ("rgba(0,0,0,0.5)", "#00000080"),
            ("rgb(0,0,0,0)", "#00000000"),
            ("rgba(255 255 0 100)", "#ffff00"),
            ("rgb(100% 0% 0% / 50%)", "#ff000080"),
            ("hsl(120,100%,50%)", "#00ff00"),
            ("hsl(120deg 100% 50% / 0.5)", "#00ff0080"),
        ];
        for (text, want) in cases {
            assert_eq!(
                Color::parse(text).map(|c| c.to_string()).as_deref(),
                Some(want),
                "{text}"
            );
        }
        for text in ["", "#ff", "#xyzxyz", "notacolour", "rgb(1,2)", &"f".repeat(4000)] {
            assert_eq!(Color::parse(text), None, "{text:.40}");
        }
    }
}
