//! The RIFF container of WebP (RFC 9649, section 2): a list of chunks, read leniently and written strictly.

use calotype_plan::{Limits, Size};

use crate::CodecError;
use crate::canvas::Disposal;

/// Flag bits of the VP8X chunk.
pub(super) const FLAG_ANIMATION: u8 = 0x02;
pub(super) const FLAG_XMP: u8 = 0x04;
pub(super) const FLAG_EXIF: u8 = 0x08;
pub(super) const FLAG_ALPHA: u8 = 0x10;
pub(super) const FLAG_ICC: u8 = 0x20;

/// Bytes of an ANMF chunk before the frame's own chunks.
const FRAME_HEAD_BYTES: usize = 16;

/// One chunk: its name, its payload, and its name, length and payload together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) name: [u8; 4],
    pub(super) payload: &'a [u8],
    whole: &'a [u8],
}

/// Walks over chunks. A chunk that claims more bytes than there are ends the walk, and `cut` says so.
#[derive(Debug, Clone)]
pub(super) struct Chunks<'a> {
    pub(super) rest: &'a [u8],
    pub(super) cut: bool,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = self.rest.split_first_chunk::<4>().and_then(|(&name, rest)| {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let payload = rest.get(..length)?;
            let whole = self.rest.get(..length.checked_add(8)?)?;
            Some(Chunk { name, payload, whole })
        });
        let Some(chunk) = chunk else {
            self.cut = true;
            self.rest = &[];
            return None;
        };
        // Payloads of odd length are padded; the last pad byte of a file is often missing.
        let step = chunk.whole.len() + chunk.payload.len() % 2;
        self.rest = self.rest.get(step..).unwrap_or_default();
        Some(chunk)
    }
}

/// A frame of an animation, on its canvas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    /// Pixels from the left side of the canvas.
    pub(super) left: u32,
    /// Pixels from the top of the canvas.
    pub(super) top: u32,
    /// Size of the frame.
    pub(super) size: Size,
    /// The frame's bitstream, with its alpha chunk if it has one, as libwebp takes it.
    pub(super) data: &'a [u8],
    /// How long it is shown.
    pub(super) duration_ms: u32,
    /// Whether it is blended with what is below instead of replacing it.
    pub(super) is_blended: bool,
    /// What becomes of it when its time is over.
    pub(super) disposal: Disposal,
}

/// Walks from frame to frame of an animation.
#[derive(Debug, Clone)]
pub(super) struct Frames<'a>(Chunks<'a>);

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let chunk = self.0.by_ref().find(|chunk| chunk.name == *b"ANMF")?;
        frame(chunk.payload).ok()
    }
}

/// What the chunks of a file say.
#[derive(Debug)]
pub(super) struct Container<'a> {
    /// Size of the picture or canvas.
    pub(super) size: Size,
    /// Whether a pixel may be transparent.
    pub(super) has_alpha: bool,
    /// Whether it is an animation, even of one frame.
    pub(super) animated: bool,
    /// Frames that are complete; 1 for a still picture.
    pub(super) frames: u32,
    /// The first frame of an animation.
    pub(super) first: Option<Frame<'a>>,
    /// The chunks after the header, where the frames are.
    chunks: Chunks<'a>,
    /// How often an animation is played; 0 is without end.
    pub(super) plays: u16,
    /// ICC profile, EXIF (without the `Exif\0\0` that some writers put in front) and XMP, where their size is within the limit.
    pub(super) icc: Option<&'a [u8]>,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) xmp: Option<&'a [u8]>,
}

impl<'a> Container<'a> {
    /// Reads all chunks of a file.
    pub(super) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        let body = match bytes.split_first_chunk::<12>() {
            Some((head, body)) if head.starts_with(b"RIFF") && head.ends_with(b"WEBP") => body,
            _ => return Err(CodecError::NotAnImage),
        };
        // Bytes behind the RIFF chunk are not part of the picture; a RIFF chunk that is longer than the file shows as a cut chunk.
        let riff_bytes = bytes
            .get(4..8)
            .and_then(|b| b.try_into().ok())
            .map_or(0, u32::from_le_bytes);
        let body_bytes = usize::try_from(riff_bytes).unwrap_or(usize::MAX).saturating_sub(4);
        let mut chunks = Chunks {
            rest: body.get(..body_bytes).unwrap_or(body),
            cut: false,
        };
        let first = chunks.next().ok_or_else(cut)?;
        match &first.name {
            b"VP8 " => Ok(Self::still(vp8_size(first.payload)?, false)),
            b"VP8L" => {
                let (size, has_alpha) = vp8l_size(first.payload)?;
                Ok(Self::still(size, has_alpha))
            }
            b"VP8X" => Self::extended(first.payload, chunks, limits),
            _ => Err(CodecError::corrupt("the first WebP chunk is not a picture")),
        }
    }

    fn still(size: Size, has_alpha: bool) -> Self {
        Self {
            size,
            has_alpha,
            animated: false,
            frames: 1,
            first: None,
            chunks: Chunks { rest: &[], cut: false },
            plays: 1,
            icc: None,
            exif: None,
            xmp: None,
        }
    }

    fn extended(vp8x: &[u8], mut chunks: Chunks<'a>, limits: &Limits) -> Result<Self, CodecError> {
        let (Some(&flags), Some(width), Some(height)) = (vp8x.first(), u24(vp8x, 4), u24(vp8x, 7)) else {
            return Err(CodecError::corrupt("the VP8X chunk of WebP is too short"));
        };
        let mut this = Self::still(
            Size::new(width.saturating_add(1), height.saturating_add(1)),
            flags & FLAG_ALPHA != 0,
        );
        this.animated = flags & FLAG_ANIMATION != 0;
        this.frames = 0;
        this.chunks = chunks.clone();
        let mut has_picture = false;
        let within = |payload: &'a [u8]| (payload.len() <= limits.metadata_bytes_max).then_some(payload);
        for chunk in chunks.by_ref() {
            match &chunk.name {
                b"ANMF" if this.animated => {
                    // A frame is the whole canvas unless it says otherwise; what it leaves uncovered is transparent.
                    let frame = frame(chunk.payload)?;
                    this.has_alpha |= frame.size != this.size;
                    this.first = this.first.or(Some(frame));
                    this.frames = this.frames.saturating_add(1);
                }
                // A background colour, which browsers ignore, and the number of plays.
                b"ANIM" => {
                    if let Some(&[low, high]) = chunk.payload.get(4..6) {
                        this.plays = u16::from_le_bytes([low, high]);
                    }
                }
                b"VP8 " | b"VP8L" if !this.animated => has_picture = true,
                b"ICCP" if this.icc.is_none() => this.icc = within(chunk.payload),
                b"EXIF" if this.exif.is_none() => {
                    this.exif = within(chunk.payload).map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
                }
                b"XMP " if this.xmp.is_none() => this.xmp = within(chunk.payload),
                _ => {}
            }
        }
        if !this.animated {
            this.frames = 1;
        }
        if !has_picture && this.first.is_none() {
            return Err(if chunks.cut {
                cut()
            } else {
                CodecError::corrupt("the WebP file holds no picture")
            });
        }
        Ok(this)
    }

    /// The frames of an animation.
    pub(super) fn frames(&self) -> Frames<'a> {
        Frames(self.chunks.clone())
    }
}

/// Writes a file with metadata around the picture that libwebp encoded. The picture of a file without metadata is passed on untouched.
pub(super) fn with_metadata(
    encoded: Vec<u8>,
    size: Size,
    icc: Option<&[u8]>,
    exif: Option<&[u8]>,
    xmp: Option<&[u8]>,
) -> Result<Vec<u8>, CodecError> {
    if icc.is_none() && exif.is_none() && xmp.is_none() {
        return Ok(encoded);
    }
    let broken = || CodecError::encode("the WebP container could not be assembled");
    let body = encoded.get(12..).ok_or_else(broken)?;
    let mut has_alpha = false;
    let mut picture: Vec<u8> = Vec::with_capacity(body.len());
    let mut chunks = Chunks { rest: body, cut: false };
    for chunk in chunks.by_ref() {
        match &chunk.name {
            b"ALPH" => has_alpha = true,
            b"VP8L" => has_alpha |= vp8l_size(chunk.payload)?.1,
            b"VP8 " => {}
            // libwebp's own VP8X, which is written anew.
            _ => continue,
        }
        push_chunk(&mut picture, chunk.name, chunk.payload).ok_or_else(broken)?;
    }
    let mut out = Vec::with_capacity(encoded.len() + 64);
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    let mut vp8x = [0; 10];
    for (flag, set) in [
        (FLAG_ALPHA, has_alpha),
        (FLAG_ICC, icc.is_some()),
        (FLAG_EXIF, exif.is_some()),
        (FLAG_XMP, xmp.is_some()),
    ] {
        vp8x[0] |= if set { flag } else { 0 };
    }
    let [w0, w1, w2, _] = size.width.checked_sub(1).ok_or_else(broken)?.to_le_bytes();
    let [h0, h1, h2, _] = size.height.checked_sub(1).ok_or_else(broken)?.to_le_bytes();
    vp8x[4..].copy_from_slice(&[w0, w1, w2, h0, h1, h2]);
    push_chunk(&mut out, *b"VP8X", &vp8x).ok_or_else(broken)?;
    if let Some(icc) = icc {
        push_chunk(&mut out, *b"ICCP", icc).ok_or_else(broken)?;
    }
    out.extend_from_slice(&picture);
    if let Some(exif) = exif {
        push_chunk(&mut out, *b"EXIF", exif).ok_or_else(broken)?;
    }
    if let Some(xmp) = xmp {
        push_chunk(&mut out, *b"XMP ", xmp).ok_or_else(broken)?;
    }
    let riff_bytes = out
        .len()
        .checked_sub(8)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(broken)?;
    out[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
    Ok(out)
}

pub(super) fn push_chunk(out: &mut Vec<u8>, name: [u8; 4], payload: &[u8]) -> Option<()> {
    out.extend_from_slice(&name);
    out.extend_from_slice(&u32::try_from(payload.len()).ok()?.to_le_bytes());
    out.extend_from_slice(payload);
    if payload.len() % 2 == 1 {
        out.push(0);
    }
    Some(())
}

/// An ANMF payload: place, size, duration and flags, then the frame's chunks.
fn frame(payload: &[u8]) -> Result<Frame<'_>, CodecError> {
    let head = |at| u24(payload, at).ok_or_else(|| CodecError::corrupt("a WebP frame is too short"));
    let (left, top) = (head(0)?.saturating_mul(2), head(3)?.saturating_mul(2));
    let size = Size::new(head(6)?.saturating_add(1), head(9)?.saturating_add(1));
    let flags = payload.get(15).copied().unwrap_or_default();
    let body = payload.get(FRAME_HEAD_BYTES..).unwrap_or_default();
    // libwebp takes an alpha chunk and the picture, and nothing unknown in front of them.
    let mut chunks = Chunks { rest: body, cut: false };
    let mut data: &[u8] = &[];
    loop {
        let here = chunks.rest;
        match chunks.next() {
            Some(Chunk { name, .. }) if matches!(&name, b"ALPH" | b"VP8 " | b"VP8L") => data = here,
            Some(_) => continue,
            None => {}
        }
        break;
    }
    Ok(Frame {
        left,
        top,
        size,
        data,
        duration_ms: head(12)?,
        is_blended: flags & 2 == 0,
        disposal: if flags & 1 == 0 {
            Disposal::Keep
        } else {
            Disposal::Clear
        },
    })
}

/// The size in the frame header of a lossy bitstream (RFC 6386, section 9.1).
fn vp8_size(payload: &[u8]) -> Result<Size, CodecError> {
    match payload {
        &[tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] if tag & 1 == 0 => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Ok(Size::new(side(w0, w1), side(h0, h1)))
        }
        _ => Err(CodecError::corrupt("the lossy WebP picture has no valid header")),
    }
}

/// The size in the header of a lossless bitstream, and whether it holds alpha (RFC 9649, section 3.4).
pub(super) fn vp8l_size(payload: &[u8]) -> Result<(Size, bool), CodecError> {
    match payload {
        &[0x2f, b0, b1, b2, b3, ..] if b3 >> 5 == 0 => {
            let bits = u32::from_le_bytes([b0, b1, b2, b3]);
            Ok((
                Size::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1),
                bits >> 28 & 1 == 1,
            ))
        }
        _ => Err(CodecError::corrupt("the lossless WebP picture has no valid header")),
    }
}

fn u24(bytes: &[u8], at: usize) -> Option<u32> {
    match *bytes.get(at..at.checked_add(3)?)? {
        [a, b, c] => Some(u32::from_le_bytes([a, b, c, 0])),
        _ => None,
    }
}

fn cut() -> CodecError {
    CodecError::corrupt("the WebP file ends too early")
}
