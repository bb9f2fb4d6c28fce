//! A sine that is the same everywhere.
//!
//! `f64::sin` is the platform's, and its last bit differs between C libraries. One bit of a weight is one level of a pixel somewhere, and the same job
//! must give the same bytes on every machine. Additions and multiplications are defined to the bit by IEEE 754, and Rust never fuses them.

use std::f64::consts::PI;

/// sin(πx), with an error below 1e-15 for |x| < 1000.
pub(crate) fn sin_pi(x: f64) -> f64 {
    let nearest = (x + 0.5).floor();
    // Exact: the two are of one size or the first is small.
    let rest = x - nearest;
    let odd = nearest * 0.5 != (nearest * 0.5).floor();
    let t = rest * PI;
    let square = t * t;
    // Taylor's series to the 21st power. The next term is below 2e-18 at π/2.
    let mut sum = 1.0;
    let mut k = 20.0;
    while k >= 2.0 {
        sum = 1.0 - sum * square / (k * (k + 1.0));
        k -= 2.0;
    }
    let value = t * sum;
    if odd { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sine_of_the_platform_but_for_the_last_bits() {
        for step in -6000..=6000 {
            let x = f64::from(step) * 0.001_037;
            let error = (sin_pi(x) - (x * PI).sin()).abs();
            // The argument x * PI is itself rounded: its error grows with x.
            assert!(error < 4e-15, "{x}: {error}");
        }
    }

    #[test]
    fn it_is_exactly_zero_at_whole_numbers_and_odd() {
        for step in -40..=40 {
            let x = f64::from(step) / 4.0;
            assert_eq!(sin_pi(x) == 0.0, step % 4 == 0, "{x}");
            assert_eq!(sin_pi(-x), -sin_pi(x), "{x}");
        }
    }
}
