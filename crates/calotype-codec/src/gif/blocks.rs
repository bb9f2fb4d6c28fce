//! The structure of a GIF file: its blocks, read without decoding (GIF89a specification, sections 17 to 27).

use calotype_plan::{Rect, Size};

use crate::CodecError;
use crate::canvas::Disposal;

/// What the blocks say.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    /// The logical screen, grown to hold the first frame, as browsers do for files that are wrong here.
    pub(super) screen: Size,
    /// Image descriptors.
    pub(super) frames: u32,
    /// Pixels of all frames: of the screen, or of what is decoded if that is more.
    pub(super) frames_area: u64,
    /// Whether the first frame has a transparent colour or does not cover the screen.
    pub(super) has_transparency: bool,
    /// Whether any frame can show a pixel that is transparent.
    pub(super) any_transparency: bool,
    /// Whether the first frame is interlaced.
    pub(super) interlaced: bool,
    /// Repetitions after the first run that the file asks for; 0 is without end.
    pub(super) repetitions: Option<u16>,
    /// The XMP packet.
    pub(super) xmp: Option<&'a [u8]>,
}

impl<'a> Blocks<'a> {
    /// Reads all blocks up to the trailer, or to the first that is cut.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let mut parts = Parts::new(bytes)?;
        let mut blocks = Self {
            screen: parts.screen,
            frames: 0,
            frames_area: 0,
            has_transparency: false,
            any_transparency: false,
            interlaced: false,
            repetitions: None,
            xmp: None,
        };
        for part in parts.by_ref() {
            if blocks.frames == 0 {
                blocks.begin(&part);
            }
            blocks.frames = blocks.frames.saturating_add(1);
            let area = blocks.screen.area().max(part.area.size().area());
            blocks.frames_area = blocks.frames_area.saturating_add(area);
            // What a frame on an opaque canvas makes transparent is what it leaves when it is cleared.
            blocks.any_transparency |= blocks.has_transparency || part.disposal == Disposal::Clear;
        }
        (blocks.repetitions, blocks.xmp) = (parts.repetitions, parts.xmp);
        Ok(blocks)
    }

    /// Takes what the first frame says.
    fn begin(&mut self, part: &Part<'_>) {
        let Rect {
            left,
            top,
            width,
            height,
        } = part.area;
        // A screen of nothing is an error, and stays one.
        if !self.screen.is_empty() {
            self.screen = Size::new(
                self.screen.width.max(left + width),
                self.screen.height.max(top + height),
            );
        }
        let covers = (left, top) == (0, 0) && width >= self.screen.width && height >= self.screen.height;
        self.has_transparency = part.transparent.is_some() || !covers;
        // An opaque first frame that gives way to the empty canvas leaves it empty.
        self.any_transparency = part.disposal == Disposal::Previous;
        self.interlaced = part.interlaced;
    }
}

/// One image of the file, with what its control extension says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// Its place on the screen. It may reach beyond.
    pub(super) area: Rect,
    /// Whether its rows come in four passes.
    pub(super) interlaced: bool,
    /// Its own table of colours, or that of the file.
    pub(super) colors: Option<&'a [u8]>,
    /// The colour that lets through what is below.
    pub(super) transparent: Option<u8>,
    /// What becomes of it when its time is over.
    pub(super) disposal: Disposal,
    /// How long it is shown, in 1/100 s.
    pub(super) delay_cs: u16,
    /// Bits of a sample, as the compressed data counts them.
    pub(super) code_size: u8,
    /// The compressed data, in sub-blocks.
    pub(super) data: &'a [u8],
    /// Whether the data is closed, and the file not cut within.
    pub(super) is_whole: bool,
}

/// Walks from image to image.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    rest: &'a [u8],
    global: Option<&'a [u8]>,
    /// Of the control extension before the next image.
    transparent: Option<u8>,
    disposal: Disposal,
    delay_cs: u16,
    /// The logical screen, as the file says it.
    screen: Size,
    repetitions: Option<u16>,
    xmp: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let cut = || CodecError::corrupt("it has no GIF header");
        let (&[w0, w1, h0, h1, flags, _, _], rest) = bytes
            .get(6..)
            .and_then(|rest| rest.split_first_chunk::<7>())
            .ok_or_else(cut)?;
        let (global, rest) = color_table(flags, rest).unwrap_or((None, &[]));
        Ok(Self {
            rest,
            global,
            transparent: None,
            disposal: Disposal::Keep,
            delay_cs: 0,
            screen: Size::new(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into()),
            repetitions: None,
            xmp: None,
        })
    }

    /// Goes on to the next image; `None` at the end, and where the file is cut before one is described.
    fn advance(&mut self) -> Option<Part<'a>> {
        loop {
            let (&kind, after) = self.rest.split_first()?;
            match kind {
                // Extension: a label, then sub-blocks.
                0x21 => {
                    let (&label, content) = after.split_first()?;
                    self.rest = after_sub_blocks(content)?;
                    self.extension(label, content);
                }
                0x2c => return self.image(after),
                0x3b => return None,
                // Stray bytes, zero above all, are passed over, as by browsers.
                _ => self.rest = after,
            }
        }
    }

    /// Image descriptor, then a colour table, the code size, and sub-blocks.
    fn image(&mut self, after: &'a [u8]) -> Option<Part<'a>> {
        let (&[x0, x1, y0, y1, w0, w1, h0, h1, flags], after) = after.split_first_chunk::<9>()?;
        let [left, top, width, height] =
            [[x0, x1], [y0, y1], [w0, w1], [h0, h1]].map(|b| u32::from(u16::from_le_bytes(b)));
        let (local, after) = color_table(flags, after).unwrap_or((None, &[]));
        let (code_size, data) = after.split_first().map_or((0, after), |(&size, data)| (size, data));
        let end = after_sub_blocks(data);
        self.rest = end.unwrap_or_default();
        let part = Part {
            area: Rect::new(left, top, width, height),
            interlaced: flags & 0x40 != 0,
            colors: local.or(self.global),
            transparent: self.transparent.take(),
            disposal: self.disposal,
            delay_cs: self.delay_cs,
            code_size,
            data,
            is_whole: end.is_some(),
        };
        (self.disposal, self.delay_cs) = (Disposal::Keep, 0);
        Some(part)
    }

    fn extension(&mut self, label: u8, content: &'a [u8]) {
        let Some((first, after)) = sub_block(content) else {
            return;
        };
        match (label, first) {
            (0xf9, &[flags, d0, d1, transparent, ..]) => {
                self.transparent = (flags & 1 != 0).then_some(transparent);
                self.disposal = match flags >> 2 & 7 {
                    2 => Disposal::Clear,
                    // Some writers take the third bit for "previous"; browsers follow them.
                    3 | 4 => Disposal::Previous,
                    _ => Disposal::Keep,
                };
                self.delay_cs = u16::from_le_bytes([d0, d1]);
            }
            (0xff, b"NETSCAPE2.0" | b"ANIMEXTS1.0") => {
                // Sub-blocks are told by their first byte: 1 is the number of repetitions, 2 a hint to buffer.
                let mut rest = after;
                while let Some((block, after)) = sub_block(rest) {
                    if let (&[1, low, high, ..], None) = (block, self.repetitions) {
                        self.repetitions = Some(u16::from_le_bytes([low, high]));
                    }
                    rest = after;
                }
            }
            (0xff, b"XMP DataXMP") => {
                let packet = after
                    .len()
                    .checked_sub(self.rest.len() + 1)
                    .and_then(|n| after.get(..n));
                self.xmp = self.xmp.or_else(|| xmp_packet(packet?));
            }
            _ => {}
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let part = self.advance();
        if part.is_none() {
            self.rest = &[];
        }
        part
    }
}

/// The colour table that a packed field announces, if it does, and what follows; `None` if it is cut.
fn color_table(flags: u8, bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    if flags & 0x80 == 0 {
        return Some((None, bytes));
    }
    let (table, rest) = bytes.split_at_checked(3 << ((flags & 7) + 1))?;
    Some((Some(table), rest))
}

/// The first sub-block and what follows; `None` at the terminator and where the file is cut.
pub(super) fn sub_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    (length > 0).then(|| rest.split_at_checked(length.into()))?
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

/// XMP is not written in sub-blocks: a reader of sub-blocks jumps through it at random, and is caught by a ramp of
/// bytes at the end that leads it from anywhere to the terminator (XMP specification part 3, section 1.1.2).
fn xmp_packet(bytes: &[u8]) -> Option<&[u8]> {
    const RAMP_BYTES: usize = 257;
    let (packet, ramp) = bytes.split_at_checked(bytes.len().checked_sub(RAMP_BYTES)?)?;
    (ramp.starts_with(&[1, 0xff]) && ramp.ends_with(&[1, 0])).then_some(packet)
}
