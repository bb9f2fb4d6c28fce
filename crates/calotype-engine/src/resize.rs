//! Resize and crop by `fit`, `gravity` and `upscale` (spec 5.5, 5.6, 5.10).

use calotype_codec::{Budget, Layout, Picture};
use calotype_plan::{Color, Fault, Fitted, Focal, Gravity, Limits, Rect, Resize, Size, Warning, Window};

use crate::canvas;
use crate::error::fault;
use crate::found::Found;
use crate::frame::{Frame, whole};
use crate::orient::Area;
use crate::saliency;
use crate::vision::{Vision, VisionError};

/// What a resize has to know beside its own options.
pub(crate) struct Around<'a> {
    /// Nothing looks at the pixels after it but the encoder.
    pub(crate) is_last: bool,
    /// The picture below, for an overlay.
    pub(crate) base: Option<Size>,
    /// How large the picture was before all operations.
    pub(crate) came: Size,
    /// The middle of the faces.
    pub(crate) focal: Option<Focal>,
    /// The colour that the next operation lays under the picture: it fills the canvas too.
    pub(crate) background: Option<Color>,
    pub(crate) vision: &'a dyn Vision,
    pub(crate) limits: &'a Limits,
    pub(crate) budget: &'a Budget,
}

/// Resizes the frame; gives whether anything changed.
pub(crate) fn apply(
    frame: &mut Frame<'_>,
    resize: &Resize,
    around: &Around<'_>,
    found: &mut Found,
    warnings: &mut Vec<Warning>,
) -> Result<bool, Fault> {
    let fitted = resize.fit(frame.size(), around.base);
    around.limits.check_output(fitted.output, around.came)?;
    let window = found.window(|| window(frame, resize.gravity, &fitted, around.budget))?;
    let cut = fitted.cut(resize.gravity, around.focal, window);
    let before = frame.size();
    let mut source = before;
    if let Some(factor) = resize.generate_factor(&fitted) {
        match generate(frame, factor, around)? {
            Some(enlarged) => {
                frame.replace(enlarged);
                source = frame.size();
            }
            None => warnings.push(Warning::GenerateNotAvailable),
        }
    }
    if fitted.scaled == source {
        // Nothing to compute: the cut stays a number until somebody looks.
        if let Some(cut) = cut {
            frame.crop(cut)?;
        }
    } else {
        let (area, size) = match cut {
            Some(cut) => (scaled_back(cut, fitted.scaled, source), cut.size()),
            None => (whole(source), fitted.scaled),
        };
        let is_last = around.is_last && fitted.canvas.is_none();
        frame.resize(area, size, is_last, around.budget)?;
    }
    if let Some(place) = fitted.canvas {
        // Under a background of its own the canvas is empty, and the next operation fills it.
        let color = match around.background {
            Some(color) if color.is_opaque() => color,
            Some(color) => Color { a: 0, ..color },
            None => Color::WHITE,
        };
        frame.map(around.budget, |picture| {
            canvas::place(picture, place.size, (place.left, place.top), color, around.budget)
        })?;
    }
    Ok(fitted.output != before || fitted.canvas.is_some() || fitted.scaled != before)
}

/// A box of the scaled picture as a box of the picture before.
fn scaled_back(cut: Rect, scaled: Size, source: Size) -> Area {
    let x = f64::from(source.width) / f64::from(scaled.width.max(1));
    let y = f64::from(source.height) / f64::from(scaled.height.max(1));
    Area {
        left: f64::from(cut.left) * x,
        top: f64::from(cut.top) * y,
        width: f64::from(cut.width) * x,
        height: f64::from(cut.height) * y,
    }
}

/// Looks for the position of the cut where the gravity asks for a search.
fn window(frame: &mut Frame<'_>, gravity: Gravity, fitted: &Fitted, budget: &Budget) -> Result<Option<Window>, Fault> {
    let weigh = match gravity {
        Gravity::Auto => saliency::salience,
        Gravity::Entropy => saliency::entropy,
        Gravity::Point { .. } | Gravity::Face => return Ok(None),
    };
    let Some(crop) = fitted.crop else { return Ok(None) };
    let copy = frame.copy(saliency::copy_size(fitted.scaled), budget)?;
    Ok(Some(weigh(&copy).best(crop, fitted.scaled)))
}

/// One pass of the enlarging model; `None` if there is no model for this picture. Alpha is enlarged by bicubic.
fn generate(frame: &mut Frame<'_>, factor: u32, around: &Around<'_>) -> Result<Option<Picture>, Fault> {
    if !around.vision.models().generate {
        return Ok(None);
    }
    let budget = around.budget;
    let before = frame.settle(budget)?;
    let size = before.size();
    let wanted = Size::new(size.width.saturating_mul(factor), size.height.saturating_mul(factor));
    // The model's picture is not made by us, but its bytes count.
    let Ok(_held) = budget.reserve(Layout::Rgb.bytes(wanted)) else {
        return Ok(None);
    };
    let opaque = opaque_copy(before, budget)?;
    let enlarged = match around.vision.enlarge(&opaque, factor) {
        Ok(enlarged) if enlarged.size() == wanted && enlarged.channels() == 3 => enlarged,
        // A model that fails or answers nonsense is as good as none: interpolation gives a right picture.
        Ok(_) | Err(VisionError::Missing | VisionError::Unavailable(_) | VisionError::Failed(_)) => return Ok(None),
    };
    if before.channels() == 3 {
        return Ok(Some(enlarged));
    }
    let mut alpha = frame.copy(wanted, budget)?;
    for (to, from) in alpha
        .data_mut()
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(enlarged.data().as_chunks::<3>().0)
    {
        *to = [from[0], from[1], from[2], to[3]];
    }
    Ok(Some(alpha))
}

/// The colours without the alpha channel: what models look at.
pub(crate) fn opaque_copy(picture: &Picture, budget: &Budget) -> Result<Picture, Fault> {
    picture
        .duplicate(budget)
        .and_then(|copy| copy.into_rgb_on([255; 3], budget))
        .map_err(fault)
}
