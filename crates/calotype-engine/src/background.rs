//! A colour laid under the picture (spec 5.8).

use calotype_codec::{Budget, Layout, Picture};
use calotype_plan::{Background, Fault};

use crate::error::fault;

/// Lays the colour under every pixel. With a translucent colour the result stays translucent.
pub(crate) fn apply(mut picture: Picture, background: Background, budget: &Budget) -> Result<Picture, Fault> {
    let color = background.0;
    if picture.layout() == Layout::Rgb || color.a == 0 {
        return Ok(picture);
    }
    if color.is_opaque() {
        return picture.into_rgb_on([color.r, color.g, color.b], budget).map_err(fault);
    }
    let under = color.rgba();
    for pixel in picture.data_mut().as_chunks_mut::<4>().0 {
        *pixel = over(*pixel, under);
    }
    Ok(picture)
}

/// One translucent pixel above another, neither premultiplied, rounded to nearest.
fn over(top: [u8; 4], bottom: [u8; 4]) -> [u8; 4] {
    let [top_alpha, bottom_alpha] = [u32::from(top[3]), u32::from(bottom[3])];
    // In units of 1 / (255 * 255).
    let (above, below) = (top_alpha * 255, bottom_alpha * (255 - top_alpha));
    let alpha = above + below;
    if alpha == 0 {
        return [0; 4];
    }
    let mix = |t: u8, b: u8| {
        u8::try_from((u32::from(t) * above + u32::from(b) * below + alpha / 2) / alpha).unwrap_or(u8::MAX)
    };
    [
        mix(top[0], bottom[0]),
        mix(top[1], bottom[1]),
        mix(top[2], bottom[2]),
        u8::try_from((alpha + 127) / 255).unwrap_or(u8::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use calotype_plan::{Color, Size};

    use super::*;

    fn on(pixel: [u8; 4], color: &str) -> (Layout, [u8; 4]) {
        let picture = Picture::from_raw(Size::new(1, 1), Layout::Rgba, pixel.to_vec()).unwrap();
        let color = Background(Color::parse(color).unwrap());
        let out = apply(picture, color, &Budget::unlimited()).unwrap();
        (out.layout(), out.pixel(0, 0).unwrap())
    }

    #[test]
    fn colours_computed_by_hand() {
        assert_eq!(on([255, 0, 0, 128], "white"), (Layout::Rgb, [255, 127, 127, 255]));
        assert_eq!(on([1, 2, 3, 0], "#0a0b0c"), (Layout::Rgb, [10, 11, 12, 255]));
        // Alpha 128/255 over 128/255: 128 + 128 * 127 / 255 = 191.75; red is 128 of 191.75 parts: 170.22.
        assert_eq!(on([255, 0, 0, 128], "#0000ff80"), (Layout::Rgba, [170, 0, 85, 192]));
        assert_eq!(on([1, 2, 3, 0], "#0a0b0c01"), (Layout::Rgba, [10, 11, 12, 1]));
        assert_eq!(on([1, 2, 3, 4], "transparent"), (Layout::Rgba, [1, 2, 3, 4]));
    }
}
