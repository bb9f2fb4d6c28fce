//! One font, parsed.

use harfrust::{Direction, Script, ShapeOptions, ShaperData, UnicodeBuffer};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::Metrics;
use skrifa::raw::types::Tag;
use skrifa::raw::{FileRef, TableProvider};
use skrifa::{FontRef, MetadataProvider};

use crate::TextError;
use crate::bounds::LOOKUPS_MAX;
use crate::contained::contained;
use crate::outline::{Outline, Outlines};

/// A font whose tables have been looked at, at its default instance.
pub(crate) struct Face<'f> {
    font: FontRef<'f>,
    shaper: ShaperData,
    charmap: Charmap<'f>,
    outlines: Outlines<'f>,
    /// Units that the size of the font stands for.
    pub(crate) units_per_em: f64,
    /// Units above the baseline.
    pub(crate) ascent: f64,
    /// Units below the baseline, a positive number.
    pub(crate) descent: f64,
    /// Units between lines.
    pub(crate) leading: f64,
}

/// A glyph where the shaper put it, in units of its font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub(crate) id: u32,
    /// The byte of the line where its cluster starts.
    pub(crate) cluster: usize,
    pub(crate) x_offset: i32,
    pub(crate) y_offset: i32,
    pub(crate) advance: i32,
}

impl<'f> Face<'f> {
    /// Reads a TTF or OTF file; of a collection the first font.
    pub(crate) fn parse(bytes: &'f [u8]) -> Result<Self, TextError> {
        contained(|| Self::read(bytes))
    }

    fn read(bytes: &'f [u8]) -> Result<Self, TextError> {
        let font = match FileRef::new(bytes) {
            Ok(FileRef::Font(font)) => font,
            Ok(FileRef::Collection(fonts)) => fonts
                .get(0)
                .map_err(|_| TextError::Broken("its first font cannot be read"))?,
            Err(_) => return Err(TextError::NotAFont),
        };
        let head = font
            .head()
            .map_err(|_| TextError::Broken("the table head is missing"))?;
        let units_per_em = head.units_per_em();
        if !(16..=16_384).contains(&units_per_em) {
            return Err(TextError::Broken("its units per em are out of range"));
        }
        let lookups = [
            font.gsub()
                .ok()
                .and_then(|table| table.lookup_list().ok().map(|list| list.lookup_count())),
            font.gpos()
                .ok()
                .and_then(|table| table.lookup_list().ok().map(|list| list.lookup_count())),
        ];
        if lookups.iter().flatten().any(|&count| count > LOOKUPS_MAX) {
            return Err(TextError::Broken("it has too many rules"));
        }
        let outlines = Outlines::of(&font, units_per_em)?;
        let metrics = Metrics::new(&font, Size::unscaled(), LocationRef::default());
        let (mut ascent, mut descent) = (f64::from(metrics.ascent), -f64::from(metrics.descent));
        let em = f64::from(units_per_em);
        if ascent + descent <= 0.0 {
            (ascent, descent) = (0.8 * em, 0.2 * em);
        }
        Ok(Self {
            shaper: ShaperData::new(&font),
            charmap: font.charmap(),
            outlines,
            units_per_em: em,
            ascent,
            descent,
            leading: f64::from(metrics.leading).max(0.0),
            font,
        })
    }

    /// Whether the font has a glyph for any of the characters.
    pub(crate) fn has_any(&self, text: &str) -> bool {
        text.chars()
            .any(|c| self.charmap.map(c).is_some_and(|id| id.to_u32() != 0))
    }

    /// The glyphs of a part of a line, from left to right.
    pub(crate) fn shape(
        &self,
        line: &str,
        part: std::ops::Range<usize>,
        script: [u8; 4],
        is_rtl: bool,
    ) -> Result<Vec<Glyph>, TextError> {
        contained(|| {
            let mut buffer = UnicodeBuffer::new();
            for (index, c) in line.get(part.clone()).unwrap_or_default().char_indices() {
                let cluster = u32::try_from(part.start + index).unwrap_or(u32::MAX);
                buffer.add(c, cluster);
            }
            // What stands beside the part decides how letters join.
            buffer.set_pre_context(line.get(..part.start).unwrap_or_default());
            buffer.set_post_context(line.get(part.end..).unwrap_or_default());
            buffer.set_direction(if is_rtl {
                Direction::RightToLeft
            } else {
                Direction::LeftToRight
            });
            buffer.set_script(Script::from_iso15924_tag(Tag::new(&script)).unwrap_or(harfrust::script::COMMON));
            let shaper = self.shaper.shaper(&self.font).build();
            let shaped = shaper.shape(buffer, ShapeOptions::new());
            let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
            Ok(glyphs
                .map(|(info, position)| Glyph {
                    id: info.glyph_id,
                    cluster: info.cluster as usize,
                    x_offset: position.x_offset,
                    y_offset: position.y_offset,
                    advance: position.x_advance,
                })
                .collect())
        })
    }

    /// The outline of a glyph.
    pub(crate) fn outline(&self, id: u32) -> Result<Outline, TextError> {
        contained(|| self.outlines.get(id))
    }
}

impl std::fmt::Debug for Face<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Face")
            .field("units_per_em", &self.units_per_em)
            .field("ascent", &self.ascent)
            .field("descent", &self.descent)
            .finish_non_exhaustive()
    }
}
