//! Unsharp mask (spec section 6): what a Gaussian takes away is added again, `amount` times.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Decimal, Fault};

use crate::gaussian::{convolve, kernel, store};

/// Standard deviation of the Gaussian, in pixels: "radius 1 px" as image editors count it.
const SIGMA: f64 = 1.0;

/// Sharpens in place: `v + amount * (v - blurred v)` on premultiplied values.
pub(crate) fn apply(picture: &mut Picture, amount: Decimal, budget: &Budget) -> Result<(), Fault> {
    let amount = amount.to_f32();
    let channels = picture.channels();
    convolve(picture, &kernel(SIGMA), budget, |row, blurred, out| {
        for (blurred, value) in blurred.iter_mut().zip(row) {
            *blurred = value + amount * (value - *blurred);
        }
        // `store` divides by the sharpened alpha before it clamps either, so a shape of one colour keeps it at its edges.
        store(blurred, out, channels);
    })
}
