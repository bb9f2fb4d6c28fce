//! Sizes, boxes, orientation, and the two rounding functions that everything else is built on.
//!
//! All geometry is done in integers or exact rationals with [`rhu`] and [`rdiv`], never by truncating a float, so results do not depend on the
//! platform (spec, section 0).

use std::fmt;

/// Round half up of `numerator / denominator`: `floor(x + 1/2)`, exact. The denominator must be positive.
#[must_use]
pub fn rhu(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0);
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

/// `max(1, (2a + b) div 2b)`: the rounded quotient of a scaled dimension, which never becomes 0 (spec, section 0). A result that does not fit
/// saturates; every limit is far below.
#[must_use]
pub fn rdiv(a: u64, b: u64) -> u32 {
    debug_assert!(b > 0);
    let q = (2 * u128::from(a) + u128::from(b)) / (2 * u128::from(b));
    u32::try_from(q).unwrap_or(u32::MAX).max(1)
}

/// A size in pixels. Either side may be 0 only in values read from a file that has not been checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// A size of `width` by `height` pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Pixels in all.
    #[must_use]
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The longer side.
    #[must_use]
    pub fn longest(self) -> u32 {
        self.width.max(self.height)
    }

    /// Width and height exchanged.
    #[must_use]
    pub const fn swapped(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }

    /// Whether either side is 0.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A box of pixels inside an image, `left` and `top` inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Pixels left of the box.
    pub left: u32,
    /// Pixels above the box.
    pub top: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    /// A box of `width` by `height` at `left`, `top`.
    #[must_use]
    pub const fn new(left: u32, top: u32, width: u32, height: u32) -> Self {
        Self {
            left,
            top,
            width,
            height,
        }
    }

    /// The box that is all of an image of `size`.
    #[must_use]
    pub const fn of(size: Size) -> Self {
        Self {
            left: 0,
            top: 0,
            width: size.width,
            height: size.height,
        }
    }

    /// The size of the box.
    #[must_use]
    pub const fn size(self) -> Size {
        Size {
            width: self.width,
            height: self.height,
        }
    }

    /// Whether the box lies inside an image of `size`.
    #[must_use]
    pub fn fits(self, size: Size) -> bool {
        u64::from(self.left) + u64::from(self.width) <= u64::from(size.width)
            && u64::from(self.top) + u64::from(self.height) <= u64::from(size.height)
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}+{}+{}", self.width, self.height, self.left, self.top)
    }
}

/// An EXIF orientation, 1 to 8 (EXIF 2.32, tag 0x0112): how stored pixels must be turned to be upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Upright = 1,
    /// 2: mirror left-right.
    FlipH = 2,
    /// 3: turn by 180 degrees.
    Rotate180 = 3,
    /// 4: mirror top-bottom.
    FlipV = 4,
    /// 5: transpose (mirror along the main diagonal).
    Transpose = 5,
    /// 6: turn clockwise by 90 degrees.
    Rotate90 = 6,
    /// 7: transverse (mirror along the other diagonal).
    Transverse = 7,
    /// 8: turn clockwise by 270 degrees.
    Rotate270 = 8,
}

impl Orientation {
    /// The orientation with this EXIF value. Values outside 1..=8 occur in real files and mean "as stored".
    #[must_use]
    pub const fn from_exif(value: u32) -> Self {
        match value {
            2 => Self::FlipH,
            3 => Self::Rotate180,
            4 => Self::FlipV,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
    }

    /// The EXIF value, 1 to 8.
    #[must_use]
    pub const fn to_exif(self) -> u8 {
        self as u8
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps_axes(self) -> bool {
        self as u8 >= 5
    }

    /// The upright size of an image stored as `stored`.
    #[must_use]
    pub const fn apply(self, stored: Size) -> Size {
        if self.swaps_axes() { stored.swapped() } else { stored }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_up_towards_plus_infinity() {
        assert_eq!(rhu(1, 2), 1);
        assert_eq!(rhu(-1, 2), 0);
        assert_eq!(rhu(-3, 2), -1);
        assert_eq!(rhu(249, 2), 125);
        assert_eq!(rdiv(0, 5), 1);
        assert_eq!(rdiv(500 * 720, 1080), 333);
        assert_eq!(rdiv(u64::MAX, 1), u32::MAX);
    }

    #[test]
    fn orientations_round_trip_and_odd_values_are_upright() {
        for v in 1..=8 {
            assert_eq!(u32::from(Orientation::from_exif(v).to_exif()), v);
        }
        for v in [0, 9, 255, 65535] {
            assert_eq!(Orientation::from_exif(v), Orientation::Upright);
        }
        assert_eq!(Orientation::Rotate90.apply(Size::new(4, 3)), Size::new(3, 4));
    }
}
