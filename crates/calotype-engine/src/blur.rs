//! Gaussian blur (spec section 6): sigma is half the radius, edges are extended, pixels with alpha are premultiplied.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Decimal, Fault};

use crate::gaussian::{convolve, kernel, store};
use crate::recursive;

/// Up to this sigma the kernel itself is used; above, its recursive approximation is faster and off by less than a fifth of a level.
const SIGMA_DIRECT_MAX: f64 = 4.0;

/// Blurs in place.
pub(crate) fn apply(picture: &mut Picture, radius: Decimal, budget: &Budget) -> Result<(), Fault> {
    let sigma = radius.to_f64() / 2.0;
    if sigma <= SIGMA_DIRECT_MAX {
        let channels = picture.channels();
        convolve(picture, &kernel(sigma), budget, |_, blurred, out| {
            store(blurred, out, channels);
        })
    } else {
        recursive::blur(picture, sigma, budget)
    }
}
