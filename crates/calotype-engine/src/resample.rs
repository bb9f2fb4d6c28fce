//! Resampling: Lanczos-3 down, Catmull-Rom (the usual bicubic) up, in encoded values (spec 5.5).
//!
//! The filter works on sRGB values as stored, not on linear light: a scaled JPEG decode has averaged in them already, and so do the programs that
//! people compare with. Pixels with alpha are premultiplied first, so that the colour under a transparent pixel never shows.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Fault, Size};
use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8x3, U8x4};
use fast_image_resize::{FilterType, MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::error::{fault, internal};
use crate::orient::Area;

/// Resamples `area` of a picture to `size`. Pixels outside `view` do not exist: they are never read, unless an edge of the view lies inside them.
pub(crate) fn resample(
    picture: &Picture,
    view: Area,
    area: Area,
    size: Size,
    budget: &Budget,
) -> Result<Picture, Fault> {
    let view = Window::around(view, picture.size());
    let area = view.inside(area);
    let (wider, taller) = (f64::from(size.width) > area.width, f64::from(size.height) > area.height);
    let narrower = f64::from(size.width) < area.width;
    let lower = f64::from(size.height) < area.height;
    if (wider && lower) || (narrower && taller) {
        // One filter cannot serve an axis that shrinks and one that grows: first the one that shrinks.
        let (between, first, second) = if narrower {
            let between = Size::new(size.width, view.height);
            let first = Area {
                top: 0.0,
                height: f64::from(view.height),
                ..area
            };
            (
                between,
                first,
                Area {
                    left: 0.0,
                    width: f64::from(size.width),
                    ..area
                },
            )
        } else {
            let between = Size::new(view.width, size.height);
            let first = Area {
                left: 0.0,
                width: f64::from(view.width),
                ..area
            };
            (
                between,
                first,
                Area {
                    top: 0.0,
                    height: f64::from(size.height),
                    ..area
                },
            )
        };
        let half = filter(picture, view, first, between, FilterType::Lanczos3, budget)?;
        return filter(&half, Window::of(between), second, size, FilterType::CatmullRom, budget);
    }
    let kind = if wider || taller {
        FilterType::CatmullRom
    } else {
        FilterType::Lanczos3
    };
    filter(picture, view, area, size, kind, budget)
}

/// Whole pixels of a picture.
#[derive(Debug, Clone, Copy)]
struct Window {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Window {
    fn of(size: Size) -> Self {
        Self {
            left: 0,
            top: 0,
            width: size.width,
            height: size.height,
        }
    }

    /// The pixels that a box touches.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn around(area: Area, size: Size) -> Self {
        // `as` saturates, and the sides are bounded by those of the picture.
        let span = |start: f64, length: f64, side: u32| {
            let first = (start.floor() as u32).min(side.saturating_sub(1));
            let last = ((start + length).ceil() as u32).clamp(first + 1, side.max(first + 1));
            (first, last - first)
        };
        let (left, width) = span(area.left, area.width, size.width);
        let (top, height) = span(area.top, area.height, size.height);
        Self {
            left,
            top,
            width,
            height,
        }
    }

    /// A box of the picture as a box of the window, pushed inside where rounding let it stand out by a hair.
    fn inside(self, area: Area) -> Area {
        let span = |start: f64, length: f64, first: u32, side: u32| {
            let side = f64::from(side);
            let start = (start - f64::from(first)).clamp(0.0, side);
            (start, length.min(side - start))
        };
        let (left, width) = span(area.left, area.width, self.left, self.width);
        let (top, height) = span(area.top, area.height, self.top, self.height);
        Area {
            left,
            top,
            width,
            height,
        }
    }
}

fn filter(
    picture: &Picture,
    view: Window,
    area: Area,
    size: Size,
    kind: FilterType,
    budget: &Budget,
) -> Result<Picture, Fault> {
    let differs = |start: f64, length: f64, wanted: u32| length != f64::from(wanted) || start.fract() != 0.0;
    let both = differs(area.left, area.width, size.width) && differs(area.top, area.height, size.height);
    let has_alpha = picture.channels() == 4;
    match (both, has_alpha) {
        (true, false) => two_passes::<U8x3>(picture, view, area, size, kind, budget),
        (true, true) => {
            // Once around both passes, and only the columns that are read.
            let (columns, inner) = columns(view, area, size, kind);
            let premultiplied = premultiplied(picture, columns, budget)?;
            let whole = Window::of(premultiplied.size());
            let mut out = two_passes::<U8x4>(&premultiplied, whole, inner, size, kind, budget)?;
            drop(premultiplied);
            divide_alpha(&mut out)?;
            Ok(out)
        }
        (false, false) => pass::<U8x3>(picture, view, area, size, kind, false, budget),
        (false, true) => {
            // The library's own premultiplied copy.
            let _held = budget
                .reserve(u64::from(view.width) * u64::from(view.height) * 4)
                .map_err(fault)?;
            pass::<U8x4>(picture, view, area, size, kind, true, budget)
        }
    }
}

/// The vertical pass, then the horizontal one, as two resizes of one axis each.
///
/// The library's own way of doing both (fast_image_resize 6.1) takes the columns between the first weight of the first
/// output pixel and the last weight of the last one for all that are read. Where weights are zero, others reach further:
/// it then reads outside its buffer.
fn two_passes<P: PixelTrait>(
    picture: &Picture,
    view: Window,
    area: Area,
    size: Size,
    kind: FilterType,
    budget: &Budget,
) -> Result<Picture, Fault> {
    let (columns, inner) = columns(view, area, size, kind);
    let between = Size::new(columns.width, size.height);
    let vertical = Area {
        left: 0.0,
        width: f64::from(columns.width),
        ..inner
    };
    let half = pass::<P>(picture, columns, vertical, between, kind, false, budget)?;
    let horizontal = Area {
        top: 0.0,
        height: f64::from(size.height),
        ..inner
    };
    pass::<P>(&half, Window::of(between), horizontal, size, kind, false, budget)
}

/// The columns of a view that a filter reads, and the box as seen from them.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn columns(view: Window, area: Area, size: Size, kind: FilterType) -> (Window, Area) {
    let radius = match kind {
        FilterType::Lanczos3 => 3.0,
        _ => 2.0,
    };
    // A filter grows with the step between two output pixels, and one pixel more is on the safe side of rounding.
    let reach = radius * (area.width / f64::from(size.width.max(1))).max(1.0) + 1.0;
    // `as` saturates at 0.
    let first = ((area.left - reach).floor() as u32).min(view.width.saturating_sub(1));
    let last = ((area.left + area.width + reach).ceil() as u32).clamp(first + 1, view.width.max(first + 1));
    let columns = Window {
        left: view.left + first,
        width: last - first,
        ..view
    };
    let inner = Area {
        left: area.left - f64::from(first),
        ..area
    };
    (columns, inner)
}

/// One call of the library. Without `use_alpha` the channels are filtered as they are.
fn pass<P: PixelTrait>(
    picture: &Picture,
    view: Window,
    area: Area,
    size: Size,
    kind: FilterType,
    use_alpha: bool,
    budget: &Budget,
) -> Result<Picture, Fault> {
    let mut out = Picture::new(size, picture.layout(), [0; 4], budget).map_err(fault)?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(kind))
        .crop(area.left, area.top, area.width, area.height)
        .use_alpha(use_alpha);
    run::<P>(picture, view, &mut out, &options)
        .map_err(|detail| internal(format!("resampling {area:?} to {size}: {detail}")))?;
    Ok(out)
}

fn run<P: PixelTrait>(
    picture: &Picture,
    view: Window,
    out: &mut Picture,
    options: &ResizeOptions,
) -> Result<(), String> {
    let from = TypedImageRef::<P>::from_buffer(picture.size().width, picture.size().height, picture.data())
        .map_err(|e| e.to_string())?;
    let from =
        TypedCroppedImage::from_ref(&from, view.left, view.top, view.width, view.height).map_err(|e| e.to_string())?;
    let size = out.size();
    let mut to = TypedImage::<P>::from_buffer(size.width, size.height, out.data_mut()).map_err(|e| e.to_string())?;
    Resizer::new()
        .resize_typed(&from, &mut to, options)
        .map_err(|e| e.to_string())
}

/// A copy of a window whose colours are multiplied by their opacity.
fn premultiplied(picture: &Picture, window: Window, budget: &Budget) -> Result<Picture, Fault> {
    let size = Size::new(window.width, window.height);
    let mut out = Picture::new(size, picture.layout(), [0; 4], budget).map_err(fault)?;
    let multiply = |out: &mut Picture| {
        let from = TypedImageRef::<U8x4>::from_buffer(picture.size().width, picture.size().height, picture.data())
            .map_err(|e| e.to_string())?;
        let from = TypedCroppedImage::from_ref(&from, window.left, window.top, window.width, window.height)
            .map_err(|e| e.to_string())?;
        let mut to =
            TypedImage::<U8x4>::from_buffer(size.width, size.height, out.data_mut()).map_err(|e| e.to_string())?;
        MulDiv::new()
            .multiply_alpha_typed(&from, &mut to)
            .map_err(|e| e.to_string())
    };
    multiply(&mut out).map_err(|detail| internal(format!("premultiplying {size}: {detail}")))?;
    Ok(out)
}

fn divide_alpha(picture: &mut Picture) -> Result<(), Fault> {
    let size = picture.size();
    let divide = |picture: &mut Picture| {
        let mut image =
            TypedImage::<U8x4>::from_buffer(size.width, size.height, picture.data_mut()).map_err(|e| e.to_string())?;
        MulDiv::new()
            .divide_alpha_inplace_typed(&mut image)
            .map_err(|e| e.to_string())
    };
    divide(picture).map_err(|detail| internal(format!("dividing {size} by its alpha: {detail}")))
}

#[cfg(test)]
mod tests {
    use calotype_codec::Layout;

    use super::*;

    /// A ramp along each axis: what any filter without error keeps.
    fn ramp(size: Size, layout: Layout) -> Picture {
        let mut data = Vec::new();
        for y in 0..size.height {
            for x in 0..size.width {
                let along = |at: u32, side: u32| u8::try_from(20 + at * 200 / side).unwrap();
                data.extend([along(x, size.width), along(y, size.height), 128]);
                if layout == Layout::Rgba {
                    data.push(255);
                }
            }
        }
        Picture::from_raw(size, layout, data).unwrap()
    }

    #[test]
    fn cuts_that_are_enlarged_in_both_axes_stay_inside_their_buffers() {
        // `w=64,h=48,fit=cover` of 64x16, and what surrounds it: fractional cuts, enlarged in both axes.
        let budget = Budget::unlimited();
        for layout in [Layout::Rgb, Layout::Rgba] {
            for (from, to) in [
                (Size::new(64, 16), Size::new(64, 48)),
                (Size::new(89, 185), Size::new(89, 740)),
                (Size::new(7, 5), Size::new(40, 200)),
                (Size::new(3, 1), Size::new(5, 7)),
            ] {
                let picture = ramp(from, layout);
                for share in [0.21, 0.35, 0.5, 0.77, 0.99] {
                    let width = f64::from(from.width) * share;
                    let area = Area {
                        left: (f64::from(from.width) - width) / 2.0,
                        top: 0.0,
                        width,
                        height: f64::from(from.height),
                    };
                    let whole = Area {
                        left: 0.0,
                        top: 0.0,
                        width: f64::from(from.width),
                        height: f64::from(from.height),
                    };
                    let out = resample(&picture, whole, area, to, &budget).unwrap();
                    assert_eq!(out.size(), to);
                    if from.width < 60 {
                        continue;
                    }
                    // The middle of the cut is the middle of the ramp.
                    let middle = out.pixel(to.width / 2, to.height / 2).unwrap();
                    assert!(middle[0].abs_diff(120) <= 6, "{from} to {to} by {share}: {middle:?}");
                    assert!(middle[1].abs_diff(120) <= 8, "{from} to {to} by {share}: {middle:?}");
                    assert_eq!((middle[2], middle[3]), (128, 255));
                }
            }
        }
        assert_eq!(budget.held(), 0);
    }
}
