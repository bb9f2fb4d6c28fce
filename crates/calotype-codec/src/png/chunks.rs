//! The structure of a PNG file: its chunks, read without decoding (PNG 3rd edition, sections 5 and 11).

use std::io::Read;
use std::sync::Arc;

use calotype_plan::{Limits, Size};

use crate::color::{Conversion, gamma_is_srgb};
use crate::{CodecError, ColorProfile, ColorSource};

/// What the chunks say.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    pub(super) size: Size,
    pub(super) bit_depth: u8,
    color_type: u8,
    pub(super) interlaced: bool,
    has_trns: bool,
    /// The grey that is transparent, if samples have fewer bits than the tRNS chunk says.
    pub(super) wide_gray_key: Option<u8>,
    /// Frames and plays that the animation header names, and frame headers that are there.
    animation: Option<(u32, u32)>,
    frame_headers: u32,
    srgb: bool,
    iccp: Option<&'a [u8]>,
    cicp: Option<[u8; 4]>,
    gamma: Option<f64>,
    chromaticities: Option<[[f64; 2]; 4]>,
    /// EXIF.
    pub(super) exif: Option<&'a [u8]>,
    /// What follows the keyword of the text chunk that holds XMP.
    xmp: Option<&'a [u8]>,
}

/// The colour type of samples that name colours of a palette.
const INDEXED: u8 = 3;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

impl<'a> Chunks<'a> {
    /// Reads all chunks up to the end, or to the first that is cut. Checksums are left to the decoder.
    pub(super) fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, CodecError> {
        let no_header = || CodecError::corrupt("it has no PNG header");
        let mut rest = bytes.strip_prefix(SIGNATURE).ok_or(CodecError::NotAnImage)?;
        let (name, header, after) = chunk(rest).ok_or_else(no_header)?;
        let &[w3, w2, w1, w0, h3, h2, h1, h0, bit_depth, color_type, _, _, interlace] = header else {
            return Err(no_header());
        };
        if name != b"IHDR" {
            return Err(no_header());
        }
        let mut chunks = Self {
            size: Size::new(
                u32::from_be_bytes([w3, w2, w1, w0]),
                u32::from_be_bytes([h3, h2, h1, h0]),
            ),
            bit_depth,
            color_type,
            interlaced: interlace == 1,
            has_trns: false,
            wide_gray_key: None,
            animation: None,
            frame_headers: 0,
            srgb: false,
            iccp: None,
            cicp: None,
            gamma: None,
            chromaticities: None,
            exif: None,
            xmp: None,
        };
        rest = after;
        let mut before_data = true;
        while let Some((name, content, after)) = chunk(rest) {
            rest = after;
            match name {
                b"IEND" => break,
                b"IDAT" => before_data = false,
                b"fcTL" => chunks.frame_headers = chunks.frame_headers.saturating_add(1),
                b"eXIf" if content.len() <= limits.metadata_bytes_max => {
                    chunks.exif.get_or_insert(content);
                }
                b"iTXt" if content.len() <= limits.metadata_bytes_max => {
                    if let Some(text) = content.strip_prefix(b"XML:com.adobe.xmp\0") {
                        chunks.xmp.get_or_insert(text);
                    }
                }
                // The decoder counts on whole colours, and on no more than a sample of 8 bits can name (PNG 3rd edition, section 11.2.2).
                b"PLTE" if color_type == INDEXED && (content.len() > 3 * 256 || content.len() % 3 != 0) => {
                    return Err(CodecError::corrupt("the length of its palette is wrong"));
                }
                // What describes the samples has to come before them.
                _ if before_data => chunks.take(name, content),
                _ => {}
            }
        }
        Ok(chunks)
    }

    fn take(&mut self, name: &[u8; 4], content: &'a [u8]) {
        let number = |index: usize| {
            content
                .get(index * 4..)
                .and_then(|c| c.first_chunk())
                .map(|&b| u32::from_be_bytes(b))
        };
        match name {
            b"acTL" => self.animation = number(0).zip(number(1)),
            b"tRNS" => {
                self.has_trns = true;
                if let (0, 1 | 2 | 4, &[high, low]) = (self.color_type, self.bit_depth, content) {
                    let most = u8::MAX >> (8 - self.bit_depth);
                    // Only the low bits count (PNG 3rd edition, section 11.3.1.1); the key is wanted in 8 bits.
                    self.wide_gray_key = (high != 0 || low > most).then(|| (low & most) * (255 / most));
                }
            }
            b"sRGB" => self.srgb = true,
            b"iCCP" => {
                self.iccp.get_or_insert(content);
            }
            b"cICP" => self.cicp = content.try_into().ok(),
            b"gAMA" => self.gamma = number(0).map(|v| f64::from(v) / 100_000.0),
            b"cHRM" => {
                let value = |index| number(index).map(|v| f64::from(v) / 100_000.0);
                let point = |index| Some([value(index)?, value(index + 1)?]);
                self.chromaticities = match (point(0), point(2), point(4), point(6)) {
                    (Some(white), Some(red), Some(green), Some(blue)) => Some([white, red, green, blue]),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    /// Whether a pixel can be transparent.
    pub(super) fn has_alpha(&self) -> bool {
        self.has_trns || matches!(self.color_type, 4 | 6)
    }

    /// The conversion to sRGB of samples of 16 bits, which is done while they still have them.
    pub(super) fn wide_conversion(&self, color: &ColorSource, keep_colors: bool) -> Option<Arc<Conversion>> {
        if self.bit_depth == 16 {
            color.deep_conversion(keep_colors)
        } else {
            None
        }
    }

    /// Whether pixels have one channel and perhaps alpha.
    fn is_gray(&self) -> bool {
        matches!(self.color_type, 0 | 4)
    }

    /// Frames of the animation that are really there; 1 without one. A default image that is no frame does not count.
    pub(super) fn frames(&self) -> u32 {
        self.animation
            .map_or(1, |(named, _)| named.min(self.frame_headers).max(1))
    }

    /// How often the animation is played, 0 without end; `None` if there is none.
    pub(super) fn plays(&self) -> Option<u32> {
        self.animation
            .filter(|&(named, _)| named.min(self.frame_headers) > 0)
            .map(|(_, plays)| plays)
    }

    /// The unpacked ICC profile.
    pub(super) fn icc(&self, limits: &Limits) -> Option<Vec<u8>> {
        let content = self.iccp?;
        let name_end = content.iter().take(80).position(|&b| b == 0)?;
        // After the name a compression method, which is always 0.
        inflate(content.get(name_end + 2..)?, limits.metadata_bytes_max)
    }

    /// The XMP packet, unpacked if it is compressed.
    pub(super) fn xmp(&self, limits: &Limits) -> Option<Vec<u8>> {
        let &[compressed, _method, ref rest @ ..] = self.xmp? else {
            return None;
        };
        // Language tag and translated keyword, each closed by a NUL.
        let mut parts = rest.splitn(3, |&b| b == 0);
        let text = parts.nth(2)?;
        if compressed == 1 {
            inflate(text, limits.metadata_bytes_max)
        } else {
            Some(text.to_vec())
        }
    }

    /// How samples become sRGB: by the first of cICP, iCCP, sRGB, gAMA with cHRM that is there (PNG 3rd edition,
    /// section 4.3).
    pub(super) fn color_source(&self, icc: Option<Vec<u8>>) -> ColorSource {
        if let Some([primaries, transfer, 0, _]) = self.cicp {
            return ColorSource::from_cicp(primaries, transfer);
        }
        if let Some(icc) = icc {
            return ColorSource::from_icc(icc);
        }
        match self.gamma {
            Some(gamma) if !self.srgb => {
                // Chromaticities mean nothing for greys.
                let chromaticities = self.chromaticities.filter(|_| !self.is_gray());
                if gamma_is_srgb(gamma, chromaticities) {
                    ColorSource::Srgb
                } else {
                    ColorSource::GammaChrm { gamma, chromaticities }
                }
            }
            _ => ColorSource::Srgb,
        }
    }

    /// The report of the above.
    pub(super) fn color_profile(&self, limits: &Limits) -> ColorProfile {
        if let Some([primaries, transfer, matrix @ 0, full]) = self.cicp {
            return if ColorSource::from_cicp(primaries, transfer).is_srgb() {
                ColorProfile::Srgb
            } else {
                ColorProfile::Cicp {
                    primaries,
                    transfer,
                    matrix,
                    full_range: full != 0,
                }
            };
        }
        if let Some(icc) = self.icc(limits) {
            return ColorProfile::from_icc(&icc);
        }
        match (self.srgb, self.color_source(None)) {
            (true, _) => ColorProfile::Srgb,
            (_, ColorSource::GammaChrm { .. }) => ColorProfile::Gamma,
            _ if self.gamma.is_some() => ColorProfile::Srgb,
            _ => ColorProfile::Untagged,
        }
    }
}

/// Name, content and rest after the chunk that begins here; `None` if it is cut.
pub(super) fn chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (&length, rest) = bytes.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(length) as usize;
    let content = rest.get(..length)?;
    // The checksum may be missing at the very end.
    Some((name, content, rest.get(length..)?.get(4..).unwrap_or_default()))
}

/// Unpacks a zlib stream of at most `bytes_max` bytes; `None` if it is broken or longer.
fn inflate(packed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    flate2::read::ZlibDecoder::new(packed)
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut out)
        .ok()?;
    (out.len() <= bytes_max && !out.is_empty()).then_some(out)
}
