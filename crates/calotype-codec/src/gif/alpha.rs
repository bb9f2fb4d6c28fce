//! One bit of opacity out of eight: GIF knows no translucency.

/// Makes every pixel opaque or nothing (`[0; 4]`).
pub(super) fn harden(pixels: &mut [[u8; 4]], _width: usize) {
    for pixel in pixels {
        let [r, g, b, a] = *pixel;
        *pixel = if a < 128 { [0; 4] } else { [r, g, b, 255] };
    }
}
