//! Fonts of boxes: small enough to reckon with by hand, and to be made hostile.
//!
//! Written by the OpenType specification (<https://learn.microsoft.com/typography/opentype/spec/otff>) and Adobe's technical notes 5176 and 5177 for CFF.

/// A font to be written. Glyph 0 is what is shown for characters that it lacks.
#[derive(Debug, Clone)]
pub struct BoxFont {
    /// Units that the size of the font stands for.
    pub units_per_em: u16,
    /// Units above the baseline.
    pub ascent: i16,
    /// Units below the baseline, a negative number.
    pub descent: i16,
    /// Units between lines.
    pub line_gap: i16,
    /// The glyphs by their numbers.
    pub glyphs: Vec<BoxGlyph>,
}

/// A glyph of boxes.
#[derive(Debug, Clone, Default)]
pub struct BoxGlyph {
    /// The character that it stands for.
    pub character: Option<char>,
    /// Units to the next glyph.
    pub advance: u16,
    /// Left, bottom, right and top of each box.
    pub boxes: Vec<[i16; 4]>,
    /// Numbers of glyphs that it is made of instead (TrueType alone).
    pub components: Vec<u16>,
}

impl BoxGlyph {
    /// A glyph of one box.
    #[must_use]
    pub fn new(character: char, advance: u16, left_bottom_right_top: [i16; 4]) -> Self {
        Self {
            character: Some(character),
            advance,
            boxes: vec![left_bottom_right_top],
            components: Vec::new(),
        }
    }
}

impl Default for BoxFont {
    /// 1000 units per em, 800 above and 200 below the baseline; without any glyph but a narrow box for what is missing.
    fn default() -> Self {
        Self {
            units_per_em: 1000,
            ascent: 800,
            descent: -200,
            line_gap: 0,
            glyphs: vec![BoxGlyph {
                character: None,
                advance: 300,
                boxes: vec![[100, 0, 200, 500]],
                components: Vec::new(),
            }],
        }
    }
}

impl BoxFont {
    /// The font with these glyphs beside its first.
    #[must_use]
    pub fn with(mut self, glyphs: impl IntoIterator<Item = BoxGlyph>) -> Self {
        self.glyphs.extend(glyphs);
        self
    }

    /// A TrueType font.
    #[must_use]
    pub fn truetype(&self) -> Vec<u8> {
        let (mut glyf, mut loca) = (Vec::new(), Vec::new());
        for glyph in &self.glyphs {
            loca.extend((glyf.len() as u32).to_be_bytes());
            glyf.extend(glyph.truetype());
            glyf.resize(glyf.len().next_multiple_of(4), 0);
        }
        loca.extend((glyf.len() as u32).to_be_bytes());
        let mut maxp = 0x0001_0000_u32.to_be_bytes().to_vec();
        maxp.extend((self.glyphs.len() as u16).to_be_bytes());
        maxp.resize(32, 0);
        let mut tables = self.tables();
        tables.extend([(*b"glyf", glyf), (*b"loca", loca), (*b"maxp", maxp)]);
        sfnt(0x0001_0000, tables)
    }

    /// An OpenType font with PostScript outlines.
    #[must_use]
    pub fn cff(&self) -> Vec<u8> {
        let programs: Vec<Vec<u8>> = self.glyphs.iter().map(BoxGlyph::charstring).collect();
        self.cff_of(&programs, &[])
    }

    /// The same with outline programs and global subroutines of one's own.
    #[must_use]
    pub fn cff_of(&self, programs: &[Vec<u8>], subroutines: &[Vec<u8>]) -> Vec<u8> {
        let head = [1, 0, 4, 1];
        let names = index(&[b"Boxes".to_vec()]);
        let subroutines = index(subroutines);
        let programs = index(programs);
        let number = |value: usize| {
            let mut bytes = vec![29];
            bytes.extend((value as u32).to_be_bytes());
            bytes
        };
        // Numbers of five bytes, so that the length does not depend on them.
        let dict = |charstrings: usize, private: usize| {
            [number(charstrings), vec![17], number(0), number(private), vec![18]].concat()
        };
        let strings = index(&[]);
        let before = head.len() + names.len() + index(&[dict(0, 0)]).len() + strings.len() + subroutines.len();
        let dicts = index(&[dict(before, before + programs.len())]);
        let table = [head.to_vec(), names, dicts, strings, subroutines, programs].concat();
        let mut maxp = 0x0000_5000_u32.to_be_bytes().to_vec();
        maxp.extend((self.glyphs.len() as u16).to_be_bytes());
        let mut tables = self.tables();
        tables.extend([(*b"CFF ", table), (*b"maxp", maxp)]);
        sfnt(u32::from_be_bytes(*b"OTTO"), tables)
    }

    /// The tables that both kinds have.
    fn tables(&self) -> Vec<([u8; 4], Vec<u8>)> {
        let mut head = Vec::new();
        head.extend(0x0001_0000_u32.to_be_bytes());
        head.extend([0; 8]);
        head.extend(0x5f0f_3cf5_u32.to_be_bytes());
        head.extend([0, 0]);
        head.extend(self.units_per_em.to_be_bytes());
        head.extend([0; 28]);
        // Long offsets in `loca`.
        head.extend([0, 2, 0, 1, 0, 0]);
        let mut hhea = 0x0001_0000_u32.to_be_bytes().to_vec();
        for value in [self.ascent, self.descent, self.line_gap] {
            hhea.extend(value.to_be_bytes());
        }
        hhea.extend([0; 24]);
        hhea.extend((self.glyphs.len() as u16).to_be_bytes());
        let mut hmtx = Vec::new();
        for glyph in &self.glyphs {
            hmtx.extend(glyph.advance.to_be_bytes());
            hmtx.extend(glyph.bounds()[0].to_be_bytes());
        }
        let mut characters: Vec<(u32, u32)> = (0..)
            .zip(&self.glyphs)
            .filter_map(|(number, glyph)| Some((u32::from(glyph.character?), number)))
            .collect();
        characters.sort_unstable();
        // One subtable of format 12 for all of Unicode.
        let mut cmap = vec![0, 0, 0, 1, 0, 3, 0, 10, 0, 0, 0, 12, 0, 12, 0, 0];
        cmap.extend((16 + 12 * characters.len() as u32).to_be_bytes());
        cmap.extend([0; 4]);
        cmap.extend((characters.len() as u32).to_be_bytes());
        for (character, number) in characters {
            for value in [character, character, number] {
                cmap.extend(value.to_be_bytes());
            }
        }
        vec![(*b"cmap", cmap), (*b"head", head), (*b"hhea", hhea), (*b"hmtx", hmtx)]
    }
}

impl BoxGlyph {
    /// Left, bottom, right and top of all boxes.
    fn bounds(&self) -> [i16; 4] {
        let side =
            |side: usize, pick: fn(i16, i16) -> i16| self.boxes.iter().map(|b| b[side]).reduce(pick).unwrap_or(0);
        [
            side(0, i16::min),
            side(1, i16::min),
            side(2, i16::max),
            side(3, i16::max),
        ]
    }

    fn truetype(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some((last, others)) = self.components.split_last() {
            out.extend([0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
            for (number, more) in others.iter().map(|n| (n, 0x20)).chain([(last, 0)]) {
                // Words, which are distances.
                out.extend([0, 0x03 | more]);
                out.extend(number.to_be_bytes());
                out.extend([0; 4]);
            }
            return out;
        }
        if self.boxes.is_empty() {
            return out;
        }
        out.extend((self.boxes.len() as i16).to_be_bytes());
        for value in self.bounds() {
            out.extend(value.to_be_bytes());
        }
        for contour in 1..=self.boxes.len() as u16 {
            out.extend((contour * 4 - 1).to_be_bytes());
        }
        out.extend([0, 0]);
        // Every point is on the curve, and its distances are words.
        out.resize(out.len() + self.boxes.len() * 4, 1);
        // Clockwise, as the specification wants it.
        let corners =
            |&[left, bottom, right, top]: &[i16; 4]| [(left, bottom), (left, top), (right, top), (right, bottom)];
        let points: Vec<(i16, i16)> = self.boxes.iter().flat_map(corners).collect();
        for axis in [|point: (i16, i16)| point.0, |point: (i16, i16)| point.1] {
            let mut last = 0;
            for point in &points {
                out.extend((axis(*point) - last).to_be_bytes());
                last = axis(*point);
            }
        }
        out
    }

    fn charstring(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |out: &mut Vec<u8>, value: i16| {
            out.push(28);
            out.extend(value.to_be_bytes());
        };
        let (mut x, mut y) = (0, 0);
        for &[left, bottom, right, top] in &self.boxes {
            number(&mut out, left - x);
            number(&mut out, bottom - y);
            out.push(21);
            for (value, operator) in [(right - left, 6), (top - bottom, 7), (left - right, 6)] {
                number(&mut out, value);
                out.push(operator);
            }
            (x, y) = (left, top);
        }
        out.push(14);
        out
    }
}

/// The font in a WOFF file whose tables are stored as they are.
#[must_use]
pub fn woff(font: &[u8]) -> Vec<u8> {
    let u32_at = |at: usize| u32::from_be_bytes([font[at], font[at + 1], font[at + 2], font[at + 3]]);
    let count = usize::from(u16::from_be_bytes([font[4], font[5]]));
    let (mut directory, mut data) = (Vec::new(), Vec::new());
    for entry in 0..count {
        let at = 12 + 16 * entry;
        let (offset, length) = (u32_at(at + 8) as usize, u32_at(at + 12) as usize);
        directory.extend(&font[at..at + 4]);
        directory.extend((44 + 20 * count as u32 + data.len() as u32).to_be_bytes());
        directory.extend((length as u32).to_be_bytes());
        directory.extend((length as u32).to_be_bytes());
        directory.extend(&font[at + 4..at + 8]);
        data.extend(&font[offset..offset + length]);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut out = b"wOFF".to_vec();
    out.extend(&font[..4]);
    out.extend((44 + directory.len() as u32 + data.len() as u32).to_be_bytes());
    out.extend((count as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend((font.len() as u32).to_be_bytes());
    out.extend([0; 24]);
    out.extend(directory);
    out.extend(data);
    out
}

fn sfnt(flavor: u32, mut tables: Vec<([u8; 4], Vec<u8>)>) -> Vec<u8> {
    tables.sort_unstable_by_key(|table| table.0);
    let count = tables.len() as u16;
    let powers = 15 - count.leading_zeros() as u16;
    let mut out = flavor.to_be_bytes().to_vec();
    for value in [count, 16 << powers, powers, count * 16 - (16 << powers)] {
        out.extend(value.to_be_bytes());
    }
    let mut offset = 12 + 16 * tables.len();
    for (tag, table) in &tables {
        let sum = table.chunks(4).fold(0_u32, |sum, word| {
            let mut bytes = [0; 4];
            bytes[..word.len()].copy_from_slice(word);
            sum.wrapping_add(u32::from_be_bytes(bytes))
        });
        out.extend(tag);
        for value in [sum, offset as u32, table.len() as u32] {
            out.extend(value.to_be_bytes());
        }
        offset += table.len().next_multiple_of(4);
    }
    for (_, table) in &tables {
        out.extend(table);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

/// A CFF INDEX.
fn index(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = (items.len() as u16).to_be_bytes().to_vec();
    if items.is_empty() {
        return out;
    }
    out.push(4);
    let mut offset = 1_u32;
    out.extend(offset.to_be_bytes());
    for item in items {
        offset += item.len() as u32;
        out.extend(offset.to_be_bytes());
    }
    out.extend(items.concat());
    out
}
