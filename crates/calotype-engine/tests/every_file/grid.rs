//! The manifest's `display_grid`: means of 4 by 4 cells of the upright picture, or of one cell where a side is under 4.

/// An RGBA picture, eight bits, rows top down.
pub(crate) struct Pixels<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: usize,
    pub(crate) data: &'a [u8],
}

/// Where a stored pixel is when the picture is upright (EXIF 2.32, tag 0x0112), by the value of the tag.
fn upright(orientation: u8, (width, height): (u32, u32), x: u32, y: u32) -> (u32, u32) {
    let (right, bottom) = (width - 1 - x, height - 1 - y);
    match orientation {
        2 => (right, y),
        3 => (right, bottom),
        4 => (x, bottom),
        5 => (y, x),
        6 => (bottom, x),
        7 => (bottom, right),
        8 => (y, right),
        _ => (x, y),
    }
}

/// The upright picture as RGBA.
pub(crate) fn turned(picture: &Pixels<'_>, orientation: u8) -> Vec<u8> {
    let stored = (picture.width, picture.height);
    let width = if orientation >= 5 { stored.1 } else { stored.0 };
    let mut out = vec![255; stored.0 as usize * stored.1 as usize * 4];
    let mut pixels = picture.data.chunks_exact(picture.channels);
    for y in 0..stored.1 {
        for x in 0..stored.0 {
            let (x, y) = upright(orientation, stored, x, y);
            let at = (y as usize * width as usize + x as usize) * 4;
            out[at..at + picture.channels].copy_from_slice(pixels.next().unwrap());
        }
    }
    out
}

/// The mean colours, on white. Cells begin at the pixel nearest to their fractional border, halves to even.
pub(crate) fn grid(picture: &Pixels<'_>, orientation: u8) -> Vec<[f64; 3]> {
    let stored = (picture.width, picture.height);
    let (width, height) = if orientation >= 5 { (stored.1, stored.0) } else { stored };
    let count: usize = if width < 4 || height < 4 { 1 } else { 4 };
    let cells = |side: u32| -> Vec<usize> {
        let starts: Vec<u32> = (0..count)
            .map(|i| (f64::from(side) * i as f64 / count as f64).round_ties_even() as u32)
            .collect();
        (0..side)
            .map(|at| starts.iter().rposition(|&start| start <= at).unwrap_or(0))
            .collect()
    };
    let (across, down) = (cells(width), cells(height));
    let mut sums = vec![([0.0; 3], 0u64); count * count];
    let mut pixels = picture.data.chunks_exact(picture.channels);
    for y in 0..stored.1 {
        for x in 0..stored.0 {
            let (ux, uy) = upright(orientation, stored, x, y);
            let (sum, number) = &mut sums[down[uy as usize] * count + across[ux as usize]];
            let pixel = pixels.next().unwrap();
            *number += 1;
            if let Some(&alpha) = pixel.get(3).filter(|&&alpha| alpha < 255) {
                let alpha = f64::from(alpha) / 255.0;
                sum.iter_mut()
                    .zip(pixel)
                    .for_each(|(sum, &value)| *sum += f64::from(value) * alpha + 255.0 * (1.0 - alpha));
            } else {
                sum.iter_mut()
                    .zip(pixel)
                    .for_each(|(sum, &value)| *sum += f64::from(value));
            }
        }
    }
    sums.into_iter()
        .map(|(sum, number)| sum.map(|sum| sum / number.max(1) as f64))
        .collect()
}

/// The largest difference of a channel of a cell; infinite if the grids are not of one size.
pub(crate) fn distance(a: &[[f64; 3]], b: &[[f64; 3]]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let differences = a
        .iter()
        .zip(b)
        .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).abs()));
    differences.fold(0.0, f64::max)
}
