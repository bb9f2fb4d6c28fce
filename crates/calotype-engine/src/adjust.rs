//! Brightness, contrast, gamma and saturation: the formulas of spec section 6 on 8-bit sRGB values, clamped and rounded after each step. Alpha stays.

use calotype_codec::Picture;
use calotype_plan::{Decimal, rhu};

/// What becomes of each of the 256 values.
pub(crate) type Table = [u8; 256];

/// `v * b`.
pub(crate) fn brightness(factor: Decimal) -> Table {
    table(|v| rhu(i128::from(v) * factor.units(), Decimal::ONE.units()))
}

/// `(v - 0.5) * c + 0.5`.
pub(crate) fn contrast(factor: Decimal) -> Table {
    // In twice the units, so that the middle, 127.5, is whole.
    let one = Decimal::ONE.units();
    table(|v| rhu((2 * i128::from(v) - 255) * factor.units() + 255 * one, 2 * one))
}

/// `v ^ g`.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn gamma(exponent: Decimal) -> Table {
    let exponent = exponent.to_f64();
    // Inside 0..=255, so the cast is exact.
    table(|v| i128::from((255.0 * (f64::from(v) / 255.0).powf(exponent)).round() as i64))
}

/// One table after another.
pub(crate) fn chain(first: &Table, second: &Table) -> Table {
    first.map(|v| second.get(usize::from(v)).copied().unwrap_or(v))
}

/// Looks every colour value up.
pub(crate) fn apply(picture: &mut Picture, table: &Table) {
    let look = |v: u8| table.get(usize::from(v)).copied().unwrap_or(v);
    if picture.channels() == 4 {
        for [r, g, b, _] in picture.data_mut().as_chunks_mut::<4>().0 {
            (*r, *g, *b) = (look(*r), look(*g), look(*b));
        }
    } else {
        picture.data_mut().iter_mut().for_each(|v| *v = look(*v));
    }
}

/// `Y + (v - Y) * s` with `Y = 0.2126 R + 0.7152 G + 0.0722 B`.
pub(crate) fn saturation(picture: &mut Picture, factor: Decimal) {
    // Y in ten-thousandths and the factor in billionths keep the sum exact: below 255 * 255 * 1e13 / 1e4 it fits an i64 by far.
    let one = i64::try_from(Decimal::ONE.units()).unwrap_or(1_000_000_000);
    let factor = i64::try_from(factor.units()).unwrap_or(i64::MAX).clamp(0, 255 * one);
    let change = |r: &mut u8, g: &mut u8, b: &mut u8| {
        let gray = (2126 * i64::from(*r) + 7152 * i64::from(*g) + 722 * i64::from(*b)) * (one - factor);
        for v in [r, g, b] {
            let sum = gray + 10_000 * i64::from(*v) * factor;
            // Round half up by truncation: the sum is made positive first.
            *v = clamped((sum.max(0) + 5_000 * one) / (10_000 * one));
        }
    };
    if picture.channels() == 4 {
        picture
            .data_mut()
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .for_each(|[r, g, b, _]| change(r, g, b));
    } else {
        picture
            .data_mut()
            .as_chunks_mut::<3>()
            .0
            .iter_mut()
            .for_each(|[r, g, b]| change(r, g, b));
    }
}

fn table(value: impl Fn(u8) -> i128) -> Table {
    let mut table = [0; 256];
    for (v, out) in (0..=255).zip(table.iter_mut()) {
        *out = u8::try_from(value(v).clamp(0, 255)).unwrap_or(u8::MAX);
    }
    table
}

fn clamped(value: i64) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;
    use calotype_plan::Size;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    /// The formula in doubles, rounded half up after clamping.
    fn slow(value: f64) -> u8 {
        (value.clamp(0.0, 1.0) * 255.0 + 0.5).floor() as u8
    }

    #[test]
    fn tables_follow_the_formulas() {
        for text in ["0.001", "0.3", "0.5", "1.7", "2", "3.333333333", "255"] {
            let factor = decimal(text);
            let f = factor.to_f64();
            for v in 0..=255_u8 {
                let x = f64::from(v) / 255.0;
                let check = |name: &str, got: u8, exact: f64| {
                    let want = slow(exact);
                    // At an exact half the doubles may fall to either side.
                    let near_half = ((exact.clamp(0.0, 1.0) * 255.0).fract() - 0.5).abs() < 1e-9;
                    assert!(
                        got == want || (near_half && got.abs_diff(want) == 1),
                        "{name} {text} {v}: {got} {want}"
                    );
                };
                check("brightness", brightness(factor)[usize::from(v)], x * f);
                check("contrast", contrast(factor)[usize::from(v)], (x - 0.5) * f + 0.5);
                check("gamma", gamma(factor)[usize::from(v)], x.powf(f));
            }
        }
    }

    #[test]
    fn values_computed_by_hand() {
        assert_eq!(brightness(decimal("0.5"))[1], 1); // 0.5 rounds up
        assert_eq!(brightness(decimal("2"))[128], 255); // clamped
        assert_eq!(contrast(decimal("2"))[100], 73); // (100 - 127.5) * 2 + 127.5 = 72.5
        assert_eq!(contrast(decimal("2"))[50], 0); // -27.5
        assert_eq!(gamma(decimal("2"))[128], 64); // 128 * 128 / 255 = 64.25
        assert_eq!(gamma(decimal("0.5"))[64], 128); // sqrt(64 * 255) = 127.75
        assert_eq!((gamma(decimal("7"))[0], gamma(decimal("7"))[255]), (0, 255));
    }

    #[test]
    fn chained_tables_are_one_after_the_other() {
        let (half, double) = (brightness(decimal("0.5")), brightness(decimal("2")));
        assert_eq!(chain(&double, &half)[200], 128); // 200 -> 255 -> 127.5
        assert_eq!(chain(&half, &double)[201], 202); // 201 -> 100.5 -> 101 -> 202
    }

    #[test]
    fn saturation_is_exact_and_keeps_alpha() {
        let pixel = |color: [u8; 4], text: &str| {
            let mut picture = Picture::from_raw(Size::new(1, 1), Layout::Rgba, color.to_vec()).unwrap();
            saturation(&mut picture, decimal(text));
            picture.pixel(0, 0).unwrap()
        };
        assert_eq!(pixel([255, 0, 0, 9], "0"), [54, 54, 54, 9]); // 54.213
        assert_eq!(pixel([0, 255, 0, 9], "0"), [182, 182, 182, 9]); // 182.376
        assert_eq!(pixel([0, 0, 255, 9], "0"), [18, 18, 18, 9]); // 18.411
        assert_eq!(pixel([200, 100, 50, 0], "2"), [255, 82, 0, 0]); // Y = 117.65: 282.35, 82.35, -17.65
        assert_eq!(pixel([255, 0, 255, 1], "255"), [255, 0, 255, 1]);
        assert_eq!(pixel([77, 77, 77, 255], "3.7"), [77, 77, 77, 255]); // grey stays
        let mut rgb = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![200, 100, 50]).unwrap();
        saturation(&mut rgb, decimal("0.5"));
        assert_eq!(rgb.data(), [159, 109, 84]); // 158.825, 108.825, 83.825
    }
}
