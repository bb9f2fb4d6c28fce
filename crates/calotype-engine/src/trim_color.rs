//! Cutting away a frame of one colour: which pixels are frame (spec 5.3, table L).

use calotype_codec::Picture;
use calotype_plan::{Color, ColorTrim, Rect};

/// The bounding box of all pixels that are not frame; `None` if there are none.
pub(crate) fn find(picture: &Picture, trim: &ColorTrim) -> Option<Rect> {
    let frame = Frame {
        color: trim.color.map_or_else(|| detect(picture, trim.tolerance), Color::rgba),
        tolerance: trim.tolerance,
    };
    let channels = picture.channels();
    let is_inner = |row: &[u8]| row.chunks_exact(channels).any(|pixel| !frame.has(pixel));
    let top = picture.rows().position(is_inner)?;
    let below = picture.rows().rev().position(is_inner)?;
    let bottom = picture.rows().len() - below;
    // Only the part of each row that lies outside what is known to be inner has to be looked at.
    let width = picture.size().width as usize;
    let (mut left, mut right) = (width, 0);
    for row in picture.rows().skip(top).take(bottom - top) {
        if let Some(x) = row
            .chunks_exact(channels)
            .take(left)
            .position(|pixel| !frame.has(pixel))
        {
            left = x;
        }
        if let Some(x) = row
            .chunks_exact(channels)
            .rev()
            .take(width - right)
            .position(|pixel| !frame.has(pixel))
        {
            right = width - x;
        }
    }
    let px = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Some(Rect::new(
        px(left),
        px(top),
        px(right.saturating_sub(left)),
        px(bottom - top),
    ))
}

/// The colour of the frame and how far a pixel of it may be off.
struct Frame {
    color: [u8; 4],
    tolerance: u8,
}

impl Frame {
    fn has(&self, pixel: &[u8]) -> bool {
        match *pixel {
            [r, g, b] => self.matches([r, g, b, 255]),
            [r, g, b, a] => self.matches([r, g, b, a]),
            _ => false,
        }
    }

    fn matches(&self, pixel: [u8; 4]) -> bool {
        agree(self.color, pixel, self.tolerance)
    }
}

/// Whether each sample differs by at most the tolerance. Fully transparent pixels are all equal.
fn agree(a: [u8; 4], b: [u8; 4], tolerance: u8) -> bool {
    (a[3] == 0 && b[3] == 0) || a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= tolerance)
}

/// If at least three of the four corners agree, their mean, else the pixel at the top left.
fn detect(picture: &Picture, tolerance: u8) -> [u8; 4] {
    let (right, bottom) = (
        picture.size().width.saturating_sub(1),
        picture.size().height.saturating_sub(1),
    );
    let corners =
        [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(|(x, y)| picture.pixel(x, y).unwrap_or_default());
    let most = corners
        .map(|corner| {
            corners
                .iter()
                .filter(|other| agree(corner, **other, tolerance))
                .copied()
                .collect::<Vec<_>>()
        })
        .into_iter()
        // `max_by_key` gives the last of equals; the first corner with the most friends is wanted.
        .rev()
        .max_by_key(Vec::len)
        .unwrap_or_default();
    if most.len() < 3 {
        return corners[0];
    }
    let count = u32::try_from(most.len()).unwrap_or(4);
    let mean = |channel: usize| {
        let sum: u32 = most.iter().map(|pixel| u32::from(pixel[channel])).sum();
        u8::try_from((2 * sum + count) / (2 * count)).unwrap_or(u8::MAX)
    };
    [mean(0), mean(1), mean(2), mean(3)]
}

#[cfg(test)]
mod tests {
    use calotype_codec::{Budget, Layout};
    use calotype_plan::Size;

    use super::*;

    /// The source of table L: 100x80 white, in it 60x50 grey 245 at +20+10, in that 40x30 black at +30+20.
    fn source() -> Picture {
        let mut picture = Picture::new(Size::new(100, 80), Layout::Rgb, [255; 4], &Budget::unlimited()).unwrap();
        for (value, left, top, width, height) in [(245, 20, 10, 60, 50), (0, 30, 20, 40, 30)] {
            for row in picture.rows_mut().skip(top).take(height) {
                row[left * 3..(left + width) * 3].fill(value);
            }
        }
        picture
    }

    fn kept(color: Option<&str>, tolerance: u8, keep: u32) -> String {
        let trim = ColorTrim {
            color: color.and_then(Color::parse),
            tolerance,
            keep,
        };
        trim.cut(find(&source(), &trim), Size::new(100, 80)).to_string()
    }

    #[test]
    fn the_boxes_of_the_specification_are_found() {
        assert_eq!(kept(None, 10, 0), "40x30+30+20"); // L1
        assert_eq!(kept(None, 9, 0), "60x50+20+10"); // L2
        assert_eq!(kept(None, 0, 0), "60x50+20+10"); // L3
        assert_eq!(kept(None, 255, 0), "100x80+0+0"); // L4
        assert_eq!(kept(None, 10, 5), "50x40+25+15"); // L5
        assert_eq!(kept(None, 10, 100), "100x80+0+0"); // L7
        assert_eq!(kept(Some("black"), 10, 0), "100x80+0+0"); // L8
        assert_eq!(kept(Some("white"), 10, 0), "40x30+30+20"); // L9
    }

    fn corners(pixels: [[u8; 4]; 4]) -> Picture {
        Picture::from_raw(Size::new(2, 2), Layout::Rgba, pixels.concat()).unwrap()
    }

    #[test]
    fn the_frame_colour_is_the_mean_of_three_corners_or_the_first() {
        let (a, b, c) = ([10, 10, 10, 255], [13, 10, 10, 255], [200, 0, 0, 255]);
        assert_eq!(detect(&corners([c, a, a, b]), 10), [11, 10, 10, 255]);
        assert_eq!(detect(&corners([a, b, c, c]), 10), a);
        assert_eq!(detect(&corners([c, c, a, b]), 10), c);
        // Transparent pixels agree whatever their colour.
        assert_eq!(
            detect(&corners([[1, 2, 3, 0], [9, 9, 9, 0], [90, 90, 90, 0], c]), 0)[3],
            0
        );
    }

    #[test]
    fn alpha_is_compared_too() {
        let trim = ColorTrim {
            color: Some(Color { r: 0, g: 0, b: 0, a: 0 }),
            tolerance: 0,
            keep: 0,
        };
        let picture = corners([[5, 5, 5, 0], [0, 0, 0, 255], [6, 6, 6, 0], [7, 7, 7, 0]]);
        assert_eq!(find(&picture, &trim), Some(Rect::new(1, 0, 1, 1)));
    }
}
