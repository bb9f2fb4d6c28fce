//! Where the glyphs of a text go, and how large its picture is.
//!
//! Each line is a box as wide as its glyphs advance and as high as its fonts say; lines lie below each other at the left, those from right to left at the right. The
//! picture holds all boxes and all ink: whatever a glyph does, nothing of it is cut.

use std::collections::HashMap;

use calotype_plan::Size;

use crate::TextError;
use crate::bounds::{LINES_MAX, SIDE_PX_MAX, STEPS_MAX};
use crate::paragraph;
use crate::raster::{Bounds, Canvas, Polygon};
use crate::shape::{self, Fonts, Line};

/// What is to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The characters; line breaks start lines.
    pub text: &'a str,
    /// A TTF or OTF file, [unpacked](crate::unpack) if it was packed; without one the built-in font.
    pub font: Option<&'a [u8]>,
    /// Pixels per em.
    pub size_px: f64,
}

/// A text whose glyphs have their places.
pub struct Layout {
    size: Size,
    /// The place of the lines' own origin in the picture.
    origin: (i64, i64),
    polygons: HashMap<(usize, u32), Polygon>,
    placed: Vec<Placed>,
}

struct Placed {
    glyph: (usize, u32),
    x: f64,
    y: f64,
}

/// A line and its box.
struct Measured {
    line: Line,
    width: f64,
    ascent: i64,
    descent: i64,
    leading: i64,
}

impl Setting<'_> {
    /// Shapes the text and finds the size of its picture. `is_late` is asked now and then.
    ///
    /// # Errors
    /// When the font cannot be read, when the picture would have a side of more than 4096 px, and when it is late.
    pub fn lay_out(&self, is_late: &dyn Fn() -> bool) -> Result<Layout, TextError> {
        let fonts = Fonts::new(self.font)?;
        let mut glyphs_left = shape::glyphs_max();
        let mut lines = Vec::new();
        for text in paragraph::lines(self.text) {
            let line = fonts.shape(&text, &mut glyphs_left, is_late)?;
            lines.push(self.measure(line, &fonts));
        }
        let width = lines.iter().map(|line| line.width).fold(0.0, f64::max);
        let mut layout = Layout {
            size: Size::new(1, 1),
            origin: (0, 0),
            polygons: HashMap::new(),
            placed: Vec::new(),
        };
        let mut all = Bounds {
            left: 0.0,
            top: 0.0,
            right: width,
            bottom: 0.0,
        };
        let mut top = 0_i64;
        for measured in lines {
            let start = if measured.line.is_rtl {
                width - measured.width
            } else {
                0.0
            };
            let baseline = top.saturating_add(measured.ascent);
            all.bottom = all.bottom.max(baseline.saturating_add(measured.descent) as f64);
            layout.place(&measured.line, (start, baseline as f64), self.size_px, &fonts, &mut all)?;
            if is_late() {
                return Err(TextError::Late);
            }
            top = baseline
                .saturating_add(measured.descent)
                .saturating_add(measured.leading);
        }
        layout.fit(all)?;
        Ok(layout)
    }

    fn measure(&self, line: Line, fonts: &Fonts<'_>) -> Measured {
        let mut measured = Measured {
            line: Line::default(),
            width: 0.0,
            ascent: 0,
            descent: 0,
            leading: 0,
        };
        // The first font counts in every line, so that lines of one font are evenly spaced.
        let used = line.runs.iter().map(|run| run.face);
        for face in std::iter::once(0).chain(used).filter_map(|number| fonts.get(number)) {
            let px = |units: f64| (units * self.size_px / face.units_per_em).round() as i64;
            measured.ascent = measured.ascent.max(px(face.ascent));
            measured.descent = measured.descent.max(px(face.descent));
            measured.leading = measured.leading.max(px(face.leading));
        }
        for run in &line.runs {
            let Some(face) = fonts.get(run.face) else { continue };
            let units: i64 = run.glyphs.iter().map(|glyph| i64::from(glyph.advance)).sum();
            measured.width += units as f64 * self.size_px / face.units_per_em;
        }
        measured.line = line;
        measured
    }
}

impl Layout {
    /// Pixels of the picture.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Fills `coverage`, which has a byte for each pixel of the picture, row by row: how much of the pixel is ink. What was in it is overwritten.
    ///
    /// # Errors
    /// When painting takes more work than there is for a text, and when it is late.
    pub fn paint(&self, coverage: &mut [u8], is_late: &dyn Fn() -> bool) -> Result<(), TextError> {
        coverage.fill(0);
        let mut canvas = Canvas {
            width: self.size.width as usize,
            coverage,
        };
        let mut steps_left = STEPS_MAX;
        for placed in &self.placed {
            let Some(polygon) = self.polygons.get(&placed.glyph) else {
                continue;
            };
            let at = (placed.x + self.origin.0 as f64, placed.y + self.origin.1 as f64);
            polygon.fill(at, &mut canvas, &mut steps_left)?;
            if is_late() {
                return Err(TextError::Late);
            }
        }
        Ok(())
    }

    /// Places a line's glyphs from `start` on.
    fn place(
        &mut self,
        line: &Line,
        start: (f64, f64),
        size_px: f64,
        fonts: &Fonts<'_>,
        all: &mut Bounds,
    ) -> Result<(), TextError> {
        let (mut x, y) = start;
        for run in &line.runs {
            let Some(face) = fonts.get(run.face) else { continue };
            let scale = size_px / face.units_per_em;
            for glyph in &run.glyphs {
                let key = (run.face, glyph.id);
                if !self.polygons.contains_key(&key) {
                    let polygon = Polygon::of(&face.outline(glyph.id)?, scale);
                    let lines: usize = self.polygons.values().map(Polygon::len).sum();
                    if lines.saturating_add(polygon.len()) > LINES_MAX {
                        return Err(TextError::TooComplex("too many lines of the text"));
                    }
                    self.polygons.insert(key, polygon);
                }
                let at = (
                    x + f64::from(glyph.x_offset) * scale,
                    y - f64::from(glyph.y_offset) * scale,
                );
                if let Some(ink) = self.polygons.get(&key).and_then(Polygon::bounds) {
                    all.left = all.left.min(at.0 + ink.left);
                    all.top = all.top.min(at.1 + ink.top);
                    all.right = all.right.max(at.0 + ink.right);
                    all.bottom = all.bottom.max(at.1 + ink.bottom);
                    self.placed.push(Placed {
                        glyph: key,
                        x: at.0,
                        y: at.1,
                    });
                }
                x += f64::from(glyph.advance) * scale;
            }
        }
        Ok(())
    }

    /// Settles the picture around everything.
    fn fit(&mut self, all: Bounds) -> Result<(), TextError> {
        // An edge within a thousandth of a pixel's border takes no pixel more: sums of floats are not exact.
        const SLACK_PX: f64 = 1e-3;
        let (left, top) = ((all.left + SLACK_PX).floor(), (all.top + SLACK_PX).floor());
        let side = |start: f64, end: f64| ((end - SLACK_PX).ceil() - start).clamp(1.0, 1e9) as u32;
        let (width, height) = (side(left, all.right), side(top, all.bottom));
        if width > SIDE_PX_MAX || height > SIDE_PX_MAX {
            return Err(TextError::TooLarge { width, height });
        }
        self.size = Size::new(width, height);
        self.origin = (-left as i64, -top as i64);
        Ok(())
    }
}

impl std::fmt::Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layout")
            .field("size", &self.size)
            .field("glyphs", &self.placed.len())
            .finish_non_exhaustive()
    }
}
