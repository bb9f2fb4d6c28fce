//! The canvas of an animation: frames are painted on it, shown, and disposed of, in the way that GIF, APNG and WebP
//! have in common.

use calotype_plan::{Rect, Size};

use crate::{Budget, CodecError, Layout, Picture};

/// What becomes of a frame's area when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposal {
    /// It stays.
    Keep,
    /// It becomes transparent black.
    Clear,
    /// It becomes what it was before the frame.
    Previous,
}

/// What the next frame is painted on.
#[derive(Debug)]
pub(crate) struct Canvas {
    base: Picture,
    budget: Budget,
}

impl Canvas {
    /// A canvas that is transparent everywhere; black, if it has no alpha channel.
    pub(crate) fn new(size: Size, layout: Layout, budget: &Budget) -> Result<Self, CodecError> {
        Ok(Self {
            base: Picture::new(size, layout, [0; 4], budget)?,
            budget: budget.clone(),
        })
    }

    /// Gives the canvas with a frame that `paint` paints inside `area`, and disposes of the frame. What lies outside
    /// of the canvas is left out. After an error the canvas is not defined.
    pub(crate) fn show(
        &mut self,
        area: Rect,
        disposal: Disposal,
        paint: impl FnOnce(&mut Picture) -> Result<(), CodecError>,
    ) -> Result<Picture, CodecError> {
        if disposal == Disposal::Keep {
            paint(&mut self.base)?;
            return self.base.duplicate(&self.budget);
        }
        // The frame is painted on a copy alone, so what was there before needs no copy of its own.
        let mut shown = self.base.duplicate(&self.budget)?;
        paint(&mut shown)?;
        if disposal == Disposal::Clear {
            for row in rows_in(&mut self.base, area) {
                row.fill(0);
            }
        }
        Ok(shown)
    }
}

/// The part of each row of a picture that lies in `area`, top down.
pub(crate) fn rows_in(picture: &mut Picture, area: Rect) -> impl Iterator<Item = &mut [u8]> {
    let channels = picture.channels();
    let (start, width) = (area.left as usize * channels, area.width as usize * channels);
    picture
        .rows_mut()
        .skip(area.top as usize)
        .take(area.height as usize)
        .map(move |row| {
            let row = row.get_mut(start..).unwrap_or_default();
            let width = width.min(row.len());
            row.get_mut(..width).unwrap_or_default()
        })
}

/// Puts pixels over those below, both not premultiplied: Porter-Duff's "over" in encoded values, as browsers blend
/// (WebP: RFC 9649, section 2.7.1.1; PNG 3rd edition, section 13.15). Results are rounded to nearest.
pub(crate) fn blend_over(below: &mut [[u8; 4]], above: &[[u8; 4]]) {
    for (below, above) in below.iter_mut().zip(above) {
        match (above[3], below[3]) {
            (0, _) => {}
            (255, _) | (_, 0) => *below = *above,
            (upper, lower) => {
                // Weights in 1/65025: what is above, and what shines through.
                let (over, under) = (u32::from(upper) * 255, u32::from(lower) * u32::from(255 - upper));
                let sum = over + under;
                let nearest = |value: u32, by: u32| u8::try_from((value + by / 2) / by).unwrap_or(u8::MAX);
                for (below, &above) in below.iter_mut().zip(above).take(3) {
                    *below = nearest(u32::from(above) * over + u32::from(*below) * under, sum);
                }
                below[3] = nearest(sum, 255);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 4] = [10, 20, 30, 255];
    const B: [u8; 4] = [40, 50, 60, 255];

    fn show(canvas: &mut Canvas, left: u32, disposal: Disposal, color: [u8; 4]) -> Vec<[u8; 4]> {
        let area = Rect::new(left, 0, 1, 1);
        let shown = canvas.show(area, disposal, |picture| {
            rows_in(picture, area).for_each(|row| row.copy_from_slice(&color));
            Ok(())
        });
        shown.unwrap().data().as_chunks::<4>().0.to_vec()
    }

    #[test]
    fn frames_stay_are_cleared_or_give_way_to_what_was_there() {
        let budget = Budget::unlimited();
        let mut canvas = Canvas::new(Size::new(2, 1), Layout::Rgba, &budget).unwrap();
        assert_eq!(show(&mut canvas, 0, Disposal::Keep, A), [A, [0; 4]]);
        assert_eq!(show(&mut canvas, 0, Disposal::Previous, B), [B, [0; 4]]);
        assert_eq!(show(&mut canvas, 1, Disposal::Clear, B), [A, B]);
        assert_eq!(show(&mut canvas, 0, Disposal::Clear, B), [B, [0; 4]]);
        assert_eq!(show(&mut canvas, 1, Disposal::Keep, A), [[0; 4], A]);
        assert_eq!(budget.held(), 8, "the canvas alone");
    }

    #[test]
    fn areas_outside_are_cut() {
        let mut picture = Picture::new(Size::new(3, 2), Layout::Rgb, [0; 4], &Budget::unlimited()).unwrap();
        let mut lengths = |area| rows_in(&mut picture, area).map(|row| row.len()).collect::<Vec<_>>();
        assert_eq!(lengths(Rect::new(1, 1, 9, 9)), [6]);
        assert_eq!(lengths(Rect::new(3, 0, 1, 1)), [0]);
        assert_eq!(lengths(Rect::new(0, 2, 3, 1)), [0; 0]);
        assert_eq!(lengths(Rect::new(u32::MAX, u32::MAX, 1, 1)), [0; 0]);
    }

    #[test]
    fn blending_is_over_by_both_alphas() {
        // Half of 200 over opaque 100: 100 + 100 * 128/255 = 150.2. Half over half: alpha 128 + 128 * 127/255 = 191.7;
        // colour (200 * 128 + 100 * 63.75) / 191.75 = 166.8. Worked by hand.
        let mut below = [
            [100, 0, 0, 255],
            [100, 0, 0, 128],
            [7, 7, 7, 0],
            [1, 2, 3, 4],
            [1, 2, 3, 4],
        ];
        let above = [
            [200, 0, 0, 128],
            [200, 0, 0, 128],
            [9, 9, 9, 1],
            [9, 9, 9, 0],
            [9, 9, 9, 255],
        ];
        blend_over(&mut below, &above);
        assert_eq!(
            below,
            [
                [150, 0, 0, 255],
                [167, 0, 0, 192],
                [9, 9, 9, 1],
                [1, 2, 3, 4],
                [9, 9, 9, 255]
            ]
        );
    }
}
