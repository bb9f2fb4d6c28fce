//! A picture placed on a larger ground of one colour: the canvas of `fit=pad`, and the frame of `border`.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Color, Fault, Size};

use crate::error::{fault, internal};

/// A picture of `size`, filled with `color`, that holds `picture` at `left`, `top`. The picture's own transparency stays: the colour surrounds it and
/// does not lie under it.
pub(crate) fn place(
    picture: Picture,
    size: Size,
    (left, top): (u32, u32),
    color: Color,
    budget: &Budget,
) -> Result<Picture, Fault> {
    let inner = picture.size();
    let picture = if color.is_opaque() {
        picture
    } else {
        picture.into_rgba(budget).map_err(fault)?
    };
    let mut out = Picture::new(size, picture.layout(), color.rgba(), budget).map_err(fault)?;
    let channels = picture.channels();
    let (start, length) = (left as usize * channels, picture.stride());
    for (to, from) in out.rows_mut().skip(top as usize).zip(picture.rows()) {
        to.get_mut(start..start + length)
            .ok_or_else(|| internal(format!("{inner} at {left},{top} does not fit {size}")))?
            .copy_from_slice(from);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;

    use super::*;

    #[test]
    fn the_picture_lies_where_it_was_put_and_the_rest_is_colour() {
        let budget = Budget::unlimited();
        let dot = || Picture::from_raw(Size::new(2, 1), Layout::Rgb, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let out = place(
            dot(),
            Size::new(4, 3),
            (1, 2),
            Color {
                r: 9,
                g: 8,
                b: 7,
                a: 255,
            },
            &budget,
        )
        .unwrap();
        assert_eq!(out.layout(), Layout::Rgb);
        let rows: Vec<_> = out.rows().collect();
        assert_eq!(rows[0], [9, 8, 7, 9, 8, 7, 9, 8, 7, 9, 8, 7]);
        assert_eq!(rows[2], [9, 8, 7, 1, 2, 3, 4, 5, 6, 9, 8, 7]);
        let clear = place(
            dot(),
            Size::new(2, 2),
            (0, 0),
            Color { r: 9, g: 8, b: 7, a: 3 },
            &budget,
        )
        .unwrap();
        assert_eq!(clear.data(), [1, 2, 3, 255, 4, 5, 6, 255, 9, 8, 7, 3, 9, 8, 7, 3]);
        assert!(place(dot(), Size::new(2, 1), (1, 0), Color::BLACK, &budget).is_err());
    }

    #[test]
    fn transparency_inside_stays() {
        let hole = Picture::from_raw(Size::new(1, 1), Layout::Rgba, vec![1, 2, 3, 0]).unwrap();
        let out = place(hole, Size::new(2, 1), (0, 0), Color::WHITE, &Budget::unlimited()).unwrap();
        assert_eq!(out.data(), [1, 2, 3, 0, 255, 255, 255, 255]);
    }
}
