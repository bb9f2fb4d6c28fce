//! Planes in the shape that an encoder takes: chroma halved, values in another range, rounded once.

use super::{Chroma, Range, YccPicture};
use crate::{Budget, CodecError};

impl YccPicture {
    /// A copy with chroma and values as wanted; `None` if the picture has them already. Chroma is halved by the mean of 2x2 samples, fewer at odd edges.
    /// Charges `budget` before it allocates.
    ///
    /// # Errors
    /// [`CodecError::Limit`] if the budget does not allow the copy, [`CodecError::Encode`] where half chroma would have to be doubled: that is the
    /// resampler's work.
    pub(crate) fn reshaped(&self, chroma: Chroma, range: Range, budget: &Budget) -> Result<Option<Self>, CodecError> {
        if (self.chroma, self.range) == (chroma, range) {
            return Ok(None);
        }
        if (self.chroma, chroma) == (Chroma::Half, Chroma::Full) {
            return Err(CodecError::encode("the picture's chroma has half its size"));
        }
        let mut out = Self::new(self.size, chroma, range, budget)?;
        let map = |plane| Map::new(Scale::of(self.range, plane), Scale::of(range, plane));
        let table = map(0).table();
        for (to, &from) in out.plane_mut(0).iter_mut().zip(self.plane(0)) {
            *to = table[usize::from(from)];
        }
        for plane in [1, 2] {
            let map = map(plane);
            if self.chroma == chroma {
                let table = map.table();
                for (to, &from) in out.plane_mut(plane).iter_mut().zip(self.plane(plane)) {
                    *to = table[usize::from(from)];
                }
            } else {
                halve(self.plane(plane), self.size.width as usize, out.plane_mut(plane), &map);
            }
        }
        Ok(Some(out))
    }
}

/// The mean of 2x2 samples, mapped.
fn halve(from: &[u8], width: usize, to: &mut [u8], map: &Map) {
    for (rows, out) in from.chunks(2 * width).zip(to.chunks_mut(width.div_ceil(2))) {
        let (upper, lower) = rows.split_at(width.min(rows.len()));
        // The last row of an odd height has none below, and stands for both.
        let lower = if lower.is_empty() { upper } else { lower };
        for ((upper, lower), out) in upper.chunks(2).zip(lower.chunks(2)).zip(out) {
            let samples = upper.iter().chain(lower);
            let sum: i32 = samples.map(|&sample| i32::from(sample)).sum();
            let count = if upper.len() == 2 { 4 } else { 2 };
            *out = map.mean(sum, count);
        }
    }
}

/// Which values a plane has.
#[derive(Clone, Copy)]
struct Scale {
    /// What stands for black, or for no colour.
    zero: i32,
    /// Steps from there to white, or from one end of a colour difference to the other (ITU-R BT.601, section 2.5.3; JFIF 1.02).
    steps: i32,
}

impl Scale {
    fn of(range: Range, plane: usize) -> Self {
        let (zero, steps) = match (range, plane) {
            (Range::Full, 0) => (0, 255),
            (Range::Full, _) => (128, 255),
            (Range::Limited, 0) => (16, 219),
            (Range::Limited, _) => (128, 224),
        };
        Self { zero, steps }
    }
}

/// From one scale to another.
struct Map {
    from: Scale,
    to: Scale,
}

impl Map {
    fn new(from: Scale, to: Scale) -> Self {
        Self { from, to }
    }

    /// The mean of `count` samples, mapped, rounded to nearest.
    fn mean(&self, sum: i32, count: i32) -> u8 {
        let denominator = count * self.from.steps;
        let above = (sum - count * self.from.zero) * self.to.steps + self.to.zero * denominator;
        let value = (2 * above + denominator).div_euclid(2 * denominator);
        u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
    }

    /// What each value becomes.
    fn table(&self) -> [u8; 256] {
        std::array::from_fn(|value| self.mean(i32::try_from(value).unwrap_or(0), 1))
    }
}

#[cfg(test)]
mod tests {
    use calotype_plan::Size;

    use super::*;

    fn filled(size: Size, chroma: Chroma, range: Range, planes: [&[u8]; 3]) -> YccPicture {
        let mut picture = YccPicture::new(size, chroma, range, &Budget::unlimited()).unwrap();
        for (index, plane) in planes.into_iter().enumerate() {
            picture.plane_mut(index).copy_from_slice(plane);
        }
        picture
    }

    #[test]
    fn values_are_mapped_and_rounded_to_nearest() {
        // By hand. Luma: 16 + 219 y / 255, so 128 becomes 125.93 and 1 becomes 16.86. Chroma: 128 + 224 (c - 128) / 255, so 0 becomes 15.56, 255 becomes
        // 239.56 and 100 becomes 103.40.
        let (size, budget) = (Size::new(4, 1), Budget::unlimited());
        let full = filled(
            size,
            Chroma::Full,
            Range::Full,
            [&[0, 255, 128, 1], &[128, 0, 255, 100], &[100, 255, 0, 128]],
        );
        let limited = full.reshaped(Chroma::Full, Range::Limited, &budget).unwrap().unwrap();
        assert_eq!(limited.plane(0), [16, 235, 126, 17]);
        assert_eq!(limited.plane(1), [128, 16, 240, 103]);
        assert_eq!(limited.plane(2), [103, 240, 16, 128]);
        // Back: (126 - 16) * 255 / 219 = 128.08, (17 - 16) * 255 / 219 = 1.16; 128 - 112 * 255 / 224 = 0.5,
        // which goes up, and 128 - 25 * 255 / 224 = 99.54.
        let back = limited.reshaped(Chroma::Full, Range::Full, &budget).unwrap().unwrap();
        assert_eq!(back.plane(0), [0, 255, 128, 1]);
        assert_eq!(back.plane(1), [128, 1, 255, 100]);
        assert!(back.reshaped(Chroma::Full, Range::Full, &budget).unwrap().is_none());
    }

    #[test]
    fn chroma_is_halved_by_the_mean_and_rounded_once() {
        let (size, budget) = (Size::new(3, 3), Budget::unlimited());
        let luma = [9; 9];
        let blue = [10, 11, 50, 11, 11, 53, 200, 201, 7];
        let picture = filled(size, Chroma::Full, Range::Full, [&luma, &blue, &[128; 9]]);
        let half = picture.reshaped(Chroma::Half, Range::Full, &budget).unwrap().unwrap();
        // 43 / 4 = 10.75; 103 / 2 = 51.5; 401 / 2 = 200.5; 7.
        assert_eq!(half.plane(1), [11, 52, 201, 7]);
        assert_eq!((half.plane(0), half.plane(2)), (&luma[..], &[128; 4][..]));
        let both = picture
            .reshaped(Chroma::Half, Range::Limited, &budget)
            .unwrap()
            .unwrap();
        // 128 + (10.75 - 128) * 224 / 255 = 25.00; 51.5: 60.80; 200.5: 191.69; 7: 21.71.
        assert_eq!(both.plane(1), [25, 61, 192, 22]);
        assert!(half.reshaped(Chroma::Full, Range::Full, &budget).is_err());
        let poor = Budget::new(8);
        assert!(picture.reshaped(Chroma::Half, Range::Full, &poor).is_err());
    }
}
