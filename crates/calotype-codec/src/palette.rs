//! Pictures of few colours: an exact palette where that is possible, else a fitted one with error diffusion. For PNG
//! and GIF.
//!
//! The fit is a median cut over a histogram, each time dividing the box with the largest sum of squared errors at its
//! mean (P. Heckbert, "Color image quantization for frame buffer display", 1982, with the variance criterion of X. Wu),
//! improved by a few rounds of k-means, all in integers and in a fixed order: equal pictures give equal bytes.

mod dither;
mod fit;
mod nearest;

use std::collections::HashMap;

use crate::{Budget, CodecError, Layout, Picture};

/// A picture as indices into a palette.
#[derive(Debug)]
pub(crate) struct Indexed {
    /// RGBA, the least opaque first.
    pub(crate) colors: Vec<[u8; 4]>,
    /// One per pixel.
    pub(crate) indices: Vec<u8>,
}

/// Reduces a picture to at most `colors_max` colours (2 to 256).
pub(crate) fn quantize(picture: &Picture, colors_max: usize, budget: &Budget) -> Result<Indexed, CodecError> {
    let _held = budget.reserve(picture.size().area().saturating_mul(4))?;
    quantize_pixels(&pixels_of(picture), picture.size().width as usize, colors_max, budget)
}

/// As [`quantize`], for pixels in rows of `width`. Those that cannot be seen must be `[0; 4]`.
pub(crate) fn quantize_pixels(
    rgba: &[[u8; 4]],
    width: usize,
    colors_max: usize,
    budget: &Budget,
) -> Result<Indexed, CodecError> {
    let _held = budget.reserve(rgba.len() as u64 * 4)?;
    let colors_max = colors_max.clamp(2, 256);
    if let Some(indexed) = exact(rgba, colors_max) {
        return Ok(indexed);
    }
    let mut colors = fit::palette(rgba, colors_max);
    colors.sort_by_key(|&[r, g, b, a]| (a, g, r, b));
    colors.dedup();
    let indices = dither::map(rgba, width, &colors);
    Ok(Indexed { colors, indices })
}

/// The pixels as RGBA, where what cannot be seen is the same nothing.
fn pixels_of(picture: &Picture) -> Vec<[u8; 4]> {
    match picture.layout() {
        Layout::Rgb => picture
            .data()
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[r, g, b]| [r, g, b, 255])
            .collect(),
        Layout::Rgba => picture
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&pixel| if pixel[3] == 0 { [0; 4] } else { pixel })
            .collect(),
    }
}

/// The palette of a picture that has few colours already.
fn exact(rgba: &[[u8; 4]], colors_max: usize) -> Option<Indexed> {
    let mut seen: HashMap<[u8; 4], u8> = HashMap::new();
    let mut colors = Vec::new();
    let mut last = None;
    for &pixel in rgba {
        if last != Some(pixel) {
            last = Some(pixel);
            if let std::collections::hash_map::Entry::Vacant(entry) = seen.entry(pixel) {
                if colors.len() == colors_max {
                    return None;
                }
                entry.insert(0);
                colors.push(pixel);
            }
        }
    }
    colors.sort_by_key(|&[r, g, b, a]| (a, g, r, b));
    for (index, color) in colors.iter().enumerate() {
        seen.insert(*color, u8::try_from(index).ok()?);
    }
    let indices = rgba
        .iter()
        .map(|pixel| seen.get(pixel).copied().unwrap_or_default())
        .collect();
    Some(Indexed { colors, indices })
}

/// RGBA with colours multiplied by opacity, rounded to nearest.
fn premultiply([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    let scale = |v: u8| ((u32::from(v) * u32::from(a) + 127) / 255) as u8;
    [scale(r), scale(g), scale(b), a]
}

/// Squared distance of two premultiplied colours, as they look on black or on white, whichever differs more.
fn distance(a: [u8; 4], b: [u8; 4]) -> u32 {
    let on_white = i32::from(a[3]) - i32::from(b[3]);
    let mut sum = 0;
    for (x, y) in [(a[0], b[0]), (a[1], b[1]), (a[2], b[2])] {
        let difference = i32::from(x) - i32::from(y);
        sum += (difference * difference)
            .max((difference - on_white) * (difference - on_white))
            .unsigned_abs();
    }
    sum
}

#[cfg(test)]
mod tests;
