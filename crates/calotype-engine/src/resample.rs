//! Resampling: Lanczos-3 down, Catmull-Rom (the usual bicubic) up, in encoded values (spec 5.5).
//!
//! The filter works on sRGB values as stored, not on linear light: a scaled JPEG decode has averaged in them already, and so do the programs that
//! people compare with. Pixels with alpha are premultiplied first, so that the colour under a transparent pixel never shows.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Fault, Size};
use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

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
    let channels = picture.channels() as u64;
    // The resampler's own buffers: the premultiplied view, and the picture between the two passes, of which the vertical one comes first.
    let premultiplied = if channels == 4 {
        u64::from(view.width) * u64::from(view.height) * 4
    } else {
        0
    };
    let between = u64::from(view.width) * u64::from(size.height) * channels;
    let _held = budget.reserve(premultiplied.saturating_add(between)).map_err(fault)?;
    let mut out = Picture::new(size, picture.layout(), [0; 4], budget).map_err(fault)?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(kind))
        .crop(area.left, area.top, area.width, area.height)
        .use_alpha(channels == 4);
    if channels == 4 {
        run::<U8x4>(picture, view, &mut out, &options)
    } else {
        run::<U8x3>(picture, view, &mut out, &options)
    }
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
