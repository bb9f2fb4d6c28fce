//! Pictures in planes of luma and chroma, as JPEG, WebP and AVIF store them.

#[cfg(test)]
pub(crate) mod reference;
mod reshape;

use calotype_plan::Size;

use crate::{Budget, CodecError, Layout, Picture, Reservation};

/// How many samples of chroma a picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// As many as of luma: 4:4:4.
    Full,
    /// One for each 2x2 of luma, in their middle, rounded up: 4:2:0.
    Half,
}

impl Chroma {
    /// The size of the chroma planes of a picture.
    #[must_use]
    pub const fn plane_size(self, picture: Size) -> Size {
        match self {
            Self::Full => picture,
            Self::Half => Size::new(picture.width.div_ceil(2), picture.height.div_ceil(2)),
        }
    }
}

/// Which values stand for black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// 0 to 255, chroma around 128: JPEG (JFIF 1.02) and AVIF.
    Full,
    /// Luma 16 to 235, chroma 16 to 240: WebP.
    Limited,
}

/// An opaque picture of three planes, 8 bits a sample: Y, Cb and Cr of ITU-T BT.601 (625 and 525 lines alike), sRGB
/// primaries and curve. Rows have no padding.
#[derive(Debug)]
pub struct YccPicture {
    size: Size,
    chroma: Chroma,
    range: Range,
    planes: [Vec<u8>; 3],
    _charged: Reservation,
}

impl YccPicture {
    /// Bytes of the planes.
    #[must_use]
    pub const fn bytes(size: Size, chroma: Chroma) -> u64 {
        size.area()
            .saturating_add(chroma.plane_size(size).area().saturating_mul(2))
    }

    /// A picture of zeroes. Charges `budget` before it allocates.
    ///
    /// # Errors
    /// [`CodecError::Empty`] if a side is 0, [`CodecError::Limit`] if the budget does not allow it.
    pub fn new(size: Size, chroma: Chroma, range: Range, budget: &Budget) -> Result<Self, CodecError> {
        if size.is_empty() {
            return Err(CodecError::Empty);
        }
        let charged = budget.reserve(Self::bytes(size, chroma))?;
        let plane = |size: Size| {
            let length = usize::try_from(size.area()).map_err(|_| {
                CodecError::limit(
                    "memory needed for this image, in bytes,",
                    size.area(),
                    budget.bytes_max(),
                )
            })?;
            Ok(vec![0; length])
        };
        let half = chroma.plane_size(size);
        Ok(Self {
            size,
            chroma,
            range,
            planes: [plane(size)?, plane(half)?, plane(half)?],
            _charged: charged,
        })
    }

    /// A picture of planes that are there already, Y, Cb and Cr, with what was reserved for them.
    ///
    /// # Errors
    /// [`CodecError::Empty`] if a side is 0, [`CodecError::Corrupt`] if a plane is not of its size.
    pub fn from_reserved(
        size: Size,
        chroma: Chroma,
        range: Range,
        planes: [Vec<u8>; 3],
        charged: Reservation,
    ) -> Result<Self, CodecError> {
        if size.is_empty() {
            return Err(CodecError::Empty);
        }
        let this = Self {
            size,
            chroma,
            range,
            planes,
            _charged: charged,
        };
        if (0..3).any(|plane| this.plane(plane).len() as u64 != this.plane_size(plane).area()) {
            return Err(CodecError::corrupt(
                "the pixel data does not have the length of the picture",
            ));
        }
        Ok(this)
    }

    /// Width and height of luma.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// How many samples of chroma there are.
    #[must_use]
    pub const fn chroma(&self) -> Chroma {
        self.chroma
    }

    /// Which values stand for black and white.
    #[must_use]
    pub const fn range(&self) -> Range {
        self.range
    }

    /// The size of a plane: 0 is Y, 1 Cb, 2 Cr.
    #[must_use]
    pub const fn plane_size(&self, plane: usize) -> Size {
        if plane == 0 {
            self.size
        } else {
            self.chroma.plane_size(self.size)
        }
    }

    /// The samples of a plane, rows top down; empty if there is no such plane.
    #[must_use]
    pub fn plane(&self, plane: usize) -> &[u8] {
        self.planes.get(plane).map_or(&[], Vec::as_slice)
    }

    /// The samples of a plane, to change.
    pub fn plane_mut(&mut self, plane: usize) -> &mut [u8] {
        self.planes.get_mut(plane).map_or(&mut [], Vec::as_mut_slice)
    }

    /// The picture in RGB, by the matrix of JFIF 1.02 (BT.601); half chroma is repeated.
    ///
    /// # Errors
    /// [`CodecError::Limit`] if the budget does not allow it.
    pub fn into_rgb(self, budget: &Budget) -> Result<Picture, CodecError> {
        let mut picture = Picture::new(self.size, Layout::Rgb, [0; 4], budget)?;
        let width = self.size.width as usize;
        let (chroma_width, shift) = (
            self.plane_size(1).width as usize,
            u32::from(self.chroma == Chroma::Half),
        );
        let convert = match self.range {
            Range::Full => full_to_rgb,
            Range::Limited => limited_to_rgb,
        };
        for (y, (out, luma)) in picture.rows_mut().zip(self.plane(0).chunks_exact(width)).enumerate() {
            let start = (y >> shift) * chroma_width;
            let row = |plane: usize| self.plane(plane).get(start..start + chroma_width).unwrap_or_default();
            let (blue, red) = (row(1), row(2));
            for (x, (out, &luma)) in out.as_chunks_mut::<3>().0.iter_mut().zip(luma).enumerate() {
                let at = x >> shift;
                let (Some(&blue), Some(&red)) = (blue.get(at), red.get(at)) else {
                    break;
                };
                *out = convert(luma, blue, red);
            }
        }
        Ok(picture)
    }
}

/// R = Y + 1.402 Cr, G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb (JFIF 1.02), in 1/65536, rounded to nearest.
pub(crate) fn full_to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, cb, cr) = (
        (i32::from(luma) << 16) + 32_768,
        i32::from(blue) - 128,
        i32::from(red) - 128,
    );
    [
        narrow((y + 91_881 * cr) >> 16),
        narrow((y - 22_554 * cb - 46_802 * cr) >> 16),
        narrow((y + 116_130 * cb) >> 16),
    ]
}

/// The same with luma in 16..=235 and chroma in 16..=240 (ITU-R BT.601 section 2.5.3).
fn limited_to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, cb, cr) = (
        76_309 * (i32::from(luma) - 16) + 32_768,
        i32::from(blue) - 128,
        i32::from(red) - 128,
    );
    [
        narrow((y + 104_597 * cr) >> 16),
        narrow((y - 25_675 * cb - 53_279 * cr) >> 16),
        narrow((y + 132_201 * cb) >> 16),
    ]
}

fn narrow(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_colours_come_from_the_planes_of_jfif_and_of_bt601() {
        // JFIF 1.02, and BT.601 with 219 and 224 steps, rounded by hand.
        let cases = [
            (Range::Full, [76, 85, 255], [254, 0, 0]),
            (Range::Full, [255, 128, 128], [255, 255, 255]),
            (Range::Full, [29, 255, 107], [0, 0, 254]),
            (Range::Limited, [235, 128, 128], [255, 255, 255]),
            (Range::Limited, [16, 128, 128], [0, 0, 0]),
            (Range::Limited, [81, 90, 240], [254, 0, 0]),
        ];
        for (range, ycc, rgb) in cases {
            let budget = Budget::unlimited();
            let mut picture = YccPicture::new(Size::new(1, 1), Chroma::Full, range, &budget).unwrap();
            for (plane, sample) in ycc.into_iter().enumerate() {
                picture.plane_mut(plane).copy_from_slice(&[sample]);
            }
            assert_eq!(picture.into_rgb(&budget).unwrap().data(), rgb, "{range:?} {ycc:?}");
            assert_eq!(budget.held(), 0);
        }
    }

    #[test]
    fn half_chroma_rounds_up_and_serves_two_pixels_each_way() {
        let budget = Budget::unlimited();
        let mut picture = YccPicture::new(Size::new(3, 3), Chroma::Half, Range::Full, &budget).unwrap();
        assert_eq!(budget.held(), 9 + 4 + 4);
        assert_eq!(picture.plane_size(2), Size::new(2, 2));
        picture.plane_mut(0).fill(100);
        picture.plane_mut(1).fill(128);
        picture.plane_mut(2).copy_from_slice(&[128, 128, 128, 228]);
        let rgb = picture.into_rgb(&budget).unwrap();
        // 100 + 1.402 * 100 = 240.2; 100 - 0.714 * 100 = 28.6.
        assert_eq!(rgb.pixel(2, 2), Some([240, 29, 100, 255]));
        assert_eq!(rgb.pixel(1, 2), Some([100, 100, 100, 255]));
        assert_eq!(rgb.pixel(2, 1), Some([100, 100, 100, 255]));
        assert!(YccPicture::new(Size::new(0, 3), Chroma::Half, Range::Full, &budget).is_err());
    }
}
