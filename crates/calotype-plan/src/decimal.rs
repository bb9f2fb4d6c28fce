//! Exact decimals: what a number in an option means, on every platform.

use std::fmt;

/// A decimal number with nine places, held as an integer of billionths. No infinities, no NaN, no rounding error before the ninth place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal(i64);

impl Decimal {
    const PLACES: usize = 9;
    const SCALE: i64 = 1_000_000_000;

    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1/2.
    pub const HALF: Self = Self(Self::SCALE / 2);
    /// 1.
    pub const ONE: Self = Self(Self::SCALE);

    /// A whole number. Saturates at about nine billion.
    #[must_use]
    pub const fn from_int(value: i64) -> Self {
        Self(value.saturating_mul(Self::SCALE))
    }

    /// Reads a decimal: digits with an optional fraction and sign, no exponent, no unit, no white space (spec 2.2). Digits past the ninth place are
    /// dropped. Numbers too large for the type saturate, so that a range check can name them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return None;
        }
        // "5." is as good as "5"; "." alone was refused above.
        let mut units: i64 = 0;
        for b in whole.bytes() {
            units = units.saturating_mul(10).saturating_add(i64::from(b - b'0'));
        }
        units = units.saturating_mul(Self::SCALE);
        let mut place = Self::SCALE / 10;
        for b in fraction.bytes().take(Self::PLACES) {
            units = units.saturating_add(i64::from(b - b'0') * place);
            place /= 10;
        }
        Some(Self(if negative { -units } else { units }))
    }

    /// The number of a JSON document, through its shortest decimal text, so that `0.1` in JSON and in a URL are the same number.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        // `Display` for f64 is the shortest text that reads back, and never has an exponent.
        if value.is_finite() {
            Self::parse(&value.to_string())
        } else {
            None
        }
    }

    /// The number in billionths.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0 as i128
    }

    /// Whether it has no fraction.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.0 % Self::SCALE == 0
    }

    /// The nearest whole number, halves up.
    #[must_use]
    pub fn round(self) -> i64 {
        i64::try_from(crate::rhu(self.units(), Self::ONE.units())).unwrap_or(i64::MAX)
    }

    /// The product, rounded half up to the ninth place, saturating.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = crate::rhu(self.units() * other.units(), Self::ONE.units());
        Self(i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX }))
    }

    /// For pixel arithmetic, where a double is exact enough.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }

    /// For pixel arithmetic.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn to_f32(self) -> f32 {
        self.to_f64() as f32
    }
}

impl fmt::Display for Decimal {
    /// The shortest decimal: `0.5`, `2`, `-10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (
            magnitude / Self::SCALE.unsigned_abs(),
            magnitude % Self::SCALE.unsigned_abs(),
        );
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if fraction != 0 {
            let digits = format!("{fraction:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_and_print_exactly() {
        for (text, want) in [
            ("0", "0"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-2.25", "-2.25"),
            ("007", "7"),
            ("0.1234567899", "0.123456789"),
            ("0.000000001", "0.000000001"),
        ] {
            assert_eq!(Decimal::parse(text).map(|d| d.to_string()).as_deref(), Some(want));
        }
        for text in ["", ".", "-", "1e3", "1px", " 1", "+1", "0x5", "1.2.3", "NaN", "٣"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert!(Decimal::parse(&"9".repeat(400)).is_some_and(|d| d > Decimal::from_int(1_000_000)));
        assert_eq!(Decimal::from_f64(0.1), Decimal::parse("0.1"));
        assert_eq!(Decimal::from_f64(1e-7), Decimal::parse("0.0000001"));
        assert_eq!(Decimal::from_f64(f64::NAN), None);
        assert_eq!(Decimal::parse("2.5").map(Decimal::round), Some(3));
    }
}
