//! One bit of opacity out of eight: GIF knows no translucency.
//!
//! The edge of a shape is cut where it is half opaque, which keeps it smooth. A soft shadow cut that way would turn into
//! a hard blot, so where opacity changes slowly the share of opaque pixels follows it instead.

/// Opacity that differs by more than this from one pixel to the next is an edge, not a shadow.
const SHADOW_STEP_MAX: u8 = 40;

/// What is nearly nothing or nearly opaque is made so: single dots are seen sooner than the difference.
const NEARLY: u8 = 8;

/// Makes every pixel opaque or nothing (`[0; 4]`). The pixels lie in rows of `width`. A pixel among the same neighbours
/// at the same place comes out the same in every frame.
pub(super) fn harden(pixels: &mut [[u8; 4]], width: usize) {
    if width == 0 || pixels.iter().all(|pixel| pixel[3] == 255) {
        return;
    }
    let opacity: Vec<u8> = pixels.iter().map(|pixel| pixel[3]).collect();
    for (y, row) in pixels.chunks_mut(width).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let [r, g, b, a] = *pixel;
            let is_opaque = match a {
                255 => continue,
                0 => false,
                _ if is_in_shadow(&opacity, width, x, y) => a > 255 - NEARLY || (a >= NEARLY && a > threshold(x, y)),
                _ => a >= 128,
            };
            *pixel = if is_opaque { [r, g, b, 255] } else { [0; 4] };
        }
    }
}

/// Whether opacity changes slowly around a pixel, to all four sides.
fn is_in_shadow(opacity: &[u8], width: usize, x: usize, y: usize) -> bool {
    let at = y * width + x;
    let here = opacity.get(at).copied().unwrap_or_default();
    let sides = [
        (x > 0).then(|| at - 1),
        (x + 1 < width).then_some(at + 1),
        at.checked_sub(width),
        Some(at + width),
    ];
    sides
        .into_iter()
        .flatten()
        .filter_map(|at| opacity.get(at))
        .all(|side| side.abs_diff(here) <= SHADOW_STEP_MAX)
}

/// Evenly spread thresholds, 0 to 254: the additive recurrence on the plastic number (M. Roberts, "The unreasonable
/// effectiveness of quasirandom sequences", 2018), folded so that neighbours have no ramps. It has no visible grid.
fn threshold(x: usize, y: usize) -> u8 {
    // The fractions 1/p and 1/p² of 2³².
    let (x, y) = (x as u32, y as u32);
    let turn = x
        .wrapping_mul(3_242_174_889)
        .wrapping_add(y.wrapping_mul(2_447_445_414));
    let folded = if turn < 1 << 31 { turn << 1 } else { !turn << 1 };
    ((u64::from(folded) * 255) >> 32) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The opaque pixels of a row of pictures.
    fn opaque(pixels: &[[u8; 4]]) -> usize {
        pixels.iter().filter(|pixel| pixel[3] == 255).count()
    }

    #[test]
    fn an_edge_is_cut_at_half() {
        // A shape with a soft edge one pixel wide, as scaling makes it.
        let mut pixels: Vec<[u8; 4]> = [0, 0, 127, 255, 255, 128, 0, 0].map(|a| [9, 9, 9, a]).to_vec();
        harden(&mut pixels, 8);
        let got: Vec<u8> = pixels.iter().map(|pixel| pixel[3]).collect();
        assert_eq!(got, [0, 0, 0, 255, 255, 255, 0, 0]);
        assert_eq!((pixels[0], pixels[3]), ([0; 4], [9, 9, 9, 255]));
    }

    #[test]
    fn in_a_shadow_the_share_of_opaque_pixels_follows_the_opacity() {
        for opacity in [32u8, 64, 128, 192, 240] {
            let mut pixels = vec![[0, 0, 0, opacity]; 64 * 64];
            harden(&mut pixels, 64);
            let share = opaque(&pixels) as f64 / 4096.0;
            assert!((share - f64::from(opacity) / 255.0).abs() < 0.01, "{opacity}: {share}");
            // Evenly: each block of 8x8 has its share within a few pixels.
            for block in 0..64 {
                let inside = (0..64).filter(|i| {
                    let (x, y) = (block % 8 * 8 + i % 8, block / 8 * 8 + i / 8);
                    pixels[y * 64 + x][3] == 255
                });
                let off = inside.count() as f64 - 64.0 * f64::from(opacity) / 255.0;
                assert!(off.abs() < 8.0, "{opacity}: block {block} is off by {off}");
            }
        }
    }

    #[test]
    fn what_is_nearly_opaque_or_nothing_has_no_holes_or_dots() {
        for (opacity, count) in [(7u8, 0), (1, 0), (248, 4096), (254, 4096), (255, 4096), (0, 0)] {
            let mut pixels = vec![[0, 0, 0, opacity]; 4096];
            harden(&mut pixels, 64);
            assert_eq!(opaque(&pixels), count, "{opacity}");
        }
    }
}
