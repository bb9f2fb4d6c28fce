//! The sRGB curve (IEC 61966-2-1) as tables, made from additions, multiplications and divisions alone, for the reason given in `sine.rs`.

use std::sync::{LazyLock, OnceLock};

/// White in the numbers of a deep row: 255 levels of 256 steps each.
pub(crate) const FULL: u32 = 255 * 256;

/// Linear light of every 8-bit level, 0 to [`FULL`].
pub(crate) static LINEAR: LazyLock<[u16; 256]> = LazyLock::new(|| {
    let mut table = [0; 256];
    for (level, entry) in (0_u16..).zip(&mut table) {
        *entry = linear(f64::from(level) / 255.0);
    }
    table
});

/// The nearest 8-bit level of every amount of linear light, 0 to [`FULL`].
pub(crate) static ENCODED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut table = Vec::with_capacity(FULL as usize + 1);
    let mut level = 0_u8;
    let mut next = threshold(level);
    for amount in 0..=FULL {
        while level < 255 && f64::from(amount) >= next {
            level += 1;
            next = threshold(level);
        }
        table.push(level);
    }
    table
});

/// Fewest and most bits of a sample of a deep row.
const DEEP_BITS: (u8, u8) = (8, 16);

/// Every number of 8 to 16 bits as one of 0 to [`FULL`]: as it is encoded, or as light. Tables are made once and kept: half a megabyte if all are used.
pub(crate) fn deep(bits: u8, light: bool) -> &'static [u16] {
    static ENCODED: [OnceLock<Vec<u16>>; 9] = [const { OnceLock::new() }; 9];
    static LIGHT: [OnceLock<Vec<u16>>; 9] = [const { OnceLock::new() }; 9];
    let bits = bits.clamp(DEEP_BITS.0, DEEP_BITS.1);
    let tables = if light { &LIGHT } else { &ENCODED };
    let Some(table) = tables.get(usize::from(bits - DEEP_BITS.0)) else {
        return &[];
    };
    table.get_or_init(|| {
        let most = (1_u32 << bits) - 1;
        let encoded = |number: u32| u16::try_from((number * FULL + most / 2) / most).unwrap_or(u16::MAX);
        let number = |number: u32| {
            if light {
                linear(f64::from(number) / f64::from(most))
            } else {
                encoded(number)
            }
        };
        (0..=most).map(number).collect()
    })
}

/// Where the level after this one begins: half-way to it, in encoded values.
fn threshold(level: u8) -> f64 {
    decode((f64::from(level) + 0.5) / 255.0) * f64::from(FULL)
}

/// Linear light of an encoded value, both 0 to 1, as a number of 0 to [`FULL`].
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn linear(encoded: f64) -> u16 {
    // `as` saturates.
    (decode(encoded) * f64::from(FULL) + 0.5) as u16
}

fn decode(encoded: f64) -> f64 {
    if encoded <= 0.04045 {
        encoded / 12.92
    } else {
        let base = (encoded + 0.055) / 1.055;
        let square = base * base;
        square * fifth_root(square)
    }
}

/// The fifth root of a number of 0.001 to 1, by Newton's method.
fn fifth_root(number: f64) -> f64 {
    let mut root = 1.0;
    for _ in 0..24 {
        let fourth = root * root * root * root;
        root = (4.0 * root + number / fourth) / 5.0;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_that_of_the_standard() {
        for level in 0..=255_u8 {
            let encoded = f64::from(level) / 255.0;
            let expected = if encoded <= 0.04045 {
                encoded / 12.92
            } else {
                ((encoded + 0.055) / 1.055).powf(2.4)
            };
            assert!((decode(encoded) - expected).abs() < 1e-14, "{level}");
        }
    }

    #[test]
    fn every_level_comes_back() {
        for level in 0..=255_u8 {
            assert_eq!(ENCODED[usize::from(LINEAR[usize::from(level)])], level);
        }
        assert_eq!(ENCODED.len(), 65281);
    }
}
