//! The outlines of glyphs, in units of the font.
//!
//! Glyphs may be made of glyphs, and programs of programs, so that a few bytes can ask for more work than there is time. The library bounds how deep they go, not
//! how much comes of it; that is done here, before it draws a composed glyph, and between the programs that it asks for.

use std::cell::Cell;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlineGlyphCollection, OutlineGlyphFormat, OutlinePen};
use skrifa::raw::ps::cff::CffFontRef;
use skrifa::raw::ps::cff::blend::BlendState;
use skrifa::raw::ps::cff::index::Index;
use skrifa::raw::ps::cs::{self, CharstringContext, CharstringKind, TransformSink};
use skrifa::raw::ps::error::Error as CffError;
use skrifa::raw::tables::glyf::{Glyf, Glyph};
use skrifa::raw::tables::loca::Loca;
use skrifa::raw::types::GlyphId;
use skrifa::raw::{FontRef, TableProvider};

use crate::TextError;
use crate::bounds::{CHARSTRING_BYTES_MAX, COMPONENT_DEPTH_MAX, COMPONENTS_MAX, SEGMENTS_MAX};

/// A place on the plane: x to the right, y up.
pub(crate) type Point = (f32, f32);

/// A piece of an outline; every piece starts where the one before it ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Segment {
    Move(Point),
    Line(Point),
    Quad(Point, Point),
    Cubic(Point, Point, Point),
    /// Back to the last move.
    Close,
}

/// The shape of a glyph.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outline {
    pub(crate) segments: Vec<Segment>,
    /// More segments came than are kept.
    is_cut: bool,
}

/// Where the outlines of a font are.
pub(crate) enum Outlines<'f> {
    TrueType {
        glyphs: OutlineGlyphCollection<'f>,
        loca: Loca<'f>,
        glyf: Glyf<'f>,
    },
    Cff(Box<CffFontRef<'f>>),
}

impl<'f> Outlines<'f> {
    pub(crate) fn of(font: &FontRef<'f>, units_per_em: u16) -> Result<Self, TextError> {
        if let (Ok(loca), Ok(glyf)) = (font.loca(None), font.glyf())
            && let Some(glyphs) = OutlineGlyphCollection::with_format(font, OutlineGlyphFormat::Glyf)
        {
            return Ok(Self::TrueType { glyphs, loca, glyf });
        }
        let upem = Some(i32::from(units_per_em));
        let cff = match (font.cff2(), font.cff()) {
            (Ok(table), _) => Some(CffFontRef::new_cff2(table.offset_data().as_bytes(), upem)),
            (_, Ok(table)) => Some(CffFontRef::new_cff(table.offset_data().as_bytes(), 0, upem)),
            _ => None,
        };
        match cff {
            Some(Ok(cff)) => Ok(Self::Cff(Box::new(cff))),
            Some(Err(_)) => Err(TextError::Broken("its outlines cannot be read")),
            None => Err(TextError::Unsupported("it has no outlines")),
        }
    }

    /// The outline of a glyph; one that is damaged or that the font lacks is empty.
    pub(crate) fn get(&self, id: u32) -> Result<Outline, TextError> {
        let id = GlyphId::new(id);
        let mut outline = Outline::default();
        match self {
            Self::TrueType { glyphs, loca, glyf } => {
                let mut left = COMPONENTS_MAX;
                count_components(loca, glyf, id, COMPONENT_DEPTH_MAX, &mut left)?;
                if let Some(glyph) = glyphs.get(id) {
                    let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
                    if glyph.draw(settings, &mut outline).is_err() {
                        outline.segments.clear();
                    }
                }
            }
            Self::Cff(cff) => {
                if draw_charstring(cff, id, &mut outline).is_err() {
                    outline.segments.clear();
                }
            }
        }
        if outline.is_cut {
            return Err(TextError::TooComplex("a glyph of too many pieces"));
        }
        Ok(outline)
    }
}

/// Fails when a glyph is made of more glyphs than are drawn.
fn count_components(
    loca: &Loca<'_>,
    glyf: &Glyf<'_>,
    id: GlyphId,
    depth_left: u32,
    left: &mut u32,
) -> Result<(), TextError> {
    const TOO_MANY: TextError = TextError::TooComplex("a glyph of too many glyphs");
    *left = left.checked_sub(1).ok_or(TOO_MANY)?;
    let depth_left = depth_left.checked_sub(1).ok_or(TOO_MANY)?;
    if let Ok(Some(Glyph::Composite(composite))) = loca.get_glyf(id, glyf) {
        for (component, _) in composite.component_glyphs_and_flags() {
            count_components(loca, glyf, component.into(), depth_left, left)?;
        }
    }
    Ok(())
}

fn draw_charstring(cff: &CffFontRef<'_>, id: GlyphId, outline: &mut Outline) -> Result<(), CffError> {
    let subfont = cff.subfont(cff.subfont_index(id).unwrap_or(0), &[])?;
    let subrs = match subfont.subrs_offset() {
        0 => Index::Empty,
        offset => Index::new(
            cff.data().get(offset as usize..).unwrap_or_default(),
            cff.version() == 2,
        )?,
    };
    let charstrings = cff.charstrings();
    let program = charstrings.get(id.to_u32() as usize)?;
    let context = Bounded {
        inner: (cff.data(), charstrings, cff.global_subrs(), &subrs),
        bytes_left: Cell::new(CHARSTRING_BYTES_MAX),
    };
    let program = context.charged(Ok(program))?;
    let blend = match cff.var_store() {
        Some(store) => Some(BlendState::new(store.clone(), &[], subfont.vs_index())?),
        None => None,
    };
    let mut sink = TransformSink::new(outline, cff.transform(&subfont, None));
    cs::evaluate(&context, blend, program, &mut sink)?;
    Ok(())
}

/// The programs of a CFF font, until so many bytes of them were asked for.
struct Bounded<C> {
    inner: C,
    bytes_left: Cell<usize>,
}

impl<C> Bounded<C> {
    fn charged<'b>(&self, program: Result<&'b [u8], CffError>) -> Result<&'b [u8], CffError> {
        let program = program?;
        // An empty program costs its call.
        let left = self.bytes_left.get().checked_sub(program.len().saturating_add(4));
        self.bytes_left
            .set(left.ok_or(CffError::CharstringNestingDepthLimitExceeded)?);
        Ok(program)
    }
}

impl<C: CharstringContext> CharstringContext for Bounded<C> {
    fn kind(&self) -> CharstringKind {
        self.inner.kind()
    }

    fn seac_components(&self, base_code: i32, accent_code: i32) -> Result<[&[u8]; 2], CffError> {
        let [base, accent] = self.inner.seac_components(base_code, accent_code)?;
        Ok([self.charged(Ok(base))?, self.charged(Ok(accent))?])
    }

    fn global_subr(&self, index: i32) -> Result<&[u8], CffError> {
        self.charged(self.inner.global_subr(index))
    }

    fn subr(&self, index: i32) -> Result<&[u8], CffError> {
        self.charged(self.inner.subr(index))
    }
}

impl Outline {
    fn push(&mut self, segment: Segment) {
        if self.segments.len() < SEGMENTS_MAX {
            self.segments.push(segment);
        } else {
            self.is_cut = true;
        }
    }
}

impl OutlinePen for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.push(Segment::Move((x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.push(Segment::Line((x, y)));
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        self.push(Segment::Quad((cx0, cy0), (x, y)));
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.push(Segment::Cubic((cx0, cy0), (cx1, cy1), (x, y)));
    }

    fn close(&mut self) {
        self.push(Segment::Close);
    }
}

#[cfg(test)]
impl Outline {
    pub(crate) fn of_segments(segments: Vec<Segment>) -> Self {
        Self {
            segments,
            is_cut: false,
        }
    }
}
