//! Resampling of whole pictures: Lanczos-3 down, Catmull-Rom (the usual bicubic) up, each axis by its own, in encoded
//! values or in linear light (spec 5.5, docs/design/light.md). Pixels with alpha are premultiplied first, so that the colour under a transparent pixel never shows.

use calotype_codec::{Budget, Picture};
use calotype_plan::{Fault, Light, Size};
use calotype_resample::{Axis, Channels, Resampler, Spec};

use crate::error::{fault, internal};
use crate::orient::Area;

/// Resamples `area` of a picture to `size`. Pixels outside `view` do not exist: they are never read, unless an edge of the view lies inside them.
pub(crate) fn resample(
    picture: &Picture,
    view: Area,
    area: Area,
    size: Size,
    light: Light,
    budget: &Budget,
) -> Result<Picture, Fault> {
    let channels = if picture.channels() == 4 {
        Channels::Alpha
    } else {
        Channels::Three
    };
    let window = Window::around(view, picture.size());
    let mut out = Picture::new(size, picture.layout(), [0; 4], budget).map_err(fault)?;
    let rows = picture.rows().skip(window.top as usize);
    let mut spec = spec(window, area, size, channels);
    spec.light = kernel_light(light);
    rows_to(rows, window, &spec, out.data_mut(), budget)?;
    Ok(out)
}

/// Resamples a plane of single samples.
pub(crate) fn resample_plane(plane: &[u8], from: Size, to: Size, budget: &Budget) -> Result<Vec<u8>, Fault> {
    let mut out = vec![0; usize::try_from(to.area()).map_err(|e| internal(e.to_string()))?];
    let rows = plane.chunks_exact(from.width.max(1) as usize);
    let window = Window::of(from);
    rows_to(
        rows,
        window,
        &spec(window, window.area(), to, Channels::One),
        &mut out,
        budget,
    )?;
    Ok(out)
}

/// What the kernels call it.
pub(crate) fn kernel_light(light: Light) -> calotype_resample::Light {
    match light {
        Light::Encoded => calotype_resample::Light::Encoded,
        Light::Linear => calotype_resample::Light::Linear,
    }
}

fn spec(window: Window, area: Area, size: Size, channels: Channels) -> Spec {
    let across = area.left - f64::from(window.left);
    let down = area.top - f64::from(window.top);
    Spec::new(
        Axis::part(window.width, across, area.width, size.width),
        Axis::part(window.height, down, area.height, size.height),
        channels,
    )
}

/// Resamples rows, of which the first is the first of the window.
fn rows_to<'r>(
    rows: impl Iterator<Item = &'r [u8]>,
    window: Window,
    spec: &Spec,
    out: &mut [u8],
    budget: &Budget,
) -> Result<(), Fault> {
    let problem = |detail: &str| internal(format!("resampling {window:?} by {spec:?}: {detail}"));
    let _held = budget.reserve(Resampler::working_bytes(spec)).map_err(fault)?;
    let mut resampler = Resampler::new(spec).map_err(|error| problem(&error.to_string()))?;
    let channels = spec.channels.count();
    let columns = window.left as usize * channels..(window.left + window.width) as usize * channels;
    let mut targets = out.chunks_exact_mut(spec.horizontal.output.max(1) as usize * channels);
    for row in rows.take(window.height as usize) {
        if resampler.is_complete() {
            break;
        }
        resampler.push(row.get(columns.clone()).unwrap_or_default(), &mut |row| {
            if let Some(target) = targets.next() {
                target.copy_from_slice(row);
            }
        });
    }
    if resampler.is_complete() {
        Ok(())
    } else {
        Err(problem("rows are missing"))
    }
}

/// Whole pixels of a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
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

    fn area(self) -> Area {
        Area {
            left: f64::from(self.left),
            top: f64::from(self.top),
            width: f64::from(self.width),
            height: f64::from(self.height),
        }
    }

    /// The pixels that a box touches.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn around(area: Area, size: Size) -> Self {
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
                    let out = resample(&picture, whole, area, to, Light::Encoded, &budget).unwrap();
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
