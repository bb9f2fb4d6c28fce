//! From a line to glyphs: each from the first font that has it.

use std::cell::OnceCell;
use std::ops::Range;

use crate::TextError;
use crate::bounds::GLYPHS_MAX;
use crate::builtin;
use crate::face::{Face, Glyph};
use crate::paragraph::{self, Item};

/// The fonts that are asked for a character, in this order: the text's own, then the parts of the built-in one.
#[derive(Debug)]
pub(crate) struct Fonts<'f> {
    own: Option<Face<'f>>,
    builtin: Vec<OnceCell<Option<Face<'static>>>>,
}

/// Glyphs of one font in a row, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// The number of the font.
    pub(crate) face: usize,
    pub(crate) glyphs: Vec<Glyph>,
}

/// A line as it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Line {
    pub(crate) runs: Vec<Run>,
    pub(crate) is_rtl: bool,
}

impl<'f> Fonts<'f> {
    pub(crate) fn new(own: Option<&'f [u8]>) -> Result<Self, TextError> {
        let fonts = Self {
            own: own.map(Face::parse).transpose()?,
            builtin: (0..builtin::parts()).map(|_| OnceCell::new()).collect(),
        };
        if fonts.get(0).is_none() {
            return Err(TextError::NoBuiltinFont);
        }
        Ok(fonts)
    }

    fn len(&self) -> usize {
        self.builtin.len() + usize::from(self.own.is_some())
    }

    /// A font by its number. 0 is there.
    pub(crate) fn get(&self, number: usize) -> Option<&Face<'_>> {
        let part = match (&self.own, number) {
            (Some(own), 0) => return Some(own),
            (Some(_), _) => number - 1,
            (None, _) => number,
        };
        self.builtin.get(part)?.get_or_init(|| builtin::face(part)).as_ref()
    }

    /// Shapes a line. `glyphs_left` is what the text may still become.
    pub(crate) fn shape(
        &self,
        text: &str,
        glyphs_left: &mut usize,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Line, TextError> {
        let (items, is_rtl) = paragraph::items(text);
        let mut line = Line {
            runs: Vec::new(),
            is_rtl,
        };
        for item in items {
            let mut shaping = Shaping {
                fonts: self,
                text,
                item: &item,
                glyphs_left,
                is_late,
                runs: &mut line.runs,
            };
            shaping.part(item.part.clone(), 0)?;
        }
        Ok(line)
    }
}

/// One item on its way through the fonts.
struct Shaping<'s, 'f> {
    fonts: &'s Fonts<'f>,
    text: &'s str,
    item: &'s Item,
    glyphs_left: &'s mut usize,
    is_late: &'s dyn Fn() -> bool,
    runs: &'s mut Vec<Run>,
}

impl Shaping<'_, '_> {
    /// Shapes a part with the first font from `number` on that has any of it; what that one lacks goes to the next.
    fn part(&mut self, part: Range<usize>, number: usize) -> Result<(), TextError> {
        let characters = self.text.get(part.clone()).unwrap_or_default();
        let candidates = (number..self.fonts.len()).filter_map(|number| Some((number, self.fonts.get(number)?)));
        let found = candidates.into_iter().find(|(_, face)| face.has_any(characters));
        let Some((number, face)) = found else {
            // Nobody has it: the first font shows its glyph for what is missing.
            if let Some(face) = self.fonts.get(0) {
                let glyphs = self.shaped(face, part)?;
                self.push(0, glyphs);
            }
            return Ok(());
        };
        let glyphs = self.shaped(face, part.clone())?;
        let mut rest = glyphs.as_slice();
        while let Some(stretch) = stretch(rest) {
            rest = rest.get(stretch.len()..).unwrap_or_default();
            if stretch.iter().all(|glyph| glyph.id != 0) {
                self.push(number, stretch.to_vec());
                continue;
            }
            let start = stretch.iter().map(|glyph| glyph.cluster).min().unwrap_or(part.start);
            let last = stretch.iter().map(|glyph| glyph.cluster).max().unwrap_or(part.start);
            // Up to where the next cluster starts.
            let end = glyphs
                .iter()
                .map(|glyph| glyph.cluster)
                .filter(|&cluster| cluster > last)
                .min();
            self.part(start..end.unwrap_or(part.end), number + 1)?;
        }
        Ok(())
    }

    fn shaped(&mut self, face: &Face<'_>, part: Range<usize>) -> Result<Vec<Glyph>, TextError> {
        if (self.is_late)() {
            return Err(TextError::Late);
        }
        let glyphs = face.shape(self.text, part, self.item.script, self.item.is_rtl)?;
        *self.glyphs_left = self
            .glyphs_left
            .checked_sub(glyphs.len())
            .ok_or(TextError::TooComplex("too many glyphs of the text"))?;
        Ok(glyphs)
    }

    fn push(&mut self, face: usize, glyphs: Vec<Glyph>) {
        match self.runs.last_mut() {
            Some(run) if run.face == face => run.glyphs.extend(glyphs),
            _ => self.runs.push(Run { face, glyphs }),
        }
    }
}

/// The longest start whose clusters are all there, or all lack a glyph.
fn stretch(glyphs: &[Glyph]) -> Option<&[Glyph]> {
    let mut clusters = glyphs.chunk_by(|a, b| a.cluster == b.cluster);
    let lacks = |cluster: &[Glyph]| cluster.iter().any(|glyph| glyph.id == 0);
    let first = clusters.next()?;
    let more: usize = clusters
        .take_while(|cluster| lacks(cluster) == lacks(first))
        .map(<[Glyph]>::len)
        .sum();
    glyphs.get(..first.len() + more)
}

/// All that a text may become.
pub(crate) const fn glyphs_max() -> usize {
    GLYPHS_MAX
}
