//! The picture on its way through the operations, with the geometry that is still owed to it.
//!
//! Cuts, mirrors and turns cost nothing until something looks at the pixels: the frame keeps the pixels as stored (perhaps decoded at 1/2, 1/4 or 1/8),
//! the cut in *stored full-resolution* coordinates, and the turn that is still to be made. A resize reads the fractional cut and turns the small
//! result. So a scaled decode never shifts a picture by its `ceil()` column, and twelve megapixels are never turned.
//!
//! Nor are they held, where a resize is the first to look: then the source is decoded and resampled row by row.

use calotype_codec::{
    Budget, Chroma, ColorSource, Layout, Picture, Range, SourceMetadata, YccPicture, decode, to_srgb,
};
use calotype_plan::{Fault, Light, Rect, Size, Turn};

use crate::error::{fault, internal};
use crate::orient::{Area, TurnPixels};
use crate::output;
use crate::resample;
use crate::shrink::{self, Coded, Shrunk, Target};

/// Pixels, the part of them that counts, and what is still to be done to them.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    held: Held<'a>,
    /// Denominator of the scaled decode: the picture has `ceil(stored / scale)` pixels a side.
    scale: u8,
    /// The part that counts, in stored pixels at full resolution.
    cut: Rect,
    /// The turn that makes the cut upright.
    turn: Turn,
    /// How the samples become sRGB.
    color: ColorSource,
    /// What came with the pixels.
    metadata: SourceMetadata,
    /// The samples are those of the source's profile, which goes to the output.
    keeps_profile: bool,
    /// What a resize averages.
    light: Light,
}

#[derive(Debug)]
enum Held<'a> {
    /// Not decoded.
    Coded(Coded<'a>),
    Picture(Picture),
    /// Upright, whole, sRGB, and ready for an encoder.
    Planes(YccPicture),
}

/// A finished picture.
#[derive(Debug)]
pub(crate) enum Pixels {
    Picture(Picture),
    Planes(YccPicture),
}

impl Pixels {
    pub(crate) fn size(&self) -> Size {
        match self {
            Self::Picture(picture) => picture.size(),
            Self::Planes(planes) => planes.size(),
        }
    }

    pub(crate) fn has_transparency(&self) -> bool {
        match self {
            Self::Picture(picture) => picture.has_transparency(),
            Self::Planes(_) => false,
        }
    }
}

impl<'a> Frame<'a> {
    /// An upright sRGB picture.
    pub(crate) fn new(picture: Picture) -> Self {
        let size = picture.size();
        Self::decoded(picture, size, 1, Turn::default(), ColorSource::Srgb)
    }

    /// A picture as it was decoded from a file whose pixels are `stored` at full resolution.
    pub(crate) fn decoded(picture: Picture, stored: Size, scale: u8, turn: Turn, color: ColorSource) -> Self {
        Self {
            held: Held::Picture(picture),
            scale: scale.max(1),
            cut: Rect::of(stored),
            turn,
            color,
            metadata: SourceMetadata::default(),
            keeps_profile: false,
            light: Light::default(),
        }
    }

    /// The same, averaged as wanted.
    pub(crate) fn in_light(mut self, light: Light) -> Self {
        self.light = light;
        self
    }

    /// A source that is decoded when its pixels are needed.
    pub(crate) fn coded(coded: Coded<'a>) -> Self {
        Self {
            scale: 1,
            cut: Rect::of(coded.header.size),
            turn: Turn::from(coded.header.orientation),
            color: ColorSource::Srgb,
            metadata: SourceMetadata::default(),
            keeps_profile: false,
            light: coded.limits.light,
            held: Held::Coded(coded),
        }
    }

    /// The size as a viewer would see it.
    pub(crate) fn size(&self) -> Size {
        self.turn.apply(self.cut.size())
    }

    /// How samples lie.
    pub(crate) fn layout(&self) -> Layout {
        match &self.held {
            Held::Coded(coded) if coded.header.has_alpha => Layout::Rgba,
            Held::Coded(_) | Held::Planes(_) => Layout::Rgb,
            Held::Picture(picture) => picture.layout(),
        }
    }

    /// Whether a pixel may be transparent.
    pub(crate) fn has_transparency(&mut self, budget: &Budget) -> Result<bool, Fault> {
        Ok(self.layout() == Layout::Rgba && self.picture(budget)?.has_transparency())
    }

    /// What came with the pixels, once something has looked at them.
    pub(crate) fn metadata(&self) -> &SourceMetadata {
        &self.metadata
    }

    /// Whether the samples are those of the source's profile, which goes to the output.
    pub(crate) fn keeps_profile(&self) -> bool {
        self.keeps_profile
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

    /// The pixels as decoded; what is owed to them is still owed.
    fn picture(&mut self, budget: &Budget) -> Result<&mut Picture, Fault> {
        self.look(budget)?;
        match &mut self.held {
            Held::Picture(picture) => Ok(picture),
            Held::Coded(_) | Held::Planes(_) => Err(internal("a frame without pixels")),
        }
    }

    /// Decodes what is not decoded, and makes pixels of planes.
    pub(crate) fn look(&mut self, budget: &Budget) -> Result<(), Fault> {
        match &self.held {
            Held::Picture(_) => {}
            Held::Coded(coded) => {
                let decoded = decode(coded.bytes, coded.header, &coded.request, coded.limits, budget).map_err(fault)?;
                let keep_colors = coded.request.keep_colors;
                self.scale = decoded.scale.max(1);
                self.held = Held::Picture(decoded.picture);
                self.arrive(decoded.color, decoded.metadata, keep_colors);
            }
            Held::Planes(_) => {
                if let Held::Planes(planes) = std::mem::replace(&mut self.held, empty()?) {
                    self.held = Held::Picture(planes.into_rgb(budget).map_err(fault)?);
                }
            }
        }
        Ok(())
    }

    /// Notes what came with the pixels.
    fn arrive(&mut self, color: ColorSource, metadata: SourceMetadata, keep_colors: bool) {
        self.keeps_profile = keep_colors && metadata.icc.is_some() && color != ColorSource::Srgb;
        self.color = if self.keeps_profile { ColorSource::Srgb } else { color };
        self.metadata = metadata;
    }

    /// Nothing is owed any more to the pixels that are there now.
    fn settled(&mut self, held: Held<'a>, size: Size) {
        self.held = held;
        (self.scale, self.cut, self.turn) = (1, Rect::of(size), Turn::default());
    }

    /// A resampled copy of `area` of the upright picture, in the colours of the frame.
    fn sample(&mut self, area: Area, size: Size, budget: &Budget) -> Result<Picture, Fault> {
        self.look(budget)?;
        let Held::Picture(picture) = &self.held else {
            return Err(internal("a frame without pixels"));
        };
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
        let sampled = resample::resample(picture, view, stored, wanted, self.light, budget)?;
        self.turn.pixels(sampled, budget)
    }

    /// A resampled sRGB copy of the whole upright picture: what models and saliency look at.
    pub(crate) fn copy(&mut self, size: Size, budget: &Budget) -> Result<Picture, Fault> {
        let mut copy = self.sample(whole(self.size()), size, budget)?;
        to_srgb(&mut copy, &self.color).map_err(fault)?;
        Ok(copy)
    }

    /// Replaces the frame by `area` of it resampled to `size`, settled and in sRGB. `is_last` says that an encoder is next.
    pub(crate) fn resize(&mut self, area: Area, size: Size, is_last: bool, budget: &Budget) -> Result<(), Fault> {
        if let Held::Coded(coded) = &self.held {
            let planes = if is_last { wanted_planes(coded, size) } else { None };
            let target = Target {
                cut: self.cut,
                turn: self.turn,
                area,
                size,
                planes,
            };
            if let Some(arrived) = shrink::shrink(coded, &target, budget)? {
                let keep_colors = coded.request.keep_colors;
                self.arrive(arrived.color, arrived.metadata, keep_colors);
                let pixels = match arrived.pixels {
                    Shrunk::Planes(planes) => Held::Planes(planes),
                    Shrunk::Picture(mut picture) => {
                        to_srgb(&mut picture, &self.color).map_err(fault)?;
                        self.color = ColorSource::Srgb;
                        Held::Picture(picture)
                    }
                };
                self.settled(pixels, size);
                return Ok(());
            }
        }
        let mut picture = self.sample(area, size, budget)?;
        to_srgb(&mut picture, &self.color).map_err(fault)?;
        self.color = ColorSource::Srgb;
        self.settled(Held::Picture(picture), size);
        Ok(())
    }

    /// Does everything that is owed, so that the pixels are the upright sRGB picture and nothing else.
    pub(crate) fn settle(&mut self, budget: &Budget) -> Result<&mut Picture, Fault> {
        self.look(budget)?;
        if self.scale != 1 {
            // A scaled decode is only asked for where a resize follows at once, so this is for safety.
            let size = self.size();
            self.resize(whole(size), size, false, budget)?;
        }
        let (cut, turn) = (self.cut, self.turn);
        let picture = self.picture(budget)?;
        if cut != Rect::of(picture.size()) {
            *picture = crop_pixels(picture, cut, budget)?;
        }
        if !turn.is_none() {
            let before = std::mem::replace(picture, nothing()?);
            *picture = turn.pixels(before, budget)?;
        }
        let size = picture.size();
        (self.cut, self.turn) = (Rect::of(size), Turn::default());
        if self.color != ColorSource::Srgb {
            let color = std::mem::take(&mut self.color);
            to_srgb(self.picture(budget)?, &color).map_err(fault)?;
        }
        self.picture(budget)
    }

    /// The settled picture, or planes where the source has them and the encoder takes them.
    pub(crate) fn finish(&mut self, budget: &Budget) -> Result<Pixels, Fault> {
        if let Held::Coded(coded) = &self.held
            && coded.request.scale <= 1
            && wanted_planes(coded, self.size()).is_some()
        {
            let size = self.size();
            self.resize(whole(size), size, true, budget)?;
        }
        if let Held::Planes(_) = self.held
            && let Held::Planes(planes) = std::mem::replace(&mut self.held, empty()?)
        {
            return Ok(Pixels::Planes(planes));
        }
        self.settle(budget)?;
        match std::mem::replace(&mut self.held, empty()?) {
            Held::Picture(picture) => Ok(Pixels::Picture(picture)),
            Held::Coded(_) | Held::Planes(_) => Err(internal("a frame without pixels")),
        }
    }

    /// The settled picture.
    pub(crate) fn into_picture(mut self, budget: &Budget) -> Result<Picture, Fault> {
        self.settle(budget)?;
        match self.held {
            Held::Picture(picture) => Ok(picture),
            Held::Coded(_) | Held::Planes(_) => Err(internal("a frame without pixels")),
        }
    }

    /// Replaces the pixels by those that `change` makes of the settled picture.
    pub(crate) fn map(
        &mut self,
        budget: &Budget,
        change: impl FnOnce(Picture) -> Result<Picture, Fault>,
    ) -> Result<(), Fault> {
        let settled = self.settle(budget)?;
        let picture = change(std::mem::replace(settled, nothing()?))?;
        let size = picture.size();
        self.settled(Held::Picture(picture), size);
        Ok(())
    }

    /// Replaces the frame by an upright sRGB picture that was made from it.
    pub(crate) fn replace(&mut self, picture: Picture) {
        let size = picture.size();
        self.color = ColorSource::Srgb;
        self.settled(Held::Picture(picture), size);
    }
}

/// The planes that the answer's encoder takes, where a source becomes an answer.
fn wanted_planes(coded: &Coded<'_>, size: Size) -> Option<(Chroma, Range)> {
    output::planes(coded.answer?, coded.header, size)
}

/// What stands in for a picture while it is elsewhere.
fn nothing() -> Result<Picture, Fault> {
    Picture::from_raw(Size::new(1, 1), Layout::Rgb, vec![0; 3]).map_err(fault)
}

fn empty<'a>() -> Result<Held<'a>, Fault> {
    nothing().map(Held::Picture)
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
