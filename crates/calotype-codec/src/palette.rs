//! Pictures of few colours: an exact palette where that is possible, else a fitted one with error diffusion. For PNG
//! and GIF.
//!
//! The fit is a median cut over a histogram, each time dividing the box with the largest sum of errors at its
//! mean (P. Heckbert, "Color image quantization for frame buffer display", 1982, with a criterion near that of X. Wu),
//! improved by a few rounds of k-means, all in integers and in a fixed order: equal pictures give equal bytes.

mod dither;
mod fit;
mod histogram;
mod nearest;

use std::collections::HashMap;

use crate::{Budget, CodecError, Layout, Picture};

/// What a squared difference counts for in red, green, blue and opacity: roughly how much each adds to lightness.
const WEIGHTS: [u32; 4] = [3, 5, 2, 8];

/// Rounds of k-means after the cut; more change little.
pub(crate) const ROUNDS: usize = 3;

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
    let _held = budget.reserve(picture.size().area().saturating_mul(6))?;
    let colors_max = colors_max.clamp(2, 256);
    let rgba = pixels_of(picture);
    if let Some(indexed) = exact(&rgba, colors_max) {
        return Ok(indexed);
    }
    let colors = fit(&rgba, colors_max, ROUNDS, budget)?;
    let indices = map(&rgba, picture.size().width as usize, &colors, None);
    Ok(Indexed { colors, indices })
}

/// At most `colors_max` colours (1 to 256) for these pixels, the least opaque first, after so many rounds of k-means.
pub(crate) fn fit(
    rgba: &[[u8; 4]],
    colors_max: usize,
    rounds: usize,
    budget: &Budget,
) -> Result<Vec<[u8; 4]>, CodecError> {
    let _held = budget.reserve(histogram::bytes_max(rgba.len()))?;
    let mut colors = fit::palette(rgba, colors_max.clamp(1, 256), rounds);
    colors.sort_by_key(|&[r, g, b, a]| (a, g, r, b));
    colors.dedup();
    Ok(colors)
}

/// The entry of each pixel, with dithering. The pixels lie in rows of `width`; those that cannot be seen are `[0; 4]`.
/// If it is known what lies `below`, it may stay where it is close: the pixel then gets the first entry, which must be
/// transparent.
pub(crate) fn map(rgba: &[[u8; 4]], width: usize, colors: &[[u8; 4]], below: Option<&[[u8; 4]]>) -> Vec<u8> {
    dither::map(rgba, width, colors, below)
}

/// How well these colours serve these pixels: the mean of the squared distances (weighted as in this module) of the
/// pixels that can be seen, without dithering.
pub(crate) fn mean_error(rgba: &[[u8; 4]], colors: &[[u8; 4]], budget: &Budget) -> Result<u64, CodecError> {
    let _held = budget.reserve(histogram::bytes_max(rgba.len()))?;
    let mut finder = nearest::Finder::new(colors);
    let (mut sum, mut count) = (0u64, 0u64);
    for cell in histogram::cells(rgba).iter().filter(|cell| cell.mean[3] != 0) {
        let nearest = colors.get(usize::from(finder.nearest(cell.mean)));
        let apart = nearest.map_or(0, |&color| distance(cell.mean, premultiply(color)));
        sum += u64::from(apart) * cell.count;
        count += cell.count;
    }
    Ok(sum / count.max(1))
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
pub(crate) fn exact(rgba: &[[u8; 4]], colors_max: usize) -> Option<Indexed> {
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

/// Weighted squared distance of two premultiplied colours, as they look on black or on white, whichever differs more.
pub(crate) fn distance(a: [u8; 4], b: [u8; 4]) -> u32 {
    let on_white = i32::from(a[3]) - i32::from(b[3]);
    let mut sum = 0;
    for (x, y, weight) in [
        (a[0], b[0], WEIGHTS[0]),
        (a[1], b[1], WEIGHTS[1]),
        (a[2], b[2], WEIGHTS[2]),
    ] {
        let difference = i32::from(x) - i32::from(y);
        let square = (difference * difference).max((difference - on_white) * (difference - on_white));
        sum += square.unsigned_abs() * weight;
    }
    sum
}

#[cfg(test)]
mod tests;
