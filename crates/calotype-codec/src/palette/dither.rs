//! Giving each pixel its entry, and its error to its neighbours (R. Floyd, L. Steinberg, "An adaptive algorithm for
//! spatial greyscale", 1976).

use super::nearest::Finder;
use super::premultiply;

/// The index of the palette entry of each pixel. Colours diffuse their error; opacity does not, so that edges stay
/// clean.
pub(super) fn map(rgba: &[[u8; 4]], width: usize, colors: &[[u8; 4]]) -> Vec<u8> {
    let finder = Finder::new(colors);
    let mut indices = Vec::with_capacity(rgba.len());
    // Errors in sixteenths, with a margin on both sides.
    let mut here = vec![[0i32; 3]; width + 2];
    let mut below = here.clone();
    for row in rgba.chunks(width.max(1)) {
        for (x, &pixel) in row.iter().enumerate() {
            let error = here.get(x + 1).copied().unwrap_or_default();
            let wanted = if pixel[3] == 0 {
                pixel
            } else {
                // Seven eighths of the error: the whole of it makes noise where no entry is near.
                let shift = |v: u8, e: i32| (i32::from(v) + (e * 7) / 128).clamp(0, 255) as u8;
                [
                    shift(pixel[0], error[0]),
                    shift(pixel[1], error[1]),
                    shift(pixel[2], error[2]),
                    pixel[3],
                ]
            };
            let index = finder.nearest(premultiply(wanted));
            indices.push(index);
            let chosen = colors.get(usize::from(index)).copied().unwrap_or_default();
            if pixel[3] == 0 || chosen[3] == 0 {
                continue;
            }
            let error = [0, 1, 2].map(|c: usize| {
                i32::from(wanted.get(c).copied().unwrap_or_default())
                    - i32::from(chosen.get(c).copied().unwrap_or_default())
            });
            for (errors, at, share) in [(0, x + 2, 7), (1, x, 3), (1, x + 1, 5), (1, x + 2, 1)] {
                let row = if errors == 0 { &mut here } else { &mut below };
                if let Some(place) = row.get_mut(at) {
                    place.iter_mut().zip(error).for_each(|(to, e)| *to += e * share);
                }
            }
        }
        std::mem::swap(&mut here, &mut below);
        below.fill([0; 3]);
    }
    indices
}
