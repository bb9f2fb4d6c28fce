//! The eight ways of turning a picture (spec 5.4): sizes and boxes before and after.
//!
//! A turn is: exchange the axes or not, then mirror either axis of the result or not. That is the dihedral group of the square, D4; EXIF's eight
//! orientations are its elements.

use crate::{Flip, Orientation, Rect, Rotate, Size};

/// A turn that is still to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Turn {
    /// Exchange the axes first.
    pub transpose: bool,
    /// Then mirror left-right.
    pub mirror_x: bool,
    /// And top-bottom.
    pub mirror_y: bool,
}

impl From<Orientation> for Turn {
    fn from(orientation: Orientation) -> Self {
        let (transpose, mirror_x, mirror_y) = match orientation {
            Orientation::Upright => (false, false, false),
            Orientation::FlipH => (false, true, false),
            Orientation::Rotate180 => (false, true, true),
            Orientation::FlipV => (false, false, true),
            Orientation::Transpose => (true, false, false),
            Orientation::Rotate90 => (true, true, false),
            Orientation::Transverse => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self {
            transpose,
            mirror_x,
            mirror_y,
        }
    }
}

impl From<Flip> for Turn {
    fn from(flip: Flip) -> Self {
        Self {
            transpose: false,
            mirror_x: matches!(flip, Flip::Horizontal | Flip::Both),
            mirror_y: matches!(flip, Flip::Vertical | Flip::Both),
        }
    }
}

impl From<Rotate> for Turn {
    fn from(rotate: Rotate) -> Self {
        Self::from(match rotate {
            Rotate::Deg90 => Orientation::Rotate90,
            Rotate::Deg180 => Orientation::Rotate180,
            Rotate::Deg270 => Orientation::Rotate270,
        })
    }
}

impl Turn {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// This turn followed by another.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        // Mirroring an axis before the axes are exchanged is mirroring the other one after.
        let (x, y) = if next.transpose {
            (self.mirror_y, self.mirror_x)
        } else {
            (self.mirror_x, self.mirror_y)
        };
        Self {
            transpose: self.transpose != next.transpose,
            mirror_x: next.mirror_x != x,
            mirror_y: next.mirror_y != y,
        }
    }

    /// The size after the turn.
    #[must_use]
    pub fn apply(self, size: Size) -> Size {
        if self.transpose { size.swapped() } else { size }
    }

    /// Where a box of the turned picture lies in the picture before; `before` is the size before the turn. The box must lie inside.
    #[must_use]
    pub fn undo(self, rect: Rect, before: Size) -> Rect {
        let after = self.apply(before);
        let left = if self.mirror_x {
            after.width.saturating_sub(rect.left + rect.width)
        } else {
            rect.left
        };
        let top = if self.mirror_y {
            after.height.saturating_sub(rect.top + rect.height)
        } else {
            rect.top
        };
        if self.transpose {
            Rect::new(top, left, rect.height, rect.width)
        } else {
            Rect::new(left, top, rect.width, rect.height)
        }
    }
}
