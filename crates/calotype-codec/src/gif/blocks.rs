//! The structure of a GIF file: its blocks, read without decoding (GIF89a specification, sections 17 to 27).

use calotype_plan::Size;

use crate::CodecError;

/// What the blocks say.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The logical screen, grown to hold the first frame, as browsers do for files that are wrong here.
    pub(super) screen: Size,
    /// Image descriptors.
    pub(super) frames: u32,
    /// Whether the first frame has a transparent colour or does not cover the screen.
    pub(super) has_transparency: bool,
    /// Whether the first frame is interlaced.
    pub(super) interlaced: bool,
}

impl Blocks {
    /// Reads all blocks up to the trailer, or to the first that is cut.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        let cut = || CodecError::corrupt("it has no GIF header");
        let (&[w0, w1, h0, h1, flags, _, _], rest) = bytes
            .get(6..)
            .and_then(|rest| rest.split_first_chunk::<7>())
            .ok_or_else(cut)?;
        let mut blocks = Self {
            screen: Size::new(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into()),
            frames: 0,
            has_transparency: false,
            interlaced: false,
        };
        let _ = blocks.walk(rest.get(color_table_bytes(flags)..).unwrap_or_default());
        Ok(blocks)
    }

    /// Walks from block to block; `None` where the file ends too early.
    fn walk(&mut self, mut rest: &[u8]) -> Option<()> {
        let mut transparent = false;
        loop {
            let (&kind, after) = rest.split_first()?;
            match kind {
                // Extension: a label, then sub-blocks.
                0x21 => {
                    let (&label, after) = after.split_first()?;
                    if label == 0xf9 {
                        transparent = after.get(1)? & 1 != 0;
                    }
                    rest = after_sub_blocks(after)?;
                }
                // Image descriptor, then a colour table, the code size, and sub-blocks.
                0x2c => {
                    let (&[x0, x1, y0, y1, w0, w1, h0, h1, flags], after) = after.split_first_chunk::<9>()?;
                    if self.frames == 0 {
                        let place = [[x0, x1], [y0, y1], [w0, w1], [h0, h1]].map(|b| u32::from(u16::from_le_bytes(b)));
                        let [left, top, width, height] = place;
                        // A screen of nothing is an error, and stays one.
                        if !self.screen.is_empty() {
                            self.screen = Size::new(
                                self.screen.width.max(left + width),
                                self.screen.height.max(top + height),
                            );
                        }
                        let covers =
                            (left, top) == (0, 0) && width >= self.screen.width && height >= self.screen.height;
                        self.has_transparency = transparent || !covers;
                        self.interlaced = flags & 0x40 != 0;
                    }
                    self.frames = self.frames.saturating_add(1);
                    transparent = false;
                    rest = after_sub_blocks(after.get(color_table_bytes(flags) + 1..)?)?;
                }
                0x3b => return Some(()),
                // Stray bytes, zero above all, are passed over, as by browsers.
                _ => rest = after,
            }
        }
    }
}

/// Bytes of the colour table that a packed field announces.
fn color_table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn after_sub_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, after) = rest.split_first()?;
        if length == 0 {
            return Some(after);
        }
        rest = after.get(usize::from(length)..)?;
    }
}
