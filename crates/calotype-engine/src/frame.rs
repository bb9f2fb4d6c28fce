//! The picture on its way through the operations, with the geometry that is still owed to it.
//!
//! Cuts, mirrors and turns cost nothing until something looks at the pixels: the frame keeps the pixels as stored (perhaps decoded at 1/2, 1/4 or 1/8),
//! the cut in *stored full-resolution* coordinates, and the turn that is still to be made. A resize reads the fractional cut and turns the small
//! result. So a scaled decode never shifts a picture by its `ceil()` column, and twelve megapixels are never turned.

use calotype_codec::{Budget, ColorSource, Layout, Picture, to_srgb};
use calotype_plan::{Fault, Rect, Size, Turn};

use crate::error::{fault, internal};
use crate::orient::{Area, TurnPixels};
use crate::resample;

/// Pixels, the part of them that counts, and what is still to be done to them.
#[derive(Debug)]
pub(crate) struct Frame {
    picture: Picture,
    /// Denominator of the scaled decode: the picture has `ceil(stored / scale)` pixels a side.
    scale: u8,
    /// The part that counts, in stored pixels at full resolution.
    cut: Rect,
    /// The turn that makes the cut upright.
    turn: Turn,
    /// How the samples become sRGB.
    color: ColorSource,
}

impl Frame {
    /// An upright sRGB picture.
    pub(crate) fn new(picture: Picture) -> Self {
        let cut = Rect::of(picture.size());
        Self {
            picture,
            scale: 1,
            cut,
            turn: Turn::default(),
            color: ColorSource::Srgb,
        }
    }

    /// A picture as it was decoded from a file whose pixels are `stored` at full resolution.
    pub(crate) fn decoded(picture: Picture, stored: Size, scale: u8, turn: Turn, color: ColorSource) -> Self {
        Self {
            picture,
            scale: scale.max(1),
            cut: Rect::of(stored),
            turn,
            color,
        }
    }

    /// The size as a viewer would see it.
    pub(crate) fn size(&self) -> Size {
        self.turn.apply(self.cut.size())
    }

    /// How samples lie.
    pub(crate) fn layout(&self) -> Layout {
        self.picture.layout()
    }

    /// Whether a pixel may be transparent.
    pub(crate) fn has_transparency(&self) -> bool {
        self.picture.has_transparency()
    }

    /// Whether the samples need no conversion.
    pub(crate) fn is_srgb(&self) -> bool {
        self.color == ColorSource::Srgb
    }

    /// Cuts to a box of the upright picture.
    pub(crate) fn crop(&mut self, rect: Rect) -> Result<(), Fault> {
        if !rect.fits(self.size()) || rect.size().is_empty() {
            return Err(internal(format!("cut {rect} of a picture of {}", self.size())));
        }
        let inner = self.turn.undo(rect, self.cut.size());
        self.cut = Rect::new(
            self.cut.left + inner.left,
            self.cut.top + inner.top,
            inner.width,
            inner.height,
        );
        Ok(())
    }

    /// Turns or mirrors the upright picture.
    pub(crate) fn turn(&mut self, turn: Turn) {
        self.turn = self.turn.then(turn);
    }

    /// Marks the samples as sRGB whatever the file said: the profile itself goes to the output.
    pub(crate) fn keep_colors(&mut self) {
        self.color = ColorSource::Srgb;
    }

    /// A resampled copy of `area` of the upright picture, in the colours of the frame.
    fn sample(&self, area: Area, size: Size, budget: &Budget) -> Result<Picture, Fault> {
        let scale = f64::from(self.scale);
        let inner = self.turn.undo_area(area, self.cut.size());
        let stored = Area {
            left: (f64::from(self.cut.left) + inner.left) / scale,
            top: (f64::from(self.cut.top) + inner.top) / scale,
            width: inner.width / scale,
            height: inner.height / scale,
        };
        let view = Area {
            left: f64::from(self.cut.left) / scale,
            top: f64::from(self.cut.top) / scale,
            width: f64::from(self.cut.width) / scale,
            height: f64::from(self.cut.height) / scale,
        };
        let wanted = self.turn.apply(size);
        let sampled = resample::resample(&self.picture, view, stored, wanted, budget)?;
        self.turn.pixels(sampled, budget)
    }

    /// A resampled sRGB copy of the whole upright picture: what models and saliency look at.
    pub(crate) fn copy(&self, size: Size, budget: &Budget) -> Result<Picture, Fault> {
        let mut copy = self.sample(whole(self.size()), size, budget)?;
        to_srgb(&mut copy, &self.color).map_err(fault)?;
        Ok(copy)
    }

    /// Replaces the frame by `area` of it resampled to `size`, settled and in sRGB.
    pub(crate) fn resize(&mut self, area: Area, size: Size, budget: &Budget) -> Result<(), Fault> {
        let mut picture = self.sample(area, size, budget)?;
        to_srgb(&mut picture, &self.color).map_err(fault)?;
        *self = Self::new(picture);
        Ok(())
    }

    /// Does everything that is owed, so that the pixels are the upright sRGB picture and nothing else.
    pub(crate) fn settle(&mut self, budget: &Budget) -> Result<&mut Picture, Fault> {
        if self.scale != 1 {
            // A scaled decode is only asked for where a resize follows at once, so this is for safety.
            let size = self.size();
            self.resize(whole(size), size, budget)?;
        }
        if self.cut != Rect::of(self.picture.size()) {
            self.picture = crop_pixels(&self.picture, self.cut, budget)?;
            self.cut = Rect::of(self.picture.size());
        }
        if !self.turn.is_none() {
            let empty = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![0; 3]).map_err(fault)?;
            self.picture = self.turn.pixels(std::mem::replace(&mut self.picture, empty), budget)?;
            self.turn = Turn::default();
            self.cut = Rect::of(self.picture.size());
        }
        if self.color != ColorSource::Srgb {
            to_srgb(&mut self.picture, &self.color).map_err(fault)?;
            self.color = ColorSource::Srgb;
        }
        Ok(&mut self.picture)
    }

    /// The settled picture.
    pub(crate) fn into_picture(mut self, budget: &Budget) -> Result<Picture, Fault> {
        self.settle(budget)?;
        Ok(self.picture)
    }

    /// Replaces the pixels by those that `change` makes of the settled picture.
    pub(crate) fn map(
        &mut self,
        budget: &Budget,
        change: impl FnOnce(Picture) -> Result<Picture, Fault>,
    ) -> Result<(), Fault> {
        self.settle(budget)?;
        let empty = Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![0; 3]).map_err(fault)?;
        let picture = std::mem::replace(&mut self.picture, empty);
        *self = Self::new(change(picture)?);
        Ok(())
    }
}

/// The box that is all of a picture of `size`.
pub(crate) fn whole(size: Size) -> Area {
    Area {
        left: 0.0,
        top: 0.0,
        width: f64::from(size.width),
        height: f64::from(size.height),
    }
}

/// A copy of a box of a picture.
pub(crate) fn crop_pixels(picture: &Picture, rect: Rect, budget: &Budget) -> Result<Picture, Fault> {
    let channels = picture.channels();
    let mut out = Picture::new(rect.size(), picture.layout(), [0; 4], budget).map_err(fault)?;
    let (start, length) = (rect.left as usize * channels, rect.width as usize * channels);
    for (to, from) in out.rows_mut().zip(picture.rows().skip(rect.top as usize)) {
        if let Some(from) = from.get(start..start + length) {
            to.copy_from_slice(from);
        }
    }
    Ok(out)
}
