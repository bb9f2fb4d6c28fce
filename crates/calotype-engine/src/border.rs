//! A frame outside the picture (spec 5.9).

use calotype_codec::{Budget, Picture};
use calotype_plan::{BorderWidths, Fault};

use crate::canvas::place;

/// The picture with the frame around it. Nothing lies under a translucent frame.
pub(crate) fn apply(picture: Picture, border: &BorderWidths, budget: &Budget) -> Result<Picture, Fault> {
    let size = border.grow(picture.size());
    place(picture, size, (border.left, border.top), border.color, budget)
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;
    use calotype_plan::{Color, Size};

    use super::*;

    #[test]
    fn each_side_has_its_own_width() {
        let dot = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![9, 9, 9]).unwrap();
        let border = BorderWidths {
            top: 1,
            right: 2,
            bottom: 0,
            left: 1,
            color: Color {
                r: 1,
                g: 2,
                b: 3,
                a: 255,
            },
        };
        let out = apply(dot, &border, &Budget::unlimited()).unwrap();
        assert_eq!(out.size(), Size::new(4, 2));
        assert_eq!(out.row(0), [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
        assert_eq!(out.row(1), [1, 2, 3, 9, 9, 9, 1, 2, 3, 1, 2, 3]);
    }
}
